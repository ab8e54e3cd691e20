/* A model's figures over its seeds: those that the table of results and report.json have of every model. */
#include "eval/compare.h"
#include "report/page.h"

#include <math.h>
#include <string.h>

const hg_page_score hg_page_scores[HG_PAGE_SCORES] = {
    {"Test accuracy", "accuracy", "test.accuracy", true},
    {"Test loss", "loss", "test.loss", false},
    {"Macro F1", "macro_f1", "test.macro_f1", false},
    {"MSE", "mse", NULL, false},
    {"PSNR, dB", "psnr", "test.psnr", false},
    {"SSIM", "ssim", "test.ssim", false},
};

hg_estimate hg_page_estimate(const hg_page *page, const hg_page_model *model, const char *metric) {
  return hg_page_estimate_by(page, model, hg_report_metric, metric);
}

hg_estimate hg_page_estimate_by(const hg_page *page, const hg_page_model *model,
                                double (*figure)(const hg_report_run *run, const char *metric), const char *metric) {
  double values[HG_MOST_SEEDS];
  hg_estimate estimate = {.seeds = 0};
  for (int i = 0; i < model->count && estimate.seeds < HG_MOST_SEEDS; i++) {
    bool done = hg_report_is_done(&model->runs[i]);
    double value = done ? figure(&model->runs[i], metric) : NAN;
    if (!isnan(value)) values[estimate.seeds++] = value;
  }
  const hg_data_record *data = hg_report_data(&page->report, model->shown);
  char name[HG_FIGURE_NAME];
  bool tested = data != NULL && strncmp(metric, "test.", strlen("test.")) == 0;
  hg_images_spread spread = {tested ? data->test : 0, hg_report_metric(model->shown, hg_deviation_name(metric, name))};
  estimate.interval = hg_seeds_interval(metric, values, estimate.seeds, spread, &estimate.value, &estimate.deviation,
                                        &estimate.low, &estimate.high);
  return estimate;
}

hg_estimate hg_page_reconstruction_error(const hg_page *page, const hg_page_model *model) {
  hg_estimate estimate = hg_page_estimate(page, model, "test.mse");
  return estimate.seeds > 0 ? estimate : hg_page_estimate(page, model, "test.reconstruction_mse");
}

hg_estimate hg_page_score_of(const hg_page *page, const hg_page_model *model, const hg_page_score *score) {
  if (score->metric == NULL) return hg_page_reconstruction_error(page, model);
  return hg_page_estimate(page, model, score->metric);
}
