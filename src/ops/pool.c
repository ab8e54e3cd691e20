/* Pooling: max, average, global average. */
#include "kernels/pointwise.h"
#include "ops/native.h"

/* Strides of 0 mean the pool's size. */
static int stride_of(const hg_layer *layer, int side) {
  return layer->strides[side] == 0 ? layer->kernel_size[side] : layer->strides[side];
}

static hg_code check_settings(const hg_layer *layer, hg_shape input, hg_error *error) {
  enum { MOST = 256 }; /* so that a place in the window fits 16 bits */
  hg_code code = hg_shape_check(input, "input", error);
  if (code != HG_OK) return code;
  if (layer->padding == HG_REPLICATE)
    return hg_fail(error, HG_USAGE, NULL, "pooling has no padding: replicate; use valid or same");
  for (int side = 0; side < 2; side++) {
    if (layer->kernel_size[side] < 1 || layer->kernel_size[side] > MOST)
      return hg_fail(error, HG_USAGE, NULL, "pool_size is %dx%d; both must lie between 1 and %d", layer->kernel_size[0],
                     layer->kernel_size[1], MOST);
    if (layer->strides[side] < 0)
      return hg_fail(error, HG_USAGE, NULL, "strides are %dx%d; they must be at least 1, or 0 for the pool_size",
                     layer->strides[0], layer->strides[1]);
  }
  return HG_OK;
}

static hg_code place_windows(const hg_layer *layer, hg_shape input, hg_window window[2], hg_error *error) {
  hg_code code =
      hg_window_place(input.height, layer->kernel_size[0], stride_of(layer, 0), layer->padding, "height", &window[0], error);
  if (code != HG_OK) return code;
  return hg_window_place(input.width, layer->kernel_size[1], stride_of(layer, 1), layer->padding, "width", &window[1], error);
}

static hg_code pool_shape(const hg_layer *layer, hg_shape input, hg_shape *output, hg_error *error) {
  hg_window window[2];
  hg_code code = check_settings(layer, input, error);
  if (code != HG_OK) return code;
  if (place_windows(layer, input, window, NULL) != HG_OK)
    return hg_fail(error, HG_USAGE, NULL,
                   "pool_size %dx%d does not fit the input %dx%dx%d (height x width x channels) without padding; "
                   "use a smaller pool or padding: same",
                   layer->kernel_size[0], layer->kernel_size[1], input.height, input.width, input.channels);
  *output = (hg_shape){window[0].out, window[1].out, input.channels};
  return HG_OK;
}

hg_pool_shape hg_pool_window(const hg_op_node *node) {
  hg_window window[2];
  place_windows(&node->layer, node->input, window, NULL);
  return (hg_pool_shape){.height = node->input.height,
                         .width = node->input.width,
                         .channels = node->input.channels,
                         .out_height = node->output.height,
                         .out_width = node->output.width,
                         .size = {window[0].size, window[1].size},
                         .stride = {window[0].stride, window[1].stride},
                         .before = {window[0].before, window[1].before}};
}

static void for_samples(const hg_op_call *call, hg_range_task *task) {
  hg_parallel_range(call->pool, call->n, hg_samples_per_task(hg_shape_count(call->node->input)), task, call);
}

/* ---- max_pool2d: saved holds a 16-bit place in the window for every output. */

static hg_op_memory max_memory(const hg_op_node *node) {
  int64_t places = node->batch * hg_shape_count(node->output);
  return (hg_op_memory){.saved = node->training ? (size_t)(places + 1) / 2 : 0};
}

static void max_samples(const void *context, int64_t first, int64_t last) {
  const hg_op_call *call = context;
  hg_pool_shape shape = hg_pool_window(call->node);
  int64_t in = hg_shape_count(call->node->input), out = hg_shape_count(call->node->output);
  uint16_t *place = call->node->training ? (uint16_t *)call->saved : NULL;
  for (int64_t i = first; i < last; i++)
    hg_pointwise()->max_pool(&shape, call->input + i * in, call->output + i * out, place == NULL ? NULL : place + i * out);
}

