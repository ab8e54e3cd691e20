#if defined(__x86_64__)

#include <immintrin.h>

enum {
  LANES = 16,
  WIDE = 2,
  ODD = 3,
  WIDEST = 4,
  FEW_ROWS = 7,
  ROWS_1 = 14,
  ROWS_WIDE = 14,
  ROWS_2 = 14,
  ROWS_3 = 9,
  ROWS_4 = 6
};
typedef __m512 vec;
typedef __mmask16 mask;

/* clang-format off */
#define TILES(T)                                                                                                       \
  T(1, 1) T(2, 1) T(3, 1) T(4, 1) T(5, 1) T(6, 1) T(7, 1) T(8, 1) T(9, 1) T(10, 1) T(11, 1) T(12, 1) T(13, 1) T(14, 1) \
  T(1, 2) T(2, 2) T(3, 2) T(4, 2) T(5, 2) T(6, 2) T(7, 2) T(8, 2) T(9, 2) T(10, 2) T(11, 2) T(12, 2) T(13, 2) T(14, 2) \
  T(1, 3) T(2, 3) T(3, 3) T(4, 3) T(5, 3) T(6, 3) T(7, 3) T(8, 3) T(9, 3)                                              \
  T(1, 4) T(2, 4) T(3, 4) T(4, 4) T(5, 4) T(6, 4)
/* clang-format on */

#define ASKING_TILES(T) T(1) T(2) T(3) T(4) T(5) T(6) T(7) T(8) T(9) T(10) T(11) T(12) T(13) T(14)

static inline mask mask_first(int lanes) { return (mask)((1u << lanes) - 1); }
static inline vec vec_zero(void) { return _mm512_setzero_ps(); }
static inline vec vec_set(float x) { return _mm512_set1_ps(x); }
static inline vec vec_load(const float *from) { return _mm512_loadu_ps(from); }
static inline vec vec_load_masked(const float *from, mask m) { return _mm512_maskz_loadu_ps(m, from); }
static inline void vec_store(float *to, vec x) { _mm512_storeu_ps(to, x); }
static inline void vec_store_masked(float *to, vec x, mask m) { _mm512_mask_storeu_ps(to, m, x); }
static inline vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec vec_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec vec_max(vec a, vec b) { return _mm512_max_ps(a, b); }
static inline mask vec_negative(vec x) { return _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ); }
static inline vec vec_blend(vec no, vec yes, mask m) { return _mm512_mask_blend_ps(m, no, yes); }

#include "kernels/gemm_tile.h"
#include "kernels/gemm_transpose16.h"

const hg_gemm_kernels hg_gemm_avx512 = {product, transpose_sixteen, copy};

#endif
