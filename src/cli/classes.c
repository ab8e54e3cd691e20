/* What a model of a results folder says of each class: scikit-learn's classification report, seed by seed. */
#include "base/alloc.h"
#include "cli/study.h"
#include "eval/metrics.h"
#include "store/predictions.h"
#include "study/compare.h"

#include <stdio.h>
#include <string.h>

/* The class names of a data set; NULL where the store has none. */
typedef struct class_names {
  char **name;
  int count;
} class_names;

static hg_code find_names(hg_store *store, const char *data, class_names *names, hg_error *error) {
  hg_data_record *records = NULL;
  int count = 0;
  hg_code code = hg_store_list_data(store, &records, &count, error);
  for (int i = 0; i < count; i++) {
    if (code == HG_OK && strcmp(records[i].name, data) == 0)
      code = hg_store_class_names(&records[i], &names->name, &names->count, error);
    hg_free(records[i].class_names);
  }
  hg_free(records);
  return code;
}

/* Those of the data that the model was tested on. */
static hg_code find_names_for(hg_store *store, const hg_testimony *testimony, class_names *names, hg_error *error) {
  hg_run_record run;
  bool found = false;
  hg_code code = hg_store_get_run(store, testimony->name, testimony->seed[0], &run, &found, error);
  if (code != HG_OK || !found) return code;
  code = find_names(store, run.data, names, error);
  hg_run_record_release(&run);
  return code;
}

static hg_code print_seed(const hg_testimony *testimony, int s, const class_names *names, hg_error *error) {
  hg_predictions found;
  hg_code code = hg_predictions_find(&testimony->files[s], testimony->name, &found, error);
  if (code != HG_OK) return code;
  if (found.probabilities == NULL)
    return hg_fail(error, HG_USAGE, testimony->name, "is no classifier; it has no figures by class");
  hg_classification_report report;
  code = hg_classification_report_new(found.probabilities, found.labels, found.count, found.classes, &report, error);
  if (code != HG_OK) return code;
  bool named = names->count == found.classes;
  char *text = hg_classification_report_text(&report, named ? (const char *const *)names->name : NULL);
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
  if (code == HG_OK) code = find_names_for(store, &testimony, &names, error);
  for (int s = 0; code == HG_OK && s < testimony.seeds; s++) code = print_seed(&testimony, s, &names, error);
  hg_store_class_names_free(names.name, names.count);
  hg_testimony_release(&testimony);
  return code;
}
