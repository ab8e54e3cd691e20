/* conv2d: cross-correlation with valid, same or replicated padding; weights (kh, kw, in, out). */
#include "ops/conv_check.h"
#include "ops/conv_run.h"
#include "ops/conv_sums.h"
#include "ops/conv_winograd.h"
#include "ops/native.h"
#include "ops/parameters.h"

static hg_code shape(const hg_layer *layer, hg_shape input, hg_shape *output, hg_error *error) {
  hg_code code = hg_conv_check(layer, input, error);
  const int *kernel = layer->kernel_size;
  if (code == HG_OK && layer->padding == HG_VALID && (kernel[0] > input.height || kernel[1] > input.width))
    return hg_fail(error, HG_USAGE, NULL,
                   "kernel %dx%d (valid) does not fit a %dx%dx%d input; use padding: same or a smaller kernel", kernel[0],
                   kernel[1], input.height, input.width, input.channels);
  hg_window y, x;
  if (code == HG_OK)
    code = hg_window_place(input.height, layer->kernel_size[0], layer->strides[0], layer->padding, "height", &y, error);
  if (code == HG_OK)
    code = hg_window_place(input.width, layer->kernel_size[1], layer->strides[1], layer->padding, "width", &x, error);
  if (code != HG_OK) return code;
  *output = (hg_shape){y.out, x.out, layer->filters};
  return hg_shape_check(*output, "output", error);
}

static int parameters(const hg_layer *layer, hg_shape input, hg_shape output, hg_parameter list[HG_OP_PARAMETERS]) {
  int kh = layer->kernel_size[0], kw = layer->kernel_size[1], in = input.channels, out = output.channels;
  hg_parameter weight = {.layout = HG_LAYOUT_CONV, .dim = {kh, kw, in, out}, .fan_in = kh * kw * in, .fan_out = kh * kw * out};
  return hg_weight_and_bias(layer, weight, out, list);
}

static hg_op_memory memory(const hg_op_node *node) { return (hg_op_memory){.scratch = hg_conv_scratch(node, false)}; }

static int64_t multiply_adds(const hg_op_node *node) {
  const int *kernel = node->layer.kernel_size;
  return hg_shape_count(node->output) * kernel[0] * kernel[1] * node->input.channels;
}

static int64_t multiply_adds_done(const hg_op_node *node) {
  hg_conv_map map = hg_conv_map_of(node, false);
  return hg_conv_is_winograd(&map) ? hg_conv_winograd_multiply_adds(&map) : multiply_adds(node);
}

static void forward(const hg_op_call *call) {
  hg_conv_job job = hg_conv_job_of(call, false);
  hg_conv_run_down(&job, hg_conv_finish_of(call), call->input, call->output);
}

static void backward(const hg_op_call *call) {
  hg_conv_job job = hg_conv_job_of(call, false);
  hg_conv_run_gradients(&job);
  if (call->input_gradient != NULL) hg_conv_run_up(&job, (hg_conv_finish){0}, call->output_gradient, call->input_gradient);
}

const hg_op hg_op_conv2d = {.name = "conv2d",
                            .fuses = hg_activation_fuses,
                            .shape = shape,
                            .parameters = parameters,
                            .memory = memory,
                            .multiply_adds = multiply_adds,
                            .multiply_adds_done = multiply_adds_done,
                            .forward = forward,
                            .backward = backward,
                            .backward_reads_input = true,
                            .backward_reads_output = true};
