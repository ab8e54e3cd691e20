#include "ops/conv_run.h"

#include "base/integers.h"
#include "ops/conv_scatter.h"
#include "ops/conv_thin.h"
#include "ops/conv_winograd.h"

enum { ENOUGH_TASKS = 16, FEWEST_LINES = 4, FEWEST_PRODUCTS = 1 << 19 };

/* Only where the up map is a gradient, which has no bias. */
static bool scatters(const hg_conv_job *job) { return !job->transposed && !job->winograd_up && hg_conv_scatters(&job->map); }

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
  if (n < ENOUGH_TASKS && !whole) s.bands = hg_smaller((ENOUGH_TASKS + n - 1) / n, hg_larger(lines / FEWEST_LINES, 1));
  int64_t products = (int64_t)hg_conv_weight_count(&job->map) * job->map.y.small * job->map.x.small;
  if (s.bands == 1) s.group = hg_larger(hg_smaller((int)(FEWEST_PRODUCTS / products), n / ENOUGH_TASKS), 1);
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
                 .end_image = hg_smaller(image + s->group, s->job->call->n),
                 .first = s->lines * band / s->bands,
                 .last = s->lines * (band + 1) / s->bands};
}

void hg_conv_image_down(const hg_conv_job *job, const float *weight, hg_conv_finish finish, const float *large, int first,
                        int last, float *small, int worker) {
  const hg_conv_map *map = &job->map;
  float *room = hg_conv_room(job, worker);
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

typedef struct transform {
  const hg_conv_map *map;
  const float *weight;
  float *to;
} transform;

static void transform_panel(void *context, int64_t panel, int worker) {
  (void)worker;
  const transform *t = context;
  hg_conv_winograd_pack(t->map, t->weight, (int)panel, t->to + hg_conv_winograd_panel_count(t->map) * (size_t)panel);
}

static void transform_weight(const hg_conv_job *job, const hg_conv_map *map, const float *weight, float *to) {
  transform t = {map, weight, to};
  hg_parallel_for(job->call->pool, hg_conv_winograd_panels(map), transform_panel, &t);
}

const float *hg_conv_down_weight(const hg_conv_job *job) {
  const hg_conv_map *map = &job->map;
  const float *weight = job->call->values[0];
  float *packed = hg_conv_packed(job);
  if (job->winograd)
    transform_weight(job, map, weight, packed);
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
  float *room = hg_conv_group_room(job, worker) + hg_conv_winograd_panel_count(&job->map);
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
  float *packed = hg_conv_group_room(job, worker), *room = packed + hg_conv_winograd_panel_count(&job->map);
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
    hg_conv_pack_scatter(&job->map, job->call->values[0], hg_conv_packed(job));
  else
    hg_conv_pack_up(hg_conv_folds(&job->map) ? &padded : &job->map, job->call->values[0], !job->transposed, hg_conv_packed(job));
  if (!job->winograd_up) return hg_conv_packed(job);
  transform_weight(job, &job->back, hg_conv_packed(job), hg_conv_back_weight(job));
  return hg_conv_back_weight(job);
}

static void scattered_up(const hg_conv_job *job, const float *weight, const float *small, float *large, int worker) {
  bool padded = job->map.padded;
  float *to = padded ? hg_conv_room(job, worker) : large;
  hg_conv_scatter(&job->map, small, weight, to);
  if (padded) hg_conv_fold_large(&job->map, to, large);
}

/* Up of one image whose padding repeats its edge. */
static void folded_up(const hg_conv_job *job, const float *weight, hg_conv_finish finish, const float *small, float *large,
                      int worker) {
  hg_conv_map padded = hg_conv_map_padded(&job->map);
  float *gradient = hg_conv_room(job, worker);
  hg_conv_view view = hg_conv_pad_small(&padded, small, hg_conv_small_room(job, worker));
  hg_conv_up(&padded, view, weight, finish, 0, padded.y.large, gradient);
  hg_conv_fold_large(&job->map, gradient, large);
}

static void image_up(const hg_conv_job *job, const float *weight, hg_conv_finish finish, const float *small, float *large,
                     int worker) {
  if (scatters(job)) {
    scattered_up(job, weight, small, large, worker);
    return;
  }
  if (hg_conv_folds(&job->map)) {
    folded_up(job, weight, finish, small, large, worker);
    return;
  }
  hg_conv_view view = hg_conv_pad_small(&job->map, small, hg_conv_room(job, worker));
  hg_conv_up(&job->map, view, weight, finish, 0, job->map.y.large, large);
}

static void winograd_up(const hg_conv_job *job, const float *weight, int images, const float *small, float *large, int worker) {
  static const int as_they_are[2] = {1, 1};
  const hg_conv_map *map = &job->map;
  hg_conv_winograd what = {.map = &job->back, .enlarged = as_they_are, .packed = weight};
  what.last = hg_conv_winograd_panels(&job->back);
  hg_conv_winograd_down(&what, images, small, large, hg_conv_back_room(job, worker));
  for (int i = 0; hg_conv_folds(map) && i < images; i++) {
    hg_conv_view view = hg_conv_pad_small(map, small + hg_conv_small_count(map) * (size_t)i, hg_conv_room(job, worker));
    hg_conv_add_edges(map, view, hg_conv_packed(job), large + hg_conv_large_count(map) * (size_t)i);
  }
}

void hg_conv_images_up(const hg_conv_job *job, const float *weight, int images, const float *small, float *large, int worker) {
  if (job->winograd_up) {
    winograd_up(job, weight, images, small, large, worker);
    return;
  }
  for (int i = 0; i < images; i++)
    image_up(job, weight, (hg_conv_finish){0}, small + hg_conv_small_count(&job->map) * (size_t)i,
             large + hg_conv_large_count(&job->map) * (size_t)i, worker);
}

static void up_group_task(void *context, int64_t index, int worker) {
  const spread *s = context;
  const hg_conv_map *map = &s->job->map;
  int first = (int)index * s->group, images = hg_smaller(s->group, s->job->call->n - first);
  hg_conv_images_up(s->job, s->weight, images, s->from + hg_conv_small_count(map) * (size_t)first,
                    s->to + hg_conv_large_count(map) * (size_t)first, worker);
}

static void up_task(void *context, int64_t index, int worker) {
  const spread *s = context;
  const hg_conv_map *map = &s->job->map;
  share mine = share_of(s, index);
  for (int image = mine.image; image < mine.end_image; image++) {
    const float *small = s->from + hg_conv_small_count(map) * (size_t)image;
    float *large = s->to + hg_conv_large_count(map) * (size_t)image;
    if (s->bands == 1) {
      image_up(s->job, s->weight, s->finish, small, large, worker);
      continue;
    }
    hg_conv_view view = hg_conv_pad_small(map, small, hg_conv_room(s->job, worker));
    hg_conv_up(map, view, s->weight, s->finish, mine.first, mine.last, large);
  }
}

void hg_conv_run_up(const hg_conv_job *job, hg_conv_finish finish, const float *small, float *large) {
  spread s = make_spread(job, job->map.y.large, hg_conv_folds(&job->map) || scatters(job));
  s.weight = hg_conv_up_weight(job);
  s.finish = finish;
  s.from = small;
  s.to = large;
  if (job->winograd_up) {
    s.bands = 1;
    s.group = job->together;
  }
  run_spread(&s, job->winograd_up ? up_group_task : up_task);
}
