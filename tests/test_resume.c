#include "learn/checkpoint.h"
#include "test_train_fixture.h"

typedef struct data {
  hg_dataset *train, *validation;
} data;

static int set_up(void **state) {
  static data made;
  made.train = make_images(100, 1);
  made.validation = make_images(40, 2);
  *state = &made;
  return 0;
}

static int tear_down(void **state) {
  data *made = *state;
  hg_dataset_free(made->train);
  hg_dataset_free(made->validation);
  unlink(TEST_CHECKPOINT);
  return 0;
}

/* Says stop at the n-th call, counted over one sitting. */
typedef struct stopper {
  int calls, stop_at; /* stop_at 0 = never */
} stopper;

static bool stop_at_call(void *context, const hg_progress *progress) {
  stopper *self = context;
  (void)progress;
  return ++self->calls != self->stop_at;
}

/* What a training must agree on, interrupted or not. */
typedef struct outcome {
  char digest[HG_SHA256_SIZE];
  hg_history history;
} outcome;

static void assert_same_figure(double a, double b) { assert_true(a == b || (isnan(a) && isnan(b))); }

static void assert_same_outcome(const outcome *a, const outcome *b) {
  assert_string_equal(a->digest, b->digest);
  assert_int_equal(a->history.count, b->history.count);
  assert_int_equal(a->history.best_epoch, b->history.best_epoch);
  assert_int_equal(a->history.stopped_early, b->history.stopped_early);
  for (int i = 0; i < a->history.count; i++) {
    const hg_epoch *left = &a->history.epochs[i], *right = &b->history.epochs[i];
    assert_int_equal(left->epoch, right->epoch);
    assert_same_figure(left->loss, right->loss);
    assert_same_figure(left->reconstruction_loss, right->reconstruction_loss);
    assert_same_figure(left->accuracy, right->accuracy);
    assert_same_figure(left->center_loss, right->center_loss);
    assert_same_figure(left->val_loss, right->val_loss);
    assert_same_figure(left->val_accuracy, right->val_accuracy);
    assert_same_figure(left->learning_rate, right->learning_rate);
  }
}

typedef hg_network *network_maker(void);

/* One sitting with a network of its own, as after a restart of the program. */
static hg_code sit(network_maker *make, const data *d, hg_train_settings settings, int stop_at, outcome *result) {
  stopper caller = {0, stop_at};
  settings.progress = stop_at_call;
  settings.progress_context = &caller;
  hg_network *network = make();
  hg_error error = {0};
  hg_code code = hg_train(network, d->train, d->validation, &settings, &result->history, &error);
  if (code != HG_OK && code != HG_INTERRUPTED) fail_msg("code %d, %s: %s", (int)code, error.place, error.message);
  assert_int_equal(hg_network_digest(network, result->digest, NULL), HG_OK);
  hg_network_free(network);
  return code;
}

/* Interrupts at call 1, 2, ..., goes on each time, and compares with the training that was left alone. */
static void check_every_interruption(network_maker *make, const data *d, hg_train_settings settings) {
  outcome whole, resumed;
  assert_int_equal(sit(make, d, settings, 0, &whole), HG_OK);
  settings.checkpoint = TEST_CHECKPOINT;
  hg_code code = HG_INTERRUPTED;
  for (int call = 1; code == HG_INTERRUPTED; call++) {
    unlink(TEST_CHECKPOINT);
    code = sit(make, d, settings, call, &resumed);
    if (code == HG_INTERRUPTED) {
      hg_history_release(&resumed.history);
      settings.threads = 1 + call % 3;
      assert_int_equal(sit(make, d, settings, 0, &resumed), HG_OK);
    }
    assert_same_outcome(&whole, &resumed);
    hg_history_release(&resumed.history);
  }
  hg_history_release(&whole.history);
}

static void an_mlp_with_adam_resumes_at_every_step(void **state) {
  check_every_interruption(make_mlp, *state, quick_settings(3));
}

static void momentum_and_a_schedule_resume_at_every_step(void **state) {
  hg_train_settings settings = quick_settings(3);
  settings.optimizer = hg_optimizer_default(HG_SGD);
  settings.optimizer.momentum = 0.9f;
  settings.optimizer.nesterov = true;
  settings.schedule.kind = HG_ONE_CYCLE;
  settings.schedule.warmup = 0.5f;
  settings.clip_norm = 1;
  check_every_interruption(make_mlp, *state, settings);
}

static void batch_norm_dropout_and_centers_resume_at_every_step(void **state) {
  hg_train_settings settings = quick_settings(3);
  settings.augment.rotate = 15;
  settings.corrupt.gaussian = 0.2f;
  settings.unfreeze_after = 1;
  check_every_interruption(make_cnn, *state, settings);
}

