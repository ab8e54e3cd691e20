#include "eval/compare.h"

#include "base/alloc.h"
#include "eval/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double normal_975 = 1.959963984540054; /* quantile of the standard normal distribution */

void hg_wilson(int64_t successes, int64_t count, double *low, double *high) {
  *low = 0;
  *high = 1;
  if (count <= 0) return;
  double n = (double)count, share = (double)successes / n, z = normal_975;
  double centre = (share + z * z / (2 * n)) / (1 + z * z / n);
  double half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  *low = successes == 0 ? 0 : centre - half;
  *high = successes == count ? 1 : centre + half;
}

/* P(X <= k) for X ~ Binomial(n, 1/2). */
static double binomial_half_below(int64_t k, int64_t n) {
  double term = exp(-(double)n * log(2)), sum = term; /* n <= 1000: 2^-1000 is still a normal number */
  for (int64_t i = 1; i <= k; i++) {
    term *= (double)(n - i + 1) / (double)i;
    sum += term;
  }
  return sum;
}

double hg_mcnemar(int64_t b, int64_t c) {
  int64_t discordant = b + c, least = b < c ? b : c, distance = b < c ? c - b : b - c;
  if (distance <= 1) return 1;
  if (discordant <= 1000) return fmin(1, 2 * binomial_half_below(least, discordant));
  double root = (double)(distance - 1) / sqrt((double)discordant); /* of chi-square with continuity correction */
  return erfc(root / sqrt(2));
}

void hg_mean_interval(const double *values, int count, double *mean, double *deviation, double *low, double *high) {
  double sum = 0, squares = 0;
  bool same = true; /* their sum over their number may be another number by its last bit */
  *mean = *deviation = *low = *high = NAN;
  if (count < 1) return;
  for (int i = 0; i < count; i++) {
    sum += values[i];
    same = same && values[i] == values[0];
  }
  *mean = same ? values[0] : sum / count;
  if (count < 2) return;
  for (int i = 0; i < count; i++) squares += (values[i] - *mean) * (values[i] - *mean);
  *deviation = sqrt(squares / (count - 1));
  double half = hg_student_975(count - 1) * *deviation / sqrt(count);
  *low = *mean - half;
  *high = *mean + half;
}

const char *hg_deviation_name(const char *figure, char name[HG_FIGURE_NAME]) {
  snprintf(name, HG_FIGURE_NAME, "%s_deviation", figure);
  return name;
}

const char *hg_seeds_interval(const char *metric, const double *values, int count, hg_images_spread spread, double *mean,
                              double *deviation, double *low, double *high) {
  hg_mean_interval(values, count, mean, deviation, low, high);
  bool images_alone = count == 1 || (count > 1 && *deviation <= 0);
  const char *kind = count > 1 && !images_alone ? "student" : NULL;
  if (images_alone) *low = *high = NAN;
  if (images_alone && spread.images > 0 && strstr(metric, "accuracy") != NULL) {
    hg_wilson(llround(*mean * (double)spread.images), spread.images, low, high);
    kind = "wilson";
  } else if (images_alone && spread.images > 1 && !isnan(spread.deviation)) {
    double half = hg_student_975((double)(spread.images - 1)) * spread.deviation / sqrt((double)spread.images);
    *low = *mean - half;
    *high = *mean + half;
    kind = "images";
  }
  hg_metric_bound(metric, low, high);
  return kind;
}

/* ---------------------------------------------------------------- Student's t with any degrees of freedom */

/* The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8) by Lentz's method. */
static double beta_fraction(double x, double a, double b) {
  enum { MOST = 10000 };
  const double tiny = 1e-300;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (fabs(d) < tiny ? tiny : d);
  double value = d;
  for (int m = 1; m <= MOST; m++) {
    for (int odd = 0; odd < 2; odd++) {
      double k = 2 * m,
             term = odd ? -(a + m) * (a + b + m) * x / ((a + k) * (a + k + 1)) : m * (b - m) * x / ((a + k - 1) * (a + k));
      d = 1 + term * d;
      c = 1 + term / c;
      d = 1 / (fabs(d) < tiny ? tiny : d);
      if (fabs(c) < tiny) c = tiny;
      value *= c * d;
      if (odd && fabs(c * d - 1) < 1e-15) return value;
    }
  }
  return value;
}

/* I_x(a, b), the regularised incomplete beta function. */
static double incomplete_beta(double x, double a, double b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a : 1 - front * beta_fraction(1 - x, b, a) / b;
}

double hg_student_p(double t, double freedom) {
  if (isnan(t) || !(freedom > 0)) return (double)NAN;
  if (isinf(t)) return 0;
  if (isinf(freedom)) return erfc(fabs(t) / sqrt(2));
  return incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5);
}

