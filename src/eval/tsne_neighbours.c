#include "eval/tsne_neighbours.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kernels/gemm.h"
#include "kernels/tsne.h"

enum { QUERIES = 56, PIECE = 4096 };
static const float beyond = 1e30f; /* squared length of the points that fill the last panel */

/* ---------------------------------------------------------------- panels */

static void subtract_mean(const float *points, hg_panels *p, double *mean) {
  memset(mean, 0, sizeof *mean * (size_t)p->width);
  for (int64_t i = 0; i < p->count; i++)
    for (int j = 0; j < p->width; j++) mean[j] += (double)points[i * p->width + j];
  for (int j = 0; j < p->width; j++) mean[j] /= (double)p->count;
  for (int64_t i = 0; i < p->count; i++)
    for (int j = 0; j < p->width; j++) p->rows[i * p->width + j] = (float)((double)points[i * p->width + j] - mean[j]);
}

static void fill_panel(void *context, int64_t panel, int worker) {
  (void)worker;
  hg_panels *p = context;
  int64_t first = panel * HG_PANEL;
  int count = (int)(p->count - first < HG_PANEL ? p->count - first : HG_PANEL);
  const float *rows = p->rows + first * p->width;
  hg_gemm_kernels_get()->transpose(count, p->width, rows, p->width, p->panel + first * p->width, HG_PANEL);
  for (int i = 0; i < HG_PANEL; i++) {
    double length = 0;
    for (int j = 0; i < count && j < p->width; j++)
      length += (double)rows[(int64_t)i * p->width + j] * (double)rows[(int64_t)i * p->width + j];
    p->lengths[first + i] = i < count ? (float)length : beyond;
  }
}

hg_code hg_panels_new(const float *points, int64_t count, int width, hg_pool *pool, hg_panels *panels, hg_error *error) {
  size_t width_bytes = sizeof(float) * (size_t)width;
  *panels = (hg_panels){.count = count, .width = width, .panels = (count + HG_PANEL - 1) / HG_PANEL};
  panels->rows = hg_malloc(width_bytes * (size_t)count);
  panels->panel = hg_alloc_aligned(width_bytes * (size_t)panels->panels * HG_PANEL);
  panels->lengths = hg_alloc_aligned(sizeof(float) * (size_t)panels->panels * HG_PANEL);
  double *mean = hg_malloc(sizeof *mean * (size_t)width);
  if (panels->rows == NULL || panels->panel == NULL || panels->lengths == NULL || mean == NULL) {
    hg_free(mean);
    hg_panels_release(panels);
    return hg_fail_memory(error, "points of t-SNE", 2 * width_bytes * (size_t)count);
  }
  subtract_mean(points, panels, mean);
  hg_parallel_for(pool, panels->panels, fill_panel, panels);
  hg_free(mean);
  return HG_OK;
}

void hg_panels_release(hg_panels *panels) {
  hg_free(panels->rows);
  hg_free_aligned(panels->panel);
  hg_free_aligned(panels->lengths);
  *panels = (hg_panels){0};
}

void hg_panels_scale(const hg_panels *panels, int64_t first, int rows, float *scratch) {
  const float *from = panels->rows + first * panels->width;
  for (int64_t i = 0; i < (int64_t)rows * panels->width; i++) scratch[i] = -2 * from[i];
}

void hg_panels_distances(const hg_panels *panels, int rows, const float *scratch, int64_t panel, float *out) {
  hg_gemm product = {.rows = rows, .columns = HG_PANEL, .groups = 1, .segments = 1, .steps = panels->width};
  product.a = scratch;
  product.a_row = panels->width;
  product.a_step = 1;
  product.b = panels->panel + panel * HG_PANEL * panels->width;
  product.b_step = HG_PANEL;
  product.c = out;
  product.c_row = HG_PANEL;
  product.start = panels->lengths + panel * HG_PANEL;
  hg_gemm_kernels_get()->product(&product);
}

/* ---------------------------------------------------------------- the k smallest */

/* A distance and a number as one integer that sorts by both. */
static uint64_t key_of(float distance, int64_t number) {
  uint32_t bits;
  memcpy(&bits, &distance, sizeof bits);
  bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return (uint64_t)bits << 32 | (uint32_t)number;
}

static float distance_of(uint64_t key) {
  uint32_t bits = (uint32_t)(key >> 32);
  bits = bits & 0x80000000u ? bits & 0x7fffffffu : ~bits;
  float distance;
  memcpy(&distance, &bits, sizeof distance);
  return distance;
}

static void swap(uint64_t *a, uint64_t *b) {
  uint64_t kept = *a;
  *a = *b;
  *b = kept;
}

/* Hoare's selection: brings the k smallest of keys to the front. */
static void select_smallest(uint64_t *keys, int count, int k) {
  int low = 0, high = count - 1;
  while (low < high) {
    uint64_t pivot = keys[low + (high - low) / 2];
    int i = low, j = high;
    while (i <= j) {
      while (keys[i] < pivot) i++;
      while (keys[j] > pivot) j--;
      if (i <= j) swap(&keys[i++], &keys[j--]);
    }
    if (k - 1 <= j)
      high = j;
    else if (k - 1 >= i)
      low = i;
    else
      return;
  }
}

