#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "data/copies.h"
#include "study/schema.h"

#define FIELDS(rows) .fields = rows, .count = (int)(sizeof(rows) / sizeof *(rows))

int hg_study_find_model(const hg_study *study, const char *name) {
  for (int i = 0; i < study->model_count; i++) {
    if (strcmp(study->models[i].name, name) == 0) return i;
  }
  return -1;
}

hg_code hg_model_reference_read(hg_reader *reader, const hg_node *node, int *model) {
  const hg_study *study = reader->study;
  if (node->kind != HG_NODE_SCALAR || hg_node_is_empty(node))
    return hg_reject(reader, node, "here must stand the name of a model");
  *model = hg_study_find_model(study, node->text);
  if (*model >= 0) return HG_OK;
  const char *names[64];
  int count = study->model_count < 64 ? study->model_count : 64;
  for (int i = 0; i < count; i++) names[i] = study->models[i].name;
  return hg_reject_word(reader, node, "a model of this study", names, count);
}

static hg_code read_from(hg_reader *reader, const hg_node *node, void *target) {
  return hg_model_reference_read(reader, node, target);
}

static hg_code read_data_name(hg_reader *reader, const hg_node *node, void *target) {
  const hg_study *study = reader->study;
  int *data = target;
  if (node->kind != HG_NODE_SCALAR || hg_node_is_empty(node)) return hg_reject(reader, node, "here must stand a name of `data:`");
  *data = hg_study_find_data(study, node->text);
  if (*data >= 0) return HG_OK;
  const char *names[64];
  int count = study->data_count < 64 ? study->data_count : 64;
  for (int i = 0; i < count; i++) names[i] = study->data[i].name;
  return hg_reject_word(reader, node, "a data set of this study", names, count);
}

/* ---------------------------------------------------------------- blocks */

static const hg_field encoder_fields[] = {
    {.key = "from",
     .type = HG_FIELD_READ,
     .offset = offsetof(hg_model, from),
     .flags = HG_REQUIRED,
     .read = read_from,
     .type_doc = "name of a model",
     .doc = "the model whose encoder is taken over, layers and trained weights"},
    {.key = "freeze",
     .type = HG_FIELD_BOOL,
     .offset = offsetof(hg_model, freeze),
     .fallback = "false",
     .doc = "whether those weights stay as they are; running averages of a `batch_norm` go on with the new data"},
    {.key = "unfreeze_after",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_model, train.unfreeze_after),
     .low = 0,
     .high = 1e6,
     .fallback = "0",
     .doc = "epochs for which they stay as they are first"},
};
const hg_table hg_encoder_table = {.name = "encoder", FIELDS(encoder_fields)};

static hg_code read_encoder(hg_reader *reader, const hg_node *node, void *target) {
  hg_model *model = target;
  if (node->kind != HG_NODE_MAPPING) return hg_layers_read(reader, node, &model->blocks[HG_ENCODER]);
  model->blocks[HG_ENCODER].line = node->line == 0 ? 1 : node->line;
  hg_code code = hg_table_read(reader, &hg_encoder_table, node, model);
  if (code == HG_OK && model->freeze && model->train.unfreeze_after > 0) {
    return hg_reject(reader, hg_node_key(node, "freeze"),
                     "`freeze: true` is for the whole training; leave it or `unfreeze_after` out");
  }
  return code;
}

static hg_code read_layers(hg_reader *reader, const hg_node *node, void *block) { return hg_layers_read(reader, node, block); }

/* ---------------------------------------------------------------- corruption and augmentation */

