#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "study/schema.h"

enum { MOST_POINTS = 1000, MOST_AXES = 16 };

typedef struct sweep {
  const hg_node *model, *list; /* list: NULL where there is a grid */
  const hg_node *grid;         /* of a list: its points by setting, {path: [value of each point]} */
  const hg_node *id, *note;    /* NULL: the model's */
} sweep;

static hg_code keep_node(hg_reader *reader, const hg_node *node, void *target) {
  (void)reader;
  *(const hg_node **)target = node;
  return HG_OK;
}

static const hg_field sweep_fields[] = {
    {.key = "model",
     .type = HG_FIELD_READ,
     .offset = offsetof(sweep, model),
     .flags = HG_REQUIRED,
     .read = keep_node,
     .type_doc = "name of a model",
     .doc = "the model that is varied; it is run itself too"},
    {.key = "grid",
     .type = HG_FIELD_READ,
     .offset = offsetof(sweep, grid),
     .read = keep_node,
     .type_doc = "mapping of paths to lists",
     .doc = "settings of the model, written with dots, and the values each takes: a point for each combination; or a `list`"},
    {.key = "list",
     .type = HG_FIELD_READ,
     .offset = offsetof(sweep, list),
     .read = keep_node,
     .type_doc = "list of mappings",
     .doc = "points one by one, each with the same settings, written with dots; in place of a `grid`"},
    {.key = "id",
     .type = HG_FIELD_READ,
     .offset = offsetof(sweep, id),
     .read = keep_node,
     .type_doc = "name",
     .fallback = "the model's",
     .doc = "the `id` of the models it makes"},
    {.key = "note",
     .type = HG_FIELD_READ,
     .offset = offsetof(sweep, note),
     .read = keep_node,
     .type_doc = "text",
     .fallback = "the model's",
     .doc = "the `note` of the models it makes"},
};
const hg_table hg_sweep_table = {
    .name = "sweep", .fields = sweep_fields, .count = (int)(sizeof sweep_fields / sizeof *sweep_fields)};

/* ---------------------------------------------------------------- names: transfer[learning_rate=0.01] */

static const char *last_part(const char *path) {
  const char *dot = strrchr(path, '.');
  return dot == NULL ? path : dot + 1;
}

static bool has_another(const hg_node *settings, const char *path) {
  for (size_t i = 0; settings != NULL && settings->kind == HG_NODE_MAPPING && i < settings->count; i++) {
    const char *other = settings->keys[i]->text;
    if (strcmp(other, path) != 0 && strcmp(last_part(other), last_part(path)) == 0) return true;
  }
  return false;
}

/* The last part of a path, or the whole where another path ends alike, in any sweep of the model: the page tells sweeps by it. */
static const char *axis_name(const hg_reader *reader, const sweep *settings, size_t axis) {
  const char *path = settings->grid->keys[axis]->text;
  for (size_t i = 0; i < reader->sweep_nodes->count; i++) {
    const hg_node *model = hg_node_get(reader->sweep_nodes->items[i], "model");
    const hg_node *grid = hg_node_get(reader->sweep_nodes->items[i], "grid");
    const hg_node *list = hg_node_get(reader->sweep_nodes->items[i], "list");
    if (model == NULL || model->kind != HG_NODE_SCALAR || strcmp(model->text, settings->model->text) != 0) continue;
    if (has_another(grid, path)) return path;
    if (list != NULL && list->kind == HG_NODE_LIST && list->count > 0 && has_another(list->items[0], path)) return path;
  }
  return last_part(path);
}

/* The word of a value: `sgd` of sgd and of {sgd: {momentum: 0.9}}; NULL where it has none. */
static const char *word_of(const hg_node *value) {
  if (value->kind == HG_NODE_SCALAR) return value->text;
  return value->kind == HG_NODE_MAPPING && value->count == 1 ? value->keys[0]->text : NULL;
}

/* The word of a mapping, or NULL where it has none of its own on this axis. */
static const char *own_word(const hg_node *list, size_t index) {
  const char *word = list->items[index]->kind == HG_NODE_MAPPING ? word_of(list->items[index]) : NULL;
  for (size_t i = 0; word != NULL && i < list->count; i++) {
    const char *other = word_of(list->items[i]);
    if (i != index && other != NULL && strcmp(other, word) == 0) return NULL;
  }
  return word;
}

