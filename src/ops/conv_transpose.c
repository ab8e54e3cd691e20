/* conv2d_transpose: the gradient of conv2d with respect to its input, as a layer; weights (kh, kw, in, out). `valid` gives
 * (in - 1) * stride + kernel, `same` gives in * stride. */
#include "ops/conv_check.h"
#include "ops/conv_run.h"
#include "ops/conv_sums.h"
#include "ops/native.h"
#include "ops/parameters.h"

static int64_t output_side(const hg_layer *layer, int in, int side) {
  int64_t kernel = layer->kernel_size[side], stride = layer->strides[side];
  return layer->padding == HG_SAME ? in * stride : (in - 1) * stride + kernel;
}

static hg_code shape(const hg_layer *layer, hg_shape input, hg_shape *output, hg_error *error) {
  if (layer->padding == HG_REPLICATE)
    return hg_fail(error, HG_USAGE, NULL, "conv2d_transpose has no replicate padding; choose valid or same");
  hg_code code = hg_conv_check(layer, input, error);
  if (code != HG_OK) return code;
  int64_t height = output_side(layer, input.height, 0), width = output_side(layer, input.width, 1);
  if (height > HG_MOST_VALUES || width > HG_MOST_VALUES)
    return hg_fail(error, HG_USAGE, NULL, "kernel %dx%d with strides %dx%d makes too large an output from a %dx%dx%d input",
                   layer->kernel_size[0], layer->kernel_size[1], layer->strides[0], layer->strides[1], input.height, input.width,
                   input.channels);
  *output = (hg_shape){(int)height, (int)width, layer->filters};
  return hg_shape_check(*output, "output", error);
}

static int parameters(const hg_layer *layer, hg_shape input, hg_shape output, hg_parameter list[HG_OP_PARAMETERS]) {
  int kh = layer->kernel_size[0], kw = layer->kernel_size[1], in = input.channels, out = output.channels;
  /* Keras and PyTorch read the weight as conv2d's from out to in, and count the fans so. */
  hg_parameter weight = {
      .layout = HG_LAYOUT_CONV_TRANSPOSE, .dim = {kh, kw, in, out}, .fan_in = kh * kw * out, .fan_out = kh * kw * in};
  return hg_weight_and_bias(layer, weight, out, list);
}

static hg_op_memory memory(const hg_op_node *node) { return (hg_op_memory){.scratch = hg_conv_scratch(node, true)}; }

static int64_t multiply_adds(const hg_op_node *node) {
  const int *kernel = node->layer.kernel_size;
  return hg_shape_count(node->input) * kernel[0] * kernel[1] * node->output.channels;
}

static void forward(const hg_op_call *call) {
  hg_conv_job job = hg_conv_job_of(call, true);
  hg_conv_run_up(&job, hg_conv_finish_of(call), call->input, call->output);
}

static void backward(const hg_op_call *call) {
  hg_conv_job job = hg_conv_job_of(call, true);
  hg_conv_run_gradients(&job);
  if (call->input_gradient != NULL) hg_conv_run_down(&job, (hg_conv_finish){0}, call->output_gradient, call->input_gradient);
}

const hg_op hg_op_conv2d_transpose = {.name = "conv2d_transpose",
                                      .fuses = hg_activation_fuses,
                                      .shape = shape,
                                      .parameters = parameters,
                                      .memory = memory,
                                      .multiply_adds = multiply_adds,
                                      .forward = forward,
                                      .backward = backward,
                                      .backward_reads_input = true,
                                      .backward_reads_output = true};
