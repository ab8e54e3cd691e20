#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "eval/metrics.h"
#include "learn/classical_model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Real digits and what scikit-learn makes of them: tests/golden/record_sklearn_classical.py. */
enum { TRAIN = 300, TEST = 200, WIDTH = 64, CLASSES = 10 };

static hg_safetensors golden;

static const void *recorded(const char *name, int64_t count) {
  const hg_named_tensor *tensor = hg_safetensors_find(&golden, name);
  if (tensor == NULL) fail_msg("%s is not recorded", name);
  assert_int_equal(hg_named_tensor_count(tensor), count);
  return tensor->data;
}

/* Copies, because the file keeps no alignment. */
static float train_x[TRAIN * WIDTH], test_x[TEST * WIDTH];
static int32_t train_y[TRAIN], test_y[TEST];

static int set_up(void **state) {
  (void)state;
  assert_int_equal(hg_safetensors_read(SOURCE_DIR "/tests/golden/classical.safetensors", &golden, NULL), HG_OK);
  memcpy(train_x, recorded("train.features", TRAIN * WIDTH), sizeof train_x);
  memcpy(test_x, recorded("test.features", TEST * WIDTH), sizeof test_x);
  memcpy(train_y, recorded("train.labels", TRAIN), sizeof train_y);
  memcpy(test_y, recorded("test.labels", TEST), sizeof test_y);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  hg_safetensors_release(&golden);
  return 0;
}

static hg_classical *fit(const hg_classical_settings *settings, hg_pool *pool) {
  hg_classical *model;
  hg_error error;
  hg_code code = hg_classical_fit(settings, train_x, train_y, TRAIN, WIDTH, CLASSES, pool, NULL, NULL, &model, &error);
  if (code != HG_OK) fail_msg("%s: %s", error.place, error.message);
  return model;
}

static float *predict(const hg_classical *model, hg_pool *pool) {
  float *probabilities = malloc(sizeof(float) * TEST * CLASSES);
  assert_int_equal(hg_classical_predict(model, test_x, TEST, pool, probabilities, NULL, NULL), HG_OK);
  return probabilities;
}

static double accuracy(const float *probabilities) {
  int correct = 0;
  for (int i = 0; i < TEST; i++) correct += hg_argmax(probabilities + i * CLASSES, CLASSES) == test_y[i];
  return correct / (double)TEST;
}

static double recorded_double(const char *name, int64_t count, int64_t index) {
  double value;
  memcpy(&value, (const char *)recorded(name, count) + (size_t)index * sizeof value, sizeof value);
  return value;
}

static void assert_recorded(const double *values, const char *name, int64_t count, double tolerance) {
  for (int64_t i = 0; i < count; i++) {
    double expected = recorded_double(name, count, i);
    if (!(fabs(values[i] - expected) <= tolerance * (1 + fabs(expected))))
      fail_msg("%s[%lld] is %.9g, not %.9g", name, (long long)i, values[i], expected);
  }
}

static void assert_recorded_probabilities(const float *values, const char *name, double tolerance) {
  for (int64_t i = 0; i < TEST * CLASSES; i++) {
    double expected = recorded_double(name, TEST * CLASSES, i);
    if (!(fabs((double)values[i] - expected) <= tolerance))
      fail_msg("%s[%lld] is %.9g, not %.9g", name, (long long)i, (double)values[i], expected);
  }
}

/* ---- Agreement with scikit-learn. */

static void logistic_regression_finds_scikit_learns_minimum(void **state) {
  (void)state;
  hg_classical_settings settings = hg_classical_settings_default(HG_LOGISTIC_REGRESSION);
  settings.tol = 1e-7;
  settings.max_iter = 5000;
  hg_classical *model = fit(&settings, NULL);
  assert_recorded(model->logistic.coef, "logistic.coef", CLASSES * WIDTH, 2e-3);
  assert_recorded(model->logistic.intercept, "logistic.intercept", CLASSES, 2e-3);
  float *probabilities = predict(model, NULL);
  assert_recorded_probabilities(probabilities, "logistic.probabilities", 1e-3);
  assert_int_equal(hg_classical_parameters(model), CLASSES * (WIDTH + 1));
  free(probabilities);
  hg_classical_free(model);
}

