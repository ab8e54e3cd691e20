#include "base/alloc.h"
#include "learn/checkpoint.h"

#include <string.h>

static int64_t all_floats(const hg_network *network) {
  int64_t count = 0;
  for (int i = 0; i < hg_network_tensor_count(network); i++) count += hg_network_tensor((hg_network *)network, i)->count;
  return count;
}

hg_code hg_train_state_init(hg_train_state *state, const hg_network *network, const hg_train_settings *settings,
                            hg_error *error) {
  memset(state, 0, sizeof *state);
  state->weights_count = all_floats(network);
  state->epoch_capacity = settings->epochs;
  size_t bytes = (size_t)state->weights_count * sizeof(float);
  bool keeps_best = settings->early_stopping.enabled && settings->early_stopping.restore_best_weights;
  state->epochs = hg_calloc((size_t)settings->epochs, sizeof *state->epochs);
  state->good_weights = hg_alloc_aligned(bytes);
  if (keeps_best) state->best_weights = hg_alloc_aligned(bytes);
  if (state->epochs == NULL || state->good_weights == NULL || (keeps_best && state->best_weights == NULL)) {
    return hg_fail_memory(error, "training", bytes);
  }
  hg_weights_copy_out(network, state->good_weights);
  return hg_optimizer_init(&state->optimizer, &settings->optimizer, network, error);
}

void hg_train_state_release(hg_train_state *state) {
  hg_free(state->epochs);
  hg_free_aligned(state->good_weights);
  hg_free_aligned(state->best_weights);
  hg_optimizer_release(&state->optimizer);
  memset(state, 0, sizeof *state);
}

void hg_weights_copy_out(const hg_network *network, float *weights) {
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    const hg_tensor *tensor = hg_network_tensor((hg_network *)network, i);
    memcpy(weights, tensor->value, (size_t)tensor->count * sizeof(float));
    weights += tensor->count;
  }
}

void hg_weights_copy_in(hg_network *network, const float *weights) {
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    hg_tensor *tensor = hg_network_tensor(network, i);
    memcpy(tensor->value, weights, (size_t)tensor->count * sizeof(float));
    weights += tensor->count;
  }
}
