/* Perceptual hashes: 64 bits that hardly change where an image hardly changes. */
#ifndef HG_DATA_IMAGE_HASH_H
#define HG_DATA_IMAGE_HASH_H

#include "base/parallel.h"
#include "data/dataset.h"

/* hashes (count of the set): which of an image's 63 lowest frequencies (the discrete cosine transform of the sum of its channels,
 * 8 along each side, the mean left out) lie above their median (Zauner 2010, section 3.2). One bit is not used, and of the others
 * 31 are set unless frequencies are equal, so hashes of unlike images differ in about 31 bits. The same on any number of threads.
 */
hg_code hg_image_hashes(const hg_dataset *images, hg_pool *pool, uint64_t *hashes, hg_error *error);

/* The same of the image's middle, which HG_HASH_REACH pixels on every side leave: moved by up to as many pixels it still lies in
 * the image. Two images, one of them moved, have a window in common. */
enum { HG_HASH_REACH = 2, HG_HASH_MOVES = 2 * HG_HASH_REACH + 1 };
typedef struct hg_window_hash {
  hg_shape shape;        /* of the images */
  int height, width;     /* of the window */
  float *rows, *columns; /* (height, 8), (width, 8): the cosines */
} hg_window_hash;
/* HG_USAGE where the images are smaller than 16 x 16 or larger than 256 x 256. Release it after success and after failure. */
hg_code hg_window_hash_init(hg_window_hash *window, hg_shape shape, hg_error *error);
void hg_window_hash_release(hg_window_hash *window);
/* hashes (HG_HASH_MOVES, HG_HASH_MOVES, 2): of the window moved by dy - HG_HASH_REACH and dx - HG_HASH_REACH; as it is, and
 * mirrored left to right. */
void hg_window_hash_all(const hg_window_hash *window, const uint8_t *image, uint64_t *hashes);
uint64_t hg_window_hash_middle(const hg_window_hash *window, const uint8_t *image);

/* Bits in which two differ. Not the compiler's own count: without an instruction for it that is a call, and this is in an inner
 * loop. */
static inline int hg_hash_distance(uint64_t a, uint64_t b) {
  uint64_t bits = a ^ b;
  bits -= bits >> 1 & 0x5555555555555555u;
  bits = (bits & 0x3333333333333333u) + (bits >> 2 & 0x3333333333333333u);
  bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0Fu;
  return (int)(bits * 0x0101010101010101u >> 56);
}

#endif
