/* One PNG or JPEG file to pixels. */
#ifndef HG_DATA_DECODE_H
#define HG_DATA_DECODE_H

#include "data/dataset.h"

/* The largest image file and the most pixels that are read: beyond lies a mistake or a trap. */
enum { HG_MOST_IMAGE_FILE = 64 << 20, HG_MOST_IMAGE_PIXELS = 1 << 26 };

typedef struct hg_image {
  int height, width;
  bool colour;     /* false: the file is a grey image; its three channels are equal */
  uint8_t *pixels; /* (height, width, 3), hg_malloc'ed */
} hg_image;

/* Transparent pixels are laid over black; a JPEG's orientation tag is not followed. place names the file in messages.
 * HG_DATA where it is damaged, truncated, too large, or a CMYK JPEG; image->pixels is NULL then. */
hg_code hg_image_decode(const uint8_t *bytes, size_t count, const char *place, hg_image *image, hg_error *error);

#endif
