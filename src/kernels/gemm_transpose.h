/* A transpose in blocks of 8 x 4 for AVX2 and wider. */
#ifndef HG_KERNELS_GEMM_TRANSPOSE_H
#define HG_KERNELS_GEMM_TRANSPOSE_H

#include <immintrin.h>
#include <stddef.h>

enum { BLOCK = 8, HALF = BLOCK / 2 };

static inline __m256 halves(const float *low, const float *high) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
}

/* Four columns, beginning with `from`'s, of eight rows become four rows of eight. */
static inline void transpose_8x4(const float *from, ptrdiff_t from_row, float *to, ptrdiff_t to_row) {
  __m256 r0 = halves(from, from + 4 * from_row), r1 = halves(from + from_row, from + 5 * from_row);
  __m256 r2 = halves(from + 2 * from_row, from + 6 * from_row), r3 = halves(from + 3 * from_row, from + 7 * from_row);
  __m256 t0 = _mm256_unpacklo_ps(r0, r1), t1 = _mm256_unpackhi_ps(r0, r1);
  __m256 t2 = _mm256_unpacklo_ps(r2, r3), t3 = _mm256_unpackhi_ps(r2, r3);
  _mm256_storeu_ps(to, _mm256_shuffle_ps(t0, t2, 0x44));
  _mm256_storeu_ps(to + to_row, _mm256_shuffle_ps(t0, t2, 0xee));
  _mm256_storeu_ps(to + 2 * to_row, _mm256_shuffle_ps(t1, t3, 0x44));
  _mm256_storeu_ps(to + 3 * to_row, _mm256_shuffle_ps(t1, t3, 0xee));
}

static inline void transpose_plain(int rows, int columns, const float *from, ptrdiff_t from_row, float *to, ptrdiff_t to_row) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++) to[j * to_row + i] = from[i * from_row + j];
}

static void transpose(int rows, int columns, const float *from, ptrdiff_t from_row, float *to, ptrdiff_t to_row) {
  int whole_rows = rows / BLOCK * BLOCK, whole_columns = columns / HALF * HALF;
  for (int i = 0; i < whole_rows; i += 2 * BLOCK)
    for (int j = 0; j < whole_columns; j += HALF) { /* two blocks fill whole cache lines of `to` */
      transpose_8x4(from + i * from_row + j, from_row, to + j * to_row + i, to_row);
      if (i + BLOCK < whole_rows) transpose_8x4(from + (i + BLOCK) * from_row + j, from_row, to + j * to_row + i + BLOCK, to_row);
    }
  transpose_plain(rows, columns - whole_columns, from + whole_columns, from_row, to + whole_columns * to_row, to_row);
  transpose_plain(rows - whole_rows, whole_columns, from + whole_rows * from_row, from_row, to + whole_rows, to_row);
}

#endif
