/* Convolutions of inference by Winograd's algorithm: their error against sums in double, their bits on every instruction set, any
 * number of threads and in any batch, and what a trained network predicts with them. */
#include "ops/conv_winograd.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kernels/isa.h"
#include "kernels/math.h"
#include "net/graph.h"
#include "ops/native.h"

#include <cmocka.h>

#include "test_winograd.h"

typedef struct sample {
  const char *name;
  hg_shape input;
  int filters;
  hg_padding padding;
  hg_activation activation;
  int n;
} sample;

static const sample samples[] = {
    {"whole tiles", {16, 16, 32}, 64, HG_SAME, HG_RELU, 9},
    {"sides of 14", {14, 14, 32}, 64, HG_SAME, HG_RELU, 8},
    {"sides of 7, deep", {7, 7, 64}, 128, HG_SAME, HG_LINEAR, 17},
    {"valid, channels between whole vectors", {9, 9, 40}, 80, HG_VALID, HG_LEAKY_RELU, 10},
    {"replicated edges", {8, 8, 64}, 128, HG_REPLICATE, HG_LINEAR, 9},
    {"a last panel of 47, not square", {12, 20, 35}, 79, HG_SAME, HG_SIGMOID, 3},
    {"more tiles than one piece", {28, 28, 16}, 33, HG_REPLICATE, HG_TANH, 9},
    {"one tile", {4, 4, 16}, 16, HG_SAME, HG_RELU, 40},
    {"256 channels", {8, 8, 256}, 32, HG_VALID, HG_RELU, 2},
};
enum { SAMPLES = sizeof samples / sizeof *samples };

typedef struct trial {
  hg_op_node node;
  size_t input, output, weights; /* floats; of one image but for the weights */
  float *images, *weight, *bias;
} trial;

static trial trial_of(const sample *s) {
  hg_layer layer = hg_layer_default(HG_CONV2D);
  layer.filters = s->filters;
  layer.kernel_size[0] = layer.kernel_size[1] = 3;
  layer.padding = s->padding;
  layer.activation = s->activation;
  layer.negative_slope = 0.1f;
  trial t = {.node = {.layer = layer, .input = s->input, .batch = s->n}};
  assert_int_equal(hg_op_conv2d.shape(&layer, s->input, &t.node.output, NULL), HG_OK);
  t.input = (size_t)hg_shape_count(s->input);
  t.output = (size_t)hg_shape_count(t.node.output);
  t.weights = 9 * (size_t)s->input.channels * (size_t)s->filters;
  t.images = random_floats(t.input * (size_t)s->n, 1, 1);
  t.weight = random_floats(t.weights, 2, 1 / sqrtf(9 * (float)s->input.channels));
  t.bias = random_floats((size_t)s->filters, 3, 0.1f);
  return t;
}

static void free_trial(trial *t) {
  hg_free(t->images);
  hg_free(t->weight);
  hg_free(t->bias);
}

/* Images [first, first + n), by the direct algorithm if training. */
static float *run(trial *t, int first, int n, int threads, bool training) {
  hg_pool *pool;
  assert_int_equal(hg_pool_new(threads, &pool, NULL), HG_OK);
  t->node.threads = threads;
  t->node.training = training;
  float *scratch = random_floats(hg_op_conv2d.memory(&t->node).scratch, 4, 1e10f),
        *output = random_floats(t->output * (size_t)n, 5, 1);
  hg_op_call call = {.node = &t->node,
                     .pool = pool,
                     .n = n,
                     .training = training,
                     .input = t->images + t->input * (size_t)first,
                     .output = output,
                     .values = {t->weight, t->bias},
                     .scratch = scratch};
  int64_t allocations = hg_alloc_count();
  hg_op_conv2d.forward(&call);
  assert_int_equal(hg_alloc_count(), allocations);
  hg_free(scratch);
  hg_pool_free(pool);
  return output;
}

static void check_same(const sample *s, const float *expected, const float *got, size_t count, const char *how) {
  for (size_t i = 0; i < count; i++)
    if (hg_bits_of_float(expected[i]) != hg_bits_of_float(got[i]))
      fail_msg("%s (%s): value %d of %d is %.9g, expected %.9g", s->name, how, (int)i, (int)count, (double)got[i],
               (double)expected[i]);
}

