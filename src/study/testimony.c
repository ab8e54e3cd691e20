#include "study/testimony.h"

#include "base/alloc.h"
#include "base/file.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static hg_code read_predictions(hg_store *store, const hg_run_record *run, hg_safetensors *file, hg_error *error) {
  char *path = NULL;
  hg_code code = hg_store_run_file(store, run, "predictions.safetensors", &path, error);
  if (code != HG_OK) return code;
  code = hg_safetensors_read(path, file, error);
  if (code != HG_OK) hg_store_tell_mend(error, path);
  hg_free(path);
  return code;
}

/* One that cannot be read counts as none: it may be of a seed that no call plans, and none would make it again. */
static hg_code read_views(hg_store *store, const hg_run_record *run, hg_safetensors *file, hg_error *error) {
  char *path = NULL;
  hg_code code = hg_store_run_file(store, run, "views.safetensors", &path, error);
  if (code != HG_OK) return code;
  if (hg_path_exists(path)) code = hg_safetensors_read(path, file, NULL);
  hg_free(path);
  return code == HG_NO_MEMORY ? hg_fail_memory(error, "views.safetensors", 1) : HG_OK;
}

static hg_code read_run(hg_store *store, const hg_run_record *run, hg_testimony *testimony, hg_error *error) {
  int place = testimony->seeds;
  testimony->seed[testimony->seeds++] = run->seed;
  hg_code code = read_predictions(store, run, &testimony->files[place], error);
  return code == HG_OK ? read_views(store, run, &testimony->views[place], error) : code;
}

/* Networks draw numbers, and so does what takes its codes from one. */
static bool draws_numbers(const hg_run_record *run) {
  if (strcmp(run->kind, "network") == 0) return true;
  json_t *settings = run->settings == NULL ? NULL : json_loads(run->settings, 0, NULL);
  bool draws = json_is_object(json_object_get(json_object_get(settings, "features"), "from"));
  json_decref(settings);
  return draws;
}

static hg_code fill(hg_store *store, const hg_run_record *runs, int count, const char *model, const uint64_t *only,
                    hg_testimony *testimony, hg_error *error) {
  int known = 0, ended = 0;
  testimony->seed = hg_calloc((size_t)count + 1, sizeof *testimony->seed);
  testimony->files = hg_calloc((size_t)count + 1, sizeof *testimony->files);
  testimony->views = hg_calloc((size_t)count + 1, sizeof *testimony->views);
  if (testimony->seed == NULL || testimony->files == NULL || testimony->views == NULL)
    return hg_fail_memory(error, model, (size_t)count);
  for (int i = 0; i < count; i++) {
    if (strcmp(runs[i].name, model) != 0 || (only != NULL && runs[i].seed != *only)) continue;
    known++;
    ended += strcmp(runs[i].status, "failed") == 0 || strcmp(runs[i].status, "diverged") == 0;
    testimony->draws = testimony->draws || draws_numbers(&runs[i]);
    if (strcmp(runs[i].status, "done") != 0) continue;
    hg_code code = read_run(store, &runs[i], testimony, error);
    if (code != HG_OK) return code;
  }
  if (testimony->seeds > 0) return HG_OK;
  if (known > 0 && known == ended)
    return hg_fail(error, HG_USAGE, hg_store_folder(store), "every run of `%s` failed or diverged; `hourglass runs %s` tells why",
                   model, hg_store_folder(store));
  if (known > 0)
    return hg_fail(error, HG_USAGE, hg_store_folder(store), "no run of `%s` is done; run the study to its end first", model);
  return hg_fail(error, HG_USAGE, hg_store_folder(store), "has no model `%s`%s; `hourglass runs %s` lists what it has", model,
                 only != NULL ? " with this seed" : "", hg_store_folder(store));
}

hg_code hg_testimony_read(hg_store *store, const char *model, const uint64_t *only, hg_testimony *testimony, hg_error *error) {
  hg_run_record *runs = NULL;
  int count = 0;
  *testimony = (hg_testimony){0};
  snprintf(testimony->name, sizeof testimony->name, "%s", model);
  hg_code code = hg_store_list_runs(store, &runs, &count, error);
  if (code == HG_OK) code = fill(store, runs, count, model, only, testimony, error);
  for (int i = 0; i < count; i++) hg_run_record_release(&runs[i]);
  hg_free(runs);
  return code;
}

void hg_testimony_release(hg_testimony *testimony) {
  for (int i = 0; i < testimony->seeds; i++) {
    hg_safetensors_release(&testimony->files[i]);
    hg_safetensors_release(&testimony->views[i]);
  }
  hg_free(testimony->files);
  hg_free(testimony->views);
  hg_free(testimony->seed);
  *testimony = (hg_testimony){0};
}
