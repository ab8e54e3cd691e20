/* Is a difference real? */
#ifndef HG_EVAL_COMPARE_H
#define HG_EVAL_COMPARE_H

#include "base/status.h"

/* Wilson score interval of a share at 95 %. */
void hg_wilson(int64_t successes, int64_t count, double *low, double *high);

/* McNemar's exact test (two-sided binomial) on paired right / wrong: b = a right and b wrong, c = the other way round.
 * Above 1,000 discordant pairs the chi-square form with continuity correction. */
double hg_mcnemar(int64_t b, int64_t c);

/* 95 % interval of accuracy(a) - accuracy(b) on the same `count` samples, of which both are right on `both` and one alone on
 * only_a and only_b: Newcombe's for paired shares (Statistics in Medicine 17, 1998, method 10). Where McNemar's test leaves it
 * open whether there is a difference, it is widened to what the exact test leaves (Clopper and Pearson's interval of only_a among
 * the discordant), so that both tell the same. NaN where count is 0. */
void hg_paired_difference(int64_t both, int64_t only_a, int64_t only_b, int64_t count, double *difference, double *low,
                          double *high);

/* Mean, sample standard deviation, and the 95 % interval of the mean by Student's t; NaN where count < 2. */
void hg_mean_interval(const double *values, int count, double *mean, double *deviation, double *low, double *high);

/* The test images that a figure was measured on. */
typedef struct hg_images_spread {
  int64_t images;   /* 0 = unknown */
  double deviation; /* sample standard deviation over them of a figure that is their mean; NaN = unknown, or it is none */
} hg_images_spread;

/* The name under which a figure's deviation over the test images is kept, "test.mse_deviation" of "test.mse"; in name. */
enum { HG_FIGURE_NAME = 80 };
const char *hg_deviation_name(const char *figure, char name[HG_FIGURE_NAME]);

/* A figure over `count` seeds with its 95 % interval, bounded by what the metric can be: Student's over the seeds; with one seed,
 * or with seeds that change nothing, that of the choice of test images: Wilson's for an accuracy, for a mean over them Student's.
 * Returns which it is, "student", "wilson" or "images"; NULL and NaN where there is none. metric: its name, as in "test.accuracy"
 * or "mse". */
const char *hg_seeds_interval(const char *metric, const double *values, int count, hg_images_spread spread, double *mean,
                              double *deviation, double *low, double *high);

/* ---- several comparisons, several seeds */

/* P(|T| >= |t|) for Student's t with `freedom` > 0 degrees of freedom, whole or not. */
double hg_student_p(double t, double freedom);
/* t with P(|T| < t) = 0.95. */
double hg_student_975(double freedom);

typedef struct hg_difference {
  double difference, low, high; /* 95 % interval */
  double p_value;               /* two-sided, of no difference */
} hg_difference;

/* A difference of two models that was measured with each of several seeds on the same test images. Both chances count: of the
 * images, and of the training.
 *
 * image_variance: of the mean over seeds, as the choice of images alone makes it, with image_freedom degrees of freedom.
 * by_seed (seeds): the difference for each seed, seeds >= 2. The variance is the sum image_variance + var(by_seed) / seeds (the
 * analysis of variance of crossed random factors, on the safe side as the seeds' part holds some of the images' too), and its
 * degrees of freedom are Welch and Satterthwaite's. Where nothing varies there is nothing to test by: low and high are the mean,
 * and p is NaN, or 1 for a mean of 0. */
void hg_difference_over_seeds(double image_variance, double image_freedom, const double *by_seed, int seeds,
                              hg_difference *difference);

/* Holm's correction (1979): corrected[i] so that calling those below 0.05 real is wrong anywhere in the family with at most 5 %
 * probability. NaN stays NaN and does not count. May work in place. HG_NO_MEMORY only. */
hg_code hg_holm(const double *p_values, int count, double *corrected, hg_error *error);

#endif
