/* Principal components: the covariance matrix by matrix products, its largest eigenvectors by subspace iteration. Where there are
 * fewer samples than features, the samples' products take the place of the features': they have the same eigenvalues, and the
 * samples in the proportions of an eigenvector add up to the component. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/integers.h"
#include "base/rng.h"
#include "kernels/gemm.h"
#include "learn/eigen.h"
#include "learn/features_step.h"

/* Samples, or features, whose products are summed in float; rows of the covariance in one task; iterations between two looks at
 * the result, and at most. */
enum { SAMPLES = 256, TILE = 64, BETWEEN = 6, MOST = 600 };

static const double accuracy = 1e-9; /* of an eigenvector's residual, as a share of the largest eigenvalue */

/* ---- The matrix (order, order): covariance of the features, or products of the samples. */

typedef struct products {
  const float *centered; /* (steps, order) */
  int steps, order;
  double *sum; /* (order, order) */
} products;

static void add_tile(const products *w, int row, int column) {
  float part[TILE * TILE];
  hg_gemm g = {.rows = hg_smaller(TILE, w->order - row), .columns = hg_smaller(TILE, w->order - column)};
  g.groups = g.segments = 1;
  g.steps = w->steps;
  g.activation = HG_LINEAR;
  g.a = w->centered + row;
  g.a_row = 1;
  g.b = w->centered + column;
  g.a_step = g.b_step = w->order;
  g.c = part;
  g.c_row = TILE;
  hg_gemm_kernels_get()->product(&g);
  for (int i = 0; i < g.rows; i++)
    for (int j = 0; j < g.columns; j++) w->sum[(int64_t)(row + i) * w->order + column + j] += (double)part[i * TILE + j];
}

static void add_rows(void *context, int64_t index, int worker) {
  const products *w = context;
  (void)worker;
  for (int column = (int)index * TILE; column < w->order; column += TILE) add_tile(w, (int)index * TILE, column);
}

static void mirror(double *sum, int order, double scale) {
  for (int i = 0; i < order; i++) {
    for (int j = i; j < order; j++) {
      double value = sum[(int64_t)i * order + j] * scale;
      sum[(int64_t)i * order + j] = sum[(int64_t)j * order + i] = value;
    }
  }
}

/* out (steps, order): samples from `first` on, or features from `first` on, each of all samples. Values are read as they lie. */
static void centre(const hg_pca *pca, const float *values, int64_t first, bool by_feature, const products *w, float *out) {
  for (int step = 0; !by_feature && step < w->steps; step++)
    for (int i = 0; i < w->order; i++)
      out[(int64_t)step * w->order + i] = (float)((double)values[(first + step) * pca->width + i] - pca->mean[i]);
  for (int i = 0; by_feature && i < w->order; i++)
    for (int step = 0; step < w->steps; step++)
      out[(int64_t)step * w->order + i] =
          (float)((double)values[(int64_t)i * pca->width + first + step] - pca->mean[first + step]);
}

static hg_code find_products(const hg_pca *pca, const float *values, int64_t count, double *sum, hg_pool *pool, hg_watch *watch,
                             hg_error *error) {
  bool by_feature = count < pca->width;
  int64_t all = by_feature ? pca->width : count;
  products work = {.order = by_feature ? (int)count : pca->width, .sum = sum};
  size_t bytes = SAMPLES * (size_t)work.order * sizeof(float);
  float *centered = hg_alloc_aligned(bytes);
  if (centered == NULL) return hg_fail_memory(error, "pca", bytes);
  work.centered = centered;
  for (int64_t first = 0; first < all && hg_watch_go_on(watch, 0); first += SAMPLES) {
    work.steps = all - first < SAMPLES ? (int)(all - first) : SAMPLES;
    centre(pca, values, first, by_feature, &work, centered);
    hg_parallel_for(pool, (work.order + TILE - 1) / TILE, add_rows, &work);
  }
  mirror(sum, work.order, 1 / (double)(count - 1));
  hg_free_aligned(centered);
  return hg_watch_outcome(watch, error);
}

/* ---- The subspace (width, size), size vectors side by side. */

typedef struct subspace {
  const double *matrix;     /* (width, width) */
  int width, size;          /* width: the matrix' order */
  double *basis, *image;    /* (width, size): orthonormal columns, and the matrix times them */
  double *small, *rotation; /* (size, size): basis' * matrix * basis, and its eigenvectors in columns */
  hg_pool *pool;
  hg_watch *watch;
} subspace;

static void multiply_rows(void *context, int64_t index, int worker) {
  const subspace *s = context;
  (void)worker;
  for (int row = (int)index * TILE; row < hg_smaller(s->width, ((int)index + 1) * TILE); row++) {
    double *out = s->image + (int64_t)row * s->size;
    memset(out, 0, (size_t)s->size * sizeof *out);
    for (int k = 0; k < s->width; k++) {
      double factor = s->matrix[(int64_t)row * s->width + k];
      const double *from = s->basis + (int64_t)k * s->size;
      for (int j = 0; j < s->size; j++) out[j] += factor * from[j];
    }
  }
}

