#include "kernels/isa.h"
#include "test_train_fixture.h"

typedef struct data {
  hg_dataset *train, *validation;
} data;

static int set_up(void **state) {
  static data made;
  made.train = make_images(200, 1);
  made.validation = make_images(90, 2);
  *state = &made;
  return 0;
}

static int tear_down(void **state) {
  data *made = *state;
  hg_dataset_free(made->train);
  hg_dataset_free(made->validation);
  return 0;
}

static void an_mlp_learns(void **state) {
  data *d = *state;
  hg_network *network = make_mlp();
  hg_train_settings settings = quick_settings(8);
  hg_history history;
  hg_error error;
  assert_trains(hg_train(network, d->train, d->validation, &settings, &history, &error), error);
  assert_int_equal(history.count, 8);
  assert_true(history.epochs[7].loss < history.epochs[0].loss / 2);
  assert_true(history.epochs[7].val_accuracy > 0.9);
  assert_true(isnan(history.epochs[7].reconstruction_loss));
  assert_true(history.seconds > 0 && history.images_per_second > 0);
  hg_history_release(&history);
  hg_network_free(network);
}

static void a_cnn_with_every_loss_learns(void **state) {
  data *d = *state;
  hg_network *network = make_cnn();
  hg_train_settings settings = quick_settings(10);
  settings.corrupt.gaussian = 0.1f;
  settings.augment.shift = 0.1f;
  hg_history history;
  hg_error error;
  assert_trains(hg_train(network, d->train, d->validation, &settings, &history, &error), error);
  const hg_epoch *last = &history.epochs[history.count - 1];
  assert_true(last->val_accuracy > 0.85);
  assert_true(last->val_reconstruction_loss < history.epochs[0].val_reconstruction_loss);
  double sum = last->reconstruction_loss + last->classification_loss + 0.001 * last->center_loss;
  assert_true(fabs(sum - last->loss) < 1e-5 * last->loss);
  hg_history_release(&history);
  hg_network_free(network);
}

static void train_to_digest(hg_network *network, const data *d, const hg_train_settings *settings, char *digest) {
  hg_error error;
  assert_trains(hg_train(network, d->train, d->validation, settings, NULL, &error), error);
  assert_int_equal(hg_network_digest(network, digest, NULL), HG_OK);
  hg_network_free(network);
}

static void weights_have_the_same_bits_on_any_number_of_threads(void **state) {
  data *d = *state;
  const int threads[] = {1, 2, 3, 7};
  char digest[2][4][HG_SHA256_SIZE];
  for (int i = 0; i < 4; i++) {
    hg_train_settings settings = quick_settings(2);
    settings.threads = threads[i];
    settings.clip_norm = 1;
    settings.augment.rotate = 10;
    settings.corrupt.salt_and_pepper = 0.1f;
    train_to_digest(make_mlp(), d, &settings, digest[0][i]);
    train_to_digest(make_cnn(), d, &settings, digest[1][i]);
    assert_string_equal(digest[0][i], digest[0][0]);
    assert_string_equal(digest[1][i], digest[1][0]);
  }
}

static void weights_have_the_same_bits_on_every_instruction_set(void **state) {
  data *d = *state;
  hg_train_settings settings = quick_settings(2);
  settings.optimizer = hg_optimizer_default(HG_ADAMW);
  settings.augment.rotate = 10;
  settings.corrupt.gaussian = 0.1f;
  settings.clip_norm = 1;
  char digest[2][HG_ISAS][HG_SHA256_SIZE];
  hg_isa best = hg_isa_best();
  for (int isa = HG_ISA_GENERIC; isa <= (int)best; isa++) {
    assert_int_equal(hg_isa_set((hg_isa)isa, NULL), HG_OK);
    train_to_digest(make_mlp(), d, &settings, digest[0][isa]);
    train_to_digest(make_cnn(), d, &settings, digest[1][isa]);
    assert_string_equal(digest[0][isa], digest[0][0]);
    assert_string_equal(digest[1][isa], digest[1][0]);
  }
}

static void another_seed_gives_other_weights(void **state) {
  data *d = *state;
  char first[HG_SHA256_SIZE], second[HG_SHA256_SIZE];
  hg_train_settings settings = quick_settings(1);
  train_to_digest(make_mlp(), d, &settings, first);
  settings.seed = 2;
  train_to_digest(make_mlp(), d, &settings, second);
  assert_string_not_equal(first, second);
}

/* Allocations seen after the first step of an epoch and after its last one. */
typedef struct counts {
  int64_t first, last;
  int steps;
} counts;

