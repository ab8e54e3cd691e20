#include "base/rng.h"
#include "data/batches.h"
#include "data/noise.h"

#include <string.h>

bool hg_corruption_is_off(const hg_corruption *corrupt) {
  return corrupt->salt_and_pepper == 0 && corrupt->gaussian == 0 && corrupt->masking == 0;
}

static void set_pixel(float *image, int64_t pixel, int channels, float value) {
  for (int c = 0; c < channels; c++) image[pixel * channels + c] = value;
}

/* One number a pixel: all channels become 0 or 1 together. */
static void salt_and_pepper(float *image, int64_t pixels, int channels, float share, hg_rng *rng) {
  for (int64_t i = 0; i < pixels; i++) {
    float u = hg_rng_uniform(rng);
    if (u < share) set_pixel(image, i, channels, u < 0.5f * share ? 0.0f : 1.0f);
  }
}

static void mask(float *image, int64_t pixels, int channels, float share, hg_rng *rng) {
  for (int64_t i = 0; i < pixels; i++)
    if (hg_rng_uniform(rng) < share) set_pixel(image, i, channels, 0.0f);
}

void hg_corrupt_image(const hg_corruption *corrupt, hg_shape shape, uint64_t seed, uint32_t epoch, int64_t sample, float *image) {
  hg_rng rng = hg_rng_at(seed, HG_RNG_CORRUPT, epoch, (uint64_t)sample);
  int64_t pixels = (int64_t)shape.height * shape.width;
  if (corrupt->salt_and_pepper > 0) salt_and_pepper(image, pixels, shape.channels, corrupt->salt_and_pepper, &rng);
  if (corrupt->gaussian > 0) hg_noise_add(image, pixels * shape.channels, corrupt->gaussian, corrupt->clip, &rng);
  if (corrupt->masking > 0) mask(image, pixels, shape.channels, corrupt->masking, &rng);
}
