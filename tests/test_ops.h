/* One operator on its own: placed, filled with random numbers, run forward and backward. */
#ifndef HG_TESTS_TEST_OPS_H
#define HG_TESTS_TEST_OPS_H

#include "base/alloc.h"
#include "base/rng.h"
#include "kernels/isa.h"
#include "ops/op.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct op_case {
  const char *name;
  hg_layer_kind kind;
  hg_shape input;
  int n, batch; /* batch 0 means n */
  int units, filters, kernel[2], strides[2], size[2];
  hg_padding padding;
  hg_activation activation;
  hg_shape shape;
  float rate;
  bool no_bias, evaluation, first_layer;
} op_case;

/* Every kind of layer, every activation, strides, paddings, odd shapes, partial batches. */
static const op_case op_cases[] = {
    {.name = "dense", .kind = HG_DENSE, .input = {1, 1, 13}, .n = 5, .units = 7},
    {.name = "dense of an image", .kind = HG_DENSE, .input = {3, 5, 2}, .n = 3, .batch = 8, .units = 33},
    {.name = "dense relu", .kind = HG_DENSE, .input = {1, 1, 70}, .n = 9, .units = 19, .activation = HG_RELU},
    {.name = "dense leaky_relu", .kind = HG_DENSE, .input = {1, 1, 8}, .n = 4, .units = 16, .activation = HG_LEAKY_RELU},
    {.name = "dense sigmoid", .kind = HG_DENSE, .input = {1, 1, 31}, .n = 2, .units = 65, .activation = HG_SIGMOID},
    {.name = "dense tanh without bias",
     .kind = HG_DENSE,
     .input = {1, 1, 5},
     .n = 3,
     .units = 3,
     .activation = HG_TANH,
     .no_bias = true},
    {.name = "dense first layer", .kind = HG_DENSE, .input = {1, 1, 12}, .n = 17, .units = 10, .first_layer = true},
    {.name = "dense of one unit", .kind = HG_DENSE, .input = {1, 1, 1}, .n = 1, .units = 1},
    {.name = "conv 3x3 same", .kind = HG_CONV2D, .input = {7, 6, 3}, .n = 3, .filters = 5, .kernel = {3, 3}, .padding = HG_SAME},
    {.name = "conv 3x3 valid relu",
     .kind = HG_CONV2D,
     .input = {6, 7, 4},
     .n = 2,
     .batch = 3,
     .filters = 16,
     .kernel = {3, 3},
     .activation = HG_RELU},
    {.name = "conv 3x3 replicate",
     .kind = HG_CONV2D,
     .input = {5, 4, 2},
     .n = 2,
     .filters = 3,
     .kernel = {3, 3},
     .padding = HG_REPLICATE},
    {.name = "conv 5x2 strides 2x1 same",
     .kind = HG_CONV2D,
     .input = {9, 5, 2},
     .n = 2,
     .filters = 6,
     .kernel = {5, 2},
     .strides = {2, 1},
     .padding = HG_SAME},
    {.name = "conv 2x2 same", .kind = HG_CONV2D, .input = {5, 5, 3}, .n = 2, .filters = 4, .kernel = {2, 2}, .padding = HG_SAME},
    {.name = "conv 3x3 strides 2 valid tanh",
     .kind = HG_CONV2D,
     .input = {8, 9, 3},
     .n = 2,
     .filters = 5,
     .kernel = {3, 3},
     .strides = {2, 2},
     .activation = HG_TANH},
    {.name = "conv 4x4 strides 3 replicate",
     .kind = HG_CONV2D,
     .input = {7, 8, 2},
     .n = 2,
     .filters = 3,
     .kernel = {4, 4},
     .strides = {3, 3},
     .padding = HG_REPLICATE},
    {.name = "conv 1x1 sigmoid",
     .kind = HG_CONV2D,
     .input = {4, 5, 19},
     .n = 3,
     .filters = 8,
     .kernel = {1, 1},
     .activation = HG_SIGMOID},
    {.name = "conv 7x7 of one channel",
     .kind = HG_CONV2D,
     .input = {9, 9, 1},
     .n = 2,
     .filters = 32,
     .kernel = {7, 7},
     .padding = HG_SAME,
     .activation = HG_LEAKY_RELU,
     .first_layer = true},
    {.name = "conv to one channel",
     .kind = HG_CONV2D,
     .input = {6, 6, 17},
     .n = 2,
     .filters = 1,
     .kernel = {3, 3},
     .padding = HG_SAME,
     .no_bias = true},
    {.name = "conv wider than the image",
     .kind = HG_CONV2D,
     .input = {2, 2, 3},
     .n = 2,
     .filters = 4,
     .kernel = {5, 5},
     .padding = HG_SAME},
    {.name = "transpose 3x3 strides 2 same",
     .kind = HG_CONV2D_TRANSPOSE,
     .input = {4, 3, 5},
     .n = 2,
     .batch = 4,
     .filters = 3,
     .kernel = {3, 3},
     .strides = {2, 2},
     .padding = HG_SAME},
    {.name = "transpose 2x2 strides 2 valid relu",
     .kind = HG_CONV2D_TRANSPOSE,
     .input = {3, 4, 3},
     .n = 2,
     .filters = 17,
     .kernel = {2, 2},
     .strides = {2, 2},
     .activation = HG_RELU},
    {.name = "transpose 3x3 valid", .kind = HG_CONV2D_TRANSPOSE, .input = {5, 5, 2}, .n = 2, .filters = 4, .kernel = {3, 3}},
    {.name = "transpose 4x3 strides 3x2 same",
     .kind = HG_CONV2D_TRANSPOSE,
     .input = {3, 3, 3},
     .n = 2,
     .filters = 2,
     .kernel = {4, 3},
     .strides = {3, 2},
     .padding = HG_SAME},
    {.name = "max_pool 2x2", .kind = HG_MAX_POOL2D, .input = {8, 6, 16}, .n = 3, .kernel = {2, 2}},
    {.name = "max_pool 2x2 of ten channels", .kind = HG_MAX_POOL2D, .input = {16, 16, 10}, .n = 8, .kernel = {2, 2}},
    {.name = "max_pool 2x2 of 22 channels", .kind = HG_MAX_POOL2D, .input = {5, 6, 22}, .n = 3, .kernel = {2, 2}},
    {.name = "max_pool 2x2 of odd sides", .kind = HG_MAX_POOL2D, .input = {7, 5, 3}, .n = 3, .batch = 5, .kernel = {2, 2}},
    {.name = "max_pool 2x2 same of odd sides",
     .kind = HG_MAX_POOL2D,
     .input = {7, 5, 21},
     .n = 2,
     .kernel = {2, 2},
     .padding = HG_SAME},
    {.name = "max_pool 3x3 strides 2 same",
     .kind = HG_MAX_POOL2D,
     .input = {6, 7, 5},
     .n = 2,
     .kernel = {3, 3},
     .strides = {2, 2},
     .padding = HG_SAME},
    {.name = "max_pool 3x2 strides 1", .kind = HG_MAX_POOL2D, .input = {5, 4, 1}, .n = 2, .kernel = {3, 2}, .strides = {1, 1}},
    {.name = "average_pool 2x2", .kind = HG_AVERAGE_POOL2D, .input = {6, 4, 9}, .n = 3, .kernel = {2, 2}},
    {.name = "average_pool 3x3 strides 2 same",
     .kind = HG_AVERAGE_POOL2D,
     .input = {6, 7, 5},
     .n = 2,
     .batch = 6,
     .kernel = {3, 3},
     .strides = {2, 2},
     .padding = HG_SAME},
    {.name = "average_pool 2x3 strides 1",
     .kind = HG_AVERAGE_POOL2D,
     .input = {5, 5, 1},
     .n = 2,
     .kernel = {2, 3},
     .strides = {1, 1}},
    {.name = "global_average_pool", .kind = HG_GLOBAL_AVERAGE_POOL2D, .input = {5, 7, 11}, .n = 3, .batch = 4},
    {.name = "upsample 2x2", .kind = HG_UPSAMPLE2D, .input = {3, 4, 5}, .n = 2, .size = {2, 2}},
    {.name = "upsample 3x1", .kind = HG_UPSAMPLE2D, .input = {4, 3, 1}, .n = 3, .batch = 4, .size = {3, 1}},
    {.name = "batch_norm", .kind = HG_BATCH_NORM, .input = {4, 5, 3}, .n = 6},
    {.name = "batch_norm relu", .kind = HG_BATCH_NORM, .input = {3, 3, 10}, .n = 7, .batch = 9, .activation = HG_RELU},
    {.name = "batch_norm leaky_relu of 64 channels",
     .kind = HG_BATCH_NORM,
     .input = {2, 3, 64},
     .n = 5,
     .activation = HG_LEAKY_RELU},
    {.name = "batch_norm sigmoid of a vector", .kind = HG_BATCH_NORM, .input = {1, 1, 37}, .n = 40, .activation = HG_SIGMOID},
    {.name = "batch_norm tanh", .kind = HG_BATCH_NORM, .input = {5, 3, 1}, .n = 33, .activation = HG_TANH},
    {.name = "batch_norm in evaluation",
     .kind = HG_BATCH_NORM,
     .input = {3, 2, 6},
     .n = 4,
     .evaluation = true,
     .activation = HG_TANH},
    {.name = "dropout", .kind = HG_DROPOUT, .input = {5, 5, 7}, .n = 3, .batch = 4, .rate = 0.3f},
    {.name = "dropout in many pieces", .kind = HG_DROPOUT, .input = {21, 19, 31}, .n = 3, .rate = 0.5f},
    {.name = "dropout in evaluation", .kind = HG_DROPOUT, .input = {5, 5, 2}, .n = 2, .rate = 0.5f, .evaluation = true},
    {.name = "linear", .kind = HG_ACTIVATION, .input = {3, 3, 3}, .n = 2, .activation = HG_LINEAR},
    {.name = "relu", .kind = HG_ACTIVATION, .input = {3, 5, 7}, .n = 2, .batch = 3, .activation = HG_RELU},
    {.name = "leaky_relu", .kind = HG_ACTIVATION, .input = {3, 5, 7}, .n = 2, .activation = HG_LEAKY_RELU},
    {.name = "gelu", .kind = HG_ACTIVATION, .input = {3, 5, 7}, .n = 2, .activation = HG_GELU},
    {.name = "sigmoid", .kind = HG_ACTIVATION, .input = {3, 5, 7}, .n = 2, .activation = HG_SIGMOID},
    {.name = "tanh", .kind = HG_ACTIVATION, .input = {3, 5, 7}, .n = 2, .activation = HG_TANH},
    {.name = "softmax", .kind = HG_ACTIVATION, .input = {3, 5, 3}, .n = 3, .batch = 4, .activation = HG_SOFTMAX},
    {.name = "softmax of ten", .kind = HG_ACTIVATION, .input = {1, 1, 10}, .n = 3, .activation = HG_SOFTMAX},
};
enum { OP_CASES = sizeof op_cases / sizeof op_cases[0] };

