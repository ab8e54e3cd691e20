/* Vectors of HG_TSNE_LANES floats that the compiler makes of what the instruction set has; part of tsne_body.h. Products and
 * sums are rounded apart in every version. */
#ifndef HG_KERNELS_TSNE_VECTOR_H
#define HG_KERNELS_TSNE_VECTOR_H

#include <string.h>

#include "kernels/tsne.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))
enum { LANES = HG_TSNE_LANES, ROW = 2 * LANES };

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef float vec_anywhere __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef float half __attribute__((vector_size(4 * HG_TSNE_STRETCH)));
typedef float half_anywhere __attribute__((vector_size(4 * HG_TSNE_STRETCH), aligned(4), may_alias));

INLINE vec vec_at(const float *from) { return *(const vec_anywhere *)from; }
INLINE void vec_put(float *to, vec x) { *(vec_anywhere *)to = x; }
INLINE vec vec_of(float x) { return (vec){0} + x; }
INLINE half half_at(const float *from) { return *(const half_anywhere *)from; }
INLINE void half_put(float *to, half x) { *(half_anywhere *)to = x; }

INLINE float fold_half(half x) {
  float a = x[0] + x[4], b = x[1] + x[5], c = x[2] + x[6], d = x[3] + x[7];
  return (a + c) + (b + d);
}

INLINE float fold(const vec *x) {
  const float *lane = (const float *)x;
  return fold_half(half_at(lane) + half_at(lane + LANES / 2));
}

/* x and y of the points listed in index (LANES). */
INLINE void points_at(const float *points, const int32_t *index, vec *x, vec *y) {
#if defined(__AVX512F__)
  __m512i listed = _mm512_loadu_si512(index);
  __m512 low = _mm512_castpd_ps(_mm512_i32gather_pd(_mm512_castsi512_si256(listed), points, 8));
  __m512 high = _mm512_castpd_ps(_mm512_i32gather_pd(_mm512_extracti64x4_epi64(listed, 1), points, 8));
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  *x = (vec)_mm512_permutex2var_ps(low, even, high);
  *y = (vec)_mm512_permutex2var_ps(low, _mm512_add_epi32(even, _mm512_set1_epi32(1)), high);
#else
  float to_x[LANES], to_y[LANES];
  for (int l = 0; l < LANES; l++) {
    to_x[l] = points[2 * (ptrdiff_t)index[l]];
    to_y[l] = points[2 * (ptrdiff_t)index[l] + 1];
  }
  *x = vec_at(to_x);
  *y = vec_at(to_y);
#endif
}

#endif