double hg_student_975(double freedom) {
  double low = 0, high = 1;
  if (!(freedom > 0)) return (double)NAN;
  while (hg_student_p(high, freedom) > 0.05 && high < 1e15) high *= 2;
  for (int i = 0; i < 200; i++) {
    double middle = (low + high) / 2;
    if (hg_student_p(middle, freedom) > 0.05)
      low = middle;
    else
      high = middle;
  }
  return low;
}

void hg_difference_over_seeds(double image_variance, double image_freedom, const double *by_seed, int seeds,
                              hg_difference *difference) {
  double mean, deviation, low, high;
  hg_mean_interval(by_seed, seeds, &mean, &deviation, &low, &high);
  double seed_variance = deviation * deviation / seeds, variance = image_variance + seed_variance;
  *difference = (hg_difference){mean, mean, mean, mean == 0 ? 1 : (double)NAN};
  if (!(variance > 0)) return;
  double freedom =
      variance * variance / (image_variance * image_variance / image_freedom + seed_variance * seed_variance / (seeds - 1));
  double half = hg_student_975(freedom) * sqrt(variance);
  difference->low = mean - half;
  difference->high = mean + half;
  difference->p_value = hg_student_p(mean / sqrt(variance), freedom);
}

/* ---------------------------------------------------------------- paired shares */

/* p with I_p(a, b) = share. */
static double beta_quantile(double share, double a, double b) {
  double low = 0, high = 1;
  for (int i = 0; i < 100; i++) {
    double middle = (low + high) / 2;
    if (incomplete_beta(middle, a, b) < share)
      low = middle;
    else
      high = middle;
  }
  return low;
}

/* What McNemar's exact test leaves: the interval of b among b + c by Clopper and Pearson, as a difference. */
static void conditional_interval(double b, double c, double n, double *low, double *high) {
  double least = b > 0 ? beta_quantile(0.025, b, c + 1) : 0, most = c > 0 ? beta_quantile(0.975, b + 1, c) : 1;
  *low = (b + c) / n * (2 * least - 1);
  *high = (b + c) / n * (2 * most - 1);
}

/* The correlation of being right, on the safe side. */
static double paired_correlation(double both, double b, double c, double neither) {
  double margins = (both + b) * (c + neither) * (both + c) * (b + neither), product = both * neither - b * c;
  if (!(margins > 0)) return 0;
  if (product > 0) product = fmax(product - (both + b + c + neither) / 2, 0);
  return product / sqrt(margins);
}

void hg_paired_difference(int64_t both, int64_t only_a, int64_t only_b, int64_t count, double *difference, double *low,
                          double *high) {
  double low_a, high_a, low_b, high_b, least, most;
  *difference = *low = *high = NAN;
  if (count <= 0) return;
  double n = (double)count, b = (double)only_a, c = (double)only_b, a_share = (double)(both + only_a) / n,
         b_share = (double)(both + only_b) / n;
  double twice = 2 * paired_correlation((double)both, b, c, n - (double)both - b - c);
  hg_wilson(both + only_a, count, &low_a, &high_a);
  hg_wilson(both + only_b, count, &low_b, &high_b);
  double down_a = a_share - low_a, up_a = high_a - a_share, down_b = b_share - low_b, up_b = high_b - b_share;
  *difference = (b - c) / n;
  *low = fmax(*difference - sqrt(down_a * down_a - twice * down_a * up_b + up_b * up_b), -1);
  *high = fmin(*difference + sqrt(down_b * down_b - twice * down_b * up_a + up_a * up_a), 1);
  if (hg_mcnemar(only_a, only_b) < 0.05) return;
  conditional_interval(b, c, n, &least, &most);
  *low = fmin(*low, least);
  *high = fmax(*high, most);
}

/* ---------------------------------------------------------------- Holm */

typedef struct ranked {
  double p;
  int place;
} ranked;

static int by_p(const void *left, const void *right) {
  const ranked *a = left, *b = right;
  if (a->p != b->p) return a->p < b->p ? -1 : 1;
  return a->place - b->place;
}

hg_code hg_holm(const double *p_values, int count, double *corrected, hg_error *error) {
  ranked *order = hg_malloc((size_t)count * sizeof *order);
  if (order == NULL) return hg_fail_memory(error, "Holm's correction", (size_t)count * sizeof *order);
  int tested = 0;
  for (int i = 0; i < count; i++) {
    if (!isnan(p_values[i])) order[tested++] = (ranked){p_values[i], i};
    corrected[i] = p_values[i];
  }
  qsort(order, (size_t)tested, sizeof *order, by_p);
  double largest = 0;
  for (int i = 0; i < tested; i++) {
    largest = fmax(largest, fmin(1, (tested - i) * order[i].p));
    corrected[order[i].place] = largest;
  }
  hg_free(order);
  return HG_OK;
}
