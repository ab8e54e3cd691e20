/* The maps of conv_map.h over a batch: cut into tasks, spread over the pool, with each worker's memory. */
#ifndef HG_OPS_CONV_RUN_H
#define HG_OPS_CONV_RUN_H

#include "ops/conv_map.h"

#include <stdatomic.h>

/* What both convolution operators fix before the first batch. Scratch lies as: packed weights, then one stretch for each
 * worker, then the partial sums of the weights' gradient. */
typedef struct hg_conv_job {
  const hg_op_call *call;
  hg_conv_map map;
  bool transposed;   /* conv2d_transpose: small is its input, large its output */
  bool winograd;     /* conv2d in inference, where conv_winograd.h serves */
  int enlarged[2];   /* pixels of a large image that each given stands for; 1 unless the map is thin or winograd */
  atomic_int *ended; /* for the gradients of weight and bias: (HG_CONV_MOST_PIECES) of zeros */
} hg_conv_job;

/* A job of a placed layer. */
hg_conv_job hg_conv_job_of(const hg_op_call *call, bool transposed);

hg_conv_map hg_conv_map_of(const hg_op_node *node, bool transposed);

/* Float count of scratch for this placed layer. */
size_t hg_conv_scratch(const hg_op_node *node, bool transposed);

/* All images down or up with the layer's weight. */
void hg_conv_run_down(const hg_conv_job *job, hg_conv_finish finish, const float *large, float *small);
void hg_conv_run_up(const hg_conv_job *job, hg_conv_finish finish, const float *small, float *large);

/* The first part of backward: dZ = dY * f'(Y) in place of the output's gradient, and from it gradients of weight and bias,
 * over fixed pieces of the batch that are added along a fixed tree. */
void hg_conv_run_gradients(hg_conv_job *job);

/* Winograd takes batches of a few images panel by panel, since to read the whole transformed weight would take longer than to
 * transform it on the way, and larger ones by groups of images. Both give the same bits. */
enum { HG_CONV_FEW = 8 };
static inline bool hg_conv_takes_groups(const hg_conv_job *job) { return job->winograd && job->call->n >= HG_CONV_FEW; }

/* ---- The same for one image, for an operator that takes it further while it is in the cache (block.h). A weight is packed
 * into scratch where it needs to be, so that one of the two is there at a time. */

const float *hg_conv_down_weight(const hg_conv_job *job);
const float *hg_conv_up_weight(const hg_conv_job *job);

/* Some images in a row, where hg_conv_takes_groups, with the packed weight. */
void hg_conv_group_down(const hg_conv_job *job, const float *weight, hg_conv_finish finish, int images, const float *large,
                        float *small, int worker);

/* Lines [first, last) of a small image; a whole large image. Not by winograd. */
void hg_conv_image_down(const hg_conv_job *job, const float *weight, hg_conv_finish finish, const float *large, int first,
                        int last, float *small, int worker);
void hg_conv_image_up(const hg_conv_job *job, const float *weight, hg_conv_finish finish, const float *small, float *large,
                      int worker);

/* Pieces of a batch of n whose sums are added along the tree, from batch and shape alone: piece i is images
 * [n * i / pieces, n * (i + 1) / pieces). */
enum { HG_CONV_MOST_PIECES = 16 };
int hg_conv_pieces(const hg_conv_map *map, int n);

/* Most images whose products are summed in one go: a piece's, taken so many at a time from its first on. */
int hg_conv_chain(const hg_conv_map *map);

/* Adds some images in a row to a piece's sums for weight and bias; `first` of the piece: sets them. */
void hg_conv_sum_images(const hg_conv_job *job, int piece, bool first, int images, const float *large, const float *small,
                        int worker);

/* After all images of a piece: adds what pairs of the tree it completes, neighbours, then pairs of neighbours, and so on, while
 * the sums are in the cache. Who comes last adds, so that the tree is the same whoever that is. */
void hg_conv_end_piece(const hg_conv_job *job, int piece);

/* Writes the gradients of weight and bias, after all pieces have ended. */
void hg_conv_put_gradients(const hg_conv_job *job);

#endif
