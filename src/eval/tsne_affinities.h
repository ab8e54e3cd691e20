/* Who is whose neighbour, and how much: the matrix P of t-SNE. */
#ifndef HG_EVAL_TSNE_AFFINITIES_H
#define HG_EVAL_TSNE_AFFINITIES_H

#include "eval/tsne_neighbours.h"
#include "kernels/tsne.h"

/* Gaussians of the given perplexity over the 3 * perplexity nearest neighbours of each point, made symmetric:
 * p_ij = (p_j|i + p_i|j) / (2 count). Released with hg_tsne_rows_release. */
hg_code hg_tsne_affinities(const hg_panels *panels, float perplexity, hg_pool *pool, hg_tsne_rows *p, hg_error *error);
void hg_tsne_rows_release(hg_tsne_rows *rows);

#endif
