/* Layers that treat every value, or every pixel, by itself: activation, dropout, upsample2d, flatten, reshape. */
#include "kernels/pointwise.h"
#include "base/rng.h"
#include "ops/native.h"

#include <math.h>
#include <string.h>

enum { PIECE = 1 << 14 }; /* values of a task; a multiple of 64, as dropout's kernel asks */

static int64_t values_of(const hg_op_call *call) { return call->n * hg_shape_count(call->node->output); }

static hg_code same_shape(const hg_layer *layer, hg_shape input, hg_shape *output, hg_error *error) {
  (void)layer;
  *output = input;
  return hg_shape_check(input, "input", error);
}

/* ---- activation */

static hg_code activation_shape(const hg_layer *layer, hg_shape input, hg_shape *output, hg_error *error) {
  hg_code code = hg_activation_check(layer, error);
  return code != HG_OK ? code : same_shape(layer, input, output, error);
}

static void activate_values(const void *context, int64_t first, int64_t last) {
  const hg_op_call *call = context;
  const hg_layer *layer = &call->node->layer;
  hg_pointwise()->activate(layer->activation, layer->negative_slope, last - first, call->input + first, call->output + first);
}

static void activate_values_gradient(const void *context, int64_t first, int64_t last) {
  const hg_op_call *call = context;
  const hg_layer *layer = &call->node->layer;
  const float *value = layer->activation == HG_GELU ? call->input : call->output;
  hg_pointwise()->activate_gradient(layer->activation, layer->negative_slope, last - first, value + first,
                                    call->output_gradient + first, call->input_gradient + first);
}

static void softmax_samples(const void *context, int64_t first, int64_t last) {
  const hg_op_call *call = context;
  int64_t count = hg_shape_count(call->node->output);
  for (int64_t i = first; i < last; i++) hg_pointwise()->softmax(count, call->input + i * count, call->output + i * count);
}

static void softmax_samples_gradient(const void *context, int64_t first, int64_t last) {
  const hg_op_call *call = context;
  int64_t count = hg_shape_count(call->node->output);
  for (int64_t i = first; i < last; i++)
    hg_pointwise()->softmax_gradient(count, call->output + i * count, call->output_gradient + i * count,
                                     call->input_gradient + i * count);
}

static void activation_forward(const hg_op_call *call) {
  if (call->node->layer.activation == HG_SOFTMAX)
    hg_parallel_range(call->pool, call->n, hg_samples_per_task(hg_shape_count(call->node->output)), softmax_samples, call);
  else
    hg_parallel_range(call->pool, values_of(call), PIECE, activate_values, call);
}

static void activation_backward(const hg_op_call *call) {
  if (call->input_gradient == NULL) return;
  if (call->node->layer.activation == HG_SOFTMAX)
    hg_parallel_range(call->pool, call->n, hg_samples_per_task(hg_shape_count(call->node->output)), softmax_samples_gradient,
                      call);
  else
    hg_parallel_range(call->pool, values_of(call), PIECE, activate_values_gradient, call);
}

const hg_op hg_op_activation = {
    .name = "activation",
    .shape = activation_shape,
    .forward = activation_forward,
    .backward = activation_backward,
    .backward_reads_input = true, /* gelu */
    .backward_reads_output = true,
};

/* ---- dropout: which values are dropped is a function of seed, step, layer and place alone, so backward draws again. */

static hg_code dropout_shape(const hg_layer *layer, hg_shape input, hg_shape *output, hg_error *error) {
  if (!(layer->rate >= 0 && layer->rate < 1))
    return hg_fail(error, HG_USAGE, NULL, "rate is %g; it must be at least 0 and below 1", (double)layer->rate);
  return same_shape(layer, input, output, error);
}

typedef struct dropping {
  hg_rng rng;
  uint32_t threshold;
  float scale;
  const float *from;
  float *to;
} dropping;

static void drop_values(const void *context, int64_t first, int64_t last) {
  const dropping *d = context;
  hg_pointwise()->dropout(d->rng.key, d->rng.counter, first, last - first, d->threshold, d->scale, d->from + first,
                          d->to + first);
}

static void copy_values(const void *context, int64_t first, int64_t last) {
  const dropping *d = context;
  memcpy(d->to + first, d->from + first, (size_t)(last - first) * sizeof *d->to);
}

static void drop(const hg_op_call *call, const float *from, float *to) {
  double rate = (double)call->node->layer.rate;
  dropping d = {.rng = hg_rng_at(call->seed, HG_RNG_DROPOUT, call->step, (uint64_t)call->node->index),
                .threshold = (uint32_t)ceil(rate * 0x1p24),
                .scale = (float)(1 / (1 - rate)),
                .from = from,
                .to = to};
  bool drops = call->training && d.threshold > 0;
  hg_parallel_range(call->pool, values_of(call), PIECE, drops ? drop_values : copy_values, &d);
}

