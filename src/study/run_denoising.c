/* How well a network takes noise away, at several levels, beside a median filter. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/shape.h"
#include "eval/images.h"
#include "eval/metrics.h"
#include "study/analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Levels in all; images in one batch; images of validation that choose the filter; images shown. */
enum { LEVELS = 6, BATCH = 256, JUDGES = 2000, SHOWN = 8 };
enum { NOISY, MODEL, MEDIAN_3, MEDIAN_5, METHODS };

/* The one kind of corruption the network was trained against. */
typedef struct noise {
  const char *name;
  int count;
  float levels[LEVELS]; /* rising */
  float own;            /* the level of the training */
  hg_corruption base;   /* clip kept */
} noise;

static float *level_of(hg_corruption *corruption, const char *name) {
  if (strcmp(name, "salt_and_pepper") == 0) return &corruption->salt_and_pepper;
  return strcmp(name, "gaussian") == 0 ? &corruption->gaussian : &corruption->masking;
}

static hg_corruption at_level(const noise *n, float level) {
  hg_corruption made = n->base;
  *level_of(&made, n->name) = level;
  return made;
}

static void insert_level(noise *n, float level) {
  int place = n->count;
  for (int i = 0; i < n->count; i++)
    if (n->levels[i] == level) return;
  for (; place > 0 && n->levels[place - 1] > level; place--) n->levels[place] = n->levels[place - 1];
  n->levels[place] = level;
  n->count++;
}

/* False where there is none, or more than one kind. */
static bool find_noise(const hg_model *model, noise *n) {
  static const struct {
    const char *name;
    float levels[LEVELS - 1];
  } kinds[] = {{"salt_and_pepper", {0.05f, 0.1f, 0.25f, 0.5f}},
               {"gaussian", {0.25f, 0.5f, 0.75f, 1}},
               {"masking", {0.1f, 0.25f, 0.5f, 0.75f}}};
  int found = 0;
  hg_corruption corrupt = model->train.corrupt;
  for (int k = 0; k < 3; k++) {
    float own = *level_of(&corrupt, kinds[k].name);
    if (!(own > 0)) continue;
    found++;
    *n = (noise){.name = kinds[k].name, .own = own, .base = {.clip = corrupt.clip}};
    for (int i = 0; i < LEVELS - 1; i++)
      if (kinds[k].levels[i] > 0) insert_level(n, kinds[k].levels[i]);
    insert_level(n, own);
  }
  return found == 1;
}

/* ---------------------------------------------------------------- one level */

/* Scores of every image by every method. */
typedef struct level_scores {
  int64_t images;
  float *mse[METHODS], *psnr[METHODS], *ssim[METHODS]; /* (images); NULL: not wanted */
} level_scores;

static void release_scores(level_scores *scores) {
  for (int m = 0; m < METHODS; m++) {
    hg_free(scores->mse[m]);
    hg_free(scores->psnr[m]);
    hg_free(scores->ssim[m]);
  }
}

static hg_code take_scores(int64_t images, bool whole, level_scores *scores, hg_error *error) {
  *scores = (level_scores){.images = images};
  bool taken = true;
  for (int m = whole ? 0 : MEDIAN_3; m < METHODS; m++) {
    scores->mse[m] = hg_malloc((size_t)images * sizeof(float));
    scores->psnr[m] = hg_malloc((size_t)images * sizeof(float));
    scores->ssim[m] = hg_malloc((size_t)images * sizeof(float));
    taken = taken && scores->mse[m] != NULL && scores->psnr[m] != NULL && scores->ssim[m] != NULL;
  }
  if (taken) return HG_OK;
  release_scores(scores);
  return hg_fail_memory(error, "denoising", (size_t)images * sizeof(float));
}

typedef struct denoising_task {
  hg_shape shape;
  const float *clean, *noisy, *denoised; /* (n, H, W, C); denoised may be NULL */
  float *filtered;                       /* (threads, H, W, C) */
  level_scores *scores;
  int64_t first; /* image of the batch's first */
} denoising_task;

