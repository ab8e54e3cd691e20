/* What the charts show, as JSON for page.js, which holds how they look. */
#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- learning curves */

/* Curves of one panel: a cross-entropy and a mean squared error do not share an axis. */
typedef enum curve { ACCURACY, CLASSIFICATION, RECONSTRUCTION, CURVES } curve;
static const char *const curve_keys[CURVES] = {"accuracy", "classification", "reconstruction"};
static const char *const curve_titles[CURVES] = {"Accuracy", "Classification loss", "Reconstruction loss"};

/* A run with one kind of loss may keep it in `loss` alone. */
static double curve_value(const hg_epoch *epoch, curve which, bool validation) {
  double accuracy = validation ? epoch->val_accuracy : epoch->accuracy, loss = validation ? epoch->val_loss : epoch->loss;
  double classification = validation ? epoch->val_classification_loss : epoch->classification_loss;
  double reconstruction = validation ? epoch->val_reconstruction_loss : epoch->reconstruction_loss;
  switch (which) {
    case ACCURACY:
      return accuracy;
    case CLASSIFICATION:
      return !isnan(classification) ? classification : isnan(accuracy) ? NAN : loss;
    case RECONSTRUCTION:
      return !isnan(reconstruction) ? reconstruction : isnan(accuracy) && isnan(classification) ? loss : NAN;
    default:
      return NAN;
  }
}

static bool run_has_curve(const hg_report_run *run, curve which) {
  for (int i = 0; i < run->epoch_count; i++)
    if (isfinite(curve_value(&run->epochs[i], which, false))) return true;
  return false;
}

static bool report_has_curve(const hg_report *report, curve which) {
  for (int i = 0; i < report->run_count; i++)
    if (run_has_curve(&report->runs[i], which)) return true;
  return false;
}

/* Five digits are more than a screen shows. */
static void put_short(hg_text *out, double value) {
  char digits[32] = "null";
  if (isfinite(value)) snprintf(digits, sizeof digits, "%.5g", value);
  hg_json_raw(out, digits);
}

static void put_curve(hg_text *out, const hg_report_run *run, curve which, bool validation) {
  hg_json_open(out, '[');
  for (int i = 0; i < run->epoch_count; i++) put_short(out, curve_value(&run->epochs[i], which, validation));
  hg_json_close(out, ']');
}

static void put_run(hg_text *out, const hg_report_run *run, int model) {
  hg_json_break(out, 0);
  hg_json_open(out, '{');
  hg_json_key(out, "model");
  hg_json_integer(out, model);
  hg_json_key(out, "seed");
  hg_json_unsigned(out, run->record.seed);
  for (curve which = 0; which < CURVES; which++) {
    if (!run_has_curve(run, which)) continue;
    hg_json_key(out, curve_keys[which]);
    hg_json_open(out, '[');
    put_curve(out, run, which, false);
    put_curve(out, run, which, true);
    hg_json_close(out, ']');
  }
  hg_json_close(out, '}');
}

static void put_runs(hg_text *out, const hg_page *page) {
  hg_json_key(out, "runs");
  hg_json_open(out, '[');
  for (int m = 0; m < page->model_count; m++)
    for (int i = 0; i < page->models[m].count; i++)
      if (page->models[m].runs[i].epoch_count > 0) put_run(out, &page->models[m].runs[i], m);
  hg_json_close(out, ']');
}

/* ---------------------------------------------------------------- scores and confusion */

static double published_accuracy(const hg_report *report, const char *model) {
  for (int i = 0; i < report->published_count; i++)
    if (strcmp(report->published[i].run, model) == 0 && strcmp(report->published[i].metric, "test.accuracy") == 0)
      return report->published[i].published;
  return NAN;
}

static void put_confusion(hg_text *out, const hg_page_model *model) {
  char buffer[16];
  int classes = model->scores.classes;
  hg_json_key(out, "classes");
  hg_json_open(out, '[');
  for (int k = 0; k < classes; k++) hg_json_string(out, hg_page_class_name(model, k, buffer));
  hg_json_close(out, ']');
  hg_json_key(out, "confusion");
  hg_json_open(out, '[');
  for (int i = 0; i < classes * classes; i++) hg_json_integer(out, model->scores.confusion[i]);
  hg_json_close(out, ']');
}

