#ifndef HG_KERNELS_POINTWISE_BLOCK_H
#define HG_KERNELS_POINTWISE_BLOCK_H

#include "kernels/pointwise_activation.h"
#include "kernels/pointwise_pool.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

/* Bytes beside floats: the compiler's own vectors are as long as the bytes want, too long for a pixel's channels, so that
 * most of the work would go one by one. Here LANES of both go together. */
typedef int16_t lanes_short __attribute__((vector_size(2 * LANES)));
typedef uint8_t lanes_byte __attribute__((vector_size(LANES)));

/* From one length to four times it at once the compiler would go byte by byte. */
static inline lanes_int load_codes(const uint8_t *from) {
#if defined(__AVX512F__)
  return (lanes_int)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)from));
#else
  lanes_byte lanes;
  memcpy(&lanes, from, sizeof lanes);
  return __builtin_convertvector(__builtin_convertvector(lanes, lanes_short), lanes_int);
#endif
}

static inline void store_codes(lanes_int lanes, uint8_t *to) {
#if defined(__AVX512F__)
  lanes_byte bytes = __builtin_convertvector(lanes, lanes_byte);
#else
  lanes_byte bytes = __builtin_convertvector(__builtin_convertvector(lanes, lanes_short), lanes_byte);
#endif
  memcpy(to, &bytes, sizeof bytes);
}

/* The larger of a value and the best so far, the first at a tie, and its place. */
static inline void take_larger(const float *x, int place, lanes_float *best, lanes_int *at) {
  lanes_float value = load_floats(x);
  lanes_int more = value > *best;
  *best = (lanes_float)((more & (lanes_int)value) | (~more & (lanes_int)*best));
  *at = (more & place) | (~more & *at);
}

/* As max_2x2 in pointwise_pool.h. */
static void max_2x2_code(int width, int channels, bool positive, const float *above, const float *below, float *y,
                         uint8_t *code) {
  lanes_int anyway = (lanes_int){0} - !positive;
  int c = 0;
  for (; c + LANES <= width; c += LANES) {
    lanes_float best = load_floats(above + c);
    lanes_int at = {0};
    take_larger(above + channels + c, 1, &best, &at);
    take_larger(below + c, 2, &best, &at);
    take_larger(below + channels + c, 3, &best, &at);
    store_floats(best, y + c);
    store_codes(at | ~((best > 0.0f) | anyway), code + c); /* all bits are HG_NO_PLACE */
  }
  for (; c < width; c++) {
    const float x[4] = {above[c], above[channels + c], below[c], below[channels + c]};
    int at = 0;
    for (int i = 1; i < 4; i++) at = x[i] > x[at] ? i : at;
    y[c] = x[at];
    code[c] = (uint8_t)(!positive || x[at] > 0.0f ? at : HG_NO_PLACE);
  }
}

static void mark_positive(int count, const float *restrict y, uint8_t *restrict code) {
  for (int i = 0; i < count; i++) code[i] = y[i] > 0.0f ? code[i] : HG_NO_PLACE;
}

static void max_step_code(int channels, const float *restrict x, uint8_t index, float *restrict y, uint8_t *restrict code) {
  for (int c = 0; c < channels; c++) {
    code[c] = x[c] > y[c] ? index : code[c];
    y[c] = x[c] > y[c] ? x[c] : y[c];
  }
}

static void max_window_code(const hg_pool_shape *shape, window w, bool positive, const float *x, float *y, uint8_t *code) {
  int first = (w.top - w.row) * shape->size[1] + w.left - w.column;
  memcpy(y, x + pixel(shape, w.top, w.left), (size_t)shape->channels * sizeof *y);
  memset(code, first, (size_t)shape->channels);
  for (int row = w.top; row < w.bottom; row++)
    for (int column = w.left; column < w.right; column++) {
      int index = (row - w.row) * shape->size[1] + column - w.column;
      if (index != first) max_step_code(shape->channels, x + pixel(shape, row, column), (uint8_t)index, y, code);
    }
  if (positive) mark_positive(shape->channels, y, code);
}

