/* Images of one set that stand in another too: what a report must warn of. */
#ifndef HG_DATA_LEAKS_H
#define HG_DATA_LEAKS_H

#include "base/parallel.h"
#include "data/dataset.h"

enum { HG_LEAK_PAIRS = 12 }; /* kept as examples of each kind */

typedef struct hg_leak_pair {
  int64_t image, other; /* its place in the set that was asked about, and its double's in the index */
  int distance;         /* bits in which their hashes differ; 0 of exact ones */
  int mirrored, dx, dy; /* altered ones: the image is its double mirrored left to right, and moved by these pixels */
  double difference;    /* root mean square of the pixels' differences over the image's standard deviation; 0 of exact ones */
  double gain;          /* altered ones: contrast of the double as a share of the image's; else 0 */
} hg_leak_pair;

typedef struct hg_leaks {
  int64_t images;  /* of the set that was asked about */
  int64_t exact;   /* those with a double, byte for byte */
  int64_t near;    /* of the rest, those with a near double */
  int64_t altered; /* of what is left, those with a double that is mirrored, moved, or of other brightness or contrast */
  int exact_pairs, near_pairs, altered_pairs;
  hg_leak_pair exact_pair[HG_LEAK_PAIRS]; /* the first ones */
  hg_leak_pair near_pair[HG_LEAK_PAIRS];  /* the nearest, by difference */
  hg_leak_pair altered_pair[HG_LEAK_PAIRS];
} hg_leaks;

/* Near means that the perceptual hashes (data/image_hash.h) differ in at most HG_NEAR_BITS and that `difference` is at most
 * HG_NEAR_DIFFERENCE. Hashes find candidates, pixels decide: two trousers of one cut have the same hash and are not one image. Of
 * an image at most HG_NEAR_CANDIDATES are looked at. Images of one grey are near to nothing. */
#define HG_NEAR_DIFFERENCE 0.08
enum { HG_NEAR_BITS = 7, HG_NEAR_CANDIDATES = 1024 };

/* Altered means the same of the images' middle, mirrored or not and moved by up to HG_HASH_REACH pixels each way, after the
 * brightness and contrast that fit best; hashes may differ in HG_ALTERED_BITS. Images with a side below 16 or above
 * 256 pixels are not looked at in this way. */
enum { HG_ALTERED_BITS = 3, HG_ALTERED_CANDIDATES = 512 };

/* A set made ready to be asked, by the hash of each image's bytes and by four bands of its perceptual hash (Norouzi, Punjani and
 * Fleet 2012): hashes that differ in at most 7 bits agree in one band up to one bit. altered: whether
 * altered doubles are looked for too. The set must outlive it. */
typedef struct hg_leak_index hg_leak_index;
hg_code hg_leak_index_new(const hg_dataset *images, bool altered, hg_pool *pool, hg_leak_index **index, hg_error *error);
void hg_leak_index_free(hg_leak_index *index);

/* Sets of another shape have nothing in common. The same on any number of threads. */
hg_code hg_leak_index_ask(const hg_leak_index *index, const hg_dataset *images, hg_pool *pool, hg_leaks *leaks, hg_error *error);

#endif
