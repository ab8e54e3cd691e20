/* Random numbers of base/rng.h for BLOCKS blocks side by side. */
#ifndef HG_KERNELS_PHILOX_LANES_H
#define HG_KERNELS_PHILOX_LANES_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

enum { BLOCKS = 16 };

#if defined(__AVX512F__)
typedef __m512i halves;
enum { IN_VECTOR = 8 };
static inline halves halves_set(uint64_t x) { return _mm512_set1_epi64((int64_t)x); }
static inline halves halves_counting(uint32_t x) {
  return _mm512_add_epi32(_mm512_set1_epi64(x), _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
}
static inline halves halves_product(halves a, halves b) { return _mm512_mul_epu32(a, b); }
static inline halves halves_mix(halves product, halves word, halves key) {
  return _mm512_ternarylogic_epi64(_mm512_srli_epi64(product, 32), word, key, 0x96); /* exclusive or of three */
}
static inline void halves_store(halves x, uint32_t *to) { _mm256_storeu_si256((__m256i *)(void *)to, _mm512_cvtepi64_epi32(x)); }
#elif defined(__AVX2__)
typedef __m256i halves;
enum { IN_VECTOR = 4 };
static inline halves halves_set(uint64_t x) { return _mm256_set1_epi64x((int64_t)x); }
static inline halves halves_counting(uint32_t x) {
  return _mm256_add_epi32(_mm256_set1_epi64x(x), _mm256_set_epi64x(3, 2, 1, 0));
}
static inline halves halves_product(halves a, halves b) { return _mm256_mul_epu32(a, b); }
static inline halves halves_mix(halves product, halves word, halves key) {
  return _mm256_xor_si256(_mm256_srli_epi64(product, 32), _mm256_xor_si256(word, key));
}
static inline void halves_store(halves x, uint32_t *to) {
  __m256i low = _mm256_permutevar8x32_epi32(x, _mm256_set_epi32(0, 0, 0, 0, 6, 4, 2, 0));
  _mm_storeu_si128((__m128i *)(void *)to, _mm256_castsi256_si128(low));
}
#endif

#if defined(__AVX2__)
/* Philox-4x32-10 of BLOCKS blocks from `block` on: word[w * BLOCKS + i] is word w of block `block` + i. A word stands in the
 * lower half of 64 bits; the upper half, left over from products, is never looked at: so a product's lower half is there. */
static __attribute__((noinline)) void philox_lanes(const uint32_t key[2], const uint32_t counter[4], uint32_t block,
                                                   uint32_t word[4 * BLOCKS]) {
  enum { VECTORS = BLOCKS / IN_VECTOR };
  const halves m0 = halves_set(0xD2511F53u), m1 = halves_set(0xCD9E8D57u);
  halves c[4][VECTORS];
  for (int v = 0; v < VECTORS; v++) {
    c[0][v] = halves_counting(block + (uint32_t)(v * IN_VECTOR));
    for (int w = 1; w < 4; w++) c[w][v] = halves_set(counter[w]);
  }
  uint32_t key_0 = key[0], key_1 = key[1];
  for (int round = 0; round < 10; round++) {
    const halves k0 = halves_set(key_0), k1 = halves_set(key_1);
    for (int v = 0; v < VECTORS; v++) {
      halves p0 = halves_product(c[0][v], m0), p1 = halves_product(c[2][v], m1);
      c[0][v] = halves_mix(p1, c[1][v], k0);
      c[2][v] = halves_mix(p0, c[3][v], k1);
      c[1][v] = p1;
      c[3][v] = p0;
    }
    key_0 += 0x9E3779B9u;
    key_1 += 0xBB67AE85u;
  }
  for (int w = 0; w < 4; w++)
    for (int v = 0; v < VECTORS; v++) halves_store(c[w][v], word + w * BLOCKS + v * IN_VECTOR);
}
#else
/* One round for BLOCKS blocks side by side, each word of the counter an array. The loops are apart because the compiler
 * finds the vector form of a high product only where it stands alone. */
static inline void philox_round(uint32_t key_0, uint32_t key_1, uint32_t *restrict c0, uint32_t *restrict c1,
                                uint32_t *restrict c2, uint32_t *restrict c3) {
  const uint32_t m0 = 0xD2511F53u, m1 = 0xCD9E8D57u;
  uint32_t high_0[BLOCKS], high_1[BLOCKS];
  for (int i = 0; i < BLOCKS; i++) high_0[i] = (uint32_t)(((uint64_t)m0 * c0[i]) >> 32);
  for (int i = 0; i < BLOCKS; i++) high_1[i] = (uint32_t)(((uint64_t)m1 * c2[i]) >> 32);
  for (int i = 0; i < BLOCKS; i++) {
    uint32_t low_0 = m0 * c0[i], low_1 = m1 * c2[i];
    c0[i] = high_1[i] ^ c1[i] ^ key_0;
    c2[i] = high_0[i] ^ c3[i] ^ key_1;
    c1[i] = low_1;
    c3[i] = low_0;
  }
}

/* Not inlined: inside its caller's loop the rounds are not vectorised. */
static __attribute__((noinline)) void philox_lanes(const uint32_t key[2], const uint32_t counter[4], uint32_t block,
                                                   uint32_t word[4 * BLOCKS]) {
  uint32_t c0[BLOCKS], c1[BLOCKS], c2[BLOCKS], c3[BLOCKS], key_0 = key[0], key_1 = key[1];
  for (uint32_t i = 0; i < BLOCKS; i++) {
    c0[i] = block + i;
    c1[i] = counter[1];
    c2[i] = counter[2];
    c3[i] = counter[3];
  }
  for (int round = 0; round < 10; round++) {
    philox_round(key_0, key_1, c0, c1, c2, c3);
    key_0 += 0x9E3779B9u;
    key_1 += 0xBB67AE85u;
  }
  memcpy(word, c0, sizeof c0);
  memcpy(word + 1 * BLOCKS, c1, sizeof c1);
  memcpy(word + 2 * BLOCKS, c2, sizeof c2);
  memcpy(word + 3 * BLOCKS, c3, sizeof c3);
}
#endif

#endif
