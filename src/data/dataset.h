/* Images in memory, and the splits cut from them. */
#ifndef HG_DATA_DATASET_H
#define HG_DATA_DATASET_H

#include "base/status.h"

struct hg_dataset {
  char source[256]; /* where it came from, for messages and reports */
  hg_shape shape;
  int64_t count;
  uint8_t *pixels; /* images (H, W, C), of which places[i] is image i: see hg_dataset_image */
  int64_t *places; /* (count), or NULL where they stand in order */
  int32_t *labels; /* (count), or NULL */
  int classes;
  char **class_names;       /* (classes) */
  char digest[65];          /* what hg_dataset_digest gives, once hg_dataset_seal has found it; "" before */
  struct hg_pixel_map *map; /* of the file that pixels lie in, not to be written; NULL where they are memory of the set's own */
};

/* The most that a data set's pixels may take: a header or an archive that promises more is refused. */
#define HG_MOST_DATA_BYTES ((uint64_t)8 << 30)

/* An empty data set with room for count images and labels, class names "0", "1", ...; freed by hg_dataset_free. */
hg_code hg_dataset_new(hg_shape shape, int64_t count, int classes, hg_dataset **dataset, hg_error *error);
/* The same with pixels that are read where they lie, from `offset` of an open file on, which has that many. It may then be closed
 * and removed, but not cut short or changed. To copy them would take ten times as long as to look at them once. */
hg_code hg_dataset_new_mapped(hg_shape shape, int64_t count, int classes, int descriptor, int64_t offset, hg_dataset **dataset,
                              hg_error *error);
/* Copies the name, with U+FFFD for bytes that are no UTF-8 and a space for a control character: folders may be named so. */
hg_code hg_dataset_name_class(hg_dataset *dataset, int label, const char *name, hg_error *error);

/* The samples at index[0..count), e.g. one split, which may outlive their set: pixels that lie in a file are shared, others
 * copied.
 */
hg_code hg_dataset_subset(const hg_dataset *dataset, const int64_t *index, int64_t count, hg_dataset **subset, hg_error *error);
/* The same with pixels of its own, in order. */
hg_code hg_dataset_copy(const hg_dataset *dataset, const int64_t *index, int64_t count, hg_dataset **copy, hg_error *error);

/* Leaves only the samples at index[0..count), strictly ascending. Their pixels stay where they lie. Nothing changes where it
 * fails.
 */
hg_code hg_dataset_keep(hg_dataset *dataset, const int64_t *index, int64_t count, hg_error *error);

/* Puts others, from hg_malloc and from now on the set's own, in the place of its pixels: (count, shape), in order. */
void hg_dataset_replace_pixels(hg_dataset *dataset, hg_shape shape, uint8_t *pixels);

/* SHA-256 over shape, pixels and labels, as lower-case hexadecimal (HG_SHA256_SIZE bytes). */
void hg_dataset_digest(const hg_dataset *dataset, char *out);
/* seal.c: finds the digest once for all later calls: from here on neither pixels nor labels may change. What SHA-256 gave for the
 * content of a large set is kept in the user's cache under a fast hash of that content. */
void hg_dataset_seal(hg_dataset *dataset);

#endif
