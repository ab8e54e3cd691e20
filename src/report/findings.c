/* Which difference is real: every compared pair with its test. */
#include "eval/metrics.h"
#include "report/page.h"

#include <math.h>
#include <string.h>

#define DASH "\xe2\x80\x93"

typedef enum verdict { A_BETTER, B_BETTER, UNDECIDED, UNTESTED } verdict;

/* As stored; of a store that has none, by the p-value. */
static verdict verdict_of(const hg_comparison *row) {
  if (strcmp(row->verdict, "better") == 0) return A_BETTER;
  if (strcmp(row->verdict, "worse") == 0) return B_BETTER;
  if (strcmp(row->verdict, "undecided") == 0) return UNDECIDED;
  if (row->verdict[0] != '\0' || isnan(row->p_value)) return UNTESTED;
  if (!(row->p_value < 0.05)) return UNDECIDED;
  return (row->difference > 0) != hg_less_is_better(row->metric) ? A_BETTER : B_BETTER;
}

static void put_test(hg_text *out, const char *test) {
  static const char *const names[][2] = {{"mcnemar", "McNemar\xe2\x80\x99s test"},
                                         {"paired-bootstrap", "paired bootstrap"},
                                         {"seeds-and-images", "test over seeds and images"},
                                         {"paired-t", "paired t interval"},
                                         {"", "no test"}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i][0], test) == 0) {
      hg_text_put(out, names[i][1]);
      return;
    }
  hg_text_html(out, test);
}

static void put_p_value(hg_text *out, double p) {
  if (isnan(p))
    hg_text_put(out, DASH);
  else if (p < 0.0001)
    hg_text_put(out,
                "&lt;\xe2\x80\xaf"
                "0.0001");
  else
    hg_text_format(out, "%.4f", p);
}

static void put_named(hg_text *out, const char *before, const char *name, const char *after) {
  hg_text_put(out, before);
  hg_text_put(out, "<b>");
  hg_text_html(out, name);
  hg_text_put(out, "</b>");
  hg_text_put(out, after);
}

/* Better or worse is said only where the test says so. */
static void put_verdict(hg_text *out, const hg_comparison *row) {
  verdict found = verdict_of(row);
  const char *winner = found == B_BETTER ? row->b : row->a, *other = found == B_BETTER ? row->a : row->b;
  if (found == A_BETTER || found == B_BETTER) {
    put_named(out, "", winner, " is <span class=\"verdict better\">better</span> than ");
    put_named(out, "", other, "");
  } else {
    put_named(out,
              found == UNTESTED ? "<span class=\"verdict\">Not tested:</span> "
                                : "<span class=\"verdict\">No significant difference</span> between ",
              row->a, found == UNTESTED ? " against " : " and ");
    put_named(out, "", row->b, "");
  }
}

static void put_interval(hg_text *out, double low, double high, bool share) {
  const double ends[] = {low, high};
  for (int i = 0; i < 2 && !isnan(low); i++) {
    double end = share ? 100 * ends[i] : ends[i];
    hg_text_format(out, share ? "%s%s%.2f" : "%s%s%.4g", i == 0 ? "" : " to ", end < 0 ? "\xe2\x88\x92" : "+", fabs(end));
  }
  if (isnan(low)) hg_text_put(out, DASH);
}

/* In words; the level of noise, "mse (gaussian 0.3)", after them where it is wanted. */
static void put_metric(hg_text *out, const char *metric, bool level) {
  static const char *const words[][2] = {
      {"macro_f1", "macro F1"}, {"accuracy_tta", "accuracy over views"}, {"mse", "MSE"}, {"psnr", "PSNR"}, {"ssim", "SSIM"}};
  size_t length = strcspn(metric, " ");
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (strlen(words[i][0]) == length && strncmp(words[i][0], metric, length) == 0) {
      hg_text_put(out, words[i][1]);
      if (level) hg_text_words(out, metric + length);
      return;
    }
  hg_text_words(out, metric);
}

