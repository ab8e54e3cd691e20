#include "eval/metrics.h"

#include "base/alloc.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int32_t hg_argmax(const float *row, int count) {
  int32_t best = 0;
  for (int i = 1; i < count; i++)
    if (row[i] > row[best]) best = i;
  return best;
}

static double ratio(int64_t part, int64_t whole) { return whole == 0 ? 0 : (double)part / (double)whole; }

static double log_loss_of(float probability) {
  const double least = 1.1920928955078125e-07; /* 2^-23 */
  return -log(fmin(fmax((double)probability, least), 1 - least));
}

static hg_code count_pairs(const float *probabilities, const int32_t *labels, hg_classification_report *report, hg_error *error) {
  int classes = report->classes;
  double loss = 0, squares = 0, count = (double)report->count;
  for (int64_t i = 0; i < report->count; i++) {
    const float *row = probabilities + i * classes; /* (classes) */
    if (labels[i] < 0 || labels[i] >= classes)
      return hg_fail(error, HG_USAGE, NULL, "label %d of sample %lld is not in 0..%d", labels[i], (long long)i, classes - 1);
    int32_t predicted = hg_argmax(row, classes);
    report->confusion[(int64_t)labels[i] * classes + predicted]++;
    report->correct += predicted == labels[i];
    double own = log_loss_of(row[labels[i]]);
    loss += own;
    squares += own * own;
  }
  report->accuracy = ratio(report->correct, report->count);
  report->log_loss = report->count == 0 ? 0 : loss / count;
  report->log_loss_deviation =
      report->count < 2 ? (double)NAN : sqrt(fmax(squares - count * report->log_loss * report->log_loss, 0) / (count - 1));
  return HG_OK;
}

static void score_class(hg_classification_report *report, int label) {
  int64_t predicted = 0, support = 0;
  for (int other = 0; other < report->classes; other++) {
    predicted += report->confusion[(int64_t)other * report->classes + label];
    support += report->confusion[(int64_t)label * report->classes + other];
  }
  int64_t hits = report->confusion[(int64_t)label * report->classes + label];
  report->per_class[label] =
      (hg_class_scores){ratio(hits, predicted), ratio(hits, support), ratio(2 * hits, predicted + support), support};
}

bool hg_classification_report_has(const hg_classification_report *report, int label) {
  for (int other = 0; other < report->classes; other++)
    if (report->confusion[(int64_t)other * report->classes + label] > 0 ||
        report->confusion[(int64_t)label * report->classes + other] > 0)
      return true;
  return false;
}

static void average_scores(hg_classification_report *report) {
  int there = 0;
  for (int label = 0; label < report->classes; label++) there += hg_classification_report_has(report, label);
  for (int label = 0; label < report->classes; label++) {
    if (!hg_classification_report_has(report, label)) continue;
    const hg_class_scores *scores = &report->per_class[label];
    double equal = 1.0 / there, share = ratio(scores->support, report->count);
    report->macro.precision += equal * scores->precision;
    report->macro.recall += equal * scores->recall;
    report->macro.f1 += equal * scores->f1;
    report->weighted.precision += share * scores->precision;
    report->weighted.recall += share * scores->recall;
    report->weighted.f1 += share * scores->f1;
  }
  report->macro.support = report->weighted.support = report->count;
}

hg_code hg_classification_report_new(const float *probabilities, const int32_t *labels, int64_t count, int classes,
                                     hg_classification_report *report, hg_error *error) {
  *report = (hg_classification_report){.classes = classes, .count = count};
  if (classes < 1 || count < 0) return hg_fail(error, HG_USAGE, NULL, "a report needs at least one class");
  size_t cells = (size_t)classes * (size_t)classes;
  report->confusion = hg_calloc(cells, sizeof *report->confusion);
  report->per_class = hg_calloc((size_t)classes, sizeof *report->per_class);
  hg_code code = HG_OK;
  if (report->confusion == NULL || report->per_class == NULL)
    code = hg_fail_memory(error, "classification report", cells * sizeof *report->confusion);
  if (code == HG_OK) code = count_pairs(probabilities, labels, report, error);
  if (code != HG_OK) {
    hg_classification_report_release(report);
    return code;
  }
  for (int label = 0; label < classes; label++) score_class(report, label);
  average_scores(report);
  return HG_OK;
}

