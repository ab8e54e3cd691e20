/* Figures on the training and validation images. */
#include "base/alloc.h"
#include "study/analysis.h"

#include <math.h>
#include <stdio.h>

static const hg_epoch *kept_epoch(const hg_epoch *epochs, int count, int best) {
  if (count == 0) return NULL;
  return best >= 1 && best <= count ? &epochs[best - 1] : &epochs[count - 1];
}

static hg_code put_epoch(hg_runner *runner, const hg_planned_run *run, const hg_epoch *epoch, hg_error *error) {
  bool squares = runner->study->models[run->model].losses.reconstruction == HG_MSE;
  const struct {
    const char *name;
    double value;
  } figures[] = {{"train.accuracy", epoch->accuracy},
                 {"train.reconstruction_loss", epoch->reconstruction_loss},
                 {"train.classification_loss", epoch->classification_loss},
                 {"train.center_loss", epoch->center_loss},
                 {"train.mse", squares ? epoch->reconstruction_loss : (double)NAN},
                 {"validation.loss", epoch->val_loss},
                 {"validation.accuracy", epoch->val_accuracy},
                 {"validation.reconstruction_loss", epoch->val_reconstruction_loss},
                 {"validation.classification_loss", epoch->val_classification_loss},
                 {"validation.center_loss", epoch->val_center_loss},
                 {"validation.mse", squares ? epoch->val_reconstruction_loss : (double)NAN},
                 {"train.loss", epoch->loss}}; /* last: it says that all is there */
  hg_code code = hg_store_begin(runner->store, error);
  if (code != HG_OK) return code;
  for (size_t i = 0; code == HG_OK && i < sizeof figures / sizeof figures[0]; i++)
    code = hg_runner_put_metric(runner, &run->record, figures[i].name, figures[i].value, error);
  return hg_store_finish(runner->store, code, error);
}

hg_code hg_runner_put_training(hg_runner *runner, const hg_planned_run *run, hg_error *error) {
  hg_epoch *epochs = NULL;
  int count = 0;
  double loss = (double)NAN;
  hg_code code = hg_runner_metric(runner, &run->record, "train.loss", &loss, error);
  if (code != HG_OK || !isnan(loss)) return code;
  code = hg_store_get_history(runner->store, run->record.id, &epochs, &count, error);
  const hg_epoch *kept = code == HG_OK ? kept_epoch(epochs, count, run->record.best_epoch) : NULL;
  if (kept != NULL) code = put_epoch(runner, run, kept, error);
  hg_free(epochs);
  return code;
}
