#include "learn/features.h"

#include <string.h>

#include "base/alloc.h"
#include "base/shape.h"
#include "learn/features_step.h"

struct hg_features {
  hg_feature_settings settings;
  hg_shape shape;
  int width;                /* after HOG or k-means */
  double *mean, *deviation; /* (width), where scaled */
  hg_patches patches;
  hg_pca pca;
};

enum { PIECE = 64 }; /* samples of one task */

int hg_features_width(const hg_features *features) { return features->settings.pca > 0 ? features->pca.count : features->width; }

void hg_features_free(hg_features *features) {
  if (features == NULL) return;
  hg_free(features->mean);
  hg_free(features->deviation);
  hg_patches_release(&features->patches);
  hg_pca_release(&features->pca);
  hg_free(features);
}

typedef struct work {
  const hg_features *features;
  const float *values;
  int64_t count;
  double *cells;  /* (worker, cells of an image) */
  float *scratch; /* (worker, hg_patches_scratch) */
  float *out;
  hg_watch *watch;
} work;

/* Steps of a piece: a patch's work where there are patches. */
static int64_t steps_of(const hg_feature_settings *settings, hg_shape shape, int64_t count) {
  return settings->kmeans.centroids > 0 ? count * hg_patches_describe_steps(&settings->kmeans, shape) : count;
}

static int64_t end_of(const work *w, int64_t piece) { return (piece + 1) * PIECE < w->count ? (piece + 1) * PIECE : w->count; }

/* False where the watch stops the work before this piece. */
static bool begin_piece(const work *w, int64_t piece, int worker) {
  const hg_features *f = w->features;
  if (!hg_watch_go_on(w->watch, worker)) return false;
  hg_watch_add(w->watch, steps_of(&f->settings, f->shape, end_of(w, piece) - piece * PIECE));
  return true;
}

static void describe_piece(void *context, int64_t piece, int worker) {
  const work *w = context;
  const hg_features *f = w->features;
  int64_t size = (int64_t)f->shape.height * f->shape.width * f->shape.channels, width = f->width, end = end_of(w, piece);
  if (!begin_piece(w, piece, worker)) return;
  double *cells = w->cells + worker * hg_hog_cells(&f->settings.hog, f->shape);
  for (int64_t i = piece * PIECE; i < end; i++)
    hg_hog(&f->settings.hog, f->shape, w->values + i * size, cells, w->out + i * width);
}

static hg_code describe(const hg_features *f, const float *values, int64_t count, hg_pool *pool, hg_watch *watch, float *out,
                        hg_error *error) {
  size_t numbers = (size_t)hg_pool_threads(pool) * (size_t)hg_hog_cells(&f->settings.hog, f->shape);
  work w = {.features = f, .values = values, .count = count, .out = out, .watch = watch};
  w.cells = hg_calloc(numbers, sizeof *w.cells);
  if (w.cells == NULL) return hg_fail_memory(error, "hog", numbers * sizeof *w.cells);
  hg_parallel_for(pool, (count + PIECE - 1) / PIECE, describe_piece, &w);
  hg_free(w.cells);
  return hg_watch_outcome(watch, error);
}

static void patch_piece(void *context, int64_t piece, int worker) {
  const work *w = context;
  const hg_patches *patches = &w->features->patches;
  const hg_shape shape = w->features->shape;
  int64_t size = (int64_t)shape.height * shape.width * shape.channels, end = end_of(w, piece);
  if (!begin_piece(w, piece, worker)) return;
  float *scratch = w->scratch + (size_t)worker * hg_patches_scratch(patches);
  for (int64_t i = piece * PIECE; i < end; i++)
    hg_patches_describe(patches, w->values + i * size, scratch, w->out + i * w->features->width);
}

static hg_code describe_patches(const hg_features *f, const float *values, int64_t count, hg_pool *pool, hg_watch *watch,
                                float *out, hg_error *error) {
  size_t numbers = (size_t)hg_pool_threads(pool) * hg_patches_scratch(&f->patches);
  work w = {.features = f, .values = values, .count = count, .out = out, .watch = watch};
  w.scratch = hg_alloc_aligned(numbers * sizeof *w.scratch);
  if (w.scratch == NULL) return hg_fail_memory(error, "kmeans", numbers * sizeof *w.scratch);
  hg_parallel_for(pool, (count + PIECE - 1) / PIECE, patch_piece, &w);
  hg_free_aligned(w.scratch);
  return hg_watch_outcome(watch, error);
}

/* HOG, k-means features, or a copy: (count, width). */
static hg_code begin(const hg_features *f, const float *values, int64_t count, hg_pool *pool, hg_watch *watch, float **out,
                     hg_error *error) {
  size_t bytes = (size_t)count * (size_t)f->width * sizeof **out;
  *out = hg_malloc(bytes);
  if (*out == NULL) return hg_fail_memory(error, "features", bytes);
  if (f->settings.hog.cell > 0) return describe(f, values, count, pool, watch, *out, error);
  if (f->settings.kmeans.centroids > 0) return describe_patches(f, values, count, pool, watch, *out, error);
  memcpy(*out, values, bytes);
  return HG_OK;
}

static void scale(const hg_features *f, int64_t count, float *values) {
  for (int64_t i = 0; f->settings.scale != HG_SCALE_NONE && i < count; i++) {
    float *row = values + i * f->width;
    for (int k = 0; k < f->width; k++) row[k] = (float)(((double)row[k] - f->mean[k]) / f->deviation[k]);
  }
}