static void put_comparison(hg_text *out, const hg_comparison *row) {
  hg_text_put(out, "<tr><td class=\"finding\">");
  put_verdict(out, row);
  hg_text_put(out, "<span class=\"status\">");
  put_metric(out, row->metric, true);
  put_named(out, ", ", row->a, " \xe2\x88\x92 ");
  put_named(out, "", row->b, "</span></td><td class=\"num\">");
  hg_text_difference(out, row->difference, hg_metric_is_share(row->metric));
  hg_text_put(out, "</td><td class=\"num\">");
  put_interval(out, row->low, row->high, hg_metric_is_share(row->metric));
  hg_text_put(out, "</td><td class=\"num\">");
  put_p_value(out, row->p_value);
  hg_text_put(out, "</td><td class=\"num\">");
  put_p_value(out, row->p_holm);
  hg_text_put(out, "</td><td>");
  put_test(out, row->test);
  if (row->seeds > 0) hg_text_format(out, "<span class=\"status\">%d seed%s</span>", row->seeds, row->seeds == 1 ? "" : "s");
  hg_text_put(out, "</td></tr>");
}

void hg_page_findings(hg_page *page) {
  hg_text *out = &page->out;
  if (page->report.comparison_count == 0) return;
  hg_text_put(
      out,
      "<h3 id=\"findings\">Is the difference real?</h3><div class=\"scroll tall\"><table class=\"comparisons\"><thead><tr><th "
      "scope=\"col\">Finding</th>"
      "<th scope=\"col\" class=\"num\">Difference</th><th scope=\"col\" class=\"num\">95&nbsp;% interval</th>"
      "<th scope=\"col\" class=\"num\">p</th><th scope=\"col\" class=\"num\">p by Holm</th><th "
      "scope=\"col\">Test</th></tr></thead><tbody>");
  for (int i = 0; i < page->report.comparison_count; i++) put_comparison(out, &page->report.comparisons[i]);
  hg_text_put(out,
              "</tbody></table></div><p class=\"note\">A difference is called better only where p is below 0.05 after "
              "Holm\xe2\x80\x99s correction for all comparisons of the same score; an "
              "interval is of its pair alone, and may leave out 0 where that p is not. Tests pair the models on the same test "
              "images.</p>");
}

/* ---------------------------------------------------------------- the first screen: one sentence for each pair */

/* A metric without its level: "mse (gaussian 0.3)" is of "mse". */
static bool same_score(const hg_comparison *a, const hg_comparison *b) {
  size_t length = strcspn(a->metric, " ");
  return strcspn(b->metric, " ") == length && strncmp(a->metric, b->metric, length) == 0;
}

static bool same_pair(const hg_comparison *a, const hg_comparison *b) {
  return strcmp(a->a, b->a) == 0 && strcmp(a->b, b->b) == 0;
}

/* Whether the pair's sentence is about this row: its accuracy, or where it has none its first score. */
static bool speaks(const hg_report *report, int at) {
  const hg_comparison *row = &report->comparisons[at];
  bool accuracy = strcmp(row->metric, "accuracy") == 0;
  for (int i = 0; i < report->comparison_count; i++) {
    const hg_comparison *other = &report->comparisons[i];
    if (i == at || !same_pair(row, other)) continue;
    if (strcmp(other->metric, "accuracy") == 0 ? !accuracy || i < at : !accuracy && i < at) return false;
  }
  return true;
}

/* The same score of the pair at several levels of noise. */
typedef struct level_count {
  int all, of[UNTESTED + 1]; /* by verdict */
  const hg_comparison *most; /* the first of the commonest verdict, a decided one before others */
  double far_p;              /* of that verdict, corrected: the one that speaks for it least */
} level_count;

static double p_of(const hg_comparison *row) { return isnan(row->p_holm) ? row->p_value : row->p_holm; }

