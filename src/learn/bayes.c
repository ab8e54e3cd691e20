/* Gaussian naive Bayes as scikit-learn's GaussianNB: every class has a mean and a variance for each feature, and to all
 * variances is added var_smoothing times the largest variance of a feature over all samples. */
#include "base/alloc.h"
#include "kernels/math.h"
#include "learn/classical_model.h"

#include <math.h>

enum { FEATURES_PER_TASK = 64 };

typedef struct moments {
  const hg_samples *samples;
  hg_bayes_model *model;
  const int64_t *counts; /* (present) */
  double *variance;      /* (width): of a feature over all samples */
} moments;

/* Every task owns some features and goes through all samples in order, so no sum depends on threads. */
static void add_values(const moments *m, int first, int last) {
  const hg_samples *samples = m->samples;
  int width = samples->width;
  for (int64_t i = 0; i < samples->count; i++) {
    const float *row = samples->features + i * width;
    double *mean = m->model->mean + (int64_t)samples->labels[i] * width;
    for (int j = first; j < last; j++) mean[j] += (double)row[j];
  }
}

static void add_squares(const moments *m, const double *overall, int first, int last) {
  const hg_samples *samples = m->samples;
  int width = samples->width;
  for (int64_t i = 0; i < samples->count; i++) {
    const float *row = samples->features + i * width;
    const double *mean = m->model->mean + (int64_t)samples->labels[i] * width;
    double *variance = m->model->variance + (int64_t)samples->labels[i] * width;
    for (int j = first; j < last; j++) {
      double inside = (double)row[j] - mean[j], from_all = (double)row[j] - overall[j - first];
      variance[j] += inside * inside;
      m->variance[j] += from_all * from_all;
    }
  }
}

static void fit_features(void *context, int64_t task, int worker) {
  const moments *m = context;
  const hg_samples *samples = m->samples;
  (void)worker;
  int width = samples->width, first = (int)task * FEATURES_PER_TASK;
  int last = first + FEATURES_PER_TASK < width ? first + FEATURES_PER_TASK : width;
  double overall[FEATURES_PER_TASK] = {0};
  add_values(m, first, last);
  for (int k = 0; k < samples->present; k++) {
    double *mean = m->model->mean + (int64_t)k * width, count = (double)m->counts[k];
    for (int j = first; j < last; j++) overall[j - first] += mean[j];
    for (int j = first; j < last; j++) mean[j] /= count;
  }
  for (int j = first; j < last; j++) overall[j - first] /= (double)samples->count;
  add_squares(m, overall, first, last);
  for (int k = 0; k < samples->present; k++) {
    double *variance = m->model->variance + (int64_t)k * width;
    for (int j = first; j < last; j++) variance[j] /= (double)m->counts[k];
  }
  for (int j = first; j < last; j++) m->variance[j] /= (double)samples->count;
}

static void finish(hg_bayes_model *model, const hg_samples *samples, const moments *m, double smoothing) {
  const double two_pi = 6.28318530717958647692;
  double most = 0;
  for (int j = 0; j < samples->width; j++) most = fmax(most, m->variance[j]);
  for (int k = 0; k < samples->present; k++) {
    double *variance = model->variance + (int64_t)k * samples->width, logarithms = 0;
    for (int j = 0; j < samples->width; j++) {
      variance[j] += smoothing * most;
      logarithms += log(two_pi * variance[j]);
    }
    model->prior[k] = (double)m->counts[k] / (double)samples->count;
    model->constant[k] = log(model->prior[k]) - logarithms / 2;
  }
}

/* A feature that never varies has no density; scikit-learn divides by zero there. */
static hg_code check_variances(const hg_bayes_model *model, const hg_samples *samples, hg_error *error) {
  for (int64_t i = 0; i < (int64_t)samples->present * samples->width; i++) {
    if (model->variance[i] > 0) continue;
    return hg_fail(error, HG_DATA, "naive_bayes", "feature %lld has no variance in class %lld; set var_smoothing above 0",
                   (long long)(i % samples->width), (long long)(i / samples->width));
  }
  return HG_OK;
}