static void plain_text(char *text) {
  for (char *p = text; *p != 0; p++) {
    if (!isalnum((unsigned char)*p) && strchr("_-.+", *p) == NULL) *p = '_';
  }
}

/* Numbers as %g writes them, so that 1e-2 and 0.01 are one name; mappings by their word, else, like lists, by their place. */
static void value_name(const hg_node *list, size_t index, char *out, size_t size) {
  static const hg_field number = {.key = "", .type = HG_FIELD_DOUBLE, .low = -1e300, .high = 1e300};
  const hg_node *value = list->items[index];
  hg_document nowhere = {.path = (char[]){0}};
  hg_reader silent = {.document = &nowhere};
  double parsed;
  const char *word = own_word(list, index);
  if (word != NULL) {
    snprintf(out, size, "%s", word);
    plain_text(out);
  } else if (value->kind != HG_NODE_SCALAR) {
    snprintf(out, size, "#%zu", index + 1);
  } else if (hg_value_number(&silent, &number, value, &parsed) == HG_OK) {
    snprintf(out, size, "%g", parsed);
  } else {
    snprintf(out, size, "%s", value->text);
    plain_text(out);
  }
}

static hg_code point_name(hg_reader *reader, const sweep *settings, const size_t *point, char *out, size_t size) {
  size_t used = (size_t)snprintf(out, size, "%s[", settings->model->text);
  for (size_t axis = 0; axis < settings->grid->count && used < size; axis++) {
    char value[HG_NAME_SIZE];
    value_name(settings->grid->items[axis], point[axis], value, sizeof value);
    used += (size_t)snprintf(out + used, size - used, "%s%s=%s", axis == 0 ? "" : ",", axis_name(reader, settings, axis), value);
  }
  if (used < size) used += (size_t)snprintf(out + used, size - used, "]");
  if (used < size) return HG_OK;
  return hg_reject(reader, settings->grid, "the models' names would be longer than %d characters: `%s...`", HG_NAME_SIZE - 1,
                   out);
}

/* ---------------------------------------------------------------- expanding */

/* Puts a copy of the value into the model. */
static hg_code set_value(hg_reader *reader, const char *path, const hg_node *value, const hg_node *at, hg_node *model) {
  hg_node *copy;
  hg_code code = hg_node_copy(reader->document, value, &copy, reader->error);
  if (code != HG_OK) return code;
  code = hg_node_set(reader->document, model, path, copy, at, reader->error);
  if (code != HG_OK) hg_node_free(copy);
  return code;
}

static hg_code set_settings(hg_reader *reader, const sweep *settings, const size_t *point, hg_node *model) {
  const hg_node *grid = settings->grid, *remarks[] = {settings->id, settings->note};
  hg_code code = HG_OK;
  for (size_t axis = 0; axis < grid->count && code == HG_OK; axis++)
    code = set_value(reader, grid->keys[axis]->text, grid->items[axis]->items[point[axis]], grid->keys[axis], model);
  for (int i = 0; i < 2 && code == HG_OK; i++)
    if (remarks[i] != NULL) code = set_value(reader, i == 0 ? "id" : "note", remarks[i], remarks[i], model);
  return code;
}

static hg_code add_point(hg_reader *reader, const sweep *settings, const size_t *point) {
  char text[HG_NAME_SIZE];
  hg_node *key = NULL, *model = NULL;
  hg_code code = point_name(reader, settings, point, text, sizeof text);
  if (code == HG_OK && hg_node_get(reader->model_nodes, text) != NULL) {
    return hg_reject(reader, settings->grid, "the model `%s` comes out of the sweep twice", text);
  }
  if (code == HG_OK) code = hg_node_new(reader->document, HG_NODE_SCALAR, text, &key, reader->error);
  if (code == HG_OK) {
    key->made = true;
    key->line = settings->grid->line, key->column = settings->grid->column, key->origin = settings->grid->origin;
    code = hg_node_copy(reader->document, hg_node_get(reader->model_nodes, settings->model->text), &model, reader->error);
  }
  if (code == HG_OK) code = set_settings(reader, settings, point, model);
  if (code == HG_OK) code = hg_node_append(reader->model_nodes, key, model, reader->error);
  if (code != HG_OK) {
    hg_node_free(key);
    hg_node_free(model);
  }
  return code;
}

