/* Support vector machines on images, against scikit-learn's figures: tests/golden/record_sklearn_classical.py. */
#include "base/alloc.h"
#include "eval/curves.h"
#include "eval/metrics.h"
#include "learn/classical_model.h"
#include "learn/svm_fit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TRAIN = 1000, TEST = 400, WIDTH = 196, CLASSES = 10, PAIRS = 45 };

static hg_safetensors golden;
static float train_x[TRAIN * WIDTH], test_x[TEST * WIDTH];
static int32_t train_y[TRAIN];

static const hg_named_tensor *recorded(const char *method, const char *name) {
  char key[64];
  snprintf(key, sizeof key, "%s.%s", method, name);
  const hg_named_tensor *tensor = hg_safetensors_find(&golden, key);
  if (tensor == NULL) fail_msg("%s is not recorded", key);
  return tensor;
}

static void read_pixels(const char *part, float *features, int64_t count) {
  const hg_named_tensor *pixels = recorded(part, "pixels");
  assert_int_equal(hg_named_tensor_count(pixels), count);
  for (int64_t i = 0; i < count; i++) features[i] = (float)((const uint8_t *)pixels->data)[i] / 255.0f;
}

static int set_up(void **state) {
  (void)state;
  assert_int_equal(hg_safetensors_read(SOURCE_DIR "/tests/golden/garments.safetensors", &golden, NULL), HG_OK);
  read_pixels("train", train_x, TRAIN * WIDTH);
  read_pixels("test", test_x, TEST * WIDTH);
  memcpy(train_y, recorded("train", "labels")->data, sizeof train_y);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  hg_safetensors_release(&golden);
  return 0;
}

static hg_classical_settings settings_of(const char *name) {
  hg_classical_settings settings = hg_classical_settings_default(HG_SVM);
  if (strcmp(name, "svm_linear") == 0) settings.kernel = HG_KERNEL_LINEAR;
  if (strcmp(name, "svm_poly") != 0) return settings;
  settings.kernel = HG_KERNEL_POLY;
  settings.gamma = -1;
  settings.coef0 = 1;
  settings.C = 2;
  return settings;
}

static hg_classical *fit(const hg_classical_settings *settings, int count, int classes, hg_pool *pool) {
  hg_classical *model;
  hg_error error;
  hg_code code = hg_classical_fit(settings, train_x, train_y, count, WIDTH, classes, pool, NULL, NULL, &model, &error);
  if (code != HG_OK) fail_msg("%s: %s", error.place, error.message);
  return model;
}

/* ---- Agreement. */

static void assert_support_vectors(const hg_svm_model *svm, const char *name) {
  const hg_named_tensor *support = recorded(name, "support");
  assert_int_equal(svm->count, hg_named_tensor_count(support));
  for (int v = 0; v < svm->count; v++) {
    int32_t sample;
    memcpy(&sample, (const char *)support->data + (size_t)v * sizeof sample, sizeof sample);
    assert_memory_equal(svm->vectors + v * WIDTH, train_x + sample * WIDTH, WIDTH * sizeof(float));
  }
}

static void assert_predictions(const hg_classical *model, const char *name) {
  static float probabilities[TEST * CLASSES];
  assert_int_equal(hg_classical_predict(model, test_x, TEST, NULL, probabilities, NULL, NULL), HG_OK);
  const char *expected = recorded(name, "predictions")->data;
  for (int i = 0; i < TEST; i++) {
    int32_t label;
    memcpy(&label, expected + (size_t)i * sizeof label, sizeof label);
    assert_int_equal(hg_argmax(probabilities + i * CLASSES, CLASSES), label);
  }
}

/* Margins are sums over hundreds of support vectors, whose coefficients are found to within `tol`: one of about 0 may fall to the
 * other side, and moves a vote. */