static void max_samples_gradient(const void *context, int64_t first, int64_t last) {
  const hg_op_call *call = context;
  hg_pool_shape shape = hg_pool_window(call->node);
  int64_t in = hg_shape_count(call->node->input), out = hg_shape_count(call->node->output);
  const uint16_t *place = (const uint16_t *)call->saved;
  for (int64_t i = first; i < last; i++)
    hg_pointwise()->max_pool_gradient(&shape, call->output_gradient + i * out, place + i * out, call->input_gradient + i * in);
}

static void max_forward(const hg_op_call *call) { for_samples(call, max_samples); }

static void max_backward(const hg_op_call *call) {
  if (call->input_gradient != NULL) for_samples(call, max_samples_gradient);
}

const hg_op hg_op_max_pool2d = {
    .name = "max_pool2d",
    .shape = pool_shape,
    .memory = max_memory,
    .forward = max_forward,
    .backward = max_backward,
};

/* ---- average_pool2d and global_average_pool2d, which is one window over the whole image */

static void average_samples(const void *context, int64_t first, int64_t last) {
  const hg_op_call *call = context;
  hg_pool_shape shape = hg_pool_window(call->node);
  int64_t in = hg_shape_count(call->node->input), out = hg_shape_count(call->node->output);
  for (int64_t i = first; i < last; i++) hg_pointwise()->average_pool(&shape, call->input + i * in, call->output + i * out);
}

static void average_samples_gradient(const void *context, int64_t first, int64_t last) {
  const hg_op_call *call = context;
  hg_pool_shape shape = hg_pool_window(call->node);
  int64_t in = hg_shape_count(call->node->input), out = hg_shape_count(call->node->output);
  for (int64_t i = first; i < last; i++)
    hg_pointwise()->average_pool_gradient(&shape, call->output_gradient + i * out, call->input_gradient + i * in);
}

static void average_forward(const hg_op_call *call) { for_samples(call, average_samples); }

static void average_backward(const hg_op_call *call) {
  if (call->input_gradient != NULL) for_samples(call, average_samples_gradient);
}

const hg_op hg_op_average_pool2d = {
    .name = "average_pool2d",
    .shape = pool_shape,
    .forward = average_forward,
    .backward = average_backward,
};

static hg_pool_shape whole_image(const hg_op_node *node) {
  hg_shape in = node->input;
  return (hg_pool_shape){.height = in.height,
                         .width = in.width,
                         .channels = in.channels,
                         .out_height = 1,
                         .out_width = 1,
                         .size = {in.height, in.width},
                         .stride = {1, 1}};
}

static hg_code global_shape(const hg_layer *layer, hg_shape input, hg_shape *output, hg_error *error) {
  (void)layer;
  *output = (hg_shape){1, 1, input.channels};
  return hg_shape_check(input, "input", error);
}

static void global_samples(const void *context, int64_t first, int64_t last) {
  const hg_op_call *call = context;
  hg_pool_shape shape = whole_image(call->node);
  int64_t in = hg_shape_count(call->node->input), out = shape.channels;
  for (int64_t i = first; i < last; i++) hg_pointwise()->average_pool(&shape, call->input + i * in, call->output + i * out);
}

static void global_samples_gradient(const void *context, int64_t first, int64_t last) {
  const hg_op_call *call = context;
  hg_pool_shape shape = whole_image(call->node);
  int64_t in = hg_shape_count(call->node->input), out = shape.channels;
  for (int64_t i = first; i < last; i++)
    hg_pointwise()->average_pool_gradient(&shape, call->output_gradient + i * out, call->input_gradient + i * in);
}

static void global_forward(const hg_op_call *call) { for_samples(call, global_samples); }

static void global_backward(const hg_op_call *call) {
  if (call->input_gradient != NULL) for_samples(call, global_samples_gradient);
}

const hg_op hg_op_global_average_pool2d = {
    .name = "global_average_pool2d",
    .shape = global_shape,
    .forward = global_forward,
    .backward = global_backward,
};
