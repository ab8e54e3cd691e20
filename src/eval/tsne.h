/* t-SNE: a map of points in the plane in which neighbours stay neighbours (van der Maaten and Hinton 2008).
 *
 * Neighbours are exact. Attraction is summed over the sparse matrix of them; repulsion over all pairs for few points, else by
 * a grid (eval/tsne_field.h). The same bits on any number of threads and any instruction set. */
#ifndef HG_EVAL_TSNE_H
#define HG_EVAL_TSNE_H

#include "base/parallel.h"

typedef enum hg_tsne_start {
  HG_TSNE_PCA,    /* the two first principal components, scaled so that the first has a standard deviation of 1e-4; the
                     largest weight of each is positive */
  HG_TSNE_RANDOM, /* N(0, 1e-8), by Philox */
  HG_TSNE_GIVEN,  /* `given` */
} hg_tsne_start;

typedef struct hg_tsne_progress {
  int iteration, iterations; /* from 1 */
} hg_tsne_progress;

typedef struct hg_tsne_settings {
  float perplexity;    /* default 30; above 1, and 3 * perplexity below the number of points: so many neighbours count */
  int iterations;      /* default 1000, the exaggerated ones among them */
  int exaggerated;     /* first iterations with the exaggeration and a momentum of 0.5, then 0.8; default 250 */
  float exaggeration;  /* factor on the attraction meanwhile; default 12 */
  float learning_rate; /* of scikit-learn's scale. Default 0 = auto: max(count / exaggeration / 4, 50), with the
                          exaggeration of the time (Belkina et al. 2019): the later iterations take larger steps */
  hg_tsne_start start; /* default HG_TSNE_PCA */
  const float *given;  /* (count, 2), for HG_TSNE_GIVEN; taken as it is */
  uint64_t seed;       /* for HG_TSNE_RANDOM; default 1 */
  bool (*progress)(void *context, const hg_tsne_progress *progress); /* after every iteration; false = stop; may be NULL */
  void *progress_context;
} hg_tsne_settings;

hg_tsne_settings hg_tsne_settings_default(void);

/* HG_USAGE says which setting is wrong for this many points, and what to do. */
hg_code hg_tsne_settings_check(const hg_tsne_settings *settings, int64_t count, int width, hg_error *error);

typedef struct hg_tsne_result {
  float *embedding; /* (count, 2) */
  int64_t count;
  double kl_divergence; /* sum over neighbours of p ln(p / q), without the exaggeration */
  int iterations;       /* done */
} hg_tsne_result;

/* points (count, width), row-major. HG_DATA if a value is not finite or all points are equal; HG_DIVERGED if a learning rate
 * was too large; HG_INTERRUPTED if progress said stop: then result holds the map so far, and is to be released too. */
hg_code hg_tsne(const float *points, int64_t count, int width, const hg_tsne_settings *settings, hg_pool *pool,
                hg_tsne_result *result, hg_error *error);
void hg_tsne_result_release(hg_tsne_result *result);

/* How far the k nearest neighbours in the embedding (count, 2) are neighbours in points (count, width), in [0, 1] (Venna and
 * Kaski 2001), as sklearn.manifold.trustworthiness. HG_USAGE unless 0 < k < count / 2. */
hg_code hg_trustworthiness(const float *points, const float *embedding, int64_t count, int width, int k, hg_pool *pool,
                           double *trustworthiness, hg_error *error);

#endif
