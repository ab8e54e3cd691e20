/* exp, log, log1p, tanh, sigmoid and erf in float, written as one chain of additions, products and fused multiply-adds, so
 * that every instruction set and every libm gives the same bits. Loops over them vectorise. Errors are in units in the
 * last place of the result (ulp), measured by tests/test_ops_math.c. */
#ifndef HG_KERNELS_MATH_H
#define HG_KERNELS_MATH_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t hg_bits_of_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float hg_float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* e^x within 1 ulp; infinity above the range, NaN for NaN. A result that would be subnormal is 0: such numbers cost a
 * hundred cycles each on some processors, and a confident softmax is full of them. */
static inline float hg_expf(float x) {
  const float magic = 0x1.8p23f; /* adding it rounds to an integer, which then stands in the low bits */
  const float lowest = -87.336540f;
  bool vanishes = x < lowest;
  x = x > 89.0f ? 89.0f : x;
  x = vanishes ? lowest : x;
  float shifted = fmaf(x, 0x1.715476p0f, magic);
  float n = shifted - magic;
  float r = fmaf(n, -0x1.62e4p-1f, x);
  r = fmaf(n, -0x1.7f7d1cp-20f, r);
  float p = 1.9875691500e-4f;
  p = fmaf(p, r, 1.3981999507e-3f);
  p = fmaf(p, r, 8.3334519073e-3f);
  p = fmaf(p, r, 4.1665795894e-2f);
  p = fmaf(p, r, 1.6666665459e-1f);
  p = fmaf(p, r, 5.0000001201e-1f);
  p = fmaf(p, r * r, r) + 1.0f;
  /* 2^n in two factors, so that results near the end of the range do not overflow early. */
  uint32_t whole = hg_bits_of_float(shifted) - hg_bits_of_float(magic);
  uint32_t half = (uint32_t)((int32_t)whole >> 1);
  float low = hg_float_of_bits((half + 127u) << 23);
  float high = hg_float_of_bits((whole - half + 127u) << 23);
  return vanishes ? 0.0f : p * low * high;
}

/* ln((1 + m) * 2^e) for 1 + m in [sqrt(1/2), sqrt(2)]. */
static inline float hg_log_near_one(float m, float e) {
  float z = m * m;
  float p = 7.0376836292e-2f;
  p = fmaf(p, m, -1.1514610310e-1f);
  p = fmaf(p, m, 1.1676998740e-1f);
  p = fmaf(p, m, -1.2420140846e-1f);
  p = fmaf(p, m, 1.4249322787e-1f);
  p = fmaf(p, m, -1.6668057665e-1f);
  p = fmaf(p, m, 2.0000714765e-1f);
  p = fmaf(p, m, -2.4999993993e-1f);
  p = fmaf(p, m, 3.3333331174e-1f);
  float tail = fmaf(e, -2.12194440e-4f, m * z * p);
  tail = fmaf(-0.5f, z, tail);
  return fmaf(e, 0.693359375f, m + tail);
}

/* ln x within 1 ulp; -infinity for 0, NaN below 0. */
static inline float hg_logf(float x) {
  float subnormal = x < 0x1p-126f ? 0x1p23f : 1.0f;
  uint32_t bits = hg_bits_of_float(x * subnormal);
  uint32_t above = bits - 0x3f3504f3u; /* sqrt(1/2) */
  float e = (float)((int32_t)above >> 23) - (x < 0x1p-126f ? 23.0f : 0.0f);
  float m = hg_float_of_bits((above & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
  float result = hg_log_near_one(m, e);
  result = x > 0x1.fffffep127f ? x : result;
  result = x == 0.0f ? -INFINITY : result;
  return x < 0.0f ? NAN : (x != x ? x : result);
}

/* ln(1 + x) for x in [0, 1], within 2 ulp. */
static inline float hg_log1pf(float x) {
  bool high = x > 0.41421357f; /* then (1 + x) / 2 is nearer to 1 */
  return hg_log_near_one(high ? 0.5f * (x - 1.0f) : x, high ? 1.0f : 0.0f);
}

/* Within 2 ulp. */
static inline float hg_tanhf(float x) {
  float t = fabsf(x), z = x * x;
  float p = -5.70498872745e-3f;
  p = fmaf(p, z, 2.06390887954e-2f);
  p = fmaf(p, z, -5.37397155531e-2f);
  p = fmaf(p, z, 1.33314422036e-1f);
  p = fmaf(p, z, -3.33332819422e-1f);
  float small = fmaf(p * z, x, x);
  float large = copysignf(1.0f - 2.0f / (hg_expf(t + t) + 1.0f), x);
  return t < 0.625f ? small : large;
}

/* 1 / (1 + e^-x) within 3 ulp, without overflow or cancellation on either side. */
static inline float hg_sigmoidf(float x) {
  float e = hg_expf(-fabsf(x));
  float top = x < 0.0f ? e : 1.0f;
  return top / (1.0f + e);
}

/* Within 2 ulp: erf(x)/x - 1 in x^2 below 0.9277, 1 - exp(polynomial) above. */
static inline float hg_erff(float x) {
  float t = fabsf(x), s = x * x;
  float p = -0x1.38ac9cp-11f;
  p = fmaf(p, s, 0x1.46e34ap-8f);
  p = fmaf(p, s, -0x1.b67c6cp-6f);
  p = fmaf(p, s, 0x1.ce1966p-4f);
  p = fmaf(p, s, -0x1.8126ep-2f);
  p = fmaf(p, s, 0x1.06eba6p-3f);
  float small = fmaf(p, x, x);
  t = t > 4.0f ? 4.0f : t;
  float q = 1.95046571e-04f;
  q = fmaf(q, t, -3.03446709e-03f);
  q = fmaf(q, t, 2.21919807e-02f);
  q = fmaf(q, t, -1.03858981e-01f);
  q = fmaf(q, t, -6.37265151e-01f);
  q = fmaf(q, t, -1.27626290e-01f);
  q = fmaf(q, t, -2.07643059e-04f - t);
  float large = copysignf(1.0f - hg_expf(q), x);
  return t < 0.9277f ? small : large;
}

#endif
