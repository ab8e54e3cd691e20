#include "learn/linear.h"

#include "base/alloc.h"
#include "kernels/gemm.h"
#include "learn/lbfgs.h"

#include <string.h>

/* Samples are cut into pieces of this many; the sums of the pieces are added in their order. */
enum { PIECE = 256, FEATURES_PER_TASK = 64 };

typedef struct objective {
  const hg_linear_problem *problem;
  const hg_samples *samples;
  int classes; /* columns of the product */
  int64_t pieces;
  float *weights;        /* (width, classes) */
  float *bias;           /* (classes) */
  float *scores;         /* (worker, 2, PIECE, classes): logits, and their gradients */
  float *partial;        /* (piece, classes, width): gradients */
  double *loss;          /* (piece) */
  double *bias_gradient; /* (piece, classes) */
  double *gradient;      /* (classes, width + 1): of the evaluation under way */
} objective;

/* ---- One evaluation. x and its gradient are (classes, width + 1), the intercept last. */

static void score(const hg_samples *samples, int64_t first, int n, int classes, const float *weights, const float *bias,
                  float *scores) {
  hg_gemm product = {.rows = n, .columns = classes, .groups = 1, .segments = 1, .steps = samples->width, .activation = HG_LINEAR};
  product.a = samples->features + first * samples->width;
  product.a_row = samples->width;
  product.a_step = 1;
  product.b = weights;
  product.b_step = classes;
  product.c = scores;
  product.c_row = classes;
  product.start = bias;
  hg_gemm_kernels_get()->product(&product);
}

/* partial = gradients of the scores, transposed, times the features: (classes, n) x (n, width). */
static void pull_back(const hg_samples *samples, int64_t first, int n, int classes, const float *scores, float *partial) {
  hg_gemm product = {.rows = classes, .columns = samples->width, .groups = 1, .segments = 1, .steps = n, .activation = HG_LINEAR};
  product.a = scores;
  product.a_row = 1;
  product.a_step = classes;
  product.b = samples->features + first * samples->width;
  product.b_step = samples->width;
  product.c = partial;
  product.c_row = samples->width;
  hg_gemm_kernels_get()->product(&product);
}

static void evaluate_piece(void *context, int64_t piece, int worker) {
  objective *o = context;
  const hg_samples *samples = o->samples;
  int64_t first = piece * PIECE;
  int n = samples->count - first < PIECE ? (int)(samples->count - first) : PIECE, classes = o->classes;
  float *scores = o->scores + (int64_t)worker * 2 * PIECE * classes, *gradients = scores + (int64_t)PIECE * classes;
  double *bias_gradient = o->bias_gradient + piece * classes, loss = 0;
  score(samples, first, n, classes, o->weights, o->bias, scores);
  memset(bias_gradient, 0, (size_t)classes * sizeof *bias_gradient);
  for (int i = 0; i < n; i++) {
    float *row = gradients + (int64_t)i * classes;
    loss += (double)o->problem->loss(classes, scores + (int64_t)i * classes, samples->labels[first + i], row);
    for (int k = 0; k < classes; k++) bias_gradient[k] += (double)row[k];
  }
  o->loss[piece] = loss;
  pull_back(samples, first, n, classes, gradients, o->partial + piece * classes * samples->width);
}

/* Sums the pieces' gradients over some features. */
static void sum_pieces(void *context, int64_t task, int worker) {
  objective *o = context;
  (void)worker;
  int64_t width = o->samples->width, first = task * FEATURES_PER_TASK;
  int64_t last = first + FEATURES_PER_TASK < width ? first + FEATURES_PER_TASK : width;
  for (int k = 0; k < o->classes; k++) {
    double *sum = o->gradient + k * (width + 1);
    for (int64_t j = first; j < last; j++) sum[j] = 0;
    for (int64_t piece = 0; piece < o->pieces; piece++) {
      const float *part = o->partial + (piece * o->classes + k) * width;
      for (int64_t j = first; j < last; j++) sum[j] += (double)part[j];
    }
  }
}

static void unpack(const double *x, int classes, int width, float *weights, float *bias) {
  for (int k = 0; k < classes; k++) {
    const double *row = x + (int64_t)k * (width + 1);
    for (int j = 0; j < width; j++) weights[(int64_t)j * classes + k] = (float)row[j];
    bias[k] = (float)row[width];
  }
}

