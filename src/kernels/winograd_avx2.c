#if defined(__x86_64__)

#include <immintrin.h>

enum { LANES = 8, AT_ONCE = 2 };
typedef __m256 vec;

static inline vec vec_set(float x) { return _mm256_set1_ps(x); }
static inline vec vec_load(const float *from) { return _mm256_loadu_ps(from); }
static inline void vec_store(float *to, vec x) { _mm256_storeu_ps(to, x); }
static inline vec vec_add(vec a, vec b) { return _mm256_add_ps(a, b); }
static inline vec vec_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec vec_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline vec vec_relu(vec x) { return _mm256_max_ps(_mm256_setzero_ps(), x); }
static inline vec vec_leaky(vec x, vec slope) {
  return _mm256_blendv_ps(x, _mm256_mul_ps(x, slope), _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ));
}

#include "kernels/winograd_body.h"

const hg_winograd_kernels hg_winograd_avx2 = {weight, product, image, map, map_gradient, weight_gradient};

#endif
