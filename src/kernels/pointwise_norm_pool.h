#ifndef HG_KERNELS_POINTWISE_NORM_POOL_H
#define HG_KERNELS_POINTWISE_NORM_POOL_H

#include "kernels/pointwise_block.h"

/* Batch norm and pooling by 2x2 at once, a window at a time: what one hands to the other stays in registers. Only in vectors
 * whose masks end where a pixel's channels end; other versions leave it to the kernels one by one. */
#if defined(__AVX512F__)

/* Windows side by side from the corner on, all of them whole. */
static bool windows_inside(const hg_pool_shape *shape) {
  return steps_by_2x2(shape) && shape->height >= 2 * shape->out_height && shape->width >= 2 * shape->out_width;
}

/* Maps come from memory: the window two rows of windows ahead is asked for. */
static inline void load_window(__mmask16 there, int channels, int64_t line, const float *x, four value) {
  for (int i = 0; i < 4; i++) {
    const float *from = x + i / 2 * line + i % 2 * channels;
    value[i] = _mm512_maskz_loadu_ps(there, from);
    __builtin_prefetch(from + 4 * line);
  }
}

static inline void normalize_window(__m512 mean, __m512 scale, __m512 shift, four value) {
  for (int i = 0; i < 4; i++) value[i] = _mm512_fmadd_ps(_mm512_sub_ps(value[i], mean), scale, shift);
}

static inline __m512 vector_at(const float *vector, __mmask16 there, int c) { return _mm512_maskz_loadu_ps(there, vector + c); }

static bool norm_pool_code(const hg_pool_shape *shape, bool relu, const hg_norm_vectors *norm, const float *x, float *y,
                           uint8_t *code) {
  if (!windows_inside(shape)) return false;
  int channels = shape->channels;
  int64_t line = pixel(shape, 1, 0);
  for (int row = 0; row < shape->out_height; row++)
    for (int column = 0; column < shape->out_width; column++, y += channels, code += channels) {
      const float *corner = x + pixel(shape, 2 * row, 2 * column);
      for (int c = 0; c < channels; c += LANES) {
        __mmask16 there = lanes_there(channels, c);
        four value;
        load_window(there, channels, line, corner + c, value);
        normalize_window(vector_at(norm->mean, there, c), vector_at(norm->scale, there, c), vector_at(norm->shift, there, c),
                         value);
        pool_window(there, relu, relu, value, y + c, code + c);
      }
    }
  return true;
}

/* What a window's gradient is at one of its places. */
static inline __m512 given_back(__m128i at, int place, __m512 value) {
  return _mm512_maskz_mov_ps(_mm_cmpeq_epi8_mask(at, _mm_set1_epi8((char)place)), value);
}

static inline void scatter_norm_window(__mmask16 there, int channels, int64_t line, float scale, const float *dy,
                                       const uint8_t *code, const hg_norm_vectors *norm, int c, const float *x, float *dx) {
  __m512 value = _mm512_mul_ps(_mm512_maskz_loadu_ps(there, dy), _mm512_set1_ps(scale));
  __m128i at = _mm_maskz_loadu_epi8(there, code);
  __m512 mean = vector_at(norm->mean, there, c), inverse = vector_at(norm->inverse, there, c);
  __m512 weight = vector_at(norm->scale, there, c), sum = vector_at(norm->sum, there, c);
  __m512 product = vector_at(norm->product, there, c);
  four map;
  load_window(there, channels, line, x, map);
  for (int i = 0; i < 4; i++) {
    __m512 normal = _mm512_mul_ps(_mm512_sub_ps(map[i], mean), inverse);
    __m512 inner = _mm512_fnmadd_ps(normal, product, _mm512_sub_ps(given_back(at, i, value), sum));
    _mm512_mask_storeu_ps(dx + i / 2 * line + i % 2 * channels, there, _mm512_mul_ps(weight, inner));
  }
}

