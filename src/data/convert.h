/* Images brought to another size or to one channel. */
#ifndef HG_DATA_CONVERT_H
#define HG_DATA_CONVERT_H

#include "data/dataset.h"

/* from (H, W, C) to (side, side, C): a triangle filter, widened where it shrinks (as Pillow's BILINEAR); separable, in
 * double with plain sums, rounded to nearest. HG_NO_MEMORY is its only failure. */
hg_code hg_image_resize(const uint8_t *from, hg_shape shape, int side, uint8_t *to, hg_error *error);

/* from (count, 3) to (count): (299 R + 587 G + 114 B + 500) / 1000. */
void hg_image_grayscale(const uint8_t *from, int64_t count, uint8_t *to);

/* Brings the images to side x side (0 = as they are) and, where grayscale, three channels to one; labels, names and source
 * stay. Does nothing where nothing is to be done. On failure the data set is as it was. */
hg_code hg_dataset_convert(hg_dataset *dataset, int side, bool grayscale, hg_error *error);

#endif
