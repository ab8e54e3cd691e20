#include "ops/conv_sums.h"

#include <string.h>

#include "base/integers.h"
#include "base/shape.h"
#include "kernels/gemm.h"
#include "kernels/pointwise.h"
#include "ops/conv_taps.h"
#include "ops/conv_thin.h"
#include "ops/conv_winograd.h"

static void derive_images(const hg_conv_job *job, int image, int images) {
  const hg_layer *layer = &job->call->node->layer;
  if (layer->activation == HG_LINEAR) return;
  int64_t count = hg_shape_count(job->call->node->output);
  float *gradient = job->call->output_gradient + count * image;
  const float *output = job->call->output + count * image;
  hg_pointwise()->activate_gradient(layer->activation, layer->negative_slope, count * images, output, gradient, gradient);
}

static bool sums_across(const hg_conv_job *job) {
  return !job->transposed && !job->winograd_sums && hg_conv_sums_across(&job->map);
}

/* Weight and bias in one go, which is quicker where the products of a pixel are few. */
static bool sums_by_taps(const hg_conv_job *job) {
  const hg_conv_map *map = &job->map;
  return !job->transposed && !job->winograd_sums && !hg_conv_is_thin(map) && !sums_across(job) && hg_conv_taps_serve_sums(map);
}

static void sum_taps(const hg_conv_job *job, int images, const float *large, const float *small, bool first, float *weight,
                     float *bias, float *room) {
  const hg_conv_map *map = &job->map;
  for (int i = 0; i < images; i++) {
    hg_conv_view view = hg_conv_pad_large(map, large + hg_conv_large_count(map) * (size_t)i, 0, map->y.length, room);
    hg_conv_taps_sums(map, view, small + hg_conv_small_count(map) * (size_t)i, first && i == 0, weight, bias);
  }
}

static void sum_weight(const hg_conv_job *job, int images, const float *large, const float *small, bool first, float *weight,
                       float *room) {
  const hg_conv_map *map = &job->map;
  size_t padded = hg_conv_padded_large_count(map), stored = hg_conv_large_count(map);
  if (hg_conv_is_thin(map)) {
    for (int i = 0; i < images; i++)
      hg_conv_thin_weight_gradient(map, large + stored * (size_t)i, small + hg_conv_small_count(map) * (size_t)i, first && i == 0,
                                   weight, room);
    return;
  }
  hg_conv_view view = {0};
  for (int i = images - 1; i >= 0; i--)
    view = hg_conv_pad_large(map, large + stored * (size_t)i, 0, map->y.length, room + padded * (size_t)i);
  hg_conv_weight_gradient(map, images, view, (ptrdiff_t)(map->padded ? padded : stored), small, sums_across(job), first, weight);
}

static void sum_chain(const hg_conv_job *job, int piece, bool first, int images, const float *large, const float *small,
                      int worker) {
  hg_shape output = job->call->node->output;
  float *weight = hg_conv_partial(job, piece), *bias = hg_conv_partial_bias(job, piece);
  const float *gradient = job->transposed ? large : small;
  if (job->call->gradients[0] != NULL && sums_by_taps(job)) {
    sum_taps(job, images, large, small, first, weight, bias, hg_conv_room(job, worker));
    return;
  }
  if (job->call->gradients[1] != NULL)
    hg_conv_channel_sums(gradient, images * output.height * output.width, output.channels, first, bias);
  if (job->call->gradients[0] == NULL) return;
  if (job->winograd_sums)
    hg_conv_winograd_add(&job->map, images, large, small, first, hg_conv_back_sums(job, worker), hg_conv_back_room(job, worker));
  else
    sum_weight(job, images, large, small, first, weight, hg_conv_room(job, worker));
}

void hg_conv_sum_images(const hg_conv_job *job, int piece, bool first, int images, const float *large, const float *small,
                        int worker) {
  int chain = job->winograd_sums ? images : hg_conv_chain(&job->map);
  for (int i = 0; i < images; i += chain)
    sum_chain(job, piece, first && i == 0, hg_smaller(chain, images - i), large + hg_conv_large_count(&job->map) * (size_t)i,
              small + hg_conv_small_count(&job->map) * (size_t)i, worker);
}

