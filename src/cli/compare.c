/* `hourglass compare A B`: two models, or all that two folders share, side by side, and which difference is real. */
#include "eval/compare.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/utf8.h"
#include "cli/study.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "eval/metrics.h"
#include "study/compare.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

enum { FOLDER = 512 };

/* An operand: DIR, DIR:MODEL, or :MODEL for the first operand's folder. */
typedef struct side {
  char folder[FOLDER], model[HG_NAME_SIZE]; /* model: "" = all */
  hg_store *store;
} side;

/* What is told of one model beside its scores. */
typedef struct effort {
  int seeds; /* done */
  int64_t parameters, images;
  double seconds, images_per_second; /* means */
} effort;

typedef struct pair {
  char name[2][HG_NAME_SIZE]; /* as shown */
  effort efforts[2];
  hg_comparison rows[HG_MOST_COMPARED];
  double low[2][HG_MOST_COMPARED], high[2][HG_MOST_COMPARED]; /* of each side's score; NaN = unknown */
  int count;
} pair;

typedef struct comparison {
  side sides[2];
  hg_pool *pool;
  pair *pairs;
  size_t capacity;
  int count;
} comparison;

/* ---------------------------------------------------------------- operands */

static bool is_store(const char *folder) {
  char *path = hg_path_join(folder, "study.db");
  bool there = path != NULL && hg_path_exists(path);
  hg_free(path);
  return there;
}

static hg_code read_side(const char *text, const side *first, side *made, hg_error *error) {
  const char *colon = strrchr(text, ':');
  bool whole = colon == NULL || is_store(text);
  if (whole && !hg_path_exists(text))
    return hg_fail(error, HG_USAGE, text, "no such folder; a model of a results folder is written DIR:MODEL");
  if (colon == text && first == NULL)
    return hg_fail(error, HG_USAGE, text, "names no folder; the first model is written DIR:MODEL");
  int length = whole ? (int)strlen(text) : (int)(colon - text);
  const char *folder = length == 0 && first != NULL ? first->folder : text;
  if (folder != text) length = (int)strlen(folder);
  if (length >= FOLDER || (!whole && strlen(colon + 1) >= HG_NAME_SIZE)) return hg_fail(error, HG_USAGE, text, "is too long");
  if (!whole && colon[1] == '\0') return hg_fail(error, HG_USAGE, text, "names no model after the colon");
  snprintf(made->folder, sizeof made->folder, "%.*s", length, folder);
  snprintf(made->model, sizeof made->model, "%s", whole ? "" : colon + 1);
  return hg_store_open(made->folder, false, &made->store, error);
}

static hg_code read_sides(comparison *c, const hg_arguments *arguments, hg_error *error) {
  hg_code code = read_side(arguments->operands[0], NULL, &c->sides[0], error);
  if (code == HG_OK) code = read_side(arguments->operands[1], &c->sides[0], &c->sides[1], error);
  for (int s = 0; code == HG_OK && s < 2; s++)
    if (c->sides[s].model[0] != '\0') code = hg_results_have_model(c->sides[s].store, c->sides[s].model, error);
  if (code != HG_OK) return code;
  if ((c->sides[0].model[0] == '\0') != (c->sides[1].model[0] == '\0'))
    return hg_fail(error, HG_USAGE, "compare", "name a model on both sides (DIR:MODEL) or on neither (DIR)");
  if (c->sides[0].model[0] == '\0' && strcmp(c->sides[0].folder, c->sides[1].folder) == 0)
    return hg_fail(error, HG_USAGE, "compare", "both sides are %s; name two of its models: %s:MODEL :MODEL", c->sides[0].folder,
                   c->sides[0].folder);
  return HG_OK;
}

/* ---------------------------------------------------------------- one pair */

static bool is_done(const hg_run_record *run, const char *model) {
  return strcmp(run->name, model) == 0 && strcmp(run->status, "done") == 0;
}

/* Whether this run is one of those that the comparison pairs. */
static bool is_used(const hg_testimony *own, const hg_testimony *other, uint64_t seed) {
  if (!own->draws || !other->draws) return true;
  for (int i = 0; i < other->seeds; i++)
    if (other->seed[i] == seed) return true;
  return false;
}

