/* Sweeps: which models a grid made of one, and what the validation images choose of them. */
#include "report/sweep.h"

#include "base/alloc.h"
#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* False for a model that no grid made. */
static bool read_point(const char *name, hg_sweep_point *out) {
  size_t length = strlen(name), start = strcspn(name, "[");
  *out = (hg_sweep_point){.model = {name, (int)start}};
  if (start == length || name[length - 1] != ']') return false;
  for (const char *at = name + start + 1; *at != '\0'; at += *at == ',' || *at == ']') {
    const char *equals = strchr(at, '=');
    if (equals == NULL || out->axes == HG_SWEEP_AXES) return false;
    out->settings[out->axes] = (hg_sweep_word){at, (int)(equals - at)};
    at = equals + 1;
    out->values[out->axes++] = (hg_sweep_word){at, (int)strcspn(at, ",]")};
    at += strcspn(at, ",]");
  }
  return out->axes > 0;
}

static bool same_word(hg_sweep_word a, hg_sweep_word b) {
  return a.length == b.length && strncmp(a.text, b.text, (size_t)a.length) == 0;
}

static bool same_sweep(const hg_sweep_point *a, const hg_sweep_point *b) {
  bool same = a->axes == b->axes && same_word(a->model, b->model);
  for (int i = 0; same && i < a->axes; i++) same = same_word(a->settings[i], b->settings[i]);
  return same;
}

bool hg_page_is_swept(const hg_page_model *model) {
  hg_sweep_point ignored;
  return read_point(model->name, &ignored);
}

/* ---------------------------------------------------------------- its points */

int hg_sweep_next(const hg_sweep *of, int at, hg_sweep_point *found) {
  for (; at < of->page->model_count; at++)
    if (at + 1 == of->base) {
      *found = of->base_point;
      break;
    } else if (read_point(of->page->models[at].name, found) && same_sweep(found, &of->first)) {
      break;
    }
  return at;
}

static bool find_base_value(const hg_sweep *of, const hg_page_model *base, int axis, char value[HG_NAME_SIZE]) {
  char name[HG_NAME_SIZE];
  hg_sweep_point at;
  snprintf(name, sizeof name, "%.*s", of->first.settings[axis].length, of->first.settings[axis].text);
  for (int i = hg_sweep_next(of, of->start, &at); i < of->page->model_count; i = hg_sweep_next(of, i + 1, &at))
    if (hg_page_setting_apart(base->shown->record.settings, of->page->models[i].shown->record.settings, name, value,
                              HG_NAME_SIZE))
      return true;
  return false;
}

/* The model that is varied joins the points, with the values it has where they differ and have a name. */
static void add_base(hg_sweep *of) {
  hg_sweep_word name = of->first.model;
  int base = 0;
  while (base < of->page->model_count && (strlen(of->page->models[base].name) != (size_t)name.length ||
                                          strncmp(of->page->models[base].name, name.text, (size_t)name.length) != 0))
    base++;
  if (base == of->page->model_count) return;
  of->base_point = of->first;
  for (int i = 0; i < of->first.axes; i++) {
    if (!find_base_value(of, &of->page->models[base], i, of->base_values[i]))
      snprintf(of->base_values[i], sizeof of->base_values[i], "as given");
    of->base_point.values[i] = (hg_sweep_word){of->base_values[i], (int)strlen(of->base_values[i])};
  }
  of->base = base + 1;
  if (base < of->start) of->start = base;
}

/* Of its own points: the model that is varied stands by itself. */
static bool has_scores(const hg_sweep *of) {
  hg_sweep_point ignored;
  for (int i = hg_sweep_next(of, of->start, &ignored); i < of->page->model_count; i = hg_sweep_next(of, i + 1, &ignored))
    if (of->page->models[i].done > 0) return true;
  return false;
}

void hg_sweep_join_values(const hg_sweep_point *at, int from, char *out, size_t size) {
  size_t used = 0;
  out[0] = '\0';
  for (int i = from; i < at->axes && used < size; i++) {
    if (at->axes - from > 1)
      used += (size_t)snprintf(out + used, size - used, "%.*s=", at->settings[i].length, at->settings[i].text);
    if (used < size)
      used += (size_t)snprintf(out + used, size - used, "%.*s%s", at->values[i].length, at->values[i].text,
                               i + 1 < at->axes ? ", " : "");
  }
}

void hg_sweep_join_settings(const hg_sweep_point *at, char *out, size_t size) {
  size_t used = 0;
  out[0] = '\0';
  for (int i = 0; i < at->axes && used < size; i++)
    used +=
        (size_t)snprintf(out + used, size - used, "%s%.*s", i == 0 ? "" : " and ", at->settings[i].length, at->settings[i].text);
}

/* ---------------------------------------------------------------- scores: what chooses, and what is only told */

