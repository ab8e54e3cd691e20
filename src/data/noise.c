#include "data/noise.h"

#include "kernels/image.h"

void hg_noise_add(float *values, int64_t count, float factor, bool clip, hg_rng *rng) {
  enum { CHUNK = 1024 };
  float noise[CHUNK];
  for (int64_t first = 0; first < count; first += CHUNK) {
    int n = count - first < CHUNK ? (int)(count - first) : CHUNK;
    hg_image_kernels_get()->normals(rng, n, noise);
    for (int i = 0; i < n; i++) values[first + i] += factor * noise[i];
  }
  for (int64_t i = 0; clip && i < count; i++) values[i] = values[i] < 0 ? 0 : values[i] > 1 ? 1 : values[i];
}