static hg_code find_interval(const side *of, const char *model, const hg_run_record *runs, int count, const hg_testimony *own,
                             const hg_testimony *other, const char *metric, int64_t images, double *low, double *high,
                             hg_error *error) {
  char name[HG_FIGURE_NAME], spread_name[HG_FIGURE_NAME];
  double values[HG_MOST_SEEDS], mean, deviation;
  hg_images_spread spread = {images, NAN};
  int found = 0;
  snprintf(name, sizeof name, "test.%s", metric);
  for (int i = 0; i < count && found < HG_MOST_SEEDS; i++) {
    if (!is_done(&runs[i], model) || !is_used(own, other, runs[i].seed)) continue;
    hg_metric *metrics = NULL;
    int metric_count = 0;
    hg_code code = hg_store_list_metrics(of->store, runs[i].id, &metrics, &metric_count, error);
    if (code != HG_OK) return code;
    values[found] = hg_metric_find(metrics, metric_count, name);
    spread.deviation = hg_metric_find(metrics, metric_count, hg_deviation_name(name, spread_name));
    found += !isnan(values[found]);
    hg_free(metrics);
  }
  hg_seeds_interval(metric, values, found, spread, &mean, &deviation, low, high);
  return HG_OK;
}

static void find_effort(const hg_run_record *runs, int count, const char *model, effort *e) {
  for (int i = 0; i < count; i++) {
    if (!is_done(&runs[i], model)) continue;
    e->seeds++;
    if (e->seeds == 1) e->parameters = runs[i].parameters; /* support vectors differ from seed to seed */
    e->seconds += runs[i].seconds;
    e->images_per_second += runs[i].images_per_second;
  }
  if (e->seeds == 0) return;
  e->seconds /= e->seeds;
  e->images_per_second /= e->seeds;
}

static int64_t images_of(const hg_testimony *testimony) {
  const hg_named_tensor *of_each = hg_safetensors_find(&testimony->files[0], "labels");
  if (of_each == NULL) of_each = hg_safetensors_find(&testimony->files[0], "reconstruction_mse");
  return of_each == NULL ? 0 : of_each->dim[0];
}

static hg_code describe_side(comparison *c, int s, const char *model, const hg_testimony *own, const hg_testimony *other,
                             pair *made, hg_error *error) {
  hg_run_record *runs = NULL;
  int count = 0;
  hg_code code = hg_store_list_runs(c->sides[s].store, &runs, &count, error);
  find_effort(runs, count, model, &made->efforts[s]);
  for (int i = 0; code == HG_OK && i < made->count; i++)
    code = find_interval(&c->sides[s], model, runs, count, own, other, made->rows[i].metric, images_of(own), &made->low[s][i],
                         &made->high[s][i], error);
  for (int i = 0; i < count; i++) hg_run_record_release(&runs[i]);
  hg_free(runs);
  return code;
}

static void name_pair(const comparison *c, const char *a, const char *b, pair *made) {
  bool one_folder = strcmp(c->sides[0].folder, c->sides[1].folder) == 0;
  const char *const models[] = {a, b};
  for (int s = 0; s < 2; s++) {
    const char *slash = strrchr(c->sides[s].folder, '/');
    const char *folder = slash != NULL && slash[1] != '\0' ? slash + 1 : c->sides[s].folder;
    snprintf(made->name[s], HG_NAME_SIZE, one_folder ? "%.0s%.62s" : "%.30s:%.31s", folder, models[s]);
  }
  if (strcmp(made->name[0], made->name[1]) != 0) return;
  for (int s = 0; s < 2; s++) snprintf(made->name[s], HG_NAME_SIZE, "%c:%.61s", "AB"[s], models[s]);
}

static hg_code add_pair(comparison *c, const char *a, const char *b, hg_error *error) {
  if (!hg_grow(&c->pairs, &c->capacity, (size_t)c->count + 1, sizeof *c->pairs))
    return hg_fail_memory(error, "comparison", sizeof *c->pairs);
  pair *made = &c->pairs[c->count];
  memset(made, 0, sizeof *made);
  name_pair(c, a, b, made);
  hg_testimony of_a = {0}, of_b = {0};
  hg_code code = hg_testimony_read(c->sides[0].store, a, NULL, &of_a, error);
  if (code == HG_OK) code = hg_testimony_read(c->sides[1].store, b, NULL, &of_b, error);
  if (code == HG_OK) {
    snprintf(of_a.name, sizeof of_a.name, "%s", made->name[0]);
    snprintf(of_b.name, sizeof of_b.name, "%s", made->name[1]);
    code = hg_compare_models(&of_a, &of_b, c->pool, made->rows, &made->count, error);
  }
  if (code == HG_OK && made->count == 0)
    fprintf(stderr, "%s and %s cannot be compared: their test images or their outputs are not the same\n", made->name[0],
            made->name[1]);
  if (code == HG_OK) code = describe_side(c, 0, a, &of_a, &of_b, made, error);
  if (code == HG_OK) code = describe_side(c, 1, b, &of_b, &of_a, made, error);
  if (code == HG_OK && made->count > 0) c->count++;
  hg_testimony_release(&of_a);
  hg_testimony_release(&of_b);
  return code;
}

static bool has_done(const hg_run_record *runs, int count, const char *model) {
  for (int i = 0; i < count; i++)
    if (is_done(&runs[i], model)) return true;
  return false;
}

