/* dense, conv2d and conv2d_transpose against sums written out in double, on every instruction set. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kernels/isa.h"
#include "ops/native.h"

#include <cmocka.h>

/* A layer with a batch of random data, and what the operator made of it. */
typedef struct trial {
  const hg_op *op;
  hg_op_node node;
  int n;
  size_t inputs, outputs, weights, biases;
  float *input, *weight, *bias, *gradient; /* given */
  float *output, *input_gradient, *weight_gradient, *bias_gradient;
} trial;

static float *floats(size_t count) {
  float *values = hg_malloc(count * sizeof *values);
  assert_non_null(values);
  memset(values, 0x7f, count * sizeof *values); /* no zeros by chance */
  return values;
}

static float *random_floats(hg_rng *rng, size_t count) {
  float *values = floats(count);
  for (size_t i = 0; i < count; i++) values[i] = hg_rng_normal(rng);
  return values;
}

static trial make_trial(hg_rng *rng, const hg_layer *layer, hg_shape input, int n) {
  trial t = {.op = layer->kind == HG_DENSE    ? &hg_op_dense
                   : layer->kind == HG_CONV2D ? &hg_op_conv2d
                                              : &hg_op_conv2d_transpose,
             .node = {.layer = *layer, .input = input, .batch = n, .training = true, .input_gradient = true},
             .n = n};
  hg_error error;
  assert_int_equal(t.op->shape(layer, input, &t.node.output, &error), HG_OK);
  hg_parameter list[HG_OP_PARAMETERS];
  int count = t.op->parameters(layer, input, t.node.output, list);
  assert_int_equal(count, layer->use_bias ? 2 : 1);
  t.inputs = (size_t)(n * hg_shape_count(input));
  t.outputs = (size_t)(n * hg_shape_count(t.node.output));
  t.weights = (size_t)hg_parameter_count(&list[0]);
  t.biases = layer->use_bias ? (size_t)hg_parameter_count(&list[1]) : 1;
  t.input = random_floats(rng, t.inputs);
  t.weight = random_floats(rng, t.weights);
  t.bias = random_floats(rng, t.biases);
  t.gradient = random_floats(rng, t.outputs);
  t.output = floats(t.outputs);
  t.input_gradient = floats(t.inputs);
  t.weight_gradient = floats(t.weights);
  t.bias_gradient = floats(t.biases);
  return t;
}

static void free_trial(trial *t) {
  float *all[] = {t->input, t->weight, t->bias, t->gradient, t->output, t->input_gradient, t->weight_gradient, t->bias_gradient};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) hg_free(all[i]);
}

static void run(trial *t, int threads) {
  hg_pool *pool = NULL;
  assert_int_equal(hg_pool_new(threads, &pool, NULL), HG_OK);
  t->node.threads = threads;
  float *scratch = floats(t->op->memory(&t->node).scratch);
  float *gradient = floats(t->outputs);
  memcpy(gradient, t->gradient, t->outputs * sizeof *gradient);
  bool bias = t->node.layer.use_bias;
  hg_op_call call = {.node = &t->node,
                     .pool = pool,
                     .n = t->n,
                     .training = true,
                     .input = t->input,
                     .output = t->output,
                     .output_gradient = gradient,
                     .input_gradient = t->input_gradient,
                     .values = {t->weight, bias ? t->bias : NULL},
                     .gradients = {t->weight_gradient, bias ? t->bias_gradient : NULL},
                     .scratch = scratch};
  int64_t allocations = hg_alloc_count();
  t->op->forward(&call);
  t->op->backward(&call);
  assert_int_equal(hg_alloc_count(), allocations);
  hg_free(gradient);
  hg_free(scratch);
  hg_pool_free(pool);
}

/* ---- The reference: every product of the layer, once. Each visits (input index, weight index, output index). */

typedef void visit(void *context, size_t input, size_t weight, size_t output);

static void each_of_dense(const trial *t, int image, visit *v, void *context) {
  size_t in = t->inputs / (size_t)t->n, out = t->outputs / (size_t)t->n;
  for (size_t i = 0; i < in; i++)
    for (size_t o = 0; o < out; o++) v(context, (size_t)image * in + i, i * out + o, (size_t)image * out + o);
}

static int clamp(int x, int size) { return x < 0 ? 0 : x >= size ? size - 1 : x; }

