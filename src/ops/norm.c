/* batch_norm: over N, H, W for each channel, as PyTorch's BatchNorm2d: the biased variance normalises, the unbiased one
 * goes into the running average. */
#include "ops/norm_run.h"

#include "kernels/pointwise.h"
#include "ops/native.h"

#include <math.h>
#include <string.h>

enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR, PARAMETERS };
enum { MOST_PIECES = 32, VECTOR = 16, MOST_LANES = 1024 };

/* Rows taken as one: the fewest that make whole vectors, where that is not too wide. */
static int rows_together(int channels) {
  int rows = VECTOR;
  for (int c = channels; rows > 1 && c % 2 == 0; c /= 2) rows /= 2;
  return (int64_t)rows * channels <= MOST_LANES ? rows : 1;
}

static hg_code norm_shape(const hg_layer *layer, hg_shape input, hg_shape *output, hg_error *error) {
  hg_code code = hg_activation_check(layer, error);
  if (code != HG_OK) return code;
  if (!(layer->momentum >= 0 && layer->momentum <= 1))
    return hg_fail(error, HG_USAGE, NULL, "momentum is %g; it must lie between 0 and 1", (double)layer->momentum);
  if (!(layer->epsilon > 0 && layer->epsilon <= 1))
    return hg_fail(error, HG_USAGE, NULL, "epsilon is %g; it must lie above 0 and not above 1", (double)layer->epsilon);
  *output = input;
  return hg_shape_check(input, "input", error);
}

static int norm_parameters(const hg_layer *layer, hg_shape input, hg_shape output, hg_parameter parameters[HG_OP_PARAMETERS]) {
  (void)output;
  static const char *const names[PARAMETERS] = {"weight", "bias", "running_mean", "running_var"};
  for (int i = 0; i < PARAMETERS; i++)
    parameters[i] = (hg_parameter){.name = names[i],
                                   .layout = HG_LAYOUT_VECTOR,
                                   .dim = {input.channels, 1, 1, 1},
                                   .trainable = i == WEIGHT || i == BIAS,
                                   .freeze = i == WEIGHT && !layer->scale,
                                   .initializer = i == WEIGHT || i == RUNNING_VAR ? HG_INIT_ONES : HG_INIT_ZEROS,
                                   .fan_in = input.channels,
                                   .fan_out = input.channels};
  return PARAMETERS;
}

/* saved: mean and 1 / sqrt(variance + epsilon) of the batch. */
hg_op_memory hg_norm_memory(const hg_op_node *node) {
  size_t channels = (size_t)node->input.channels;
  size_t lanes = channels * (size_t)rows_together(node->input.channels);
  size_t pieces = node->batch < MOST_PIECES ? (size_t)node->batch : MOST_PIECES;
  size_t doubles = pieces * 2 * lanes;
  return (hg_op_memory){.saved = node->training ? 2 * channels : 0,
                        .scratch = doubles * (sizeof(double) / sizeof(float)) + HG_NORM_VECTORS * lanes};
}

static int64_t norm_multiply_adds(const hg_op_node *node) { return hg_shape_count(node->output); }

hg_norm_run hg_norm_start(const hg_op_call *call) {
  hg_shape shape = call->node->input;
  hg_norm_run run = {.call = call, .channels = shape.channels, .area = (int64_t)shape.height * shape.width};
  run.together = rows_together(shape.channels);
  run.lanes = run.together * run.channels;
  run.pieces = call->n < MOST_PIECES ? call->n : MOST_PIECES;
  run.sums = (double *)(void *)call->scratch;
  float *vectors = (float *)(void *)(run.sums + (size_t)run.pieces * 2 * (size_t)run.lanes);
  for (int i = 0; i < HG_NORM_VECTORS; i++) run.vector[i] = vectors + (size_t)i * (size_t)run.lanes;
  return run;
}

int hg_norm_first_sample(const hg_norm_run *run, int64_t piece) { return (int)(run->call->n * piece / run->pieces); }

static int64_t first_row(const hg_norm_run *run, int64_t piece) { return hg_norm_first_sample(run, piece) * run->area; }

static void spread(const hg_norm_run *run, int vector, const float *values) {
  for (int i = 0; i < run->together; i++)
    memmove(run->vector[vector] + (size_t)i * (size_t)run->channels, values, (size_t)run->channels * sizeof *values);
}

/* ---- sums */

static double *sums_of(const hg_norm_run *run, int64_t piece) { return run->sums + piece * 2 * run->lanes; }

