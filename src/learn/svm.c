/* Support vector classification, one class against one. svm_fit.c finds the support vectors; here they predict. */
#include "base/alloc.h"
#include "kernels/gemm.h"
#include "kernels/math.h"
#include "learn/optimizer.h"
#include "learn/svm_fit.h"

static float square(const float *row, int width) {
  double sum = 0;
  for (int j = 0; j < width; j++) sum += (double)row[j] * (double)row[j];
  return (float)sum;
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

static void vote(const hg_classical *model, const float *kernel, int n, float *votes, float *margins) {
  const hg_svm_model *svm = &model->svm;
  int classes = model->present, start[HG_CLASSICAL_MOST_CLASSES] = {0}, pair = 0;
  double sums[HG_CLASSICAL_PIECE];
  for (int k = 1; k < classes; k++) start[k] = start[k - 1] + svm->of_class[k - 1];
  for (int i = 0; i < n * classes; i++) votes[i] = 0;
  for (int i = 0; margins != NULL && i < n * classes; i++) margins[i] = 0;
  for (int a = 0; a < classes; a++) {
    for (int b = a + 1; b < classes; b++, pair++) {
      decide(svm, kernel, n, start, a, b, sums);
      for (int i = 0; i < n; i++) votes[i * classes + (sums[i] > svm->rho[pair] ? a : b)] += 1;
      for (int i = 0; margins != NULL && i < n; i++) {
        float margin = (float)(sums[i] - svm->rho[pair]);
        margins[i * classes + a] += margin;
        margins[i * classes + b] -= margin;
      }
    }
  }
}

/* Of several classes the margins only part those with equal votes. */
static void rank(const float *votes, int count, float *margins) {
  for (int i = 0; i < count; i++) margins[i] = votes[i] + margins[i] / (3 * (fabsf(margins[i]) + 1));
}

static void predict(const hg_classical *model, const float *features, int n, float *memory, float *probabilities,
                    float *decisions) {
  float *kernel = memory + (int64_t)n * model->width;
  multiply(model, features, n, memory, kernel);
  apply_kernel(model, features, n, kernel);
  vote(model, kernel, n, probabilities, decisions);
  if (decisions != NULL && model->present > 2) rank(probabilities, n * model->present, decisions);
  for (int i = 0; i < n * model->present; i++) probabilities[i] /= (float)hg_svm_pairs(model->present);
}

static int64_t parameters(const hg_classical *model) {
  const hg_svm_model *svm = &model->svm;
  return (int64_t)svm->count * (model->width + model->present - 1) + hg_svm_pairs(model->present);
}

static int tensors(const hg_classical *model, hg_named_tensor *list) {
  const hg_svm_model *svm = &model->svm;
  list[0] = hg_tensor_2d("support_vectors_", HG_F32, svm->count, model->width, svm->vectors);
  list[1] = hg_tensor_2d("dual_coef_", HG_F64, model->present - 1, svm->count, svm->coef);
  list[2] = hg_tensor_2d("rho_", HG_F64, 0, hg_svm_pairs(model->present), svm->rho);
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

const hg_classical_method hg_svm_method = {"svm", hg_svm_fit, scratch, predict, parameters, tensors, release, true};