/* Padding above or left: half of what (small - 1) * stride + kernel goes beyond large. */
static int before(int large, int small, int kernel, int stride, hg_padding padding) {
  int beyond = (small - 1) * stride + kernel - large;
  return padding == HG_VALID || beyond < 0 ? 0 : beyond / 2;
}

static void each_of_conv(const trial *t, int image, visit *v, void *context) {
  const hg_layer *l = &t->node.layer;
  bool transposed = l->kind == HG_CONV2D_TRANSPOSE;
  hg_shape in = t->node.input, out = t->node.output, large = transposed ? out : in, small = transposed ? in : out;
  int top = before(large.height, small.height, l->kernel_size[0], l->strides[0], l->padding);
  int left = before(large.width, small.width, l->kernel_size[1], l->strides[1], l->padding);
  for (int sy = 0; sy < small.height; sy++)
    for (int sx = 0; sx < small.width; sx++)
      for (int ky = 0; ky < l->kernel_size[0]; ky++)
        for (int kx = 0; kx < l->kernel_size[1]; kx++) {
          int y = sy * l->strides[0] + ky - top, x = sx * l->strides[1] + kx - left;
          if (l->padding == HG_REPLICATE) {
            y = clamp(y, large.height);
            x = clamp(x, large.width);
          }
          if (y < 0 || y >= large.height || x < 0 || x >= large.width) continue;
          size_t large_pixel = (size_t)((image * large.height + y) * large.width + x);
          size_t small_pixel = (size_t)((image * small.height + sy) * small.width + sx);
          size_t in_pixel = transposed ? small_pixel : large_pixel, out_pixel = transposed ? large_pixel : small_pixel;
          for (int ci = 0; ci < in.channels; ci++)
            for (int co = 0; co < out.channels; co++)
              v(context, in_pixel * (size_t)in.channels + (size_t)ci,
                (size_t)(((ky * l->kernel_size[1] + kx) * in.channels + ci) * out.channels + co),
                out_pixel * (size_t)out.channels + (size_t)co);
        }
}

typedef struct sums {
  const trial *t;
  double *output, *derived, *input, *weight, *bias;
} sums;

static void add_forward(void *context, size_t i, size_t w, size_t o) {
  sums *s = context;
  s->output[o] += (double)s->t->input[i] * (double)s->t->weight[w];
}

static void add_backward(void *context, size_t i, size_t w, size_t o) {
  sums *s = context;
  s->input[i] += s->derived[o] * (double)s->t->weight[w];
  s->weight[w] += s->derived[o] * (double)s->t->input[i];
}

static void for_each(const trial *t, visit *v, void *context) {
  for (int image = 0; image < t->n; image++)
    if (t->node.layer.kind == HG_DENSE)
      each_of_dense(t, image, v, context);
    else
      each_of_conv(t, image, v, context);
}

static double activated(const hg_layer *l, double x, double *slope) {
  double y = x;
  *slope = 1;
  if (l->activation == HG_RELU) y = x > 0 ? x : 0, *slope = x > 0;
  if (l->activation == HG_LEAKY_RELU)
    y = x > 0 ? x : (double)l->negative_slope * x, *slope = x > 0 ? 1 : (double)l->negative_slope;
  if (l->activation == HG_SIGMOID) y = 1 / (1 + exp(-x)), *slope = y * (1 - y);
  if (l->activation == HG_TANH) y = tanh(x), *slope = 1 - y * y;
  return y;
}

static void assert_close(const char *what, const float *found, const double *expected, size_t count) {
  double scale = 1;
  for (size_t i = 0; i < count; i++) scale = fmax(scale, fabs(expected[i]));
  for (size_t i = 0; i < count; i++)
    if (!(fabs((double)found[i] - expected[i]) <= 2e-5 * scale))
      fail_msg("%s[%zu] is %g, not %g", what, i, (double)found[i], expected[i]);
}

static sums reference(const trial *t) {
  sums s = {.t = t};
  s.output = hg_calloc(t->outputs, sizeof(double));
  s.derived = hg_calloc(t->outputs, sizeof(double));
  s.input = hg_calloc(t->inputs, sizeof(double));
  s.weight = hg_calloc(t->weights, sizeof(double));
  s.bias = hg_calloc(t->biases, sizeof(double));
  for_each(t, add_forward, &s);
  size_t channels = (size_t)t->node.output.channels;
  for (size_t i = 0; i < t->outputs; i++) {
    double slope, x = s.output[i] + (t->node.layer.use_bias ? (double)t->bias[i % channels] : 0);
    s.output[i] = activated(&t->node.layer, x, &slope);
    s.derived[i] = slope * (double)t->gradient[i];
    if (t->node.layer.use_bias) s.bias[i % channels] += s.derived[i];
  }
  for_each(t, add_backward, &s);
  return s;
}

