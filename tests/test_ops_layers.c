/* What single layers promise beside their gradients: values, statistics, shapes, messages. */
#include "test_ops.h"

#include "kernels/pointwise.h"

static void run_values(const op_case *c, const float *input, float *output) {
  placed_op p = place_case(c, HG_NATIVE, NULL);
  memcpy(p.input, input, (size_t)p.in * sizeof *input);
  run_forward(&p);
  memcpy(output, p.call.output, (size_t)p.out * sizeof *output);
  release_case(&p);
}

static void a_tie_in_max_pooling_sends_the_gradient_to_the_first_place(void **state) {
  (void)state;
  op_case c = {.name = "tie", .kind = HG_MAX_POOL2D, .input = {2, 2, 1}, .n = 1, .kernel = {2, 2}};
  placed_op p = place_case(&c, HG_NATIVE, NULL);
  memcpy(p.input, ((float[]){1, 3, 3, 3}), 4 * sizeof(float));
  p.projection[0] = 5;
  run_forward(&p);
  run_backward(&p);
  assert_true(p.call.output[0] == 3);
  assert_memory_equal(p.gradient_buffer, ((float[]){0, 5, 0, 0}), 4 * sizeof(float));
  release_case(&p);
}

static void padded_places_count_neither_for_the_mean_nor_for_the_maximum(void **state) {
  (void)state;
  static const float input[9] = {-1, -2, -3, -4, -5, -6, -7, -8, -9};
  float output[4];
  op_case c = {.name = "same", .kind = HG_AVERAGE_POOL2D, .input = {3, 3, 1}, .n = 1, .kernel = {2, 2}, .padding = HG_SAME};
  run_values(&c, input, output);
  assert_memory_equal(output, ((float[]){-3, -4.5f, -7.5f, -9}), sizeof output);
  c.kind = HG_MAX_POOL2D;
  run_values(&c, input, output);
  assert_memory_equal(output, ((float[]){-1, -3, -7, -9}), sizeof output);
}

static void batch_norm_normalises_and_keeps_pytorchs_running_statistics(void **state) {
  (void)state;
  op_case c = {.name = "norm", .kind = HG_BATCH_NORM, .input = {3, 5, 6}, .n = 7};
  placed_op p = place_case(&c, HG_NATIVE, NULL);
  float mean_before[6], var_before[6];
  memcpy(mean_before, p.call.values[2], sizeof mean_before);
  memcpy(var_before, p.call.values[3], sizeof var_before);
  run_forward(&p);
  for (int channel = 0; channel < 6; channel++) {
    int count = 7 * 15;
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++) sum += (double)p.input[i * 6 + channel];
    for (int i = 0; i < count; i++) squares += pow((double)p.input[i * 6 + channel] - sum / count, 2);
    double deviation = sqrt(squares / count + 1e-5), weight = (double)p.call.values[0][channel],
           bias = (double)p.call.values[1][channel];
    for (int i = 0; i < count; i++) {
      double expected = ((double)p.input[i * 6 + channel] - sum / count) / deviation * weight + bias;
      assert_true(fabs((double)p.call.output[i * 6 + channel] - expected) < 1e-5);
    }
    double mean = 0.9 * (double)mean_before[channel] + 0.1 * sum / count;
    double var = 0.9 * (double)var_before[channel] + 0.1 * squares / (count - 1);
    assert_true(fabs((double)p.call.values[2][channel] - mean) < 1e-6);
    assert_true(fabs((double)p.call.values[3][channel] - var) < 1e-6);
  }
  release_case(&p);
}

static void batch_norm_is_accurate_where_the_mean_dwarfs_the_deviation(void **state) {
  (void)state;
  op_case c = {.name = "norm", .kind = HG_BATCH_NORM, .input = {8, 8, 3}, .n = 16};
  placed_op p = place_case(&c, HG_NATIVE, NULL);
  for (int64_t i = 0; i < p.in; i++) p.input[i] = 3000 + (float)((i / 3) % 2) * 0.5f;
  for (int channel = 0; channel < 3; channel++) p.call.values[0][channel] = 1, p.call.values[1][channel] = 0;
  run_forward(&p);
  for (int64_t i = 0; i < p.out; i++) assert_true(fabsf(fabsf(p.call.output[i]) - 1) < 1e-3f);
  release_case(&p);
}

