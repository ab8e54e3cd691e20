/* Predictions in, numbers out: scores as scikit-learn defines and names them. */
#ifndef HG_EVAL_METRICS_H
#define HG_EVAL_METRICS_H

#include "base/status.h"

typedef struct hg_class_scores {
  double precision, recall, f1; /* 0 where undefined, as scikit-learn's zero_division=0 */
  int64_t support;
} hg_class_scores;

typedef struct hg_classification_report {
  int classes;
  int64_t count, correct;
  int64_t *confusion;              /* (classes, classes): row = true, column = predicted */
  hg_class_scores *per_class;      /* (classes) */
  hg_class_scores macro, weighted; /* macro: over the classes that are there */
  double accuracy;
  double log_loss;           /* mean -log p[label], p clipped to [eps, 1 - eps], eps = 2^-23 */
  double log_loss_deviation; /* its sample standard deviation over the samples; NaN of less than two */
} hg_classification_report;

/* probabilities (count, classes), labels (count). The prediction is the first largest probability. */
hg_code hg_classification_report_new(const float *probabilities, const int32_t *labels, int64_t count, int classes,
                                     hg_classification_report *report, hg_error *error);
void hg_classification_report_release(hg_classification_report *report);
/* Whether the class is among the labels or the predictions; scikit-learn leaves others out of its report. */
bool hg_classification_report_has(const hg_classification_report *report, int label);
/* The text of sklearn.metrics.classification_report(digits=4); hg_malloc'ed. names may be NULL. */
char *hg_classification_report_text(const hg_classification_report *report, const char *const *names);

/* NaN where there are none, or values is NULL. */
double hg_mean(const float *values, int64_t count);
/* Sample standard deviation; NaN where there are less than two, or values is NULL. */
double hg_deviation(const float *values, int64_t count);

/* Of a metric's name, "test.mse" or "brier": whether its smaller value is the better one. */
bool hg_less_is_better(const char *metric);
/* Whether it is a share of images, told in percent: accuracy and f1, with and without test-time augmentation. */
bool hg_metric_is_share(const char *metric);
/* Brings an interval of it, NaN = none, to where it can be: no loss is below 0, no share above 1. Student's interval of a few
 * seeds may reach beyond. */
void hg_metric_bound(const char *metric, double *low, double *high);

int32_t hg_argmax(const float *row, int count); /* the first largest */

#endif
