#include <math.h>
#include <stddef.h>
#include <string.h>

#include "study/schema.h"

#define FIELDS(rows) .fields = rows, .count = (int)(sizeof(rows) / sizeof *(rows))

/* ---------------------------------------------------------------- optimizer */

#define ROW_LEARNING_RATE(default_text)                                                                                     \
  {                                                                                                                         \
    .key = "learning_rate", .type = HG_FIELD_FLOAT, .offset = offsetof(hg_optimizer, learning_rate), .low = 0, .high = 1e6, \
    .flags = HG_ABOVE_LOW, .fallback = default_text, .doc = "size of a step, before the schedule's factor"                  \
  }
#define ROW_WEIGHT_DECAY(default_text, meaning)                                                                           \
  {                                                                                                                       \
    .key = "weight_decay", .type = HG_FIELD_FLOAT, .offset = offsetof(hg_optimizer, weight_decay), .low = 0, .high = 1e6, \
    .fallback = default_text, .doc = meaning                                                                              \
  }

static const hg_field sgd_fields[] = {
    ROW_LEARNING_RATE("0.01"),
    {.key = "momentum",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_optimizer, momentum),
     .low = 0,
     .high = 1,
     .flags = HG_BELOW_HIGH,
     .fallback = "0",
     .doc = "share of the last step carried on"},
    {.key = "nesterov",
     .type = HG_FIELD_BOOL,
     .offset = offsetof(hg_optimizer, nesterov),
     .fallback = "false",
     .doc = "Nesterov's momentum"},
    ROW_WEIGHT_DECAY("0", "L2 penalty, added to the gradient"),
};
#define ROWS_ADAM                                                                                             \
  {.key = "beta_1",                                                                                           \
   .type = HG_FIELD_FLOAT,                                                                                    \
   .offset = offsetof(hg_optimizer, beta_1),                                                                  \
   .low = 0,                                                                                                  \
   .high = 1,                                                                                                 \
   .flags = HG_BELOW_HIGH,                                                                                    \
   .fallback = "0.9",                                                                                         \
   .doc = "decay of the mean of gradients"},                                                                  \
      {.key = "beta_2",                                                                                       \
       .type = HG_FIELD_FLOAT,                                                                                \
       .offset = offsetof(hg_optimizer, beta_2),                                                              \
       .low = 0,                                                                                              \
       .high = 1,                                                                                             \
       .flags = HG_BELOW_HIGH,                                                                                \
       .fallback = "0.999",                                                                                   \
       .doc = "decay of the mean of their squares"},                                                          \
  {                                                                                                           \
    .key = "epsilon", .type = HG_FIELD_FLOAT, .offset = offsetof(hg_optimizer, epsilon), .low = 0, .high = 1, \
    .flags = HG_ABOVE_LOW, .fallback = "1e-8", .doc = "added to the root of the squares"                      \
  }
static const hg_field adam_fields[] = {ROW_LEARNING_RATE("0.001"), ROWS_ADAM,
                                       ROW_WEIGHT_DECAY("0", "L2 penalty, added to the gradient")};
static const hg_field adamw_fields[] = {ROW_LEARNING_RATE("0.001"), ROWS_ADAM,
                                        ROW_WEIGHT_DECAY("0.01", "decoupled: weights shrink by learning_rate * weight_decay")};

static const hg_table sgd = {.name = "sgd", .shorthand = "learning_rate", FIELDS(sgd_fields)};
static const hg_table adam = {.name = "adam", .shorthand = "learning_rate", FIELDS(adam_fields)};
static const hg_table adamw = {.name = "adamw", .shorthand = "learning_rate", FIELDS(adamw_fields)};

const hg_variant hg_optimizer_variants[] = {
    {"sgd", HG_SGD, &sgd, "stochastic gradient descent, with momentum or not"},
    {"adam", HG_ADAM, &adam, "Adam, as in PyTorch"},
    {"adamw", HG_ADAMW, &adamw, "Adam with decoupled weight decay"},
};
const int hg_optimizer_variant_count = (int)(sizeof hg_optimizer_variants / sizeof *hg_optimizer_variants);

static hg_code read_optimizer(hg_reader *reader, const hg_node *node, void *target) {
  hg_optimizer *optimizer = target;
  const hg_variant *variant;
  const hg_node *body;
  hg_code code =
      hg_variant_read(reader, hg_optimizer_variants, hg_optimizer_variant_count, "an optimizer", node, &variant, &body);
  if (code != HG_OK) return code;
  *optimizer = hg_optimizer_default((hg_optimizer_kind)variant->value);
  code = hg_variant_options(reader, variant, node, body, optimizer);
  if (code == HG_OK && optimizer->nesterov && optimizer->momentum == 0) {
    return hg_reject(reader, node, "`nesterov` needs a `momentum` above 0");
  }
  return code;
}