static double evaluate(void *context, const double *x, double *gradient) {
  objective *o = context;
  int width = o->samples->width;
  double count = (double)o->samples->count, loss = 0, squares = 0;
  unpack(x, o->classes, width, o->weights, o->bias);
  o->gradient = gradient;
  hg_parallel_for(o->samples->pool, o->pieces, evaluate_piece, o);
  hg_parallel_for(o->samples->pool, (width + FEATURES_PER_TASK - 1) / FEATURES_PER_TASK, sum_pieces, o);
  for (int64_t piece = 0; piece < o->pieces; piece++) loss += o->loss[piece];
  for (int k = 0; k < o->classes; k++) {
    const double *row = x + (int64_t)k * (width + 1);
    double *row_gradient = gradient + (int64_t)k * (width + 1), bias = 0;
    for (int j = 0; j < width; j++) {
      squares += row[j] * row[j];
      row_gradient[j] = row_gradient[j] / count + o->problem->penalty * row[j];
    }
    for (int64_t piece = 0; piece < o->pieces; piece++) bias += o->bias_gradient[piece * o->classes + k];
    row_gradient[width] = bias / count;
    if (!o->problem->penalty_of_bias) continue;
    squares += row[width] * row[width];
    row_gradient[width] += o->problem->penalty * row[width];
  }
  return loss / count + o->problem->penalty * squares / 2;
}

static hg_code iterated(void *context, int iteration, hg_error *error) {
  const objective *o = context;
  return hg_samples_progress(o->samples, (double)iteration / o->problem->max_iter, error);
}

/* ---- Fitting. */

static hg_code objective_init(objective *o, const hg_samples *samples, hg_error *error) {
  size_t classes = (size_t)o->classes, width = (size_t)samples->width, pieces = (size_t)o->pieces;
  size_t workers = (size_t)hg_pool_threads(samples->pool);
  o->weights = hg_alloc_aligned(width * classes * sizeof(float));
  o->bias = hg_alloc_aligned(classes * sizeof(float));
  o->scores = hg_alloc_aligned(workers * 2 * PIECE * classes * sizeof(float));
  o->partial = hg_alloc_aligned(pieces * classes * width * sizeof(float));
  o->loss = hg_calloc(pieces, sizeof(double));
  o->bias_gradient = hg_calloc(pieces * classes, sizeof(double));
  bool all = o->weights != NULL && o->bias != NULL && o->scores != NULL && o->partial != NULL;
  if (all && o->loss != NULL && o->bias_gradient != NULL) return HG_OK;
  return hg_fail_memory(error, o->problem->name, pieces * classes * width * sizeof(float));
}

static void objective_release(objective *o) {
  hg_free_aligned(o->weights);
  hg_free_aligned(o->bias);
  hg_free_aligned(o->scores);
  hg_free_aligned(o->partial);
  hg_free(o->loss);
  hg_free(o->bias_gradient);
}

hg_code hg_linear_fit(const hg_linear_problem *problem, double *x, hg_error *error) {
  const hg_samples *samples = problem->samples;
  objective o = {.problem = problem, .samples = samples, .classes = problem->classes};
  o.pieces = (samples->count + PIECE - 1) / PIECE;
  int64_t count = (int64_t)o.classes * (samples->width + 1);
  hg_lbfgs search = {count, evaluate, iterated, &o, problem->max_iter, problem->tol};
  memset(x, 0, (size_t)count * sizeof *x);
  hg_code code = objective_init(&o, samples, error);
  if (code == HG_OK) code = hg_lbfgs_minimize(&search, x, error);
  objective_release(&o);
  return code;
}

/* ---- The model. */

hg_code hg_linear_model_init(hg_logistic_model *linear, int rows, int width, hg_error *error) {
  size_t places = (size_t)rows * (size_t)width;
  linear->rows = rows;
  linear->coef = hg_calloc(places, sizeof(double));
  linear->intercept = hg_calloc((size_t)rows, sizeof(double));
  linear->weights = hg_alloc_aligned(places * sizeof(float));
  linear->bias = hg_alloc_aligned((size_t)rows * sizeof(float));
  bool all = linear->coef != NULL && linear->intercept != NULL && linear->weights != NULL && linear->bias != NULL;
  return all ? HG_OK : hg_fail_memory(error, "linear model", places * sizeof(double));
}

void hg_linear_ready(hg_logistic_model *linear, int width) {
  for (int k = 0; k < linear->rows; k++) {
    for (int j = 0; j < width; j++) linear->weights[(int64_t)j * linear->rows + k] = (float)linear->coef[(int64_t)k * width + j];
    linear->bias[k] = (float)linear->intercept[k];
  }
}

void hg_linear_release(hg_logistic_model *linear) {
  hg_free(linear->coef);
  hg_free(linear->intercept);
  hg_free_aligned(linear->weights);
  hg_free_aligned(linear->bias);
}

void hg_linear_score(const hg_logistic_model *linear, const float *features, int n, int width, float *scores) {
  const hg_samples samples = {.features = features, .count = n, .width = width};
  score(&samples, 0, n, linear->rows, linear->weights, linear->bias, scores);
}

int64_t hg_linear_parameters(const hg_classical *model) { return (int64_t)model->logistic.rows * (model->width + 1); }

int hg_linear_tensors(const hg_classical *model, hg_named_tensor *list) {
  list[0] = hg_tensor_2d("coef_", HG_F64, model->logistic.rows, model->width, model->logistic.coef);
  list[1] = hg_tensor_2d("intercept_", HG_F64, 0, model->logistic.rows, model->logistic.intercept);
  return 2;
}
