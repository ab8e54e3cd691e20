#include "eval/tsne_start.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kernels/gemm.h"

enum { PIECES = 16, BASIS = 8, ROUNDS = 200, SWEEPS = 30 };
static const double deviation = 1e-4;

void hg_tsne_start_random(int64_t count, uint64_t seed, float *embedding) {
  hg_rng rng = hg_rng_at(seed, HG_RNG_TSNE, 0, 0);
  for (int64_t i = 0; i < 2 * count; i++) embedding[i] = (float)deviation * hg_rng_normal(&rng);
}

/* ---------------------------------------------------------------- the covariance */

typedef struct covariance {
  const hg_panels *panels;
  float *parts; /* (PIECES, width, width) */
} covariance;

static void add_piece(void *context, int64_t piece, int worker) {
  (void)worker;
  covariance *c = context;
  int width = c->panels->width;
  int64_t count = c->panels->count, first = count * piece / PIECES, last = count * (piece + 1) / PIECES;
  const float *rows = c->panels->rows + first * width;
  hg_gemm product = {.rows = width, .columns = width, .groups = 1, .segments = 1, .steps = (int)(last - first)};
  product.a = product.b = rows;
  product.a_row = 1;
  product.a_step = product.b_step = width;
  product.c = c->parts + piece * width * width;
  product.c_row = width;
  if (last > first)
    hg_gemm_kernels_get()->product(&product);
  else
    memset(product.c, 0, sizeof(float) * (size_t)width * (size_t)width);
}

static hg_code scatter_matrix(const hg_panels *panels, hg_pool *pool, double *matrix, hg_error *error) {
  size_t values = (size_t)panels->width * (size_t)panels->width;
  covariance c = {panels, hg_malloc(sizeof(float) * PIECES * values)};
  if (c.parts == NULL) return hg_fail_memory(error, "principal components", sizeof(float) * PIECES * values);
  hg_parallel_for(pool, PIECES, add_piece, &c);
  for (size_t i = 0; i < values; i++) {
    matrix[i] = 0;
    for (size_t p = 0; p < PIECES; p++) matrix[i] += (double)c.parts[p * values + i];
  }
  hg_free(c.parts);
  return HG_OK;
}

/* ---------------------------------------------------------------- its first two directions */

static double dot(int count, const double *a, const double *b) {
  double sum = 0;
  for (int i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

/* Gram and Schmidt; a direction that vanishes becomes zeros. */
static void make_orthonormal(int width, int vectors, double *v) {
  for (int i = 0; i < vectors; i++) {
    double *mine = v + (ptrdiff_t)i * width, before = sqrt(dot(width, mine, mine));
    for (int pass = 0; pass < 2; pass++)
      for (int j = 0; j < i; j++) {
        double share = dot(width, mine, v + (ptrdiff_t)j * width);
        for (int k = 0; k < width; k++) mine[k] -= share * v[(ptrdiff_t)j * width + k];
      }
    double length = sqrt(dot(width, mine, mine));
    double scale = length > 1e-12 * before && length > 0 ? 1 / length : 0;
    for (int k = 0; k < width; k++) mine[k] *= scale;
  }
}

static void multiply(int width, int vectors, const double *matrix, const double *v, double *out) {
  for (int i = 0; i < vectors; i++)
    for (int k = 0; k < width; k++)
      out[(ptrdiff_t)i * width + k] = dot(width, matrix + (ptrdiff_t)k * width, v + (ptrdiff_t)i * width);
}

/* Jacobi's method: small (BASIS, BASIS) becomes diagonal, turns (BASIS, BASIS) receives its eigenvectors as columns. */
static void diagonalise(int n, double small[BASIS][BASIS], double turns[BASIS][BASIS]) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) turns[i][j] = i == j;
  for (int sweep = 0; sweep < SWEEPS; sweep++)
    for (int p = 0; p < n; p++)
      for (int q = p + 1; q < n; q++) {
        if (fabs(small[p][q]) <= 1e-300) continue;
        double angle = 0.5 * (small[q][q] - small[p][p]) / small[p][q];
        double t = (angle < 0 ? -1 : 1) / (fabs(angle) + sqrt(angle * angle + 1)), c = 1 / sqrt(t * t + 1), s = t * c;
        for (int k = 0; k < n; k++) {
          double a = small[k][p], b = small[k][q], x = turns[k][p], y = turns[k][q];
          small[k][p] = c * a - s * b;
          small[k][q] = s * a + c * b;
          turns[k][p] = c * x - s * y;
          turns[k][q] = s * x + c * y;
        }
        for (int k = 0; k < n; k++) {
          double a = small[p][k], b = small[q][k];
          small[p][k] = c * a - s * b;
          small[q][k] = s * a + c * b;
        }
      }
}

