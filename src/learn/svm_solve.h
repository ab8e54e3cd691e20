/* The dual problem of two classes, solved by sequential minimal optimisation with second-order choice of the working set:
 * R.-E. Fan, P.-H. Chen, C.-J. Lin, Working Set Selection Using Second Order Information, JMLR 6 (2005). */
#ifndef HG_LEARN_SVM_SOLVE_H
#define HG_LEARN_SVM_SOLVE_H

#include "learn/svm_rows.h"

/* minimise   sum over s, t of beta_s beta_t K(s, t) / 2 - sum of |beta_t|   where the betas sum to 0,
 * beta in [0, C] for the first class and in [-C, 0] for the second. Decisions are sum of beta_t K(t, x) - rho. */
typedef struct hg_svm_solver {
  hg_svm_rows *rows;
  double C, tol;
  int64_t max_iter; /* 0 = no limit */
  hg_watch *watch;
  int worker;
  double *beta;     /* (samples of the pair) */
  double *slope;    /* (samples of the pair): the derivative by beta */
  double *diagonal; /* (samples of the pair) */
  uint8_t *may;     /* (samples of the pair): whether beta may rise, may fall */
} hg_svm_solver;

/* Room for pairs of `most` samples. Release it after a failure too. */
hg_code hg_svm_solver_init(hg_svm_solver *solver, int most, hg_error *error);
void hg_svm_solver_release(hg_svm_solver *solver);

/* Solves classes a and b until no pair of samples violates the conditions of the optimum by tol, or for max_iter steps;
 * fills beta, returns rho. When the watch stops it, what it returns has no meaning. */
double hg_svm_solve(hg_svm_solver *solver, int a, int b);

#endif
