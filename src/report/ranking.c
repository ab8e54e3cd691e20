/* How well models rank each class before the rest: precision against recall, and the receiver operating characteristic. */
#include "base/alloc.h"
#include "eval/curves.h"
#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Points of the macro averages' curves. */
enum { MACRO_POINTS = 101 };

/* ---------------------------------------------------------------- reading */

static void add_point(hg_page_curve *out, double x, double y) {
  if (out->count == HG_PAGE_POINTS) return;
  out->x[out->count] = (float)x;
  out->y[out->count++] = (float)y;
}

/* Points about 1 / 30 apart on the way, and both ends. */
static void thin_roc(const hg_roc *curve, hg_page_curve *out) {
  const double step = 2.0 / (HG_PAGE_POINTS - 4);
  double x = -1, y = -1;
  for (int64_t i = 0; i < curve->count; i++) {
    double way = fabs(curve->false_positive[i] - x) + fabs(curve->true_positive[i] - y);
    if (way < step && i + 1 < curve->count) continue;
    x = curve->false_positive[i];
    y = curve->true_positive[i];
    add_point(out, x, y);
  }
}

/* The precision where the first images are found holds from a recall of 0 on, as average precision counts it. */
static void add_recall(double recall, double precision, hg_page_curve *out) {
  if (out->count == 0) add_point(out, 0, precision);
  add_point(out, recall, precision);
}

/* Precision follows from both shares and the numbers of images behind them. Points 1 / 60 of recall apart, and the last. */
static void thin_recall(const hg_roc *curve, double positives, double negatives, hg_page_curve *out) {
  const double step = 1.0 / (HG_PAGE_POINTS - 4);
  double before = -1;
  for (int64_t i = 1; i < curve->count; i++) {
    double hits = curve->true_positive[i] * positives, others = curve->false_positive[i] * negatives;
    if (curve->true_positive[i] - before < step && i + 1 < curve->count) continue;
    before = curve->true_positive[i];
    add_recall(before, hits / (hits + others), out);
  }
}

/* The mean of `used` classes' precisions, at recalls as far apart. */
static void add_macro_recall(const double sum[MACRO_POINTS], int used, hg_page_curve *out) {
  const double step = 1.0 / (HG_PAGE_POINTS - 4);
  double before = -1;
  for (int i = 0; i < MACRO_POINTS; i++) {
    double recall = (i + 1.0) / MACRO_POINTS;
    if (used == 0 || (recall - before < step && i + 1 < MACRO_POINTS)) continue;
    before = recall;
    add_recall(recall, sum[i] / used, out);
  }
}

static int64_t images_of(const int32_t *labels, int64_t count, int label) {
  int64_t found = 0;
  for (int64_t i = 0; i < count; i++) found += labels[i] == label;
  return found;
}

static hg_code load_averages(const float *shares, const int32_t *labels, int64_t count, int classes, hg_page_ranks *out,
                             hg_error *error) {
  hg_roc micro = {0}, macro = {0};
  hg_code code = hg_roc_micro_new(shares, labels, count, classes, &micro, error);
  if (code == HG_OK) code = hg_roc_macro_new(shares, labels, count, classes, MACRO_POINTS, &macro, error);
  if (code == HG_OK) {
    thin_roc(&micro, &out[classes].roc);
    thin_recall(&micro, (double)count, (double)count * (classes - 1), &out[classes].recall);
    thin_roc(&macro, &out[classes + 1].roc);
  }
  hg_roc_release(&micro);
  hg_roc_release(&macro);
  return code;
}

hg_code hg_page_ranks_load(const float *shares, const int32_t *labels, int64_t count, int classes, hg_page_ranks **out,
                           hg_error *error) {
  size_t bytes = ((size_t)classes + 2) * sizeof **out;
  *out = hg_calloc((size_t)classes + 2, sizeof **out);
  if (*out == NULL) return hg_fail_memory(error, "curves", bytes);
  double precisions[MACRO_POINTS] = {0};
  int used = 0;
  hg_code code = load_averages(shares, labels, count, classes, *out, error);
  for (int k = 0; code == HG_OK && k < classes; k++) {
    hg_roc curve;
    int64_t positives = images_of(labels, count, k);
    code = hg_roc_new(shares + k, classes, labels, count, k, &curve, error);
    if (code != HG_OK) break;
    if (positives > 0) {
      hg_roc_add_precision(&curve, positives, count - positives, MACRO_POINTS, precisions);
      used++;
    }
    if (positives > 0 && positives < count) {
      thin_roc(&curve, &(*out)[k].roc);
      thin_recall(&curve, (double)positives, (double)(count - positives), &(*out)[k].recall);
    }
    hg_roc_release(&curve);
  }
  if (code == HG_OK) add_macro_recall(precisions, used, &(*out)[classes + 1].recall);
  return code;
}

