/* Test images that the page may show: a fixed choice, and the mistakes a model was surest of. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/shape.h"
#include "eval/images.h"
#include "store/safetensors.h"
#include "study/runner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHOSEN = 24, WORST = 24, MOST = CHOSEN + WORST };

typedef struct sample_set {
  int count;
  int64_t index[MOST];
  int64_t pixels;                             /* of one image */
  uint8_t *original, *input, *reconstruction; /* (count, H, W, C) */
  int32_t labels[MOST];
  float *probabilities; /* (count, classes) */
  float *values;        /* (count, H, W, C): the input */
} sample_set;

static bool holds(const sample_set *samples, int64_t index) {
  for (int i = 0; i < samples->count; i++)
    if (samples->index[i] == index) return true;
  return false;
}

/* The same images for every model and seed on this data. */
static void choose(sample_set *samples, const hg_dataset *test, uint64_t seed) {
  hg_rng rng = hg_rng_at(seed, HG_RNG_BOOTSTRAP, 0, 0);
  int wanted = test->count < CHOSEN ? (int)test->count : CHOSEN;
  while (samples->count < wanted) {
    int64_t index = (int64_t)hg_rng_below(&rng, (uint64_t)test->count);
    if (!holds(samples, index)) samples->index[samples->count++] = index;
  }
}

/* How sure a model is of a wrong class; 0 where it is right. */
static float wrongness(const hg_test_outputs *outputs, int64_t index) {
  const float *row = outputs->probabilities + index * outputs->test->classes;
  int32_t predicted = hg_argmax(row, outputs->test->classes);
  return predicted == outputs->test->labels[index] ? 0 : row[predicted];
}

/* Keeps worst[0..*count) sorted, the surest mistake first. */
static void insert_worst(int64_t *worst, float *scores, int *count, int64_t index, float score) {
  int place = *count;
  while (place > 0 && scores[place - 1] < score) place--;
  if (place >= WORST) return;
  int last = *count < WORST ? (*count)++ : WORST - 1;
  for (int i = last; i > place; i--) {
    worst[i] = worst[i - 1];
    scores[i] = scores[i - 1];
  }
  worst[place] = index;
  scores[place] = score;
}

static void add_mistakes(sample_set *samples, const hg_test_outputs *outputs) {
  if (outputs->probabilities == NULL || outputs->test->labels == NULL) return;
  int64_t worst[WORST];
  float scores[WORST];
  int count = 0;
  for (int64_t i = 0; i < outputs->test->count; i++) {
    float score = wrongness(outputs, i);
    if (score > 0) insert_worst(worst, scores, &count, i, score);
  }
  for (int i = 0; i < count; i++)
    if (!holds(samples, worst[i])) samples->index[samples->count++] = worst[i];
}

/* ---- pixels */

static bool take_room(sample_set *samples, const hg_test_outputs *outputs) {
  size_t count = (size_t)samples->count, pixels = (size_t)samples->pixels;
  samples->original = hg_malloc(count * pixels);
  samples->input = hg_malloc(count * pixels);
  samples->reconstruction = hg_malloc(count * pixels);
  samples->values = hg_malloc(count * pixels * sizeof(float));
  samples->probabilities = hg_calloc(count * (size_t)outputs->test->classes + 1, sizeof(float));
  return samples->original != NULL && samples->input != NULL && samples->reconstruction != NULL && samples->values != NULL &&
         samples->probabilities != NULL;
}

static void release(sample_set *samples) {
  hg_free(samples->original);
  hg_free(samples->input);
  hg_free(samples->reconstruction);
  hg_free(samples->values);
  hg_free(samples->probabilities);
}

