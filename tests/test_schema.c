/* What sound studies mean: values, shorthands, overrides, sweeps and settings. */
#include "base/alloc.h"
#include "study/schema.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

/* A classifier of MNIST whose model `m` begins; lines of it may follow. */
#define HEAD "study: t\ndata: {d: {source: mnist}}\nmodels:\n  m:\n"
#define CLASSIFIER "    classifier: [flatten, {dense: 10}]\n    loss: {classification: cross_entropy}\n"
#define BASE HEAD "    encoder: [{conv2d: {filters: 4, kernel_size: 3}}, {max_pool2d: 2}]\n" CLASSIFIER

static hg_code try_text(const char *text, const hg_override *overrides, int count, hg_study **study, hg_error *error) {
  char path[] = "/tmp/hourglass-study-XXXXXX";
  int descriptor = mkstemp(path);
  assert_true(descriptor >= 0);
  assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
  close(descriptor);
  hg_code code = hg_study_read(path, overrides, count, study, error);
  remove(path);
  return code;
}

static hg_study *read_with(const char *text, const hg_override *overrides, int count) {
  hg_study *study = NULL;
  hg_error error = {0};
  hg_code code = try_text(text, overrides, count, &study, &error);
  if (code != HG_OK) print_error("%s: %s\n", error.place, error.message);
  assert_int_equal(code, HG_OK);
  return study;
}

static hg_study *read_text(const char *text) { return read_with(text, NULL, 0); }

/* ---------------------------------------------------------------- files of the repository */

static void every_study_of_the_repository_is_sound(void **state) {
  (void)state;
  DIR *folder = opendir(SOURCE_DIR "/studies");
  assert_non_null(folder);
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    if (strstr(entry->d_name, ".yaml") == NULL) continue;
    char path[512];
    snprintf(path, sizeof path, SOURCE_DIR "/studies/%s", entry->d_name);
    hg_study *study = NULL;
    hg_error error = {0};
    hg_code code = hg_study_read(path, NULL, 0, &study, &error);
    if (code != HG_OK) print_error("%s: %s\n", error.place, error.message);
    assert_int_equal(code, HG_OK);
    hg_study_free(study);
  }
  closedir(folder);
}

static void the_published_fashion_network_has_241546_parameters(void **state) {
  (void)state;
  hg_study *study = NULL;
  hg_network *network = NULL;
  assert_int_equal(hg_study_read(SOURCE_DIR "/studies/fashion-cnn.yaml", NULL, 0, &study, NULL), HG_OK);
  assert_int_equal(hg_study_network(study, 0, &network, NULL), HG_OK);
  assert_int_equal(hg_network_parameters(network), 241546);
  assert_int_equal(study->seed_count, 3);
  assert_int_equal(study->models[0].train.batch_size, 256);
  assert_int_equal(study->models[0].train.epochs, 20);
  assert_string_equal(study->published[0].metric, "test.accuracy");
  assert_true(study->published[0].value == 0.924);
  hg_network_free(network);
  hg_study_free(study);
}

/* ---------------------------------------------------------------- values */

static void scalars_mean_what_their_key_says(void **state) {
  (void)state;
  hg_study *study = read_text(
      "study: 08\nabout: no\nseeds: [08, 0010, 1e3]\ndata: {on: {source: mnist, limit: 1e4, seed: 9007199254740993}}\nmodels:\n  "
      "1e-3:\n"
      "    encoder: [{batch_norm: {epsilon: 1e-3, momentum: .5}}, {conv2d: {filters: +4, kernel_size: '3', use_bias: "
      "no}}]\n" CLASSIFIER "    train: {clip_norm: 1E1, optimizer: {adam: 5e-4}, early_stopping: {restore_best_weights: Off}}\n");
  const hg_model *model = &study->models[0];
  assert_string_equal(study->name, "08");
  assert_string_equal(study->about, "no");
  assert_int_equal(study->seeds[0], 8);
  assert_int_equal(study->seeds[1], 10);
  assert_int_equal(study->seeds[2], 1000);
  assert_string_equal(study->data[0].name, "on");
  assert_int_equal(study->data[0].limit, 10000);
  assert_true(study->data[0].seed == 9007199254740993u);
  assert_string_equal(model->name, "1e-3");
  assert_true(model->blocks[HG_ENCODER].layers[0].epsilon == 1e-3f);
  assert_true(model->blocks[HG_ENCODER].layers[0].momentum == 0.5f);
  assert_int_equal(model->blocks[HG_ENCODER].layers[1].filters, 4);
  assert_int_equal(model->blocks[HG_ENCODER].layers[1].kernel_size[1], 3);
  assert_false(model->blocks[HG_ENCODER].layers[1].use_bias);
  assert_true(model->train.clip_norm == 10);
  assert_true(model->train.optimizer.learning_rate == 5e-4f);
  assert_true(model->train.early_stopping.enabled);
  assert_false(model->train.early_stopping.restore_best_weights);
  hg_study_free(study);
}

