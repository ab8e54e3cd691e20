#define _GNU_SOURCE
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "data/copies.h"
#include "learn/checkpoint.h"
#include "learn/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One call of hg_train. */
typedef struct trainer {
  hg_network *network;
  const hg_dataset *train_data, *validation_data; /* validation may be NULL */
  hg_dataset *with_copies;                        /* train_data and its augmented copies, or NULL */
  const hg_train_settings *settings;
  hg_pool *pool;
  hg_batches *train, *validation;
  int64_t per_epoch; /* batches */
  hg_train_state state;
  bool frozen_before[HG_BLOCKS]; /* as the caller left it */
  bool frozen_now[HG_BLOCKS];
  bool prepared;
  char identity[HG_SHA256_SIZE];
  double clock, last_checkpoint; /* seconds, monotonic */
  hg_error *error;
} trainer;

/* Seconds since the last lap, added to the times kept. */
static double lap(trainer *t) {
  double time = hg_seconds_now(), spent = time - t->clock;
  t->clock = time;
  t->state.seconds += spent;
  t->state.epoch_seconds += spent;
  return spent;
}

/* ---- Freezing. */

static bool is_frozen_in_epoch(const trainer *t, hg_block block) {
  bool waits = block == HG_ENCODER && t->state.epoch < t->settings->unfreeze_after;
  return t->frozen_before[block] || waits || t->settings->block_learning_rate[block] == 0;
}

/* Of a batch: there may be fewer images than batch_size. */
static int most_samples(const trainer *t) {
  int64_t most = (t->with_copies != NULL ? t->with_copies : t->train_data)->count;
  if (t->validation_data != NULL && t->validation_data->count > most) most = t->validation_data->count;
  return most < t->settings->batch_size ? (int)most : t->settings->batch_size;
}

/* Freezes what stays fixed in this epoch, and compiles the plan where that or the first use asks for it. */
static hg_code prepare_epoch(trainer *t) {
  bool changed = !t->prepared;
  for (int block = 0; block < HG_BLOCKS; block++) {
    bool frozen = is_frozen_in_epoch(t, (hg_block)block);
    changed = changed || frozen != t->frozen_now[block];
    t->frozen_now[block] = frozen;
    hg_network_freeze(t->network, (hg_block)block, frozen);
  }
  if (!changed) return HG_OK;
  t->prepared = true;
  return hg_network_prepare(t->network, most_samples(t), true, t->pool, t->error);
}

/* ---- Ways out of an epoch before its end. */

static hg_code diverge(trainer *t, const char *what, double value) {
  hg_weights_copy_in(t->network, t->state.good_weights);
  char kept[64] = "the initial weights are kept";
  if (t->state.epoch > 0) snprintf(kept, sizeof kept, "the weights of epoch %d are kept", t->state.epoch);
  double rate = (double)t->settings->optimizer.learning_rate;
  int64_t step = t->state.batch < t->per_epoch ? t->state.batch + 1 : t->per_epoch;
  return hg_fail(t->error, HG_DIVERGED, "training",
                 "%s is %g at epoch %d, step %lld; the learning rate of %g may be too high: try %g, or clip_norm; %s", what,
                 isnan(value) ? (double)NAN : value, t->state.epoch + 1, (long long)step, rate, rate / 10, kept);
}

static hg_code save(trainer *t) {
  if (t->settings->checkpoint == NULL) return HG_OK;
  hg_code code = hg_checkpoint_write(t->settings->checkpoint, t->identity, t->network, &t->state, t->error);
  t->last_checkpoint = hg_seconds_now();
  return code;
}

static hg_code interrupt(trainer *t) {
  hg_code code = save(t);
  if (code != HG_OK) return code;
  return hg_fail(t->error, HG_INTERRUPTED, "training", "stopped in epoch %d after step %lld; %s", t->state.epoch + 1,
                 (long long)t->state.batch,
                 t->settings->checkpoint == NULL ? "no checkpoint was asked for" : "the same call goes on from the checkpoint");
}

/* ---- One step. */

static double learning_rate(const trainer *t, int64_t step) {
  int64_t steps = t->settings->epochs * t->per_epoch;
  return t->settings->optimizer.learning_rate * hg_schedule_factor(&t->settings->schedule, step, steps, t->per_epoch);
}

