/* Scores in detail, from a run's predictions. */
#include "base/alloc.h"
#include "base/file.h"
#include "eval/calibration.h"
#include "eval/curves.h"
#include "store/predictions.h"
#include "study/analysis.h"

static hg_code put_classes(hg_runner *runner, int64_t run, const hg_classification_report *report,
                           const hg_ranking_scores *ranking, hg_error *error) {
  hg_class_row *rows = hg_calloc((size_t)report->classes, sizeof *rows);
  if (rows == NULL) return hg_fail_memory(error, "scores by class", (size_t)report->classes * sizeof *rows);
  for (int k = 0; k < report->classes; k++) {
    const hg_class_scores *scores = &report->per_class[k];
    rows[k] = (hg_class_row){
        k, scores->support, scores->precision, scores->recall, scores->f1, ranking->average_precision[k], ranking->roc_auc[k]};
  }
  hg_code code = hg_store_put_classes(runner->store, run, rows, report->classes, error);
  hg_free(rows);
  return code;
}

static hg_code put_confusion(hg_runner *runner, int64_t run, const hg_classification_report *report, hg_error *error) {
  size_t capacity = (size_t)report->classes * (size_t)report->classes;
  hg_confusion_cell *cells = hg_malloc(capacity * sizeof *cells);
  if (cells == NULL) return hg_fail_memory(error, "confusion matrix", capacity * sizeof *cells);
  int count = 0;
  for (int truth = 0; truth < report->classes; truth++)
    for (int predicted = 0; predicted < report->classes; predicted++) {
      int64_t images = report->confusion[(int64_t)truth * report->classes + predicted];
      if (images > 0) cells[count++] = (hg_confusion_cell){truth, predicted, images};
    }
  hg_code code = hg_store_put_confusion(runner->store, run, cells, count, error);
  hg_free(cells);
  return code;
}

static hg_code put_calibration(hg_runner *runner, const hg_run_record *record, const hg_predictions *p, hg_error *error) {
  hg_calibration calibration;
  hg_calibration_row rows[HG_CALIBRATION_BINS];
  hg_code code = hg_calibration_of(p->probabilities, p->labels, p->count, p->classes, &calibration, error);
  if (code != HG_OK) return code;
  for (int i = 0; i < HG_CALIBRATION_BINS; i++) {
    const hg_calibration_bin *bin = &calibration.bins[i];
    rows[i] = (hg_calibration_row){bin->low, bin->high, bin->count, bin->confidence, bin->accuracy};
  }
  code = hg_store_put_calibration(runner->store, record->id, rows, HG_CALIBRATION_BINS, error);
  if (code == HG_OK) code = hg_runner_put_metric(runner, record, "test.calibration_error", calibration.expected_error, error);
  if (code == HG_OK) code = hg_runner_put_metric(runner, record, "test.brier", calibration.brier, error);
  return code;
}

static hg_code put_figures(hg_runner *runner, const hg_run_record *record, const hg_classification_report *report,
                           const hg_ranking_scores *ranking, hg_error *error) {
  const struct {
    const char *name;
    double value;
  } figures[] = {{"test.macro_precision", report->macro.precision},
                 {"test.macro_recall", report->macro.recall},
                 {"test.weighted_precision", report->weighted.precision},
                 {"test.weighted_recall", report->weighted.recall},
                 {"test.average_precision_macro", ranking->macro_average_precision},
                 {"test.average_precision_micro", ranking->micro_average_precision},
                 {"test.roc_auc_macro", ranking->macro_roc_auc},
                 {"test.roc_auc_micro", ranking->micro_roc_auc}};
  hg_code code = HG_OK;
  for (size_t i = 0; code == HG_OK && i < sizeof figures / sizeof figures[0]; i++)
    code = hg_runner_put_metric(runner, record, figures[i].name, figures[i].value, error);
  return code;
}

static hg_code put_scores(hg_runner *runner, const hg_run_record *record, const hg_predictions *p,
                          const hg_classification_report *report, const hg_ranking_scores *ranking, hg_error *error) {
  hg_code code = hg_store_begin(runner->store, error);
  if (code != HG_OK) return code;
  code = put_figures(runner, record, report, ranking, error);
  if (code == HG_OK) code = put_confusion(runner, record->id, report, error);
  if (code == HG_OK) code = put_calibration(runner, record, p, error);
  if (code == HG_OK) code = put_classes(runner, record->id, report, ranking, error);
  return hg_store_finish(runner->store, code, error);
}

static hg_code score(hg_runner *runner, const hg_run_record *record, const hg_predictions *p, hg_error *error) {
  hg_classification_report report = {0};
  hg_ranking_scores ranking = {0};
  hg_code code = hg_classification_report_new(p->probabilities, p->labels, p->count, p->classes, &report, error);
  if (code == HG_OK) code = hg_ranking_scores_new(p->ranking, p->labels, p->count, p->classes, &ranking, error);
  if (code == HG_OK) code = put_scores(runner, record, p, &report, &ranking, error);
  hg_ranking_scores_release(&ranking);
  hg_classification_report_release(&report);
  return code;
}

static hg_code is_scored(hg_runner *runner, const hg_run_record *record, bool *scored, hg_error *error) {
  hg_class_row *rows = NULL;
  int count = 0;
  hg_code code = hg_store_get_classes(runner->store, record->id, &rows, &count, error);
  hg_free(rows);
  *scored = count > 0;
  return code;
}

hg_code hg_runner_score_classes(hg_runner *runner, const hg_planned_run *run, hg_error *error) {
  bool scored = false;
  char *path = NULL;
  hg_safetensors file = {0};
  hg_code code = is_scored(runner, &run->record, &scored, error);
  if (code != HG_OK || scored) return code;
  code = hg_store_run_file(runner->store, &run->record, "predictions.safetensors", &path, error);
  if (code == HG_OK) code = hg_safetensors_read(path, &file, error);
  hg_predictions found = {0};
  if (code == HG_OK) code = hg_predictions_find(&file, path, &found, error);
  if (code == HG_OK && found.probabilities != NULL) code = score(runner, &run->record, &found, error);
  hg_safetensors_release(&file);
  hg_free(path);
  return code;
}
