/* k-means features. Patches are normalised in brightness and contrast and whitened; centroids are found by Lloyd's algorithm;
 * each patch of an image then says how much nearer than the average it is to each centroid, summed over quadrants. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kernels/gemm.h"
#include "learn/eigen.h"
#include "learn/features_step.h"

/* Coates' constants: added to a patch's variance (10 where pixels reach 255) and to the eigenvalues. */
static const double contrast = 10.0 / (255 * 255), softness = 0.1;

/* Patches that centroids are learned from, for each and at least (Coates took 400,000 for 1,600); rounds of Lloyd's algorithm;
 * patches that are worked on at a time; sums that go side by side. */
enum { SAMPLES_EACH = 250, FEWEST_SAMPLES = 20000, ROUNDS = 15, PIECE = 256, LANES = 16 };

static int rows_of(const hg_patches *p) { return p->shape.height - p->settings.patch + 1; }
static int columns_of(const hg_patches *p) { return p->shape.width - p->settings.patch + 1; }

int hg_patches_width_of(const hg_kmeans_settings *settings, hg_shape shape) {
  return shape.height <= settings->patch || shape.width <= settings->patch ? 0 : 4 * settings->centroids;
}

size_t hg_patches_scratch(const hg_patches *p) {
  return (size_t)rows_of(p) * (size_t)columns_of(p) * (2 * (size_t)p->size + (size_t)p->settings.centroids);
}

/* The patch whose first pixel is at (y, x), normalised, less the mean patch where that is known. */
static void take_patch(const hg_patches *p, const float *image, int y, int x, float *patch) {
  int row = p->settings.patch * p->shape.channels;
  double mean = 0, variance = 0;
  for (int i = 0; i < p->settings.patch; i++) {
    const float *from = image + ((int64_t)(y + i) * p->shape.width + x) * p->shape.channels;
    memcpy(patch + i * row, from, (size_t)row * sizeof *patch);
  }
  for (int k = 0; k < p->size; k++) mean += (double)patch[k] / p->size;
  for (int k = 0; k < p->size; k++) variance += ((double)patch[k] - mean) * ((double)patch[k] - mean) / p->size;
  double scale = 1 / sqrt(variance + contrast);
  for (int k = 0; k < p->size; k++) patch[k] = (float)(((double)patch[k] - mean) * scale - p->mean[k]);
}

/* c (rows, columns) = a (rows, steps) x b (steps, columns). */
static void multiply(const float *a, const float *b, int rows, int columns, int steps, float *c) {
  hg_gemm g = {.rows = rows, .columns = columns, .groups = 1, .segments = 1, .steps = steps, .activation = HG_LINEAR};
  g.a = a;
  g.a_row = steps;
  g.a_step = 1;
  g.b = b;
  g.b_step = g.c_row = columns;
  g.c = c;
  hg_gemm_kernels_get()->product(&g);
}

/* ---- Learning. */

static void sample(hg_patches *p, const float *images, int64_t count, int64_t samples, float *patches) {
  hg_rng rng = hg_rng_at(1, HG_RNG_CLASSICAL, 1, 0);
  int64_t pixels = (int64_t)p->shape.height * p->shape.width * p->shape.channels;
  for (int64_t i = 0; i < samples; i++) {
    int64_t image = (int64_t)hg_rng_below(&rng, (uint64_t)count);
    int y = (int)hg_rng_below(&rng, (uint64_t)rows_of(p)), x = (int)hg_rng_below(&rng, (uint64_t)columns_of(p));
    take_patch(p, images + image * pixels, y, x, patches + i * p->size);
  }
  for (int64_t i = 0; i < samples; i++)
    for (int k = 0; k < p->size; k++) p->mean[k] += (double)patches[i * p->size + k] / (double)samples;
  for (int64_t i = 0; i < samples; i++)
    for (int k = 0; k < p->size; k++) patches[i * p->size + k] = (float)((double)patches[i * p->size + k] - p->mean[k]);
}

