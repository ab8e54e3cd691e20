/* Inside the leak check: the index that leaks.c asks for equal and near images, and leaks_altered.c for altered ones. */
#ifndef HG_DATA_LEAKS_INDEX_H
#define HG_DATA_LEAKS_INDEX_H

#include "data/image_hash.h"
#include "data/leaks.h"

enum { HG_BANDS = 4, HG_BAND_BITS = 16, HG_BUCKETS = 1 << HG_BAND_BITS };

/* Image numbers by each of four bands of a hash. */
typedef struct hg_hash_bands {
  int32_t *start;  /* (HG_BANDS, HG_BUCKETS + 1): where each bucket begins in its band's members */
  int32_t *member; /* (HG_BANDS, count) */
  int64_t count;
} hg_hash_bands;

struct hg_leak_index {
  const hg_dataset *images;
  size_t bytes;        /* of one image */
  uint64_t *byte_hash; /* (count) */
  uint64_t *hash;      /* (count) */
  int32_t *places;     /* image numbers by the hash of their bytes; -1 = free; at most half of it is used */
  uint64_t mask;       /* of places */
  hg_hash_bands near;  /* each different image once */
  hg_window_hash window;
  uint64_t *window_hash; /* (count): of the images' middle; NULL where they are too small */
  hg_hash_bands altered; /* by that */
};

static inline int hg_hash_band(uint64_t hash, int band) { return (int)(hash >> (HG_BAND_BITS * band)) & (HG_BUCKETS - 1); }

/* distinct (count): the images that stand in it. The index that holds it frees it, after success and after failure. */
hg_code hg_hash_bands_init(hg_hash_bands *bands, const uint64_t *hash, const int32_t *distinct, int64_t count, hg_error *error);

/* leaks_altered.c: the part of the index for altered images, and the nearest of them; best->other stays -1 where there is none.
 */
hg_code hg_altered_index(hg_leak_index *index, const int32_t *distinct, int64_t count, hg_pool *pool, hg_error *error);
void hg_altered_find(const hg_leak_index *index, const uint8_t *image, hg_leak_pair *best);

#endif