static bool is_level(const hg_comparison *row, const hg_comparison *other) {
  return same_pair(row, other) && same_score(row, other);
}

static level_count count_levels(const hg_report *report, const hg_comparison *row) {
  const hg_comparison *rows = report->comparisons;
  level_count levels = {0};
  verdict most = A_BETTER;
  for (int i = 0; i < report->comparison_count; i++)
    if (is_level(row, &rows[i])) levels.all++, levels.of[verdict_of(&rows[i])]++;
  for (verdict next = A_BETTER; next <= UNTESTED; next++)
    if (levels.of[next] > levels.of[most]) most = next;
  for (int i = 0; i < report->comparison_count; i++) {
    if (!is_level(row, &rows[i]) || verdict_of(&rows[i]) != most) continue;
    double p = p_of(&rows[i]);
    levels.far_p = levels.most == NULL ? p : most == UNDECIDED ? fmin(levels.far_p, p) : fmax(levels.far_p, p);
    if (levels.most == NULL) levels.most = &rows[i];
  }
  return levels;
}

/* "97.37 % against 97.00 %", the winner's first. */
static void put_values(hg_text *out, const hg_comparison *row, bool swapped, const char *between) {
  bool share = hg_metric_is_share(row->metric);
  hg_text_put(out, ": ");
  hg_text_score(out, swapped ? row->value_b : row->value_a, share);
  hg_text_put(out, between);
  hg_text_score(out, swapped ? row->value_a : row->value_b, share);
}

/* "p 0.0195 (McNemar's test, Holm; 1 seed)" */
static void put_p(hg_text *out, const hg_comparison *row, double p, const char *what) {
  hg_text_put(out, what);
  put_p_value(out, p);
  hg_text_put(out, " (");
  put_test(out, row->test);
  if (!isnan(row->p_holm)) hg_text_put(out, ", Holm");
  if (row->seeds > 0) hg_text_format(out, "; %d seed%s", row->seeds, row->seeds == 1 ? "" : "s");
  hg_text_put(out, ")");
}

/* "at 3 of 4 levels of noise, median filter at 1": what holds at the other levels is told too. */
static void put_levels(hg_text *out, const hg_comparison *row, const level_count *levels) {
  verdict found = verdict_of(row);
  if (levels->of[found] == levels->all)
    hg_text_format(out, " at all %d levels of noise", levels->all);
  else
    hg_text_format(out, " at %d of %d levels of noise", levels->of[found], levels->all);
  for (verdict other = A_BETTER; other <= B_BETTER; other++) {
    if (other == found || levels->of[other] == 0) continue;
    put_named(out, found == UNDECIDED ? "; " : ", ", other == A_BETTER ? row->a : row->b, "");
    hg_text_format(out, "%s at %d", found == UNDECIDED ? " is better" : "", levels->of[other]);
  }
  if (found != UNDECIDED && levels->of[UNDECIDED] > 0)
    hg_text_format(out, ", no significant difference at %d", levels->of[UNDECIDED]);
  hg_text_put(out, " <span class=\"proof\">");
  put_p(out, row, levels->far_p, found == UNDECIDED ? "smallest p " : "largest p ");
  hg_text_put(out, "</span>");
}

/* The difference is the winner's less the other's. */
static void put_proof(hg_text *out, const hg_comparison *row, bool swapped) {
  bool share = hg_metric_is_share(row->metric);
  hg_text_put(out, " <span class=\"proof\">");
  hg_text_difference(out, swapped ? -row->difference : row->difference, share);
  hg_text_put(out, ", 95&nbsp;% interval ");
  put_interval(out, swapped ? -row->high : row->low, swapped ? -row->low : row->high, share);
  put_p(out, row, p_of(row), "; p ");
  hg_text_put(out, "</span>");
}

