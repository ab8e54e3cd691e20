/* batch_norm: over N, H, W for each channel, as PyTorch's BatchNorm2d: the biased variance normalises, the unbiased one
 * goes into the running average.
 *
 * The batch is cut by samples into pieces; each sums its rows in double, and the pieces are added in order. Several rows
 * are taken as one where that makes the number of lanes a multiple of the vector's. */
#include "kernels/pointwise.h"
#include "ops/native.h"

#include <math.h>
#include <string.h>

enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR, PARAMETERS };
enum { MOST_PIECES = 32, VECTOR = 16, MOST_LANES = 1024 };
/* Vectors of `lanes` floats in scratch, after the pieces' sums. */
enum { MEAN, INVERSE, SCALE, SHIFT, SUM, PRODUCT, VECTORS };

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
  (void)layer;
  (void)output;
  static const char *const names[PARAMETERS] = {"weight", "bias", "running_mean", "running_var"};
  for (int i = 0; i < PARAMETERS; i++)
    parameters[i] = (hg_parameter){.name = names[i],
                                   .layout = HG_LAYOUT_VECTOR,
                                   .dim = {input.channels, 1, 1, 1},
                                   .trainable = i == WEIGHT || i == BIAS,
                                   .initializer = i == WEIGHT || i == RUNNING_VAR ? HG_INIT_ONES : HG_INIT_ZEROS,
                                   .fan_in = input.channels,
                                   .fan_out = input.channels};
  return PARAMETERS;
}

/* saved: mean and 1 / sqrt(variance + epsilon) of the batch. */
static hg_op_memory norm_memory(const hg_op_node *node) {
  size_t channels = (size_t)node->input.channels;
  size_t lanes = channels * (size_t)rows_together(node->input.channels);
  size_t pieces = node->batch < MOST_PIECES ? (size_t)node->batch : MOST_PIECES;
  size_t doubles = pieces * 2 * lanes;
  return (hg_op_memory){.saved = node->training ? 2 * channels : 0,
                        .scratch = doubles * (sizeof(double) / sizeof(float)) + VECTORS * lanes};
}

static int64_t norm_multiply_adds(const hg_op_node *node) { return hg_shape_count(node->output); }

typedef struct work {
  const hg_op_call *call;
  int channels, together, lanes, pieces;
  int64_t area;           /* rows of one sample */
  double *sums;           /* (pieces, 2, lanes) */
  float *vector[VECTORS]; /* (lanes), each channel's value `together` times */
} work;

static work start_work(const hg_op_call *call) {
  hg_shape shape = call->node->input;
  work w = {.call = call, .channels = shape.channels, .area = (int64_t)shape.height * shape.width};
  w.together = rows_together(shape.channels);
  w.lanes = w.together * w.channels;
  w.pieces = call->n < MOST_PIECES ? call->n : MOST_PIECES;
  w.sums = (double *)(void *)call->scratch;
  float *vectors = (float *)(void *)(w.sums + (size_t)w.pieces * 2 * (size_t)w.lanes);
  for (int i = 0; i < VECTORS; i++) w.vector[i] = vectors + (size_t)i * (size_t)w.lanes;
  return w;
}

/* Rows of one piece: those of samples [n * index / pieces, n * (index + 1) / pieces). */
static int64_t first_row(const work *w, int64_t index) { return w->call->n * index / w->pieces * w->area; }

static void spread(const work *w, int vector, const float *values) {
  for (int i = 0; i < w->together; i++)
    memmove(w->vector[vector] + (size_t)i * (size_t)w->channels, values, (size_t)w->channels * sizeof *values);
}

/* Adds up the pieces of one of the two sums for a channel. */
static double total(const work *w, int which, int channel) {
  double sum = 0;
  for (int piece = 0; piece < w->pieces; piece++)
    for (int row = 0; row < w->together; row++)
      sum += w->sums[((int64_t)piece * 2 + which) * w->lanes + (int64_t)row * w->channels + channel];
  return sum;
}

/* ---- forward */