static void classes_are_chosen_by_name_as_by_label(void **state) {
  (void)state;
  hg_study *study = read_text(
      "study: t\ndata:\n  named: {classes: [Trouser, T-shirt/top, 'Ankle boot'], source: fashion-mnist}\n"
      "  numbered: {classes: [1, 0, 9], source: fashion-mnist}\n  digits: {source: mnist, classes: ['3', 5]}\n"
      "models:\n  a: {data: named, naive_bayes: {}}\n  b: {data: numbered, naive_bayes: {}}\n"
      "  c: {data: digits, naive_bayes: {}}\n");
  assert_int_equal(study->data[0].class_count, 3);
  assert_int_equal(study->data[0].classes[0], 1);
  assert_int_equal(study->data[0].classes[1], 0);
  assert_int_equal(study->data[0].classes[2], 9);
  assert_int_equal(study->models[0].classes, 3);
  assert_int_equal(study->data[2].classes[0], 3);
  assert_int_equal(study->data[2].classes[1], 5);
  char *named = hg_study_settings_json(study, 0), *numbered = hg_study_settings_json(study, 1);
  assert_string_equal(named, numbered); /* so that a trained model stays done when its classes are written as names */
  hg_free(named);
  hg_free(numbered);
  hg_study_free(study);
}

static void a_number_of_seeds_counts_from_1(void **state) {
  (void)state;
  hg_study *study = read_text("seeds: 3\n" BASE);
  assert_int_equal(study->seed_count, 3);
  assert_int_equal(study->seeds[0], 1);
  assert_int_equal(study->seeds[2], 3);
  hg_study_free(study);
}

static void every_layer_has_its_shorthand(void **state) {
  (void)state;
  hg_study *study = read_text(
      "study: t\ndata: {d: mnist}\nmodels:\n  m:\n    encoder:\n"
      "      - conv2d: {filters: 8, kernel_size: [3, 5], strides: [1, 2], padding: replicate, kernel_initializer: he_normal}\n"
      "      - batch_norm\n      - batch_norm: {activation: relu}\n      - leaky_relu: 0.1\n      - gelu\n      - max_pool2d: 2\n"
      "      - average_pool2d: {pool_size: [2, 1], strides: 1, padding: same}\n      - upsample2d: 2\n"
      "      - conv2d_transpose: {filters: 4, kernel_size: 2, strides: 2, padding: same}\n      - dropout: 0.25\n"
      "      - activation: tanh\n      - global_average_pool2d\n      - reshape: [1, 2, 2]\n      - reshape: 4\n"
      "    classifier:\n      - flatten:\n      - dense: 10\n      - softmax\n    loss: {classification: cross_entropy}\n");
  const hg_layer *layer = study->models[0].blocks[HG_ENCODER].layers;
  assert_int_equal(layer[0].kernel_size[1], 5);
  assert_int_equal(layer[0].strides[1], 2);
  assert_int_equal(layer[0].padding, HG_REPLICATE);
  assert_int_equal(layer[0].kernel_initializer, HG_INIT_HE_NORMAL);
  assert_int_equal(layer[0].line, 6);
  assert_int_equal(layer[2].activation, HG_RELU);
  assert_int_equal(layer[3].kind, HG_ACTIVATION);
  assert_int_equal(layer[3].activation, HG_LEAKY_RELU);
  assert_true(layer[3].negative_slope == 0.1f);
  assert_int_equal(layer[4].activation, HG_GELU);
  assert_int_equal(layer[5].kernel_size[0], 2);
  assert_int_equal(layer[5].strides[0], 0);
  assert_int_equal(layer[6].kernel_size[1], 1);
  assert_int_equal(layer[7].size[1], 2);
  assert_true(layer[9].rate == 0.25f);
  assert_int_equal(layer[13].shape.channels, 4);
  assert_int_equal(layer[13].shape.height, 1);
  assert_int_equal(study->models[0].blocks[HG_CLASSIFIER].count, 3);
  hg_study_free(study);
}

