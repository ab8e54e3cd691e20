/* Convolutions of training by Winograd's algorithm: errors of their outputs and gradients against sums in double, and what a
 * network learns with them. Blocks, threads and instruction sets: test_block.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "net/graph.h"
#include "ops/native.h"

#include <cmocka.h>

#include "test_winograd.h"

typedef struct sample {
  const char *name;
  hg_shape input;
  int filters, n;
  hg_padding padding;
} sample;

static const sample samples[] = {
    {"whole tiles", {16, 16, 32}, 64, 9, HG_SAME},
    {"sides of 14", {14, 14, 32}, 64, 8, HG_SAME},
    {"sides of 7, deep", {7, 7, 64}, 128, 17, HG_SAME},
    {"valid, channels between whole vectors", {9, 9, 40}, 80, 3, HG_VALID},
    {"replicated edges", {8, 8, 64}, 128, 9, HG_REPLICATE},
    {"replicated edges, not square", {12, 9, 35}, 47, 3, HG_REPLICATE},
    {"one line of tiles", {4, 20, 16}, 17, 5, HG_REPLICATE},
    {"one tile", {4, 4, 16}, 16, 40, HG_SAME},
    {"256 channels", {8, 8, 256}, 32, 2, HG_SAME},
};
enum { SAMPLES = sizeof samples / sizeof *samples, TAPS = 9 };

typedef struct trial {
  const sample *sample;
  hg_op_node node;
  size_t inputs, outputs, weights;
  float *input, *weight, *bias, *output_gradient;            /* given */
  float *output, *input_gradient, *weight_gradient, *biases; /* made */
} trial;

static trial trial_of(const sample *s) {
  hg_layer layer = hg_layer_default(HG_CONV2D);
  layer.filters = s->filters;
  layer.kernel_size[0] = layer.kernel_size[1] = 3;
  layer.padding = s->padding;
  trial t = {.sample = s,
             .node = {.layer = layer, .input = s->input, .batch = s->n, .threads = 2, .training = true, .input_gradient = true}};
  assert_int_equal(hg_op_conv2d.shape(&layer, s->input, &t.node.output, NULL), HG_OK);
  t.inputs = (size_t)hg_shape_count(s->input) * (size_t)s->n;
  t.outputs = (size_t)hg_shape_count(t.node.output) * (size_t)s->n;
  t.weights = TAPS * (size_t)s->input.channels * (size_t)s->filters;
  t.input = random_floats(t.inputs, 1, 1);
  t.weight = random_floats(t.weights, 2, 1 / sqrtf(TAPS * (float)s->input.channels));
  t.bias = random_floats((size_t)s->filters, 3, 0.1f);
  t.output_gradient = random_floats(t.outputs, 4, 1);
  t.output = random_floats(t.outputs, 5, 1);
  t.input_gradient = random_floats(t.inputs, 6, 1);
  t.weight_gradient = random_floats(t.weights, 7, 1);
  t.biases = random_floats((size_t)s->filters, 8, 1);
  return t;
}

static void free_trial(trial *t) {
  float *all[] = {t->input, t->weight, t->bias, t->output_gradient, t->output, t->input_gradient, t->weight_gradient, t->biases};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) hg_free(all[i]);
}

/* Forward and backward once. */
static void run(trial *t, bool winograd) {
  hg_pool *pool;
  assert_int_equal(hg_pool_new(t->node.threads, &pool, NULL), HG_OK);
  t->node.winograd = winograd;
  float *scratch = random_floats(hg_op_conv2d.memory(&t->node).scratch, 9, 1e10f);
  hg_op_call call = {.node = &t->node,
                     .pool = pool,
                     .n = t->sample->n,
                     .training = true,
                     .input = t->input,
                     .output = t->output,
                     .output_gradient = t->output_gradient,
                     .input_gradient = t->input_gradient,
                     .values = {t->weight, t->bias},
                     .gradients = {t->weight_gradient, t->biases},
                     .scratch = scratch};
  int64_t allocations = hg_alloc_count();
  hg_op_conv2d.forward(&call);
  hg_op_conv2d.backward(&call);
  assert_int_equal(hg_alloc_count(), allocations);
  hg_free(scratch);
  hg_pool_free(pool);
}

/* ---- the reference: every product in double */

