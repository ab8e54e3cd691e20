#include "eval/tsne.h"

#include <math.h>

#include "base/alloc.h"
#include "eval/tsne_affinities.h"
#include "eval/tsne_field.h"
#include "eval/tsne_start.h"
#include "kernels/math.h"

enum { PIECE = 512, FEW = 1024 /* points up to which all pairs are faster than the grid */ };
static const float grid_spacing = 0.5f, last_spacing = 0.25f; /* in the iterations, and for the divergence in the end */

/* ---------------------------------------------------------------- settings */

hg_tsne_settings hg_tsne_settings_default(void) {
  return (hg_tsne_settings){.perplexity = 30, .iterations = 1000, .exaggerated = 250, .exaggeration = 12, .seed = 1};
}

hg_code hg_tsne_settings_check(const hg_tsne_settings *s, int64_t count, int width, hg_error *error) {
  const char *place = "t-SNE";
  if (count < 4 || width < 1)
    return hg_fail(error, HG_USAGE, place, "%lld points of %d values; at least 4 points of 1 value are needed", (long long)count,
                   width);
  if (count > INT32_MAX / 4) return hg_fail(error, HG_USAGE, place, "%lld points are too many", (long long)count);
  if (!(s->perplexity > 1) || !(3 * (double)s->perplexity < (double)count))
    return hg_fail(error, HG_USAGE, place, "perplexity %g does not fit %lld points; choose one above 1 and below %g",
                   (double)s->perplexity, (long long)count, (double)count / 3);
  if (s->iterations < 1 || s->exaggerated < 0)
    return hg_fail(error, HG_USAGE, place, "%d iterations, %d of them exaggerated; at least 1 and 0 are needed", s->iterations,
                   s->exaggerated);
  if (!(s->exaggeration >= 1) || s->exaggeration > 1e6f)
    return hg_fail(error, HG_USAGE, place, "exaggeration %g; it must be at least 1", (double)s->exaggeration);
  if (!(s->learning_rate >= 0) || s->learning_rate > 1e9f)
    return hg_fail(error, HG_USAGE, place, "learning rate %g; it must be positive, or 0 for automatic", (double)s->learning_rate);
  if (s->start == HG_TSNE_GIVEN && s->given == NULL)
    return hg_fail(error, HG_USAGE, place, "a given start needs the points it gives");
  return HG_OK;
}

/* ---------------------------------------------------------------- one run */

typedef struct run {
  const hg_tsne_settings *settings;
  hg_pool *pool;
  int64_t count;
  hg_tsne_rows p;
  hg_tsne_field field;
  hg_tsne_step step;
  float *points;                                   /* (count, 2), the result's */
  float *attraction, *repulsion, *velocity, *gain; /* (count, 2) each */
  double z;
  double *sums; /* of a piece */
} run;

static int64_t pieces_of(const run *r) { return (r->count + PIECE - 1) / PIECE; }
static int64_t piece_end(const run *r, int64_t piece) { return (piece + 1) * PIECE < r->count ? (piece + 1) * PIECE : r->count; }

static hg_code check_points(const float *points, int64_t count, int width, hg_error *error) {
  bool differ = false;
  for (int64_t i = 0; i < count * width; i++) {
    if (!(fabsf(points[i]) < 1e12f))
      return hg_fail(error, HG_DATA, "t-SNE", "value %lld of point %lld is %g; every value must be finite and below 1e12",
                     (long long)(i % width), (long long)(i / width), (double)points[i]);
    differ |= points[i] != points[i % width];
  }
  if (!differ) return hg_fail(error, HG_DATA, "t-SNE", "all %lld points are equal; there is nothing to map", (long long)count);
  return HG_OK;
}

static hg_code place_start(const hg_panels *panels, run *r, hg_error *error) {
  const hg_tsne_settings *s = r->settings;
  if (s->start == HG_TSNE_PCA) return hg_tsne_start_pca(panels, r->pool, r->points, error);
  if (s->start == HG_TSNE_RANDOM) hg_tsne_start_random(r->count, s->seed, r->points);
  for (int64_t i = 0; s->start == HG_TSNE_GIVEN && i < 2 * r->count; i++) {
    if (!isfinite(s->given[i]))
      return hg_fail(error, HG_DATA, "t-SNE", "point %lld of the given start is not finite", (long long)(i / 2));
    r->points[i] = s->given[i];
  }
  return HG_OK;
}

static hg_code prepare(run *r, const float *points, int width, hg_error *error) {
  hg_panels panels;
  hg_code code = hg_panels_new(points, r->count, width, r->pool, &panels, error);
  if (code != HG_OK) return code;
  code = place_start(&panels, r, error);
  if (code == HG_OK) code = hg_tsne_affinities(&panels, r->settings->perplexity, r->pool, &r->p, error);
  hg_panels_release(&panels);
  return code;
}

static hg_code allocate(run *r, hg_error *error) {
  size_t values = 2 * (size_t)r->count;
  float *all = hg_alloc_aligned(sizeof *all * 4 * values);
  r->attraction = all;
  r->sums = hg_malloc(sizeof *r->sums * (size_t)pieces_of(r));
  if (all == NULL || r->sums == NULL) return hg_fail_memory(error, "t-SNE", sizeof *all * 4 * values);
  r->repulsion = all + values;
  r->velocity = all + 2 * values;
  r->gain = all + 3 * values;
  for (size_t i = 0; i < values; i++) r->gain[i] = 1;
  return r->count <= FEW ? HG_OK : hg_tsne_field_new(r->count, grid_spacing, r->pool, &r->field, error);
}

