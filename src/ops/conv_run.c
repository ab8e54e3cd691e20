#include "ops/conv_run.h"

#include <string.h>

#include "kernels/gemm.h"
#include "kernels/pointwise.h"
#include "ops/conv_scatter.h"
#include "ops/conv_taps.h"
#include "ops/conv_thin.h"
#include "ops/conv_winograd.h"
#include "ops/native.h"

enum { MOST_PARTIAL = 1 << 24, ENOUGH_TASKS = 16, FEWEST_LINES = 4, FEWEST_PRODUCTS = 1 << 19 };

static size_t rounded(size_t count) { return (count + 15) / 16 * 16; }
static int smaller(int a, int b) { return a < b ? a : b; }
static int larger(int a, int b) { return a > b ? a : b; }

hg_conv_map hg_conv_map_of(const hg_op_node *node, bool transposed) {
  const hg_layer *layer = &node->layer;
  hg_shape large = transposed ? node->output : node->input, small = transposed ? node->input : node->output;
  hg_padding padding = layer->padding;
  hg_window y = {0}, x = {0};
  hg_window_place(large.height, layer->kernel_size[0], layer->strides[0], padding, "height", &y, NULL);
  hg_window_place(large.width, layer->kernel_size[1], layer->strides[1], padding, "width", &x, NULL);
  return hg_conv_map_make(large, small, layer->kernel_size, layer->strides, (int[2]){y.before, x.before}, padding);
}

hg_conv_job hg_conv_job_of(const hg_op_call *call, bool transposed) {
  hg_conv_job job = {.call = call, .map = hg_conv_map_of(call->node, transposed), .transposed = transposed, .enlarged = {1, 1}};
  job.winograd = !transposed && !call->training && hg_conv_is_winograd(&job.map);
  return job;
}

/* ---- Scratch */

/* Up of a replicated image goes through the gradient of the padded one. */
static bool folds(const hg_conv_map *map) { return map->replicate && map->padded; }

/* Only where the up map is a gradient, which has no bias. */
static bool scatters(const hg_conv_job *job) { return !job->transposed && hg_conv_scatters(&job->map); }

static size_t packed_count(const hg_conv_map *map) { return rounded(hg_conv_weight_count(map)); }

int hg_conv_chain(const hg_conv_map *map) {
  enum { MOST_PADDED = 1 << 18 };
  int pixels = map->y.small * map->x.small, chain = (HG_CONV_CHAIN + pixels - 1) / pixels;
  size_t padded = hg_conv_padded_large_count(map);
  return padded == 0 ? chain : smaller(chain, larger((int)(MOST_PADDED / padded), 1));
}

static size_t worker_count(const hg_conv_map *map) {
  size_t small = hg_conv_padded_small_count(map);
  if (folds(map)) {
    hg_conv_map padded = hg_conv_map_padded(map);
    small = hg_conv_padded_small_count(&padded);
  }
  size_t up_or_down = rounded(hg_conv_padded_large_count(map)) + rounded(small);
  size_t sums = rounded(hg_conv_padded_large_count(map) * (size_t)hg_conv_chain(map));
  size_t most = up_or_down > sums ? up_or_down : sums, thin = hg_conv_is_thin(map) ? hg_conv_thin_room(map) : 0;
  return most > thin ? most : thin;
}

static int bias_count(const hg_conv_job *job) { return job->call->node->output.channels; }

static size_t partial_count(const hg_conv_map *map, int biases) {
  return rounded(hg_conv_weight_count(map)) + rounded((size_t)biases);
}

int hg_conv_pieces(const hg_conv_map *map, int n) {
  size_t room = MOST_PARTIAL / hg_conv_weight_count(map);
  int most = room < 4 ? 4 : room < HG_CONV_MOST_PIECES ? (int)room : HG_CONV_MOST_PIECES;
  return smaller(n, most);
}

/* In inference, in place of all that: the transformed weight, and for each worker a panel of it and its tiles. */
static size_t winograd_weight_count(const hg_conv_map *map) {
  return hg_conv_winograd_panel_count(map) * (size_t)hg_conv_winograd_panels(map);
}

static size_t winograd_count(const hg_conv_map *map, int workers) {
  return winograd_weight_count(map) + (hg_conv_winograd_panel_count(map) + hg_conv_winograd_room(map)) * (size_t)workers;
}

size_t hg_conv_scratch(const hg_op_node *node, bool transposed) {
  hg_conv_map map = hg_conv_map_of(node, transposed);
  size_t count = packed_count(&map) + worker_count(&map) * (size_t)node->threads;
  if (node->training) count += partial_count(&map, node->output.channels) * (size_t)hg_conv_pieces(&map, node->batch);
  size_t winograd = transposed || !hg_conv_is_winograd(&map) ? 0 : winograd_count(&map, node->threads);
  return count > winograd ? count : winograd;
}

