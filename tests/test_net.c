/* Networks as a whole: counts, shapes, plans, weights. Single operators are tested in test_ops_*. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "net/network.h"
#include "store/safetensors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static hg_layer conv(int filters, int kernel, hg_padding padding, hg_activation activation) {
  hg_layer layer = hg_layer_default(HG_CONV2D);
  layer.filters = filters;
  layer.kernel_size[0] = layer.kernel_size[1] = kernel;
  layer.padding = padding;
  layer.activation = activation;
  return layer;
}

static hg_layer dense(int units, hg_activation activation) {
  hg_layer layer = hg_layer_default(HG_DENSE);
  layer.units = units;
  layer.activation = activation;
  return layer;
}

static hg_layer pool(hg_padding padding) {
  hg_layer layer = hg_layer_default(HG_MAX_POOL2D);
  layer.kernel_size[0] = layer.kernel_size[1] = 2;
  layer.padding = padding;
  return layer;
}

static hg_layer upsample(void) {
  hg_layer layer = hg_layer_default(HG_UPSAMPLE2D);
  layer.size[0] = layer.size[1] = 2;
  return layer;
}

static hg_layer plain(hg_layer_kind kind) { return hg_layer_default(kind); }

static hg_layer reshape(int height, int width, int channels) {
  hg_layer layer = hg_layer_default(HG_RESHAPE);
  layer.shape = (hg_shape){height, width, channels};
  return layer;
}

static hg_layer dropout(float rate) {
  hg_layer layer = hg_layer_default(HG_DROPOUT);
  layer.rate = rate;
  return layer;
}

static void add(hg_network *network, hg_block block, hg_layer layer) {
  hg_error error = {0};
  if (hg_network_add(network, block, &layer, &error) != HG_OK) fail_msg("%s: %s", error.place, error.message);
}

/* ---------------------------------------------------------------- published sizes */

static void the_published_parameter_counts_are_met(void **state) {
  (void)state;
  hg_network *b1 = hg_network_new((hg_shape){28, 28, 1});
  const int down[] = {64, 32, 16};
  for (int i = 0; i < 3; i++) {
    add(b1, HG_ENCODER, conv(down[i], 3, HG_SAME, HG_RELU));
    add(b1, HG_ENCODER, pool(HG_SAME));
  }
  for (int i = 2; i >= 0; i--) {
    add(b1, HG_DECODER, conv(down[i], 3, i == 0 ? HG_VALID : HG_SAME, HG_RELU));
    add(b1, HG_DECODER, upsample());
  }
  add(b1, HG_DECODER, conv(1, 3, HG_SAME, HG_SIGMOID));
  assert_int_equal(hg_network_parameters(b1), 49761);
  hg_shape output = hg_network_block_output(b1, HG_DECODER);
  assert_int_equal(output.height, 28);
  assert_int_equal(output.width, 28);
  hg_network_free(b1);

  hg_network *b2 = hg_network_new((hg_shape){28, 28, 1});
  for (int filters = 32; filters <= 128; filters *= 2) {
    add(b2, HG_CLASSIFIER, conv(filters, 3, HG_SAME, HG_RELU));
    add(b2, HG_CLASSIFIER, pool(HG_VALID));
  }
  add(b2, HG_CLASSIFIER, plain(HG_FLATTEN));
  add(b2, HG_CLASSIFIER, dense(128, HG_RELU));
  add(b2, HG_CLASSIFIER, dense(10, HG_LINEAR));
  assert_int_equal(hg_network_parameters(b2), 241546);
  hg_network_free(b2);

  hg_network *c1 = hg_network_new((hg_shape){28, 28, 1});
  const int widths[] = {256, 32, 16, 32, 256, 784};
  for (int i = 0; i < 6; i++) add(c1, i < 3 ? HG_ENCODER : HG_DECODER, dense(widths[i], HG_RELU));
  assert_int_equal(hg_network_parameters(c1), 420192);
  hg_network_free(c1);
}

static void a_layer_that_does_not_fit_is_refused_by_name_with_both_shapes(void **state) {
  (void)state;
  hg_network *network = hg_network_new((hg_shape){4, 4, 3});
  add(network, HG_ENCODER, conv(8, 3, HG_VALID, HG_RELU));
  hg_layer wrong = conv(8, 5, HG_VALID, HG_RELU);
  hg_error error;
  assert_int_equal(hg_network_add(network, HG_ENCODER, &wrong, &error), HG_USAGE);
  assert_non_null(strstr(error.place, "encoder.1 conv2d"));
  assert_non_null(strstr(error.message, "2x2x8"));
  assert_non_null(strstr(error.message, "5x5"));
  assert_int_equal(hg_network_layer_count(network), 1);
  hg_network_free(network);
}

