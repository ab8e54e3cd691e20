/* The models of one data set beside each other, class by class. */
#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool hg_page_in_group(const hg_page *page, const hg_page_group *group, int at) {
  const hg_page_model *model = &page->models[at];
  return model->has_scores && model->scores.classes == group->classes && strcmp(model->shown->record.data, group->data) == 0;
}

/* The first model of its data set and number of classes; a group is told once, by it. */
static bool leads_group(const hg_page *page, int at, hg_page_group *group) {
  const hg_page_model *model = &page->models[at];
  if (!model->has_scores) return false;
  *group = (hg_page_group){.first = at, .data = model->shown->record.data, .classes = model->scores.classes};
  for (int i = 0; i < at; i++)
    if (hg_page_in_group(page, group, i)) return false;
  return true;
}

/* Mean over the models; a class that none of them was tested on is no worse than any. */
static double score_of_class(const hg_page *page, const hg_page_group *group, int label) {
  double sum = 0;
  int models = 0;
  for (int i = 0; i < page->model_count; i++) {
    const hg_page_model *model = &page->models[i];
    if (!hg_page_in_group(page, group, i) || model->scores.per_class[label].support == 0) continue;
    double precision = hg_page_class_score(model, label, HG_PAGE_AVERAGE_PRECISION).mean;
    sum += isnan(precision) ? model->scores.per_class[label].recall : precision;
    models++;
  }
  return models == 0 ? 2 : sum / models;
}

/* A panel or a row for each of a hundred classes would be no help: of more than fit, those that models do worst on. */
static void choose_classes(const hg_page *page, hg_page_group *group) {
  double scores[HG_PAGE_WORST_CLASSES];
  if (group->classes <= HG_PAGE_MOST_CLASSES) {
    for (int k = 0; k < group->classes; k++) group->shown[group->shown_count++] = k;
    return;
  }
  for (int k = 0; k < group->classes; k++) {
    double score = score_of_class(page, group, k);
    int at = group->shown_count;
    for (; at > 0 && score < scores[at - 1]; at--) {
      if (at == HG_PAGE_WORST_CLASSES) continue;
      scores[at] = scores[at - 1];
      group->shown[at] = group->shown[at - 1];
    }
    if (at == HG_PAGE_WORST_CLASSES) continue;
    scores[at] = score;
    group->shown[at] = k;
    if (group->shown_count < HG_PAGE_WORST_CLASSES) group->shown_count++;
  }
}

static void put_share(hg_text *out, const hg_page_model *model, int label) {
  double recall = hg_page_class_score(model, label, HG_PAGE_RECALL).mean;
  hg_text_format(out, "<td class=\"num share\" style=\"--share:%.3f\">", isnan(recall) ? 0 : recall);
  hg_text_percent(out, recall);
  hg_text_put(out, "</td>");
}

static void put_class_rows(hg_page *page, const hg_page_group *group) {
  hg_text *out = &page->out;
  char buffer[16];
  for (int i = 0; i < page->model_count; i++)
    if (hg_page_in_group(page, group, i)) hg_page_model_head(page, i);
  hg_text_put(out, "</tr></thead><tbody>");
  for (int n = 0; n < group->shown_count; n++) {
    int k = group->shown[n];
    hg_text_put(out, "<tr><th scope=\"row\">");
    hg_text_html(out, hg_page_class_name(&page->models[group->first], k, buffer));
    hg_text_put(out, "</th>");
    for (int i = 0; i < page->model_count; i++)
      if (hg_page_in_group(page, group, i)) put_share(out, &page->models[i], k);
    hg_text_put(out, "</tr>");
  }
}

static void put_model_rows(hg_page *page, const hg_page_group *group) {
  hg_text *out = &page->out;
  char buffer[16];
  for (int n = 0; n < group->shown_count; n++) {
    hg_text_put(out, "<th scope=\"col\" class=\"num\">");
    hg_text_html(out, hg_page_class_name(&page->models[group->first], group->shown[n], buffer));
    hg_text_put(out, "</th>");
  }
  hg_text_put(out, "</tr></thead><tbody>");
  for (int i = 0; i < page->model_count; i++) {
    if (!hg_page_in_group(page, group, i)) continue;
    hg_page_model_cell(page, i, false);
    for (int n = 0; n < group->shown_count; n++) put_share(out, &page->models[i], group->shown[n]);
    hg_text_put(out, "</tr>");
  }
}

