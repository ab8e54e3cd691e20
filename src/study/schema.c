#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "store/store.h"
#include "study/schema.h"

#define FIELDS(rows) .fields = rows, .count = (int)(sizeof(rows) / sizeof *(rows))

/* ---------------------------------------------------------------- the study's own keys
 * The target of this table is the reader: what needs names of other parts is only remembered here, and read afterwards. */

static hg_code remember(const hg_node *node, const hg_node **place) {
  *place = node;
  return HG_OK;
}
static hg_code read_data(hg_reader *reader, const hg_node *node, void *target) {
  (void)target;
  (void)node;
  reader->data_nodes = hg_node_get(reader->document->root, "data");
  return HG_OK;
}
static hg_code read_models(hg_reader *reader, const hg_node *node, void *target) {
  (void)target;
  (void)node;
  reader->model_nodes = hg_node_get(reader->document->root, "models");
  return HG_OK;
}
static hg_code read_sweeps(hg_reader *reader, const hg_node *node, void *target) {
  (void)target;
  return remember(node, &reader->sweep_nodes);
}
static hg_code read_report(hg_reader *reader, const hg_node *node, void *target) {
  (void)target;
  return remember(node, &reader->report_node);
}

static hg_code read_name(hg_reader *reader, const hg_node *node, void *target) {
  (void)target;
  return hg_value_name(reader, "study", node, reader->study->name);
}

static hg_code read_about(hg_reader *reader, const hg_node *node, void *target) {
  static const hg_field about = {.key = "about", .type = HG_FIELD_TEXT};
  (void)target;
  return hg_value_read(reader, &about, node, &reader->study->about);
}

static hg_code read_threads(hg_reader *reader, const hg_node *node, void *target) {
  static const hg_field threads = {.key = "threads", .type = HG_FIELD_INT, .low = 0, .high = HG_MOST_THREADS};
  (void)target;
  return hg_value_read(reader, &threads, node, &reader->study->threads);
}

/* A list of seeds, or how many: 3 is [1, 2, 3]. */
static hg_code read_seeds(hg_reader *reader, const hg_node *node, void *target) {
  static const hg_field seed = {.key = "seeds", .type = HG_FIELD_UINT64, .low = 0, .high = 0x1p62};
  static const hg_field number = {.key = "seeds", .type = HG_FIELD_INT, .low = 1, .high = HG_MOST_SEEDS};
  hg_study *study = reader->study;
  (void)target;
  int64_t count = (int64_t)node->count;
  if (node->kind != HG_NODE_LIST) {
    hg_code code = hg_value_whole(reader, &number, node, &count);
    if (code != HG_OK) return code;
  }
  if (count == 0 || count > HG_MOST_SEEDS) return hg_reject(reader, node, "`seeds` must hold from 1 to %d seeds", HG_MOST_SEEDS);
  hg_free(study->seeds);
  study->seed_count = 0;
  study->seeds = hg_calloc((size_t)count, sizeof *study->seeds);
  if (study->seeds == NULL) return hg_fail_memory(reader->error, "seeds", (size_t)count * sizeof *study->seeds);
  for (int64_t i = 0; i < count; i++) {
    int64_t value = i + 1;
    hg_code code = node->kind == HG_NODE_LIST ? hg_value_whole(reader, &seed, node->items[i], &value) : HG_OK;
    if (code != HG_OK) return code;
    for (int j = 0; j < study->seed_count; j++) {
      if (study->seeds[j] == (uint64_t)value)
        return hg_reject(reader, node->items[i], "the seed %lld is given twice", (long long)value);
    }
    study->seeds[study->seed_count++] = (uint64_t)value;
  }
  return HG_OK;
}

static const hg_field defaults_fields[] = {
    {.key = "train",
     .type = HG_FIELD_TABLE,
     .offset = offsetof(hg_reader, train),
     .table = &hg_train_table,
     .doc = "where every network's `train` starts; a model's own keys come on top"},
};
static const hg_table defaults = {.name = "defaults", FIELDS(defaults_fields)};

