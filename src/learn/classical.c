#include "learn/classical.h"

#include "base/alloc.h"
#include "base/integers.h"
#include "learn/classical_model.h"
#include "learn/watch.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const hg_classical_method *method_of(hg_classical_kind kind) {
  static const hg_classical_method *const methods[] = {[HG_LOGISTIC_REGRESSION] = &hg_logistic_method,
                                                       [HG_NAIVE_BAYES] = &hg_bayes_method,
                                                       [HG_SVM] = &hg_svm_method,
                                                       [HG_KNN] = &hg_knn_method,
                                                       [HG_LINEAR_SVM] = &hg_linear_svm_method};
  return methods[kind];
}

const char *hg_classical_kind_name(hg_classical_kind kind) { return method_of(kind)->name; }

hg_classical_settings hg_classical_settings_default(hg_classical_kind kind) {
  return (hg_classical_settings){
      .kind = kind,
      .C = 1,
      .solver = HG_SOLVER_LBFGS,
      .max_iter = kind == HG_SVM          ? 0
                  : kind == HG_LINEAR_SVM ? 1000
                                          : 100,
      .tol = kind == HG_SVM ? 1e-3 : 1e-4,
      .var_smoothing = 1e-9,
      .kernel = HG_KERNEL_RBF,
      .degree = 3,
      .cache_mb = 200,
      .k = 5,
      .weights = HG_WEIGHTS_UNIFORM,
  };
}

hg_code hg_samples_progress(const hg_samples *samples, double fraction, hg_error *error) {
  if (samples->progress == NULL || samples->progress(samples->context, fraction)) return HG_OK;
  return hg_fit_interrupted(error);
}

hg_named_tensor hg_tensor_2d(const char *name, hg_dtype dtype, int64_t rows, int64_t columns, const void *data) {
  hg_named_tensor tensor = {.dtype = dtype, .rank = rows > 0 ? 2 : 1, .data = data};
  snprintf(tensor.name, sizeof tensor.name, "%s", name);
  tensor.dim[0] = rows > 0 ? rows : columns;
  tensor.dim[1] = rows > 0 ? columns : 0;
  return tensor;
}

/* ---- Checks. */

static hg_code check_settings(const hg_classical_settings *s, hg_error *error) {
  if (!(s->C > 0) || !isfinite(s->C)) return hg_fail(error, HG_USAGE, "C", "%g, but it must be above 0 and finite", s->C);
  if (!(s->tol > 0)) return hg_fail(error, HG_USAGE, "tol", "%g, but it must be above 0", s->tol);
  int fewest = s->kind == HG_SVM ? 0 : 1;
  if (s->max_iter < fewest) return hg_fail(error, HG_USAGE, "max_iter", "%d, but it must be at least %d", s->max_iter, fewest);
  if (!(s->var_smoothing >= 0))
    return hg_fail(error, HG_USAGE, "var_smoothing", "%g, but it must be at least 0", s->var_smoothing);
  if (s->degree < 1) return hg_fail(error, HG_USAGE, "degree", "%d, but it must be at least 1", s->degree);
  if (!(s->cache_mb > 0)) return hg_fail(error, HG_USAGE, "cache_mb", "%g, but it must be above 0", s->cache_mb);
  if (s->k < 1 || s->k > HG_KNN_MOST) return hg_fail(error, HG_USAGE, "k", "%d, but it must be from 1 to %d", s->k, HG_KNN_MOST);
  if (!isfinite(s->gamma) || !isfinite(s->coef0)) return hg_fail(error, HG_USAGE, "gamma", "gamma and coef0 must be finite");
  return HG_OK;
}

/* Features that are not finite would send a solver into a search without an end. */
static hg_code check_features(const float *features, int64_t count, int width, hg_error *error) {
  for (int64_t i = 0; i < count * width; i++) {
    if (isfinite(features[i])) continue;
    return hg_fail(error, HG_DATA, "features", "feature %lld of sample %lld is %g", (long long)(i % width),
                   (long long)(i / width), (double)features[i]);
  }
  return HG_OK;
}

