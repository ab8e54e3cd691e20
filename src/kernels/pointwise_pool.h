#ifndef HG_KERNELS_POINTWISE_POOL_H
#define HG_KERNELS_POINTWISE_POOL_H

#include "kernels/pointwise_lanes.h"

/* The part of one window that lies on the image: rows [top, bottom), columns [left, right). `row`, `column` is its corner,
 * which may lie outside. */
typedef struct window {
  int row, column;
  int top, bottom, left, right;
} window;

static inline window window_at(const hg_pool_shape *shape, int out_row, int out_column) {
  window w;
  w.row = out_row * shape->stride[0] - shape->before[0];
  w.column = out_column * shape->stride[1] - shape->before[1];
  w.top = w.row < 0 ? 0 : w.row;
  w.left = w.column < 0 ? 0 : w.column;
  w.bottom = w.row + shape->size[0] > shape->height ? shape->height : w.row + shape->size[0];
  w.right = w.column + shape->size[1] > shape->width ? shape->width : w.column + shape->size[1];
  return w;
}

static inline bool is_whole_2x2(const hg_pool_shape *shape, window w) {
  return shape->size[0] == 2 && shape->size[1] == 2 && w.bottom - w.top == 2 && w.right - w.left == 2;
}

static inline int64_t pixel(const hg_pool_shape *shape, int row, int column) {
  return ((int64_t)row * shape->width + column) * shape->channels;
}

/* How many values of a pixel to run over. Where its channels end within a vector, whole vectors are quicker than a loop
 * over the rest: what is read and written beyond belongs to the pixels after it, which are written later. `room` values
 * must be there from this pixel on, in the smallest of the arrays. */
static inline int reach(int channels, int64_t room) {
  enum { FEWEST = 6 };
  int whole = (channels + LANES - 1) / LANES * LANES;
  return channels >= FEWEST && room >= whole ? whole : channels;
}

/* `channels` apart stand the left and the right pixel of each row; `width` values are computed (see reach). */
static void max_2x2(int width, int channels, const float *restrict above, const float *restrict below, float *restrict y) {
  for (int c = 0; c < width; c++) {
    float best = above[c];
    best = above[channels + c] > best ? above[channels + c] : best;
    best = below[c] > best ? below[c] : best;
    best = below[channels + c] > best ? below[channels + c] : best;
    y[c] = best;
  }
}

static void max_2x2_place(int width, int channels, const float *restrict above, const float *restrict below, float *restrict y,
                          uint16_t *restrict place) {
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
    place[c] = (uint16_t)at;
  }
}

static void max_step(int channels, const float *restrict x, float *restrict y) {
  for (int c = 0; c < channels; c++) y[c] = x[c] > y[c] ? x[c] : y[c];
}

static void max_step_place(int channels, const float *restrict x, uint16_t index, float *restrict y, uint16_t *restrict place) {
  for (int c = 0; c < channels; c++) {
    place[c] = x[c] > y[c] ? index : place[c];
    y[c] = x[c] > y[c] ? x[c] : y[c];
  }
}

static void max_window(const hg_pool_shape *shape, window w, const float *x, float *y, uint16_t *place) {
  int channels = shape->channels;
  int first = (w.top - w.row) * shape->size[1] + w.left - w.column;
  memcpy(y, x + pixel(shape, w.top, w.left), (size_t)channels * sizeof *y);
  for (int c = 0; place != NULL && c < channels; c++) place[c] = (uint16_t)first;
  for (int row = w.top; row < w.bottom; row++) {
    for (int column = w.left; column < w.right; column++) {
      int index = (row - w.row) * shape->size[1] + column - w.column;
      if (index == first) continue;
      if (place == NULL)
        max_step(channels, x + pixel(shape, row, column), y);
      else
        max_step_place(channels, x + pixel(shape, row, column), (uint16_t)index, y, place);
    }
  }
}

/* Values of an image from a pixel on. */
static inline int64_t room_in(const hg_pool_shape *shape, int row, int column) {
  return ((int64_t)(shape->height - row) * shape->width - column) * shape->channels;
}

