/* Blocks of a convolution and the layers around it give the bits of the operators one by one: the same network is planned
 * with blocks and with every layer apart, and trained for two steps. */
#include "base/alloc.h"
#include "base/rng.h"
#include "kernels/isa.h"
#include "net/graph.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A network in a line: layers split by spaces.
 *   cKxFpa  convolution, kernel K, F filters, padding p (v, s, r), activation a   CKxFpa  the same with weights that stay
 *   na      batch_norm, activation a       mKSp  max_pool2d of K with stride S, padding p     d  dropout
 *   uK      upsample2d by K                aK    average_pool2d                e  nothing: the engine is direct
 *   f       nothing: no convolution stands before them, so that no input gradient is wanted
 * Activations: l linear, r relu, k leaky_relu, s sigmoid, t tanh, g gelu. */
typedef struct sample {
  const char *name;
  hg_shape input;
  int n, batch; /* batch: what the network is prepared for */
  const char *layers;
} sample;

static const sample samples[] = {
    {"convolution, relu, pool, dropout", {12, 10, 1}, 5, 7, "e c3x32sr m22v d c3x64sr m22v d"},
    {"many images", {8, 8, 2}, 37, 40, "e c3x16sr m22v d c3x24vr m22v d"},
    {"one image", {28, 28, 1}, 1, 1, "e c3x8sr m22v d c3x16sr m22s"},
    {"odd sides and channels", {13, 11, 3}, 6, 6, "e c3x5sr m22v d c3x7sr m22s d c2x9vr m22s"},
    {"pools that overlap, leave gaps, are not square in all", {13, 14, 2}, 4, 4, "e c3x6sr m32s c3x6sl m23v c3x4sr m32s d"},
    {"replicated edges and norm", {9, 8, 3}, 7, 9, "e c3x8rl nr m22v c3x16rl nr m22v d"},
    {"norm whose rows go in eights across images", {9, 7, 1}, 19, 19, "e c3x10vl nr m22v c3x20sl nr c2x6sl nl m22s"},
    {"norm of many images", {6, 6, 1}, 70, 70, "e c3x10sl nr m22v d c3x20sl nr d"},
    {"norm behind activations", {10, 9, 2}, 6, 6, "e c3x5sr nl m22v c3x8st nr d c2x6sk nk m22v"},
    {"norm without pooling, activations of all kinds", {6, 5, 2}, 5, 5, "e c3x4sl nk c3x6sl ns c3x5sl nt c3x8sl nl d"},
    {"pooled activations of all kinds", {20, 21, 1}, 5, 5, "e c3x4sk m22v c3x6ss m22v c3x5st m22s"},
    {"pooled norms of all kinds", {20, 21, 1}, 5, 5, "e c3x4sl nk m22v c3x6sl ns m22v d c3x5sl nt m22s"},
    {"pools that overlap under other activations", {12, 12, 1}, 3, 3, "e c3x4sk m32v c3x4ss m32s c3x4sl nt m32v"},
    {"dropout without pooling", {7, 7, 2}, 6, 6, "e c3x4sr d c3x4sl d c3x4ss d"},
    {"convolutions alone, one to one channel", {8, 9, 4}, 6, 6, "e c3x16sr c3x1st c1x20vk c3x2rr"},
    {"enlarged first", {4, 5, 3}, 6, 7, "e u2 c3x16sr u2 c3x20vr u2 c3x1ss"},
    {"enlarged by three, with norm, pool and dropout", {3, 4, 2}, 9, 9, "e c3x5sr u3 c3x10sl nr m22s d u2 c3x6rr m22v"},
    {"enlarged twice and before other layers", {3, 3, 2}, 3, 3, "e c1x4vr u2 u2 c3x4sr u2 a2 c3x4sg m22v"},
    {"channels between whole vectors, pooled with edges left over",
     {13, 11, 1},
     6,
     6,
     "e c3x20sr m22v c3x40sr m22s d c2x18sl nr m22v"},
    {"winograd in inference, in groups and pooled", {14, 14, 1}, 9, 9, "e c3x32sr m22v d c3x64sr m22v d"},
    {"winograd in inference, with norms", {16, 16, 3}, 17, 20, "e c3x32rl nr m22v c3x64rl nr m22v"},
    {"winograd in inference, enlarged, without pooling, few", {5, 6, 1}, 3, 9, "e c3x16sr u2 c3x32sr c3x40vt m22s"},
    {"winograd in training, in groups and pooled", {14, 14, 1}, 9, 9, "c3x32sr m22v d c3x64sr m22v d c3x16vt"},
    {"winograd in training, with norms", {16, 16, 3}, 17, 20, "c3x32rl nr m22v c3x64rl nr m22v c3x20rl nr"},
    {"winograd in training, enlarged, without pooling, few", {5, 6, 1}, 3, 9, "c3x16sr u2 c3x32sr c3x40vt m22s"},
    {"winograd in training, many small images", {8, 8, 1}, 70, 70, "c3x16sr m22v c3x40sl nk c3x33vr d"},
    {"convolutions that stay, with norms", {9, 8, 3}, 7, 9, "e C3x8rl nr m22v c3x16sl nr C3x20vl nr m22v d"},
    {"winograd where the convolution stays", {14, 14, 1}, 9, 9, "c3x16sr C3x32sl nr m22v d C3x64sr m22v d"},
    {"first layers, frozen or not", {9, 8, 3}, 7, 9, "f e C3x20sl nr m22v c3x16sl nr d"},
    {"first layers in winograd, frozen", {14, 14, 16}, 9, 9, "f C3x32sl nr m22v d c3x20sr"},
    {"first layers that learn", {9, 8, 3}, 7, 9, "f c3x20sl nr m22v d"},
    {"steps of two", {15, 14, 2}, 5, 5, "z3x8sr m22v d z3x8sl nr m22s"},
};
enum { SAMPLES = sizeof samples / sizeof *samples };

