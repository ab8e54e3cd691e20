/* One run of a network: build, take over an encoder, train, evaluate. */
#include "base/alloc.h"
#include "base/file.h"
#include "study/analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- building */

/* The file may have been cut, or changed for another's, since. */
static hg_code check_weights(const hg_planned_run *run, const hg_network *network, const char *path, hg_error *error) {
  char digest[HG_SHA256_SIZE];
  hg_code code = hg_network_digest(network, digest, error);
  if (code != HG_OK || strcmp(digest, run->record.weights_sha256) == 0) return code;
  return hg_fail(error, HG_DATA, path, "these are not the weights that were trained: their SHA-256 begins with %.12s, not %.12s",
                 digest, run->record.weights_sha256);
}

hg_code hg_runner_trained(hg_runner *runner, const hg_planned_run *run, hg_network **network, hg_error *error) {
  char *path = NULL;
  hg_code code = hg_store_run_file(runner->store, &run->record, "weights.safetensors", &path, error);
  if (code == HG_OK) code = hg_study_network(runner->study, run->model, network, error);
  if (code == HG_OK) {
    code = hg_network_load(*network, path, error);
    if (code == HG_OK) code = check_weights(run, *network, path, error);
    if (code == HG_USAGE || code == HG_DATA) hg_store_tell_mend(error, path);
  }
  hg_free(path);
  return code;
}

static hg_code take_encoder(hg_runner *runner, const hg_planned_run *run, hg_network *network, hg_error *error) {
  if (run->needs < 0) return HG_OK;
  hg_network *trained = NULL;
  hg_code code = hg_runner_trained(runner, &runner->runs[run->needs], &trained, error);
  if (code == HG_OK) code = hg_network_copy_block(network, trained, HG_ENCODER, error);
  hg_network_free(trained);
  return code;
}

static hg_code build(hg_runner *runner, const hg_planned_run *run, hg_network **network, hg_error *error) {
  hg_code code = hg_study_network(runner->study, run->model, network, error);
  if (code == HG_OK) code = hg_network_initialize(*network, run->seed, error);
  if (code == HG_OK) code = take_encoder(runner, run, *network, error);
  if (code == HG_OK && runner->study->models[run->model].freeze) hg_network_freeze(*network, HG_ENCODER, true);
  return code;
}

static hg_code store_layers(hg_runner *runner, hg_planned_run *run, const hg_network *network, hg_error *error) {
  hg_layer_row *rows = NULL;
  int count = 0;
  hg_code code = hg_study_layers(network, &rows, &count, error);
  if (code == HG_OK) code = hg_store_put_layers(runner->store, run->record.id, rows, count, error);
  hg_free(rows);
  return code;
}

/* ---- training */

static bool on_progress(void *context, const hg_progress *progress) {
  hg_runner *runner = context;
  if (!runner->told_start && (progress->epoch > 1 || progress->step > 1))
    hg_runner_event(runner, HG_RUN_RESUMED, progress, 0, NULL);
  runner->told_start = true;
  double steps = (double)progress->steps * progress->epochs;
  double fraction = steps > 0 ? ((double)(progress->epoch - 1) * (double)progress->steps + (double)progress->step) / steps : 0;
  if (progress->finished != NULL)
    hg_runner_event(runner, HG_RUN_EPOCH, progress, fraction, NULL);
  else
    hg_runner_event(runner, HG_RUN_PROGRESS, progress, fraction, NULL);
  return !hg_runner_stopped(runner);
}

static hg_code store_history(hg_runner *runner, hg_planned_run *run, const hg_history *history, hg_error *error) {
  run->record.epochs = history->count;
  run->record.best_epoch = history->best_epoch;
  run->record.seconds = history->seconds;
  run->record.images_per_second = history->images_per_second;
  return hg_store_put_history(runner->store, run->record.id, history->epochs, history->count, error);
}

static hg_code train(hg_runner *runner, hg_planned_run *run, hg_network *network, const char *folder, hg_error *error) {
  const hg_model *model = &runner->study->models[run->model];
  const hg_data *data = &runner->data[model->data];
  char *checkpoint = hg_path_join(folder, "checkpoint.safetensors");
  if (checkpoint == NULL) return hg_fail_memory(error, folder, 1);
  hg_train_settings settings = model->train;
  settings.seed = run->seed;
  settings.threads = runner->threads;
  settings.checkpoint = checkpoint;
  settings.progress = on_progress;
  settings.progress_context = runner;
  runner->told_start = false;
  hg_history history = {0};
  hg_code code = hg_train(network, data->train, data->validation, &settings, &history, error);
  hg_error unkept = {0};
  hg_code stored = store_history(runner, run, &history, code == HG_OK ? error : &unkept);
  hg_history_release(&history);
  hg_free(checkpoint);
  return code == HG_OK ? stored : code;
}

/* ---- what is left behind */

static hg_code save(hg_planned_run *run, const hg_network *network, const char *folder, hg_error *error) {
  char *path = hg_path_join(folder, "weights.safetensors");
  if (path == NULL) return hg_fail_memory(error, folder, 1);
  hg_code code = hg_network_save(network, path, error);
  hg_free(path);
  return code == HG_OK ? hg_network_digest(network, run->record.weights_sha256, error) : code;
}

static hg_code evaluate(hg_runner *runner, hg_planned_run *run, hg_network *network, const char *folder, hg_error *error) {
  hg_test_outputs outputs = {0};
  hg_code code = hg_test_outputs_of_network(runner, run, network, &outputs, error);
  if (code == HG_OK) code = hg_test_outputs_store(runner, run, &outputs, folder, error);
  if (code == HG_OK) code = hg_samples_store(runner, run, &outputs, network, folder, error);
  hg_test_outputs_release(&outputs);
  return code;
}

hg_code hg_runner_train(hg_runner *runner, hg_planned_run *run, const char *folder, hg_error *error) {
  hg_network *network = NULL;
  hg_code code = build(runner, run, &network, error);
  if (code == HG_OK) run->record.parameters = hg_network_parameters(network);
  if (code == HG_OK) code = store_layers(runner, run, network, error);
  if (code == HG_OK) code = train(runner, run, network, folder, error);
  if (code == HG_OK) code = save(run, network, folder, error);
  if (code == HG_OK) code = evaluate(runner, run, network, folder, error);
  hg_network_free(network);
  return code;
}