static const hg_field corrupt_fields[] = {
    {.key = "salt_and_pepper",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_corruption, salt_and_pepper),
     .low = 0,
     .high = 1,
     .fallback = "0",
     .doc = "share of pixels set to 0 or 1, evenly"},
    {.key = "gaussian",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_corruption, gaussian),
     .low = 0,
     .high = 100,
     .fallback = "0",
     .doc = "factor on N(0, 1) added to every pixel"},
    {.key = "clip",
     .type = HG_FIELD_BOOL,
     .offset = offsetof(hg_corruption, clip),
     .fallback = "true",
     .doc = "gaussian: whether pixels are cut to [0, 1]"},
    {.key = "masking",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_corruption, masking),
     .low = 0,
     .high = 1,
     .fallback = "0",
     .doc = "share of pixels set to 0"},
};
const hg_table hg_corrupt_table = {.name = "corrupt", FIELDS(corrupt_fields)};

static const hg_field augment_fields[] = {
    {.key = "rotate",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_augmentation, rotate),
     .low = 0,
     .high = 180,
     .fallback = "0",
     .doc = "degrees: by up to this, either way"},
    {.key = "shift",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_augmentation, shift),
     .low = 0,
     .high = 1,
     .flags = HG_BELOW_HIGH,
     .fallback = "0",
     .doc = "share of the width and height: by up to this, each way"},
    {.key = "flip",
     .type = HG_FIELD_BOOL,
     .offset = offsetof(hg_augmentation, flip),
     .fallback = "false",
     .doc = "mirrored left to right, half of the time"},
    {.key = "crop",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_augmentation, crop),
     .low = 0,
     .high = 1024,
     .fallback = "0",
     .doc = "pixels of zeros around the image before a random crop back to its size"},
    {.key = "gaussian_noise",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_augmentation, gaussian_noise),
     .low = 0,
     .high = 100,
     .fallback = "0",
     .doc = "standard deviation of noise added to every pixel"},
    {.key = "cutout",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_augmentation, cutout),
     .low = 0,
     .high = 1024,
     .fallback = "0",
     .doc = "side in pixels of a square set to 0, anywhere"},
    {.key = "added",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_augmentation, added),
     .low = 0,
     .high = HG_MOST_COPIES,
     .fallback = "0",
     .doc = "changed copies of every image that are added to the training set, once; 0 = images change each time they are seen"},
};
const hg_table hg_augment_table = {.name = "augment", FIELDS(augment_fields)};

/* ---------------------------------------------------------------- features */

static const char *scale_name(int value) {
  static const char *const names[] = {[HG_SCALE_NONE] = "none", [HG_SCALE_STANDARD] = "standard"};
  return value < (int)(sizeof names / sizeof *names) ? names[value] : NULL;
}

static const hg_field hog_fields[] = {
    {.key = "cell",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_hog_settings, cell),
     .low = 2,
     .high = 1000,
     .fallback = "4",
     .doc = "pixels along the edge of a cell, which has one histogram"},
    {.key = "block",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_hog_settings, block),
     .low = 1,
     .high = 100,
     .fallback = "2",
     .doc = "cells along the edge of a block, which is normalised as one; blocks overlap"},
    {.key = "orientations",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_hog_settings, orientations),
     .low = 1,
     .high = 180,
     .fallback = "9",
     .doc = "directions in half a turn"},
};
const hg_table hg_hog_table = {.name = "hog", .shorthand = "cell", FIELDS(hog_fields)};

static hg_code read_hog(hg_reader *reader, const hg_node *node, void *target) {
  *(hg_hog_settings *)target = (hg_hog_settings){.cell = 4, .block = 2, .orientations = 9};
  return hg_table_read(reader, &hg_hog_table, node, target);
}

static const hg_field kmeans_fields[] = {
    {.key = "centroids",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_kmeans_settings, centroids),
     .low = 2,
     .high = 4000,
     .fallback = "100",
     .doc = "each gives four features, one for each quadrant of the image"},
    {.key = "patch",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_kmeans_settings, patch),
     .low = 2,
     .high = 16,
     .fallback = "6",
     .doc = "pixels along the edge of a patch"},
};
const hg_table hg_kmeans_table = {.name = "kmeans", .shorthand = "centroids", FIELDS(kmeans_fields)};