static void put_sentence(hg_text *out, const hg_report *report, const hg_comparison *row) {
  level_count levels = count_levels(report, row);
  row = levels.most;
  verdict found = verdict_of(row);
  hg_text_put(out, "<li>");
  put_verdict(out, row);
  hg_text_put(out, " in ");
  put_metric(out, row->metric, false);
  if (found != UNTESTED && levels.all > 1) {
    put_levels(out, row, &levels);
  } else if (found != UNTESTED) {
    put_values(out, row, found == B_BETTER, found == UNDECIDED ? " and " : " against ");
    put_proof(out, row, found == B_BETTER);
  }
  hg_text_put(out, "</li>");
}

/* Better than the same other model in the same score at every level of noise: such pairs share a sentence. */
static bool is_alike(const hg_report *report, int at, int other) {
  const hg_comparison *a = &report->comparisons[at], *b = &report->comparisons[other];
  if (strcmp(a->b, b->b) != 0 || !same_score(a, b) || !speaks(report, other)) return false;
  level_count first = count_levels(report, a), second = count_levels(report, b);
  return first.all > 1 && first.of[A_BETTER] == first.all && second.all == first.all && second.of[A_BETTER] == second.all;
}

static bool is_told(const hg_report *report, int at) {
  for (int i = 0; i < at; i++)
    if (is_alike(report, i, at) && speaks(report, i)) return true;
  return false;
}

/* "a, b and 3 more models are better than m in MSE at all 4 levels of noise", of `alike` pairs from `at` on. */
static void put_shared_sentence(hg_text *out, const hg_report *report, int at, int alike) {
  enum { NAMED = 4 };
  const hg_comparison *row = &report->comparisons[at];
  int named = alike <= NAMED ? alike : NAMED - 1, told = 0;
  double far_p = 0;
  hg_text_put(out, "<li>");
  for (int i = at; i < report->comparison_count; i++) {
    if (!is_alike(report, at, i)) continue;
    far_p = fmax(far_p, count_levels(report, &report->comparisons[i]).far_p);
    if (told++ < named) put_named(out, told == 1 ? "" : told == alike ? " and " : ", ", report->comparisons[i].a, "");
  }
  if (named < alike) hg_text_format(out, " and %d more models", alike - named);
  put_named(out, " are <span class=\"verdict better\">better</span> than ", row->b, " in ");
  put_metric(out, row->metric, false);
  hg_text_format(out, " at all %d levels of noise <span class=\"proof\">", count_levels(report, row).all);
  put_p(out, row, far_p, "largest p ");
  hg_text_put(out, "</span></li>");
}

static void put_pair(hg_text *out, const hg_report *report, int at) {
  int alike = 0;
  for (int i = at; i < report->comparison_count; i++) alike += is_alike(report, at, i);
  if (alike > 1)
    put_shared_sentence(out, report, at, alike);
  else
    put_sentence(out, report, &report->comparisons[at]);
}

/* What is decided first. */
void hg_page_short_findings(hg_page *page) {
  enum { MOST = 7 };
  hg_text *out = &page->out;
  const hg_report *report = &page->report;
  int pairs = 0, sentences = 0;
  if (report->comparison_count == 0) {
    hg_text_put(out, "<p class=\"note\">Nothing was compared: no difference on this page is tested.</p>");
    return;
  }
  hg_text_put(out, "<ul>");
  for (int decided = 1; decided >= 0; decided--)
    for (int i = 0; i < report->comparison_count; i++) {
      verdict found = verdict_of(count_levels(report, &report->comparisons[i]).most);
      if ((found == A_BETTER || found == B_BETTER) != decided || !speaks(report, i)) continue;
      pairs++;
      if (is_told(report, i)) continue;
      if (sentences++ < MOST) put_pair(out, report, i);
    }
  hg_text_put(out, "</ul><p class=\"note\"><a href=\"#findings\">");
  if (sentences > MOST)
    hg_text_format(out, "All %d pairs, and their other scores</a></p>", pairs);
  else
    hg_text_put(out, pairs < report->comparison_count ? "The other scores of these pairs</a></p>" : "All tests</a></p>");
}
