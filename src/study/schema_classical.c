#include <math.h>
#include <stddef.h>
#include <string.h>

#include "study/schema.h"

#define FIELDS(rows) .fields = rows, .count = (int)(sizeof(rows) / sizeof *(rows))

static const char *solver_name(int value) {
  static const char *const names[] = {[HG_SOLVER_LBFGS] = "lbfgs", [HG_SOLVER_LIBLINEAR] = "liblinear"};
  return value < (int)(sizeof names / sizeof *names) ? names[value] : NULL;
}

static const char *kernel_name(int value) {
  static const char *const names[] = {[HG_KERNEL_LINEAR] = "linear", [HG_KERNEL_POLY] = "poly", [HG_KERNEL_RBF] = "rbf"};
  return value < (int)(sizeof names / sizeof *names) ? names[value] : NULL;
}

static const char *weights_name(int value) {
  static const char *const names[] = {[HG_WEIGHTS_UNIFORM] = "uniform", [HG_WEIGHTS_DISTANCE] = "distance"};
  return value < (int)(sizeof names / sizeof *names) ? names[value] : NULL;
}

/* scale, auto or a number above 0; held as 0, -1 and the number. */
static hg_code read_gamma(hg_reader *reader, const hg_node *node, void *target) {
  static const hg_field number = {.key = "gamma", .type = HG_FIELD_DOUBLE, .low = 0, .high = 1e9, .flags = HG_ABOVE_LOW};
  double *gamma = target;
  bool word = node->kind == HG_NODE_SCALAR;
  if (word && strcmp(node->text, "scale") == 0) {
    *gamma = 0;
  } else if (word && strcmp(node->text, "auto") == 0) {
    *gamma = -1;
  } else if (word && strpbrk(node->text, "0123456789") == NULL) {
    return hg_reject(reader, node, "`gamma` must be scale, auto or a number above 0; here is `%.60s`", node->text);
  } else {
    return hg_value_number(reader, &number, node, gamma);
  }
  return HG_OK;
}

#define ROW_C                                                                                                  \
  {                                                                                                            \
    .key = "C", .type = HG_FIELD_DOUBLE, .offset = offsetof(hg_classical_settings, C), .low = 0, .high = 1e12, \
    .flags = HG_ABOVE_LOW, .fallback = "1", .doc = "inverse strength of the L2 penalty"                        \
  }
#define ROW_TOL(default_text)                                                                                   \
  {                                                                                                             \
    .key = "tol", .type = HG_FIELD_DOUBLE, .offset = offsetof(hg_classical_settings, tol), .low = 0, .high = 1, \
    .flags = HG_ABOVE_LOW, .fallback = default_text, .doc = "where the solver stops"                            \
  }

