#ifndef HG_KERNELS_POINTWISE_NORM_H
#define HG_KERNELS_POINTWISE_NORM_H

#include "kernels/pointwise_lanes.h"

/* Rows of a block stay in the first cache while its lanes are walked in stretches short enough for registers. */
enum { BLOCK_ROWS = 32 };

/* Maps come from memory: while one row is read, a row of the next block is asked for, since the processor's own look-ahead ends
 * with a page. */
static inline void ask_for_row(int lanes, const float *x) {
  for (int i = 0; i < lanes; i += LANES) __builtin_prefetch(x + (int64_t)BLOCK_ROWS * lanes + i);
}

static inline void add_moments(int width, const float *x, double *sum, double *squares) {
  for (int i = 0; i < width; i++) {
    double value = (double)x[i];
    sum[i] += value;
    squares[i] = fma(value, value, squares[i]);
  }
}

static void moments_of_block(int64_t rows, int lanes, const float *x, double *sum, double *squares) {
  int lane = 0;
  for (; lane + LANES <= lanes; lane += LANES) {
    double s[LANES], q[LANES];
    memcpy(s, sum + lane, sizeof s);
    memcpy(q, squares + lane, sizeof q);
    for (int64_t row = 0; row < rows; row++) add_moments(LANES, x + row * lanes + lane, s, q);
    memcpy(sum + lane, s, sizeof s);
    memcpy(squares + lane, q, sizeof q);
  }
  for (int64_t row = 0; row < rows && lane < lanes; row++)
    add_moments(lanes - lane, x + row * lanes + lane, sum + lane, squares + lane);
}

static void moments(int64_t rows, int lanes, const float *x, double *sum, double *squares) {
  for (int64_t row = 0; row < rows; row += BLOCK_ROWS)
    moments_of_block(rows - row < BLOCK_ROWS ? rows - row : BLOCK_ROWS, lanes, x + row * lanes, sum, squares);
}

static inline __attribute__((always_inline)) void normalize_rows(int64_t rows, int lanes, bool relu, const float *x,
                                                                 const float *mean, const float *scale, const float *shift,
                                                                 float *y) {
  for (int64_t row = 0; row < rows; row++, x += lanes, y += lanes) {
    ask_for_row(lanes, x);
#pragma GCC ivdep
    for (int i = 0; i < lanes; i++) {
      float value = fmaf(x[i] - mean[i], scale[i], shift[i]);
      y[i] = relu && value < 0.0f ? 0.0f : value;
    }
  }
}

static void normalize(int64_t rows, int lanes, bool relu, const float *x, const float *mean, const float *scale,
                      const float *shift, float *y) {
  if (relu)
    normalize_rows(rows, lanes, true, x, mean, scale, shift, y);
  else
    normalize_rows(rows, lanes, false, x, mean, scale, shift, y);
}

static inline void add_products(int width, const float *dz, const float *x, const float *mean, const float *inverse, double *sum,
                                double *products) {
  for (int i = 0; i < width; i++) {
    double gradient = (double)dz[i];
    sum[i] += gradient;
    products[i] = fma(gradient, (double)((x[i] - mean[i]) * inverse[i]), products[i]);
  }
}

static void norm_sums_of_block(int64_t rows, int lanes, const float *dz, const float *x, const float *mean, const float *inverse,
                               double *sum, double *products) {
  int lane = 0;
  for (; lane + LANES <= lanes; lane += LANES) {
    double s[LANES], p[LANES];
    memcpy(s, sum + lane, sizeof s);
    memcpy(p, products + lane, sizeof p);
    for (int64_t row = 0; row < rows; row++) {
      __builtin_prefetch(x + (row + BLOCK_ROWS) * lanes + lane);
      add_products(LANES, dz + row * lanes + lane, x + row * lanes + lane, mean + lane, inverse + lane, s, p);
    }
    memcpy(sum + lane, s, sizeof s);
    memcpy(products + lane, p, sizeof p);
  }
  for (int64_t row = 0; row < rows && lane < lanes; row++)
    add_products(lanes - lane, dz + row * lanes + lane, x + row * lanes + lane, mean + lane, inverse + lane, sum + lane,
                 products + lane);
}

static void norm_sums(int64_t rows, int lanes, const float *dz, const float *x, const float *mean, const float *inverse,
                      double *sum, double *products) {
  for (int64_t row = 0; row < rows; row += BLOCK_ROWS)
    norm_sums_of_block(rows - row < BLOCK_ROWS ? rows - row : BLOCK_ROWS, lanes, dz + row * lanes, x + row * lanes, mean, inverse,
                       sum, products);
}

/* The gradient of LANES values back through relu, in its place and for the sums. */
static inline void give_back_relu(const float *y, float *dz, float gradient[LANES]) {
  lanes_float given = where(load_floats(y) > 0.0f, load_floats(dz));
  store_floats(given, dz);
  store_floats(given, gradient);
}

static void relu_sums_of_block(int64_t rows, int lanes, const float *y, float *dz, const float *x, const float *mean,
                               const float *inverse, double *sum, double *products) {
  int lane = 0;
  for (; lane + LANES <= lanes; lane += LANES) {
    double s[LANES], p[LANES];
    memcpy(s, sum + lane, sizeof s);
    memcpy(p, products + lane, sizeof p);
    for (int64_t row = 0; row < rows; row++) {
      int64_t at = row * lanes + lane, ahead = at + (int64_t)BLOCK_ROWS * lanes;
      __builtin_prefetch(x + ahead);
      __builtin_prefetch(y + ahead);
      __builtin_prefetch(dz + ahead, 1);
      float gradient[LANES];
      give_back_relu(y + at, dz + at, gradient);
      add_products(LANES, gradient, x + at, mean + lane, inverse + lane, s, p);
    }
    memcpy(sum + lane, s, sizeof s);
    memcpy(products + lane, p, sizeof p);
  }
  for (int64_t at = lane; at < rows * lanes && lane < lanes; at += lanes) {
    for (int i = 0; i < lanes - lane; i++) dz[at + i] = y[at + i] > 0.0f ? dz[at + i] : 0.0f;
    add_products(lanes - lane, dz + at, x + at, mean + lane, inverse + lane, sum + lane, products + lane);
  }
}

static void norm_relu_sums(int64_t rows, int lanes, const float *y, float *dz, const float *x, const float *mean,
                           const float *inverse, double *sum, double *products) {
  for (int64_t row = 0; row < rows; row += BLOCK_ROWS)
    relu_sums_of_block(rows - row < BLOCK_ROWS ? rows - row : BLOCK_ROWS, lanes, y + row * lanes, dz + row * lanes,
                       x + row * lanes, mean, inverse, sum, products);
}

static void norm_gradient(int64_t rows, int lanes, const float *dz, const float *x, const float *mean, const float *inverse,
                          const float *scale, const float *sum, const float *product, float *dx) {
  for (int64_t row = 0; row < rows; row++, dz += lanes, x += lanes, dx += lanes) {
    ask_for_row(lanes, x);
#pragma GCC ivdep
    for (int i = 0; i < lanes; i++) {
      float normal = (x[i] - mean[i]) * inverse[i];
      dx[i] = scale[i] * fmaf(-normal, product[i], dz[i] - sum[i]);
    }
  }
}

#endif
