#include "learn/checkpoint.h"

#include "base/alloc.h"
#include "base/file.h"
#include "store/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file: the tensors of the network under "network.", and beside them these. */
enum { COUNTERS = 8 + HG_BLOCKS, SUMS = 8, EPOCH_FIGURES = 13, EXTRA_TENSORS = 7 };

static void counters_of(const hg_train_state *state, int64_t counters[COUNTERS]) {
  const int64_t values[8] = {state->epoch,   state->batch,          state->step,       state->samples,
                             state->correct, state->trained_images, state->best_epoch, state->waited};
  memcpy(counters, values, sizeof values);
  memcpy(counters + 8, state->optimizer.updates, sizeof state->optimizer.updates);
}

static void set_counters(hg_train_state *state, const int64_t counters[COUNTERS]) {
  state->epoch = (int)counters[0];
  state->batch = counters[1];
  state->step = counters[2];
  state->samples = counters[3];
  state->correct = counters[4];
  state->trained_images = counters[5];
  state->best_epoch = (int)counters[6];
  state->waited = (int)counters[7];
  memcpy(state->optimizer.updates, counters + 8, sizeof state->optimizer.updates);
}

static void sums_of(const hg_train_state *state, double sums[SUMS]) {
  const double values[SUMS] = {state->loss_sum, state->reconstruction_sum, state->classification_sum, state->center_sum,
                               state->seconds,  state->training_seconds,   state->epoch_seconds,      state->best_value};
  memcpy(sums, values, sizeof values);
}

static void set_sums(hg_train_state *state, const double sums[SUMS]) {
  state->loss_sum = sums[0];
  state->reconstruction_sum = sums[1];
  state->classification_sum = sums[2];
  state->center_sum = sums[3];
  state->seconds = sums[4];
  state->training_seconds = sums[5];
  state->epoch_seconds = sums[6];
  state->best_value = sums[7];
}

static void figures_of(const hg_epoch *e, double figures[EPOCH_FIGURES]) {
  const double values[EPOCH_FIGURES] = {e->epoch,
                                        e->loss,
                                        e->reconstruction_loss,
                                        e->classification_loss,
                                        e->center_loss,
                                        e->accuracy,
                                        e->val_loss,
                                        e->val_reconstruction_loss,
                                        e->val_classification_loss,
                                        e->val_center_loss,
                                        e->val_accuracy,
                                        e->learning_rate,
                                        e->seconds};
  memcpy(figures, values, sizeof values);
}

static void set_figures(hg_epoch *e, const double f[EPOCH_FIGURES]) {
  *e = (hg_epoch){(int)f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], f[10], f[11], f[12]};
}

static void add(hg_named_tensor *tensors, int *count, const char *name, hg_dtype dtype, int64_t length, const void *data) {
  hg_named_tensor *tensor = &tensors[(*count)++];
  *tensor = (hg_named_tensor){.dtype = dtype, .rank = 1, .dim = {length}, .data = data};
  snprintf(tensor->name, sizeof tensor->name, "%s", name);
}

static void network_name(const hg_tensor *tensor, char name[128]) { snprintf(name, 128, "network.%.119s", tensor->name); }

static int list_tensors(const hg_network *network, const hg_train_state *state, const int64_t *counters, const double *sums,
                        const double *figures, hg_named_tensor *tensors) {
  int count = 0;
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    const hg_tensor *tensor = hg_network_tensor((hg_network *)network, i);
    char name[128];
    network_name(tensor, name);
    add(tensors, &count, name, HG_F32, tensor->count, tensor->value);
  }
  const hg_optimizer_state *optimizer = &state->optimizer;
  add(tensors, &count, "train.counters", HG_I64, COUNTERS, counters);
  add(tensors, &count, "train.sums", HG_F64, SUMS, sums);
  add(tensors, &count, "train.history", HG_F64, (int64_t)state->epoch * EPOCH_FIGURES, figures);
  add(tensors, &count, "train.good_weights", HG_F32, state->weights_count, state->good_weights);
  if (state->best_weights != NULL) add(tensors, &count, "train.best_weights", HG_F32, state->weights_count, state->best_weights);
  if (optimizer->moment_1 != NULL) add(tensors, &count, "optimizer.moment_1", HG_F32, optimizer->count, optimizer->moment_1);
  if (optimizer->moment_2 != NULL) add(tensors, &count, "optimizer.moment_2", HG_F32, optimizer->count, optimizer->moment_2);
  return count;
}

