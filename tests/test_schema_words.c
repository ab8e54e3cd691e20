/* Words of other libraries, slips and near misses: each message says what to write instead. */
#include "test_study_text.h"

static void assert_refused(const char *text, const hg_override *override, const char *message) {
  hg_study *study = NULL;
  hg_error error = {0};
  hg_code code = try_text(text, override, override == NULL ? 0 : 1, &study, &error);
  if (code != HG_USAGE || strstr(error.message, message) == NULL)
    fail_msg("%s\ncode %d, %s: %s\nnot: %s", text, code, error.place, error.message, message);
}

static void a_setting_of_the_optimizer_is_not_one_of_train(void **state) {
  (void)state;
  static const struct {
    const char *train, *message;
  } cases[] = {
      {"{learning_rate: 0.1}", "the rate belongs to the optimizer: `optimizer: {adam: {learning_rate: 0.1}}`"},
      {"{lr: 3e-4}", "the rate belongs to the optimizer: `optimizer: {adam: {learning_rate: 3e-4}}`"},
      {"{LR: [1, 2]}", "the rate belongs to the optimizer: `optimizer: {adam: {learning_rate: ...}}`"},
      {"{momentum: 0.9}", "the momentum belongs to the optimizer: `optimizer: {sgd: {momentum: 0.9}}`"},
      {"{weight_decay: 0.01}", "the weight decay belongs to the optimizer: `optimizer: {adamw: {weight_decay: 0.01}}`"},
      {"{learning_rate_factor: {encoder: 1}}", "did you mean `learning_rate_factors`?"},
  };
  for (int i = 0; i < COUNT(cases); i++) {
    char text[1000];
    snprintf(text, sizeof text, BASE "    train: %s\n", cases[i].train);
    assert_refused(text, NULL, cases[i].message);
  }
}

static void a_layer_by_another_librarys_name_is_known(void **state) {
  (void)state;
  static const struct {
    const char *layer, *message;
  } cases[] = {
      {"linear: 10", "`linear` takes no number; did you mean `dense: 10`?"},
      {"linear: {in_features: 5, out_features: 10}", "did you mean `dense: {units: ...}`?"},
      {"relu: 3", "`relu` takes no value; write it alone: `- relu`"},
      {"softmax: yes", "`softmax` takes no value; write it alone: `- softmax`"},
      {"ReLU", "did you mean `relu`?"},
      {"LeakyReLU: 0.1", "did you mean `leaky_relu`?"},
      {"GELU", "did you mean `gelu`?"},
      {"Sigmoid", "did you mean `sigmoid`?"},
      {"TANH", "did you mean `tanh`?"},
      {"Softmax", "did you mean `softmax`?"},
      {"BatchNorm2d", "did you mean `batch_norm`?"},
      {"BatchNormalization", "did you mean `batch_norm`?"},
      {"Linear: 10", "did you mean `dense`?"},
      {"AvgPool2d: 2", "did you mean `average_pool2d`?"},
      {"ConvTranspose2d: {filters: 2}", "did you mean `conv2d_transpose`?"},
      {"dense: {units: 5, activation: ReLU}", "did you mean `relu`?"},
      {"dense: {units: 5, activation: LeakyReLU}", "did you mean `leaky_relu`?"},
      {"dense: {out_features: 5}", "did you mean `units`?"},
      {"dense: {units: 5, in_features: 9}", "`in_features` is not needed: a layer takes what the one before it gives"},
      {"conv2d: {out_channels: 5, kernel_size: 3}", "did you mean `filters`?"},
      {"conv2d: {in_channels: 1, filters: 5, kernel_size: 3}", "`in_channels` is not needed"},
      {"conv2d: {filters: 5, kernel_size: 3, bias: no}", "did you mean `use_bias`?"},
      {"dropout: {p: 0.5}", "did you mean `rate`?"},
  };
  for (int i = 0; i < COUNT(cases); i++) {
    char text[1000];
    snprintf(text, sizeof text, HEAD "    encoder: [{%s}]\n" CLASSIFIER, cases[i].layer);
    if (strchr(cases[i].layer, ':') == NULL) snprintf(text, sizeof text, HEAD "    encoder: [%s]\n" CLASSIFIER, cases[i].layer);
    assert_refused(text, NULL, cases[i].message);
  }
}

static void losses_changes_and_methods_have_other_names_elsewhere(void **state) {
  (void)state;
  assert_refused(HEAD "    classifier: [flatten, {dense: 10}]\n    loss: {classification: CrossEntropyLoss}\n", NULL,
                 "did you mean `cross_entropy`?");
  static const struct {
    const char *loss, *ours;
  } losses[] = {{"MSELoss", "mse"},
                {"BCELoss", "binary_cross_entropy"},
                {"BCEWithLogitsLoss", "binary_cross_entropy"},
                {"BinaryCrossentropy", "binary_cross_entropy"},
                {"MeanSquaredError", "mse"}};
  for (int i = 0; i < COUNT(losses); i++) {
    char text[1000], message[100];
    snprintf(text, sizeof text, HEAD "    decoder: [flatten, {dense: 784}]\n    loss: {reconstruction: %s}\n", losses[i].loss);
    snprintf(message, sizeof message, "did you mean `%s`?", losses[i].ours);
    assert_refused(text, NULL, message);
  }
  assert_refused(BASE "    augment: {horizontal_flip: true}\n", NULL, "did you mean `flip`?");
  assert_refused("study: t\ndata: {d: mnist}\nmodels: {m: {knn: {n_estimators: 9}}}\n", NULL, "known: k, weights");
}

