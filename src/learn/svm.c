/* Support vector classification by LIBSVM's C-SVC. LIBSVM finds the support vectors; prediction is done here, because the
 * kernel values of many samples are one matrix product. */
#include "base/alloc.h"
#include "kernels/gemm.h"
#include "kernels/math.h"
#include "learn/classical_model.h"
#include "learn/optimizer.h"

#include <libsvm/svm.h>
#include <string.h>

static void say_nothing(const char *text) { (void)text; }

/* The samples as LIBSVM wants them, ordered by class: it numbers classes by their first sample, and that order breaks ties. */
typedef struct sparse_samples {
  struct svm_node *nodes;
  struct svm_node **rows;
  double *labels;
  int64_t *order; /* place in hg_samples of each */
} sparse_samples;

static void sparse_samples_release(sparse_samples *sparse) {
  hg_free(sparse->nodes);
  hg_free(sparse->rows);
  hg_free(sparse->labels);
  hg_free(sparse->order);
}

static void order_by_class(const hg_samples *samples, int64_t *order) {
  int64_t placed = 0;
  for (int k = 0; k < samples->present; k++) {
    for (int64_t i = 0; i < samples->count; i++) {
      if (samples->labels[i] == k) order[placed++] = i;
    }
  }
}

static struct svm_node *fill_row(const float *values, int width, struct svm_node *node) {
  for (int j = 0; j < width; j++) {
    if (values[j] != 0) *node++ = (struct svm_node){j + 1, (double)values[j]};
  }
  *node++ = (struct svm_node){-1, 0};
  return node;
}

static hg_code sparse_samples_init(sparse_samples *sparse, const hg_samples *samples, hg_error *error) {
  size_t count = (size_t)samples->count, nodes = count;
  for (int64_t i = 0; i < samples->count * samples->width; i++) nodes += samples->features[i] != 0;
  sparse->nodes = hg_malloc(nodes * sizeof *sparse->nodes);
  sparse->rows = hg_malloc(count * sizeof *sparse->rows);
  sparse->labels = hg_malloc(count * sizeof *sparse->labels);
  sparse->order = hg_malloc(count * sizeof *sparse->order);
  if (sparse->nodes == NULL || sparse->rows == NULL || sparse->labels == NULL || sparse->order == NULL) {
    return hg_fail_memory(error, "LIBSVM", nodes * sizeof *sparse->nodes);
  }
  order_by_class(samples, sparse->order);
  struct svm_node *next = sparse->nodes;
  for (int64_t i = 0; i < samples->count; i++) {
    sparse->rows[i] = next;
    sparse->labels[i] = samples->labels[sparse->order[i]];
    next = fill_row(samples->features + sparse->order[i] * samples->width, samples->width, next);
  }
  return HG_OK;
}

/* ---- Fitting. */

static double resolve_gamma(double gamma, const hg_samples *samples) {
  if (gamma > 0) return gamma;
  if (gamma < 0) return 1.0 / samples->width;
  int64_t count = samples->count * samples->width;
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < count; i++) sum += (double)samples->features[i];
  double mean = sum / (double)count;
  for (int64_t i = 0; i < count; i++) squares += ((double)samples->features[i] - mean) * ((double)samples->features[i] - mean);
  double variance = squares / (double)count;
  return variance > 0 ? 1 / (samples->width * variance) : 1;
}

static struct svm_parameter parameter_of(const hg_classical_settings *settings, double gamma) {
  const int kernels[] = {[HG_KERNEL_LINEAR] = LINEAR, [HG_KERNEL_POLY] = POLY, [HG_KERNEL_RBF] = RBF};
  return (struct svm_parameter){.svm_type = C_SVC,
                                .kernel_type = kernels[settings->kernel],
                                .degree = settings->degree,
                                .gamma = gamma,
                                .coef0 = settings->coef0,
                                .cache_size = settings->cache_mb,
                                .eps = settings->tol,
                                .C = settings->C,
                                .shrinking = 1};
}

static int pairs(int classes) { return classes * (classes - 1) / 2; }

