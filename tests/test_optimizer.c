#include "learn/optimizer.h"
#include "store/safetensors.h"
#include "test_train_fixture.h"

/* ---- Against PyTorch: tests/golden/updates.safetensors, recorded by record_pytorch.py. */

enum { FLOATS = 19, STEPS = 4 };

/* A network of 19 numbers: a weight of 18 and a bias. */
static hg_network *make_small(void) {
  hg_network *network = hg_network_new((hg_shape){1, 1, FLOATS - 1});
  add_layer(network, HG_CLASSIFIER, dense(1, HG_LINEAR));
  assert_int_equal(hg_network_initialize(network, 1, NULL), HG_OK);
  return network;
}

static void fill(hg_network *network, bool gradients, const float *from) {
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    const hg_tensor *tensor = hg_network_tensor(network, i);
    memcpy(gradients ? tensor->gradient : tensor->value, from, (size_t)tensor->count * sizeof(float));
    from += tensor->count;
  }
}

static void read_values(hg_network *network, float *to) {
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    const hg_tensor *tensor = hg_network_tensor(network, i);
    memcpy(to, tensor->value, (size_t)tensor->count * sizeof(float));
    to += tensor->count;
  }
}

static const float *golden(const hg_safetensors *file, const char *name, const char *what, int64_t count) {
  char full[128];
  snprintf(full, sizeof full, "%s%s", name, what);
  const hg_named_tensor *tensor = hg_safetensors_find(file, full);
  assert_non_null(tensor);
  assert_int_equal(hg_named_tensor_count(tensor), count);
  return tensor->data;
}

static void assert_near(const float *a, const float *b, int count, double tolerance) {
  for (int i = 0; i < count; i++) assert_true(fabs((double)a[i] - (double)b[i]) <= tolerance * (1 + fabs((double)b[i])));
}

static void follow_pytorch(const hg_safetensors *file, const char *name, const hg_optimizer *optimizer) {
  hg_network *network = make_small();
  hg_train_settings settings = hg_train_settings_default();
  settings.optimizer = *optimizer;
  const float *gradients = golden(file, "gradients", "", STEPS * FLOATS);
  const float *expected = golden(file, name, ".values", STEPS * FLOATS);
  hg_optimizer_state state;
  float values[FLOATS];
  assert_int_equal(hg_optimizer_init(&state, optimizer, network, NULL), HG_OK);
  fill(network, false, golden(file, "start", "", FLOATS));
  for (int step = 0; step < STEPS; step++) {
    fill(network, true, gradients + step * FLOATS);
    hg_optimizer_step(&state, &settings, optimizer->learning_rate, network, NULL);
    read_values(network, values);
    assert_near(values, expected + step * FLOATS, FLOATS, 2e-6);
  }
  assert_int_equal(state.updates[HG_CLASSIFIER], STEPS);
  hg_optimizer_release(&state);
  hg_network_free(network);
}

static void optimizers_make_pytorchs_steps(void **state) {
  (void)state;
  hg_optimizer sgd = hg_optimizer_default(HG_SGD), adam = hg_optimizer_default(HG_ADAM), adamw = hg_optimizer_default(HG_ADAMW);
  sgd.learning_rate = 0.1f;
  adam.learning_rate = adamw.learning_rate = 0.01f;
  hg_optimizer sgd_decay = sgd, momentum = sgd, nesterov, adam_decay = adam;
  sgd_decay.weight_decay = 0.01f;
  momentum.momentum = 0.9f;
  nesterov = momentum;
  nesterov.nesterov = true;
  nesterov.weight_decay = 0.01f;
  adam_decay.weight_decay = adamw.weight_decay = 0.1f;
  hg_safetensors file;
  assert_int_equal(hg_safetensors_read(SOURCE_DIR "/tests/golden/updates.safetensors", &file, NULL), HG_OK);
  follow_pytorch(&file, "sgd", &sgd);
  follow_pytorch(&file, "sgd_decay", &sgd_decay);
  follow_pytorch(&file, "momentum", &momentum);
  follow_pytorch(&file, "nesterov", &nesterov);
  follow_pytorch(&file, "adam", &adam);
  follow_pytorch(&file, "adam_decay", &adam_decay);
  follow_pytorch(&file, "adamw", &adamw);
  hg_safetensors_release(&file);
}

