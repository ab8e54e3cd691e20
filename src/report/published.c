/* Published figures beside measured ones: dots with intervals, and a table. */
#include "eval/metrics.h"
#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* At least the published figure, as tools/results has it. */
static const char *verdict_of(const hg_published *row) {
  double gain = hg_less_is_better(row->metric) ? row->published - row->measured : row->measured - row->published;
  if (isnan(row->measured)) return "not measured";
  return gain >= 0 ? "met" : "not met";
}

int hg_page_published_met(const hg_page *page) {
  int met = 0;
  for (int i = 0; i < page->report.published_count; i++) met += strcmp(verdict_of(&page->report.published[i]), "met") == 0;
  return met;
}

/* ---------------------------------------------------------------- figure, one for each metric */

static bool leads_metric(const hg_report *report, int at) {
  for (int i = 0; i < at; i++)
    if (strcmp(report->published[i].metric, report->published[at].metric) == 0) return false;
  return true;
}

/* Named and in words: "test.accuracy" is "test accuracy". */
static void name_metric(const char *metric, char *out, size_t size) {
  const char *augmented = strstr(metric, "_tta");
  int plain = augmented == NULL ? (int)strlen(metric) : (int)(augmented - metric);
  snprintf(out, size, "%.*s%s", plain, metric, augmented == NULL ? "" : " with test-time augmentation");
  for (char *c = out; *c != '\0'; c++)
    if (*c == '.' || *c == '_') *c = ' ';
}

/* Of several rows: a published figure far from all that was measured would press the rest together; it stands in the table. */
typedef struct span {
  double least, most;
} span;

static span drawn_span(const hg_report *report, const char *metric) {
  enum { FEW = 3 };
  span s = {NAN, NAN};
  int rows = 0;
  for (int i = 0; i < report->published_count; i++) {
    const hg_published *row = &report->published[i];
    if (strcmp(row->metric, metric) != 0) continue;
    s.least = fmin(s.least, isnan(row->low) ? row->measured : row->low);
    s.most = fmax(s.most, isnan(row->high) ? row->measured : row->high);
    rows++;
  }
  if (rows < FEW || isnan(s.least)) return (span){-INFINITY, INFINITY};
  double beyond = fmax(3 * (s.most - s.least), hg_metric_is_share(metric) ? 0.1 : fabs(s.most));
  return (span){s.least - beyond, s.most + beyond};
}

static bool is_drawn(span s, const hg_published *row) { return row->published >= s.least && row->published <= s.most; }

static void put_note(const hg_report *report, const char *metric, span drawn, hg_text *note) {
  int outside = 0;
  hg_text_put(note, "An upright bar is the published figure; dot and line are the measured one and its 95\xc2\xa0% interval.");
  for (int i = 0; i < report->published_count; i++) {
    const hg_published *row = &report->published[i];
    if (strcmp(row->metric, metric) != 0 || is_drawn(drawn, row)) continue;
    hg_text_put(note, outside++ > 0 ? ", " : " Published far from here, and not drawn: ");
    hg_text_put(note, row->run);
    hg_text_put(note, " (");
    hg_text_score(note, row->published, hg_metric_is_share(metric));
    hg_text_put(note, ")");
  }
  if (outside > 0) hg_text_put(note, ".");
}

static void put_row(hg_frame *data, const hg_published *row, span drawn) {
  char label[2 * HG_NAME_SIZE + 4];
  bool interval = !isnan(row->low);
  snprintf(label, sizeof label, "%s%s%s", row->id, row->id[0] == '\0' ? "" : "  ", row->run);
  hg_frame_word(data, label);
  hg_frame_number(data, is_drawn(drawn, row) ? row->published : NAN);
  hg_frame_number(data, row->measured);
  hg_frame_number(data, interval ? row->low : row->measured);
  hg_frame_number(data, interval ? row->high : row->measured);
  hg_frame_number(data, row->seeds);
  hg_frame_number(data, interval ? row->high : row->measured);
  hg_frame_word(data, verdict_of(row));
}

/* Room to the right for the verdict. */
static void set_scale(hg_figure *figure, bool share) {
  double least, most, low, high;
  hg_frame_range(&figure->data, "low", &least, &most);
  hg_frame_range(&figure->data, "high", &low, &most);
  hg_frame_range(&figure->data, "published", &low, &high);
  least = fmin(least, low), most = fmax(most, high);
  double range = most > least ? most - least : fabs(most) > 0 ? 0.1 * fabs(most) : 1;
  hg_page_clear_words(figure, 1.26 * range);
  json_t *domain = json_pack("[f, f]", least - 0.06 * range, most + 0.2 * range);
  hg_figure_set(figure, "layer.2.encoding.x.scale.domain", domain);
  if (!share) return;
  hg_figure_set(figure, "layer.2.encoding.x.axis.format", json_string("~%"));
  hg_figure_set(figure, "layer.2.encoding.x.axis.labelExpr", json_string("datum.value > 1.000001 ? '' : datum.label"));
  for (int i = 1; i <= 4; i++) {
    char path[48];
    snprintf(path, sizeof path, "encoding.tooltip.%d.format", i);
    hg_figure_set(figure, path, json_string(".2%"));
  }
}