static void losses_and_training_are_read_in_full(void **state) {
  (void)state;
  hg_study *study = read_text(
      "study: t\nengine: native\ndata: {d: mnist}\ndefaults: {train: {epochs: 7, early_stopping: 3, optimizer: sgd}}\nmodels:\n  "
      "m:\n"
      "    encoder: [flatten, {dense: 16}]\n    decoder: [{dense: {units: 784, activation: sigmoid}}, {reshape: [28, 28, 1]}]\n"
      "    classifier: [{dense: 10}]\n    corrupt: {gaussian: 0.7, clip: no}\n    augment: {rotate: 10, flip: yes, crop: 2}\n"
      "    loss: {reconstruction: binary_cross_entropy, classification: {cross_entropy: {weight: 0.1, label_smoothing: 0.2}},"
      " center: {weight: .003}}\n"
      "    train: {batch_size: 32, optimizer: {sgd: {learning_rate: 0.1, momentum: 0.9, nesterov: true}}, clip_value: 1,\n"
      "            schedule: {one_cycle: {peak: 0.4, warmup: 1}}, early_stopping: off, learning_rate_factors: {encoder: 0.1}}\n");
  const hg_model *model = &study->models[0];
  assert_int_equal(model->losses.reconstruction, HG_BINARY_CROSS_ENTROPY);
  assert_true(model->losses.reconstruction_weight == 1);
  assert_true(model->losses.classification_weight == 0.1f);
  assert_true(model->losses.label_smoothing == 0.2f);
  assert_true(model->losses.center_weight == 0.003f);
  assert_true(model->losses.center_rate == 0.5f);
  assert_int_equal(model->train.epochs, 7);
  assert_false(model->train.early_stopping.enabled);
  assert_int_equal(model->train.optimizer.kind, HG_SGD);
  assert_true(model->train.optimizer.nesterov);
  assert_int_equal(model->train.schedule.kind, HG_ONE_CYCLE);
  assert_true(model->train.schedule.peak == 0.4f && model->train.schedule.warmup == 1);
  assert_true(model->train.block_learning_rate[HG_ENCODER] == 0.1f && model->train.block_learning_rate[HG_DECODER] == 1);
  assert_true(model->train.corrupt.gaussian == 0.7f && !model->train.corrupt.clip);
  assert_true(model->train.augment.rotate == 10 && model->train.augment.flip && model->train.augment.crop == 2);
  hg_study_free(study);
}

static void aliases_and_merge_keys_are_expanded(void **state) {
  (void)state;
  hg_study *study = read_text(
      "study: t\ndata: {d: mnist}\nmodels:\n  a: &a\n    encoder: &code [flatten, {dense: 16}]\n    classifier: [{dense: 10}]\n"
      "    loss: {classification: cross_entropy}\n    train: {epochs: 3}\n"
      "  b: {<<: *a, train: {epochs: 5}}\n  c: {encoder: *code, decoder: [{dense: 784}, {reshape: [28, 28, 1]}], loss: "
      "{reconstruction: mse}}\n");
  assert_int_equal(study->models[1].blocks[HG_ENCODER].layers[1].units, 16);
  assert_int_equal(study->models[1].train.epochs, 5);
  assert_int_equal(study->models[0].train.epochs, 3);
  assert_int_equal(study->models[2].blocks[HG_ENCODER].count, 2);
  hg_study_free(study);
}

static void classical_models_have_their_own_keys(void **state) {
  (void)state;
  hg_study *study = read_text(BASE
                              "  s: {svm: {kernel: poly, C: 2, gamma: 0.0625, degree: 2}, features: {from: m}, limit: 1000}\n"
                              "  l: {logistic_regression: {C: 0.5, solver: liblinear, max_iter: 20, tol: 1e-2}}\n"
                              "  b: {naive_bayes: , features: pixels}\nreport: {compare: [[m, s], [l, b]]}\n");
  const hg_model *svm = &study->models[1];
  assert_int_equal(svm->kind, HG_MODEL_CLASSICAL);
  assert_int_equal(svm->classical.kernel, HG_KERNEL_POLY);
  assert_true(svm->classical.gamma == 0.0625 && svm->classical.C == 2);
  assert_int_equal(svm->features_from, 0);
  assert_int_equal(svm->limit, 1000);
  assert_int_equal(study->models[2].classical.solver, HG_SOLVER_LIBLINEAR);
  assert_int_equal(study->models[3].classical.kind, HG_NAIVE_BAYES);
  assert_int_equal(study->models[3].features_from, -1);
  assert_int_equal(study->compare_count, 2);
  assert_int_equal(study->compare[1].b, 3);
  hg_study_free(study);
}

