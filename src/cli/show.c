/* Layers, sizes and costs of a study's models. */
#include "base/alloc.h"
#include "cli/study.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "study/run.h"
#include "study/schema.h"

#include <jansson.h>
#include <string.h>

/* One model, ready to be shown. */
typedef struct shown_model {
  const hg_study *study;
  const hg_model *model;
  hg_layer_row *rows; /* NULL for classical models */
  int count;
  hg_memory_info memory;
  int64_t parameters, frozen, multiply_adds, activation_bytes;
} shown_model;

static hg_code measure(const hg_study *study, int index, shown_model *shown, hg_error *error) {
  *shown = (shown_model){.study = study, .model = &study->models[index]};
  if (shown->model->kind != HG_MODEL_NETWORK) return HG_OK;
  hg_network *network = NULL;
  hg_code code = hg_study_network(study, index, &network, error);
  if (code == HG_OK) code = hg_network_prepare(network, shown->model->train.batch_size, true, NULL, error);
  if (code == HG_OK) code = hg_study_layers(network, &shown->rows, &shown->count, error);
  if (code == HG_OK) hg_network_memory_info(network, &shown->memory);
  for (int i = 0; code == HG_OK && i < shown->count; i++) {
    hg_layer_info info;
    hg_network_layer_info(network, i, &info);
    bool held = info.block == HG_ENCODER && shown->model->freeze;
    shown->parameters += info.parameters;
    shown->frozen += held ? info.parameters : info.frozen;
    shown->multiply_adds += shown->rows[i].multiply_adds;
    shown->activation_bytes += shown->rows[i].activation_bytes;
  }
  hg_network_free(network);
  return code;
}

static void add_row(hg_text_table *table, const hg_layer_row *row) {
  char parameters[32], adds[32], bytes[32];
  hg_text_table_cell(table, "%s", row->block);
  hg_text_table_cell(table, "%s", row->layer);
  hg_text_table_cell(table, "%s", row->detail);
  hg_text_table_cell(table, "%d x %d x %d", row->output.height, row->output.width, row->output.channels);
  hg_text_table_cell(table, "%s", row->parameters > 0 ? hg_format_count(row->parameters, parameters, sizeof parameters) : "");
  hg_text_table_cell(table, "%s", row->multiply_adds > 0 ? hg_format_count(row->multiply_adds, adds, sizeof adds) : "");
  hg_text_table_cell(table, "%s", hg_format_bytes((double)row->activation_bytes, bytes, sizeof bytes));
}

static void add_totals(hg_text_table *table, const shown_model *shown) {
  char parameters[32], adds[32], bytes[32];
  for (int i = 0; i < 3; i++) hg_text_table_cell(table, "%s", i == 0 ? "total" : "");
  hg_text_table_cell(table, "%s", "");
  hg_text_table_cell(table, "%s", hg_format_count(shown->parameters, parameters, sizeof parameters));
  hg_text_table_cell(table, "%s", hg_format_count(shown->multiply_adds, adds, sizeof adds));
  hg_text_table_cell(table, "%s", hg_format_bytes((double)shown->activation_bytes, bytes, sizeof bytes));
}

static void print_memory(const shown_model *shown) {
  const hg_memory_info *memory = &shown->memory;
  char weights[32], gradients[32], arena[32], unshared[32];
  printf("training on %d images: weights %s, gradients %s, arena %s (%s without sharing)\n", shown->model->train.batch_size,
         hg_format_bytes((double)memory->weights, weights, sizeof weights),
         hg_format_bytes((double)memory->gradients, gradients, sizeof gradients),
         hg_format_bytes((double)memory->arena, arena, sizeof arena),
         hg_format_bytes((double)memory->arena_without_sharing, unshared, sizeof unshared));
}