static void a_model_or_data_set_that_an_override_alone_made_is_none(void **state) {
  (void)state;
  static const char study[] = "study: t\ndata: {digits: {source: mnist}}\nmodels:\n  cnn:\n" CLASSIFIER "  other:\n" CLASSIFIER;
  assert_refused(study, &(hg_override){"models.cn.train.epochs", "3"}, "the study has no model `cn`; did you mean `cnn`?");
  assert_refused(study, &(hg_override){"models.zebra.limit", "3"}, "the study has no model `zebra`; there are cnn, other");
  assert_refused(study, &(hg_override){"data.digit.limit", "3"}, "the study has no data set `digit`; did you mean `digits`?");
  assert_refused("study: t\ndata: {digits: mnist}\nmodels: {}\n", &(hg_override){"models.m.train.epochs", "3"}, "there are none");
  hg_study_free(read_with(study, &(hg_override){"models.third", "{naive_bayes: {}}"}, 1));
}

/* A denoiser, a classifier with center loss, one trained on the logarithm, and classical models. */
#define MODELS                                                                                                    \
  "study: t\ndata: {d: mnist, whole: {source: mnist, validation: 0}}\nmodels:\n"                                  \
  "  cleaner: {data: d, decoder: [flatten, {dense: 784}, {reshape: [28, 28, 1]}], loss: {reconstruction: mse}}\n" \
  "  logs: {data: d, decoder: [flatten, {dense: {units: 784, activation: sigmoid}}, {reshape: [28, 28, 1]}],"     \
  " loss: {reconstruction: binary_cross_entropy}}\n"                                                              \
  "  cnn: {data: d, encoder: [flatten, {dense: 9}], classifier: [{dense: 10}],"                                   \
  " loss: {classification: cross_entropy, center: {weight: 0.1}}}\n"                                              \
  "  near: {data: d, knn: 3}\n  bayes: {data: d, naive_bayes: {}}\n  all: {data: whole, naive_bayes: {}}\n"

static void a_published_figure_is_one_that_its_model_has(void **state) {
  (void)state;
  static const struct {
    const char *figures, *message; /* NULL: sound */
  } cases[] = {
      {"cnn: {test.accuracy: 92.4}", "`test.accuracy` is a share; did you mean 0.924?"},
      {"cleaner: {test.ssim: 2}", "`test.ssim` is a share; did you mean 0.02?"},
      {"near: {test.macro_f1: -0.1}", "`test.macro_f1` is a share, from 0 to 1; here is -0.1"},
      {"near: {test.weighted_f1: 130}", "`test.weighted_f1` is a share, from 0 to 1; here is 130"},
      {"near: {test.mse: 0.1}", "`near` has no `test.mse`: a classical model of its kind has none"},
      {"near: {test.loss: 0.1}", "`near` has no `test.loss`: a classical model of its kind has none"},
      {"bayes: {train.accuracy: 0.1}", "`bayes` has no `train.accuracy`"},
      {"all: {validation.accuracy: 0.1}", "`all` has no `validation.accuracy`: its data has `validation: 0`"},
      {"cnn: {test.psnr: 20}", "`cnn` has no `test.psnr`: it has no decoder"},
      {"cnn: {validation.reconstruction_loss: 1}", "it has no decoder"},
      {"cleaner: {test.accuracy: 0.5}", "`cleaner` has no `test.accuracy`: it has no classifier"},
      {"cleaner: {train.center_loss: 0.5}", "`cleaner` has no `train.center_loss`: it has no center loss"},
      {"logs: {train.mse: 0.1}", "`logs` has no `train.mse`: while it trains its reconstruction loss is measured"},
      {"cnn: {validation.macro_f1: 0.5}", "`validation.macro_f1` is not measured; did you mean `test.macro_f1`?"},
      {"cnn: {test.center_loss: 0.5}", "`test.center_loss` is not measured; did you mean `validation.center_loss`?"},
      {"cnn: {mse: 0.5}", "`mse` of what? did you mean `test.mse`?"},
      {"cnn: {test.accuracy: 1, train.center_loss: 2, test.log_loss: 3, validation.loss: 4}", NULL},
      {"cleaner: {test.mse: 0.1, test.psnr: 30, test.ssim: 0, train.mse: 2, validation.reconstruction_loss: 1}", NULL},
      {"logs: {test.mse: 0.1, test.loss: 1}", NULL},
      {"near: {test.accuracy: 0.9, validation.accuracy: 0.9, test.log_loss: 3}", NULL},
      {"all: {test.loss: 3, test.weighted_f1: 0.3}", NULL},
  };
  for (int i = 0; i < COUNT(cases); i++) {
    char text[2000];
    snprintf(text, sizeof text, MODELS "report: {published: {%s}}\n", cases[i].figures);
    if (cases[i].message == NULL)
      hg_study_free(read_text(text));
    else
      assert_refused(text, NULL, cases[i].message);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_setting_of_the_optimizer_is_not_one_of_train),
      cmocka_unit_test(a_layer_by_another_librarys_name_is_known),
      cmocka_unit_test(losses_changes_and_methods_have_other_names_elsewhere),
      cmocka_unit_test(a_model_or_data_set_that_an_override_alone_made_is_none),
      cmocka_unit_test(a_published_figure_is_one_that_its_model_has),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