static hg_activation activation_of(char letter) {
  switch (letter) {
    case 'r':
      return HG_RELU;
    case 'k':
      return HG_LEAKY_RELU;
    case 's':
      return HG_SIGMOID;
    case 't':
      return HG_TANH;
    case 'g':
      return HG_GELU;
    default:
      return HG_LINEAR;
  }
}

static hg_padding padding_of(char letter) { return letter == 'v' ? HG_VALID : letter == 's' ? HG_SAME : HG_REPLICATE; }

static hg_layer convolution(const char *word) {
  hg_layer layer = hg_layer_default(HG_CONV2D);
  char padding, activation;
  int kernel;
  assert_int_equal(sscanf(word + 1, "%1dx%d%c%c", &kernel, &layer.filters, &padding, &activation), 4);
  layer.kernel_size[0] = layer.kernel_size[1] = kernel;
  layer.strides[0] = layer.strides[1] = word[0] == 'z' ? 2 : 1;
  layer.padding = padding_of(padding);
  layer.activation = activation_of(activation);
  layer.freeze = word[0] == 'C';
  layer.use_bias = layer.filters % 3 != 0; /* some have none */
  layer.bias_initializer = HG_INIT_PYTORCH;
  layer.kernel_initializer = HG_INIT_PYTORCH;
  return layer;
}

static hg_layer layer_of(const char *word) {
  hg_layer layer = {0};
  switch (word[0]) {
    case 'c':
    case 'C':
    case 'z':
      return convolution(word);
    case 'n':
      layer = hg_layer_default(HG_BATCH_NORM);
      layer.activation = activation_of(word[1]);
      return layer;
    case 'm':
    case 'a':
      layer = hg_layer_default(word[0] == 'm' ? HG_MAX_POOL2D : HG_AVERAGE_POOL2D);
      layer.kernel_size[0] = layer.kernel_size[1] = word[1] - '0';
      layer.strides[0] = layer.strides[1] = word[0] == 'm' ? word[2] - '0' : 0;
      layer.padding = word[0] == 'm' ? padding_of(word[3]) : HG_VALID;
      return layer;
    case 'u':
      layer = hg_layer_default(HG_UPSAMPLE2D);
      layer.size[0] = layer.size[1] = word[1] - '0';
      return layer;
    default:
      layer = hg_layer_default(HG_DROPOUT);
      layer.rate = 0.3f;
      return layer;
  }
}