static void count_step(hg_train_state *state, int n, const hg_step_result *result) {
  state->batch++;
  state->step++;
  state->loss_sum += n * result->loss;
  state->reconstruction_sum += n * result->reconstruction_loss;
  state->classification_sum += n * result->classification_loss;
  state->center_sum += n * result->center_loss;
  state->correct += result->correct;
  state->samples += n;
  state->trained_images += n;
}

/* Tells the caller where the training stands; false where it wants to stop. */
static bool tell(trainer *t, const hg_epoch *finished) {
  const hg_train_state *state = &t->state;
  if (t->settings->progress == NULL) return true;
  hg_progress progress = {
      .epoch = finished == NULL ? state->epoch + 1 : finished->epoch,
      .epochs = t->settings->epochs,
      .step = finished == NULL ? state->batch : t->per_epoch,
      .steps = t->per_epoch,
      .loss = finished == NULL ? state->loss_sum / (double)state->samples : finished->loss,
      .images_per_second = state->training_seconds > 0 ? (double)state->trained_images / state->training_seconds : 0,
      .finished = finished,
  };
  return t->settings->progress(t->settings->progress_context, &progress);
}

/* A checkpoint when it is time for one, and the caller's word. */
static hg_code after_step(trainer *t) {
  bool due = t->settings->checkpoint != NULL && hg_seconds_now() - t->last_checkpoint >= t->settings->checkpoint_seconds;
  hg_code code = due ? save(t) : HG_OK;
  if (code != HG_OK) return code;
  return tell(t, NULL) ? HG_OK : interrupt(t);
}

/* ---- The end of an epoch. */

static bool weights_are_finite(const trainer *t) {
  double squares = 0;
  for (int i = 0; i < hg_network_tensor_count(t->network); i++) {
    const hg_tensor *tensor = hg_network_tensor(t->network, i);
    squares += hg_sum_of_squares(t->pool, tensor->value, tensor->count);
  }
  return isfinite(squares);
}

static hg_epoch epoch_figures(const trainer *t, const hg_scores *validation) {
  const hg_train_state *state = &t->state;
  double samples = (double)state->samples;
  return (hg_epoch){
      .epoch = state->epoch + 1,
      .loss = state->loss_sum / samples,
      .reconstruction_loss = state->reconstruction_sum / samples,
      .classification_loss = state->classification_sum / samples,
      .center_loss = state->center_sum / samples,
      .accuracy = isnan(state->classification_sum) ? NAN : (double)state->correct / samples,
      .val_loss = validation->loss,
      .val_reconstruction_loss = validation->reconstruction_loss,
      .val_classification_loss = validation->classification_loss,
      .val_center_loss = validation->center_loss,
      .val_accuracy = validation->accuracy,
      .learning_rate = learning_rate(t, state->step - 1),
      .seconds = state->epoch_seconds,
  };
}

static double monitored(const hg_epoch *epoch, hg_monitor monitor) {
  switch (monitor) {
    case HG_VAL_LOSS:
      return epoch->val_loss;
    case HG_VAL_ACCURACY:
      return epoch->val_accuracy;
    case HG_TRAIN_LOSS:
      return epoch->loss;
    case HG_TRAIN_ACCURACY:
      return epoch->accuracy;
  }
  return NAN;
}

/* Early stopping's look at an epoch that has just ended. */
static void watch(trainer *t, const hg_epoch *epoch) {
  const hg_early_stopping *stopping = &t->settings->early_stopping;
  hg_train_state *state = &t->state;
  if (!stopping->enabled) return;
  double value = monitored(epoch, stopping->monitor);
  bool rises = stopping->monitor == HG_VAL_ACCURACY || stopping->monitor == HG_TRAIN_ACCURACY;
  double gain = rises ? value - state->best_value : state->best_value - value;
  if (state->best_epoch > 0 && !(gain > stopping->min_delta)) {
    state->waited++;
    return;
  }
  state->best_epoch = epoch->epoch;
  state->best_value = value;
  state->waited = 0;
  if (state->best_weights != NULL) hg_weights_copy_out(t->network, state->best_weights);
}

static bool has_stopped_early(const trainer *t) {
  const hg_early_stopping *stopping = &t->settings->early_stopping;
  return stopping->enabled && t->state.waited > 0 && t->state.waited >= stopping->patience;
}

static void start_next_epoch(hg_train_state *state) {
  state->epoch++;
  state->batch = state->samples = state->correct = 0;
  state->loss_sum = state->reconstruction_sum = state->classification_sum = state->center_sum = 0;
  state->epoch_seconds = 0;
}