static void features_are_taken_step_by_step(void **state) {
  (void)state;
  hg_study *study = read_text(BASE
                              "  a: {knn: 3, features: {hog: 7, pca: 20}}\n"
                              "  b: {knn: {weights: distance}, features: {from: m, scale: standard}}\n");
  const hg_model *a = &study->models[1], *b = &study->models[2];
  assert_int_equal(a->classical.k, 3);
  assert_int_equal(a->features.hog.cell, 7);
  assert_int_equal(a->features.hog.orientations, 9);
  assert_int_equal(a->features.pca, 20);
  assert_int_equal(a->features_from, -1);
  assert_int_equal(b->classical.k, 5);
  assert_int_equal(b->classical.weights, HG_WEIGHTS_DISTANCE);
  assert_int_equal(b->features.scale, HG_SCALE_STANDARD);
  assert_int_equal(b->features.hog.cell, 0);
  assert_int_equal(b->features_from, 0);
  hg_study_free(study);
}

static void an_encoder_taken_over_brings_its_layers(void **state) {
  (void)state;
  hg_study *study = read_text(BASE "  n:\n    encoder: {from: m, freeze: yes}\n" CLASSIFIER
                                   "  o:\n    encoder: {from: n, unfreeze_after: 2}\n" CLASSIFIER);
  hg_network *first = NULL, *third = NULL;
  assert_int_equal(study->models[1].from, 0);
  assert_true(study->models[1].freeze);
  assert_int_equal(study->models[2].train.unfreeze_after, 2);
  assert_int_equal(hg_study_network(study, 0, &first, NULL), HG_OK);
  assert_int_equal(hg_study_network(study, 2, &third, NULL), HG_OK);
  assert_int_equal(hg_network_parameters(first), hg_network_parameters(third));
  hg_network_free(first);
  hg_network_free(third);
  hg_study_free(study);
}

/* ---------------------------------------------------------------- overrides */

static void overrides_reach_every_setting(void **state) {
  (void)state;
  static const hg_override overrides[] = {
      {"models.m.train.epochs", "3"},
      {"models.m.train.optimizer.sgd.momentum", "0.5"},
      {"models.m.encoder.0.conv2d.filters", "16"},
      {"models.m.encoder.1.max_pool2d.strides", "1"},
      {"models.m.classifier.1", "{dense: {units: 10, name: head}}"},
      {"models.m.loss.classification.cross_entropy.weight", "2"},
      {"data.d.limit", "1000"},
      {"seeds", "[4, 5]"},
  };
  hg_study *study = read_with(BASE, overrides, COUNT(overrides));
  const hg_model *model = &study->models[0];
  assert_int_equal(model->train.epochs, 3);
  assert_int_equal(model->train.optimizer.kind, HG_SGD);
  assert_true(model->train.optimizer.momentum == 0.5f);
  assert_int_equal(model->blocks[HG_ENCODER].layers[0].filters, 16);
  assert_int_equal(model->blocks[HG_ENCODER].layers[1].kernel_size[0], 2);
  assert_int_equal(model->blocks[HG_ENCODER].layers[1].strides[0], 1);
  assert_string_equal(model->blocks[HG_CLASSIFIER].layers[1].name, "head");
  assert_true(model->losses.classification_weight == 2);
  assert_int_equal(study->data[0].limit, 1000);
  assert_int_equal(study->seeds[1], 5);
  hg_study_free(study);
}

static void an_override_replaces_a_word_by_its_options(void **state) {
  (void)state;
  hg_override overrides[] = {{"models.m.train.optimizer.adamw.weight_decay", "0.1"}, {"data.d.validation", "0"}};
  hg_study *study =
      read_with("study: t\ndata: {d: mnist}\nmodels:\n  m:\n" CLASSIFIER "    train: {optimizer: sgd}\n", overrides, 2);
  assert_int_equal(study->models[0].train.optimizer.kind, HG_ADAMW);
  assert_string_equal(study->data[0].source, "mnist");
  assert_true(study->data[0].validation == 0);
  hg_study_free(study);
}

