/* The steps that features.c puts together. */
#ifndef HG_LEARN_FEATURES_STEP_H
#define HG_LEARN_FEATURES_STEP_H

#include "learn/features.h"

/* ---- features_hog.c */

int hg_hog_width(const hg_hog_settings *hog, hg_shape shape); /* 0: no block fits the image */
/* image (height, width, channels) -> out (block rows, block columns, rows of a block, columns of a block, orientations).
 * cells: room for hg_hog_cells doubles. */
void hg_hog(const hg_hog_settings *hog, hg_shape shape, const float *image, double *cells, float *out);
int64_t hg_hog_cells(const hg_hog_settings *hog, hg_shape shape);

/* ---- features_patches.c */

typedef struct hg_patches {
  hg_kmeans_settings settings;
  hg_shape shape;
  int size;         /* numbers of a patch */
  double *mean;     /* (size): of the normalised patches */
  float *whitening; /* (size, size), symmetric */
  float *columns;   /* (size, centroids): the centroids */
  float *squares;   /* (centroids): their squared lengths */
} hg_patches;

/* The watch, which may be NULL, counts hg_patches_fit_steps. */
hg_code hg_patches_fit(hg_patches *patches, const hg_kmeans_settings *settings, hg_shape shape, const float *images,
                       int64_t count, hg_pool *pool, hg_watch *watch, hg_error *error);
int64_t hg_patches_fit_steps(const hg_kmeans_settings *settings, hg_shape shape, int64_t count);
int hg_patches_describe_steps(const hg_kmeans_settings *settings, hg_shape shape); /* of one image, as much work each */
void hg_patches_release(hg_patches *patches);
int hg_patches_width_of(const hg_kmeans_settings *settings, hg_shape shape); /* 0: the patches are too large for the image */
/* image (height, width, channels) -> out (2, 2, centroids). scratch: hg_patches_scratch floats. */
void hg_patches_describe(const hg_patches *patches, const float *image, float *scratch, float *out);
size_t hg_patches_scratch(const hg_patches *patches);

/* ---- features_scale.c: mean and standard deviation of each feature, the latter 1 where there is none. */
void hg_scale_fit(const float *values, int64_t count, int width, double *mean, double *deviation);

/* ---- features_pca.c */

/* components (count_of, width), rows of length 1, the entry of the largest magnitude positive; variances (count_of), falling;
 * mean (width). */
typedef struct hg_pca {
  int width, count;
  double *mean, *components, *variances;
} hg_pca;

/* HG_DATA: more components than features, or than samples but one. */
hg_code hg_pca_check(int components, int width, int64_t count, hg_error *error);
/* Asks the watch, which may be NULL, and counts no steps: how many rounds it takes is not known before. */
hg_code hg_pca_fit(hg_pca *pca, const float *values, int64_t count, int width, int components, hg_pool *pool, hg_watch *watch,
                   hg_error *error);
void hg_pca_release(hg_pca *pca);
void hg_pca_project(const hg_pca *pca, const float *values, float *out); /* one sample */

#endif