static void put_points(hg_text *out, const char *key, const float *values, int count) {
  hg_json_key(out, key);
  hg_json_open(out, '[');
  for (int i = 0; i < count; i++) put_short(out, values[i]);
  hg_json_close(out, ']');
}

static void put_precision_recall(hg_text *out, const hg_page_model *model) {
  hg_json_key(out, "curves");
  hg_json_open(out, '[');
  for (int k = 0; k < model->scores.classes; k++) {
    hg_json_open(out, '{');
    put_points(out, "precision", model->curves[k].precision, model->curves[k].count);
    put_points(out, "recall", model->curves[k].recall, model->curves[k].count);
    hg_json_close(out, '}');
  }
  hg_json_close(out, ']');
}

static void put_model(hg_text *out, const hg_page *page, int at) {
  const hg_page_model *model = &page->models[at];
  hg_estimate accuracy = hg_page_estimate(page, model, "test.accuracy");
  const struct {
    const char *key;
    double value;
  } figures[] = {{"accuracy", accuracy.value},
                 {"low", accuracy.low},
                 {"high", accuracy.high},
                 {"published", published_accuracy(page->report, model->name)}};
  hg_json_break(out, 0);
  hg_json_open(out, '{');
  hg_json_key(out, "name");
  hg_json_string(out, model->name);
  for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
    hg_json_key(out, figures[i].key);
    hg_json_number(out, figures[i].value);
  }
  if (model->has_scores) put_confusion(out, model);
  if (hg_page_has_classes(model)) put_precision_recall(out, model);
  hg_json_close(out, '}');
}

void hg_page_chart_data(hg_page *page) {
  hg_text *out = &page->out;
  hg_text_put(out, "<script type=\"application/json\" id=\"chart-data\">");
  out->in_script = true;
  hg_text_put(out, "{"); /* not hg_json_open, which would look at the HTML before it for a comma */
  hg_json_key(out, "models");
  hg_json_open(out, '[');
  for (int i = 0; i < page->model_count; i++) put_model(out, page, i);
  hg_json_close(out, ']');
  put_runs(out, page);
  hg_json_close(out, '}');
  out->in_script = false;
  hg_text_put(out, "</script>\n");
}

/* ---------------------------------------------------------------- the section of learning curves */

static bool model_learns(const hg_page_model *model) {
  for (int i = 0; i < model->count; i++)
    if (model->runs[i].epoch_count > 0) return true;
  return false;
}

static void put_legend(hg_page *page) {
  hg_text *out = &page->out;
  hg_text_put(out, "<ul class=\"legend\">");
  for (int i = 0; i < page->model_count; i++) {
    if (!model_learns(&page->models[i])) continue;
    hg_text_put(out, "<li>");
    hg_page_mark(out, i);
    hg_text_html(out, page->models[i].name);
    hg_text_put(out, "</li>");
  }
  hg_text_put(
      out,
      "<li><svg class=\"stroke\" viewBox=\"0 0 28 8\" aria-hidden=\"true\"><path d=\"M0 4h28\"/></svg>validation</li>"
      "<li><svg class=\"stroke dashed\" viewBox=\"0 0 28 8\" aria-hidden=\"true\"><path d=\"M0 4h28\"/></svg>training</li></ul>");
}

void hg_page_curves(hg_page *page) {
  hg_text *out = &page->out;
  bool any = false;
  for (curve which = 0; which < CURVES; which++) any = any || report_has_curve(page->report, which);
  if (!any) return;
  hg_text_put(out, "<section id=\"curves\"><h2>Learning curves</h2>");
  put_legend(page);
  hg_text_put(out, "<div class=\"panels\">");
  for (curve which = 0; which < CURVES; which++) {
    if (!report_has_curve(page->report, which)) continue;
    hg_text_format(
        out,
        "<figure class=\"chart\"><figcaption>%s by epoch</figcaption><div class=\"plot\" data-chart=\"curve\" "
        "data-curve=\"%s\" role=\"img\" aria-label=\"%s by epoch, training and validation, one line a run\"></div></figure>",
        curve_titles[which], curve_keys[which], curve_titles[which]);
  }
  hg_text_put(out, "</div></section>");
}
