/* What the two convolution operators fix of a call: the map, the algorithm that serves each part of it, how the batch is cut, and
 * where things lie in scratch. */
#ifndef HG_OPS_CONV_JOB_H
#define HG_OPS_CONV_JOB_H

#include "ops/conv_map.h"

#include <stdatomic.h>

typedef struct hg_conv_job {
  const hg_op_call *call;
  hg_conv_map map;
  hg_conv_map back;   /* where winograd_up: see hg_conv_winograd_back */
  bool transposed;    /* conv2d_transpose: small is its input, large its output */
  bool winograd;      /* down, where conv_winograd.h serves: conv2d in inference, or with the engine of that name */
  bool winograd_sums; /* the weight's gradient, with that engine alone */
  bool winograd_up;   /* the input's gradient, likewise */
  int enlarged[2];    /* pixels of a large image that each given stands for; 1 unless the map is thin or winograd */
  int pieces;         /* of the batch, whose sums are added along a tree: see hg_conv_first */
  int together;       /* most images of a piece that a backward pass takes in one go */
  atomic_int *ended;  /* for the gradients of weight and bias: (HG_CONV_MOST_PIECES) of zeros */
} hg_conv_job;

/* A job of a placed layer. */
hg_conv_job hg_conv_job_of(const hg_op_call *call, bool transposed);

hg_conv_map hg_conv_map_of(const hg_op_node *node, bool transposed);

/* Float count of scratch for this placed layer. */
size_t hg_conv_scratch(const hg_op_node *node, bool transposed);

/* Up of a replicated image goes through the gradient of the padded one. */
static inline bool hg_conv_folds(const hg_conv_map *map) { return map->replicate && map->padded; }

/* ---- How a batch is cut, from its size and the shape alone */

/* First image of a piece; that of `pieces` is n. */
enum { HG_CONV_MOST_PIECES = 16 };
static inline int hg_conv_first(const hg_conv_job *job, int64_t piece) { return (int)(job->call->n * piece / job->pieces); }

/* Most images whose products are summed in one go, by direct sums: a piece's, taken so many at a time from its first on. */
int hg_conv_chain(const hg_conv_map *map);

/* hg_conv_job's `together`. */
int hg_conv_together(const hg_op_node *node, bool transposed);

/* ---- Scratch: the packed weight, a stretch for each worker, the pieces' sums, then what Winograd needs backward. Forward it has
 * a layout of its own. */

float *hg_conv_packed(const hg_conv_job *job);
float *hg_conv_room(const hg_conv_job *job, int worker);
float *hg_conv_small_room(const hg_conv_job *job, int worker); /* of the same stretch, behind a padded large image */

/* A piece's sums: of the weight, of the bias, and the float count of both. */
float *hg_conv_partial(const hg_conv_job *job, int piece);
float *hg_conv_partial_bias(const hg_conv_job *job, int piece);
size_t hg_conv_partial_count(const hg_conv_job *job);

/* Winograd forward: a worker's panel of the transformed weight, then its tiles. */
float *hg_conv_group_room(const hg_conv_job *job, int worker);

/* Winograd backward: the transformed weight for up; a worker's tiles and its sums. */
float *hg_conv_back_weight(const hg_conv_job *job);
float *hg_conv_back_room(const hg_conv_job *job, int worker);
float *hg_conv_back_sums(const hg_conv_job *job, int worker);

#endif
