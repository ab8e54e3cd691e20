/* Which runs there are, and what makes each the same run another time. */
#include "base/alloc.h"
#include "base/file.h"
#include "study/runner.h"

#include <stdio.h>
#include <string.h>

/* Index of the planned run, or -1. Of a model that draws no numbers there is one run, whatever the seed. */
static int find_planned(const hg_runner *runner, int model, uint64_t seed) {
  bool draws = hg_study_draws(runner->study, model);
  for (int i = 0; i < runner->count; i++)
    if (runner->runs[i].model == model && (runner->runs[i].seed == seed || !draws)) return i;
  return -1;
}

static int needed_model(const hg_model *model) { return model->kind == HG_MODEL_NETWORK ? model->from : model->features_from; }

/* Settings and data tell what is done, version and seed how, and the identity of the needed run carries all of that run. */
static hg_code identify(hg_runner *runner, int model, uint64_t seed, const char *settings, const char *needed_identity,
                        char identity[65], hg_error *error) {
  const char *digest = runner->data[runner->study->models[model].data].digest;
  size_t size = strlen(settings) + strlen(digest) + strlen(needed_identity) + sizeof HG_VERSION + 64;
  char *text = hg_malloc(size);
  if (text == NULL) return hg_fail_memory(error, "identity of a run", size);
  int length =
      snprintf(text, size, "%s\n%s\n%s\n%llu\n%s\n", settings, digest, HG_VERSION, (unsigned long long)seed, needed_identity);
  hg_sha256(text, (size_t)length, identity);
  hg_free(text);
  return HG_OK;
}

static hg_code plan_run(hg_runner *runner, int index, uint64_t seed, hg_error *error) {
  const hg_model *model = &runner->study->models[index];
  hg_planned_run *run = &runner->runs[runner->count];
  int needed = needed_model(model);
  *run = (hg_planned_run){.model = index, .seed = seed, .needs = needed < 0 ? -1 : find_planned(runner, needed, seed)};
  hg_run_record *record = &run->record;
  record->settings = hg_study_settings_json(runner->study, index);
  if (record->settings == NULL) return hg_fail_memory(error, model->name, 1);
  runner->count++;
  const char *kind = model->kind == HG_MODEL_NETWORK ? "network" : hg_classical_kind_name(model->classical.kind);
  snprintf(record->name, sizeof record->name, "%s", model->name);
  snprintf(record->kind, sizeof record->kind, "%s", kind);
  snprintf(record->status, sizeof record->status, "pending");
  snprintf(record->data, sizeof record->data, "%s", runner->study->data[model->data].name);
  record->seed = seed;
  record->position = index;
  hg_code code = identify(runner, index, seed, record->settings, run->needs < 0 ? "" : runner->runs[run->needs].identity,
                          run->identity, error);
  memcpy(record->identity, run->identity, sizeof record->identity);
  return code;
}

/* A model that draws no numbers is run once, under the study's first seed whichever are asked for: its identity stays. */
static hg_code plan_model(hg_runner *runner, int model, const uint64_t *seeds, int seed_count, hg_error *error) {
  if (!hg_study_draws(runner->study, model)) return plan_run(runner, model, runner->study->seeds[0], error);
  hg_code code = HG_OK;
  for (int s = 0; code == HG_OK && s < seed_count; s++) code = plan_run(runner, model, seeds[s], error);
  return code;
}

static hg_code plan_runs(hg_runner *runner, const int *order, hg_error *error) {
  const hg_study *study = runner->study;
  const uint64_t *seeds = runner->settings->seeds != NULL ? runner->settings->seeds : study->seeds;
  int seed_count = runner->settings->seeds != NULL ? runner->settings->seed_count : study->seed_count;
  if (seed_count > HG_MOST_SEEDS)
    return hg_fail(error, HG_USAGE, "--seed", "%d seeds are too many: a study has at most %d", seed_count, HG_MOST_SEEDS);
  runner->runs = hg_calloc((size_t)study->model_count * (size_t)seed_count + 1, sizeof *runner->runs);
  if (runner->runs == NULL) return hg_fail_memory(error, "runs", (size_t)study->model_count * sizeof *runner->runs);
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < study->model_count; i++) code = plan_model(runner, order[i], seeds, seed_count, error);
  return code;
}

static hg_code open_data(hg_runner *runner, hg_error *error) {
  const hg_study *study = runner->study;
  runner->data = hg_calloc((size_t)study->data_count + 1, sizeof *runner->data);
  if (runner->data == NULL) return hg_fail_memory(error, "data", (size_t)study->data_count * sizeof *runner->data);
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < study->data_count; i++) {
    if (hg_runner_stopped(runner)) return hg_fail(error, HG_INTERRUPTED, study->name, "stopped before any work");
    code = hg_data_open(&study->data[i], study->folder, &runner->data[i], error);
  }
  return code;
}

