/* Learning curves of all runs on shared axes: thin lines for seeds, a thick one for a model's mean or its only seed. */
#include "report/page.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

/* A cross-entropy and a mean squared error do not share an axis. */
typedef enum curve { ACCURACY, CLASSIFICATION, SQUARES, CROSS_ENTROPY, CENTER, CURVES } curve;
static const char *const curve_keys[CURVES] = {"accuracy", "classification-loss", "reconstruction-loss",
                                               "reconstruction-cross-entropy", "center-loss"};
static const char *const curve_titles[CURVES] = {"Accuracy", "Classification loss", "Reconstruction loss (MSE)",
                                                 "Reconstruction loss (cross-entropy)", "Center loss"};

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
    case SQUARES:
    case CROSS_ENTROPY:
      return !isnan(reconstruction) ? reconstruction : isnan(accuracy) && isnan(classification) ? loss : NAN;
    case CENTER:
      return validation ? epoch->val_center_loss : epoch->center_loss;
    default:
      return NAN;
  }
}

static bool rebuilds_by_cross_entropy(const hg_report_run *run) {
  json_t *settings = run->record.settings == NULL ? NULL : json_loads(run->record.settings, 0, NULL);
  const json_t *loss = json_object_get(json_object_get(settings, "loss"), "reconstruction");
  bool found = json_object_get(loss, "binary_cross_entropy") != NULL;
  json_decref(settings);
  return found;
}

static bool run_has_curve(const hg_report_run *run, curve which) {
  if ((which == SQUARES || which == CROSS_ENTROPY) && rebuilds_by_cross_entropy(run) != (which == CROSS_ENTROPY)) return false;
  for (int i = 0; i < run->epoch_count; i++)
    if (isfinite(curve_value(&run->epochs[i], which, false))) return true;
  return false;
}

static int runs_with_curve(const hg_page_model *model, curve which, bool done) {
  int count = 0;
  for (int i = 0; i < model->count; i++)
    count += run_has_curve(&model->runs[i], which) && (!done || hg_report_is_done(&model->runs[i]));
  return count;
}

static int longest_run(const hg_page *page, curve which) {
  int longest = 0;
  for (int i = 0; i < page->report.run_count; i++) {
    const hg_report_run *run = &page->report.runs[i];
    if (run_has_curve(run, which) && run->epoch_count > longest) longest = run->epoch_count;
  }
  return longest;
}

/* ---------------------------------------------------------------- rows */

/* Where a line stands in the figure. */
typedef struct line {
  const char *model, *seed;
  bool thick;
  int epochs, every; /* marks stand this many epochs apart, and at the end */
} line;

static void put_row(hg_frame *data, const line *of, bool validation, int epoch, double value) {
  if (!isfinite(value)) return;
  bool last = epoch == of->epochs, marked = validation ? last || epoch % of->every == 0 : of->epochs == 1;
  hg_frame_word(data, of->model);
  hg_frame_word(data, of->seed);
  hg_frame_word(data, validation ? "validation" : "training");
  hg_frame_number(data, epoch);
  hg_frame_number(data, value);
  hg_frame_number(data, of->thick);
  hg_frame_number(data, of->thick && marked);
}

static void put_run(hg_frame *data, const hg_report_run *run, curve which, bool thick, int every) {
  char seed[24];
  snprintf(seed, sizeof seed, "%llu", (unsigned long long)run->record.seed);
  line of = {run->record.name, seed, thick, run->epoch_count, every};
  for (int part = 0; part < 2; part++)
    for (int e = 0; e < run->epoch_count; e++)
      put_row(data, &of, part == 1, run->epochs[e].epoch, curve_value(&run->epochs[e], which, part == 1));
}

/* Of runs that are done, or of all where none is: one that diverged would end the mean, or bend it. */
static bool counts(const hg_page_model *model, const hg_report_run *run, curve which) {
  return run_has_curve(run, which) && (hg_report_is_done(run) || runs_with_curve(model, which, true) == 0);
}