static void assert_decisions(const hg_classical *model, const char *name) {
  static float probabilities[TEST * CLASSES], decisions[TEST * CLASSES];
  char key[64];
  snprintf(key, sizeof key, "%s.decisions", name);
  const hg_named_tensor *expected = hg_safetensors_find(&golden, key);
  assert_non_null(expected);
  int votes_moved = 0;
  assert_int_equal(hg_classical_predict(model, test_x, TEST, NULL, probabilities, decisions, NULL), HG_OK);
  for (int i = 0; i < TEST * CLASSES; i++) {
    double value;
    memcpy(&value, (const char *)expected->data + (size_t)i * sizeof value, sizeof value);
    double off = fabs(value - (double)decisions[i]);
    bool moved = fabs(off - 1) < 2e-3;
    if (!moved && !(off < 2e-3)) fail_msg("%s: %d is %g, not %g", key, i, (double)decisions[i], value);
    votes_moved += moved;
  }
  assert_in_range(votes_moved, 0, 4); /* of 2 x 45 x 400 that may */
  hg_ranking_scores areas;
  const int32_t *labels = recorded("test", "labels")->data;
  assert_int_equal(hg_ranking_scores_new(decisions, labels, TEST, CLASSES, &areas, NULL), HG_OK);
  const double found[] = {areas.macro_average_precision, areas.micro_average_precision, areas.macro_roc_auc, areas.micro_roc_auc};
  for (int i = 0; i < 4; i++) {
    double value;
    memcpy(&value, (const char *)recorded(name, "areas")->data + (size_t)i * sizeof value, sizeof value);
    if (!(fabs(value - found[i]) < 1e-4)) fail_msg("%s: area %d is %.7f, not %.7f", name, i, found[i], value);
  }
  hg_ranking_scores_release(&areas);
}

static double kernel_value(const hg_classical *model, const float *a, const float *b) {
  double product = 0, distance = 0;
  for (int k = 0; k < WIDTH; k++) {
    product += (double)a[k] * (double)b[k];
    distance += ((double)a[k] - (double)b[k]) * ((double)a[k] - (double)b[k]);
  }
  if (model->settings.kernel == HG_KERNEL_RBF) return exp(-model->svm.gamma * distance);
  if (model->settings.kernel == HG_KERNEL_POLY)
    return pow(model->svm.gamma * product + model->settings.coef0, model->settings.degree);
  return product;
}

static double *all_kernel_values(const hg_classical *model) {
  int count = model->svm.count;
  double *values = malloc(sizeof *values * (size_t)count * (size_t)count);
  for (int v = 0; v < count; v++)
    for (int u = 0; u < count; u++)
      values[v * count + u] = kernel_value(model, model->svm.vectors + v * WIDTH, model->svm.vectors + u * WIDTH);
  return values;
}

/* beta K beta / 2 - sum |beta| of classes a < b. */
static double objective(const hg_svm_model *svm, const double *kernel, const int *first, int a, int b) {
  double sum = 0, *beta = calloc((size_t)svm->count, sizeof *beta);
  for (int v = first[a]; v < first[a + 1]; v++) beta[v] = svm->coef[(b - 1) * svm->count + v];
  for (int v = first[b]; v < first[b + 1]; v++) beta[v] = svm->coef[a * svm->count + v];
  for (int v = 0; v < svm->count; v++) {
    if (beta[v] == 0) continue;
    for (int u = 0; u < svm->count; u++) sum += beta[v] * beta[u] * kernel[v * svm->count + u] / 2;
    sum -= fabs(beta[v]);
  }
  free(beta);
  return sum;
}

static void assert_objectives(const hg_classical *model, const char *name) {
  const char *expected = recorded(name, "objectives")->data;
  double *kernel = all_kernel_values(model);
  int first[CLASSES + 1] = {0}, pair = 0;
  for (int k = 0; k < CLASSES; k++) first[k + 1] = first[k] + model->svm.of_class[k];
  for (int a = 0; a < CLASSES; a++) {
    for (int b = a + 1; b < CLASSES; b++, pair++) {
      double value = objective(&model->svm, kernel, first, a, b), best;
      memcpy(&best, expected + (size_t)pair * sizeof best, sizeof best);
      if (fabs(value - best) > 1e-5 * fabs(best)) fail_msg("%s, %d against %d: %.9g, not %.9g", name, a, b, value, best);
    }
  }
  free(kernel);
}

static void images_have_scikit_learns_support_vectors_objectives_predictions_and_decisions(void **state) {
  (void)state;
  const char *names[] = {"svm_linear", "svm_poly", "svm_rbf"};
  for (int i = 0; i < 3; i++) {
    hg_classical_settings settings = settings_of(names[i]);
    hg_classical *model = fit(&settings, TRAIN, CLASSES, NULL);
    assert_support_vectors(&model->svm, names[i]);
    assert_objectives(model, names[i]);
    assert_predictions(model, names[i]);
    assert_decisions(model, names[i]);
    hg_classical_free(model);
  }
}

/* ---- What must not change a fit. */

