#include "eval/compare.h"
#include "study/compare.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#pragma GCC diagnostic ignored "-Wunused-variable"
#include "golden/metrics.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void assert_near(double measured, double expected) {
  if (fabs(measured - expected) > 1e-9 * fmax(1e-3, fabs(expected))) fail_msg("%.17g is not %.17g", measured, expected);
}

static void mcnemar_gives_scipys_p_values(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(golden_mcnemar); i++)
    assert_near(hg_mcnemar(golden_mcnemar[i].b, golden_mcnemar[i].c), golden_mcnemar[i].p);
}

static void wilson_gives_scipys_intervals(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(golden_wilson); i++) {
    double low, high;
    hg_wilson(golden_wilson[i].hits, golden_wilson[i].count, &low, &high);
    assert_near(low, golden_wilson[i].low);
    assert_near(high, golden_wilson[i].high);
  }
}

static void intervals_over_seeds_are_students(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(golden_interval); i++) {
    double mean, deviation, low, high;
    hg_mean_interval(golden_interval[i].values, golden_interval[i].count, &mean, &deviation, &low, &high);
    assert_near(mean, golden_interval[i].mean);
    assert_near(deviation, golden_interval[i].deviation);
    assert_near(low, golden_interval[i].low);
    assert_near(high, golden_interval[i].high);
  }
}

static void one_seed_has_a_mean_and_no_interval(void **state) {
  (void)state;
  double mean, deviation, low, high;
  hg_mean_interval((double[]){0.5}, 1, &mean, &deviation, &low, &high);
  assert_true(mean == 0.5 && isnan(deviation) && isnan(low) && isnan(high));
}

/* Newcombe's own example (1998, table II, method 10): 36 both, 12 and 2 alone of 50, .0569 to .3404. */
static void a_paired_difference_has_newcombes_interval(void **state) {
  (void)state;
  double difference, low, high;
  hg_paired_difference(36, 12, 2, 50, &difference, &low, &high);
  assert_near(difference, 0.2);
  assert_true(fabs(low - 0.0569) < 5e-5);
  assert_true(fabs(high - 0.3404) < 5e-5);
}

/* Five of ten images told right by one alone: p = .0625, so that no difference is not refused. */
static void no_interval_refuses_what_the_exact_test_leaves(void **state) {
  (void)state;
  double difference, low, high;
  for (int n = 5; n <= 60; n += 5)
    for (int b = 0; b <= n; b++)
      for (int c = 0; b + c <= n; c++) {
        hg_paired_difference((n - b - c) / 2, b, c, n, &difference, &low, &high);
        assert_true(low <= difference && difference <= high && low < high);
        if (hg_mcnemar(b, c) > 0.05) assert_true(low <= 0 && high >= 0);
      }
}

static void seeds_that_change_nothing_leave_the_chance_of_the_images(void **state) {
  (void)state;
  const hg_images_spread hundred = {100, NAN};
  double mean, deviation, low, high, wilson_low, wilson_high;
  hg_wilson(88, 100, &wilson_low, &wilson_high);
  assert_string_equal(hg_seeds_interval("test.accuracy", (double[]){0.88, 0.88}, 2, hundred, &mean, &deviation, &low, &high),
                      "wilson");
  assert_near(low, wilson_low);
  assert_near(high, wilson_high);
  for (int hits = 0; hits <= 100; hits++) { /* .97 three times over three is another number */
    double share = hits / 100.0;
    assert_string_equal(
        hg_seeds_interval("test.accuracy", (double[]){share, share, share}, 3, hundred, &mean, &deviation, &low, &high),
        "wilson");
    assert_true(mean == share && deviation == 0);
  }
  assert_string_equal(hg_seeds_interval("test.accuracy", (double[]){0.87, 0.89}, 2, hundred, &mean, &deviation, &low, &high),
                      "student");
  assert_null(hg_seeds_interval("test.mse", (double[]){0.1}, 1, hundred, &mean, &deviation, &low, &high));
  assert_null(hg_seeds_interval("test.macro_f1", (double[]){0.9, 0.9}, 2, hundred, &mean, &deviation, &low, &high));
  assert_true(isnan(low) && isnan(high)); /* not a certainty of the width 0 */
}