static bool count_allocations(void *context, const hg_progress *progress) {
  counts *seen = context;
  if (progress->finished != NULL) return true;
  seen->steps++;
  if (progress->epoch == 2 && progress->step == 1) seen->first = hg_alloc_count();
  if (progress->epoch == 3 && progress->step == progress->steps) seen->last = hg_alloc_count();
  return true;
}

static void a_step_allocates_nothing(void **state) {
  data *d = *state;
  hg_network *network = make_cnn();
  counts seen = {0};
  hg_train_settings settings = quick_settings(3);
  settings.threads = 2;
  settings.clip_norm = 1;
  settings.progress = count_allocations;
  settings.progress_context = &seen;
  hg_error error;
  assert_trains(hg_train(network, d->train, d->validation, &settings, NULL, &error), error);
  assert_int_equal(seen.steps, 3 * 7);
  assert_int_equal(seen.first, seen.last);
  hg_network_free(network);
}

static void validation_is_what_evaluation_says(void **state) {
  data *d = *state;
  hg_network *network = make_cnn();
  hg_train_settings settings = quick_settings(2);
  settings.corrupt.masking = 0.2f;
  hg_history history;
  hg_scores scores;
  hg_error error;
  assert_trains(hg_train(network, d->train, d->validation, &settings, &history, &error), error);
  assert_trains(hg_evaluate(network, d->validation, &settings.corrupt, settings.seed, 2, &scores, &error), error);
  const hg_epoch *last = &history.epochs[1];
  assert_true(fabs(scores.loss - last->val_loss) < 1e-5 * scores.loss);
  assert_true(fabs(scores.reconstruction_loss - last->val_reconstruction_loss) < 1e-5);
  assert_true(scores.accuracy == last->val_accuracy);
  hg_history_release(&history);
  hg_network_free(network);
}

/* ---- Early stopping. */

static void shuffle_labels(hg_dataset *dataset) {
  hg_rng rng = hg_rng_at(3, HG_RNG_TEST, 0, 0);
  for (int64_t i = 0; i < dataset->count; i++) dataset->labels[i] = (int32_t)hg_rng_below(&rng, CLASSES);
}

static void early_stopping_restores_the_best_weights(void **state) {
  data *d = *state;
  hg_dataset *unlearnable = make_images(90, 3);
  shuffle_labels(unlearnable);
  hg_network *network = make_mlp();
  hg_train_settings settings = quick_settings(30);
  settings.early_stopping = (hg_early_stopping){.enabled = true, .patience = 3, .restore_best_weights = true};
  hg_history history;
  hg_error error;
  assert_trains(hg_train(network, d->train, unlearnable, &settings, &history, &error), error);
  assert_true(history.stopped_early);
  assert_int_equal(history.count, history.best_epoch + 3);
  for (int i = 0; i < history.count; i++) {
    assert_true(history.epochs[i].val_loss >= history.epochs[history.best_epoch - 1].val_loss);
  }
  hg_scores scores;
  assert_trains(hg_evaluate(network, unlearnable, NULL, 1, 1, &scores, &error), error);
  assert_true(fabs(scores.loss - history.epochs[history.best_epoch - 1].val_loss) < 1e-5 * scores.loss);
  hg_history_release(&history);
  hg_network_free(network);
  hg_dataset_free(unlearnable);
}

static void early_stopping_counts_only_gains_above_min_delta(void **state) {
  data *d = *state;
  hg_network *network = make_mlp();
  hg_train_settings settings = quick_settings(30);
  settings.early_stopping = (hg_early_stopping){.enabled = true, .patience = 2, .min_delta = 100, .restore_best_weights = true};
  hg_history history;
  hg_error error;
  assert_trains(hg_train(network, d->train, d->validation, &settings, &history, &error), error);
  assert_int_equal(history.count, 3);
  assert_int_equal(history.best_epoch, 1);
  hg_history_release(&history);
  hg_network_free(network);
}

/* The epoch that is told is the one whose weights are there, so that its figures are theirs. */
static void early_stopping_that_restores_nothing_keeps_the_last_epoch(void **state) {
  data *d = *state;
  hg_network *network = make_mlp();
  hg_train_settings settings = quick_settings(30);
  settings.early_stopping = (hg_early_stopping){.enabled = true, .patience = 2, .min_delta = 100};
  hg_history history;
  hg_scores scores;
  hg_error error;
  assert_trains(hg_train(network, d->train, d->validation, &settings, &history, &error), error);
  assert_true(history.stopped_early);
  assert_int_equal(history.best_epoch, 3);
  assert_trains(hg_evaluate(network, d->validation, NULL, 1, 1, &scores, &error), error);
  assert_true(fabs(scores.loss - history.epochs[2].val_loss) < 1e-5 * scores.loss);
  assert_true(fabs(scores.loss - history.epochs[0].val_loss) > 1e-3 * scores.loss);
  hg_history_release(&history);
  hg_network_free(network);
}

