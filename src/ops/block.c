#include "base/integers.h"
#include "ops/block_run.h"
#include "ops/conv_check.h"
#include "ops/conv_thin.h"
#include "ops/conv_winograd.h"
#include "ops/native.h"

#include <math.h>

/* ---------------------------------------------------------------- which nodes make a block */

static bool is_plain(hg_activation activation) { return activation == HG_LINEAR || activation == HG_RELU; }

static bool overlaps(const hg_pool_shape *window) {
  return window->stride[0] < window->size[0] || window->stride[1] < window->size[1];
}

/* The gradient is taken from the pooled values: for relu all of a pixel's windows agree on it, for others no pixel may be in
 * two of them. */
static bool can_pool(const hg_op_node *node, hg_activation activation) {
  if (node->layer.kind != HG_MAX_POOL2D) return false;
  hg_pool_shape window = hg_pool_window(node);
  return window.size[0] * window.size[1] <= HG_NO_PLACE && (is_plain(activation) || !overlaps(&window));
}

int hg_conv_block_match(const hg_op_node *const *nodes, int count, hg_conv_block *block) {
  int i = 0;
  *block = (hg_conv_block){0};
  if (count > 1 && nodes[0]->layer.kind == HG_UPSAMPLE2D) block->upsample = nodes[i++];
  if (nodes[i]->layer.kind != HG_CONV2D) return 0;
  block->conv = nodes[i++];
  hg_activation activation = block->conv->layer.activation;
  if (i < count && nodes[i]->layer.kind == HG_BATCH_NORM) {
    block->norm = nodes[i++];
    activation = block->norm->layer.activation;
  }
  if (i < count && can_pool(nodes[i], activation)) block->pool = nodes[i++];
  /* From what dropout leaves of other activations their gradient could not be taken. */
  if (i < count && nodes[i]->layer.kind == HG_DROPOUT && is_plain(activation)) block->dropout = nodes[i++];
  return i;
}

/* ---------------------------------------------------------------- memory
 * saved: batch_norm's, the maps, the codes. scratch: the convolution's, batch_norm's, each worker's. */

static const hg_conv_block *block_of(const hg_op_node *node) { return node->state; }

static bool has_codes(const hg_conv_block *block) { return block->pool != NULL || block->dropout != NULL; }

static hg_op_memory norm_memory(const hg_conv_block *block) {
  hg_op_memory memory = {0, 0};
  if (block->norm != NULL) memory = hg_norm_memory(block->norm);
  return (hg_op_memory){hg_whole_lines(memory.saved), hg_whole_lines(memory.scratch)};
}

static size_t maps_count(const hg_conv_block *block) {
  if (block->norm == NULL || !block->conv->training) return 0;
  return hg_whole_lines((size_t)block->conv->batch * (size_t)hg_shape_count(block->conv->output));
}

static size_t enlarged_count(const hg_conv_block *block) {
  if (block->upsample == NULL) return 0;
  return hg_whole_lines((size_t)hg_conv_together(block->conv, false) * (size_t)hg_shape_count(block->conv->input));
}

/* Images whose maps a worker has at hand. */
static int images_at_hand(const hg_conv_block *block) {
  hg_conv_map map = hg_conv_map_of(block->conv, false);
  int together = hg_conv_together(block->conv, false);
  int group = hg_conv_is_winograd(&map) ? hg_conv_winograd_images(&map) : 1;
  return group > together ? group : together;
}

/* Beside the maps: the rows of one image that batch_norm takes together with the next one's. */
static size_t worker_maps_count(const hg_conv_block *block, int images) {
  enum { MOST_ROWS = 16 };
  size_t rows = block->norm == NULL ? 0 : (size_t)MOST_ROWS * (size_t)block->conv->output.channels;
  return hg_whole_lines((size_t)images * (size_t)hg_shape_count(block->conv->output) + rows);
}

static size_t worker_count(const hg_conv_block *block) {
  return enlarged_count(block) + worker_maps_count(block, images_at_hand(block));
}

/* All workers' memory; of a few images by winograd it holds the maps of them all. */
static size_t workers_count(const hg_op_node *node) {
  const hg_conv_block *block = block_of(node);
  size_t few = (size_t)(node->batch < HG_CONV_FEW ? node->batch : HG_CONV_FEW) * (size_t)hg_shape_count(block->conv->output);
  size_t count = worker_count(block) * (size_t)node->threads;
  hg_conv_map map = hg_conv_map_of(block->conv, false);
  return few > count && hg_conv_is_winograd(&map) ? few : count;
}

static hg_op_memory memory_of(const hg_op_node *node) {
  const hg_conv_block *block = block_of(node);
  hg_op_memory memory = norm_memory(block);
  memory.saved += maps_count(block);
  if (has_codes(block) && node->training) memory.saved += ((size_t)node->batch * (size_t)hg_shape_count(node->output) + 3) / 4;
  memory.scratch += hg_whole_lines(hg_conv_scratch(block->conv, false)) + workers_count(node);
  return memory;
}

