/* One model: its figures, scores by class, images, layers and settings. */
#include "base/alloc.h"
#include "report/page.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- tiles */

static void open_tile(hg_text *out) { hg_text_put(out, "<div><dd>"); }
static void close_tile(hg_text *out, const char *title) { hg_text_format(out, "</dd><dt>%s</dt></div>", title); }

typedef enum tile_form { PERCENT, FIGURE, DECIBELS } tile_form;

static void put_metric_tile(hg_text *out, const hg_report_run *run, const char *metric, const char *title, tile_form form) {
  double value = hg_report_metric(run, metric);
  if (isnan(value)) return;
  open_tile(out);
  if (form == PERCENT)
    hg_text_percent(out, value);
  else if (form == DECIBELS)
    hg_text_format(out,
                   "%.2f\xe2\x80\xaf"
                   "dB",
                   value);
  else
    hg_text_figure(out, value);
  close_tile(out, title);
}

static void put_tiles(hg_text *out, const hg_page_model *model) {
  const hg_report_run *run = model->shown;
  hg_text_put(out, "<dl class=\"tiles\">");
  put_metric_tile(out, run, "test.accuracy", "test accuracy", PERCENT);
  put_metric_tile(out, run, "test.macro_f1", "macro F1", FIGURE);
  put_metric_tile(out, run, "test.mse", "test MSE", FIGURE);
  put_metric_tile(out, run, "test.reconstruction_mse", "test MSE", FIGURE);
  put_metric_tile(out, run, "test.psnr", "PSNR", DECIBELS);
  put_metric_tile(out, run, "test.ssim", "SSIM", FIGURE);
  put_metric_tile(out, run, "test.noisy_psnr", "PSNR of the noisy input", DECIBELS);
  put_metric_tile(out, run, "test.loss", "test loss", FIGURE);
  open_tile(out);
  hg_text_count(out, run->record.parameters);
  close_tile(out, "parameters");
  if (run->record.best_epoch > 0) {
    open_tile(out);
    hg_text_format(out, "%d of %d", run->record.best_epoch, run->record.epochs);
    close_tile(out, "epoch kept");
  }
  open_tile(out);
  hg_text_duration(out, run->record.seconds);
  close_tile(out, "training");
  hg_text_put(out, "</dl>");
}

/* ---------------------------------------------------------------- scores by class */

static void put_score_row(hg_text *out, const char *name, const hg_class_scores *scores) {
  hg_text_put(out, "<tr><th scope=\"row\">");
  hg_text_html(out, name);
  hg_text_format(out, "</th><td class=\"num\">%.4f</td><td class=\"num\">%.4f</td><td class=\"num\">%.4f</td><td class=\"num\">",
                 scores->precision, scores->recall, scores->f1);
  hg_text_count(out, scores->support);
  hg_text_put(out, "</td></tr>");
}

/* The rows and names of scikit-learn's classification_report. */
static void put_class_report(hg_text *out, const hg_page_model *model) {
  const hg_classification_report *scores = &model->scores;
  char buffer[16];
  hg_text_put(
      out,
      "<div><h4>Scores by class</h4><div class=\"scroll tall\"><table class=\"scores\"><thead><tr><th scope=\"col\">class</th>"
      "<th scope=\"col\" class=\"num\">precision</th><th scope=\"col\" class=\"num\">recall</th>"
      "<th scope=\"col\" class=\"num\">f1-score</th><th scope=\"col\" class=\"num\">support</th></tr></thead><tbody>");
  for (int k = 0; k < scores->classes; k++)
    if (hg_classification_report_has(scores, k)) put_score_row(out, hg_page_class_name(model, k, buffer), &scores->per_class[k]);
  hg_text_format(out,
                 "</tbody><tbody class=\"totals\"><tr><th scope=\"row\">accuracy</th><td></td><td></td>"
                 "<td class=\"num\">%.4f</td><td class=\"num\">",
                 scores->accuracy);
  hg_text_count(out, scores->count);
  hg_text_put(out, "</td></tr>");
  put_score_row(out, "macro avg", &scores->macro);
  put_score_row(out, "weighted avg", &scores->weighted);
  hg_text_put(out, "</tbody></table></div></div>");
}

static void put_cell(hg_figure *figure, const hg_page_model *model, int i, int j) {
  char truth[16], predicted[16];
  int64_t count = model->scores.confusion[i * model->scores.classes + j], support = model->scores.per_class[i].support;
  hg_frame_word(&figure->data, hg_page_class_name(model, i, truth));
  hg_frame_word(&figure->data, hg_page_class_name(model, j, predicted));
  hg_frame_number(&figure->data, (double)count);
  hg_frame_number(&figure->data, support > 0 ? (double)count / (double)support : 0);
}