static float *packed_weight(const hg_conv_job *job) { return job->call->scratch; }

static float *worker_memory(const hg_conv_job *job, int worker) {
  return job->call->scratch + packed_count(&job->map) + worker_count(&job->map) * (size_t)worker;
}

static float *partial_sums(const hg_conv_job *job, int piece) {
  return worker_memory(job, job->call->node->threads) + partial_count(&job->map, bias_count(job)) * (size_t)piece;
}

/* ---- Down and up */

/* A task is some images, or, where images are few, a band of one image's lines. */
typedef struct spread {
  const hg_conv_job *job;
  const float *weight, *from;
  float *to;
  hg_conv_finish finish;
  int lines, bands; /* of a result */
  int group;        /* images to a task; 1 where there are bands */
} spread;

static spread make_spread(const hg_conv_job *job, int lines, bool whole) {
  int n = job->call->n;
  spread s = {.job = job, .lines = lines, .bands = 1, .group = 1};
  if (n < ENOUGH_TASKS && !whole) s.bands = smaller((ENOUGH_TASKS + n - 1) / n, larger(lines / FEWEST_LINES, 1));
  int64_t products = (int64_t)hg_conv_weight_count(&job->map) * job->map.y.small * job->map.x.small;
  if (s.bands == 1) s.group = larger(smaller((int)(FEWEST_PRODUCTS / products), n / ENOUGH_TASKS), 1);
  return s;
}

static void run_spread(const spread *s, hg_task *task) {
  int64_t groups = (s->job->call->n + s->group - 1) / s->group;
  hg_parallel_for(s->job->call->pool, groups * s->bands, task, (void *)s);
}

/* Images [image, end_image) and lines [first, last) of task `index`. */
typedef struct share {
  int image, end_image, first, last;
} share;

static share share_of(const spread *s, int64_t index) {
  int band = (int)(index % s->bands), image = (int)(index / s->bands) * s->group;
  return (share){.image = image,
                 .end_image = smaller(image + s->group, s->job->call->n),
                 .first = s->lines * band / s->bands,
                 .last = s->lines * (band + 1) / s->bands};
}

void hg_conv_image_down(const hg_conv_job *job, const float *weight, hg_conv_finish finish, const float *large, int first,
                        int last, float *small, int worker) {
  const hg_conv_map *map = &job->map;
  float *room = worker_memory(job, worker);
  if (hg_conv_is_thin(map)) {
    hg_conv_thin_down(map, job->enlarged, large, weight, finish, first, last, small, room);
    return;
  }
  int lines = (last - 1 - first) * map->y.stride + map->y.kernel;
  hg_conv_view view = hg_conv_pad_large(map, large, first * map->y.stride, lines, room);
  hg_conv_down(map, view, weight, finish, first, last, small);
}

static void down_task(void *context, int64_t index, int worker) {
  const spread *s = context;
  const hg_conv_map *map = &s->job->map;
  share mine = share_of(s, index);
  for (int image = mine.image; image < mine.end_image; image++)
    hg_conv_image_down(s->job, s->weight, s->finish, s->from + hg_conv_large_count(map) * (size_t)image, mine.first, mine.last,
                       s->to + hg_conv_small_count(map) * (size_t)image, worker);
}

static void transform_panel(void *context, int64_t panel, int worker) {
  (void)worker;
  const hg_conv_job *job = context;
  float *to = packed_weight(job) + hg_conv_winograd_panel_count(&job->map) * (size_t)panel;
  hg_conv_winograd_pack(&job->map, job->call->values[0], (int)panel, to);
}

const float *hg_conv_down_weight(const hg_conv_job *job) {
  const hg_conv_map *map = &job->map;
  const float *weight = job->call->values[0];
  float *packed = packed_weight(job);
  if (job->winograd)
    hg_parallel_for(job->call->pool, hg_conv_winograd_panels(map), transform_panel, (void *)job);
  else if (hg_conv_is_thin(map))
    hg_conv_pack_thin(map, weight, !job->transposed, packed);
  else if (job->transposed)
    hg_conv_transpose_taps(map, map->small_channels, map->large_channels, weight, packed);
  else
    return weight;
  return packed;
}

/* ---- Down by winograd */

static hg_conv_winograd winograd_of(const hg_conv_job *job, hg_conv_finish finish) {
  return (hg_conv_winograd){.map = &job->map, .enlarged = job->enlarged, .weight = job->call->values[0], .finish = finish};
}