void hg_norm_clear_piece(const hg_norm_run *run, int64_t piece) {
  memset(sums_of(run, piece), 0, 2 * (size_t)run->lanes * sizeof *run->sums);
}

void hg_norm_add_moments(const hg_norm_run *run, int64_t piece, int64_t rows, const float *x) {
  double *sum = sums_of(run, piece), *squares = sum + run->lanes;
  int64_t wide = rows / run->together;
  hg_pointwise()->moments(wide, run->lanes, x, sum, squares);
  hg_pointwise()->moments(rows % run->together, run->channels, x + wide * run->lanes, sum, squares);
}

void hg_norm_add_products(const hg_norm_run *run, int64_t piece, int64_t rows, const float *dz, const float *x) {
  double *sum = sums_of(run, piece), *products = sum + run->lanes;
  int64_t wide = rows / run->together, rest = wide * run->lanes;
  const float *mean = run->vector[HG_NORM_MEAN], *inverse = run->vector[HG_NORM_INVERSE];
  hg_pointwise()->norm_sums(wide, run->lanes, dz, x, mean, inverse, sum, products);
  hg_pointwise()->norm_sums(rows % run->together, run->channels, dz + rest, x + rest, mean, inverse, sum, products);
}

void hg_norm_add_relu_products(const hg_norm_run *run, int64_t piece, int64_t rows, const float *y, float *dz, const float *x) {
  double *sum = sums_of(run, piece), *products = sum + run->lanes;
  int64_t wide = rows / run->together, rest = wide * run->lanes;
  const float *mean = run->vector[HG_NORM_MEAN], *inverse = run->vector[HG_NORM_INVERSE];
  hg_pointwise()->norm_relu_sums(wide, run->lanes, y, dz, x, mean, inverse, sum, products);
  hg_pointwise()->norm_relu_sums(rows % run->together, run->channels, y + rest, dz + rest, x + rest, mean, inverse, sum,
                                 products);
}

/* Adds up the pieces of both sums: each channel's in order, side by side with the others', into those of the first piece. */
static const double *totals(const hg_norm_run *run) {
  for (int which = 0; which < 2; which++) {
    double *sum = run->sums + (int64_t)which * run->lanes;
    for (int piece = 0; piece < run->pieces; piece++)
      for (int row = 0; row < run->together; row++) {
        const double *from = sums_of(run, piece) + (int64_t)which * run->lanes + (int64_t)row * run->channels;
        for (int c = 0; c < run->channels && from != sum; c++) sum[c] += from[c];
      }
  }
  return run->sums;
}

void hg_norm_finish_moments(const hg_norm_run *run) {
  const hg_op_call *call = run->call;
  double count = (double)(call->n * run->area), momentum = (double)call->node->layer.momentum;
  float *mean = call->saved, *inverse = call->saved + run->channels;
  const double *sums = totals(run), *squares = sums + run->lanes;
  for (int c = 0; c < run->channels; c++) {
    double average = sums[c] / count;
    double variance = squares[c] / count - average * average;
    if (variance < 0) variance = 0;
    mean[c] = (float)average;
    inverse[c] = (float)(1 / sqrt(variance + (double)call->node->layer.epsilon));
    double unbiased = count > 1 ? variance * (count / (count - 1)) : variance;
    float *running_mean = &call->values[RUNNING_MEAN][c], *running_var = &call->values[RUNNING_VAR][c];
    *running_mean = (float)(momentum * (double)*running_mean + (1 - momentum) * average);
    *running_var = (float)(momentum * (double)*running_var + (1 - momentum) * unbiased);
  }
}

void hg_norm_finish_products(const hg_norm_run *run) {
  const hg_op_call *call = run->call;
  double count = (double)(call->n * run->area);
  const double *sums = totals(run), *products = sums + run->lanes;
  for (int c = 0; c < run->channels; c++) {
    double sum = sums[c], product = products[c];
    if (call->gradients[BIAS] != NULL) call->gradients[BIAS][c] = (float)sum;
    if (call->gradients[WEIGHT] != NULL) call->gradients[WEIGHT][c] = (float)product;
    run->vector[HG_NORM_SUM][c] = call->training ? (float)(sum / count) : 0;
    run->vector[HG_NORM_PRODUCT][c] = call->training ? (float)(product / count) : 0;
  }
  spread(run, HG_NORM_SUM, run->vector[HG_NORM_SUM]);
  spread(run, HG_NORM_PRODUCT, run->vector[HG_NORM_PRODUCT]);
}