typedef struct placed_op {
  const hg_op *op;
  hg_op_node node;
  hg_op_call call;
  int parameter_count;
  hg_parameter parameters[HG_OP_PARAMETERS];
  int64_t in, out; /* values of a batch of n */
  float *input, *projection;
  float *gradient_buffer; /* of the input; call.input_gradient is NULL for a first layer */
} placed_op;

static inline hg_layer layer_of_case(const op_case *c) {
  hg_layer layer = hg_layer_default(c->kind);
  layer.units = c->units;
  layer.filters = c->filters;
  for (int side = 0; side < 2; side++) {
    if (c->kernel[side] > 0) layer.kernel_size[side] = c->kernel[side];
    if (c->strides[side] > 0) layer.strides[side] = c->strides[side];
    if (c->size[side] > 0) layer.size[side] = c->size[side];
  }
  layer.padding = c->padding;
  layer.activation = c->activation;
  layer.shape = c->shape;
  layer.rate = c->rate;
  layer.use_bias = !c->no_bias;
  return layer;
}

static inline float *random_values(int64_t count, uint64_t stream, double spread) {
  float *values = hg_alloc_aligned((size_t)(count > 0 ? count : 1) * sizeof *values);
  hg_rng rng = hg_rng_at(11, HG_RNG_TEST, 0, stream);
  for (int64_t i = 0; i < count; i++) values[i] = (float)(hg_rng_normal(&rng) * (float)spread);
  return values;
}

