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

static bool is_share_of_images(const char *metric) { return strcmp(metric, "test.accuracy") == 0; }

hg_estimate hg_page_estimate(const hg_page *page, const hg_page_model *model, const char *metric) {
  return hg_page_estimate_by(page, model, hg_report_metric, metric);
}

hg_estimate hg_page_estimate_by(const hg_page *page, const hg_page_model *model,
                                double (*figure)(const hg_report_run *run, const char *metric), const char *metric) {
  double values[HG_MOST_SEEDS];
  hg_estimate estimate = {.seeds = 0};
  for (int i = 0; i < model->count && estimate.seeds < HG_MOST_SEEDS; i++) {
    bool done = strcmp(model->runs[i].record.status, "done") == 0;
    double value = done ? figure(&model->runs[i], metric) : NAN;
    if (!isnan(value)) values[estimate.seeds++] = value;
  }
  hg_mean_interval(values, estimate.seeds, &estimate.value, &estimate.deviation, &estimate.low, &estimate.high);
  if (estimate.seeds > 1) estimate.interval = "student";
  const hg_data_record *data = hg_report_data(&page->report, model->shown);
  if (estimate.seeds == 1 && data != NULL && data->test > 0 && is_share_of_images(metric)) {
    hg_wilson(llround(estimate.value * (double)data->test), data->test, &estimate.low, &estimate.high);
    estimate.interval = "wilson";
  }
  hg_metric_bound(metric, &estimate.low, &estimate.high);
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
