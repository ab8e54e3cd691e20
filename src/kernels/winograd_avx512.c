#if defined(__x86_64__)

#include <immintrin.h>

enum { LANES = 16, AT_ONCE = 4 };
typedef __m512 vec;

static inline vec vec_set(float x) { return _mm512_set1_ps(x); }
static inline vec vec_load(const float *from) { return _mm512_loadu_ps(from); }
static inline void vec_store(float *to, vec x) { _mm512_storeu_ps(to, x); }
static inline vec vec_add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec vec_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static inline vec vec_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec vec_relu(vec x) { return _mm512_max_ps(_mm512_setzero_ps(), x); }
static inline vec vec_leaky(vec x, vec slope) {
  return _mm512_mask_mul_ps(x, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ), x, slope);
}

#include "kernels/winograd_body.h"

const hg_winograd_kernels hg_winograd_avx512 = {weight, product, image, map, map_gradient, weight_gradient};

#endif
