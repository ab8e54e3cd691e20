#if defined(__x86_64__)

#include "kernels/vec_avx512.h"

enum { WIDE = 2, ODD = 3, WIDEST = 4, FEW_ROWS = 7, ROWS_1 = 14, ROWS_WIDE = 14, ROWS_2 = 14, ROWS_3 = 9, ROWS_4 = 6 };

/* clang-format off */
#define TILES(T)                                                                                                       \
  T(1, 1) T(2, 1) T(3, 1) T(4, 1) T(5, 1) T(6, 1) T(7, 1) T(8, 1) T(9, 1) T(10, 1) T(11, 1) T(12, 1) T(13, 1) T(14, 1) \
  T(1, 2) T(2, 2) T(3, 2) T(4, 2) T(5, 2) T(6, 2) T(7, 2) T(8, 2) T(9, 2) T(10, 2) T(11, 2) T(12, 2) T(13, 2) T(14, 2) \
  T(1, 3) T(2, 3) T(3, 3) T(4, 3) T(5, 3) T(6, 3) T(7, 3) T(8, 3) T(9, 3)                                              \
  T(1, 4) T(2, 4) T(3, 4) T(4, 4) T(5, 4) T(6, 4)
/* clang-format on */

#define ASKING_TILES(T) T(1) T(2) T(3) T(4) T(5) T(6) T(7) T(8) T(9) T(10) T(11) T(12) T(13) T(14)

#include "kernels/gemm_tile.h"
#include "kernels/gemm_transpose16.h"

const hg_gemm_kernels hg_gemm_avx512 = {product, transpose_sixteen, copy};

#endif