static const hg_field study_fields[] = {
    {.key = "study",
     .type = HG_FIELD_READ,
     .flags = HG_REQUIRED,
     .read = read_name,
     .type_doc = "name",
     .doc = "the study's name, as in `study: quick`"},
    {.key = "about",
     .type = HG_FIELD_READ,
     .read = read_about,
     .type_doc = "text",
     .doc = "what it asks; stands at the top of the report"},
    {.key = "seeds",
     .type = HG_FIELD_READ,
     .read = read_seeds,
     .type_doc = "list of up to 256 whole numbers, or how many",
     .fallback = "[1]",
     .doc = "every model is trained once for each; `seeds: 3` is `[1, 2, 3]`"},
    {.key = "threads",
     .type = HG_FIELD_READ,
     .read = read_threads,
     .type_doc = "whole number [0, 1024]",
     .fallback = "0",
     .doc = "0 = as many as this process may use; does not change results"},
    {.key = "engine",
     .type = HG_FIELD_CHOICE,
     .offset = offsetof(hg_reader, engine),
     .choices = hg_engine_name,
     .fallback = "native",
     .doc = "whose kernels run the networks"},
    {.key = "data",
     .type = HG_FIELD_READ,
     .flags = HG_REQUIRED,
     .read = read_data,
     .type_doc = "mapping of [data sets](#data)",
     .doc = "the data sets by name"},
    {.key = "defaults", .type = HG_FIELD_TABLE, .table = &defaults, .doc = "settings that all models share"},
    {.key = "models",
     .type = HG_FIELD_READ,
     .flags = HG_REQUIRED,
     .read = read_models,
     .type_doc = "mapping of [models](#model)",
     .doc = "the models by name"},
    {.key = "sweeps",
     .type = HG_FIELD_READ,
     .read = read_sweeps,
     .type_doc = "mapping of [sweeps](#sweep)",
     .doc = "grids of settings, one model for each point"},
    {.key = "report",
     .type = HG_FIELD_READ,
     .read = read_report,
     .type_doc = "[report](#report)",
     .doc = "what the report compares"},
};
const hg_table hg_study_table = {.name = "study", FIELDS(study_fields)};

static hg_code read_parts(hg_reader *reader) {
  const hg_node *root = reader->document->root;
  if (root->kind != HG_NODE_MAPPING) return hg_reject(reader, root, "a study is a mapping that begins with `study: NAME`");
  hg_code code = hg_table_read(reader, &hg_study_table, root, reader);
  if (code == HG_OK) code = hg_study_read_data(reader);
  if (code == HG_OK) code = hg_study_expand_sweeps(reader);
  if (code == HG_OK) code = hg_study_read_models(reader);
  if (code == HG_OK) code = hg_study_read_report(reader);
  if (code == HG_OK) code = hg_study_check(reader);
  if (code == HG_OK) code = hg_study_check_sweeps(reader);
  return code;
}

/* ---------------------------------------------------------------- reading and freeing */

static char *folder_of(const char *path) {
  const char *slash = strrchr(path, '/');
  if (slash == NULL) return hg_strdup(".");
  size_t length = slash == path ? 1 : (size_t)(slash - path);
  char *folder = hg_malloc(length + 1);
  if (folder == NULL) return NULL;
  memcpy(folder, path, length);
  folder[length] = 0;
  return folder;
}

static hg_study *new_study(const hg_document *document) {
  hg_study *study = hg_calloc(1, sizeof *study);
  if (study == NULL) return NULL;
  study->path = hg_strdup(document->path);
  study->folder = folder_of(document->path);
  study->text = hg_strdup(document->text);
  study->about = hg_strdup("");
  study->seeds = hg_malloc(sizeof *study->seeds);
  if (study->path != NULL && study->folder != NULL && study->text != NULL && study->about != NULL && study->seeds != NULL) {
    study->seeds[0] = 1;
    study->seed_count = 1;
    return study;
  }
  hg_study_free(study);
  return NULL;
}

void hg_study_free(hg_study *study) {
  if (study == NULL) return;
  for (int i = 0; i < study->data_count; i++) {
    hg_free(study->data[i].source);
    hg_free(study->data[i].classes);
  }
  for (int i = 0; i < study->model_count; i++) {
    for (int b = 0; b < HG_BLOCKS; b++) hg_free(study->models[i].blocks[b].layers);
    hg_free(study->models[i].note);
  }
  for (int i = 0; i < study->published_count; i++) hg_free(study->published[i].note);
  hg_free(study->data);
  hg_free(study->models);
  hg_free(study->seeds);
  hg_free(study->compare);
  hg_free(study->published);
  hg_free(study->about);
  hg_free(study->path);
  hg_free(study->folder);
  hg_free(study->text);
  hg_free(study);
}

hg_code hg_study_read(const char *path, const hg_override *overrides, int override_count, hg_study **study, hg_error *error) {
  hg_error scratch; /* messages are composed from those of lower rooms, so there must be one */
  hg_reader reader = {.error = error == NULL ? &scratch : error, .engine = HG_NATIVE, .train = hg_train_settings_default()};
  hg_code code = hg_document_read(path, &reader.document, reader.error);
  if (code != HG_OK) return code;
  for (int i = 0; i < override_count && code == HG_OK; i++) {
    code = hg_document_set(reader.document, overrides[i].path, overrides[i].value, reader.error);
  }
  if (code == HG_OK && (reader.study = new_study(reader.document)) == NULL) {
    code = hg_fail_memory(reader.error, "study", sizeof *reader.study);
  }
  if (code == HG_OK) code = read_parts(&reader);
  hg_document_free(reader.document);
  if (code == HG_OK) {
    *study = reader.study;
  } else {
    hg_study_free(reader.study);
  }
  return code;
}