void hg_conv_group_down(const hg_conv_job *job, const float *weight, hg_conv_finish finish, int images, const float *large,
                        float *small, int worker) {
  hg_conv_winograd what = winograd_of(job, finish);
  what.packed = weight;
  what.last = hg_conv_winograd_panels(&job->map);
  float *room = job->call->scratch + winograd_count(&job->map, worker) + hg_conv_winograd_panel_count(&job->map);
  hg_conv_winograd_down(&what, images, large, small, room);
}

static void group_task(void *context, int64_t index, int worker) {
  const spread *s = context;
  const hg_conv_map *map = &s->job->map;
  int n = s->job->call->n, groups = hg_conv_winograd_groups(map, n);
  int first = (int)(n * index / groups), last = (int)(n * (index + 1) / groups);
  hg_conv_group_down(s->job, s->weight, s->finish, last - first, s->from + hg_conv_large_count(map) * (size_t)first,
                     s->to + hg_conv_small_count(map) * (size_t)first, worker);
}

static void panel_task(void *context, int64_t panel, int worker) {
  const spread *s = context;
  const hg_conv_job *job = s->job;
  int n = job->call->n;
  float *packed = job->call->scratch + winograd_count(&job->map, worker),
        *room = packed + hg_conv_winograd_panel_count(&job->map);
  hg_conv_winograd what = winograd_of(job, s->finish);
  what.first = (int)panel;
  what.last = what.first + 1;
  if (n * hg_conv_winograd_tiles(&job->map) >= HG_WINOGRAD_FEW_TILES) {
    hg_conv_winograd_pack(&job->map, what.weight, what.first, packed);
    what.packed = packed;
  }
  hg_conv_winograd_down(&what, n, s->from, s->to, room);
}

static void run_winograd(spread *s) {
  const hg_conv_job *job = s->job;
  if (hg_conv_takes_groups(job)) {
    s->weight = hg_conv_down_weight(job);
    hg_parallel_for(job->call->pool, hg_conv_winograd_groups(&job->map, job->call->n), group_task, s);
  } else {
    hg_parallel_for(job->call->pool, hg_conv_winograd_panels(&job->map), panel_task, s);
  }
}

void hg_conv_run_down(const hg_conv_job *job, hg_conv_finish finish, const float *large, float *small) {
  spread s = make_spread(job, job->map.y.small, false);
  s.finish = finish;
  s.from = large;
  s.to = small;
  if (job->winograd) {
    run_winograd(&s);
    return;
  }
  s.weight = hg_conv_down_weight(job);
  run_spread(&s, down_task);
}

const float *hg_conv_up_weight(const hg_conv_job *job) {
  hg_conv_map padded = hg_conv_map_padded(&job->map);
  if (scatters(job))
    hg_conv_pack_scatter(&job->map, job->call->values[0], packed_weight(job));
  else
    hg_conv_pack_up(folds(&job->map) ? &padded : &job->map, job->call->values[0], !job->transposed, packed_weight(job));
  return packed_weight(job);
}

static void scattered_up(const hg_conv_job *job, const float *weight, const float *small, float *large, int worker) {
  bool padded = job->map.padded;
  float *to = padded ? worker_memory(job, worker) : large;
  hg_conv_scatter(&job->map, small, weight, to);
  if (padded) hg_conv_fold_large(&job->map, to, large);
}

/* Up of one image whose padding repeats its edge. */
static void folded_up(const hg_conv_job *job, const float *weight, hg_conv_finish finish, const float *small, float *large,
                      int worker) {
  hg_conv_map padded = hg_conv_map_padded(&job->map);
  float *gradient = worker_memory(job, worker), *room = gradient + rounded(hg_conv_padded_large_count(&job->map));
  hg_conv_view view = hg_conv_pad_small(&padded, small, room);
  hg_conv_up(&padded, view, weight, finish, 0, padded.y.large, gradient);
  hg_conv_fold_large(&job->map, gradient, large);
}

void hg_conv_image_up(const hg_conv_job *job, const float *weight, hg_conv_finish finish, const float *small, float *large,
                      int worker) {
  if (scatters(job)) {
    scattered_up(job, weight, small, large, worker);
    return;
  }
  if (folds(&job->map)) {
    folded_up(job, weight, finish, small, large, worker);
    return;
  }
  hg_conv_view view = hg_conv_pad_small(&job->map, small, worker_memory(job, worker));
  hg_conv_up(&job->map, view, weight, finish, 0, job->map.y.large, large);
}

static void up_task(void *context, int64_t index, int worker) {
  const spread *s = context;
  const hg_conv_map *map = &s->job->map;
  share mine = share_of(s, index);
  for (int image = mine.image; image < mine.end_image; image++) {
    const float *small = s->from + hg_conv_small_count(map) * (size_t)image;
    float *large = s->to + hg_conv_large_count(map) * (size_t)image;
    if (s->bands == 1) {
      hg_conv_image_up(s->job, s->weight, s->finish, small, large, worker);
      continue;
    }
    hg_conv_view view = hg_conv_pad_small(map, small, worker_memory(s->job, worker));
    hg_conv_up(map, view, s->weight, s->finish, mine.first, mine.last, large);
  }
}

