/* Is a difference real? */
#ifndef HG_EVAL_COMPARE_H
#define HG_EVAL_COMPARE_H

#include "base/status.h"

/* Wilson score interval of a share at 95 %. */
void hg_wilson(int64_t successes, int64_t count, double *low, double *high);

/* McNemar's exact test (two-sided binomial) on paired right / wrong: b = a right and b wrong, c = the other way round.
 * Above 1,000 discordant pairs the chi-square form with continuity correction. */
double hg_mcnemar(int64_t b, int64_t c);

/* 95 % interval of accuracy(a) - accuracy(b) on the same samples (Wald on paired shares). */
void hg_paired_difference(int64_t b, int64_t c, int64_t count, double *difference, double *low, double *high);

/* Mean, sample standard deviation, and the 95 % interval of the mean by Student's t; NaN where count < 2. */
void hg_mean_interval(const double *values, int count, double *mean, double *deviation, double *low, double *high);

#endif
