/* Where the points of a map begin. */
#ifndef HG_EVAL_TSNE_START_H
#define HG_EVAL_TSNE_START_H

#include "eval/tsne_neighbours.h"

/* The two first principal components of points less their mean, (count, 2); scaled as HG_TSNE_PCA says. */
hg_code hg_tsne_start_pca(const hg_panels *panels, hg_pool *pool, float *embedding, hg_error *error);
void hg_tsne_start_random(int64_t count, uint64_t seed, float *embedding);

#endif