static void early_stopping_resumes_at_every_step(void **state) {
  hg_train_settings settings = quick_settings(6);
  settings.optimizer.learning_rate = 0.3f; /* too high, so that the best epoch is not the last */
  settings.early_stopping = (hg_early_stopping){.enabled = true, .patience = 2, .restore_best_weights = true};
  check_every_interruption(make_mlp, *state, settings);
}

static void a_training_interrupted_after_each_step_ends_the_same(void **state) {
  const data *d = *state;
  hg_train_settings settings = quick_settings(2);
  outcome whole, resumed;
  assert_int_equal(sit(make_cnn, d, settings, 0, &whole), HG_OK);
  settings.checkpoint = TEST_CHECKPOINT;
  unlink(TEST_CHECKPOINT);
  int sittings = 1;
  while (sit(make_cnn, d, settings, 1, &resumed) == HG_INTERRUPTED) {
    hg_history_release(&resumed.history);
    sittings++;
  }
  assert_true(sittings >= 8);
  assert_same_outcome(&whole, &resumed);
  hg_history_release(&whole.history);
  hg_history_release(&resumed.history);
}

static void a_finished_training_is_not_run_again(void **state) {
  const data *d = *state;
  hg_train_settings settings = quick_settings(2);
  settings.checkpoint = TEST_CHECKPOINT;
  unlink(TEST_CHECKPOINT);
  outcome first, second;
  assert_int_equal(sit(make_mlp, d, settings, 0, &first), HG_OK);
  assert_int_equal(sit(make_mlp, d, settings, 1, &second), HG_OK);
  assert_same_outcome(&first, &second);
  hg_history_release(&first.history);
  hg_history_release(&second.history);
}

static void an_interruption_without_a_checkpoint_keeps_what_was_learnt(void **state) {
  const data *d = *state;
  outcome stopped;
  assert_int_equal(sit(make_mlp, d, quick_settings(3), 6, &stopped), HG_INTERRUPTED);
  assert_int_equal(stopped.history.count, 1);
  hg_history_release(&stopped.history);
}

static hg_code go_on(const data *d, const hg_train_settings *settings, network_maker *make, hg_error *error) {
  hg_network *network = make();
  hg_code code = hg_train(network, d->train, d->validation, settings, NULL, error);
  hg_network_free(network);
  return code;
}

static void a_checkpoint_of_another_training_is_not_taken_up(void **state) {
  const data *d = *state;
  hg_train_settings settings = quick_settings(2), other = settings;
  settings.checkpoint = other.checkpoint = TEST_CHECKPOINT;
  other.optimizer.learning_rate = 0.02f;
  hg_error error;
  unlink(TEST_CHECKPOINT);
  assert_int_equal(go_on(d, &settings, make_mlp, &error), HG_OK);
  assert_int_equal(go_on(d, &other, make_mlp, &error), HG_VERIFY);
  assert_string_equal(error.place, TEST_CHECKPOINT);
  assert_non_null(strstr(error.message, "delete the file"));
  assert_int_equal(go_on(d, &settings, make_cnn, &error), HG_VERIFY);
  const data swapped = {d->validation, d->train};
  assert_int_equal(go_on(&swapped, &settings, make_mlp, &error), HG_VERIFY);
  settings.threads = 2;
  settings.checkpoint_seconds = 1;
  assert_int_equal(go_on(d, &settings, make_mlp, &error), HG_OK);
}

/* Cuts the checkpoint at many lengths: refused every time, never crashing. */
static void a_truncated_checkpoint_is_refused(void **state) {
  const data *d = *state;
  hg_train_settings settings = quick_settings(1);
  settings.checkpoint = TEST_CHECKPOINT;
  hg_error error;
  unlink(TEST_CHECKPOINT);
  assert_int_equal(go_on(d, &settings, make_mlp, &error), HG_OK);
  char *bytes;
  size_t count;
  assert_int_equal(hg_file_read(TEST_CHECKPOINT, 1 << 24, &bytes, &count, NULL), HG_OK);
  for (size_t length = 0; length < count; length += 1 + count / 40) {
    assert_int_equal(hg_file_write(TEST_CHECKPOINT, bytes, length, NULL), HG_OK);
    assert_int_equal(go_on(d, &settings, make_mlp, &error), HG_DATA);
  }
  hg_free(bytes);
}

