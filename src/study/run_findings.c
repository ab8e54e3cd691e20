/* What follows from all runs together: published figures beside measured ones, warnings. */
#include "base/alloc.h"
#include "eval/compare.h"
#include "eval/metrics.h"
#include "study/analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool hg_runner_is_done(const hg_runner *runner, const hg_run_record *record, int model) {
  return strcmp(record->status, "done") == 0 && strcmp(record->name, runner->study->models[model].name) == 0;
}

/* ---- published figures: against the mean over the seeds that are done */

/* The figure of every finished run of the model that has it, and how far one is spread over the test images. */
static hg_code gather_measured(hg_runner *runner, const hg_study_published *published, double *values, int *count, double *spread,
                               hg_error *error) {
  char name[HG_FIGURE_NAME];
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < runner->stored_count && *count < HG_MOST_SEEDS; i++) {
    const hg_run_record *record = &runner->stored[i];
    if (!hg_runner_is_done(runner, record, published->model)) continue;
    code = hg_runner_metric(runner, record, published->metric, &values[*count], error);
    if (code == HG_OK) code = hg_runner_metric(runner, record, hg_deviation_name(published->metric, name), spread, error);
    *count += code == HG_OK && !isnan(values[*count]);
  }
  return code;
}

static hg_code measure(hg_runner *runner, const hg_study_published *published, hg_published *row, hg_error *error) {
  double values[HG_MOST_SEEDS], deviation;
  hg_images_spread spread = {0, NAN};
  *row = (hg_published){.published = published->value};
  snprintf(row->run, sizeof row->run, "%s", runner->study->models[published->model].name);
  snprintf(row->metric, sizeof row->metric, "%s", published->metric);
  snprintf(row->id, sizeof row->id, "%s", published->id);
  hg_code code = gather_measured(runner, published, values, &row->seeds, &spread.deviation, error);
  bool tested = strncmp(row->metric, "test.", strlen("test.")) == 0;
  if (tested) spread.images = runner->data[runner->study->models[published->model].data].test->count;
  hg_seeds_interval(row->metric, values, row->seeds, spread, &row->measured, &deviation, &row->low, &row->high);
  return code;
}

static hg_code put_published(hg_runner *runner, hg_error *error) {
  const hg_study *study = runner->study;
  hg_published *rows = hg_calloc((size_t)study->published_count + 1, sizeof *rows);
  if (rows == NULL) return hg_fail_memory(error, "published figures", (size_t)study->published_count * sizeof *rows);
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < study->published_count; i++) code = measure(runner, &study->published[i], &rows[i], error);
  if (code == HG_OK) code = hg_store_put_published(runner->store, rows, study->published_count, error);
  hg_free(rows);
  return code;
}

/* ---- warnings */

static hg_code warn_of_data(hg_runner *runner, int index, hg_error *error) {
  const char *name = runner->study->data[index].name;
  const hg_data *data = &runner->data[index];
  if (data->validation != NULL) return HG_OK;
  return hg_runner_warn(runner, error, "no-validation",
                        "The data %s keeps no images for validation: whatever was chosen by looking at results was chosen on the "
                        "test set.",
                        name);
}

/* The loss of a reconstruction means nothing on values that sum to 1 over the image. */
static hg_code warn_of_outputs(hg_runner *runner, hg_error *error) {
  const char *first = NULL;
  char more[48] = "";
  int count = 0;
  for (int i = 0; i < runner->study->model_count; i++) {
    const hg_model *model = &runner->study->models[i];
    if (hg_model_last_activation(model, HG_DECODER) != HG_SOFTMAX) continue;
    if (count++ == 0) first = model->name;
  }
  if (count == 0) return HG_OK;
  if (count > 1) snprintf(more, sizeof more, " and %d more model%s", count - 1, count == 2 ? "" : "s");
  return hg_runner_warn(runner, error, "softmax-output",
                        "The decoder%s of %s%s end%s in a softmax: the pixels of an image then sum to 1, so that no two can be "
                        "white, and the reconstruction's loss cannot fall far. A sigmoid lets every pixel be what it is.",
                        count == 1 ? "" : "s", first, more, count == 1 ? "s" : "");
}

static hg_code warn_of_run(hg_runner *runner, const hg_run_record *record, hg_error *error) {
  if (strcmp(record->status, "diverged") != 0 && strcmp(record->status, "failed") != 0) return HG_OK;
  return hg_runner_warn(runner, error, record->status, "%s with seed %llu %s: %s", record->name, (unsigned long long)record->seed,
                        record->status, record->message);
}

static bool is_known(const hg_runner *runner, const hg_warning *warning) {
  for (size_t i = 0; i < runner->warning_count; i++)
    if (strcmp(runner->warnings[i].code, warning->code) == 0 && strcmp(runner->warnings[i].message, warning->message) == 0)
      return true;
  return false;
}

/* After a stop: what an earlier call warned of, and this one did not come to look at. */
static hg_code keep_warnings(hg_runner *runner, hg_error *error) {
  static const char *const found_at_once[] = {"no-validation", "softmax-output", "diverged", "failed"};
  hg_warning *rows = NULL;
  int count = 0;
  hg_code code = hg_store_get_warnings(runner->store, &rows, &count, error);
  for (int i = 0; code == HG_OK && i < count; i++) {
    bool kept = !is_known(runner, &rows[i]);
    for (size_t k = 0; k < sizeof found_at_once / sizeof found_at_once[0]; k++)
      kept = kept && strcmp(rows[i].code, found_at_once[k]) != 0;
    if (kept) code = hg_runner_warn(runner, error, rows[i].code, "%s", rows[i].message);
  }
  hg_free(rows);
  return code;
}

static hg_code put_warnings(hg_runner *runner, hg_error *error) {
  hg_code code = warn_of_outputs(runner, error);
  for (int i = 0; code == HG_OK && i < runner->study->data_count; i++) code = warn_of_data(runner, i, error);
  for (int i = 0; code == HG_OK && i < runner->stored_count; i++) code = warn_of_run(runner, &runner->stored[i], error);
  if (code == HG_OK) code = hg_store_put_warnings(runner->store, runner->warnings, (int)runner->warning_count, error);
  return code;
}

/* ---- all */

/* They take their time, so they keep their rows by themselves. */
static hg_code find_leaks_and_differences(hg_runner *runner, hg_error *error) {
  hg_code code = hg_runner_go_on(runner, error);
  if (code != HG_OK) return code;
  hg_runner_analyses(runner, NULL, "images that stand in two parts of the data");
  code = hg_runner_find_leaks(runner, error);
  if (code != HG_OK) return code;
  hg_runner_analyses(runner, NULL, "differences that are real");
  return hg_runner_compare(runner, error);
}

hg_code hg_runner_conclude(hg_runner *runner, hg_error *error) {
  hg_code found = find_leaks_and_differences(runner, error);
  if (found != HG_OK && found != HG_INTERRUPTED) return found;
  hg_error *own = found == HG_OK ? error : NULL; /* an interruption is what the caller has to know */
  hg_code code = hg_store_begin(runner->store, own);
  if (code != HG_OK) return code;
  code = put_published(runner, own);
  if (code == HG_OK && found == HG_INTERRUPTED) code = keep_warnings(runner, own);
  if (code == HG_OK) code = put_warnings(runner, own);
  code = hg_store_finish(runner->store, code, own);
  return found == HG_OK ? code : found;
}
