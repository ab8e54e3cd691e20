/* A block backward: from the output's gradient to that of the convolution's map, an image at a time in a worker's memory,
 * and from there at once to weight, bias and input. batch_norm first wants two sums over the whole batch. */
#include "base/integers.h"
#include "ops/block_run.h"
#include "ops/conv_sums.h"
#include "ops/native.h"

#include <string.h>

/* Takes one image's output gradient back through dropout and activation, in its place. Where values are pooled by plain
 * activations the codes know it all. */
static void derive(const hg_block_run *run, int image) {
  const hg_op_call *call = run->call;
  int64_t at = run->out * image;
  float *dy = call->output_gradient + at;
  bool pooled = run->block->pool != NULL, coded = run->codes != NULL;
  if (!pooled && coded)
    hg_pointwise()->undrop_code(run->out, run->scale, dy, run->codes + at, dy);
  else if (run->activation != HG_LINEAR && !(pooled && run->activation == HG_RELU))
    hg_pointwise()->activate_gradient(run->activation, run->negative_slope, run->out, call->output + at, dy, dy);
}

/* Where derive has nothing to do with what was pooled. */
static bool is_plain(const hg_block_run *run) { return run->activation == HG_LINEAR || run->activation == HG_RELU; }

/* Lines [top, bottom) of a map that output lines [first, last) go back to. */
typedef struct strip {
  int first, last, top, bottom;
} strip;

/* The strip that begins at output line `first`: short enough for the first-level cache to hold its gradient until that is read,
 * the whole map where windows reach into each other. */
static strip strip_at(const hg_block_run *run, int first) {
  enum { VALUES = 1 << 12 };
  const hg_pool_shape *w = &run->window;
  int64_t line = (int64_t)w->width * w->channels * w->stride[0];
  bool apart = w->stride[0] >= w->size[0] && w->before[0] == 0;
  int last = hg_smaller(first + (apart ? hg_larger((int)(VALUES / line), 1) : w->out_height), w->out_height);
  return (strip){first, last, first * w->stride[0], last == w->out_height ? w->height : last * w->stride[0]};
}

/* What was derived of an image, spread over lines of its map. */
static void spread_lines(const hg_block_run *run, int image, strip s, float *to) {
  hg_pool_shape part = run->window;
  part.height = s.bottom - s.top;
  part.out_height = s.last - s.first;
  int64_t at = run->out * image + (int64_t)s.first * part.out_width * part.channels;
  hg_pointwise()->max_pool_scatter(&part, run->scale, run->call->output_gradient + at, run->codes + at, to);
}

/* ---- batch_norm's sums */

/* Nothing is pooled: dz takes the place of the output's gradient. */
static void sum_in_place(const hg_block_run *run, int64_t piece) {
  const hg_norm_run *norm = &run->norm;
  int first = hg_norm_first_sample(norm, piece), last = hg_norm_first_sample(norm, piece + 1);
  int64_t start = run->map * first, summed = 0, made = 0;
  bool relu = run->codes == NULL && run->activation == HG_RELU; /* goes in the sums' own pass */
  for (int image = first; image < last; image++) {
    if (!relu) derive(run, image);
    made += norm->area;
    int64_t rows = image + 1 < last ? (made - summed) / norm->together * norm->together : made - summed;
    int64_t at = start + summed * norm->channels;
    float *dz = run->call->output_gradient + at;
    if (relu)
      hg_norm_add_relu_products(norm, piece, rows, run->call->output + at, dz, run->maps + at);
    else
      hg_norm_add_products(norm, piece, rows, dz, run->maps + at);
    summed += rows;
  }
}

/* A strip's dz is made behind the rows that the one before it left. */
static void sum_pooled(const hg_block_run *run, int64_t piece, float *room) {
  const hg_norm_run *norm = &run->norm;
  int first = hg_norm_first_sample(norm, piece), last = hg_norm_first_sample(norm, piece + 1);
  const float *maps = run->maps + run->map * first;
  int64_t summed = 0, left = 0, all = (last - first) * norm->area; /* rows */
  for (int image = first; image < last; image++) {
    derive(run, image);
    for (strip s = strip_at(run, 0); s.first < run->window.out_height; s = strip_at(run, s.last)) {
      spread_lines(run, image, s, room + left * norm->channels);
      int64_t made = left + (int64_t)(s.bottom - s.top) * run->window.width;
      int64_t rows = summed + made < all ? made / norm->together * norm->together : made;
      hg_norm_add_products(norm, piece, rows, room, maps + summed * norm->channels);
      summed += rows;
      left = made - rows;
      memmove(room, room + rows * norm->channels, (size_t)(left * norm->channels) * sizeof *room);
    }
  }
}

/* Without spreading anything, where there is a kernel for it. False: there is none, and nothing was done. */
static bool sum_codes(const hg_block_run *run, int64_t piece, int image) {
  int64_t at = run->out * image;
  return is_plain(run) && hg_norm_add_pooled(&run->norm, piece, &run->window, run->scale, run->call->output_gradient + at,
                                             run->codes + at, run->maps + run->map * image);
}