/* ---- the reference */

static double activated(const sample *s, double x) {
  switch (s->activation) {
    case HG_RELU:
      return x < 0 ? 0 : x;
    case HG_LEAKY_RELU:
      return x < 0 ? x * (double)0.1f : x;
    case HG_SIGMOID:
      return 1 / (1 + exp(-x));
    case HG_TANH:
      return tanh(x);
    default:
      return x;
  }
}

static double direct(const sample *s, const trial *t, const float *image, int y, int x, int filter) {
  int channels = s->input.channels, before = s->padding == HG_VALID ? 0 : 1;
  double sum = t->bias[filter];
  for (int tap = 0; tap < 9; tap++) {
    int from_y = inside(y + tap / 3 - before, s->input.height, s->padding);
    int from_x = inside(x + tap % 3 - before, s->input.width, s->padding);
    if (from_y < 0 || from_x < 0) continue;
    const float *pixel = image + (from_y * s->input.width + from_x) * channels;
    const float *weight = t->weight + tap * channels * s->filters + filter;
    for (int c = 0; c < channels; c++) sum += (double)pixel[c] * (double)weight[c * s->filters];
  }
  return activated(s, sum);
}

/* The root of the mean square and the greatest error of one image. */
typedef struct errors {
  double mean, greatest;
} errors;

static errors errors_of(const sample *s, const trial *t, const float *output) {
  errors e = {0, 0};
  hg_shape out = t->node.output;
  for (size_t i = 0; i < t->output; i++) {
    int pixel = (int)i / out.channels;
    double error = fabs(direct(s, t, t->images, pixel / out.width, pixel % out.width, (int)i % out.channels) - (double)output[i]);
    e.mean += error * error / (double)t->output;
    if (error > e.greatest) e.greatest = error;
  }
  e.mean = sqrt(e.mean);
  return e;
}

static void outputs_are_within_a_hundred_thousandth_of_sums_in_double(void **state) {
  (void)state;
  for (int i = 0; i < SAMPLES; i++) { /* inputs of variance 1, weights that keep it: outputs are of the order of 1 */
    trial t = trial_of(&samples[i]);
    float *output = run(&t, 0, 1, 2, false), *summed = run(&t, 0, 1, 2, true);
    errors winograd = errors_of(&samples[i], &t, output), plain = errors_of(&samples[i], &t, summed);
    if (getenv("WINOGRAD_ERRORS") != NULL)
      printf("%-40s winograd %.2e (greatest %.2e), direct %.2e (%.2e)\n", samples[i].name, winograd.mean, winograd.greatest,
             plain.mean, plain.greatest);
    assert_true(winograd.greatest < 1e-5);
    assert_true(winograd.mean < 1e-6);
    assert_true(plain.greatest < 1e-5);
    assert_memory_not_equal(output, summed, t.output * sizeof *output); /* another algorithm it is */
    hg_free(output);
    hg_free(summed);
    free_trial(&t);
  }
}

static void any_number_of_threads_and_every_instruction_set_give_the_same_bits(void **state) {
  (void)state;
  static const int threads[] = {2, 3, 7};
  hg_isa best = hg_isa_best();
  for (int i = 0; i < SAMPLES; i++) {
    trial t = trial_of(&samples[i]);
    size_t count = t.output * (size_t)samples[i].n;
    float *expected = run(&t, 0, samples[i].n, 1, false);
    for (int k = 0; k < 3; k++) {
      float *got = run(&t, 0, samples[i].n, threads[k], false);
      check_same(&samples[i], expected, got, count, "threads");
      hg_free(got);
    }
    for (hg_isa isa = HG_ISA_GENERIC; isa < best; isa++) {
      assert_int_equal(hg_isa_set(isa, NULL), HG_OK);
      float *got = run(&t, 0, samples[i].n, 2, false);
      check_same(&samples[i], expected, got, count, hg_isa_name(isa));
      hg_free(got);
    }
    hg_isa_set(best, NULL);
    hg_free(expected);
    free_trial(&t);
  }
}

static void less_than_half_of_the_multiply_adds_are_done(void **state) {
  (void)state;
  trial t = trial_of(&samples[0]);
  assert_true(2 * hg_op_conv2d.multiply_adds_done(&t.node) < hg_op_conv2d.multiply_adds(&t.node));
  free_trial(&t);
}

