#include "report/load.h"

#include "base/alloc.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static hg_code load_facts(hg_store *store, hg_report *report, hg_error *error) {
  const struct {
    const char *key;
    char **value;
  } facts[] = {{"name", &report->name},       {"about", &report->about},
               {"yaml", &report->yaml},       {"yaml_path", &report->yaml_path},
               {"version", &report->version}, {"threads", &report->threads},
               {"command", &report->command}, {"instruction_set", &report->instruction_set},
               {"seeds", &report->seeds},     {"started", &report->started},
               {"rows", &report->rows}};
  for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
    *facts[i].value = hg_store_fact(store, facts[i].key);
    if (*facts[i].value == NULL) return hg_fail_memory(error, facts[i].key, 0);
  }
  return HG_OK;
}

static hg_code load_runs(hg_store *store, hg_report *report, hg_error *error) {
  hg_run_record *records;
  int count;
  hg_code code = hg_store_list_runs(store, &records, &count, error);
  if (code != HG_OK) return code;
  report->runs = hg_calloc((size_t)count, sizeof *report->runs);
  if (report->runs == NULL) {
    for (int i = 0; i < count; i++) hg_run_record_release(&records[i]);
    hg_free(records);
    return hg_fail_memory(error, "report", (size_t)count * sizeof *report->runs);
  }
  for (int i = 0; i < count; i++) report->runs[i].record = records[i];
  report->run_count = count;
  hg_free(records);
  for (int i = 0; code == HG_OK && i < count; i++) {
    hg_report_run *run = &report->runs[i];
    int64_t id = run->record.id;
    code = hg_store_get_history(store, id, &run->epochs, &run->epoch_count, error);
    if (code == HG_OK) code = hg_store_list_metrics(store, id, &run->metrics, &run->metric_count, error);
    if (code == HG_OK) code = hg_store_get_layers(store, id, &run->layers, &run->layer_count, error);
    if (code == HG_OK) code = hg_store_get_classes(store, id, &run->classes, &run->class_count, error);
    if (code == HG_OK) code = hg_store_get_confusion(store, id, &run->confusion, &run->confusion_count, error);
    if (code == HG_OK) code = hg_store_get_calibration(store, id, &run->calibration, &run->calibration_count, error);
    if (code == HG_OK) code = hg_store_get_denoising(store, id, &run->denoising, &run->denoising_count, error);
  }
  return code;
}

/* What is damaged now comes after what the study was warned of when it ran. */
static hg_code load_warnings(hg_store *store, hg_report *report, hg_error *error) {
  hg_warning *damage = NULL;
  int count = 0;
  hg_code code = hg_store_get_warnings(store, &report->warnings, &report->warning_count, error);
  if (code == HG_OK) code = hg_report_find_damage(store, report, &damage, &count, error);
  size_t capacity = (size_t)report->warning_count, wanted = capacity + (size_t)count;
  if (code == HG_OK && !hg_grow(&report->warnings, &capacity, wanted, sizeof *damage))
    code = hg_fail_memory(error, "report", wanted * sizeof *damage);
  for (int i = 0; code == HG_OK && i < count; i++) report->warnings[report->warning_count++] = damage[i];
  hg_free(damage);
  return code;
}

hg_code hg_report_load(hg_store *store, hg_report *report, hg_error *error) {
  *report = (hg_report){0};
  hg_code code = load_facts(store, report, error);
  if (code == HG_OK) code = load_runs(store, report, error);
  if (code == HG_OK) code = load_warnings(store, report, error);
  if (code == HG_OK) code = hg_store_get_comparisons(store, &report->comparisons, &report->comparison_count, error);
  if (code == HG_OK) code = hg_store_get_published(store, &report->published, &report->published_count, error);
  if (code == HG_OK) code = hg_store_get_leaks(store, &report->leaks, &report->leak_count, error);
  if (code == HG_OK) code = hg_store_list_data(store, &report->data, &report->data_count, error);
  if (code != HG_OK) hg_report_release(report);
  return code;
}

void hg_report_release(hg_report *report) {
  char *facts[] = {report->name,    report->about,           report->yaml,    report->yaml_path, report->version,
                   report->threads, report->instruction_set, report->command, report->seeds,     report->started,
                   report->rows};
  for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) hg_free(facts[i]);
  for (int i = 0; i < report->run_count; i++) {
    hg_run_record_release(&report->runs[i].record);
    hg_free(report->runs[i].epochs);
    hg_free(report->runs[i].metrics);
    hg_free(report->runs[i].layers);
    hg_free(report->runs[i].classes);
    hg_free(report->runs[i].confusion);
    hg_free(report->runs[i].calibration);
    hg_free(report->runs[i].denoising);
  }
  for (int i = 0; i < report->data_count; i++) hg_free(report->data[i].class_names);
  hg_free(report->runs);
  hg_free(report->warnings);
  hg_free(report->comparisons);
  hg_free(report->published);
  hg_free(report->leaks);
  hg_free(report->data);
  *report = (hg_report){0};
}

bool hg_report_engine(const hg_run_record *record, char engine[HG_NAME_SIZE]) {
  json_t *settings = record->settings == NULL ? NULL : json_loads(record->settings, 0, NULL);
  const char *name = json_string_value(json_object_get(settings, "engine"));
  if (name != NULL) snprintf(engine, HG_NAME_SIZE, "%s", name);
  json_decref(settings);
  return name != NULL;
}

bool hg_report_is_done(const hg_report_run *run) { return strcmp(run->record.status, "done") == 0; }

double hg_report_metric(const hg_report_run *run, const char *name) {
  for (int i = 0; i < run->metric_count; i++)
    if (strcmp(run->metrics[i].name, name) == 0) return run->metrics[i].value;
  return NAN;
}

const hg_data_record *hg_report_data(const hg_report *report, const hg_report_run *run) {
  for (int i = 0; i < report->data_count; i++)
    if (strcmp(report->data[i].name, run->record.data) == 0) return &report->data[i];
  return NULL;
}