/* The candidates of one point: cut to the k nearest whenever they are many. */
typedef struct heap {
  uint64_t *keys; /* (capacity) */
  int count;
  float limit; /* what is not below it is not among the k nearest */
} heap;

typedef struct search {
  const hg_panels *panels;
  int k, stride, capacity;
  int32_t *neighbours;
  float *distances;
  char *work;
  size_t work_bytes;
} search;

typedef struct scratch {
  uint64_t *keys;
  float *queries, *distances;
  int32_t *hits;
} scratch;

static scratch scratch_of(const search *s, int worker) {
  scratch w;
  w.keys = (uint64_t *)(void *)(s->work + s->work_bytes * (size_t)worker);
  w.queries = (float *)(w.keys + (size_t)s->capacity * QUERIES);
  w.distances = w.queries + (size_t)QUERIES * (size_t)s->panels->width;
  w.hits = (int32_t *)(w.distances + (size_t)QUERIES * HG_PANEL);
  return w;
}

static void cut_candidates(heap *h, int k) {
  if (h->count <= k) return;
  select_smallest(h->keys, h->count, k);
  h->count = k;
  uint64_t last = h->keys[0];
  for (int i = 1; i < k; i++) last = h->keys[i] > last ? h->keys[i] : last;
  h->limit = distance_of(last);
}

/* Numbers rise from panel to panel, so that a distance equal to the limit loses. */
static void take_candidates(const search *s, heap *h, const float *distances, int64_t panel, int64_t self, int32_t *hits) {
  int found = hg_tsne_kernels_get()->below(distances, HG_PANEL, h->limit, hits);
  for (int i = 0; i < found; i++) {
    int64_t number = panel * HG_PANEL + hits[i];
    if (number != self) h->keys[h->count++] = key_of(distances[hits[i]], number);
  }
  if (h->count > s->capacity - HG_PANEL) cut_candidates(h, s->k);
}

static int by_number(const void *a, const void *b) {
  uint32_t x = (uint32_t) * (const uint64_t *)a, y = (uint32_t) * (const uint64_t *)b;
  return (x > y) - (x < y);
}

/* The product's distances cancel; those that count are computed again. */
static float squared_distance(const float *a, const float *b, int width) {
  double sum = 0;
  for (int j = 0; j < width; j++) {
    double d = (double)a[j] - (double)b[j];
    sum += d * d;
  }
  return (float)sum;
}

static void store_neighbours(const search *s, heap *h, int64_t point) {
  const hg_panels *p = s->panels;
  cut_candidates(h, s->k);
  qsort(h->keys, (size_t)h->count, sizeof *h->keys, by_number);
  for (int i = 0; i < s->k; i++) {
    int64_t number = (int64_t)(uint32_t)h->keys[i];
    s->neighbours[point * s->stride + i] = (int32_t)number;
    s->distances[point * s->stride + i] = squared_distance(p->rows + point * p->width, p->rows + number * p->width, p->width);
  }
}

static void search_block(void *context, int64_t block, int worker) {
  const search *s = context;
  scratch w = scratch_of(s, worker);
  int64_t first = block * QUERIES;
  int rows = (int)(s->panels->count - first < QUERIES ? s->panels->count - first : QUERIES);
  heap heaps[QUERIES];
  for (int i = 0; i < rows; i++) heaps[i] = (heap){w.keys + (size_t)i * (size_t)s->capacity, 0, beyond / 2};
  hg_panels_scale(s->panels, first, rows, w.queries);
  for (int64_t panel = 0; panel < s->panels->panels; panel++) {
    hg_panels_distances(s->panels, rows, w.queries, panel, w.distances);
    for (int i = 0; i < rows; i++) take_candidates(s, &heaps[i], w.distances + i * HG_PANEL, panel, first + i, w.hits);
  }
  for (int i = 0; i < rows; i++) store_neighbours(s, &heaps[i], first + i);
}

hg_code hg_nearest(const hg_panels *panels, int k, int stride, hg_pool *pool, int32_t *neighbours, float *distances,
                   hg_error *error) {
  search s = {.panels = panels, .k = k, .stride = stride, .neighbours = neighbours, .distances = distances};
  s.capacity = 2 * k + 2 * HG_PANEL;
  size_t floats = (size_t)QUERIES * (size_t)panels->width + (size_t)(QUERIES + 1) * HG_PANEL;
  s.work_bytes = (sizeof(uint64_t) * (size_t)s.capacity * QUERIES + sizeof(float) * floats + 63) / 64 * 64;
  size_t bytes = s.work_bytes * (size_t)hg_pool_threads(pool);
  s.work = hg_alloc_aligned(bytes);
  if (s.work == NULL) return hg_fail_memory(error, "nearest neighbours", bytes);
  hg_parallel_for(pool, (panels->count + QUERIES - 1) / QUERIES, search_block, &s);
  hg_free_aligned(s.work);
  return HG_OK;
}
