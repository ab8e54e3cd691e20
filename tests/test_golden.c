/* Two epochs from the same initial weights, step by step against the losses recorded from PyTorch. */
#include "golden.h"
#include "learn/optimizer.h"

enum { BATCH = 32, EPOCHS = 2 };
static const double TOLERANCE = 1e-4; /* relative */

typedef struct sample_set {
  int64_t count;
  hg_shape shape;
  float *pixels; /* (count, H, W, C) in [0, 1] */
  int32_t *labels;
} sample_set;

static void samples_open(sample_set *set) {
  hg_safetensors file;
  golden_open("data", &file);
  const hg_named_tensor *images = hg_safetensors_find(&file, "images");
  *set = (sample_set){.count = images->dim[0], .shape = {(int)images->dim[1], (int)images->dim[2], (int)images->dim[3]}};
  int64_t values = hg_named_tensor_count(images);
  set->pixels = hg_alloc_aligned((size_t)values * sizeof(float));
  for (int64_t i = 0; i < values; i++) set->pixels[i] = (float)((const uint8_t *)images->data)[i] / 255;
  set->labels = golden_values(hg_safetensors_find(&file, "labels"));
  hg_safetensors_release(&file);
}

static void samples_release(sample_set *set) {
  hg_free_aligned(set->pixels);
  hg_free_aligned(set->labels);
}

static hg_batch batch_at(const sample_set *set, int64_t start, int64_t most) {
  const float *pixels = set->pixels + start * set->shape.height * set->shape.width * set->shape.channels;
  int64_t n = set->count - start < most ? set->count - start : most;
  return (hg_batch){.n = (int)n, .input = pixels, .target = pixels, .labels = set->labels + start};
}

/* ---------------------------------------------------------------- the recorded networks */

static void add(hg_network *network, hg_block block, hg_layer layer) {
  hg_error error = {0};
  if (hg_network_add(network, block, &layer, &error) != HG_OK) fail_msg("%s: %s", error.place, error.message);
}

static hg_layer dense(int units, hg_activation activation) {
  hg_layer layer = hg_layer_default(HG_DENSE);
  layer.units = units;
  layer.activation = activation;
  return layer;
}

static hg_layer conv2d(hg_layer_kind kind, int filters, int size, int stride, hg_activation activation) {
  hg_layer layer = hg_layer_default(kind);
  layer.filters = filters;
  layer.kernel_size[0] = layer.kernel_size[1] = size;
  layer.strides[0] = layer.strides[1] = stride;
  layer.padding = HG_SAME;
  layer.activation = activation;
  return layer;
}

static hg_layer max_pool2d(void) {
  hg_layer layer = hg_layer_default(HG_MAX_POOL2D);
  layer.kernel_size[0] = layer.kernel_size[1] = layer.strides[0] = layer.strides[1] = 2;
  return layer;
}

static void classify(hg_network *network) {
  hg_losses losses = hg_losses_default();
  losses.classification = HG_CROSS_ENTROPY;
  assert_int_equal(hg_network_set_losses(network, &losses, NULL), HG_OK);
}

static void build_mlp(hg_network *network) {
  add(network, HG_ENCODER, dense(32, HG_RELU));
  add(network, HG_CLASSIFIER, dense(10, HG_LINEAR));
  classify(network);
}

static void build_cnn(hg_network *network) {
  hg_layer norm = hg_layer_default(HG_BATCH_NORM);
  norm.activation = HG_RELU;
  add(network, HG_ENCODER, conv2d(HG_CONV2D, 8, 3, 1, HG_LINEAR));
  add(network, HG_ENCODER, norm);
  add(network, HG_ENCODER, max_pool2d());
  add(network, HG_ENCODER, conv2d(HG_CONV2D, 16, 3, 1, HG_RELU));
  add(network, HG_ENCODER, max_pool2d());
  add(network, HG_CLASSIFIER, hg_layer_default(HG_FLATTEN));
  add(network, HG_CLASSIFIER, dense(32, HG_RELU));
  add(network, HG_CLASSIFIER, dense(10, HG_LINEAR));
  classify(network);
}

