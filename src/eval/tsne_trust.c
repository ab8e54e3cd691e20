#include <math.h>

#include "base/alloc.h"
#include "eval/tsne.h"
#include "eval/tsne_neighbours.h"
#include "kernels/tsne.h"

enum { QUERIES = 32 };

typedef struct ranking {
  const hg_panels *panels;
  const int32_t *neighbours; /* (count, k): in the embedding */
  int k;
  float *work; /* one part a worker */
  size_t work_floats;
  double *penalties; /* of a block of points */
} ranking;

/* The place of a panel's point in out. */
static float distance_to(const ranking *r, const float *queries, int row, int64_t point, float *out) {
  hg_panels_distances(r->panels, 1, queries + (ptrdiff_t)row * r->panels->width, point / HG_PANEL, out);
  return out[point % HG_PANEL];
}

/* Ranks are counted from 1 in the order of distance to a point, itself left out. */
static double penalty_of(const ranking *r, const int64_t *nearer) {
  double sum = 0;
  for (int j = 0; j < r->k; j++)
    if (nearer[j] + 1 > r->k) sum += (double)(nearer[j] + 1 - r->k);
  return sum;
}

static void rank_block(void *context, int64_t block, int worker) {
  ranking *r = context;
  int64_t first = block * QUERIES, count = r->panels->count;
  int rows = (int)(count - first < QUERIES ? count - first : QUERIES), k = r->k;
  int64_t *nearer = (int64_t *)(void *)(r->work + r->work_floats * (size_t)worker); /* (QUERIES, k) */
  float *limit = (float *)(nearer + (size_t)QUERIES * (size_t)k);                   /* (QUERIES, k) */
  float *distances = limit + (size_t)QUERIES * (size_t)k, *queries = distances + (size_t)QUERIES * HG_PANEL;
  hg_panels_scale(r->panels, first, rows, queries);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < k; j++) {
      limit[i * k + j] = distance_to(r, queries, i, r->neighbours[(first + i) * k + j], distances);
      nearer[i * k + j] = 0;
    }
  for (int64_t panel = 0; panel < r->panels->panels; panel++) {
    hg_panels_distances(r->panels, rows, queries, panel, distances);
    for (int i = 0; i < rows; i++)
      if ((first + i) / HG_PANEL == panel) distances[i * HG_PANEL + (first + i) % HG_PANEL] = INFINITY;
    for (int i = 0; i < rows; i++)
      for (int j = 0; j < k; j++)
        nearer[i * k + j] += hg_tsne_kernels_get()->count_below(distances + i * HG_PANEL, HG_PANEL, limit[i * k + j]);
  }
  r->penalties[block] = 0;
  for (int i = 0; i < rows; i++) r->penalties[block] += penalty_of(r, nearer + (ptrdiff_t)i * k);
}

static hg_code embedding_neighbours(const float *embedding, int64_t count, int k, hg_pool *pool, int32_t *neighbours,
                                    hg_error *error) {
  hg_panels plane;
  hg_code code = hg_panels_new(embedding, count, 2, pool, &plane, error);
  if (code != HG_OK) return code;
  float *distances = hg_malloc(sizeof *distances * (size_t)count * (size_t)k);
  code = distances == NULL ? hg_fail_memory(error, "trustworthiness", sizeof *distances * (size_t)count * (size_t)k)
                           : hg_nearest(&plane, k, k, pool, neighbours, distances, error);
  hg_free(distances);
  hg_panels_release(&plane);
  return code;
}

static hg_code rank(const hg_panels *panels, const int32_t *neighbours, int k, hg_pool *pool, double *penalty, hg_error *error) {
  ranking r = {.panels = panels, .neighbours = neighbours, .k = k};
  int64_t blocks = (panels->count + QUERIES - 1) / QUERIES;
  r.work_floats = ((size_t)QUERIES * (3 * (size_t)k + HG_PANEL + (size_t)panels->width) + 15) / 16 * 16;
  size_t bytes = sizeof(float) * r.work_floats * (size_t)hg_pool_threads(pool);
  r.work = hg_alloc_aligned(bytes);
  r.penalties = hg_malloc(sizeof *r.penalties * (size_t)blocks);
  hg_code code = r.work == NULL || r.penalties == NULL ? hg_fail_memory(error, "trustworthiness", bytes) : HG_OK;
  if (code == HG_OK) hg_parallel_for(pool, blocks, rank_block, &r);
  *penalty = 0;
  for (int64_t i = 0; code == HG_OK && i < blocks; i++) *penalty += r.penalties[i];
  hg_free_aligned(r.work);
  hg_free(r.penalties);
  return code;
}

hg_code hg_trustworthiness(const float *points, const float *embedding, int64_t count, int width, int k, hg_pool *pool,
                           double *trustworthiness, hg_error *error) {
  const char *place = "trustworthiness";
  if (k < 1 || 2 * (int64_t)k >= count || width < 1)
    return hg_fail(error, HG_USAGE, place, "%d neighbours of %lld points; choose at least 1 and less than half of the points", k,
                   (long long)count);
  for (int64_t i = 0; i < count * width; i++)
    if (!isfinite(points[i])) return hg_fail(error, HG_DATA, place, "point %lld is not finite", (long long)(i / width));
  for (int64_t i = 0; i < 2 * count; i++)
    if (!isfinite(embedding[i]))
      return hg_fail(error, HG_DATA, place, "point %lld of the embedding is not finite", (long long)(i / 2));
  int32_t *neighbours = hg_malloc(sizeof *neighbours * (size_t)count * (size_t)k);
  if (neighbours == NULL) return hg_fail_memory(error, place, sizeof *neighbours * (size_t)count * (size_t)k);
  hg_panels panels = {0};
  double penalty = 0, n = (double)count;
  hg_code code = embedding_neighbours(embedding, count, k, pool, neighbours, error);
  if (code == HG_OK) code = hg_panels_new(points, count, width, pool, &panels, error);
  if (code == HG_OK) code = rank(&panels, neighbours, k, pool, &penalty, error);
  if (code == HG_OK) *trustworthiness = 1 - penalty * 2 / (n * k * (2 * n - 3 * (double)k - 1));
  hg_panels_release(&panels);
  hg_free(neighbours);
  return code;
}
