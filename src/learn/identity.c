#include "base/alloc.h"
#include "base/file.h"
#include "learn/checkpoint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The text whose digest is the identity; `full` once memory ran out. */
typedef struct builder {
  char *bytes;
  size_t length, capacity;
  bool full;
} builder;

__attribute__((format(printf, 2, 3))) static void append(builder *text, const char *format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  int written = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  size_t length = written < 0 ? 0 : (size_t)written < sizeof line ? (size_t)written : sizeof line - 1;
  if (!hg_grow(&text->bytes, &text->capacity, text->length + length + 1, 1)) {
    text->full = true;
    return;
  }
  memcpy(text->bytes + text->length, line, length + 1);
  text->length += length;
}

static void append_optimizer(builder *text, const hg_optimizer *o, const hg_schedule *s) {
  append(text, "optimizer %d %a %a %d %a %a %a %a\n", (int)o->kind, (double)o->learning_rate, (double)o->momentum, o->nesterov,
         (double)o->beta_1, (double)o->beta_2, (double)o->epsilon, (double)o->weight_decay);
  append(text, "schedule %d %a %d %a %a %a %a\n", (int)s->kind, (double)s->gamma, s->every, (double)s->initial, (double)s->peak,
         (double)s->final, (double)s->warmup);
}

static void append_changes(builder *text, const hg_augmentation *a, const hg_corruption *c) {
  append(text, "augment %a %a %d %d %a %d %d\n", (double)a->rotate, (double)a->shift, a->flip, a->crop, (double)a->gaussian_noise,
         a->cutout, a->added);
  append(text, "corrupt %a %a %d %a\n", (double)c->salt_and_pepper, (double)c->gaussian, c->clip, (double)c->masking);
}

static void append_settings(builder *text, const hg_train_settings *settings) {
  const hg_early_stopping *stopping = &settings->early_stopping;
  append(text, "train %llu %d %d\n", (unsigned long long)settings->seed, settings->batch_size, settings->epochs);
  append_optimizer(text, &settings->optimizer, &settings->schedule);
  append(text, "early_stopping %d %d %d %a %d\n", stopping->enabled, (int)stopping->monitor, stopping->patience,
         (double)stopping->min_delta, stopping->restore_best_weights);
  append(text, "clip %a %a\n", (double)settings->clip_norm, (double)settings->clip_value);
  for (int block = 0; block < HG_BLOCKS; block++) append(text, "rate %a\n", (double)settings->block_learning_rate[block]);
  /* Not said where it is 1, so that checkpoints from before there was such a factor go on. */
  if (settings->bias_learning_rate != 1) append(text, "bias rate %a\n", (double)settings->bias_learning_rate);
  append(text, "unfreeze %d\n", settings->unfreeze_after);
  append_changes(text, &settings->augment, &settings->corrupt);
}

static void append_layer(builder *text, const hg_layer_info *info) {
  const hg_layer *l = &info->layer;
  append(text, "layer %d %d %s %d %d %d %d %d %d %d %d %d", (int)info->block, (int)l->kind, l->name, l->units, l->filters,
         l->kernel_size[0], l->kernel_size[1], l->strides[0], l->strides[1], (int)l->padding, l->size[0], l->size[1]);
  append(text, " %d %d %d %a %a %a %d %a %d %d %d\n", l->shape.height, l->shape.width, l->shape.channels, (double)l->rate,
         (double)l->momentum, (double)l->epsilon, (int)l->activation, (double)l->negative_slope, l->use_bias,
         (int)l->kernel_initializer, (int)l->bias_initializer);
}

static void append_network(builder *text, const hg_network *network) {
  const hg_losses *losses = hg_network_losses(network);
  append(text, "engine %d\n", (int)hg_network_engine(network));
  append(text, "losses %d %a %d %a %a %a %a\n", (int)losses->reconstruction, (double)losses->reconstruction_weight,
         (int)losses->classification, (double)losses->classification_weight, (double)losses->label_smoothing,
         (double)losses->center_weight, (double)losses->center_rate);
  for (int i = 0; i < hg_network_layer_count(network); i++) {
    hg_layer_info info;
    hg_network_layer_info(network, i, &info);
    append_layer(text, &info);
  }
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    const hg_tensor *tensor = hg_network_tensor((hg_network *)network, i);
    const int *dim = tensor->parameter.dim;
    append(text, "tensor %s %d %d %d %d %d\n", tensor->name, dim[0], dim[1], dim[2], dim[3], tensor->frozen);
  }
}

static void append_data(builder *text, const char *part, const hg_dataset *dataset) {
  char digest[HG_SHA256_SIZE] = "none";
  if (dataset != NULL) hg_dataset_digest(dataset, digest);
  append(text, "data %s %s\n", part, digest);
}

hg_code hg_train_identity(const hg_network *network, const hg_dataset *train, const hg_dataset *validation,
                          const hg_train_settings *settings, char identity[65], hg_error *error) {
  builder text = {0};
  append(&text, "hourglass %s\n", HG_VERSION);
  append_settings(&text, settings);
  append_network(&text, network);
  append_data(&text, "train", train);
  append_data(&text, "validation", validation);
  if (!text.full) hg_sha256(text.bytes, text.length, identity);
  hg_free(text.bytes);
  return text.full ? hg_fail_memory(error, "checkpoint", text.length) : HG_OK;
}
