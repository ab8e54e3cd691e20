#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "study/schema.h"

#define FIELDS(rows) .fields = rows, .count = (int)(sizeof(rows) / sizeof *(rows))

/* ---------------------------------------------------------------- compare */

static hg_code check_pair(hg_reader *reader, const hg_node *node, hg_study_pair pair) {
  const hg_model *a = &reader->study->models[pair.a], *b = &reader->study->models[pair.b];
  if (pair.a == pair.b) return hg_reject(reader, node, "`%s` is compared with itself", a->name);
  if (a->data == b->data) return HG_OK;
  return hg_reject(reader, node, "`%s` and `%s` have different data (%s, %s); a comparison needs the same test images", a->name,
                   b->name, reader->study->data[a->data].name, reader->study->data[b->data].name);
}

static hg_code read_pair(hg_reader *reader, const hg_node *node, hg_study_pair *pair) {
  if (node->kind != HG_NODE_LIST || node->count != 2) return hg_reject(reader, node, "a comparison is a pair of models: [a, b]");
  hg_code code = hg_model_reference_read(reader, node->items[0], &pair->a);
  if (code == HG_OK) code = hg_model_reference_read(reader, node->items[1], &pair->b);
  return code == HG_OK ? check_pair(reader, node, *pair) : code;
}

static hg_code read_compare(hg_reader *reader, const hg_node *node, void *target) {
  hg_study *study = target;
  if (node->kind != HG_NODE_LIST) return hg_reject(reader, node, "`compare` must be a list of pairs: [[a, b], [a, c]]");
  hg_free(study->compare);
  study->compare = hg_calloc(node->count, sizeof *study->compare);
  if (study->compare == NULL) return hg_fail_memory(reader->error, "compare", node->count * sizeof *study->compare);
  for (size_t i = 0; i < node->count; i++) {
    hg_code code = read_pair(reader, node->items[i], &study->compare[i]);
    if (code != HG_OK) return code;
    study->compare_count = (int)i + 1;
  }
  return HG_OK;
}

/* ---------------------------------------------------------------- published */

/* A figure of test-time augmentation: HG_OK where the model asks for it; *is_one says whether it is one. */
static hg_code check_augmented(hg_reader *reader, const hg_node *key, int model, bool *is_one) {
  static const char *const figures[] = {"test.accuracy_tta", "test.macro_f1_tta", "test.log_loss_tta"};
  *is_one = false;
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) *is_one = *is_one || strcmp(key->text, figures[i]) == 0;
  const hg_model *measured = &reader->study->models[model];
  if (!*is_one || measured->views.flip || measured->views.shift > 0) return HG_OK;
  return hg_reject(reader, key, "`%s` has no `%s`: its `evaluate` asks for no test_time_augmentation", measured->name, key->text);
}

/* A part of the data, a dot, a figure: test.accuracy. */
static hg_code check_metric(hg_reader *reader, const hg_node *key) {
  static const char *const parts[] = {"test.", "validation.", "train."};
  static const char *const figures[] = {
      "accuracy",    "loss", "macro_f1", "weighted_f1", "log_loss", "reconstruction_loss", "classification_loss",
      "center_loss", "mse",  "psnr",     "ssim"};
  enum { PARTS = sizeof parts / sizeof *parts, FIGURES = sizeof figures / sizeof *figures };
  char names[PARTS * FIGURES][40];
  const char *all[PARTS * FIGURES];
  for (int i = 0; i < PARTS * FIGURES; i++) {
    snprintf(names[i], sizeof names[i], "%s%s", parts[i / FIGURES], figures[i % FIGURES]);
    if (strcmp(key->text, names[i]) == 0) return HG_OK;
    all[i] = names[i];
  }
  for (int i = 0; i < FIGURES; i++) {
    if (strcmp(key->text, figures[i]) == 0)
      return hg_reject(reader, key, "`%s` of what? did you mean `test.%s`?", key->text, key->text);
  }
  return hg_reject_word(reader, key, "a figure of a run", all, PARTS * FIGURES);
}

