/* A normal number from a word, as hg_rng_normal and kernels/image.h make it. */
#ifndef HG_BASE_NORMAL_H
#define HG_BASE_NORMAL_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Phi^-1 by Wichura's AS 241 (PPND16, 1988): additions, products and one sqrt, so no libm version can change it, except
 * for the log in the tails, which is taken apart below. Its third range, beyond 5.5 deviations, begins at p < e^-25: no p
 * made of 32 bits gets there. Written without branches, for loops over vectors. */
static inline double hg_normal_log_of_tail(double p) {
  /* p in (0, 0.075]: p = m * 2^e, log by the atanh series on m in [sqrt(1/2), sqrt(2)). */
  uint64_t bits;
  memcpy(&bits, &p, sizeof bits);
  double exponent = (double)((int32_t)(bits >> 52) - 1022), m;
  bits = (bits & 0xFFFFFFFFFFFFF) | (uint64_t)1022 << 52; /* m in [1/2, 1), as frexp has it */
  memcpy(&m, &bits, sizeof m);
  double low = m < 0.70710678118654752 ? 1.0 : 0.0;
  m += low * m;
  exponent -= low;
  double s = (m - 1) / (m + 1), z = s * s, sum = 0;
  for (int k = 21; k >= 1; k -= 2) sum = sum * z + 1.0 / k;
  return 2 * s * sum + exponent * 0.69314718055994531;
}

static inline double hg_normal_ratio(const double *top, const double *bottom, double x) {
  double t = top[7], b = bottom[7];
  for (int i = 6; i >= 0; i--) {
    t = t * x + top[i];
    b = b * x + bottom[i];
  }
  return t / b;
}

/* q = p - 1/2, |q| <= 0.425 */
static inline double hg_normal_middle(double q) {
  static const double a[8] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
                              4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3};
  static const double b[8] = {1.0,
                              4.2313330701600911252e1,
                              6.8718700749205790830e2,
                              5.3941960214247511077e3,
                              2.1213794301586595867e4,
                              3.9307895800092710610e4,
                              2.8729085735721942674e4,
                              5.2264952788528545610e3};
  return q * hg_normal_ratio(a, b, 0.180625 - q * q);
}

/* |q| > 0.425 */
static inline double hg_normal_tail(double q) {
  static const double c[8] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                              3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                              2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static const double d[8] = {1.0,
                              2.05319162663775882187e0,
                              1.67638483018380384940e0,
                              6.89767334985100004550e-1,
                              1.48103976427480074590e-1,
                              1.51986665636164571966e-2,
                              5.47593808499534494600e-4,
                              1.05075007164441684324e-9};
  double x = hg_normal_ratio(c, d, sqrt(-hg_normal_log_of_tail(0.5 - fabs(q))) - 1.6);
  return copysign(x, q);
}

/* p - 1/2 of a word: exact. */
static inline double hg_normal_centred(uint32_t word) { return ((double)word + 0.5) * 0x1p-32 - 0.5; }
static inline int hg_normal_is_tail(double q) { return fabs(q) > 0.425; }

#endif
