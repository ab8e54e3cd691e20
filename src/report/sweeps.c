/* Charts of sweeps: a line for one swept setting, a map for two or more; one for each figure that the points are judged by. */
#include "report/sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* What a map is shaded by: the test images choose nothing, but stand in where the validation images say nothing. */
static hg_estimate shown_score(const hg_sweep *of, const hg_page_model *model) {
  return of->points > 0 ? hg_sweep_validation(of, model) : hg_sweep_test(of, model);
}

static void find_range(const hg_sweep *of, double *least, double *most) {
  hg_sweep_point ignored;
  *least = *most = NAN;
  for (int i = hg_sweep_next(of, of->start, &ignored); i < of->page->model_count; i = hg_sweep_next(of, i + 1, &ignored)) {
    double value = shown_score(of, &of->page->models[i]).value;
    *least = fmin(*least, value);
    *most = fmax(*most, value);
  }
}

static void show_test_alone(hg_figure *figure) {
  hg_figure_set(figure, "layer.2.encoding.text.field", json_string("test"));
  json_array_remove(json_object_get(json_object_get(figure->spec, "encoding"), "tooltip"), 1);
}

static void put_map(hg_sweep *of, hg_figure *figure) {
  hg_sweep_point at;
  double least, most;
  char x[HG_NAME_SIZE], y[HG_NAME_SIZE];
  hg_frame *data = &figure->data;
  find_range(of, &least, &most);
  for (int i = hg_sweep_next(of, of->start, &at); i < of->page->model_count; i = hg_sweep_next(of, i + 1, &at)) {
    const hg_page_model *model = &of->page->models[i];
    hg_estimate validation = hg_sweep_validation(of, model), test = hg_sweep_test(of, model), shown = shown_score(of, model);
    double range = most - least, depth = range > 0 ? (shown.value - least) / range : 1;
    snprintf(x, sizeof x, "%.*s", at.values[0].length, at.values[0].text);
    hg_sweep_join_values(&at, 1, y, sizeof y);
    hg_frame_word(data, model->name);
    hg_frame_word(data, x);
    hg_frame_word(data, y);
    hg_frame_number(data, validation.value);
    hg_frame_number(data, test.value);
    hg_frame_number(data, shown.seeds);
    hg_frame_number(data, hg_less_is_better(of->figure->validation) ? 1 - depth : depth);
    hg_frame_number(data, i == of->chosen);
  }
  char title[2 * HG_NAME_SIZE];
  snprintf(title, sizeof title, "%.*s", of->first.settings[0].length, of->first.settings[0].text);
  hg_figure_set(figure, "encoding.x.title", json_string(title));
  snprintf(title, sizeof title, "%.*s", of->first.settings[1].length, of->first.settings[1].text);
  hg_figure_set(figure, "encoding.y.title", of->first.axes == 2 ? json_string(title) : json_null());
  if (hg_metric_is_share(of->figure->test)) {
    hg_figure_set(figure, "layer.2.encoding.text.format", json_string(".2%"));
    hg_figure_set(figure, "encoding.tooltip.1.format", json_string(".2%"));
    hg_figure_set(figure, "encoding.tooltip.2.format", json_string(".2%"));
  }
  if (of->points == 0) show_test_alone(figure);
}