static void assert_same_model(const hg_classical *a, const hg_classical *b) {
  size_t count = (size_t)a->svm.count, rows = (size_t)a->present - 1;
  assert_int_equal(a->svm.count, b->svm.count);
  assert_memory_equal(a->svm.vectors, b->svm.vectors, count * WIDTH * sizeof(float));
  assert_memory_equal(a->svm.coef, b->svm.coef, rows * count * sizeof(double));
  assert_memory_equal(a->svm.rho, b->svm.rho, (size_t)hg_svm_pairs(a->present) * sizeof(double));
}

static void neither_threads_nor_the_cache_change_a_bit(void **state) {
  (void)state;
  const double cache_mb[] = {200, 0.4, 1e-6}; /* the whole matrix, rows of each pair, hardly any */
  for (int classes = 2; classes <= CLASSES; classes += 8) {
    for (int i = 0; classes == 2 && i < TRAIN; i++) train_y[i] %= 2;
    hg_classical_settings settings = settings_of("svm_rbf");
    hg_classical *reference = fit(&settings, TRAIN, classes, NULL);
    for (int i = 0; i < 3; i++) {
      settings.cache_mb = cache_mb[i];
      for (int threads = 1; threads <= 3; threads++) {
        hg_pool *pool;
        assert_int_equal(hg_pool_new(threads, &pool, NULL), HG_OK);
        hg_classical *model = fit(&settings, TRAIN, classes, pool);
        assert_same_model(model, reference);
        hg_classical_free(model);
        hg_pool_free(pool);
      }
    }
    hg_classical_free(reference);
    memcpy(train_y, recorded("train", "labels")->data, sizeof train_y);
  }
}

/* ---- Limits. */

static void max_iter_ends_the_search_early(void **state) {
  (void)state;
  hg_classical_settings settings = settings_of("svm_rbf");
  settings.max_iter = 3;
  hg_classical *model = fit(&settings, TRAIN, CLASSES, NULL);
  assert_in_range(model->svm.count, 2, 2 * 3 * PAIRS); /* a step moves two samples */
  hg_classical_free(model);
}

static bool stop_after(void *context, double fraction) {
  assert_true(fraction >= 0 && fraction <= 1);
  return --*(int *)context >= 0;
}

static void a_fit_can_be_stopped_at_any_time(void **state) {
  (void)state;
  const double cache_mb[] = {200, 0.4};
  for (int i = 0; i < 2; i++) {
    hg_classical_settings settings = settings_of("svm_linear");
    settings.cache_mb = cache_mb[i];
    hg_code code = HG_INTERRUPTED;
    int calls = 0;
    for (; code != HG_OK; calls++) {
      int left = calls;
      hg_classical *model;
      code = hg_classical_fit(&settings, train_x, train_y, 300, WIDTH, CLASSES, NULL, stop_after, &left, &model, NULL);
      assert_true(code == HG_INTERRUPTED || code == HG_OK);
      hg_classical_free(model);
    }
    assert_true(calls > PAIRS);
  }
}

static void samples_that_are_all_alike_have_a_fit(void **state) {
  (void)state;
  float features[8 * WIDTH];
  int32_t labels[8];
  for (int i = 0; i < 8 * WIDTH; i++) features[i] = 0.5f;
  for (int i = 0; i < 8; i++) labels[i] = i % 3;
  for (int kernel = HG_KERNEL_LINEAR; kernel <= HG_KERNEL_RBF; kernel++) {
    hg_classical_settings settings = hg_classical_settings_default(HG_SVM);
    settings.kernel = (hg_svm_kernel)kernel;
    hg_classical *model;
    assert_int_equal(hg_classical_fit(&settings, features, labels, 8, WIDTH, 3, NULL, NULL, NULL, &model, NULL), HG_OK);
    hg_classical_free(model);
  }
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  hg_classical_settings settings = settings_of("svm_rbf");
  settings.cache_mb = 1e-6;
  hg_code code = HG_NO_MEMORY;
  for (int64_t successes = 0; code != HG_OK; successes++) {
    hg_classical *model;
    hg_alloc_fail_after(successes);
    code = hg_classical_fit(&settings, train_x, train_y, 40, WIDTH, CLASSES, NULL, NULL, NULL, &model, NULL);
    hg_alloc_fail_after(-1);
    assert_true(code == HG_OK || code == HG_NO_MEMORY);
    hg_classical_free(model);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(images_have_scikit_learns_support_vectors_objectives_predictions_and_decisions),
      cmocka_unit_test(neither_threads_nor_the_cache_change_a_bit),
      cmocka_unit_test(max_iter_ends_the_search_early),
      cmocka_unit_test(a_fit_can_be_stopped_at_any_time),
      cmocka_unit_test(samples_that_are_all_alike_have_a_fit),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
