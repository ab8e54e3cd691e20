/* What sound studies mean: values, shorthands, models and rows of results. */
#include "test_study_text.h"

#include <dirent.h>

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

static void a_byte_order_mark_is_no_part_of_the_first_key(void **state) {
  (void)state;
  hg_study *study = read_text("\xEF\xBB\xBF" BASE);
  assert_string_equal(study->name, "t");
  hg_study_free(study);
}

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
      "            schedule: {one_cycle: {peak: 0.4, warmup: 1}}, early_stopping: off, learning_rate_factors: {encoder: 0.1, "
      "biases: 64}}\n");
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
  assert_true(model->train.bias_learning_rate == 64);
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

static void an_anchor_inside_a_merged_mapping_may_be_used_later(void **state) {
  (void)state;
  hg_study *study = read_text(
      "study: t\ndata: {d: mnist}\nmodels:\n"
      "  a: {<<: &base {train: &t {epochs: 3}, classifier: [flatten, {dense: 10}], loss: {classification: cross_entropy}}}\n"
      "  b: {<<: *base}\n  c: {<<: *base, train: {epochs: 5}}\n"
      "  d: {train: *t, classifier: [flatten, {dense: 10}], loss: {classification: cross_entropy}}\n");
  static const int epochs[] = {3, 3, 5, 3};
  for (int i = 0; i < 4; i++) assert_int_equal(study->models[i].train.epochs, epochs[i]);
  hg_study_free(study);
}

static void a_word_of_its_own_takes_back_what_defaults_say(void **state) {
  (void)state;
  hg_study *study = read_text(
      "study: t\ndata: {d: mnist}\ndefaults: {train: {epochs: 9, schedule: {cosine: {warmup: 5}}, early_stopping: 2}}\n"
      "models:\n  m:\n" CLASSIFIER "    train: {epochs: 3, schedule: constant, early_stopping: }\n  n:\n" CLASSIFIER);
  assert_int_equal(study->models[0].train.schedule.kind, HG_CONSTANT);
  assert_true(study->models[0].train.schedule.warmup == 0);
  assert_false(study->models[0].train.early_stopping.enabled);
  assert_true(study->models[1].train.schedule.warmup == 5);
  assert_true(study->models[1].train.early_stopping.enabled);
  hg_study_free(study);
}

static void a_batch_may_be_as_large_as_the_images_and_their_copies(void **state) {
  (void)state;
  hg_study *study = read_text("study: t\ndata: {d: {source: mnist, limit: 1000, validation: 0.8}}\nmodels:\n  m:\n" CLASSIFIER
                              "    train: {batch_size: 200}\n  n:\n" CLASSIFIER
                              "    augment: {rotate: 10, added: 2}\n    train: {batch_size: 600}\n");
  assert_int_equal(study->models[1].train.batch_size, 600);
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

static void any_score_of_a_classifier_may_be_published(void **state) {
  (void)state;
  hg_study *study =
      read_text(BASE "report: {published: {m: {test.roc_auc_macro: 0.99, test.macro_recall: 0.9, test.brier: 1.1}}}\n");
  assert_int_equal(study->published_count, 3);
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

/* Repeated or pooled, values from 0 to 1 stay what they are. */
static void a_sigmoid_before_layers_without_weights_is_a_sigmoid(void **state) {
  (void)state;
  hg_study_free(
      read_text("study: t\ndata: {d: {source: mnist}}\nmodels:\n  m:\n    encoder: [{dense: 4}]\n"
                "    decoder: [{dense: {units: 196, activation: sigmoid}}, {reshape: [14, 14, 1]}, {upsample2d: 2}]\n"
                "    loss: {reconstruction: binary_cross_entropy}\n"));
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
      cmocka_unit_test(a_byte_order_mark_is_no_part_of_the_first_key),
      cmocka_unit_test(scalars_mean_what_their_key_says),
      cmocka_unit_test(classes_are_chosen_by_name_as_by_label),
      cmocka_unit_test(a_number_of_seeds_counts_from_1),
      cmocka_unit_test(every_layer_has_its_shorthand),
      cmocka_unit_test(losses_and_training_are_read_in_full),
      cmocka_unit_test(aliases_and_merge_keys_are_expanded),
      cmocka_unit_test(an_anchor_inside_a_merged_mapping_may_be_used_later),
      cmocka_unit_test(a_word_of_its_own_takes_back_what_defaults_say),
      cmocka_unit_test(a_batch_may_be_as_large_as_the_images_and_their_copies),
      cmocka_unit_test(any_score_of_a_classifier_may_be_published),
      cmocka_unit_test(classical_models_have_their_own_keys),
      cmocka_unit_test(features_are_taken_step_by_step),
      cmocka_unit_test(an_encoder_taken_over_brings_its_layers),
      cmocka_unit_test(a_row_of_results_is_named_by_models_sweeps_and_figures),
      cmocka_unit_test(figures_of_test_time_augmentation_may_be_published),
      cmocka_unit_test(a_sigmoid_before_layers_without_weights_is_a_sigmoid),
      cmocka_unit_test(every_allocation_may_fail_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
