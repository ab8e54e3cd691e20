#include "cli/study.h"
#include "data/catalog.h"

#include <jansson.h>

/* A method that draws no random numbers is fitted once, whatever the seeds. */
static int count_runs(const hg_study *study) {
  int runs = 0;
  for (int i = 0; i < study->model_count; i++) runs += hg_study_draws(study, i) ? study->seed_count : 1;
  return runs;
}

/* Whether the data set is one of the catalog that has to be brought first; *why then says how. */
static bool is_missing(const hg_data_settings *data, hg_error *why) {
  const hg_catalog_entry *entry = hg_catalog_find(data->source);
  hg_found found;
  return entry != NULL && hg_catalog_locate(entry, &found, why) != HG_OK;
}

static void print_json(const hg_study *study) {
  json_t *models = json_array(), *missing = json_array();
  for (int i = 0; i < study->model_count; i++) json_array_append_new(models, json_string(study->models[i].name));
  for (int i = 0; i < study->data_count; i++)
    if (is_missing(&study->data[i], NULL))
      json_array_append_new(missing, json_pack("{s:s, s:s}", "name", study->data[i].name, "source", study->data[i].source));
  json_t *object = json_pack("{s:s, s:o, s:i, s:i, s:o}", "study", study->name, "models", models, "data", study->data_count,
                             "runs", count_runs(study), "missing", missing);
  json_dumpf(object, stdout, JSON_INDENT(2));
  putchar('\n');
  json_decref(object);
}

static const char *plural(int count) { return count == 1 ? "" : "s"; }

/* A sound study may still want data that has to be brought first. */
static void tell_missing_data(const hg_study *study) {
  for (int i = 0; i < study->data_count; i++) {
    hg_error why = {0};
    if (is_missing(&study->data[i], &why))
      fprintf(stderr, "hourglass: %s: the data set `%s` is not on this machine yet: %s\n", study->path, study->data[i].name,
              why.message);
  }
}

hg_code hg_check_command(const hg_arguments *arguments, hg_error *error) {
  hg_study *study = NULL;
  hg_code code = hg_arguments_study(arguments, &study, error);
  if (code != HG_OK) return code;
  if (hg_arguments_has(arguments, HG_OPTION_JSON)) {
    print_json(study);
  } else {
    int runs = count_runs(study);
    printf("%s: the study `%s` is sound: %d model%s, %d data set%s, %d seed%s, %d run%s\n", arguments->operands[0], study->name,
           study->model_count, plural(study->model_count), study->data_count, plural(study->data_count), study->seed_count,
           plural(study->seed_count), runs, plural(runs));
  }
  tell_missing_data(study);
  hg_study_free(study);
  return HG_OK;
}
