/* Linear models of many classes: scores x W + b, a loss of each sample's scores, an L2 penalty, L-BFGS. */
#ifndef HG_LEARN_LINEAR_H
#define HG_LEARN_LINEAR_H

#include "learn/classical_model.h"

/* The loss of one sample from its scores (classes), and its gradient by them. */
typedef float hg_linear_loss(int classes, const float *scores, int label, float *gradient);

typedef struct hg_linear_problem {
  const hg_samples *samples;
  int classes; /* rows of x */
  hg_linear_loss *loss;
  double penalty;       /* of the mean loss plus penalty * |w|^2 / 2 */
  bool penalty_of_bias; /* whether intercepts are penalised too */
  int max_iter;
  double tol; /* ends where no gradient is larger */
  const char *name;
} hg_linear_problem;

/* x (classes, width + 1), the intercept last; starts from 0. */
hg_code hg_linear_fit(const hg_linear_problem *problem, double *x, hg_error *error);

/* Takes room for a model of `rows` rows; fit fills coef and intercept, then hg_linear_ready makes what products read. */
hg_code hg_linear_model_init(hg_logistic_model *linear, int rows, int width, hg_error *error);
void hg_linear_ready(hg_logistic_model *linear, int width);
void hg_linear_release(hg_logistic_model *linear);
/* scores (n, rows) */
void hg_linear_score(const hg_logistic_model *linear, const float *features, int n, int width, float *scores);

/* What every method of this kind has alike. */
int64_t hg_linear_parameters(const hg_classical *model);
int hg_linear_tensors(const hg_classical *model, hg_named_tensor *list);

#endif