static void place_workers(hg_block_run *run) {
  run->room = run->call->scratch + hg_whole_lines(hg_conv_scratch(run->block->conv, false)) + norm_memory(run->block).scratch;
  run->room_count = worker_count(run->block);
  run->enlarged_count = enlarged_count(run->block);
}

float *hg_block_all_maps(const hg_block_run *run) { return run->room; }

float *hg_block_enlarged(const hg_block_run *run, int worker) { return run->room + run->room_count * (size_t)worker; }

float *hg_block_maps(const hg_block_run *run, int worker) { return hg_block_enlarged(run, worker) + run->enlarged_count; }

/* ---------------------------------------------------------------- one execution */

static int parameters_of_conv(const hg_conv_block *block) { return block->conv->layer.use_bias ? 2 : 1; }

static void start_conv(hg_block_run *run) {
  hg_op_call *conv = &run->conv_call;
  *conv = *run->call;
  conv->node = run->block->conv;
  for (int i = parameters_of_conv(run->block); i < HG_OP_PARAMETERS; i++) conv->values[i] = conv->gradients[i] = NULL;
  run->finish = hg_conv_finish_of(conv);
  run->job = hg_conv_job_of(conv, false);
  if (run->block->upsample == NULL || (!run->job.winograd && !hg_conv_is_thin(&run->job.map))) return;
  hg_pool_shape shape = hg_upsample_shape(run->block->upsample);
  run->job.enlarged[0] = shape.size[0];
  run->job.enlarged[1] = shape.size[1];
}

static void start_norm(hg_block_run *run) {
  hg_op_call *norm = &run->norm_call;
  int before = parameters_of_conv(run->block);
  *norm = *run->call;
  norm->node = run->block->norm;
  norm->scratch = run->call->scratch + hg_whole_lines(hg_conv_scratch(run->block->conv, false));
  for (int i = 0; i + before < HG_OP_PARAMETERS; i++) {
    norm->values[i] = run->call->values[i + before];
    norm->gradients[i] = run->call->gradients[i + before];
  }
  run->norm = hg_norm_start(norm);
}

static void start_dropout(hg_block_run *run) {
  const hg_op_node *dropout = run->block->dropout;
  run->scale = 1;
  if (dropout == NULL || !run->call->training) return;
  double rate = (double)dropout->layer.rate;
  run->rng = hg_rng_at(run->call->seed, HG_RNG_DROPOUT, run->call->step, (uint64_t)dropout->index);
  run->threshold = (uint32_t)ceil(rate * 0x1p24);
  if (run->threshold > 0) run->scale = (float)(1 / (1 - rate));
}

void hg_block_start(hg_block_run *run, const hg_op_call *call) {
  const hg_conv_block *block = block_of(call->node);
  const hg_op_node *first = block->upsample != NULL ? block->upsample : block->conv;
  const hg_op_node *active = block->norm != NULL ? block->norm : block->conv;
  *run = (hg_block_run){.call = call, .block = block};
  run->in = hg_shape_count(first->input);
  run->large = hg_shape_count(block->conv->input);
  run->map = hg_shape_count(block->conv->output);
  run->out = hg_shape_count(call->node->output);
  run->activation = active->layer.activation;
  run->negative_slope = active->layer.negative_slope;
  place_workers(run);
  start_conv(run);
  if (block->norm != NULL) start_norm(run);
  if (block->pool != NULL) run->window = hg_pool_window(block->pool);
  start_dropout(run);
  if (!call->training) return;
  float *saved = call->saved + norm_memory(block).saved;
  if (block->norm != NULL) run->maps = saved;
  if (has_codes(block)) run->codes = (uint8_t *)(void *)(saved + maps_count(block));
}

const float *hg_block_large(const hg_block_run *run, int image, int slot, int worker) {
  const float *input = run->call->input + run->in * image;
  if (run->block->upsample == NULL) return input;
  hg_pool_shape shape = hg_upsample_shape(run->block->upsample);
  float *large = hg_block_enlarged(run, worker) + run->large * slot;
  hg_pointwise()->upsample(&shape, input, large);
  return large;
}

/* ---------------------------------------------------------------- the row of the table */

static int64_t norm_multiply_adds(const hg_conv_block *block) {
  return block->norm == NULL ? 0 : hg_op_batch_norm.multiply_adds(block->norm);
}

static int64_t multiply_adds(const hg_op_node *node) {
  const hg_conv_block *block = block_of(node);
  return hg_op_conv2d.multiply_adds(block->conv) + norm_multiply_adds(block);
}

static int64_t multiply_adds_done(const hg_op_node *node) {
  const hg_conv_block *block = block_of(node);
  return hg_op_conv2d.multiply_adds_done(block->conv) + norm_multiply_adds(block);
}

const hg_op hg_op_conv_block = {.name = "conv_block",
                                .memory = memory_of,
                                .multiply_adds = multiply_adds,
                                .multiply_adds_done = multiply_adds_done,
                                .forward = hg_block_forward,
                                .backward = hg_block_backward,
                                .backward_reads_input = true,
                                .backward_reads_output = true};