static const hg_sweep_figure accuracy = {"accuracy", "", "validation.accuracy", "test.accuracy"};
static const hg_sweep_figure loss = {"loss", "", "validation.loss", "test.loss"};
static const hg_sweep_figure errors = {"MSE", "", "validation.mse", "test.mse"}; /* of models that do nothing else */
static const hg_sweep_figure classification = {"classification loss", "-classification-loss", "validation.classification_loss",
                                               "test.classification_loss"};
static const hg_sweep_figure squares = {"MSE", "-mse", "validation.mse", "test.mse"};
static const hg_sweep_figure reconstruction = {"reconstruction loss", "-reconstruction-loss", "validation.reconstruction_loss",
                                               "test.reconstruction_loss"};

static double in_history(const hg_epoch *epoch, const char *metric) {
  const struct {
    const char *metric;
    double value;
  } figures[] = {{accuracy.validation, epoch->val_accuracy},
                 {loss.validation, epoch->val_loss},
                 {classification.validation, epoch->val_classification_loss},
                 {reconstruction.validation, epoch->val_reconstruction_loss}};
  for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
    if (strcmp(figures[i].metric, metric) == 0) return figures[i].value;
  return NAN;
}

/* Where the store has no figure of the validation images, that of the epoch whose weights were kept. */
static double figure_of(const hg_report_run *run, const char *metric) {
  double stored = hg_report_metric(run, metric);
  if (!isnan(stored) || run->epoch_count == 0) return stored;
  int best = run->record.best_epoch;
  return in_history(&run->epochs[best >= 1 && best <= run->epoch_count ? best - 1 : run->epoch_count - 1], metric);
}

hg_estimate hg_sweep_validation(const hg_sweep *of, const hg_page_model *model) {
  return hg_page_estimate_by(of->page, model, figure_of, of->figure->validation);
}

hg_estimate hg_sweep_test(const hg_sweep *of, const hg_page_model *model) {
  return hg_page_estimate(of->page, model, of->figure->test);
}

/* Any point tells what a sweep is judged by, for the first may have diverged. */
static bool has_figure(const hg_sweep *of, const char *metric) {
  hg_sweep_point ignored;
  for (int i = hg_sweep_next(of, of->start, &ignored); i < of->page->model_count; i = hg_sweep_next(of, i + 1, &ignored)) {
    const hg_page_model *model = &of->page->models[i];
    for (int r = 0; r < model->count; r++)
      if (hg_report_is_done(&model->runs[r]) && isfinite(figure_of(&model->runs[r], metric))) return true;
  }
  return false;
}

/* Every finished point that has any score has this one. */
static bool all_have(const hg_sweep *of, const char *metric, const char *any) {
  hg_sweep_point ignored;
  for (int i = hg_sweep_next(of, of->start, &ignored); i < of->page->model_count; i = hg_sweep_next(of, i + 1, &ignored)) {
    const hg_page_model *model = &of->page->models[i];
    for (int r = 0; r < model->count; r++)
      if (hg_report_is_done(&model->runs[r]) && isfinite(figure_of(&model->runs[r], any)) &&
          !isfinite(figure_of(&model->runs[r], metric)))
        return false;
  }
  return has_figure(of, metric);
}

/* A model that does both trades one for the other: its whole loss, in which a swept weight may stand, would not show that. */
int hg_sweep_figures(const hg_sweep *of, const hg_sweep_figure *figures[HG_SWEEP_FIGURES]) {
  int count = 0;
  bool classifies = has_figure(of, accuracy.test);
  figures[count++] = classifies ? &accuracy : all_have(of, errors.validation, loss.validation) ? &errors : &loss;
  if (!classifies || !has_figure(of, squares.test)) return count;
  if (has_figure(of, classification.validation)) figures[count++] = &classification;
  /* Validation images have no MSE where another reconstruction loss is trained. */
  if (has_figure(of, squares.validation))
    figures[count++] = &squares;
  else if (has_figure(of, reconstruction.validation))
    figures[count++] = &reconstruction;
  return count;
}

/* Whether this part of the settings differs between points. */
static bool is_swept(const hg_sweep *of, const char *part) {
  const json_t *first = NULL;
  hg_sweep_point ignored;
  for (int i = hg_sweep_next(of, of->start, &ignored); i < of->page->model_count; i = hg_sweep_next(of, i + 1, &ignored)) {
    const json_t *own = json_object_get(of->page->models[i].settings, part);
    if (first == NULL) first = own;
    if (own != NULL && !json_equal((json_t *)first, (json_t *)own)) return true;
  }
  return false;
}

/* Scores compare where they are of the same validation images as the models see them, and a loss where it is the same loss. */
static const char *find_apart(const hg_sweep *of) {
  if (is_swept(of, "data")) return "data";
  if (is_swept(of, "corrupt")) return "corrupt";
  return of->figure == &loss && is_swept(of, "loss") ? "loss" : NULL;
}