static void an_override_may_be_a_word_or_a_mapping(void **state) {
  (void)state;
  const hg_override mappings[] = {
      {"models.m.loss", "{classification: {cross_entropy: {label_smoothing: 0.1}}, center: {weight: 0.01}}"},
      {"models.m.train.optimizer", "{sgd: {learning_rate: 0.5, momentum: 0.9}}"},
      {"models.m.encoder", "[{conv2d: {filters: 7, kernel_size: 3, activation: relu}}, flatten]"},
      {"data.d", "{source: fashion-mnist, limit: 500, validation: 100}"}};
  hg_study *study = read_with(BASE, mappings, COUNT(mappings));
  const hg_model *model = &study->models[0];
  assert_true(model->losses.label_smoothing == 0.1f);
  assert_true(model->losses.center_weight == 0.01f);
  assert_int_equal(model->train.optimizer.kind, HG_SGD);
  assert_true(model->train.optimizer.momentum == 0.9f);
  assert_int_equal(model->blocks[HG_ENCODER].count, 2);
  assert_int_equal(model->blocks[HG_ENCODER].layers[0].filters, 7);
  assert_string_equal(study->data[0].source, "fashion-mnist");
  assert_int_equal(study->data[0].limit, 500);
  hg_study_free(study);
  const hg_override words[] = {{"models.m.loss", "{classification: cross_entropy}"},
                               {"models.m.train.optimizer", "sgd"},
                               {"models.m.encoder.1", "flatten"},
                               {"data.d", "fashion-mnist"},
                               {"about", "what now"}};
  study = read_with(BASE, words, COUNT(words));
  model = &study->models[0];
  assert_int_equal(model->losses.classification, HG_CROSS_ENTROPY);
  assert_true(model->losses.label_smoothing == 0);
  assert_int_equal(model->train.optimizer.kind, HG_SGD);
  assert_int_equal(model->blocks[HG_ENCODER].layers[1].kind, HG_FLATTEN);
  assert_string_equal(study->data[0].source, "fashion-mnist");
  assert_string_equal(study->about, "what now");
  hg_study_free(study);
}

static void a_wrong_override_is_named_in_the_place(void **state) {
  (void)state;
  static const struct {
    hg_override override;
    const char *place, *message;
  } cases[] = {
      {{"models.m.train.epoch", "3"}, "--set models.m.train.epoch=3", "did you mean `epochs`?"},
      {{"models.m.train.epochs", "few"}, "--set models.m.train.epochs=few", "whole number"},
      {{"models.cnn.train.epochs", "3"}, "--set models.cnn.train.epochs=3", "is no model yet"},
      {{"modles.m.train.epochs", "3"}, "--set modles.m.train.epochs=3", "did you mean `models`?"},
      {{"models.m.encoder.7.dropout.rate", "0.5"}, "--set models.m.encoder.7.dropout.rate=0.5", "no entry 7 in a list of 2"},
      {{"models.m.encoder.0.conv2d.filter", "8"}, "--set models.m.encoder.0.conv2d.filter=8", "did you mean `filters`?"},
      {{"models..train", "1"}, "--set models..train=1", "empty"},
      {{"models.m.train.epochs", ""}, "--set models.m.train.epochs=", "no value"},
      {{"seeds", "[1, 2"}, "--set seeds=[1, 2", "not YAML"},
      {{"models.m.loss", "{classification: crossentropy}"},
       "--set models.m.loss={classification: crossentropy}",
       "did you mean `cross_entropy`?"},
      {{"models.m.loss", "{clasification: cross_entropy}"},
       "--set models.m.loss={clasification: cross_entropy}",
       "did you mean `classification`?"},
      {{"models.m.train.optimizer", "sdg"}, "--set models.m.train.optimizer=sdg", "did you mean `sgd`?"},
      {{"models.m.classifier.1.dense", "11"}, "--set models.m.classifier.1.dense=11", "10 classes"},
  };
  for (int i = 0; i < COUNT(cases); i++) {
    hg_study *study = NULL;
    hg_error error = {0};
    hg_code code = try_text(BASE, &cases[i].override, 1, &study, &error);
    bool as_told =
        code == HG_USAGE && strcmp(error.place, cases[i].place) == 0 && strstr(error.message, cases[i].message) != NULL;
    if (!as_told) print_error("%s: code %d, %s: %s\n", cases[i].place, code, error.place, error.message);
    assert_true(as_told);
  }
}

