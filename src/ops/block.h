/* A convolution with the layers around it as one operator:
 *
 *   [upsample2d ->] conv2d [-> batch_norm] [-> max_pool2d] [-> dropout]
 *
 * with activations folded into conv2d and batch_norm. An image is taken through all of them while it is in the cache, so
 * that what the layers hand to each other is never in memory: forward writes the pooled values and one byte for each of them
 * (its place in the window, or that nothing goes back); backward spreads their gradient over one image in a worker's memory
 * and takes weight, bias and input gradients from there. batch_norm needs the convolution's map twice more, so that one is
 * kept.
 *
 * Same bits as from the operators one by one: the pieces of the batch, the chains and the trees are theirs. */
#ifndef HG_OPS_BLOCK_H
#define HG_OPS_BLOCK_H

#include "ops/op.h"

/* NULL = the block has none. Activation and parameters are the nodes' own. */
typedef struct hg_conv_block {
  const hg_op_node *upsample, *conv, *norm, *pool, *dropout;
} hg_conv_block;

enum { HG_CONV_BLOCK_NODES = 5 };

/* How many of these nodes, each of which alone reads the one before it, make one block; 0 = the first begins none. */
int hg_conv_block_match(const hg_op_node *const *nodes, int count, hg_conv_block *block);

/* A node of this operator is the block's last with the block in its state. In a call input and input_gradient are the first
 * one's; values and gradients are the convolution's, then batch_norm's. */
extern const hg_op hg_op_conv_block;

#endif
