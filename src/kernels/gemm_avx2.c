#if defined(__x86_64__)

#include <immintrin.h>

enum { LANES = 8, WIDE = 2, ODD = 1, WIDEST = 2, FEW_ROWS = 0, ROWS_1 = 12, ROWS_WIDE = 6, ROWS_2 = 6, ROWS_3 = 0, ROWS_4 = 0 };
typedef __m256 vec;
typedef __m256i mask;

#define TILES(T) \
  T(1, 1)        \
  T(2, 1)        \
  T(3, 1)        \
  T(4, 1) T(5, 1) T(6, 1) T(7, 1) T(8, 1) T(9, 1) T(10, 1) T(11, 1) T(12, 1) T(1, 2) T(2, 2) T(3, 2) T(4, 2) T(5, 2) T(6, 2)

#define ASKING_TILES(T) T(1) T(2) T(3) T(4) T(5) T(6)

static inline mask mask_first(int lanes) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vec vec_zero(void) { return _mm256_setzero_ps(); }
static inline vec vec_set(float x) { return _mm256_set1_ps(x); }
static inline vec vec_load(const float *from) { return _mm256_loadu_ps(from); }
static inline vec vec_load_masked(const float *from, mask m) { return _mm256_maskload_ps(from, m); }
static inline void vec_store(float *to, vec x) { _mm256_storeu_ps(to, x); }
static inline void vec_store_masked(float *to, vec x, mask m) { _mm256_maskstore_ps(to, m, x); }
static inline vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline vec vec_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec vec_max(vec a, vec b) { return _mm256_max_ps(a, b); }
static inline mask vec_negative(vec x) { return _mm256_castps_si256(_mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ)); }
static inline vec vec_blend(vec no, vec yes, mask m) { return _mm256_blendv_ps(no, yes, _mm256_castsi256_ps(m)); }

#include "kernels/gemm_tile.h"
#include "kernels/gemm_transpose.h"

const hg_gemm_kernels hg_gemm_avx2 = {product, transpose, copy};

#endif