/* ---------------------------------------------------------------- sweeps */

static void a_sweep_makes_one_model_for_each_point_of_its_grid(void **state) {
  (void)state;
  hg_study *study =
      read_text(BASE
                "sweeps: {s: {model: m, grid: {train.optimizer.adam.learning_rate: [1e-2, 1e-3], train.epochs: [3, 5]}}}\n"
                "report: {compare: [[m, 'm[learning_rate=0.001,epochs=5]']]}\n");
  assert_int_equal(study->model_count, 5);
  assert_string_equal(study->models[1].name, "m[learning_rate=0.01,epochs=3]");
  assert_string_equal(study->models[4].name, "m[learning_rate=0.001,epochs=5]");
  assert_true(study->models[1].train.optimizer.learning_rate == 0.01f);
  assert_int_equal(study->models[4].train.epochs, 5);
  assert_int_equal(study->models[0].train.epochs, 10);
  assert_int_equal(study->compare[0].b, 4);
  hg_study_free(study);
}

/* ---------------------------------------------------------------- settings */

static char *settings_of(const char *text, int model) {
  hg_study *study = read_text(text);
  char *json = hg_study_settings_json(study, model);
  assert_non_null(json);
  hg_study_free(study);
  return json;
}

static void assert_same_settings(const char *a, const char *b, bool same) {
  char *first = settings_of(a, 0), *second = settings_of(b, 0);
  assert_int_equal(strcmp(first, second) == 0, same);
  hg_free(first);
  hg_free(second);
}

/* ---------------------------------------------------------------- rows of results */

static void a_row_of_results_is_named_by_models_sweeps_and_figures(void **state) {
  (void)state;
  hg_study *study = read_text(BASE
                              "    id: E1\n    note: as published\n"
                              "sweeps: {a: {model: m, id: E2, grid: {train.epochs: [3]}}, "
                              "b: {model: m, note: mine, grid: {train.batch_size: [8]}}}\n"
                              "report:\n  published:\n    m: {test.accuracy: 0.9, test.loss: 0.2, note: of the last epoch}\n"
                              "    \"m[epochs=3]\": {test.accuracy: 0.8}\n    \"m[batch_size=8]\": {id: E9, test.loss: 1}\n");
  assert_string_equal(study->models[0].id, "E1");
  assert_string_equal(study->models[0].note, "as published");
  assert_string_equal(study->models[1].id, "E2");
  assert_string_equal(study->models[1].note, "as published");
  assert_string_equal(study->models[2].id, "E1");
  assert_string_equal(study->models[2].note, "mine");
  static const char *const ids[] = {"E1", "E1", "E2", "E9"};
  assert_int_equal(study->published_count, 4);
  for (int i = 0; i < 4; i++) assert_string_equal(study->published[i].id, ids[i]);
  assert_string_equal(study->published[1].note, "of the last epoch");
  assert_null(study->published[2].note);
  hg_study_free(study);
}

static void figures_of_test_time_augmentation_may_be_published(void **state) {
  (void)state;
  hg_study *study = read_text(BASE
                              "    evaluate: {test_time_augmentation: {flip: yes}}\n"
                              "report: {published: {m: {test.accuracy: 0.9, test.accuracy_tta: 0.91}}}\n");
  assert_int_equal(study->published_count, 2);
  assert_string_equal(study->published[1].metric, "test.accuracy_tta");
  hg_study_free(study);
}

static void an_id_or_a_note_is_no_part_of_the_settings(void **state) {
  (void)state;
  hg_study *plain = read_text(BASE), *noted = read_text(BASE "    id: A1\n    note: as published\n");
  char *a = hg_study_settings_json(plain, 0), *b = hg_study_settings_json(noted, 0);
  assert_string_equal(a, b);
  hg_free(a);
  hg_free(b);
  hg_study_free(plain);
  hg_study_free(noted);
}