static void check_against_reference(const trial *t) {
  sums s = reference(t);
  assert_close("output", t->output, s.output, t->outputs);
  assert_close("input gradient", t->input_gradient, s.input, t->inputs);
  assert_close("weight gradient", t->weight_gradient, s.weight, t->weights);
  if (t->node.layer.use_bias) assert_close("bias gradient", t->bias_gradient, s.bias, t->biases);
  double *all[] = {s.output, s.derived, s.input, s.weight, s.bias};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) hg_free(all[i]);
}

/* Runs on every instruction set and on 1 and 3 threads, and asks for the same bits; then for the right figures. */
static void check(hg_rng *rng, const hg_layer *layer, hg_shape input, int n) {
  trial t = make_trial(rng, layer, input, n);
  float *results[] = {t.output, t.input_gradient, t.weight_gradient, t.bias_gradient};
  size_t counts[] = {t.outputs, t.inputs, t.weights, layer->use_bias ? t.biases : 0};
  float *first[4] = {0};
  hg_isa best = hg_isa_best();
  for (int isa = 0; isa <= (int)best; isa++)
    for (int threads = 1; threads <= 3; threads += 2) {
      assert_int_equal(hg_isa_set((hg_isa)isa, NULL), HG_OK);
      run(&t, threads);
      for (int i = 0; i < 4; i++) {
        if (first[i] == NULL) first[i] = memcpy(floats(counts[i] + 1), results[i], counts[i] * sizeof(float));
        assert_memory_equal(results[i], first[i], counts[i] * sizeof(float));
      }
    }
  assert_int_equal(hg_isa_set(best, NULL), HG_OK);
  check_against_reference(&t);
  for (int i = 0; i < 4; i++) hg_free(first[i]);
  free_trial(&t);
}

static int between(hg_rng *rng, int least, int most) { return least + (int)hg_rng_below(rng, (uint64_t)(most - least + 1)); }

static hg_activation any_activation(hg_rng *rng) {
  static const hg_activation all[] = {HG_LINEAR, HG_RELU, HG_LEAKY_RELU, HG_SIGMOID, HG_TANH};
  return all[hg_rng_below(rng, 5)];
}

static void dense_is_a_matrix_product_forward_and_backward(void **state) {
  (void)state;
  hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, 0);
  for (int round = 0; round < 40; round++) {
    hg_layer layer = {.kind = HG_DENSE, .units = between(&rng, 1, 200), .negative_slope = 0.2f, .use_bias = round % 4 != 0};
    layer.activation = any_activation(&rng);
    check(&rng, &layer, (hg_shape){between(&rng, 1, 5), between(&rng, 1, 7), between(&rng, 1, 9)}, between(&rng, 1, 40));
  }
}

static hg_layer any_conv(hg_rng *rng, hg_layer_kind kind, hg_padding padding) {
  hg_layer layer = {.kind = kind, .filters = between(rng, 1, 40), .padding = padding, .negative_slope = 0.2f};
  layer.use_bias = hg_rng_below(rng, 4) != 0;
  layer.activation = any_activation(rng);
  for (int i = 0; i < 2; i++) {
    layer.kernel_size[i] = between(rng, 1, 5);
    layer.strides[i] = hg_rng_below(rng, 2) ? 1 : between(rng, 1, 4);
  }
  return layer;
}

static void check_convs(hg_layer_kind kind, hg_padding padding) {
  hg_rng rng = hg_rng_at(2, HG_RNG_TEST, (uint32_t)kind, (uint64_t)padding);
  for (int round = 0; round < 30; round++) {
    hg_layer layer = any_conv(&rng, kind, padding);
    int least = kind == HG_CONV2D && padding == HG_VALID ? 5 : 1;
    hg_shape input = {between(&rng, least, 9), between(&rng, least, 9), between(&rng, 1, 20)};
    check(&rng, &layer, input, between(&rng, 1, round % 8 == 0 ? 40 : 5));
  }
}

static void conv2d_valid_matches_the_sums_written_out(void **state) {
  (void)state;
  check_convs(HG_CONV2D, HG_VALID);
}