hg_code hg_runner_plan(hg_runner *runner, hg_error *error) {
  int *order = hg_calloc((size_t)runner->study->model_count + 1, sizeof *order);
  if (order == NULL) return hg_fail_memory(error, "order of runs", sizeof *order);
  hg_code code = hg_study_order(runner->study, order, error);
  if (code == HG_OK) code = open_data(runner, error);
  if (code == HG_OK) code = plan_runs(runner, order, error);
  hg_free(order);
  return code;
}

void hg_runner_release(hg_runner *runner) {
  for (int i = 0; runner->data != NULL && i < runner->study->data_count; i++) hg_data_release(&runner->data[i]);
  for (int i = 0; i < runner->count; i++) hg_run_record_release(&runner->runs[i].record);
  hg_free(runner->data);
  hg_free(runner->runs);
  for (int i = 0; i < runner->stored_count; i++) hg_run_record_release(&runner->stored[i]);
  hg_free(runner->stored);
  hg_free(runner->warnings);
  hg_pool_free(runner->pool);
  hg_store_close(runner->store);
}

/* ---- what the store may keep */

/* The identity a model would have today with any seed; `identity` is "" where it has no such model. */
static hg_code identity_today(hg_runner *runner, int model, uint64_t seed, char identity[65], hg_error *error) {
  char needed_identity[65] = "";
  int needed = needed_model(&runner->study->models[model]);
  if (needed >= 0) {
    hg_code code = identity_today(runner, needed, seed, needed_identity, error);
    if (code != HG_OK) return code;
  }
  char *settings = hg_study_settings_json(runner->study, model);
  if (settings == NULL) return hg_fail_memory(error, "settings", 1);
  hg_code code = identify(runner, model, seed, settings, needed_identity, identity, error);
  hg_free(settings);
  return code;
}

/* A stored run stays if it is planned, or if it is of another seed and still what the study describes. */
static hg_code is_kept(hg_runner *runner, const hg_run_record *record, bool *kept, hg_error *error) {
  int model = hg_study_find_model(runner->study, record->name);
  int planned = model < 0 ? -1 : find_planned(runner, model, record->seed);
  *kept = planned >= 0 && runner->runs[planned].seed == record->seed;
  if (*kept || model < 0 || planned >= 0) return HG_OK;
  char identity[65];
  hg_code code = identity_today(runner, model, record->seed, identity, error);
  *kept = code == HG_OK && strcmp(identity, record->identity) == 0;
  return code;
}

/* Models may have been put in another order since, and data sets, whose images make a run the same, may have another name; runs
 * of seeds that are not asked for now are told of too. */
static hg_code place(hg_runner *runner, hg_run_record *record, hg_error *error) {
  int model = hg_study_find_model(runner->study, record->name);
  const char *data = runner->study->data[runner->study->models[model].data].name;
  if (record->position == model && strcmp(record->data, data) == 0) return HG_OK;
  record->position = model;
  snprintf(record->data, sizeof record->data, "%s", data);
  return hg_store_put_run(runner->store, record, error);
}

/* What compares and averages has no room for more; every call may have brought other seeds. */
static hg_code check_seeds(const hg_runner *runner, const hg_run_record *kept, int kept_count, hg_error *error) {
  for (int m = 0; m < runner->study->model_count; m++) {
    int seeds = 0;
    for (int i = 0; i < runner->count; i++) seeds += runner->runs[i].model == m;
    for (int i = 0; i < kept_count; i++)
      seeds += strcmp(kept[i].name, runner->study->models[m].name) == 0 && find_planned(runner, m, kept[i].seed) < 0;
    if (seeds > HG_MOST_SEEDS)
      return hg_fail(error, HG_USAGE, runner->settings->out,
                     "would hold %d seeds of %s, and at most %d can be told of; choose another folder with --out", seeds,
                     runner->study->models[m].name, HG_MOST_SEEDS);
  }
  return HG_OK;
}

hg_code hg_runner_drop_strangers(hg_runner *runner, hg_error *error) {
  hg_run_record *records = NULL;
  hg_run_names removed = {0};
  int count = 0, kept_count = 0;
  hg_code code = hg_store_list_runs(runner->store, &records, &count, error);
  for (int i = 0; code == HG_OK && i < count; i++) {
    bool kept = false;
    code = is_kept(runner, &records[i], &kept, error);
    if (code == HG_OK && !kept) hg_run_names_add(&removed, &records[i]);
    if (!kept) continue;
    if (code == HG_OK) code = place(runner, &records[i], error);
    hg_run_record record = records[kept_count];
    records[kept_count++] = records[i];
    records[i] = record;
  }
  if (code == HG_OK) code = check_seeds(runner, records, kept_count, error);
  if (code == HG_OK) hg_runner_tell_removed(runner, &removed, "that the study no longer has");
  if (code == HG_OK && kept_count < count) code = hg_store_keep_only(runner->store, records, kept_count, error);
  for (int i = 0; i < count; i++) hg_run_record_release(&records[i]);
  hg_free(records);
  return code;
}
