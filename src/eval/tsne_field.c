#include "eval/tsne_field.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "eval/tsne_convolve.h"

enum {
  PIECE = 1024,       /* points of a task */
  STRIP = 16,         /* rows of the grid of a task; more than the taps of a point */
  FEWEST_CELLS = 112, /* along the longer side of a small embedding */
  MARGIN = 12,        /* taps, the floats read beyond them, and room for the spline's tail where the grid wraps around */
  LONGEST = 4096,     /* transform */
};

static int64_t pieces_of(int64_t count) { return (count + PIECE - 1) / PIECE; }
static int64_t piece_end(int64_t piece, int64_t count) { return (piece + 1) * PIECE < count ? (piece + 1) * PIECE : count; }

/* Coefficients of the B-spline's pieces: tap k weighs M(f + TAPS - 1 - k), M(x) = sum over j of (-1)^j C(6, j) (x - j)^5 / 120.
 */
static void fill_splines(hg_tsne_grid *grid) {
  static const double choose_6[] = {1, -6, 15, -20, 15, -6}, choose_5[] = {1, 5, 10, 10, 5, 1};
  for (int tap = 0; tap < HG_TSNE_TAPS; tap++)
    for (int power = 0; power < HG_TSNE_TAPS; power++) {
      double sum = 0;
      for (int j = 0; j < HG_TSNE_TAPS - tap; j++)
        sum += choose_6[j] * choose_5[power] * pow(HG_TSNE_TAPS - 1 - tap - j, HG_TSNE_TAPS - 1 - power) / 120;
      grid->weight[power][tap] = (float)sum;
      if (power > 0) grid->slope[power - 1][tap] = (float)(power * sum);
    }
}

hg_code hg_tsne_field_new(int64_t count, float widest, hg_pool *pool, hg_tsne_field *field, hg_error *error) {
  *field = (hg_tsne_field){.count = count, .widest = widest, .pool = pool};
  fill_splines(&field->grid);
  size_t strips = LONGEST / 2 / STRIP + 2, pieces = (size_t)pieces_of(count);
  field->order = hg_malloc(sizeof *field->order * (size_t)count);
  field->strips = hg_malloc(sizeof *field->strips * pieces * strips);
  field->strip_first = hg_malloc(sizeof *field->strip_first * (strips + 1));
  field->sums = hg_malloc(sizeof *field->sums * pieces);
  if (field->order != NULL && field->strips != NULL && field->strip_first != NULL && field->sums != NULL) return HG_OK;
  hg_tsne_field_release(field);
  return hg_fail_memory(error, "t-SNE grid", sizeof *field->order * (size_t)count);
}

static void release_grid(hg_tsne_field *field) {
  hg_fft_release(&field->fft);
  hg_free_aligned(field->values);
  hg_free_aligned(field->spectrum);
  hg_free_aligned(field->middle);
  hg_free_aligned(field->work);
  field->values = field->spectrum = field->middle = field->work = NULL;
}

void hg_tsne_field_release(hg_tsne_field *field) {
  release_grid(field);
  hg_free(field->order);
  hg_free(field->strips);
  hg_free(field->strip_first);
  hg_free(field->sums);
  *field = (hg_tsne_field){0};
}

/* ---------------------------------------------------------------- the grid's place and size */

typedef struct box {
  float low[2], high[2];
} box;

static hg_code bound(const float *points, int64_t count, box *b, hg_error *error) {
  const float far = 1e15f;
  *b = (box){{far, far}, {-far, -far}};
  for (int64_t i = 0; i < 2 * count; i++) {
    float x = points[i];
    if (!(fabsf(x) < far))
      return hg_fail(error, HG_DIVERGED, "t-SNE", "the embedding is no longer finite; lower the learning rate");
    if (x < b->low[i % 2]) b->low[i % 2] = x;
    if (x > b->high[i % 2]) b->high[i % 2] = x;
  }
  return HG_OK;
}

static float spacing_for(float widest, float span) {
  float spacing = widest;
  while (spacing > 0x1p-60f && span < 0.5f * FEWEST_CELLS * spacing) spacing *= 0.5f;
  const float most = LONGEST / 2.0f - MARGIN;
  while (span > most * spacing) spacing *= 2;
  return spacing;
}

static hg_code allocate_grid(hg_tsne_field *field, int length, hg_error *error) {
  release_grid(field);
  hg_code code = hg_fft_new(length, &field->fft, error);
  if (code != HG_OK) return code;
  size_t half = (size_t)length / 2, groups = hg_tsne_groups(length), columns = half + HG_TSNE_LANES;
  field->grid.row = (ptrdiff_t)columns;
  field->values = hg_alloc_aligned(sizeof(float) * (half + 3 * STRIP) * columns);
  field->spectrum = hg_alloc_aligned(sizeof(float) * groups * (size_t)length * HG_TSNE_LANES);
  field->middle = hg_alloc_aligned(sizeof(float) * groups * half * 2 * HG_TSNE_LANES);
  field->work = hg_alloc_aligned(sizeof(float) * (size_t)hg_pool_threads(field->pool) * hg_tsne_work(length));
  if (field->values != NULL && field->spectrum != NULL && field->middle != NULL && field->work != NULL) return HG_OK;
  release_grid(field);
  return hg_fail_memory(error, "t-SNE grid", sizeof(float) * half * half * 4);
}