static void print_title(const shown_model *shown) {
  const hg_model *model = shown->model;
  printf("%s%s%s  %s, %d x %d x %d", hg_paint_on(stdout, HG_BOLD), model->name, hg_paint_on(stdout, HG_PLAIN),
         shown->study->data[model->data].name, model->input.height, model->input.width, model->input.channels);
  if (model->classes > 0) printf(", %d class%s", model->classes, model->classes == 1 ? "" : "es");
  if (model->kind == HG_MODEL_CLASSICAL) printf(", %s", hg_classical_kind_name(model->classical.kind));
  int from = model->kind == HG_MODEL_CLASSICAL ? model->features_from : model->from;
  if (from >= 0)
    printf(", %s of %s%s", model->kind == HG_MODEL_CLASSICAL ? "codes" : "encoder", shown->study->models[from].name,
           model->freeze ? " (frozen)" : "");
  putchar('\n');
}

/* ---- classical models: what the settings hold, by their names in study files */

static json_t *load_settings(const shown_model *shown) {
  char *text = hg_study_settings_json(shown->study, (int)(shown->model - shown->study->models));
  json_t *settings = text == NULL ? NULL : json_loads(text, 0, NULL);
  hg_free(text);
  return settings;
}

static void print_value(const char *key, const json_t *value, const char *between) {
  printf("%s%s ", between, key);
  if (json_is_string(value))
    fputs(json_string_value(value), stdout);
  else
    printf("%.10g", json_number_value(value));
}

/* "kernel rbf, C 1, gamma scale", in the order of the reference. */
static void print_fields(const hg_table *table, const json_t *values) {
  const char *between = "";
  for (int i = 0; i < table->count; i++) {
    const json_t *value = json_object_get(values, table->fields[i].key);
    if (value == NULL) continue;
    print_value(table->fields[i].key, value, between);
    between = ", ";
  }
}

static void print_made_of_pixels(const hg_table *table, const json_t *values, const char *between) {
  if (values == NULL) return;
  printf("%s%s (", between, table->name);
  print_fields(table, values);
  putchar(')');
}

static void print_features(const shown_model *shown, const json_t *features) {
  static const char *const steps[] = {"scale", "pca"};
  if (shown->model->features_from >= 0)
    printf("codes of %s", shown->study->models[shown->model->features_from].name);
  else
    fputs("pixels", stdout);
  print_made_of_pixels(&hg_hog_table, json_object_get(features, "hog"), ", ");
  print_made_of_pixels(&hg_kmeans_table, json_object_get(features, "kmeans"), ", ");
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    const json_t *value = json_object_get(features, steps[i]);
    if (value != NULL) print_value(steps[i], value, ", ");
  }
}

static hg_code print_method(const shown_model *shown, hg_error *error) {
  const char *name = hg_classical_kind_name(shown->model->classical.kind);
  json_t *settings = load_settings(shown);
  if (settings == NULL) return hg_fail_memory(error, shown->model->name, 1);
  char count[32];
  printf("%s: ", name);
  print_fields(hg_classical_variants[shown->model->classical.kind].table, json_object_get(settings, name));
  fputs("\nfeatures: ", stdout);
  print_features(shown, json_object_get(settings, "features"));
  if (shown->model->limit > 0)
    printf("\nlimit: %s training images, in the classes' shares\n", hg_format_count(shown->model->limit, count, sizeof count));
  else
    puts("\nlimit: none, all training images");
  json_decref(settings);
  return HG_OK;
}

static void print_frozen(const shown_model *shown) {
  char trained[32], all[32];
  printf("%s: %s of the %s parameters are trained\n", shown->model->freeze ? "the encoder is frozen" : "some weights are frozen",
         hg_format_count(shown->parameters - shown->frozen, trained, sizeof trained),
         hg_format_count(shown->parameters, all, sizeof all));
}

static hg_code print_model(const shown_model *shown, hg_error *error) {
  static const char *const heads[] = {"block", "layer", "?settings", "output", ">parameters", "?>multiply-adds", "?>memory"};
  print_title(shown);
  if (shown->rows == NULL) return print_method(shown, error);
  hg_text_table table;
  hg_text_table_init(&table, 7, heads);
  for (int i = 0; i < shown->count; i++) add_row(&table, &shown->rows[i]);
  add_totals(&table, shown);
  hg_code code = hg_text_table_print(&table, stdout, error);
  hg_text_table_release(&table);
  if (shown->frozen > 0) print_frozen(shown);
  print_memory(shown);
  return code;
}