/* whitening = V (D + softness)^(-1/2) V' of the patches' covariance V D V'. room: 2 * size * size. */
static void find_whitening(hg_patches *p, const float *patches, int64_t samples, double *room) {
  int n = p->size;
  double *covariance = room, *vectors = room + (int64_t)n * n;
  memset(covariance, 0, (size_t)n * (size_t)n * sizeof *covariance);
  for (int64_t i = 0; i < samples; i++) {
    const float *patch = patches + i * n;
    for (int k = 0; k < n; k++)
      for (int l = 0; l < n; l++) covariance[k * n + l] += (double)patch[k] * (double)patch[l];
  }
  for (int k = 0; k < n * n; k++) covariance[k] /= (double)samples;
  hg_symmetric_eigen(covariance, vectors, n);
  for (int k = 0; k < n; k++) {
    for (int l = 0; l < n; l++) {
      double sum = 0;
      for (int j = 0; j < n; j++) {
        double value = covariance[j * n + j] > 0 ? covariance[j * n + j] : 0;
        sum += vectors[k * n + j] * vectors[l * n + j] / sqrt(value + softness);
      }
      p->whitening[k * n + l] = (float)sum;
    }
  }
}

typedef struct pieces {
  const hg_patches *p;
  float *patches; /* (samples, size) */
  int64_t samples;
  float *products; /* (worker, PIECE, centroids), or (worker, PIECE, size) */
  int32_t *nearest;
  hg_watch *watch;
} pieces;

int hg_patches_describe_steps(const hg_kmeans_settings *settings, hg_shape shape) {
  return (shape.height - settings->patch + 1) * (shape.width - settings->patch + 1);
}

/* Patches that centroids are learned from: as many as there are, or as are wanted. */
static int64_t samples_of(const hg_kmeans_settings *settings, hg_shape shape, int64_t count) {
  int64_t places = count * hg_patches_describe_steps(settings, shape);
  int64_t wanted = (int64_t)SAMPLES_EACH * settings->centroids;
  if (wanted < FEWEST_SAMPLES) wanted = FEWEST_SAMPLES;
  return places < wanted ? places : wanted;
}

/* A step is a patch held against the centroids. */
int64_t hg_patches_fit_steps(const hg_kmeans_settings *settings, hg_shape shape, int64_t count) {
  return ROUNDS * samples_of(settings, shape, count);
}

static int64_t piece_count(const pieces *w) { return (w->samples + PIECE - 1) / PIECE; }

static int rows_of_piece(const pieces *w, int64_t piece) {
  return w->samples - piece * PIECE < PIECE ? (int)(w->samples - piece * PIECE) : PIECE;
}

static void whiten_piece(void *context, int64_t piece, int worker) {
  const pieces *w = context;
  int rows = rows_of_piece(w, piece), size = w->p->size;
  float *patches = w->patches + piece * PIECE * size, *whitened = w->products + (int64_t)worker * PIECE * size;
  multiply(patches, w->p->whitening, rows, size, size, whitened);
  memcpy(patches, whitened, (size_t)rows * (size_t)size * sizeof *patches);
}

static void assign_piece(void *context, int64_t piece, int worker) {
  const pieces *w = context;
  const hg_patches *p = w->p;
  int64_t first = piece * PIECE;
  int rows = rows_of_piece(w, piece), centroids = p->settings.centroids;
  if (!hg_watch_go_on(w->watch, worker)) return;
  hg_watch_add(w->watch, rows);
  float *products = w->products + (int64_t)worker * PIECE * centroids;
  multiply(w->patches + first * p->size, p->columns, rows, centroids, p->size, products);
  for (int i = 0; i < rows; i++) {
    const float *product = products + (int64_t)i * centroids;
    int best = 0;
    for (int j = 1; j < centroids; j++)
      if (p->squares[j] / 2 - product[j] < p->squares[best] / 2 - product[best]) best = j;
    w->nearest[first + i] = best;
  }
}

