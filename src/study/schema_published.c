/* Figures of others that stand beside the measured ones: each must be one that a run of its model leaves in the store. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "study/schema.h"

/* Parts of the data that a figure is of. */
typedef enum part { TEST = 1, VALIDATION = 2, TRAIN = 4 } part;
enum { ALL = TEST | VALIDATION | TRAIN };
static const struct {
  part of;
  const char *name; /* with its dot */
} parts[] = {{TEST, "test."}, {VALIDATION, "validation."}, {TRAIN, "train."}};
enum { PARTS = sizeof parts / sizeof *parts };

/* What a model must have for a figure to be measured. */
typedef enum need { NOTHING, DECODER, CLASSIFIER, CENTER_LOSS, VIEWS } need;

typedef struct figure {
  const char *name;
  need need;
  unsigned network;   /* parts that it is measured of in networks */
  unsigned classical; /* and in classical models */
  bool share;         /* from 0 to 1 */
} figure;

/* study/run_scores.c, run_classes.c and run_views.c write those of the test images, run_training.c those of the others. */
static const figure measured[] = {
    {"accuracy", CLASSIFIER, ALL, TEST | VALIDATION, true},
    {"loss", NOTHING, ALL, TEST, false},
    {"macro_f1", CLASSIFIER, TEST, TEST, true},
    {"weighted_f1", CLASSIFIER, TEST, TEST, true},
    {"macro_precision", CLASSIFIER, TEST, TEST, true},
    {"macro_recall", CLASSIFIER, TEST, TEST, true},
    {"weighted_precision", CLASSIFIER, TEST, TEST, true},
    {"weighted_recall", CLASSIFIER, TEST, TEST, true},
    {"average_precision_macro", CLASSIFIER, TEST, TEST, true},
    {"average_precision_micro", CLASSIFIER, TEST, TEST, true},
    {"roc_auc_macro", CLASSIFIER, TEST, TEST, true},
    {"roc_auc_micro", CLASSIFIER, TEST, TEST, true},
    {"calibration_error", CLASSIFIER, TEST, TEST, true},
    {"brier", CLASSIFIER, TEST, TEST, false},
    {"log_loss", CLASSIFIER, TEST, TEST, false},
    {"reconstruction_loss", DECODER, ALL, 0, false},
    {"classification_loss", CLASSIFIER, ALL, 0, false},
    {"center_loss", CENTER_LOSS, VALIDATION | TRAIN, 0, false},
    {"mse", DECODER, ALL, 0, false},
    {"psnr", DECODER, TEST, 0, false},
    {"ssim", DECODER, TEST, 0, true},
    {"accuracy_tta", VIEWS, TEST, 0, true},
    {"macro_f1_tta", VIEWS, TEST, 0, true},
    {"log_loss_tta", VIEWS, TEST, 0, false},
};
enum { FIGURES = sizeof measured / sizeof *measured };

static bool is_called(const char *text, const char *of, const char *name) {
  size_t length = strlen(of);
  return strncmp(text, of, length) == 0 && strcmp(text + length, name) == 0;
}

/* No figure, but one of another part, or of none: "`validation.macro_f1` is not measured; did you mean `test.macro_f1`?" */
static hg_code reject_part(hg_reader *reader, const hg_node *key, const figure *meant) {
  int p = 0;
  while ((meant->network & parts[p].of) == 0) p++;
  bool bare = strcmp(key->text, meant->name) == 0;
  return hg_reject(reader, key, "`%s` %s did you mean `%s%s`?", key->text, bare ? "of what?" : "is not measured;", parts[p].name,
                   meant->name);
}

static hg_code reject_figure(hg_reader *reader, const hg_node *key) {
  char names[PARTS * FIGURES][40];
  const char *all[PARTS * FIGURES];
  int count = 0;
  for (int i = 0; i < PARTS * FIGURES; i++) {
    const figure *other = &measured[i % FIGURES];
    const char *of = parts[i / FIGURES].name;
    if (strcmp(key->text, other->name) == 0 || is_called(key->text, of, other->name)) return reject_part(reader, key, other);
    if ((other->network & parts[i / FIGURES].of) == 0) continue;
    snprintf(names[count], sizeof names[count], "%s%s", of, other->name);
    all[count] = names[count];
    count++;
  }
  return hg_reject_word(reader, key, "a figure of a run", all, count);
}