static json_t *layer_json(const hg_layer_row *row) {
  return json_pack("{s:s, s:s, s:s, s:s, s:[i,i,i], s:I, s:I, s:I}", "block", row->block, "layer", row->layer, "kind", row->kind,
                   "settings", row->detail, "output", row->output.height, row->output.width, row->output.channels, "parameters",
                   (json_int_t)row->parameters, "multiply_adds", (json_int_t)row->multiply_adds, "activation_bytes",
                   (json_int_t)row->activation_bytes);
}

static json_t *model_json(const shown_model *shown) {
  const hg_model *model = shown->model;
  json_t *object = json_pack("{s:s, s:s, s:[i,i,i], s:i}", "name", model->name, "kind",
                             model->kind == HG_MODEL_NETWORK ? "network" : hg_classical_kind_name(model->classical.kind), "input",
                             model->input.height, model->input.width, model->input.channels, "classes", model->classes);
  if (shown->rows == NULL) {
    json_t *settings = load_settings(shown);
    json_object_del(settings, "data");
    if (model->features_from >= 0)
      json_object_set_new(json_object_get(settings, "features"), "from",
                          json_string(shown->study->models[model->features_from].name));
    json_object_set_new(object, "settings", settings);
    return object;
  }
  json_t *layers = json_array();
  for (int i = 0; i < shown->count; i++) json_array_append_new(layers, layer_json(&shown->rows[i]));
  json_object_set_new(object, "layers", layers);
  json_object_set_new(object, "parameters", json_integer(shown->parameters));
  json_object_set_new(object, "multiply_adds", json_integer(shown->multiply_adds));
  json_object_set_new(object, "batch_size", json_integer(model->train.batch_size));
  json_object_set_new(object, "memory",
                      json_pack("{s:I, s:I, s:I, s:I}", "weights", (json_int_t)shown->memory.weights, "gradients",
                                (json_int_t)shown->memory.gradients, "arena", (json_int_t)shown->memory.arena,
                                "arena_without_sharing", (json_int_t)shown->memory.arena_without_sharing));
  return object;
}

static hg_code fail_model(const hg_study *study, const char *name, hg_error *error) {
  const char **names = hg_calloc((size_t)study->model_count + 1, sizeof *names);
  if (names == NULL) return hg_fail_memory(error, "show", sizeof *names);
  for (int i = 0; i < study->model_count; i++) names[i] = study->models[i].name;
  char help[480];
  hg_code code = hg_fail(error, HG_USAGE, "show", "the study has no model `%s`; %s", name,
                         hg_word_help(name, names, study->model_count, help, sizeof help));
  hg_free(names);
  return code;
}

static hg_code show_models(const hg_study *study, const char *only, json_t *list, hg_error *error) {
  bool found = false;
  for (int i = 0; i < study->model_count; i++) {
    if (only != NULL && strcmp(study->models[i].name, only) != 0) continue;
    shown_model shown;
    hg_code code = measure(study, i, &shown, error);
    if (code == HG_OK && list != NULL) json_array_append_new(list, model_json(&shown));
    if (code == HG_OK && list == NULL) {
      if (found) putchar('\n');
      code = print_model(&shown, error);
    }
    hg_free(shown.rows);
    if (code != HG_OK) return code;
    found = true;
  }
  if (found) return HG_OK;
  return fail_model(study, only, error);
}

hg_code hg_show_command(const hg_arguments *arguments, hg_error *error) {
  hg_study *study = NULL;
  hg_code code = hg_arguments_study(arguments, &study, error);
  if (code != HG_OK) return code;
  json_t *list = hg_arguments_has(arguments, HG_OPTION_JSON) ? json_array() : NULL;
  code = show_models(study, arguments->operand_count > 1 ? arguments->operands[1] : NULL, list, error);
  if (code == HG_OK && list != NULL) {
    json_t *object = json_pack("{s:s, s:O}", "study", study->name, "models", list);
    json_dumpf(object, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(object);
  }
  json_decref(list);
  hg_study_free(study);
  return code;
}