static void an_encoder_cannot_grow_under_a_head(void **state) {
  (void)state;
  hg_network *network = hg_network_new((hg_shape){1, 1, 4});
  add(network, HG_CLASSIFIER, dense(2, HG_LINEAR));
  hg_layer late = dense(3, HG_RELU);
  hg_error error;
  assert_int_equal(hg_network_add(network, HG_ENCODER, &late, &error), HG_USAGE);
  hg_network_free(network);
}

/* ---------------------------------------------------------------- a joint network on small data */

enum { N = 6, SIDE = 4, PIXELS = SIDE * SIDE * 2, CLASSES = 3 };

typedef struct sample_batch {
  float input[N * PIXELS];
  int32_t labels[N];
  hg_batch batch;
} sample_batch;

static void make_batch(sample_batch *made) {
  hg_rng rng = hg_rng_at(3, HG_RNG_TEST, 0, 0);
  for (int i = 0; i < N * PIXELS; i++) made->input[i] = hg_rng_uniform(&rng);
  for (int i = 0; i < N; i++) made->labels[i] = i % CLASSES;
  made->batch = (hg_batch){.n = N, .input = made->input, .target = made->input, .labels = made->labels};
}

static hg_network *joint_network(hg_losses losses) {
  hg_network *network = hg_network_new((hg_shape){SIDE, SIDE, 2});
  add(network, HG_ENCODER, conv(5, 3, HG_SAME, HG_LINEAR));
  add(network, HG_ENCODER, plain(HG_BATCH_NORM));
  hg_layer gelu = plain(HG_ACTIVATION);
  gelu.activation = HG_GELU;
  add(network, HG_ENCODER, gelu);
  add(network, HG_ENCODER, pool(HG_VALID));
  if (losses.reconstruction != HG_NO_RECONSTRUCTION) {
    add(network, HG_DECODER, plain(HG_FLATTEN));
    add(network, HG_DECODER, dense(PIXELS, HG_SIGMOID));
    add(network, HG_DECODER, reshape(SIDE, SIDE, 2));
  }
  if (losses.classification != HG_NO_CLASSIFICATION) {
    add(network, HG_CLASSIFIER, plain(HG_FLATTEN));
    add(network, HG_CLASSIFIER, dense(CLASSES, HG_SOFTMAX));
  }
  hg_error error = {0};
  assert_int_equal(hg_network_set_losses(network, &losses, &error), HG_OK);
  return network;
}

static hg_losses both_losses(void) {
  hg_losses losses = hg_losses_default();
  losses.reconstruction = HG_BINARY_CROSS_ENTROPY;
  losses.classification = HG_CROSS_ENTROPY;
  return losses;
}

static hg_tensor *tensor_named(hg_network *network, const char *name) {
  for (int i = 0; i < hg_network_tensor_count(network); i++)
    if (strcmp(hg_network_tensor(network, i)->name, name) == 0) return hg_network_tensor(network, i);
  fail_msg("no tensor %s", name);
  return NULL;
}

static void prepare(hg_network *network, bool training, hg_pool *workers) {
  hg_error error = {0};
  if (hg_network_prepare(network, N, training, workers, &error) != HG_OK) fail_msg("%s: %s", error.place, error.message);
}

/* Gradient of encoder.0.weight under these losses, from the same initial weights; caller frees. */
static float *encoder_gradient(hg_losses losses, int64_t *count) {
  sample_batch data;
  make_batch(&data);
  hg_network *network = joint_network(losses);
  hg_network *source = joint_network(both_losses());
  assert_int_equal(hg_network_initialize(source, 5, NULL), HG_OK);
  assert_int_equal(hg_network_initialize(network, 5, NULL), HG_OK);
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    hg_tensor *to = hg_network_tensor(network, i);
    memcpy(to->value, tensor_named(source, to->name)->value, (size_t)to->count * sizeof(float));
  }
  prepare(network, true, NULL);
  hg_step_result result;
  hg_network_step(network, &data.batch, 1, 0, &result);
  hg_tensor *tensor = tensor_named(network, "encoder.0.weight");
  float *copy = malloc((size_t)tensor->count * sizeof *copy);
  memcpy(copy, tensor->gradient, (size_t)tensor->count * sizeof *copy);
  *count = tensor->count;
  hg_network_free(network);
  hg_network_free(source);
  return copy;
}

