#include "base/alloc.h"
#include "eval/curves.h"
#include "eval/images.h"
#include "eval/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#pragma GCC diagnostic ignored "-Wunused-variable"
#include "golden/metrics.h"

static hg_classification_report golden_scores(void) {
  hg_classification_report report;
  assert_int_equal(hg_classification_report_new(golden_probabilities, golden_labels, GOLDEN_COUNT, GOLDEN_CLASSES, &report, NULL),
                   HG_OK);
  return report;
}

static void the_report_reads_as_scikit_learns(void **state) {
  (void)state;
  hg_classification_report report = golden_scores();
  char *text = hg_classification_report_text(&report, golden_names);
  assert_string_equal(text, golden_report);
  hg_free(text);
  hg_classification_report_release(&report);
}

static void the_confusion_matrix_and_log_loss_are_scikit_learns(void **state) {
  (void)state;
  hg_classification_report report = golden_scores();
  assert_memory_equal(report.confusion, golden_confusion, sizeof golden_confusion);
  assert_true(fabs(report.log_loss - golden_log_loss) < 1e-6 * golden_log_loss);
  hg_classification_report_release(&report);
}

static void intervals_end_where_a_figure_can_be(void **state) {
  (void)state;
  double low = -0.1, high = 1.2;
  hg_metric_bound("test.accuracy_tta", &low, &high);
  assert_true(low >= 0 && low <= 0 && high >= 1 && high <= 1);
  low = -0.1, high = 1.2;
  hg_metric_bound("validation.loss", &low, &high);
  assert_true(low >= 0 && low <= 0 && high > 1);
  low = -0.1, high = 1.2;
  hg_metric_bound("test.psnr", &low, &high);
  assert_true(low < 0 && high > 1);
  low = high = NAN;
  hg_metric_bound("test.accuracy", &low, &high);
  assert_true(isnan(low) && isnan(high));
}

/* sklearn.metrics.classification_report([0, 2, 2], [0, 2, 0]): class 1 has no row, and averages are over two. */
static void a_class_that_is_nowhere_is_left_out(void **state) {
  (void)state;
  const float probabilities[] = {0.8f, 0.1f, 0.1f, 0.1f, 0.1f, 0.8f, 0.6f, 0.1f, 0.3f};
  const int32_t labels[] = {0, 2, 2};
  hg_classification_report report;
  assert_int_equal(hg_classification_report_new(probabilities, labels, 3, 3, &report, NULL), HG_OK);
  assert_true(fabs(report.macro.precision - 0.75) < 1e-12);
  assert_true(fabs(report.macro.recall - 0.75) < 1e-12);
  assert_true(fabs(report.macro.f1 - 2.0 / 3) < 1e-12);
  assert_false(hg_classification_report_has(&report, 1));
  char *text = hg_classification_report_text(&report, NULL);
  assert_null(strstr(text, "           1 "));
  assert_non_null(strstr(text, "           2 "));
  hg_free(text);
  hg_classification_report_release(&report);
}

static void a_tie_goes_to_the_first_class(void **state) {
  (void)state;
  assert_int_equal(hg_argmax((float[]){0.1f, 0.4f, 0.4f, 0.1f}, 4), 1);
}

static void a_certain_mistake_costs_a_finite_loss(void **state) {
  (void)state;
  hg_classification_report report;
  assert_int_equal(hg_classification_report_new((float[]){1, 0}, (int32_t[]){1}, 1, 2, &report, NULL), HG_OK);
  assert_true(fabs(report.log_loss - 23 * log(2)) < 1e-12);
  hg_classification_report_release(&report);
}

static void a_label_out_of_range_is_refused(void **state) {
  (void)state;
  hg_classification_report report;
  hg_error error;
  assert_int_equal(hg_classification_report_new((float[]){1, 0}, (int32_t[]){2}, 1, 2, &report, &error), HG_USAGE);
  assert_non_null(strstr(error.message, "label 2"));
}

static void every_failed_allocation_of_a_report_is_told(void **state) {
  (void)state;
  for (int n = 0; n < 2; n++) {
    hg_classification_report report;
    hg_alloc_fail_after(n);
    assert_int_equal(hg_classification_report_new((float[]){1, 0}, (int32_t[]){1}, 1, 2, &report, NULL), HG_NO_MEMORY);
  }
  hg_alloc_fail_after(-1);
}

static void average_precision_is_scikit_learns(void **state) {
  (void)state;
  hg_ranking_scores scores;
  assert_int_equal(hg_ranking_scores_new(golden_probabilities, golden_labels, GOLDEN_COUNT, GOLDEN_CLASSES, &scores, NULL),
                   HG_OK);
  for (int label = 0; label < GOLDEN_CLASSES; label++)
    assert_true(fabs(scores.average_precision[label] - golden_average_precision[label]) < 1e-12);
  hg_ranking_scores_release(&scores);
}

enum { HEIGHT = 14, WIDTH = 13, CHANNELS = 2, PIXELS = HEIGHT * WIDTH * CHANNELS };
static const hg_shape shape = {HEIGHT, WIDTH, CHANNELS};

/* The images of tests/golden/record_metrics.py. */
static void fill_images(float a[PIXELS], float b[PIXELS]) {
  for (int i = 0; i < PIXELS; i++) {
    int x = (i * 37 + i * i % 19 * 5) % 256, y = x * 3 / 4 + i * 11 % 40;
    a[i] = (float)x / 256;
    b[i] = (float)(y < 255 ? y : 255) / 256;
  }
}

static void ssim_and_mse_agree_with_the_plain_form(void **state) {
  (void)state;
  float a[PIXELS], b[PIXELS];
  fill_images(a, b);
  assert_true(fabs(hg_image_mse(a, b, PIXELS) - golden_mse) < 1e-12);
  assert_true(fabs(hg_image_ssim(a, b, shape) - golden_ssim) < 1e-10);
}

static void an_image_is_wholly_similar_to_itself(void **state) {
  (void)state;
  float a[PIXELS], b[PIXELS];
  fill_images(a, b);
  assert_true(fabs(hg_image_ssim(a, a, shape) - 1) < 1e-12);
  assert_true(fabs(hg_image_ssim(a, a, (hg_shape){3, 4, 1}) - 1) < 1e-12);
  assert_true(fabs(hg_image_ssim(a, b, shape) - hg_image_ssim(b, a, shape)) < 1e-12);
  assert_true(isinf(hg_image_psnr(hg_image_mse(a, a, PIXELS))));
}

static void psnr_counts_decibels(void **state) {
  (void)state;
  assert_true(fabs(hg_image_psnr(0.01) - 20) < 1e-12);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_report_reads_as_scikit_learns),
      cmocka_unit_test(the_confusion_matrix_and_log_loss_are_scikit_learns),
      cmocka_unit_test(a_class_that_is_nowhere_is_left_out),
      cmocka_unit_test(a_tie_goes_to_the_first_class),
      cmocka_unit_test(intervals_end_where_a_figure_can_be),
      cmocka_unit_test(a_certain_mistake_costs_a_finite_loss),
      cmocka_unit_test(a_label_out_of_range_is_refused),
      cmocka_unit_test(every_failed_allocation_of_a_report_is_told),
      cmocka_unit_test(average_precision_is_scikit_learns),
      cmocka_unit_test(ssim_and_mse_agree_with_the_plain_form),
      cmocka_unit_test(an_image_is_wholly_similar_to_itself),
      cmocka_unit_test(psnr_counts_decibels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