static void default_settings_come_close_to_the_minimum(void **state) {
  (void)state;
  hg_classical_settings settings = hg_classical_settings_default(HG_LOGISTIC_REGRESSION);
  hg_classical *model = fit(&settings, NULL);
  float *probabilities = predict(model, NULL);
  assert_recorded_probabilities(probabilities, "logistic.probabilities", 0.02);
  assert_true(fabs(accuracy(probabilities) - 0.87) < 0.006); /* scikit-learn's */
  free(probabilities);
  hg_classical_free(model);
}

static void of_two_classes_there_is_one_row_of_coefficients(void **state) {
  (void)state;
  static float features[TRAIN * WIDTH];
  static int32_t labels[TRAIN];
  int64_t count = 0;
  for (int i = 0; i < TRAIN; i++) {
    if (train_y[i] != 3 && train_y[i] != 8) continue;
    memcpy(features + count * WIDTH, train_x + i * WIDTH, WIDTH * sizeof(float));
    labels[count++] = train_y[i];
  }
  hg_classical_settings settings = hg_classical_settings_default(HG_LOGISTIC_REGRESSION);
  settings.C = 0.5;
  settings.tol = 1e-8;
  settings.max_iter = 5000;
  hg_classical *model;
  assert_int_equal(hg_classical_fit(&settings, features, labels, count, WIDTH, CLASSES, NULL, NULL, NULL, &model, NULL), HG_OK);
  assert_recorded(model->logistic.coef, "pair.coef", WIDTH, 1e-3);
  assert_recorded(model->logistic.intercept, "pair.intercept", 1, 1e-3);
  float *probabilities = predict(model, NULL);
  for (int i = 0; i < TEST; i++) {
    for (int k = 0; k < CLASSES; k++) {
      double expected = k == 3 || k == 8 ? recorded_double("pair.probabilities", TEST * 2, i * 2 + (k == 8)) : 0;
      assert_true(fabs((double)probabilities[i * CLASSES + k] - expected) < 1e-3);
    }
  }
  free(probabilities);
  hg_classical_free(model);
}

static void liblinear_fits_one_class_against_the_rest_as_scikit_learn_does(void **state) {
  (void)state;
  hg_classical_settings settings = hg_classical_settings_default(HG_LOGISTIC_REGRESSION);
  settings.solver = HG_SOLVER_LIBLINEAR;
  settings.tol = 1e-8;
  hg_classical *model = fit(&settings, NULL);
  assert_recorded(model->logistic.coef, "liblinear.coef", CLASSES * WIDTH, 1e-4);
  float *probabilities = predict(model, NULL);
  assert_recorded_probabilities(probabilities, "liblinear.probabilities", 1e-4);
  free(probabilities);
  hg_classical_free(model);
}

static void naive_bayes_has_scikit_learns_posteriors(void **state) {
  (void)state;
  hg_classical_settings settings = hg_classical_settings_default(HG_NAIVE_BAYES);
  settings.var_smoothing = 1e-3;
  hg_classical *model = fit(&settings, NULL);
  assert_recorded(model->bayes.mean, "bayes.theta", CLASSES * WIDTH, 1e-12);
  assert_recorded(model->bayes.variance, "bayes.var", CLASSES * WIDTH, 1e-12);
  float *probabilities = predict(model, NULL);
  assert_recorded_probabilities(probabilities, "bayes.probabilities", 1e-5);
  free(probabilities);
  hg_classical_free(model);
}

static void check_svm(const char *name, const hg_classical_settings *settings) {
  char key[64];
  hg_classical *model = fit(settings, NULL);
  snprintf(key, sizeof key, "svm_%s.support", name);
  assert_memory_equal(model->svm.of_class, recorded(key, CLASSES), CLASSES * sizeof(int32_t));
  float *probabilities = predict(model, NULL);
  snprintf(key, sizeof key, "svm_%s.predictions", name);
  const char *expected = recorded(key, TEST);
  for (int i = 0; i < TEST; i++) {
    int32_t label;
    memcpy(&label, expected + (size_t)i * sizeof label, sizeof label);
    assert_int_equal(hg_argmax(probabilities + i * CLASSES, CLASSES), label);
  }
  free(probabilities);
  hg_classical_free(model);
}