static void a_joint_gradient_is_the_weighted_sum_of_its_heads(void **state) {
  (void)state;
  int64_t count;
  hg_losses joint = both_losses(), left = both_losses(), right = both_losses();
  joint.reconstruction_weight = 3;
  joint.classification_weight = 0.5f;
  left.classification = HG_NO_CLASSIFICATION;
  right.reconstruction = HG_NO_RECONSTRUCTION;
  float *sum = encoder_gradient(joint, &count), *a = encoder_gradient(left, &count), *b = encoder_gradient(right, &count);
  double largest = 0;
  for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)sum[i]));
  assert_true(largest > 1e-4);
  for (int64_t i = 0; i < count; i++)
    assert_true(fabs((double)sum[i] - (3.0 * (double)a[i] + 0.5 * (double)b[i])) < 1e-5 * largest + 1e-7);
  free(sum);
  free(a);
  free(b);
}

static void a_frozen_encoder_gets_no_gradient_and_costs_less_memory(void **state) {
  (void)state;
  sample_batch data;
  make_batch(&data);
  hg_network *network = joint_network(both_losses());
  assert_int_equal(hg_network_initialize(network, 5, NULL), HG_OK);
  prepare(network, true, NULL);
  hg_memory_info whole, part;
  hg_network_memory_info(network, &whole);
  hg_network_freeze(network, HG_ENCODER, true);
  prepare(network, true, NULL);
  hg_network_memory_info(network, &part);
  assert_true(part.arena < whole.arena);
  hg_tensor *frozen = tensor_named(network, "encoder.0.weight"), *free_one = tensor_named(network, "classifier.1.weight");
  memset(frozen->gradient, 0, (size_t)frozen->count * sizeof(float));
  hg_step_result result;
  hg_network_step(network, &data.batch, 1, 0, &result);
  for (int64_t i = 0; i < frozen->count; i++) assert_true(frozen->gradient[i] == 0);
  double size = 0;
  for (int64_t i = 0; i < free_one->count; i++) size += fabs((double)free_one->gradient[i]);
  assert_true(size > 0);
  hg_network_free(network);
}

static void a_sigmoid_folded_into_the_loss_still_ends_the_reconstruction(void **state) {
  (void)state;
  sample_batch data;
  make_batch(&data);
  hg_network *network = joint_network(both_losses());
  assert_int_equal(hg_network_initialize(network, 5, NULL), HG_OK);
  prepare(network, false, NULL);
  hg_step_result result;
  hg_network_forward(network, &data.batch, &result);
  const float *reconstruction = hg_network_reconstruction(network);
  double bce = 0;
  for (int i = 0; i < N * PIXELS; i++) {
    double p = (double)reconstruction[i], t = (double)data.input[i];
    assert_true(p > 0 && p < 1);
    bce -= t * log(p) + (1 - t) * log(1 - p);
  }
  assert_true(fabs(bce / (N * PIXELS) - result.reconstruction_loss) < 1e-5);
  double expected = result.reconstruction_loss + result.classification_loss;
  assert_true(fabs(result.loss - expected) < 1e-6);
  hg_network_free(network);
}

static void prediction_gives_the_outputs_of_the_forward_pass_for_any_count(void **state) {
  (void)state;
  enum { COUNT = 300, CODE = 2 * 2 * 5 }; /* more than one batch of it */
  hg_network *network = joint_network(both_losses());
  assert_int_equal(hg_network_initialize(network, 5, NULL), HG_OK);
  sample_batch data;
  make_batch(&data);
  float *input = malloc(COUNT * PIXELS * sizeof *input), *code = malloc(COUNT * CODE * sizeof *code);
  float *reconstruction = malloc(COUNT * PIXELS * sizeof *reconstruction), *shares = malloc(COUNT * CLASSES * sizeof *shares);
  for (int i = 0; i < COUNT; i++) memcpy(input + i * PIXELS, data.input + i % N * PIXELS, PIXELS * sizeof *input);
  assert_int_equal(hg_network_predict(network, input, COUNT, 2, code, reconstruction, shares, NULL), HG_OK);
  prepare(network, false, NULL);
  hg_step_result result;
  hg_network_forward(network, &data.batch, &result);
  for (int i = 0; i < COUNT; i++) {
    assert_memory_equal(code + i * CODE, hg_network_code(network) + i % N * CODE, CODE * sizeof *code);
    assert_memory_equal(reconstruction + i * PIXELS, hg_network_reconstruction(network) + i % N * PIXELS, PIXELS * sizeof *input);
    double sum = 0;
    for (int c = 0; c < CLASSES; c++) sum += (double)shares[i * CLASSES + c];
    assert_true(fabs(sum - 1) < 1e-6);
  }
  free(input);
  free(code);
  free(reconstruction);
  free(shares);
  hg_network_free(network);
}