static void put_figure(hg_page *page, const char *metric) {
  char words[sizeof page->report.published->metric];
  hg_figure *figure =
      hg_page_figure(page, "published", "row: published measured low high seeds end verdict:", "published", metric);
  span drawn = drawn_span(&page->report, metric);
  hg_text note = {0};
  name_metric(metric, words, sizeof words);
  hg_figure_title(figure, "Published and measured: %s", words);
  for (int i = 0; i < page->report.published_count; i++)
    if (strcmp(page->report.published[i].metric, metric) == 0) put_row(&figure->data, &page->report.published[i], drawn);
  set_scale(figure, hg_metric_is_share(metric));
  hg_figure_keep_order(figure, 0);
  hg_figure_set(figure, "layer.2.encoding.x.title", json_string(words));
  put_note(&page->report, metric, drawn, &note);
  hg_page_put_figure(page, figure, note.bytes == NULL ? "" : note.bytes);
  page->out.failed = page->out.failed || note.failed;
  hg_text_release(&note);
}

/* ---------------------------------------------------------------- table */

static void put_table_row(hg_page *page, const hg_published *row, bool ids) {
  hg_text *out = &page->out;
  bool share = hg_metric_is_share(row->metric);
  const char *verdict = verdict_of(row);
  hg_text_put(out, "<tr>");
  if (ids) {
    hg_text_put(out, "<th scope=\"row\">");
    hg_text_html(out, row->id);
    hg_text_put(out, "</th>");
  }
  hg_text_put(out, ids ? "<td>" : "<th scope=\"row\">");
  hg_text_html(out, row->run);
  hg_text_put(out, ids ? "</td><td><code>" : "</th><td><code>");
  hg_text_html(out, row->metric);
  hg_text_put(out, "</code>");
  hg_page_published_note(page, row);
  hg_text_put(out, "</td><td class=\"num\">");
  hg_text_score(out, row->published, share);
  hg_text_put(out, "</td><td class=\"num strong\">");
  hg_text_score(out, row->measured, share);
  if (!isnan(row->low)) {
    hg_text_put(out, "<span class=\"interval\">");
    hg_text_score(out, row->low, share);
    hg_text_put(out, "\xe2\x80\x93");
    hg_text_score(out, row->high, share);
    hg_text_put(out, "</span>");
  }
  hg_text_put(out, "</td><td class=\"num\">");
  hg_text_difference(out, row->measured - row->published, share);
  hg_text_format(out, "</td><td><span class=\"verdict %s\">%s</span></td></tr>",
                 strcmp(verdict, "met") == 0 ? "better" : "missed", verdict);
}

static void put_table(hg_page *page) {
  hg_text *out = &page->out;
  bool ids = false;
  for (int i = 0; i < page->report.published_count; i++) ids = ids || page->report.published[i].id[0] != '\0';
  hg_text_put(out, "<div class=\"scroll\"><table><thead><tr>");
  if (ids) hg_text_put(out, "<th scope=\"col\">Row</th>");
  hg_text_put(out,
              "<th scope=\"col\">Model</th><th scope=\"col\">Figure</th><th scope=\"col\" class=\"num\">Published</th>"
              "<th scope=\"col\" class=\"num\">Measured</th><th scope=\"col\" class=\"num\">Measured \xe2\x88\x92 published</th>"
              "<th scope=\"col\">Published figure</th></tr></thead><tbody>");
  for (int i = 0; i < page->report.published_count; i++) put_table_row(page, &page->report.published[i], ids);
  hg_text_put(out,
              "</tbody></table></div><p class=\"note\">Met: the measured mean over seeds is at least as good as the published "
              "figure.</p>");
}

void hg_page_published(hg_page *page) {
  if (page->report.published_count == 0) return;
  hg_text_put(&page->out, "<h3 id=\"published\">Beside published figures</h3>");
  hg_text_put(&page->out, "<div class=\"panels wide\">");
  for (int i = 0; i < page->report.published_count; i++)
    if (leads_metric(&page->report, i)) put_figure(page, page->report.published[i].metric);
  hg_text_put(&page->out, "</div>");
  put_table(page);
}
