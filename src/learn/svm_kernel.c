#include "learn/svm_kernel.h"

#include "base/alloc.h"
#include "base/integers.h"
#include "kernels/gemm.h"
#include "kernels/pointwise.h"
#include "learn/optimizer.h"

#include <string.h>

/* Terms that are summed in float before they are added up in double: few enough that the values are as exact as floats can
 * hold them, and that a block of a panel stays in the cache. */
enum { DEPTH = 256 };

static void order_by_class(hg_svm_samples *svm, const int32_t *labels) {
  int placed = 0;
  for (int k = 0; k < svm->classes; k++) {
    svm->first[k] = placed;
    for (int i = 0; i < svm->count; i++) {
      if (labels[i] == k) svm->order[placed++] = i;
    }
  }
  svm->first[svm->classes] = placed;
}

static void cut_panels(hg_svm_samples *svm) {
  int panels = 0;
  for (int k = 0; k < svm->classes; k++) {
    svm->class_panel[k] = panels;
    for (int i = svm->first[k]; i < svm->first[k + 1]; i += HG_SVM_PANEL) svm->panel[panels++] = i;
  }
  svm->class_panel[svm->classes] = svm->panels = panels;
  svm->panel[panels] = svm->count;
}

static const float *row_of(const hg_svm_samples *svm, int i) { return svm->features + (int64_t)svm->order[i] * svm->width; }

static void fill_panel(void *context, int64_t panel, int worker) {
  hg_svm_samples *svm = context;
  (void)worker;
  int first = svm->panel[panel], count = svm->panel[panel + 1] - first;
  float *columns = svm->columns + (int64_t)first * svm->width;
  for (int i = 0; i < count; i++) {
    const float *row = row_of(svm, first + i);
    double sum = 0;
    for (int k = 0; k < svm->width; k++) sum += (double)row[k] * (double)row[k];
    svm->squares[first + i] = sum;
    hg_gemm_kernels_get()->transpose(1, svm->width, row, svm->width, columns + i, count);
  }
}

hg_code hg_svm_samples_init(hg_svm_samples *svm, const hg_samples *samples, const hg_classical_settings *settings, double gamma,
                            hg_error *error) {
  *svm = (hg_svm_samples){.features = samples->features,
                          .kernel = settings->kernel,
                          .gamma = gamma,
                          .coef0 = settings->coef0,
                          .degree = settings->degree,
                          .count = (int)samples->count,
                          .width = samples->width,
                          .classes = samples->present};
  size_t count = (size_t)samples->count, classes = (size_t)samples->present;
  svm->first = hg_calloc(classes + 1, sizeof *svm->first);
  svm->order = hg_calloc(count, sizeof *svm->order);
  svm->panel = hg_calloc(count / HG_SVM_PANEL + classes + 1, sizeof *svm->panel);
  svm->class_panel = hg_calloc(classes + 1, sizeof *svm->class_panel);
  svm->columns = hg_alloc_aligned(count * (size_t)svm->width * sizeof *svm->columns);
  svm->squares = hg_calloc(count, sizeof *svm->squares);
  if (svm->first == NULL || svm->order == NULL || svm->panel == NULL || svm->class_panel == NULL || svm->columns == NULL ||
      svm->squares == NULL) {
    return hg_fail_memory(error, "svm", count * (size_t)svm->width * sizeof *svm->columns);
  }
  order_by_class(svm, samples->labels);
  cut_panels(svm);
  hg_parallel_for(samples->pool, svm->panels, fill_panel, svm);
  return HG_OK;
}

void hg_svm_samples_release(hg_svm_samples *svm) {
  hg_free(svm->first);
  hg_free(svm->order);
  hg_free(svm->panel);
  hg_free(svm->class_panel);
  hg_free_aligned(svm->columns);
  hg_free(svm->squares);
}

double hg_svm_diagonal(const hg_svm_samples *svm, int i) {
  if (svm->kernel == HG_KERNEL_RBF) return 1;
  if (svm->kernel == HG_KERNEL_POLY) return hg_power(svm->gamma * svm->squares[i] + svm->coef0, svm->degree);
  return svm->squares[i];
}

hg_svm_left hg_svm_left_panel(const hg_svm_samples *svm, int panel) {
  int first = svm->panel[panel];
  hg_svm_left left = {.values = svm->columns + (int64_t)first * svm->width, .row = 1, .count = svm->panel[panel + 1] - first};
  left.step = left.count;
  memcpy(left.squares, svm->squares + first, (size_t)left.count * sizeof *left.squares);
  return left;
}

hg_svm_left hg_svm_left_gather(const hg_svm_samples *svm, const int *rows, int count, float *room) {
  hg_svm_left left = {.values = room, .row = svm->width, .step = 1, .count = count};
  for (int i = 0; i < count; i++) {
    memcpy(room + (int64_t)i * svm->width, row_of(svm, rows[i]), (size_t)svm->width * sizeof *room);
    left.squares[i] = svm->squares[rows[i]];
  }
  return left;
}

/* sum (rows, columns) = left x panel. */
static void multiply(const hg_svm_samples *svm, const hg_svm_left *left, int panel, double *sum) {
  float part[HG_SVM_PANEL * HG_SVM_PANEL];
  int columns = svm->panel[panel + 1] - svm->panel[panel], cells = left->count * columns;
  hg_gemm g = {.rows = left->count, .columns = columns, .groups = 1, .segments = 1, .activation = HG_LINEAR};
  g.a_row = left->row;
  g.a_step = left->step;
  g.b_step = g.c_row = columns;
  g.c = part;
  memset(sum, 0, (size_t)cells * sizeof *sum);
  for (int k = 0; k < svm->width; k += DEPTH) {
    g.steps = hg_smaller(DEPTH, svm->width - k);
    g.a = left->values + k * left->step;
    g.b = svm->columns + (int64_t)svm->panel[panel] * svm->width + (int64_t)k * columns;
    hg_gemm_kernels_get()->product(&g);
    for (int i = 0; i < cells; i++) sum[i] += (double)part[i];
  }
}

static void apply(const hg_svm_samples *svm, double square, const double *squares, int count, const double *sum, float *values) {
  if (svm->kernel == HG_KERNEL_RBF) {
    for (int j = 0; j < count; j++) {
      double distance = square + squares[j] - 2 * sum[j];
      values[j] = (float)(-svm->gamma * (distance > 0 ? distance : 0));
    }
    hg_pointwise()->exponential(count, values, values);
  } else if (svm->kernel == HG_KERNEL_POLY) {
    for (int j = 0; j < count; j++) values[j] = (float)hg_power(svm->gamma * sum[j] + svm->coef0, svm->degree);
  } else {
    for (int j = 0; j < count; j++) values[j] = (float)sum[j];
  }
}

void hg_svm_kernel_tile(const hg_svm_samples *svm, const hg_svm_left *left, int panel, float *values) {
  double sum[HG_SVM_PANEL * HG_SVM_PANEL];
  int first = svm->panel[panel], columns = svm->panel[panel + 1] - first;
  multiply(svm, left, panel, sum);
  for (int i = 0; i < left->count; i++) {
    apply(svm, left->squares[i], svm->squares + first, columns, sum + (int64_t)i * columns, values + (int64_t)i * HG_SVM_PANEL);
  }
}
