/* First weights of a first convolution from the images themselves: the principal components of their patches, each and its
 * negative, scaled to outputs of variance 1 (Page 2018, "How to train your ResNet 8"; Jordan 2024, "94% on CIFAR-10 in 3.29
 * seconds"). Neighbouring pixels are nearly alike: what tells patches apart would else have to be amplified by training. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "data/dataset.h"
#include "learn/eigen.h"
#include "net/network.h"

enum { PATCHES = 200000 }; /* that the covariance is taken from */

/* Added to every eigenvalue, as a share of the pixels' variance: directions that hardly occur are not blown up. */
static const double softness = 5e-4;

typedef struct whitening {
  const hg_tensor *weight;
  hg_shape shape; /* of the images */
  int size;       /* numbers of a patch (kh, kw, channels) */
  double *patch, *mean, *covariance, *vectors;
} whitening;

/* The patch whose first pixel is at (y, x), in [0, 1]. */
static void take_patch(const whitening *w, const uint8_t *image, int y, int x) {
  const int *dim = w->weight->parameter.dim;
  int row = dim[1] * dim[2];
  for (int i = 0; i < dim[0]; i++) {
    const uint8_t *from = image + ((int64_t)(y + i) * w->shape.width + x) * dim[2];
    for (int k = 0; k < row; k++) w->patch[i * row + k] = from[k] / 255.0;
  }
}

static void gather(const whitening *w, const hg_dataset *images) {
  const int *dim = w->weight->parameter.dim;
  int n = w->size, rows = w->shape.height - dim[0] + 1, columns = w->shape.width - dim[1] + 1;
  hg_rng rng = hg_rng_at(1, HG_RNG_WHITENING, 0, 0);
  for (int i = 0; i < PATCHES; i++) {
    int64_t image = (int64_t)hg_rng_below(&rng, (uint64_t)images->count);
    int y = (int)hg_rng_below(&rng, (uint64_t)rows), x = (int)hg_rng_below(&rng, (uint64_t)columns);
    take_patch(w, hg_dataset_image(images, image), y, x);
    for (int k = 0; k < n; k++) w->mean[k] += w->patch[k] / PATCHES;
    for (int k = 0; k < n; k++)
      for (int l = k; l < n; l++) w->covariance[k * n + l] += w->patch[k] * w->patch[l] / PATCHES;
  }
  for (int k = 0; k < n; k++)
    for (int l = k; l < n; l++)
      w->covariance[k * n + l] = w->covariance[l * n + k] = w->covariance[k * n + l] - w->mean[k] * w->mean[l];
}

/* weight (kh, kw, channels, filters): the components in the first half of the filters, their negatives in the second. */
static hg_code put_components(const whitening *w, float *bias, hg_error *error) {
  int n = w->size, filters = w->weight->parameter.dim[3], half = filters / 2;
  double variance = 0;
  for (int k = 0; k < n; k++) variance += w->covariance[k * n + k] / n;
  if (!(variance > 0)) return hg_fail(error, HG_DATA, "whitening", "the training images are all of one colour");
  hg_symmetric_eigen(w->covariance, w->vectors, n);
  hg_eigen_sort(w->covariance, w->vectors, n);
  for (int j = 0; j < half; j++) {
    double eigenvalue = fmax(w->covariance[j * n + j], 0), scale = 1 / sqrt(eigenvalue + softness * variance), middle = 0;
    for (int k = 0; k < n; k++) {
      double value = w->vectors[k * n + j] * scale;
      middle += value * w->mean[k];
      w->weight->value[(int64_t)k * filters + j] = (float)value;
      w->weight->value[(int64_t)k * filters + half + j] = (float)-value;
    }
    if (bias == NULL) continue;
    bias[j] = (float)-middle;
    bias[half + j] = (float)middle;
  }
  return HG_OK;
}

static hg_code whiten(const hg_tensor *weight, float *bias, const hg_dataset *images, hg_error *error) {
  whitening w = {.weight = weight, .shape = images->shape};
  const int *dim = weight->parameter.dim;
  w.size = dim[0] * dim[1] * dim[2];
  if (images->count < 1 || images->shape.channels != dim[2] || images->shape.height < dim[0] || images->shape.width < dim[1])
    return hg_fail(error, HG_USAGE, "whitening", "the images are %dx%dx%d, %lld of them; a kernel of %dx%dx%d needs larger ones",
                   images->shape.height, images->shape.width, images->shape.channels, (long long)images->count, dim[0], dim[1],
                   dim[2]);
  size_t n = (size_t)w.size, numbers = 2 * n + 2 * n * n;
  double *room = hg_calloc(numbers, sizeof *room);
  if (room == NULL) return hg_fail_memory(error, "whitening", numbers * sizeof *room);
  w.patch = room;
  w.mean = w.patch + n;
  w.covariance = w.mean + n;
  w.vectors = w.covariance + n * n;
  gather(&w, images);
  hg_code code = put_components(&w, bias, error);
  hg_free(room);
  return code;
}

hg_code hg_network_whiten(hg_network *network, const hg_dataset *images, hg_error *error) {
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    const hg_tensor *weight = hg_network_tensor(network, i);
    if (weight->parameter.initializer != HG_INIT_WHITENING) continue;
    const hg_tensor *next = i + 1 < hg_network_tensor_count(network) ? hg_network_tensor(network, i + 1) : NULL;
    bool biased = next != NULL && strcmp(next->parameter.name, "bias") == 0; /* a bias follows its own weights */
    return whiten(weight, biased ? next->value : NULL, images, error);
  }
  return HG_OK;
}