static void multiply(subspace *s) { hg_parallel_for(s->pool, (s->width + TILE - 1) / TILE, multiply_rows, s); }

static void transpose(const double *from, int rows, int columns, double *to) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++) to[(int64_t)j * rows + i] = from[(int64_t)i * columns + j];
}

/* In lanes, which the compiler keeps in a vector. */
static double row_product(const double *a, const double *b, int count) {
  double sum[4] = {0}, rest = 0;
  int k = 0;
  for (; k + 4 <= count; k += 4)
    for (int lane = 0; lane < 4; lane++) sum[lane] += a[k + lane] * b[k + lane];
  for (; k < count; k++) rest += a[k] * b[k];
  return (sum[0] + sum[2]) + (sum[1] + sum[3]) + rest;
}

/* Gram and Schmidt, twice over, because once loses digits where columns are nearly alike. A column that vanishes is begun anew
 * at a coordinate axis. The image serves as room for the columns side by side, (size, width). */
static void make_orthonormal(subspace *s) {
  int axis = 0;
  transpose(s->basis, s->width, s->size, s->image);
  for (int j = 0; j < s->size; j++) {
    double *column = s->image + (int64_t)j * s->width, before = sqrt(row_product(column, column, s->width));
    for (int pass = 0; pass < 2; pass++) {
      for (int i = 0; i < j; i++) {
        const double *other = s->image + (int64_t)i * s->width;
        double along = row_product(other, column, s->width);
        for (int k = 0; k < s->width; k++) column[k] -= along * other[k];
      }
    }
    double length = sqrt(row_product(column, column, s->width));
    if (!(length > 1e-12 * before) && axis < s->width) {
      for (int k = 0; k < s->width; k++) column[k] = k == axis;
      axis++;
      j--;
      continue;
    }
    for (int k = 0; k < s->width; k++) column[k] /= length;
  }
  transpose(s->image, s->size, s->width, s->basis);
}

/* ---- The small problem. */

/* rows (width, size) = rows x rotation, a row at a time. */
static void turn(const subspace *s, double *rows, double *room) {
  for (int k = 0; k < s->width; k++) {
    double *row = rows + (int64_t)k * s->size;
    memset(room, 0, (size_t)s->size * sizeof *room);
    for (int i = 0; i < s->size; i++)
      for (int j = 0; j < s->size; j++) room[j] += row[i] * s->rotation[i * s->size + j];
    memcpy(row, room, (size_t)s->size * sizeof *room);
  }
}

/* Turns the basis to the best eigenvectors in its span; true when the first `wanted` are as exact as is asked. */
static bool settle(subspace *s, int wanted, double *room) {
  memset(s->small, 0, (size_t)s->size * (size_t)s->size * sizeof *s->small);
  for (int k = 0; k < s->width; k++) {
    const double *basis = s->basis + (int64_t)k * s->size, *image = s->image + (int64_t)k * s->size;
    for (int i = 0; i < s->size; i++)
      for (int j = i; j < s->size; j++) s->small[i * s->size + j] += basis[i] * image[j];
  }
  for (int i = 0; i < s->size; i++)
    for (int j = 0; j < i; j++) s->small[i * s->size + j] = s->small[j * s->size + i];
  hg_symmetric_eigen(s->small, s->rotation, s->size);
  hg_eigen_sort(s->small, s->rotation, s->size);
  turn(s, s->basis, room);
  turn(s, s->image, room);
  double most = fabs(s->small[0]);
  for (int j = 0; j < wanted; j++) {
    double residual = 0, value = s->small[j * s->size + j];
    for (int k = 0; k < s->width; k++) {
      double off = s->image[(int64_t)k * s->size + j] - value * s->basis[(int64_t)k * s->size + j];
      residual += off * off;
    }
    if (sqrt(residual) > accuracy * most) return false;
  }
  return true;
}

static void iterate(subspace *s, int wanted, double *room) {
  hg_rng rng = hg_rng_at(1, HG_RNG_CLASSICAL, 0, 0);
  for (int64_t i = 0; i < (int64_t)s->width * s->size; i++) s->basis[i] = hg_rng_uniform_double(&rng) - 0.5;
  make_orthonormal(s);
  for (int round = 1; round <= MOST; round++) {
    multiply(s);
    if ((round % BETWEEN == 0 || s->size == s->width) && settle(s, wanted, room)) return;
    if (round == MOST || !hg_watch_go_on(s->watch, 0)) return;
    memcpy(s->basis, s->image, (size_t)s->width * (size_t)s->size * sizeof *s->basis);
    make_orthonormal(s);
  }
}

/* ---- */

