/* What a results folder holds. */
#include "base/alloc.h"
#include "cli/study.h"
#include "cli/table.h"
#include "cli/terminal.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static json_t *run_json(const hg_run_record *run, const hg_metric *metrics, int count) {
  json_t *object =
      json_pack("{s:s, s:I, s:s, s:s, s:I, s:i, s:f, s:f, s:s}", "name", run->name, "seed", (json_int_t)run->seed, "kind",
                run->kind, "status", run->status, "parameters", (json_int_t)run->parameters, "epochs", run->epochs, "seconds",
                run->seconds, "images_per_second", run->images_per_second, "weights_sha256", run->weights_sha256);
  if (run->message[0] != '\0') json_object_set_new(object, "message", json_string(run->message));
  json_t *test = json_object();
  for (int i = 0; i < count; i++)
    if (strncmp(metrics[i].name, "test.", 5) == 0) json_object_set_new(test, metrics[i].name + 5, json_real(metrics[i].value));
  json_object_set_new(object, "test", test);
  return object;
}

static void add_run(hg_text_table *table, const hg_run_record *run, const hg_metric *metrics, int count) {
  char text[64];
  hg_text_table_cell(table, "%s", run->name);
  hg_text_table_cell(table, "%llu", (unsigned long long)run->seed);
  hg_text_table_cell(table, "%s", run->kind);
  hg_text_table_cell(table, "%s", run->status);
  hg_text_table_cell(table, "%s",
                     hg_format_figure(100 * hg_metric_find(metrics, count, "test.accuracy"), 2, " %", text, sizeof text));
  hg_text_table_cell(table, "%s", hg_format_figure(hg_metric_find(metrics, count, "test.mse"), 5, "", text, sizeof text));
  hg_text_table_cell(table, "%s", run->epochs > 0 ? hg_format_count(run->epochs, text, sizeof text) : "");
  hg_text_table_cell(table, "%s", run->seconds > 0 ? hg_format_duration(run->seconds, text, sizeof text) : "");
  hg_text_table_cell(table, "%.12s", run->weights_sha256);
  hg_text_table_cell(table, "%s", run->message);
}

/* `model`: of which runs are listed; NULL = all. */
static hg_code list_runs(hg_store *store, const char *model, hg_text_table *table, json_t *list, hg_error *error) {
  hg_run_record *runs = NULL;
  int count = 0;
  hg_code code = hg_store_list_runs(store, &runs, &count, error);
  for (int i = 0; code == HG_OK && i < count; i++) {
    if (model != NULL && strcmp(runs[i].name, model) != 0) continue;
    hg_metric *metrics = NULL;
    int metric_count = 0;
    code = hg_store_list_metrics(store, runs[i].id, &metrics, &metric_count, error);
    if (code == HG_OK && list != NULL)
      json_array_append_new(list, run_json(&runs[i], metrics, metric_count));
    else if (code == HG_OK)
      add_run(table, &runs[i], metrics, metric_count);
    hg_free(metrics);
  }
  for (int i = 0; i < count; i++) hg_run_record_release(&runs[i]);
  hg_free(runs);
  return code;
}

static hg_code print_runs(hg_store *store, const char *model, bool as_json, hg_error *error) {
  static const char *const heads[] = {"model", ">seed",    "kind",   "status",   ">test accuracy",
                                      ">MSE",  "?>epochs", "?>time", "?weights", "?message"};
  json_t *list = as_json ? json_array() : NULL;
  hg_text_table table;
  hg_text_table_init(&table, 10, heads);
  hg_code code = list_runs(store, model, &table, list, error);
  if (code == HG_OK && list != NULL) {
    json_dumpf(list, stdout, JSON_INDENT(2));
    putchar('\n');
  } else if (code == HG_OK) {
    code = hg_text_table_print(&table, stdout, error);
  }
  hg_text_table_release(&table);
  json_decref(list);
  return code;
}

hg_code hg_runs_command(const hg_arguments *arguments, hg_error *error) {
  hg_store *store = NULL;
  hg_code code = hg_store_open(arguments->operands[0], false, &store, error);
  if (code != HG_OK) return code;
  const char *model = arguments->operand_count > 1 ? arguments->operands[1] : NULL;
  bool as_json = hg_arguments_has(arguments, HG_OPTION_JSON);
  if (model != NULL) code = hg_results_have_model(store, model, error);
  if (code == HG_OK)
    code = model == NULL || as_json ? print_runs(store, model, as_json, error) : hg_classes_print(store, model, error);
  hg_store_close(store);
  return code;
}