/* ---------------------------------------------------------------- schedule */

#define ROW_WARMUP                                                                                                            \
  {                                                                                                                           \
    .key = "warmup", .type = HG_FIELD_FLOAT, .offset = offsetof(hg_schedule, warmup), .low = 0, .high = 1e6, .fallback = "0", \
    .doc = "epochs in which the rate rises evenly from 0 first"                                                               \
  }
#define ROW_FINAL                                                                                                         \
  {                                                                                                                       \
    .key = "final", .type = HG_FIELD_FLOAT, .offset = offsetof(hg_schedule, final), .low = 0, .high = 1, .fallback = "0", \
    .doc = "factor at the end"                                                                                            \
  }
#define ROWS_PEAK                                                                                                         \
  {.key = "initial",                                                                                                      \
   .type = HG_FIELD_FLOAT,                                                                                                \
   .offset = offsetof(hg_schedule, initial),                                                                              \
   .low = 0,                                                                                                              \
   .high = 1,                                                                                                             \
   .fallback = "0.04",                                                                                                    \
   .doc = "factor at the start"},                                                                                         \
  {                                                                                                                       \
    .key = "peak", .type = HG_FIELD_FLOAT, .offset = offsetof(hg_schedule, peak), .low = 0, .high = 1, .fallback = "0.3", \
    .flags = HG_ABOVE_LOW | HG_BELOW_HIGH, .doc = "share of the training after which the factor is 1"                     \
  }

static const hg_field constant_fields[] = {ROW_WARMUP};
static const hg_field step_fields[] = {
    {.key = "gamma",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_schedule, gamma),
     .low = 0,
     .high = 1,
     .flags = HG_ABOVE_LOW,
     .fallback = "0.1",
     .doc = "what the rate is multiplied by at each step down"},
    {.key = "every",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_schedule, every),
     .low = 1,
     .high = 1e6,
     .fallback = "10",
     .doc = "epochs between two steps down"},
    ROW_WARMUP,
};
static const hg_field cosine_fields[] = {ROW_FINAL, ROW_WARMUP};
static const hg_field peak_fields[] = {ROWS_PEAK, ROW_FINAL, ROW_WARMUP};

static const hg_table constant = {.name = "constant", FIELDS(constant_fields)};
static const hg_table step = {.name = "step", FIELDS(step_fields)};
static const hg_table cosine = {.name = "cosine", FIELDS(cosine_fields)};
static const hg_table one_cycle = {.name = "one_cycle", FIELDS(peak_fields)};
static const hg_table triangular = {.name = "triangular", FIELDS(peak_fields)};

const hg_variant hg_schedule_variants[] = {
    {"constant", HG_CONSTANT, &constant, "a factor of 1 throughout"},
    {"step", HG_STEP, &step, "times gamma after every so many epochs"},
    {"cosine", HG_COSINE, &cosine, "half a cosine from 1 down to `final`"},
    {"one_cycle", HG_ONE_CYCLE, &one_cycle, "evenly from `initial` up to 1, then a cosine down to `final`"},
    {"triangular", HG_TRIANGULAR, &triangular, "evenly from `initial` up to 1, then evenly down to `final`"},
};
const int hg_schedule_variant_count = (int)(sizeof hg_schedule_variants / sizeof *hg_schedule_variants);

static hg_code read_schedule(hg_reader *reader, const hg_node *node, void *target) {
  hg_schedule *schedule = target;
  const hg_variant *variant;
  const hg_node *body;
  hg_code code = hg_variant_read(reader, hg_schedule_variants, hg_schedule_variant_count, "a schedule", node, &variant, &body);
  if (code != HG_OK) return code;
  *schedule = hg_train_settings_default().schedule; /* nothing of another one that `defaults` name */
  schedule->kind = (hg_schedule_kind)variant->value;
  return hg_variant_options(reader, variant, node, body, schedule);
}

/* ---------------------------------------------------------------- early stopping, factors, the whole */

static const char *monitor_name(int value) {
  static const char *const names[] = {
      [HG_VAL_LOSS] = "val_loss", [HG_VAL_ACCURACY] = "val_accuracy", [HG_TRAIN_LOSS] = "loss", [HG_TRAIN_ACCURACY] = "accuracy"};
  return value < (int)(sizeof names / sizeof *names) ? names[value] : NULL;
}

static const hg_field early_stopping_fields[] = {
    {.key = "monitor",
     .type = HG_FIELD_CHOICE,
     .offset = offsetof(hg_early_stopping, monitor),
     .fallback = "val_loss",
     .choices = monitor_name,
     .doc = "the figure that is watched"},
    {.key = "patience",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_early_stopping, patience),
     .low = 1,
     .high = 1e6,
     .fallback = "10",
     .doc = "epochs without improvement after which training stops"},
    {.key = "min_delta",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_early_stopping, min_delta),
     .low = 0,
     .high = 1e6,
     .fallback = "0",
     .doc = "least change that counts as an improvement"},
    {.key = "restore_best_weights",
     .type = HG_FIELD_BOOL,
     .offset = offsetof(hg_early_stopping, restore_best_weights),
     .fallback = "true",
     .doc = "whether the weights of the best epoch are kept, not the last"},
};
const hg_table hg_early_stopping_table = {.name = "early_stopping", .shorthand = "patience", FIELDS(early_stopping_fields)};

