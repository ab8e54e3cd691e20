#include "study/run.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/utf8.h"
#include "kernels/isa.h"
#include "report/report.h"
#include "study/analysis.h"
#include "study/runner.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool hg_runner_stopped(const hg_runner *runner) {
  return runner->settings->stop != NULL && __atomic_load_n(runner->settings->stop, __ATOMIC_RELAXED) != 0;
}

static hg_code interrupted(const hg_runner *runner, hg_error *error) {
  return hg_fail(error, HG_INTERRUPTED, runner->settings->out, "stopped; the same command goes on from here");
}

hg_code hg_runner_go_on(const hg_runner *runner, hg_error *error) {
  return hg_runner_stopped(runner) ? interrupted(runner, error) : HG_OK;
}

void hg_runner_event(hg_runner *runner, hg_run_event_kind kind, const hg_progress *progress, double fraction,
                     const char *message) {
  if (runner->settings->event == NULL) return;
  const hg_planned_run *run = &runner->runs[runner->current];
  hg_run_event event = {.kind = kind,
                        .model = run->record.name,
                        .seed = run->seed,
                        .run = runner->current + 1,
                        .runs = runner->count,
                        .progress = progress,
                        .fraction = fraction,
                        .record = &run->record,
                        .message = message};
  if (runner->events != NULL) pthread_mutex_lock(runner->events);
  runner->settings->event(runner->settings->context, &event);
  if (runner->events != NULL) pthread_mutex_unlock(runner->events);
}

void hg_runner_analyses(hg_runner *runner, const hg_planned_run *run, const char *what) {
  if (runner->settings->event == NULL) return;
  hg_run_event event = {.kind = HG_RUN_ANALYSED,
                        .model = run == NULL ? "" : run->record.name,
                        .seed = run == NULL ? 0 : run->seed,
                        .run = run == NULL ? runner->count : (int)(run - runner->runs) + 1,
                        .runs = runner->count,
                        .message = what};
  runner->settings->event(runner->settings->context, &event);
}

void hg_run_names_add(hg_run_names *names, const hg_run_record *record) {
  size_t used = strlen(names->text);
  names->count++;
  if (names->named + 1 < names->count) return; /* one did not fit already */
  int length = snprintf(names->text + used, sizeof names->text - used, "%s%s seed %llu", used > 0 ? ", " : "", record->name,
                        (unsigned long long)record->seed);
  if ((size_t)length < sizeof names->text - used)
    names->named++;
  else
    names->text[used] = '\0';
}

void hg_runner_tell_removed(hg_runner *runner, const hg_run_names *names, const char *why) {
  char message[sizeof names->text + 128], more[32] = "";
  if (names->count == 0 || runner->settings->event == NULL) return;
  if (names->named < names->count) snprintf(more, sizeof more, " and %d more", names->count - names->named);
  snprintf(message, sizeof message, "%d run%s %s: %s%s", names->count, names->count == 1 ? "" : "s", why, names->text, more);
  hg_run_event event = {.kind = HG_RUN_REMOVED, .model = "", .run = runner->count, .runs = runner->count, .message = message};
  runner->settings->event(runner->settings->context, &event);
}

hg_code hg_runner_warn(hg_runner *runner, hg_error *error, const char *code, const char *format, ...) {
  if (!hg_grow(&runner->warnings, &runner->warning_capacity, runner->warning_count + 1, sizeof *runner->warnings))
    return hg_fail_memory(error, "warnings", sizeof *runner->warnings);
  hg_warning *warning = &runner->warnings[runner->warning_count++];
  char message[2 * sizeof warning->message]; /* is cut between characters */
  snprintf(warning->code, sizeof warning->code, "%s", code);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  hg_utf8_copy(message, warning->message, sizeof warning->message);
  return HG_OK;
}

/* ---- facts about the study, for the page */

