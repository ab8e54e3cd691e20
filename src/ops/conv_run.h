/* The maps of conv_map.h over a batch: cut into tasks, spread over the pool, with each worker's memory. */
#ifndef HG_OPS_CONV_RUN_H
#define HG_OPS_CONV_RUN_H

#include "ops/conv_map.h"

/* What both convolution operators fix before the first batch. Scratch lies as: packed weights, then one stretch for each
 * worker, then the partial sums of the weights' gradient. */
typedef struct hg_conv_job {
  const hg_op_call *call;
  hg_conv_map map;
  bool transposed; /* conv2d_transpose: small is its input, large its output */
} hg_conv_job;

hg_conv_map hg_conv_map_of(const hg_op_node *node, bool transposed);

/* Float count of scratch for this placed layer. */
size_t hg_conv_scratch(const hg_op_node *node, bool transposed);

/* All images down or up with the layer's weight. */
void hg_conv_run_down(const hg_conv_job *job, hg_conv_finish finish, const float *large, float *small);
void hg_conv_run_up(const hg_conv_job *job, hg_conv_finish finish, const float *small, float *large);

/* The first part of backward: dZ = dY * f'(Y) in place of the output's gradient, and from it gradients of weight and bias,
 * over fixed pieces of the batch that are added along a fixed tree. */
void hg_conv_run_gradients(const hg_conv_job *job);

#endif