static void build_autoencoder(hg_network *network) {
  add(network, HG_ENCODER, conv2d(HG_CONV2D, 8, 3, 1, HG_RELU));
  add(network, HG_ENCODER, max_pool2d());
  add(network, HG_DECODER, conv2d(HG_CONV2D_TRANSPOSE, 8, 2, 2, HG_RELU));
  add(network, HG_DECODER, conv2d(HG_CONV2D, 3, 3, 1, HG_SIGMOID));
  hg_losses losses = hg_losses_default();
  losses.reconstruction = HG_BINARY_CROSS_ENTROPY;
  assert_int_equal(hg_network_set_losses(network, &losses, NULL), HG_OK);
}

/* ---------------------------------------------------------------- the trainings */

static void check_loss(const char *name, int step, double loss, double wanted) {
  if (!(fabs(loss - wanted) <= TOLERANCE * fabs(wanted)))
    fail_msg("%s: loss of step %d is %.9g; PyTorch has %.9g", name, step, loss, wanted);
}

static void train_and_compare(const char *name, hg_network *network, const sample_set *set, hg_pool *pool) {
  hg_safetensors figures;
  golden_open("training", &figures);
  double *losses = golden_values(golden_tensor(&figures, name, "losses"));
  double *evaluated = golden_values(golden_tensor(&figures, name, "evaluated"));
  hg_train_settings settings = hg_train_settings_default();
  settings.optimizer.learning_rate = 0.003f;
  hg_optimizer_state state;
  assert_int_equal(hg_optimizer_init(&state, &settings.optimizer, network, NULL), HG_OK);
  int step = 0;
  for (int epoch = 0; epoch < EPOCHS; epoch++) {
    for (int64_t start = 0; start < set->count; start += BATCH, step++) {
      hg_batch batch = batch_at(set, start, BATCH);
      hg_step_result result;
      hg_network_step(network, &batch, 1, (uint32_t)step, &result);
      hg_optimizer_step(&state, &settings, settings.optimizer.learning_rate, network, pool);
      check_loss(name, step, result.loss, losses[step]);
    }
  }
  hg_optimizer_release(&state);
  assert_int_equal(hg_network_prepare(network, (int)set->count, false, pool, NULL), HG_OK);
  hg_batch all = batch_at(set, 0, set->count);
  hg_step_result result;
  hg_network_forward(network, &all, &result);
  check_loss(name, step, result.loss, *evaluated);
  hg_free_aligned(losses);
  hg_free_aligned(evaluated);
  hg_safetensors_release(&figures);
}

static void follow(const char *name, void (*build)(hg_network *network)) {
  sample_set set;
  samples_open(&set);
  hg_network *network = hg_network_new(set.shape);
  assert_non_null(network);
  build(network);
  char path[512];
  hg_error error = {0};
  snprintf(path, sizeof path, "%s/tests/golden/%s.safetensors", SOURCE_DIR, name);
  if (hg_network_load(network, path, &error) != HG_OK) fail_msg("%s: %s", error.place, error.message);
  hg_pool *pool;
  assert_int_equal(hg_pool_new(2, &pool, NULL), HG_OK);
  assert_int_equal(hg_network_prepare(network, BATCH, true, pool, NULL), HG_OK);
  train_and_compare(name, network, &set, pool);
  hg_network_free(network);
  hg_pool_free(pool);
  samples_release(&set);
}

static void two_epochs_of_an_mlp_follow_pytorch(void **state) {
  (void)state;
  follow("mlp", build_mlp);
}

static void two_epochs_of_a_cnn_with_batch_norm_follow_pytorch(void **state) {
  (void)state;
  follow("cnn", build_cnn);
}

static void two_epochs_of_a_convolutional_autoencoder_follow_pytorch(void **state) {
  (void)state;
  follow("autoencoder", build_autoencoder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_epochs_of_an_mlp_follow_pytorch),
      cmocka_unit_test(two_epochs_of_a_cnn_with_batch_norm_follow_pytorch),
      cmocka_unit_test(two_epochs_of_a_convolutional_autoencoder_follow_pytorch),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
