/* Choosing images at random: validation and test splits, limits. */
#ifndef HG_DATA_SPLITS_H
#define HG_DATA_SPLITS_H

#include "data/dataset.h"

/* What a choice is for; the values enter the random stream's address: append, never renumber. */
typedef enum hg_split_use {
  HG_SPLIT_TEST = 1,
  HG_SPLIT_LIMIT = 2,
  HG_SPLIT_VALIDATION = 3,
  HG_SPLIT_TEST_LIMIT = 4
} hg_split_use;

/* Cuts `want` of the images, chosen by (seed, use), from the others; both in the order they had. Stratified: each class
 * gives its share, rounded so that the sum is `want` (largest remainders, then lower labels). *chosen and *rest are new;
 * a NULL address is not made. want must be within [0, count]. */
hg_code hg_split(const hg_dataset *dataset, int64_t want, bool stratified, uint64_t seed, hg_split_use use, hg_dataset **chosen,
                 hg_dataset **rest, hg_error *error);

#endif
