/* The table at the end of a run: one row a model, means over its seeds. */
#include "base/alloc.h"
#include "cli/study.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "eval/compare.h"
#include "report/report.h"
#include "study/schema.h"

#include <math.h>
#include <string.h>

double hg_metric_find(const hg_metric *metrics, int count, const char *name) {
  for (int i = 0; i < count; i++)
    if (strcmp(metrics[i].name, name) == 0) return metrics[i].value;
  return NAN;
}

const char *hg_format_figure(double value, int decimals, const char *unit, char *buffer, size_t size) {
  if (isnan(value))
    buffer[0] = '\0';
  else
    snprintf(buffer, size, "%.*f%s", decimals, value, unit);
  return buffer;
}

hg_code hg_results_print_json(hg_store *store, hg_error *error) {
  char *text = NULL;
  hg_code code = hg_report_json(store, &text, error);
  if (code == HG_OK) fputs(text, stdout);
  hg_free(text);
  return code;
}

/* The names of the models whose runs these are, each once, in at most `most` places. */
static int list_models(const hg_run_record *runs, int count, const char **names, int most) {
  int known = 0;
  for (int i = 0; i < count && known < most; i++)
    if (known == 0 || strcmp(names[known - 1], runs[i].name) != 0) names[known++] = runs[i].name;
  return known;
}

hg_code hg_results_have_model(hg_store *store, const char *model, hg_error *error) {
  enum { MOST = 256 };
  const char *names[MOST];
  char help[480];
  hg_run_record *runs = NULL;
  int count = 0;
  hg_code code = hg_store_list_runs(store, &runs, &count, error);
  int known = code == HG_OK ? list_models(runs, count, names, MOST) : 0;
  bool found = false;
  for (int i = 0; i < count && !found; i++) found = strcmp(runs[i].name, model) == 0;
  if (code == HG_OK && !found)
    code = hg_fail(error, HG_USAGE, hg_store_folder(store), "has no model `%s`; %s", model,
                   hg_word_help(model, names, known, help, sizeof help));
  for (int i = 0; i < count; i++) hg_run_record_release(&runs[i]);
  hg_free(runs);
  return code;
}

enum { ACCURACY, LOSS, MSE, PSNR, SSIM, FIGURES };
static const char *const figure_names[FIGURES] = {"test.accuracy", "test.loss", "test.mse", "test.psnr", "test.ssim"};

/* The runs of one model. */
typedef struct model_row {
  const hg_run_record *first;
  int seeds, done, figures[FIGURES];
  double values[FIGURES][HG_MOST_SEEDS];
  double seconds, rate;
  int epochs;
  const char *status; /* of the first run that is not done, else "done" */
} model_row;

static hg_code add_run(hg_store *store, const hg_run_record *run, model_row *row, hg_error *error) {
  row->seeds++;
  if (strcmp(run->status, "done") != 0) {
    if (strcmp(row->status, "done") == 0) row->status = run->status;
    return HG_OK;
  }
  hg_metric *metrics = NULL;
  int count = 0;
  hg_code code = hg_store_list_metrics(store, run->id, &metrics, &count, error);
  if (code != HG_OK) return code;
  for (int i = 0; i < FIGURES; i++) {
    double value = hg_metric_find(metrics, count, figure_names[i]);
    if (!isnan(value) && row->figures[i] < HG_MOST_SEEDS) row->values[i][row->figures[i]++] = value;
  }
  hg_free(metrics);
  row->done++;
  row->seconds += run->seconds;
  row->rate += run->images_per_second;
  row->epochs += run->epochs;
  return HG_OK;
}

static double mean_of(const model_row *row, int figure) {
  double sum = 0;
  for (int i = 0; i < row->figures[figure]; i++) sum += row->values[figure][i];
  return row->figures[figure] > 0 ? sum / row->figures[figure] : NAN;
}