/* Windows of 2x2 side by side from the corner on; what none of them covers gets zeros. */
static bool steps_by_2x2(const hg_pool_shape *shape) {
  return shape->size[0] == 2 && shape->size[1] == 2 && shape->stride[0] == 2 && shape->stride[1] == 2 && shape->before[0] == 0 &&
         shape->before[1] == 0;
}

#if defined(__AVX512F__)

typedef __m512 four[4]; /* the values of a window */

static inline __mmask16 lanes_there(int channels, int c) {
  return channels - c < LANES ? (__mmask16)((1u << (channels - c)) - 1) : 0xFFFF;
}

/* As take_larger; the values are as before their relu where that is to come, which changes no place. */
static inline void pool_window(__mmask16 there, bool positive, bool relu, const four value, float *y, uint8_t *code) {
  __m512 best = value[0], zero = _mm512_setzero_ps();
  __m128i at = _mm_setzero_si128();
  for (int i = 1; i < 4; i++) {
    at = _mm_mask_mov_epi8(at, _mm512_cmp_ps_mask(value[i], best, _CMP_GT_OQ), _mm_set1_epi8((char)i));
    best = _mm512_max_ps(value[i], best);
  }
  if (positive) {
    __mmask16 above = _mm512_cmp_ps_mask(best, zero, _CMP_GT_OQ);
    at = _mm_mask_mov_epi8(_mm_set1_epi8((char)HG_NO_PLACE), above, at);
    if (relu) best = _mm512_mask_mov_ps(_mm512_max_ps(zero, value[0]), above, best); /* else the first one's zero */
  }
  _mm512_mask_storeu_ps(y, there, best);
  _mm_mask_storeu_epi8(code, there, at);
}

/* The whole windows of a row; returns how many. */
static int max_row_code(const hg_pool_shape *shape, int row, bool positive, const float *x, float *y, uint8_t *code) {
  if (!steps_by_2x2(shape) || 2 * row + 2 > shape->height) return 0;
  int channels = shape->channels, whole = shape->width / 2 < shape->out_width ? shape->width / 2 : shape->out_width;
  int64_t line = pixel(shape, 1, 0);
  x += pixel(shape, 2 * row, 0);
  for (int column = 0; column < whole; column++, x += 2 * channels, y += channels, code += channels)
    for (int c = 0; c < channels; c += LANES) {
      __mmask16 there = lanes_there(channels, c);
      four value;
      for (int i = 0; i < 4; i++) value[i] = _mm512_maskz_loadu_ps(there, x + i / 2 * line + i % 2 * channels + c);
      pool_window(there, positive, false, value, y + c, code + c);
    }
  return whole;
}

#else

static int max_row_code(const hg_pool_shape *shape, int row, bool positive, const float *x, float *y, uint8_t *code) {
  (void)shape, (void)row, (void)positive, (void)x, (void)y, (void)code;
  return 0;
}

#endif

static void max_pool_code(const hg_pool_shape *shape, bool positive, const float *x, float *y, uint8_t *code) {
  for (int row = 0; row < shape->out_height; row++) {
    int whole = max_row_code(shape, row, positive, x, y, code);
    y += whole * shape->channels;
    code += whole * shape->channels;
    for (int column = whole; column < shape->out_width; column++) {
      window w = window_at(shape, row, column);
      if (is_whole_2x2(shape, w)) {
        int64_t room = room_out(shape, row, column), room_right = room_in(shape, w.top + 1, w.left + 1);
        max_2x2_code(reach(shape->channels, room < room_right ? room : room_right), shape->channels, positive,
                     x + pixel(shape, w.top, w.left), x + pixel(shape, w.top + 1, w.left), y, code);
      } else {
        max_window_code(shape, w, positive, x, y, code);
      }
      y += shape->channels;
      code += shape->channels;
    }
  }
}

