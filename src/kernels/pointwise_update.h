#ifndef HG_KERNELS_POINTWISE_UPDATE_H
#define HG_KERNELS_POINTWISE_UPDATE_H

#include "kernels/pointwise_lanes.h"

/* The gradient as the optimizer sees it: scaled, cut to [-most, most], with the L2 term added last, as in PyTorch. */
static inline float shaped(float gradient, float value, float scale, float most, float decay) {
  float g = gradient * scale;
  g = g > most ? most : g;
  g = g < -most ? -most : g;
  return fmaf(decay, value, g);
}

/* The average of gradients that stay 0 (a dead unit's) shrinks until it is subnormal and, by rounding, stays so; every
 * later step would pay for it. Below this it no longer moves a weight. */
static inline float without_dust(float moment) { return fabsf(moment) < 1e-30f ? 0.0f : moment; }

static inline float limit_of(const hg_update_rule *rule) { return rule->clip_value > 0.0f ? rule->clip_value : INFINITY; }

static void sgd_plain(const hg_update_rule *rule, int64_t count, const float *restrict gradient, float *restrict value) {
  float rate = rule->learning_rate, scale = rule->scale, most = limit_of(rule), decay = rule->weight_decay;
  for (int64_t i = 0; i < count; i++) value[i] = fmaf(-rate, shaped(gradient[i], value[i], scale, most, decay), value[i]);
}

static void sgd_first_step(const hg_update_rule *rule, int64_t count, const float *restrict gradient, float *restrict value,
                           float *restrict momentum) {
  float rate = rule->learning_rate, scale = rule->scale, most = limit_of(rule), decay = rule->weight_decay;
  float ahead = rule->nesterov ? rule->momentum : 0.0f;
  for (int64_t i = 0; i < count; i++) {
    float g = shaped(gradient[i], value[i], scale, most, decay);
    momentum[i] = g;
    value[i] = fmaf(-rate, fmaf(ahead, g, g), value[i]);
  }
}

static void sgd_momentum(const hg_update_rule *rule, int64_t count, const float *restrict gradient, float *restrict value,
                         float *restrict momentum) {
  float rate = rule->learning_rate, scale = rule->scale, most = limit_of(rule), decay = rule->weight_decay;
  float factor = rule->momentum;
  bool nesterov = rule->nesterov;
  for (int64_t i = 0; i < count; i++) {
    float g = shaped(gradient[i], value[i], scale, most, decay);
    float m = without_dust(fmaf(factor, momentum[i], g));
    momentum[i] = m;
    value[i] = fmaf(-rate, nesterov ? fmaf(factor, m, g) : m, value[i]);
  }
}

static void sgd(const hg_update_rule *rule, int64_t count, const float *gradient, float *value, float *momentum) {
  if (momentum == NULL || rule->momentum == 0.0f)
    sgd_plain(rule, count, gradient, value);
  else if (rule->first_step)
    sgd_first_step(rule, count, gradient, value, momentum);
  else
    sgd_momentum(rule, count, gradient, value, momentum);
}

static void adam(const hg_update_rule *rule, int64_t count, const float *restrict gradient, float *restrict value,
                 float *restrict moment_1, float *restrict moment_2) {
  float scale = rule->scale, most = limit_of(rule), decay = rule->decoupled ? 0.0f : rule->weight_decay;
  float keep = rule->decoupled ? 1.0f - rule->learning_rate * rule->weight_decay : 1.0f;
  float rate = rule->learning_rate / rule->correction_1, root = sqrtf(rule->correction_2);
  float rest_1 = 1.0f - rule->beta_1, beta_2 = rule->beta_2, rest_2 = 1.0f - rule->beta_2, epsilon = rule->epsilon;
  for (int64_t i = 0; i < count; i++) {
    float g = shaped(gradient[i], value[i], scale, most, decay);
    float m = without_dust(fmaf(rest_1, g - moment_1[i], moment_1[i]));
    float v = without_dust(fmaf(rest_2 * g, g, beta_2 * moment_2[i]));
    moment_1[i] = m;
    moment_2[i] = v;
    value[i] = fmaf(-rate, m / (sqrtf(v) / root + epsilon), value[i] * keep);
  }
}

#endif
