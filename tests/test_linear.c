/* The linear support vector machine finds scikit-learn's minimum: tests/golden/record_sklearn_linear.py. */
#include "base/alloc.h"
#include "eval/metrics.h"
#include "learn/classical_model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TRAIN = 300, TEST = 200, WIDTH = 64, CLASSES = 10 };

static hg_safetensors golden;
static float train_x[TRAIN * WIDTH], test_x[TEST * WIDTH];
static int32_t train_y[TRAIN];

static const void *recorded(const hg_safetensors *file, const char *name) {
  const hg_named_tensor *tensor = hg_safetensors_find(file, name);
  assert_non_null(tensor);
  return tensor->data;
}

static int set_up(void **state) {
  (void)state;
  hg_safetensors digits;
  assert_int_equal(hg_safetensors_read(SOURCE_DIR "/tests/golden/classical.safetensors", &digits, NULL), HG_OK);
  memcpy(train_x, recorded(&digits, "train.features"), sizeof train_x);
  memcpy(test_x, recorded(&digits, "test.features"), sizeof test_x);
  memcpy(train_y, recorded(&digits, "train.labels"), sizeof train_y);
  hg_safetensors_release(&digits);
  assert_int_equal(hg_safetensors_read(SOURCE_DIR "/tests/golden/linear_svm.safetensors", &golden, NULL), HG_OK);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  hg_safetensors_release(&golden);
  return 0;
}

static void assert_near(const double *values, const char *name, int64_t count) {
  const char *from = recorded(&golden, name);
  for (int64_t i = 0; i < count; i++) {
    double expected;
    memcpy(&expected, from + (size_t)i * sizeof expected, sizeof expected);
    if (!(fabs(values[i] - expected) <= 2e-3 * (1 + fabs(expected))))
      fail_msg("%s[%d] is %.9g, not %.9g", name, (int)i, values[i], expected);
  }
}

static hg_classical *fit(int64_t count, const float *features, const int32_t *labels, hg_pool *pool) {
  hg_classical_settings settings = hg_classical_settings_default(HG_LINEAR_SVM);
  settings.C = 0.1;
  settings.tol = 1e-7;
  settings.max_iter = 20000;
  hg_classical *model = NULL;
  hg_error error;
  hg_code code = hg_classical_fit(&settings, features, labels, count, WIDTH, CLASSES, pool, NULL, NULL, &model, &error);
  if (code != HG_OK) fail_msg("%s: %s", error.place, error.message);
  return model;
}

/* Decisions on a boundary may fall either way. */
static void assert_predicts(const hg_classical *model, const char *name) {
  static float probabilities[TEST * CLASSES];
  const char *from = recorded(&golden, name);
  int other = 0;
  assert_int_equal(hg_classical_predict(model, test_x, TEST, NULL, probabilities, NULL, NULL), HG_OK);
  for (int i = 0; i < TEST; i++) {
    int32_t expected;
    memcpy(&expected, from + (size_t)i * sizeof expected, sizeof expected);
    other += hg_argmax(probabilities + i * CLASSES, CLASSES) != expected;
  }
  assert_true(other <= 1);
}

/* What ranks the samples for `label` is column `column` of the recorded (TEST, columns). */
static void assert_ranks(const hg_classical *model, int label, const char *name, int columns, int column) {
  static float probabilities[TEST * CLASSES], decisions[TEST * CLASSES];
  const char *from = recorded(&golden, name);
  assert_int_equal(hg_classical_predict(model, test_x, TEST, NULL, probabilities, decisions, NULL), HG_OK);
  for (int i = 0; i < TEST; i++) {
    double expected;
    memcpy(&expected, from + (size_t)(i * columns + column) * sizeof expected, sizeof expected);
    assert_true(fabs((double)decisions[i * CLASSES + label] - expected) <= 5e-3 * (1 + fabs(expected)));
  }
}

static void it_finds_scikit_learns_minimum(void **state) {
  (void)state;
  hg_classical *model = fit(TRAIN, train_x, train_y, NULL);
  assert_near(model->logistic.coef, "many.coef", CLASSES * WIDTH);
  assert_near(model->logistic.intercept, "many.intercept", CLASSES);
  assert_predicts(model, "many.predictions");
  for (int k = 0; k < CLASSES; k++) assert_ranks(model, k, "many.decisions", CLASSES, k);
  assert_int_equal(hg_classical_parameters(model), CLASSES * (WIDTH + 1));
  hg_classical_free(model);
}

static void of_two_classes_there_is_one_row(void **state) {
  (void)state;
  static float features[TRAIN * WIDTH];
  static int32_t labels[TRAIN];
  int64_t count = 0;
  for (int i = 0; i < TRAIN; i++) {
    if (train_y[i] != 3 && train_y[i] != 8) continue;
    memcpy(features + count * WIDTH, train_x + i * WIDTH, WIDTH * sizeof(float));
    labels[count++] = train_y[i];
  }
  hg_classical *model = fit(count, features, labels, NULL);
  assert_near(model->logistic.coef, "pair.coef", WIDTH);
  assert_near(model->logistic.intercept, "pair.intercept", 1);
  assert_predicts(model, "pair.predictions");
  assert_ranks(model, 8, "pair.decisions", 1, 0); /* of the larger label, as scikit-learn has it */
  hg_classical_free(model);
}

static void threads_do_not_change_the_solution(void **state) {
  (void)state;
  hg_pool *pool = NULL;
  assert_int_equal(hg_pool_new(3, &pool, NULL), HG_OK);
  hg_classical *alone = fit(TRAIN, train_x, train_y, NULL), *together = fit(TRAIN, train_x, train_y, pool);
  assert_memory_equal(alone->logistic.coef, together->logistic.coef, CLASSES * WIDTH * sizeof(double));
  hg_classical_free(alone);
  hg_classical_free(together);
  hg_pool_free(pool);
}

static void every_allocation_may_fail_once(void **state) {
  (void)state;
  hg_classical_settings settings = hg_classical_settings_default(HG_LINEAR_SVM);
  for (int64_t n = 0;; n++) {
    hg_classical *model = NULL;
    hg_alloc_fail_after(n);
    hg_code code = hg_classical_fit(&settings, train_x, train_y, 40, WIDTH, CLASSES, NULL, NULL, NULL, &model, NULL);
    hg_alloc_fail_after(-1);
    if (code == HG_OK) {
      hg_classical_free(model);
      break;
    }
    assert_int_equal(code, HG_NO_MEMORY);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_finds_scikit_learns_minimum),
      cmocka_unit_test(of_two_classes_there_is_one_row),
      cmocka_unit_test(threads_do_not_change_the_solution),
      cmocka_unit_test(every_allocation_may_fail_once),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
