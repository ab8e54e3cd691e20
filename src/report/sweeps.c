/* Sweeps: the models that a grid made of one, told apart by their names, model[setting=value,setting=value]. */
#include "base/alloc.h"
#include "eval/compare.h"
#include "report/page.h"
#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AXES = 16 }; /* as a study file may have */

/* A name taken apart; pieces point into the name. */
typedef struct piece {
  const char *text;
  int length;
} piece;
typedef struct point {
  piece model, settings[AXES], values[AXES];
  int axes;
} point;

/* False for a model that no grid made. */
static bool read_point(const char *name, point *out) {
  size_t length = strlen(name), start = strcspn(name, "[");
  *out = (point){.model = {name, (int)start}};
  if (start == length || name[length - 1] != ']') return false;
  for (const char *at = name + start + 1; *at != '\0'; at += *at == ',' || *at == ']') {
    const char *equals = strchr(at, '=');
    if (equals == NULL || out->axes == AXES) return false;
    out->settings[out->axes] = (piece){at, (int)(equals - at)};
    at = equals + 1;
    out->values[out->axes++] = (piece){at, (int)strcspn(at, ",]")};
    at += strcspn(at, ",]");
  }
  return out->axes > 0;
}

static bool same_piece(piece a, piece b) { return a.length == b.length && strncmp(a.text, b.text, (size_t)a.length) == 0; }

static bool same_sweep(const point *a, const point *b) {
  bool same = a->axes == b->axes && same_piece(a->model, b->model);
  for (int i = 0; same && i < a->axes; i++) same = same_piece(a->settings[i], b->settings[i]);
  return same;
}

bool hg_page_is_swept(const hg_page_model *model) {
  point ignored;
  return read_point(model->name, &ignored);
}

/* ---------------------------------------------------------------- scores: what chooses, and what is only told */

typedef struct score {
  double value, low, high;
  int seeds;
} score;

/* Of the weights that were kept. */
static double validation_of(const hg_report_run *run, bool accuracy) {
  double stored = hg_report_metric(run, accuracy ? "validation.accuracy" : "validation.loss");
  if (!isnan(stored) || run->epoch_count == 0) return stored;
  int best = run->record.best_epoch;
  const hg_epoch *epoch = &run->epochs[best >= 1 && best <= run->epoch_count ? best - 1 : run->epoch_count - 1];
  return accuracy ? epoch->val_accuracy : epoch->val_loss;
}

static score validation_score(const hg_page_model *model, bool accuracy) {
  double values[HG_MOST_SEEDS] = {0}, deviation;
  score out = {NAN, NAN, NAN, 0};
  for (int i = 0; i < model->count && out.seeds < HG_MOST_SEEDS; i++) {
    if (strcmp(model->runs[i].record.status, "done") != 0) continue;
    double value = validation_of(&model->runs[i], accuracy);
    if (isfinite(value)) values[out.seeds++] = value;
  }
  hg_mean_interval(values, out.seeds, &out.value, &deviation, &out.low, &out.high);
  hg_metric_bound(accuracy ? "validation.accuracy" : "validation.loss", &out.low, &out.high);
  return out;
}

static score test_score(const hg_page *page, const hg_page_model *model, bool accuracy) {
  hg_estimate estimate = hg_page_estimate(page, model, accuracy ? "test.accuracy" : "test.loss");
  return (score){estimate.value, estimate.low, estimate.high, estimate.seeds};
}

/* ---------------------------------------------------------------- one sweep */

typedef struct sweep {
  const hg_page *page;
  point first;
  int start; /* its first model; the others come later */
  int base;  /* 1 + the model that is varied: it is a point too; 0 = none */
  point base_point;
  char base_values[AXES][HG_NAME_SIZE];
  bool accuracy; /* else the loss: a sweep of autoencoders */
  int chosen;    /* by validation; -1 = nothing to choose by */
  int points;    /* with a validation score */
  double least, most;
} sweep;

/* The next model of the sweep at or after `at`; model_count when there is none. */
static int next_model(const sweep *of, int at, point *found) {
  for (; at < of->page->model_count; at++)
    if (at + 1 == of->base) {
      *found = of->base_point;
      break;
    } else if (read_point(of->page->models[at].name, found) && same_sweep(found, &of->first)) {
      break;
    }
  return at;
}

