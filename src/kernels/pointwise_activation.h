#ifndef HG_KERNELS_POINTWISE_ACTIVATION_H
#define HG_KERNELS_POINTWISE_ACTIVATION_H

#include "kernels/philox_lanes.h"
#include "kernels/pointwise_lanes.h"

/* Comparisons below are written so that NaN goes through: a diverged network must not look healthy. */
static void activate(hg_activation activation, float slope, int64_t count, const float *x, float *y) {
  switch (activation) {
    case HG_RELU:
#pragma GCC ivdep
      for (int64_t i = 0; i < count; i++) y[i] = x[i] < 0.0f ? 0.0f : x[i];
      return;
    case HG_LEAKY_RELU:
#pragma GCC ivdep
      for (int64_t i = 0; i < count; i++) y[i] = x[i] < 0.0f ? x[i] * slope : x[i];
      return;
    case HG_GELU:
#pragma GCC ivdep
      for (int64_t i = 0; i < count; i++) y[i] = 0.5f * x[i] * (1.0f + hg_erff(x[i] * 0.70710678f));
      return;
    case HG_SIGMOID:
#pragma GCC ivdep
      for (int64_t i = 0; i < count; i++) y[i] = hg_sigmoidf(x[i]);
      return;
    case HG_TANH:
#pragma GCC ivdep
      for (int64_t i = 0; i < count; i++) y[i] = hg_tanhf(x[i]);
      return;
    default:
      if (y != x) memcpy(y, x, (size_t)count * sizeof *y);
  }
}

static inline float gelu_slope(float x) {
  float cumulative = 0.5f * (1.0f + hg_erff(x * 0.70710678f));
  return fmaf(x, 0.39894228f * hg_expf(-0.5f * x * x), cumulative);
}

static void activate_gradient(hg_activation activation, float slope, int64_t count, const float *value, const float *dy,
                              float *dx) {
  switch (activation) {
    case HG_RELU:
#pragma GCC ivdep
      for (int64_t i = 0; i < count; i++) dx[i] = value[i] > 0.0f ? dy[i] : 0.0f;
      return;
    case HG_LEAKY_RELU:
#pragma GCC ivdep
      for (int64_t i = 0; i < count; i++) dx[i] = value[i] > 0.0f ? dy[i] : dy[i] * slope;
      return;
    case HG_GELU:
#pragma GCC ivdep
      for (int64_t i = 0; i < count; i++) dx[i] = dy[i] * gelu_slope(value[i]);
      return;
    case HG_SIGMOID:
#pragma GCC ivdep
      for (int64_t i = 0; i < count; i++) dx[i] = dy[i] * (value[i] * (1.0f - value[i]));
      return;
    case HG_TANH:
#pragma GCC ivdep
      for (int64_t i = 0; i < count; i++) dx[i] = dy[i] * (1.0f - value[i] * value[i]);
      return;
    default:
      if (dx != dy) memcpy(dx, dy, (size_t)count * sizeof *dx);
  }
}

static void exponential(int64_t count, const float *x, float *y) {
#pragma GCC ivdep
  for (int64_t i = 0; i < count; i++) y[i] = hg_expf(x[i]);
}

static float largest(int64_t count, const float *x) {
  float best[LANES], spare[LANES];
  memcpy(best, read_lanes(count, x, -INFINITY, spare), sizeof best);
  for (int64_t first = LANES; first < count; first += LANES) {
    const float *lane = read_lanes(count - first, x + first, -INFINITY, spare);
#pragma GCC unroll 1
    for (int i = 0; i < LANES; i++) best[i] = lane[i] > best[i] ? lane[i] : best[i];
  }
  for (int width = LANES / 2; width > 0; width /= 2)
    for (int i = 0; i < width; i++) best[i] = best[i + width] > best[i] ? best[i + width] : best[i];
  return best[0];
}

/* y = exp(x - most), and their sum; y may be x. */
static float exponentials(int64_t count, const float *x, float most, float *y) {
  float sum[LANES] = {0}, spare_x[LANES], spare_y[LANES];
  for (int64_t first = 0; first < count; first += LANES) {
    float *place = y == NULL ? NULL : y + first;
    const float *in = read_lanes(count - first, x + first, -INFINITY, spare_x);
    float *out = write_lanes(count - first, place, spare_y);
#pragma GCC ivdep
    for (int i = 0; i < LANES; i++) {
      float e = hg_expf(in[i] - most);
      out[i] = e;
      sum[i] += e;
    }
    settle_lanes(count - first, place, spare_y);
  }
  return fold(sum);
}

static float softmax(int64_t count, const float *x, float *y) {
  float most = largest(count, x), total = exponentials(count, x, most, y);
  for (int64_t i = 0; i < count; i++) y[i] = y[i] / total;
  return most + hg_logf(total);
}

static void softmax_gradient(int64_t count, const float *y, const float *dy, float *dx) {
  float sum[LANES] = {0}, spare_y[LANES], spare_dy[LANES];
  for (int64_t first = 0; first < count; first += LANES) {
    const float *a = read_lanes(count - first, y + first, 0.0f, spare_y);
    const float *b = read_lanes(count - first, dy + first, 0.0f, spare_dy);
    for (int i = 0; i < LANES; i++) sum[i] = fmaf(a[i], b[i], sum[i]);
  }
  float mean = fold(sum);
#pragma GCC ivdep
  for (int64_t i = 0; i < count; i++) dx[i] = y[i] * (dy[i] - mean);
}

enum { DROP_BLOCK = 4 * LANES };

static inline void drop_block(const uint32_t word[DROP_BLOCK], uint32_t threshold, float scale, const float *x, float *y) {
#pragma GCC ivdep
  for (int i = 0; i < DROP_BLOCK; i++) y[i] = (int32_t)(word[i] >> 8) >= (int32_t)threshold ? x[i] * scale : 0.0f;
}

static void dropout(const uint32_t key[2], const uint32_t counter[4], int64_t first, int64_t count, uint32_t threshold,
                    float scale, const float *x, float *y) {
  uint32_t word[DROP_BLOCK];
  int64_t done = 0;
  for (; count - done >= DROP_BLOCK; done += DROP_BLOCK) {
    philox_lanes(key, counter, (uint32_t)((first + done) / 4), word);
    drop_block(word, threshold, scale, x + done, y + done);
  }
  if (done == count) return;
  float last[DROP_BLOCK] = {0};
  memcpy(last, x + done, (size_t)(count - done) * sizeof *x);
  philox_lanes(key, counter, (uint32_t)((first + done) / 4), word);
  drop_block(word, threshold, scale, last, last);
  memcpy(y + done, last, (size_t)(count - done) * sizeof *y);
}

#endif