/* row (width) = the samples in the proportions of column j, at length 1; 0 where they do not vary that way. */
static void add_samples(const hg_pca *pca, const subspace *s, int j, const float *values, double *row) {
  double squares = 0;
  for (int i = 0; i < s->width; i++) {
    double share = s->basis[(int64_t)i * s->size + j];
    for (int k = 0; k < pca->width; k++) row[k] += share * ((double)values[(int64_t)i * pca->width + k] - pca->mean[k]);
  }
  for (int k = 0; k < pca->width; k++) squares += row[k] * row[k];
  bool varies = s->small[j * s->size + j] > accuracy * s->small[0] && squares > 0;
  for (int k = 0; k < pca->width; k++) row[k] = varies ? row[k] / sqrt(squares) : 0;
}

static void keep(hg_pca *pca, const subspace *s, const float *values) {
  for (int j = 0; j < pca->count; j++) {
    double *row = pca->components + (int64_t)j * pca->width, largest = 0;
    if (s->width == pca->width)
      for (int k = 0; k < pca->width; k++) row[k] = s->basis[(int64_t)k * s->size + j];
    else
      add_samples(pca, s, j, values, row);
    for (int k = 0; k < pca->width; k++)
      if (fabs(row[k]) > fabs(largest)) largest = row[k];
    for (int k = 0; largest < 0 && k < pca->width; k++) row[k] = -row[k];
    pca->variances[j] = s->small[j * s->size + j];
  }
}

static hg_code find_components(hg_pca *pca, const double *matrix, int order, const float *values, hg_pool *pool, hg_watch *watch,
                               hg_error *error) {
  int size = hg_smaller(2 * pca->count + 8, order);
  size_t long_bytes = (size_t)order * (size_t)size * sizeof(double), small_bytes = (size_t)size * (size_t)size * sizeof(double);
  subspace s = {.matrix = matrix, .width = order, .size = size, .pool = pool, .watch = watch};
  double *room = hg_malloc((size_t)size * sizeof *room);
  s.basis = hg_alloc_aligned(long_bytes);
  s.image = hg_alloc_aligned(long_bytes);
  s.small = hg_alloc_aligned(small_bytes);
  s.rotation = hg_alloc_aligned(small_bytes);
  bool all = room != NULL && s.basis != NULL && s.image != NULL && s.small != NULL && s.rotation != NULL;
  if (all) {
    iterate(&s, pca->count, room);
    keep(pca, &s, values);
  }
  hg_free(room);
  hg_free_aligned(s.basis);
  hg_free_aligned(s.image);
  hg_free_aligned(s.small);
  hg_free_aligned(s.rotation);
  return all ? hg_watch_outcome(watch, error) : hg_fail_memory(error, "pca", long_bytes);
}

hg_code hg_pca_check(int components, int width, int64_t count, hg_error *error) {
  if (components <= width && components <= count - 1) return HG_OK;
  return hg_fail(error, HG_DATA, "pca", "%d components, but there are %d features and %lld samples; ask for fewer", components,
                 width, (long long)count);
}

hg_code hg_pca_fit(hg_pca *pca, const float *values, int64_t count, int width, int components, hg_pool *pool, hg_watch *watch,
                   hg_error *error) {
  *pca = (hg_pca){.width = width, .count = components};
  hg_code bounds = hg_pca_check(components, width, count, error);
  if (bounds != HG_OK) return bounds;
  int order = count < width ? (int)count : width;
  size_t numbers = (size_t)order * (size_t)order;
  double *matrix = hg_alloc_aligned(numbers * sizeof *matrix);
  pca->mean = hg_calloc((size_t)width, sizeof *pca->mean);
  pca->components = hg_calloc((size_t)width * (size_t)components, sizeof *pca->components);
  pca->variances = hg_calloc((size_t)components, sizeof *pca->variances);
  hg_code code = HG_OK;
  if (matrix == NULL || pca->mean == NULL || pca->components == NULL || pca->variances == NULL)
    code = hg_fail_memory(error, "pca", numbers * sizeof *matrix);
  for (int64_t i = 0; code == HG_OK && i < count; i++)
    for (int k = 0; k < width; k++) pca->mean[k] += (double)values[i * width + k];
  for (int k = 0; code == HG_OK && k < width; k++) pca->mean[k] /= (double)count;
  if (code == HG_OK) code = find_products(pca, values, count, matrix, pool, watch, error);
  if (code == HG_OK) code = find_components(pca, matrix, order, values, pool, watch, error);
  hg_free_aligned(matrix);
  return code;
}

void hg_pca_release(hg_pca *pca) {
  hg_free(pca->mean);
  hg_free(pca->components);
  hg_free(pca->variances);
}

void hg_pca_project(const hg_pca *pca, const float *values, float *out) {
  for (int j = 0; j < pca->count; j++) {
    const double *row = pca->components + (int64_t)j * pca->width;
    double sum = 0;
    for (int k = 0; k < pca->width; k++) sum += ((double)values[k] - pca->mean[k]) * row[k];
    out[j] = (float)sum;
  }
}
