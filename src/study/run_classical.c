/* One run of a classical method: features, fit, predictions. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/shape.h"
#include "data/splits.h"
#include "eval/metrics.h"
#include "study/runner.h"

#include <math.h>
#include <string.h>

enum { CODE_BATCH = 256 };

typedef struct feature_set {
  float *values; /* (count, width) */
  int64_t count;
  int width;
} feature_set;

static hg_code take_room(const hg_dataset *dataset, hg_shape shape, feature_set *made, hg_error *error) {
  made->width = (int)hg_shape_count(shape);
  made->count = dataset->count;
  size_t floats = (size_t)made->count * (size_t)made->width;
  made->values = hg_malloc(floats * sizeof(float));
  return made->values == NULL ? hg_fail_memory(error, "features", floats * sizeof(float)) : HG_OK;
}

static hg_code from_pixels(const hg_dataset *dataset, feature_set *made, hg_error *error) {
  hg_code code = take_room(dataset, dataset->shape, made, error);
  if (code != HG_OK) return code;
  float *values = made->values;
  for (int64_t i = 0; i < made->count; i++, values += made->width) {
    const uint8_t *image = hg_dataset_image(dataset, i);
    for (int p = 0; p < made->width; p++) values[p] = (float)image[p] / 255.0f;
  }
  return HG_OK;
}

/* Codes of clean images. */
static hg_code from_codes(hg_runner *runner, hg_network *network, const hg_dataset *dataset, feature_set *made, hg_error *error) {
  hg_batches_settings settings = {.seed = 1, .batch_size = CODE_BATCH};
  hg_batches *batches = NULL;
  hg_code code = take_room(dataset, hg_network_block_output(network, HG_ENCODER), made, error);
  if (code == HG_OK) code = hg_network_prepare(network, CODE_BATCH, false, runner->pool, error);
  if (code == HG_OK) code = hg_batches_new(dataset, &settings, &batches, error);
  if (code != HG_OK) return code;
  hg_batches_seek(batches, 0, 0);
  const hg_batch *batch;
  float *out = made->values;
  while ((batch = hg_batches_next(batches)) != NULL) {
    hg_batch inputs = {.n = batch->n, .input = batch->input, .index = batch->index};
    hg_step_result result;
    hg_network_forward(network, &inputs, &result);
    size_t floats = (size_t)batch->n * (size_t)made->width;
    memcpy(out, hg_network_code(network), floats * sizeof(float));
    out += floats;
  }
  hg_batches_free(batches);
  return HG_OK;
}

/* Features that take long come first and count as a half of the work. */
typedef struct stage {
  hg_runner *runner;
  double from, share;
} stage;

static bool on_progress(void *context, double fraction) {
  const stage *now = context;
  hg_runner_event(now->runner, HG_RUN_PROGRESS, NULL, now->from + now->share * fraction, NULL);
  return !hg_runner_stopped(now->runner);
}

static hg_code save(hg_planned_run *run, const hg_classical *fitted, const char *folder, hg_error *error) {
  char *path = hg_path_join(folder, "model.safetensors");
  if (path == NULL) return hg_fail_memory(error, folder, 1);
  hg_code code = hg_classical_save(fitted, path, error);
  if (code == HG_OK) code = hg_sha256_file(path, run->record.weights_sha256, error);
  hg_free(path);
  run->record.parameters = hg_classical_parameters(fitted);
  return code;
}

/* What choices are made by: the accuracy on the validation images. */
static hg_code validate(hg_runner *runner, const hg_planned_run *run, const hg_classical *fitted, const feature_set *validation,
                        hg_error *error) {
  const hg_dataset *images = runner->data[runner->study->models[run->model].data].validation;
  if (images == NULL) return HG_OK;
  size_t bytes = (size_t)validation->count * (size_t)images->classes * sizeof(float);
  float *probabilities = hg_malloc(bytes);
  hg_code code = probabilities == NULL ? hg_fail_memory(error, "probabilities", bytes) : HG_OK;
  if (code == HG_OK)
    code = hg_classical_predict(fitted, validation->values, validation->count, runner->pool, probabilities, NULL, error);
  int64_t correct = 0;
  for (int64_t i = 0; code == HG_OK && i < validation->count; i++)
    correct += hg_argmax(probabilities + i * images->classes, images->classes) == images->labels[i];
  hg_free(probabilities);
  if (code != HG_OK) return code;
  return hg_store_put_metric(runner->store, run->record.id, "validation.accuracy", (double)correct / (double)validation->count,
                             error);
}

static hg_code evaluate(hg_runner *runner, hg_planned_run *run, const hg_classical *fitted, const feature_set *test,
                        const char *folder, hg_error *error) {
  const hg_model *model = &runner->study->models[run->model];
  hg_test_outputs outputs = {.test = runner->data[model->data].test};
  outputs.loss = outputs.reconstruction_loss = outputs.classification_loss = (double)NAN;
  outputs.loss_is_log_loss = model->classical.kind == HG_LOGISTIC_REGRESSION || model->classical.kind == HG_NAIVE_BAYES;
  size_t bytes = (size_t)test->count * (size_t)outputs.test->classes * sizeof(float);
  outputs.probabilities = hg_malloc(bytes);
  bool decides = hg_classical_decides(model->classical.kind);
  if (decides) outputs.decisions = hg_malloc(bytes);
  bool room = outputs.probabilities != NULL && (!decides || outputs.decisions != NULL);
  hg_code code = room ? HG_OK : hg_fail_memory(error, "probabilities", bytes);
  if (code == HG_OK)
    code = hg_classical_predict(fitted, test->values, test->count, runner->pool, outputs.probabilities, outputs.decisions, error);
  if (code == HG_OK) code = hg_test_outputs_store(runner, run, &outputs, folder, error);
  if (code == HG_OK) code = hg_samples_store(runner, run, &outputs, NULL, folder, error);
  hg_test_outputs_release(&outputs);
  return code;
}