static void give_back_code(int channels, const float *restrict dy, const uint8_t *restrict code, int index, float scale,
                           float *restrict dx) {
  for (int c = 0; c < channels; c++) {
    float value = dy[c] * scale;
    dx[c] += code[c] == index ? value : 0.0f;
  }
}

#if defined(__AVX512F__)

/* Masks end where a pixel's channels end, so a window goes back to all of its pixels at once. */
static inline void scatter_window(int channels, int rows, int columns, int64_t line, float scale, const float *dy,
                                  const uint8_t *code, float *dx) {
  for (int c = 0; c < channels; c += LANES) {
    __mmask16 there = lanes_there(channels, c);
    __m512 value = _mm512_mul_ps(_mm512_maskz_loadu_ps(there, dy + c), _mm512_set1_ps(scale));
    __m128i at = _mm_maskz_loadu_epi8(there, code + c);
    for (int row = 0; row < rows; row++)
      for (int column = 0; column < columns; column++) {
        __mmask16 here = _mm_cmpeq_epi8_mask(at, _mm_set1_epi8((char)(2 * row + column)));
        _mm512_mask_storeu_ps(dx + row * line + column * channels + c, there, _mm512_maskz_mov_ps(here, value));
      }
  }
}

static void scatter_rows(const hg_pool_shape *shape, int rows, int64_t line, float scale, const float *dy, const uint8_t *code,
                         float *dx) {
  int channels = shape->channels, whole = shape->width / 2 < shape->out_width ? shape->width / 2 : shape->out_width;
  for (int column = 0; column < shape->out_width; column++, dy += channels, code += channels, dx += 2 * channels)
    if (rows == 2 && column < whole)
      scatter_window(channels, 2, 2, line, scale, dy, code, dx);
    else
      scatter_window(channels, rows, column < whole ? 2 : 1, line, scale, dy, code, dx);
  int left = shape->width - 2 * shape->out_width;
  for (int row = 0; row < rows && left > 0; row++) memset(dx + row * line, 0, (size_t)(left * channels) * sizeof *dx);
}

static void scatter_steps(const hg_pool_shape *shape, float scale, const float *dy, const uint8_t *code, float *dx) {
  int64_t line = pixel(shape, 1, 0), out_line = (int64_t)shape->out_width * shape->channels;
  int height = shape->height < 2 * shape->out_height ? shape->height : 2 * shape->out_height;
  for (int row = 0; row < height; row += 2)
    scatter_rows(shape, height - row < 2 ? 1 : 2, line, scale, dy + row / 2 * out_line, code + row / 2 * out_line,
                 dx + row * line);
  memset(dx + height * line, 0, (size_t)((shape->height - height) * line) * sizeof *dx);
}

#else

static void hand_down_code(int width, const float *dy, const uint8_t *code, int index, float scale, float *dx) {
  int c = 0;
  for (; c + LANES <= width; c += LANES) store_floats(where(load_codes(code + c) == index, load_floats(dy + c) * scale), dx + c);
  for (; c < width; c++) dx[c] = code[c] == index ? dy[c] * scale : 0.0f;
}

/* Pixels at the end of the last rows that reach would take too far, as pairs of columns. */
static int tight_columns(const hg_pool_shape *shape, int row) {
  int channels = shape->channels, whole = (channels + LANES - 1) / LANES * LANES;
  bool last = row / 2 + 1 >= shape->out_height || row + 1 >= shape->height;
  return last || shape->out_width * channels < LANES ? 2 * ((whole - 1) / channels) : 0;
}

/* One row of the image at a time, from left to right, so that what reach writes beyond a pixel is written over. */
static void scatter_row(const hg_pool_shape *shape, int row, float scale, const float *dy, const uint8_t *code, float *dx) {
  int channels = shape->channels, columns = shape->width < 2 * shape->out_width ? shape->width : 2 * shape->out_width;
  int wide = reach(channels, INT64_MAX), loose = 2 * shape->out_width - tight_columns(shape, row), index = row % 2 * 2;
  for (int column = 0; column < columns; column++, dx += channels) {
    int at = column / 2 * channels;
    hand_down_code(column < loose ? wide : channels, dy + at, code + at, index + column % 2, scale, dx);
  }
  memset(dx, 0, (size_t)((shape->width - columns) * channels) * sizeof *dx);
}

