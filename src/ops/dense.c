/* y = x W + b over the flattened sample, and its two gradients: three matrix products cut alike into panels. */
#include <string.h>

#include "kernels/gemm.h"
#include "kernels/pointwise.h"
#include "ops/native.h"
#include "ops/parameters.h"

/* A task computes BLOCK_ROWS or so rows of a panel of PANEL columns, in blocks of DEPTH terms of the sums: such a block of b
 * fits the first-level cache beside the rows that meet it. */
enum { PANEL = 64, DEPTH = 128, FEWEST_ROWS = 24, ENOUGH_TASKS = 16 };

typedef struct product {
  hg_gemm gemm;      /* the whole; one segment */
  bool b_transposed; /* b[k][j] stands at gemm.b[j * b_step + k] */
  bool pack;
  int row_block, row_blocks, panels;
} product;

static int ceil_div(int a, int b) { return (a + b - 1) / b; }
static int smaller(int a, int b) { return a < b ? a : b; }

static product cut(hg_gemm gemm, bool b_transposed) {
  product p = {.gemm = gemm, .b_transposed = b_transposed, .panels = ceil_div(gemm.columns, PANEL)};
  int wanted = ceil_div(ENOUGH_TASKS, p.panels);
  int block = ceil_div(gemm.rows, wanted);
  p.row_block = smaller(block < FEWEST_ROWS ? FEWEST_ROWS : block, gemm.rows);
  p.row_blocks = ceil_div(gemm.rows, p.row_block);
  p.pack = b_transposed || (gemm.rows > FEWEST_ROWS && gemm.columns > PANEL);
  return p;
}

/* 0 for a product that was never cut. */
static int task_count(const product *p) { return p->row_blocks * p->panels; }

static void pack_block(const product *p, int column, int columns, int k, int depth, float *to) {
  const hg_gemm *g = &p->gemm;
  if (p->b_transposed) {
    hg_gemm_kernels_get()->transpose(columns, depth, g->b + column * g->b_step + k, g->b_step, to, columns);
    return;
  }
  for (int i = 0; i < depth; i++)
    memcpy(to + (ptrdiff_t)i * columns, g->b + (k + i) * g->b_step + column, sizeof(float) * (size_t)columns);
}

static void run_task(const product *p, int task, float *packed) {
  const hg_gemm *whole = &p->gemm;
  int row = task / p->panels * p->row_block, column = task % p->panels * PANEL;
  hg_gemm g = *whole;
  g.rows = smaller(p->row_block, whole->rows - row);
  g.columns = smaller(PANEL, whole->columns - column);
  g.c = whole->c + row * whole->c_row + column;
  if (whole->start != NULL) g.start = whole->start + row * whole->start_row + column;
  for (int k = 0; k == 0 || k < whole->steps; k += DEPTH) {
    g.steps = smaller(DEPTH, whole->steps - k);
    g.activation = k + g.steps == whole->steps ? whole->activation : HG_LINEAR;
    g.a = whole->a + row * whole->a_row + k * whole->a_step;
    if (p->pack) {
      pack_block(p, column, g.columns, k, g.steps, packed);
      g.b = packed;
      g.b_step = g.columns;
    } else {
      g.b = whole->b + k * whole->b_step + column;
    }
    hg_gemm_kernels_get()->product(&g);
    g.start = g.c;
    g.start_row = g.c_row;
  }
}

/* ---- The operator */

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

static hg_op_memory memory(const hg_op_node *node) { return (hg_op_memory){.scratch = (size_t)node->threads * PANEL * DEPTH}; }

static int64_t multiply_adds(const hg_op_node *node) { return (int64_t)inputs_of(node) * node->output.channels; }

typedef struct work {
  const hg_op_call *call;
  product products[2];
} work;

static void run_products(void *context, int64_t index, int worker) {
  const work *w = context;
  float *packed = w->call->scratch + (ptrdiff_t)worker * PANEL * DEPTH;
  int first = task_count(&w->products[0]);
  if (index < first)
    run_task(&w->products[0], (int)index, packed);
  else
    run_task(&w->products[1], (int)index - first, packed);
}

static void run_all(work *w) {
  int tasks = 0;
  for (int i = 0; i < 2; i++) tasks += task_count(&w->products[i]);
  hg_parallel_for(w->call->pool, tasks, run_products, w);
}

static void forward(const hg_op_call *call) {
  const hg_layer *layer = &call->node->layer;
  int in = inputs_of(call->node), out = call->node->output.channels;
  work w = {.call = call};
  w.products[0] = cut((hg_gemm){.rows = call->n,
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
                                .negative_slope = layer->negative_slope},
                      false);
  run_all(&w);
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
static void sum_bias(const hg_op_call *call) {
  static const float one = 1;
  int out = call->node->output.channels;
  hg_gemm g = {.rows = 1,
               .columns = out,
               .groups = 1,
               .segments = 1,
               .steps = call->n,
               .a = &one,
               .b = call->output_gradient,
               .b_step = out};
  g.c = call->gradients[1];
  hg_gemm_kernels_get()->product(&g);
}

static void backward(const hg_op_call *call) {
  enum { PIECE = 16384 };
  if (call->node->layer.activation != HG_LINEAR)
    hg_parallel_range(call->pool, (int64_t)call->n * call->node->output.channels, PIECE, derive, call);
  work w = {.call = call};
  if (call->gradients[0] != NULL) w.products[0] = cut(weight_product(call), false);
  if (call->input_gradient != NULL) w.products[1] = cut(input_product(call), true);
  run_all(&w);
  if (call->gradients[1] != NULL) sum_bias(call);
}

const hg_op hg_op_dense = {.name = "dense",
                           .fuses = hg_activation_fuses,
                           .shape = shape,
                           .parameters = parameters,
                           .memory = memory,
                           .multiply_adds = multiply_adds,
                           .forward = forward,
                           .backward = backward,
                           .backward_reads_input = true,
                           .backward_reads_output = true};