static void dropout_keeps_the_asked_share_and_scales_it(void **state) {
  (void)state;
  op_case c = {.name = "dropout", .kind = HG_DROPOUT, .input = {40, 50, 5}, .n = 10, .rate = 0.2f};
  placed_op p = place_case(&c, HG_NATIVE, NULL);
  for (int64_t i = 0; i < p.in; i++) p.input[i] = 1;
  run_forward(&p);
  int64_t dropped = 0;
  for (int64_t i = 0; i < p.out; i++) {
    assert_true(p.call.output[i] == 0 || p.call.output[i] == 1.25f);
    dropped += p.call.output[i] == 0;
  }
  assert_true(llabs(dropped - 20000) < 600); /* 5 standard deviations */
  float *first = random_values(p.out, 1, 1);
  memcpy(first, p.call.output, (size_t)p.out * sizeof *first);
  p.call.step++;
  run_forward(&p);
  assert_memory_not_equal(first, p.call.output, (size_t)p.out * sizeof *first);
  hg_free_aligned(first);
  release_case(&p);
}

/* The layout of dropout's words, which saved runs depend on. */
static void dropout_draws_the_documented_words(void **state) {
  (void)state;
  enum { COUNT = 200 };
  op_case c = {.name = "dropout", .kind = HG_DROPOUT, .input = {1, 1, COUNT}, .n = 1, .rate = 0.5f};
  placed_op p = place_case(&c, HG_NATIVE, NULL);
  for (int64_t i = 0; i < p.in; i++) p.input[i] = 1;
  run_forward(&p);
  hg_rng rng = hg_rng_at(p.call.seed, HG_RNG_DROPOUT, p.call.step, (uint64_t)p.node.index);
  for (uint32_t i = 0; i < COUNT; i++) {
    uint32_t word[4], counter[4] = {i / 64 * 16 + i % 16, rng.counter[1], rng.counter[2], rng.counter[3]};
    hg_philox(rng.key, counter, word);
    assert_true(p.call.output[i] == (word[i / 16 % 4] >> 31 ? 2.0f : 0.0f));
  }
  release_case(&p);
}

static void nan_is_not_hidden_by_an_activation(void **state) {
  (void)state;
  float x[20], y[20];
  for (int i = 0; i < 20; i++) x[i] = i == 13 ? NAN : 0.5f;
  for (hg_activation a = HG_RELU; a < HG_SOFTMAX; a++) {
    hg_pointwise()->activate(a, 0.01f, 20, x, y);
    for (int i = 0; i < 20; i++) assert_true(!isnan(y[i]) == (i != 13));
  }
  hg_pointwise()->softmax(20, x, y);
  assert_true(isnan(y[0]));
}

static void softmax_of_large_logits_is_finite_and_sums_to_one(void **state) {
  (void)state;
  static const float logits[6] = {1000, 999, -1000, 3, 3, 3};
  float probabilities[6];
  hg_softmax_rows(NULL, 2, 3, logits, probabilities);
  assert_true(fabsf(probabilities[0] - 0.73105858f) < 1e-6f && probabilities[2] == 0);
  for (int i = 3; i < 6; i++) assert_true(fabsf(probabilities[i] - 1 / 3.0f) < 1e-7f);
  static const int32_t labels[2] = {0, 1};
  assert_int_equal(hg_count_correct(2, 3, logits, labels), 1); /* the second row is a tie, which its first class takes */
}

/* ---- shapes and messages */

typedef struct refusal {
  op_case c;
  const char *message;
} refusal;