static hg_code read_early_stopping(hg_reader *reader, const hg_node *node, void *target) {
  hg_early_stopping *settings = target;
  settings->enabled = !hg_value_is_off(node) && !hg_node_is_empty(node);
  if (!settings->enabled) return HG_OK; /* takes back what `defaults` say */
  return hg_table_read(reader, &hg_early_stopping_table, node, settings);
}

static const hg_field factor_fields[] = {
    {.key = "encoder",
     .type = HG_FIELD_FLOAT,
     .offset = HG_ENCODER * sizeof(float),
     .low = 0,
     .high = 1e6,
     .fallback = "1",
     .doc = "for the encoder's weights; 0 freezes them"},
    {.key = "decoder",
     .type = HG_FIELD_FLOAT,
     .offset = HG_DECODER * sizeof(float),
     .low = 0,
     .high = 1e6,
     .fallback = "1",
     .doc = "for the decoder's"},
    {.key = "classifier",
     .type = HG_FIELD_FLOAT,
     .offset = HG_CLASSIFIER * sizeof(float),
     .low = 0,
     .high = 1e6,
     .fallback = "1",
     .doc = "for the classifier's"},
    {.key = "biases",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_train_settings, bias_learning_rate) - offsetof(hg_train_settings, block_learning_rate),
     .low = 0,
     .high = 1e6,
     .flags = HG_ABOVE_LOW,
     .fallback = "1",
     .doc = "a further factor for biases and the shifts of norms; the weight decay of these is divided by it"},
};
static const hg_table learning_rate_factors = {.name = "learning_rate_factors", FIELDS(factor_fields)};

static const hg_field train_fields[] = {
    {.key = "batch_size",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_train_settings, batch_size),
     .low = 1,
     .high = 1e6,
     .fallback = "64",
     .doc = "images a step; the last batch of an epoch may be smaller"},
    {.key = "epochs",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_train_settings, epochs),
     .low = 1,
     .high = 1e6,
     .fallback = "10",
     .doc = "times through the training set"},
    {.key = "optimizer",
     .type = HG_FIELD_READ,
     .offset = offsetof(hg_train_settings, optimizer),
     .read = read_optimizer,
     .type_doc = "[optimizer](#optimizers)",
     .fallback = "adam",
     .doc = "how gradients move the weights"},
    {.key = "schedule",
     .type = HG_FIELD_READ,
     .offset = offsetof(hg_train_settings, schedule),
     .read = read_schedule,
     .type_doc = "[schedule](#schedules)",
     .fallback = "constant",
     .doc = "how the learning rate changes, step by step"},
    {.key = "early_stopping",
     .type = HG_FIELD_READ,
     .offset = offsetof(hg_train_settings, early_stopping),
     .read = read_early_stopping,
     .table = &hg_early_stopping_table,
     .type_doc = "mapping, the patience, or off",
     .fallback = "off",
     .doc = "stops when a figure no longer improves"},
    {.key = "clip_norm",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_train_settings, clip_norm),
     .low = 0,
     .high = 1e6,
     .flags = HG_ABOVE_LOW | HG_OR_OFF,
     .fallback = "off",
     .doc = "the gradients' common norm is cut to this"},
    {.key = "clip_value",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_train_settings, clip_value),
     .low = 0,
     .high = 1e6,
     .flags = HG_ABOVE_LOW | HG_OR_OFF,
     .fallback = "off",
     .doc = "every gradient is cut to [-v, v]"},
    {.key = "learning_rate_factors",
     .type = HG_FIELD_TABLE,
     .offset = offsetof(hg_train_settings, block_learning_rate),
     .table = &learning_rate_factors,
     .fallback = "1 for each",
     .doc = "the learning rate of each block and of biases, as a factor"},
};
#define RATE "the rate belongs to the optimizer", "optimizer: {adam: {learning_rate: *}}"
static const hg_stray train_strays[] = {
    {"learning_rate", RATE},
    {"lr", RATE},
    {"momentum", "the momentum belongs to the optimizer", "optimizer: {sgd: {momentum: *}}"},
    {"weight_decay", "the weight decay belongs to the optimizer", "optimizer: {adamw: {weight_decay: *}}"},
    {NULL, NULL, NULL},
};
const hg_table hg_train_table = {.name = "train", FIELDS(train_fields), .strays = train_strays};
