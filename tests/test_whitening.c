/* Convolutions that begin as a whitening of the images' patches, or as the identity, and layers that stay as they begin. */
#include "test_train_fixture.h"

enum { IMAGES = 400, FILTERS = 8, PLACES = (SIDE - 1) * (SIDE - 1) };

/* 2x2, one channel in: patches of four numbers. */
static hg_layer whitening(bool bias) {
  hg_layer layer = convolution(FILTERS, HG_LINEAR);
  layer.kernel_size[0] = layer.kernel_size[1] = 2;
  layer.padding = HG_VALID;
  layer.kernel_initializer = HG_INIT_WHITENING;
  layer.use_bias = bias;
  return layer;
}

static hg_network *network_of(const hg_layer *first) {
  hg_network *network = hg_network_new((hg_shape){SIDE, SIDE, 1});
  add_layer(network, HG_ENCODER, *first);
  add_layer(network, HG_CLASSIFIER, dense(CLASSES, HG_LINEAR));
  hg_losses losses = hg_losses_default();
  losses.classification = HG_CROSS_ENTROPY;
  assert_int_equal(hg_network_set_losses(network, &losses, NULL), HG_OK);
  return network;
}

/* The first layer's outputs for every image, (IMAGES, places, filters). */
static float *codes_of(hg_network *network, const hg_dataset *images, int64_t values) {
  float *pixels = malloc(sizeof(float) * IMAGES * SIDE * SIDE), *codes = malloc(sizeof(float) * (size_t)(IMAGES * values));
  for (int64_t i = 0; i < IMAGES; i++)
    for (int p = 0; p < SIDE * SIDE; p++) pixels[i * SIDE * SIDE + p] = (float)hg_dataset_image(images, i)[p] / 255;
  assert_int_equal(hg_network_predict(network, pixels, IMAGES, 1, codes, NULL, NULL, NULL), HG_OK);
  free(pixels);
  return codes;
}

static void the_outputs_of_a_whitening_are_of_variance_one_and_not_correlated(void **state) {
  (void)state;
  hg_dataset *images = make_images(IMAGES, 1);
  hg_layer layer = whitening(true);
  hg_network *network = network_of(&layer);
  assert_int_equal(hg_network_initialize(network, 1, NULL), HG_OK);
  assert_int_equal(hg_network_whiten(network, images, NULL), HG_OK);
  float *codes = codes_of(network, images, PLACES * FILTERS);
  double mean[FILTERS] = {0}, product[FILTERS][FILTERS] = {{0}};
  for (int64_t i = 0; i < (int64_t)IMAGES * PLACES; i++) {
    const float *code = codes + i * FILTERS;
    for (int a = 0; a < FILTERS; a++) {
      mean[a] += (double)code[a] / (IMAGES * PLACES);
      for (int b = 0; b < FILTERS; b++) product[a][b] += (double)code[a] * (double)code[b] / (IMAGES * PLACES);
    }
    for (int a = 0; a < FILTERS / 2; a++) assert_true(fabsf(code[a] + code[FILTERS / 2 + a]) < 1e-5f);
  }
  for (int a = 0; a < FILTERS; a++) {
    assert_true(fabs(mean[a]) < 0.02); /* patches are drawn: 200,000 of 19,600, with replacement */
    for (int b = 0; b < FILTERS; b++) {
      double expected = a == b ? 1 : a % (FILTERS / 2) == b % (FILTERS / 2) ? -1 : 0;
      if (!(fabs(product[a][b] - expected) < 0.02)) fail_msg("filters %d and %d: %g, not %g", a, b, product[a][b], expected);
    }
  }
  free(codes);
  hg_network_free(network);
  hg_dataset_free(images);
}

static void a_whitening_without_a_bias_has_the_same_weights(void **state) {
  (void)state;
  hg_dataset *images = make_images(IMAGES, 1);
  hg_layer with = whitening(true), without = whitening(false);
  hg_network *one = network_of(&with), *other = network_of(&without);
  assert_int_equal(hg_network_whiten(one, images, NULL), HG_USAGE); /* no weights yet */
  assert_int_equal(hg_network_initialize(one, 1, NULL), HG_OK);
  assert_int_equal(hg_network_initialize(other, 2, NULL), HG_OK);
  assert_int_equal(hg_network_whiten(one, images, NULL), HG_OK);
  assert_int_equal(hg_network_whiten(other, images, NULL), HG_OK);
  assert_memory_equal(hg_network_tensor(one, 0)->value, hg_network_tensor(other, 0)->value, 4 * FILTERS * sizeof(float));
  hg_network_free(one);
  hg_network_free(other);
  hg_dataset_free(images);
}