static void a_flipped_bit_anywhere_in_a_checkpoint_is_noticed(void **state) {
  const data *d = *state;
  hg_train_settings settings = quick_settings(1);
  settings.checkpoint = TEST_CHECKPOINT;
  hg_error error;
  unlink(TEST_CHECKPOINT);
  assert_int_equal(go_on(d, &settings, make_mlp, &error), HG_OK);
  char *bytes;
  size_t count;
  assert_int_equal(hg_file_read(TEST_CHECKPOINT, 1 << 24, &bytes, &count, NULL), HG_OK);
  for (size_t place = 8; place < count; place += 1 + count / 60) {
    bytes[place] ^= 4;
    assert_int_equal(hg_file_write(TEST_CHECKPOINT, bytes, count, NULL), HG_OK);
    hg_code code = go_on(d, &settings, make_mlp, &error);
    bytes[place] ^= 4;
    assert_true(code == HG_DATA || code == HG_VERIFY); /* HG_VERIFY: the bit was in the identity */
  }
  hg_free(bytes);
}

static void a_checkpoint_that_cannot_be_written_is_found_before_the_first_step(void **state) {
  const data *d = *state;
  hg_train_settings settings = quick_settings(1);
  settings.checkpoint = "no/such/folder/checkpoint.safetensors";
  stopper caller = {0, 0};
  settings.progress = stop_at_call;
  settings.progress_context = &caller;
  hg_error error;
  assert_int_equal(go_on(d, &settings, make_mlp, &error), HG_FAILED);
  assert_string_equal(error.place, settings.checkpoint);
  assert_int_equal(caller.calls, 0);
}

/* A state with one counter changed; the file is otherwise sound. */
static void impossible_counters_are_refused(void **state) {
  const data *d = *state;
  hg_train_settings settings = quick_settings(1);
  hg_network *network = make_mlp();
  char identity[HG_SHA256_SIZE];
  hg_train_state kept;
  bool found;
  hg_error error;
  assert_int_equal(hg_network_initialize(network, 1, NULL), HG_OK);
  assert_int_equal(hg_train_identity(network, d->train, d->validation, &settings, identity, &error), HG_OK);
  assert_int_equal(hg_train_state_init(&kept, network, &settings, &error), HG_OK);
  kept.batch = -1;
  assert_int_equal(hg_checkpoint_write(TEST_CHECKPOINT, identity, network, &kept, &error), HG_OK);
  assert_int_equal(hg_checkpoint_read(TEST_CHECKPOINT, identity, network, &kept, &found, &error), HG_DATA);
  hg_train_state_release(&kept);
  hg_network_free(network);
}

static void divergence_after_a_resumption_keeps_the_same_state(void **state) {
  const data *d = *state;
  char kept[2][HG_SHA256_SIZE];
  for (int resumed = 0; resumed < 2; resumed++) {
    hg_train_settings settings = quick_settings(3);
    settings.schedule = (hg_schedule){.kind = HG_STEP, .every = 1, .gamma = 1e38f, .peak = 0.3f};
    settings.checkpoint = TEST_CHECKPOINT;
    unlink(TEST_CHECKPOINT);
    outcome stopped;
    if (resumed) assert_int_equal(sit(make_mlp, d, settings, 6, &stopped), HG_INTERRUPTED); /* after epoch 2's first step */
    if (resumed) hg_history_release(&stopped.history);
    hg_network *network = make_mlp();
    assert_int_equal(hg_train(network, d->train, d->validation, &settings, NULL, NULL), HG_DIVERGED);
    assert_int_equal(hg_network_digest(network, kept[resumed], NULL), HG_OK);
    hg_network_free(network);
  }
  assert_string_equal(kept[0], kept[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_mlp_with_adam_resumes_at_every_step),
      cmocka_unit_test(momentum_and_a_schedule_resume_at_every_step),
      cmocka_unit_test(batch_norm_dropout_and_centers_resume_at_every_step),
      cmocka_unit_test(early_stopping_resumes_at_every_step),
      cmocka_unit_test(a_training_interrupted_after_each_step_ends_the_same),
      cmocka_unit_test(a_finished_training_is_not_run_again),
      cmocka_unit_test(an_interruption_without_a_checkpoint_keeps_what_was_learnt),
      cmocka_unit_test(a_checkpoint_of_another_training_is_not_taken_up),
      cmocka_unit_test(a_truncated_checkpoint_is_refused),
      cmocka_unit_test(a_flipped_bit_anywhere_in_a_checkpoint_is_noticed),
      cmocka_unit_test(a_checkpoint_that_cannot_be_written_is_found_before_the_first_step),
      cmocka_unit_test(impossible_counters_are_refused),
      cmocka_unit_test(divergence_after_a_resumption_keeps_the_same_state),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
