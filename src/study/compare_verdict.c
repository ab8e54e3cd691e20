/* What comparisons come to, in words that a test at the corrected level allows. */
#include "base/alloc.h"
#include "eval/compare.h"
#include "eval/metrics.h"
#include "study/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double LEVEL = 0.05;

/* "mse (salt_and_pepper 0.1)" and "mse (salt_and_pepper 0.5)" are one family: the part before the space. */
static bool same_family(const char *a, const char *b) {
  size_t length = strcspn(a, " ");
  return strcspn(b, " ") == length && strncmp(a, b, length) == 0;
}

static hg_code correct_family(hg_comparison *rows, int count, int first, double *p_values, hg_error *error) {
  for (int i = 0; i < count; i++) p_values[i] = same_family(rows[first].metric, rows[i].metric) ? rows[i].p_value : (double)NAN;
  hg_code code = hg_holm(p_values, count, p_values, error);
  for (int i = 0; code == HG_OK && i < count; i++)
    if (same_family(rows[first].metric, rows[i].metric)) rows[i].p_holm = p_values[i];
  return code;
}

static bool is_first_of_family(const hg_comparison *rows, int row) {
  for (int i = 0; i < row; i++)
    if (same_family(rows[i].metric, rows[row].metric)) return false;
  return true;
}

static void judge(hg_comparison *row) {
  const char *verdict = "undecided";
  if (isnan(row->p_holm))
    verdict = "untested";
  else if (row->p_holm < LEVEL && row->difference != 0)
    verdict = (row->difference > 0) == hg_less_is_better(row->metric) ? "worse" : "better";
  snprintf(row->verdict, sizeof row->verdict, "%s", verdict);
}

/* ---------------------------------------------------------------- sentences */

static void put_p(double p, char *text, size_t size) {
  if (p < 0.0001)
    snprintf(text, size, "p < 0.0001");
  else
    snprintf(text, size, "p = %.4f", p);
}

static void put_evidence(const hg_comparison *row, char *text, size_t size) {
  char p[32];
  bool share = hg_metric_is_share(row->metric);
  double unit = share ? 100 : 1;
  put_p(row->p_holm, p, sizeof p);
  snprintf(text, size,
           share ? "(95 %% interval %+.2f to %+.2f points, %s, %d seed%s)" : "(95 %% interval %+.3g to %+.3g, %s, %d seed%s)",
           unit * row->low, unit * row->high, p, row->seeds, row->seeds == 1 ? "" : "s");
}

static void describe(hg_comparison *row) {
  char evidence[112], amount[32];
  put_evidence(row, evidence, sizeof evidence);
  if (hg_metric_is_share(row->metric))
    snprintf(amount, sizeof amount, "%.2f points", fabs(100 * row->difference));
  else
    snprintf(amount, sizeof amount, "%.3g", fabs(row->difference));
  const char *direction = row->difference > 0 ? "higher" : "lower";
  if (strcmp(row->verdict, "undecided") == 0)
    snprintf(row->text, sizeof row->text, "No significant difference in %s between %s and %s %s", row->metric, row->a, row->b,
             evidence);
  else if (strcmp(row->verdict, "untested") == 0)
    snprintf(row->text, sizeof row->text, "%s and %s were not tested for %s", row->a, row->b, row->metric);
  else
    snprintf(row->text, sizeof row->text, "%s is %s than %s: %s %s %s %s", row->a, row->verdict, row->b, row->metric, amount,
             direction, evidence);
}

hg_code hg_comparisons_conclude(hg_comparison *rows, int count, hg_error *error) {
  double *p_values = hg_malloc((size_t)count * sizeof *p_values + 1);
  if (p_values == NULL) return hg_fail_memory(error, "comparisons", (size_t)count * sizeof *p_values);
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < count; i++)
    if (is_first_of_family(rows, i)) code = correct_family(rows, count, i, p_values, error);
  for (int i = 0; code == HG_OK && i < count; i++) {
    judge(&rows[i]);
    describe(&rows[i]);
  }
  hg_free(p_values);
  return code;
}