/* As far as every seed of it goes. */
static void put_mean(hg_frame *data, const hg_page_model *model, curve which, int every) {
  int epochs = 0, seeds = 0;
  for (int i = 0; i < model->count; i++) {
    if (!counts(model, &model->runs[i], which)) continue;
    epochs = seeds == 0 || model->runs[i].epoch_count < epochs ? model->runs[i].epoch_count : epochs;
    seeds++;
  }
  line of = {model->name, "mean", true, epochs, every};
  for (int part = 0; part < 2; part++)
    for (int e = 0; e < epochs; e++) {
      double sum = 0;
      for (int i = 0; i < model->count; i++)
        if (counts(model, &model->runs[i], which)) sum += curve_value(&model->runs[i].epochs[e], which, part == 1);
      put_row(data, &of, part == 1, e + 1, sum / seeds);
    }
}

static void put_model(hg_frame *data, const hg_page_model *model, curve which, int every) {
  int seeds = 0;
  for (int i = 0; i < model->count; i++) seeds += counts(model, &model->runs[i], which);
  for (int i = 0; i < model->count; i++)
    if (run_has_curve(&model->runs[i], which))
      put_run(data, &model->runs[i], which, seeds == 1 && counts(model, &model->runs[i], which), every);
  if (seeds > 1) put_mean(data, model, which, every);
}

/* ---------------------------------------------------------------- the figure */

/* One epoch has no course: its points stand in the middle. */
static void set_axes(hg_figure *figure, curve which, int longest) {
  double least, most;
  hg_frame_range(&figure->data, "value", &least, &most);
  if (longest == 1) {
    hg_figure_set(figure, "encoding.x.scale.domain", json_pack("[f, f]", 0.5, 1.5));
    hg_figure_set(figure, "encoding.x.axis.values", json_pack("[i]", 1));
  } else {
    hg_figure_set(figure, "encoding.x.scale.domain", json_pack("[i, i]", 1, longest));
  }
  if (which == ACCURACY) {
    hg_figure_set(figure, "encoding.y.axis.format", json_string("~%"));
    hg_figure_set(figure, "layer.2.encoding.tooltip.4.format", json_string(".2%"));
  } else if (least > 0 && most / least > 20) {
    hg_figure_set(figure, "encoding.y.scale", json_pack("{s:s, s:b}", "type", "log", "nice", 0));
  }
  hg_figure_set(figure, "encoding.y.title", json_string(curve_titles[which]));
  hg_figure_set(figure, "layer.2.encoding.tooltip.4.title", json_string(curve_titles[which]));
}

/* The marks of training are for runs of one epoch, which have no line. */
static void drop_empty_layer(hg_figure *figure, const hg_page *page, curve which) {
  bool needed = false;
  for (int i = 0; i < page->report.run_count; i++)
    needed = needed || (page->report.runs[i].epoch_count == 1 && run_has_curve(&page->report.runs[i], which));
  if (!needed) json_array_remove(json_object_get(figure->spec, "layer"), 3);
}

static void put_curve(hg_page *page, curve which) {
  enum { MARKS_ALONG = 8 };
  int longest = longest_run(page, which), every = (longest + MARKS_ALONG - 1) / MARKS_ALONG;
  if (longest == 0) return;
  hg_figure *figure = hg_page_figure(page, "curve", "model: seed: part: epoch value thick mark", "learning", curve_keys[which]);
  hg_figure_title(figure, "%s by epoch", curve_titles[which]);
  for (int m = 0; m < page->model_count; m++) put_model(&figure->data, &page->models[m], which, every);
  hg_page_marks(page, figure, "encoding", "layer.1.encoding");
  set_axes(figure, which, longest);
  drop_empty_layer(figure, page, which);
  hg_page_put_figure(page, figure, "");
}

void hg_page_curves(hg_page *page) {
  hg_text *out = &page->out;
  int longest = 0;
  bool seeds = false;
  for (curve which = 0; which < CURVES; which++) {
    longest = longest > 0 ? longest : longest_run(page, which);
    for (int m = 0; m < page->model_count; m++) seeds = seeds || runs_with_curve(&page->models[m], which, false) > 1;
  }
  if (longest == 0) return;
  hg_text_put(out, "<section id=\"curves\"><h2>Learning curves</h2><p class=\"note\">");
  if (seeds) hg_text_put(out, "Thin lines are seeds, thick ones the mean of those that are done. ");
  hg_text_put(out, "A click on a name in a legend shows that model alone; shift-click adds another.</p>");
  hg_text_put(out, hg_page_is_long(page) ? "<div class=\"panels wide\">" : "<div class=\"panels\">");
  for (curve which = 0; which < CURVES; which++) put_curve(page, which);
  hg_text_put(out, "</div></section>");
}
