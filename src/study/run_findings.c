/* What follows from all runs together: published figures beside measured ones, warnings. */
#include "base/alloc.h"
#include "eval/compare.h"
#include "study/analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_done(const hg_planned_run *run) { return strcmp(run->record.status, "done") == 0; }

/* ---- published figures: against the mean over the seeds that are done */

enum { MOST_SEEDS = 256 };

/* The figure of every finished run of the model that has it. */
static hg_code gather_measured(hg_runner *runner, const hg_study_published *published, double *values, int *count,
                               hg_error *error) {
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < runner->count && *count < MOST_SEEDS; i++) {
    if (runner->runs[i].model != published->model || !is_done(&runner->runs[i])) continue;
    code = hg_runner_metric(runner, &runner->runs[i].record, published->metric, &values[*count], error);
    *count += code == HG_OK && !isnan(values[*count]);
  }
  return code;
}

static hg_code measure(hg_runner *runner, const hg_study_published *published, hg_published *row, hg_error *error) {
  double values[MOST_SEEDS], deviation;
  *row = (hg_published){.published = published->value};
  snprintf(row->run, sizeof row->run, "%s", runner->study->models[published->model].name);
  snprintf(row->metric, sizeof row->metric, "%s", published->metric);
  snprintf(row->id, sizeof row->id, "%s", published->id);
  hg_code code = gather_measured(runner, published, values, &row->seeds, error);
  hg_mean_interval(values, row->seeds, &row->measured, &deviation, &row->low, &row->high);
  int64_t images = runner->data[runner->study->models[published->model].data].test->count;
  if (row->seeds == 1 && strncmp(row->metric, "test.accuracy", strlen("test.accuracy")) == 0)
    hg_wilson(llround(row->measured * (double)images), images, &row->low, &row->high);
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

static hg_code put_warnings(hg_runner *runner, hg_error *error) {
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < runner->study->data_count; i++) code = warn_of_data(runner, i, error);
  for (int i = 0; code == HG_OK && i < runner->count; i++) {
    const hg_run_record *record = &runner->runs[i].record;
    if (strcmp(record->status, "diverged") != 0 && strcmp(record->status, "failed") != 0) continue;
    code = hg_runner_warn(runner, error, record->status, "%s with seed %llu %s: %s", record->name,
                          (unsigned long long)record->seed, record->status, record->message);
  }
  if (code == HG_OK) code = hg_store_put_warnings(runner->store, runner->warnings, (int)runner->warning_count, error);
  return code;
}

/* Comparisons take their time, so they keep their rows by themselves. */
hg_code hg_runner_conclude(hg_runner *runner, hg_error *error) {
  hg_runner_analyses(runner, NULL, "images that stand in two parts of the data");
  hg_code code = hg_runner_find_leaks(runner, error);
  hg_runner_analyses(runner, NULL, "differences that are real");
  if (code == HG_OK) code = hg_runner_compare(runner, error);
  if (code == HG_OK) code = hg_store_begin(runner->store, error);
  if (code != HG_OK) return code;
  code = put_published(runner, error);
  if (code == HG_OK) code = put_warnings(runner, error);
  return hg_store_finish(runner->store, code, error);
}