static hg_code check_size(int64_t count, int width, int classes, hg_error *error) {
  if (count < 1 || count > INT_MAX || width < 1 || width > INT_MAX - 2) {
    return hg_fail(error, HG_USAGE, "features", "%lld samples of %d features cannot be fitted", (long long)count, width);
  }
  if (classes < 2 || classes > HG_CLASSICAL_MOST_CLASSES) {
    return hg_fail(error, HG_USAGE, "classes", "%d classes; from 2 to %d can be told apart", classes, HG_CLASSICAL_MOST_CLASSES);
  }
  return HG_OK;
}

/* ---- Fitting. */

/* Numbers the classes that occur: model->labels lists them, place[label] is the number or -1. */
static hg_code number_classes(hg_classical *model, const int32_t *labels, int64_t count, int32_t *place, hg_error *error) {
  for (int k = 0; k < model->classes; k++) place[k] = -1;
  for (int64_t i = 0; i < count; i++) {
    if (labels[i] < 0 || labels[i] >= model->classes) {
      return hg_fail(error, HG_DATA, "labels", "sample %lld has the label %d, outside [0, %d)", (long long)i, labels[i],
                     model->classes);
    }
    place[labels[i]] = 0;
  }
  for (int k = 0; k < model->classes; k++) {
    if (place[k] < 0) continue;
    place[k] = model->present;
    model->labels[model->present++] = k;
  }
  if (model->present < 2)
    return hg_fail(error, HG_DATA, "labels", "all samples have the label %d; two classes are needed", labels[0]);
  return HG_OK;
}

static hg_code fit_samples(hg_classical *model, hg_samples *samples, const int32_t *labels, hg_error *error) {
  int32_t *place = hg_calloc((size_t)model->classes, sizeof *place);
  int32_t *renumbered = hg_calloc((size_t)samples->count, sizeof *renumbered);
  hg_code code = HG_OK;
  if (place == NULL || renumbered == NULL) {
    code = hg_fail_memory(error, "labels", (size_t)samples->count * sizeof *renumbered);
    goto done;
  }
  code = number_classes(model, labels, samples->count, place, error);
  if (code != HG_OK) goto done;
  for (int64_t i = 0; i < samples->count; i++) renumbered[i] = place[labels[i]];
  samples->labels = renumbered;
  samples->present = model->present;
  code = hg_samples_progress(samples, 0, error);
  if (code == HG_OK) code = method_of(model->settings.kind)->fit(model, samples, error);
  if (code == HG_OK) code = hg_samples_progress(samples, 1, error);
done:
  hg_free(place);
  hg_free(renumbered);
  return code;
}

hg_code hg_classical_fit(const hg_classical_settings *settings, const float *features, const int32_t *labels, int64_t count,
                         int width, int classes, hg_pool *pool, bool (*progress)(void *context, double fraction), void *context,
                         hg_classical **out, hg_error *error) {
  *out = NULL;
  hg_code code = check_settings(settings, error);
  if (code == HG_OK) code = check_size(count, width, classes, error);
  if (code == HG_OK) code = check_features(features, count, width, error);
  if (code != HG_OK) return code;
  hg_classical *model = hg_calloc(1, sizeof *model);
  if (model == NULL) return hg_fail_memory(error, "model", sizeof *model);
  model->settings = *settings;
  model->width = width;
  model->classes = classes;
  model->labels = hg_calloc((size_t)classes, sizeof *model->labels);
  hg_samples samples = {
      .features = features, .count = count, .width = width, .pool = pool, .progress = progress, .context = context};
  code = model->labels == NULL ? hg_fail_memory(error, "model", sizeof *model) : fit_samples(model, &samples, labels, error);
  if (code == HG_OK)
    *out = model;
  else
    hg_classical_free(model);
  return code;
}