static hg_code end_epoch(trainer *t) {
  hg_scores validation = {NAN, NAN, NAN, NAN, NAN};
  if (!weights_are_finite(t)) return diverge(t, "a weight", NAN);
  if (t->validation != NULL) hg_score_batches(t->network, t->validation_data, t->validation, &validation);
  if (t->validation != NULL && !isfinite(validation.loss)) return diverge(t, "the validation loss", validation.loss);
  lap(t);
  hg_epoch *finished = &t->state.epochs[t->state.epoch];
  *finished = epoch_figures(t, &validation);
  start_next_epoch(&t->state);
  watch(t, finished);
  hg_weights_copy_out(t->network, t->state.good_weights);
  hg_code code = save(t);
  if (code != HG_OK) return code;
  bool goes_on = tell(t, finished) || t->state.epoch == t->settings->epochs || has_stopped_early(t);
  return goes_on ? HG_OK : interrupt(t);
}

/* ---- The algorithm. */

/* One epoch, from wherever the state stands in it. */
static hg_code run_epoch(trainer *t) {
  hg_code code = prepare_epoch(t);
  hg_batches_seek(t->train, (uint32_t)t->state.epoch, t->state.batch);
  while (code == HG_OK && t->state.batch < t->per_epoch) {
    lap(t);
    hg_step_result result;
    const hg_batch *batch = hg_batches_next(t->train);
    double rate = learning_rate(t, t->state.step);
    hg_optimizer_train(&t->state.optimizer, t->settings, rate, t->network, t->pool, batch, (uint32_t)t->state.step, &result);
    if (!isfinite(result.loss)) return diverge(t, "the loss", result.loss);
    count_step(&t->state, batch->n, &result);
    t->state.training_seconds += lap(t);
    code = after_step(t);
  }
  return code == HG_OK ? end_epoch(t) : code;
}

static hg_code run(trainer *t) {
  hg_code code = HG_OK;
  while (code == HG_OK && t->state.epoch < t->settings->epochs && !has_stopped_early(t)) code = run_epoch(t);
  bool restores = code == HG_OK && t->state.best_weights != NULL && t->state.best_epoch > 0;
  if (restores) hg_weights_copy_in(t->network, t->state.best_weights);
  return code;
}

/* ---- Set-up and leave-taking. */

/* What the losses and early stopping want to see must be there to be seen. */
static hg_code check_figures(const trainer *t) {
  const hg_losses *losses = hg_network_losses(t->network);
  const hg_early_stopping *stopping = &t->settings->early_stopping;
  bool wants_labels = losses->classification != HG_NO_CLASSIFICATION || losses->center_weight > 0;
  bool unlabelled = t->train_data->labels == NULL || (t->validation_data != NULL && t->validation_data->labels == NULL);
  if (wants_labels && unlabelled) {
    return hg_fail(t->error, HG_USAGE, "losses", "the classification and center losses need labels, but the data set has none");
  }
  if (!stopping->enabled) return HG_OK;
  bool validates = stopping->monitor == HG_VAL_LOSS || stopping->monitor == HG_VAL_ACCURACY;
  bool counts = stopping->monitor == HG_VAL_ACCURACY || stopping->monitor == HG_TRAIN_ACCURACY;
  if (validates && t->validation_data == NULL) {
    return hg_fail(t->error, HG_USAGE, "early_stopping.monitor",
                   "it watches validation figures, but there is no validation data");
  }
  if (counts && (losses->classification == HG_NO_CLASSIFICATION || !hg_network_has(t->network, HG_CLASSIFIER))) {
    return hg_fail(t->error, HG_USAGE, "early_stopping.monitor",
                   "it watches the accuracy, but the network has no classifier with a classification loss");
  }
  return HG_OK;
}

static hg_code check(const trainer *t) {
  hg_code code = hg_train_settings_check(t->settings, t->error);
  if (code == HG_OK) code = hg_check_data_fits(t->network, t->train_data, "training data", t->error);
  if (code == HG_OK && t->validation_data != NULL) {
    code = hg_check_data_fits(t->network, t->validation_data, "validation data", t->error);
  }
  return code == HG_OK ? check_figures(t) : code;
}

