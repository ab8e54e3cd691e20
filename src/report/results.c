/* The answer first: the summary of all models, the published figures, and what is significant. */
#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DASH "\xe2\x80\x93"
#define MISSING "<td class=\"num none\">" DASH "</td>"

/* ---------------------------------------------------------------- summary */

typedef enum figure_form { AS_PERCENT, AS_FIGURE } figure_form;

/* Scores of the summary; a column without a single figure is left out. */
static const struct {
  const char *title, *metric; /* metric NULL: the reconstruction error, under whichever name */
  figure_form form;
} scores[] = {
    {"Test accuracy", "test.accuracy", AS_PERCENT}, {"Test loss", "test.loss", AS_FIGURE},
    {"Macro F1", "test.macro_f1", AS_FIGURE},       {"MSE", NULL, AS_FIGURE},
    {"PSNR, dB", "test.psnr", AS_FIGURE},           {"SSIM", "test.ssim", AS_FIGURE},
};
enum { SCORES = sizeof scores / sizeof scores[0] };

static hg_estimate score_of(const hg_page *page, const hg_page_model *model, int score) {
  if (scores[score].metric == NULL) return hg_page_reconstruction_error(page, model);
  return hg_page_estimate(page, model, scores[score].metric);
}

static bool has_score(const hg_page *page, int score) {
  for (int i = 0; i < page->model_count; i++)
    if (score_of(page, &page->models[i], score).seeds > 0) return true;
  return false;
}

static void put_value(hg_text *out, double value, figure_form form) {
  if (form == AS_PERCENT)
    hg_text_percent(out, value);
  else
    hg_text_figure(out, value);
}