static void score_image(const denoising_task *t, int method, int64_t image, const float *got, const float *clean) {
  double mse = hg_image_mse(got, clean, hg_shape_count(t->shape));
  t->scores->mse[method][image] = (float)mse;
  t->scores->psnr[method][image] = (float)hg_image_psnr_for_mean(mse);
  t->scores->ssim[method][image] = (float)hg_image_ssim(got, clean, t->shape);
}

static void denoise_image(void *context, int64_t index, int worker) {
  const denoising_task *t = context;
  int64_t pixels = hg_shape_count(t->shape), image = t->first + index;
  const float *clean = t->clean + index * pixels, *noisy = t->noisy + index * pixels;
  float *filtered = t->filtered + worker * pixels;
  if (t->denoised != NULL) {
    score_image(t, NOISY, image, noisy, clean);
    score_image(t, MODEL, image, t->denoised + index * pixels, clean);
  }
  for (int method = MEDIAN_3; method <= MEDIAN_5; method++) {
    hg_image_median(noisy, t->shape, method == MEDIAN_3 ? 3 : 5, filtered);
    score_image(t, method, image, filtered, clean);
  }
}

/* network: NULL for the filters alone. At most `most` images. */
static hg_code score_level(hg_runner *runner, hg_network *network, const hg_dataset *images, const hg_corruption *corrupt,
                           uint64_t seed, level_scores *scores, hg_error *error) {
  hg_batches_settings settings = {.seed = seed, .batch_size = BATCH, .corrupt = *corrupt};
  hg_batches *batches = NULL;
  int64_t pixels = hg_shape_count(images->shape);
  float *filtered = hg_malloc((size_t)hg_pool_threads(runner->pool) * (size_t)pixels * sizeof *filtered);
  hg_code code = filtered == NULL ? hg_fail_memory(error, "denoising", (size_t)pixels * sizeof *filtered)
                                  : hg_batches_new(images, &settings, &batches, error);
  const hg_batch *batch;
  denoising_task task = {.shape = images->shape, .filtered = filtered, .scores = scores};
  while (code == HG_OK && task.first < scores->images && (batch = hg_batches_next(batches)) != NULL) {
    task.clean = batch->target;
    task.noisy = batch->input;
    if (network != NULL) {
      hg_step_result result;
      hg_network_forward(network, batch, &result);
      task.denoised = hg_network_reconstruction(network);
    }
    int64_t left = scores->images - task.first, count = batch->n < left ? batch->n : left;
    hg_parallel_for(runner->pool, count, denoise_image, &task);
    task.first += count;
  }
  hg_batches_free(batches);
  hg_free(filtered);
  return code;
}

/* MEDIAN_3 or MEDIAN_5: the lower mean squared error on images kept from the test. */
static hg_code choose_filter(hg_runner *runner, const hg_data *data, const hg_corruption *corrupt, uint64_t seed, int *method,
                             hg_error *error) {
  const hg_dataset *judges = data->validation != NULL ? data->validation : data->train;
  level_scores scores;
  hg_code code = take_scores(judges->count < JUDGES ? judges->count : JUDGES, false, &scores, error);
  if (code != HG_OK) return code;
  code = score_level(runner, NULL, judges, corrupt, seed, &scores, error);
  *method = hg_mean(scores.mse[MEDIAN_5], scores.images) < hg_mean(scores.mse[MEDIAN_3], scores.images) ? MEDIAN_5 : MEDIAN_3;
  release_scores(&scores);
  return code;
}

/* ---------------------------------------------------------------- all levels */

typedef struct denoising {
  noise noise;
  const hg_dataset *test;
  int64_t index[SHOWN];
  int shown;
  uint8_t *original, *noisy, *denoised, *median; /* (shown, H, W, C), then (levels, shown, H, W, C) */
  float *model_mse, *median_mse;                 /* (levels, N) */
  hg_denoising_row rows[LEVELS * (METHODS + 1)];
  int row_count;
} denoising;

static void release(denoising *d) {
  hg_free(d->original);
  hg_free(d->noisy);
  hg_free(d->denoised);
  hg_free(d->median);
  hg_free(d->model_mse);
  hg_free(d->median_mse);
}

