/* The parts of batch_norm, for the operator itself and for blocks that take rows through it while they are in the cache.
 *
 * The batch is cut by samples into pieces, from batch and shape alone; each sums its rows in double, in order, and the
 * pieces are added in order. Several rows are taken as one where that makes the number of lanes a multiple of the vector's. */
#ifndef HG_OPS_NORM_RUN_H
#define HG_OPS_NORM_RUN_H

#include "kernels/pointwise.h"
#include "ops/op.h"

/* Vectors of `lanes` floats in scratch, after the pieces' sums. */
enum { HG_NORM_MEAN, HG_NORM_INVERSE, HG_NORM_SCALE, HG_NORM_SHIFT, HG_NORM_SUM, HG_NORM_PRODUCT, HG_NORM_VECTORS };

typedef struct hg_norm_run {
  const hg_op_call *call; /* values, gradients, saved and scratch are read; input and outputs are given row by row */
  int channels, together, lanes, pieces;
  int64_t area;                   /* rows of one sample */
  double *sums;                   /* (pieces, 2, lanes) */
  float *vector[HG_NORM_VECTORS]; /* (lanes), each channel's value `together` times */
} hg_norm_run;

hg_op_memory hg_norm_memory(const hg_op_node *node);
hg_norm_run hg_norm_start(const hg_op_call *call);

/* First sample of a piece; that of `pieces` is n. */
int hg_norm_first_sample(const hg_norm_run *run, int64_t piece);

/* ---- A piece's sums. Rows may come in several calls, all but the last of them with a multiple of `together` rows. */
void hg_norm_clear_piece(const hg_norm_run *run, int64_t piece);
void hg_norm_add_moments(const hg_norm_run *run, int64_t piece, int64_t rows, const float *x);
void hg_norm_add_products(const hg_norm_run *run, int64_t piece, int64_t rows, const float *dz, const float *x);
/* The same after dz = 0 where y is not above 0. */
void hg_norm_add_relu_products(const hg_norm_run *run, int64_t piece, int64_t rows, const float *y, float *dz, const float *x);

/* The batch's mean and inverse deviation into saved, the running ones moved; after all pieces have their moments. */
void hg_norm_finish_moments(const hg_norm_run *run);
/* Gradients of weight and bias, and what hg_norm_gradient_rows needs; after all pieces have their products. */
void hg_norm_finish_products(const hg_norm_run *run);

/* Makes the vectors of the rows below: from saved in training, else from the running statistics. */
void hg_norm_place_statistics(const hg_norm_run *run);

/* y = f((x - mean) * scale + shift); y may be x. */
void hg_norm_rows(const hg_norm_run *run, int64_t rows, const float *x, float *y);
/* dx = scale * (dz - mean(dz) - normal * mean(dz * normal)); dx may be dz. */
void hg_norm_gradient_rows(const hg_norm_run *run, int64_t rows, const float *dz, const float *x, float *dx);

/* ---- The same for one image in one go with a pool behind it, whose codes are kernels/pointwise.h's. False, and nothing done,
 * where no kernel serves the shape or the activation. */

/* hg_norm_rows, then pooled. */
bool hg_norm_pool(const hg_norm_run *run, const hg_pool_shape *window, const float *x, float *y, uint8_t *codes);
/* hg_norm_gradient_rows of the pooled values' gradient times scale, spread. */
bool hg_norm_scatter(const hg_norm_run *run, const hg_pool_shape *window, float scale, const float *dy, const uint8_t *codes,
                     const float *x, float *dx);
/* hg_norm_add_products of the same. */
bool hg_norm_add_pooled(const hg_norm_run *run, int64_t piece, const hg_pool_shape *window, float scale, const float *dy,
                        const uint8_t *codes, const float *x);

#endif
