/* Gradients of a convolution's weight and bias, summed over pieces of the batch that are added along a fixed tree. */
#ifndef HG_OPS_CONV_SUMS_H
#define HG_OPS_CONV_SUMS_H

#include "ops/conv_job.h"

/* The first part of backward: dZ = dY * f'(Y) in place of the output's gradient, and from it gradients of weight and bias. */
void hg_conv_run_gradients(hg_conv_job *job);

/* ---- The same a few images at a time, for an operator that makes their gradient in the cache (block.h). */

/* Adds some images in a row to a piece's sums for weight and bias; `first` of the piece: sets them. From the piece's first image
 * on job->together of them, then the last ones. */
void hg_conv_sum_images(const hg_conv_job *job, int piece, bool first, int images, const float *large, const float *small,
                        int worker);

/* After all images of a piece: adds what pairs of the tree it completes, neighbours, then pairs of neighbours, and so on, while
 * the sums are in the cache. Who comes last adds, so that the tree is the same whoever that is. */
void hg_conv_end_piece(const hg_conv_job *job, int piece, int worker);

/* Writes the gradients of weight and bias, after all pieces have ended. */
void hg_conv_put_gradients(const hg_conv_job *job);

#endif
