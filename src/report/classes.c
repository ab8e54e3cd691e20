/* The models of one data set beside each other, class by class. */
#include "report/page.h"

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
  hg_text_put(
      out, "<h4>Accuracy by class</h4><div class=\"scroll\"><table class=\"by-class\"><thead><tr><th scope=\"col\">class</th>");
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

static void put_panel(hg_page *page, const hg_page_model *first, const char *data, int label) {
  hg_text *out = &page->out;
  char buffer[16];
  const char *name = hg_page_class_name(first, label, buffer);
  hg_text_put(out, "<figure class=\"chart small\"><figcaption>");
  hg_text_html(out, name);
  hg_text_format(out, "</figcaption><div class=\"plot\" data-chart=\"recall\" data-class=\"%d\" data-models=\"", label);
  for (int i = 0; i < page->model_count; i++)
    if (belongs(&page->models[i], data, first->scores.classes)) hg_text_format(out, "%d ", i);
  hg_text_put(out, "\" role=\"img\" aria-label=\"Precision against recall of ");
  hg_text_html(out, name);
  hg_text_put(out, "\"></div><ul class=\"areas\">");
  for (int i = 0; i < page->model_count; i++) {
    if (!belongs(&page->models[i], data, first->scores.classes)) continue;
    hg_text_put(out, "<li>");
    hg_page_mark(out, i);
    hg_text_html(out, page->models[i].name);
    hg_text_format(out, "<b>%.3f</b></li>", page->models[i].curves[label].average_precision);
  }
  hg_text_put(out, "</ul></figure>");
}

static void put_group(hg_page *page, int at) {
  const hg_page_model *first = &page->models[at];
  const char *data = first->shown->record.data;
  hg_text *out = &page->out;
  if (data[0] != '\0') {
    hg_text_put(out, "<h3>On ");
    hg_text_html(out, data);
    hg_text_put(out, "</h3>");
  }
  put_table(page, first, data);
  hg_text_put(out,
              "<h4>Precision against recall</h4><p class=\"note\">Precision upwards, recall to the right, both from 0 to 1; the "
              "figure is the average precision.</p><div class=\"panels many\">");
  for (int k = 0; k < first->scores.classes; k++) put_panel(page, first, data, k);
  hg_text_put(out, "</div>");
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