static void scatter_steps(const hg_pool_shape *shape, float scale, const float *dy, const uint8_t *code, float *dx) {
  int64_t line = pixel(shape, 1, 0), out_line = (int64_t)shape->out_width * shape->channels;
  int rows = shape->height < 2 * shape->out_height ? shape->height : 2 * shape->out_height;
  for (int row = 0; row < rows; row++)
    scatter_row(shape, row, scale, dy + row / 2 * out_line, code + row / 2 * out_line, dx + row * line);
  memset(dx + rows * line, 0, (size_t)((shape->height - rows) * line) * sizeof *dx);
}

#endif

static void max_pool_scatter(const hg_pool_shape *shape, float scale, const float *dy, const uint8_t *code, float *dx) {
  if (steps_by_2x2(shape)) {
    scatter_steps(shape, scale, dy, code, dx);
    return;
  }
  memset(dx, 0, (size_t)pixel(shape, shape->height, 0) * sizeof *dx);
  for (int out_row = 0; out_row < shape->out_height; out_row++)
    for (int out_column = 0; out_column < shape->out_width; out_column++) {
      window w = window_at(shape, out_row, out_column);
      for (int row = w.top; row < w.bottom; row++)
        for (int column = w.left; column < w.right; column++)
          give_back_code(shape->channels, dy, code, (row - w.row) * shape->size[1] + column - w.column, scale,
                         dx + pixel(shape, row, column));
      dy += shape->channels;
      code += shape->channels;
    }
}

static void mark_code(int64_t count, bool positive, const float *y, uint8_t *code) {
  memset(code, 0, (size_t)count);
  if (!positive) return;
  int64_t i = 0;
  for (; i + LANES <= count; i += LANES) store_codes(~(load_floats(y + i) > 0.0f), code + i);
  for (; i < count; i++) code[i] = y[i] > 0.0f ? 0 : HG_NO_PLACE;
}

static void drop_coded(int count, const uint32_t *word, uint32_t threshold, float scale, float *y, uint8_t *code) {
  int i = 0;
  for (; i + LANES <= count; i += LANES) {
    lanes_int draw;
    memcpy(&draw, word + i, sizeof draw);
    lanes_int kept = ((draw >> 8) & 0xFFFFFF) >= (int32_t)threshold;
    store_floats(where(kept, load_floats(y + i) * scale), y + i);
    store_codes(load_codes(code + i) | ~kept, code + i);
  }
  for (; i < count; i++) {
    bool kept = word[i] >> 8 >= threshold;
    y[i] = kept ? y[i] * scale : 0.0f;
    code[i] = kept ? code[i] : HG_NO_PLACE;
  }
}

static void dropout_code(const uint32_t key[2], const uint32_t counter[4], int64_t first, int64_t count, uint32_t threshold,
                         float scale, float *y, uint8_t *code) {
  uint32_t word[DROP_BLOCK];
  int skip = (int)(first % DROP_BLOCK); /* elements of the first block that are not ours */
  for (int64_t done = 0; done < count;) {
    philox_lanes(key, counter, (uint32_t)((first + done - skip) / 4), word);
    int here = count - done < DROP_BLOCK - skip ? (int)(count - done) : DROP_BLOCK - skip;
    drop_coded(here, word + skip, threshold, scale, y + done, code + done);
    done += here;
    skip = 0;
  }
}

static void undrop_code(int64_t count, float scale, const float *dy, const uint8_t *code, float *dx) {
  int64_t i = 0;
  for (; i + LANES <= count; i += LANES) store_floats(where(load_codes(code + i) == 0, load_floats(dy + i) * scale), dx + i);
  for (; i < count; i++) dx[i] = code[i] == 0 ? dy[i] * scale : 0.0f;
}

#endif
