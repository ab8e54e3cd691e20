#ifndef HG_KERNELS_POINTWISE_LOSS_H
#define HG_KERNELS_POINTWISE_LOSS_H

#include "kernels/pointwise_activation.h"

static double squared_error(int64_t count, const float *output, const float *target, float scale, float *gradient) {
  double sum[LANES] = {0};
  float spare_o[LANES], spare_t[LANES], spare_g[LANES];
  for (int64_t first = 0; first < count; first += LANES) {
    float *place = gradient == NULL ? NULL : gradient + first;
    const float *o = read_lanes(count - first, output + first, 0.0f, spare_o);
    const float *t = read_lanes(count - first, target + first, 0.0f, spare_t);
    float *slope = write_lanes(count - first, place, spare_g);
#pragma GCC ivdep
#pragma GCC unroll 1
    for (int i = 0; i < LANES; i++) {
      float away = o[i] - t[i];
      sum[i] = fma((double)away, (double)away, sum[i]);
      slope[i] = away * (2.0f * scale);
    }
    settle_lanes(count - first, place, spare_g);
  }
  return fold_double(sum);
}

/* max(x, 0) - x t + log(1 + exp(-|x|)); its slope is sigmoid(x) - t. The filler of the last lanes makes their loss 0. */
static double bce_logits(int64_t count, const float *output, const float *target, float scale, float *gradient) {
  double sum[LANES] = {0};
  float spare_x[LANES], spare_t[LANES], spare_g[LANES];
  for (int64_t first = 0; first < count; first += LANES) {
    float *place = gradient == NULL ? NULL : gradient + first;
    const float *x = read_lanes(count - first, output + first, -200.0f, spare_x);
    const float *t = read_lanes(count - first, target + first, 0.0f, spare_t);
    float *slope = write_lanes(count - first, place, spare_g);
#pragma GCC ivdep
    for (int i = 0; i < LANES; i++) {
      float e = hg_expf(-fabsf(x[i]));
      float positive = x[i] < 0.0f ? 0.0f : x[i];
      sum[i] += (double)(fmaf(-x[i], t[i], positive) + hg_log1pf(e));
      slope[i] = ((x[i] < 0.0f ? e : 1.0f) / (1.0f + e) - t[i]) * scale;
    }
    settle_lanes(count - first, place, spare_g);
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
  float spare_p[LANES], spare_t[LANES], spare_g[LANES];
  for (int64_t first = 0; first < count; first += LANES) {
    float *place = gradient == NULL ? NULL : gradient + first;
    const float *p = read_lanes(count - first, output + first, 0.0f, spare_p);
    const float *t = read_lanes(count - first, target + first, 0.0f, spare_t);
    float *slope = write_lanes(count - first, place, spare_g);
#pragma GCC ivdep
    for (int i = 0; i < LANES; i++) {
      float rest = 1.0f - p[i], below = rest * p[i];
      sum[i] += (double)(-t[i] * clamped_log(p[i]) - (1.0f - t[i]) * clamped_log(rest));
      slope[i] = (p[i] - t[i]) / (below < 1e-12f ? 1e-12f : below) * scale;
    }
    settle_lanes(count - first, place, spare_g);
  }
  return fold_double(sum);
}

static float mean_distance(int count, const float *logits, float most) {
  float sum = 0.0f;
  for (int i = 0; i < count; i++) sum += logits[i] - most;
  return sum / (float)count;
}

static float cross_entropy(int count, const float *logits, int label, float smoothing, float scale, float *gradient) {
  float most = largest(count, logits), sum = exponentials(count, logits, most, gradient), log_sum = hg_logf(sum);
  float loss = (1.0f - smoothing) * (log_sum - (logits[label] - most));
  if (smoothing > 0.0f) loss += smoothing * (log_sum - mean_distance(count, logits, most));
  if (gradient == NULL) return loss;
  float even = smoothing / (float)count;
  for (int i = 0; i < count; i++) gradient[i] = (gradient[i] / sum - even) * scale;
  gradient[label] -= (1.0f - smoothing) * scale;
  return loss;
}

static double sum_of_squares(int64_t count, const float *x) {
  double sum[LANES] = {0};
  float spare[LANES];
  for (int64_t first = 0; first < count; first += LANES) {
    const float *lane = read_lanes(count - first, x + first, 0.0f, spare);
    for (int i = 0; i < LANES; i++) sum[i] = fma((double)lane[i], (double)lane[i], sum[i]);
  }
  return fold_double(sum);
}

#endif