/* Centroids (centroids, size) to columns (size, centroids), with their squared lengths. */
static void set_centroids(hg_patches *p, const double *centroids) {
  for (int j = 0; j < p->settings.centroids; j++) {
    double square = 0;
    for (int k = 0; k < p->size; k++) {
      double value = centroids[(int64_t)j * p->size + k];
      p->columns[(int64_t)k * p->settings.centroids + j] = (float)value;
      square += value * value;
    }
    p->squares[j] = (float)square;
  }
}

/* Moves each centroid to the mean of its patches; one without patches stays. */
static void move_centroids(const pieces *w, double *centroids, double *sum, int64_t *members) {
  int size = w->p->size, count = w->p->settings.centroids;
  memset(sum, 0, (size_t)size * (size_t)count * sizeof *sum);
  memset(members, 0, (size_t)count * sizeof *members);
  for (int64_t i = 0; i < w->samples; i++) {
    double *to = sum + (int64_t)w->nearest[i] * size;
    for (int k = 0; k < size; k++) to[k] += (double)w->patches[i * size + k];
    members[w->nearest[i]]++;
  }
  for (int j = 0; j < count; j++)
    for (int k = 0; k < size && members[j] > 0; k++)
      centroids[(int64_t)j * size + k] = sum[(int64_t)j * size + k] / (double)members[j];
}

static hg_code find_centroids(pieces *w, hg_patches *p, hg_pool *pool, hg_error *error) {
  size_t count = (size_t)p->settings.centroids, numbers = count * (size_t)p->size;
  double *centroids = hg_calloc(numbers, sizeof *centroids), *sum = hg_calloc(numbers, sizeof *sum);
  int64_t *members = hg_calloc(count, sizeof *members);
  bool all = centroids != NULL && sum != NULL && members != NULL;
  for (size_t i = 0; all && i < numbers; i++) centroids[i] = (double)w->patches[i]; /* the first patches, which are random */
  for (int round = 0; all && round < ROUNDS; round++) {
    set_centroids(p, centroids);
    hg_parallel_for(pool, piece_count(w), assign_piece, w);
    if (hg_watch_outcome(w->watch, NULL) != HG_OK) break;
    move_centroids(w, centroids, sum, members);
  }
  if (all) set_centroids(p, centroids);
  hg_free(centroids);
  hg_free(sum);
  hg_free(members);
  return all ? hg_watch_outcome(w->watch, error) : hg_fail_memory(error, "kmeans", 2 * numbers * sizeof *sum);
}

static hg_code learn(hg_patches *p, const float *images, int64_t count, hg_pool *pool, hg_watch *watch, hg_error *error) {
  pieces w = {.p = p, .samples = samples_of(&p->settings, p->shape, count), .watch = watch};
  size_t square = (size_t)p->size * (size_t)p->size, bytes = (size_t)w.samples * (size_t)p->size * sizeof(float);
  size_t widest = (size_t)(p->size > p->settings.centroids ? p->size : p->settings.centroids);
  if (w.samples < p->settings.centroids)
    return hg_fail(error, HG_DATA, "kmeans", "%d centroids of %lld patches; ask for fewer", p->settings.centroids,
                   (long long)w.samples);
  w.patches = hg_alloc_aligned(bytes);
  w.products = hg_alloc_aligned((size_t)hg_pool_threads(pool) * PIECE * widest * sizeof *w.products);
  w.nearest = hg_calloc((size_t)w.samples, sizeof *w.nearest);
  double *room = hg_calloc(2 * square, sizeof *room);
  hg_code code = HG_OK;
  if (w.patches == NULL || w.products == NULL || w.nearest == NULL || room == NULL) code = hg_fail_memory(error, "kmeans", bytes);
  if (code == HG_OK) {
    sample(p, images, count, w.samples, w.patches);
    find_whitening(p, w.patches, w.samples, room);
    hg_parallel_for(pool, piece_count(&w), whiten_piece, &w);
    code = find_centroids(&w, p, pool, error);
  }
  hg_free_aligned(w.patches);
  hg_free_aligned(w.products);
  hg_free(w.nearest);
  hg_free(room);
  return code;
}