static void moments_of_piece(void *context, int64_t index, int worker) {
  (void)worker;
  const work *w = context;
  double *sum = w->sums + index * 2 * w->lanes, *squares = sum + w->lanes;
  memset(sum, 0, 2 * (size_t)w->lanes * sizeof *sum);
  int64_t first = first_row(w, index), rows = first_row(w, index + 1) - first, wide = rows / w->together;
  const float *x = w->call->input + first * w->channels;
  hg_pointwise()->moments(wide, w->lanes, x, sum, squares);
  hg_pointwise()->moments(rows % w->together, w->channels, x + wide * w->lanes, sum, squares);
}

/* Writes the batch's mean and inverse deviation into saved, and moves the running ones. */
static void batch_statistics(work *w) {
  const hg_op_call *call = w->call;
  double count = (double)(call->n * w->area), momentum = (double)call->node->layer.momentum;
  float *mean = call->saved, *inverse = call->saved + w->channels;
  hg_parallel_for(call->pool, w->pieces, moments_of_piece, w);
  for (int c = 0; c < w->channels; c++) {
    double average = total(w, 0, c) / count;
    double variance = total(w, 1, c) / count - average * average;
    if (variance < 0) variance = 0;
    mean[c] = (float)average;
    inverse[c] = (float)(1 / sqrt(variance + (double)call->node->layer.epsilon));
    double unbiased = count > 1 ? variance * (count / (count - 1)) : variance;
    float *running_mean = &call->values[RUNNING_MEAN][c], *running_var = &call->values[RUNNING_VAR][c];
    *running_mean = (float)(momentum * (double)*running_mean + (1 - momentum) * average);
    *running_var = (float)(momentum * (double)*running_var + (1 - momentum) * unbiased);
  }
}

/* Fills the first `channels` lanes of MEAN and INVERSE from the running statistics. */
static void running_statistics(const work *w) {
  for (int c = 0; c < w->channels; c++) {
    w->vector[MEAN][c] = w->call->values[RUNNING_MEAN][c];
    w->vector[INVERSE][c] = (float)(1 / sqrt((double)w->call->values[RUNNING_VAR][c] + (double)w->call->node->layer.epsilon));
  }
}

static void place_statistics(const work *w) {
  const hg_op_call *call = w->call;
  if (call->training) {
    spread(w, MEAN, call->saved);
    spread(w, INVERSE, call->saved + w->channels);
  } else {
    running_statistics(w);
    spread(w, MEAN, w->vector[MEAN]);
    spread(w, INVERSE, w->vector[INVERSE]);
  }
  for (int i = 0; i < w->lanes; i++) w->vector[SCALE][i] = w->vector[INVERSE][i] * call->values[WEIGHT][i % w->channels];
  spread(w, SHIFT, call->values[BIAS]);
}

/* Rows that stay in the first-level cache between a kernel and the activation. */
static int64_t rows_of_block(const work *w) {
  enum { BLOCK_VALUES = 4096 };
  int64_t rows = BLOCK_VALUES / w->lanes;
  return rows < 1 ? w->together : rows * w->together;
}

static void normalize_rows(const work *w, int64_t first, int64_t rows) {
  const hg_op_call *call = w->call;
  const hg_layer *layer = &call->node->layer;
  int64_t wide = rows / w->together;
  const float *x = call->input + first * w->channels, *mean = w->vector[MEAN], *scale = w->vector[SCALE],
              *shift = w->vector[SHIFT];
  float *y = call->output + first * w->channels;
  hg_pointwise()->normalize(wide, w->lanes, x, mean, scale, shift, y);
  hg_pointwise()->normalize(rows % w->together, w->channels, x + wide * w->lanes, mean, scale, shift, y + wide * w->lanes);
  if (layer->activation != HG_LINEAR)
    hg_pointwise()->activate(layer->activation, layer->negative_slope, rows * w->channels, y, y);
}

static void normalize_piece(void *context, int64_t index, int worker) {
  (void)worker;
  const work *w = context;
  int64_t last = first_row(w, index + 1), block = rows_of_block(w);
  for (int64_t row = first_row(w, index); row < last; row += block)
    normalize_rows(w, row, last - row < block ? last - row : block);
}