static inline int64_t room_out(const hg_pool_shape *shape, int row, int column) {
  return ((int64_t)(shape->out_height - row) * shape->out_width - column) * shape->channels;
}

static void max_whole_2x2(const hg_pool_shape *shape, window w, int64_t room, const float *x, float *y, uint16_t *place) {
  const float *above = x + pixel(shape, w.top, w.left), *below = x + pixel(shape, w.top + 1, w.left);
  int64_t room_right = room_in(shape, w.top + 1, w.left + 1);
  int width = reach(shape->channels, room < room_right ? room : room_right);
  if (place == NULL)
    max_2x2(width, shape->channels, above, below, y);
  else
    max_2x2_place(width, shape->channels, above, below, y, place);
}

static void max_pool(const hg_pool_shape *shape, const float *x, float *y, uint16_t *place) {
  for (int row = 0; row < shape->out_height; row++) {
    for (int column = 0; column < shape->out_width; column++) {
      window w = window_at(shape, row, column);
      if (is_whole_2x2(shape, w))
        max_whole_2x2(shape, w, room_out(shape, row, column), x, y, place);
      else
        max_window(shape, w, x, y, place);
      y += shape->channels;
      if (place != NULL) place += shape->channels;
    }
  }
}

static void max_give_back(int channels, const float *restrict dy, const uint16_t *restrict place, uint16_t index,
                          float *restrict dx) {
  for (int c = 0; c < channels; c++) dx[c] += place[c] == index ? dy[c] : 0.0f;
}

static void max_hand_down(int width, const float *restrict dy, const uint16_t *restrict place, uint16_t index,
                          float *restrict dx) {
  for (int c = 0; c < width; c++) dx[c] = place[c] == index ? dy[c] : 0.0f;
}

/* True where 2x2 windows neither overlap nor leave pixels out: every pixel is written once, none needs to be zeroed. */
static bool tiles_2x2(const hg_pool_shape *shape) {
  return shape->size[0] == 2 && shape->size[1] == 2 && shape->stride[0] == 2 && shape->stride[1] == 2 &&
         shape->height == 2 * shape->out_height && shape->width == 2 * shape->out_width;
}

/* One row of the image at a time, from left to right, so that what reach writes beyond a pixel is written over. */
static void max_pool_gradient_tiles(const hg_pool_shape *shape, const float *dy, const uint16_t *place, float *dx) {
  int channels = shape->channels;
  for (int row = 0; row < shape->height; row++) {
    for (int column = 0; column < shape->width; column++, dx += channels) {
      int64_t room = room_in(shape, row, column), beyond = room_out(shape, row / 2, column / 2);
      int64_t at = ((int64_t)(row / 2) * shape->out_width + column / 2) * channels;
      max_hand_down(reach(channels, room < beyond ? room : beyond), dy + at, place + at, (uint16_t)(row % 2 * 2 + column % 2),
                    dx);
    }
  }
}

static void max_pool_gradient(const hg_pool_shape *shape, const float *dy, const uint16_t *place, float *dx) {
  if (tiles_2x2(shape)) {
    max_pool_gradient_tiles(shape, dy, place, dx);
    return;
  }
  memset(dx, 0, (size_t)pixel(shape, shape->height, 0) * sizeof *dx);
  for (int out_row = 0; out_row < shape->out_height; out_row++) {
    for (int out_column = 0; out_column < shape->out_width; out_column++) {
      window w = window_at(shape, out_row, out_column);
      for (int row = w.top; row < w.bottom; row++)
        for (int column = w.left; column < w.right; column++)
          max_give_back(shape->channels, dy, place, (uint16_t)((row - w.row) * shape->size[1] + column - w.column),
                        dx + pixel(shape, row, column));
      dy += shape->channels;
      place += shape->channels;
    }
  }
}

static void add_row(int channels, const float *restrict x, float *restrict y) {
  for (int c = 0; c < channels; c++) y[c] += x[c];
}

