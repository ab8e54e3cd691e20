#include "ops/conv_job.h"

#include "base/integers.h"
#include "ops/conv_thin.h"
#include "ops/conv_winograd.h"
#include "ops/native.h"

hg_conv_map hg_conv_map_of(const hg_op_node *node, bool transposed) {
  const hg_layer *layer = &node->layer;
  hg_shape large = transposed ? node->output : node->input, small = transposed ? node->input : node->output;
  hg_padding padding = layer->padding;
  hg_window y = {0}, x = {0};
  hg_window_place(large.height, layer->kernel_size[0], layer->strides[0], padding, "height", &y, NULL);
  hg_window_place(large.width, layer->kernel_size[1], layer->strides[1], padding, "width", &x, NULL);
  return hg_conv_map_make(large, small, layer->kernel_size, layer->strides, (int[2]){y.before, x.before}, padding);
}

static bool trains_by_winograd(const hg_op_node *node, const hg_conv_map *map, bool transposed) {
  return !transposed && node->training && node->winograd && hg_conv_is_winograd(map);
}

static bool backs_by_winograd(const hg_op_node *node, const hg_conv_map *map, bool transposed) {
  if (!trains_by_winograd(node, map, transposed)) return false;
  hg_conv_map back = hg_conv_winograd_back(map);
  return hg_conv_is_winograd(&back);
}

/* ---- How a batch is cut */

int hg_conv_chain(const hg_conv_map *map) {
  enum { MOST_PADDED = 1 << 18 };
  int pixels = map->y.small * map->x.small, chain = (HG_CONV_CHAIN + pixels - 1) / pixels;
  size_t padded = hg_conv_padded_large_count(map);
  return padded == 0 ? chain : hg_smaller(chain, hg_larger((int)(MOST_PADDED / padded), 1));
}

/* A piece of winograd's has enough tiles for its sums to be worth transforming. */
static int pieces_of(const hg_conv_map *map, bool winograd, int n) {
  enum { MOST_PARTIAL = 1 << 24, FEWEST = 4, ENOUGH_TILES = 64 };
  int room = (int)(MOST_PARTIAL / hg_conv_weight_count(map)), most = hg_smaller(hg_larger(room, FEWEST), HG_CONV_MOST_PIECES);
  int64_t worth = winograd ? (int64_t)hg_conv_winograd_tiles(map) * n / ENOUGH_TILES : HG_CONV_MOST_PIECES;
  if (worth < most) most = hg_larger((int)worth, FEWEST);
  return hg_smaller(n, most);
}

int hg_conv_together(const hg_op_node *node, bool transposed) {
  hg_conv_map map = hg_conv_map_of(node, transposed);
  return trains_by_winograd(node, &map, transposed) ? hg_conv_winograd_sum_images(&map) : hg_conv_chain(&map);
}

/* ---- */

hg_conv_job hg_conv_job_of(const hg_op_call *call, bool transposed) {
  hg_conv_job job = {.call = call, .map = hg_conv_map_of(call->node, transposed), .transposed = transposed, .enlarged = {1, 1}};
  job.winograd = !transposed && (!call->training || call->node->winograd) && hg_conv_is_winograd(&job.map);
  job.winograd_sums = trains_by_winograd(call->node, &job.map, transposed);
  job.winograd_up = backs_by_winograd(call->node, &job.map, transposed);
  if (job.winograd_up) job.back = hg_conv_winograd_back(&job.map);
  job.pieces = pieces_of(&job.map, job.winograd_sums, call->n);
  job.together = hg_conv_together(call->node, transposed);
  return job;
}

/* ---- Scratch */

static size_t packed_count(const hg_conv_map *map) { return hg_whole_lines(hg_conv_weight_count(map)); }

static size_t worker_count(const hg_conv_map *map) {
  size_t small = hg_conv_padded_small_count(map);
  if (hg_conv_folds(map)) {
    hg_conv_map padded = hg_conv_map_padded(map);
    small = hg_conv_padded_small_count(&padded);
  }
  size_t up_or_down = hg_whole_lines(hg_conv_padded_large_count(map)) + hg_whole_lines(small);
  size_t sums = hg_whole_lines(hg_conv_padded_large_count(map) * (size_t)hg_conv_chain(map));
  size_t most = up_or_down > sums ? up_or_down : sums, thin = hg_conv_is_thin(map) ? hg_conv_thin_room(map) : 0;
  return most > thin ? most : thin;
}

