/* A data set as a sequence of float batches: shuffled, augmented, corrupted. Those augmented or corrupted are made ahead of
 * their use by one thread of their own, others when they are asked for. */
#ifndef HG_DATA_BATCHES_H
#define HG_DATA_BATCHES_H

#include "base/parallel.h"
#include "data/dataset.h"

typedef struct hg_batch {
  int n;                 /* samples; the last batch of an epoch may have fewer than batch_size */
  const float *input;    /* (n, H, W, C), augmented and corrupted */
  const float *target;   /* (n, H, W, C), augmented only; the same pointer as input where nothing corrupts */
  const int32_t *labels; /* (n), -1 where there are none */
  const int64_t *index;  /* (n) place in the data set */
} hg_batch;

typedef struct hg_batches_settings {
  uint64_t seed;
  int batch_size;
  bool shuffle;            /* by (seed, epoch) */
  hg_augmentation augment; /* by (seed, epoch, sample); training only */
  hg_corruption corrupt;   /* by (seed, epoch, sample); epoch counts as 0 where !shuffle, so it is fixed */
  hg_pool *pool;           /* makes the batches that are made when they are asked for; NULL = the caller's thread */
} hg_batches_settings;

typedef struct hg_batches hg_batches;

/* The data set must outlive it, and the pool its last batch. All memory is taken here; _next allocates nothing. */
hg_code hg_batches_new(const hg_dataset *dataset, const hg_batches_settings *settings, hg_batches **batches, hg_error *error);
void hg_batches_free(hg_batches *batches);

int64_t hg_batches_per_epoch(const hg_batches *batches);
/* Goes to a batch of an epoch (both from 0; a new hg_batches stands at 0, 0); the batches from there on are the same as if the
 * earlier ones had been drawn. */
void hg_batches_seek(hg_batches *batches, uint32_t epoch, int64_t batch);
/* The next batch of the epoch, valid until the next call; NULL at its end. */
const hg_batch *hg_batches_next(hg_batches *batches);

/* One sample at a time, the same way, for previews: changes H*W*C floats in place. scratch holds as many. */
void hg_augment_image(const hg_augmentation *augment, hg_shape shape, uint64_t seed, uint32_t epoch, int64_t sample, float *image,
                      float *scratch);
void hg_corrupt_image(const hg_corruption *corrupt, hg_shape shape, uint64_t seed, uint32_t epoch, int64_t sample, float *image);
bool hg_augmentation_is_off(const hg_augmentation *augment);
bool hg_corruption_is_off(const hg_corruption *corrupt);

#endif