static void support_vector_machines_predict_what_scikit_learns_do(void **state) {
  (void)state;
  hg_classical_settings linear = hg_classical_settings_default(HG_SVM), poly = linear, rbf = linear;
  linear.kernel = HG_KERNEL_LINEAR;
  poly.kernel = HG_KERNEL_POLY;
  poly.gamma = -1;
  poly.coef0 = 1;
  poly.C = 2;
  check_svm("linear", &linear);
  check_svm("poly", &poly);
  check_svm("rbf", &rbf);
}

/* ---- What holds for each. */

static const hg_classical_kind kinds[] = {HG_LOGISTIC_REGRESSION, HG_NAIVE_BAYES, HG_SVM, HG_KNN};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void rows_of_probabilities_sum_to_1(void **state) {
  (void)state;
  for (int kind = 0; kind < KINDS; kind++) {
    hg_classical_settings settings = hg_classical_settings_default(kinds[kind]);
    hg_classical *model = fit(&settings, NULL);
    float *probabilities = predict(model, NULL);
    for (int i = 0; i < TEST; i++) {
      double sum = 0;
      for (int k = 0; k < CLASSES; k++) sum += (double)probabilities[i * CLASSES + k];
      assert_true(fabs(sum - 1) < 1e-5);
    }
    free(probabilities);
    hg_classical_free(model);
  }
}

static void fits_and_predictions_are_the_same_bits_on_any_number_of_threads(void **state) {
  (void)state;
  for (int kind = 0; kind < KINDS; kind++) {
    hg_classical_settings settings = hg_classical_settings_default(kinds[kind]);
    char digests[3][HG_SHA256_SIZE];
    float *probabilities[3];
    for (int i = 0; i < 3; i++) {
      const int threads[] = {1, 2, 7};
      hg_pool *pool;
      assert_int_equal(hg_pool_new(threads[i], &pool, NULL), HG_OK);
      hg_classical *model = fit(&settings, pool);
      probabilities[i] = predict(model, pool);
      assert_int_equal(hg_classical_save(model, "test_classical.safetensors", NULL), HG_OK);
      assert_int_equal(hg_sha256_file("test_classical.safetensors", digests[i], NULL), HG_OK);
      assert_string_equal(digests[i], digests[0]);
      assert_memory_equal(probabilities[i], probabilities[0], sizeof(float) * TEST * CLASSES);
      hg_classical_free(model);
      hg_pool_free(pool);
    }
    for (int i = 0; i < 3; i++) free(probabilities[i]);
  }
  unlink("test_classical.safetensors");
}

static void fitted_numbers_are_saved_under_scikit_learns_names(void **state) {
  (void)state;
  const char *names[KINDS][3] = {{"coef_", "intercept_", "classes_"},
                                 {"theta_", "var_", "class_prior_"},
                                 {"support_vectors_", "dual_coef_", "n_support_"},
                                 {"_fit_X", "_y", "classes_"}};
  for (int kind = 0; kind < KINDS; kind++) {
    hg_classical_settings settings = hg_classical_settings_default(kinds[kind]);
    hg_classical *model = fit(&settings, NULL);
    hg_safetensors file;
    assert_int_equal(hg_classical_save(model, "test_classical.safetensors", NULL), HG_OK);
    assert_int_equal(hg_safetensors_read("test_classical.safetensors", &file, NULL), HG_OK);
    for (int i = 0; i < 3; i++) assert_non_null(hg_safetensors_find(&file, names[kind][i]));
    hg_safetensors_release(&file);
    hg_classical_free(model);
  }
  unlink("test_classical.safetensors");
}

static bool stop_at_once(void *context, double fraction) {
  (void)fraction;
  (*(int *)context)++;
  return false;
}

static void a_fit_stops_when_it_is_told_to(void **state) {
  (void)state;
  for (int kind = 0; kind < KINDS; kind++) {
    hg_classical_settings settings = hg_classical_settings_default(kinds[kind]);
    hg_classical *model;
    int calls = 0;
    hg_code code = hg_classical_fit(&settings, train_x, train_y, TRAIN, WIDTH, CLASSES, NULL, stop_at_once, &calls, &model, NULL);
    assert_int_equal(code, HG_INTERRUPTED);
    assert_null(model);
    assert_int_equal(calls, 1);
  }
}