static void training_whitens_where_that_was_not_done(void **state) {
  (void)state;
  enum { UNTOUCHED, INITIALIZED, WHITENED, WAYS };
  hg_dataset *images = make_images(IMAGES, 1);
  hg_layer layer = whitening(true);
  char digest[WAYS][HG_SHA256_SIZE];
  for (int way = 0; way < WAYS; way++) {
    hg_network *network = network_of(&layer);
    hg_train_settings settings = quick_settings(1);
    hg_error error = {0};
    if (way >= INITIALIZED) assert_int_equal(hg_network_initialize(network, settings.seed, NULL), HG_OK);
    if (way >= WHITENED) assert_int_equal(hg_network_whiten(network, images, NULL), HG_OK);
    assert_trains(hg_train(network, images, NULL, &settings, NULL, &error), error);
    assert_int_equal(hg_network_digest(network, digest[way], NULL), HG_OK);
    assert_string_equal(digest[way], digest[0]);
    settings.epochs = 2; /* trained on, it is not whitened anew */
    float first = hg_network_tensor(network, 0)->value[0];
    settings.optimizer.learning_rate = 1e-12f;
    assert_trains(hg_train(network, images, NULL, &settings, NULL, &error), error);
    assert_true(fabsf(hg_network_tensor(network, 0)->value[0] - first) < 1e-6f);
    hg_network_free(network);
  }
  hg_dataset_free(images);
}

static void a_decoder_and_a_classifier_on_the_image_are_both_whitened(void **state) {
  (void)state;
  hg_dataset *images = make_images(IMAGES, 1);
  hg_network *network = hg_network_new((hg_shape){SIDE, SIDE, 1});
  hg_layer layer = whitening(false), last = convolution(1, HG_SIGMOID);
  layer.padding = HG_SAME;
  add_layer(network, HG_DECODER, layer);
  add_layer(network, HG_DECODER, last);
  add_layer(network, HG_CLASSIFIER, layer);
  add_layer(network, HG_CLASSIFIER, dense(CLASSES, HG_LINEAR));
  assert_int_equal(hg_network_initialize(network, 1, NULL), HG_OK);
  assert_int_equal(hg_network_whiten(network, images, NULL), HG_OK);
  const hg_tensor *found[2];
  int count = 0;
  for (int i = 0; i < hg_network_tensor_count(network); i++)
    if (hg_network_tensor(network, i)->parameter.initializer == HG_INIT_WHITENING) found[count++] = hg_network_tensor(network, i);
  assert_int_equal(count, 2);
  assert_memory_equal(found[0]->value, found[1]->value, 4 * FILTERS * sizeof(float));
  assert_false(found[1]->unwhitened);
  hg_network_free(network);
  hg_dataset_free(images);
}

static void a_frozen_layer_changes_no_other_layers_first_weights(void **state) {
  (void)state;
  hg_layer layer = convolution(4, HG_RELU);
  hg_network *free_one = network_of(&layer);
  layer.freeze = true;
  hg_network *frozen = network_of(&layer);
  assert_int_equal(hg_network_initialize(free_one, 1, NULL), HG_OK);
  assert_int_equal(hg_network_initialize(frozen, 1, NULL), HG_OK);
  char first[HG_SHA256_SIZE], second[HG_SHA256_SIZE];
  assert_int_equal(hg_network_digest(free_one, first, NULL), HG_OK);
  assert_int_equal(hg_network_digest(frozen, second, NULL), HG_OK);
  assert_string_equal(first, second);
  hg_network_free(free_one);
  hg_network_free(frozen);
}