/* Many models are told apart by rows, a few by marks and columns. */
static bool has_many(const hg_page *page, const hg_page_group *group) {
  enum { MOST_MARKS = 8 };
  int models = 0;
  for (int i = 0; i < page->model_count; i++) models += hg_page_in_group(page, group, i);
  return models > MOST_MARKS;
}

static void put_table(hg_page *page, const hg_page_group *group) {
  hg_text *out = &page->out;
  bool many = has_many(page, group);
  hg_text_format(out, "<div class=\"scroll\"><table class=\"by-class%s\"><thead><tr><th scope=\"col\">%s</th>",
                 many ? " many" : "", many ? "model" : "class");
  if (many)
    put_model_rows(page, group);
  else
    put_class_rows(page, group);
  hg_text_put(out, "</tbody></table></div>");
}

/* ---------------------------------------------------------------- figures */

/* Of a heat map, from the least share to all. */
static void set_depth(hg_figure *figure) {
  double least, most;
  char test[48];
  hg_frame_range(&figure->data, "accuracy", &least, &most);
  if (isnan(least) || least >= 1) return;
  hg_figure_set(figure, "layer.0.encoding.fillOpacity.scale.domain", json_pack("[f, i]", least, 1));
  snprintf(test, sizeof test, "datum.accuracy > %.3f", least + 0.75 * (1 - least));
  hg_figure_set(figure, "layer.1.encoding.fill.condition.test", json_string(test));
}

static void put_class_figure(hg_page *page, const hg_page_group *group) {
  const char *data = group->data;
  char buffer[16];
  bool dots = !has_many(page, group);
  hg_figure *figure =
      hg_page_figure(page, dots ? "dots" : "heat", "model: class: accuracy lowest highest images", "class-accuracy", data);
  hg_figure_title(figure, "Accuracy by class%s%s", data[0] == '\0' ? "" : " on ", data);
  for (int i = 0; i < page->model_count; i++) {
    const hg_page_model *model = &page->models[i];
    if (!hg_page_in_group(page, group, i)) continue;
    for (int n = 0; n < group->shown_count; n++) {
      int k = group->shown[n];
      hg_frame_word(&figure->data, model->name);
      hg_frame_word(&figure->data, hg_page_class_name(model, k, buffer));
      hg_page_spread recall = hg_page_class_score(model, k, HG_PAGE_RECALL);
      hg_frame_number(&figure->data, recall.mean);
      hg_frame_number(&figure->data, recall.least);
      hg_frame_number(&figure->data, recall.most);
      hg_frame_number(&figure->data, (double)model->scores.per_class[k].support);
    }
  }
  if (dots)
    hg_page_marks(page, figure, "layer.1.encoding", "layer.2.encoding");
  else
    set_depth(figure);
  hg_page_put_figure(
      page, figure,
      dots ? "The share of a class\xe2\x80\x99s test images that is told right, mean over seeds. A grey line joins the "
             "models; one in a model\xe2\x80\x99s colour reaches from its lowest seed to its highest."
           : "The share of a class\xe2\x80\x99s test images that is told right, mean over seeds.");
}

/* ---------------------------------------------------------------- the section */

static void put_group(hg_page *page, const hg_page_group *group) {
  hg_text *out = &page->out;
  if (group->data[0] != '\0') {
    hg_text_put(out, "<h3>On ");
    hg_text_html(out, group->data);
    hg_text_put(out, "</h3>");
  }
  if (group->shown_count < group->classes)
    hg_text_format(
        out,
        "<p class=\"note\">Of %d classes the %d with the least average precision, mean of these models, the worst first. "
        "Averages are over all classes; each model\xe2\x80\x99s own section has the scores of all.</p>",
        group->classes, group->shown_count);
  put_class_figure(page, group);
  put_table(page, group);
  hg_page_ranking(page, group);
  hg_page_calibration(page, group);
  if (group->classes <= HG_PAGE_MOST_CLASSES) hg_page_answers(page, group);
}

void hg_page_classes(hg_page *page) {
  hg_text *out = &page->out;
  hg_page_group group;
  bool opened = false;
  for (int i = 0; i < page->model_count; i++) {
    if (!leads_group(page, i, &group)) continue;
    if (!opened)
      hg_text_put(out,
                  "<section id=\"classes\"><h2>Class by class</h2><p class=\"note\">Figures are means over the finished seeds; "
                  "curves and reliability are of every model\xe2\x80\x99s first.</p>");
    opened = true;
    choose_classes(page, &group);
    put_group(page, &group);
  }
  if (opened) hg_text_put(out, "</section>");
}
