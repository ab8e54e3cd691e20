/* What changes a study, overrides and sweeps, and what counts as another setting. */
#include "test_study_text.h"

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
      {{"models.cnn.train.epochs", "3"}, "--set models.cnn.train.epochs=3", "the study has no model `cnn`; there is m"},
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

static void a_sweep_makes_one_model_for_each_point_of_its_list(void **state) {
  (void)state;
  hg_study *study = read_text(BASE
                              "sweeps:\n"
                              "  s:\n"
                              "    model: m\n"
                              "    list:\n"
                              "      - {train.epochs: 3, train.optimizer: {sgd: {learning_rate: 0.5}}}\n"
                              "      - {train.optimizer: adam, train.epochs: 5}\n"
                              "report: {compare: [['m[epochs=3,optimizer=sgd]', 'm[epochs=5,optimizer=adam]']]}\n");
  assert_int_equal(study->model_count, 3);
  assert_string_equal(study->models[1].name, "m[epochs=3,optimizer=sgd]");
  assert_string_equal(study->models[2].name, "m[epochs=5,optimizer=adam]");
  assert_int_equal(study->models[1].train.epochs, 3);
  assert_true(study->models[1].train.optimizer.learning_rate == 0.5f);
  assert_int_equal(study->models[2].train.epochs, 5);
  assert_int_equal(study->compare[0].a, 1);
  hg_study_free(study);
}

/* Named alike, the page would take both for one sweep. */
static void sweeps_over_paths_that_end_alike_are_named_by_the_whole_paths(void **state) {
  (void)state;
  hg_study *study = read_text(BASE "  n:\n" CLASSIFIER
                                   "sweeps:\n"
                                   "  adam: {model: m, grid: {train.optimizer.adam.learning_rate: [0.1]}}\n"
                                   "  sgd: {model: m, grid: {train.optimizer.sgd.learning_rate: [0.1], train.epochs: [3]}}\n"
                                   "  longer: {model: m, grid: {train.epochs: [5]}}\n"
                                   "  other: {model: n, grid: {train.optimizer.adam.learning_rate: [0.1]}}\n");
  assert_int_equal(study->model_count, 6);
  assert_string_equal(study->models[2].name, "m[train.optimizer.adam.learning_rate=0.1]");
  assert_string_equal(study->models[3].name, "m[train.optimizer.sgd.learning_rate=0.1,epochs=3]");
  assert_string_equal(study->models[4].name, "m[epochs=5]");
  assert_string_equal(study->models[5].name, "n[learning_rate=0.1]");
  hg_study_free(study);
}

static void an_override_reaches_the_points_of_a_sweep(void **state) {
  (void)state;
  const hg_override override = {"models.m.train.optimizer.sgd.momentum", "0.9"};
  hg_study *study = read_with(BASE
                              "    train: {optimizer: {adam: {learning_rate: 1e-3}}}\n"
                              "sweeps: {e: {model: m, grid: {train.epochs: [3, 5]}}}\n",
                              &override, 1);
  assert_int_equal(study->model_count, 3);
  for (int i = 0; i < 3; i++) assert_int_equal(study->models[i].train.optimizer.kind, HG_SGD);
  assert_int_equal(study->models[2].train.epochs, 5);
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

/* A model that takes over another's mapping by a merge key, and what `defaults` say, can do without each of them. */
static void off_takes_back_what_was_inherited(void **state) {
  (void)state;
  static const char all[] =
      "study: t\ndata: {d: {source: mnist}}\ndefaults: {train: {clip_norm: 1, clip_value: 2, early_stopping: 3}}\nmodels:\n"
      "  rich: &rich\n    encoder: [flatten, {dense: 16}]\n    classifier: [{dense: 10}]\n"
      "    corrupt: {masking: 0.1}\n    augment: {flip: yes}\n    evaluate: {test_time_augmentation: {flip: yes}}\n"
      "    loss: {classification: cross_entropy, center: {weight: 0.1}}\n"
      "  bare:\n    <<: *rich\n    corrupt: off\n    augment: no\n    evaluate: {test_time_augmentation: off}\n"
      "    loss: {classification: cross_entropy, center: off}\n    train: {clip_norm: off, clip_value: Off, early_stopping: "
      "false}\n"
      "  pixels: {knn: 3, features: {hog: off, kmeans: off}}\nreport: {codes: off}\n";
  static const char never[] =
      "study: t\ndata: {d: {source: mnist}}\nmodels:\n  bare:\n    encoder: [flatten, {dense: 16}]\n"
      "    classifier: [{dense: 10}]\n    loss: {classification: cross_entropy}\n  pixels: {knn: 3}\nreport: {codes: no}\n";
  for (int model = 0; model < 2; model++) {
    char *a = settings_of(all, model + 1), *b = settings_of(never, model);
    assert_string_equal(a, b);
    hg_free(a);
    hg_free(b);
  }
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(overrides_reach_every_setting),
      cmocka_unit_test(an_override_replaces_a_word_by_its_options),
      cmocka_unit_test(an_override_may_be_a_word_or_a_mapping),
      cmocka_unit_test(a_wrong_override_is_named_in_the_place),
      cmocka_unit_test(a_sweep_makes_one_model_for_each_point_of_its_grid),
      cmocka_unit_test(a_sweep_makes_one_model_for_each_point_of_its_list),
      cmocka_unit_test(sweeps_over_paths_that_end_alike_are_named_by_the_whole_paths),
      cmocka_unit_test(an_override_reaches_the_points_of_a_sweep),
      cmocka_unit_test(an_id_or_a_note_is_no_part_of_the_settings),
      cmocka_unit_test(equal_settings_give_equal_text_however_they_are_written),
      cmocka_unit_test(any_setting_that_differs_gives_another_text),
      cmocka_unit_test(off_takes_back_what_was_inherited),
      cmocka_unit_test(the_settings_of_a_transfer_hold_those_of_its_source),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