static void add_scaled_row(int channels, float scale, const float *restrict x, float *restrict y) {
  for (int c = 0; c < channels; c++) y[c] = fmaf(scale, x[c], y[c]);
}

static inline float share(window w) { return 1.0f / (float)((w.bottom - w.top) * (w.right - w.left)); }

static void average_pool(const hg_pool_shape *shape, const float *x, float *y) {
  for (int out_row = 0; out_row < shape->out_height; out_row++) {
    for (int out_column = 0; out_column < shape->out_width; out_column++) {
      window w = window_at(shape, out_row, out_column);
      memset(y, 0, (size_t)shape->channels * sizeof *y);
      for (int row = w.top; row < w.bottom; row++)
        for (int column = w.left; column < w.right; column++) add_row(shape->channels, x + pixel(shape, row, column), y);
      float scale = share(w);
      for (int c = 0; c < shape->channels; c++) y[c] *= scale;
      y += shape->channels;
    }
  }
}

static void average_pool_gradient(const hg_pool_shape *shape, const float *dy, float *dx) {
  memset(dx, 0, (size_t)pixel(shape, shape->height, 0) * sizeof *dx);
  for (int out_row = 0; out_row < shape->out_height; out_row++) {
    for (int out_column = 0; out_column < shape->out_width; out_column++) {
      window w = window_at(shape, out_row, out_column);
      for (int row = w.top; row < w.bottom; row++)
        for (int column = w.left; column < w.right; column++)
          add_scaled_row(shape->channels, share(w), dy, dx + pixel(shape, row, column));
      dy += shape->channels;
    }
  }
}

/* In vectors, since a call of memcpy takes longer than a pixel. */
static void repeat_pixel(int channels, int times, const float *x, float *y) {
  int c = 0;
  for (; c + LANES <= channels; c += LANES) {
    lanes_float lanes = load_floats(x + c);
    for (int copy = 0; copy < times; copy++) store_floats(lanes, y + copy * channels + c);
  }
  for (; c < channels; c++)
    for (int copy = 0; copy < times; copy++) y[copy * channels + c] = x[c];
}

static void upsample(const hg_pool_shape *shape, const float *x, float *y) {
  int64_t wide = (int64_t)shape->size[1] * shape->channels, row_values = shape->width * wide;
  for (int row = 0; row < shape->height; row++) {
    for (int column = 0; column < shape->width; column++, x += shape->channels)
      repeat_pixel(shape->channels, shape->size[1], x, y + column * wide);
    for (int copy = 1; copy < shape->size[0]; copy++) memcpy(y + copy * row_values, y, (size_t)row_values * sizeof *y);
    y += shape->size[0] * row_values;
  }
}

/* From zero on, as add_row would. */
static void add_2x2(int channels, const float *restrict above, const float *restrict below, float *restrict dx) {
  for (int c = 0; c < channels; c++) dx[c] = 0.0f + above[c] + above[channels + c] + below[c] + below[channels + c];
}

static void add_window(const hg_pool_shape *shape, int64_t row_values, const float *corner, float *dx) {
  if (shape->size[0] == 2 && shape->size[1] == 2) {
    add_2x2(shape->channels, corner, corner + row_values, dx);
    return;
  }
  memset(dx, 0, (size_t)shape->channels * sizeof *dx);
  for (int i = 0; i < shape->size[0]; i++)
    for (int j = 0; j < shape->size[1]; j++) add_row(shape->channels, corner + i * row_values + (int64_t)j * shape->channels, dx);
}

static void upsample_gradient(const hg_pool_shape *shape, const float *dy, float *dx) {
  int64_t wide = (int64_t)shape->size[1] * shape->channels, row_values = shape->width * wide;
  for (int row = 0; row < shape->height; row++, dy += shape->size[0] * row_values)
    for (int column = 0; column < shape->width; column++, dx += shape->channels)
      add_window(shape, row_values, dy + column * wide, dx);
}

#endif
