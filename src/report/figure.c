#include "report/figure.h"

#include "base/alloc.h"
#include "report/assets.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS = 8 };

/* ---------------------------------------------------------------- making */

/* Names become file names: other letters become '-', one at a time at most. */
static void name_figure(hg_figure *figure, const char *name, const char *part) {
  size_t used = (size_t)snprintf(figure->name, sizeof figure->name - 8, "%s%s", name, part[0] == '\0' ? "" : "-");
  for (; *part != '\0' && used + 8 < sizeof figure->name; part++) {
    bool plain = isalnum((unsigned char)*part) || strchr("._", *part) != NULL;
    if (plain || figure->name[used - 1] != '-') figure->name[used++] = plain ? *part : '-';
  }
  while (used > 1 && figure->name[used - 1] == '-') used--;
  figure->name[used] = '\0';
}

static bool is_taken(const hg_figure_list *list, const char *name) {
  for (int i = 0; i < list->count; i++)
    if (strcmp(list->figures[i]->name, name) == 0) return true;
  return false;
}

static void make_unique(const hg_figure_list *list, hg_figure *figure) {
  size_t length = strlen(figure->name);
  for (int i = 2; is_taken(list, figure->name) && i < 10000; i++) snprintf(figure->name + length, 8, "-%d", i);
}

static json_t *templates_of(hg_figure_list *list) {
  if (list->templates == NULL) list->templates = json_loads(hg_asset_templates, 0, NULL);
  return list->templates;
}

hg_figure *hg_figure_new(hg_figure_list *list, const char *kind, const char *columns, const char *name, const char *part) {
  hg_figure *figure = hg_calloc(1, sizeof *figure);
  if (figure == NULL || !hg_grow(&list->figures, &list->capacity, (size_t)list->count + 1, sizeof(hg_figure *))) {
    hg_free(figure);
    list->failed = true;
    hg_frame_release(&list->lost.data);
    figure = &list->lost;
  } else {
    figure->spec = json_deep_copy(json_object_get(templates_of(list), kind));
    name_figure(figure, name, part);
    make_unique(list, figure);
    list->figures[list->count++] = figure;
  }
  figure->sheet = -1;
  hg_frame_init(&figure->data, columns);
  return figure;
}

void hg_figure_title(hg_figure *figure, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  hg_free(figure->title);
  figure->title = hg_strdup(text);
}

static void release(hg_figure *figure) {
  hg_frame_release(&figure->data);
  json_decref(figure->spec);
  hg_free(figure->title);
}

void hg_figure_list_release(hg_figure_list *list) {
  for (int i = 0; i < list->count; i++) {
    release(list->figures[i]);
    hg_free(list->figures[i]);
  }
  release(&list->lost);
  hg_free(list->figures);
  json_decref(list->templates);
  *list = (hg_figure_list){0};
}

/* ---------------------------------------------------------------- changing */

static json_t *child(json_t *parent, const char *key) {
  return json_is_array(parent) ? json_array_get(parent, (size_t)strtoul(key, NULL, 10)) : json_object_get(parent, key);
}

static json_t *child_object(json_t *parent, const char *key) {
  json_t *found = child(parent, key);
  if (found != NULL && !json_is_null(found)) return found;
  found = json_object();
  return json_object_set_new(parent, key, found) == 0 ? found : NULL;
}

void hg_figure_set(hg_figure *figure, const char *path, json_t *value) {
  json_t *parent = figure->spec;
  char key[64];
  for (;;) {
    size_t length = strcspn(path, ".");
    snprintf(key, sizeof key, "%.*s", (int)length, path);
    if (path[length] == '\0') break;
    parent = child_object(parent, key);
    path += length + 1;
  }
  if (json_is_array(parent))
    json_array_set_new(parent, (size_t)strtoul(key, NULL, 10), value);
  else if (json_object_set_new(parent, key, value) != 0)
    return; /* a figure that was lost has no specification */
}

void hg_figure_keep_order(hg_figure *figure, int column) {
  json_t *order = json_array();
  for (int i = 0; i < figure->data.columns[column].word_count; i++)
    json_array_append_new(order, json_string(figure->data.columns[column].words[i]));
  hg_figure_set(figure, json_object_get(figure->spec, "facet") != NULL ? "facet.sort" : "encoding.y.sort", order);
}

/* The shapes that page.c draws as SVG, in its order. */
static const char *const shapes[MARKS] = {"circle", "square",        "triangle-up",    "diamond",
                                          "cross",  "triangle-down", "triangle-right", "triangle-left"};