static void dropout_forward(const hg_op_call *call) { drop(call, call->input, call->output); }

static void dropout_backward(const hg_op_call *call) {
  if (call->input_gradient != NULL) drop(call, call->output_gradient, call->input_gradient);
}

const hg_op hg_op_dropout = {
    .name = "dropout",
    .shape = dropout_shape,
    .forward = dropout_forward,
    .backward = dropout_backward,
};

/* ---- upsample2d */

static hg_code upsample_shape(const hg_layer *layer, hg_shape input, hg_shape *output, hg_error *error) {
  enum { MOST = 1 << 12 };
  hg_code code = hg_shape_check(input, "input", error);
  if (code != HG_OK) return code;
  if (layer->size[0] < 1 || layer->size[1] < 1 || layer->size[0] > MOST || layer->size[1] > MOST)
    return hg_fail(error, HG_USAGE, NULL, "size is %dx%d; both factors must lie between 1 and %d", layer->size[0], layer->size[1],
                   MOST);
  int64_t height = (int64_t)input.height * layer->size[0], width = (int64_t)input.width * layer->size[1];
  if (height > HG_MOST_VALUES || width > HG_MOST_VALUES)
    return hg_fail(error, HG_USAGE, NULL, "size %dx%d makes an image of the input %dx%dx%d that is too large", layer->size[0],
                   layer->size[1], input.height, input.width, input.channels);
  *output = (hg_shape){(int)height, (int)width, input.channels};
  return hg_shape_check(*output, "output", error);
}

hg_pool_shape hg_upsample_shape(const hg_op_node *node) {
  return (hg_pool_shape){.height = node->input.height,
                         .width = node->input.width,
                         .channels = node->input.channels,
                         .size = {node->layer.size[0], node->layer.size[1]}};
}

static void upsample_samples(const void *context, int64_t first, int64_t last) {
  const hg_op_call *call = context;
  hg_pool_shape shape = hg_upsample_shape(call->node);
  int64_t in = hg_shape_count(call->node->input), out = hg_shape_count(call->node->output);
  for (int64_t i = first; i < last; i++) hg_pointwise()->upsample(&shape, call->input + i * in, call->output + i * out);
}

static void upsample_samples_gradient(const void *context, int64_t first, int64_t last) {
  const hg_op_call *call = context;
  hg_pool_shape shape = hg_upsample_shape(call->node);
  int64_t in = hg_shape_count(call->node->input), out = hg_shape_count(call->node->output);
  for (int64_t i = first; i < last; i++)
    hg_pointwise()->upsample_gradient(&shape, call->output_gradient + i * out, call->input_gradient + i * in);
}

static void upsample_forward(const hg_op_call *call) {
  hg_parallel_range(call->pool, call->n, hg_samples_per_task(hg_shape_count(call->node->output)), upsample_samples, call);
}

static void upsample_backward(const hg_op_call *call) {
  if (call->input_gradient == NULL) return;
  hg_parallel_range(call->pool, call->n, hg_samples_per_task(hg_shape_count(call->node->output)), upsample_samples_gradient,
                    call);
}

const hg_op hg_op_upsample2d = {
    .name = "upsample2d",
    .shape = upsample_shape,
    .forward = upsample_forward,
    .backward = upsample_backward,
};

/* ---- flatten, reshape: the same values under another shape; nothing runs. */

static void do_nothing(const hg_op_call *call) { (void)call; }

static hg_code flatten_shape(const hg_layer *layer, hg_shape input, hg_shape *output, hg_error *error) {
  (void)layer;
  hg_code code = hg_shape_check(input, "input", error);
  if (code != HG_OK) return code;
  *output = (hg_shape){1, 1, (int)hg_shape_count(input)};
  return HG_OK;
}

const hg_op hg_op_flatten = {
    .name = "flatten",
    .shape = flatten_shape,
    .forward = do_nothing,
    .backward = do_nothing,
    .alias = true,
};

static hg_code reshape_shape(const hg_layer *layer, hg_shape input, hg_shape *output, hg_error *error) {
  hg_shape to = layer->shape;
  hg_code code = hg_shape_check(input, "input", error);
  if (code == HG_OK) code = hg_shape_check(to, "shape", error);
  if (code != HG_OK) return code;
  if (hg_shape_count(to) != hg_shape_count(input))
    return hg_fail(error, HG_USAGE, NULL, "shape %dx%dx%d has %lld values, the input %dx%dx%d has %lld", to.height, to.width,
                   to.channels, (long long)hg_shape_count(to), input.height, input.width, input.channels,
                   (long long)hg_shape_count(input));
  *output = to;
  return HG_OK;
}

const hg_op hg_op_reshape = {
    .name = "reshape",
    .shape = reshape_shape,
    .forward = do_nothing,
    .backward = do_nothing,
    .alias = true,
};