static void prediction_without_weights_or_without_the_block_is_refused(void **state) {
  (void)state;
  hg_network *network = hg_network_new((hg_shape){1, 1, 4});
  add(network, HG_CLASSIFIER, dense(2, HG_LINEAR));
  float input[4] = {0}, output[4];
  hg_error error;
  assert_int_equal(hg_network_predict(network, input, 1, 1, NULL, NULL, output, &error), HG_USAGE);
  assert_non_null(strstr(error.message, "no weights"));
  assert_int_equal(hg_network_initialize(network, 1, NULL), HG_OK);
  assert_int_equal(hg_network_predict(network, input, 1, 1, NULL, output, NULL, &error), HG_USAGE);
  assert_non_null(strstr(error.message, "no decoder"));
  hg_network_free(network);
}

static void lifetimes_share_memory_and_it_grows_linearly_with_the_batch(void **state) {
  (void)state;
  size_t arena[3];
  for (int i = 0; i < 3; i++) {
    hg_network *network = hg_network_new((hg_shape){28, 28, 1});
    for (int filters = 8; filters <= 32; filters *= 2) {
      add(network, HG_CLASSIFIER, conv(filters, 3, HG_SAME, HG_RELU));
      add(network, HG_CLASSIFIER, pool(HG_VALID));
    }
    add(network, HG_CLASSIFIER, dropout(0.25f));
    add(network, HG_CLASSIFIER, dense(10, HG_LINEAR));
    hg_losses losses = hg_losses_default();
    losses.classification = HG_CROSS_ENTROPY;
    assert_int_equal(hg_network_set_losses(network, &losses, NULL), HG_OK);
    assert_int_equal(hg_network_initialize(network, 1, NULL), HG_OK);
    assert_int_equal(hg_network_prepare(network, 256 << i, true, NULL, NULL), HG_OK);
    hg_memory_info info;
    hg_network_memory_info(network, &info);
    assert_true(info.arena < info.arena_without_sharing * 9 / 10);
    arena[i] = info.arena;
    hg_network_free(network);
  }
  double first = (double)(arena[1] - arena[0]), second = (double)(arena[2] - arena[1]);
  assert_true(fabs(second / first - 2) < 0.1);
}

static void a_step_allocates_nothing(void **state) {
  (void)state;
  sample_batch data;
  make_batch(&data);
  hg_network *network = joint_network(both_losses());
  assert_int_equal(hg_network_initialize(network, 5, NULL), HG_OK);
  hg_pool *workers;
  assert_int_equal(hg_pool_new(2, &workers, NULL), HG_OK);
  prepare(network, true, workers);
  int64_t before = hg_alloc_count();
  hg_step_result result;
  for (uint32_t step = 0; step < 20; step++) {
    hg_network_step(network, &data.batch, 1, step, &result);
    hg_network_forward(network, &data.batch, &result);
  }
  assert_int_equal(hg_alloc_count(), before);
  hg_network_free(network);
  hg_pool_free(workers);
}

static void losses_that_would_need_another_end_are_refused(void **state) {
  (void)state;
  hg_losses squares = {.reconstruction = HG_MSE, .reconstruction_weight = 1}, entropy = squares;
  entropy.reconstruction = HG_BINARY_CROSS_ENTROPY;
  hg_network *network = hg_network_new((hg_shape){1, 1, 4});
  add(network, HG_ENCODER, dense(2, HG_RELU));
  add(network, HG_DECODER, dense(4, HG_SIGMOID));
  assert_int_equal(hg_network_set_losses(network, &entropy, NULL), HG_OK);
  assert_int_equal(hg_network_initialize(network, 1, NULL), HG_OK);
  assert_int_equal(hg_network_set_losses(network, &squares, NULL), HG_USAGE); /* its sigmoid stands in the loss */
  entropy.reconstruction_weight = 2;
  assert_int_equal(hg_network_set_losses(network, &entropy, NULL), HG_OK);
  hg_network_free(network);
}