static hg_code check_model(hg_reader *reader, const hg_node *model) {
  const hg_node *models = reader->model_nodes;
  const char *names[64] = {NULL};
  int count = 0;
  for (size_t i = 0; i < models->count && count < 64; i++) {
    if (!models->keys[i]->made) names[count++] = models->keys[i]->text;
  }
  const hg_node *key = model->kind == HG_NODE_SCALAR ? hg_node_key(models, model->text) : NULL;
  if (model->kind != HG_NODE_SCALAR) return hg_reject(reader, model, "here must stand the name of a model");
  return key == NULL || key->made ? hg_reject_word(reader, model, "a model of this study", names, count) : HG_OK;
}

static hg_code check_grid(hg_reader *reader, const hg_node *grid) {
  if (grid->kind != HG_NODE_MAPPING || grid->count == 0 || grid->count > MOST_AXES) {
    return hg_reject(reader, grid, "`grid` must hold settings and their values: {train.epochs: [3, 5]}");
  }
  size_t points = 1;
  for (size_t i = 0; i < grid->count; i++) {
    const hg_node *values = grid->items[i];
    if (values->kind != HG_NODE_LIST || values->count == 0) {
      return hg_reject(reader, values, "`%.60s` needs a list of values, such as [3, 5]", grid->keys[i]->text);
    }
    points *= values->count;
    if (points > MOST_POINTS) return hg_reject(reader, grid, "the grid has more than %d points", MOST_POINTS);
  }
  return HG_OK;
}

static hg_code expand_grid(hg_reader *reader, const sweep *settings) {
  size_t point[MOST_AXES] = {0};
  hg_code code = check_grid(reader, settings->grid);
  while (code == HG_OK) {
    code = add_point(reader, settings, point);
    size_t axis = settings->grid->count; /* the last axis runs fastest */
    while (axis > 0 && ++point[axis - 1] == settings->grid->items[axis - 1]->count) point[--axis] = 0;
    if (axis == 0) break;
  }
  return code;
}

/* ---------------------------------------------------------------- a list of points */

static hg_code check_list(hg_reader *reader, const hg_node *list) {
  if (list->kind != HG_NODE_LIST || list->count == 0 || list->count > MOST_POINTS)
    return hg_reject(reader, list, "`list` must hold up to %d points: [{train.epochs: 3, train.batch_size: 32}]", MOST_POINTS);
  const hg_node *first = list->items[0];
  for (size_t i = 0; i < list->count; i++) {
    const hg_node *point = list->items[i];
    if (point->kind != HG_NODE_MAPPING || point->count == 0 || point->count > MOST_AXES)
      return hg_reject(reader, point, "a point must hold settings and a value of each: {train.epochs: 3, train.batch_size: 32}");
    for (size_t k = 0; k < first->count; k++)
      if (hg_node_get(point, first->keys[k]->text) == NULL)
        return hg_reject(reader, point, "this point lacks `%.60s`; all points of a list have the same settings",
                         first->keys[k]->text);
    if (point->count > first->count)
      return hg_reject(reader, point, "this point has more settings than the first; all points of a list have the same settings");
  }
  return HG_OK;
}

static hg_code append_copy(hg_reader *reader, const hg_node *value, hg_node *list) {
  hg_node *copy = NULL;
  hg_code code = hg_node_copy(reader->document, value, &copy, reader->error);
  if (code == HG_OK) code = hg_node_append(list, NULL, copy, reader->error);
  if (code != HG_OK) hg_node_free(copy);
  return code;
}

