/* Runs whose predictions are gone or cannot be read: their page lacks what stands on them. */
#include "base/alloc.h"
#include "base/file.h"
#include "report/load.h"
#include "store/safetensors.h"

#include <stdio.h>
#include <string.h>

static bool was_tested(const hg_report_run *run) {
  for (int i = 0; i < run->metric_count; i++)
    if (strncmp(run->metrics[i].name, "test.", 5) == 0) return hg_report_is_done(run);
  return false;
}

static void describe(const hg_run_record *record, const char *what, const char *path, hg_warning *row) {
  int folder = (int)(strrchr(path, '/') - path);
  snprintf(row->code, sizeof row->code, "predictions-%s", what);
  snprintf(
      row->message, sizeof row->message,
      "the predictions of %s, seed %llu, are %s, and what stands on them is left out; remove %.*s, and `hourglass run STUDY` "
      "makes this run again",
      record->name, (unsigned long long)record->seed, what, folder, path);
}

static hg_code look_at(hg_store *store, const hg_run_record *record, hg_warning *rows, int *count, hg_error *error) {
  char *path;
  hg_code code = hg_store_run_file(store, record, "predictions.safetensors", &path, error);
  if (code != HG_OK) return code;
  hg_safetensors file = {0};
  hg_error cause;
  bool there = hg_path_exists(path);
  if (there) code = hg_safetensors_read(path, &file, &cause);
  if (!there || (code != HG_OK && code != HG_NO_MEMORY)) describe(record, there ? "damaged" : "missing", path, &rows[(*count)++]);
  hg_safetensors_release(&file);
  hg_free(path);
  return code == HG_NO_MEMORY ? hg_fail_memory(error, "predictions.safetensors", 0) : HG_OK;
}

hg_code hg_report_find_damage(hg_store *store, const hg_report *report, hg_warning **rows, int *count, hg_error *error) {
  *count = 0;
  *rows = hg_calloc((size_t)report->run_count + 1, sizeof **rows);
  if (*rows == NULL) return hg_fail_memory(error, "report", (size_t)report->run_count * sizeof **rows);
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < report->run_count; i++)
    if (was_tested(&report->runs[i])) code = look_at(store, &report->runs[i].record, *rows, count, error);
  return code;
}

/* Loading found it already. */
hg_code hg_report_damage(hg_store *store, hg_warning **rows, int *count, hg_error *error) {
  hg_report report;
  *rows = NULL;
  *count = 0;
  hg_code code = hg_report_load(store, &report, error);
  if (code != HG_OK) return code;
  *rows = hg_calloc((size_t)report.warning_count + 1, sizeof **rows);
  if (*rows == NULL) code = hg_fail_memory(error, "report", (size_t)report.warning_count * sizeof **rows);
  for (int i = 0; code == HG_OK && i < report.warning_count; i++)
    if (strncmp(report.warnings[i].code, "predictions-", 12) == 0) (*rows)[(*count)++] = report.warnings[i];
  hg_report_release(&report);
  return code;
}
