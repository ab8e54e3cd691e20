#ifndef HG_KERNELS_POINTWISE_LOSS_H
#define HG_KERNELS_POINTWISE_LOSS_H

#include "kernels/pointwise_activation.h"

static inline void square_lanes(const float *output, const float *target, float slope, double sum[LANES], float gradient[LANES]) {
  for (int i = 0; i < LANES; i++) {
    float away = output[i] - target[i];
    sum[i] = fma((double)away, (double)away, sum[i]);
    gradient[i] = away * slope;
  }
}

static double squared_error(int64_t count, const float *output, const float *target, float scale, float *gradient) {
  double sum[LANES] = {0};
  int64_t first = 0;
  float o[LANES], t[LANES], unused[LANES];
  for (; count - first >= LANES; first += LANES)
    square_lanes(output + first, target + first, 2.0f * scale, sum, gradient == NULL ? unused : gradient + first);
  if (first < count) {
    load_lanes(count - first, output + first, 0.0f, o);
    load_lanes(count - first, target + first, 0.0f, t);
    square_lanes(o, t, 2.0f * scale, sum, unused);
    if (gradient != NULL) store_lanes(count - first, unused, gradient + first);
  }
  return fold_double(sum);
}

/* max(x, 0) - x t + log(1 + exp(-|x|)); its slope is sigmoid(x) - t. The filler of the last lanes makes their loss 0. */
static double bce_logits(int64_t count, const float *output, const float *target, float scale, float *gradient) {
  double sum[LANES] = {0};
  for (int64_t first = 0; first < count; first += LANES) {
    float x[LANES], t[LANES], slope[LANES];
    load_lanes(count - first, output + first, -200.0f, x);
    load_lanes(count - first, target + first, 0.0f, t);
    for (int i = 0; i < LANES; i++) {
      float e = hg_expf(-fabsf(x[i]));
      float positive = x[i] < 0.0f ? 0.0f : x[i];
      sum[i] += (double)(fmaf(-x[i], t[i], positive) + hg_log1pf(e));
      slope[i] = ((x[i] < 0.0f ? e : 1.0f) / (1.0f + e) - t[i]) * scale;
    }
    if (gradient != NULL) store_lanes(count - first, slope, gradient + first);
  }
  return fold_double(sum);
}

static inline float clamped_log(float p) {
  float value = hg_logf(p);
  return value < -100.0f ? -100.0f : value;
}

/* As PyTorch's BCELoss: logarithms not below -100, the slope's denominator not below 1e-12. */
static double bce_probabilities(int64_t count, const float *output, const float *target, float scale, float *gradient) {
  double sum[LANES] = {0};
  for (int64_t first = 0; first < count; first += LANES) {
    float p[LANES], t[LANES], slope[LANES];
    load_lanes(count - first, output + first, 0.0f, p);
    load_lanes(count - first, target + first, 0.0f, t);
    for (int i = 0; i < LANES; i++) {
      float rest = 1.0f - p[i];
      float loss = -t[i] * clamped_log(p[i]) - (1.0f - t[i]) * clamped_log(rest);
      sum[i] += (double)loss;
      float below = rest * p[i];
      slope[i] = (p[i] - t[i]) / (below < 1e-12f ? 1e-12f : below) * scale;
    }
    if (gradient != NULL) store_lanes(count - first, slope, gradient + first);
  }
  return fold_double(sum);
}

static float cross_entropy(int count, const float *logits, int label, float smoothing, float scale, float *gradient) {
  float most = largest(count, logits), lane_sum[LANES] = {0}, lane_rest[LANES] = {0};
  for (int first = 0; first < count; first += LANES) {
    float x[LANES], e[LANES];
    int width = count - first < LANES ? count - first : LANES;
    load_lanes(width, logits + first, -INFINITY, x);
    for (int i = 0; i < LANES; i++) {
      e[i] = hg_expf(x[i] - most);
      lane_sum[i] += e[i];
    }
    for (int i = 0; i < width; i++) lane_rest[i] += x[i] - most;
    if (gradient != NULL) store_lanes(width, e, gradient + first);
  }
  float sum = fold(lane_sum), rest = fold(lane_rest) / (float)count, log_sum = hg_logf(sum);
  float loss = (1.0f - smoothing) * (log_sum - (logits[label] - most));
  if (smoothing > 0.0f) loss += smoothing * (log_sum - rest);
  if (gradient == NULL) return loss;
  float even = smoothing / (float)count;
  for (int i = 0; i < count; i++) gradient[i] = (gradient[i] / sum - even) * scale;
  gradient[label] -= (1.0f - smoothing) * scale;
  return loss;
}

static double sum_of_squares(int64_t count, const float *x) {
  double sum[LANES] = {0};
  for (int64_t first = 0; first < count; first += LANES) {
    float lane[LANES];
    load_lanes(count - first, x + first, 0.0f, lane);
    for (int i = 0; i < LANES; i++) sum[i] = fma((double)lane[i], (double)lane[i], sum[i]);
  }
  return fold_double(sum);
}

#endif