/* Fills the first `channels` lanes of mean and inverse from the running statistics. */
static void running_statistics(const hg_norm_run *run) {
  const hg_op_call *call = run->call;
  for (int c = 0; c < run->channels; c++) {
    run->vector[HG_NORM_MEAN][c] = call->values[RUNNING_MEAN][c];
    run->vector[HG_NORM_INVERSE][c] = (float)(1 / sqrt((double)call->values[RUNNING_VAR][c] + (double)call->node->layer.epsilon));
  }
}

void hg_norm_place_statistics(const hg_norm_run *run) {
  const hg_op_call *call = run->call;
  float *const *vector = run->vector;
  if (!call->training) running_statistics(run);
  spread(run, HG_NORM_MEAN, call->training ? call->saved : vector[HG_NORM_MEAN]);
  spread(run, HG_NORM_INVERSE, call->training ? call->saved + run->channels : vector[HG_NORM_INVERSE]);
  for (int i = 0; i < run->lanes; i++)
    vector[HG_NORM_SCALE][i] = vector[HG_NORM_INVERSE][i] * call->values[WEIGHT][i % run->channels];
  spread(run, HG_NORM_SHIFT, call->values[BIAS]);
}

/* ---- rows */

/* Rows that stay in the first-level cache between a kernel and the activation. */
static int64_t rows_of_block(const hg_norm_run *run) {
  enum { BLOCK_VALUES = 4096 };
  int64_t rows = BLOCK_VALUES / run->lanes;
  return rows < 1 ? run->together : rows * run->together;
}

static void normalize_block(const hg_norm_run *run, int64_t rows, const float *x, float *y) {
  const hg_layer *layer = &run->call->node->layer;
  int64_t wide = rows / run->together, rest = wide * run->lanes;
  const float *mean = run->vector[HG_NORM_MEAN], *scale = run->vector[HG_NORM_SCALE], *shift = run->vector[HG_NORM_SHIFT];
  bool relu = layer->activation == HG_RELU;
  hg_pointwise()->normalize(wide, run->lanes, relu, x, mean, scale, shift, y);
  hg_pointwise()->normalize(rows % run->together, run->channels, relu, x + rest, mean, scale, shift, y + rest);
  if (layer->activation != HG_LINEAR && !relu)
    hg_pointwise()->activate(layer->activation, layer->negative_slope, rows * run->channels, y, y);
}

void hg_norm_rows(const hg_norm_run *run, int64_t rows, const float *x, float *y) {
  int64_t block = rows_of_block(run);
  for (int64_t row = 0; row < rows; row += block)
    normalize_block(run, rows - row < block ? rows - row : block, x + row * run->channels, y + row * run->channels);
}

void hg_norm_gradient_rows(const hg_norm_run *run, int64_t rows, const float *dz, const float *x, float *dx) {
  int64_t wide = rows / run->together, rest = wide * run->lanes;
  float *const *v = run->vector;
  hg_pointwise()->norm_gradient(wide, run->lanes, dz, x, v[HG_NORM_MEAN], v[HG_NORM_INVERSE], v[HG_NORM_SCALE], v[HG_NORM_SUM],
                                v[HG_NORM_PRODUCT], dx);
  hg_pointwise()->norm_gradient(rows % run->together, run->channels, dz + rest, x + rest, v[HG_NORM_MEAN], v[HG_NORM_INVERSE],
                                v[HG_NORM_SCALE], v[HG_NORM_SUM], v[HG_NORM_PRODUCT], dx + rest);
}

/* ---- one image with its pool */

static hg_norm_vectors vectors_of(const hg_norm_run *run) {
  float *const *v = run->vector;
  return (hg_norm_vectors){.mean = v[HG_NORM_MEAN],
                           .inverse = v[HG_NORM_INVERSE],
                           .scale = v[HG_NORM_SCALE],
                           .shift = v[HG_NORM_SHIFT],
                           .sum = v[HG_NORM_SUM],
                           .product = v[HG_NORM_PRODUCT]};
}

bool hg_norm_pool(const hg_norm_run *run, const hg_pool_shape *window, const float *x, float *y, uint8_t *codes) {
  hg_activation activation = run->call->node->layer.activation;
  if (hg_pointwise()->norm_pool_code == NULL || (activation != HG_LINEAR && activation != HG_RELU)) return false;
  hg_norm_vectors vectors = vectors_of(run);
  return hg_pointwise()->norm_pool_code(window, activation == HG_RELU, &vectors, x, y, codes);
}