static void sum_piece(void *context, int64_t piece, int worker) {
  const hg_conv_job *job = context;
  const hg_conv_map *map = &job->map;
  const float *larges = job->transposed ? job->call->output_gradient : job->call->input;
  const float *smalls = job->transposed ? job->call->input : job->call->output_gradient;
  int first = hg_conv_first(job, piece), last = hg_conv_first(job, piece + 1);
  for (int image = first; image < last; image += job->together) {
    int images = hg_smaller(job->together, last - image);
    derive_images(job, image, images);
    hg_conv_sum_images(job, (int)piece, image == first, images, larges + hg_conv_large_count(map) * (size_t)image,
                       smalls + hg_conv_small_count(map) * (size_t)image, worker);
  }
  hg_conv_end_piece(job, (int)piece, worker);
}

/* The sums of the later half of a pair of neighbours, or of pairs of neighbours and so on, into the earlier one's. */
static void add_piece(const hg_conv_job *job, int from, int to) {
  hg_pointwise()->add((int)hg_conv_partial_count(job), hg_conv_partial(job, from), hg_conv_partial(job, to));
}

static bool has_gradients(const hg_op_call *call) { return call->gradients[0] != NULL || call->gradients[1] != NULL; }

void hg_conv_end_piece(const hg_conv_job *job, int piece, int worker) {
  if (job->winograd_sums && job->call->gradients[0] != NULL)
    hg_conv_winograd_end(&job->map, hg_conv_back_sums(job, worker), hg_conv_partial(job, piece));
  for (int step = 1; step < job->pieces && has_gradients(job->call); step *= 2) {
    int left = piece / (2 * step) * (2 * step), right = left + step;
    if (right >= job->pieces) continue;
    if (atomic_fetch_add_explicit(&job->ended[right], 1, memory_order_acq_rel) == 0) return; /* the other half adds them */
    add_piece(job, right, left);
  }
}

/* (kh, S, kw, L) to (kh, kw, L, S). */
static void put_sums_across(const hg_conv_map *map, const float *sum, float *gradient) {
  int run = map->x.kernel * map->large_channels, out = map->small_channels;
  for (int ky = 0; ky < map->y.kernel; ky++) {
    ptrdiff_t at = (ptrdiff_t)ky * run * out;
    hg_gemm_kernels_get()->transpose(out, run, sum + at, run, gradient + at, out);
  }
}

/* From the form of the sums to the layer's. */
static void put_weight_gradient(const hg_conv_job *job, const float *sum) {
  const hg_conv_map *map = &job->map;
  float *gradient = job->call->gradients[0];
  bool large_last = hg_conv_is_thin(map); /* sums are (kh, kw, S, L), else (kh, kw, L, S); the layer's are (kh, kw, in, out) */
  if (!large_last && sums_across(job))
    put_sums_across(map, sum, gradient);
  else if (large_last == job->transposed)
    memcpy(gradient, sum, sizeof *sum * hg_conv_weight_count(map));
  else if (large_last)
    hg_conv_transpose_taps(map, map->small_channels, map->large_channels, sum, gradient);
  else
    hg_conv_transpose_taps(map, map->large_channels, map->small_channels, sum, gradient);
}

void hg_conv_put_gradients(const hg_conv_job *job) {
  const hg_op_call *call = job->call;
  const float *bias = hg_conv_partial_bias(job, 0);
  if (call->gradients[1] != NULL) memcpy(call->gradients[1], bias, sizeof *bias * (size_t)call->node->output.channels);
  if (call->gradients[0] != NULL) put_weight_gradient(job, hg_conv_partial(job, 0));
}

void hg_conv_run_gradients(hg_conv_job *job) {
  atomic_int ended[HG_CONV_MOST_PIECES] = {0};
  job->ended = ended;
  hg_parallel_for(job->call->pool, job->pieces, sum_piece, job);
  hg_conv_put_gradients(job);
}