static void early_stopping_without_validation_data_is_refused(void **state) {
  data *d = *state;
  hg_network *network = make_mlp();
  hg_train_settings settings = quick_settings(2);
  settings.early_stopping.enabled = true;
  hg_error error;
  assert_int_equal(hg_train(network, d->train, NULL, &settings, NULL, &error), HG_USAGE);
  assert_non_null(strstr(error.message, "no validation data"));
  settings.early_stopping.monitor = HG_TRAIN_LOSS;
  assert_trains(hg_train(network, d->train, NULL, &settings, NULL, &error), error);
  hg_network_free(network);
}

/* ---- Divergence. */

static void divergence_in_the_first_epoch_keeps_the_initial_weights(void **state) {
  data *d = *state;
  hg_network *network = make_mlp();
  char before[HG_SHA256_SIZE], after[HG_SHA256_SIZE];
  hg_train_settings settings = quick_settings(3);
  settings.optimizer = hg_optimizer_default(HG_SGD);
  settings.optimizer.learning_rate = 1e30f;
  assert_int_equal(hg_network_initialize(network, settings.seed, NULL), HG_OK);
  assert_int_equal(hg_network_digest(network, before, NULL), HG_OK);
  hg_history history;
  hg_error error;
  assert_int_equal(hg_train(network, d->train, d->validation, &settings, &history, &error), HG_DIVERGED);
  assert_int_equal(history.count, 0);
  assert_non_null(strstr(error.message, "epoch 1, step "));
  assert_non_null(strstr(error.message, "learning rate of 1e+30"));
  assert_non_null(strstr(error.message, "initial weights are kept"));
  assert_int_equal(hg_network_digest(network, after, NULL), HG_OK);
  assert_string_equal(before, after);
  hg_history_release(&history);
  hg_network_free(network);
}

static void divergence_later_keeps_the_last_finite_epoch(void **state) {
  data *d = *state;
  char one_epoch[HG_SHA256_SIZE], kept[HG_SHA256_SIZE];
  hg_train_settings settings = quick_settings(1);
  train_to_digest(make_cnn(), d, &settings, one_epoch);
  settings.epochs = 3;
  settings.schedule.kind = HG_STEP;
  settings.schedule.every = 1;
  settings.schedule.gamma = 1e38f;
  hg_network *network = make_cnn();
  hg_history history;
  hg_error error;
  assert_int_equal(hg_train(network, d->train, d->validation, &settings, &history, &error), HG_DIVERGED);
  assert_int_equal(history.count, 1);
  assert_non_null(strstr(error.message, "the weights of epoch 1 are kept"));
  assert_int_equal(hg_network_digest(network, kept, NULL), HG_OK);
  assert_string_equal(kept, one_epoch);
  hg_history_release(&history);
  hg_network_free(network);
}

/* ---- Freezing. */

static void copy_block(hg_network *network, hg_block block, float *values) {
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    const hg_tensor *tensor = hg_network_tensor(network, i);
    if (tensor->block != block || tensor->gradient == NULL) continue;
    memcpy(values, tensor->value, (size_t)tensor->count * sizeof(float));
    values += tensor->count;
  }
}

enum { ENCODER_FLOATS = SIDE * SIDE * 16 + 16 };

static void a_block_of_learning_rate_0_stays_as_it_is(void **state) {
  data *d = *state;
  float before[ENCODER_FLOATS], after[ENCODER_FLOATS];
  hg_network *network = make_mlp();
  hg_train_settings settings = quick_settings(2);
  settings.block_learning_rate[HG_ENCODER] = 0;
  settings.optimizer.weight_decay = 0.1f;
  hg_error error;
  assert_int_equal(hg_network_initialize(network, 1, NULL), HG_OK);
  copy_block(network, HG_ENCODER, before);
  assert_trains(hg_train(network, d->train, d->validation, &settings, NULL, &error), error);
  copy_block(network, HG_ENCODER, after);
  assert_memory_equal(before, after, sizeof before);
  assert_false(hg_network_tensor(network, 0)->frozen);
  hg_network_free(network);
}

typedef struct thaw {
  hg_network *network;
  float values[4][ENCODER_FLOATS];
} thaw;

static bool note_encoder(void *context, const hg_progress *progress) {
  thaw *seen = context;
  if (progress->finished != NULL) copy_block(seen->network, HG_ENCODER, seen->values[progress->epoch]);
  return true;
}