/* All cells; of many classes the diagonal, which names the axes in their order, and what is not empty beside it. */
static void put_cells(hg_figure *figure, const hg_page_model *model, bool all) {
  int classes = model->scores.classes;
  for (int i = 0; !all && i < classes; i++) put_cell(figure, model, i, i);
  for (int i = 0; i < classes; i++)
    for (int j = 0; j < classes; j++)
      if (all || (i != j && model->scores.confusion[i * classes + j] > 0)) put_cell(figure, model, i, j);
}

/* A hundred classes leave no room for counts and names. */
static void put_confusion(hg_page *page, const hg_page_model *model) {
  enum { MANY = 24, SOME = 12 };
  int classes = model->scores.classes, side = classes > MANY ? 420 / classes : classes > SOME ? 22 : 32;
  hg_figure *figure = hg_page_figure(page, "confusion", "true: predicted: count share", "confusion", model->name);
  hg_figure_title(figure, "Confusion matrix");
  put_cells(figure, model, classes <= MANY);
  hg_figure_set(figure, "height", json_integer((side < 3 ? 3 : side) * classes));
  if (classes > SOME) hg_figure_set(figure, "layer.2.mark.fontSize", json_integer(9));
  if (classes > MANY) {
    hg_figure_set(figure, "view.fill", json_string("var(--sunken)"));
    hg_figure_set(figure, "layer.2.mark.opacity", json_integer(0));
    hg_figure_set(figure, "layer.1.mark.strokeWidth", json_integer(0));
    hg_figure_set(figure, "layer.0.mark.strokeWidth", json_integer(0));
    hg_figure_set(figure, "encoding.x.axis.labels", json_false());
    hg_figure_set(figure, "encoding.y.axis.labels", json_false());
  }
  hg_page_put_figure(page, figure,
                     "Counts of test images. The deeper a cell, the larger its share of the row; the diagonal is right.");
}

static void put_scores(hg_page *page, const hg_page_model *model) {
  if (!model->has_scores) return;
  hg_text_put(&page->out, "<div class=\"pair\">");
  put_class_report(&page->out, model);
  hg_text_put(&page->out, "<div><h4>Confusion matrix</h4>");
  put_confusion(page, model);
  hg_text_put(&page->out, "</div></div>");
}

/* ---------------------------------------------------------------- seeds */

static void put_seeds(hg_text *out, const hg_page_model *model) {
  if (model->count < 2) return;
  hg_text_put(
      out,
      "<details><summary>All seeds</summary><div class=\"scroll\"><table><thead><tr><th scope=\"col\" class=\"num\">Seed</th>"
      "<th scope=\"col\">Status</th><th scope=\"col\" class=\"num\">Accuracy</th><th scope=\"col\" class=\"num\">Loss</th>"
      "<th scope=\"col\" class=\"num\">Epochs</th><th scope=\"col\" class=\"num\">Time</th></tr></thead><tbody>");
  for (int i = 0; i < model->count; i++) {
    const hg_report_run *run = &model->runs[i];
    hg_text_format(out, "<tr><th scope=\"row\" class=\"num\">%llu</th><td>", (unsigned long long)run->record.seed);
    hg_text_html(out, run->record.status);
    hg_text_put(out, "</td><td class=\"num\">");
    hg_text_percent(out, hg_report_metric(run, "test.accuracy"));
    hg_text_put(out, "</td><td class=\"num\">");
    hg_text_figure(out, hg_report_metric(run, "test.loss"));
    hg_text_format(out, "</td><td class=\"num\">%d</td><td class=\"num\">", run->record.epochs);
    hg_text_duration(out, run->record.seconds);
    hg_text_put(out, "</td></tr>");
  }
  hg_text_put(out, "</tbody></table></div></details>");
}

/* ---------------------------------------------------------------- layers */

static void put_layer(hg_text *out, const hg_layer_row *row) {
  hg_text_put(out, "<tr><td>");
  hg_text_html(out, row->block);
  hg_text_put(out, "</td><th scope=\"row\">");
  hg_text_html(out, row->layer);
  hg_text_put(out, "</th><td>");
  hg_text_html(out, row->detail[0] == '\0' ? row->kind : row->detail);
  hg_text_put(out, "</td><td class=\"num\">");
  hg_text_shape(out, row->output);
  hg_text_put(out, "</td><td class=\"num\">");
  hg_text_count(out, row->parameters);
  hg_text_put(out, "</td><td class=\"num\">");
  hg_text_count(out, row->multiply_adds);
  hg_text_put(out, "</td><td class=\"num\">");
  hg_text_memory(out, row->activation_bytes);
  hg_text_put(out, "</td></tr>");
}