static inline int64_t count_of(hg_shape shape) { return (int64_t)shape.height * shape.width * shape.channels; }

static inline void fill_parameters(placed_op *p) {
  for (int i = 0; i < p->parameter_count; i++) {
    int64_t count = hg_parameter_count(&p->parameters[i]);
    p->call.values[i] = random_values(count, 20 + (uint64_t)i, 0.5);
    bool positive = strcmp(p->parameters[i].name, "running_var") == 0;
    for (int64_t k = 0; positive && k < count; k++) p->call.values[i][k] = fabsf(p->call.values[i][k]) + 0.5f;
    if (p->parameters[i].trainable) p->call.gradients[i] = random_values(count, 30 + (uint64_t)i, 1);
  }
}

/* Places a case for an engine. NULL op: the engine cannot do it, and nothing needs to be released. */
static inline placed_op place_case(const op_case *c, hg_engine engine, hg_pool *pool) {
  placed_op p = {.op = hg_op_native(c->kind)};
  hg_error error;
  p.node.layer = layer_of_case(c);
  p.node.input = c->input;
  if (p.op->shape(&p.node.layer, c->input, &p.node.output, &error) != HG_OK) fail_msg("%s: %s", c->name, error.message);
  p.node.index = 3;
  p.node.batch = c->batch > 0 ? c->batch : c->n;
  p.node.threads = hg_pool_threads(pool);
  p.node.training = true;
  p.node.input_gradient = !c->first_layer;
  if (engine == HG_ONEDNN) p.op = hg_op_onednn(&p.node);
  if (p.op == NULL) return p;
  if (p.op->prepare != NULL && p.op->prepare(&p.node, &error) != HG_OK) fail_msg("%s: %s", c->name, error.message);
  p.in = c->n * count_of(p.node.input);
  p.out = c->n * count_of(p.node.output);
  if (p.op->parameters != NULL) p.parameter_count = p.op->parameters(&p.node.layer, p.node.input, p.node.output, p.parameters);
  hg_op_memory memory = p.op->memory != NULL ? p.op->memory(&p.node) : (hg_op_memory){0, 0};
  p.input = random_values(p.in, 1, 1);
  p.projection = random_values(p.out, 2, 1);
  p.gradient_buffer = random_values(p.in, 3, 1);
  p.call = (hg_op_call){.pool = pool, .n = c->n, .training = !c->evaluation, .seed = 5, .step = 7, .input = p.input};
  p.call.output = random_values(p.out, 4, 1);
  p.call.output_gradient = random_values(p.out, 5, 1);
  p.call.input_gradient = c->first_layer ? NULL : p.gradient_buffer;
  p.call.saved = random_values((int64_t)memory.saved, 6, 1);
  p.call.scratch = random_values((int64_t)memory.scratch, 7, 1);
  fill_parameters(&p);
  return p;
}

static inline void run_forward(placed_op *p) {
  p->call.node = &p->node;
  if (p->op->alias)
    memcpy(p->call.output, p->input, (size_t)p->out * sizeof(float));
  else
    p->op->forward(&p->call);
}

static inline void run_backward(placed_op *p) {
  p->call.node = &p->node;
  memcpy(p->call.output_gradient, p->projection, (size_t)p->out * sizeof(float));
  if (p->op->alias)
    memcpy(p->gradient_buffer, p->projection, (size_t)p->out * sizeof(float));
  else
    p->op->backward(&p->call);
}

static inline void release_case(placed_op *p) {
  if (p->op->release != NULL) p->op->release(&p->node);
  float *all[] = {p->input,      p->projection,  p->gradient_buffer, p->call.output, p->call.output_gradient,
                  p->call.saved, p->call.scratch};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) hg_free_aligned(all[i]);
  for (int i = 0; i < p->parameter_count; i++) {
    hg_free_aligned(p->call.values[i]);
    hg_free_aligned(p->call.gradients[i]);
  }
}

#endif
