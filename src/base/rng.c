#include "base/rng.h"

#include <math.h>
#include <string.h>

void hg_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]) {
  uint32_t k0 = key[0], k1 = key[1];
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0;
    uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    uint32_t n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

hg_rng hg_rng_at(uint64_t seed, hg_purpose purpose, uint32_t major, uint64_t minor) {
  hg_rng rng;
  memset(&rng, 0, sizeof rng);
  /* The purpose goes into the key, so that the whole counter is left for major, minor and the place in the stream. */
  uint32_t address[4] = {(uint32_t)seed, (uint32_t)(seed >> 32), (uint32_t)purpose, 0x68676C73u};
  uint32_t no_key[2] = {0, 0}, mixed[4];
  hg_philox(no_key, address, mixed);
  rng.key[0] = mixed[0];
  rng.key[1] = mixed[1];
  rng.counter[1] = major;
  rng.counter[2] = (uint32_t)minor;
  rng.counter[3] = (uint32_t)(minor >> 32);
  rng.used = 4;
  return rng;
}

uint32_t hg_rng_u32(hg_rng *rng) {
  if (rng->used == 4) {
    hg_philox(rng->key, rng->counter, rng->block);
    rng->counter[0]++;
    rng->used = 0;
  }
  return rng->block[rng->used++];
}

uint64_t hg_rng_u64(hg_rng *rng) {
  uint64_t low = hg_rng_u32(rng);
  return low | (uint64_t)hg_rng_u32(rng) << 32;
}

float hg_rng_uniform(hg_rng *rng) { return (float)(hg_rng_u32(rng) >> 8) * 0x1p-24f; }
double hg_rng_uniform_double(hg_rng *rng) { return (double)(hg_rng_u64(rng) >> 11) * 0x1p-53; }

/* Phi^-1 by Wichura's AS 241 (PPND16, 1988): additions, products and one sqrt, so no libm version can change it, except
 * for the log in the tails, which is taken apart below. Its third range, beyond 5.5 deviations, begins at p < e^-25: no p
 * made of 32 bits gets there. Written without branches, for hg_rng_normals. */
static double log_of_tail(double p) {
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

static double ratio(const double *top, const double *bottom, double x) {
  double t = top[7], b = bottom[7];
  for (int i = 6; i >= 0; i--) {
    t = t * x + top[i];
    b = b * x + bottom[i];
  }
  return t / b;
}

/* q = p - 1/2, |q| <= 0.425 */
static double middle_of_normal(double q) {
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
  return q * ratio(a, b, 0.180625 - q * q);
}

/* |q| > 0.425 */
static double tail_of_normal(double q) {
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
  double x = ratio(c, d, sqrt(-log_of_tail(0.5 - fabs(q))) - 1.6);
  return copysign(x, q);
}

/* p - 1/2 of a word: exact. */
static double centred(uint32_t word) { return ((double)word + 0.5) * 0x1p-32 - 0.5; }
static int is_tail(double q) { return fabs(q) > 0.425; }

float hg_rng_normal(hg_rng *rng) {
  double q = centred(hg_rng_u32(rng));
  return (float)(is_tail(q) ? tail_of_normal(q) : middle_of_normal(q));
}

/* The same words as calls of hg_rng_u32, without a branch for each. */
static void fill_words(hg_rng *rng, uint32_t *words, int count) {
  int done = 0;
  while (done < count && rng->used < 4) words[done++] = rng->block[rng->used++];
  for (; done + 4 <= count; done += 4, rng->counter[0]++) hg_philox(rng->key, rng->counter, words + done);
  while (done < count) words[done++] = hg_rng_u32(rng);
}

/* Loops that the compiler spreads over vector lanes: all as if they were of the middle, then those of the tails again. */
void hg_rng_normals(hg_rng *rng, float *values, int64_t count) {
  enum { CHUNK = 256 };
  uint32_t words[CHUNK];
  double q[CHUNK] = {0};
  for (int64_t first = 0; first < count; first += CHUNK) {
    int n = count - first < CHUNK ? (int)(count - first) : CHUNK, tails = 0, place[CHUNK] = {0};
    fill_words(rng, words, n);
    for (int i = 0; i < n; i++) values[first + i] = (float)middle_of_normal(centred(words[i]));
    for (int i = 0; i < n; i++) {
      place[tails] = i;
      q[tails] = centred(words[i]);
      tails += is_tail(q[tails]);
    }
    for (int i = 0; i < tails; i++) q[i] = tail_of_normal(q[i]); /* NOLINT(clang-analyzer-core.CallAndMessage): set above */
    for (int i = 0; i < tails; i++) values[first + place[i]] = (float)q[i];
  }
}

uint64_t hg_rng_below(hg_rng *rng, uint64_t limit) {
  uint64_t rest = (0 - limit) % limit; /* 2^64 mod limit: draws below it would favour small values */
  uint64_t draw = hg_rng_u64(rng);
  while (draw < rest) draw = hg_rng_u64(rng);
  return draw % limit;
}

void hg_rng_shuffle(hg_rng *rng, int64_t *values, int64_t count) {
  for (int64_t i = count - 1; i > 0; i--) {
    int64_t j = (int64_t)hg_rng_below(rng, (uint64_t)i + 1);
    int64_t kept = values[i];
    values[i] = values[j];
    values[j] = kept;
  }
}
