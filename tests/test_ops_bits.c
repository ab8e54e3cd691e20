/* The same bits on every instruction set and every number of threads. */
#include "test_ops.h"

#include "kernels/pointwise.h"

/* Everything an operator writes, one tensor after another. */
static float *run_and_collect(const op_case *c, int threads, int64_t *count) {
  hg_pool *pool;
  assert_int_equal(hg_pool_new(threads, &pool, NULL), HG_OK);
  placed_op p = place_case(c, HG_NATIVE, pool);
  run_forward(&p);
  run_backward(&p);
  *count = p.out + p.in;
  for (int i = 0; i < p.parameter_count; i++) *count += 2 * hg_parameter_count(&p.parameters[i]);
  float *all = hg_calloc((size_t)*count, sizeof *all), *at = all;
  memcpy(at, p.call.output, (size_t)p.out * sizeof *all);
  at += p.out;
  if (p.call.input_gradient != NULL) memcpy(at, p.gradient_buffer, (size_t)p.in * sizeof *all);
  at += p.in;
  for (int i = 0; i < p.parameter_count; i++) {
    size_t values = (size_t)hg_parameter_count(&p.parameters[i]);
    memcpy(at, p.call.values[i], values * sizeof *all);
    at += values;
    if (p.call.gradients[i] != NULL) memcpy(at, p.call.gradients[i], values * sizeof *all);
    at += values;
  }
  release_case(&p);
  hg_pool_free(pool);
  return all;
}

static void check_same(const op_case *c, const float *expected, int64_t count, int threads) {
  int64_t other;
  float *got = run_and_collect(c, threads, &other);
  assert_int_equal(count, other);
  for (int64_t i = 0; i < count; i++)
    if (memcmp(&got[i], &expected[i], sizeof *got) != 0)
      fail_msg("%s on %s with %d threads: value %d of %d is %.9g, expected %.9g", c->name, hg_isa_name(hg_isa_get()), threads,
               (int)i, (int)count, (double)got[i], (double)expected[i]);
  hg_free(got);
}

static void every_layer_gives_the_same_bits_on_1_2_3_and_7_threads(void **state) {
  (void)state;
  static const int threads[] = {2, 3, 7};
  for (int i = 0; i < OP_CASES; i++) {
    int64_t count;
    float *expected = run_and_collect(&op_cases[i], 1, &count);
    for (int k = 0; k < 3; k++) check_same(&op_cases[i], expected, count, threads[k]);
    hg_free(expected);
  }
}

static void every_layer_gives_the_same_bits_on_every_instruction_set(void **state) {
  (void)state;
  hg_isa best = hg_isa_best();
  for (int i = 0; i < OP_CASES; i++) {
    int64_t count;
    assert_int_equal(hg_isa_set(HG_ISA_GENERIC, NULL), HG_OK);
    float *expected = run_and_collect(&op_cases[i], 1, &count);
    for (hg_isa isa = HG_ISA_AVX2; isa <= best; isa++) {
      assert_int_equal(hg_isa_set(isa, NULL), HG_OK);
      check_same(&op_cases[i], expected, count, 1);
    }
    hg_free(expected);
  }
  hg_isa_set(best, NULL);
}

/* Losses and optimizer steps, run once on the version in use; fills `out` with everything they wrote. */
enum { COUNT = 1003, OUT = 12 * COUNT };

static void run_losses(hg_pool *pool, float *out) {
  enum { N = 17, WIDTH = 59 };
  static int32_t labels[N];
  float *x = random_values(COUNT, 1, 2), *t = random_values(COUNT, 2, 1);
  for (int i = 0; i < N; i++) labels[i] = i * 5 % WIDTH;
  for (int i = 0; i < COUNT; i++) t[i] = 1 / (1 + fabsf(t[i]));
  hg_loss_call call = {.pool = pool,
                       .n = N,
                       .shape = {1, 1, WIDTH},
                       .output = x,
                       .target = t,
                       .labels = labels,
                       .weight = 0.3f,
                       .label_smoothing = 0.1f,
                       .gradient = out,
                       .per_sample = out + COUNT};
  hg_loss_mse(&call);
  call.gradient = out + 2 * COUNT, call.per_sample = out + 3 * COUNT;
  hg_loss_bce_logits(&call);
  call.gradient = out + 4 * COUNT, call.per_sample = out + 5 * COUNT;
  hg_loss_cross_entropy(&call);
  call.gradient = out + 6 * COUNT, call.per_sample = out + 7 * COUNT, call.output = t;
  hg_loss_bce_probabilities(&call);
  hg_free_aligned(x);
  hg_free_aligned(t);
}

static void run_updates(hg_pool *pool, float *out) {
  float *gradient = random_values(COUNT, 3, 1);
  hg_update u = {.count = COUNT,
                 .value = out,
                 .gradient = gradient,
                 .moment_1 = out + COUNT,
                 .moment_2 = out + 2 * COUNT,
                 .learning_rate = 0.01f,
                 .weight_decay = 0.1f,
                 .scale = 0.5f,
                 .clip_value = 0.4f,
                 .momentum = 0.9f,
                 .nesterov = true,
                 .beta_1 = 0.9f,
                 .beta_2 = 0.999f,
                 .epsilon = 1e-8f,
                 .correction_1 = 0.1f,
                 .correction_2 = 0.001f};
  for (int i = 0; i < COUNT; i++) out[i] = 1, out[COUNT + i] = 0.1f, out[2 * COUNT + i] = 0.2f;
  u.adaptive = true;
  hg_update_apply(pool, &u);
  u.adaptive = false;
  hg_update_apply(pool, &u);
  double sum = hg_sum_of_squares(pool, gradient, COUNT);
  memcpy(out + 3 * COUNT, &sum, sizeof sum);
  hg_free_aligned(gradient);
}

static void losses_and_optimizers_give_the_same_bits_everywhere(void **state) {
  (void)state;
  static float expected[OUT], got[OUT];
  hg_isa best = hg_isa_best();
  hg_isa_set(HG_ISA_GENERIC, NULL);
  run_losses(NULL, expected);
  run_updates(NULL, expected + 8 * COUNT);
  for (hg_isa isa = HG_ISA_GENERIC; isa <= best; isa++) {
    hg_isa_set(isa, NULL);
    for (int threads = 1; threads <= 3; threads += 2) {
      hg_pool *pool;
      assert_int_equal(hg_pool_new(threads, &pool, NULL), HG_OK);
      memset(got, 0, sizeof got);
      run_losses(pool, got);
      run_updates(pool, got + 8 * COUNT);
      assert_memory_equal(got, expected, sizeof got);
      hg_pool_free(pool);
    }
  }
  hg_isa_set(best, NULL);
}

int main(void) {
  hg_pool_oversubscribe(true); /* as many threads as the tests ask for, on any machine */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_layer_gives_the_same_bits_on_1_2_3_and_7_threads),
      cmocka_unit_test(every_layer_gives_the_same_bits_on_every_instruction_set),
      cmocka_unit_test(losses_and_optimizers_give_the_same_bits_everywhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
