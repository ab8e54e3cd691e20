/* Curves, calibration, significance and the median filter against figures of scikit-learn and SciPy. */
#include "base/alloc.h"
#include "eval/bootstrap.h"
#include "eval/calibration.h"
#include "eval/compare.h"
#include "eval/curves.h"
#include "eval/distances.h"
#include "eval/images.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#pragma GCC diagnostic ignored "-Wunused-variable"
#include "golden/metrics.h"

static void assert_near(double measured, double expected) {
  if (!(fabs(measured - expected) <= 1e-12 + 1e-9 * fabs(expected))) fail_msg("%.17g is not %.17g", measured, expected);
}

static void areas_under_curves_are_scikit_learns(void **state) {
  (void)state;
  const double wanted[] = {0.72024623803009569, 0.75555555555555554, 0.5815972222222221, 0.63494318181818177};
  hg_ranking_scores scores;
  assert_int_equal(hg_ranking_scores_new(golden_probabilities, golden_labels, GOLDEN_COUNT, GOLDEN_CLASSES, &scores, NULL),
                   HG_OK);
  for (int k = 0; k < GOLDEN_CLASSES; k++) assert_near(scores.roc_auc[k], wanted[k]);
  assert_near(scores.macro_roc_auc, 0.67308554940651377);
  assert_near(scores.micro_roc_auc, 0.66856481481481489);
  assert_near(scores.macro_average_precision, 0.46510608169179435);
  assert_near(scores.micro_average_precision, 0.44281288985456918);
  hg_ranking_scores_release(&scores);
}

static void the_macro_curve_rises_from_corner_to_corner(void **state) {
  (void)state;
  hg_roc curve;
  assert_int_equal(hg_roc_macro_new(golden_probabilities, golden_labels, GOLDEN_COUNT, GOLDEN_CLASSES, 51, &curve, NULL), HG_OK);
  assert_near(curve.area, 0.67308554940651377);
  for (int i = 1; i < 51; i++) assert_true(curve.true_positive[i] >= curve.true_positive[i - 1]);
  assert_near(curve.true_positive[50], 1);
  hg_roc_release(&curve);
}

/* The mean over the classes that have images. */
static void macro_precision(const float *probabilities, const int32_t *labels, int count, int classes, int points, double *mean) {
  int used = 0;
  for (int i = 0; i < points; i++) mean[i] = 0;
  for (int k = 0; k < classes; k++) {
    hg_roc curve;
    int positives = 0;
    for (int i = 0; i < count; i++) positives += labels[i] == k;
    if (positives == 0) continue;
    assert_int_equal(hg_roc_new(probabilities + k, classes, labels, count, k, &curve, NULL), HG_OK);
    hg_roc_add_precision(&curve, positives, count - positives, points, mean);
    hg_roc_release(&curve);
    used++;
  }
  for (int i = 0; i < points; i++) mean[i] /= used;
}

/* At as many recalls as every class can have its own steps at. */
static void the_area_under_the_macro_precision_is_the_mean_average_precision(void **state) {
  (void)state;
  enum { MOST = 100000 };
  static double precision[MOST];
  int images[GOLDEN_CLASSES] = {0}, points = 1;
  double area = 0;
  for (int i = 0; i < GOLDEN_COUNT; i++) images[golden_labels[i]]++;
  for (int k = 0; k < GOLDEN_CLASSES; k++) {
    int before = points;
    while (points % images[k] != 0) points += before;
  }
  assert_in_range(points, 2, MOST);
  macro_precision(golden_probabilities, golden_labels, GOLDEN_COUNT, GOLDEN_CLASSES, points, precision);
  for (int i = 0; i < points; i++) area += precision[i] / points;
  assert_near(area, 0.46510608169179435);
  macro_precision((float[]){0.2f, 0.8f, 0.6f, 0.4f}, (int32_t[]){0, 0}, 2, 2, 4, precision);
  for (int i = 0; i < 4; i++) assert_near(precision[i], 1); /* one class alone has images, and all of them */
}

static void a_class_without_samples_has_no_area(void **state) {
  (void)state;
  hg_roc curve;
  assert_int_equal(hg_roc_new((float[]){0.1f, 0.9f}, 1, (int32_t[]){0, 0}, 2, 1, &curve, NULL), HG_OK);
  assert_true(isnan(curve.area));
  hg_roc_release(&curve);
}

static void calibration_error_and_brier_score_follow_their_definitions(void **state) {
  (void)state;
  hg_calibration calibration;
  assert_int_equal(hg_calibration_of(golden_probabilities, golden_labels, GOLDEN_COUNT, GOLDEN_CLASSES, &calibration, NULL),
                   HG_OK);
  assert_near(calibration.expected_error, 0.15517578124999998);
  assert_near(calibration.brier, 0.70995683670043941);
}

static void students_t_is_scipys(void **state) {
  (void)state;
  const double tails[][3] = {{2.1, 3, 0.12656520254968459},    {0.5, 1.7, 0.67418452492432779},
                             {4.2, 2.3, 0.040780340220949313}, {1.96, 9999, 0.050023523005210201},
                             {12, 2, 0.0068729336771584599},   {0, 5, 1}};
  const double quantiles[][2] = {
      {1, 12.706204736174694}, {1.7, 5.1188389882530565}, {2, 4.3026527297494619}, {9.5, 2.2441374614922958}};
  for (int i = 0; i < 6; i++) assert_near(hg_student_p(tails[i][0], tails[i][1]), tails[i][2]);
  for (int i = 0; i < 4; i++) assert_near(hg_student_975(quantiles[i][0]), quantiles[i][1]);
}