/* Every model that both folders have done, in the order of the first. */
static hg_code add_shared(comparison *c, hg_error *error) {
  hg_run_record *runs[2] = {NULL, NULL};
  int counts[2] = {0, 0};
  hg_code code = hg_store_list_runs(c->sides[0].store, &runs[0], &counts[0], error);
  if (code == HG_OK) code = hg_store_list_runs(c->sides[1].store, &runs[1], &counts[1], error);
  for (int i = 0; code == HG_OK && i < counts[0]; i++) {
    const char *model = runs[0][i].name;
    bool seen = has_done(runs[0], i, model);
    if (is_done(&runs[0][i], model) && !seen && has_done(runs[1], counts[1], model)) code = add_pair(c, model, model, error);
  }
  for (int s = 0; s < 2; s++) {
    for (int i = 0; i < counts[s]; i++) hg_run_record_release(&runs[s][i]);
    hg_free(runs[s]);
  }
  return code;
}

/* Holm's correction is over all pairs, so their rows are brought together for it. */
static hg_code conclude(comparison *c, hg_error *error) {
  size_t room = (size_t)c->count * HG_MOST_COMPARED + 1;
  hg_comparison *rows = hg_calloc(room, sizeof *rows);
  if (rows == NULL) return hg_fail_memory(error, "comparison", room * sizeof *rows);
  int count = 0, at = 0;
  for (int p = 0; p < c->count; p++)
    for (int i = 0; i < c->pairs[p].count; i++) rows[count++] = c->pairs[p].rows[i];
  hg_code code = hg_comparisons_conclude(rows, count, error);
  for (int p = 0; p < c->count; p++)
    for (int i = 0; i < c->pairs[p].count; i++) c->pairs[p].rows[i] = rows[at++];
  hg_free(rows);
  return code;
}

/* ---------------------------------------------------------------- in the terminal */

static int decimals_of(const char *metric) { return hg_metric_is_share(metric) || strcmp(metric, "psnr") == 0 ? 2 : 5; }

static void add_interval(hg_text_table *table, const char *metric, double low, double high) {
  double unit = hg_metric_is_share(metric) ? 100 : 1;
  int decimals = decimals_of(metric);
  if (isnan(low))
    hg_text_table_cell(table, "%s", "");
  else
    hg_text_table_cell(table, "%.*f - %.*f", decimals, unit * low, decimals, unit * high);
}

static void add_p(hg_text_table *table, double p) {
  if (isnan(p))
    hg_text_table_cell(table, "%s", "");
  else
    hg_text_table_cell(table, p < 0.0001 ? "< 0.0001" : "%.4f", p);
}

static void add_row(hg_text_table *table, const pair *p, int i) {
  const hg_comparison *row = &p->rows[i];
  double unit = hg_metric_is_share(row->metric) ? 100 : 1;
  hg_text_table_cell(table, hg_metric_is_share(row->metric) ? "%s, %%" : "%s", row->metric);
  hg_text_table_cell(table, "%.*f", decimals_of(row->metric), unit * row->value_a);
  hg_text_table_cell(table, "%.*f", decimals_of(row->metric), unit * row->value_b);
  hg_text_table_cell(table, hg_metric_is_share(row->metric) ? "%+.2f" : "%+.4g", unit * row->difference);
  hg_text_table_cell(table, hg_metric_is_share(row->metric) ? "%+.2f to %+.2f" : "%+.4g to %+.4g", unit * row->low,
                     unit * row->high);
  hg_text_table_cell(table, "%s", row->test);
  add_p(table, row->p_value);
  add_p(table, row->p_holm);
  for (int s = 0; s < 2; s++) add_interval(table, row->metric, p->low[s][i], p->high[s][i]);
}

static hg_code print_scores(const pair *p, hg_error *error) {
  char value[2][HG_NAME_SIZE + 1], interval[2][HG_NAME_SIZE + 8];
  for (int i = 0; i < 2; i++) {
    snprintf(value[i], sizeof value[i], ">%s", p->name[i]);
    snprintf(interval[i], sizeof interval[i], "?%s, 95 %%", p->name[i]);
  }
  const char *const heads[] = {"score", value[0], value[1],     ">difference", "?95 % interval",
                               "?test", "?>p",    ">p by Holm", interval[0],   interval[1]};
  hg_text_table table;
  hg_text_table_init(&table, 10, heads);
  for (int i = 0; i < p->count; i++) add_row(&table, p, i);
  hg_code code = hg_text_table_print(&table, stdout, error);
  hg_text_table_release(&table);
  return code;
}