static bool find_base_value(const sweep *of, const hg_page_model *base, int axis, char value[HG_NAME_SIZE]) {
  char name[HG_NAME_SIZE];
  point at;
  snprintf(name, sizeof name, "%.*s", of->first.settings[axis].length, of->first.settings[axis].text);
  for (int i = next_model(of, of->start, &at); i < of->page->model_count; i = next_model(of, i + 1, &at))
    if (hg_page_setting_apart(base->shown->record.settings, of->page->models[i].shown->record.settings, name, value,
                              HG_NAME_SIZE))
      return true;
  return false;
}

/* The model that is varied joins the points, with the values it has where they differ and have a name. */
static void add_base(sweep *of) {
  piece name = of->first.model;
  int base = 0;
  while (base < of->page->model_count && (strlen(of->page->models[base].name) != (size_t)name.length ||
                                          strncmp(of->page->models[base].name, name.text, (size_t)name.length) != 0))
    base++;
  if (base == of->page->model_count) return;
  of->base_point = of->first;
  for (int i = 0; i < of->first.axes; i++) {
    if (!find_base_value(of, &of->page->models[base], i, of->base_values[i]))
      snprintf(of->base_values[i], sizeof of->base_values[i], "as given");
    of->base_point.values[i] = (piece){of->base_values[i], (int)strlen(of->base_values[i])};
  }
  of->base = base + 1;
  if (base < of->start) of->start = base;
}

/* Of classifiers any point tells, for the first may have diverged. */
static bool classifies(const sweep *of) {
  point ignored;
  for (int i = next_model(of, of->start, &ignored); i < of->page->model_count; i = next_model(of, i + 1, &ignored))
    if (!isnan(test_score(of->page, &of->page->models[i], true).value)) return true;
  return false;
}

static void choose(sweep *of) {
  point ignored;
  of->points = 0;
  of->accuracy = classifies(of);
  of->chosen = -1;
  of->least = of->most = NAN;
  for (int i = next_model(of, of->start, &ignored); i < of->page->model_count; i = next_model(of, i + 1, &ignored)) {
    double value = validation_score(&of->page->models[i], of->accuracy).value;
    if (isnan(value)) continue;
    of->points++;
    bool best = of->chosen < 0 || (of->accuracy ? value > of->most : value < of->least);
    if (best) of->chosen = i;
    of->least = of->least < value ? of->least : value;
    of->most = of->most > value ? of->most : value;
  }
}

