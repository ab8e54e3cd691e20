#include "eval/tsne_affinities.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "kernels/math.h"

enum { PIECE = 256, MOST_TRIALS = 100, LANES = HG_TSNE_LANES };
static const float absent = 1e30f; /* distance of the places that fill a row of neighbours */

static int rounded(int count) { return (count + LANES - 1) / LANES * LANES; }

/* Neighbours of each point and, first, their squared distances, then p_j|i; (count, stride). */
typedef struct directed {
  int64_t count;
  int k, stride;
  float entropy; /* ln perplexity */
  int32_t *neighbours;
  float *values;
  int64_t *start; /* (count + 1): of the points that have i for a neighbour */
  int32_t *from;  /* by start: those points */
  float *weights; /* and p_i|j of them */
  hg_tsne_rows *rows;
} directed;

/* ---------------------------------------------------------------- perplexity */

/* The precision at which the entropy ln(sum) + beta * weighted / sum is ln(perplexity), by bisection as in scikit-learn, on
 * distances less the smallest. */
static float find_precision(const directed *d, const float *distances) {
  float beta = 1, low = 0, high = INFINITY, sum, weighted, scale = 0;
  for (int j = 0; j < d->k; j++) scale += distances[j];
  if (scale <= 0) return 1;
  beta = (float)d->k / scale;
  for (int trial = 0; trial < MOST_TRIALS; trial++) {
    hg_tsne_kernels_get()->entropy(d->stride, distances, beta, &sum, &weighted);
    float above = hg_logf(sum) + beta * weighted / sum - d->entropy;
    if (fabsf(above) < 1e-5f) break;
    if (above > 0)
      low = beta;
    else
      high = beta;
    float next = high == INFINITY ? 2 * beta : 0.5f * (low + high);
    if (next == beta || next > 1e37f) break;
    beta = next;
  }
  return beta;
}

static void calibrate(const directed *d, float *distances) {
  float least = distances[0], sum = 0;
  for (int j = 1; j < d->k; j++) least = distances[j] < least ? distances[j] : least;
  for (int j = 0; j < d->stride; j++) distances[j] = j < d->k ? distances[j] - least : absent;
  float beta = find_precision(d, distances);
  for (int j = 0; j < d->k; j++) {
    distances[j] = hg_expf(-beta * distances[j]);
    sum += distances[j];
  }
  for (int j = 0; j < d->k; j++) distances[j] /= sum;
}

static void calibrate_piece(void *context, int64_t piece, int worker) {
  (void)worker;
  directed *d = context;
  for (int64_t i = piece * PIECE; i < d->count && i < (piece + 1) * PIECE; i++) calibrate(d, d->values + i * d->stride);
}

/* ---------------------------------------------------------------- symmetry */

static void turn_around(directed *d) {
  memset(d->start, 0, sizeof *d->start * (size_t)(d->count + 2));
  for (int64_t i = 0; i < d->count; i++)
    for (int j = 0; j < d->k; j++) d->start[d->neighbours[i * d->stride + j] + 2]++;
  for (int64_t i = 0; i < d->count; i++) d->start[i + 2] += d->start[i + 1];
  for (int64_t i = 0; i < d->count; i++)
    for (int j = 0; j < d->k; j++) {
      int64_t at = d->start[d->neighbours[i * d->stride + j] + 1]++;
      d->from[at] = (int32_t)i;
      d->weights[at] = d->values[i * d->stride + j];
    }
}

/* Row i of P: both lists merged by number. column may be NULL: only count. */
static int64_t merge(const directed *d, int64_t i, int32_t *column, float *value) {
  const int32_t *out = d->neighbours + i * d->stride, *in = d->from + d->start[i];
  const float *out_value = d->values + i * d->stride, *in_value = d->weights + d->start[i];
  int64_t outs = d->k, ins = d->start[i + 1] - d->start[i], count = 0;
  float scale = 0.5f / (float)d->count;
  for (int64_t a = 0, b = 0; a < outs || b < ins; count++) {
    int32_t next = a < outs && (b == ins || out[a] < in[b]) ? out[a] : in[b];
    float p = 0;
    if (a < outs && out[a] == next) p += out_value[a++];
    if (b < ins && in[b] == next) p += in_value[b++];
    if (column == NULL) continue;
    column[count] = next;
    value[count] = p * scale;
  }
  return count;
}