static bool norm_scatter(const hg_pool_shape *shape, float scale, const hg_norm_vectors *norm, const float *dy,
                         const uint8_t *code, const float *x, float *dx) {
  if (!windows_inside(shape) || shape->height != 2 * shape->out_height || shape->width != 2 * shape->out_width) return false;
  int channels = shape->channels;
  int64_t line = pixel(shape, 1, 0);
  for (int row = 0; row < shape->out_height; row++)
    for (int column = 0; column < shape->out_width; column++, dy += channels, code += channels) {
      int64_t corner = pixel(shape, 2 * row, 2 * column);
      for (int c = 0; c < channels; c += LANES)
        scatter_norm_window(lanes_there(channels, c), channels, line, scale, dy + c, code + c, norm, c, x + corner + c,
                            dx + corner + c);
    }
  return true;
}

/* Sums of LANES channels in double. */
typedef struct wide_sums {
  __m512d low, high;
} wide_sums;

static inline wide_sums widened(__m512 x) {
  return (wide_sums){_mm512_cvtps_pd(_mm512_castps512_ps256(x)), _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1))};
}

static inline wide_sums load_sums(const double *from) {
  return (wide_sums){_mm512_loadu_pd(from), _mm512_loadu_pd(from + LANES / 2)};
}

static inline void store_sums(double *to, wide_sums h) {
  _mm512_storeu_pd(to, h.low);
  _mm512_storeu_pd(to + LANES / 2, h.high);
}

/* One line under a row of windows: of the two pixels of a window at most one has a gradient, the other would add nothing. */
static inline void add_line(const hg_pool_shape *shape, int first_place, float scale, const hg_norm_vectors *norm, int c,
                            const float *dy, const uint8_t *code, const float *x, wide_sums *sum, wide_sums *products) {
  int channels = shape->channels;
  __m512 mean = _mm512_loadu_ps(norm->mean + c), inverse = _mm512_loadu_ps(norm->inverse + c);
  __m128i left = _mm_set1_epi8((char)first_place), right = _mm_set1_epi8((char)(first_place + 1));
  int64_t ahead = 4 * pixel(shape, 1, 0);
  for (int column = 0; column < shape->out_width; column++, dy += channels, code += channels, x += 2 * channels) {
    __m128i at = _mm_loadu_si128((const __m128i *)(const void *)code);
    __mmask16 on_right = _mm_cmpeq_epi8_mask(at, right), on_either = on_right | _mm_cmpeq_epi8_mask(at, left);
    __m512 dz = _mm512_maskz_mul_ps(on_either, _mm512_loadu_ps(dy), _mm512_set1_ps(scale));
    __m512 map = _mm512_mask_loadu_ps(_mm512_loadu_ps(x), on_right, x + channels);
    wide_sums gradient = widened(dz), normal = widened(_mm512_mul_ps(_mm512_sub_ps(map, mean), inverse));
    sum->low = _mm512_add_pd(sum->low, gradient.low);
    sum->high = _mm512_add_pd(sum->high, gradient.high);
    products->low = _mm512_fmadd_pd(gradient.low, normal.low, products->low);
    products->high = _mm512_fmadd_pd(gradient.high, normal.high, products->high);
    __builtin_prefetch(x + ahead);
    __builtin_prefetch(x + ahead + channels);
  }
}

static bool norm_scatter_sums(const hg_pool_shape *shape, float scale, const hg_norm_vectors *norm, const float *dy,
                              const uint8_t *code, const float *x, double *sum, double *products) {
  int channels = shape->channels;
  if (!windows_inside(shape) || channels % LANES != 0) return false;
  for (int row = 0; row < shape->out_height; row++)
    for (int c = 0; c < channels; c += LANES) {
      int64_t at = (int64_t)row * shape->out_width * channels + c;
      wide_sums s = load_sums(sum + c), p = load_sums(products + c);
      for (int i = 0; i < 2; i++)
        add_line(shape, 2 * i, scale, norm, c, dy + at, code + at, x + pixel(shape, 2 * row + i, 0) + c, &s, &p);
      store_sums(sum + c, s);
      store_sums(products + c, p);
    }
  return true;
}

#endif

#endif