static size_t partial_count(const hg_conv_map *map, int biases) {
  return hg_whole_lines(hg_conv_weight_count(map)) + hg_whole_lines((size_t)biases);
}

/* Forward by winograd, in place of all that: the transformed weight, and for each worker a panel of it and its tiles. */
static size_t winograd_weight_count(const hg_conv_map *map) {
  return hg_conv_winograd_panel_count(map) * (size_t)hg_conv_winograd_panels(map);
}

static size_t winograd_count(const hg_conv_map *map, int workers) {
  return winograd_weight_count(map) + (hg_conv_winograd_panel_count(map) + hg_conv_winograd_room(map)) * (size_t)workers;
}

/* Backward by winograd, behind all that: the transformed weight, and for each worker its tiles, of sums or up, and the sums. */
static size_t back_weight_count(const hg_conv_map *map) {
  hg_conv_map back = hg_conv_winograd_back(map);
  return hg_conv_is_winograd(&back) ? winograd_weight_count(&back) : 0;
}

static size_t back_room(const hg_conv_map *map) {
  hg_conv_map back = hg_conv_winograd_back(map);
  size_t up = hg_conv_is_winograd(&back) ? hg_conv_winograd_room(&back) : 0, sums = hg_conv_winograd_sums_room(map);
  return hg_whole_lines(up > sums ? up : sums);
}

static size_t back_worker_count(const hg_conv_map *map) {
  return back_room(map) + hg_whole_lines(hg_conv_winograd_sums_count(map));
}

static size_t back_count(const hg_op_node *node, const hg_conv_map *map) {
  return back_weight_count(map) + back_worker_count(map) * (size_t)node->threads;
}

/* What is before that. */
static size_t direct_count(const hg_op_node *node, const hg_conv_map *map, bool winograd) {
  int pieces = pieces_of(map, winograd, node->batch);
  size_t count = packed_count(map) + worker_count(map) * (size_t)node->threads;
  return node->training ? count + partial_count(map, node->output.channels) * (size_t)pieces : count;
}

size_t hg_conv_scratch(const hg_op_node *node, bool transposed) {
  hg_conv_map map = hg_conv_map_of(node, transposed);
  bool trains = trains_by_winograd(node, &map, transposed);
  size_t count = direct_count(node, &map, trains) + (trains ? back_count(node, &map) : 0);
  size_t winograd = transposed || !hg_conv_is_winograd(&map) ? 0 : winograd_count(&map, node->threads);
  return count > winograd ? count : winograd;
}

float *hg_conv_packed(const hg_conv_job *job) { return job->call->scratch; }

float *hg_conv_room(const hg_conv_job *job, int worker) {
  return job->call->scratch + packed_count(&job->map) + worker_count(&job->map) * (size_t)worker;
}

float *hg_conv_small_room(const hg_conv_job *job, int worker) {
  return hg_conv_room(job, worker) + hg_whole_lines(hg_conv_padded_large_count(&job->map));
}

size_t hg_conv_partial_count(const hg_conv_job *job) { return partial_count(&job->map, job->call->node->output.channels); }

float *hg_conv_partial(const hg_conv_job *job, int piece) {
  return hg_conv_room(job, job->call->node->threads) + hg_conv_partial_count(job) * (size_t)piece;
}

float *hg_conv_partial_bias(const hg_conv_job *job, int piece) { return hg_conv_partial(job, piece) + packed_count(&job->map); }

float *hg_conv_back_weight(const hg_conv_job *job) {
  return job->call->scratch + direct_count(job->call->node, &job->map, job->winograd_sums);
}

float *hg_conv_back_room(const hg_conv_job *job, int worker) {
  return hg_conv_back_weight(job) + back_weight_count(&job->map) + back_worker_count(&job->map) * (size_t)worker;
}

float *hg_conv_back_sums(const hg_conv_job *job, int worker) { return hg_conv_back_room(job, worker) + back_room(&job->map); }

float *hg_conv_group_room(const hg_conv_job *job, int worker) { return job->call->scratch + winograd_count(&job->map, worker); }
