/* Is a difference real? */
#ifndef HG_EVAL_COMPARE_H
#define HG_EVAL_COMPARE_H

#include "base/status.h"

/* Wilson score interval of a share at 95 %. */
void hg_wilson(int64_t successes, int64_t count, double *low, double *high);

/* McNemar's exact test (two-sided binomial) on paired right / wrong: b = a right and b wrong, c = the other way round.
 * Above 1,000 discordant pairs the chi-square form with continuity correction. */
double hg_mcnemar(int64_t b, int64_t c);

/* 95 % interval of accuracy(a) - accuracy(b) on the same samples (Wald on paired shares), within -1 to 1. */
void hg_paired_difference(int64_t b, int64_t c, int64_t count, double *difference, double *low, double *high);

/* Mean, sample standard deviation, and the 95 % interval of the mean by Student's t; NaN where count < 2. */
void hg_mean_interval(const double *values, int count, double *mean, double *deviation, double *low, double *high);

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
 * degrees of freedom are Welch and Satterthwaite's. */
void hg_difference_over_seeds(double image_variance, double image_freedom, const double *by_seed, int seeds,
                              hg_difference *difference);

/* Holm's correction (1979): corrected[i] so that calling those below 0.05 real is wrong anywhere in the family with at most 5 %
 * probability. NaN stays NaN and does not count. May work in place. HG_NO_MEMORY only. */
hg_code hg_holm(const double *p_values, int count, double *corrected, hg_error *error);

#endif
