/* The IDX format of MNIST: a big-endian header (two zero bytes, type, number of dimensions, dimensions), then the values.
 * Plain or compressed with gzip. */
#ifndef HG_DATA_IDX_H
#define HG_DATA_IDX_H

#include "data/dataset.h"

/* Reads images (N, H, W) or (N, H, W, C) of unsigned bytes, and their labels (N); labels_path may be NULL.
 * `classes` 0 = the highest label and 1 more. HG_DATA with the path for a wrong magic number, sizes that do not fit the
 * file, numbers of images and labels that differ, or a label beyond `classes`. */
hg_code hg_idx_read(const char *images_path, const char *labels_path, int classes, hg_dataset **dataset, hg_error *error);

/* Shape and number of images, from the header alone. */
hg_code hg_idx_peek(const char *images_path, hg_shape *shape, int64_t *count, hg_error *error);

/* The highest label in the file and 1 more. */
hg_code hg_idx_classes(const char *labels_path, int *classes, hg_error *error);

#endif