static void choose_shown(denoising *d, uint64_t seed) {
  hg_rng rng = hg_rng_at(seed, HG_RNG_BOOTSTRAP, 0, 0); /* the first of those that samples.safetensors shows */
  int wanted = d->test->count < SHOWN ? (int)d->test->count : SHOWN;
  while (d->shown < wanted) {
    int64_t index = (int64_t)hg_rng_below(&rng, (uint64_t)d->test->count);
    bool there = false;
    for (int i = 0; i < d->shown; i++) there = there || d->index[i] == index;
    if (!there) d->index[d->shown++] = index;
  }
}

static hg_code take_room(denoising *d, hg_error *error) {
  size_t shown = (size_t)d->shown * (size_t)hg_shape_count(d->test->shape), levels = (size_t)d->noise.count;
  size_t floats = levels * (size_t)d->test->count * sizeof(float);
  d->original = hg_malloc(shown);
  d->noisy = hg_malloc(levels * shown);
  d->denoised = hg_malloc(levels * shown);
  d->median = hg_malloc(levels * shown);
  d->model_mse = hg_malloc(floats);
  d->median_mse = hg_malloc(floats);
  bool whole = d->original != NULL && d->noisy != NULL && d->denoised != NULL && d->median != NULL && d->model_mse != NULL &&
               d->median_mse != NULL;
  return whole ? HG_OK : hg_fail_memory(error, "denoising", floats);
}

/* The shown images at one level, by all methods. */
static hg_code show_level(denoising *d, hg_network *network, const hg_corruption *corrupt, uint64_t seed, int level, int filter,
                          hg_error *error) {
  int64_t pixels = hg_shape_count(d->test->shape), all = d->shown * pixels, at = level * all;
  float *values = hg_malloc((size_t)all * 2 * sizeof *values), *filtered = values + all;
  if (values == NULL) return hg_fail_memory(error, "denoising", (size_t)all * 2 * sizeof *values);
  for (int i = 0; i < d->shown; i++) {
    const uint8_t *image = hg_dataset_image(d->test, d->index[i]);
    float *out = values + i * pixels;
    memcpy(d->original + i * pixels, image, (size_t)pixels);
    for (int64_t p = 0; p < pixels; p++) out[p] = (float)image[p] / 255.0f;
    hg_corrupt_image(corrupt, d->test->shape, seed, 0, d->index[i], out);
    hg_image_median(out, d->test->shape, filter == MEDIAN_3 ? 3 : 5, filtered + i * pixels);
  }
  hg_batch batch = {.n = d->shown, .input = values, .index = d->index};
  hg_step_result result;
  hg_network_forward(network, &batch, &result);
  hg_image_bytes(values, all, d->noisy + at);
  hg_image_bytes(filtered, all, d->median + at);
  hg_image_bytes(hg_network_reconstruction(network), all, d->denoised + at);
  hg_free(values);
  return HG_OK;
}

static void add_rows(denoising *d, int level, const level_scores *scores, int filter) {
  static const char *const names[METHODS + 1] = {"noisy", "model", "median_3", "median_5", "median"};
  for (int m = 0; m <= METHODS; m++) {
    int method = m == METHODS ? filter : m;
    hg_denoising_row *row = &d->rows[d->row_count++];
    *row = (hg_denoising_row){.level = round((double)d->noise.levels[level] * 1e6) / 1e6,
                              .mse = hg_mean(scores->mse[method], scores->images),
                              .psnr = hg_mean(scores->psnr[method], scores->images),
                              .ssim = hg_mean(scores->ssim[method], scores->images)};
    snprintf(row->corruption, sizeof row->corruption, "%s", d->noise.name);
    snprintf(row->method, sizeof row->method, "%s", names[m]);
  }
}

