/* Which difference is real: every compared pair with its test. */
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
  return (row->difference > 0) != hg_metric_less_is_better(row->metric) ? A_BETTER : B_BETTER;
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

static void put_difference(hg_text *out, const hg_comparison *row) {
  if (hg_metric_is_share(row->metric))
    hg_text_points(out, row->difference);
  else
    hg_text_figure(out, row->difference);
}

static void put_interval(hg_text *out, double low, double high, bool share) {
  const double ends[] = {low, high};
  for (int i = 0; i < 2 && !isnan(low); i++) {
    double end = share ? 100 * ends[i] : ends[i];
    hg_text_format(out, share ? "%s%s%.2f" : "%s%s%.4g", i == 0 ? "" : " to ", end < 0 ? "\xe2\x88\x92" : "+", fabs(end));
  }
  if (isnan(low)) hg_text_put(out, DASH);
}

static void put_comparison(hg_text *out, const hg_comparison *row) {
  hg_text_put(out, "<tr><td class=\"finding\">");
  put_verdict(out, row);
  hg_text_put(out, "<span class=\"status\">");
  hg_text_html(out, row->metric);
  put_named(out, ", ", row->a, " \xe2\x88\x92 ");
  put_named(out, "", row->b, "</span></td><td class=\"num\">");
  put_difference(out, row);
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
  hg_text_put(out,
              "<h3 id=\"findings\">Is the difference real?</h3><div class=\"scroll\"><table class=\"comparisons\"><thead><tr><th "
              "scope=\"col\">Finding</th>"
              "<th scope=\"col\" class=\"num\">Difference</th><th scope=\"col\" class=\"num\">95&nbsp;% interval</th>"
              "<th scope=\"col\" class=\"num\">p</th><th scope=\"col\" class=\"num\">p by Holm</th><th "
              "scope=\"col\">Test</th></tr></thead><tbody>");
  for (int i = 0; i < page->report.comparison_count; i++) put_comparison(out, &page->report.comparisons[i]);
  hg_text_put(
      out,
      "</tbody></table></div><p class=\"note\">A difference is called better only where p is below 0.05 after "
      "Holm\xe2\x80\x99s correction for all comparisons of the same score. Tests pair the models on the same test images.</p>");
}

/* One line of the first screen. */
static void put_sentence(hg_text *out, const hg_comparison *row) {
  hg_text_put(out, "<li>");
  if (row->text[0] != '\0') {
    hg_text_html(out, row->text);
  } else {
    put_verdict(out, row);
    hg_text_put(out, ": ");
    hg_text_html(out, row->metric);
    hg_text_put(out, " ");
    put_difference(out, row);
  }
  if (verdict_of(row) != UNTESTED) {
    hg_text_put(out, " <span class=\"proof\">");
    put_test(out, row->test);
    bool corrected = !isnan(row->p_holm);
    hg_text_put(out, ", p ");
    put_p_value(out, corrected ? row->p_holm : row->p_value);
    hg_text_put(out, corrected ? " by Holm</span>" : "</span>");
  }
  hg_text_put(out, "</li>");
}

void hg_page_short_findings(hg_page *page) {
  enum { MOST = 6 };
  hg_text *out = &page->out;
  int count = page->report.comparison_count;
  if (count == 0) {
    hg_text_put(out, "<p class=\"note\">Nothing was compared: no difference on this page is tested.</p>");
    return;
  }
  hg_text_put(out, "<ul>");
  for (int i = 0; i < count && i < MOST; i++) put_sentence(out, &page->report.comparisons[i]);
  hg_text_put(out, "</ul>");
  if (count > MOST) hg_text_format(out, "<p class=\"note\"><a href=\"#findings\">All %d comparisons</a></p>", count);
}
