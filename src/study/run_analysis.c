/* After the runs: what each of them, and each data set, still has to tell. */
#include "base/alloc.h"
#include "base/file.h"
#include "study/analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

hg_code hg_runner_metric(hg_runner *runner, const hg_run_record *record, const char *name, double *value, hg_error *error) {
  hg_metric *metrics = NULL;
  int count = 0;
  *value = (double)NAN;
  hg_code code = hg_store_list_metrics(runner->store, record->id, &metrics, &count, error);
  for (int i = 0; code == HG_OK && i < count; i++)
    if (strcmp(metrics[i].name, name) == 0) *value = metrics[i].value;
  hg_free(metrics);
  return code;
}

hg_code hg_runner_put_metric(hg_runner *runner, const hg_run_record *record, const char *name, double value, hg_error *error) {
  return isnan(value) ? HG_OK : hg_store_put_metric(runner->store, record->id, name, value, error);
}

/* What cannot be found out is told, and does not undo the runs. */
static hg_code tolerate(hg_runner *runner, hg_code code, const char *what, const char *name, const hg_error *cause,
                        hg_error *error) {
  if (code == HG_OK) return HG_OK;
  if (code == HG_NO_MEMORY || code == HG_INTERRUPTED) return hg_fail(error, code, cause->place, "%s", cause->message);
  return hg_runner_warn(runner, error, "analysis", "%s of %s could not be found: %s%s%s", what, name, cause->place,
                        cause->place[0] == '\0' ? "" : ": ", cause->message);
}

/* The model's run of the least seed that is done, which the page shows. */
static bool is_shown(const hg_runner *runner, int index) {
  for (int i = 0; i < runner->count; i++) {
    const hg_planned_run *run = &runner->runs[i], *asked = &runner->runs[index];
    if (run->model == asked->model && run->seed < asked->seed && strcmp(run->record.status, "done") == 0) return false;
  }
  return true;
}

static hg_code map_codes(hg_runner *runner, const hg_planned_run *run, hg_error *error) {
  return hg_runner_map_codes(runner, run, is_shown(runner, (int)(run - runner->runs)), error);
}

static hg_code analyse_run(hg_runner *runner, int index, hg_error *error) {
  static const struct {
    hg_code (*step)(hg_runner *runner, const hg_planned_run *run, hg_error *error);
    const char *what;
    bool of_networks;
  } steps[] = {{hg_runner_score_classes, "scores by class", false},
               {hg_runner_put_training, "figures of the training", true},
               {hg_runner_measure_denoising, "denoising", true},
               {hg_runner_average_views, "test-time augmentation", true},
               {map_codes, "a map of codes", true}};
  const hg_planned_run *run = &runner->runs[index];
  bool network = runner->study->models[run->model].kind == HG_MODEL_NETWORK;
  hg_code code = HG_OK;
  for (size_t i = 0; code == HG_OK && i < sizeof steps / sizeof steps[0]; i++) {
    hg_error cause = {0};
    if (steps[i].of_networks && !network) continue;
    hg_runner_analyses(runner, run, steps[i].what);
    code = tolerate(runner, steps[i].step(runner, run, &cause), steps[i].what, run->record.name, &cause, error);
  }
  return code;
}

static hg_code analyse_data(hg_runner *runner, int index, hg_error *error) {
  hg_error cause = {0};
  const char *name = runner->study->data[index].name;
  return tolerate(runner, hg_runner_store_thumbnails(runner, index, &cause), "thumbnails", name, &cause, error);
}

/* Runs of other seeds too, which this call does not look at. */
static hg_code drop_unwanted(hg_runner *runner, hg_error *error) {
  hg_code code = hg_store_list_runs(runner->store, &runner->stored, &runner->stored_count, error);
  for (int i = 0; code == HG_OK && i < runner->stored_count; i++) {
    const hg_run_record *record = &runner->stored[i];
    int model = hg_study_find_model(runner->study, record->name);
    code = hg_runner_drop_views(runner, record, model, error);
    if (code == HG_OK) code = hg_runner_drop_codes(runner, record, model, error);
  }
  return code;
}

hg_code hg_runner_analyse(hg_runner *runner, hg_error *error) {
  hg_code code = drop_unwanted(runner, error);
  for (int i = 0; code == HG_OK && i < runner->count; i++) {
    if (strcmp(runner->runs[i].record.status, "done") != 0) continue;
    code = hg_runner_go_on(runner, error);
    if (code == HG_OK) code = analyse_run(runner, i, error);
  }
  if (code == HG_OK) code = hg_runner_go_on(runner, error);
  for (int i = 0; code == HG_OK && i < runner->study->data_count; i++) code = analyse_data(runner, i, error);
  return code;
}