static hg_code measure_level(hg_runner *runner, denoising *d, const hg_data *data, hg_network *network, uint64_t seed, int level,
                             hg_error *error) {
  hg_corruption corrupt = at_level(&d->noise, d->noise.levels[level]);
  level_scores scores;
  int filter = MEDIAN_3;
  hg_code code = choose_filter(runner, data, &corrupt, seed, &filter, error);
  if (code == HG_OK) code = take_scores(d->test->count, true, &scores, error);
  if (code != HG_OK) return code;
  code = score_level(runner, network, d->test, &corrupt, seed, &scores, error);
  if (code == HG_OK) {
    size_t bytes = (size_t)d->test->count * sizeof(float);
    add_rows(d, level, &scores, filter);
    memcpy(d->model_mse + level * d->test->count, scores.mse[MODEL], bytes);
    memcpy(d->median_mse + level * d->test->count, scores.mse[filter], bytes);
    code = show_level(d, network, &corrupt, seed, level, filter, error);
  }
  release_scores(&scores);
  return code;
}

static hg_code write_denoising(const denoising *d, const char *path, hg_error *error) {
  char own[32];
  snprintf(own, sizeof own, "%g", (double)d->noise.own);
  const char *const remarks[] = {"corruption", d->noise.name, "own", own, NULL};
  hg_shape shape = d->test->shape;
  int64_t levels = d->noise.count, shown = d->shown, count = d->test->count;
  hg_named_tensor images = {.dtype = HG_U8, .rank = 4, .dim = {levels * shown, shape.height, shape.width, shape.channels}};
  hg_named_tensor tensors[] = {{.name = "index", .dtype = HG_I64, .rank = 1, .dim = {shown}, .data = d->index},
                               {.name = "levels", .dtype = HG_F32, .rank = 1, .dim = {levels}, .data = d->noise.levels},
                               {.name = "model_mse", .dtype = HG_F32, .rank = 2, .dim = {levels, count}, .data = d->model_mse},
                               {.name = "median_mse", .dtype = HG_F32, .rank = 2, .dim = {levels, count}, .data = d->median_mse},
                               images,
                               images,
                               images,
                               images};
  static const char *const names[] = {"original", "noisy", "denoised", "median"};
  const uint8_t *const pixels[] = {d->original, d->noisy, d->denoised, d->median};
  for (int i = 0; i < 4; i++) {
    snprintf(tensors[4 + i].name, sizeof tensors[4 + i].name, "%s", names[i]);
    tensors[4 + i].data = pixels[i];
  }
  tensors[4].dim[0] = shown;
  return hg_safetensors_write(path, tensors, 8, remarks, error);
}

static hg_code measure(hg_runner *runner, const hg_planned_run *run, denoising *d, hg_error *error) {
  const hg_model *model = &runner->study->models[run->model];
  const hg_data *data = &runner->data[model->data];
  uint64_t seed = hg_runner_test_seed(runner, run);
  hg_network *network = NULL;
  d->test = data->test;
  choose_shown(d, seed);
  hg_code code = take_room(d, error);
  if (code == HG_OK) code = hg_runner_trained(runner, run, &network, error);
  if (code == HG_OK) code = hg_network_prepare(network, BATCH, false, runner->pool, error);
  for (int level = 0; code == HG_OK && level < d->noise.count; level++) {
    if (hg_runner_stopped(runner)) code = hg_fail(error, HG_INTERRUPTED, model->name, "stopped");
    if (code == HG_OK) code = measure_level(runner, d, data, network, seed, level, error);
  }
  hg_network_free(network);
  return code;
}

hg_code hg_runner_measure_denoising(hg_runner *runner, const hg_planned_run *run, hg_error *error) {
  const hg_model *model = &runner->study->models[run->model];
  char *path = NULL;
  denoising d = {0};
  if (model->blocks[HG_DECODER].line == 0 || !find_noise(model, &d.noise)) return HG_OK;
  hg_code code = hg_store_run_file(runner->store, &run->record, "denoising.safetensors", &path, error);
  if (code == HG_OK && !hg_safetensors_is_sound(path)) {
    code = measure(runner, run, &d, error);
    if (code == HG_OK) code = hg_store_put_denoising(runner->store, run->record.id, d.rows, d.row_count, error);
    if (code == HG_OK) code = write_denoising(&d, path, error); /* last: it says that all is there */
  }
  release(&d);
  hg_free(path);
  return code;
}
