#ifndef HG_KERNELS_POINTWISE_BLOCK_H
#define HG_KERNELS_POINTWISE_BLOCK_H

#include "kernels/pointwise_activation.h"
#include "kernels/pointwise_pool.h"

static void mark_positive(int count, const float *restrict y, uint8_t *restrict code) {
  for (int i = 0; i < count; i++) code[i] = y[i] > 0.0f ? code[i] : HG_NO_PLACE;
}

/* As max_2x2 in pointwise_pool.h. */
static void max_2x2_code(int width, int channels, bool positive, const float *restrict above, const float *restrict below,
                         float *restrict y, uint8_t *restrict code) {
  for (int c = 0; c < width; c++) {
    float best = above[c];
    int at = 0;
    at = above[channels + c] > best ? 1 : at;
    best = above[channels + c] > best ? above[channels + c] : best;
    at = below[c] > best ? 2 : at;
    best = below[c] > best ? below[c] : best;
    at = below[channels + c] > best ? 3 : at;
    best = below[channels + c] > best ? below[channels + c] : best;
    y[c] = best;
    code[c] = (uint8_t)at;
  }
  if (positive) mark_positive(width, y, code);
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

static void max_pool_code(const hg_pool_shape *shape, bool positive, const float *x, float *y, uint8_t *code) {
  for (int row = 0; row < shape->out_height; row++)
    for (int column = 0; column < shape->out_width; column++) {
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

static void give_back_code(int channels, const float *restrict dy, const uint8_t *restrict code, uint8_t index, float scale,
                           float *restrict dx) {
  for (int c = 0; c < channels; c++) dx[c] += code[c] == index ? dy[c] * scale : 0.0f;
}

static void hand_down_code(int width, const float *restrict dy, const uint8_t *restrict code, uint8_t index, float scale,
                           float *restrict dx) {
  for (int c = 0; c < width; c++) dx[c] = code[c] == index ? dy[c] * scale : 0.0f;
}

/* As max_pool_gradient_tiles in pointwise_pool.h. */
static void scatter_tiles(const hg_pool_shape *shape, float scale, const float *dy, const uint8_t *code, float *dx) {
  int channels = shape->channels;
  for (int row = 0; row < shape->height; row++)
    for (int column = 0; column < shape->width; column++, dx += channels) {
      int64_t room = room_in(shape, row, column), beyond = room_out(shape, row / 2, column / 2);
      int64_t at = ((int64_t)(row / 2) * shape->out_width + column / 2) * channels;
      hand_down_code(reach(channels, room < beyond ? room : beyond), dy + at, code + at, (uint8_t)(row % 2 * 2 + column % 2),
                     scale, dx);
    }
}

static void max_pool_scatter(const hg_pool_shape *shape, float scale, const float *dy, const uint8_t *code, float *dx) {
  if (tiles_2x2(shape)) {
    scatter_tiles(shape, scale, dy, code, dx);
    return;
  }
  memset(dx, 0, (size_t)pixel(shape, shape->height, 0) * sizeof *dx);
  for (int out_row = 0; out_row < shape->out_height; out_row++)
    for (int out_column = 0; out_column < shape->out_width; out_column++) {
      window w = window_at(shape, out_row, out_column);
      for (int row = w.top; row < w.bottom; row++)
        for (int column = w.left; column < w.right; column++)
          give_back_code(shape->channels, dy, code, (uint8_t)((row - w.row) * shape->size[1] + column - w.column), scale,
                         dx + pixel(shape, row, column));
      dy += shape->channels;
      code += shape->channels;
    }
}

static void mark_code(int64_t count, bool positive, const float *restrict y, uint8_t *restrict code) {
  for (int64_t i = 0; i < count; i++) code[i] = !positive || y[i] > 0.0f ? 0 : HG_NO_PLACE;
}

static void drop_coded(int count, const uint32_t *restrict word, uint32_t threshold, float scale, float *restrict y,
                       uint8_t *restrict code) {
  for (int i = 0; i < count; i++) y[i] = (int32_t)(word[i] >> 8) >= (int32_t)threshold ? y[i] * scale : 0.0f;
  for (int i = 0; i < count; i++) code[i] = (int32_t)(word[i] >> 8) >= (int32_t)threshold ? code[i] : HG_NO_PLACE;
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
#pragma GCC ivdep
  for (int64_t i = 0; i < count; i++) dx[i] = code[i] == 0 ? dy[i] * scale : 0.0f;
}

#endif