static hg_code read_kmeans(hg_reader *reader, const hg_node *node, void *target) {
  *(hg_kmeans_settings *)target = (hg_kmeans_settings){.centroids = 100, .patch = 6};
  return hg_table_read(reader, &hg_kmeans_table, node, target);
}

static const hg_field feature_fields[] = {
    {.key = "from",
     .type = HG_FIELD_READ,
     .offset = offsetof(hg_model, features_from),
     .read = read_from,
     .type_doc = "name of a model",
     .fallback = "the pixels",
     .doc = "the model whose codes (its encoder's output) are the features"},
    {.key = "hog",
     .type = HG_FIELD_READ,
     .offset = offsetof(hg_model, features.hog),
     .read = read_hog,
     .table = &hg_hog_table,
     .type_doc = "mapping, or the cell",
     .flags = HG_OR_OFF,
     .fallback = "off",
     .doc = "histograms of oriented gradients of the pixels"},
    {.key = "kmeans",
     .type = HG_FIELD_READ,
     .offset = offsetof(hg_model, features.kmeans),
     .read = read_kmeans,
     .table = &hg_kmeans_table,
     .type_doc = "mapping, or the centroids",
     .flags = HG_OR_OFF,
     .fallback = "off",
     .doc = "nearness of the image's patches to centroids learned from training images"},
    {.key = "scale",
     .type = HG_FIELD_CHOICE,
     .offset = offsetof(hg_model, features.scale),
     .choices = scale_name,
     .fallback = "none",
     .doc = "standard: each feature to mean 0 and variance 1 over the training images"},
    {.key = "pca",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_model, features.pca),
     .low = 0,
     .high = 4096,
     .fallback = "0",
     .doc = "principal components of what the keys above leave; 0 = all features as they are"},
};
const hg_table hg_features_table = {.name = "features", FIELDS(feature_fields)};

static hg_code read_features(hg_reader *reader, const hg_node *node, void *target) {
  if (node->kind == HG_NODE_SCALAR && strcmp(node->text, "pixels") == 0) return HG_OK;
  if (node->kind != HG_NODE_MAPPING) return hg_reject(reader, node, "`features` must be `pixels` or a mapping like `{pca: 50}`");
  hg_model *model = target;
  hg_code code = hg_table_read(reader, &hg_features_table, node, target);
  if (code == HG_OK && model->features_from >= 0 && model->features.hog.cell > 0)
    return hg_reject(reader, hg_node_key(node, "hog"), "`hog` is made of pixels; it does not go with `from`");
  if (code == HG_OK && model->features.kmeans.centroids > 0 && (model->features_from >= 0 || model->features.hog.cell > 0))
    return hg_reject(reader, hg_node_key(node, "kmeans"), "`kmeans` is made of pixels; it does not go with `from` or `hog`");
  return code;
}

/* ---------------------------------------------------------------- the model */

const char *hg_engine_name(int value) {
  static const char *const names[] = {[HG_NATIVE] = "native", [HG_ONEDNN] = "onednn", [HG_DIRECT] = "direct"};
  return value < (int)(sizeof names / sizeof *names) ? names[value] : NULL;
}