static void put_line_point(hg_sweep *of, hg_frame *data, int model, const char *setting, const char *part,
                           const hg_estimate *value) {
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

static bool has_interval(const hg_estimate *score) { return !isnan(score->value) && !isnan(score->low); }

static void put_line(hg_sweep *of, hg_figure *figure) {
  hg_sweep_point at;
  char value[HG_NAME_SIZE];
  bool intervals = false;
  for (int i = hg_sweep_next(of, of->start, &at); i < of->page->model_count; i = hg_sweep_next(of, i + 1, &at)) {
    const hg_page_model *model = &of->page->models[i];
    hg_estimate validation = hg_sweep_validation(of, model), test = hg_sweep_test(of, model);
    snprintf(value, sizeof value, "%.*s", at.values[0].length, at.values[0].text);
    intervals = intervals || has_interval(&validation) || has_interval(&test);
    put_line_point(of, &figure->data, i, value, "validation", &validation);
    put_line_point(of, &figure->data, i, value, "test", &test);
  }
  char title[HG_NAME_SIZE];
  snprintf(title, sizeof title, "%.*s", of->first.settings[0].length, of->first.settings[0].text);
  hg_figure_set(figure, "encoding.x.title", json_string(title));
  if (!intervals) { /* of one seed: an axis of nothing would have no ends, so the bars shrink into the points */
    hg_figure_set(figure, "layer.0.encoding.y.field", json_string("value"));
    hg_figure_set(figure, "layer.0.encoding.y2.field", json_string("value"));
  }
  if (hg_metric_is_share(of->figure->test)) {
    hg_figure_set(figure, "layer.1.encoding.y.axis.format", json_string("~%"));
    for (int i = 3; i <= 5; i++) {
      char path[48];
      snprintf(path, sizeof path, "encoding.tooltip.%d.format", i);
      hg_figure_set(figure, path, json_string(".2%"));
    }
  }
}

/* "Chosen on validation: epochs 8 (97.92 %), the ringed point. The test set chooses nothing." */
static void note_choice(const hg_sweep *of, const char *settings, bool map, hg_text *note) {
  hg_sweep_point at;
  char value[HG_NAME_SIZE];
  if (of->apart != NULL)
    hg_text_format(note, "The points differ in `%s`, so that their validation scores do not compare: nothing is chosen here.",
                   of->apart);
  else if (of->chosen < 0)
    hg_text_format(note, "No validation scores: nothing is chosen here.%s", map ? " Shown are those of the test images." : "");
  if (of->chosen < 0) return;
  hg_sweep_next(of, of->chosen, &at);
  hg_sweep_join_values(&at, 0, value, sizeof value);
  hg_text_format(note, "Chosen on validation: %s%s%s (", at.axes == 1 ? settings : "", at.axes == 1 ? " " : "", value);
  hg_text_score(note, hg_sweep_best(of), hg_metric_is_share(of->figure->validation));
  hg_text_format(note, "), the %s point. The test set chooses nothing.", map ? "framed" : "ringed");
}

static void put_chart(hg_page *page, hg_sweep *of, const hg_sweep_figure *judged) {
  char settings[HG_NAME_SIZE], name[2 * HG_NAME_SIZE];
  hg_text note = {0};
  hg_sweep_join_settings(&of->first, settings, sizeof settings);
  snprintf(name, sizeof name, "%.*s-%.40s%s", of->first.model.length, of->first.model.text, settings, judged->file);
  hg_sweep_choose(of, judged);
  bool map = of->first.axes > 1;
  hg_figure *figure =
      map ? hg_page_figure(page, "sweep_map", "model: x: y: value test seeds depth chosen", "sweep", name)
          : hg_page_figure(page, "sweep_line", "model: setting: part: value low high seeds chosen", "sweep", name);
  hg_figure_title(figure, "%.*s by %s: %s", of->first.model.length, of->first.model.text, settings, judged->title);
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

/* Charts of one sweep's several figures stand in a row of their own; sweeps of one figure share rows. */
void hg_page_sweeps(hg_page *page) {
  static const char own[] = "<div class=\"panels\">", shared[] = "<div class=\"panels wide\">";
  const hg_sweep_figure *figures[HG_SWEEP_FIGURES];
  const char *row = NULL;
  hg_sweep of;
  for (int i = 0; i < page->model_count; i++) {
    if (!hg_sweep_starts(page, i, &of)) continue;
    int count = hg_sweep_figures(&of, figures);
    const char *wanted = count > 1 ? own : shared;
    if (row == NULL) hg_text_put(&page->out, "<section id=\"sweeps\"><h2>Sweeps</h2>");
    if (row != shared || wanted != shared) hg_text_format(&page->out, "%s%s", row == NULL ? "" : "</div>", wanted);
    row = wanted;
    for (int f = 0; f < count; f++) put_chart(page, &of, figures[f]);
  }
  if (row != NULL) hg_text_put(&page->out, "</div></section>");
}
