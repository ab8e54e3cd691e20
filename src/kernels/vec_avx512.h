/* A vector of AVX-512, for the bodies that are compiled once for each instruction set: its type, the type of a mask of lanes, and
 * what can be done with them. vec_relu gives x where it is -0 or not a number. */
#ifndef HG_KERNELS_VEC_AVX512_H
#define HG_KERNELS_VEC_AVX512_H

#include <immintrin.h>

enum { LANES = 16 };
typedef __m512 vec;
typedef __mmask16 mask;

static inline mask mask_first(int lanes) { return (mask)((1u << lanes) - 1); }
static inline vec vec_zero(void) { return _mm512_setzero_ps(); }
static inline vec vec_set(float x) { return _mm512_set1_ps(x); }
static inline vec vec_load(const float *from) { return _mm512_loadu_ps(from); }
static inline vec vec_load_masked(const float *from, mask m) { return _mm512_maskz_loadu_ps(m, from); }
static inline void vec_store(float *to, vec x) { _mm512_storeu_ps(to, x); }
static inline void vec_store_masked(float *to, vec x, mask m) { _mm512_mask_storeu_ps(to, m, x); }
static inline vec vec_add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec vec_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static inline vec vec_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec vec_relu(vec x) { return _mm512_max_ps(_mm512_setzero_ps(), x); }
static inline vec vec_leaky(vec x, vec slope) {
  return _mm512_mask_mul_ps(x, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ), x, slope);
}

#endif
