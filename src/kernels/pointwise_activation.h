#ifndef HG_KERNELS_POINTWISE_ACTIVATION_H
#define HG_KERNELS_POINTWISE_ACTIVATION_H

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

static float largest(int64_t count, const float *x) {
  float best[LANES];
  load_lanes(count, x, -INFINITY, best);
  for (int64_t first = LANES; first < count; first += LANES) {
    float lane[LANES];
    load_lanes(count - first, x + first, -INFINITY, lane);
    for (int i = 0; i < LANES; i++) best[i] = lane[i] > best[i] ? lane[i] : best[i];
  }
  float result = best[0];
  for (int i = 1; i < LANES; i++) result = best[i] > result ? best[i] : result;
  return result;
}

static float softmax(int64_t count, const float *x, float *y) {
  float most = largest(count, x), sum[LANES] = {0};
  for (int64_t first = 0; first < count; first += LANES) {
    float lane[LANES];
    load_lanes(count - first, x + first, -INFINITY, lane);
    for (int i = 0; i < LANES; i++) {
      lane[i] = hg_expf(lane[i] - most);
      sum[i] += lane[i];
    }
    store_lanes(count - first, lane, y + first);
  }
  float total = fold(sum);
  for (int64_t i = 0; i < count; i++) y[i] = y[i] / total;
  return most + hg_logf(total);
}

static void softmax_gradient(int64_t count, const float *y, const float *dy, float *dx) {
  float sum[LANES] = {0};
  for (int64_t first = 0; first < count; first += LANES) {
    float a[LANES], b[LANES];
    load_lanes(count - first, y + first, 0.0f, a);
    load_lanes(count - first, dy + first, 0.0f, b);
    for (int i = 0; i < LANES; i++) sum[i] = fmaf(a[i], b[i], sum[i]);
  }
  float mean = fold(sum);
#pragma GCC ivdep
  for (int64_t i = 0; i < count; i++) dx[i] = y[i] * (dy[i] - mean);
}

/* LANES blocks of Philox-4x32-10 side by side: word[w][i] is word w of block `block` + i. */
static void philox_lanes(const uint32_t key[2], const uint32_t counter[4], uint32_t block, uint32_t word[4][LANES]) {
  for (uint32_t i = 0; i < LANES; i++) {
    word[0][i] = block + i;
    word[1][i] = counter[1];
    word[2][i] = counter[2];
    word[3][i] = counter[3];
  }
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < LANES; i++) {
      uint64_t p0 = (uint64_t)0xD2511F53u * word[0][i];
      uint64_t p1 = (uint64_t)0xCD9E8D57u * word[2][i];
      word[0][i] = (uint32_t)(p1 >> 32) ^ word[1][i] ^ k0;
      word[2][i] = (uint32_t)(p0 >> 32) ^ word[3][i] ^ k1;
      word[1][i] = (uint32_t)p1;
      word[3][i] = (uint32_t)p0;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

static inline void drop_lanes(const uint32_t word[LANES], uint32_t threshold, float scale, const float *x, float *y) {
#pragma GCC ivdep
  for (int i = 0; i < LANES; i++) y[i] = (int32_t)(word[i] >> 8) >= (int32_t)threshold ? x[i] * scale : 0.0f;
}

static void dropout(const uint32_t key[2], const uint32_t counter[4], int64_t first, int64_t count, uint32_t threshold,
                    float scale, const float *x, float *y) {
  for (int64_t done = 0; done < count; done += 4 * LANES) {
    uint32_t word[4][LANES];
    philox_lanes(key, counter, (uint32_t)((first + done) / 4), word);
    for (int w = 0; w < 4 && done + w * LANES < count; w++) {
      int64_t at = done + w * LANES;
      float lane[LANES];
      load_lanes(count - at, x + at, 0.0f, lane);
      drop_lanes(word[w], threshold, scale, lane, lane);
      store_lanes(count - at, lane, y + at);
    }
  }
}

#endif
