/* What a classical method sees in place of pixels or codes: histograms of oriented gradients or k-means features, scaling,
 * principal components, in this order, each only where it is asked for. What has to be learned is learned from the training
 * samples alone. */
#ifndef HG_LEARN_FEATURES_H
#define HG_LEARN_FEATURES_H

#include "base/parallel.h"
#include "learn/watch.h"

typedef enum hg_feature_scale { HG_SCALE_NONE, HG_SCALE_STANDARD } hg_feature_scale;

/* Histograms of oriented gradients (Dalal, Triggs 2005) as scikit-image has them: unsigned directions, whole votes, the channel
 * of the largest gradient, blocks that overlap, L2-Hys. */
typedef struct hg_hog_settings {
  int cell;         /* pixels along an edge; 0 = no such features; default 4 */
  int block;        /* cells along the edge of a block, which is normalised as one; default 2 */
  int orientations; /* directions in half a turn; default 9 */
} hg_hog_settings;

/* k-means features (Coates, Lee, Ng 2011): whitened patches, the triangle activation, sums over quadrants. */
typedef struct hg_kmeans_settings {
  int centroids; /* 0 = no such features; default 100 */
  int patch;     /* pixels along an edge; default 6 */
} hg_kmeans_settings;

typedef struct hg_feature_settings {
  hg_hog_settings hog;
  hg_kmeans_settings kmeans; /* not together with hog */
  hg_feature_scale scale;    /* standard: mean 0 and variance 1 of each feature, where it varies */
  int pca;                   /* principal components, without whitening; 0 = none */
} hg_feature_settings;

typedef struct hg_features hg_features;

/* Whether they can be made of `count` samples of this shape: the errors of hg_features_fit before any work. */
hg_code hg_features_check(const hg_feature_settings *settings, hg_shape shape, int64_t count, hg_error *error);

/* values (count, shape's size), training samples. HG_USAGE: the image is too small for the cells or patches; HG_DATA: more
 * components than features, or than samples but one, or fewer patches than centroids; HG_INTERRUPTED: the watch stopped it. The
 * result does not depend on the pool, which may be NULL, as may the watch. */
hg_code hg_features_fit(const hg_feature_settings *settings, hg_shape shape, const float *values, int64_t count, hg_pool *pool,
                        hg_watch *watch, hg_features **features, hg_error *error);
/* Steps that a watch counts in a fit on `fitted` samples, and until hg_features_apply has seen `applied`; 0: no work to speak of.
 */
int64_t hg_features_steps(const hg_feature_settings *settings, hg_shape shape, int64_t fitted, int64_t applied);
void hg_features_free(hg_features *features);

int hg_features_width(const hg_features *features);
/* *out (count, hg_features_width), to be freed with hg_free. */
hg_code hg_features_apply(const hg_features *features, const float *values, int64_t count, hg_pool *pool, hg_watch *watch,
                          float **out, hg_error *error);

#endif