/* ---- Clipping, block rates, freezing: plain SGD of rate 1 shows the gradient as it is used. */

static void used_gradient(const hg_train_settings *settings, const float *gradient, float *used) {
  hg_network *network = make_small();
  hg_optimizer_state state;
  const float zeros[FLOATS] = {0};
  assert_int_equal(hg_optimizer_init(&state, &settings->optimizer, network, NULL), HG_OK);
  fill(network, false, zeros);
  fill(network, true, gradient);
  hg_optimizer_step(&state, settings, 1, network, NULL);
  read_values(network, used);
  for (int i = 0; i < FLOATS; i++) used[i] = -used[i];
  hg_optimizer_release(&state);
  hg_network_free(network);
}

static hg_train_settings plain_sgd(void) {
  hg_train_settings settings = hg_train_settings_default();
  settings.optimizer = hg_optimizer_default(HG_SGD);
  return settings;
}

static void clip_norm_brings_a_long_gradient_to_its_length_and_leaves_a_short_one(void **state) {
  (void)state;
  float gradient[FLOATS], used[FLOATS];
  double norm = 0, clipped = 0;
  for (int i = 0; i < FLOATS; i++) gradient[i] = (float)(i - 9);
  for (int i = 0; i < FLOATS; i++) norm += (double)gradient[i] * gradient[i];
  hg_train_settings settings = plain_sgd();
  settings.clip_norm = 2;
  used_gradient(&settings, gradient, used);
  for (int i = 0; i < FLOATS; i++) clipped += (double)used[i] * used[i];
  assert_true(fabs(sqrt(clipped) - 2) < 1e-5);
  assert_true(fabs((double)used[18] - 9 * 2 / sqrt(norm)) < 1e-5);
  settings.clip_norm = 100;
  used_gradient(&settings, gradient, used);
  for (int i = 0; i < FLOATS; i++) assert_true(used[i] == gradient[i]);
}

static void clip_value_cuts_every_gradient(void **state) {
  (void)state;
  float gradient[FLOATS], used[FLOATS];
  for (int i = 0; i < FLOATS; i++) gradient[i] = (float)(i - 9);
  hg_train_settings settings = plain_sgd();
  settings.clip_value = 3;
  used_gradient(&settings, gradient, used);
  for (int i = 0; i < FLOATS; i++) assert_true(used[i] == fminf(fmaxf(gradient[i], -3), 3));
}

static void a_block_has_its_own_learning_rate(void **state) {
  (void)state;
  float gradient[FLOATS], used[FLOATS];
  for (int i = 0; i < FLOATS; i++) gradient[i] = (float)(i + 1);
  hg_train_settings settings = plain_sgd();
  settings.block_learning_rate[HG_CLASSIFIER] = 0.25f;
  used_gradient(&settings, gradient, used);
  for (int i = 0; i < FLOATS; i++) assert_true(used[i] == 0.25f * gradient[i]);
}

/* A factor for biases is theirs alone; what weight decay takes off them in a step is what it takes at a factor of 1. */
static void biases_have_their_own_learning_rate_and_shrink_as_before(void **state) {
  (void)state;
  enum { BIAS = FLOATS - 1 };
  float gradient[FLOATS], values[FLOATS];
  for (int factor = 1; factor <= 64; factor *= 64) {
    hg_network *network = make_small();
    hg_train_settings settings = plain_sgd();
    hg_optimizer_state optimizer;
    settings.optimizer.weight_decay = 0.25f;
    settings.bias_learning_rate = (float)factor;
    for (int i = 0; i < FLOATS; i++) gradient[i] = values[i] = (float)(i + 1);
    assert_int_equal(hg_optimizer_init(&optimizer, &settings.optimizer, network, NULL), HG_OK);
    fill(network, false, values);
    fill(network, true, gradient);
    hg_optimizer_step(&optimizer, &settings, 0.5, network, NULL);
    read_values(network, values);
    for (int i = 0; i < BIAS; i++) assert_true(values[i] == gradient[i] * (1 - 0.5f * 1.25f));
    assert_true(values[BIAS] == FLOATS - 0.5f * (float)factor * FLOATS - 0.5f * 0.25f * FLOATS);
    hg_optimizer_release(&optimizer);
    hg_network_free(network);
  }
}

