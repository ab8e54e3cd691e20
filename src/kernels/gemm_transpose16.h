/* A transpose in blocks of 16 x 4 for AVX-512: rows come to their lanes while they are loaded, which leaves half the shuffles. */
#ifndef HG_KERNELS_GEMM_TRANSPOSE16_H
#define HG_KERNELS_GEMM_TRANSPOSE16_H

#include "kernels/gemm_transpose.h"

/* Four columns of every fourth of sixteen rows. */
static inline __m512 fourths(const float *from, ptrdiff_t from_row) {
  __m512 rows = _mm512_castps128_ps512(_mm_loadu_ps(from));
  rows = _mm512_mask_broadcast_f32x4(rows, 0x00f0, _mm_loadu_ps(from + 4 * from_row));
  rows = _mm512_mask_broadcast_f32x4(rows, 0x0f00, _mm_loadu_ps(from + 8 * from_row));
  return _mm512_mask_broadcast_f32x4(rows, 0xf000, _mm_loadu_ps(from + 12 * from_row));
}

/* Four columns, beginning with `from`'s, of sixteen rows become four rows of sixteen. */
static inline void transpose_16x4(const float *from, ptrdiff_t from_row, float *to, ptrdiff_t to_row) {
  __m512 r0 = fourths(from, from_row), r1 = fourths(from + from_row, from_row);
  __m512 r2 = fourths(from + 2 * from_row, from_row), r3 = fourths(from + 3 * from_row, from_row);
  __m512d t0 = _mm512_castps_pd(_mm512_unpacklo_ps(r0, r1)), t1 = _mm512_castps_pd(_mm512_unpackhi_ps(r0, r1));
  __m512d t2 = _mm512_castps_pd(_mm512_unpacklo_ps(r2, r3)), t3 = _mm512_castps_pd(_mm512_unpackhi_ps(r2, r3));
  _mm512_storeu_pd(to, _mm512_unpacklo_pd(t0, t2));
  _mm512_storeu_pd(to + to_row, _mm512_unpackhi_pd(t0, t2));
  _mm512_storeu_pd(to + 2 * to_row, _mm512_unpacklo_pd(t1, t3));
  _mm512_storeu_pd(to + 3 * to_row, _mm512_unpackhi_pd(t1, t3));
}

static void transpose_sixteen(int rows, int columns, const float *from, ptrdiff_t from_row, float *to, ptrdiff_t to_row) {
  int whole_rows = rows / (2 * BLOCK) * 2 * BLOCK, whole_columns = columns / HALF * HALF;
  for (int i = 0; i < whole_rows; i += 2 * BLOCK)
    for (int j = 0; j < whole_columns; j += HALF) transpose_16x4(from + i * from_row + j, from_row, to + j * to_row + i, to_row);
  transpose_plain(whole_rows, columns - whole_columns, from + whole_columns, from_row, to + whole_columns * to_row, to_row);
  transpose(rows - whole_rows, columns, from + whole_rows * from_row, from_row, to + whole_rows, to_row);
}

#endif
