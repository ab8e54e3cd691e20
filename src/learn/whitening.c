/* First weights of a first convolution from the images themselves: the principal components of their patches, each and its
 * negative, scaled to outputs of a variance near 1 (Page 2018, "How to train your ResNet 8"; Jordan 2024, "94% on CIFAR-10
 * in 3.29 seconds"). Neighbouring pixels are nearly alike: what tells patches apart would else have to be amplified by training.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/shape.h"
#include "data/dataset.h"
#include "learn/eigen.h"
#include "net/network.h"

enum { PATCHES = 200000 }; /* that the covariance is taken from */

/* Added to every eigenvalue, as a share of the pixels' variance: directions that hardly occur are not blown up. */
static const double softness = 5e-4;

typedef struct whitening {
  const hg_tensor *weight;
  hg_shape shape;          /* of the images */
  int size;                /* numbers of a patch (kh, kw, channels) */
  uint8_t *patch;          /* (size) */
  int64_t *sum, *products; /* (size), (size, size): over all patches, of bytes, which are exact */
  double *covariance, *vectors;
} whitening;

/* The patch whose first pixel is at (y, x). */
static void take_patch(const whitening *w, const uint8_t *image, int y, int x) {
  const int *dim = w->weight->parameter.dim;
  int row = dim[1] * dim[2];
  for (int i = 0; i < dim[0]; i++)
    memcpy(w->patch + i * row, image + ((int64_t)(y + i) * w->shape.width + x) * dim[2], (size_t)row);
}

static void gather(const whitening *w, const hg_dataset *images) {
  const int *dim = w->weight->parameter.dim;
  int n = w->size, rows = w->shape.height - dim[0] + 1, columns = w->shape.width - dim[1] + 1;
  hg_rng rng = hg_rng_at(1, HG_RNG_WHITENING, 0, 0);
  for (int i = 0; i < PATCHES; i++) {
    int64_t image = (int64_t)hg_rng_below(&rng, (uint64_t)images->count);
    int y = (int)hg_rng_below(&rng, (uint64_t)rows), x = (int)hg_rng_below(&rng, (uint64_t)columns);
    take_patch(w, hg_dataset_image(images, image), y, x);
    for (int k = 0; k < n; k++) {
      w->sum[k] += w->patch[k];
      for (int l = k; l < n; l++) w->products[k * n + l] += w->patch[k] * w->patch[l];
    }
  }
  const double all = (double)PATCHES * PATCHES * 255 * 255;
  for (int k = 0; k < n; k++)
    for (int l = k; l < n; l++) {
      int64_t difference = PATCHES * w->products[k * n + l] - w->sum[k] * w->sum[l]; /* below 2^53 */
      w->covariance[k * n + l] = w->covariance[l * n + k] = (double)difference / all;
    }
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
      middle += value * ((double)w->sum[k] / (255.0 * PATCHES));
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
  const int *dim = weight->parameter.dim;
  whitening w = {.weight = weight, .shape = images->shape, .size = dim[0] * dim[1] * dim[2]};
  size_t n = (size_t)w.size, bytes = (n + 3 * n * n) * sizeof(double) + n;
  w.covariance = hg_calloc(1, bytes);
  if (w.covariance == NULL) return hg_fail_memory(error, "whitening", bytes);
  w.vectors = w.covariance + n * n;
  w.products = (int64_t *)(w.vectors + n * n);
  w.sum = w.products + n * n;
  w.patch = (uint8_t *)(w.sum + n);
  gather(&w, images);
  hg_code code = put_components(&w, bias, error);
  hg_free(w.covariance);
  return code;
}

hg_code hg_network_whiten(hg_network *network, const hg_dataset *images, hg_error *error) {
  hg_shape wanted = hg_network_input_shape(network), given = images->shape;
  if (!hg_network_initialized(network)) return hg_fail(error, HG_USAGE, "whitening", "the network has no weights yet");
  if (!hg_shape_equal(wanted, given) || images->count < 1)
    return hg_fail(error, HG_USAGE, "whitening", "%lld images of %dx%dx%d for a network of %dx%dx%d", (long long)images->count,
                   given.height, given.width, given.channels, wanted.height, wanted.width, wanted.channels);
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < hg_network_tensor_count(network); i++) {
    hg_tensor *weight = hg_network_tensor(network, i);
    if (weight->parameter.initializer != HG_INIT_WHITENING) continue;
    const hg_tensor *next = i + 1 < hg_network_tensor_count(network) ? hg_network_tensor(network, i + 1) : NULL;
    bool biased = next != NULL && strcmp(next->parameter.name, "bias") == 0; /* a bias follows its own weights */
    code = whiten(weight, biased ? next->value : NULL, images, error);
    weight->unwhitened = code != HG_OK;
  }
  return code;
}