static void add(hg_network *network, hg_block block, hg_layer layer) {
  hg_error error = {0};
  if (hg_network_add(network, block, &layer, &error) != HG_OK) fail_msg("%s: %s", error.place, error.message);
}

/* The layers of the sample, in this block, between a first convolution, so that there is an input gradient, and a classifier. */
static hg_network *network_of(const sample *s, hg_block block) {
  hg_network *network = hg_network_new(s->input);
  hg_layer first = hg_layer_default(HG_CONV2D), last = hg_layer_default(HG_DENSE);
  first.filters = 3;
  first.activation = HG_TANH;
  first.kernel_size[0] = first.kernel_size[1] = 1;
  if (s->layers[0] != 'f') add(network, HG_ENCODER, first);
  char line[128];
  snprintf(line, sizeof line, "%s", s->layers);
  for (char *rest = line, *word; (word = strsep(&rest, " ")) != NULL;) {
    if (word[0] == 'f') continue;
    if (word[0] == 'e')
      assert_int_equal(hg_network_set_engine(network, HG_DIRECT, NULL), HG_OK);
    else
      add(network, block, layer_of(word));
  }
  last.units = 3;
  add(network, HG_CLASSIFIER, last);
  hg_losses losses = hg_losses_default();
  losses.classification = HG_CROSS_ENTROPY;
  assert_int_equal(hg_network_set_losses(network, &losses, NULL), HG_OK);
  assert_int_equal(hg_network_initialize(network, 7, NULL), HG_OK);
  return network;
}

typedef struct data {
  float *input;
  int32_t *labels;
  hg_batch batch;
} data;

static data data_of(const sample *s) {
  int64_t pixels = (int64_t)s->n * s->input.height * s->input.width * s->input.channels;
  data d = {.input = calloc((size_t)pixels, sizeof(float)), .labels = calloc((size_t)s->n, sizeof(int32_t))};
  hg_rng rng = hg_rng_at(11, HG_RNG_TEST, 0, 0);
  for (int64_t i = 0; i < pixels; i++) d.input[i] = 2 * hg_rng_uniform(&rng) - 1;
  for (int i = 0; i < s->n; i++) d.labels[i] = i % 3;
  d.batch = (hg_batch){.n = s->n, .input = d.input, .labels = d.labels};
  return d;
}

static void free_data(data *d) {
  free(d->input);
  free(d->labels);
}

/* A bit of descent, so that the second step differs from the first. */
static void descend(hg_network *network) {
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    hg_tensor *tensor = hg_network_tensor(network, i);
    for (int64_t k = 0; k < tensor->count && tensor->gradient != NULL && !tensor->frozen; k++)
      tensor->value[k] -= 0.1f * tensor->gradient[k];
  }
}

typedef struct outcome {
  float *values;
  int64_t count;
  size_t arena;
} outcome;

static void keep(outcome *o, const float *values, int64_t count) {
  o->values = realloc(o->values, (size_t)(o->count + count) * sizeof *values);
  memcpy(o->values + o->count, values, (size_t)count * sizeof *values);
  o->count += count;
}

/* Gradients and values of two steps, code and logits of an evaluation, by a fresh network. */
static outcome run(const sample *s, bool apart, int threads, hg_block frozen) {
  hg_pool *pool;
  assert_int_equal(hg_pool_new(threads, &pool, NULL), HG_OK);
  hg_network *network = network_of(s, frozen == HG_CLASSIFIER ? HG_CLASSIFIER : HG_ENCODER);
  data d = data_of(s);
  outcome o = {0};
  hg_memory_info memory;
  hg_step_result result;
  network->apart = apart;
  if (frozen != HG_BLOCKS) hg_network_freeze(network, frozen, true);
  assert_int_equal(hg_network_prepare(network, s->batch, true, pool, NULL), HG_OK);
  hg_network_memory_info(network, &memory);
  o.arena = memory.arena;
  for (uint32_t step = 0; step < 2; step++) {
    hg_network_step(network, &d.batch, 5, step, &result);
    for (int i = 0; i < hg_network_tensor_count(network); i++) {
      hg_tensor *tensor = hg_network_tensor(network, i);
      if (tensor->gradient != NULL && !tensor->frozen) keep(&o, tensor->gradient, tensor->count);
      keep(&o, tensor->value, tensor->count);
    }
    descend(network);
  }
  for (int alone = 0; alone < 2; alone++) { /* the training network's own inference, then one planned for it */
    if (alone) assert_int_equal(hg_network_prepare(network, s->batch, false, pool, NULL), HG_OK);
    hg_network_forward(network, &d.batch, &result);
    keep(&o, hg_network_code(network), s->n * hg_shape_count(hg_network_block_output(network, HG_ENCODER)));
    keep(&o, hg_network_logits(network), s->n * 3);
  }
  hg_network_free(network);
  hg_pool_free(pool);
  free_data(&d);
  return o;
}