static void release(run *r) {
  hg_tsne_rows_release(&r->p);
  hg_tsne_field_release(&r->field);
  hg_free_aligned(r->attraction);
  hg_free(r->sums);
}

static hg_code repel(run *r, hg_error *error) {
  if (r->count <= FEW) return hg_tsne_repulsion_exact(r->points, r->count, r->pool, r->repulsion, &r->z, error);
  return hg_tsne_repulsion(&r->field, r->points, r->repulsion, &r->z, error);
}

static void attract_piece(void *context, int64_t piece, int worker) {
  (void)worker;
  run *r = context;
  hg_tsne_kernels_get()->attract(&r->p, r->points, piece * PIECE, piece_end(r, piece), r->attraction);
}

static void update_piece(void *context, int64_t piece, int worker) {
  (void)worker;
  run *r = context;
  int64_t first = 2 * piece * PIECE, count = 2 * piece_end(r, piece) - first;
  hg_tsne_kernels_get()->update(&r->step, count, r->attraction + first, r->repulsion + first, r->velocity + first,
                                r->gain + first, r->points + first);
}

static void set_step(run *r, int iteration) {
  const hg_tsne_settings *s = r->settings;
  bool early = iteration < s->exaggerated;
  r->step.exaggeration = early ? s->exaggeration : 1;
  r->step.momentum = early ? 0.5f : 0.8f;
  r->step.most = 5; /* as openTSNE: the larger later steps must not throw points out */
  float automatic = (float)r->count / r->step.exaggeration / 4;
  r->step.learning_rate = s->learning_rate > 0 ? s->learning_rate : (automatic > 50 ? automatic : 50);
}

static hg_code iterate(run *r, int *done, hg_error *error) {
  const hg_tsne_settings *s = r->settings;
  for (*done = 0; *done < s->iterations;) {
    set_step(r, *done);
    hg_code code = repel(r, error);
    if (code != HG_OK) return code;
    r->step.inverse_z = (float)(1 / r->z);
    hg_parallel_for(r->pool, pieces_of(r), attract_piece, r);
    hg_parallel_for(r->pool, pieces_of(r), update_piece, r);
    hg_tsne_progress progress = {++*done, s->iterations};
    if (s->progress != NULL && !s->progress(s->progress_context, &progress))
      return hg_fail(error, HG_INTERRUPTED, "t-SNE", "stopped after iteration %d of %d", *done, s->iterations);
  }
  return HG_OK;
}

/* ---------------------------------------------------------------- the divergence */

static void diverge_piece(void *context, int64_t piece, int worker) {
  (void)worker;
  run *r = context;
  double sum = 0;
  for (int64_t i = piece * PIECE; i < piece_end(r, piece); i++)
    for (int64_t e = r->p.start[i]; e < r->p.start[i + 1]; e++) {
      if (!(r->p.value[e] > 0)) continue;
      const float *a = r->points + 2 * i, *b = r->points + 2 * (ptrdiff_t)r->p.column[e];
      float dx = a[0] - b[0], dy = a[1] - b[1];
      sum += (double)r->p.value[e] * (double)(hg_logf(r->p.value[e]) + hg_logf(1 + (dx * dx + dy * dy)));
    }
  r->sums[piece] = sum;
}

static hg_code diverge(run *r, double *divergence, hg_error *error) {
  r->field.widest = last_spacing;
  hg_code code = repel(r, error);
  if (code != HG_OK) return code;
  hg_parallel_for(r->pool, pieces_of(r), diverge_piece, r);
  *divergence = log(r->z);
  for (int64_t i = 0; i < pieces_of(r); i++) *divergence += r->sums[i];
  return HG_OK;
}

hg_code hg_tsne(const float *points, int64_t count, int width, const hg_tsne_settings *settings, hg_pool *pool,
                hg_tsne_result *result, hg_error *error) {
  *result = (hg_tsne_result){.count = count};
  hg_code code = hg_tsne_settings_check(settings, count, width, error);
  if (code != HG_OK || (code = check_points(points, count, width, error)) != HG_OK) return code;
  result->embedding = hg_alloc_aligned(sizeof(float) * 2 * (size_t)count);
  if (result->embedding == NULL) return hg_fail_memory(error, "t-SNE", sizeof(float) * 2 * (size_t)count);
  run r = {.settings = settings, .pool = pool, .count = count, .points = result->embedding};
  if ((code = prepare(&r, points, width, error)) == HG_OK && (code = allocate(&r, error)) == HG_OK)
    code = iterate(&r, &result->iterations, error);
  if (code == HG_OK || code == HG_INTERRUPTED) {
    hg_code last = diverge(&r, &result->kl_divergence, code == HG_OK ? error : NULL);
    if (last != HG_OK) code = last;
  }
  release(&r);
  if (code != HG_OK && code != HG_INTERRUPTED) hg_tsne_result_release(result);
  return code;
}

void hg_tsne_result_release(hg_tsne_result *result) {
  hg_free_aligned(result->embedding);
  *result = (hg_tsne_result){0};
}