/* ---------------------------------------------------------------- figures */

static const char *panel_name(const hg_page_model *model, int panel, int classes, char buffer[16]) {
  if (panel < classes) return hg_page_class_name(model, panel, buffer);
  return panel == classes ? "micro average" : "macro average";
}

/* Of each line one point bears the model's mark, at another place on each: by recall, on a ROC curve by the way. */
static double place_of(const hg_page_curve *curve, int at, bool roc) {
  return roc ? (double)(curve->x[at] + curve->y[at]) / 2 : (double)curve->x[at];
}

static int marked_point(const hg_page_curve *curve, double aim, bool roc) {
  int nearest = 0;
  for (int i = 1; i < curve->count; i++)
    if (fabs(place_of(curve, i, roc) - aim) < fabs(place_of(curve, nearest, roc) - aim)) nearest = i;
  return nearest;
}

static void put_curve(hg_page *page, hg_figure *figure, int at, int panel, bool roc) {
  const hg_page_model *model = &page->models[at];
  const hg_page_curve *curve = roc ? &model->ranks[panel].roc : &model->ranks[panel].recall;
  char buffer[16];
  int marked = marked_point(curve, (at + 1.0) / (page->model_count + 1.0), roc);
  for (int n = 0; n < curve->count; n++) {
    hg_frame_word(&figure->data, model->name);
    hg_frame_word(&figure->data, panel_name(model, panel, model->scores.classes, buffer));
    hg_frame_number(&figure->data, (double)curve->x[n]);
    hg_frame_number(&figure->data, (double)curve->y[n]);
    hg_frame_number(&figure->data, n);
    hg_frame_number(&figure->data, n == marked);
  }
}

static void put_panel(hg_page *page, const hg_page_group *group, hg_figure *figure, int panel, bool roc) {
  for (int i = 0; i < page->model_count; i++)
    if (hg_page_in_group(page, group, i) && page->models[i].ranks != NULL) put_curve(page, figure, i, panel, roc);
}

/* Whether the group has points of a sweep that are not drawn. */
static bool leaves_out(const hg_page *page, const hg_page_group *group) {
  for (int i = 0; i < page->model_count; i++)
    if (hg_page_in_group(page, group, i) && page->models[i].has_scores && page->models[i].ranks == NULL) return true;
  return false;
}

static void put_figure(hg_page *page, const hg_page_group *group, bool roc) {
  hg_figure *figure =
      roc ? hg_page_figure(page, "roc", "model: class: false_positive~ recall~ order mark", "roc", group->data)
          : hg_page_figure(page, "recall", "model: class: recall~ precision~ order mark", "precision-recall", group->data);
  hg_figure_title(figure, "%s%s%s", roc ? "Receiver operating characteristic" : "Precision against recall",
                  group->data[0] == '\0' ? "" : " on ", group->data);
  bool averages_first = group->shown_count < group->classes;
  for (int average = 0; averages_first && average < 2; average++) put_panel(page, group, figure, group->classes + average, roc);
  for (int n = 0; n < group->shown_count; n++) put_panel(page, group, figure, group->shown[n], roc);
  for (int average = 0; !averages_first && average < 2; average++) put_panel(page, group, figure, group->classes + average, roc);
  hg_figure_keep_order(figure, 1);
  hg_page_panel_room(figure, 1);
  hg_page_marks(page, figure, "spec.encoding", "spec.layer.1.encoding");
  char note[400];
  snprintf(
      note, sizeof note, "%s Marks tell the models apart, and are no thresholds.%s",
      roc ? "The share of a class that is found, upwards, against the share of the rest that is taken for it, both from 0 to 1."
          : "Precision upwards, recall to the right, both from 0 to 1.",
      leaves_out(page, group) ? " Of a sweep only the chosen point and the model that is varied are drawn." : "");
  hg_page_put_figure(page, figure, note);
}