static void put_estimate(hg_text *out, const hg_estimate *estimate, figure_form form) {
  if (estimate->seeds == 0) {
    hg_text_put(out, MISSING);
    return;
  }
  hg_text_put(out, "<td class=\"num\">");
  put_value(out, estimate->value, form);
  if (!isnan(estimate->low)) {
    hg_text_put(out, "<span class=\"interval\">");
    if (form == AS_PERCENT)
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

static void put_kind(hg_text *out, const char *kind) {
  for (; *kind != '\0'; kind++) {
    char shown[2] = {*kind == '_' ? ' ' : *kind, '\0'};
    hg_text_html(out, shown);
  }
}

/* "network, seeds 1, 2, 3", and a line for every seed that is not done. */
static void put_runs(hg_text *out, const hg_page_model *model) {
  hg_text_put(out, "<span class=\"status\">");
  put_kind(out, model->shown->record.kind);
  hg_text_put(out, model->count > 1 ? ", seeds " : ", seed ");
  for (int i = 0; i < model->count; i++)
    hg_text_format(out, "%s%llu", i == 0 ? "" : ", ", (unsigned long long)model->runs[i].record.seed);
  hg_text_put(out, "</span>");
  for (int i = 0; i < model->count; i++) {
    const hg_run_record *record = &model->runs[i].record;
    if (strcmp(record->status, "done") == 0) continue;
    hg_text_format(out, "<span class=\"status undone\">seed %llu: ", (unsigned long long)record->seed);
    hg_text_html(out, record->status);
    hg_text_put(out, "</span>");
  }
}

static void put_model_cell(hg_text *out, const hg_page *page, int at) {
  const hg_page_model *model = &page->models[at];
  hg_text_format(out, "<th scope=\"row\"><a class=\"name\" href=\"#model-%d\">", at);
  hg_page_mark(out, at);
  hg_text_put(out, "<span>");
  hg_text_html(out, model->name);
  hg_text_put(out, "</span></a>");
  put_runs(out, model);
  hg_text_put(out, "</th>");
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
    hg_text_format(out, "<td class=\"num\">%.3g</td><td class=\"num\">", epochs);
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
  for (int s = 0; s < SCORES; s++)
    if (has_score(page, s)) hg_text_format(out, "<th scope=\"col\" class=\"num\">%s</th>", scores[s].title);
  hg_text_put(out,
              "<th scope=\"col\" class=\"num\">Parameters</th><th scope=\"col\" class=\"num\">Epochs</th>"
              "<th scope=\"col\" class=\"num\">Training</th></tr></thead><tbody>");
  for (int i = 0; i < page->model_count; i++) {
    hg_text_put(out, "<tr>");
    put_model_cell(out, page, i);
    for (int s = 0; s < SCORES; s++) {
      hg_estimate estimate = score_of(page, &page->models[i], s);
      if (has_score(page, s)) put_estimate(out, &estimate, scores[s].form);
    }
    put_effort(out, &page->models[i]);
    hg_text_put(out, "</tr>");
  }
  hg_text_put(
      out,
      "</tbody></table></div><p class=\"note\">Small figures below a score are its 95&nbsp;% interval: over several seeds "
      "that of the mean, by Student\xe2\x80\x99s t; for one seed that of the accuracy on the test images, by Wilson. "
      "Epochs, time and speed are means over seeds.</p>");
}

/* ---------------------------------------------------------------- published figures */

static bool is_share(const char *metric) { return strstr(metric, "accuracy") != NULL; }

static void put_published(hg_page *page) {
  hg_text *out = &page->out;
  if (page->report.published_count == 0) return;
  hg_text_put(
      out,
      "<h3>Beside published figures</h3><div class=\"scroll\"><table><thead><tr><th scope=\"col\">Model</th>"
      "<th scope=\"col\">Figure</th><th scope=\"col\" class=\"num\">Published</th><th scope=\"col\" class=\"num\">Measured</th>"
      "<th scope=\"col\" class=\"num\">Measured \xe2\x88\x92 published</th></tr></thead><tbody>");
  for (int i = 0; i < page->report.published_count; i++) {
    const hg_published *row = &page->report.published[i];
    figure_form form = is_share(row->metric) ? AS_PERCENT : AS_FIGURE;
    hg_text_put(out, "<tr><th scope=\"row\">");
    hg_text_html(out, row->run);
    hg_text_put(out, "</th><td><code>");
    hg_text_html(out, row->metric);
    hg_text_put(out, "</code></td><td class=\"num\">");
    put_value(out, row->published, form);
    hg_text_put(out, "</td><td class=\"num strong\">");
    put_value(out, row->measured, form);
    hg_text_put(out, "</td><td class=\"num\">");
    if (form == AS_PERCENT)
      hg_text_points(out, row->measured - row->published);
    else
      hg_text_figure(out, row->measured - row->published);
    hg_text_put(out, "</td></tr>");
  }
  hg_text_put(out, "</tbody></table></div>");
}

/* ---------------------------------------------------------------- comparisons */

static bool less_is_better(const char *metric) {
  return strstr(metric, "loss") != NULL || strstr(metric, "mse") != NULL || strstr(metric, "error") != NULL;
}

static void put_p_value(hg_text *out, double p) {
  if (isnan(p))
    hg_text_put(out, "\xe2\x80\x93");
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
static void put_finding(hg_text *out, const hg_comparison *row) {
  if (isnan(row->p_value)) {
    put_named(out, "<span class=\"verdict\">Not tested:</span> ", row->a, " against ");
    put_named(out, "", row->b, "");
  } else if (row->p_value < 0.05) {
    bool a_is_better = row->difference > 0 ? !less_is_better(row->metric) : less_is_better(row->metric);
    put_named(out, "", a_is_better ? row->a : row->b, " is <span class=\"verdict better\">better</span> than ");
    put_named(out, "", a_is_better ? row->b : row->a, "");
  } else {
    put_named(out, "<span class=\"verdict\">No significant difference</span> between ", row->a, " and ");
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

static void put_comparison(hg_text *out, const hg_comparison *row) {
  bool share = is_share(row->metric);
  hg_text_put(out, "<tr><td class=\"finding\">");
  put_finding(out, row);
  hg_text_put(out, "<span class=\"status\">");
  hg_text_html(out, row->metric);
  put_named(out, ", ", row->a, " \xe2\x88\x92 ");
  put_named(out, "", row->b, "</span></td><td class=\"num\">");
  if (share)
    hg_text_points(out, row->difference);
  else
    hg_text_figure(out, row->difference);
  hg_text_put(out, "</td><td class=\"num\">");
  put_interval(out, row->low, row->high, share);
  hg_text_put(out, "</td><td class=\"num\">");
  put_p_value(out, row->p_value);
  hg_text_put(out, "</td><td>");
  hg_text_html(out, strcmp(row->test, "mcnemar") == 0 ? "McNemar, paired" : row->test);
  hg_text_put(out, "</td></tr>");
}

static void put_comparisons(hg_page *page) {
  hg_text *out = &page->out;
  if (page->report.comparison_count == 0) return;
  hg_text_put(out,
              "<h3>Is the difference real?</h3><div class=\"scroll\"><table class=\"comparisons\"><thead><tr><th "
              "scope=\"col\">Finding</th>"
              "<th scope=\"col\" class=\"num\">Difference</th><th scope=\"col\" class=\"num\">95&nbsp;% interval</th>"
              "<th scope=\"col\" class=\"num\">p</th><th scope=\"col\">Test</th></tr></thead><tbody>");
  for (int i = 0; i < page->report.comparison_count; i++) put_comparison(out, &page->report.comparisons[i]);
  hg_text_put(out,
              "</tbody></table></div><p class=\"note\">A difference is called better only where p is below 0.05. The test pairs "
              "the two models on the same test images.</p>");
}

/* ---------------------------------------------------------------- accuracy of all models */

static double published_accuracy(const hg_report *report, const char *model) {
  for (int i = 0; i < report->published_count; i++)
    if (strcmp(report->published[i].run, model) == 0 && strcmp(report->published[i].metric, "test.accuracy") == 0)
      return report->published[i].published;
  return NAN;
}

static void put_accuracy_row(hg_frame *data, const hg_page *page, const hg_page_model *model) {
  hg_estimate estimate = hg_page_estimate(page, model, "test.accuracy");
  char label[32];
  if (estimate.seeds == 0) return;
  snprintf(label, sizeof label, "%.1f\xe2\x80\xaf%%", 100 * estimate.value);
  bool interval = !isnan(estimate.low);
  hg_frame_word(data, model->name);
  hg_frame_number(data, estimate.value);
  hg_frame_number(data, interval ? estimate.low : estimate.value);
  hg_frame_number(data, interval ? estimate.high : estimate.value);
  hg_frame_number(data, published_accuracy(&page->report, model->name));
  hg_frame_number(data, estimate.seeds);
  hg_frame_number(data, interval ? fmin(estimate.high, 1) : estimate.value);
  hg_frame_word(data, label);
}

/* Room to the right for the figure beside the interval. */
static void set_accuracy_scale(hg_figure *figure, bool published) {
  double least, most, low, high;
  hg_frame_range(&figure->data, "low", &least, &most);
  hg_frame_range(&figure->data, "end", &low, &most);
  hg_frame_range(&figure->data, "published", &low, &high);
  if (published) least = fmin(least, low), most = fmax(most, high);
  double range = fmax(most - least, 0.01);
  json_t *domain = json_pack("[f, f]", fmax(0, least - 0.06 * range), most + 0.14 * range);
  hg_figure_set(figure, "layer.2.encoding.x.scale.domain", domain);
}

static void put_accuracy(hg_page *page) {
  bool published = false;
  hg_figure *figure = hg_page_figure(page, "interval", "model: value low high published seeds end label:", "accuracy", "");
  hg_figure_title(figure, "Test accuracy and its 95 %% interval");
  for (int i = 0; i < page->model_count; i++) {
    put_accuracy_row(&figure->data, page, &page->models[i]);
    published = published || !isnan(published_accuracy(&page->report, page->models[i].name));
  }
  set_accuracy_scale(figure, published);
  hg_page_marks(page, figure, "layer.2.encoding", "layer.1.encoding");
  figure->legend = 0;
  hg_page_put_figure(page, figure, published ? "An upright bar marks the published figure." : "");
}

void hg_page_results(hg_page *page) {
  hg_text *out = &page->out;
  hg_text_put(out, "<section id=\"results\"><h2>Results</h2>");
  if (has_score(page, 0)) put_accuracy(page);
  put_summary(page);
  put_comparisons(page);
  put_published(page);
  hg_text_put(out, "</section>");
}