static void put_layers(hg_text *out, const hg_report_run *run) {
  int64_t parameters = 0, multiply_adds = 0, bytes = 0;
  if (run->layer_count == 0) return;
  hg_text_put(
      out,
      "<h4>Layers</h4><div class=\"scroll\"><table class=\"layers\"><thead><tr><th scope=\"col\">Block</th><th "
      "scope=\"col\">Layer</th>"
      "<th scope=\"col\">Settings</th><th scope=\"col\" class=\"num\">Output</th><th scope=\"col\" class=\"num\">Parameters</th>"
      "<th scope=\"col\" class=\"num\">Multiply-adds</th><th scope=\"col\" class=\"num\">Memory</th></tr></thead><tbody>");
  for (int i = 0; i < run->layer_count; i++) {
    put_layer(out, &run->layers[i]);
    parameters += run->layers[i].parameters;
    multiply_adds += run->layers[i].multiply_adds;
    bytes += run->layers[i].activation_bytes;
  }
  hg_text_put(out,
              "</tbody><tbody class=\"totals\"><tr><td></td><th scope=\"row\">total</th><td></td><td></td><td class=\"num\">");
  hg_text_count(out, parameters);
  hg_text_put(out, "</td><td class=\"num\">");
  hg_text_count(out, multiply_adds);
  hg_text_put(out, "</td><td class=\"num\">");
  hg_text_memory(out, bytes);
  hg_text_put(
      out, "</td></tr></tbody></table></div><p class=\"note\">Multiply-adds and memory (of the outputs) are for one image.</p>");
}

/* ---------------------------------------------------------------- the section */

static void put_subtitle(hg_page *page, const hg_page_model *model) {
  hg_text *out = &page->out;
  const hg_run_record *record = &model->shown->record;
  const hg_data_record *data = hg_report_data(&page->report, model->shown);
  hg_text_put(out, "<p class=\"subtitle\">");
  hg_text_words(out, record->kind);
  if (record->data[0] != '\0') {
    hg_text_put(out, " on ");
    hg_text_html(out, record->data);
  }
  if (data != NULL && strcmp(data->source, data->name) != 0) {
    hg_text_put(out, " (");
    hg_text_html(out, data->source);
    hg_text_put(out, ")");
  }
  if (model->count > 1) hg_text_format(out, "; seed %llu of %d is shown", (unsigned long long)record->seed, model->count);
  hg_text_put(out, "</p>");
}

static void put_content(hg_page *page, int at) {
  hg_text *out = &page->out;
  const hg_page_model *model = &page->models[at];
  put_subtitle(page, model);
  hg_page_note(page, model->name);
  if (model->done == 0) {
    hg_text_put(out, "<p class=\"callout\"><b>This run is ");
    hg_text_html(out, model->shown->record.status);
    hg_text_put(out, ".</b> ");
    hg_text_html(out, model->shown->record.message);
    hg_text_put(out, "</p>");
  } else {
    put_tiles(out, model);
  }
  if (model->trouble != NULL) {
    hg_text_put(out, "<p class=\"callout\"><b>Something could not be read.</b> ");
    hg_text_html(out, model->trouble);
    hg_text_put(out, "</p>");
  }
  put_scores(page, model);
  hg_page_images(page, at);
  put_layers(out, model->shown);
  put_seeds(out, model);
  hg_page_settings(page, model);
}

/* What a folded section says of its model. */
static void put_gist(hg_page *page, const hg_page_model *model) {
  hg_text *out = &page->out;
  hg_estimate accuracy = hg_page_estimate(page, model, "test.accuracy"), error = hg_page_reconstruction_error(page, model);
  hg_text_put(out, "<span class=\"gist\">");
  if (model->done == 0) {
    hg_text_html(out, model->shown->record.status);
  } else if (accuracy.seeds > 0) {
    hg_text_percent(out, accuracy.value);
  } else if (error.seeds > 0) {
    hg_text_put(out, "MSE ");
    hg_text_figure(out, error.value);
  }
  hg_text_put(out, "</span>");
}

static void put_section(hg_page *page, int at, bool folded) {
  hg_text *out = &page->out;
  const char *element = folded ? "details" : "section";
  hg_text_format(out, "<%s class=\"model\" id=\"model-%d\">%s<h2>", element, at, folded ? "<summary>" : "");
  hg_page_mark(out, at);
  hg_text_html(out, page->models[at].name);
  hg_text_put(out, "</h2>");
  if (folded) {
    put_gist(page, &page->models[at]);
    hg_text_put(out, "</summary>");
  }
  put_content(page, at);
  hg_text_format(out, "</%s>", element);
}

bool hg_page_is_long(const hg_page *page) {
  enum { MANY = 6 };
  return page->model_count > MANY;
}

void hg_page_model_sections(hg_page *page) {
  if (hg_page_is_long(page)) hg_text_put(&page->out, "<section id=\"models\"><h2>Models</h2></section>");
  for (int i = 0; i < page->model_count; i++) put_section(page, i, hg_page_is_long(page) || hg_page_is_swept(&page->models[i]));
}
