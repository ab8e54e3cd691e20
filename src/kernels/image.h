/* Loops over an image for augmentation: the same bits from every version. */
#ifndef HG_KERNELS_IMAGE_H
#define HG_KERNELS_IMAGE_H

#include "base/rng.h"
#include "kernels/isa.h"

typedef struct hg_image_kernels {
  /* The same numbers as count calls of hg_rng_normal. */
  void (*normals)(hg_rng *rng, int64_t count, float *values);

  /* to (H, W, C): from, turned about its middle by the angle of this sine and cosine; bilinear, zeros outside. */
  void (*rotate)(hg_shape shape, double sine, double cosine, const float *from, float *to);
} hg_image_kernels;

/* The kernels of hg_isa_get(). */
const hg_image_kernels *hg_image_kernels_get(void);

/* The versions; callable only where the processor runs them. */
extern const hg_image_kernels hg_image_generic, hg_image_avx2, hg_image_avx512;

#endif
