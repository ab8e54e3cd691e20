/* Logistic regression as scikit-learn states it: the mean log loss plus |w|^2 / (2 C n), intercepts free, minimised by L-BFGS
 * until no gradient is larger than tol. With two classes the second's weights against the first's are the one row, and the
 * penalty is on their difference. */
#include "base/alloc.h"
#include "kernels/math.h"
#include "kernels/pointwise.h"
#include "learn/linear.h"

#include <string.h>

static float cross_entropy(int classes, const float *scores, int label, float *gradient) {
  return hg_pointwise()->cross_entropy(classes, scores, label, 0, 1, gradient);
}

/* The solution as the model holds it: all rows, or of two classes the difference. */
static void keep_solution(hg_logistic_model *model, const double *x, int width) {
  const double *second = x + width + 1;
  for (int k = 0; k < model->rows; k++) {
    const double *row = x + (int64_t)k * (width + 1);
    for (int j = 0; j < width; j++) model->coef[(int64_t)k * width + j] = model->rows == 1 ? second[j] - row[j] : row[j];
    model->intercept[k] = model->rows == 1 ? second[width] - row[width] : row[width];
  }
}

static hg_code fit_lbfgs(hg_classical *model, const hg_samples *samples, hg_error *error) {
  const hg_classical_settings *settings = &model->settings;
  hg_linear_problem problem = {.samples = samples,
                               .classes = samples->present,
                               .loss = cross_entropy,
                               .penalty = 1 / (settings->C * (double)samples->count),
                               .max_iter = settings->max_iter,
                               .tol = settings->tol,
                               .name = "logistic regression"};
  if (samples->present == 2) problem.penalty *= 2; /* |w1|^2 + |w0|^2 is half of |w1 - w0|^2 */
  size_t count = (size_t)problem.classes * ((size_t)samples->width + 1);
  double *x = hg_calloc(count, sizeof *x);
  hg_code code = x == NULL ? hg_fail_memory(error, problem.name, count * sizeof *x) : hg_linear_fit(&problem, x, error);
  if (code == HG_OK) keep_solution(&model->logistic, x, samples->width);
  hg_free(x);
  return code;
}

static hg_code fit(hg_classical *model, const hg_samples *samples, hg_error *error) {
  hg_logistic_model *logistic = &model->logistic;
  logistic->against_rest = model->settings.solver == HG_SOLVER_LIBLINEAR;
  hg_code code = hg_linear_model_init(logistic, samples->present == 2 ? 1 : samples->present, samples->width, error);
  if (code == HG_OK) code = logistic->against_rest ? hg_liblinear_fit(model, samples, error) : fit_lbfgs(model, samples, error);
  if (code == HG_OK) hg_linear_ready(logistic, samples->width);
  return code;
}

/* ---- Prediction. */

static size_t scratch(const hg_classical *model, int n) { return (size_t)n * (size_t)model->logistic.rows; }

static void share_out(float *row, int classes) {
  float sum = 0;
  for (int k = 0; k < classes; k++) sum += row[k] = hg_sigmoidf(row[k]);
  for (int k = 0; k < classes; k++) row[k] = sum > 0 ? row[k] / sum : 1.0f / (float)classes;
}

static void predict(const hg_classical *model, const float *features, int n, float *scores, float *probabilities,
                    float *decisions) {
  (void)decisions;
  const hg_logistic_model *logistic = &model->logistic;
  int classes = model->present;
  hg_linear_score(logistic, features, n, model->width, scores);
  for (int i = 0; i < n; i++) {
    const float *from = scores + (int64_t)i * logistic->rows;
    float *row = probabilities + (int64_t)i * classes;
    if (logistic->rows == 1) {
      row[0] = hg_sigmoidf(-from[0]);
      row[1] = hg_sigmoidf(from[0]);
    } else if (logistic->against_rest) {
      memcpy(row, from, (size_t)classes * sizeof *row);
      share_out(row, classes);
    } else {
      hg_pointwise()->softmax(classes, from, row);
    }
  }
}

static void release(hg_classical *model) { hg_linear_release(&model->logistic); }

const hg_classical_method hg_logistic_method = {"logistic_regression", fit,     scratch, predict, hg_linear_parameters,
                                                hg_linear_tensors,     release, false};