static void fill(sample_set *samples, const hg_test_outputs *outputs, const hg_corruption *corrupt, uint64_t seed) {
  const hg_dataset *test = outputs->test;
  for (int i = 0; i < samples->count; i++) {
    int64_t index = samples->index[i], at = i * samples->pixels;
    const uint8_t *image = hg_dataset_image(test, index);
    memcpy(samples->original + at, image, (size_t)samples->pixels);
    for (int64_t p = 0; p < samples->pixels; p++) samples->values[at + p] = (float)image[p] / 255.0f;
    hg_corrupt_image(corrupt, test->shape, seed, 0, index, samples->values + at);
    samples->labels[i] = test->labels == NULL ? -1 : test->labels[index];
    if (outputs->probabilities != NULL)
      memcpy(samples->probabilities + (int64_t)i * test->classes, outputs->probabilities + index * test->classes,
             (size_t)test->classes * sizeof(float));
  }
  hg_image_bytes(samples->values, samples->count * samples->pixels, samples->input);
}

static hg_code reconstruct(hg_runner *runner, sample_set *samples, hg_network *network, hg_error *error) {
  hg_code code = hg_network_prepare(network, samples->count, false, runner->pool, error);
  if (code != HG_OK) return code;
  hg_batch batch = {.n = samples->count, .input = samples->values, .index = samples->index};
  hg_step_result result;
  hg_network_forward(network, &batch, &result);
  hg_image_bytes(hg_network_reconstruction(network), samples->count * samples->pixels, samples->reconstruction);
  return HG_OK;
}

static hg_code write(const sample_set *samples, const hg_test_outputs *outputs, bool noisy, const char *folder, hg_error *error) {
  hg_shape shape = outputs->test->shape;
  hg_named_tensor tensors[6];
  int count = 0;
  hg_named_tensor images = {.dtype = HG_U8, .rank = 4, .dim = {samples->count, shape.height, shape.width, shape.channels}};
  const struct {
    const char *name;
    const uint8_t *data;
    bool there;
  } sets[] = {{"original", samples->original, true},
              {"input", samples->input, noisy},
              {"reconstruction", samples->reconstruction, outputs->mse != NULL}};
  tensors[count++] =
      (hg_named_tensor){.name = "index", .dtype = HG_I64, .rank = 1, .dim = {samples->count}, .data = samples->index};
  tensors[count++] =
      (hg_named_tensor){.name = "labels", .dtype = HG_I32, .rank = 1, .dim = {samples->count}, .data = samples->labels};
  for (int i = 0; i < 3; i++) {
    if (!sets[i].there) continue;
    tensors[count] = images;
    snprintf(tensors[count].name, sizeof tensors[count].name, "%s", sets[i].name);
    tensors[count++].data = sets[i].data;
  }
  if (outputs->probabilities != NULL)
    tensors[count++] = (hg_named_tensor){.name = "probabilities",
                                         .dtype = HG_F32,
                                         .rank = 2,
                                         .dim = {samples->count, outputs->test->classes},
                                         .data = samples->probabilities};
  char *path = hg_path_join(folder, "samples.safetensors");
  if (path == NULL) return hg_fail_memory(error, folder, 1);
  hg_code code = hg_safetensors_write(path, tensors, count, NULL, error);
  hg_free(path);
  return code;
}

hg_code hg_samples_store(hg_runner *runner, const hg_planned_run *run, const hg_test_outputs *outputs, hg_network *network,
                         const char *folder, hg_error *error) {
  static const hg_corruption none;
  const hg_model *model = &runner->study->models[run->model];
  const hg_corruption *corrupt = model->kind == HG_MODEL_NETWORK ? &model->train.corrupt : &none;
  uint64_t seed = hg_runner_test_seed(runner, run);
  hg_shape shape = outputs->test->shape;
  sample_set samples = {.pixels = hg_shape_count(shape)};
  choose(&samples, outputs->test, seed);
  add_mistakes(&samples, outputs);
  hg_code code = take_room(&samples, outputs) ? HG_OK : hg_fail_memory(error, "samples", (size_t)samples.pixels * MOST);
  if (code == HG_OK) fill(&samples, outputs, corrupt, seed);
  if (code == HG_OK && outputs->mse != NULL) code = reconstruct(runner, &samples, network, error);
  if (code == HG_OK) code = write(&samples, outputs, !hg_corruption_is_off(corrupt), folder, error);
  release(&samples);
  return code;
}
