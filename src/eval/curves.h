/* How well scores rank a class before the rest: precision against recall, and the receiver operating characteristic. */
#ifndef HG_EVAL_CURVES_H
#define HG_EVAL_CURVES_H

#include "base/status.h"

/* Points by falling threshold: (0, 0) first, then one per distinct score. */
typedef struct hg_roc {
  int64_t count;
  double *false_positive, *true_positive; /* (count): shares of the rest, and of the class, at or above the threshold */
  double area;                            /* under it, by trapezoids, as scikit-learn's roc_auc_score; NaN where there is no class
                                             or no rest */
} hg_roc;

hg_code hg_roc_new(const float *scores, int64_t stride, const int32_t *labels, int64_t count, int32_t label, hg_roc *curve,
                   hg_error *error);
hg_code hg_roc_micro_new(const float *probabilities, const int32_t *labels, int64_t count, int classes, hg_roc *curve,
                         hg_error *error);
/* The macro average: the mean of the classes' true positive shares at each of `points` evenly spaced false positive shares;
 * its area is the mean of the classes' areas (classes without one are left out). */
hg_code hg_roc_macro_new(const float *probabilities, const int32_t *labels, int64_t count, int classes, int points, hg_roc *curve,
                         hg_error *error);
void hg_roc_release(hg_roc *curve);

/* sum (points) += the precision at recalls of 1 / points, 2 / points, ..., 1, each where the curve first comes to it, of a class
 * with `positives` images, at least one, and `rest` others. The mean over classes is their macro average; the area under it is
 * the mean average precision. */
void hg_roc_add_precision(const hg_roc *curve, int64_t positives, int64_t rest, int points, double *sum);

/* What the curves of all classes come to. NaN where a class without samples, or with all of them, leaves nothing. */
typedef struct hg_ranking_scores {
  double *average_precision, *roc_auc; /* (classes) */
  double macro_average_precision;      /* means over the classes that have samples */
  double macro_roc_auc;                /* one class against the rest, means over the classes that have one */
  double micro_average_precision, micro_roc_auc;
} hg_ranking_scores;

hg_code hg_ranking_scores_new(const float *probabilities, const int32_t *labels, int64_t count, int classes,
                              hg_ranking_scores *scores, hg_error *error);
void hg_ranking_scores_release(hg_ranking_scores *scores);

#endif