/* What the training draws from: the images, or those and their copies. */
static hg_code open_training_batches(trainer *t) {
  const hg_train_settings *settings = t->settings;
  hg_batches_settings batches = {settings->seed, settings->batch_size, true, settings->augment, settings->corrupt, t->pool};
  if (settings->augment.added == 0) return hg_batches_new(t->train_data, &batches, &t->train, t->error);
  batches.augment = (hg_augmentation){0};
  hg_code code = hg_dataset_add_copies(t->train_data, &settings->augment, settings->seed, &t->with_copies, t->error);
  return code == HG_OK ? hg_batches_new(t->with_copies, &batches, &t->train, t->error) : code;
}

static hg_code open_batches(trainer *t) {
  const hg_train_settings *settings = t->settings;
  hg_code code = open_training_batches(t);
  if (code != HG_OK) return code;
  t->per_epoch = hg_batches_per_epoch(t->train);
  if (t->validation_data == NULL) return HG_OK;
  hg_batches_settings batches = {
      .seed = settings->seed, .batch_size = settings->batch_size, .corrupt = settings->corrupt, .pool = t->pool};
  return hg_batches_new(t->validation_data, &batches, &t->validation, t->error);
}

/* Goes on from the checkpoint, or writes the first one: a path that cannot be written is found before any work is done. */
static hg_code take_up_checkpoint(trainer *t) {
  const char *path = t->settings->checkpoint;
  if (path == NULL) return HG_OK;
  bool found = false;
  hg_code code = hg_train_identity(t->network, t->train_data, t->validation_data, t->settings, t->identity, t->error);
  if (code == HG_OK) code = hg_checkpoint_read(path, t->identity, t->network, &t->state, &found, t->error);
  return code == HG_OK && !found ? save(t) : code;
}

static bool is_unwhitened(hg_network *network) {
  for (int i = 0; i < hg_network_tensor_count(network); i++)
    if (hg_network_tensor(network, i)->unwhitened) return true;
  return false;
}

static hg_code set_up(trainer *t) {
  hg_code code = check(t);
  if (code != HG_OK) return code;
  if (!hg_network_initialized(t->network)) code = hg_network_initialize(t->network, t->settings->seed, t->error);
  if (code == HG_OK && is_unwhitened(t->network)) code = hg_network_whiten(t->network, t->train_data, t->error);
  for (int block = 0; block < HG_BLOCKS; block++) t->frozen_before[block] = hg_network_is_frozen(t->network, (hg_block)block);
  if (code == HG_OK) code = hg_pool_new(t->settings->threads, &t->pool, t->error);
  if (code == HG_OK) code = open_batches(t);
  if (code == HG_OK) code = hg_train_state_init(&t->state, t->network, t->settings, t->error);
  if (code == HG_OK) code = take_up_checkpoint(t);
  t->clock = t->last_checkpoint = hg_seconds_now();
  return code;
}

static void hand_over_history(trainer *t, hg_history *history) {
  hg_train_state *state = &t->state;
  if (history == NULL) return;
  history->epochs = state->epochs;
  state->epochs = NULL;
  history->count = state->epoch;
  history->best_epoch = state->best_weights != NULL ? state->best_epoch : state->epoch;
  history->stopped_early = has_stopped_early(t) && state->epoch < t->settings->epochs;
  history->seconds = state->seconds;
  history->images_per_second = state->training_seconds > 0 ? (double)state->trained_images / state->training_seconds : 0;
}

static void release(trainer *t) {
  for (int block = 0; t->prepared && block < HG_BLOCKS; block++) {
    hg_network_freeze(t->network, (hg_block)block, t->frozen_before[block]);
  }
  if (t->prepared) hg_network_prepare(t->network, 1, false, NULL, NULL); /* so that no plan is left on the pool */
  hg_train_state_release(&t->state);
  hg_batches_free(t->train);
  hg_dataset_free(t->with_copies);
  hg_batches_free(t->validation);
  hg_pool_free(t->pool);
}

hg_code hg_train(hg_network *network, const hg_dataset *train, const hg_dataset *validation, const hg_train_settings *settings,
                 hg_history *history, hg_error *error) {
  trainer t = {.network = network, .train_data = train, .validation_data = validation, .settings = settings, .error = error};
  if (history != NULL) memset(history, 0, sizeof *history);
  hg_code code = set_up(&t);
  if (code == HG_OK) code = run(&t);
  if (code == HG_OK || code == HG_DIVERGED || code == HG_INTERRUPTED) hand_over_history(&t, history);
  release(&t);
  return code;
}

void hg_history_release(hg_history *history) {
  hg_free(history->epochs);
  memset(history, 0, sizeof *history);
}