/* Adam's first step after a thaw is a first step: the learning rate in the gradient's direction, whatever the others did. */
static void a_thawed_block_starts_its_bias_correction(void **state) {
  (void)state;
  hg_network *network = make_small();
  hg_train_settings settings = hg_train_settings_default();
  hg_optimizer_state optimizer;
  float gradient[FLOATS], values[FLOATS];
  const float zeros[FLOATS] = {0};
  for (int i = 0; i < FLOATS; i++) gradient[i] = (float)(i + 1);
  assert_int_equal(hg_optimizer_init(&optimizer, &settings.optimizer, network, NULL), HG_OK);
  fill(network, false, zeros);
  fill(network, true, gradient);
  hg_network_freeze(network, HG_CLASSIFIER, true);
  for (int i = 0; i < 50; i++) hg_optimizer_step(&optimizer, &settings, 0.001, network, NULL);
  read_values(network, values);
  assert_memory_equal(values, zeros, sizeof zeros);
  hg_network_freeze(network, HG_CLASSIFIER, false);
  hg_optimizer_step(&optimizer, &settings, 0.001, network, NULL);
  read_values(network, values);
  for (int i = 0; i < FLOATS; i++) assert_true(fabs((double)values[i] + 0.001) < 1e-7);
  hg_optimizer_release(&optimizer);
  hg_network_free(network);
}

/* ---- Updating each tensor as soon as its gradient is known. */

enum { SAMPLES = 21, PIXELS = 256, TRAINED_STEPS = 3 };

/* A convolution that the plan joins with the layers after it, dense layers of several panels and row blocks, folded activations.
 */
static hg_network *make_wide(void) {
  hg_network *network = hg_network_new((hg_shape){16, 16, 1});
  add_layer(network, HG_ENCODER, convolution(6, HG_LINEAR));
  add_layer(network, HG_ENCODER, hg_layer_default(HG_BATCH_NORM));
  add_layer(network, HG_ENCODER, of_size(HG_MAX_POOL2D, 2));
  add_layer(network, HG_CLASSIFIER, hg_layer_default(HG_FLATTEN));
  add_layer(network, HG_CLASSIFIER, dense(300, HG_RELU));
  add_layer(network, HG_CLASSIFIER, hg_layer_default(HG_BATCH_NORM));
  add_layer(network, HG_CLASSIFIER, dense(70, HG_SIGMOID));
  add_layer(network, HG_CLASSIFIER, dense(5, HG_LINEAR));
  hg_losses losses = {.classification = HG_CROSS_ENTROPY, .classification_weight = 1};
  assert_int_equal(hg_network_set_losses(network, &losses, NULL), HG_OK);
  assert_int_equal(hg_network_initialize(network, 1, NULL), HG_OK);
  return network;
}

static void train_wide(const hg_train_settings *settings, bool fused, int threads, char digest[HG_SHA256_SIZE]) {
  static float input[SAMPLES * PIXELS];
  static int32_t labels[SAMPLES];
  hg_network *network = make_wide();
  hg_optimizer_state state;
  hg_pool *pool;
  hg_step_result result;
  hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, 0);
  for (int i = 0; i < SAMPLES * PIXELS; i++) input[i] = (float)hg_rng_uniform(&rng);
  for (int i = 0; i < SAMPLES; i++) labels[i] = i % 5;
  hg_batch batch = {.n = SAMPLES, .input = input, .labels = labels};
  assert_int_equal(hg_pool_new(threads, &pool, NULL), HG_OK);
  assert_int_equal(hg_network_prepare(network, SAMPLES, true, pool, NULL), HG_OK);
  assert_int_equal(hg_optimizer_init(&state, &settings->optimizer, network, NULL), HG_OK);
  for (uint32_t step = 0; step < TRAINED_STEPS; step++) {
    if (fused) {
      hg_optimizer_train(&state, settings, 0.01, network, pool, &batch, step, &result);
    } else {
      hg_network_step(network, &batch, settings->seed, step, &result);
      hg_optimizer_step(&state, settings, 0.01, network, pool);
    }
  }
  assert_int_equal(hg_network_digest(network, digest, NULL), HG_OK);
  hg_optimizer_release(&state);
  hg_network_free(network);
  hg_pool_free(pool);
}

