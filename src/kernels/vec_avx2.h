/* A vector of AVX2, for the bodies that are compiled once for each instruction set: its type, the type of a mask of lanes, and
 * what can be done with them. vec_relu gives x where it is -0 or not a number. */
#ifndef HG_KERNELS_VEC_AVX2_H
#define HG_KERNELS_VEC_AVX2_H

#include <immintrin.h>

enum { LANES = 8 };
typedef __m256 vec;
typedef __m256i mask;

static inline mask mask_first(int lanes) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vec vec_zero(void) { return _mm256_setzero_ps(); }
static inline vec vec_set(float x) { return _mm256_set1_ps(x); }
static inline vec vec_load(const float *from) { return _mm256_loadu_ps(from); }
static inline vec vec_load_masked(const float *from, mask m) { return _mm256_maskload_ps(from, m); }
static inline void vec_store(float *to, vec x) { _mm256_storeu_ps(to, x); }
static inline void vec_store_masked(float *to, vec x, mask m) { _mm256_maskstore_ps(to, m, x); }
static inline vec vec_add(vec a, vec b) { return _mm256_add_ps(a, b); }
static inline vec vec_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec vec_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline vec vec_relu(vec x) { return _mm256_max_ps(_mm256_setzero_ps(), x); }
static inline vec vec_leaky(vec x, vec slope) {
  return _mm256_blendv_ps(x, _mm256_mul_ps(x, slope), _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ));
}

#endif
