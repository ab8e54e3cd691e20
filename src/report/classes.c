/* The models of one data set beside each other, class by class. */
#include "report/page.h"

#include <math.h>
#include <string.h>

/* A table or a panel for each of a hundred classes would be no help. */
bool hg_page_has_classes(const hg_page_model *model) {
  return model->has_scores && model->scores.classes <= HG_PAGE_MOST_CLASSES && model->curves != NULL;
}

static bool belongs(const hg_page_model *model, const char *data, int classes) {
  return hg_page_has_classes(model) && model->scores.classes == classes && strcmp(model->shown->record.data, data) == 0;
}

/* The first model of its data set and number of classes; a group is told once, by it. */
static bool leads_group(const hg_page *page, int at) {
  const hg_page_model *model = &page->models[at];
  if (!hg_page_has_classes(model)) return false;
  for (int i = 0; i < at; i++)
    if (belongs(&page->models[i], model->shown->record.data, model->scores.classes)) return false;
  return true;
}

static void put_table(hg_page *page, const hg_page_model *first, const char *data) {
  hg_text *out = &page->out;
  char buffer[16];
  hg_text_put(out, "<div class=\"scroll\"><table class=\"by-class\"><thead><tr><th scope=\"col\">class</th>");
  for (int i = 0; i < page->model_count; i++) {
    if (!belongs(&page->models[i], data, first->scores.classes)) continue;
    hg_text_put(out, "<th scope=\"col\" class=\"num\">");
    hg_page_mark(out, i);
    hg_text_html(out, page->models[i].name);
    hg_text_put(out, "</th>");
  }
  hg_text_put(out, "</tr></thead><tbody>");
  for (int k = 0; k < first->scores.classes; k++) {
    hg_text_put(out, "<tr><th scope=\"row\">");
    hg_text_html(out, hg_page_class_name(first, k, buffer));
    hg_text_put(out, "</th>");
    for (int i = 0; i < page->model_count; i++) {
      if (!belongs(&page->models[i], data, first->scores.classes)) continue;
      double recall = page->models[i].scores.per_class[k].recall;
      hg_text_format(out, "<td class=\"num share\" style=\"--share:%.3f\">", recall);
      hg_text_percent(out, recall);
      hg_text_put(out, "</td>");
    }
    hg_text_put(out, "</tr>");
  }
  hg_text_put(out, "</tbody></table></div>");
}

/* ---------------------------------------------------------------- figures */

/* Many models are told apart by rows, a few by marks. */
static void put_class_figure(hg_page *page, const hg_page_model *first, const char *data) {
  enum { MOST_MARKS = 8 };
  int models = 0;
  char buffer[16];
  for (int i = 0; i < page->model_count; i++) models += belongs(&page->models[i], data, first->scores.classes);
  bool dots = models <= MOST_MARKS;
  hg_figure *figure = hg_page_figure(page, dots ? "dots" : "heat", "model: class: accuracy images", "class-accuracy", data);
  hg_figure_title(figure, "Accuracy by class%s%s", data[0] == '\0' ? "" : " on ", data);
  for (int i = 0; i < page->model_count; i++) {
    const hg_page_model *model = &page->models[i];
    if (!belongs(model, data, first->scores.classes)) continue;
    for (int k = 0; k < model->scores.classes; k++) {
      hg_frame_word(&figure->data, model->name);
      hg_frame_word(&figure->data, hg_page_class_name(model, k, buffer));
      hg_frame_number(&figure->data, model->scores.per_class[k].recall);
      hg_frame_number(&figure->data, (double)model->scores.per_class[k].support);
    }
  }
  if (dots) hg_page_marks(page, figure, "layer.1.encoding", NULL);
  hg_page_put_figure(page, figure, "The share of a class\xe2\x80\x99s test images that is told right.");
}

/* Of each line one point bears the model's mark, at another place on each. */
static int marked_point(const hg_page_curve *curve, double aim) {
  int nearest = 0;
  for (int i = 1; i < curve->count; i++)
    if (fabs((double)curve->recall[i] - aim) < fabs((double)curve->recall[nearest] - aim)) nearest = i;
  return nearest;
}

static void put_recall_figure(hg_page *page, const hg_page_model *first, const char *data) {
  char buffer[16];
  hg_figure *figure = hg_page_figure(page, "recall", "model: class: recall precision order mark", "precision-recall", data);
  hg_figure_title(figure, "Precision against recall%s%s", data[0] == '\0' ? "" : " on ", data);
  for (int k = 0; k < first->scores.classes; k++)
    for (int i = 0; i < page->model_count; i++) {
      const hg_page_model *model = &page->models[i];
      if (!belongs(model, data, first->scores.classes)) continue;
      const hg_page_curve *curve = &model->curves[k];
      int marked = marked_point(curve, (i + 1.0) / (page->model_count + 1.0));
      for (int n = 0; n < curve->count; n++) {
        hg_frame_word(&figure->data, model->name);
        hg_frame_word(&figure->data, hg_page_class_name(model, k, buffer));
        hg_frame_number(&figure->data, (double)curve->recall[n]);
        hg_frame_number(&figure->data, (double)curve->precision[n]);
        hg_frame_number(&figure->data, n);
        hg_frame_number(&figure->data, n == marked);
      }
    }
  hg_figure_keep_order(figure, 1);
  hg_page_marks(page, figure, "spec.encoding", "spec.layer.1.encoding");
  hg_page_put_figure(page, figure, "Precision upwards, recall to the right, both from 0 to 1.");
}

/* ---------------------------------------------------------------- the section */

static void put_group(hg_page *page, int at) {
  const hg_page_model *first = &page->models[at];
  const char *data = first->shown->record.data;
  hg_text *out = &page->out;
  if (data[0] != '\0') {
    hg_text_put(out, "<h3>On ");
    hg_text_html(out, data);
    hg_text_put(out, "</h3>");
  }
  put_class_figure(page, first, data);
  put_table(page, first, data);
  hg_text_put(out, "<h4>Precision and recall</h4>");
  put_recall_figure(page, first, data);
}

void hg_page_classes(hg_page *page) {
  hg_text *out = &page->out;
  bool opened = false;
  for (int i = 0; i < page->model_count; i++) {
    if (!leads_group(page, i)) continue;
    if (!opened)
      hg_text_put(out,
                  "<section id=\"classes\"><h2>Class by class</h2><p class=\"note\">Of every model the first finished seed.</p>");
    opened = true;
    put_group(page, i);
  }
  if (opened) hg_text_put(out, "</section>");
}
