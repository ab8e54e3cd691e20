/* The hyper-parameters of one model, and what its author notes of it. */
#include "report/page.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Seven digits: a float's 0.001 is shown as 0.001. */
enum { DIGITS = 7, DEEPEST = 6 };

/* ---------------------------------------------------------------- the table */

/* What is something where nothing is said, so that 0 and no are settings of their own. Factors of 1 are dropped before. */
static const char *const on_by_default[][2] = {
    {"early_stopping", "restore_best_weights"},
    {"adam", "beta_1"},
    {"adam", "beta_2"},
    {"adamw", "beta_1"},
    {"adamw", "beta_2"},
    {"adamw", "weight_decay"},
    {"one_cycle", "initial"},
    {"triangular", "initial"},
    {"center", "rate"},
    {"corrupt", "clip"},
    {"naive_bayes", "var_smoothing"},
};

static bool is_on_by_default(const char *group, const char *key) {
  for (size_t i = 0; i < sizeof on_by_default / sizeof on_by_default[0]; i++)
    if (strcmp(on_by_default[i][0], group) == 0 && strcmp(on_by_default[i][1], key) == 0) return true;
  return strcmp(group, "learning_rate_factors") == 0;
}

/* What is off, empty, or as if it were not there. */
static bool is_off(const json_t *value) {
  if (json_is_number(value)) return json_number_value(value) == 0;
  if (json_is_string(value)) return json_string_value(value)[0] == '\0';
  return json_is_false(value) || json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0);
}

/* {"adam": {...}}: one way of several, with its settings. */
static const char *choice_of(const json_t *value) {
  void *first = json_object_iter((json_t *)value);
  bool alone = json_is_object(value) && json_object_size(value) == 1 && json_is_object(json_object_iter_value(first));
  return alone ? json_object_iter_key(first) : NULL;
}

static void open_fact(hg_text *out, const char *group, const char *name) {
  hg_text_put(out, "<div><dt>");
  hg_text_words(out, group);
  if (group[0] != '\0') hg_text_put(out, " ");
  hg_text_words(out, name);
  hg_text_put(out, "</dt><dd>");
}

static void put_leaf(hg_text *out, const char *group, const char *name, const json_t *value) {
  open_fact(out, group, name);
  char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(DIGITS));
  if (json_is_string(value))
    hg_text_words(out, json_string_value(value));
  else if (json_is_boolean(value))
    hg_text_put(out, json_is_true(value) ? "yes" : "no");
  else if (json_is_real(value))
    hg_text_format(out, "%.*g", DIGITS, json_real_value(value));
  else
    hg_text_html(out, text == NULL ? "" : text);
  hg_text_put(out, "</dd></div>");
  free(text);
}

static void put_object(hg_text *out, const char *group, json_t *object, int depth) {
  const char *key;
  json_t *value;
  json_object_foreach(object, key, value) {
    const char *choice = choice_of(value);
    if ((is_off(value) && !is_on_by_default(group, key)) || depth == DEEPEST) continue;
    if (choice != NULL) {
      open_fact(out, group, key);
      hg_text_words(out, choice);
      hg_text_put(out, "</dd></div>");
      put_object(out, choice, json_object_get(value, choice), depth + 1);
    } else if (json_is_object(value)) {
      put_object(out, key, value, depth + 1);
    } else {
      put_leaf(out, group, key, value);
    }
  }
}

/* Factors of 1 change nothing, and without noise there is nothing to clip. */
static void drop_idle(json_t *settings) {
  json_t *factors = json_object_get(json_object_get(settings, "train"), "learning_rate_factors"), *value, *room;
  json_t *corrupt = json_object_get(settings, "corrupt");
  const char *key;
  void *next;
  bool noise = false;
  json_object_foreach_safe(factors, next, key, value) if (json_number_value(value) == 1) json_object_del(factors, key);
  json_object_foreach(corrupt, key, room) noise = noise || (json_is_number(room) && json_number_value(room) > 0);
  if (!noise) json_object_del(settings, "corrupt");
}

/* Layers have a table of their own, and so has the data. An encoder that features come from is a whole model's settings. */
static void put_table(hg_text *out, json_t *settings) {
  static const char *const apart[] = {"encoder", "decoder", "classifier", "data"}, *const first[] = {"train", "loss", "corrupt"};
  json_t *rest = json_deep_copy(settings);
  for (size_t i = 0; i < sizeof apart / sizeof apart[0]; i++) json_object_del(rest, apart[i]);
  drop_idle(rest);
  json_t *features = json_object_get(rest, "features");
  if (json_is_object(json_object_get(features, "from")))
    json_object_set_new(features, "from", json_string("the codes of a trained encoder"));
  hg_text_put(out, "<h4>Hyper-parameters</h4><dl class=\"facts settings\">");
  for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
    put_object(out, strcmp(first[i], "train") == 0 ? "" : first[i], json_object_get(rest, first[i]), 0);
    json_object_del(rest, first[i]);
  }
  put_object(out, "", rest, 0);
  hg_text_put(out, "</dl>");
  json_decref(rest);
}

void hg_page_settings(hg_page *page, const hg_page_model *model) {
  hg_text *out = &page->out;
  const char *settings = model->shown->record.settings;
  if (settings == NULL || settings[0] == '\0') return;
  json_t *parsed = json_loads(settings, JSON_DECODE_ANY, NULL);
  char *pretty = parsed == NULL ? NULL : json_dumps(parsed, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(DIGITS));
  if (json_is_object(parsed)) put_table(out, parsed);
  hg_text_put(out, "<details><summary>All settings</summary><pre>"); /* text that is no JSON is shown as it is */
  hg_text_html(out, pretty == NULL ? settings : pretty);
  hg_text_put(out, "</pre></details>");
  free(pretty);
  json_decref(parsed);
}

/* ---------------------------------------------------------------- notes */

static void put_note(hg_text *out, const json_t *row) {
  const char *id = json_string_value(json_object_get(row, "id")), *note = json_string_value(json_object_get(row, "note"));
  if (id == NULL && note == NULL) return;
  hg_text_put(out, "<p class=\"remark\">");
  if (id != NULL) {
    hg_text_put(out, "<span class=\"row\">");
    hg_text_html(out, id);
    hg_text_put(out, "</span> ");
  }
  hg_text_html(out, note == NULL ? "" : note);
  hg_text_put(out, "</p>");
}

void hg_page_note(hg_page *page, const char *model) {
  json_t *rows = json_loads(page->report.rows, 0, NULL);
  put_note(&page->out, json_object_get(json_object_get(rows, "models"), model));
  json_decref(rows);
}

void hg_page_published_note(hg_page *page, const hg_published *published) {
  json_t *rows = json_loads(page->report.rows, 0, NULL), *row;
  size_t i;
  json_array_foreach(json_object_get(rows, "published"), i, row) {
    const char *run = json_string_value(json_object_get(row, "run")), *metric = json_string_value(json_object_get(row, "metric"));
    const char *note = json_string_value(json_object_get(row, "note"));
    if (run == NULL || metric == NULL || note == NULL) continue;
    if (strcmp(run, published->run) != 0 || strcmp(metric, published->metric) != 0) continue;
    hg_text_put(&page->out, "<span class=\"status\">");
    hg_text_html(&page->out, note);
    hg_text_put(&page->out, "</span>");
  }
  json_decref(rows);
}
