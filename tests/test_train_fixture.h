/* Small data and small networks for the tests of training. */
#ifndef HG_TESTS_TEST_TRAIN_FIXTURE_H
#define HG_TESTS_TEST_TRAIN_FIXTURE_H

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "data/dataset.h"
#include "net/network.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEST_CHECKPOINT "test_checkpoint.safetensors"

enum { SIDE = 8, CLASSES = 4 };

/* One blocky pattern a class, noisy: learnable, and small. `part` gives other noise over the same patterns. */
static inline hg_dataset *make_images(int64_t count, uint32_t part) {
  enum { PIXELS = SIDE * SIDE };
  uint8_t *pixels = malloc((size_t)count * PIXELS);
  int32_t *labels = malloc((size_t)count * sizeof *labels);
  hg_rng shape = hg_rng_at(5, HG_RNG_TEST, 0, 0), noise = hg_rng_at(5, HG_RNG_TEST, part, 1);
  float pattern[CLASSES][SIDE / 2][SIDE / 2];
  for (int i = 0; i < CLASSES * SIDE * SIDE / 4; i++) (&pattern[0][0][0])[i] = hg_rng_uniform(&shape);
  for (int64_t i = 0; i < count; i++) {
    labels[i] = (int32_t)(i % CLASSES);
    for (int p = 0; p < PIXELS; p++) {
      float value = pattern[labels[i]][p / SIDE / 2][p % SIDE / 2] + 0.25f * hg_rng_normal(&noise);
      pixels[i * PIXELS + p] = (uint8_t)(255 * fminf(fmaxf(value, 0), 1));
    }
  }
  hg_dataset *images = NULL;
  assert_int_equal(hg_dataset_from_arrays(pixels, labels, count, (hg_shape){SIDE, SIDE, 1}, CLASSES, &images, NULL), HG_OK);
  free(pixels);
  free(labels);
  return images;
}

static inline void add_layer(hg_network *network, hg_block block, hg_layer layer) {
  hg_error error = {0};
  if (hg_network_add(network, block, &layer, &error) != HG_OK) fail_msg("%s: %s", error.place, error.message);
}

static inline hg_layer dense(int units, hg_activation activation) {
  hg_layer layer = hg_layer_default(HG_DENSE);
  layer.units = units;
  layer.activation = activation;
  return layer;
}

static inline hg_layer convolution(int filters, hg_activation activation) {
  hg_layer layer = hg_layer_default(HG_CONV2D);
  layer.filters = filters;
  layer.kernel_size[0] = layer.kernel_size[1] = 3;
  layer.padding = HG_SAME;
  layer.activation = activation;
  return layer;
}

static inline hg_layer of_size(hg_layer_kind kind, int size) {
  hg_layer layer = hg_layer_default(kind);
  layer.kernel_size[0] = layer.kernel_size[1] = size;
  layer.size[0] = layer.size[1] = size;
  return layer;
}

/* encoder: dense 16 relu; classifier: dense 4. */
static inline hg_network *make_mlp(void) {
  hg_network *network = hg_network_new((hg_shape){SIDE, SIDE, 1});
  add_layer(network, HG_ENCODER, dense(16, HG_RELU));
  add_layer(network, HG_CLASSIFIER, dense(CLASSES, HG_LINEAR));
  hg_losses losses = hg_losses_default();
  losses.classification = HG_CROSS_ENTROPY;
  assert_int_equal(hg_network_set_losses(network, &losses, NULL), HG_OK);
  return network;
}

/* Convolution, batch norm, pooling, dropout, a decoder beside the classifier, and the center loss. */
static inline hg_network *make_cnn(void) {
  hg_network *network = hg_network_new((hg_shape){SIDE, SIDE, 1});
  add_layer(network, HG_ENCODER, convolution(6, HG_LINEAR));
  hg_layer norm = hg_layer_default(HG_BATCH_NORM);
  norm.activation = HG_RELU;
  add_layer(network, HG_ENCODER, norm);
  add_layer(network, HG_ENCODER, of_size(HG_MAX_POOL2D, 2));
  add_layer(network, HG_DECODER, of_size(HG_UPSAMPLE2D, 2));
  add_layer(network, HG_DECODER, convolution(1, HG_SIGMOID));
  hg_layer drop = hg_layer_default(HG_DROPOUT);
  drop.rate = 0.25f;
  add_layer(network, HG_CLASSIFIER, drop);
  add_layer(network, HG_CLASSIFIER, hg_layer_default(HG_FLATTEN));
  add_layer(network, HG_CLASSIFIER, dense(CLASSES, HG_LINEAR));
  hg_losses losses = hg_losses_default();
  losses.reconstruction = HG_MSE;
  losses.classification = HG_CROSS_ENTROPY;
  losses.label_smoothing = 0.05f;
  losses.center_weight = 0.001f;
  assert_int_equal(hg_network_set_losses(network, &losses, NULL), HG_OK);
  return network;
}

static inline hg_train_settings quick_settings(int epochs) {
  hg_train_settings settings = hg_train_settings_default();
  settings.epochs = epochs;
  settings.batch_size = 32;
  settings.optimizer.learning_rate = 0.01f;
  settings.threads = 1;
  return settings;
}

#define assert_trains(code, error)                                                                     \
  do {                                                                                                 \
    hg_code trained_ = (code);                                                                         \
    if (trained_ != HG_OK) fail_msg("code %d, %s: %s", (int)trained_, (error).place, (error).message); \
  } while (0)

#endif
