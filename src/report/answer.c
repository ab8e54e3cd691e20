/* The first screen: what was asked, what came out, which difference is real. */
#include "report/page.h"

#include <math.h>
#include <string.h>

/* What a score is called, and how a winner is spoken of. */
typedef struct task {
  const char *metric; /* NULL: the reconstruction error */
  const char *winner, *only;
  bool less, share, noisy; /* noisy: of models that were given noisy images, which others are not measured with */
} task;

static const task tasks[] = {
    {"test.accuracy", "Highest test accuracy", "Test accuracy", false, true, false},
    {NULL, "Lowest reconstruction error (MSE)", "Reconstruction error (MSE)", true, false, false},
    {NULL, "Lowest error of denoised images (MSE)", "Error of denoised images (MSE)", true, false, true}};

static hg_estimate score_of(const hg_page *page, int model, const task *of) {
  const hg_page_model *m = &page->models[model];
  if (of->metric != NULL) return hg_page_estimate(page, m, of->metric);
  bool noisy = hg_page_estimate(page, m, "test.noisy_mse").seeds > 0;
  return noisy == of->noisy ? hg_page_reconstruction_error(page, m) : (hg_estimate){.value = NAN, .low = NAN, .high = NAN};
}

static const char *data_of(const hg_page *page, int model) { return page->models[model].shown->record.data; }

/* The first model of its data set that has this score: the data set is told once, by it. */
static bool leads(const hg_page *page, int at, const task *of) {
  if (score_of(page, at, of).seeds == 0) return false;
  for (int i = 0; i < at; i++)
    if (strcmp(data_of(page, i), data_of(page, at)) == 0 && score_of(page, i, of).seeds > 0) return false;
  return true;
}

static void put_winner(hg_page *page, int winner, int models, bool passed_over, const task *of) {
  hg_text *out = &page->out;
  hg_estimate score = score_of(page, winner, of);
  hg_text_put(out, "<li>");
  hg_text_put(out, models == 1 ? of->only : of->winner);
  if (data_of(page, winner)[0] != '\0') {
    hg_text_put(out, " on ");
    hg_text_html(out, data_of(page, winner));
  }
  hg_text_put(out, ": <span class=\"winner\">");
  hg_text_score(out, score.value, of->share);
  hg_text_format(out, "</span> <a class=\"who\" href=\"#model-%d\">", winner);
  hg_page_mark(out, winner);
  hg_text_html(out, page->models[winner].name);
  hg_text_put(out, "</a> <span class=\"proof\">");
  if (!isnan(score.low)) {
    hg_text_put(out, "95&nbsp;% interval ");
    hg_text_score(out, score.low, of->share);
    hg_text_put(out, " to ");
    hg_text_score(out, score.high, of->share);
    hg_text_put(out, models == 1 ? "" : ", ");
  }
  if (models > 1) hg_text_format(out, "of %d models", models);
  if (passed_over) hg_text_put(out, "; of a sweep only the model that is varied and the setting that validation chose count");
  hg_text_put(out, "</span></li>");
}

/* Of a sweep only the point that validation chose may win. */
static void put_task(hg_page *page, const task *of, int first) {
  int winner = -1, models = 0;
  double best = NAN, best_of_all = NAN;
  for (int i = 0; i < page->model_count; i++) {
    double value = strcmp(data_of(page, i), data_of(page, first)) == 0 ? score_of(page, i, of).value : NAN;
    if (isnan(value)) continue;
    models++;
    best_of_all = of->less ? fmin(best_of_all, value) : fmax(best_of_all, value);
    if (!hg_page_may_win(page, i) || !(winner < 0 || (of->less ? value < best : value > best))) continue;
    winner = i;
    best = value;
  }
  if (winner >= 0) put_winner(page, winner, models, of->less ? best_of_all < best : best_of_all > best, of);
}

void hg_page_answer(hg_page *page) {
  hg_text *out = &page->out;
  if (page->model_count == 0) return;
  hg_text_put(out, "<section id=\"answer\"><div><h2>What came out</h2><ul>");
  for (size_t t = 0; t < sizeof tasks / sizeof tasks[0]; t++)
    for (int i = 0; i < page->model_count; i++)
      if (leads(page, i, &tasks[t])) put_task(page, &tasks[t], i);
  if (page->report.published_count > 0)
    hg_text_format(out, "<li><a href=\"#published\">Published figures met:</a> <span class=\"winner\">%d of %d</span></li>",
                   hg_page_published_met(page), page->report.published_count);
  hg_text_put(out, "</ul></div><div><h2>Which differences are real</h2>");
  hg_page_short_findings(page);
  hg_text_put(out, "</div></section>");
}