static void impossible_settings_are_refused_in_plain_words(void **state) {
  (void)state;
  static const refusal refusals[] = {
      {{.kind = HG_MAX_POOL2D, .input = {3, 3, 8}, .kernel = {4, 4}}, "pool_size 4x4 does not fit the input 3x3x8"},
      {{.kind = HG_MAX_POOL2D, .input = {3, 3, 8}}, "pool_size is 0x0"},
      {{.kind = HG_AVERAGE_POOL2D, .input = {9, 9, 8}, .kernel = {300, 2}}, "pool_size is 300x2"},
      {{.kind = HG_MAX_POOL2D, .input = {9, 9, 8}, .kernel = {2, 2}, .padding = HG_REPLICATE}, "replicate"},
      {{.kind = HG_DROPOUT, .input = {1, 1, 8}, .rate = 1}, "rate is 1"},
      {{.kind = HG_DROPOUT, .input = {1, 1, 8}, .rate = NAN}, "rate is"},
      {{.kind = HG_UPSAMPLE2D, .input = {4, 4, 1}}, "size is 0x0"},
      {{.kind = HG_UPSAMPLE2D, .input = {100, 100, 64}, .size = {4000, 4000}}, "more than"},
      {{.kind = HG_RESHAPE, .input = {4, 4, 1}, .shape = {3, 5, 1}}, "shape 3x5x1 has 15 values, the input 4x4x1 has 16"},
      {{.kind = HG_FLATTEN, .input = {0, 4, 1}}, "empty"},
      {{.kind = HG_ACTIVATION, .input = {2, 2, 1}, .activation = (hg_activation)99}, "activation"},
  };
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    hg_layer layer = layer_of_case(&refusals[i].c);
    hg_shape output;
    hg_error error = {0};
    hg_code code = hg_op_native(layer.kind)->shape(&layer, refusals[i].c.input, &output, &error);
    assert_int_equal(code, HG_USAGE);
    if (strstr(error.message, refusals[i].message) == NULL)
      fail_msg("`%s` does not say `%s`", error.message, refusals[i].message);
  }
}

static void pooling_has_the_shapes_of_keras(void **state) {
  (void)state;
  static const struct {
    int side, size, stride;
    hg_padding padding;
    int out;
  } shapes[] = {
      {28, 2, 0, HG_VALID, 14}, {7, 2, 0, HG_VALID, 3}, {7, 2, 0, HG_SAME, 4}, {7, 3, 2, HG_SAME, 4}, {8, 3, 1, HG_VALID, 6}};
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
    hg_layer layer = hg_layer_default(HG_MAX_POOL2D);
    layer.kernel_size[0] = layer.kernel_size[1] = shapes[i].size;
    layer.strides[0] = layer.strides[1] = shapes[i].stride;
    layer.padding = shapes[i].padding;
    hg_shape output;
    assert_int_equal(hg_op_native(HG_MAX_POOL2D)->shape(&layer, (hg_shape){shapes[i].side, shapes[i].side, 3}, &output, NULL),
                     HG_OK);
    assert_int_equal(output.height, shapes[i].out);
    assert_int_equal(output.width, shapes[i].out);
    assert_int_equal(output.channels, 3);
  }
}

/* ---- optimizer steps, against PyTorch's formulas in double */

typedef struct reference {
  double value, moment_1, moment_2;
} reference;

static void adam_reference(const hg_update *u, double gradient, reference *r) {
  double g = gradient;
  if (u->decoupled)
    r->value -= (double)u->learning_rate * (double)u->weight_decay * r->value;
  else
    g += (double)u->weight_decay * r->value;
  r->moment_1 = (double)u->beta_1 * r->moment_1 + (1 - (double)u->beta_1) * g;
  r->moment_2 = (double)u->beta_2 * r->moment_2 + (1 - (double)u->beta_2) * g * g;
  double denominator = sqrt(r->moment_2) / sqrt((double)u->correction_2) + (double)u->epsilon;
  r->value -= (double)u->learning_rate / (double)u->correction_1 * r->moment_1 / denominator;
}

static void sgd_reference(const hg_update *u, double gradient, reference *r) {
  double g = gradient + (double)u->weight_decay * r->value;
  if (u->momentum > 0) {
    r->moment_1 = u->first_step ? g : (double)u->momentum * r->moment_1 + g;
    g = u->nesterov ? g + (double)u->momentum * r->moment_1 : r->moment_1;
  }
  r->value -= (double)u->learning_rate * g;
}