static hg_code fit(hg_classical *model, const hg_samples *samples, hg_error *error) {
  hg_bayes_model *bayes = &model->bayes;
  size_t present = (size_t)samples->present, width = (size_t)samples->width;
  hg_code code = HG_OK;
  int64_t *counts = hg_calloc(present, sizeof *counts);
  double *variance = hg_calloc(width, sizeof *variance);
  bayes->mean = hg_calloc(present * width, sizeof(double));
  bayes->variance = hg_calloc(present * width, sizeof(double));
  bayes->prior = hg_calloc(present, sizeof(double));
  bayes->constant = hg_calloc(present, sizeof(double));
  bool kept = bayes->mean != NULL && bayes->variance != NULL && bayes->prior != NULL && bayes->constant != NULL;
  if (!kept || counts == NULL || variance == NULL) {
    code = hg_fail_memory(error, "naive Bayes", present * width * sizeof(double));
    goto done;
  }
  for (int64_t i = 0; i < samples->count; i++) counts[samples->labels[i]]++;
  moments m = {samples, bayes, counts, variance};
  hg_parallel_for(samples->pool, (samples->width + FEATURES_PER_TASK - 1) / FEATURES_PER_TASK, fit_features, &m);
  finish(bayes, samples, &m, model->settings.var_smoothing);
  code = check_variances(bayes, samples, error);
done:
  hg_free(counts);
  hg_free(variance);
  return code;
}

static size_t scratch(const hg_classical *model, int n) {
  (void)model;
  (void)n;
  return 0;
}

static double log_joint(const hg_bayes_model *bayes, int k, const float *row, int width) {
  const double *mean = bayes->mean + (int64_t)k * width, *variance = bayes->variance + (int64_t)k * width;
  double sum = 0;
  for (int j = 0; j < width; j++) {
    double from_mean = (double)row[j] - mean[j];
    sum += from_mean * from_mean / variance[j];
  }
  return bayes->constant[k] - sum / 2;
}

/* The log joints differ by thousands: the differences are taken in double, and only they are rounded to float. */
static void posterior(const hg_classical *model, const float *features, float *row) {
  double joint[HG_CLASSICAL_MOST_CLASSES], most = -INFINITY;
  float sum = 0;
  for (int k = 0; k < model->present; k++) {
    joint[k] = log_joint(&model->bayes, k, features, model->width);
    most = fmax(most, joint[k]);
  }
  for (int k = 0; k < model->present; k++) sum += row[k] = hg_expf((float)(joint[k] - most));
  for (int k = 0; k < model->present; k++) row[k] /= sum;
}

static void predict(const hg_classical *model, const float *features, int n, float *none, float *probabilities,
                    float *decisions) {
  (void)decisions;
  (void)none;
  for (int i = 0; i < n; i++) {
    posterior(model, features + (int64_t)i * model->width, probabilities + (int64_t)i * model->present);
  }
}

static int64_t parameters(const hg_classical *model) { return (int64_t)model->present * (2 * model->width + 1); }

static int tensors(const hg_classical *model, hg_named_tensor *list) {
  list[0] = hg_tensor_2d("theta_", HG_F64, model->present, model->width, model->bayes.mean);
  list[1] = hg_tensor_2d("var_", HG_F64, model->present, model->width, model->bayes.variance);
  list[2] = hg_tensor_2d("class_prior_", HG_F64, 0, model->present, model->bayes.prior);
  return 3;
}

static void release(hg_classical *model) {
  hg_free(model->bayes.mean);
  hg_free(model->bayes.variance);
  hg_free(model->bayes.prior);
  hg_free(model->bayes.constant);
}

const hg_classical_method hg_bayes_method = {"naive_bayes", fit, scratch, predict, parameters, tensors, release, false};