static void project_piece(void *context, int64_t piece, int worker) {
  const work *w = context;
  const hg_pca *pca = &w->features->pca;
  (void)worker;
  for (int64_t i = piece * PIECE; i < end_of(w, piece); i++)
    hg_pca_project(pca, w->values + i * pca->width, w->out + i * pca->count);
}

static hg_code project(const hg_features *f, int64_t count, hg_pool *pool, float **values, hg_error *error) {
  size_t bytes = (size_t)count * (size_t)f->pca.count * sizeof **values;
  work w = {.features = f, .values = *values, .count = count, .out = hg_malloc(bytes)};
  if (w.out == NULL) return hg_fail_memory(error, "features", bytes);
  hg_parallel_for(pool, (count + PIECE - 1) / PIECE, project_piece, &w);
  hg_free(*values);
  *values = w.out;
  return HG_OK;
}

hg_code hg_features_apply(const hg_features *f, const float *values, int64_t count, hg_pool *pool, hg_watch *watch, float **out,
                          hg_error *error) {
  hg_code code = begin(f, values, count, pool, watch, out, error);
  if (code == HG_OK) scale(f, count, *out);
  if (code == HG_OK && f->settings.pca > 0) code = project(f, count, pool, out, error);
  if (code != HG_OK) {
    hg_free(*out);
    *out = NULL;
  }
  return code;
}

static hg_code fit_scale(hg_features *f, const float *values, int64_t count, hg_error *error) {
  f->mean = hg_calloc((size_t)f->width, sizeof *f->mean);
  f->deviation = hg_calloc((size_t)f->width, sizeof *f->deviation);
  if (f->mean == NULL || f->deviation == NULL) return hg_fail_memory(error, "scale", (size_t)f->width * sizeof *f->mean);
  hg_scale_fit(values, count, f->width, f->mean, f->deviation);
  return HG_OK;
}

/* Whether the samples are described to learn from what they become. */
static bool learns_from_described(const hg_feature_settings *settings) {
  return settings->scale != HG_SCALE_NONE || settings->pca > 0;
}

static hg_code fit_steps(hg_features *f, const float *values, int64_t count, hg_pool *pool, hg_watch *watch, hg_error *error) {
  float *begun = NULL;
  if (!learns_from_described(&f->settings)) return HG_OK;
  hg_code code = begin(f, values, count, pool, watch, &begun, error);
  if (code == HG_OK && f->settings.scale != HG_SCALE_NONE) code = fit_scale(f, begun, count, error);
  if (code == HG_OK) scale(f, count, begun);
  if (code == HG_OK && f->settings.pca > 0)
    code = hg_pca_fit(&f->pca, begun, count, f->width, f->settings.pca, pool, watch, error);
  hg_free(begun);
  return code;
}

/* Numbers of a sample before scaling; 0: the image is too small for them. */
static int width_of(const hg_feature_settings *settings, hg_shape shape) {
  if (settings->hog.cell > 0) return hg_hog_width(&settings->hog, shape);
  if (settings->kmeans.centroids > 0) return hg_patches_width_of(&settings->kmeans, shape);
  return (int)hg_shape_count(shape);
}

hg_code hg_features_check(const hg_feature_settings *settings, hg_shape shape, int64_t count, hg_error *error) {
  const hg_hog_settings *hog = &settings->hog;
  int width = width_of(settings, shape), patch = settings->kmeans.patch;
  if (width == 0 && hog->cell > 0)
    return hg_fail(error, HG_USAGE, "hog", "an image of %d x %d has no %d x %d cells of %d pixels; make cell or block smaller",
                   shape.height, shape.width, hog->block, hog->block, hog->cell);
  if (width == 0)
    return hg_fail(error, HG_USAGE, "kmeans", "patches of %d x %d are too large for an image of %d x %d", patch, patch,
                   shape.height, shape.width);
  return settings->pca > 0 ? hg_pca_check(settings->pca, width, count, error) : HG_OK;
}

int64_t hg_features_steps(const hg_feature_settings *settings, hg_shape shape, int64_t fitted, int64_t applied) {
  bool describes = settings->hog.cell > 0 || settings->kmeans.centroids > 0;
  int64_t described = applied + (learns_from_described(settings) ? fitted : 0);
  int64_t steps = describes ? steps_of(settings, shape, described) : 0;
  return settings->kmeans.centroids > 0 ? steps + hg_patches_fit_steps(&settings->kmeans, shape, fitted) : steps;
}

hg_code hg_features_fit(const hg_feature_settings *settings, hg_shape shape, const float *values, int64_t count, hg_pool *pool,
                        hg_watch *watch, hg_features **out, hg_error *error) {
  *out = NULL;
  hg_features *f = hg_calloc(1, sizeof *f);
  if (f == NULL) return hg_fail_memory(error, "features", sizeof *f);
  *f = (hg_features){.settings = *settings, .shape = shape, .width = width_of(settings, shape)};
  hg_code code = hg_features_check(settings, shape, count, error);
  if (code == HG_OK && settings->kmeans.centroids > 0)
    code = hg_patches_fit(&f->patches, &settings->kmeans, shape, values, count, pool, watch, error);
  if (code == HG_OK) code = fit_steps(f, values, count, pool, watch, error);
  if (code == HG_OK)
    *out = f;
  else
    hg_features_free(f);
  return code;
}
