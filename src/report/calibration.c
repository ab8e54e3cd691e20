/* Whether models are right as often as they say. */
#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* What support vector machines give are shares of votes, or scores: of how sure they are, nothing is known. */
static bool is_calibrated(const hg_page *page, int at) {
  const char *kind = page->models[at].shown->record.kind;
  return strcmp(kind, "svm") != 0 && strcmp(kind, "linear_svm") != 0;
}

static bool is_shown(const hg_page *page, const hg_page_group *group, int at) {
  return hg_page_in_group(page, group, at) && hg_page_may_win(page, at) && is_calibrated(page, at) &&
         page->models[at].shown->calibration_count > 0;
}

static void put_bins(hg_frame *data, const hg_page_model *model) {
  char panel[HG_NAME_SIZE + 32];
  snprintf(panel, sizeof panel, "%s, ECE %.4f", model->name, hg_report_metric(model->shown, "test.calibration_error"));
  for (int i = 0; i < model->shown->calibration_count; i++) {
    const hg_calibration_row *bin = &model->shown->calibration[i];
    if (bin->count == 0) continue;
    hg_frame_word(data, model->name);
    hg_frame_word(data, panel);
    hg_frame_number(data, bin->low);
    hg_frame_number(data, bin->high);
    hg_frame_number(data, bin->confidence);
    hg_frame_number(data, bin->accuracy);
    hg_frame_number(data, (double)bin->count);
  }
}

static void put_figure(hg_page *page, const hg_page_group *group) {
  hg_figure *figure =
      hg_page_figure(page, "reliability", "model: panel: low high confidence accuracy images", "reliability", group->data);
  hg_figure_title(figure, "Reliability%s%s", group->data[0] == '\0' ? "" : " on ", group->data);
  for (int i = 0; i < page->model_count; i++)
    if (is_shown(page, group, i)) put_bins(&figure->data, &page->models[i]);
  hg_figure_keep_order(figure, 1);
  hg_page_put_figure(
      page, figure,
      "The share of answers that is right, upwards, against the probability that the model gave them; a model that "
      "is right as often as it says lies on the diagonal. The more images, the larger the dot. ECE: expected "
      "calibration error over 15 bins.");
}

/* ---------------------------------------------------------------- table */

static const struct {
  const char *title, *metric;
  bool of_probabilities; /* and so not of what is_calibrated leaves out */
} columns[] = {{"Average precision, macro", "test.average_precision_macro", false},
               {"micro", "test.average_precision_micro", false},
               {"ROC AUC, macro", "test.roc_auc_macro", false},
               {"micro", "test.roc_auc_micro", false},
               {"Calibration error (ECE)", "test.calibration_error", true},
               {"Brier score", "test.brier", true}};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static void put_table(hg_page *page, const hg_page_group *group) {
  hg_text *out = &page->out;
  hg_text_put(out, "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Model</th>");
  for (int c = 0; c < COLUMNS; c++) hg_text_format(out, "<th scope=\"col\" class=\"num\">%s</th>", columns[c].title);
  hg_text_put(out, "</tr></thead><tbody>");
  bool left_out = false;
  for (int i = 0; i < page->model_count; i++) {
    if (!hg_page_in_group(page, group, i)) continue;
    left_out = left_out || !is_calibrated(page, i);
    hg_page_model_cell(page, i, false);
    for (int c = 0; c < COLUMNS; c++) {
      hg_text_put(out, "<td class=\"num\">");
      bool meant = is_calibrated(page, i) || !columns[c].of_probabilities;
      hg_text_figure(out, meant ? hg_page_estimate(page, &page->models[i], columns[c].metric).value : NAN);
      hg_text_put(out, "</td>");
    }
    hg_text_put(out, "</tr>");
  }
  hg_text_put(out, "</tbody></table></div><p class=\"note\">Means over seeds.");
  if (left_out)
    hg_text_put(out, " Support vector machines give shares of votes or scores, not probabilities: they have no calibration.");
  hg_text_put(out, "</p>");
}

void hg_page_calibration(hg_page *page, const hg_page_group *group) {
  bool any = false, drawn = false;
  for (int i = 0; i < page->model_count; i++) {
    any = any || (hg_page_in_group(page, group, i) && page->models[i].shown->calibration_count > 0);
    drawn = drawn || is_shown(page, group, i);
  }
  if (!any) return;
  hg_text_put(&page->out, "<h4>Ranking and calibration</h4>");
  put_table(page, group);
  if (drawn) put_figure(page, group);
}
