#include "eval/curves.h"

#include "base/alloc.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ---------------------------------------------------------------- scores in falling order */

typedef struct scored {
  float score;
  int positive;
} scored;

typedef struct ranking {
  scored *samples; /* by falling score */
  int64_t count, positives;
} ranking;

/* A whole number that falls as the score rises. */
static uint32_t key_of(float score) {
  uint32_t bits;
  memcpy(&bits, &score, sizeof bits);
  return (bits >> 31) != 0 ? bits : ~bits & 0x7FFFFFFFu;
}

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, PASSES = 3 };

static uint32_t digit_of(const scored *sample, int pass) {
  return key_of(sample->score) >> (DIGIT_BITS * pass) & (uint32_t)(DIGITS - 1);
}

/* From one array to the other by one digit of the key; equal digits keep their order. */
static void sort_by_digit(const scored *from, scored *to, int64_t count, int pass) {
  int64_t start[DIGITS] = {0}, sum = 0;
  for (int64_t i = 0; i < count; i++) start[digit_of(&from[i], pass)]++;
  for (int d = 0; d < DIGITS; d++) {
    int64_t here = start[d];
    start[d] = sum;
    sum += here;
  }
  for (int64_t i = 0; i < count; i++) to[start[digit_of(&from[i], pass)]++] = from[i];
}

/* order->samples has room for twice the count: the second half is the sort's. */
static void finish_ranking(ranking *order) {
  scored *from = order->samples, *to = from + order->count;
  for (int64_t i = 0; i < order->count; i++) order->positives += from[i].positive;
  for (int pass = 0; pass < PASSES; pass++) {
    sort_by_digit(from, to, order->count, pass);
    scored *sorted = to;
    to = from;
    from = sorted;
  }
  memcpy(to, from, (size_t)order->count * sizeof *to); /* an odd number of passes ends in the second half */
}

static hg_code take_ranking(int64_t count, ranking *order, hg_error *error) {
  *order = (ranking){.count = count, .samples = hg_malloc(2 * (size_t)count * sizeof(scored))};
  return order->samples == NULL ? hg_fail_memory(error, "curve", 2 * (size_t)count * sizeof(scored)) : HG_OK;
}

static hg_code rank_class(const float *scores, int64_t stride, const int32_t *labels, int64_t count, int32_t label,
                          ranking *order, hg_error *error) {
  hg_code code = take_ranking(count, order, error);
  if (code != HG_OK) return code;
  for (int64_t i = 0; i < count; i++) order->samples[i] = (scored){scores[i * stride], labels[i] == label};
  finish_ranking(order);
  return HG_OK;
}

static hg_code rank_all(const float *probabilities, const int32_t *labels, int64_t count, int classes, ranking *order,
                        hg_error *error) {
  hg_code code = take_ranking(count * classes, order, error);
  if (code != HG_OK) return code;
  for (int64_t i = 0; i < count; i++)
    for (int k = 0; k < classes; k++) order->samples[i * classes + k] = (scored){probabilities[i * classes + k], labels[i] == k};
  finish_ranking(order);
  return HG_OK;
}

/* Equal scores fall together: a point is made after the last of them. */
static bool ends_here(const ranking *order, int64_t i) {
  return i + 1 == order->count || order->samples[i + 1].score != order->samples[i].score;
}

/* ---------------------------------------------------------------- precision and recall */

/* The sum of (recall[i] - recall[i - 1]) precision[i], as scikit-learn's average_precision_score; 0 where the class is not there.
 */
static double average_precision_of(const ranking *order) {
  int64_t hits = 0, hits_before = 0;
  double sum = 0, positives = (double)order->positives;
  for (int64_t i = 0; i < order->count; i++) {
    hits += order->samples[i].positive;
    if (!ends_here(order, i)) continue;
    double recall = order->positives == 0 ? 0 : (double)hits / positives;
    double before = order->positives == 0 ? 0 : (double)hits_before / positives;
    sum += (recall - before) * ((double)hits / (double)(i + 1));
    hits_before = hits;
  }
  return sum;
}

/* ---------------------------------------------------------------- receiver operating characteristic */

