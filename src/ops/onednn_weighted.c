/* Layers with a weight and a bias over oneDNN: dense (inner product), conv2d, conv2d_transpose (deconvolution). They differ
 * in the descriptors alone. */
#include "ops/onednn.h"

/* Everything the three kinds of descriptors are made from. */
typedef struct geometry {
  dnnl_memory_desc_t input, output; /* ours, and the library's too */
  dnnl_memory_desc_t weight;        /* ours */
  dnnl_memory_desc_t any_weight;    /* left to the library */
  dnnl_memory_desc_t bias;          /* of rank 0 where there is none */
  dnnl_dims_t strides, before, after;
} geometry;

static geometry dense_geometry(const hg_op_node *node, int n) {
  dnnl_dims_t dims = {node->output.channels, hg_shape_count(node->input)};
  return (geometry){.input = hg_onednn_rows(n, node->input),
                    .output = hg_onednn_rows(n, node->output),
                    .weight = hg_onednn_tensor(2, dims, dnnl_io),
                    .any_weight = hg_onednn_tensor(2, dims, dnnl_format_tag_any)};
}

/* Padding on one side of an image: `small` is the side of the convolution's output, `large` of its input. */
static void pad(geometry *g, int side, hg_padding padding, int large, int small, int kernel, int stride) {
  int64_t total = (int64_t)(small - 1) * stride + kernel - large;
  if (padding == HG_VALID || total < 0) total = 0;
  g->strides[side] = stride;
  g->before[side] = total / 2;
  g->after[side] = total - total / 2;
}

static geometry conv_geometry(const hg_op_node *node, int n) {
  const hg_layer *layer = &node->layer;
  bool transposed = layer->kind == HG_CONV2D_TRANSPOSE;
  dnnl_dims_t dims = {node->output.channels, node->input.channels, layer->kernel_size[0], layer->kernel_size[1]};
  hg_shape large = transposed ? node->output : node->input, small = transposed ? node->input : node->output;
  geometry g = {.input = hg_onednn_images(n, node->input),
                .output = hg_onednn_images(n, node->output),
                .weight = hg_onednn_tensor(4, dims, dnnl_hwio),
                .any_weight = hg_onednn_tensor(4, dims, dnnl_format_tag_any)};
  pad(&g, 0, layer->padding, large.height, small.height, layer->kernel_size[0], layer->strides[0]);
  pad(&g, 1, layer->padding, large.width, small.width, layer->kernel_size[1], layer->strides[1]);
  return g;
}

static geometry geometry_of(const hg_op_node *node, int n) {
  geometry g = node->layer.kind == HG_DENSE ? dense_geometry(node, n) : conv_geometry(node, n);
  if (node->layer.use_bias) g.bias = hg_onednn_vector(node->output.channels);
  return g;
}

/* One of the library's descriptors; the kind of layer says which. */
typedef union descriptor {
  dnnl_inner_product_desc_t dense;
  dnnl_convolution_desc_t conv; /* deconvolution's is the same type */
} descriptor;

static bool describe_forward(hg_layer_kind kind, const geometry *g, bool training, descriptor *d) {
  dnnl_prop_kind_t kind_of_pass = training ? dnnl_forward_training : dnnl_forward_inference;
  const dnnl_memory_desc_t *bias = g->bias.ndims > 0 ? &g->bias : NULL;
  switch (kind) {
    case HG_DENSE:
      return dnnl_inner_product_forward_desc_init(&d->dense, kind_of_pass, &g->input, &g->any_weight, bias, &g->output) ==
             dnnl_success;
    case HG_CONV2D:
      return dnnl_convolution_forward_desc_init(&d->conv, kind_of_pass, dnnl_convolution_direct, &g->input, &g->any_weight, bias,
                                                &g->output, g->strides, g->before, g->after) == dnnl_success;
    default:
      return dnnl_deconvolution_forward_desc_init(&d->conv, kind_of_pass, dnnl_deconvolution_direct, &g->input, &g->any_weight,
                                                  bias, &g->output, g->strides, g->before, g->after) == dnnl_success;
  }
}