bool hg_norm_scatter(const hg_norm_run *run, const hg_pool_shape *window, float scale, const float *dy, const uint8_t *codes,
                     const float *x, float *dx) {
  hg_norm_vectors vectors = vectors_of(run);
  return hg_pointwise()->norm_scatter != NULL && hg_pointwise()->norm_scatter(window, scale, &vectors, dy, codes, x, dx);
}

bool hg_norm_add_pooled(const hg_norm_run *run, int64_t piece, const hg_pool_shape *window, float scale, const float *dy,
                        const uint8_t *codes, const float *x) {
  if (hg_pointwise()->norm_scatter_sums == NULL || run->together > 1) return false;
  hg_norm_vectors vectors = vectors_of(run);
  double *sum = sums_of(run, piece);
  return hg_pointwise()->norm_scatter_sums(window, scale, &vectors, dy, codes, x, sum, sum + run->lanes);
}

/* ---- forward */

static void moments_of_piece(void *context, int64_t piece, int worker) {
  (void)worker;
  const hg_norm_run *run = context;
  int64_t first = first_row(run, piece);
  hg_norm_clear_piece(run, piece);
  hg_norm_add_moments(run, piece, first_row(run, piece + 1) - first, run->call->input + first * run->channels);
}

static void normalize_piece(void *context, int64_t piece, int worker) {
  (void)worker;
  const hg_norm_run *run = context;
  int64_t first = first_row(run, piece), at = first * run->channels;
  hg_norm_rows(run, first_row(run, piece + 1) - first, run->call->input + at, run->call->output + at);
}

static void norm_forward(const hg_op_call *call) {
  hg_norm_run run = hg_norm_start(call);
  if (call->training) {
    hg_parallel_for(call->pool, run.pieces, moments_of_piece, &run);
    hg_norm_finish_moments(&run);
  }
  hg_norm_place_statistics(&run);
  hg_parallel_for(call->pool, run.pieces, normalize_piece, &run);
}

/* ---- backward: dz is the gradient before the activation and takes the place of the output's gradient. */

static void add_rows(const hg_norm_run *run, int64_t piece, int64_t first, int64_t rows) {
  const hg_op_call *call = run->call;
  const hg_layer *layer = &call->node->layer;
  int64_t at = first * run->channels;
  float *dz = call->output_gradient + at;
  if (layer->activation == HG_RELU) {
    hg_norm_add_relu_products(run, piece, rows, call->output + at, dz, call->input + at);
    return;
  }
  if (layer->activation != HG_LINEAR)
    hg_pointwise()->activate_gradient(layer->activation, layer->negative_slope, rows * run->channels, call->output + at, dz, dz);
  hg_norm_add_products(run, piece, rows, dz, call->input + at);
}

static void sum_piece(void *context, int64_t piece, int worker) {
  (void)worker;
  const hg_norm_run *run = context;
  hg_norm_clear_piece(run, piece);
  int64_t last = first_row(run, piece + 1), block = rows_of_block(run);
  for (int64_t row = first_row(run, piece); row < last; row += block)
    add_rows(run, piece, row, last - row < block ? last - row : block);
}

static void gradient_of_piece(void *context, int64_t piece, int worker) {
  (void)worker;
  const hg_norm_run *run = context;
  const hg_op_call *call = run->call;
  int64_t first = first_row(run, piece), at = first * run->channels;
  hg_norm_gradient_rows(run, first_row(run, piece + 1) - first, call->output_gradient + at, call->input + at,
                        call->input_gradient + at);
}

static void norm_backward(const hg_op_call *call) {
  hg_norm_run run = hg_norm_start(call);
  hg_norm_place_statistics(&run);
  hg_parallel_for(call->pool, run.pieces, sum_piece, &run);
  hg_norm_finish_products(&run);
  if (call->input_gradient != NULL) hg_parallel_for(call->pool, run.pieces, gradient_of_piece, &run);
}

const hg_op hg_op_batch_norm = {
    .name = "batch_norm",
    .fuses = hg_activation_fuses,
    .shape = norm_shape,
    .parameters = norm_parameters,
    .memory = hg_norm_memory,
    .multiply_adds = norm_multiply_adds,
    .forward = norm_forward,
    .backward = norm_backward,
    .backward_reads_input = true,
    .backward_reads_output = true, /* the fused activation's gradient */
};