static hg_code take_points(int64_t count, hg_roc *curve, hg_error *error) {
  curve->false_positive = hg_calloc((size_t)count, sizeof(double));
  curve->true_positive = hg_calloc((size_t)count, sizeof(double));
  if (curve->false_positive != NULL && curve->true_positive != NULL) return HG_OK;
  hg_roc_release(curve);
  return hg_fail_memory(error, "ROC curve", (size_t)count * sizeof(double));
}

/* Doubled areas of trapezoids are whole numbers of (class, rest) pairs: their sum is exact. */
static void trace_roc(const ranking *order, hg_roc *curve) {
  int64_t hits = 0, hits_before = 0, misses_before = 0, rest = order->count - order->positives;
  double doubled = 0;
  curve->count = 1;
  for (int64_t i = 0; i < order->count; i++) {
    hits += order->samples[i].positive;
    if (!ends_here(order, i)) continue;
    int64_t misses = i + 1 - hits;
    doubled += (double)(misses - misses_before) * (double)(hits + hits_before);
    curve->true_positive[curve->count] = order->positives == 0 ? (double)NAN : (double)hits / (double)order->positives;
    curve->false_positive[curve->count++] = rest == 0 ? (double)NAN : (double)misses / (double)rest;
    hits_before = hits;
    misses_before = misses;
  }
  bool defined = order->positives > 0 && rest > 0;
  curve->area = defined ? doubled / 2 / (double)order->positives / (double)rest : (double)NAN;
}

/* Takes the order over. */
static hg_code make_roc(ranking *order, hg_roc *curve, hg_error *error) {
  hg_code code = take_points(order->count + 1, curve, error);
  if (code == HG_OK) trace_roc(order, curve);
  hg_free(order->samples);
  return code;
}

hg_code hg_roc_new(const float *scores, int64_t stride, const int32_t *labels, int64_t count, int32_t label, hg_roc *curve,
                   hg_error *error) {
  ranking order;
  *curve = (hg_roc){0};
  hg_code code = rank_class(scores, stride, labels, count, label, &order, error);
  return code == HG_OK ? make_roc(&order, curve, error) : code;
}

hg_code hg_roc_micro_new(const float *probabilities, const int32_t *labels, int64_t count, int classes, hg_roc *curve,
                         hg_error *error) {
  ranking order;
  *curve = (hg_roc){0};
  hg_code code = rank_all(probabilities, labels, count, classes, &order, error);
  return code == HG_OK ? make_roc(&order, curve, error) : code;
}

/* Adds the class's share of hits at each of the points, between its own points by a line; the upper end of a vertical step. */
static void add_interpolated(const hg_roc *curve, hg_roc *sum) {
  int64_t at = 0;
  for (int64_t i = 0; i < sum->count; i++) {
    double x = sum->false_positive[i];
    while (at + 1 < curve->count && curve->false_positive[at + 1] <= x) at++;
    double y = curve->true_positive[at], left = curve->false_positive[at];
    if (at + 1 < curve->count && x > left)
      y += (x - left) / (curve->false_positive[at + 1] - left) * (curve->true_positive[at + 1] - y);
    sum->true_positive[i] += y;
  }
}

void hg_roc_add_precision(const hg_roc *curve, int64_t positives, int64_t rest, int points, double *sum) {
  int64_t at = 1;
  for (int i = 0; i < points; i++) {
    while (at + 1 < curve->count && llround(curve->true_positive[at] * (double)positives) * points < (i + 1) * positives) at++;
    double hits = curve->true_positive[at] * (double)positives, others = rest > 0 ? curve->false_positive[at] * (double)rest : 0;
    sum[i] += hits / (hits + others);
  }
}