static void join_values(const point *at, int from, char *out, size_t size) {
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

/* "epochs and learning_rate" */
static void join_settings(const point *at, char *out, size_t size) {
  size_t used = 0;
  out[0] = '\0';
  for (int i = 0; i < at->axes && used < size; i++)
    used +=
        (size_t)snprintf(out + used, size - used, "%s%.*s", i == 0 ? "" : " and ", at->settings[i].length, at->settings[i].text);
}

/* Values of an axis by size, where all are numbers: the model's own stands among them. */
static void sort_axis(hg_figure *figure, int column, const char *where) {
  const hg_frame_column *values = &figure->data.columns[column];
  json_t *order = json_array();
  double last = -INFINITY;
  for (int n = 0; n < values->word_count; n++) {
    int next = -1;
    double least = INFINITY;
    for (int i = 0; i < values->word_count; i++) {
      char *end;
      double value = strtod(values->words[i], &end);
      if (*end != '\0' || end == values->words[i]) {
        json_decref(order); /* words keep their order */
        return;
      }
      if (value > last && value < least) least = value, next = i;
    }
    if (next < 0) break; /* equal ones, written in two ways */
    json_array_append_new(order, json_string(values->words[next]));
    last = least;
  }
  hg_figure_set(figure, where, order);
}

static void put_map(sweep *of, hg_figure *figure) {
  point at;
  char x[HG_NAME_SIZE], y[HG_NAME_SIZE];
  hg_frame *data = &figure->data;
  for (int i = next_model(of, of->start, &at); i < of->page->model_count; i = next_model(of, i + 1, &at)) {
    const hg_page_model *model = &of->page->models[i];
    score validation = validation_score(model, of->accuracy), test = test_score(of->page, model, of->accuracy);
    double range = of->most - of->least, depth = range > 0 ? (validation.value - of->least) / range : 1;
    snprintf(x, sizeof x, "%.*s", at.values[0].length, at.values[0].text);
    join_values(&at, 1, y, sizeof y);
    hg_frame_word(data, model->name);
    hg_frame_word(data, x);
    hg_frame_word(data, y);
    hg_frame_number(data, validation.value);
    hg_frame_number(data, test.value);
    hg_frame_number(data, validation.seeds);
    hg_frame_number(data, of->accuracy ? depth : 1 - depth);
    hg_frame_number(data, i == of->chosen);
  }
  char title[2 * HG_NAME_SIZE];
  snprintf(title, sizeof title, "%.*s", of->first.settings[0].length, of->first.settings[0].text);
  hg_figure_set(figure, "encoding.x.title", json_string(title));
  snprintf(title, sizeof title, "%.*s", of->first.settings[1].length, of->first.settings[1].text);
  hg_figure_set(figure, "encoding.y.title", of->first.axes == 2 ? json_string(title) : json_null());
  if (!of->accuracy) return;
  hg_figure_set(figure, "layer.2.encoding.text.format", json_string(".2%"));
  hg_figure_set(figure, "encoding.tooltip.1.format", json_string(".2%"));
  hg_figure_set(figure, "encoding.tooltip.2.format", json_string(".2%"));
}

static void put_line_point(sweep *of, hg_frame *data, int model, const char *setting, const char *part, const score *value) {
  if (isnan(value->value)) return;
  hg_frame_word(data, of->page->models[model].name);
  hg_frame_word(data, setting);
  hg_frame_word(data, part);
  hg_frame_number(data, value->value);
  hg_frame_number(data, value->low);
  hg_frame_number(data, value->high);
  hg_frame_number(data, value->seeds);
  hg_frame_number(data, model == of->chosen);
}

static void put_line(sweep *of, hg_figure *figure) {
  point at;
  char value[HG_NAME_SIZE];
  for (int i = next_model(of, of->start, &at); i < of->page->model_count; i = next_model(of, i + 1, &at)) {
    const hg_page_model *model = &of->page->models[i];
    score validation = validation_score(model, of->accuracy), test = test_score(of->page, model, of->accuracy);
    snprintf(value, sizeof value, "%.*s", at.values[0].length, at.values[0].text);
    put_line_point(of, &figure->data, i, value, "validation", &validation);
    put_line_point(of, &figure->data, i, value, "test", &test);
  }
  char title[HG_NAME_SIZE];
  snprintf(title, sizeof title, "%.*s", of->first.settings[0].length, of->first.settings[0].text);
  hg_figure_set(figure, "encoding.x.title", json_string(title));
  if (of->accuracy) {
    hg_figure_set(figure, "layer.1.encoding.y.axis.format", json_string("~%"));
    for (int i = 3; i <= 5; i++) {
      char path[48];
      snprintf(path, sizeof path, "encoding.tooltip.%d.format", i);
      hg_figure_set(figure, path, json_string(".2%"));
    }
  }
}

/* A sweep of which nothing is finished has nothing to draw. */
static bool has_scores(const sweep *of) {
  point ignored;
  for (int i = next_model(of, of->start, &ignored); i < of->page->model_count; i = next_model(of, i + 1, &ignored))
    if (of->page->models[i].done > 0) return true;
  return false;
}

/* "Chosen on validation: epochs 8 (97.92 %), the ringed point. The test set chooses nothing." */
static void note_choice(const sweep *of, const char *settings, bool map, hg_text *note) {
  point at;
  char value[HG_NAME_SIZE];
  if (of->chosen < 0) {
    hg_text_put(note, "No validation scores: nothing is chosen here.");
    return;
  }
  next_model(of, of->chosen, &at);
  join_values(&at, 0, value, sizeof value);
  hg_text_format(note, "Chosen on validation: %s%s%s (", at.axes == 1 ? settings : "", at.axes == 1 ? " " : "", value);
  hg_text_score(note, of->accuracy ? of->most : of->least, of->accuracy);
  hg_text_format(note, "), the %s point. The test set chooses nothing.", map ? "framed" : "ringed");
}

static void put_sweep(hg_page *page, sweep *of) {
  char settings[HG_NAME_SIZE], name[HG_NAME_SIZE];
  hg_text note = {0};
  join_settings(&of->first, settings, sizeof settings);
  snprintf(name, sizeof name, "%.*s-%.40s", of->first.model.length, of->first.model.text, settings);
  choose(of);
  bool map = of->first.axes > 1 && of->chosen >= 0;
  hg_figure *figure =
      map ? hg_page_figure(page, "sweep_map", "model: x: y: value test seeds depth chosen", "sweep", name)
          : hg_page_figure(page, "sweep_line", "model: setting: part: value low high seeds chosen", "sweep", name);
  hg_figure_title(figure, "%.*s by %s: %s", of->first.model.length, of->first.model.text, settings,
                  of->accuracy ? "accuracy" : "loss");
  if (map)
    put_map(of, figure);
  else
    put_line(of, figure);
  sort_axis(figure, 1, "encoding.x.sort");
  if (map) sort_axis(figure, 2, "encoding.y.sort");
  if (!map) figure->legend = (int)strlen("validation");
  note_choice(of, settings, map, &note);
  hg_page_put_figure(page, figure, note.bytes == NULL ? "" : note.bytes);
  page->out.failed = page->out.failed || note.failed;
  hg_text_release(&note);
}

/* ---------------------------------------------------------------- all of them */

bool hg_page_may_win(const hg_page *page, int at) {
  sweep of = {.page = page};
  point ignored;
  if (!read_point(page->models[at].name, &of.first)) return true;
  of.start = next_model(&of, 0, &ignored);
  add_base(&of);
  choose(&of);
  return of.chosen == at;
}

/* Whether this model is the first point of a sweep of which something is finished. */
static bool leads_sweep(const hg_page *page, int at, sweep *of) {
  point earlier;
  *of = (sweep){.page = page, .start = at};
  if (!read_point(page->models[at].name, &of->first)) return false;
  if (next_model(&(sweep){.page = page, .first = of->first}, 0, &earlier) != at || !has_scores(of)) return false;
  add_base(of);
  return true;
}

void hg_page_sweeps(hg_page *page) {
  bool opened = false;
  sweep of;
  for (int i = 0; i < page->model_count; i++) {
    if (!leads_sweep(page, i, &of)) continue;
    if (!opened) hg_text_put(&page->out, "<section id=\"sweeps\"><h2>Sweeps</h2><div class=\"panels wide\">");
    opened = true;
    put_sweep(page, &of);
  }
  if (opened) hg_text_put(&page->out, "</div></section>");
}

static void describe_choice(const sweep *of, hg_choice *row) {
  point at;
  next_model(of, of->chosen, &at);
  *row = (hg_choice){.score = of->accuracy ? of->most : of->least, .points = of->points};
  snprintf(row->model, sizeof row->model, "%.*s", of->first.model.length, of->first.model.text);
  join_settings(&of->first, row->settings, sizeof row->settings);
  snprintf(row->chosen, sizeof row->chosen, "%s", of->page->models[of->chosen].name);
  join_values(&at, 0, row->value, sizeof row->value);
  snprintf(row->metric, sizeof row->metric, "validation.%s", of->accuracy ? "accuracy" : "loss");
}

hg_code hg_report_choices_of(const hg_report *report, hg_choice **rows, int *count, hg_error *error) {
  hg_page page = {.report = *report};
  sweep of;
  *count = 0;
  *rows = hg_calloc((size_t)report->run_count + 1, sizeof **rows);
  if (*rows == NULL) return hg_fail_memory(error, "choices of sweeps", (size_t)report->run_count * sizeof **rows);
  hg_code code = hg_page_models_gather(&page, error);
  for (int i = 0; code == HG_OK && i < page.model_count; i++) {
    if (!leads_sweep(&page, i, &of)) continue;
    choose(&of);
    if (of.chosen >= 0) describe_choice(&of, &(*rows)[(*count)++]);
  }
  hg_free(page.models);
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
