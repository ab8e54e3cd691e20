/* How far a figure that is a mean over the test images differs from image to image, from a run's predictions: the interval of a
 * single seed comes from it. */
#include "base/alloc.h"
#include "eval/compare.h"
#include "eval/metrics.h"
#include "store/predictions.h"
#include "study/analysis.h"

#include <math.h>

static hg_code put_deviation(hg_runner *runner, const hg_run_record *record, const char *figure, const float *values,
                             int64_t count, hg_error *error) {
  char name[HG_FIGURE_NAME];
  return hg_runner_put_metric(runner, record, hg_deviation_name(figure, name), hg_deviation(values, count), error);
}

static hg_code put_images(hg_runner *runner, const hg_run_record *record, const hg_safetensors *file, hg_error *error) {
  static const struct {
    const char *figure, *tensor;
  } images[] = {{"test.mse", "reconstruction_mse"}, {"test.psnr", "reconstruction_psnr"}, {"test.ssim", "reconstruction_ssim"}};
  hg_code code = HG_OK;
  for (size_t i = 0; code == HG_OK && i < sizeof images / sizeof images[0]; i++) {
    const hg_named_tensor *values = hg_safetensors_find(file, images[i].tensor);
    if (values == NULL || values->dtype != HG_F32 || values->rank != 1) continue;
    code = put_deviation(runner, record, images[i].figure, values->data, values->dim[0], error);
  }
  return code;
}

/* What was trained may be the log loss itself, and is then called `test.loss` too. */
static hg_code put_log_loss(hg_runner *runner, const hg_run_record *record, const hg_predictions *p, hg_error *error) {
  double loss, log_loss;
  hg_code code = hg_runner_metric(runner, record, "test.loss", &loss, error);
  if (code == HG_OK) code = hg_runner_metric(runner, record, "test.log_loss", &log_loss, error);
  if (code != HG_OK) return code;
  float *losses = hg_malloc((size_t)p->count * sizeof *losses);
  if (losses == NULL) return hg_fail_memory(error, "losses by image", (size_t)p->count * sizeof *losses);
  for (int64_t i = 0; code == HG_OK && i < p->count; i++) {
    if (p->labels[i] < 0 || p->labels[i] >= p->classes)
      code = hg_fail(error, HG_DATA, record->name, "label %d of its predictions is not in 0..%d", p->labels[i], p->classes - 1);
    else
      losses[i] = (float)hg_log_loss_of(p->probabilities[i * p->classes + p->labels[i]]);
  }
  if (code == HG_OK) code = put_deviation(runner, record, "test.log_loss", losses, p->count, error);
  if (code == HG_OK && loss == log_loss) code = put_deviation(runner, record, "test.loss", losses, p->count, error);
  hg_free(losses);
  return code;
}

static hg_code put_all(hg_runner *runner, const hg_run_record *record, const hg_safetensors *file, const hg_predictions *p,
                       hg_error *error) {
  hg_code code = hg_store_begin(runner->store, error);
  if (code != HG_OK) return code;
  code = put_images(runner, record, file, error);
  if (code == HG_OK && p->probabilities != NULL && p->labels != NULL) code = put_log_loss(runner, record, p, error);
  return hg_store_finish(runner->store, code, error);
}

/* Whether the figure is there and its deviation is not. */
static hg_code lacks(hg_runner *runner, const hg_run_record *record, const char *figure, bool *lacking, hg_error *error) {
  char name[HG_FIGURE_NAME];
  double value, deviation;
  hg_code code = hg_runner_metric(runner, record, figure, &value, error);
  if (code == HG_OK) code = hg_runner_metric(runner, record, hg_deviation_name(figure, name), &deviation, error);
  *lacking = code == HG_OK && !isnan(value) && isnan(deviation);
  return code;
}

hg_code hg_runner_measure_spread(hg_runner *runner, const hg_planned_run *run, hg_error *error) {
  bool images = false, classes = false;
  char *path = NULL;
  hg_safetensors file = {0};
  hg_predictions found = {0};
  hg_code code = lacks(runner, &run->record, "test.mse", &images, error);
  if (code == HG_OK) code = lacks(runner, &run->record, "test.log_loss", &classes, error);
  if (code != HG_OK || (!images && !classes)) return code;
  code = hg_store_run_file(runner->store, &run->record, "predictions.safetensors", &path, error);
  if (code == HG_OK) code = hg_safetensors_read(path, &file, error);
  if (code == HG_OK) code = hg_predictions_find(&file, path, &found, error);
  if (code == HG_OK) code = put_all(runner, &run->record, &file, &found, error);
  hg_safetensors_release(&file);
  hg_free(path);
  return code;
}
