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

static void max_2x2(int channels, const float *restrict above, const float *restrict below, float *restrict y) {
  for (int c = 0; c < channels; c++) {
    float best = above[c];
    best = above[channels + c] > best ? above[channels + c] : best;
    best = below[c] > best ? below[c] : best;
    best = below[channels + c] > best ? below[channels + c] : best;
    y[c] = best;
  }
}

static void max_2x2_place(int channels, const float *restrict above, const float *restrict below, float *restrict y,
                          uint16_t *restrict place) {
  for (int c = 0; c < channels; c++) {
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

static void max_pool(const hg_pool_shape *shape, const float *x, float *y, uint16_t *place) {
  for (int row = 0; row < shape->out_height; row++) {
    for (int column = 0; column < shape->out_width; column++) {
      window w = window_at(shape, row, column);
      const float *above = x + pixel(shape, w.top, w.left), *below = above + (int64_t)shape->width * shape->channels;
      if (!is_whole_2x2(shape, w))
        max_window(shape, w, x, y, place);
      else if (place == NULL)
        max_2x2(shape->channels, above, below, y);
      else
        max_2x2_place(shape->channels, above, below, y, place);
      y += shape->channels;
      if (place != NULL) place += shape->channels;
    }
  }
}

static void max_give_back(int channels, const float *restrict dy, const uint16_t *restrict place, uint16_t index,
                          float *restrict dx) {
  for (int c = 0; c < channels; c++) dx[c] += place[c] == index ? dy[c] : 0.0f;
}

/* A whole 2x2 window that shares no pixel with another: its four pixels are written once. */
static void max_give_back_2x2(int channels, const float *restrict dy, const uint16_t *restrict place, float *restrict above,
                              float *restrict below) {
  for (int c = 0; c < channels; c++) above[c] = place[c] == 0 ? dy[c] : 0.0f;
  for (int c = 0; c < channels; c++) above[channels + c] = place[c] == 1 ? dy[c] : 0.0f;
  for (int c = 0; c < channels; c++) below[c] = place[c] == 2 ? dy[c] : 0.0f;
  for (int c = 0; c < channels; c++) below[channels + c] = place[c] == 3 ? dy[c] : 0.0f;
}

/* True where windows neither overlap nor leave pixels out, so that nothing needs to be zeroed first. */
static bool tiles_2x2(const hg_pool_shape *shape) {
  return shape->size[0] == 2 && shape->size[1] == 2 && shape->stride[0] == 2 && shape->stride[1] == 2 &&
         shape->height == 2 * shape->out_height && shape->width == 2 * shape->out_width;
}

static void max_pool_gradient(const hg_pool_shape *shape, const float *dy, const uint16_t *place, float *dx) {
  bool tiles = tiles_2x2(shape);
  int64_t row_values = (int64_t)shape->width * shape->channels;
  if (!tiles) memset(dx, 0, (size_t)(shape->height * row_values) * sizeof *dx);
  for (int out_row = 0; out_row < shape->out_height; out_row++) {
    for (int out_column = 0; out_column < shape->out_width; out_column++) {
      window w = window_at(shape, out_row, out_column);
      if (tiles) {
        float *above = dx + pixel(shape, w.top, w.left);
        max_give_back_2x2(shape->channels, dy, place, above, above + row_values);
      }
      for (int row = w.top; row < w.bottom && !tiles; row++)
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

static void upsample(const hg_pool_shape *shape, const float *x, float *y) {
  size_t bytes = (size_t)shape->channels * sizeof *y;
  int64_t row_values = (int64_t)shape->width * shape->size[1] * shape->channels;
  for (int row = 0; row < shape->height; row++) {
    float *to = y;
    for (int column = 0; column < shape->width; column++, x += shape->channels)
      for (int copy = 0; copy < shape->size[1]; copy++, to += shape->channels) memcpy(to, x, bytes);
    for (int copy = 1; copy < shape->size[0]; copy++) memcpy(y + copy * row_values, y, (size_t)row_values * sizeof *y);
    y += shape->size[0] * row_values;
  }
}

static void upsample_gradient(const hg_pool_shape *shape, const float *dy, float *dx) {
  int64_t row_values = (int64_t)shape->width * shape->size[1] * shape->channels;
  for (int row = 0; row < shape->height; row++) {
    for (int column = 0; column < shape->width; column++, dx += shape->channels) {
      const float *corner = dy + row * shape->size[0] * row_values + (int64_t)column * shape->size[1] * shape->channels;
      memset(dx, 0, (size_t)shape->channels * sizeof *dx);
      for (int i = 0; i < shape->size[0]; i++)
        for (int j = 0; j < shape->size[1]; j++)
          add_row(shape->channels, corner + i * row_values + (int64_t)j * shape->channels, dx);
    }
  }
}

#endif