static const hg_field logistic_fields[] = {
    ROW_C,
    {.key = "solver",
     .type = HG_FIELD_CHOICE,
     .offset = offsetof(hg_classical_settings, solver),
     .fallback = "lbfgs",
     .choices = solver_name,
     .doc = "lbfgs: multinomial; liblinear: one class against the rest"},
    {.key = "max_iter",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_classical_settings, max_iter),
     .low = 1,
     .high = 1e6,
     .fallback = "100",
     .doc = "most iterations of lbfgs; liblinear ends by `tol` alone"},
    ROW_TOL("1e-4"),
};
static const hg_field bayes_fields[] = {
    {.key = "var_smoothing",
     .type = HG_FIELD_DOUBLE,
     .offset = offsetof(hg_classical_settings, var_smoothing),
     .low = 0,
     .high = 1,
     .fallback = "1e-9",
     .doc = "share of the largest variance that is added to all"},
};
static const hg_field svm_fields[] = {
    {.key = "kernel",
     .type = HG_FIELD_CHOICE,
     .offset = offsetof(hg_classical_settings, kernel),
     .fallback = "rbf",
     .choices = kernel_name,
     .doc = "linear, poly or rbf"},
    ROW_C,
    {.key = "gamma",
     .type = HG_FIELD_READ,
     .offset = offsetof(hg_classical_settings, gamma),
     .fallback = "scale",
     .read = read_gamma,
     .type_doc = "scale, auto, number",
     .doc = "poly, rbf: scale is 1 / (features * variance of all values), auto 1 / features"},
    {.key = "degree",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_classical_settings, degree),
     .low = 1,
     .high = 20,
     .fallback = "3",
     .doc = "poly: the power"},
    {.key = "coef0",
     .type = HG_FIELD_DOUBLE,
     .offset = offsetof(hg_classical_settings, coef0),
     .low = -1e9,
     .high = 1e9,
     .fallback = "0",
     .doc = "poly: added before the power is taken"},
    {.key = "max_iter",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_classical_settings, max_iter),
     .low = 0,
     .high = 1e9,
     .fallback = "0",
     .doc = "most steps for each pair of classes; 0 = no limit"},
    ROW_TOL("1e-3"),
    {.key = "cache_mb",
     .type = HG_FIELD_DOUBLE,
     .offset = offsetof(hg_classical_settings, cache_mb),
     .low = 1,
     .high = 1e6,
     .fallback = "200",
     .doc = "megabytes for kernel values; does not change the result"},
};
static const hg_field knn_fields[] = {
    {.key = "k",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_classical_settings, k),
     .low = 1,
     .high = HG_KNN_MOST,
     .fallback = "5",
     .doc = "neighbours that vote; of equally near ones the earlier"},
    {.key = "weights",
     .type = HG_FIELD_CHOICE,
     .offset = offsetof(hg_classical_settings, weights),
     .fallback = "uniform",
     .choices = weights_name,
     .doc = "of the votes: uniform, or distance (1 / distance)"},
};
static const hg_table logistic = {.name = "logistic_regression", FIELDS(logistic_fields)};
static const hg_table bayes = {.name = "naive_bayes", FIELDS(bayes_fields)};
static const hg_table svm = {.name = "svm", FIELDS(svm_fields)};

static const hg_field linear_svm_fields[] = {
    ROW_C,
    {.key = "max_iter",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_classical_settings, max_iter),
     .low = 1,
     .high = 1e6,
     .fallback = "1000",
     .doc = "most iterations"},
    ROW_TOL("1e-4"),
};
static const hg_table linear_svm = {.name = "linear_svm", .shorthand = "C", FIELDS(linear_svm_fields)};
static const hg_table knn = {.name = "knn", .shorthand = "k", FIELDS(knn_fields)};

const hg_variant hg_classical_variants[] = {
    {"logistic_regression", HG_LOGISTIC_REGRESSION, &logistic, "logistic regression with an L2 penalty"},
    {"naive_bayes", HG_NAIVE_BAYES, &bayes, "Gaussian naive Bayes"},
    {"svm", HG_SVM, &svm, "support vector machine, one class against one"},
    {"knn", HG_KNN, &knn, "k nearest neighbours by Euclidean distance"},
    {"linear_svm", HG_LINEAR_SVM, &linear_svm, "linear support vector machine, each class against the rest, as LIBLINEAR's"},
};
const int hg_classical_variant_count = (int)(sizeof hg_classical_variants / sizeof *hg_classical_variants);

static hg_code read_method(hg_reader *reader, const hg_node *node, hg_model *model, hg_classical_kind kind) {
  model->kind = HG_MODEL_CLASSICAL;
  model->classical = hg_classical_settings_default(kind);
  return hg_table_read(reader, hg_classical_variants[kind].table, node, &model->classical);
}

hg_code hg_logistic_read(hg_reader *reader, const hg_node *node, void *model) {
  return read_method(reader, node, model, HG_LOGISTIC_REGRESSION);
}
hg_code hg_bayes_read(hg_reader *reader, const hg_node *node, void *model) {
  return read_method(reader, node, model, HG_NAIVE_BAYES);
}
hg_code hg_svm_read(hg_reader *reader, const hg_node *node, void *model) { return read_method(reader, node, model, HG_SVM); }
hg_code hg_linear_svm_read(hg_reader *reader, const hg_node *node, void *model) {
  return read_method(reader, node, model, HG_LINEAR_SVM);
}
hg_code hg_knn_read(hg_reader *reader, const hg_node *node, void *model) { return read_method(reader, node, model, HG_KNN); }