static void the_encoder_is_unfrozen_after_the_epochs_asked_for(void **state) {
  data *d = *state;
  static thaw seen;
  seen.network = make_mlp();
  hg_train_settings settings = quick_settings(3);
  settings.unfreeze_after = 2;
  settings.progress = note_encoder;
  settings.progress_context = &seen;
  hg_error error;
  assert_int_equal(hg_network_initialize(seen.network, 1, NULL), HG_OK);
  copy_block(seen.network, HG_ENCODER, seen.values[0]);
  assert_trains(hg_train(seen.network, d->train, d->validation, &settings, NULL, &error), error);
  assert_memory_equal(seen.values[0], seen.values[2], sizeof seen.values[0]);
  assert_memory_not_equal(seen.values[0], seen.values[3], sizeof seen.values[0]);
  hg_network_free(seen.network);
}

/* ---- What is refused, and what may fail. */

static void settings_out_of_range_are_refused_by_name(void **state) {
  data *d = *state;
  hg_train_settings bad[8];
  for (int i = 0; i < 8; i++) bad[i] = quick_settings(2);
  bad[0].epochs = 0;
  bad[1].batch_size = 0;
  bad[2].optimizer.learning_rate = NAN;
  bad[3].optimizer.beta_2 = 1;
  bad[4].optimizer.nesterov = true;
  bad[5].schedule.peak = 1;
  bad[6].corrupt.masking = 1.5f;
  bad[7].clip_norm = -1;
  const char *names[] = {"epochs", "batch_size", "learning_rate", "beta_2", "nesterov", "peak", "corrupt.masking", "clip_norm"};
  for (int i = 0; i < 8; i++) {
    hg_network *network = make_mlp();
    hg_error error;
    assert_int_equal(hg_train(network, d->train, d->validation, &bad[i], NULL, &error), HG_USAGE);
    assert_string_equal(error.place, names[i]);
    hg_network_free(network);
  }
}

static void data_of_another_shape_is_refused_with_both_shapes(void **state) {
  data *d = *state;
  hg_network *network = hg_network_new((hg_shape){9, 8, 1});
  add_layer(network, HG_CLASSIFIER, dense(CLASSES, HG_LINEAR));
  hg_train_settings settings = quick_settings(1);
  hg_error error;
  assert_int_equal(hg_train(network, d->train, NULL, &settings, NULL, &error), HG_USAGE);
  assert_non_null(strstr(error.message, "8 x 8 x 1"));
  assert_non_null(strstr(error.message, "9 x 8 x 1"));
  hg_network_free(network);
}

static void every_allocation_may_fail(void **state) {
  data *d = *state;
  hg_code code = HG_NO_MEMORY;
  for (int64_t successes = 0; code != HG_OK; successes++) {
    hg_network *network = make_cnn();
    hg_train_settings settings = quick_settings(1);
    settings.threads = 2;
    settings.early_stopping.enabled = true;
    settings.checkpoint = TEST_CHECKPOINT ".memory";
    unlink(settings.checkpoint);
    hg_history history;
    hg_alloc_fail_after(successes);
    code = hg_train(network, d->train, d->validation, &settings, &history, NULL);
    hg_alloc_fail_after(-1);
    assert_true(code == HG_OK || code == HG_NO_MEMORY);
    if (code == HG_OK) hg_history_release(&history);
    hg_network_free(network);
    assert_true(successes < 2000);
  }
  unlink(TEST_CHECKPOINT ".memory");
}

int main(void) {
  hg_pool_oversubscribe(true); /* as many threads as the tests ask for, on any machine */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_mlp_learns),
      cmocka_unit_test(a_cnn_with_every_loss_learns),
      cmocka_unit_test(weights_have_the_same_bits_on_any_number_of_threads),
      cmocka_unit_test(weights_have_the_same_bits_on_every_instruction_set),
      cmocka_unit_test(another_seed_gives_other_weights),
      cmocka_unit_test(a_step_allocates_nothing),
      cmocka_unit_test(validation_is_what_evaluation_says),
      cmocka_unit_test(early_stopping_restores_the_best_weights),
      cmocka_unit_test(early_stopping_counts_only_gains_above_min_delta),
      cmocka_unit_test(early_stopping_that_restores_nothing_keeps_the_last_epoch),
      cmocka_unit_test(early_stopping_without_validation_data_is_refused),
      cmocka_unit_test(divergence_in_the_first_epoch_keeps_the_initial_weights),
      cmocka_unit_test(divergence_later_keeps_the_last_finite_epoch),
      cmocka_unit_test(a_block_of_learning_rate_0_stays_as_it_is),
      cmocka_unit_test(the_encoder_is_unfrozen_after_the_epochs_asked_for),
      cmocka_unit_test(settings_out_of_range_are_refused_by_name),
      cmocka_unit_test(data_of_another_shape_is_refused_with_both_shapes),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
