#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "data/catalog.h"
#include "study/schema.h"

#define FIELDS(rows) .fields = rows, .count = (int)(sizeof(rows) / sizeof *(rows))
#define MOST_IMAGES 1e9

/* What stands in the list is read when the source is known: read_entry. */
static hg_code read_classes(hg_reader *reader, const hg_node *node, void *target) {
  hg_data_settings *data = target;
  if (node->kind != HG_NODE_LIST || node->count < 2) {
    return hg_reject(reader, node,
                     "`classes` must be a list of at least two names or labels, such as [Trouser, Dress] or [1, 3]");
  }
  hg_free(data->classes);
  data->class_count = 0;
  data->classes = hg_calloc(node->count, sizeof *data->classes);
  return data->classes == NULL ? hg_fail_memory(reader->error, "classes", node->count * sizeof *data->classes) : HG_OK;
}

/* A number is a label; in quotes it is a name, as of the folder "007". */
static bool is_label(const hg_node *node) {
  return node->kind != HG_NODE_SCALAR || (!node->quoted && node->text[strspn(node->text, "0123456789+-.")] == 0);
}

static hg_code read_label(hg_reader *reader, const hg_node *node, int *label) {
  static const hg_field field = {.key = "classes", .type = HG_FIELD_INT, .low = 0, .high = HG_MOST_CLASSES - 1};
  int64_t value = 0;
  hg_code code = hg_value_whole(reader, &field, node, &value);
  *label = (int)value;
  return code;
}

static hg_code find_class(hg_reader *reader, const hg_node *node, const hg_dataset *named, int *label) {
  for (*label = 0; *label < named->classes; ++*label) {
    if (strcmp(named->class_names[*label], node->text) == 0) return HG_OK;
  }
  char what[HG_NAME_SIZE + 32];
  snprintf(what, sizeof what, "a class of `%s`", reader->study->data[reader->study->data_count - 1].source);
  return hg_reject_word(reader, node, what, (const char *const *)named->class_names, named->classes);
}

static hg_code add_class(hg_reader *reader, const hg_node *node, int label, hg_data_settings *data) {
  for (int j = 0; j < data->class_count; j++) {
    if (data->classes[j] == label) return hg_reject(reader, node, "the class `%.60s` is given twice", node->text);
  }
  data->classes[data->class_count++] = label;
  return HG_OK;
}

/* A folder 1 that is not class 1 makes the number a name as well. */
static hg_code check_no_name(hg_reader *reader, const hg_node *node, int label, const hg_dataset *named) {
  for (int k = 0; named != NULL && k < named->classes; k++)
    if (k != label && strcmp(named->class_names[k], node->text) == 0)
      return hg_reject(reader, node,
                       "`%s` could be the class of this name, which has label %d, or label %d; write \"%s\" for the name",
                       node->text, k, label, node->text);
  return HG_OK;
}

/* Names for check_no_name; of the catalog's sets none is needed. Data that cannot be read is told by what reads it next. */
static hg_code look_for_names(hg_reader *reader, const hg_data_settings *data, bool *looked, hg_dataset **named) {
  hg_error cause;
  if (*looked || *named != NULL || hg_catalog_find(data->source) != NULL) return HG_OK;
  *looked = true;
  hg_code code = hg_data_name_classes(data, reader->study->folder, named, &cause);
  if (code == HG_NO_MEMORY) *reader->error = cause;
  return code == HG_NO_MEMORY ? code : HG_OK;
}

/* The names are looked up in the data only where one is written, or where a number could be one. */
static hg_code choose_classes(hg_reader *reader, const hg_node *entry, hg_data_settings *data) {
  const hg_node *list = hg_node_get(entry, "classes");
  hg_dataset *named = NULL;
  bool looked = false;
  hg_code code = HG_OK;
  for (size_t i = 0; list != NULL && i < list->count && code == HG_OK; i++) {
    const hg_node *node = list->items[i];
    int label = 0;
    if (is_label(node)) {
      code = read_label(reader, node, &label);
      if (code == HG_OK) code = look_for_names(reader, data, &looked, &named);
      if (code == HG_OK) code = check_no_name(reader, node, label, named);
    } else {
      if (named == NULL) code = hg_data_name_classes(data, reader->study->folder, &named, reader->error);
      if (code != HG_OK) code = hg_reject_source(reader, entry, code);
      if (code == HG_OK) code = find_class(reader, node, named, &label);
    }
    if (code == HG_OK) code = add_class(reader, node, label, data);
  }
  hg_dataset_free(named);
  return code;
}

static const char *lines_split_name(int value) {
  static const char *const names[] = {
      [HG_LINES_RANDOM] = "random", [HG_LINES_DEDUPLICATED] = "deduplicated", [HG_LINES_HELD_OUT] = "held_out"};
  return value < (int)(sizeof names / sizeof *names) ? names[value] : NULL;
}

static const hg_field lines_fields[] = {
    {.key = "per_class",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_lines_settings, per_class),
     .low = 2,
     .high = 1e5,
     .fallback = "1000",
     .doc = "images of each of the 96 classes"},
    {.key = "split",
     .type = HG_FIELD_CHOICE,
     .offset = offsetof(hg_lines_settings, split),
     .fallback = "random",
     .choices = lines_split_name,
     .doc = "random leaks test images into the training set; deduplicated drops the copies; held_out keeps placements apart"},
    {.key = "test_share",
     .type = HG_FIELD_DOUBLE,
     .offset = offsetof(hg_lines_settings, test_share),
     .low = 0,
     .high = 1,
     .flags = HG_ABOVE_LOW | HG_BELOW_HIGH,
     .fallback = "0.2",
     .doc = "share of the images that make the test set"},
};
static const hg_table lines = {.name = "lines", .shorthand = "split", FIELDS(lines_fields)};