/* Directions (2, width) out of the basis, the one with the larger variance first, each with its largest weight positive. */
static void pick_directions(int width, int vectors, const double *matrix, const double *basis, double *image,
                            double *directions) {
  double small[BASIS][BASIS], turns[BASIS][BASIS];
  multiply(width, vectors, matrix, basis, image);
  for (int i = 0; i < vectors; i++)
    for (int j = 0; j < vectors; j++) small[i][j] = dot(width, basis + (ptrdiff_t)i * width, image + (ptrdiff_t)j * width);
  diagonalise(vectors, small, turns);
  for (int rank = 0, taken = -1; rank < 2; rank++) {
    int best = -1;
    for (int i = 0; i < vectors; i++)
      if (i != taken && (best < 0 || small[i][i] > small[best][best])) best = i;
    double *to = directions + (ptrdiff_t)rank * width;
    int largest = 0;
    for (int k = 0; k < width; k++) {
      to[k] = 0;
      for (int i = 0; best >= 0 && i < vectors; i++) to[k] += turns[i][best] * basis[(ptrdiff_t)i * width + k];
      if (fabs(to[k]) > fabs(to[largest])) largest = k;
    }
    if (to[largest] < 0)
      for (int k = 0; k < width; k++) to[k] = -to[k];
    taken = best;
  }
}

/* Subspace iteration with more vectors than are wanted. */
static void find_directions(int width, const double *matrix, double *basis, double *image, double *directions) {
  int vectors = width < BASIS ? width : BASIS;
  hg_rng rng = hg_rng_at(1, HG_RNG_TSNE, 1, 0);
  for (int i = 0; i < vectors * width; i++) basis[i] = (double)hg_rng_normal(&rng);
  make_orthonormal(width, vectors, basis);
  for (int round = 0; round < ROUNDS; round++) {
    multiply(width, vectors, matrix, basis, image);
    memcpy(basis, image, sizeof *basis * (size_t)vectors * (size_t)width);
    make_orthonormal(width, vectors, basis);
  }
  pick_directions(width, vectors, matrix, basis, image, directions);
}

static void project(const hg_panels *panels, const double *directions, float *embedding) {
  int width = panels->width;
  double square = 0;
  for (int64_t i = 0; i < panels->count; i++) {
    double along[2] = {0, 0};
    for (int k = 0; k < width; k++)
      for (int axis = 0; axis < 2; axis++) along[axis] += (double)panels->rows[i * width + k] * directions[axis * width + k];
    embedding[2 * i] = (float)along[0];
    embedding[2 * i + 1] = (float)along[1];
    square += along[0] * along[0];
  }
  double scale = deviation / sqrt(square / (double)panels->count);
  for (int64_t i = 0; i < 2 * panels->count; i++) embedding[i] = (float)((double)embedding[i] * scale);
}

hg_code hg_tsne_start_pca(const hg_panels *panels, hg_pool *pool, float *embedding, hg_error *error) {
  size_t width = (size_t)panels->width, doubles = width * width + 2 * BASIS * width + 2 * width;
  double *matrix = hg_malloc(sizeof *matrix * doubles);
  if (matrix == NULL) return hg_fail_memory(error, "principal components", sizeof *matrix * doubles);
  double *basis = matrix + width * width, *image = basis + BASIS * width, *directions = image + BASIS * width;
  hg_code code = scatter_matrix(panels, pool, matrix, error);
  if (code == HG_OK) {
    find_directions(panels->width, matrix, basis, image, directions);
    project(panels, directions, embedding);
  }
  hg_free(matrix);
  return code;
}
