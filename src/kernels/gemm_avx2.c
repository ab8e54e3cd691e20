#if defined(__x86_64__)

#include "kernels/vec_avx2.h"

enum { WIDE = 2, ODD = 1, WIDEST = 2, FEW_ROWS = 0, ROWS_1 = 12, ROWS_WIDE = 6, ROWS_2 = 6, ROWS_3 = 0, ROWS_4 = 0 };

#define TILES(T) \
  T(1, 1)        \
  T(2, 1)        \
  T(3, 1)        \
  T(4, 1) T(5, 1) T(6, 1) T(7, 1) T(8, 1) T(9, 1) T(10, 1) T(11, 1) T(12, 1) T(1, 2) T(2, 2) T(3, 2) T(4, 2) T(5, 2) T(6, 2)

#define ASKING_TILES(T) T(1) T(2) T(3) T(4) T(5) T(6)

#include "kernels/gemm_tile.h"
#include "kernels/gemm_transpose.h"

const hg_gemm_kernels hg_gemm_avx2 = {product, transpose, copy};

#endif
