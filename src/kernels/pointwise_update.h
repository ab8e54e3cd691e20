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
#define DUST 1e-30f
static inline float without_dust(float moment) { return fabsf(moment) < DUST ? 0.0f : moment; }

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

static void sgd_row(const hg_update_rule *rule, int64_t count, const float *gradient, float *value, float *momentum) {
  if (momentum == NULL || rule->momentum == 0.0f)
    sgd_plain(rule, count, gradient, value);
  else if (rule->first_step)
    sgd_first_step(rule, count, gradient, value, momentum);
  else
    sgd_momentum(rule, count, gradient, value, momentum);
}

static void sgd(const hg_update_rule *rule, int rows, int64_t columns, const float *gradient, ptrdiff_t gradient_row,
                float *value, float *momentum, ptrdiff_t row) {
  for (int i = 0; i < rows; i++)
    sgd_row(rule, columns, gradient + i * gradient_row, value + i * row, momentum == NULL ? NULL : momentum + i * row);
}

/* sqrt(x) within 2 units in the last place for normal x and 0: Halley's iteration on 1 / sqrt(x). The division beside it keeps
 * the processor's slow unit busy, so that this is nearly free where the machine's own root doubles the time. */
static inline float root_of(float x) {
  float y = hg_float_of_bits(0x5f375a86u - (hg_bits_of_float(x) >> 1));
  float root = x * y, error = fmaf(-root, y, 1.0f);
  y = fmaf(y * error, fmaf(0.375f, error, 0.5f), y);
  root = x * y;
  error = fmaf(-root, y, 1.0f);
  return fmaf(root * error, fmaf(0.375f, error, 0.5f), root);
}

/* What an Adam step takes from its rule, for all elements alike. */
typedef struct adam_factors {
  float scale, most, decay, keep;        /* the gradient's shape, and what is kept of a value before the step */
  float rest_1, beta_2, rest_2, epsilon; /* rest = 1 - beta */
  float rate, root;                      /* both with the correction of their moment */
} adam_factors;

/* So many new values are kept back and stored in one go. Where another processor has read a line it must be taken from it
 * again, and stores wait for each other in their order: in a row such lines come in half the time that they take between the
 * moments' stores. */
enum { STORED_TOGETHER = 256 };

/* `plain`: the gradient is taken as it is; nothing scales, cuts or decays. */
static inline __attribute__((always_inline)) void adam_run(adam_factors f, bool plain, int count, const float *gradient,
                                                           float *value, float *moment_1, float *moment_2) {
  float changed[STORED_TOGETHER];
#pragma GCC ivdep
  for (int i = 0; i < count; i++) {
    float g = plain ? gradient[i] : shaped(gradient[i], value[i], f.scale, f.most, f.decay);
    float m = without_dust(fmaf(f.rest_1, g - moment_1[i], moment_1[i]));
    float v = fmaf(f.rest_2 * g, g, f.beta_2 * moment_2[i]);
    moment_1[i] = m;
    moment_2[i] = v < DUST ? 0.0f : v;
    changed[i] = fmaf(-f.rate, m / fmaf(root_of(v), f.root, f.epsilon), plain ? value[i] : value[i] * f.keep);
  }
  memcpy(value, changed, (size_t)count * sizeof *changed);
}

static inline __attribute__((always_inline)) void adam_rows(adam_factors f, bool plain, int rows, int64_t columns,
                                                            const float *gradient, ptrdiff_t gradient_row, float *value,
                                                            float *moment_1, float *moment_2, ptrdiff_t row) {
  for (int r = 0; r < rows; r++, gradient += gradient_row, value += row, moment_1 += row, moment_2 += row)
    for (int64_t i = 0; i < columns; i += STORED_TOGETHER) {
      int count = columns - i < STORED_TOGETHER ? (int)(columns - i) : STORED_TOGETHER;
      adam_run(f, plain, count, gradient + i, value + i, moment_1 + i, moment_2 + i);
    }
}

static void adam(const hg_update_rule *rule, int rows, int64_t columns, const float *gradient, ptrdiff_t gradient_row,
                 float *value, float *moment_1, float *moment_2, ptrdiff_t row) {
  adam_factors f = {.scale = rule->scale,
                    .most = limit_of(rule),
                    .decay = rule->decoupled ? 0.0f : rule->weight_decay,
                    .keep = rule->decoupled ? 1.0f - rule->learning_rate * rule->weight_decay : 1.0f,
                    .rest_1 = 1.0f - rule->beta_1,
                    .beta_2 = rule->beta_2,
                    .rest_2 = 1.0f - rule->beta_2,
                    .epsilon = rule->epsilon,
                    .rate = rule->learning_rate / rule->correction_1,
                    .root = 1.0f / sqrtf(rule->correction_2)};
  bool plain = f.scale == 1.0f && f.most == INFINITY && f.decay == 0.0f && f.keep == 1.0f;
  if (plain)
    adam_rows(f, true, rows, columns, gradient, gradient_row, value, moment_1, moment_2, row);
  else
    adam_rows(f, false, rows, columns, gradient, gradient_row, value, moment_1, moment_2, row);
}

#endif