hg_code hg_patches_fit(hg_patches *p, const hg_kmeans_settings *settings, hg_shape shape, const float *images, int64_t count,
                       hg_pool *pool, hg_watch *watch, hg_error *error) {
  *p = (hg_patches){.settings = *settings, .shape = shape, .size = settings->patch * settings->patch * shape.channels};
  size_t size = (size_t)p->size, centroids = (size_t)settings->centroids;
  p->mean = hg_calloc(size, sizeof *p->mean);
  p->whitening = hg_calloc(size * size, sizeof *p->whitening);
  p->columns = hg_calloc(size * centroids, sizeof *p->columns);
  p->squares = hg_calloc(centroids, sizeof *p->squares);
  if (p->mean == NULL || p->whitening == NULL || p->columns == NULL || p->squares == NULL)
    return hg_fail_memory(error, "kmeans", size * (size + centroids) * sizeof(float));
  return learn(p, images, count, pool, watch, error);
}

void hg_patches_release(hg_patches *p) {
  hg_free(p->mean);
  hg_free(p->whitening);
  hg_free(p->columns);
  hg_free(p->squares);
}

/* ---- One image. */

/* distances: products of the patch with the centroids at first; their mean is returned. Centroid j's distance is added to sum
 * j modulo LANES, so that the compiler may take several at once. */
static float find_distances(const hg_patches *p, float square, float *restrict distances) {
  int centroids = p->settings.centroids, whole = centroids / LANES * LANES;
  const float *restrict squares = p->squares;
  float sum[LANES] = {0}, all = 0;
  for (int j = 0; j < centroids; j++) {
    float distance = square + squares[j] - 2 * distances[j];
    distances[j] = sqrtf(distance > 0 ? distance : 0);
  }
  for (int j = 0; j < whole; j += LANES)
    for (int l = 0; l < LANES; l++) sum[l] += distances[j + l];
  for (int j = whole; j < centroids; j++) sum[j - whole] += distances[j];
  for (int l = 0; l < LANES; l++) all += sum[l];
  return all / (float)centroids;
}

/* out += how much nearer than their mean distance the centroids are to a patch. */
static void add_nearness(const hg_patches *p, const float *patch, float *restrict distances, float *restrict out) {
  double square = 0;
  for (int k = 0; k < p->size; k++) square += (double)patch[k] * (double)patch[k];
  float mean = find_distances(p, (float)square, distances);
  for (int j = 0; j < p->settings.centroids; j++) out[j] += distances[j] < mean ? mean - distances[j] : 0;
}

void hg_patches_describe(const hg_patches *p, const float *image, float *scratch, float *out) {
  int rows = rows_of(p), columns = columns_of(p), centroids = p->settings.centroids, patches = rows * columns;
  float *whitened = scratch + (int64_t)patches * p->size, *distances = whitened + (int64_t)patches * p->size;
  for (int i = 0; i < patches; i++) take_patch(p, image, i / columns, i % columns, scratch + (int64_t)i * p->size);
  multiply(scratch, p->whitening, patches, p->size, p->size, whitened);
  multiply(whitened, p->columns, patches, centroids, p->size, distances);
  memset(out, 0, (size_t)hg_patches_width_of(&p->settings, p->shape) * sizeof *out);
  for (int i = 0; i < patches; i++) {
    int quadrant = 2 * (i / columns >= rows / 2) + (i % columns >= columns / 2);
    add_nearness(p, whitened + (int64_t)i * p->size, distances + (int64_t)i * centroids, out + (int64_t)quadrant * centroids);
  }
}