static bool describe_data(hg_layer_kind kind, const geometry *g, descriptor *d) {
  switch (kind) {
    case HG_DENSE:
      return dnnl_inner_product_backward_data_desc_init(&d->dense, &g->input, &g->any_weight, &g->output) == dnnl_success;
    case HG_CONV2D:
      return dnnl_convolution_backward_data_desc_init(&d->conv, dnnl_convolution_direct, &g->input, &g->any_weight, &g->output,
                                                      g->strides, g->before, g->after) == dnnl_success;
    default:
      return dnnl_deconvolution_backward_data_desc_init(&d->conv, dnnl_deconvolution_direct, &g->input, &g->any_weight,
                                                        &g->output, g->strides, g->before, g->after) == dnnl_success;
  }
}

static bool describe_weights(hg_layer_kind kind, const geometry *g, descriptor *d) {
  const dnnl_memory_desc_t *bias = g->bias.ndims > 0 ? &g->bias : NULL;
  switch (kind) {
    case HG_DENSE:
      return dnnl_inner_product_backward_weights_desc_init(&d->dense, &g->input, &g->any_weight, bias, &g->output) ==
             dnnl_success;
    case HG_CONV2D:
      return dnnl_convolution_backward_weights_desc_init(&d->conv, dnnl_convolution_direct, &g->input, &g->any_weight, bias,
                                                         &g->output, g->strides, g->before, g->after) == dnnl_success;
    default:
      return dnnl_deconvolution_backward_weights_desc_init(&d->conv, dnnl_deconvolution_direct, &g->input, &g->any_weight, bias,
                                                           &g->output, g->strides, g->before, g->after) == dnnl_success;
  }
}

static bool make_forward(const hg_onednn *library, const hg_op_node *node, const geometry *g, hg_onednn_variant *variant) {
  hg_onednn_step *step = &variant->step[HG_ONEDNN_FORWARD];
  descriptor d;
  dnnl_primitive_attr_t attr;
  bool made = hg_onednn_fuse(&node->layer, &attr) && describe_forward(node->layer.kind, g, variant->training, &d) &&
              hg_onednn_step_make(library, step, &d, attr, NULL) &&
              hg_onednn_step_add(library, step, DNNL_ARG_SRC, false, &g->input) &&
              hg_onednn_step_add(library, step, DNNL_ARG_WEIGHTS, false, &g->weight) &&
              hg_onednn_step_add(library, step, DNNL_ARG_DST, true, &g->output) &&
              (g->bias.ndims == 0 || hg_onednn_step_add(library, step, DNNL_ARG_BIAS, false, &g->bias));
  if (attr != NULL) dnnl_primitive_attr_destroy(attr);
  return made;
}

static bool make_data(const hg_onednn *library, const hg_op_node *node, const geometry *g, hg_onednn_variant *variant) {
  hg_onednn_step *step = &variant->step[HG_ONEDNN_DATA];
  descriptor d;
  return describe_data(node->layer.kind, g, &d) &&
         hg_onednn_step_make(library, step, &d, NULL, &variant->step[HG_ONEDNN_FORWARD]) &&
         hg_onednn_step_add(library, step, DNNL_ARG_DIFF_DST, false, &g->output) &&
         hg_onednn_step_add(library, step, DNNL_ARG_WEIGHTS, false, &g->weight) &&
         hg_onednn_step_add(library, step, DNNL_ARG_DIFF_SRC, true, &g->input);
}

static bool make_weights(const hg_onednn *library, const hg_op_node *node, const geometry *g, hg_onednn_variant *variant) {
  hg_onednn_step *step = &variant->step[HG_ONEDNN_WEIGHTS];
  descriptor d;
  return describe_weights(node->layer.kind, g, &d) &&
         hg_onednn_step_make(library, step, &d, NULL, &variant->step[HG_ONEDNN_FORWARD]) &&
         hg_onednn_step_add(library, step, DNNL_ARG_SRC, false, &g->input) &&
         hg_onednn_step_add(library, step, DNNL_ARG_DIFF_DST, false, &g->output) &&
         hg_onednn_step_add(library, step, DNNL_ARG_DIFF_WEIGHTS, true, &g->weight) &&
         (g->bias.ndims == 0 || hg_onednn_step_add(library, step, DNNL_ARG_DIFF_BIAS, true, &g->bias));
}