/* ---- What is refused. */

static void assert_refused(const hg_classical_settings *settings, const float *features, const int32_t *labels, int64_t count,
                           int classes, hg_code code, const char *message) {
  hg_classical *model;
  hg_error error = {0};
  assert_int_equal(hg_classical_fit(settings, features, labels, count, WIDTH, classes, NULL, NULL, NULL, &model, &error), code);
  assert_null(model);
  if (strstr(error.message, message) == NULL) fail_msg("\"%s\" does not say \"%s\"", error.message, message);
}

static void unusable_samples_are_refused_before_any_library_sees_them(void **state) {
  (void)state;
  static float features[TRAIN * WIDTH];
  static int32_t labels[TRAIN];
  for (int kind = 0; kind < KINDS; kind++) {
    hg_classical_settings settings = hg_classical_settings_default(kinds[kind]);
    memcpy(features, train_x, sizeof features);
    memcpy(labels, train_y, sizeof labels);
    features[WIDTH + 5] = NAN;
    assert_refused(&settings, features, labels, TRAIN, CLASSES, HG_DATA, "feature 5 of sample 1 is nan");
    features[WIDTH + 5] = 0;
    labels[7] = 10;
    assert_refused(&settings, features, labels, TRAIN, CLASSES, HG_DATA, "sample 7 has the label 10");
    for (int i = 0; i < TRAIN; i++) labels[i] = 4;
    assert_refused(&settings, features, labels, TRAIN, CLASSES, HG_DATA, "two classes are needed");
    assert_refused(&settings, features, labels, 0, CLASSES, HG_USAGE, "0 samples");
    assert_refused(&settings, features, labels, TRAIN, 1, HG_USAGE, "1 classes");
    settings.C = 0;
    settings.tol = 0;
    assert_refused(&settings, features, train_y, TRAIN, CLASSES, HG_USAGE, "above 0");
  }
}

static void features_that_never_vary_need_smoothing(void **state) {
  (void)state;
  hg_classical_settings settings = hg_classical_settings_default(HG_NAIVE_BAYES);
  settings.var_smoothing = 0;
  assert_refused(&settings, train_x, train_y, TRAIN, CLASSES, HG_DATA, "set var_smoothing above 0");
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  for (int kind = 0; kind <= KINDS; kind++) {
    hg_classical_settings settings = hg_classical_settings_default(kinds[kind % KINDS]);
    if (kind == KINDS) settings.solver = HG_SOLVER_LIBLINEAR;
    if (kind == KINDS) settings.kind = HG_LOGISTIC_REGRESSION;
    settings.max_iter = 2;
    hg_code code = HG_NO_MEMORY;
    float probabilities[CLASSES];
    for (int64_t successes = 0; code != HG_OK; successes++) {
      hg_classical *model;
      hg_alloc_fail_after(successes);
      code = hg_classical_fit(&settings, train_x, train_y, 40, WIDTH, CLASSES, NULL, NULL, NULL, &model, NULL);
      if (code == HG_OK) code = hg_classical_predict(model, test_x, 1, NULL, probabilities, NULL, NULL);
      hg_alloc_fail_after(-1);
      assert_true(code == HG_OK || code == HG_NO_MEMORY);
      hg_classical_free(model);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(logistic_regression_finds_scikit_learns_minimum),
      cmocka_unit_test(default_settings_come_close_to_the_minimum),
      cmocka_unit_test(of_two_classes_there_is_one_row_of_coefficients),
      cmocka_unit_test(liblinear_fits_one_class_against_the_rest_as_scikit_learn_does),
      cmocka_unit_test(naive_bayes_has_scikit_learns_posteriors),
      cmocka_unit_test(support_vector_machines_predict_what_scikit_learns_do),
      cmocka_unit_test(rows_of_probabilities_sum_to_1),
      cmocka_unit_test(fits_and_predictions_are_the_same_bits_on_any_number_of_threads),
      cmocka_unit_test(fitted_numbers_are_saved_under_scikit_learns_names),
      cmocka_unit_test(a_fit_stops_when_it_is_told_to),
      cmocka_unit_test(unusable_samples_are_refused_before_any_library_sees_them),
      cmocka_unit_test(features_that_never_vary_need_smoothing),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
