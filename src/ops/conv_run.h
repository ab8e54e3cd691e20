/* The maps of conv_map.h over a batch, down and up: cut into tasks and spread over the pool. */
#ifndef HG_OPS_CONV_RUN_H
#define HG_OPS_CONV_RUN_H

#include "ops/conv_job.h"

/* All images down or up with the layer's weight. */
void hg_conv_run_down(const hg_conv_job *job, hg_conv_finish finish, const float *large, float *small);
void hg_conv_run_up(const hg_conv_job *job, hg_conv_finish finish, const float *small, float *large);

/* Winograd takes batches of a few images panel by panel, since to read the whole transformed weight would take longer than to
 * transform it on the way, and larger ones by groups of images. Both give the same bits. */
enum { HG_CONV_FEW = 8 };
static inline bool hg_conv_takes_groups(const hg_conv_job *job) { return job->winograd && job->call->n >= HG_CONV_FEW; }

/* ---- The same for some images, for an operator that takes it further while it is in the cache (block.h). A weight is packed
 * into scratch where it needs to be, so that one of the two is there at a time. */

const float *hg_conv_down_weight(const hg_conv_job *job);
const float *hg_conv_up_weight(const hg_conv_job *job);

/* Some images in a row by winograd, with the packed weight. */
void hg_conv_group_down(const hg_conv_job *job, const float *weight, hg_conv_finish finish, int images, const float *large,
                        float *small, int worker);

/* Lines [first, last) of a small image. Not by winograd. */
void hg_conv_image_down(const hg_conv_job *job, const float *weight, hg_conv_finish finish, const float *large, int first,
                        int last, float *small, int worker);

/* Up of some images in a row, job->together of them at most, without bias or activation. */
void hg_conv_images_up(const hg_conv_job *job, const float *weight, int images, const float *small, float *large, int worker);

#endif