static hg_code svm_model_init(hg_svm_model *svm, int count, int present, int width, hg_error *error) {
  size_t vectors = (size_t)count, classes = (size_t)present;
  svm->count = count;
  svm->of_class = hg_calloc(classes, sizeof *svm->of_class);
  svm->vectors = hg_alloc_aligned(vectors * (size_t)width * sizeof(float));
  svm->squares = hg_alloc_aligned(vectors * sizeof(float));
  svm->coef = hg_calloc((classes - 1) * vectors, sizeof(double));
  svm->rho = hg_calloc((size_t)pairs(present), sizeof(double));
  bool all = svm->of_class != NULL && svm->vectors != NULL && svm->squares != NULL && svm->coef != NULL && svm->rho != NULL;
  return all ? HG_OK : hg_fail_memory(error, "svm", vectors * (size_t)width * sizeof(float));
}

static float square(const float *row, int width) {
  double sum = 0;
  for (int j = 0; j < width; j++) sum += (double)row[j] * (double)row[j];
  return (float)sum;
}

static hg_code keep_solution(hg_classical *model, const struct svm_model *solution, const hg_samples *samples,
                             const sparse_samples *sparse, hg_error *error) {
  hg_svm_model *svm = &model->svm;
  hg_code code = svm_model_init(svm, solution->l, samples->present, samples->width, error);
  if (code != HG_OK) return code;
  int count = svm->count;
  for (int k = 0; k < samples->present; k++) svm->of_class[k] = solution->nSV[k];
  memcpy(svm->rho, solution->rho, (size_t)pairs(samples->present) * sizeof(double));
  for (int k = 0; k + 1 < samples->present; k++) {
    memcpy(svm->coef + (int64_t)k * count, solution->sv_coef[k], (size_t)count * sizeof(double));
  }
  for (int v = 0; v < count; v++) {
    const float *row = samples->features + sparse->order[solution->sv_indices[v] - 1] * samples->width;
    memcpy(svm->vectors + (int64_t)v * samples->width, row, (size_t)samples->width * sizeof *row);
    svm->squares[v] = square(row, samples->width);
  }
  return HG_OK;
}

static hg_code fit(hg_classical *model, const hg_samples *samples, hg_error *error) {
  sparse_samples sparse = {0};
  struct svm_model *solution = NULL;
  model->svm.gamma = resolve_gamma(model->settings.gamma, samples);
  hg_code code = sparse_samples_init(&sparse, samples, error);
  if (code != HG_OK) goto done;
  struct svm_problem problem = {(int)samples->count, sparse.labels, sparse.rows};
  struct svm_parameter parameter = parameter_of(&model->settings, model->svm.gamma);
  svm_set_print_string_function(say_nothing);
  const char *complaint = svm_check_parameter(&problem, &parameter);
  if (complaint != NULL) {
    code = hg_fail(error, HG_USAGE, "svm", "LIBSVM does not take these settings: %s", complaint);
    goto done;
  }
  solution = svm_train(&problem, &parameter);
  code = keep_solution(model, solution, samples, &sparse, error);
done:
  if (solution != NULL) svm_free_and_destroy_model(&solution);
  sparse_samples_release(&sparse);
  return code;
}

/* ---- Prediction of n <= HG_CLASSICAL_PIECE samples; kernel values are (support vector, sample). */

static size_t scratch(const hg_classical *model, int n) { return (size_t)n * (size_t)(model->svm.count + model->width); }

/* kernel = vectors (count, width) x features, transposed (width, n). */
static void multiply(const hg_classical *model, const float *features, int n, float *transposed, float *kernel) {
  const hg_svm_model *svm = &model->svm;
  hg_gemm product = {
      .rows = svm->count, .columns = n, .groups = 1, .segments = 1, .steps = model->width, .activation = HG_LINEAR};
  product.a = svm->vectors;
  product.a_row = model->width;
  product.a_step = 1;
  product.b = transposed;
  product.b_step = n;
  product.c = kernel;
  product.c_row = n;
  hg_gemm_kernels_get()->transpose(n, model->width, features, model->width, transposed, n);
  if (svm->count > 0) hg_gemm_kernels_get()->product(&product);
}