static void check_steps(hg_update u, bool adam) {
  enum { COUNT = 77, STEPS = 20 };
  float *value = random_values(COUNT, 1, 1), *first = random_values(COUNT, 2, 1), *second = random_values(COUNT, 3, 1);
  reference expected[COUNT];
  memset(first, 0, COUNT * sizeof *first);
  memset(second, 0, COUNT * sizeof *second);
  for (int i = 0; i < COUNT; i++) expected[i] = (reference){(double)value[i], 0, 0};
  u.count = COUNT, u.value = value, u.moment_1 = first, u.moment_2 = second, u.scale = 1;
  for (int step = 1; step <= STEPS; step++) {
    float *gradient = random_values(COUNT, 10 + (uint64_t)step, 1);
    u.gradient = gradient;
    u.first_step = step == 1;
    u.correction_1 = (float)(1 - pow((double)u.beta_1, step));
    u.correction_2 = (float)(1 - pow((double)u.beta_2, step));
    u.adaptive = adam;
    hg_update_apply(NULL, &u);
    for (int i = 0; i < COUNT; i++) (adam ? adam_reference : sgd_reference)(&u, (double)gradient[i], &expected[i]);
    hg_free_aligned(gradient);
  }
  for (int i = 0; i < COUNT; i++) assert_true(fabs((double)value[i] - expected[i].value) < 1e-5);
  hg_free_aligned(value);
  hg_free_aligned(first);
  hg_free_aligned(second);
}

static void optimizer_steps_follow_pytorchs_formulas(void **state) {
  (void)state;
  hg_update u = {.learning_rate = 0.01f};
  check_steps(u, false);
  u.weight_decay = 0.1f;
  check_steps(u, false);
  u.momentum = 0.9f;
  check_steps(u, false);
  u.nesterov = true;
  check_steps(u, false);
  hg_update a = {.learning_rate = 0.01f, .beta_1 = 0.9f, .beta_2 = 0.999f, .epsilon = 1e-8f};
  check_steps(a, true);
  a.weight_decay = 0.1f;
  check_steps(a, true);
  a.decoupled = true;
  check_steps(a, true);
}

static void gradients_are_scaled_and_cut_before_a_step(void **state) {
  (void)state;
  float value[3] = {0, 0, 0}, gradient[3] = {1, -8, 3};
  hg_update u = {.count = 3, .value = value, .gradient = gradient, .learning_rate = 1, .scale = 0.5f, .clip_value = 2};
  hg_update_apply(NULL, &u);
  assert_memory_equal(value, ((float[]){-0.5f, 2, -1.5f}), sizeof value);
  assert_true(hg_sum_of_squares(NULL, gradient, 3) == 74);
}

static void moments_of_a_dead_unit_end_at_zero(void **state) {
  (void)state;
  float value[1] = {1}, gradient[1] = {0}, first[1] = {1e-3f}, second[1] = {1e-3f};
  hg_update u = {.count = 1, .value = value, .gradient = gradient, .moment_1 = first, .moment_2 = second, .scale = 1};
  u.momentum = u.beta_1 = u.beta_2 = 0.9f;
  u.correction_1 = u.correction_2 = 1;
  u.epsilon = 1e-8f;
  u.adaptive = true;
  for (int step = 0; step < 1000; step++) hg_update_apply(NULL, &u);
  assert_true(first[0] == 0 && second[0] == 0);
  first[0] = 1e-3f;
  u.adaptive = false;
  for (int step = 0; step < 1000; step++) hg_update_apply(NULL, &u);
  assert_true(first[0] == 0);
}

/* ---- losses */

