/* The linear support vector machine as LIBLINEAR and scikit-learn's LinearSVC state it: each class against the rest, the sum of
 * squared hinge losses times C plus |w|^2 / 2, the intercept penalised as the weight of a feature that is always 1. All classes
 * are fitted together, by L-BFGS on our own products. */
#include "base/alloc.h"
#include "kernels/pointwise.h"
#include "learn/linear.h"

#include <string.h>

/* The sum over classes of max(0, 1 - y s)^2, y = 1 for the sample's own class and -1 for the others. */
static float squared_hinge(int classes, const float *scores, int label, float *gradient) {
  float sum = 0;
  for (int k = 0; k < classes; k++) {
    float sign = k == label ? 1.0f : -1.0f, short_by = 1 - sign * scores[k];
    gradient[k] = short_by > 0 ? -2 * sign * short_by : 0;
    sum += short_by > 0 ? short_by * short_by : 0;
  }
  return sum;
}

/* Of two classes the second's row stands for both: the first's is its mirror image. */
static void keep_solution(hg_logistic_model *linear, const double *x, int width) {
  int first = linear->rows == 1 ? 1 : 0;
  for (int k = 0; k < linear->rows; k++) {
    const double *row = x + (int64_t)(k + first) * (width + 1);
    memcpy(linear->coef + (int64_t)k * width, row, (size_t)width * sizeof *row);
    linear->intercept[k] = row[width];
  }
}

static hg_code fit(hg_classical *model, const hg_samples *samples, hg_error *error) {
  const hg_classical_settings *settings = &model->settings;
  hg_linear_problem problem = {.samples = samples,
                               .classes = samples->present,
                               .loss = squared_hinge,
                               .penalty = 1 / (settings->C * (double)samples->count),
                               .penalty_of_bias = true,
                               .max_iter = settings->max_iter,
                               .tol = settings->tol,
                               .name = "linear_svm"};
  size_t count = (size_t)problem.classes * ((size_t)samples->width + 1);
  double *x = hg_calloc(count, sizeof *x);
  hg_code code = x == NULL ? hg_fail_memory(error, problem.name, count * sizeof *x) : HG_OK;
  if (code == HG_OK)
    code = hg_linear_model_init(&model->logistic, samples->present == 2 ? 1 : samples->present, samples->width, error);
  if (code == HG_OK) code = hg_linear_fit(&problem, x, error);
  if (code == HG_OK) keep_solution(&model->logistic, x, samples->width);
  if (code == HG_OK) hg_linear_ready(&model->logistic, samples->width);
  hg_free(x);
  return code;
}

/* ---- Prediction. */

static size_t scratch(const hg_classical *model, int n) { return (size_t)n * (size_t)model->logistic.rows; }

static void predict(const hg_classical *model, const float *features, int n, float *scores, float *probabilities,
                    float *decisions) {
  int rows = model->logistic.rows, classes = model->present;
  hg_linear_score(&model->logistic, features, n, model->width, scores);
  for (int i = 0; i < n; i++) {
    float both[2] = {-scores[(int64_t)i * rows], scores[(int64_t)i * rows]};
    const float *own = rows == 1 ? both : scores + (int64_t)i * rows;
    if (decisions != NULL) memcpy(decisions + (int64_t)i * classes, own, (size_t)classes * sizeof *own);
    hg_pointwise()->softmax(classes, own, probabilities + (int64_t)i * classes);
  }
}

static void release(hg_classical *model) { hg_linear_release(&model->logistic); }

const hg_classical_method hg_linear_svm_method = {"linear_svm",      fit,     scratch, predict, hg_linear_parameters,
                                                  hg_linear_tensors, release, true};