static void updates_made_on_the_way_have_the_bits_of_updates_made_afterwards(void **state) {
  (void)state;
  hg_train_settings adam = hg_train_settings_default(), momentum = plain_sgd(), clipped = adam;
  momentum.optimizer.momentum = 0.9f;
  clipped.clip_norm = 0.1f;
  const hg_train_settings *cases[] = {&adam, &momentum, &clipped};
  for (int i = 0; i < 3; i++) {
    char apart[HG_SHA256_SIZE], fused[HG_SHA256_SIZE];
    train_wide(cases[i], false, 1, apart);
    for (int threads = 1; threads <= 3; threads++) {
      train_wide(cases[i], true, threads, fused);
      assert_string_equal(fused, apart);
    }
  }
}

/* ---- Schedules, against their formulas by the C library. */

static double expected_factor(const hg_schedule *s, double update, double updates, double per_epoch) {
  double warmup = floor((double)s->warmup * per_epoch), pi = acos(-1);
  if (update < warmup) return (update + 1) / warmup;
  double u = update - warmup, x = u / (updates - warmup), peak = s->peak, initial = s->initial, final = s->final;
  switch (s->kind) {
    case HG_CONSTANT:
      return 1;
    case HG_STEP:
      return pow(s->gamma, floor(u / (s->every * per_epoch)));
    case HG_COSINE:
      return final + (1 - final) * 0.5 * (1 + cos(pi * x));
    case HG_ONE_CYCLE:
      if (x < peak) return initial + (1 - initial) * x / peak;
      return final + (1 - final) * 0.5 * (1 + cos(pi * (x - peak) / (1 - peak)));
    case HG_TRIANGULAR:
      return x < peak ? initial + (1 - initial) * x / peak : 1 + (final - 1) * (x - peak) / (1 - peak);
  }
  return NAN;
}

static void schedules_follow_their_formulas(void **state) {
  (void)state;
  for (int kind = HG_CONSTANT; kind <= HG_TRIANGULAR; kind++) {
    for (int warm = 0; warm < 2; warm++) {
      hg_schedule schedule = hg_train_settings_default().schedule;
      schedule.kind = (hg_schedule_kind)kind;
      schedule.every = 3;
      schedule.gamma = 0.5f;
      schedule.final = 0.1f;
      schedule.warmup = warm ? 1.5f : 0;
      for (int update = 0; update < 200; update++) {
        double factor = hg_schedule_factor(&schedule, update, 200, 20);
        assert_true(fabs(factor - expected_factor(&schedule, update, 200, 20)) < 1e-12);
      }
    }
  }
}

static void the_cosine_starts_at_1_and_nears_its_end(void **state) {
  (void)state;
  hg_schedule schedule = {.kind = HG_COSINE};
  assert_true(hg_schedule_factor(&schedule, 0, 1000, 10) == 1);
  assert_true(fabs(hg_schedule_factor(&schedule, 500, 1000, 10) - 0.5) < 1e-15);
  assert_true(hg_schedule_factor(&schedule, 999, 1000, 10) < 1e-5);
}

int main(void) {
  hg_pool_oversubscribe(true); /* as many threads as the tests ask for, on any machine */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(optimizers_make_pytorchs_steps),
      cmocka_unit_test(clip_norm_brings_a_long_gradient_to_its_length_and_leaves_a_short_one),
      cmocka_unit_test(clip_value_cuts_every_gradient),
      cmocka_unit_test(biases_have_their_own_learning_rate_and_shrink_as_before),
      cmocka_unit_test(a_block_has_its_own_learning_rate),
      cmocka_unit_test(updates_made_on_the_way_have_the_bits_of_updates_made_afterwards),
      cmocka_unit_test(a_thawed_block_starts_its_bias_correction),
      cmocka_unit_test(schedules_follow_their_formulas),
      cmocka_unit_test(the_cosine_starts_at_1_and_nears_its_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