/* The values of one setting, point by point. */
static hg_code add_column(hg_reader *reader, const hg_node *list, const hg_node *path, hg_node *columns) {
  hg_node *key = NULL, *values = NULL;
  hg_code code = hg_node_copy(reader->document, path, &key, reader->error);
  if (code == HG_OK) code = hg_node_new(reader->document, HG_NODE_LIST, NULL, &values, reader->error);
  for (size_t i = 0; code == HG_OK && i < list->count; i++)
    code = append_copy(reader, hg_node_get(list->items[i], path->text), values);
  if (code == HG_OK) code = hg_node_append(columns, key, values, reader->error);
  if (code == HG_OK) return HG_OK;
  hg_node_free(key);
  hg_node_free(values);
  return code;
}

static hg_code expand_list(hg_reader *reader, sweep *settings) {
  const hg_node *list = settings->list;
  hg_node *columns = NULL;
  hg_code code = check_list(reader, list);
  if (code == HG_OK) code = hg_node_new(reader->document, HG_NODE_MAPPING, NULL, &columns, reader->error);
  if (code != HG_OK) return code;
  columns->line = list->line, columns->column = list->column, columns->origin = list->origin;
  for (size_t k = 0; code == HG_OK && k < list->items[0]->count; k++)
    code = add_column(reader, list, list->items[0]->keys[k], columns);
  settings->grid = columns;
  for (size_t i = 0; code == HG_OK && i < list->count; i++) {
    size_t point[MOST_AXES];
    for (size_t axis = 0; axis < MOST_AXES; axis++) point[axis] = i;
    code = add_point(reader, settings, point);
  }
  hg_node_free(columns);
  return code;
}

static hg_code expand(hg_reader *reader, const hg_node *node) {
  sweep settings = {0};
  hg_code code = hg_table_read(reader, &hg_sweep_table, node, &settings);
  if (code == HG_OK && settings.grid == NULL && settings.list == NULL)
    code = hg_reject(reader, node, "`sweep` needs a `grid`, {train.epochs: [3, 5]}, or a `list`, [{train.epochs: 3}]");
  if (code == HG_OK && settings.grid != NULL && settings.list != NULL)
    code = hg_reject(reader, settings.list, "a sweep has a `grid` or a `list`; make two of them");
  if (code == HG_OK) code = check_model(reader, settings.model);
  if (code != HG_OK) return code;
  return settings.list == NULL ? expand_grid(reader, &settings) : expand_list(reader, &settings);
}

hg_code hg_study_expand_sweeps(hg_reader *reader) {
  const hg_node *sweeps = reader->sweep_nodes, *models = reader->model_nodes;
  if (sweeps == NULL || models == NULL || models->kind != HG_NODE_MAPPING) return HG_OK;
  if (sweeps->kind != HG_NODE_MAPPING)
    return hg_reject(reader, sweeps, "`sweeps` must name sweeps: {rates: {model: cnn, grid: {...}}}");
  for (size_t i = 0; i < sweeps->count; i++) {
    hg_code code = expand(reader, sweeps->items[i]);
    if (code != HG_OK) return code;
  }
  return HG_OK;
}

/* ---------------------------------------------------------------- points that are the model itself */

static bool is_same_model(const hg_study *study, int a, int b) {
  const hg_model *models = study->models;
  char *of_a = hg_study_settings_json(study, a), *of_b = hg_study_settings_json(study, b);
  bool same = of_a != NULL && of_b != NULL && strcmp(of_a, of_b) == 0 && models[a].views.flip == models[b].views.flip &&
              models[a].views.shift == models[b].views.shift;
  hg_free(of_a);
  hg_free(of_b);
  return same;
}

/* Of one setting alone: from a grid of several the one point cannot be left out. */
hg_code hg_study_check_sweeps(hg_reader *reader) {
  const hg_study *study = reader->study;
  for (int i = 0; i < study->model_count; i++) {
    const hg_node *key = reader->model_nodes->keys[i];
    const char *name = study->models[i].name, *bracket = strchr(name, '[');
    if (!key->made || bracket == NULL || strchr(bracket, ',') != NULL) continue;
    char varied[HG_NAME_SIZE];
    snprintf(varied, sizeof varied, "%.*s", (int)(bracket - name), name);
    if (!is_same_model(study, hg_study_find_model(study, varied), i)) continue;
    return hg_reject(reader, key, "`%s` is `%s` itself, which is a point of each of its sweeps; leave this value out", name,
                     varied);
  }
  return HG_OK;
}
