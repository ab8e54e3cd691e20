/* The data sets of a study: their rows, and a folder for each. */
#include "base/alloc.h"
#include "base/file.h"
#include "store/database.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* The data set's folder without making it. */
static hg_code folder_of(const hg_store *store, const char *name, char **folder, hg_error *error) {
  *folder = NULL;
  if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
    return hg_fail(error, HG_USAGE, name, "a data set's name becomes a folder: it may not be empty, begin with '.' or hold '/'");
  size_t size = strlen(store->folder) + strlen(name) + sizeof "/data/";
  *folder = hg_malloc(size);
  if (*folder == NULL) return hg_fail_memory(error, store->folder, size);
  snprintf(*folder, size, "%s/data/%s", store->folder, name);
  return HG_OK;
}

hg_code hg_store_data_folder(hg_store *store, const char *name, char **folder, hg_error *error) {
  hg_code code = folder_of(store, name, folder, error);
  if (code == HG_OK) code = hg_folder_make(*folder, error);
  if (code == HG_OK) return HG_OK;
  hg_free(*folder);
  *folder = NULL;
  return code;
}

static hg_code drop_leaks(hg_store *store, const char *name, hg_error *error) {
  hg_query query = hg_query_begin(store, "DELETE FROM leaks WHERE data = ?", error);
  hg_query_put_text(&query, name);
  hg_query_run(&query);
  return hg_query_end(&query);
}

/* They were found in images that are no longer these. */
static hg_code drop_old_leaks(hg_store *store, const hg_data_record *record, hg_error *error) {
  hg_query query = hg_query_begin(
      store, "DELETE FROM leaks WHERE data = ?1 AND EXISTS(SELECT 1 FROM data WHERE name = ?1 AND digest <> ?2)", error);
  hg_query_put_text(&query, record->name);
  hg_query_put_text(&query, record->digest);
  hg_query_run(&query);
  return hg_query_end(&query);
}

hg_code hg_store_put_data(hg_store *store, const hg_data_record *record, hg_error *error) {
  hg_code code = drop_old_leaks(store, record, error);
  if (code != HG_OK) return code;
  hg_query query = hg_query_begin(store, "INSERT OR REPLACE INTO data VALUES(?,?,?,?,?,?,?,?,?,?,?)", error);
  hg_query_put_text(&query, record->name);
  hg_query_put_text(&query, record->source);
  hg_query_put_text(&query, record->digest);
  hg_query_put_int(&query, record->shape.height);
  hg_query_put_int(&query, record->shape.width);
  hg_query_put_int(&query, record->shape.channels);
  hg_query_put_int(&query, record->train);
  hg_query_put_int(&query, record->validation);
  hg_query_put_int(&query, record->test);
  hg_query_put_int(&query, record->classes);
  hg_query_put_text(&query, record->class_names);
  hg_query_run(&query);
  return hg_query_end(&query);
}

static void read_data(hg_query *query, hg_data_record *record) {
  hg_query_get_text(query, record->name, sizeof record->name);
  hg_query_get_text(query, record->source, sizeof record->source);
  hg_query_get_text(query, record->digest, sizeof record->digest);
  record->shape.height = (int)hg_query_get_int(query);
  record->shape.width = (int)hg_query_get_int(query);
  record->shape.channels = (int)hg_query_get_int(query);
  record->train = hg_query_get_int(query);
  record->validation = hg_query_get_int(query);
  record->test = hg_query_get_int(query);
  record->classes = (int)hg_query_get_int(query);
  record->class_names = hg_query_get_string(query);
}

hg_code hg_store_list_data(hg_store *store, hg_data_record **records, int *count, hg_error *error) {
  size_t capacity = 0;
  *records = NULL;
  *count = 0;
  hg_query query = hg_query_begin(store,
                                  "SELECT name, source, digest, height, width, channels, train, validation, test, classes,"
                                  " class_names FROM data ORDER BY name",
                                  error);
  while (hg_query_row(&query)) {
    hg_data_record *record = hg_query_append(&query, records, &capacity, count, sizeof **records);
    if (record != NULL) read_data(&query, record);
  }
  hg_code code = hg_query_end(&query);
  if (code == HG_OK) return HG_OK;
  for (int i = 0; i < *count; i++) hg_free((*records)[i].class_names);
  hg_free(*records);
  *records = NULL;
  *count = 0;
  return code;
}

hg_code hg_store_class_names(const hg_data_record *record, char ***names, int *count, hg_error *error) {
  json_t *list = json_loads(record->class_names, 0, NULL);
  *count = (int)json_array_size(list);
  *names = *count == 0 ? NULL : hg_calloc((size_t)*count, sizeof **names);
  bool whole = *count == 0 || *names != NULL;
  for (int i = 0; whole && i < *count; i++) {
    const char *name = json_string_value(json_array_get(list, (size_t)i));
    (*names)[i] = hg_strdup(name == NULL ? "?" : name);
    whole = (*names)[i] != NULL;
  }
  json_decref(list);
  return whole ? HG_OK : hg_fail_memory(error, "class names", (size_t)*count * sizeof **names);
}

void hg_store_class_names_free(char **names, int count) {
  for (int i = 0; names != NULL && i < count; i++) hg_free(names[i]);
  hg_free(names);
}

/* ---------------------------------------------------------------- what goes */

static bool is_kept(const char *name, const char *const *kept, int count) {
  for (int i = 0; i < count; i++)
    if (strcmp(kept[i], name) == 0) return true;
  return false;
}

static hg_code remove_data(hg_store *store, const char *name, hg_error *error) {
  char *folder = NULL;
  hg_query query = hg_query_begin(store, "DELETE FROM data WHERE name = ?", error);
  hg_query_put_text(&query, name);
  hg_query_run(&query);
  hg_code code = hg_query_end(&query);
  if (code == HG_OK) code = drop_leaks(store, name, error);
  if (code == HG_OK) code = folder_of(store, name, &folder, error);
  if (code == HG_OK) code = hg_store_remove_folder(folder, error);
  hg_free(folder);
  return code;
}

hg_code hg_store_keep_data(hg_store *store, const char *const *kept, int count, hg_error *error) {
  hg_data_record *records;
  int present;
  hg_code code = hg_store_begin(store, error);
  if (code != HG_OK) return code;
  code = hg_store_list_data(store, &records, &present, error);
  for (int i = 0; code == HG_OK && i < present; i++)
    if (!is_kept(records[i].name, kept, count)) code = remove_data(store, records[i].name, error);
  for (int i = 0; i < present; i++) hg_free(records[i].class_names);
  hg_free(records);
  return hg_store_finish(store, code, error);
}
