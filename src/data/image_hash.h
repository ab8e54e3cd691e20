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
