#include "base/parallel.h"
#include "data/copies.h"
#include "learn/optimizer.h"

#include <limits.h>
#include <math.h>

hg_optimizer hg_optimizer_default(hg_optimizer_kind kind) {
  return (hg_optimizer){
      .kind = kind,
      .learning_rate = kind == HG_SGD ? 0.01f : 0.001f,
      .beta_1 = 0.9f,
      .beta_2 = 0.999f,
      .epsilon = 1e-8f,
      .weight_decay = kind == HG_ADAMW ? 0.01f : 0.0f,
  };
}

hg_train_settings hg_train_settings_default(void) {
  return (hg_train_settings){
      .seed = 1,
      .batch_size = 64,
      .epochs = 10,
      .optimizer = hg_optimizer_default(HG_ADAM),
      .schedule = {.kind = HG_CONSTANT, .gamma = 0.1f, .every = 10, .initial = 0.04f, .peak = 0.3f},
      .early_stopping = {.monitor = HG_VAL_LOSS, .patience = 10, .restore_best_weights = true},
      .block_learning_rate = {1, 1, 1},
      .bias_learning_rate = 1,
      .corrupt = {.clip = true},
      .checkpoint_seconds = 30,
  };
}

/* One setting and the range it may have; `above` and `below` leave the bound itself out. */
typedef struct bound {
  const char *name;
  double value, least, most;
  bool above, below;
} bound;

static hg_code check_bounds(const bound *bounds, int count, hg_error *error) {
  for (int i = 0; i < count; i++) {
    const bound *b = &bounds[i];
    bool low = b->above ? !(b->value > b->least) : !(b->value >= b->least);
    bool high = b->below ? !(b->value < b->most) : !(b->value <= b->most);
    if (!low && !high && isfinite(b->value)) continue;
    const char *from = b->above ? "above" : "at least", *to = b->below ? "below" : "at most";
    if (isinf(b->most)) return hg_fail(error, HG_USAGE, b->name, "%g, but it must be finite and %s %g", b->value, from, b->least);
    return hg_fail(error, HG_USAGE, b->name, "%g, but it must be %s %g and %s %g", b->value, from, b->least, to, b->most);
  }
  return HG_OK;
}

#define CHECK_BOUNDS(bounds, error) check_bounds(bounds, (int)(sizeof(bounds) / sizeof((bounds)[0])), error)

static hg_code check_optimizer(const hg_optimizer *optimizer, hg_error *error) {
  const bound bounds[] = {
      {"learning_rate", optimizer->learning_rate, 0, INFINITY, true, false},
      {"momentum", optimizer->momentum, 0, 1, false, true},
      {"beta_1", optimizer->beta_1, 0, 1, false, true},
      {"beta_2", optimizer->beta_2, 0, 1, false, true},
      {"epsilon", optimizer->epsilon, 0, INFINITY, true, false},
      {"weight_decay", optimizer->weight_decay, 0, INFINITY, false, false},
  };
  hg_code code = CHECK_BOUNDS(bounds, error);
  if (code != HG_OK) return code;
  if (optimizer->kind < HG_SGD || optimizer->kind > HG_ADAMW) {
    return hg_fail(error, HG_USAGE, "optimizer", "%d is no kind of optimizer", (int)optimizer->kind);
  }
  if (optimizer->nesterov && (optimizer->kind != HG_SGD || optimizer->momentum <= 0)) {
    return hg_fail(error, HG_USAGE, "nesterov", "nesterov needs sgd with a momentum above 0");
  }
  return HG_OK;
}

static hg_code check_schedule(const hg_schedule *schedule, int epochs, hg_error *error) {
  const bound bounds[] = {
      {"schedule", schedule->kind, HG_CONSTANT, HG_TRIANGULAR, false, false},
      {"gamma", schedule->gamma, 0, INFINITY, true, false},
      {"every", schedule->every, 1, INFINITY, false, false},
      {"initial", schedule->initial, 0, INFINITY, false, false},
      {"peak", schedule->peak, 0, 1, true, true},
      {"final", schedule->final, 0, INFINITY, false, false},
      {"warmup", schedule->warmup, 0, epochs, false, false},
  };
  return CHECK_BOUNDS(bounds, error);
}

static hg_code check_changes(const hg_augmentation *augment, const hg_corruption *corrupt, hg_error *error) {
  const bound bounds[] = {
      {"augment.rotate", augment->rotate, 0, 180, false, false},
      {"augment.shift", augment->shift, 0, 1, false, true},
      {"augment.crop", augment->crop, 0, INFINITY, false, false},
      {"augment.gaussian_noise", augment->gaussian_noise, 0, INFINITY, false, false},
      {"augment.cutout", augment->cutout, 0, INFINITY, false, false},
      {"augment.added", augment->added, 0, HG_MOST_COPIES, false, false},
      {"corrupt.salt_and_pepper", corrupt->salt_and_pepper, 0, 1, false, false},
      {"corrupt.gaussian", corrupt->gaussian, 0, INFINITY, false, false},
      {"corrupt.masking", corrupt->masking, 0, 1, false, false},
  };
  return CHECK_BOUNDS(bounds, error);
}

hg_code hg_train_settings_check(const hg_train_settings *settings, hg_error *error) {
  const hg_early_stopping *stopping = &settings->early_stopping;
  const bound bounds[] = {
      {"batch_size", settings->batch_size, 1, 1 << 24, false, false},
      {"epochs", settings->epochs, 1, 1 << 24, false, false},
      {"threads", settings->threads, 0, HG_MOST_THREADS, false, false},
      {"clip_norm", settings->clip_norm, 0, INFINITY, false, false},
      {"clip_value", settings->clip_value, 0, INFINITY, false, false},
      {"block_learning_rate.encoder", settings->block_learning_rate[HG_ENCODER], 0, INFINITY, false, false},
      {"block_learning_rate.decoder", settings->block_learning_rate[HG_DECODER], 0, INFINITY, false, false},
      {"block_learning_rate.classifier", settings->block_learning_rate[HG_CLASSIFIER], 0, INFINITY, false, false},
      {"bias_learning_rate", settings->bias_learning_rate, 0, INFINITY, true, false},
      {"unfreeze_after", settings->unfreeze_after, 0, INFINITY, false, false},
      {"checkpoint_seconds", settings->checkpoint_seconds, 0, INFINITY, false, false},
      {"early_stopping.monitor", stopping->monitor, HG_VAL_LOSS, HG_TRAIN_ACCURACY, false, false},
      {"early_stopping.patience", stopping->patience, 0, INFINITY, false, false},
      {"early_stopping.min_delta", stopping->min_delta, 0, INFINITY, false, false},
  };
  hg_code code = CHECK_BOUNDS(bounds, error);
  if (code == HG_OK) code = check_optimizer(&settings->optimizer, error);
  if (code == HG_OK) code = check_schedule(&settings->schedule, settings->epochs, error);
  if (code == HG_OK) code = check_changes(&settings->augment, &settings->corrupt, error);
  return code;
}