static void losses_have_their_textbook_values(void **state) {
  (void)state;
  static const float output[4] = {0, 2, -3, 0.5f}, target[4] = {0, 1, 0.25f, 1};
  float per_sample[2];
  hg_loss_call call = {.n = 2, .shape = {1, 1, 2}, .output = output, .target = target, .weight = 1, .per_sample = per_sample};
  double squares = 0, entropy = 0;
  for (int i = 0; i < 4; i++) {
    double x = (double)output[i], t = (double)target[i], p = 1 / (1 + exp(-x));
    squares += (x - t) * (x - t) / 4;
    entropy -= (t * log(p) + (1 - t) * log(1 - p)) / 4;
  }
  assert_true(fabs(hg_loss_mse(&call) - squares) < 1e-6);
  assert_true(fabs(hg_loss_bce_logits(&call) - entropy) < 1e-6);
  static const int32_t labels[2] = {1, 0};
  call.labels = labels;
  double first = log(1 + exp(-2)), second = log(1 + exp(3.5));
  assert_true(fabs(hg_loss_cross_entropy(&call) - (first + second) / 2) < 1e-6);
  call.label_smoothing = 0.2f;
  double smooth = 0.9 * first + 0.1 * (first + 2) + 0.9 * second + 0.1 * (second - 3.5);
  assert_true(fabs(hg_loss_cross_entropy(&call) - smooth / 2) < 1e-6);
}

static void impossible_probabilities_cost_100_and_stay_finite(void **state) {
  (void)state;
  static const float output[2] = {0, 1}, target[2] = {1, 0};
  float per_sample[1], gradient[2];
  hg_loss_call call = {.n = 1,
                       .shape = {1, 1, 2},
                       .output = output,
                       .target = target,
                       .weight = 1,
                       .gradient = gradient,
                       .per_sample = per_sample};
  assert_true(hg_loss_bce_probabilities(&call) == 100);
  assert_true(isfinite(gradient[0]) && isfinite(gradient[1]));
  static const float logits[2] = {-1e30f, 1e30f};
  call.output = logits;
  assert_true(isfinite(hg_loss_bce_logits(&call)));
}

static void centers_move_towards_the_mean_of_their_samples(void **state) {
  (void)state;
  static const float codes[4] = {1, 3, 5, 10};
  static const int32_t labels[4] = {0, 0, 1, 0};
  float centers[3] = {0, 0, 7}, scratch[6], per_sample[4], gradient[4] = {1, 1, 1, 1};
  hg_loss_call call = {
      .n = 4, .shape = {1, 1, 1}, .output = codes, .labels = labels, .weight = 2, .gradient = gradient, .per_sample = per_sample};
  assert_true(fabs(hg_loss_center(&call, centers, 3, 0.5f, scratch) - (1 + 9 + 25 + 100) / 8.0) < 1e-6);
  assert_memory_equal(gradient, ((float[]){1.5f, 2.5f, 3.5f, 6}), sizeof gradient);
  assert_memory_equal(centers, ((float[]){0.5f * 14 / 4, 0.5f * 5 / 2, 7}), sizeof centers);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_tie_in_max_pooling_sends_the_gradient_to_the_first_place),
      cmocka_unit_test(padded_places_count_neither_for_the_mean_nor_for_the_maximum),
      cmocka_unit_test(batch_norm_normalises_and_keeps_pytorchs_running_statistics),
      cmocka_unit_test(batch_norm_is_accurate_where_the_mean_dwarfs_the_deviation),
      cmocka_unit_test(dropout_keeps_the_asked_share_and_scales_it),
      cmocka_unit_test(dropout_draws_the_documented_words),
      cmocka_unit_test(nan_is_not_hidden_by_an_activation),
      cmocka_unit_test(softmax_of_large_logits_is_finite_and_sums_to_one),
      cmocka_unit_test(impossible_settings_are_refused_in_plain_words),
      cmocka_unit_test(pooling_has_the_shapes_of_keras),
      cmocka_unit_test(optimizer_steps_follow_pytorchs_formulas),
      cmocka_unit_test(gradients_are_scaled_and_cut_before_a_step),
      cmocka_unit_test(moments_of_a_dead_unit_end_at_zero),
      cmocka_unit_test(losses_have_their_textbook_values),
      cmocka_unit_test(impossible_probabilities_cost_100_and_stay_finite),
      cmocka_unit_test(centers_move_towards_the_mean_of_their_samples),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