static void norm_forward(const hg_op_call *call) {
  work w = start_work(call);
  if (call->training) batch_statistics(&w);
  place_statistics(&w);
  hg_parallel_for(call->pool, w.pieces, normalize_piece, &w);
}

/* ---- backward: dz is the gradient before the activation and takes the place of the output's gradient.
 * dx = scale * (dz - mean(dz) - normal * mean(dz * normal)); with fixed statistics the means are not there. */

static void sum_rows(const work *w, double *sum, double *products, int64_t first, int64_t rows) {
  const hg_op_call *call = w->call;
  const hg_layer *layer = &call->node->layer;
  int64_t wide = rows / w->together, at = first * w->channels, rest = at + wide * w->lanes;
  float *dz = call->output_gradient;
  if (layer->activation != HG_LINEAR)
    hg_pointwise()->activate_gradient(layer->activation, layer->negative_slope, rows * w->channels, call->output + at, dz + at,
                                      dz + at);
  const float *mean = w->vector[MEAN], *inverse = w->vector[INVERSE];
  hg_pointwise()->norm_sums(wide, w->lanes, dz + at, call->input + at, mean, inverse, sum, products);
  hg_pointwise()->norm_sums(rows % w->together, w->channels, dz + rest, call->input + rest, mean, inverse, sum, products);
}

static void sum_piece(void *context, int64_t index, int worker) {
  (void)worker;
  const work *w = context;
  double *sum = w->sums + index * 2 * w->lanes, *products = sum + w->lanes;
  memset(sum, 0, 2 * (size_t)w->lanes * sizeof *sum);
  int64_t last = first_row(w, index + 1), block = rows_of_block(w);
  for (int64_t row = first_row(w, index); row < last; row += block)
    sum_rows(w, sum, products, row, last - row < block ? last - row : block);
}

static void gradient_of_piece(void *context, int64_t index, int worker) {
  (void)worker;
  const work *w = context;
  const hg_op_call *call = w->call;
  int64_t first = first_row(w, index), rows = first_row(w, index + 1) - first, wide = rows / w->together;
  int64_t at = first * w->channels, rest = at + wide * w->lanes;
  float *const *v = w->vector;
  hg_pointwise()->norm_gradient(wide, w->lanes, call->output_gradient + at, call->input + at, v[MEAN], v[INVERSE], v[SCALE],
                                v[SUM], v[PRODUCT], call->input_gradient + at);
  hg_pointwise()->norm_gradient(rows % w->together, w->channels, call->output_gradient + rest, call->input + rest, v[MEAN],
                                v[INVERSE], v[SCALE], v[SUM], v[PRODUCT], call->input_gradient + rest);
}

static void norm_backward(const hg_op_call *call) {
  work w = start_work(call);
  place_statistics(&w);
  hg_parallel_for(call->pool, w.pieces, sum_piece, &w);
  double count = (double)(call->n * w.area);
  for (int c = 0; c < w.channels; c++) {
    double sum = total(&w, 0, c), product = total(&w, 1, c);
    if (call->gradients[BIAS] != NULL) call->gradients[BIAS][c] = (float)sum;
    if (call->gradients[WEIGHT] != NULL) call->gradients[WEIGHT][c] = (float)product;
    w.vector[SUM][c] = call->training ? (float)(sum / count) : 0;
    w.vector[PRODUCT][c] = call->training ? (float)(product / count) : 0;
  }
  if (call->input_gradient == NULL) return;
  spread(&w, SUM, w.vector[SUM]);
  spread(&w, PRODUCT, w.vector[PRODUCT]);
  hg_parallel_for(call->pool, w.pieces, gradient_of_piece, &w);
}

const hg_op hg_op_batch_norm = {
    .name = "batch_norm",
    .fuses = hg_activation_fuses,
    .shape = norm_shape,
    .parameters = norm_parameters,
    .memory = norm_memory,
    .multiply_adds = norm_multiply_adds,
    .forward = norm_forward,
    .backward = norm_backward,
    .backward_reads_input = true,
    .backward_reads_output = true, /* the fused activation's gradient */
};