static const hg_field model_fields[] = {
    {.key = "id",
     .type = HG_FIELD_NAME,
     .offset = offsetof(hg_model, id),
     .doc = "the row of a table of results it belongs to, such as A1; several models may share one"},
    {.key = "note",
     .type = HG_FIELD_TEXT,
     .offset = offsetof(hg_model, note),
     .doc = "what a reader of the results should know of it"},
    {.key = "data",
     .type = HG_FIELD_READ,
     .offset = offsetof(hg_model, data),
     .read = read_data_name,
     .type_doc = "name of a data set",
     .fallback = "the only one",
     .doc = "what it is trained and tested on"},
    {.key = "encoder",
     .type = HG_FIELD_READ,
     .read = read_encoder,
     .table = &hg_encoder_table,
     .type_doc = "list of [layers](#layers), or `{from: MODEL}`",
     .doc = "maps the image to the code"},
    {.key = "decoder",
     .type = HG_FIELD_READ,
     .offset = offsetof(hg_model, blocks[HG_DECODER]),
     .read = read_layers,
     .type_doc = "list of [layers](#layers)",
     .doc = "maps the code to an image like the input"},
    {.key = "classifier",
     .type = HG_FIELD_READ,
     .offset = offsetof(hg_model, blocks[HG_CLASSIFIER]),
     .read = read_layers,
     .type_doc = "list of [layers](#layers)",
     .doc = "maps the code to one logit a class"},
    {.key = "loss",
     .type = HG_FIELD_TABLE,
     .offset = offsetof(hg_model, losses),
     .table = &hg_loss_table,
     .doc = "one loss for each of decoder and classifier; their weighted sum is trained"},
    {.key = "train",
     .type = HG_FIELD_TABLE,
     .offset = offsetof(hg_model, train),
     .table = &hg_train_table,
     .fallback = "defaults",
     .doc = "how it is trained"},
    {.key = "corrupt",
     .type = HG_FIELD_TABLE,
     .offset = offsetof(hg_model, train.corrupt),
     .table = &hg_corrupt_table,
     .flags = HG_OR_OFF,
     .fallback = "off",
     .doc = "spoils the input only, in training, validation and test; the reconstruction's target stays clean"},
    {.key = "augment",
     .type = HG_FIELD_TABLE,
     .offset = offsetof(hg_model, train.augment),
     .table = &hg_augment_table,
     .flags = HG_OR_OFF,
     .fallback = "off",
     .doc = "changes training images each time they are seen, in this order"},
    {.key = "evaluate", .type = HG_FIELD_TABLE, .table = &hg_evaluate_table, .doc = "how a trained network is tested besides"},
    {.key = "engine",
     .type = HG_FIELD_CHOICE,
     .offset = offsetof(hg_model, engine),
     .choices = hg_engine_name,
     .fallback = "the study's",
     .doc = "whose kernels run it"},
    {.key = "logistic_regression",
     .type = HG_FIELD_READ,
     .read = hg_logistic_read,
     .type_doc = "mapping",
     .doc = "a classical model: [logistic regression](#logistic_regression)"},
    {.key = "naive_bayes",
     .type = HG_FIELD_READ,
     .read = hg_bayes_read,
     .type_doc = "mapping",
     .doc = "a classical model: [Gaussian naive Bayes](#naive_bayes)"},
    {.key = "svm",
     .type = HG_FIELD_READ,
     .read = hg_svm_read,
     .type_doc = "mapping",
     .doc = "a classical model: [support vector machine](#svm)"},
    {.key = "knn",
     .type = HG_FIELD_READ,
     .read = hg_knn_read,
     .type_doc = "mapping",
     .doc = "a classical model: [k nearest neighbours](#knn)"},
    {.key = "linear_svm",
     .type = HG_FIELD_READ,
     .read = hg_linear_svm_read,
     .type_doc = "mapping",
     .doc = "a classical model: [linear support vector machine](#linear_svm)"},
    {.key = "features",
     .type = HG_FIELD_READ,
     .read = read_features,
     .table = &hg_features_table,
     .type_doc = "pixels, or [mapping](#features)",
     .fallback = "pixels",
     .doc = "classical models: what they see"},
    {.key = "limit",
     .type = HG_FIELD_INT64,
     .offset = offsetof(hg_model, limit),
     .low = 0,
     .high = 1e9,
     .fallback = "0",
     .doc = "classical models: at most this many training images, in the classes' shares; 0 = all"},
};
const hg_table hg_model_table = {.name = "model", FIELDS(model_fields)};

static const char *const network_keys[] = {"encoder", "decoder", "classifier", "loss",  "train",
                                           "corrupt", "augment", "evaluate",   "engine"};