static const hg_field data_fields[] = {
    {.key = "source",
     .type = HG_FIELD_TEXT,
     .offset = offsetof(hg_data_settings, source),
     .flags = HG_REQUIRED,
     .doc =
         "a name of the catalog (mnist, fashion-mnist, cifar10, lines; `hourglass data list`) or a path from the study's folder"},
    {.key = "validation",
     .type = HG_FIELD_DOUBLE,
     .offset = offsetof(hg_data_settings, validation),
     .low = 0,
     .high = MOST_IMAGES,
     .fallback = "0.1",
     .doc = "cut from the training part: below 1 a share, else a number of images; 0 = none"},
    {.key = "test",
     .type = HG_FIELD_DOUBLE,
     .offset = offsetof(hg_data_settings, test),
     .low = 0,
     .high = MOST_IMAGES,
     .flags = HG_ABOVE_LOW,
     .fallback = "0.2",
     .doc = "the same for the test set, where the source brings none"},
    {.key = "classes",
     .type = HG_FIELD_READ,
     .read = read_classes,
     .type_doc = "list of names or labels",
     .fallback = "all of them",
     .doc = "the classes to keep, by name or label; they become 0, 1, ... in this order"},
    {.key = "limit",
     .type = HG_FIELD_INT64,
     .offset = offsetof(hg_data_settings, limit),
     .low = 0,
     .high = MOST_IMAGES,
     .fallback = "0",
     .doc = "at most this many training images, before validation is cut from them; 0 = all"},
    {.key = "test_limit",
     .type = HG_FIELD_INT64,
     .offset = offsetof(hg_data_settings, test_limit),
     .low = 0,
     .high = MOST_IMAGES,
     .fallback = "0",
     .doc = "at most this many test images; 0 = all"},
    {.key = "stratified",
     .type = HG_FIELD_BOOL,
     .offset = offsetof(hg_data_settings, stratified),
     .fallback = "true",
     .doc = "whether splits and limits keep the classes' shares"},
    {.key = "seed",
     .type = HG_FIELD_UINT64,
     .offset = offsetof(hg_data_settings, seed),
     .low = 0,
     .high = 0x1p62,
     .fallback = "1",
     .doc = "of splits; the same for every training seed"},
    {.key = "resize",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_data_settings, resize),
     .low = 0,
     .high = 1024,
     .fallback = "0",
     .doc = "the side in pixels that images are brought to, as squares; 0 = those of a folder must agree"},
    {.key = "grayscale",
     .type = HG_FIELD_BOOL,
     .offset = offsetof(hg_data_settings, grayscale),
     .fallback = "false",
     .doc = "folders of images: one channel"},
    {.key = "lines",
     .type = HG_FIELD_TABLE,
     .offset = offsetof(hg_data_settings, lines),
     .table = &lines,
     .doc = "`source: lines`: the images that are generated"},
};
const hg_table hg_data_table = {.name = "data", .shorthand = "source", FIELDS(data_fields)};

int hg_study_find_data(const hg_study *study, const char *name) {
  for (int i = 0; i < study->data_count; i++) {
    if (strcmp(study->data[i].name, name) == 0) return i;
  }
  return -1;
}

/* Below 1 a share, else a number of images. */
static hg_code check_amount(hg_reader *reader, const hg_node *node, const char *key, double amount) {
  if (amount < 1 || amount == floor(amount)) return HG_OK;
  return hg_reject(reader, hg_node_get(node, key), "`%s` is a share below 1 or a whole number of images; it is %.12g", key,
                   amount);
}

static hg_code check_data(hg_reader *reader, const hg_node *node, const hg_data_settings *data) {
  hg_code code = check_amount(reader, node, "validation", data->validation);
  if (code == HG_OK) code = check_amount(reader, node, "test", data->test);
  if (code != HG_OK) return code;
  const hg_node *made = hg_node_key(node, "lines");
  if (made != NULL && strcmp(data->source, "lines") != 0) {
    return hg_reject(reader, made, "`lines` belongs to `source: lines`; here the source is `%.60s`", data->source);
  }
  return HG_OK;
}

static hg_code read_entry(hg_reader *reader, const hg_node *key, const hg_node *node, hg_data_settings *data) {
  *data = hg_data_settings_default();
  hg_code code = hg_value_name(reader, "data", key, data->name);
  bool sourceless = node->kind == HG_NODE_MAPPING && hg_node_get(node, "source") == NULL;
  if (code == HG_OK && key->origin != NULL && sourceless) return hg_reject_made(reader, key, "data set", reader->data_nodes);
  if (code == HG_OK) code = hg_table_read(reader, &hg_data_table, node, data);
  if (code == HG_OK) code = choose_classes(reader, node, data);
  if (code == HG_OK) code = check_data(reader, node, data);
  return code;
}

hg_code hg_study_read_data(hg_reader *reader) {
  const hg_node *node = reader->data_nodes;
  hg_study *study = reader->study;
  if (node == NULL || node->kind != HG_NODE_MAPPING || node->count == 0) {
    return hg_reject(reader, node, "`data` must name at least one data set, such as `digits: mnist`");
  }
  study->data = hg_calloc(node->count, sizeof *study->data);
  if (study->data == NULL) return hg_fail_memory(reader->error, "data", node->count * sizeof *study->data);
  for (size_t i = 0; i < node->count; i++) {
    study->data_count = (int)i + 1;
    hg_code code = read_entry(reader, node->keys[i], node->items[i], &study->data[i]);
    if (code != HG_OK) return code;
  }
  return HG_OK;
}