static void a_layer_that_is_frozen_keeps_its_first_values_and_the_others_learn(void **state) {
  (void)state;
  hg_dataset *images = make_images(IMAGES, 1);
  hg_layer layer = whitening(true);
  int64_t all;
  hg_network *network = network_of(&layer);
  all = hg_network_initialize(network, 1, NULL) == HG_OK ? hg_network_parameters(network) : 0;
  hg_network_free(network);
  layer.freeze = true;
  network = network_of(&layer);
  assert_int_equal(hg_network_initialize(network, 1, NULL), HG_OK);
  assert_int_equal(hg_network_parameters(network), all);
  assert_int_equal(hg_network_whiten(network, images, NULL), HG_OK);
  float before[5 * FILTERS], head = 0;
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    const hg_tensor *tensor = hg_network_tensor(network, i);
    if (strcmp(tensor->name, "encoder.0.weight") == 0) memcpy(before, tensor->value, 4 * FILTERS * sizeof(float));
    if (strcmp(tensor->name, "encoder.0.bias") == 0) memcpy(before + 4 * FILTERS, tensor->value, FILTERS * sizeof(float));
    if (strcmp(tensor->name, "classifier.0.weight") == 0) head = tensor->value[0];
  }
  hg_train_settings settings = quick_settings(2);
  hg_error error = {0};
  assert_trains(hg_train(network, images, NULL, &settings, NULL, &error), error);
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    const hg_tensor *tensor = hg_network_tensor(network, i);
    if (strcmp(tensor->name, "encoder.0.weight") == 0) assert_memory_equal(before, tensor->value, 4 * FILTERS * sizeof(float));
    if (strcmp(tensor->name, "encoder.0.bias") == 0)
      assert_memory_equal(before + 4 * FILTERS, tensor->value, FILTERS * sizeof(float));
    if (strcmp(tensor->name, "classifier.0.weight") == 0) assert_true(tensor->value[0] != head);
  }
  hg_network_free(network);
  hg_dataset_free(images);
}

static void a_norm_without_scale_keeps_its_factors_at_one(void **state) {
  (void)state;
  hg_dataset *images = make_images(IMAGES, 1);
  for (int scaled = 0; scaled < 2; scaled++) {
    hg_network *network = hg_network_new((hg_shape){SIDE, SIDE, 1});
    hg_layer norm = hg_layer_default(HG_BATCH_NORM);
    norm.activation = HG_RELU;
    norm.scale = scaled;
    add_layer(network, HG_ENCODER, convolution(6, HG_LINEAR));
    add_layer(network, HG_ENCODER, norm);
    add_layer(network, HG_CLASSIFIER, dense(CLASSES, HG_LINEAR));
    hg_losses losses = hg_losses_default();
    losses.classification = HG_CROSS_ENTROPY;
    assert_int_equal(hg_network_set_losses(network, &losses, NULL), HG_OK);
    hg_train_settings settings = quick_settings(2);
    hg_error error = {0};
    assert_trains(hg_train(network, images, NULL, &settings, NULL, &error), error);
    for (int i = 0; i < hg_network_tensor_count(network); i++) {
      const hg_tensor *tensor = hg_network_tensor(network, i);
      if (strcmp(tensor->name, "encoder.1.weight") == 0)
        assert_int_equal(tensor->value[0] == 1 && tensor->value[5] == 1, !scaled);
      if (strcmp(tensor->name, "encoder.1.bias") == 0) assert_true(tensor->value[0] != 0);
    }
    hg_network_free(network);
  }
  hg_dataset_free(images);
}

static void a_dirac_convolution_begins_by_passing_its_channels_on(void **state) {
  (void)state;
  hg_dataset *images = make_images(IMAGES, 1);
  for (int kernel = 1; kernel <= 4; kernel++) {
    hg_layer layer = convolution(3, HG_LINEAR);
    layer.kernel_size[0] = layer.kernel_size[1] = kernel;
    layer.kernel_initializer = HG_INIT_DIRAC;
    hg_network *network = network_of(&layer);
    assert_int_equal(hg_network_initialize(network, 1, NULL), HG_OK);
    float *codes = codes_of(network, images, SIDE * SIDE * 3);
    bool others = false;
    for (int64_t i = 0; i < (int64_t)IMAGES * SIDE * SIDE; i++) {
      uint8_t value = hg_dataset_image(images, i / (SIDE * SIDE))[i % (SIDE * SIDE)];
      float pixel = (float)value / 255;
      assert_true(codes[3 * i] == pixel);
      others = others || codes[3 * i + 1] != pixel;
    }
    assert_true(others); /* one channel in: the other filters are drawn */
    free(codes);
    hg_network_free(network);
  }
  hg_dataset_free(images);
}

