/* All models beside each other: their scores, what they took, and what follows. */
#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DASH "\xe2\x80\x93"
#define MISSING "<td class=\"num none\">" DASH "</td>"

/* ---------------------------------------------------------------- summary */

/* A column without a single figure is left out. */
static bool has_score(const hg_page *page, int score) {
  for (int i = 0; i < page->model_count; i++)
    if (hg_page_score_of(page, &page->models[i], &hg_page_scores[score]).seeds > 0) return true;
  return false;
}

static void put_estimate(hg_text *out, const hg_estimate *estimate, bool percent) {
  if (estimate->seeds == 0) {
    hg_text_put(out, MISSING);
    return;
  }
  hg_text_put(out, "<td class=\"num\">");
  hg_text_score(out, estimate->value, percent);
  if (!isnan(estimate->low)) {
    hg_text_put(out, "<span class=\"interval\">");
    if (percent)
      hg_text_format(out, "%.2f" DASH "%.2f", 100 * estimate->low, 100 * estimate->high);
    else {
      hg_text_figure(out, estimate->low);
      hg_text_put(out, DASH);
      hg_text_figure(out, estimate->high);
    }
    hg_text_put(out, "</span>");
  }
  hg_text_put(out, "</td>");
}

static void put_effort(hg_text *out, const hg_page_model *model) {
  double epochs = hg_page_epochs(model), speed = hg_page_speed(model);
  if (model->shown->record.parameters > 0) {
    hg_text_put(out, "<td class=\"num\">");
    hg_text_count(out, model->shown->record.parameters);
    hg_text_put(out, "</td>");
  } else {
    hg_text_put(out, MISSING); /* a classical model that was not fitted */
  }
  if (isnan(epochs))
    hg_text_put(out, MISSING "<td class=\"num\">");
  else
    hg_text_format(out, "<td class=\"num\">%.*f</td><td class=\"num\">", epochs == floor(epochs) ? 0 : 1, epochs);
  hg_text_duration(out, hg_page_seconds(model));
  if (!isnan(speed)) {
    hg_text_put(out, "<span class=\"interval\">");
    hg_text_count(out, llround(speed));
    hg_text_put(out, " images/s</span>");
  }
  hg_text_put(out, "</td>");
}

static void put_summary(hg_page *page) {
  hg_text *out = &page->out;
  hg_text_put(out, "<div class=\"scroll\"><table class=\"summary\"><thead><tr><th scope=\"col\">Model</th>");
  for (int s = 0; s < HG_PAGE_SCORES; s++)
    if (has_score(page, s)) hg_text_format(out, "<th scope=\"col\" class=\"num\">%s</th>", hg_page_scores[s].title);
  hg_text_put(out,
              "<th scope=\"col\" class=\"num\">Parameters</th><th scope=\"col\" class=\"num\">Epochs</th>"
              "<th scope=\"col\" class=\"num\">Training</th></tr></thead><tbody>");
  for (int i = 0; i < page->model_count; i++) {
    hg_page_model_cell(page, i, true);
    for (int s = 0; s < HG_PAGE_SCORES; s++) {
      hg_estimate estimate = hg_page_score_of(page, &page->models[i], &hg_page_scores[s]);
      if (has_score(page, s)) put_estimate(out, &estimate, hg_page_scores[s].percent);
    }
    put_effort(out, &page->models[i]);
    hg_text_put(out, "</tr>");
  }
  hg_text_put(
      out,
      "</tbody></table></div><p class=\"note\">Small figures below a score are its 95&nbsp;% interval: over several seeds "
      "that of the mean, by Student\xe2\x80\x99s t; for one seed, or seeds that change nothing, what the choice of test images "
      "leaves open, of an accuracy by Wilson and of a mean over the images by Student. "
      "Epochs, time and speed are means over seeds.</p>");
}

/* ---------------------------------------------------------------- accuracy of all models */

static double published_accuracy(const hg_report *report, const char *model) {
  for (int i = 0; i < report->published_count; i++)
    if (strcmp(report->published[i].run, model) == 0 && strcmp(report->published[i].metric, "test.accuracy") == 0)
      return report->published[i].published;
  return NAN;
}

/* A published figure far from all that was measured would press the rest together: how far is drawn. */
typedef struct span {
  double least, most;
} span;

