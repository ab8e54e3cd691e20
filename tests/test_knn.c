/* k nearest neighbours on images, against scikit-learn's figures (tests/golden/record_sklearn_classical.py) and by hand. */
#include "learn/classical_model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eval/metrics.h"

enum { TRAIN = 1000, TEST = 400, WIDTH = 196, CLASSES = 10 };

static hg_safetensors golden;
static float train_x[TRAIN * WIDTH], test_x[TEST * WIDTH];
static int32_t train_y[TRAIN];

static const void *recorded(const char *name, int64_t count) {
  const hg_named_tensor *tensor = hg_safetensors_find(&golden, name);
  if (tensor == NULL) fail_msg("%s is not recorded", name);
  assert_int_equal(hg_named_tensor_count(tensor), count);
  return tensor->data;
}

static void read_pixels(const char *name, float *features, int64_t count) {
  const uint8_t *pixels = recorded(name, count);
  for (int64_t i = 0; i < count; i++) features[i] = (float)pixels[i] / 255.0f;
}

static int set_up(void **state) {
  (void)state;
  assert_int_equal(hg_safetensors_read(SOURCE_DIR "/tests/golden/garments.safetensors", &golden, NULL), HG_OK);
  read_pixels("train.pixels", train_x, TRAIN * WIDTH);
  read_pixels("test.pixels", test_x, TEST * WIDTH);
  memcpy(train_y, recorded("train.labels", TRAIN), sizeof train_y);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  hg_safetensors_release(&golden);
  return 0;
}

static void assert_recorded(hg_knn_weights weights, const char *probabilities_name, const char *predictions_name) {
  static float probabilities[TEST * CLASSES];
  hg_classical_settings settings = hg_classical_settings_default(HG_KNN);
  hg_classical *model;
  settings.weights = weights;
  assert_int_equal(hg_classical_fit(&settings, train_x, train_y, TRAIN, WIDTH, CLASSES, NULL, NULL, NULL, &model, NULL), HG_OK);
  assert_int_equal(hg_classical_predict(model, test_x, TEST, NULL, probabilities, NULL, NULL), HG_OK);
  const char *shares = recorded(probabilities_name, TEST * CLASSES), *labels = recorded(predictions_name, TEST);
  for (int i = 0; i < TEST; i++) {
    int32_t label;
    memcpy(&label, labels + (size_t)i * sizeof label, sizeof label);
    assert_int_equal(hg_argmax(probabilities + i * CLASSES, CLASSES), label);
    for (int k = 0; k < CLASSES; k++) {
      double share;
      memcpy(&share, shares + (size_t)(i * CLASSES + k) * sizeof share, sizeof share);
      assert_true(fabs((double)probabilities[i * CLASSES + k] - share) < 1e-6);
    }
  }
  hg_classical_free(model);
}

static void neighbours_of_images_vote_as_scikit_learns_do(void **state) {
  (void)state;
  assert_recorded(HG_WEIGHTS_UNIFORM, "knn_uniform.probabilities", "knn_uniform.predictions");
  assert_recorded(HG_WEIGHTS_DISTANCE, "knn_distance.probabilities", "knn_distance.predictions");
}

/* ---- By hand: samples on a line. */

static void predict_on_a_line(int k, hg_knn_weights weights, float at, float shares[3]) {
  const float features[] = {0, 1, 2, 3, 4, 4};
  const int32_t labels[] = {2, 1, 0, 1, 2, 0};
  hg_classical_settings settings = hg_classical_settings_default(HG_KNN);
  settings.k = k;
  settings.weights = weights;
  hg_classical *model;
  assert_int_equal(hg_classical_fit(&settings, features, labels, 6, 1, 3, NULL, NULL, NULL, &model, NULL), HG_OK);
  assert_int_equal(hg_classical_predict(model, &at, 1, NULL, shares, NULL, NULL), HG_OK);
  hg_classical_free(model);
}

static void of_samples_equally_far_the_earlier_is_the_neighbour(void **state) {
  (void)state;
  float shares[3];
  predict_on_a_line(1, HG_WEIGHTS_UNIFORM, 4, shares);
  assert_true(shares[2] == 1);
  predict_on_a_line(1, HG_WEIGHTS_UNIFORM, 1.5f, shares);
  assert_true(shares[1] == 1);
}

static void of_equal_votes_the_lower_label_wins(void **state) {
  (void)state;
  float shares[3];
  predict_on_a_line(2, HG_WEIGHTS_UNIFORM, 0.4f, shares);
  assert_true(shares[1] == 0.5f && shares[2] == 0.5f);
  assert_int_equal(hg_argmax(shares, 3), 1);
}

static void near_neighbours_count_for_more_and_touching_ones_alone(void **state) {
  (void)state;
  float shares[3];
  predict_on_a_line(2, HG_WEIGHTS_DISTANCE, 0.25f, shares);
  assert_true(fabs((double)shares[2] - 0.75) < 1e-6 && fabs((double)shares[1] - 0.25) < 1e-6);
  predict_on_a_line(3, HG_WEIGHTS_DISTANCE, 4, shares);
  assert_true(shares[0] == 0.5f && shares[1] == 0 && shares[2] == 0.5f);
}

static void more_neighbours_than_samples_are_refused(void **state) {
  (void)state;
  hg_classical_settings settings = hg_classical_settings_default(HG_KNN);
  hg_classical *model;
  hg_error error = {0};
  settings.k = 21;
  hg_code code = hg_classical_fit(&settings, train_x, train_y, 20, WIDTH, CLASSES, NULL, NULL, NULL, &model, &error);
  assert_int_equal(code, HG_DATA);
  assert_non_null(strstr(error.message, "21 neighbours, but there are 20 samples"));
  settings.k = HG_KNN_MOST + 1;
  code = hg_classical_fit(&settings, train_x, train_y, 20, WIDTH, CLASSES, NULL, NULL, NULL, &model, &error);
  assert_int_equal(code, HG_USAGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(neighbours_of_images_vote_as_scikit_learns_do),
      cmocka_unit_test(of_samples_equally_far_the_earlier_is_the_neighbour),
      cmocka_unit_test(of_equal_votes_the_lower_label_wins),
      cmocka_unit_test(near_neighbours_count_for_more_and_touching_ones_alone),
      cmocka_unit_test(more_neighbours_than_samples_are_refused),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