static void conv2d_same_matches_the_sums_written_out(void **state) {
  (void)state;
  check_convs(HG_CONV2D, HG_SAME);
}

static void conv2d_replicate_matches_the_sums_written_out(void **state) {
  (void)state;
  check_convs(HG_CONV2D, HG_REPLICATE);
}

static void conv2d_transpose_matches_the_sums_written_out(void **state) {
  (void)state;
  check_convs(HG_CONV2D_TRANSPOSE, HG_VALID);
  check_convs(HG_CONV2D_TRANSPOSE, HG_SAME);
}

static void a_layer_of_real_size_matches_too(void **state) {
  (void)state;
  hg_rng rng = hg_rng_at(3, HG_RNG_TEST, 0, 0);
  hg_layer conv = {
      .kind = HG_CONV2D, .filters = 70, .kernel_size = {3, 3}, .strides = {1, 1}, .padding = HG_SAME, .use_bias = true};
  check(&rng, &conv, (hg_shape){14, 28, 33}, 2);
  hg_layer dense = {.kind = HG_DENSE, .units = 300, .use_bias = true};
  check(&rng, &dense, (hg_shape){1, 1, 1000}, 70);
}

static void layers_with_few_channels_out_match_too(void **state) {
  (void)state;
  hg_rng rng = hg_rng_at(5, HG_RNG_TEST, 0, 0);
  for (int round = 0; round < 40; round++) {
    bool transposed = round % 4 == 3;
    hg_layer layer =
        any_conv(&rng, transposed ? HG_CONV2D_TRANSPOSE : HG_CONV2D, (hg_padding)(transposed ? round / 4 % 2 : round % 3));
    layer.filters = transposed ? between(&rng, 12, 40) : between(&rng, 1, 4);
    layer.strides[0] = layer.strides[1] = 1;
    hg_shape input = {between(&rng, 5, 9), between(&rng, 5, 9), transposed ? between(&rng, 1, 4) : between(&rng, 12, 40)};
    check(&rng, &layer, input, between(&rng, 1, 6));
  }
}

static void frozen_weights_still_pass_the_gradient_on(void **state) {
  (void)state;
  hg_rng rng = hg_rng_at(4, HG_RNG_TEST, 0, 0);
  hg_layer layer = {
      .kind = HG_CONV2D, .filters = 5, .kernel_size = {3, 3}, .strides = {1, 1}, .padding = HG_SAME, .use_bias = true};
  layer.activation = HG_RELU;
  trial t = make_trial(&rng, &layer, (hg_shape){6, 6, 3}, 3);
  run(&t, 1);
  t.node.threads = 1;
  float *scratch = floats(t.op->memory(&t.node).scratch), *passed = floats(t.inputs);
  hg_op_call call = {.node = &t.node, .n = t.n, .training = true, .input = t.input, .output = t.output};
  call.output_gradient = t.gradient;
  call.input_gradient = passed;
  call.values[0] = t.weight;
  call.values[1] = t.bias;
  call.scratch = scratch;
  t.op->backward(&call);
  assert_memory_equal(passed, t.input_gradient, t.inputs * sizeof *passed);
  hg_free(scratch);
  hg_free(passed);
  free_trial(&t);
}

/* ---- Shapes and messages */

static hg_layer conv(int filters, int kernel, int stride, hg_padding padding) {
  return (hg_layer){
      .kind = HG_CONV2D, .filters = filters, .kernel_size = {kernel, kernel}, .strides = {stride, stride}, .padding = padding};
}

static void same_padding_rounds_up_and_valid_counts_the_places(void **state) {
  (void)state;
  hg_shape out;
  hg_layer layer = conv(8, 3, 2, HG_SAME);
  assert_int_equal(hg_op_conv2d.shape(&layer, (hg_shape){7, 8, 1}, &out, NULL), HG_OK);
  assert_true(out.height == 4 && out.width == 4 && out.channels == 8);
  layer.padding = HG_VALID;
  assert_int_equal(hg_op_conv2d.shape(&layer, (hg_shape){7, 8, 1}, &out, NULL), HG_OK);
  assert_true(out.height == 3 && out.width == 3);
  assert_int_equal(hg_op_conv2d_transpose.shape(&layer, (hg_shape){3, 4, 1}, &out, NULL), HG_OK);
  assert_true(out.height == 7 && out.width == 9);
  layer.padding = HG_SAME;
  assert_int_equal(hg_op_conv2d_transpose.shape(&layer, (hg_shape){3, 4, 1}, &out, NULL), HG_OK);
  assert_true(out.height == 6 && out.width == 8);
}