void hg_conv_run_up(const hg_conv_job *job, hg_conv_finish finish, const float *small, float *large) {
  spread s = make_spread(job, job->map.y.large, folds(&job->map) || scatters(job));
  s.weight = hg_conv_up_weight(job);
  s.finish = finish;
  s.from = small;
  s.to = large;
  run_spread(&s, up_task);
}

/* ---- Gradients of weight and bias */

static void derive_images(const hg_conv_job *job, int image, int images) {
  const hg_layer *layer = &job->call->node->layer;
  if (layer->activation == HG_LINEAR) return;
  int64_t count = hg_shape_count(job->call->node->output);
  float *gradient = job->call->output_gradient + count * image;
  const float *output = job->call->output + count * image;
  hg_pointwise()->activate_gradient(layer->activation, layer->negative_slope, count * images, output, gradient, gradient);
}

static bool sums_across(const hg_conv_job *job) { return !job->transposed && hg_conv_sums_across(&job->map); }

/* Weight and bias in one go, which is quicker where the products of a pixel are few. */
static bool sums_by_taps(const hg_conv_job *job) {
  const hg_conv_map *map = &job->map;
  return !job->transposed && !hg_conv_is_thin(map) && !sums_across(job) && hg_conv_taps_serve_sums(map);
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

void hg_conv_sum_images(const hg_conv_job *job, int piece, bool first, int images, const float *large, const float *small,
                        int worker) {
  hg_shape output = job->call->node->output;
  float *weight = partial_sums(job, piece), *bias = weight + rounded(hg_conv_weight_count(&job->map));
  const float *gradient = job->transposed ? large : small;
  if (job->call->gradients[0] != NULL && sums_by_taps(job)) {
    sum_taps(job, images, large, small, first, weight, bias, worker_memory(job, worker));
    return;
  }
  if (job->call->gradients[1] != NULL)
    hg_conv_channel_sums(gradient, images * output.height * output.width, output.channels, first, bias);
  if (job->call->gradients[0] != NULL) sum_weight(job, images, large, small, first, weight, worker_memory(job, worker));
}

static void sum_piece(void *context, int64_t piece, int worker) {
  const hg_conv_job *job = context;
  const hg_conv_map *map = &job->map;
  const float *larges = job->transposed ? job->call->output_gradient : job->call->input;
  const float *smalls = job->transposed ? job->call->input : job->call->output_gradient;
  int n = job->call->n, pieces = hg_conv_pieces(map, n), chain = hg_conv_chain(map);
  int first = (int)(n * piece / pieces), last = (int)(n * (piece + 1) / pieces);
  for (int image = first; image < last; image += chain) {
    int images = smaller(chain, last - image);
    derive_images(job, image, images);
    hg_conv_sum_images(job, (int)piece, image == first, images, larges + hg_conv_large_count(map) * (size_t)image,
                       smalls + hg_conv_small_count(map) * (size_t)image, worker);
  }
  hg_conv_end_piece(job, (int)piece);
}

/* The sums of the later half of a pair of neighbours, or of pairs of neighbours and so on, into the earlier one's. */
static void add_piece(const hg_conv_job *job, int from, int to) {
  hg_pointwise()->add((int)partial_count(&job->map, bias_count(job)), partial_sums(job, from), partial_sums(job, to));
}

static bool has_gradients(const hg_op_call *call) { return call->gradients[0] != NULL || call->gradients[1] != NULL; }

void hg_conv_end_piece(const hg_conv_job *job, int piece) {
  int pieces = hg_conv_pieces(&job->map, job->call->n);
  for (int step = 1; step < pieces && has_gradients(job->call); step *= 2) {
    int left = piece / (2 * step) * (2 * step), right = left + step;
    if (right >= pieces) continue;
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
  float *weight = partial_sums(job, 0), *bias = weight + rounded(hg_conv_weight_count(&job->map));
  if (call->gradients[1] != NULL) memcpy(call->gradients[1], bias, sizeof *bias * (size_t)bias_count(job));
  if (call->gradients[0] != NULL) put_weight_gradient(job, weight);
}

void hg_conv_run_gradients(hg_conv_job *job) {
  atomic_int ended[HG_CONV_MOST_PIECES] = {0};
  job->ended = ended;
  hg_parallel_for(job->call->pool, hg_conv_pieces(&job->map, job->call->n), sum_piece, job);
  hg_conv_put_gradients(job);
}
