#include "eval/compare.h"

#include <math.h>

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

void hg_paired_difference(int64_t b, int64_t c, int64_t count, double *difference, double *low, double *high) {
  *difference = *low = *high = NAN;
  if (count <= 0) return;
  double n = (double)count, net = (double)(b - c);
  double half = normal_975 * sqrt((double)(b + c) - net * net / n) / n;
  *difference = net / n;
  *low = net / n - half;
  *high = net / n + half;
}

/* P(|T| < t) for Student's t with whole degrees of freedom, at t = sqrt(freedom) tan(angle): the finite sums of
 * Abramowitz and Stegun 26.7.3 and 26.7.4. */
static double student_within(double angle, int freedom) {
  double c = cos(angle), term = freedom % 2 == 1 ? c : 1, sum = freedom == 1 ? 0 : term;
  for (int k = freedom % 2 == 1 ? 3 : 2; k <= freedom - 2; k += 2) {
    term *= c * c * (k - 1) / k;
    sum += term;
  }
  return freedom % 2 == 1 ? (angle + sin(angle) * sum) * 2 / acos(-1) : sin(angle) * sum;
}

static double student_975(int freedom) {
  double low = 0, high = acos(0);
  for (int i = 0; i < 100; i++) {
    double middle = (low + high) / 2;
    if (student_within(middle, freedom) < 0.95)
      low = middle;
    else
      high = middle;
  }
  return sqrt(freedom) * tan(low);
}

void hg_mean_interval(const double *values, int count, double *mean, double *deviation, double *low, double *high) {
  double sum = 0, squares = 0;
  *mean = *deviation = *low = *high = NAN;
  if (count < 1) return;
  for (int i = 0; i < count; i++) sum += values[i];
  *mean = sum / count;
  if (count < 2) return;
  for (int i = 0; i < count; i++) squares += (values[i] - *mean) * (values[i] - *mean);
  *deviation = sqrt(squares / (count - 1));
  double half = student_975(count - 1) * *deviation / sqrt(count);
  *low = *mean - half;
  *high = *mean + half;
}