/* Means over seeds that differ in the order of their sum alone are the same. */
static int count_tied(const hg_sweep *of) {
  hg_sweep_point ignored;
  int tied = 0;
  double best = hg_sweep_best(of);
  for (int i = hg_sweep_next(of, of->start, &ignored); i < of->page->model_count; i = hg_sweep_next(of, i + 1, &ignored))
    tied += fabs(hg_sweep_validation(of, &of->page->models[i]).value - best) <= 1e-12 * fabs(best);
  return tied;
}

void hg_sweep_choose(hg_sweep *of, const hg_sweep_figure *figure) {
  hg_sweep_point ignored;
  bool less = hg_less_is_better(figure->validation);
  of->figure = figure;
  of->points = 0;
  of->chosen = -1;
  of->least = of->most = NAN;
  for (int i = hg_sweep_next(of, of->start, &ignored); i < of->page->model_count; i = hg_sweep_next(of, i + 1, &ignored)) {
    double value = hg_sweep_validation(of, &of->page->models[i]).value;
    if (isnan(value)) continue;
    of->points++;
    bool best = of->chosen < 0 || (less ? value < of->least : value > of->most);
    if (best) of->chosen = i;
    of->least = of->least < value ? of->least : value;
    of->most = of->most > value ? of->most : value;
  }
  of->tied = count_tied(of);
  of->apart = find_apart(of);
  if (of->apart != NULL) of->chosen = -1;
}

double hg_sweep_best(const hg_sweep *of) { return hg_less_is_better(of->figure->validation) ? of->least : of->most; }

/* ---------------------------------------------------------------- all of them */

/* Without the model that is varied. */
static bool read_sweep(const hg_page *page, int at, hg_sweep *out) {
  hg_sweep_point ignored;
  *out = (hg_sweep){.page = page, .chosen = -1};
  if (!read_point(page->models[at].name, &out->first)) return false;
  out->start = hg_sweep_next(out, 0, &ignored);
  return true;
}

bool hg_sweep_find(const hg_page *page, int at, hg_sweep *out) {
  if (!read_sweep(page, at, out)) return false;
  add_base(out);
  return true;
}

bool hg_sweep_starts(const hg_page *page, int at, hg_sweep *out) {
  if (!read_sweep(page, at, out) || out->start != at || !has_scores(out)) return false;
  add_base(out);
  return true;
}

/* By what the sweep's best model is chosen by. */
static void choose_best(hg_sweep *of) {
  const hg_sweep_figure *figures[HG_SWEEP_FIGURES];
  hg_sweep_figures(of, figures);
  hg_sweep_choose(of, figures[0]);
}

bool hg_page_may_win(const hg_page *page, int at) {
  hg_sweep of;
  if (!hg_sweep_find(page, at, &of)) return true;
  choose_best(&of);
  return of.chosen == at;
}

static void describe_choice(const hg_sweep *of, hg_choice *row) {
  hg_sweep_point at = {0};
  *row = (hg_choice){.score = NAN, .points = of->points, .tied = of->tied, .apart = of->apart};
  snprintf(row->model, sizeof row->model, "%.*s", of->first.model.length, of->first.model.text);
  hg_sweep_join_settings(&of->first, row->settings, sizeof row->settings);
  if (of->chosen < 0) return;
  hg_sweep_next(of, of->chosen, &at);
  row->score = hg_sweep_best(of);
  snprintf(row->chosen, sizeof row->chosen, "%s", of->page->models[of->chosen].name);
  hg_sweep_join_values(&at, 0, row->value, sizeof row->value);
  snprintf(row->metric, sizeof row->metric, "%s", of->figure->validation);
}

hg_code hg_report_choices_of(const hg_report *report, hg_choice **rows, int *count, hg_error *error) {
  hg_page page = {.report = *report};
  hg_sweep of;
  *count = 0;
  *rows = hg_calloc((size_t)report->run_count + 1, sizeof **rows);
  if (*rows == NULL) return hg_fail_memory(error, "choices of sweeps", (size_t)report->run_count * sizeof **rows);
  hg_code code = hg_page_models_gather(&page, error);
  for (int i = 0; code == HG_OK && i < page.model_count; i++) {
    if (!hg_sweep_starts(&page, i, &of)) continue;
    choose_best(&of);
    if (of.points > 0 && (of.chosen >= 0 || of.apart != NULL)) describe_choice(&of, &(*rows)[(*count)++]);
  }
  hg_page_models_release(&page);
  return code;
}

hg_code hg_report_choices(hg_store *store, hg_choice **rows, int *count, hg_error *error) {
  hg_report report;
  *rows = NULL;
  *count = 0;
  hg_code code = hg_report_load(store, &report, error);
  if (code != HG_OK) return code;
  code = hg_report_choices_of(&report, rows, count, error);
  hg_report_release(&report);
  return code;
}