typedef struct reference {
  double *output, *input_gradient, *weight_gradient;
} reference;

static void add_tap(const trial *t, int tap, size_t in_at, size_t out_at, reference *r) {
  int in = t->sample->input.channels, out = t->sample->filters;
  for (int c = 0; c < in; c++)
    for (int f = 0; f < out; f++) {
      size_t at = ((size_t)tap * (size_t)in + (size_t)c) * (size_t)out + (size_t)f;
      double x = (double)t->input[in_at + (size_t)c], w = (double)t->weight[at],
             dz = (double)t->output_gradient[out_at + (size_t)f];
      r->output[out_at + (size_t)f] += x * w;
      r->input_gradient[in_at + (size_t)c] += dz * w;
      r->weight_gradient[at] += dz * x;
    }
}

static reference sums_of(const trial *t) {
  reference r = {calloc(t->outputs, sizeof(double)), calloc(t->inputs, sizeof(double)), calloc(t->weights, sizeof(double))};
  const sample *s = t->sample;
  hg_shape input = s->input, output = t->node.output;
  int before = s->padding == HG_VALID ? 0 : 1;
  for (size_t i = 0; i < t->outputs; i++) r.output[i] = (double)t->bias[i % (size_t)s->filters];
  for (int n = 0; n < s->n; n++)
    for (int pixel = 0; pixel < output.height * output.width; pixel++)
      for (int tap = 0; tap < TAPS; tap++) {
        int y = inside(pixel / output.width + tap / 3 - before, input.height, s->padding);
        int x = inside(pixel % output.width + tap % 3 - before, input.width, s->padding);
        if (y < 0 || x < 0) continue;
        size_t in_at = ((size_t)(n * input.height + y) * (size_t)input.width + (size_t)x) * (size_t)input.channels;
        add_tap(t, tap, in_at, (size_t)(n * output.height * output.width + pixel) * (size_t)output.channels, &r);
      }
  return r;
}

static void free_reference(reference *r) {
  free(r->output);
  free(r->input_gradient);
  free(r->weight_gradient);
}

/* The root of the mean square error over that of the mean square value. */
static double relative_error(const double *expected, const float *got, size_t count) {
  double error = 0, square = 0;
  for (size_t i = 0; i < count; i++) {
    error += (expected[i] - (double)got[i]) * (expected[i] - (double)got[i]);
    square += expected[i] * expected[i];
  }
  return sqrt(error / square);
}

static void check(const trial *t, const char *what, const double *expected, const float *got, size_t count) {
  double error = relative_error(expected, got, count);
  if (getenv("WINOGRAD_ERRORS") != NULL)
    printf("%-40s %-16s %s %.2e\n", t->sample->name, what, t->node.winograd ? "winograd" : "direct  ", error);
  if (!(error < 2e-6)) fail_msg("%s: %s is off by %.3g of its size", t->sample->name, what, error);
}

static void outputs_and_gradients_are_within_two_millionths_of_sums_in_double(void **state) {
  (void)state;
  for (int i = 0; i < SAMPLES; i++) {
    trial t = trial_of(&samples[i]);
    reference r = sums_of(&t);
    for (int winograd = 0; winograd < 2; winograd++) {
      run(&t, winograd);
      check(&t, "output", r.output, t.output, t.outputs);
      check(&t, "input gradient", r.input_gradient, t.input_gradient, t.inputs);
      check(&t, "weight gradient", r.weight_gradient, t.weight_gradient, t.weights);
    }
    free_reference(&r);
    free_trial(&t);
  }
}

static void only_that_engine_trains_by_it(void **state) {
  (void)state;
  trial direct = trial_of(&samples[0]), winograd = trial_of(&samples[0]);
  run(&direct, false);
  run(&winograd, true);
  assert_memory_not_equal(direct.output, winograd.output, direct.outputs * sizeof(float));
  assert_memory_not_equal(direct.input_gradient, winograd.input_gradient, direct.inputs * sizeof(float));
  assert_memory_not_equal(direct.weight_gradient, winograd.weight_gradient, direct.weights * sizeof(float));
  free_trial(&direct);
  free_trial(&winograd);
}

int main(void) {
  hg_pool_oversubscribe(true);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(outputs_and_gradients_are_within_two_millionths_of_sums_in_double),
      cmocka_unit_test(only_that_engine_trains_by_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