hg_code hg_roc_macro_new(const float *probabilities, const int32_t *labels, int64_t count, int classes, int points, hg_roc *curve,
                         hg_error *error) {
  *curve = (hg_roc){0};
  if (points < 2) return hg_fail(error, HG_USAGE, "macro ROC curve", "%d points; at least 2 are needed", points);
  hg_code code = take_points(points, curve, error);
  if (code != HG_OK) return code;
  int used = 0;
  curve->count = points;
  for (int i = 0; i < points; i++) curve->false_positive[i] = (double)i / (points - 1);
  for (int k = 0; code == HG_OK && k < classes; k++) {
    hg_roc one;
    code = hg_roc_new(probabilities + k, classes, labels, count, k, &one, error);
    if (code == HG_OK && !isnan(one.area)) {
      add_interpolated(&one, curve);
      curve->area += one.area;
      used++;
    }
    hg_roc_release(&one);
  }
  for (int i = 0; i < points; i++) curve->true_positive[i] = used == 0 ? (double)NAN : curve->true_positive[i] / used;
  curve->area = used == 0 ? (double)NAN : curve->area / used;
  if (code != HG_OK) hg_roc_release(curve);
  return code;
}

void hg_roc_release(hg_roc *curve) {
  hg_free(curve->false_positive);
  hg_free(curve->true_positive);
  *curve = (hg_roc){0};
}

/* ---------------------------------------------------------------- what they come to */

/* Both figures of one order, which it takes over. */
static hg_code score_order(ranking *order, double *average_precision, double *area, hg_error *error) {
  hg_roc roc = {0};
  hg_code code = take_points(order->count + 1, &roc, error);
  if (code == HG_OK) trace_roc(order, &roc);
  *average_precision = average_precision_of(order);
  *area = roc.area;
  hg_free(order->samples);
  hg_roc_release(&roc);
  return code;
}

static hg_code score_class(const float *probabilities, const int32_t *labels, int64_t count, int classes, int label,
                           hg_ranking_scores *scores, hg_error *error) {
  ranking order;
  hg_code code = rank_class(probabilities + label, classes, labels, count, label, &order, error);
  if (code != HG_OK) return code;
  bool there = order.positives > 0;
  code = score_order(&order, &scores->average_precision[label], &scores->roc_auc[label], error);
  if (!there) scores->average_precision[label] = (double)NAN;
  return code;
}

static double mean_of_defined(const double *values, int count) {
  double sum = 0;
  int defined = 0;
  for (int i = 0; i < count; i++) {
    if (isnan(values[i])) continue;
    sum += values[i];
    defined++;
  }
  return defined == 0 ? (double)NAN : sum / defined;
}

static hg_code score_micro(const float *probabilities, const int32_t *labels, int64_t count, int classes,
                           hg_ranking_scores *scores, hg_error *error) {
  ranking order;
  hg_code code = rank_all(probabilities, labels, count, classes, &order, error);
  return code == HG_OK ? score_order(&order, &scores->micro_average_precision, &scores->micro_roc_auc, error) : code;
}

hg_code hg_ranking_scores_new(const float *probabilities, const int32_t *labels, int64_t count, int classes,
                              hg_ranking_scores *scores, hg_error *error) {
  *scores = (hg_ranking_scores){0};
  if (classes < 1 || count < 1) return hg_fail(error, HG_USAGE, "ranking scores", "there is nothing to rank");
  scores->average_precision = hg_calloc((size_t)classes, sizeof(double));
  scores->roc_auc = hg_calloc((size_t)classes, sizeof(double));
  bool whole = scores->average_precision != NULL && scores->roc_auc != NULL;
  hg_code code = whole ? HG_OK : hg_fail_memory(error, "ranking scores", (size_t)classes * sizeof(double));
  for (int k = 0; code == HG_OK && k < classes; k++) code = score_class(probabilities, labels, count, classes, k, scores, error);
  if (code == HG_OK) code = score_micro(probabilities, labels, count, classes, scores, error);
  if (code != HG_OK) {
    hg_ranking_scores_release(scores);
    return code;
  }
  scores->macro_average_precision = mean_of_defined(scores->average_precision, classes);
  scores->macro_roc_auc = mean_of_defined(scores->roc_auc, classes);
  return HG_OK;
}

void hg_ranking_scores_release(hg_ranking_scores *scores) {
  hg_free(scores->average_precision);
  hg_free(scores->roc_auc);
  *scores = (hg_ranking_scores){0};
}
