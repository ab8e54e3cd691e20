/* The classical methods: features (count, width) as floats in, class probabilities out. */
#ifndef HG_LEARN_CLASSICAL_H
#define HG_LEARN_CLASSICAL_H

#include "base/parallel.h"
#include "base/status.h"

typedef enum hg_classical_kind { HG_LOGISTIC_REGRESSION, HG_NAIVE_BAYES, HG_SVM, HG_KNN, HG_LINEAR_SVM } hg_classical_kind;
typedef enum hg_svm_kernel { HG_KERNEL_LINEAR, HG_KERNEL_POLY, HG_KERNEL_RBF } hg_svm_kernel;
typedef enum hg_logistic_solver { HG_SOLVER_LBFGS, HG_SOLVER_LIBLINEAR } hg_logistic_solver;

typedef enum hg_knn_weights { HG_WEIGHTS_UNIFORM, HG_WEIGHTS_DISTANCE } hg_knn_weights;

enum { HG_KNN_MOST = 1000 };

typedef struct hg_classical_settings {
  hg_classical_kind kind;
  double C;                  /* logistic_regression, svm, linear_svm: inverse strength of the L2 penalty; default 1 */
  hg_logistic_solver solver; /* lbfgs: multinomial, scikit-learn's default objective; liblinear: one against the rest */
  int max_iter;              /* default 100 (lbfgs), linear_svm 1000; svm: steps for each pair of classes, default 0 = no limit */
  double tol;                /* default 1e-4; svm 1e-3 */
  double var_smoothing;      /* naive_bayes: share of the largest variance added to all; default 1e-9 */
  hg_svm_kernel kernel;      /* svm: default rbf */
  int degree;                /* svm poly: default 3 */
  double gamma;              /* svm: 0 = scale: 1 / (width * variance of all values); negative = auto: 1 / width */
  double coef0;              /* svm poly: default 0 */
  double cache_mb;           /* svm: megabytes for kernel values while it is fitted; default 200 */
  int k;                     /* knn: neighbours that vote, at most HG_KNN_MOST; default 5 */
  hg_knn_weights weights;    /* knn: of votes: equal, or 1 / distance; default uniform */
} hg_classical_settings;

hg_classical_settings hg_classical_settings_default(hg_classical_kind kind);
const char *hg_classical_kind_name(hg_classical_kind kind); /* logistic_regression, naive_bayes, svm, knn, linear_svm */

typedef struct hg_classical hg_classical;

/* progress may be NULL; false stops the fit with HG_INTERRUPTED. fraction in [0, 1]. The pool may be NULL; the fitted model
 * does not depend on it. */
hg_code hg_classical_fit(const hg_classical_settings *settings, const float *features, const int32_t *labels, int64_t count,
                         int width, int classes, hg_pool *pool, bool (*progress)(void *context, double fraction), void *context,
                         hg_classical **model, hg_error *error);
/* probabilities (count, classes): softmax or posterior; svm: shares of the one-against-one votes (its argmax is the prediction);
 * knn: shares of the neighbours' votes; linear_svm: softmax of its scores, which are no probabilities: for its argmax alone.
 *
 * decisions (count, classes), may be NULL: by what svm and linear_svm rank the samples for each class, scikit-learn's
 * decision_function: linear_svm the class's score; svm its votes plus its summed margins, brought to within a third of a vote
 * (`decision_function_shape="ovr"`); with two classes the margin and its opposite. Left alone by the other methods. */
hg_code hg_classical_predict(const hg_classical *model, const float *features, int64_t count, hg_pool *pool, float *probabilities,
                             float *decisions, hg_error *error);
/* Whether a method of this kind has decisions beside its probabilities. */
bool hg_classical_decides(hg_classical_kind kind);
void hg_classical_free(hg_classical *model);

int64_t hg_classical_parameters(const hg_classical *model); /* numbers it holds */
/* The fitted numbers as safetensors (scikit-learn's attribute names: coef_, intercept_, theta_, var_, support_vectors_). */
hg_code hg_classical_save(const hg_classical *model, const char *path, hg_error *error);

#endif
