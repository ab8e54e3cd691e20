#include "learn/optimizer.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

static int64_t trainable_floats(const hg_network *network) {
  int64_t count = 0;
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    const hg_tensor *tensor = hg_network_tensor((hg_network *)network, i);
    if (tensor->gradient != NULL) count += tensor->count;
  }
  return count;
}

hg_code hg_optimizer_init(hg_optimizer_state *state, const hg_optimizer *optimizer, const hg_network *network, hg_error *error) {
  memset(state, 0, sizeof *state);
  state->count = trainable_floats(network);
  size_t bytes = (size_t)state->count * sizeof(float), tensors = (size_t)hg_network_tensor_count(network);
  state->steps = hg_calloc(tensors, sizeof *state->steps);
  if (state->steps == NULL) return hg_fail_memory(error, "optimizer", tensors * sizeof *state->steps);
  bool adaptive = optimizer->kind != HG_SGD;
  if (adaptive || optimizer->momentum > 0) {
    state->moment_1 = hg_alloc_aligned(bytes);
    if (state->moment_1 == NULL) {
      hg_optimizer_release(state);
      return hg_fail_memory(error, "optimizer", bytes);
    }
  }
  if (adaptive) {
    state->moment_2 = hg_alloc_aligned(bytes);
    if (state->moment_2 == NULL) {
      hg_optimizer_release(state);
      return hg_fail_memory(error, "optimizer", bytes);
    }
  }
  return HG_OK;
}

void hg_optimizer_release(hg_optimizer_state *state) {
  hg_free_aligned(state->moment_1);
  hg_free_aligned(state->moment_2);
  hg_free(state->steps);
  memset(state, 0, sizeof *state);
}

/* The factor that brings the norm over all gradients down to `most`, as torch.nn.utils.clip_grad_norm_. */
static double clipping_scale(float most, hg_network *network, hg_pool *pool) {
  if (most <= 0) return 1;
  double squares = 0;
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    const hg_tensor *tensor = hg_network_tensor(network, i);
    if (tensor->gradient != NULL && !tensor->frozen) squares += hg_sum_of_squares(pool, tensor->gradient, tensor->count);
  }
  double scale = most / (sqrt(squares) + 1e-6);
  return scale < 1 ? scale : 1;
}

/* The update of every tensor of a block; tensor, moments and count are filled in for each. */
static hg_update update_of_block(const hg_optimizer_state *state, const hg_train_settings *settings, hg_block block,
                                 double learning_rate, double scale) {
  const hg_optimizer *optimizer = &settings->optimizer;
  int64_t t = state->updates[block];
  return (hg_update){
      .learning_rate = (float)(learning_rate * (double)settings->block_learning_rate[block]),
      .weight_decay = optimizer->weight_decay,
      .scale = (float)scale,
      .clip_value = settings->clip_value,
      .momentum = optimizer->momentum,
      .nesterov = optimizer->nesterov,
      .first_step = t == 1,
      .beta_1 = optimizer->beta_1,
      .beta_2 = optimizer->beta_2,
      .epsilon = optimizer->epsilon,
      .correction_1 = (float)(1 - hg_power(optimizer->beta_1, t)),
      .correction_2 = (float)(1 - hg_power(optimizer->beta_2, t)),
      .decoupled = optimizer->kind == HG_ADAMW,
      .adaptive = optimizer->kind != HG_SGD,
  };
}

/* A block makes an update when one of its tensors is trained. */
static void count_updates(hg_optimizer_state *state, hg_network *network) {
  bool trained[HG_BLOCKS] = {false};
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    const hg_tensor *tensor = hg_network_tensor(network, i);
    if (tensor->gradient != NULL && !tensor->frozen) trained[tensor->block] = true;
  }
  for (int block = 0; block < HG_BLOCKS; block++) state->updates[block] += trained[block];
}

/* Counts the update and fills in the step of every tensor; one of no values where nothing is to be updated. */
static void prepare_steps(hg_optimizer_state *state, const hg_train_settings *settings, double learning_rate, double scale,
                          hg_network *network) {
  hg_update updates[HG_BLOCKS];
  count_updates(state, network);
  for (int block = 0; block < HG_BLOCKS; block++) {
    updates[block] = update_of_block(state, settings, (hg_block)block, learning_rate, scale);
  }
  int64_t offset = 0; /* of the tensor in the moments */
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    hg_tensor *tensor = hg_network_tensor(network, i);
    hg_update *update = &state->steps[i];
    *update = updates[tensor->block];
    if (tensor->gradient == NULL) continue;
    if (strcmp(tensor->parameter.name, "bias") == 0) {
      update->learning_rate *= settings->bias_learning_rate;
      update->weight_decay /= settings->bias_learning_rate; /* it shrinks what it shrinks at every rate */
    }
    update->count = tensor->frozen ? 0 : tensor->count;
    update->value = tensor->value;
    update->gradient = tensor->gradient;
    update->moment_1 = state->moment_1 == NULL ? NULL : state->moment_1 + offset;
    update->moment_2 = state->moment_2 == NULL ? NULL : state->moment_2 + offset;
    offset += tensor->count;
  }
}

void hg_optimizer_step(hg_optimizer_state *state, const hg_train_settings *settings, double learning_rate, hg_network *network,
                       hg_pool *pool) {
  prepare_steps(state, settings, learning_rate, clipping_scale(settings->clip_norm, network, pool), network);
  for (int i = 0; i < hg_network_tensor_count(network); i++) hg_update_apply(pool, &state->steps[i]);
}

void hg_optimizer_train(hg_optimizer_state *state, const hg_train_settings *settings, double learning_rate, hg_network *network,
                        hg_pool *pool, const hg_batch *batch, uint32_t step, hg_step_result *result) {
  if (settings->clip_norm > 0) {
    hg_network_step(network, batch, settings->seed, step, result);
    hg_optimizer_step(state, settings, learning_rate, network, pool);
    return;
  }
  prepare_steps(state, settings, learning_rate, 1, network);
  hg_network_update_step(network, batch, settings->seed, step, state->steps, result);
}