/* A new grid is made when the old one is too small, too coarse or four times too large. */
static hg_code place_grid(hg_tsne_field *field, const box *b, hg_error *error) {
  float width = b->high[0] - b->low[0], height = b->high[1] - b->low[1], span = width > height ? width : height;
  float spacing = spacing_for(field->widest, span);
  int cells = (int)(span / spacing) + MARGIN, length = hg_fft_length(cells < FEWEST_CELLS / 2 ? FEWEST_CELLS : 2 * cells);
  if (spacing != field->spacing || length > field->fft.length || 2 * length <= field->fft.length) {
    hg_code code = allocate_grid(field, length, error);
    if (code != HG_OK) return code;
    field->spacing = spacing;
    field->grid.scale = 1 / spacing;
    if ((code = hg_tsne_spectrum(field, error)) != HG_OK) return code;
  }
  memcpy(field->grid.origin, b->low, sizeof b->low);
  field->columns = (int)(width / spacing) + MARGIN - 2;
  field->rows = (int)(height / spacing) + MARGIN - 2;
  return HG_OK;
}

/* ---------------------------------------------------------------- points to the grid and back */

typedef struct job {
  hg_tsne_field *field;
  const float *points;
  float *force;
  int parity;
} job;

static int strips_of(const hg_tsne_field *field) { return field->rows / STRIP + 1; }

static int strip_at(const hg_tsne_field *field, const float *point) {
  return (int)((point[1] - field->grid.origin[1]) * field->grid.scale) / STRIP;
}

static void count_strips(void *context, int64_t piece, int worker) {
  (void)worker;
  job *j = context;
  int64_t *count = j->field->strips + piece * strips_of(j->field);
  memset(count, 0, sizeof *count * (size_t)strips_of(j->field));
  for (int64_t i = piece * PIECE; i < piece_end(piece, j->field->count); i++) count[strip_at(j->field, j->points + 2 * i)]++;
}

static void list_strips(void *context, int64_t piece, int worker) {
  (void)worker;
  job *j = context;
  int64_t *next = j->field->strips + piece * strips_of(j->field);
  for (int64_t i = piece * PIECE; i < piece_end(piece, j->field->count); i++)
    j->field->order[next[strip_at(j->field, j->points + 2 * i)]++] = (int32_t)i;
}

/* The order of points within a strip is that of their numbers, whoever lists them. */
static void sort_into_strips(job *j) {
  hg_tsne_field *field = j->field;
  int64_t pieces = pieces_of(field->count), first = 0;
  int strips = strips_of(field);
  hg_parallel_for(field->pool, pieces, count_strips, j);
  for (int s = 0; s < strips; s++) {
    field->strip_first[s] = first;
    for (int64_t piece = 0; piece < pieces; piece++) {
      int64_t count = field->strips[piece * strips + s];
      field->strips[piece * strips + s] = first;
      first += count;
    }
  }
  field->strip_first[strips] = first;
  hg_parallel_for(field->pool, pieces, list_strips, j);
}

/* Points of a strip touch it and the next one: strips of one parity do not meet. */
static void spread_strip(void *context, int64_t index, int worker) {
  (void)worker;
  job *j = context;
  hg_tsne_field *field = j->field;
  int64_t strip = 2 * index + j->parity, first = field->strip_first[strip], end = field->strip_first[strip + 1];
  if (j->parity == 0)
    memset(field->values + strip * STRIP * field->grid.row, 0, sizeof(float) * 2 * STRIP * (size_t)field->grid.row);
  hg_tsne_kernels_get()->spread(&field->grid, j->points, field->order + first, end - first, field->values);
}

static void spread(job *j) {
  int strips = strips_of(j->field);
  sort_into_strips(j);
  for (j->parity = 0; j->parity < 2; j->parity++) hg_parallel_for(j->field->pool, (strips + 1 - j->parity) / 2, spread_strip, j);
}

static void gather_piece(void *context, int64_t piece, int worker) {
  (void)worker;
  job *j = context;
  int64_t first = piece * PIECE, count = piece_end(piece, j->field->count) - first;
  j->field->sums[piece] =
      hg_tsne_kernels_get()->gather(&j->field->grid, j->points, j->field->order + first, count, j->field->values, j->force);
}

hg_code hg_tsne_repulsion(hg_tsne_field *field, const float *points, float *force, double *z, hg_error *error) {
  box b;
  hg_code code = bound(points, field->count, &b, error);
  if (code != HG_OK || (code = place_grid(field, &b, error)) != HG_OK) return code;
  job j = {.field = field, .points = points, .force = force};
  spread(&j);
  hg_tsne_convolve(field);
  hg_parallel_for(field->pool, pieces_of(field->count), gather_piece, &j);
  double n = (double)field->count, sum = field->floor * n * n - n;
  for (int64_t piece = 0; piece < pieces_of(field->count); piece++) sum += field->sums[piece];
  *z = sum;
  return HG_OK;
}

/* ---------------------------------------------------------------- all pairs */

typedef struct pairs {
  const float *points;
  int64_t count;
  float *force;
  double *sums;
} pairs;

static void repel_rows(void *context, int64_t block, int worker) {
  (void)worker;
  pairs *p = context;
  int64_t first = block * STRIP, last = first + STRIP < p->count ? first + STRIP : p->count;
  p->sums[block] = hg_tsne_kernels_get()->repel(p->points, p->count, first, last, p->force);
}

hg_code hg_tsne_repulsion_exact(const float *points, int64_t count, hg_pool *pool, float *force, double *z, hg_error *error) {
  int64_t blocks = (count + STRIP - 1) / STRIP;
  box b;
  hg_code code = bound(points, count, &b, error);
  if (code != HG_OK) return code;
  pairs p = {points, count, force, hg_malloc(sizeof(double) * (size_t)blocks)};
  if (p.sums == NULL) return hg_fail_memory(error, "t-SNE repulsion", sizeof(double) * (size_t)blocks);
  hg_parallel_for(pool, blocks, repel_rows, &p);
  *z = 0;
  for (int64_t i = 0; i < blocks; i++) *z += p.sums[i];
  hg_free(p.sums);
  return HG_OK;
}