/* A part of the data, a dot, a figure: test.accuracy. */
static hg_code find_figure(hg_reader *reader, const hg_node *key, const figure **found, part *of) {
  for (int i = 0; i < PARTS * FIGURES; i++) {
    *found = &measured[i % FIGURES];
    *of = parts[i / FIGURES].of;
    if (((*found)->network & *of) != 0 && is_called(key->text, parts[i / FIGURES].name, (*found)->name)) return HG_OK;
  }
  return reject_figure(reader, key);
}

/* Why a network has no such figure; NULL where it has. */
static const char *lack_of_network(const hg_model *model, const figure *wanted, part of) {
  bool decoder = model->blocks[HG_DECODER].count > 0, squares = model->losses.reconstruction == HG_MSE;
  if (wanted->need == DECODER && !decoder) return "it has no decoder";
  if (wanted->need == CLASSIFIER && model->blocks[HG_CLASSIFIER].count == 0) return "it has no classifier";
  if (wanted->need == CENTER_LOSS && model->losses.center_weight <= 0) return "it has no center loss";
  if (wanted->need == VIEWS && !model->views.flip && model->views.shift <= 0)
    return "its `evaluate` asks for no test_time_augmentation";
  if (strcmp(wanted->name, "mse") == 0 && of != TEST && !squares)
    return "while it trains its reconstruction loss is measured, which is another; `test.mse` is there";
  return NULL;
}

static const char *lack_of_classical(const hg_model *model, const figure *wanted, part of) {
  bool has_loss = model->classical.kind == HG_LOGISTIC_REGRESSION || model->classical.kind == HG_NAIVE_BAYES;
  if ((wanted->classical & of) == 0 || (strcmp(wanted->name, "loss") == 0 && !has_loss))
    return "a classical model of its kind has none";
  return NULL;
}

static hg_code check_measured(hg_reader *reader, const hg_node *key, const hg_model *model, const figure *wanted, part of) {
  const hg_data_settings *data = &reader->study->data[model->data];
  bool network = model->kind == HG_MODEL_NETWORK;
  const char *lack = network ? lack_of_network(model, wanted, of) : lack_of_classical(model, wanted, of);
  if (lack == NULL && of == VALIDATION && data->validation <= 0) lack = "its data has `validation: 0`";
  return lack == NULL ? HG_OK : hg_reject(reader, key, "`%s` has no `%s`: %s", model->name, key->text, lack);
}

static hg_code check_share(hg_reader *reader, const hg_node *key, const hg_node *node, double value) {
  if (value >= 0 && value <= 1) return HG_OK;
  if (value > 0 && value <= 100) return hg_reject(reader, node, "`%s` is a share; did you mean %.10g?", key->text, value / 100);
  return hg_reject(reader, node, "`%s` is a share, from 0 to 1; here is %.60s", key->text, node->text);
}

static hg_code add_published(hg_reader *reader, const hg_node *key, const hg_node *node, int model, size_t *capacity) {
  static const hg_field value = {.key = "published", .type = HG_FIELD_DOUBLE, .low = -INFINITY, .high = INFINITY};
  hg_study *study = reader->study;
  hg_study_published made = {.model = model};
  const figure *kind;
  part of;
  hg_code code = find_figure(reader, key, &kind, &of);
  if (code == HG_OK) code = check_measured(reader, key, &study->models[model], kind, of);
  if (code == HG_OK) code = hg_value_number(reader, &value, node, &made.value);
  if (code == HG_OK && kind->share) code = check_share(reader, key, node, made.value);
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

hg_code hg_published_read(hg_reader *reader, const hg_node *node, void *target) {
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