/* From inner products to kernel values, in place. */
static void apply_kernel(const hg_classical *model, const float *features, int n, float *kernel) {
  const hg_svm_model *svm = &model->svm;
  const hg_classical_settings *settings = &model->settings;
  float squares[HG_CLASSICAL_PIECE], gamma = (float)svm->gamma;
  if (settings->kernel == HG_KERNEL_LINEAR) return;
  for (int i = 0; i < n; i++) squares[i] = square(features + (int64_t)i * model->width, model->width);
  for (int v = 0; v < svm->count; v++) {
    float *row = kernel + (int64_t)v * n;
    for (int i = 0; i < n && settings->kernel == HG_KERNEL_RBF; i++) {
      float distance = squares[i] + svm->squares[v] - 2 * row[i];
      row[i] = hg_expf(-gamma * (distance > 0 ? distance : 0));
    }
    for (int i = 0; i < n && settings->kernel == HG_KERNEL_POLY; i++) {
      row[i] = (float)hg_power(svm->gamma * (double)row[i] + settings->coef0, settings->degree);
    }
  }
}

static void add_vectors(const hg_svm_model *svm, const double *coef, const int *start, int class, const float *kernel, int n,
                        double *sums) {
  for (int v = start[class]; v < start[class] + svm->of_class[class]; v++) {
    for (int i = 0; i < n; i++) sums[i] += coef[v] * (double)kernel[(int64_t)v * n + i];
  }
}

/* The decision between classes a < b is over their support vectors alone; LIBSVM keeps the coefficients of a's vectors
 * against b in row b - 1, those of b's against a in row a. */
static void decide(const hg_svm_model *svm, const float *kernel, int n, const int *start, int a, int b, double *sums) {
  for (int i = 0; i < n; i++) sums[i] = 0;
  add_vectors(svm, svm->coef + (int64_t)(b - 1) * svm->count, start, a, kernel, n, sums);
  add_vectors(svm, svm->coef + (int64_t)a * svm->count, start, b, kernel, n, sums);
}

static void vote(const hg_classical *model, const float *kernel, int n, float *votes) {
  const hg_svm_model *svm = &model->svm;
  int classes = model->present, start[HG_CLASSICAL_MOST_CLASSES] = {0}, pair = 0;
  double sums[HG_CLASSICAL_PIECE];
  for (int k = 1; k < classes; k++) start[k] = start[k - 1] + svm->of_class[k - 1];
  for (int i = 0; i < n * classes; i++) votes[i] = 0;
  for (int a = 0; a < classes; a++) {
    for (int b = a + 1; b < classes; b++, pair++) {
      decide(svm, kernel, n, start, a, b, sums);
      for (int i = 0; i < n; i++) votes[i * classes + (sums[i] > svm->rho[pair] ? a : b)] += 1;
    }
  }
  for (int i = 0; i < n * classes; i++) votes[i] /= (float)pair;
}

static void predict(const hg_classical *model, const float *features, int n, float *memory, float *probabilities) {
  float *kernel = memory + (int64_t)n * model->width;
  multiply(model, features, n, memory, kernel);
  apply_kernel(model, features, n, kernel);
  vote(model, kernel, n, probabilities);
}

static int64_t parameters(const hg_classical *model) {
  const hg_svm_model *svm = &model->svm;
  return (int64_t)svm->count * (model->width + model->present - 1) + pairs(model->present);
}

static int tensors(const hg_classical *model, hg_named_tensor *list) {
  const hg_svm_model *svm = &model->svm;
  list[0] = hg_tensor_2d("support_vectors_", HG_F32, svm->count, model->width, svm->vectors);
  list[1] = hg_tensor_2d("dual_coef_", HG_F64, model->present - 1, svm->count, svm->coef);
  list[2] = hg_tensor_2d("rho_", HG_F64, 0, pairs(model->present), svm->rho);
  list[3] = hg_tensor_2d("n_support_", HG_I32, 0, model->present, svm->of_class);
  list[4] = hg_tensor_2d("gamma_", HG_F64, 0, 1, &svm->gamma);
  return 5;
}

static void release(hg_classical *model) {
  hg_free(model->svm.of_class);
  hg_free_aligned(model->svm.vectors);
  hg_free_aligned(model->svm.squares);
  hg_free(model->svm.coef);
  hg_free(model->svm.rho);
}

const hg_classical_method hg_svm_method = {"svm", fit, scratch, predict, parameters, tensors, release};
