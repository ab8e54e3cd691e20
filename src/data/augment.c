#include "base/rng.h"
#include "base/shape.h"
#include "data/batches.h"
#include "data/noise.h"
#include "kernels/image.h"

#include <math.h>
#include <string.h>

bool hg_augmentation_is_off(const hg_augmentation *augment) {
  return augment->rotate == 0 && augment->shift == 0 && !augment->flip && augment->crop == 0 && augment->gaussian_noise == 0 &&
         augment->cutout == 0;
}

/* sin by its series, for |x| <= pi: sums and products only, so that no libm version can change an image. */
static double sine(double x) {
  double term = x, sum = x;
  for (int k = 2; k <= 24; k += 2) {
    term *= -x * x / (double)(k * (k + 1));
    sum += term;
  }
  return sum;
}

static double cosine(double x) {
  double term = 1, sum = 1;
  for (int k = 1; k <= 25; k += 2) {
    term *= -x * x / (double)(k * (k + 1));
    sum += term;
  }
  return sum;
}

/* Both image and scratch are (H, W, C). */
static void rotate(float *image, hg_shape shape, double degrees, float *scratch) {
  double angle = degrees * (3.14159265358979324 / 180);
  memcpy(scratch, image, (size_t)hg_shape_count(shape) * sizeof *image);
  hg_image_kernels_get()->rotate(shape, sine(angle), cosine(angle), scratch, image);
}

/* Moves by whole pixels, to the right and down; zeros come in. */
static void shift(float *image, hg_shape shape, int right, int down, float *scratch) {
  if (right == 0 && down == 0) return;
  size_t row = (size_t)shape.width * (size_t)shape.channels;
  memcpy(scratch, image, (size_t)shape.height * row * sizeof *image);
  memset(image, 0, (size_t)shape.height * row * sizeof *image);
  int columns = shape.width - (right < 0 ? -right : right);
  for (int y = 0; columns > 0 && y < shape.height; y++) {
    if (y - down < 0 || y - down >= shape.height) continue;
    const float *from = scratch + (size_t)(y - down) * row + (right < 0 ? -right * shape.channels : 0);
    memcpy(image + (size_t)y * row + (right > 0 ? right * shape.channels : 0), from,
           (size_t)columns * (size_t)shape.channels * sizeof *image);
  }
}

static void flip(float *image, hg_shape shape) {
  for (int y = 0; y < shape.height; y++) {
    float *row = image + (int64_t)y * shape.width * shape.channels;
    for (int x = 0; x < shape.width / 2; x++)
      for (int c = 0; c < shape.channels; c++) {
        float *left = row + x * shape.channels + c, *right = row + (shape.width - 1 - x) * shape.channels + c, kept = *left;
        *left = *right;
        *right = kept;
      }
  }
}

static void cut_out(float *image, hg_shape shape, int side, hg_rng *rng) {
  int top = (int)hg_rng_below(rng, (uint64_t)shape.height) - side / 2;
  int left = (int)hg_rng_below(rng, (uint64_t)shape.width) - side / 2;
  for (int y = top < 0 ? 0 : top; y < top + side && y < shape.height; y++)
    for (int x = left < 0 ? 0 : left; x < left + side && x < shape.width; x++)
      memset(image + ((int64_t)y * shape.width + x) * shape.channels, 0, (size_t)shape.channels * sizeof *image);
}

/* Uniform whole number in [-most, most]. */
static int within(hg_rng *rng, int most) { return (int)hg_rng_below(rng, 2 * (uint64_t)most + 1) - most; }

void hg_augment_image(const hg_augmentation *augment, hg_shape shape, uint64_t seed, uint32_t epoch, int64_t sample, float *image,
                      float *scratch) {
  hg_rng rng = hg_rng_at(seed, HG_RNG_AUGMENT, epoch, (uint64_t)sample);
  int64_t count = hg_shape_count(shape);
  if (augment->rotate > 0) rotate(image, shape, (2 * hg_rng_uniform_double(&rng) - 1) * (double)augment->rotate, scratch);
  if (augment->shift > 0) {
    int right = within(&rng, (int)floorf(augment->shift * (float)shape.width + 0.5f));
    int down = within(&rng, (int)floorf(augment->shift * (float)shape.height + 0.5f));
    shift(image, shape, right, down, scratch);
  }
  if (augment->flip && hg_rng_u32(&rng) >> 31) flip(image, shape);
  if (augment->crop > 0) {
    int right = within(&rng, augment->crop), down = within(&rng, augment->crop);
    shift(image, shape, right, down, scratch);
  }
  if (augment->gaussian_noise > 0) hg_noise_add(image, count, augment->gaussian_noise, true, &rng);
  if (augment->cutout > 0) cut_out(image, shape, augment->cutout, &rng);
}
