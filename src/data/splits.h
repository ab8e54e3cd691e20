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

/* Chooses `want` of the images by (seed, use) into *chosen, which is new; both those and the others keep the order they had.
 * Stratified: each class gives its share, rounded so that the sum is `want` (largest remainders, then lower labels). want must be
 * within [0, count]. */
hg_code hg_split_copy(const hg_dataset *dataset, int64_t want, bool stratified, uint64_t seed, hg_split_use use,
                      hg_dataset **chosen, hg_error *error);

/* The same, and leaves only the others in dataset, whose pixels stay where they lie: a copy of a large training part costs more
 * than anything else that is done to it before training. Where it fails *chosen is NULL and dataset as it was. */
hg_code hg_split_cut(hg_dataset *dataset, int64_t want, bool stratified, uint64_t seed, hg_split_use use, hg_dataset **chosen,
                     hg_error *error);

#endif
