/* A block forward. Without batch_norm, and in inference, a task takes some images, or a band of one image's lines, through
 * all of it. In training batch_norm needs the whole batch's sums in between: the convolution's maps are then kept. */
#include "base/integers.h"
#include "ops/block_run.h"
#include "ops/conv_winograd.h"
#include "ops/native.h"

/* Lines [top, bottom) of the map that output lines [first, last) come from. */
typedef struct lines {
  int first, last, top, bottom;
} lines;

static lines lines_of(const hg_block_run *run, int first, int last) {
  if (run->block->pool == NULL) return (lines){first, last, first, last};
  const hg_pool_shape *w = &run->window;
  int end = (last - 1) * w->stride[0] - w->before[0] + w->size[0];
  return (lines){first, last, hg_larger(first * w->stride[0] - w->before[0], 0), hg_smaller(end, w->height)};
}

static int64_t map_line(const hg_block_run *run) { return run->map / run->block->conv->output.height; }
static int64_t out_line(const hg_block_run *run) { return run->out / run->call->node->output.height; }

/* Pools these lines of an image, which are at hand from line `top` on. */
static void pool_lines(const hg_block_run *run, lines l, const float *from, float *to, uint8_t *codes) {
  hg_pool_shape part = run->window;
  part.before[0] += l.top - l.first * part.stride[0];
  part.height = l.bottom - l.top;
  part.out_height = l.last - l.first;
  if (codes == NULL)
    hg_pointwise()->max_pool(&part, from, to, NULL);
  else
    hg_pointwise()->max_pool_code(&part, run->activation == HG_RELU, from, to, codes);
}

static void drop(const hg_block_run *run, int64_t at, int64_t count) {
  if (run->codes == NULL || run->threshold == 0) return;
  hg_pointwise()->dropout_code(run->rng.key, run->rng.counter, at, count, run->threshold, run->scale, run->call->output + at,
                               run->codes + at);
}

/* From the activated map to the output. `from` is line `top` of it; the output itself where nothing is pooled. */
static void finish_lines(const hg_block_run *run, int image, lines l, const float *from) {
  int64_t at = run->out * image + out_line(run) * l.first, count = out_line(run) * (l.last - l.first);
  float *to = run->call->output + at;
  uint8_t *codes = run->codes == NULL ? NULL : run->codes + at;
  if (run->block->pool != NULL)
    pool_lines(run, l, from, to, codes);
  else if (codes != NULL)
    hg_pointwise()->mark_code(count, run->activation == HG_RELU, to, codes);
  drop(run, at, count);
}

/* Where an image's activated map goes: to memory of its own where it is pooled. */
static float *activated(const hg_block_run *run, int image, int worker) {
  return run->block->pool != NULL ? hg_block_maps(run, worker) : run->call->output + run->out * image;
}

/* An image as hg_conv_image_down reads it. */
static const float *image_to_convolve(const hg_block_run *run, int image, int worker) {
  bool repeats = run->job.enlarged[0] > 1 || run->job.enlarged[1] > 1; /* by itself */
  return repeats ? run->call->input + run->in * image : hg_block_large(run, image, 0, worker);
}

/* ---- all at once */

static void take_lines(const hg_block_run *run, int image, lines l, int worker) {
  float *map = activated(run, image, worker), *from = map + map_line(run) * l.top;
  hg_conv_image_down(&run->job, run->weight, run->finish, image_to_convolve(run, image, worker), l.top, l.bottom, map, worker);
  if (run->block->norm != NULL)
    hg_norm_rows(&run->norm, (int64_t)(l.bottom - l.top) * run->block->conv->output.width, from, from);
  finish_lines(run, image, l, from);
}

/* A task is some images, or, where images are few, a band of one image's lines. */
typedef struct cut {
  const hg_block_run *run;
  int bands, group;
} cut;

static cut cut_of(const hg_block_run *run) {
  enum { ENOUGH_TASKS = 16, FEWEST_LINES = 4, FEWEST_VALUES = 1 << 14 };
  int n = run->call->n, height = run->call->node->output.height;
  bool apart = run->block->pool == NULL || run->window.stride[0] >= run->window.size[0]; /* no line is made twice */
  cut c = {.run = run, .bands = 1, .group = 1};
  if (n < ENOUGH_TASKS && apart) c.bands = hg_smaller((ENOUGH_TASKS + n - 1) / n, hg_larger(height / FEWEST_LINES, 1));
  if (c.bands == 1) c.group = hg_larger(hg_smaller((int)(FEWEST_VALUES / run->map), n / ENOUGH_TASKS), 1);
  return c;
}

static void take_images(void *context, int64_t index, int worker) {
  const cut *c = context;
  const hg_block_run *run = c->run;
  int height = run->call->node->output.height, band = (int)(index % c->bands), first = (int)(index / c->bands) * c->group;
  lines l = lines_of(run, height * band / c->bands, height * (band + 1) / c->bands);
  for (int image = first; image < first + c->group && image < run->call->n; image++) take_lines(run, image, l, worker);
}

static void run_at_once(hg_block_run *run) {
  cut c = cut_of(run);
  int64_t groups = (run->call->n + c.group - 1) / c.group;
  if (run->block->norm != NULL) hg_norm_place_statistics(&run->norm);
  hg_parallel_for(run->call->pool, groups * c.bands, take_images, &c);
}

/* ---- all at once, by winograd */