void hg_figure_marks(hg_figure *figure, const char *where, const char *const *names, const int *steps, int count) {
  json_t *domain = json_array(), *colours = json_array(), *forms = json_array(), *encoding = figure->spec;
  char key[64], colour[16];
  for (const char *path = where; *path != '\0'; path += strcspn(path, "."), path += *path == '.') {
    snprintf(key, sizeof key, "%.*s", (int)strcspn(path, "."), path);
    encoding = child(encoding, key);
  }
  for (int i = 0; i < count; i++) {
    int step = steps == NULL ? i : steps[i];
    if (step < 0)
      snprintf(colour, sizeof colour, step == -1 ? "var(--muted)" : "var(--ink)");
    else
      snprintf(colour, sizeof colour, "var(--m%d)", (step + step / MARKS) % MARKS);
    json_array_append_new(domain, json_string(names[i]));
    json_array_append_new(colours, json_string(colour));
    json_array_append_new(forms, json_string(step < 0 ? "stroke" : shapes[step % MARKS]));
    if ((int)strlen(names[i]) > figure->legend) figure->legend = (int)strlen(names[i]);
  }
  json_t *color = json_object_get(encoding, "color"), *shape = json_object_get(encoding, "shape");
  if (color != NULL) json_object_set_new(color, "scale", json_pack("{s:O, s:O}", "domain", domain, "range", colours));
  if (shape != NULL) json_object_set_new(shape, "scale", json_pack("{s:O, s:O}", "domain", domain, "range", forms));
  json_decref(domain);
  json_decref(colours);
  json_decref(forms);
}

/* ---------------------------------------------------------------- for the page */

/* Inside <script> no '<' may stand; in JSON it only stands in strings. */
static void put_dump(hg_text *out, const json_t *value) {
  char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
  if (text == NULL) out->failed = true;
  hg_json_raw(out, "");
  for (const char *c = text == NULL ? "null" : text; *c != '\0';) {
    size_t plain = strcspn(c, "<");
    hg_text_put_bytes(out, c, plain);
    c += plain;
    if (*c != '<') continue;
    hg_text_put(out, "\\u003c");
    c++;
  }
  free(text);
}

void hg_figure_list_put_json(hg_figure_list *list, hg_text *out) {
  hg_json_key(out, "config");
  put_dump(out, json_object_get(templates_of(list), "config"));
  hg_json_key(out, "figures");
  hg_json_open(out, '[');
  for (int i = 0; i < list->count; i++) {
    const hg_figure *figure = list->figures[i];
    out->failed = out->failed || figure->data.failed || figure->title == NULL;
    hg_json_break(out, 0);
    hg_json_open(out, '{');
    hg_json_key(out, "name");
    hg_json_string(out, figure->name);
    hg_json_key(out, "title");
    hg_json_string(out, figure->title == NULL ? "" : figure->title);
    hg_json_key(out, "legend");
    hg_json_integer(out, figure->legend);
    hg_json_key(out, "sheet");
    hg_json_integer(out, figure->sheet);
    hg_json_key(out, "spec");
    put_dump(out, figure->spec);
    hg_json_key(out, "data");
    hg_frame_put_json(&figure->data, out);
    hg_json_close(out, '}');
  }
  hg_json_close(out, ']');
  out->failed = out->failed || list->failed;
}

/* ---------------------------------------------------------------- for a file */

/* "#0072b2" of var(--m0): the first that page.css gives, which is the light one. */
static void put_colour(hg_text *out, const char *variable, size_t length) {
  char key[48];
  snprintf(key, sizeof key, "%.*s: ", (int)length, variable);
  const char *found = strstr(hg_asset_style, key);
  if (found == NULL)
    hg_text_put(out, "#000");
  else
    hg_text_put_bytes(out, found + strlen(key), strcspn(found + strlen(key), ";"));
}

static char *on_paper(const char *text) {
  hg_text out = {0};
  for (const char *at = text; at != NULL && *at != '\0';) {
    const char *variable = strstr(at, "var(--");
    hg_text_put_bytes(&out, at, variable == NULL ? strlen(at) : (size_t)(variable - at));
    if (variable == NULL) break;
    size_t length = strcspn(variable, ")");
    put_colour(&out, variable + 4, length - 4);
    at = variable + length + 1;
  }
  if (!out.failed) return out.bytes;
  hg_text_release(&out);
  return NULL;
}

static json_t *parse_rules(const hg_frame *data) {
  json_t *rules = json_object();
  for (int c = 0; c < data->column_count; c++)
    json_object_set_new(rules, data->columns[c].name, json_string(data->columns[c].text ? "string" : "number"));
  return rules;
}

char *hg_figure_specification(const hg_figure_list *list, const hg_figure *figure) {
  enum { LETTER = 7, SYMBOL = 36, WIDTH = 640 };
  char address[sizeof figure->name + 8];
  snprintf(address, sizeof address, "%s.csv", figure->name);
  json_t *whole = json_deep_copy(figure->spec), *config = json_deep_copy(json_object_get(list->templates, "config"));
  int columns = WIDTH / (LETTER * figure->legend + SYMBOL);
  json_object_set_new(json_object_get(config, "legend"), "columns", json_integer(columns < 1 ? 1 : columns));
  json_object_set_new(config, "background", json_string("var(--surface)"));
  json_object_set_new(whole, "$schema", json_string("https://vega.github.io/schema/vega-lite/v6.json"));
  json_object_set_new(whole, "config", config);
  json_object_set_new(
      whole, "data",
      json_pack("{s:s, s:{s:s, s:o}}", "url", address, "format", "type", "csv", "parse", parse_rules(&figure->data)));
  char *dump = json_dumps(whole, JSON_INDENT(2) | JSON_REAL_PRECISION(9)), *text = dump == NULL ? NULL : on_paper(dump);
  free(dump);
  json_decref(whole);
  return text;
}
