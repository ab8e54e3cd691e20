/* One execution of a block, as its forward and its backward share it. */
#ifndef HG_OPS_BLOCK_RUN_H
#define HG_OPS_BLOCK_RUN_H

#include "base/rng.h"
#include "kernels/pointwise.h"
#include "ops/block.h"
#include "ops/conv_run.h"
#include "ops/norm_run.h"

typedef struct hg_block_run {
  const hg_op_call *call;
  const hg_conv_block *block;
  hg_op_call conv_call, norm_call; /* for their parts: parameters, scratch and saved are set */
  hg_conv_job job;
  hg_norm_run norm;
  int64_t in, large, map, out; /* values of one image: read, enlarged, of the convolution's map, written */
  hg_conv_finish finish;       /* of the convolution: bias, activation */
  hg_activation activation;    /* before pooling: batch_norm's, or the convolution's where there is none */
  float negative_slope;
  hg_pool_shape window; /* of the pool */
  hg_rng rng;           /* of dropout */
  uint32_t threshold;
  float scale;         /* of what is not dropped; 1 without dropout */
  float *maps;         /* (n, map), with batch_norm in training */
  uint8_t *codes;      /* (n, out), see kernels/pointwise.h; NULL where nothing is pooled or dropped, or in inference */
  const float *weight; /* packed, for down or for up */
  float *room;         /* of the first worker; the next one's lies room_count floats on, and maps behind enlarged images */
  size_t room_count, enlarged_count;
} hg_block_run;

void hg_block_start(hg_block_run *run, const hg_op_call *call);

/* An input image as the convolution reads it: enlarged into a worker's memory, slot i, where the block begins so. */
const float *hg_block_large(const hg_block_run *run, int image, int slot, int worker);
/* A worker's memory: enlarged images and maps of hg_conv_together images or more, and a few rows. */
float *hg_block_enlarged(const hg_block_run *run, int worker);
float *hg_block_maps(const hg_block_run *run, int worker);
/* In their place: the maps of less than HG_CONV_FEW images. */
float *hg_block_all_maps(const hg_block_run *run);

void hg_block_forward(const hg_op_call *call);
void hg_block_backward(const hg_op_call *call);

#endif
