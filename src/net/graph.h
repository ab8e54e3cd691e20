/* The inside of hg_network: what graph.c builds, plan.c lays out and exec.c runs. */
#ifndef HG_NET_GRAPH_H
#define HG_NET_GRAPH_H

#include "base/shape.h"
#include "net/network.h"
#include "ops/block.h"

/* A layer as it was added, with its shapes. */
typedef struct hg_graph_layer {
  hg_layer layer;
  hg_shape input, output;
  int place; /* in its block, from 0 */
} hg_graph_layer;

/* A layer or a part of one (its activation) placed for execution, in forward order: encoder, decoder, classifier. */
typedef struct hg_graph_node {
  hg_op_node op;
  const hg_op *implementation;
  hg_block block;
  int place; /* of its layer in the block */
  int input; /* node whose output it reads; -1 = the network's input */
  int parameter_count;
  int tensor[HG_OP_PARAMETERS];
  bool folded_into_loss; /* a last sigmoid or softmax that the loss computes from the logits: no part of a training step */
  bool backward;         /* some trainable tensor is at or before it */
  /* Planned, not built: nodes in a row that run as one operator. The last of them stands for the block, with its
   * implementation; `first` is the one whose input it reads, its own number where it is no block. The others are inside. */
  hg_conv_block conv_block;
  int first;
  bool inside;
  hg_shape order; /* of a vector output: the map it is a flattening of, {0, 0, 0} = none */
} hg_graph_node;

enum { HG_MOST_WHITENED = 256 }; /* values of a patch: their covariance takes the square of that for each patch */

typedef enum hg_step_kind { HG_STEP_FORWARD, HG_STEP_BACKWARD, HG_STEP_LOSS, HG_STEP_ADD } hg_step_kind;

typedef struct hg_step {
  hg_step_kind kind;
  int node;       /* FORWARD, BACKWARD */
  hg_block block; /* LOSS: decoder, classifier, or encoder for the center loss */
} hg_step;

/* A schedule over the arena: what to run in which order, and where everything lies. */
typedef struct hg_plan {
  hg_step *steps;
  int count;
  hg_op_call *calls;              /* one for each node; input is NULL where the node reads the batch itself */
  float **backward_scratch;       /* one for each node: another buffer than the forward scratch in its call */
  const float *output[HG_BLOCKS]; /* (batch, ...) code, reconstruction, probabilities; NULL: none, or the batch itself */
  const float *logits[HG_BLOCKS]; /* what the losses read */
  float *gradient[HG_BLOCKS];     /* what the losses write; NULL in inference, and where nothing is to be trained */
  float *per_sample[HG_BLOCKS];   /* (batch) */
  float *added;                   /* the second head's gradient with respect to the code, for HG_STEP_ADD */
  float *center_scratch;
} hg_plan;

struct hg_network {
  hg_shape input;
  hg_losses losses;
  hg_engine engine;
  hg_graph_layer *layers[HG_BLOCKS];
  int layer_count[HG_BLOCKS];
  size_t layer_capacity[HG_BLOCKS];

  /* Built once, when weights are first wanted. */
  bool built, initialized;
  hg_graph_node *nodes;
  int node_count;
  int last[HG_BLOCKS]; /* last node of each block; -1 = none */
  hg_tensor *tensors;
  int tensor_count, trainable_count;
  float *values, *gradients; /* of all tensors; each starts at a multiple of 64 bytes */
  size_t value_floats, gradient_floats;
  int centers; /* tensor of the center loss, or -1 */
  bool frozen[HG_BLOCKS];

  /* The plan last prepared. */
  hg_pool *pool;
  int batch, evaluated; /* samples of the last forward */
  bool training;
  bool apart; /* for tests: plan every node by itself, no blocks */
  float *arena;
  size_t arena_floats, unshared_floats;
  hg_plan step, forward;
  const float *last_input;
  /* For profiles alone: called after each step of a plan, with its place. NULL = not wanted. */
  void (*after_step)(void *context, int step);
  void *after_step_context;
};

/* Lowers layers to nodes and makes tensors; does nothing if that was done. */
hg_code hg_graph_build(hg_network *network, hg_error *error);
/* The node whose output the block's loss reads: the last one, or the one before an activation folded into the loss; -1 = the
 * input. */
int hg_graph_logits(const hg_network *network, hg_block block);
/* The node that owns the memory of node i's output, behind aliases; -1 = the batch's input. */
int hg_graph_storage(const hg_network *network, int i);
/* True where the block is there and a loss looks at it. */
bool hg_graph_has_loss(const hg_network *network, hg_block block);
/* Drops the plan, not the weights. */
void hg_plan_release(hg_network *network);

#endif