static void equal_settings_give_equal_text_however_they_are_written(void **state) {
  (void)state;
  assert_same_settings(
      BASE, BASE "    train: {epochs: 10, optimizer: {adam: {beta_1: 0.9, learning_rate: 1e-3}}, batch_size: 64}\n", true);
  assert_same_settings(BASE "    train: {optimizer: {adam: 0.01}}\n",
                       BASE "    train: {optimizer: {adam: {learning_rate: 1e-2}}}\n", true);
  assert_same_settings(HEAD CLASSIFIER, "about: x\nstudy: u\nseeds: 3\nthreads: 2\ndata: {e: mnist}\nmodels:\n  n:\n" CLASSIFIER,
                       true);
}

static void any_setting_that_differs_gives_another_text(void **state) {
  (void)state;
  assert_same_settings(BASE, BASE "    train: {epochs: 11}\n", false);
  assert_same_settings(BASE, BASE "    corrupt: {masking: 0.1}\n", false);
  assert_same_settings(BASE, BASE "    engine: onednn\n", false);
  assert_same_settings("study: t\ndata: {d: mnist}\nmodels:\n  m: {knn: 3}\n",
                       "study: t\ndata: {d: mnist}\nmodels:\n  m: {knn: 3, features: {pca: 5}}\n", false);
  assert_same_settings(BASE "    train: {early_stopping: 3}\n", BASE "    train: {early_stopping: 4}\n", false);
  assert_same_settings(HEAD CLASSIFIER, "study: t\ndata: {d: fashion-mnist}\nmodels:\n  m:\n" CLASSIFIER, false);
}

static void the_settings_of_a_transfer_hold_those_of_its_source(void **state) {
  (void)state;
  const char *second = "  n:\n    encoder: {from: m}\n" CLASSIFIER;
  char one[2000], other[2000];
  snprintf(one, sizeof one, "%s%s", BASE, second);
  snprintf(other, sizeof other, "%s    train: {epochs: 11}\n%s", BASE, second);
  char *a = settings_of(one, 1), *b = settings_of(other, 1);
  assert_string_not_equal(a, b);
  hg_free(a);
  hg_free(b);
}

/* ---------------------------------------------------------------- memory */

static void every_allocation_may_fail_once(void **state) {
  (void)state;
  for (int64_t n = 0;; n++) {
    hg_study *study = NULL;
    hg_error error = {0};
    hg_override overrides[] = {{"data.garments.limit", "9000"}, {"models.cnn.train.epochs", "1"}};
    hg_alloc_fail_after(n);
    hg_code code = hg_study_read(SOURCE_DIR "/studies/quick.yaml", overrides, 2, &study, &error);
    hg_alloc_fail_after(-1);
    if (code == HG_OK) {
      hg_study_free(study);
      break;
    }
    if (code != HG_NO_MEMORY) print_error("allocation %d: code %d, %s: %s\n", (int)n, code, error.place, error.message);
    assert_int_equal(code, HG_NO_MEMORY);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_study_of_the_repository_is_sound),
      cmocka_unit_test(the_published_fashion_network_has_241546_parameters),
      cmocka_unit_test(scalars_mean_what_their_key_says),
      cmocka_unit_test(classes_are_chosen_by_name_as_by_label),
      cmocka_unit_test(a_number_of_seeds_counts_from_1),
      cmocka_unit_test(every_layer_has_its_shorthand),
      cmocka_unit_test(losses_and_training_are_read_in_full),
      cmocka_unit_test(aliases_and_merge_keys_are_expanded),
      cmocka_unit_test(classical_models_have_their_own_keys),
      cmocka_unit_test(features_are_taken_step_by_step),
      cmocka_unit_test(an_encoder_taken_over_brings_its_layers),
      cmocka_unit_test(overrides_reach_every_setting),
      cmocka_unit_test(an_override_replaces_a_word_by_its_options),
      cmocka_unit_test(an_override_may_be_a_word_or_a_mapping),
      cmocka_unit_test(a_wrong_override_is_named_in_the_place),
      cmocka_unit_test(a_sweep_makes_one_model_for_each_point_of_its_grid),
      cmocka_unit_test(a_row_of_results_is_named_by_models_sweeps_and_figures),
      cmocka_unit_test(figures_of_test_time_augmentation_may_be_published),
      cmocka_unit_test(an_id_or_a_note_is_no_part_of_the_settings),
      cmocka_unit_test(equal_settings_give_equal_text_however_they_are_written),
      cmocka_unit_test(any_setting_that_differs_gives_another_text),
      cmocka_unit_test(the_settings_of_a_transfer_hold_those_of_its_source),
      cmocka_unit_test(every_allocation_may_fail_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
