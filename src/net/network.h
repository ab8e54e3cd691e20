/* Inside a network: definition (graph.c), initial weights (initialize.c), memory and schedule (plan.c), execution (exec.c),
 * weights (weights.c).
 *
 * Life: hg_network_new -> _add ... -> hg_network_initialize or _load -> hg_network_prepare -> hg_network_step / _forward.
 * The public half of this interface stands in hourglass.h. */
#ifndef HG_NET_NETWORK_H
#define HG_NET_NETWORK_H

#include "base/parallel.h"
#include "data/batches.h"
#include "ops/op.h"

/* One tensor of a network. Trainable ones come first in hg_network_tensor's order and lie in one contiguous run. */
typedef struct hg_tensor {
  char name[128];         /* PyTorch's: encoder.0.weight; center_loss.centers */
  hg_parameter parameter; /* layout and shape as the engine holds it */
  hg_block block;
  int64_t count;
  float *value;
  float *gradient; /* NULL if not trainable */
  bool frozen;     /* no gradient is computed, no update applies */
  bool unwhitened; /* HG_INIT_WHITENING, and its values are not the data's yet */
  /* A vector that is a flattened map of some shape runs in H, W, C order here and in C, H, W order in PyTorch. These are the
   * shapes behind a dense weight's inputs, and behind its outputs or a vector's elements; {0, 0, 0} where there is none. */
  hg_shape flattened_in, flattened_out;
} hg_tensor;

int hg_network_tensor_count(const hg_network *network);
hg_tensor *hg_network_tensor(hg_network *network, int index);

/* Freezes or unfreezes the trainable tensors of a block, but for those of layers that are frozen themselves; effective from the
 * next hg_network_prepare. batch_norm layers of a frozen block still use batch statistics in training, as in PyTorch's
 * requires_grad = False. */
void hg_network_freeze(hg_network *network, hg_block block, bool frozen);
bool hg_network_is_frozen(const hg_network *network, hg_block block);

const char *hg_block_name(hg_block block); /* encoder, decoder, classifier */
bool hg_network_has(const hg_network *network, hg_block block);
hg_shape hg_network_input_shape(const hg_network *network);
hg_shape hg_network_block_output(const hg_network *network, hg_block block); /* the encoder's is the code; input if no encoder */
int hg_network_classes(const hg_network *network);                           /* 0 without classifier */
const hg_losses *hg_network_losses(const hg_network *network);
hg_engine hg_network_engine(const hg_network *network);
bool hg_network_initialized(const hg_network *network);

/* Compiles the plan for batches of at most `batch` samples on this pool (kept, not owned; may be NULL). training = a
 * backward pass is wanted. Calling it again with other values compiles anew; weights stay. Needs losses where training. */
hg_code hg_network_prepare(hg_network *network, int batch, bool training, hg_pool *pool, hg_error *error);

/* Means over the batch. NaN where the network has no such loss. */
typedef struct hg_step_result {
  double loss; /* weighted sum */
  double reconstruction_loss, classification_loss, center_loss;
  int64_t correct; /* rows whose largest logit is the label's */
} hg_step_result;

/* Forward, losses, backward on one batch: gradients stand in the tensors afterwards; running statistics and centers have
 * moved; weights have not. step = training steps done so far in the run (addresses dropout). Allocates nothing. */
void hg_network_step(hg_network *network, const hg_batch *batch, uint64_t seed, uint32_t step, hg_step_result *result);

/* The same with the update of every tensor that is trained, made as soon as its gradient is known and while it is in the
 * caches: updates[i] is tensor i's, complete. The weights have the bits that a step and then the updates
 * would give them. Afterwards the tensors' gradients are not to be read. */
void hg_network_update_step(hg_network *network, const hg_batch *batch, uint64_t seed, uint32_t step, const hg_update *updates,
                            hg_step_result *result);

/* Forward and losses without training: dropout off, running statistics. batch->target and labels may be NULL: no losses then.
 * Afterwards the outputs below hold this batch. */
void hg_network_forward(hg_network *network, const hg_batch *batch, hg_step_result *result);

/* Outputs of the last hg_network_forward, in the plan's memory; NULL where the block is missing. */
const float *hg_network_code(const hg_network *network);           /* (n, code shape) */
const float *hg_network_reconstruction(const hg_network *network); /* (n, input shape), after the sigmoid */
const float *hg_network_logits(const hg_network *network);         /* (n, classes) */

/* Copies the weights of a block's layers, by name, between two networks that have theirs. HG_USAGE names the first tensor
 * that `from` lacks or has in another shape; nothing is changed then. */
hg_code hg_network_copy_block(hg_network *network, const hg_network *from, hg_block block, hg_error *error);

/* SHA-256 over names and values of all tensors in order, lower-case hexadecimal (HG_SHA256_SIZE bytes). */
hg_code hg_network_digest(const hg_network *network, char *out, hg_error *error);

/* ---- What `show` prints. */
typedef struct hg_layer_info {
  hg_block block;
  hg_layer layer; /* names filled in */
  hg_shape input, output;
  int64_t parameters;         /* trainable */
  int64_t frozen;             /* of these, the ones that the layer itself keeps at their first values */
  int64_t multiply_adds;      /* one sample, forward, direct algorithm */
  int64_t multiply_adds_done; /* really done in inference, and by engine native in training too */
  int64_t activation_bytes;   /* one sample's output */
} hg_layer_info;

int hg_network_layer_count(const hg_network *network);
void hg_network_layer_info(const hg_network *network, int index, hg_layer_info *info);

typedef struct hg_memory_info {
  size_t weights, gradients, arena, arena_without_sharing;
} hg_memory_info;
/* Of the plan last prepared; zeros before. */
void hg_network_memory_info(const hg_network *network, hg_memory_info *info);

#endif