static hg_code add_published(hg_reader *reader, const hg_node *key, const hg_node *node, int model, size_t *capacity) {
  static const hg_field value = {.key = "published", .type = HG_FIELD_DOUBLE, .low = -INFINITY, .high = INFINITY};
  hg_study *study = reader->study;
  hg_study_published made = {.model = model};
  bool augmented;
  hg_code code = check_augmented(reader, key, model, &augmented);
  if (code == HG_OK && !augmented) code = check_metric(reader, key);
  if (code == HG_OK) code = hg_value_number(reader, &value, node, &made.value);
  if (code != HG_OK) return code;
  snprintf(made.metric, sizeof made.metric, "%s", key->text);
  size_t count = (size_t)study->published_count + 1;
  if (!hg_grow(&study->published, capacity, count, sizeof *study->published)) {
    return hg_fail_memory(reader->error, "published", count * sizeof *study->published);
  }
  study->published[study->published_count++] = made;
  return HG_OK;
}

/* `id` and `note` stand among a model's figures and belong to all of them. */
static bool is_remark(const hg_node *key) { return strcmp(key->text, "id") == 0 || strcmp(key->text, "note") == 0; }

static hg_code add_remarks(hg_reader *reader, const hg_node *figures, hg_study_published *row) {
  static const hg_field note = {.key = "note", .type = HG_FIELD_TEXT};
  const hg_node *id_node = hg_node_get(figures, "id"), *note_node = hg_node_get(figures, "note");
  memcpy(row->id, reader->study->models[row->model].id, sizeof row->id);
  hg_code code = id_node == NULL ? HG_OK : hg_value_name(reader, "id", id_node, row->id);
  return code == HG_OK && note_node != NULL ? hg_value_read(reader, &note, note_node, &row->note) : code;
}

static hg_code read_published(hg_reader *reader, const hg_node *node, void *target) {
  (void)target;
  size_t capacity = 0;
  if (node->kind != HG_NODE_MAPPING)
    return hg_reject(reader, node, "`published` must be written {MODEL: {test.accuracy: 0.924}}");
  for (size_t i = 0; i < node->count; i++) {
    const hg_node *figures = node->items[i];
    int model;
    hg_code code = hg_model_reference_read(reader, node->keys[i], &model);
    if (code != HG_OK) return code;
    if (figures->kind != HG_NODE_MAPPING) return hg_reject(reader, figures, "here must stand figures: {test.accuracy: 0.924}");
    for (size_t j = 0; j < figures->count; j++) {
      if (is_remark(figures->keys[j])) continue;
      code = add_published(reader, figures->keys[j], figures->items[j], model, &capacity);
      if (code == HG_OK) code = add_remarks(reader, figures, &reader->study->published[reader->study->published_count - 1]);
      if (code != HG_OK) return code;
    }
  }
  return HG_OK;
}

static const char *code_maps_name(int value) {
  static const char *const names[] = {"auto", "yes", "no"};
  return value >= 0 && value < 3 ? names[value] : NULL;
}

static const hg_field report_fields[] = {
    {.key = "compare",
     .type = HG_FIELD_READ,
     .read = read_compare,
     .type_doc = "list of pairs of models",
     .doc = "each pair gets a paired test on the same test images: [[cnn, transfer]]"},
    {.key = "published",
     .type = HG_FIELD_READ,
     .read = read_published,
     .type_doc = "mapping of models to figures",
     .doc = "figures of others, shown beside the measured ones: {cnn: {test.accuracy: 0.924}}; an `id` (else the model's) and a "
            "`note` may stand among them"},
    {.key = "codes",
     .type = HG_FIELD_CHOICE,
     .offset = offsetof(hg_study, code_maps),
     .choices = code_maps_name,
     .fallback = "auto",
     .doc =
         "look at the codes of networks: distances of classes among them, and a map of the first seed's by t-SNE and principal "
         "components, which takes some seconds; auto: of networks with an encoder or a convolution, and the map has 2,000 "
         "images instead of 10,000 after a training on fewer than 300,000 and of codes of more than 8,192 numbers"},
};
const hg_table hg_report_table = {.name = "report", FIELDS(report_fields)};

hg_code hg_study_read_report(hg_reader *reader) {
  if (reader->report_node == NULL) return HG_OK;
  return hg_table_read(reader, &hg_report_table, reader->report_node, reader->study);
}
