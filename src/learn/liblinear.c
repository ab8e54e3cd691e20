/* LIBLINEAR's L2-regularised logistic regression, one class against the rest. The intercept is the weight of a feature that is
 * always 1, and so is penalised, as in scikit-learn's solver of this name. */
#include "base/alloc.h"
#include "learn/classical_model.h"

#include <linear.h>
#include <string.h>

static void say_nothing(const char *text) { (void)text; }

/* The samples as LIBLINEAR wants them: a list of the values other than 0 for each, features from 1. */
typedef struct sparse_samples {
  struct feature_node *nodes;
  struct feature_node **rows;
  double *labels;
} sparse_samples;

static size_t count_nodes(const hg_samples *samples) {
  size_t nodes = 2 * (size_t)samples->count; /* the constant feature and the end */
  for (int64_t i = 0; i < samples->count * samples->width; i++) nodes += samples->features[i] != 0;
  return nodes;
}

static struct feature_node *fill_row(const float *values, int width, struct feature_node *node) {
  for (int j = 0; j < width; j++) {
    if (values[j] != 0) *node++ = (struct feature_node){j + 1, (double)values[j]};
  }
  *node++ = (struct feature_node){width + 1, 1};
  *node++ = (struct feature_node){-1, 0};
  return node;
}

static hg_code sparse_samples_init(sparse_samples *sparse, const hg_samples *samples, hg_error *error) {
  size_t nodes = count_nodes(samples), count = (size_t)samples->count;
  sparse->nodes = hg_malloc(nodes * sizeof *sparse->nodes);
  sparse->rows = hg_malloc(count * sizeof *sparse->rows);
  sparse->labels = hg_malloc(count * sizeof *sparse->labels);
  if (sparse->nodes == NULL || sparse->rows == NULL || sparse->labels == NULL) {
    return hg_fail_memory(error, "LIBLINEAR", nodes * sizeof *sparse->nodes);
  }
  struct feature_node *next = sparse->nodes;
  for (int64_t i = 0; i < samples->count; i++) {
    sparse->rows[i] = next;
    sparse->labels[i] = samples->labels[i];
    next = fill_row(samples->features + i * samples->width, samples->width, next);
  }
  return HG_OK;
}

static void sparse_samples_release(sparse_samples *sparse) {
  hg_free(sparse->nodes);
  hg_free(sparse->rows);
  hg_free(sparse->labels);
}

/* LIBLINEAR orders classes by their first sample, and keeps one row for two of them, for the first against the second. */
static void keep_solution(hg_logistic_model *logistic, const struct model *solution, int width) {
  int columns = logistic->rows;
  for (int column = 0; column < columns; column++) {
    int row = columns == 1 ? 0 : solution->label[column];
    double sign = columns == 1 && solution->label[0] == 0 ? -1 : 1;
    for (int j = 0; j < width; j++) logistic->coef[(int64_t)row * width + j] = sign * solution->w[(int64_t)j * columns + column];
    logistic->intercept[row] = sign * solution->w[(int64_t)width * columns + column];
  }
}

hg_code hg_liblinear_fit(hg_classical *model, const hg_samples *samples, hg_error *error) {
  sparse_samples sparse = {0};
  hg_code code = sparse_samples_init(&sparse, samples, error);
  if (code != HG_OK) goto done;
  struct problem problem = {(int)samples->count, samples->width + 1, sparse.labels, sparse.rows, 1};
  struct parameter parameter = {.solver_type = L2R_LR, .eps = model->settings.tol, .C = model->settings.C, .p = 0.1};
  set_print_string_function(say_nothing);
  const char *complaint = check_parameter(&problem, &parameter);
  if (complaint != NULL) {
    code = hg_fail(error, HG_USAGE, "logistic_regression", "LIBLINEAR does not take these settings: %s", complaint);
    goto done;
  }
  struct model *solution = train(&problem, &parameter);
  keep_solution(&model->logistic, solution, samples->width);
  free_and_destroy_model(&solution);
done:
  sparse_samples_release(&sparse);
  return code;
}