static void holm_multiplies_by_what_is_left_and_never_falls(void **state) {
  (void)state;
  double p[] = {0.04, 0.01, NAN, 0.03, 0.9};
  assert_int_equal(hg_holm(p, 5, p, NULL), HG_OK);
  assert_near(p[1], 0.04);
  assert_near(p[3], 0.09);
  assert_near(p[0], 0.09);
  assert_near(p[4], 0.9);
  assert_true(isnan(p[2]));
}

/* Equal seeds: the images' variance alone; no image variance: Student's interval over the seeds. */
static void both_chances_count_in_a_difference_over_seeds(void **state) {
  (void)state;
  hg_difference found;
  hg_difference_over_seeds(0.01 * 0.01, 9999, (double[]){0.03, 0.03, 0.03}, 3, &found);
  assert_near(found.high - found.difference, 0.01 * hg_student_975(9999));
  double mean, deviation, low, high;
  hg_mean_interval((double[]){0.01, 0.02, 0.06}, 3, &mean, &deviation, &low, &high);
  hg_difference_over_seeds(0, 9999, (double[]){0.01, 0.02, 0.06}, 3, &found);
  assert_near(found.low, low);
  assert_near(found.high, high);
}

static double mean_difference(const void *context, const int32_t *times) {
  const double *values = context;
  double difference = 0;
  for (int i = 0; i < 200; i++) difference += times[i] * values[i] / 200;
  return difference;
}

static void the_bootstrap_is_the_same_on_any_threads_and_finds_the_standard_error(void **state) {
  (void)state;
  double values[200], mean = 0, squares = 0;
  for (int i = 0; i < 200; i++) values[i] = 0.3 + sin(i * i);
  for (int i = 0; i < 200; i++) mean += values[i] / 200;
  for (int i = 0; i < 200; i++) squares += (values[i] - mean) * (values[i] - mean) / 200;
  hg_bootstrap_settings settings = {.samples = 200, .seed = 1, .compute = mean_difference, .context = values};
  hg_bootstrap one, three;
  hg_pool *pool;
  assert_int_equal(hg_bootstrap_difference(&settings, NULL, &one, NULL), HG_OK);
  assert_int_equal(hg_pool_new(3, &pool, NULL), HG_OK);
  assert_int_equal(hg_bootstrap_difference(&settings, pool, &three, NULL), HG_OK);
  hg_pool_free(pool);
  assert_true(one.deviation == three.deviation && one.low == three.low && one.p_value == three.p_value);
  assert_true(fabs(one.deviation / sqrt(squares / 200) - 1) < 0.03);
  assert_true(one.low < mean && mean < one.high && one.p_value < 0.05);
}

static double mean_of_three(const void *context, const int32_t *times) {
  const double *values = context;
  return (times[0] * values[0] + times[1] * values[1] + times[2] * values[2]) / 3;
}

static void three_images_prove_nothing_though_all_lie_on_one_side(void **state) {
  (void)state;
  const double values[] = {0.2, 0.3, 0.25};
  hg_bootstrap_settings settings = {.samples = 3, .seed = 1, .compute = mean_of_three, .context = values};
  hg_bootstrap found;
  assert_int_equal(hg_bootstrap_difference(&settings, NULL, &found, NULL), HG_OK);
  assert_true(found.low > 0);
  assert_near(found.p_value, 0.25); /* the sign test's least, 2 of 2^3 */
}

static void a_median_filter_removes_a_lone_pixel_and_repeats_the_edge(void **state) {
  (void)state;
  float image[25] = {0}, out[25];
  image[12] = 1;                         /* alone in the middle */
  image[0] = image[1] = image[5] = 0.5f; /* of the corner's nine, repeated outwards, eight */
  hg_image_median(image, (hg_shape){5, 5, 1}, 3, out);
  assert_true(out[12] == 0 && out[24] == 0);
  assert_true(out[0] == 0.5f);
}

static void distances_tell_classes_apart(void **state) {
  (void)state;
  hg_class_distances found;
  const float points[] = {0, 0, 2, 0, 11, 0, 11, 4};
  assert_int_equal(hg_class_distances_of(points, (int32_t[]){0, 0, 1, 1}, 4, 2, 3, &found, NULL), HG_OK);
  assert_near(found.intra, 1.5);
  assert_near(found.inter, sqrt(104));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(areas_under_curves_are_scikit_learns),
      cmocka_unit_test(the_macro_curve_rises_from_corner_to_corner),
      cmocka_unit_test(the_area_under_the_macro_precision_is_the_mean_average_precision),
      cmocka_unit_test(a_class_without_samples_has_no_area),
      cmocka_unit_test(calibration_error_and_brier_score_follow_their_definitions),
      cmocka_unit_test(students_t_is_scipys),
      cmocka_unit_test(holm_multiplies_by_what_is_left_and_never_falls),
      cmocka_unit_test(both_chances_count_in_a_difference_over_seeds),
      cmocka_unit_test(the_bootstrap_is_the_same_on_any_threads_and_finds_the_standard_error),
      cmocka_unit_test(three_images_prove_nothing_though_all_lie_on_one_side),
      cmocka_unit_test(a_median_filter_removes_a_lone_pixel_and_repeats_the_edge),
      cmocka_unit_test(distances_tell_classes_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
