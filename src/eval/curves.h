/* Precision against recall, one class against the rest. */
#ifndef HG_EVAL_CURVES_H
#define HG_EVAL_CURVES_H

#include "base/status.h"

/* Points by falling threshold, one per distinct score; precision[i] and recall[i] of "score >= threshold[i] is the class". */
typedef struct hg_precision_recall {
  int64_t count;
  float *threshold;
  double *precision, *recall; /* (count) */
  double average_precision;   /* sum of (recall[i] - recall[i - 1]) precision[i], as scikit-learn's average_precision_score */
} hg_precision_recall;

/* scores (count) with this stride between samples; a sample belongs to the class if its label is `label`. 0 where no sample
 * does. */
hg_code hg_precision_recall_new(const float *scores, int64_t stride, const int32_t *labels, int64_t count, int32_t label,
                                hg_precision_recall *curve, hg_error *error);
void hg_precision_recall_release(hg_precision_recall *curve);

#endif
