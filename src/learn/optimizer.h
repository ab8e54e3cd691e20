/* Optimizer and schedule over the tensors of a network. */
#ifndef HG_LEARN_OPTIMIZER_H
#define HG_LEARN_OPTIMIZER_H

#include "net/network.h"

/* The moments of every trainable tensor; the number of updates made. */
typedef struct hg_optimizer_state {
  float *moment_1, *moment_2; /* in the order and sizes of the network's trainable tensors; NULL where not used */
  int64_t count;              /* floats in each */
  hg_update *steps;           /* one for each tensor of the network: the update under way */
  int64_t updates[HG_BLOCKS]; /* made so far; a frozen block makes none, so its bias correction starts when it thaws */
} hg_optimizer_state;

hg_code hg_optimizer_init(hg_optimizer_state *state, const hg_optimizer *optimizer, const hg_network *network, hg_error *error);
void hg_optimizer_release(hg_optimizer_state *state);

/* One update of every tensor that is not frozen. Allocates nothing. */
void hg_optimizer_step(hg_optimizer_state *state, const hg_train_settings *settings, double learning_rate, hg_network *network,
                       hg_pool *pool);

/* Forward, losses, backward and the update of every tensor that is not frozen; step as in hg_network_step. Each tensor is
 * updated as soon as its gradient is known, but with clip_norm, which needs them all first. Same bits both ways. Allocates
 * nothing. */
void hg_optimizer_train(hg_optimizer_state *state, const hg_train_settings *settings, double learning_rate, hg_network *network,
                        hg_pool *pool, const hg_batch *batch, uint32_t step, hg_step_result *result);

/* The schedule's factor for an update (from 0) out of `updates` in all, with `per_epoch` of them an epoch. With W updates of
 * warm-up, update u < W has (u + 1) / W; after it x = (u - W) / (updates - W), in [0, 1), is the place in the schedule:
 *   constant    1
 *   step        gamma ^ floor((u - W) / (every * per_epoch))
 *   cosine      final + (1 - final) * (1 + cos(pi x)) / 2
 *   one_cycle   x < peak: initial + (1 - initial) * x / peak, then the cosine from 1 to final over the rest
 *   triangular  the same way up, then 1 + (final - 1) * (x - peak) / (1 - peak) */
double hg_schedule_factor(const hg_schedule *schedule, int64_t update, int64_t updates, int64_t per_epoch);

/* base ^ exponent by products alone, so the same bits with any C library. exponent >= 0. */
double hg_power(double base, int64_t exponent);

/* HG_USAGE names the setting, its value and what it may be. */
hg_code hg_train_settings_check(const hg_train_settings *settings, hg_error *error);

#endif