static void compare(const sample *s, const outcome *expected, const outcome *got, const char *how) {
  assert_int_equal(expected->count, got->count);
  for (int64_t i = 0; i < got->count; i++)
    if (memcmp(&expected->values[i], &got->values[i], sizeof(float)) != 0)
      fail_msg("%s (%s): value %d of %d is %.9g, expected %.9g", s->name, how, (int)i, (int)got->count, (double)got->values[i],
               (double)expected->values[i]);
}

static void a_block_gives_the_bits_of_its_layers_on_1_2_3_and_7_threads(void **state) {
  (void)state;
  static const int threads[] = {1, 2, 3, 7};
  for (int i = 0; i < SAMPLES; i++) {
    outcome expected = run(&samples[i], true, 1, HG_BLOCKS);
    for (int k = 0; k < 4; k++) {
      char how[32];
      outcome got = run(&samples[i], false, threads[k], HG_BLOCKS);
      snprintf(how, sizeof how, "%d threads", threads[k]);
      compare(&samples[i], &expected, &got, how);
      free(got.values);
    }
    free(expected.values);
  }
}

static void a_block_gives_the_bits_of_its_layers_on_every_instruction_set(void **state) {
  (void)state;
  hg_isa best = hg_isa_best();
  for (int i = 0; i < SAMPLES; i++) {
    outcome expected = run(&samples[i], true, 1, HG_BLOCKS);
    for (hg_isa isa = HG_ISA_GENERIC; isa < best; isa++) {
      assert_int_equal(hg_isa_set(isa, NULL), HG_OK);
      outcome got = run(&samples[i], false, 2, HG_BLOCKS);
      compare(&samples[i], &expected, &got, hg_isa_name(isa));
      free(got.values);
    }
    hg_isa_set(best, NULL);
    free(expected.values);
  }
}

static void a_frozen_block_gives_the_bits_of_its_layers(void **state) {
  (void)state;
  for (int i = 0; i < SAMPLES; i++)
    for (int head = 0; head < 2; head++) { /* a frozen head still hands its gradient to the encoder */
      hg_block frozen = head ? HG_CLASSIFIER : HG_ENCODER;
      outcome expected = run(&samples[i], true, 1, frozen), got = run(&samples[i], false, 2, frozen);
      compare(&samples[i], &expected, &got, "frozen");
      free(expected.values);
      free(got.values);
    }
}

static void a_block_keeps_no_map_in_memory(void **state) {
  (void)state;
  sample s = {"memory", {28, 28, 1}, 64, 64, "c3x32sr m22v d c3x64sr m22v d"};
  outcome apart = run(&s, true, 1, HG_BLOCKS), joined = run(&s, false, 1, HG_BLOCKS);
  assert_true(joined.arena < apart.arena * 6 / 10);
  free(apart.values);
  free(joined.values);
}

int main(void) {
  hg_pool_oversubscribe(true); /* as many threads as the tests ask for, on any machine */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_block_gives_the_bits_of_its_layers_on_1_2_3_and_7_threads),
      cmocka_unit_test(a_block_gives_the_bits_of_its_layers_on_every_instruction_set),
      cmocka_unit_test(a_frozen_block_gives_the_bits_of_its_layers),
      cmocka_unit_test(a_block_keeps_no_map_in_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