/* ---- A checksum over all tensors, in the order of their names: a file that was written whole can still rot. */

static int by_name(const void *a, const void *b) {
  return strcmp(((const hg_named_tensor *)a)->name, ((const hg_named_tensor *)b)->name);
}

/* The digest of the digests of all tensors, which are sorted by name. */
static hg_code checksum(const hg_named_tensor *tensors, int count, char out[HG_SHA256_SIZE], hg_error *error) {
  static const size_t sizes[HG_DTYPES] = {[HG_F32] = 4, [HG_F64] = 8, [HG_I32] = 4, [HG_I64] = 8, [HG_U8] = 1};
  size_t length = (size_t)count * HG_SHA256_SIZE;
  char *digests = hg_malloc(length);
  if (digests == NULL) return hg_fail_memory(error, "checkpoint", length);
  for (int i = 0; i < count; i++) {
    size_t bytes = (size_t)hg_named_tensor_count(&tensors[i]) * sizes[tensors[i].dtype];
    hg_sha256(tensors[i].data, bytes, digests + i * HG_SHA256_SIZE);
  }
  hg_sha256(digests, length, out);
  hg_free(digests);
  return HG_OK;
}

static hg_code check_checksum(const hg_safetensors *file, const char *path, hg_error *error) {
  char expected[128] = "", found[HG_SHA256_SIZE];
  hg_safetensors_metadata(file, "sha256", expected, sizeof expected);
  hg_code code = checksum(file->tensors, file->count, found, error);
  if (code != HG_OK || strcmp(expected, found) == 0) return code;
  return hg_fail(error, HG_DATA, path, "the checkpoint is damaged: its checksum does not hold");
}

hg_code hg_checkpoint_write(const char *path, const char *identity, const hg_network *network, const hg_train_state *state,
                            hg_error *error) {
  int64_t counters[COUNTERS];
  double sums[SUMS];
  size_t most = (size_t)(hg_network_tensor_count(network) + EXTRA_TENSORS);
  hg_named_tensor *tensors = hg_calloc(most, sizeof *tensors);
  double *figures = hg_calloc((size_t)state->epoch * EPOCH_FIGURES, sizeof *figures);
  hg_code code = HG_OK;
  if (tensors == NULL || figures == NULL) {
    code = hg_fail_memory(error, path, most * sizeof *tensors);
    goto done;
  }
  counters_of(state, counters);
  sums_of(state, sums);
  for (int i = 0; i < state->epoch; i++) figures_of(&state->epochs[i], figures + i * EPOCH_FIGURES);
  int count = list_tensors(network, state, counters, sums, figures, tensors);
  qsort(tensors, (size_t)count, sizeof *tensors, by_name);
  char sum[HG_SHA256_SIZE];
  code = checksum(tensors, count, sum, error);
  if (code != HG_OK) goto done;
  const char *metadata[] = {"format", "hourglass checkpoint 1", "identity", identity, "sha256", sum, NULL};
  code = hg_safetensors_write(path, tensors, count, metadata, error);
done:
  hg_free(figures);
  hg_free(tensors);
  return code;
}

/* The tensor's data if it is there with this type and length. */
static const void *find(const hg_safetensors *file, const char *path, const char *name, hg_dtype dtype, int64_t length,
                        hg_code *code, hg_error *error) {
  const hg_named_tensor *tensor = hg_safetensors_find(file, name);
  if (tensor != NULL && tensor->dtype == dtype && hg_named_tensor_count(tensor) == length) return tensor->data;
  if (*code != HG_OK) return NULL;
  const char *cause = tensor == NULL ? "is missing" : "has another type or length than it should";
  *code = hg_fail(error, HG_DATA, path, "the checkpoint is damaged: %s %s", name, cause);
  return NULL;
}

/* What a checkpoint holds, found and checked before anything is copied. */
typedef struct contents {
  int64_t counters[COUNTERS];
  double sums[SUMS];
  const char *figures; /* bytes: the file keeps no alignment */
  const float *good_weights, *best_weights, *moment_1, *moment_2;
} contents;