static void add_cells(hg_text_table *table, const model_row *row, int64_t images) {
  char text[64];
  const hg_run_record *run = row->first;
  double low, high, accuracy, deviation;
  hg_seeds_interval("accuracy", row->values[ACCURACY], row->figures[ACCURACY], (hg_images_spread){images, NAN}, &accuracy,
                    &deviation, &low, &high);
  hg_text_table_cell(table, "%s", run->name);
  if (row->done == row->seeds)
    hg_text_table_cell(table, "%d", row->seeds);
  else
    hg_text_table_cell(table, "%d of %d", row->done, row->seeds);
  hg_text_table_cell(table, "%s", hg_format_figure(100 * accuracy, 2, " %", text, sizeof text));
  if (isnan(low))
    hg_text_table_cell(table, "%s", "");
  else
    hg_text_table_cell(table, "%.2f - %.2f", 100 * low, 100 * high);
  hg_text_table_cell(table, "%s", hg_format_figure(mean_of(row, LOSS), 4, "", text, sizeof text));
  hg_text_table_cell(table, "%s", hg_format_figure(mean_of(row, MSE), 5, "", text, sizeof text));
  hg_text_table_cell(table, "%s", hg_format_figure(mean_of(row, PSNR), 2, "", text, sizeof text));
  hg_text_table_cell(table, "%s", run->parameters > 0 ? hg_format_count(run->parameters, text, sizeof text) : "");
  int done = row->done > 0 ? row->done : 1;
  hg_text_table_cell(table, "%s", row->epochs > 0 ? hg_format_count((row->epochs + done / 2) / done, text, sizeof text) : "");
  hg_text_table_cell(table, "%s", row->done > 0 ? hg_format_duration(row->seconds, text, sizeof text) : "");
  hg_text_table_cell(table, "%s", row->rate > 0 ? hg_format_count(llround(row->rate / done), text, sizeof text) : "");
  bool sound = strcmp(row->status, "done") == 0;
  hg_text_table_cell(table, "%s%s%s", hg_paint_on(stdout, sound ? HG_GREEN : HG_RED), row->status, hg_paint_on(stdout, HG_PLAIN));
}

static int64_t test_images(const hg_data_record *data, int count, const char *name) {
  for (int i = 0; i < count; i++)
    if (strcmp(data[i].name, name) == 0) return data[i].test;
  return 0;
}

static hg_code add_models(hg_store *store, const hg_run_record *runs, int count, hg_text_table *table, hg_error *error) {
  hg_data_record *data = NULL;
  int data_count = 0;
  hg_code code = hg_store_list_data(store, &data, &data_count, error);
  for (int i = 0; code == HG_OK && i < count;) {
    model_row row = {.first = &runs[i], .status = "done"};
    for (; code == HG_OK && i < count && strcmp(runs[i].name, row.first->name) == 0; i++)
      code = add_run(store, &runs[i], &row, error);
    if (code == HG_OK) add_cells(table, &row, test_images(data, data_count, row.first->data));
  }
  for (int i = 0; i < data_count; i++) hg_free(data[i].class_names);
  hg_free(data);
  return code;
}

/* What is compared, in words: of each pair its accuracy, or where it has none the error on whole images. */
static bool is_printed(const hg_comparison *rows, int count, int at) {
  if (strcmp(rows[at].metric, "accuracy") == 0) return true;
  for (int i = 0; i < count; i++)
    if (strcmp(rows[i].a, rows[at].a) == 0 && strcmp(rows[i].b, rows[at].b) == 0 && strcmp(rows[i].metric, "accuracy") == 0)
      return false;
  return strcmp(rows[at].metric, "mse") == 0;
}

static hg_code print_findings(hg_store *store, hg_error *error) {
  enum { MOST = 12 };
  hg_comparison *rows = NULL;
  int count = 0, printed = 0;
  hg_code code = hg_store_get_comparisons(store, &rows, &count, error);
  for (int i = 0; code == HG_OK && i < count; i++) {
    if (rows[i].text[0] == '\0' || !is_printed(rows, count, i)) continue;
    if (printed++ < MOST) printf("%s%s\n", printed == 1 ? "\n" : "", rows[i].text);
  }
  if (printed > MOST) printf("and %d more pairs, which the page has\n", printed - MOST);
  hg_free(rows);
  return code;
}

static hg_code print_warnings(hg_store *store, hg_error *error) {
  hg_warning *warnings = NULL;
  int count = 0;
  hg_code code = hg_store_get_warnings(store, &warnings, &count, error);
  for (int i = 0; code == HG_OK && i < count; i++)
    fprintf(stderr, "%swarning:%s %s\n", hg_paint_on(stderr, HG_YELLOW), hg_paint_on(stderr, HG_PLAIN), warnings[i].message);
  hg_free(warnings);
  return code;
}

hg_code hg_results_print(hg_store *store, hg_error *error) {
  static const char *const heads[] = {"model",  ">seeds",       "test accuracy", "?95 % interval", "?>test loss", ">MSE",
                                      "?>PSNR", "?>parameters", "?>epochs",      ">time",          "?>images/s",  "status"};
  hg_run_record *runs = NULL;
  int count = 0;
  hg_code code = hg_store_list_runs(store, &runs, &count, error);
  if (code != HG_OK) return code;
  hg_text_table table;
  hg_text_table_init(&table, 12, heads);
  code = add_models(store, runs, count, &table, error);
  if (code == HG_OK) code = hg_text_table_print(&table, stdout, error);
  hg_text_table_release(&table);
  if (code == HG_OK) code = hg_choices_print(store, error);
  for (int i = 0; i < count; i++) hg_run_record_release(&runs[i]);
  hg_free(runs);
  if (code == HG_OK) code = print_findings(store, error);
  return code == HG_OK ? print_warnings(store, error) : code;
}