void hg_classification_report_release(hg_classification_report *report) {
  hg_free(report->confusion);
  hg_free(report->per_class);
  *report = (hg_classification_report){0};
}

/* ---------------------------------------------------------------- the report as text */

typedef struct writer {
  char *text;
  size_t size, length;
  int width; /* of the first column, in characters */
} writer;

static int characters(const char *text) {
  int count = 0;
  for (; *text != '\0'; text++) count += ((unsigned char)*text & 0xC0) != 0x80;
  return count;
}

static const char *class_name(const char *const *names, int label, char buffer[16]) {
  if (names != NULL) return names[label];
  snprintf(buffer, 16, "%d", label);
  return buffer;
}

/* A name right-aligned by characters, where printf would count bytes. */
static void put_name(writer *out, const char *name) {
  int missing = out->width - characters(name);
  out->length += (size_t)snprintf(out->text + out->length, out->size - out->length, "%*s%s ", missing, "", name);
}

static void put_row(writer *out, const char *name, const hg_class_scores *scores) {
  put_name(out, name);
  out->length += (size_t)snprintf(out->text + out->length, out->size - out->length, " %9.4f %9.4f %9.4f %9lld\n",
                                  scores->precision, scores->recall, scores->f1, (long long)scores->support);
}

static void put_accuracy(writer *out, const hg_classification_report *report) {
  put_name(out, "accuracy");
  out->length += (size_t)snprintf(out->text + out->length, out->size - out->length, " %9s %9s %9.4f %9lld\n", "", "",
                                  report->accuracy, (long long)report->count);
}

char *hg_classification_report_text(const hg_classification_report *report, const char *const *names) {
  char buffer[16];
  writer out = {.width = characters("weighted avg")};
  size_t bytes = 512;
  for (int label = 0; label < report->classes; label++) {
    const char *name = class_name(names, label, buffer);
    if (characters(name) > out.width) out.width = characters(name);
    bytes += strlen(name);
  }
  out.size = bytes + (size_t)(report->classes + 5) * ((size_t)out.width + 100);
  out.text = hg_malloc(out.size);
  if (out.text == NULL) return NULL;
  put_name(&out, "");
  out.length += (size_t)snprintf(out.text + out.length, out.size - out.length, " %9s %9s %9s %9s\n\n", "precision", "recall",
                                 "f1-score", "support");
  for (int label = 0; label < report->classes; label++)
    if (hg_classification_report_has(report, label)) put_row(&out, class_name(names, label, buffer), &report->per_class[label]);
  out.length += (size_t)snprintf(out.text + out.length, out.size - out.length, "\n");
  put_accuracy(&out, report);
  put_row(&out, "macro avg", &report->macro);
  put_row(&out, "weighted avg", &report->weighted);
  return out.text;
}

double hg_mean(const float *values, int64_t count) {
  double sum = 0;
  if (values == NULL || count == 0) return (double)NAN;
  for (int64_t i = 0; i < count; i++) sum += (double)values[i];
  return sum / (double)count;
}

double hg_deviation(const float *values, int64_t count) {
  double mean = hg_mean(values, count), squares = 0;
  if (values == NULL || count < 2) return (double)NAN;
  for (int64_t i = 0; i < count; i++) squares += ((double)values[i] - mean) * ((double)values[i] - mean);
  return sqrt(squares / (double)(count - 1));
}

bool hg_less_is_better(const char *metric) {
  static const char *const losses[] = {"loss", "mse", "error", "brier"};
  for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++)
    if (strstr(metric, losses[i]) != NULL) return true;
  return false;
}

bool hg_metric_is_share(const char *metric) { return strstr(metric, "accuracy") != NULL || strstr(metric, "f1") != NULL; }

void hg_metric_bound(const char *metric, double *low, double *high) {
  bool share = hg_metric_is_share(metric);
  bool length = strstr(metric, "distance") != NULL || strstr(metric, "separation") != NULL;
  if ((share || length || hg_less_is_better(metric)) && *low < 0) *low = 0;
  if (share && *high > 1) *high = 1;
}