static span drawn_span(const hg_page *page) {
  span s = {NAN, NAN};
  for (int i = 0; i < page->model_count; i++) {
    hg_estimate estimate = hg_page_estimate(page, &page->models[i], "test.accuracy");
    s.least = fmin(s.least, isnan(estimate.low) ? estimate.value : estimate.low);
    s.most = fmax(s.most, isnan(estimate.high) ? estimate.value : estimate.high);
  }
  double beyond = fmax(s.most - s.least, 0.05);
  return (span){s.least - beyond, s.most + beyond};
}

static bool is_drawn(span s, double published) { return published >= s.least && published <= s.most; }

static void put_accuracy_row(hg_frame *data, const hg_page *page, const hg_page_model *model, span drawn) {
  hg_estimate estimate = hg_page_estimate(page, model, "test.accuracy");
  double published = published_accuracy(&page->report, model->name);
  char label[32];
  if (estimate.seeds == 0) return;
  /* Near 100 % as many digits as the table has: a tenth of a point would say "100" of what is less. */
  int digits = estimate.value > 0.99 ? 2 : 1;
  snprintf(label, sizeof label, "%.*f\xe2\x80\xaf%%", digits, 100 * estimate.value);
  bool interval = !isnan(estimate.low);
  hg_frame_word(data, model->name);
  hg_frame_number(data, estimate.value);
  hg_frame_number(data, interval ? estimate.low : estimate.value);
  hg_frame_number(data, interval ? estimate.high : estimate.value);
  hg_frame_number(data, is_drawn(drawn, published) ? published : NAN);
  hg_frame_number(data, estimate.seeds);
  hg_frame_number(data, interval ? fmin(estimate.high, 1) : estimate.value);
  hg_frame_word(data, label);
}

/* Room to the right for the figure beside the interval. */
static void set_accuracy_scale(hg_figure *figure) {
  double least, most, low, high;
  hg_frame_range(&figure->data, "low", &least, &most);
  hg_frame_range(&figure->data, "end", &low, &most);
  hg_frame_range(&figure->data, "published", &low, &high);
  least = fmin(least, low), most = fmax(most, high); /* NaN where nothing was published */
  double range = fmax(most - least, 0.01);
  hg_page_clear_words(figure, 1.2 * range);
  json_t *domain = json_pack("[f, f]", fmax(0, least - 0.06 * range), most + 0.14 * range);
  hg_figure_set(figure, "layer.2.encoding.x.scale.domain", domain);
}

/* "An upright bar marks the published figure; that of deep is not in the chart." */
static void note_published(const hg_page *page, span drawn, hg_text *note) {
  int inside = 0, outside = 0;
  hg_text names = {0};
  for (int i = 0; i < page->model_count; i++) {
    double published = published_accuracy(&page->report, page->models[i].name);
    if (isnan(published) || is_drawn(drawn, published)) {
      inside += !isnan(published);
      continue;
    }
    hg_text_format(&names, "%s%s (%.1f\xc2\xa0%%)", outside++ > 0 ? ", " : "", page->models[i].name, 100 * published);
  }
  if (inside > 0) hg_text_put(note, "An upright bar marks the published figure.");
  if (outside > 0) hg_text_format(note, "%sPublished far from here, and not drawn: %s.", inside > 0 ? " " : "", names.bytes);
  note->failed = note->failed || names.failed;
  hg_text_release(&names);
}

static void put_accuracy(hg_page *page) {
  span drawn = drawn_span(page);
  hg_figure *figure = hg_page_figure(page, "interval", "model: value low high published seeds end label:", "accuracy", "");
  hg_figure_title(figure, "Test accuracy and its 95 %% interval");
  for (int i = 0; i < page->model_count; i++) put_accuracy_row(&figure->data, page, &page->models[i], drawn);
  set_accuracy_scale(figure);
  hg_figure_keep_order(figure, 0);
  hg_page_marks(page, figure, "layer.2.encoding", "layer.1.encoding");
  figure->legend = 0;
  hg_text note = {0};
  note_published(page, drawn, &note);
  hg_page_put_figure(page, figure, note.bytes == NULL ? "" : note.bytes);
  page->out.failed = page->out.failed || note.failed;
  hg_text_release(&note);
}

void hg_page_results(hg_page *page) {
  hg_text *out = &page->out;
  hg_text_put(out, "<section id=\"results\"><h2>Results</h2>");
  if (has_score(page, 0)) put_accuracy(page);
  put_summary(page);
  hg_page_findings(page);
  hg_page_published(page);
  hg_text_put(out, "</section>");
}