static void a_name_that_is_given_is_not_made_up_again(void **state) {
  (void)state;
  hg_network *network = hg_network_new((hg_shape){1, 1, 4});
  hg_layer named = dense(3, HG_RELU);
  snprintf(named.name, sizeof named.name, "dense_2");
  add(network, HG_CLASSIFIER, named);
  add(network, HG_CLASSIFIER, dense(2, HG_LINEAR));
  hg_layer_info info;
  hg_network_layer_info(network, 1, &info);
  assert_string_equal(info.layer.name, "dense_3");
  hg_network_free(network);
}

/* ---------------------------------------------------------------- weights */

static void weights_come_back_to_the_bit_in_pytorchs_layouts(void **state) {
  (void)state;
  const char *path = BINARY_DIR "/test_net.safetensors";
  hg_network *network = joint_network(both_losses()), *other = joint_network(both_losses());
  assert_int_equal(hg_network_initialize(network, 5, NULL), HG_OK);
  assert_int_equal(hg_network_save(network, path, NULL), HG_OK);
  assert_int_equal(hg_network_load(other, path, NULL), HG_OK);
  char a[HG_SHA256_SIZE], b[HG_SHA256_SIZE];
  assert_int_equal(hg_network_digest(network, a, NULL), HG_OK);
  assert_int_equal(hg_network_digest(other, b, NULL), HG_OK);
  assert_string_equal(a, b);

  hg_safetensors file;
  assert_int_equal(hg_safetensors_read(path, &file, NULL), HG_OK);
  const hg_named_tensor *kernel = hg_safetensors_find(&file, "encoder.0.weight"); /* O 5, I 2, 3, 3 */
  assert_non_null(kernel);
  assert_memory_equal(kernel->dim, ((int64_t[4]){5, 2, 3, 3}), sizeof kernel->dim);
  float value;
  memcpy(&value, (const char *)kernel->data + (((3 * 2 + 1) * 3 + 2) * 3 + 0) * 4, 4);
  assert_true(value == tensor_named(network, "encoder.0.weight")->value[((2 * 3 + 0) * 2 + 1) * 5 + 3]);
  /* A dense layer behind flatten: PyTorch flattens (C, H, W), the engine (H, W, C); here C 5, H 2, W 2. */
  const hg_named_tensor *head = hg_safetensors_find(&file, "classifier.1.weight"); /* out 3, in 20 */
  assert_non_null(head);
  assert_int_equal(head->dim[0], 3);
  int channel = 4, y = 1, x = 0, out = 2;
  memcpy(&value, (const char *)head->data + (out * 20 + (channel * 2 + y) * 2 + x) * 4, 4);
  assert_true(value == tensor_named(network, "classifier.1.weight")->value[((y * 2 + x) * 5 + channel) * 3 + out]);
  assert_non_null(hg_safetensors_find(&file, "encoder.1.running_var"));
  hg_safetensors_release(&file);
  hg_network_free(network);
  hg_network_free(other);
}

static void weights_of_another_network_are_refused_and_change_nothing(void **state) {
  (void)state;
  const char *path = BINARY_DIR "/test_net_other.safetensors";
  hg_network *small = hg_network_new((hg_shape){1, 1, 4}), *network = hg_network_new((hg_shape){1, 1, 4});
  add(small, HG_CLASSIFIER, dense(2, HG_LINEAR));
  add(network, HG_CLASSIFIER, dense(3, HG_LINEAR));
  assert_int_equal(hg_network_initialize(small, 1, NULL), HG_OK);
  assert_int_equal(hg_network_initialize(network, 1, NULL), HG_OK);
  assert_int_equal(hg_network_save(small, path, NULL), HG_OK);
  char before[HG_SHA256_SIZE], after[HG_SHA256_SIZE];
  assert_int_equal(hg_network_digest(network, before, NULL), HG_OK);
  hg_error error;
  assert_int_equal(hg_network_load(network, path, &error), HG_USAGE);
  assert_non_null(strstr(error.message, "classifier.0.weight"));
  assert_non_null(strstr(error.message, "2x4"));
  assert_int_equal(hg_network_digest(network, after, NULL), HG_OK);
  assert_string_equal(before, after);
  hg_network_free(small);
  hg_network_free(network);
}