static hg_code check_counters(const int64_t *counters, const hg_train_state *state, const char *path, hg_error *error) {
  bool sound = counters[0] <= state->epoch_capacity && counters[6] <= counters[0] && counters[7] <= counters[0];
  for (int i = 0; i < COUNTERS; i++) sound = sound && counters[i] >= 0;
  return sound ? HG_OK : hg_fail(error, HG_DATA, path, "the checkpoint is damaged: impossible counters");
}

static hg_code find_parts(const hg_safetensors *file, const char *path, const hg_network *network, const hg_train_state *state,
                          contents *parts, hg_error *error) {
  hg_code code = HG_OK;
  const hg_optimizer_state *optimizer = &state->optimizer;
  const void *counters = find(file, path, "train.counters", HG_I64, COUNTERS, &code, error);
  const void *sums = find(file, path, "train.sums", HG_F64, SUMS, &code, error);
  if (code != HG_OK) return code;
  memcpy(parts->counters, counters, sizeof parts->counters);
  memcpy(parts->sums, sums, sizeof parts->sums);
  code = check_counters(parts->counters, state, path, error);
  if (code != HG_OK) return code;
  parts->figures = find(file, path, "train.history", HG_F64, parts->counters[0] * EPOCH_FIGURES, &code, error);
  parts->good_weights = find(file, path, "train.good_weights", HG_F32, state->weights_count, &code, error);
  if (state->best_weights != NULL) {
    parts->best_weights = find(file, path, "train.best_weights", HG_F32, state->weights_count, &code, error);
  }
  if (optimizer->moment_1 != NULL)
    parts->moment_1 = find(file, path, "optimizer.moment_1", HG_F32, optimizer->count, &code, error);
  if (optimizer->moment_2 != NULL)
    parts->moment_2 = find(file, path, "optimizer.moment_2", HG_F32, optimizer->count, &code, error);
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    const hg_tensor *tensor = hg_network_tensor((hg_network *)network, i);
    char name[128];
    network_name(tensor, name);
    find(file, path, name, HG_F32, tensor->count, &code, error);
  }
  return code;
}

static void copy(void *to, const void *from, int64_t count) {
  if (from != NULL) memcpy(to, from, (size_t)count * sizeof(float));
}

static void take_parts(const hg_safetensors *file, const contents *parts, hg_network *network, hg_train_state *state) {
  set_counters(state, parts->counters);
  set_sums(state, parts->sums);
  for (int i = 0; i < state->epoch; i++) {
    double figures[EPOCH_FIGURES];
    memcpy(figures, parts->figures + (size_t)i * sizeof figures, sizeof figures);
    set_figures(&state->epochs[i], figures);
  }
  copy(state->good_weights, parts->good_weights, state->weights_count);
  copy(state->best_weights, parts->best_weights, state->weights_count);
  copy(state->optimizer.moment_1, parts->moment_1, state->optimizer.count);
  copy(state->optimizer.moment_2, parts->moment_2, state->optimizer.count);
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    hg_tensor *tensor = hg_network_tensor(network, i);
    char name[128];
    network_name(tensor, name);
    copy(tensor->value, hg_safetensors_find(file, name)->data, tensor->count);
  }
}

static hg_code check_identity(const hg_safetensors *file, const char *path, const char *identity, hg_error *error) {
  char found[128];
  if (!hg_safetensors_metadata(file, "identity", found, sizeof found)) {
    return hg_fail(error, HG_DATA, path, "this file is not a checkpoint of a training");
  }
  if (strcmp(found, identity) == 0) return HG_OK;
  return hg_fail(error, HG_VERIFY, path, "the checkpoint belongs to a training of other settings, data, network or version");
}

hg_code hg_checkpoint_read(const char *path, const char *identity, hg_network *network, hg_train_state *state, bool *found,
                           hg_error *error) {
  *found = hg_path_exists(path);
  if (!*found) return HG_OK;
  hg_safetensors file = {0};
  contents parts = {0};
  hg_code code = hg_safetensors_read(path, &file, error);
  if (code == HG_OK) code = check_identity(&file, path, identity, error);
  if (code == HG_OK) code = check_checksum(&file, path, error);
  if (code == HG_OK) code = find_parts(&file, path, network, state, &parts, error);
  if (code == HG_OK) take_parts(&file, &parts, network, state);
  hg_safetensors_release(&file);
  if (code == HG_DATA || code == HG_VERIFY) hg_error_add(error, path, "; delete the file to start anew");
  return code;
}
