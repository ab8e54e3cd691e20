#include <string.h>

#include "base/alloc.h"
#include "study/schema.h"

#define FIELDS(rows) .fields = rows, .count = (int)(sizeof(rows) / sizeof *(rows))

/* ---------------------------------------------------------------- compare */

static bool classifies(const hg_model *model) {
  return model->kind == HG_MODEL_CLASSICAL || model->blocks[HG_CLASSIFIER].count > 0;
}

static bool rebuilds(const hg_model *model) { return model->kind == HG_MODEL_NETWORK && model->blocks[HG_DECODER].count > 0; }

static hg_code check_pair(hg_reader *reader, const hg_node *node, hg_study_pair pair) {
  const hg_model *a = &reader->study->models[pair.a], *b = &reader->study->models[pair.b];
  if (pair.a == pair.b) return hg_reject(reader, node, "`%s` is compared with itself", a->name);
  if (!(classifies(a) && classifies(b)) && !(rebuilds(a) && rebuilds(b)))
    return hg_reject(reader, node, "`%s` tells classes and `%s` rebuilds images; a comparison needs answers to the same question",
                     classifies(a) ? a->name : b->name, classifies(a) ? b->name : a->name);
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

static bool is_pair_of(hg_study_pair pair, int a, int b) { return pair.a == a && pair.b == b; }

/* A pair tested twice would count twice where tests are corrected for their number. */
static hg_code check_new(hg_reader *reader, const hg_node *node, const hg_study_pair *pairs, size_t count) {
  hg_study_pair last = pairs[count];
  for (size_t i = 0; i < count; i++)
    if (is_pair_of(pairs[i], last.a, last.b) || is_pair_of(pairs[i], last.b, last.a))
      return hg_reject(reader, node, "`%s` and `%s` are compared already", reader->study->models[last.a].name,
                       reader->study->models[last.b].name);
  return HG_OK;
}

static hg_code read_compare(hg_reader *reader, const hg_node *node, void *target) {
  hg_study *study = target;
  if (node->kind != HG_NODE_LIST) return hg_reject(reader, node, "`compare` must be a list of pairs: [[a, b], [a, c]]");
  hg_free(study->compare);
  study->compare = hg_calloc(node->count, sizeof *study->compare);
  if (study->compare == NULL) return hg_fail_memory(reader->error, "compare", node->count * sizeof *study->compare);
  for (size_t i = 0; i < node->count; i++) {
    hg_code code = read_pair(reader, node->items[i], &study->compare[i]);
    if (code == HG_OK) code = check_new(reader, node->items[i], study->compare, i);
    if (code != HG_OK) return code;
    study->compare_count = (int)i + 1;
  }
  return HG_OK;
}

/* ---------------------------------------------------------------- the whole */

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
     .read = hg_published_read,
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