static void assert_refused(hg_block block, bool after, hg_layer layer, const char *message) {
  hg_network *network = hg_network_new((hg_shape){SIDE, SIDE, 1});
  if (after) add_layer(network, HG_ENCODER, convolution(4, HG_RELU));
  hg_error error = {0};
  assert_int_equal(hg_network_add(network, block, &layer, &error), HG_USAGE);
  if (strstr(error.message, message) == NULL) fail_msg("\"%s\" does not say \"%s\"", error.message, message);
  hg_network_free(network);
}

static void a_whitening_stands_first_and_has_two_filters_for_a_number_at_most(void **state) {
  (void)state;
  hg_layer layer = whitening(true), dense_one = dense(4, HG_LINEAR);
  assert_refused(HG_ENCODER, true, layer, "a network's first layer");
  assert_refused(HG_CLASSIFIER, true, layer, "a network's first layer");
  dense_one.kernel_initializer = HG_INIT_WHITENING;
  assert_refused(HG_ENCODER, false, dense_one, "a conv2d that is");
  layer.filters = 7;
  assert_refused(HG_ENCODER, false, layer, "filters is 7");
  layer.filters = 10;
  assert_refused(HG_ENCODER, false, layer, "an even number up to 8 here");
  layer = whitening(true);
  layer.bias_initializer = HG_INIT_ONES;
  assert_refused(HG_ENCODER, false, layer, "leave bias_initializer out");
  layer = whitening(true);
  layer.padding = HG_SAME;
  layer.kernel_size[0] = SIDE + 1;
  assert_refused(HG_ENCODER, false, layer, "patches of 9x2 from images of 8x8");
}

static void images_that_cannot_be_whitened_are_refused(void **state) {
  (void)state;
  static const uint8_t greys[] = {0, 30, 60, 126, 128, 255}; /* no rounding makes one of them vary */
  hg_layer layer = whitening(true);
  hg_network *network = network_of(&layer);
  assert_int_equal(hg_network_initialize(network, 1, NULL), HG_OK);
  uint8_t grey[4 * SIDE * SIDE * 3];
  int32_t labels[4] = {0, 1, 2, 3};
  hg_dataset *images = NULL;
  hg_error error = {0};
  for (size_t i = 0; i < sizeof greys; i++) {
    memset(grey, greys[i], sizeof grey);
    assert_int_equal(hg_dataset_from_arrays(grey, labels, 4, (hg_shape){SIDE, SIDE, 1}, CLASSES, &images, NULL), HG_OK);
    assert_int_equal(hg_network_whiten(network, images, &error), HG_DATA);
    assert_non_null(strstr(error.message, "all of one colour"));
    hg_dataset_free(images);
  }
  assert_int_equal(hg_dataset_from_arrays(grey, labels, 1, (hg_shape){SIDE, SIDE, 3}, CLASSES, &images, NULL), HG_OK);
  assert_int_equal(hg_network_whiten(network, images, &error), HG_USAGE);
  hg_dataset_free(images);
  hg_network_free(network);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_outputs_of_a_whitening_are_of_variance_one_and_not_correlated),
      cmocka_unit_test(a_whitening_without_a_bias_has_the_same_weights),
      cmocka_unit_test(training_whitens_where_that_was_not_done),
      cmocka_unit_test(a_decoder_and_a_classifier_on_the_image_are_both_whitened),
      cmocka_unit_test(a_frozen_layer_changes_no_other_layers_first_weights),
      cmocka_unit_test(a_layer_that_is_frozen_keeps_its_first_values_and_the_others_learn),
      cmocka_unit_test(a_norm_without_scale_keeps_its_factors_at_one),
      cmocka_unit_test(a_dirac_convolution_begins_by_passing_its_channels_on),
      cmocka_unit_test(a_whitening_stands_first_and_has_two_filters_for_a_number_at_most),
      cmocka_unit_test(images_that_cannot_be_whitened_are_refused),
  };
  return cmocka_run_group_tests_name("whitening", tests, NULL, NULL);
}
