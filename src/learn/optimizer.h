/* Optimizer and schedule over the tensors of a network. */
#ifndef HG_LEARN_OPTIMIZER_H
#define HG_LEARN_OPTIMIZER_H

#include "net/network.h"

/* The moments of every trainable tensor; the number of updates made. */
typedef struct hg_optimizer_state {
  float *moment_1, *moment_2; /* in the order and sizes of the network's trainable tensors; NULL where not used */
  int64_t count;              /* floats in each */
  int64_t updates;            /* made so far */
} hg_optimizer_state;

hg_code hg_optimizer_init(hg_optimizer_state *state, const hg_optimizer *optimizer, const hg_network *network, hg_error *error);
void hg_optimizer_release(hg_optimizer_state *state);

/* One update of every tensor that is not frozen. Allocates nothing. */
void hg_optimizer_step(hg_optimizer_state *state, const hg_train_settings *settings, double learning_rate, hg_network *network,
                       hg_pool *pool);

/* The schedule's factor for an update (from 0) out of `updates` in all, with `per_epoch` of them an epoch. */
double hg_schedule_factor(const hg_schedule *schedule, int64_t update, int64_t updates, int64_t per_epoch);

hg_code hg_train_settings_check(const hg_train_settings *settings, hg_error *error);

#endif