/* ---------------------------------------------------------------- tables */

static bool is_ranked(const hg_page *page, const hg_page_group *group, int at) {
  return hg_page_in_group(page, group, at) && page->models[at].ranks != NULL;
}

/* Beside each other stand few models; more stand in rows, and the tables one above the other. */
static bool has_few(const hg_page *page, const hg_page_group *group) {
  enum { MOST = 3 };
  int models = 0;
  for (int i = 0; i < page->model_count; i++) models += is_ranked(page, group, i);
  return models <= MOST;
}

/* The classes that are shown, then both averages. */
static const char *score_name(const hg_page *page, const hg_page_group *group, int n, char buffer[16]) {
  if (n >= group->shown_count) return n == group->shown_count ? "micro average" : "macro average";
  return hg_page_class_name(&page->models[group->first], group->shown[n], buffer);
}

static void put_score(hg_page *page, const hg_page_group *group, int at, int n, bool area) {
  static const char *const averages[][2] = {{"test.average_precision_micro", "test.average_precision_macro"},
                                            {"test.roc_auc_micro", "test.roc_auc_macro"}};
  const hg_page_model *model = &page->models[at];
  hg_text_put(&page->out, "<td class=\"num\">");
  hg_text_figure(&page->out,
                 n < group->shown_count
                     ? hg_page_class_score(model, group->shown[n], area ? HG_PAGE_ROC_AREA : HG_PAGE_AVERAGE_PRECISION).mean
                     : hg_page_estimate(page, model, averages[area][n - group->shown_count]).value);
  hg_text_put(&page->out, "</td>");
}

static void put_class_rows(hg_page *page, const hg_page_group *group, bool area) {
  char buffer[16];
  hg_text_put(&page->out, "class</th>");
  for (int i = 0; i < page->model_count; i++)
    if (is_ranked(page, group, i)) hg_page_model_head(page, i);
  hg_text_put(&page->out, "</tr></thead><tbody>");
  for (int n = 0; n < group->shown_count + 2; n++) {
    if (n == group->shown_count) hg_text_put(&page->out, "</tbody><tbody class=\"totals\">");
    hg_text_put(&page->out, "<tr><th scope=\"row\">");
    hg_text_html(&page->out, score_name(page, group, n, buffer));
    hg_text_put(&page->out, "</th>");
    for (int i = 0; i < page->model_count; i++)
      if (is_ranked(page, group, i)) put_score(page, group, i, n, area);
    hg_text_put(&page->out, "</tr>");
  }
}

static void put_model_rows(hg_page *page, const hg_page_group *group, bool area) {
  char buffer[16];
  hg_text_put(&page->out, "model</th>");
  for (int n = 0; n < group->shown_count + 2; n++) {
    hg_text_put(&page->out, "<th scope=\"col\" class=\"num\">");
    hg_text_html(&page->out, score_name(page, group, n, buffer));
    hg_text_put(&page->out, "</th>");
  }
  hg_text_put(&page->out, "</tr></thead><tbody>");
  for (int i = 0; i < page->model_count; i++) {
    if (!is_ranked(page, group, i)) continue;
    hg_page_model_cell(page, i, false);
    for (int n = 0; n < group->shown_count + 2; n++) put_score(page, group, i, n, area);
    hg_text_put(&page->out, "</tr>");
  }
}

static void put_table(hg_page *page, const hg_page_group *group, bool area, bool few) {
  hg_text_format(&page->out, "<div><h4>%s</h4><div class=\"scroll\"><table class=\"by-class%s\"><thead><tr><th scope=\"col\">",
                 area ? "Area under the ROC curve" : "Average precision", few ? "" : " many");
  if (few)
    put_class_rows(page, group, area);
  else
    put_model_rows(page, group, area);
  hg_text_put(&page->out, "</tbody></table></div></div>");
}

void hg_page_ranking(hg_page *page, const hg_page_group *group) {
  hg_text *out = &page->out;
  hg_text_put(out, "<h4>Precision and recall</h4>");
  put_figure(page, group, false);
  hg_text_put(out, "<h4>ROC curves</h4>");
  put_figure(page, group, true);
  bool few = has_few(page, group);
  hg_text_put(out, few ? "<div class=\"pair\">" : "<div>");
  put_table(page, group, false, few);
  put_table(page, group, true, few);
  hg_text_put(out, "</div>");
}