static const char *const method_keys[] = {"logistic_regression", "naive_bayes", "svm", "knn", "linear_svm"};
static const char *const classical_keys[] = {"features", "limit"};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const hg_node *first_key(const hg_node *node, const char *const *keys, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const hg_node *key = hg_node_key(node, keys[i]);
    if (key != NULL) return key;
  }
  return NULL;
}

/* A model is a network or one classical method, and has the keys of that alone. */
static hg_code check_kind(hg_reader *reader, const hg_node *key, const hg_node *node) {
  const hg_node *method = NULL;
  for (size_t i = 0; i < COUNT(method_keys); i++) {
    const hg_node *found = hg_node_key(node, method_keys[i]);
    if (found != NULL && method != NULL) {
      return hg_reject(reader, found, "a model is one method; `%s` already has `%s`", key->text, method->text);
    }
    if (found != NULL) method = found;
  }
  const hg_node *network = first_key(node, network_keys, COUNT(network_keys));
  const hg_node *stray = first_key(node, classical_keys, COUNT(classical_keys));
  if (method != NULL && network != NULL) {
    return hg_reject(reader, network, "`%s` belongs to networks; `%s` is a classical model (%s)", network->text, key->text,
                     method->text);
  }
  if (method == NULL && stray != NULL && network != NULL) {
    return hg_reject(reader, stray, "`%s` belongs to classical models; `%s` is a network", stray->text, key->text);
  }
  if (method != NULL) return HG_OK;
  if (hg_node_get(node, "decoder") != NULL || hg_node_get(node, "classifier") != NULL) return HG_OK;
  if (key->origin != NULL && !key->made) return hg_reject_made(reader, key, "model", reader->model_nodes);
  return hg_reject(reader, key,
                   "`%s` is no model yet: it needs a `decoder` or a `classifier`, or one of logistic_regression, "
                   "naive_bayes, svm, knn and linear_svm",
                   key->text);
}

static hg_code read_model(hg_reader *reader, const hg_node *key, const hg_node *node, hg_model *model) {
  hg_code code = hg_table_read(reader, &hg_model_table, node, model);
  if (code == HG_OK) code = check_kind(reader, key, node);
  if (code == HG_OK && model->data < 0) {
    if (reader->study->data_count > 1) return hg_reject(reader, key, "`%s` needs `data`: the study has more than one", key->text);
    model->data = 0;
  }
  return code;
}

/* Names first, so that a model may name one that stands below it. */
static hg_code name_models(hg_reader *reader, const hg_node *node) {
  hg_study *study = reader->study;
  study->models = hg_calloc(node->count, sizeof *study->models);
  if (study->models == NULL) return hg_fail_memory(reader->error, "models", node->count * sizeof *study->models);
  for (size_t i = 0; i < node->count; i++) {
    hg_model *model = &study->models[i];
    *model = (hg_model){.kind = HG_MODEL_NETWORK, .data = -1, .from = -1, .features_from = -1};
    model->losses = hg_losses_default();
    model->train = reader->train;
    model->engine = reader->engine;
    study->model_count = (int)i + 1;
    hg_code code = HG_OK;
    if (node->keys[i]->made) {
      snprintf(model->name, sizeof model->name, "%s", node->keys[i]->text);
    } else {
      code = hg_value_name(reader, "models", node->keys[i], model->name);
    }
    if (code != HG_OK) return code;
  }
  return HG_OK;
}

hg_code hg_study_read_models(hg_reader *reader) {
  const hg_node *node = reader->model_nodes;
  if (node == NULL || node->kind != HG_NODE_MAPPING || node->count == 0) {
    return hg_reject(reader, node, "`models` must hold at least one model under its name");
  }
  hg_code code = name_models(reader, node);
  for (size_t i = 0; i < node->count && code == HG_OK; i++) {
    code = read_model(reader, node->keys[i], node->items[i], &reader->study->models[i]);
  }
  return code;
}