static hg_code put_seeds(hg_runner *runner, hg_error *error) {
  size_t used = 0;
  const hg_run_settings *settings = runner->settings;
  int count = settings->seeds != NULL ? settings->seed_count : runner->study->seed_count;
  const uint64_t *seeds = settings->seeds != NULL ? settings->seeds : runner->study->seeds;
  size_t size = (size_t)count * sizeof ", 18446744073709551615" + 1;
  char *text = hg_calloc(1, size);
  if (text == NULL) return hg_fail_memory(error, "seeds", size);
  for (int i = 0; i < count; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%llu", i > 0 ? ", " : "", (unsigned long long)seeds[i]);
  hg_code code = hg_store_set_fact(runner->store, "seeds", text, error);
  hg_free(text);
  return code;
}

/* The fact `rows`: which row of a table of results each model and each published figure belongs to, and what is noted of them:
 * {"models": {"cnn": {"id": "A1", "note": "..."}}, "published": [{"run": "cnn", "metric": "test.accuracy", "id": "A1"}]}. */
static json_t *remarks(const char *id, const char *note) {
  json_t *object = json_object();
  if (id[0] != '\0') json_object_set_new(object, "id", json_string(id));
  if (note != NULL) json_object_set_new(object, "note", json_string(note));
  return object;
}

static hg_code put_rows(hg_runner *runner, hg_error *error) {
  const hg_study *study = runner->study;
  json_t *models = json_object(), *published = json_array();
  for (int i = 0; i < study->model_count; i++)
    json_object_set_new(models, study->models[i].name, remarks(study->models[i].id, study->models[i].note));
  for (int i = 0; i < study->published_count; i++) {
    const hg_study_published *row = &study->published[i];
    json_t *object = remarks(row->id, row->note);
    json_object_set_new(object, "run", json_string(study->models[row->model].name));
    json_object_set_new(object, "metric", json_string(row->metric));
    json_array_append_new(published, object);
  }
  json_t *both = json_pack("{soso}", "models", models, "published", published);
  char *text = json_dumps(both, JSON_COMPACT);
  json_decref(both);
  if (text == NULL) return hg_fail_memory(error, "rows of results", 1);
  hg_code code = hg_store_set_fact(runner->store, "rows", text, error);
  free(text);
  return code;
}

static hg_code put_facts(hg_runner *runner, hg_error *error) {
  const hg_study *study = runner->study;
  char threads[16], started[32];
  time_t now = time(NULL);
  struct tm parts;
  strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
  snprintf(threads, sizeof threads, "%d", hg_pool_threads(runner->pool));
  const char *facts[][2] = {{"name", study->name},
                            {"about", study->about},
                            {"yaml", study->text},
                            {"yaml_path", study->path},
                            {"version", HG_VERSION},
                            {"threads", threads},
                            {"instruction_set", hg_isa_name(hg_isa_get())},
                            {"command", runner->settings->command},
                            {"started", started}};
  hg_code code = put_seeds(runner, error);
  if (code == HG_OK) code = put_rows(runner, error);
  for (size_t i = 0; code == HG_OK && i < sizeof facts / sizeof facts[0]; i++)
    code = hg_store_set_fact(runner->store, facts[i][0], facts[i][1] == NULL ? "" : facts[i][1], error);
  return code;
}

/* A JSON array, as json_dumps makes it; NULL when out of memory. Names of folders may be no UTF-8, which JSON has to be. */
static char *class_names(const hg_dataset *data) {
  json_t *names = json_array();
  bool whole = names != NULL;
  for (int label = 0; whole && label < data->classes; label++) {
    char *name = hg_utf8_mend(hg_dataset_class_name(data, label));
    whole = name != NULL && json_array_append_new(names, json_string(name)) == 0;
    hg_free(name);
  }
  char *text = whole ? json_dumps(names, JSON_COMPACT) : NULL;
  json_decref(names);
  return text;
}

static hg_code put_data(hg_runner *runner, int index, hg_error *error) {
  const hg_data_settings *settings = &runner->study->data[index];
  const hg_data *data = &runner->data[index];
  hg_data_record record = {.shape = data->train->shape,
                           .train = data->train->count,
                           .validation = data->validation == NULL ? 0 : data->validation->count,
                           .test = data->test->count,
                           .classes = data->train->classes};
  snprintf(record.name, sizeof record.name, "%s", settings->name);
  hg_utf8_copy(data->train->source, record.source, sizeof record.source);
  memcpy(record.digest, data->digest, sizeof record.digest);
  record.class_names = class_names(data->train);
  if (record.class_names == NULL) return hg_fail_memory(error, settings->name, 1);
  hg_code code = hg_store_put_data(runner->store, &record, error);
  free(record.class_names);
  return code;
}

static hg_code drop_data(hg_runner *runner, hg_error *error) {
  const hg_study *study = runner->study;
  const char **names = hg_calloc((size_t)study->data_count + 1, sizeof *names);
  if (names == NULL) return hg_fail_memory(error, "data", (size_t)study->data_count * sizeof *names);
  for (int i = 0; i < study->data_count; i++) names[i] = study->data[i].name;
  hg_code code = hg_store_keep_data(runner->store, names, study->data_count, error);
  hg_free(names);
  return code;
}

/* ---- the runs */

/* What a finished run leaves. */
static hg_code result_path(hg_runner *runner, const hg_planned_run *run, const hg_run_record *record, char **path,
                           hg_error *error) {
  bool network = runner->study->models[run->model].kind == HG_MODEL_NETWORK;
  return hg_store_run_file(runner->store, record, network ? "weights.safetensors" : "model.safetensors", path, error);
}

/* A file that cannot be opened now is no damaged one: that is told, and nothing is trained again for it. */
static hg_code check_opens(const char *path, hg_error *error) {
  FILE *stream = fopen(path, "rbe");
  if (stream == NULL) return hg_fail_errno(error, HG_FAILED, path, "open");
  fclose(stream);
  return HG_OK;
}

/* Whether the file still holds what was trained or fitted: it may have been cut, or changed for another's. */
static hg_code check_whole(hg_runner *runner, const hg_planned_run *run, const hg_run_record *stored, const char *path,
                           bool *whole, hg_error *error) {
  hg_error cause = {0};
  hg_code code = check_opens(path, error);
  if (code != HG_OK) return code;
  if (runner->study->models[run->model].kind == HG_MODEL_NETWORK) {
    hg_planned_run as_stored = *run;
    hg_network *network = NULL;
    as_stored.record = *stored;
    code = hg_runner_trained(runner, &as_stored, &network, &cause);
    hg_network_free(network);
    *whole = code == HG_OK;
  } else {
    char digest[HG_SHA256_SIZE];
    code = hg_sha256_file(path, digest, &cause);
    *whole = code == HG_OK && strcmp(digest, stored->weights_sha256) == 0;
  }
  if (code != HG_NO_MEMORY) return HG_OK;
  *error = cause;
  return code;
}

/* The code of the whole call is that of the first run, in their order, that failed; lanes may have come to a later one first. */
static void note_failure(hg_runner *runner, const hg_planned_run *run, hg_code code) {
  if (runner->worst != HG_OK && runner->current >= runner->failed) return;
  runner->worst = code == HG_DIVERGED ? HG_DIVERGED : HG_FAILED;
  runner->failed = runner->current;
  snprintf(runner->first_failure, sizeof runner->first_failure, "%.63s seed %llu: %s", run->record.name,
           (unsigned long long)run->seed, run->record.message);
}

static void remove_checkpoint(const char *folder) {
  char *path = hg_path_join(folder, "checkpoint.safetensors");
  if (path != NULL) {
    unlink(path);
    hg_file_remove_leftovers(path, 0);
  }
  hg_free(path);
}

/* Trained again it would diverge again, in the same step: nothing of it depends on anything but its identity. Not so with oneDNN,
 * whose sums are its own; and who removes a run's folder wants it made again. */
static hg_code would_diverge(const hg_runner *runner, const hg_planned_run *run, const hg_run_record *stored, bool *again,
                             hg_error *error) {
  char *path = NULL;
  *again = false;
  if (strcmp(stored->status, "diverged") != 0 || runner->study->models[run->model].engine == HG_ONEDNN) return HG_OK;
  hg_code code = hg_store_run_file(runner->store, stored, "settings.json", &path, error);
  *again = code == HG_OK && hg_path_exists(path);
  hg_free(path);
  return code;
}

/* A store of an older build still has its checkpoint. */
static hg_code stay_diverged(hg_runner *runner, hg_planned_run *run, hg_run_record *stored, hg_error *error) {
  char *folder = NULL;
  hg_run_record_release(&run->record);
  run->record = *stored;
  hg_code code = hg_store_run_folder(runner->store, &run->record, &folder, error);
  if (code != HG_OK) return code;
  remove_checkpoint(folder);
  hg_free(folder);
  note_failure(runner, run, HG_DIVERGED);
  hg_runner_event(runner, HG_RUN_SKIPPED, NULL, 0, run->record.message);
  return HG_OK;
}

hg_code hg_runner_take_up(hg_runner *runner, hg_run_names *damaged, bool *done, hg_error *error) {
  hg_planned_run *run = &runner->runs[runner->current];
  hg_run_record stored = {0};
  char *path = NULL;
  bool found = false, whole = false;
  *done = false;
  hg_code code = hg_store_get_run(runner->store, run->record.name, run->seed, &stored, &found, error);
  if (code != HG_OK || !found) return code;
  code = would_diverge(runner, run, &stored, done, error);
  if (*done) return stay_diverged(runner, run, &stored, error);
  if (code == HG_OK && strcmp(stored.status, "done") == 0) code = result_path(runner, run, &stored, &path, error);
  if (code == HG_OK && path != NULL && hg_path_exists(path)) {
    code = check_whole(runner, run, &stored, path, &whole, error);
    if (code == HG_OK && !whole) hg_run_names_add(damaged, &stored);
  }
  hg_free(path);
  if (!whole) {
    hg_run_record_release(&stored);
    return code;
  }
  *done = true;
  hg_run_record_release(&run->record);
  run->record = stored;
  hg_runner_event(runner, HG_RUN_SKIPPED, NULL, 1, NULL);
  return HG_OK;
}

static hg_code set_status(hg_runner *runner, hg_planned_run *run, const char *status, const char *message, hg_error *error) {
  snprintf(run->record.status, sizeof run->record.status, "%s", status);
  snprintf(run->record.message, sizeof run->record.message, "%s", message);
  return hg_store_put_run(runner->store, &run->record, error);
}

static hg_code record_failure(hg_runner *runner, hg_planned_run *run, hg_code code, const hg_error *cause, hg_error *error) {
  char place[201], reason[301], message[sizeof run->record.message];
  hg_utf8_copy(cause->place, place, sizeof place);
  hg_utf8_copy(cause->message, reason, sizeof reason);
  snprintf(message, sizeof message, "%s%s%s", place, place[0] != '\0' ? ": " : "", reason);
  hg_code stored = set_status(runner, run, code == HG_DIVERGED ? "diverged" : "failed", message, error);
  note_failure(runner, run, code);
  hg_runner_event(runner, HG_RUN_FAILED, NULL, 0, message);
  return stored;
}

static hg_code fail_for_need(hg_runner *runner, hg_planned_run *run, hg_error *error) {
  const hg_run_record *needed = &runner->runs[run->needs].record;
  hg_error cause = {0};
  hg_fail(&cause, HG_FAILED, "", "needs %s seed %llu, which %s", needed->name, (unsigned long long)needed->seed, needed->status);
  return record_failure(runner, run, HG_FAILED, &cause, error);
}

/* "test accuracy 0.9310" */
static void describe_result(hg_runner *runner, const hg_planned_run *run, char *text, size_t size) {
  static const char *const names[] = {"test.accuracy", "test.mse", "test.loss"};
  hg_metric *metrics = NULL;
  int count = 0;
  text[0] = '\0';
  if (hg_store_list_metrics(runner->store, run->record.id, &metrics, &count, NULL) != HG_OK) return;
  for (size_t n = 0; text[0] == '\0' && n < sizeof names / sizeof names[0]; n++)
    for (int i = 0; i < count; i++)
      if (strcmp(metrics[i].name, names[n]) == 0) snprintf(text, size, "test %s %.4f", names[n] + 5, metrics[i].value);
  hg_free(metrics);
}

static hg_code finish_run(hg_runner *runner, hg_planned_run *run, const char *folder, hg_error *error) {
  hg_code code = set_status(runner, run, "done", "", error);
  if (code != HG_OK) return code;
  remove_checkpoint(folder);
  char text[64];
  describe_result(runner, run, text, sizeof text);
  hg_runner_event(runner, HG_RUN_DONE, NULL, 1, text);
  return HG_OK;
}

static hg_code write_settings(const hg_planned_run *run, const char *folder, hg_error *error) {
  char *path = hg_path_join(folder, "settings.json");
  if (path == NULL) return hg_fail_memory(error, folder, 1);
  hg_code code = hg_file_write(path, run->record.settings, strlen(run->record.settings), error);
  hg_free(path);
  return code;
}

/* Without a checkpoint it starts from nothing: figures of weights that it had before would pass for those of the new ones. */
static hg_code begin_run(hg_runner *runner, hg_planned_run *run, hg_error *error) {
  char *checkpoint = NULL;
  hg_code code = hg_store_run_file(runner->store, &run->record, "checkpoint.safetensors", &checkpoint, error);
  if (code == HG_OK) code = set_status(runner, run, "running", "", error);
  if (code == HG_OK && !hg_path_exists(checkpoint)) code = hg_store_clear_run(runner->store, &run->record, error);
  hg_free(checkpoint);
  return code;
}

static hg_code work_on(hg_runner *runner, hg_planned_run *run, const char *folder, hg_error *error) {
  hg_code code = write_settings(run, folder, error);
  if (code != HG_OK) return code;
  hg_runner_event(runner, HG_RUN_STARTED, NULL, 0, NULL);
  hg_error cause = {0};
  code = runner->study->models[run->model].kind == HG_MODEL_NETWORK ? hg_runner_train(runner, run, folder, &cause)
                                                                    : hg_runner_fit(runner, run, folder, &cause);
  if (code == HG_OK) return finish_run(runner, run, folder, error);
  if (code != HG_INTERRUPTED) {
    hg_code stored = record_failure(runner, run, code, &cause, error);
    if (code == HG_DIVERGED) remove_checkpoint(folder); /* from which it could only diverge again */
    return stored;
  }
  code = set_status(runner, run, "interrupted", "", error);
  return code == HG_OK ? interrupted(runner, error) : code;
}

hg_code hg_runner_carry_out(hg_runner *runner, hg_error *error) {
  hg_planned_run *run = &runner->runs[runner->current];
  char *folder = NULL;
  if (run->needs >= 0 && strcmp(runner->runs[run->needs].record.status, "done") != 0) return fail_for_need(runner, run, error);
  hg_code code = begin_run(runner, run, error);
  if (code == HG_OK) code = hg_store_run_folder(runner->store, &run->record, &folder, error);
  if (code == HG_OK) code = work_on(runner, run, folder, error);
  hg_free(folder);
  return code;
}

/* Every planned run stands in the store from the start, so that the page shows what is still to come. A run in the same place
 * with another identity goes, its figures and its files. */
static hg_code announce_run(hg_runner *runner, hg_planned_run *run, hg_run_names *replaced, hg_error *error) {
  hg_run_record stored = {0};
  bool found = false;
  hg_code code = hg_store_get_run(runner->store, run->record.name, run->seed, &stored, &found, error);
  if (code != HG_OK) return code;
  bool same = found && strcmp(stored.identity, run->identity) == 0;
  if (found && !same && strcmp(stored.status, "pending") != 0) hg_run_names_add(replaced, &stored);
  if (found) hg_run_record_release(&stored);
  return same ? HG_OK : hg_store_put_run(runner->store, &run->record, error);
}

static hg_code announce(hg_runner *runner, hg_error *error) {
  hg_code code = HG_OK;
  hg_run_names replaced = {0};
  for (int i = 0; code == HG_OK && i < runner->count; i++) code = announce_run(runner, &runner->runs[i], &replaced, error);
  if (code == HG_OK) hg_runner_tell_removed(runner, &replaced, "whose settings, data or program changed");
  return code;
}

/* ---- the study */

/* Runs that the study does not name go from the store: another study's results would be lost without a word. */
static hg_code refuse_another_study(hg_runner *runner, hg_error *error) {
  char *name = hg_store_fact(runner->store, "name");
  hg_code code = HG_OK;
  if (name == NULL) return hg_fail_memory(error, runner->settings->out, 1);
  if (name[0] != '\0' && strcmp(name, runner->study->name) != 0)
    code = hg_fail(error, HG_USAGE, runner->settings->out,
                   "holds the results of the study `%s`, which `%s` would replace; choose another folder with --out", name,
                   runner->study->name);
  hg_free(name);
  return code;
}

static hg_code put_study(hg_runner *runner, hg_error *error) {
  hg_code code = hg_store_begin(runner->store, error);
  if (code != HG_OK) return code;
  code = put_facts(runner, error);
  for (int i = 0; code == HG_OK && i < runner->study->data_count; i++) code = put_data(runner, i, error);
  if (code == HG_OK) code = hg_runner_drop_strangers(runner, error);
  if (code == HG_OK) code = announce(runner, error);
  if (code == HG_OK) code = drop_data(runner, error);
  return hg_store_finish(runner->store, code, error);
}

static hg_code start(hg_runner *runner, hg_error *error) {
  hg_code code = hg_pool_new(runner->threads, &runner->pool, error);
  if (code == HG_OK) code = hg_runner_plan(runner, error);
  if (code == HG_OK) code = hg_store_open(runner->settings->out, true, &runner->store, error);
  if (code == HG_OK) code = refuse_another_study(runner, error);
  return code == HG_OK ? put_study(runner, error) : code;
}

/* After a stop the reports tell what the store has. */
static hg_code write_reports(hg_runner *runner, hg_error *error) {
  hg_code found = hg_runner_analyse(runner, error);
  if (found == HG_OK || found == HG_INTERRUPTED) found = hg_runner_conclude(runner, error);
  if (found != HG_OK && found != HG_INTERRUPTED) return found;
  hg_error *own = found == HG_OK ? error : NULL;
  hg_code code = hg_report_write_json(runner->store, own);
  if (code == HG_OK) code = hg_report_write_page(runner->store, own);
  return found == HG_OK ? code : found;
}

hg_code hg_study_run(const hg_study *study, const hg_run_settings *settings, hg_error *error) {
  hg_runner runner = {
      .study = study, .settings = settings, .threads = settings->threads > 0 ? settings->threads : study->threads};
  hg_code code = start(&runner, error);
  if (code != HG_OK) goto end;
  if (settings->begun != NULL) *settings->begun = true;
  code = hg_runner_carry_out_all(&runner, error);
  if (code == HG_OK) {
    code = write_reports(&runner, error);
    if (code == HG_OK && runner.worst != HG_OK) code = hg_fail(error, runner.worst, "", "%s", runner.first_failure);
  } else if (code == HG_INTERRUPTED) {
    write_reports(&runner, NULL); /* what is there; the interruption is what the caller has to know */
  }
end:
  hg_runner_release(&runner);
  return code;
}
