/* A training set with augmented copies added to it, once and for all. */
#ifndef HG_DATA_COPIES_H
#define HG_DATA_COPIES_H

#include "data/batches.h"

enum { HG_MOST_COPIES = 100 };

/* *made: the images as they are, then `augment->added` copies of all of them, each copy changed by (seed, number of the copy,
 * image) and rounded to whole pixel values. Owned by the caller. HG_DATA: more than the most a data set may take. */
hg_code hg_dataset_add_copies(const hg_dataset *dataset, const hg_augmentation *augment, uint64_t seed, hg_dataset **made,
                              hg_error *error);

#endif