void hg_classical_free(hg_classical *model) {
  if (model == NULL) return;
  method_of(model->settings.kind)->release(model);
  hg_free(model->labels);
  hg_free(model);
}

/* ---- Prediction, in pieces of samples. */

typedef struct prediction {
  const hg_classical *model;
  const float *features;
  int64_t count;
  float *scratch; /* (worker, per_worker) */
  size_t per_worker;
  float *probabilities, *decisions; /* (count, classes); decisions: NULL = not asked for */
} prediction;

/* Rows of the classes that were in the training data among all classes; `none` for the others. */
static void spread(const hg_classical *model, const float *of_present, int n, float none, float *rows) {
  for (int i = 0; i < n; i++) {
    float *row = rows + (int64_t)i * model->classes;
    for (int k = 0; k < model->classes; k++) row[k] = none;
    for (int k = 0; k < model->present; k++) row[model->labels[k]] = of_present[i * model->present + k];
  }
}

static void predict_piece(void *context, int64_t piece, int worker) {
  const prediction *p = context;
  const hg_classical *model = p->model;
  int64_t first = piece * HG_CLASSICAL_PIECE;
  int n = p->count - first < HG_CLASSICAL_PIECE ? (int)(p->count - first) : HG_CLASSICAL_PIECE;
  float *of_present = p->scratch + (size_t)worker * p->per_worker;                   /* (n, present) */
  float *decided = of_present + (size_t)HG_CLASSICAL_PIECE * (size_t)model->present; /* the same */
  float *rest = decided + (size_t)HG_CLASSICAL_PIECE * (size_t)model->present;
  float *asked = p->decisions == NULL ? NULL : decided;
  method_of(model->settings.kind)->predict(model, p->features + first * model->width, n, rest, of_present, asked);
  spread(model, of_present, n, 0, p->probabilities + first * model->classes);
  if (asked != NULL) spread(model, decided, n, -FLT_MAX, p->decisions + first * model->classes);
}

bool hg_classical_decides(hg_classical_kind kind) { return method_of(kind)->decides; }

hg_code hg_classical_predict(const hg_classical *model, const float *features, int64_t count, hg_pool *pool, float *probabilities,
                             float *decisions, hg_error *error) {
  const hg_classical_method *method = method_of(model->settings.kind);
  hg_code code = check_features(features, count, model->width, error);
  if (code != HG_OK) return code;
  prediction p = {.model = model,
                  .features = features,
                  .count = count,
                  .probabilities = probabilities,
                  .decisions = method->decides ? decisions : NULL};
  p.per_worker = 2 * (size_t)HG_CLASSICAL_PIECE * (size_t)model->present + method->scratch(model, HG_CLASSICAL_PIECE);
  p.per_worker = hg_whole_lines(p.per_worker);
  size_t bytes = p.per_worker * (size_t)hg_pool_threads(pool) * sizeof(float);
  p.scratch = hg_alloc_aligned(bytes);
  if (p.scratch == NULL) return hg_fail_memory(error, "prediction", bytes);
  hg_parallel_for(pool, (count + HG_CLASSICAL_PIECE - 1) / HG_CLASSICAL_PIECE, predict_piece, &p);
  hg_free_aligned(p.scratch);
  return HG_OK;
}

/* ---- What it holds. */

int64_t hg_classical_parameters(const hg_classical *model) { return method_of(model->settings.kind)->parameters(model); }

hg_code hg_classical_save(const hg_classical *model, const char *path, hg_error *error) {
  hg_named_tensor tensors[HG_MOST_CLASSICAL_TENSORS];
  const hg_classical_method *method = method_of(model->settings.kind);
  int count = method->tensors(model, tensors);
  tensors[count++] = hg_tensor_2d("classes_", HG_I32, 0, model->present, model->labels);
  const char *metadata[] = {"model", method->name, NULL};
  return hg_safetensors_write(path, tensors, count, metadata, error);
}