static hg_code print_efforts(const pair *p, hg_error *error) {
  static const char *const heads[] = {"model", ">seeds", ">parameters", ">time a seed", ">images/s"};
  char text[64];
  hg_text_table table;
  hg_text_table_init(&table, 5, heads);
  for (int s = 0; s < 2; s++) {
    const effort *e = &p->efforts[s];
    hg_text_table_cell(&table, "%s", p->name[s]);
    hg_text_table_cell(&table, "%d", e->seeds);
    hg_text_table_cell(&table, "%s", e->parameters > 0 ? hg_format_count(e->parameters, text, sizeof text) : "");
    hg_text_table_cell(&table, "%s", hg_format_duration(e->seconds, text, sizeof text));
    hg_text_table_cell(&table, "%s",
                       e->images_per_second > 0 ? hg_format_count(llround(e->images_per_second), text, sizeof text) : "");
  }
  hg_code code = hg_text_table_print(&table, stdout, error);
  hg_text_table_release(&table);
  return code;
}

static hg_code print_all(const comparison *c, hg_error *error) {
  hg_code code = HG_OK;
  for (int p = 0; code == HG_OK && p < c->count; p++) {
    if (p > 0) putchar('\n');
    code = print_scores(&c->pairs[p], error);
    putchar('\n');
    if (code == HG_OK) code = print_efforts(&c->pairs[p], error);
    putchar('\n');
    for (int i = 0; code == HG_OK && i < c->pairs[p].count; i++) printf("%s\n", c->pairs[p].rows[i].text);
  }
  return code;
}

/* ---------------------------------------------------------------- as JSON */

static json_t *number(double value) { return isnan(value) ? json_null() : json_real(value); }

static json_t *side_json(const comparison *c, const pair *p, int s) {
  const effort *e = &p->efforts[s];
  char name[sizeof p->name[s]], folder[sizeof c->sides[s].folder];
  hg_utf8_copy(p->name[s], name, sizeof name);
  hg_utf8_copy(c->sides[s].folder, folder, sizeof folder);
  return json_pack("{s:s, s:s, s:i, s:I, s:f, s:f}", "name", name, "folder", folder, "seeds", e->seeds, "parameters",
                   (json_int_t)e->parameters, "seconds", e->seconds, "images_per_second", e->images_per_second);
}

static json_t *row_json(const pair *p, int i) {
  const hg_comparison *row = &p->rows[i];
  return json_pack("{s:s, s:s, s:i, s:f, s:o, s:o, s:f, s:o, s:o, s:f, s:o, s:o, s:o, s:o, s:s, s:s}", "metric", row->metric,
                   "test", row->test, "seeds", row->seeds, "value_a", row->value_a, "low_a", number(p->low[0][i]), "high_a",
                   number(p->high[0][i]), "value_b", row->value_b, "low_b", number(p->low[1][i]), "high_b", number(p->high[1][i]),
                   "difference", row->difference, "low", number(row->low), "high", number(row->high), "p_value",
                   number(row->p_value), "p_holm", number(row->p_holm), "verdict", row->verdict, "text", row->text);
}

static void print_json(const comparison *c) {
  json_t *list = json_array();
  for (int p = 0; p < c->count; p++) {
    json_t *scores = json_array();
    for (int i = 0; i < c->pairs[p].count; i++) json_array_append_new(scores, row_json(&c->pairs[p], i));
    json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "a", side_json(c, &c->pairs[p], 0), "b",
                                          side_json(c, &c->pairs[p], 1), "scores", scores));
  }
  json_dumpf(list, stdout, JSON_INDENT(2));
  putchar('\n');
  json_decref(list);
}

/* ---------------------------------------------------------------- */

hg_code hg_compare_command(const hg_arguments *arguments, hg_error *error) {
  comparison c = {.count = 0};
  int64_t threads = 0;
  hg_code code = hg_arguments_number(arguments, HG_OPTION_THREADS, 1, HG_MOST_THREADS, 0, &threads, error);
  if (code == HG_OK) code = read_sides(&c, arguments, error);
  if (code == HG_OK) code = hg_pool_new((int)threads, &c.pool, error);
  if (code == HG_OK)
    code = c.sides[0].model[0] != '\0' ? add_pair(&c, c.sides[0].model, c.sides[1].model, error) : add_shared(&c, error);
  if (code == HG_OK && c.count == 0)
    code = hg_fail(error, HG_USAGE, "compare", "there is nothing to compare: no model of %s stands against one of %s",
                   c.sides[0].folder, c.sides[1].folder);
  if (code == HG_OK) code = conclude(&c, error);
  if (code == HG_OK && hg_arguments_has(arguments, HG_OPTION_JSON))
    print_json(&c);
  else if (code == HG_OK)
    code = print_all(&c, error);
  hg_free(c.pairs);
  hg_pool_free(c.pool);
  for (int s = 0; s < 2; s++) hg_store_close(c.sides[s].store);
  return code;
}