static void finish_images(const hg_block_run *run, int first, int images, float *maps) {
  int height = run->call->node->output.height;
  if (run->block->norm != NULL) hg_norm_rows(&run->norm, images * run->norm.area, maps, maps);
  for (int i = 0; i < images; i++) finish_lines(run, first + i, lines_of(run, 0, height), maps + run->map * i);
}

static void take_group(void *context, int64_t index, int worker) {
  const hg_block_run *run = context;
  int n = run->call->n, groups = hg_conv_winograd_groups(&run->job.map, n);
  int first = (int)(n * index / groups), images = (int)(n * (index + 1) / groups) - first;
  float *maps = activated(run, first, worker);
  hg_conv_group_down(&run->job, run->weight, run->finish, images, run->call->input + run->in * first, maps, worker);
  finish_images(run, first, images, maps);
}

static float *all_maps(const hg_block_run *run) { return run->block->pool != NULL ? hg_block_all_maps(run) : run->call->output; }

static void finish_image(void *context, int64_t image, int worker) {
  (void)worker;
  const hg_block_run *run = context;
  finish_images(run, (int)image, 1, all_maps(run) + run->map * image);
}

static void run_winograd(hg_block_run *run) {
  if (run->block->norm != NULL) hg_norm_place_statistics(&run->norm);
  if (hg_conv_takes_groups(&run->job)) {
    run->weight = hg_conv_down_weight(&run->job);
    hg_parallel_for(run->call->pool, hg_conv_winograd_groups(&run->job.map, run->call->n), take_group, run);
  } else {
    hg_conv_run_down(&run->job, run->finish, run->call->input, all_maps(run));
    hg_parallel_for(run->call->pool, run->call->n, finish_image, run);
  }
}

/* ---- batch_norm in training */

/* Maps of as many images from this one on as Winograd takes together, which lie before `last`. */
static void make_group(const hg_block_run *run, int image, int last, int worker) {
  int images = hg_smaller(hg_conv_winograd_images(&run->job.map), last - image);
  hg_conv_group_down(&run->job, run->weight, run->finish, images, run->call->input + run->in * image,
                     run->maps + run->map * image, worker);
}

/* A piece of the batch through the convolution, its sums gathered while an image is at hand. */
static void take_piece(void *context, int64_t piece, int worker) {
  const hg_block_run *run = context;
  const hg_norm_run *norm = &run->norm;
  int first = hg_norm_first_sample(norm, piece), last = hg_norm_first_sample(norm, piece + 1);
  const float *maps = run->maps + run->map * first;
  int64_t summed = 0, made = 0; /* rows */
  hg_norm_clear_piece(norm, piece);
  for (int image = first; image < last; image++) {
    if (!run->job.winograd)
      hg_conv_image_down(&run->job, run->weight, run->finish, image_to_convolve(run, image, worker), 0,
                         run->block->conv->output.height, run->maps + run->map * image, worker);
    else if ((image - first) % hg_conv_winograd_images(&run->job.map) == 0)
      make_group(run, image, last, worker);
    made += norm->area;
    int64_t rows = image + 1 < last ? (made - summed) / norm->together * norm->together : made - summed;
    hg_norm_add_moments(norm, piece, rows, maps + summed * norm->channels);
    summed += rows;
  }
}

/* Output lines that are taken in one go, so that the normalised map stays in the first-level cache. */
static int lines_in_cache(const hg_block_run *run) {
  enum { VALUES = 1 << 12 };
  if (run->block->pool == NULL || run->window.stride[0] < run->window.size[0]) return run->call->node->output.height;
  return hg_larger((int)(VALUES / (map_line(run) * run->window.stride[0])), 1);
}

static bool normalize_and_pool(const hg_block_run *run, int64_t image) {
  int64_t at = run->out * image;
  if (run->block->pool == NULL ||
      !hg_norm_pool(&run->norm, &run->window, run->maps + run->map * image, run->call->output + at, run->codes + at))
    return false;
  drop(run, at, run->out);
  return true;
}

static void normalize_image(void *context, int64_t image, int worker) {
  const hg_block_run *run = context;
  if (normalize_and_pool(run, image)) return;
  int height = run->call->node->output.height, width = run->block->conv->output.width, step = lines_in_cache(run);
  const float *map = run->maps + run->map * image;
  float *to = activated(run, (int)image, worker);
  for (int first = 0; first < height; first += step) {
    lines l = lines_of(run, first, hg_smaller(first + step, height));
    float *part = run->block->pool != NULL ? to : to + map_line(run) * l.top;
    hg_norm_rows(&run->norm, (int64_t)(l.bottom - l.top) * width, map + map_line(run) * l.top, part);
    finish_lines(run, (int)image, l, part);
  }
}

static void run_with_sums(hg_block_run *run) {
  hg_parallel_for(run->call->pool, run->norm.pieces, take_piece, run);
  hg_norm_finish_moments(&run->norm);
  hg_norm_place_statistics(&run->norm);
  hg_parallel_for(run->call->pool, run->call->n, normalize_image, run);
}

void hg_block_forward(const hg_op_call *call) {
  hg_block_run run;
  hg_block_start(&run, call);
  bool sums = run.block->norm != NULL && call->training;
  if (run.job.winograd && !sums) {
    run_winograd(&run);
    return;
  }
  run.weight = hg_conv_down_weight(&run.job);
  if (sums)
    run_with_sums(&run);
  else
    run_at_once(&run);
}
