/* The repulsion of t-SNE: forces and normalisation of all pairs, by a grid.
 *
 * q(d) = 1 / (1 + d^2) of every pair is the convolution of the points with a kernel. Points are spread as B-splines on a grid,
 * the grid is convolved by Fourier transforms, and the spline through the result gives the potential and, differentiated,
 * the force (as smooth particle-mesh Ewald does; Essmann et al. 1995). One transform each way does it, where interpolating
 * the forces (Linderman et al. 2019) takes three. The force is the gradient of the approximated objective itself. */
#ifndef HG_EVAL_TSNE_FIELD_H
#define HG_EVAL_TSNE_FIELD_H

#include "base/parallel.h"
#include "kernels/tsne.h"

typedef struct hg_tsne_field {
  int64_t count;
  hg_pool *pool;
  float widest;      /* most distance of grid points, in units of the embedding */
  float spacing;     /* in use; narrower while the embedding is small */
  float floor;       /* taken off the kernel, so that a small embedding's potential is small too */
  int rows, columns; /* of the grid in use, of fft.length / 2 each way */
  hg_fft fft;
  hg_tsne_grid grid;
  float *values;        /* (length / 2 + some, grid.row) */
  float *spectrum;      /* (groups, length, LANES) */
  float *middle;        /* (groups, length / 2, 2, LANES): transformed along y only */
  float *work;          /* one part a worker */
  int32_t *order;       /* points by strips of the grid */
  int64_t *strips;      /* (pieces of points, strips): where a piece's points of a strip go */
  int64_t *strip_first; /* (strips + 1) */
  double *sums;         /* a piece's part of Z */
} hg_tsne_field;

/* Nothing is allocated for the grid before the first use. pool may be NULL. */
hg_code hg_tsne_field_new(int64_t count, float widest, hg_pool *pool, hg_tsne_field *field, hg_error *error);
void hg_tsne_field_release(hg_tsne_field *field);

/* force (count, 2): sum over j of q_ij^2 (y_i - y_j); *z the sum of q_ij over all ordered pairs. HG_DIVERGED if a point is not
 * finite or far out of any map. */
hg_code hg_tsne_repulsion(hg_tsne_field *field, const float *points, float *force, double *z, hg_error *error);

/* The same by all pairs. */
hg_code hg_tsne_repulsion_exact(const float *points, int64_t count, hg_pool *pool, float *force, double *z, hg_error *error);

#endif