static void measure_piece(void *context, int64_t piece, int worker) {
  (void)worker;
  directed *d = context;
  for (int64_t i = piece * PIECE; i < d->count && i < (piece + 1) * PIECE; i++)
    d->rows->start[i + 1] = (merge(d, i, NULL, NULL) + LANES - 1) / LANES * LANES;
}

static void merge_piece(void *context, int64_t piece, int worker) {
  (void)worker;
  directed *d = context;
  hg_tsne_rows *rows = d->rows;
  for (int64_t i = piece * PIECE; i < d->count && i < (piece + 1) * PIECE; i++) {
    int64_t at = rows->start[i];
    for (at += merge(d, i, rows->column + at, rows->value + at); at < rows->start[i + 1]; at++) {
      rows->column[at] = (int32_t)i;
      rows->value[at] = 0;
    }
  }
}

static hg_code make_symmetric(directed *d, hg_pool *pool, hg_error *error) {
  hg_tsne_rows *rows = d->rows;
  int64_t pieces = (d->count + PIECE - 1) / PIECE;
  turn_around(d);
  rows->start = hg_malloc(sizeof *rows->start * (size_t)(d->count + 1));
  if (rows->start == NULL) return hg_fail_memory(error, "t-SNE neighbours", sizeof *rows->start * (size_t)d->count);
  hg_parallel_for(pool, pieces, measure_piece, d);
  rows->start[0] = 0;
  for (int64_t i = 0; i < d->count; i++) rows->start[i + 1] += rows->start[i];
  size_t bytes = sizeof(float) * (size_t)rows->start[d->count];
  rows->column = hg_alloc_aligned(bytes);
  rows->value = hg_alloc_aligned(bytes);
  if (rows->column == NULL || rows->value == NULL) return hg_fail_memory(error, "t-SNE neighbours", 2 * bytes);
  hg_parallel_for(pool, pieces, merge_piece, d);
  return HG_OK;
}

static hg_code connect(const hg_panels *panels, directed *d, hg_pool *pool, hg_error *error) {
  size_t places = (size_t)d->count * (size_t)d->stride;
  d->neighbours = hg_malloc(sizeof *d->neighbours * places);
  d->values = hg_alloc_aligned(sizeof *d->values * places);
  d->start = hg_malloc(sizeof *d->start * (size_t)(d->count + 2));
  d->from = hg_malloc(sizeof *d->from * places);
  d->weights = hg_malloc(sizeof *d->weights * places);
  if (d->neighbours == NULL || d->values == NULL || d->start == NULL || d->from == NULL || d->weights == NULL)
    return hg_fail_memory(error, "t-SNE neighbours", sizeof(float) * 4 * places);
  hg_code code = hg_nearest(panels, d->k, d->stride, pool, d->neighbours, d->values, error);
  if (code != HG_OK) return code;
  hg_parallel_for(pool, (d->count + PIECE - 1) / PIECE, calibrate_piece, d);
  return make_symmetric(d, pool, error);
}

hg_code hg_tsne_affinities(const hg_panels *panels, float perplexity, hg_pool *pool, hg_tsne_rows *p, hg_error *error) {
  int64_t most = panels->count - 1, wanted = (int64_t)(3 * perplexity + 1); /* as scikit-learn */
  *p = (hg_tsne_rows){.count = panels->count};
  directed d = {.count = panels->count, .k = (int)(wanted < most ? wanted : most), .entropy = hg_logf(perplexity), .rows = p};
  d.stride = rounded(d.k);
  hg_code code = connect(panels, &d, pool, error);
  hg_free(d.neighbours);
  hg_free_aligned(d.values);
  hg_free(d.start);
  hg_free(d.from);
  hg_free(d.weights);
  if (code != HG_OK) hg_tsne_rows_release(p);
  return code;
}

void hg_tsne_rows_release(hg_tsne_rows *rows) {
  hg_free(rows->start);
  hg_free_aligned(rows->column);
  hg_free_aligned(rows->value);
  *rows = (hg_tsne_rows){0};
}
