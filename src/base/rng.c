#include "base/rng.h"

#include "base/normal.h"

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

float hg_rng_normal(hg_rng *rng) {
  double q = hg_normal_centred(hg_rng_u32(rng));
  return (float)(hg_normal_is_tail(q) ? hg_normal_tail(q) : hg_normal_middle(q));
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
