/* Counter-based random numbers: Philox-4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").
 *
 * A number is a function of its address (seed, purpose, major, minor, index) alone: no thread, order or history enters.
 * By custom `major` is the epoch, step or layer and `minor` the sample. */
#ifndef HG_BASE_RNG_H
#define HG_BASE_RNG_H

#include <stdint.h>

/* What the numbers are for. Values are part of the "same bits" promise: append, never renumber. */
typedef enum hg_purpose {
  HG_RNG_INITIALIZE = 1, /* major: tensor's index in the network */
  HG_RNG_SHUFFLE = 2,    /* major: epoch */
  HG_RNG_SPLIT = 3,      /* train / validation split, limits */
  HG_RNG_AUGMENT = 4,    /* major: epoch, minor: sample */
  HG_RNG_CORRUPT = 5,    /* major: epoch (0 in evaluation), minor: sample */
  HG_RNG_DROPOUT = 6,    /* major: step, minor: layer; index: element */
  HG_RNG_LINES = 7,      /* generated line images */
  HG_RNG_BOOTSTRAP = 8,
  HG_RNG_CLASSICAL = 9, /* solvers of classical methods */
  HG_RNG_TSNE = 10,
  HG_RNG_WHITENING = 11, /* patches of training images */
  HG_RNG_TEST = 99,
} hg_purpose;

/* A stream: an address, and the place of the next number in it. Copy freely. */
typedef struct hg_rng {
  uint32_t key[2];
  uint32_t counter[4]; /* block index, major, minor (low, high) */
  uint32_t block[4];
  uint32_t used; /* of block */
} hg_rng;

hg_rng hg_rng_at(uint64_t seed, hg_purpose purpose, uint32_t major, uint64_t minor);

uint32_t hg_rng_u32(hg_rng *rng);
uint64_t hg_rng_u64(hg_rng *rng);
float hg_rng_uniform(hg_rng *rng);                                /* [0, 1), multiples of 2^-24 */
double hg_rng_uniform_double(hg_rng *rng);                        /* [0, 1), multiples of 2^-53 */
float hg_rng_normal(hg_rng *rng);                                 /* N(0, 1), by base/normal.h: the same bits everywhere */
uint64_t hg_rng_below(hg_rng *rng, uint64_t limit);               /* uniform in [0, limit), without bias; limit > 0 */
void hg_rng_shuffle(hg_rng *rng, int64_t *values, int64_t count); /* Fisher-Yates */

/* The raw function: 4 words for one key and counter. */
void hg_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);

#endif
