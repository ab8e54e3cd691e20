#include "eval/curves.h"

#include "base/alloc.h"

#include <stdlib.h>

typedef struct scored {
  float score;
  int positive;
} scored;

static int by_falling_score(const void *left, const void *right) {
  float a = ((const scored *)left)->score, b = ((const scored *)right)->score;
  return a > b ? -1 : a < b;
}

/* Equal scores fall together: a point is made after the last of them. */
static void trace_curve(const scored *samples, int64_t count, int64_t positives, hg_precision_recall *curve) {
  int64_t hits = 0;
  double before = 0;
  for (int64_t i = 0; i < count; i++) {
    hits += samples[i].positive;
    if (i + 1 < count && samples[i + 1].score == samples[i].score) continue;
    double precision = (double)hits / (double)(i + 1), recall = positives == 0 ? 0 : (double)hits / (double)positives;
    curve->threshold[curve->count] = samples[i].score;
    curve->precision[curve->count] = precision;
    curve->recall[curve->count++] = recall;
    curve->average_precision += (recall - before) * precision;
    before = recall;
  }
}

hg_code hg_precision_recall_new(const float *scores, int64_t stride, const int32_t *labels, int64_t count, int32_t label,
                                hg_precision_recall *curve, hg_error *error) {
  *curve = (hg_precision_recall){0};
  size_t room = (size_t)count;
  scored *samples = hg_malloc(room * sizeof *samples);
  curve->threshold = hg_malloc(room * sizeof *curve->threshold);
  curve->precision = hg_malloc(room * sizeof *curve->precision);
  curve->recall = hg_malloc(room * sizeof *curve->recall);
  if (samples == NULL || curve->threshold == NULL || curve->precision == NULL || curve->recall == NULL) {
    hg_free(samples);
    hg_precision_recall_release(curve);
    return hg_fail_memory(error, "precision-recall curve", room * sizeof *samples);
  }
  int64_t positives = 0;
  for (int64_t i = 0; i < count; i++) {
    samples[i] = (scored){scores[i * stride], labels[i] == label};
    positives += samples[i].positive;
  }
  qsort(samples, room, sizeof *samples, by_falling_score);
  trace_curve(samples, count, positives, curve);
  hg_free(samples);
  return HG_OK;
}

void hg_precision_recall_release(hg_precision_recall *curve) {
  hg_free(curve->threshold);
  hg_free(curve->precision);
  hg_free(curve->recall);
  *curve = (hg_precision_recall){0};
}