static bool make(const hg_onednn *library, const hg_op_node *node, hg_onednn_variant *variant) {
  geometry g = geometry_of(node, variant->n);
  if (!make_forward(library, node, &g, variant)) return false;
  if (!variant->training) return true;
  return hg_onednn_activation_step(library, &node->layer, &g.output, &variant->step[HG_ONEDNN_ACTIVATION]) &&
         (!node->input_gradient || make_data(library, node, &g, variant)) && make_weights(library, node, &g, variant);
}

static hg_code prepare(hg_op_node *node, hg_error *error) { return hg_onednn_prepare(node, make, error); }

/* ---- execution */

static void forward(const hg_op_call *call) {
  const hg_onednn_variant *variant = hg_onednn_variant_of(call);
  if (variant == NULL) {
    hg_op_native(call->node->layer.kind)->forward(call);
    return;
  }
  hg_onednn_step_run(hg_onednn_of(call->node), &variant->step[HG_ONEDNN_FORWARD], NULL,
                     (const void *[]){call->input, call->values[0], call->output, call->values[1]});
}

/* The library gives both gradients or none; where one alone is wanted the native operator does it. */
static bool wants_one_gradient(const hg_op_call *call) {
  return call->node->layer.use_bias && (call->gradients[0] == NULL) != (call->gradients[1] == NULL);
}

static void backward(const hg_op_call *call) {
  const hg_onednn_variant *variant = call->training && !wants_one_gradient(call) ? hg_onednn_variant_of(call) : NULL;
  if (variant == NULL) {
    hg_op_native(call->node->layer.kind)->backward(call);
    return;
  }
  const hg_onednn *library = hg_onednn_of(call->node);
  hg_onednn_run_activation(library, variant, call);
  if (call->gradients[0] != NULL)
    hg_onednn_step_run(library, &variant->step[HG_ONEDNN_WEIGHTS], NULL,
                       (const void *[]){call->input, call->output_gradient, call->gradients[0], call->gradients[1]});
  if (call->input_gradient != NULL)
    hg_onednn_step_run(library, &variant->step[HG_ONEDNN_DATA], NULL,
                       (const void *[]){call->output_gradient, call->values[0], call->input_gradient});
}

const hg_op hg_onednn_dense = {.name = "dense",
                               .fuses = hg_activation_fuses,
                               .shape = hg_onednn_shape,
                               .parameters = hg_onednn_parameters,
                               .memory = hg_onednn_memory,
                               .multiply_adds = hg_onednn_multiply_adds,
                               .prepare = prepare,
                               .release = hg_onednn_release,
                               .forward = forward,
                               .backward = backward,
                               .backward_reads_input = true,
                               .backward_reads_output = true};

const hg_op hg_onednn_conv2d = {.name = "conv2d",
                                .fuses = hg_activation_fuses,
                                .shape = hg_onednn_shape,
                                .parameters = hg_onednn_parameters,
                                .memory = hg_onednn_memory,
                                .multiply_adds = hg_onednn_multiply_adds,
                                .prepare = prepare,
                                .release = hg_onednn_release,
                                .forward = forward,
                                .backward = backward,
                                .backward_reads_input = true,
                                .backward_reads_output = true};

const hg_op hg_onednn_conv2d_transpose = {.name = "conv2d_transpose",
                                          .fuses = hg_activation_fuses,
                                          .shape = hg_onednn_shape,
                                          .parameters = hg_onednn_parameters,
                                          .memory = hg_onednn_memory,
                                          .multiply_adds = hg_onednn_multiply_adds,
                                          .prepare = prepare,
                                          .release = hg_onednn_release,
                                          .forward = forward,
                                          .backward = backward,
                                          .backward_reads_input = true,
                                          .backward_reads_output = true};
