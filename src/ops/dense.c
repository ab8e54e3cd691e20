/* y = x W + b over the flattened sample, and its two gradients: three matrix products cut alike into panels. */
#include "kernels/pointwise.h"
#include "ops/native.h"
#include "ops/parameters.h"
#include "ops/product.h"

static int inputs_of(const hg_op_node *node) { return (int)hg_shape_count(node->input); }

static hg_code shape(const hg_layer *layer, hg_shape input, hg_shape *output, hg_error *error) {
  if (layer->units < 1) return hg_fail(error, HG_USAGE, NULL, "units is %d; it must be at least 1", layer->units);
  hg_code code = hg_shape_check(input, "input", error);
  if (code == HG_OK) code = hg_activation_check(layer, error);
  if (code != HG_OK) return code;
  if (hg_shape_count(input) * layer->units > HG_MOST_VALUES)
    return hg_fail(error, HG_USAGE, NULL, "units %d on a %dx%dx%d input makes more than %d weights", layer->units, input.height,
                   input.width, input.channels, HG_MOST_VALUES);
  *output = (hg_shape){1, 1, layer->units};
  return HG_OK;
}

static int parameters(const hg_layer *layer, hg_shape input, hg_shape output, hg_parameter list[HG_OP_PARAMETERS]) {
  int in = (int)hg_shape_count(input), out = output.channels;
  hg_parameter weight = {.layout = HG_LAYOUT_DENSE, .dim = {in, out, 1, 1}, .fan_in = in, .fan_out = out};
  return hg_weight_and_bias(layer, weight, out, list);
}

static hg_op_memory memory(const hg_op_node *node) { return (hg_op_memory){.scratch = hg_products_scratch(node->threads)}; }

static int64_t multiply_adds(const hg_op_node *node) { return (int64_t)inputs_of(node) * node->output.channels; }

static void forward(const hg_op_call *call) {
  const hg_layer *layer = &call->node->layer;
  int in = inputs_of(call->node), out = call->node->output.channels;
  hg_gemm gemm = {.rows = call->n,
                  .columns = out,
                  .groups = 1,
                  .segments = 1,
                  .steps = in,
                  .a = call->input, /* (n, in) */
                  .a_row = in,
                  .a_step = 1,
                  .b = call->values[0], /* (in, out) */
                  .b_step = out,
                  .c = call->output,
                  .c_row = out,
                  .start = layer->use_bias ? call->values[1] : NULL,
                  .activation = layer->activation,
                  .negative_slope = layer->negative_slope};
  hg_product product = {.gemm = gemm};
  hg_product_cut(&product);
  hg_products_run(call->pool, &product, 1, call->scratch);
}

static void derive(const void *context, int64_t first, int64_t last) {
  const hg_op_call *call = context;
  const hg_layer *layer = &call->node->layer;
  float *gradient = call->output_gradient + first;
  hg_pointwise()->activate_gradient(layer->activation, layer->negative_slope, last - first, call->output + first, gradient,
                                    gradient);
}

/* (in, out): the samples are the terms of the sums, in their order. */
static hg_gemm weight_product(const hg_op_call *call) {
  int in = inputs_of(call->node), out = call->node->output.channels;
  return (hg_gemm){.rows = in,
                   .columns = out,
                   .groups = 1,
                   .segments = 1,
                   .steps = call->n,
                   .a = call->input, /* (n, in) */
                   .a_row = 1,
                   .a_step = in,
                   .b = call->output_gradient, /* (n, out) */
                   .b_step = out,
                   .c = call->gradients[0],
                   .c_row = out};
}

/* (n, in): the weights are read transposed. */
static hg_gemm input_product(const hg_op_call *call) {
  int in = inputs_of(call->node), out = call->node->output.channels;
  return (hg_gemm){.rows = call->n,
                   .columns = in,
                   .groups = 1,
                   .segments = 1,
                   .steps = out,
                   .a = call->output_gradient, /* (n, out) */
                   .a_row = out,
                   .a_step = 1,
                   .b = call->values[0], /* (in, out) */
                   .b_step = out,
                   .c = call->input_gradient,
                   .c_row = in};
}

/* The sum of a column is a product with ones. */
static void sum_bias(const hg_op_call *call, int column, int columns) {
  static const float one = 1;
  int out = call->node->output.channels;
  hg_gemm g = {.rows = 1,
               .columns = columns,
               .groups = 1,
               .segments = 1,
               .steps = call->n,
               .a = &one,
               .b = call->output_gradient + column,
               .b_step = out,
               .c = call->gradients[1] + column};
  hg_gemm_kernels_get()->product(&g);
  if (call->updates[1] != NULL) hg_update_part(call->updates[1], column, 1, columns, g.c, 0, 0);
}

/* A part of the weights' gradient is known; the first of a panel takes the bias along. */
static void finish_weights(const void *context, hg_product_part part, float *gradient, ptrdiff_t gradient_row) {
  const hg_op_call *call = context;
  int out = call->node->output.channels;
  if (part.row == 0 && call->gradients[1] != NULL) sum_bias(call, part.column, part.columns);
  if (call->updates[0] != NULL)
    hg_update_part(call->updates[0], (int64_t)part.row * out + part.column, part.rows, part.columns, gradient, gradient_row, out);
}

static hg_product input_gradient(const hg_op_call *call) {
  if (call->input_gradient == NULL) return (hg_product){0};
  return (hg_product){.gemm = input_product(call), .b_transposed = true};
}

static hg_product weight_gradient(const hg_op_call *call) {
  if (call->gradients[0] == NULL) return (hg_product){0};
  hg_product product = {.gemm = weight_product(call), .finish = finish_weights, .context = call};
  if (call->updates[0] != NULL) {
    product.consumed = product.near = true;
    product.changed[0] = call->updates[0]->moment_1;
    product.changed[1] = call->updates[0]->moment_2;
  }
  return product;
}

/* The weights change only after they were read: row by row where a task takes the same rows for both gradients. */
static void update(const hg_op_call *call, hg_product products[2]) {
  if (call->input_gradient != NULL && hg_product_cut_together(&products[0], &products[1])) {
    hg_products_run_together(call->pool, products, call->scratch);
    return;
  }
  for (int i = 0; i < 2; i++) {
    hg_product_cut(&products[i]);
    hg_products_run(call->pool, &products[i], 1, call->scratch);
  }
}

static void backward(const hg_op_call *call) {
  enum { PIECE = 4096 };
  if (call->node->layer.activation != HG_LINEAR)
    hg_parallel_range(call->pool, (int64_t)call->n * call->node->output.channels, PIECE, derive, call);
  hg_product products[2] = {input_gradient(call), weight_gradient(call)};
  if (call->updates[0] != NULL) {
    update(call, products);
  } else {
    for (int i = 0; i < 2; i++) hg_product_cut(&products[i]);
    hg_products_run(call->pool, products, 2, call->scratch);
  }
}

const hg_op hg_op_dense = {.name = "dense",
                           .fuses = hg_activation_fuses,
                           .shape = shape,
                           .parameters = parameters,
                           .memory = memory,
                           .multiply_adds = multiply_adds,
                           .forward = forward,
                           .backward = backward,
                           .applies_updates = true,
                           .backward_reads_input = true,
                           .backward_reads_output = true};