/* The images it learns from: the training part, or as many of them as the model's limit says. *own is to be freed. */
static hg_code training_images(hg_runner *runner, const hg_model *model, const hg_dataset **images, hg_dataset **own,
                               hg_error *error) {
  const hg_data_settings *settings = &runner->study->data[model->data];
  *images = runner->data[model->data].train;
  *own = NULL;
  if (model->limit <= 0 || model->limit >= (*images)->count) return HG_OK;
  hg_code code = hg_split_copy(*images, model->limit, true, settings->seed, HG_SPLIT_LIMIT, own, error);
  if (code == HG_OK) *images = *own;
  return code;
}

/* The features of the three parts; `of[i].values` is NULL where there is no such part. */
typedef struct part_features {
  const hg_dataset *images[3]; /* training, validation, test */
  feature_set of[3];
} part_features;

static hg_code take_features(hg_runner *runner, const hg_planned_run *run, part_features *parts, hg_error *error) {
  hg_network *network = NULL;
  hg_code code = run->needs < 0 ? HG_OK : hg_runner_trained(runner, &runner->runs[run->needs], &network, error);
  for (int i = 0; code == HG_OK && i < 3; i++) {
    if (parts->images[i] == NULL) continue;
    code = run->needs < 0 ? from_pixels(parts->images[i], &parts->of[i], error)
                          : from_codes(runner, network, parts->images[i], &parts->of[i], error);
  }
  hg_network_free(network);
  return code;
}

static hg_code replace(const hg_features *features, hg_pool *pool, hg_watch *watch, feature_set *set, hg_error *error) {
  float *values = NULL;
  if (set->values == NULL) return HG_OK;
  hg_code code = hg_features_apply(features, set->values, set->count, pool, watch, &values, error);
  if (code != HG_OK) return code;
  hg_free(set->values);
  set->values = values;
  set->width = hg_features_width(features);
  return HG_OK;
}

/* Puts what `features` asks for in the place of pixels or codes. */
static hg_code derive_features(hg_runner *runner, const hg_planned_run *run, part_features *parts, stage *now, hg_error *error) {
  const hg_model *model = &runner->study->models[run->model];
  const hg_feature_settings *settings = &model->features;
  const feature_set *training = &parts->of[0];
  if (settings->hog.cell == 0 && settings->kmeans.centroids == 0 && settings->scale == HG_SCALE_NONE && settings->pca == 0)
    return HG_OK;
  hg_shape shape = run->needs < 0 ? model->input : (hg_shape){1, 1, training->width};
  hg_features *features = NULL;
  int64_t applied = parts->of[0].count + parts->of[1].count + parts->of[2].count;
  hg_watch watch = {.progress = on_progress, .context = now};
  watch.total = hg_features_steps(settings, shape, training->count, applied);
  now->share = watch.total > 0 ? 0.5 : 0;
  hg_code code = hg_features_fit(settings, shape, training->values, training->count, runner->pool, &watch, &features, error);
  for (int i = 0; code == HG_OK && i < 3; i++) code = replace(features, runner->pool, &watch, &parts->of[i], error);
  hg_features_free(features);
  now->from = now->share;
  now->share = 1 - now->from;
  return code;
}

hg_code hg_runner_fit(hg_runner *runner, hg_planned_run *run, const char *folder, hg_error *error) {
  const hg_model *model = &runner->study->models[run->model];
  const hg_data *data = &runner->data[model->data];
  hg_dataset *own = NULL;
  hg_classical *fitted = NULL;
  part_features parts = {.images = {NULL, data->validation, data->test}};
  const feature_set *training = &parts.of[0];
  hg_code code = training_images(runner, model, &parts.images[0], &own, error);
  const hg_dataset *train = parts.images[0];
  if (code == HG_OK && (train->labels == NULL || data->test->labels == NULL))
    code = hg_fail(error, HG_DATA, model->name, "its data has no labels");
  if (code == HG_OK) code = take_features(runner, run, &parts, error);
  double start = hg_seconds_now();
  stage now = {.runner = runner, .share = 1};
  if (code == HG_OK) code = derive_features(runner, run, &parts, &now, error);
  if (code == HG_OK)
    code = hg_classical_fit(&model->classical, training->values, train->labels, training->count, training->width, train->classes,
                            runner->pool, on_progress, &now, &fitted, error);
  run->record.seconds = hg_seconds_now() - start;
  if (code == HG_OK) code = save(run, fitted, folder, error);
  if (code == HG_OK) code = evaluate(runner, run, fitted, &parts.of[2], folder, error);
  if (code == HG_OK) code = validate(runner, run, fitted, &parts.of[1], error);
  hg_classical_free(fitted);
  for (int i = 0; i < 3; i++) hg_free(parts.of[i].values);
  hg_dataset_free(own);
  return code;
}