static void a_block_of_another_network_is_copied_alone_and_only_where_all_of_it_fits(void **state) {
  (void)state;
  hg_network *from = joint_network(both_losses()), *to = joint_network(both_losses());
  hg_network *narrow = hg_network_new((hg_shape){1, 1, 4});
  add(narrow, HG_ENCODER, dense(2, HG_LINEAR));
  assert_int_equal(hg_network_initialize(from, 5, NULL), HG_OK);
  assert_int_equal(hg_network_initialize(to, 6, NULL), HG_OK);
  assert_int_equal(hg_network_initialize(narrow, 5, NULL), HG_OK);
  assert_int_equal(hg_network_copy_block(to, from, HG_ENCODER, NULL), HG_OK);
  for (int i = 0; i < hg_network_tensor_count(to); i++) {
    const hg_tensor *a = hg_network_tensor(from, i), *b = hg_network_tensor(to, i);
    bool random = strstr(a->name, "weight") != NULL && a->parameter.layout != HG_LAYOUT_VECTOR;
    bool same = memcmp(a->value, b->value, (size_t)a->count * sizeof(float)) == 0;
    if (strcmp(a->name, "center_loss.centers") == 0) continue;
    if (a->block == HG_ENCODER || random) assert_int_equal(same, a->block == HG_ENCODER);
  }
  char before[HG_SHA256_SIZE], after[HG_SHA256_SIZE];
  assert_int_equal(hg_network_digest(to, before, NULL), HG_OK);
  hg_error error;
  assert_int_equal(hg_network_copy_block(to, narrow, HG_ENCODER, &error), HG_USAGE);
  assert_string_equal(error.place, "encoder.0.weight");
  assert_int_equal(hg_network_digest(to, after, NULL), HG_OK);
  assert_string_equal(before, after);
  hg_network_free(from);
  hg_network_free(to);
  hg_network_free(narrow);
}

static void every_failed_allocation_is_reported_and_nothing_leaks(void **state) {
  (void)state;
  for (int64_t successes = 0;; successes++) {
    hg_network *network = joint_network(both_losses());
    hg_error error = {0};
    hg_alloc_fail_after(successes);
    hg_code code = hg_network_initialize(network, 1, &error);
    if (code == HG_OK) code = hg_network_prepare(network, N, true, NULL, &error);
    hg_alloc_fail_after(-1);
    hg_network_free(network);
    if (code == HG_OK) break;
    assert_int_equal(code, HG_NO_MEMORY);
    assert_true(successes < 1000);
  }
}

static void kinds_have_the_names_of_study_files(void **state) {
  (void)state;
  assert_string_equal(hg_layer_kind_name(HG_GLOBAL_AVERAGE_POOL2D), "global_average_pool2d");
  assert_string_equal(hg_activation_name(HG_LEAKY_RELU), "leaky_relu");
  assert_string_equal(hg_padding_name(HG_REPLICATE), "replicate");
  assert_string_equal(hg_initializer_name(HG_INIT_HE_NORMAL), "he_normal");
  assert_string_equal(hg_layer_kind_name((hg_layer_kind)99), "");
  assert_string_equal(hg_initializer_name((hg_initializer)-1), "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kinds_have_the_names_of_study_files),
      cmocka_unit_test(the_published_parameter_counts_are_met),
      cmocka_unit_test(a_layer_that_does_not_fit_is_refused_by_name_with_both_shapes),
      cmocka_unit_test(an_encoder_cannot_grow_under_a_head),
      cmocka_unit_test(a_joint_gradient_is_the_weighted_sum_of_its_heads),
      cmocka_unit_test(a_frozen_encoder_gets_no_gradient_and_costs_less_memory),
      cmocka_unit_test(a_sigmoid_folded_into_the_loss_still_ends_the_reconstruction),
      cmocka_unit_test(prediction_gives_the_outputs_of_the_forward_pass_for_any_count),
      cmocka_unit_test(prediction_without_weights_or_without_the_block_is_refused),
      cmocka_unit_test(lifetimes_share_memory_and_it_grows_linearly_with_the_batch),
      cmocka_unit_test(a_step_allocates_nothing),
      cmocka_unit_test(losses_that_would_need_another_end_are_refused),
      cmocka_unit_test(a_name_that_is_given_is_not_made_up_again),
      cmocka_unit_test(weights_come_back_to_the_bit_in_pytorchs_layouts),
      cmocka_unit_test(weights_of_another_network_are_refused_and_change_nothing),
      cmocka_unit_test(a_block_of_another_network_is_copied_alone_and_only_where_all_of_it_fits),
      cmocka_unit_test(every_failed_allocation_is_reported_and_nothing_leaks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