/* By hand: t of 99 degrees of freedom at 97.5 % is 1.98422, and the mean of 100 images has a tenth of their deviation. */
static void a_mean_over_images_has_their_interval(void **state) {
  (void)state;
  const hg_images_spread hundred = {100, 0.5};
  double mean, deviation, low, high;
  char name[HG_FIGURE_NAME];
  assert_string_equal(hg_deviation_name("test.psnr", name), "test.psnr_deviation");
  assert_string_equal(hg_seeds_interval("test.psnr", (double[]){20}, 1, hundred, &mean, &deviation, &low, &high), "images");
  assert_true(fabs(low - (20 - 1.98422 * 0.05)) < 1e-6 && fabs(high - (20 + 1.98422 * 0.05)) < 1e-6);
  assert_string_equal(hg_seeds_interval("test.mse", (double[]){0.05, 0.05}, 2, hundred, &mean, &deviation, &low, &high),
                      "images");
  assert_true(low == 0); /* no squared error is below */
  assert_string_equal(hg_seeds_interval("test.mse", (double[]){0.05, 0.06}, 2, hundred, &mean, &deviation, &low, &high),
                      "student");
}

static void an_interval_of_few_images_ends_at_all_of_them(void **state) {
  (void)state;
  double difference, low, high;
  hg_paired_difference(0, 0, 5, 5, &difference, &low, &high);
  assert_near(difference, -1);
  assert_near(low, -1);
  assert_true(high > -1);
}

/* The published 92.4 against 91.9 % on 10,000 images, were four in ten mistakes their own. */
static void half_a_percent_of_ten_thousand_is_not_significant(void **state) {
  (void)state;
  assert_true(hg_mcnemar(400, 350) > 0.05);
  assert_true(hg_mcnemar(400, 300) < 0.05);
}

static void a_verdict_says_what_its_interval_counts(void **state) {
  (void)state;
  hg_comparison rows[2] = {
      {.a = "cnn",
       .b = "svm",
       .metric = "accuracy",
       .difference = -0.0008,
       .low = -0.0033,
       .high = 0.0017,
       .p_value = 0.5,
       .seeds = 3},
      {.a = "cnn", .b = "svm", .metric = "mse", .difference = 0.25, .low = 0.125, .high = 0.375, .p_value = 0.001, .seeds = 1}};
  assert_int_equal(hg_comparisons_conclude(rows, 2, NULL), HG_OK);
  assert_string_equal(
      rows[0].text,
      "No significant difference in accuracy between cnn and svm (95 % interval -0.33 to +0.17 points, p = 0.5000, 3 seeds)");
  assert_string_equal(rows[1].text,
                      "cnn is worse than svm: mse 0.25 higher (95 % interval +0.125 to +0.375, p = 0.0010, 1 seed)");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_verdict_says_what_its_interval_counts),
      cmocka_unit_test(mcnemar_gives_scipys_p_values),
      cmocka_unit_test(wilson_gives_scipys_intervals),
      cmocka_unit_test(intervals_over_seeds_are_students),
      cmocka_unit_test(one_seed_has_a_mean_and_no_interval),
      cmocka_unit_test(a_paired_difference_has_newcombes_interval),
      cmocka_unit_test(no_interval_refuses_what_the_exact_test_leaves),
      cmocka_unit_test(seeds_that_change_nothing_leave_the_chance_of_the_images),
      cmocka_unit_test(a_mean_over_images_has_their_interval),
      cmocka_unit_test(an_interval_of_few_images_ends_at_all_of_them),
      cmocka_unit_test(half_a_percent_of_ten_thousand_is_not_significant),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