static void assert_refused(const hg_op *op, hg_layer layer, hg_shape input, const char *part) {
  hg_shape out;
  hg_error error = {0};
  assert_int_equal(op->shape(&layer, input, &out, &error), HG_USAGE);
  if (strstr(error.message, part) == NULL) fail_msg("`%s` lacks `%s`", error.message, part);
}

static void impossible_layers_are_refused_with_their_settings(void **state) {
  (void)state;
  hg_shape small = {3, 3, 64};
  assert_refused(&hg_op_conv2d, conv(8, 5, 1, HG_VALID), small, "kernel 5x5 (valid) does not fit a 3x3x64 input");
  assert_refused(&hg_op_conv2d, conv(0, 3, 1, HG_SAME), small, "filters is 0");
  assert_refused(&hg_op_conv2d, conv(-2000000000, 3, 1, HG_SAME), small, "filters is -2000000000");
  assert_refused(&hg_op_conv2d, conv(2000000000, 3, 1, HG_SAME), small, "weights");
  assert_refused(&hg_op_conv2d, conv(8, 0, 1, HG_SAME), small, "kernel_size is 0x0");
  assert_refused(&hg_op_conv2d, conv(8, 2000000000, 1, HG_SAME), small, "kernel_size");
  assert_refused(&hg_op_conv2d, conv(8, 3, 0, HG_SAME), small, "strides is 0x0");
  assert_refused(&hg_op_conv2d_transpose, conv(8, 3, 1, HG_REPLICATE), small, "replicate");
  assert_refused(&hg_op_conv2d_transpose, conv(8, 3, 1000, HG_SAME), (hg_shape){1000, 1000, 1}, "values");
  assert_refused(&hg_op_dense, (hg_layer){.kind = HG_DENSE}, small, "units is 0");
  assert_refused(&hg_op_dense, (hg_layer){.kind = HG_DENSE, .units = 2000000000}, small, "units 2000000000");
}

static void parameters_carry_fans_and_resolved_initializers(void **state) {
  (void)state;
  hg_parameter list[HG_OP_PARAMETERS];
  hg_layer layer = conv(8, 3, 1, HG_SAME);
  layer.use_bias = true;
  assert_int_equal(hg_op_conv2d.parameters(&layer, (hg_shape){5, 5, 4}, (hg_shape){5, 5, 8}, list), 2);
  assert_true(list[0].initializer == HG_INIT_GLOROT_UNIFORM && list[1].initializer == HG_INIT_ZEROS);
  assert_true(list[0].fan_in == 36 && list[0].fan_out == 72 && list[1].fan_in == 36);
  assert_true(list[0].dim[0] == 3 && list[0].dim[2] == 4 && list[0].dim[3] == 8 && list[1].dim[0] == 8);
  layer.kernel_initializer = HG_INIT_PYTORCH;
  hg_op_conv2d_transpose.parameters(&layer, (hg_shape){5, 5, 4}, (hg_shape){5, 5, 8}, list);
  assert_true(list[0].initializer == HG_INIT_PYTORCH && list[1].initializer == HG_INIT_PYTORCH);
  assert_true(list[0].fan_in == 72 && list[0].layout == HG_LAYOUT_CONV_TRANSPOSE);
}

int main(void) {
  hg_pool_oversubscribe(true); /* as many threads as the tests ask for, on any machine */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dense_is_a_matrix_product_forward_and_backward),
      cmocka_unit_test(conv2d_valid_matches_the_sums_written_out),
      cmocka_unit_test(conv2d_same_matches_the_sums_written_out),
      cmocka_unit_test(conv2d_replicate_matches_the_sums_written_out),
      cmocka_unit_test(conv2d_transpose_matches_the_sums_written_out),
      cmocka_unit_test(a_layer_of_real_size_matches_too),
      cmocka_unit_test(layers_with_few_channels_out_match_too),
      cmocka_unit_test(frozen_weights_still_pass_the_gradient_on),
      cmocka_unit_test(same_padding_rounds_up_and_valid_counts_the_places),
      cmocka_unit_test(impossible_layers_are_refused_with_their_settings),
      cmocka_unit_test(parameters_carry_fans_and_resolved_initializers),
  };
  return cmocka_run_group_tests_name("conv", tests, NULL, NULL);
}
