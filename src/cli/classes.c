/* What a model of a results folder says of each class: scikit-learn's classification report, seed by seed. */
#include "base/alloc.h"
#include "cli/study.h"
#include "data/data.h"
#include "eval/metrics.h"
#include "study/compare.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* The class names of a data set; NULL where the store has none, or not so many. */
typedef struct class_names {
  json_t *list;
  const char **name; /* (classes), into the list */
} class_names;

static void take_names(const hg_data_record *data, int classes, class_names *names) {
  names->list = json_loads(data->class_names, 0, NULL);
  names->name = hg_calloc((size_t)classes, sizeof *names->name);
  bool whole = names->name != NULL && json_array_size(names->list) == (size_t)classes;
  for (int i = 0; whole && i < classes; i++) {
    names->name[i] = json_string_value(json_array_get(names->list, (size_t)i));
    whole = names->name[i] != NULL;
  }
  if (whole) return;
  hg_free(names->name);
  names->name = NULL;
}

static void release_names(class_names *names) {
  hg_free(names->name);
  json_decref(names->list);
}

/* The data set's name of a model's runs. */
static hg_code find_data(hg_store *store, const char *model, char data[HG_NAME_SIZE], hg_error *error) {
  hg_run_record *runs = NULL;
  int count = 0;
  hg_code code = hg_store_list_runs(store, &runs, &count, error);
  for (int i = 0; i < count; i++) {
    if (strcmp(runs[i].name, model) == 0) snprintf(data, HG_NAME_SIZE, "%s", runs[i].data);
    hg_run_record_release(&runs[i]);
  }
  hg_free(runs);
  return code;
}

static hg_code find_names(hg_store *store, const char *model, int classes, class_names *names, hg_error *error) {
  char name[HG_NAME_SIZE] = "";
  hg_data_record *data = NULL;
  int count = 0;
  hg_code code = find_data(store, model, name, error);
  if (code == HG_OK) code = hg_store_list_data(store, &data, &count, error);
  for (int i = 0; i < count; i++) {
    if (strcmp(data[i].name, name) == 0) take_names(&data[i], classes, names);
    hg_free(data[i].class_names);
  }
  hg_free(data);
  return code;
}

static hg_code print_seed(const hg_testimony *testimony, int s, const class_names *names, hg_error *error) {
  const hg_named_tensor *probabilities = hg_safetensors_find(&testimony->files[s], "probabilities");
  const hg_named_tensor *labels = hg_safetensors_find(&testimony->files[s], "labels");
  if (probabilities == NULL || labels == NULL)
    return hg_fail(error, HG_USAGE, testimony->name, "is no classifier; it has no figures by class");
  if (labels->dtype != HG_I32 || labels->rank != 1 || probabilities->dtype != HG_F32 || probabilities->rank != 2 ||
      labels->dim[0] != probabilities->dim[0] || probabilities->dim[1] < 1 || probabilities->dim[1] > HG_MOST_CLASSES)
    return hg_fail(error, HG_DATA, testimony->name, "labels and probabilities do not have the shapes of predictions");
  hg_classification_report report;
  hg_code code =
      hg_classification_report_new(probabilities->data, labels->data, labels->dim[0], (int)probabilities->dim[1], &report, error);
  if (code != HG_OK) return code;
  char *text = hg_classification_report_text(&report, names->name);
  if (text == NULL) code = hg_fail_memory(error, testimony->name, 0);
  if (code == HG_OK && testimony->draws) printf("%s, seed %llu\n\n", testimony->name, (unsigned long long)testimony->seed[s]);
  if (code == HG_OK && !testimony->draws) printf("%s\n\n", testimony->name);
  if (code == HG_OK) printf("%s%s", text, s + 1 < testimony->seeds ? "\n" : "");
  hg_free(text);
  hg_classification_report_release(&report);
  return code;
}

hg_code hg_classes_print(hg_store *store, const char *model, hg_error *error) {
  hg_testimony testimony;
  class_names names = {0};
  hg_code code = hg_testimony_read(store, model, NULL, &testimony, error);
  const hg_named_tensor *probabilities = code == HG_OK ? hg_safetensors_find(&testimony.files[0], "probabilities") : NULL;
  if (probabilities != NULL && probabilities->rank == 2 && probabilities->dim[1] <= HG_MOST_CLASSES)
    code = find_names(store, model, (int)probabilities->dim[1], &names, error);
  for (int s = 0; code == HG_OK && s < testimony.seeds; s++) code = print_seed(&testimony, s, &names, error);
  release_names(&names);
  hg_testimony_release(&testimony);
  return code;
}
