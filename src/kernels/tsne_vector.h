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
typedef int32_t whole_numbers __attribute__((vector_size(4 * LANES)));
typedef float quad __attribute__((vector_size(2 * HG_TSNE_STRETCH)));
typedef float half __attribute__((vector_size(4 * HG_TSNE_STRETCH)));
typedef float half_anywhere __attribute__((vector_size(4 * HG_TSNE_STRETCH), aligned(4), may_alias));

INLINE vec vec_at(const float *from) { return *(const vec_anywhere *)from; }
INLINE void vec_put(float *to, vec x) { *(vec_anywhere *)to = x; }
INLINE vec vec_of(float x) { return (vec){0} + x; }
INLINE half half_at(const float *from) { return *(const half_anywhere *)from; }
INLINE void half_put(float *to, half x) { *(half_anywhere *)to = x; }

/* The sum of the lanes, halved three times. */
INLINE float fold_half(half x) {
  quad four = __builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7);
  quad two = four + __builtin_shufflevector(four, four, 2, 3, 2, 3);
  return two[0] + two[1];
}

INLINE float fold(const vec *x) {
  const float *lane = (const float *)x;
  return fold_half(half_at(lane) + half_at(lane + LANES / 2));
}

/* x and y of the points listed in index (LANES). */
INLINE void points_at(const float *points, const int32_t *index, vec *x, vec *y) {
#if defined(__AVX512F__)
  __m512i listed = _mm512_loadu_si512(index);
  const __m512d none = _mm512_setzero_pd();
  __mmask8 all = 0xff;
  __asm__("" : "+Yk"(all)); /* else the compiler leaves `none` out, and a gather waits for what its register held before */
  __m512 low = _mm512_castpd_ps(_mm512_mask_i32gather_pd(none, all, _mm512_castsi512_si256(listed), points, 8));
  __m512 high = _mm512_castpd_ps(_mm512_mask_i32gather_pd(none, all, _mm512_extracti64x4_epi64(listed, 1), points, 8));
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