static bool sum_all_codes(const hg_block_run *run, int64_t piece) {
  int first = hg_norm_first_sample(&run->norm, piece), last = hg_norm_first_sample(&run->norm, piece + 1);
  for (int image = first; image < last; image++)
    if (!sum_codes(run, piece, image)) return false;
  return true;
}

static void sum_piece(void *context, int64_t piece, int worker) {
  const hg_block_run *run = context;
  hg_norm_clear_piece(&run->norm, piece);
  if (run->block->pool == NULL)
    sum_in_place(run, piece);
  else if (!sum_all_codes(run, piece))
    sum_pooled(run, piece, hg_block_maps(run, worker));
}

/* ---- the map's gradient, and what comes of it */

/* Through the activation between convolution and batch_norm. */
static void derive_sums(const hg_block_run *run, int64_t count, const float *map, float *to) {
  const hg_conv_finish *finish = &run->finish;
  if (finish->activation != HG_LINEAR)
    hg_pointwise()->activate_gradient(finish->activation, finish->negative_slope, count, map, to, to);
}

/* Lines of an image: from the gradient behind batch_norm to that of the convolution's sums. */
static void norm_gradient(const hg_block_run *run, int image, strip s, const float *dy, float *to) {
  int64_t line = run->map / run->block->conv->output.height, count = line * (s.bottom - s.top);
  const float *map = run->maps + run->map * image + line * s.top;
  hg_norm_gradient_rows(&run->norm, count / run->norm.channels, dy, map, to);
  derive_sums(run, count, map, to);
}

/* A whole image's from that of what was pooled, where there is a kernel for both at once. */
static bool scatter_norm_gradient(const hg_block_run *run, int image, float *to) {
  const float *map = run->maps + run->map * image;
  int64_t at = run->out * image;
  if (!hg_norm_scatter(&run->norm, &run->window, run->scale, run->call->output_gradient + at, run->codes + at, map, to))
    return false;
  derive_sums(run, run->map, map, to);
  return true;
}

/* Of the convolution's output before all else, one image; maybe in `room`. */
static const float *map_gradient(const hg_block_run *run, int image, float *room) {
  const float *dy = run->call->output_gradient + run->out * image;
  bool normalizes = run->block->norm != NULL;
  if (!normalizes) derive(run, image);
  if (run->block->pool == NULL) {
    if (!normalizes) return dy;
    norm_gradient(run, image, (strip){.bottom = run->block->conv->output.height}, dy, room);
    return room;
  }
  if (normalizes && scatter_norm_gradient(run, image, room)) return room;
  int64_t line = (int64_t)run->window.width * run->window.channels;
  for (strip s = strip_at(run, 0); s.first < run->window.out_height; s = strip_at(run, s.last)) {
    float *to = room + line * s.top;
    spread_lines(run, image, s, to);
    if (normalizes) norm_gradient(run, image, s, to, to);
  }
  return room;
}

static void give_input_gradients(const hg_block_run *run, int image, int images, const float *dz, int worker) {
  float *to = run->call->input_gradient + run->in * image;
  bool enlarges = run->block->upsample != NULL;
  float *large = enlarges ? hg_block_enlarged(run, worker) : to;
  hg_conv_images_up(&run->job, run->weight, images, dz, large, worker);
  if (!enlarges) return;
  hg_pool_shape shape = hg_upsample_shape(run->block->upsample);
  for (int i = 0; i < images; i++) hg_pointwise()->upsample_gradient(&shape, large + run->large * i, to + run->in * i);
}

/* Some images of a piece, which are in the cache together. */
static void take_images(const hg_block_run *run, int piece, int image, int images, bool first, int worker) {
  float *room = hg_block_maps(run, worker);
  const float *dz = NULL, *large = NULL;
  for (int i = images - 1; i >= 0; i--) {
    dz = map_gradient(run, image + i, room + run->map * i);
    large = hg_block_large(run, image + i, i, worker);
  }
  hg_conv_sum_images(&run->job, piece, first, images, large, dz, worker);
  if (run->call->input_gradient != NULL) give_input_gradients(run, image, images, dz, worker);
}

static void take_piece(void *context, int64_t piece, int worker) {
  const hg_block_run *run = context;
  int first = hg_conv_first(&run->job, piece), last = hg_conv_first(&run->job, piece + 1), together = run->job.together;
  for (int image = first; image < last; image += together)
    take_images(run, (int)piece, image, hg_smaller(together, last - image), image == first, worker);
  hg_conv_end_piece(&run->job, (int)piece, worker);
}

void hg_block_backward(const hg_op_call *call) {
  hg_block_run run;
  hg_block_start(&run, call);
  if (run.block->norm != NULL) {
    hg_norm_place_statistics(&run.norm);
    hg_parallel_for(call->pool, run.norm.pieces, sum_piece, &run);
    hg_norm_finish_products(&run.norm);
  }
  const hg_op_call *conv = &run.conv_call;
  if (call->input_gradient == NULL && conv->gradients[0] == NULL && conv->gradients[1] == NULL) return; /* a frozen first layer */
  if (call->input_gradient != NULL) run.weight = hg_conv_up_weight(&run.job);
  atomic_int ended[HG_CONV_MOST_PIECES] = {0};
  run.job.ended = ended;
  hg_parallel_for(call->pool, run.job.pieces, take_piece, &run);
  hg_conv_put_gradients(&run.job);
}