/* By panels or groups, with the weight transformed apart or on the way. */
static void an_image_has_the_same_bits_in_any_batch(void **state) {
  (void)state;
  for (int i = 0; i < SAMPLES; i++) {
    trial t = trial_of(&samples[i]);
    int n = samples[i].n;
    float *expected = run(&t, 0, n, 1, false);
    for (int size = 1; size < n; size += size < 8 ? 1 : 5) {
      float *got = run(&t, n - size, size, 2, false);
      check_same(&samples[i], expected + t.output * (size_t)(n - size), got, t.output * (size_t)size, "batch");
      hg_free(got);
    }
    hg_free(expected);
    free_trial(&t);
  }
}

/* ---- a network */

static hg_network *network_of(void) {
  hg_network *network = hg_network_new((hg_shape){12, 12, 1});
  hg_layer first = hg_layer_default(HG_CONV2D), pool = hg_layer_default(HG_MAX_POOL2D), last = hg_layer_default(HG_DENSE);
  first.filters = 16;
  first.kernel_size[0] = first.kernel_size[1] = 3;
  first.padding = HG_SAME;
  first.activation = HG_RELU;
  hg_layer second = first;
  second.filters = 32;
  pool.kernel_size[0] = pool.kernel_size[1] = pool.strides[0] = pool.strides[1] = 2;
  last.units = 4;
  const hg_layer *layers[] = {&first, &second, &pool, &last};
  for (int i = 0; i < 4; i++) assert_int_equal(hg_network_add(network, HG_CLASSIFIER, layers[i], NULL), HG_OK);
  hg_losses losses = hg_losses_default();
  losses.classification = HG_CROSS_ENTROPY;
  assert_int_equal(hg_network_set_losses(network, &losses, NULL), HG_OK);
  assert_int_equal(hg_network_initialize(network, 7, NULL), HG_OK);
  return network;
}

enum { CLASSES = 4, BATCH = 64, PIXELS = 144 };

/* A bar at one of four places, in noise. */
static void draw(float *images, int32_t *labels) {
  hg_rng rng = hg_rng_at(5, HG_RNG_TEST, 0, 9);
  for (int i = 0; i < BATCH; i++) {
    labels[i] = i % CLASSES;
    for (int p = 0; p < PIXELS; p++) images[i * PIXELS + p] = 0.5f * hg_rng_normal(&rng) + (p / 36 == labels[i] ? 1.0f : 0.0f);
  }
}

static void descend(hg_network *network) {
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    hg_tensor *tensor = hg_network_tensor(network, i);
    for (int64_t k = 0; k < tensor->count; k++) tensor->value[k] -= 0.05f * tensor->gradient[k];
  }
}

static void a_trained_network_predicts_as_with_direct_sums(void **state) {
  (void)state;
  static float images[BATCH * PIXELS];
  static int32_t labels[BATCH];
  draw(images, labels);
  hg_batch batch = {.n = BATCH, .input = images, .labels = labels};
  hg_network *network = network_of();
  hg_pool *pool;
  assert_int_equal(hg_pool_new(2, &pool, NULL), HG_OK);
  assert_int_equal(hg_network_prepare(network, BATCH, true, pool, NULL), HG_OK);
  hg_step_result direct, winograd;
  for (uint32_t step = 0; step < 25; step++) {
    hg_network_step(network, &batch, 1, step, &direct); /* the forward pass of training is the direct one; weights stay */
    hg_network_forward(network, &batch, &winograd);
    assert_int_equal(winograd.correct, direct.correct);
    assert_true(fabs(winograd.loss - direct.loss) < 1e-6);
    descend(network);
  }
  assert_true(direct.correct > BATCH * 9 / 10);
  hg_network_free(network);
  hg_pool_free(pool);
}

int main(void) {
  hg_pool_oversubscribe(true);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(outputs_are_within_a_hundred_thousandth_of_sums_in_double),
      cmocka_unit_test(any_number_of_threads_and_every_instruction_set_give_the_same_bits),
      cmocka_unit_test(less_than_half_of_the_multiply_adds_are_done),
      cmocka_unit_test(an_image_has_the_same_bits_in_any_batch),
      cmocka_unit_test(a_trained_network_predicts_as_with_direct_sums),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
