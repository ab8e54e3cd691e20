/* What the validation images chose of each sweep, below the table of a run. */
#include "base/alloc.h"
#include "cli/study.h"
#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* "epochs and learning_rate" of cnn[epochs=3,learning_rate=0.01]; false where it is no point of this model's. */
static bool read_settings(const char *name, const char *model, char *settings, size_t size) {
  size_t length = strlen(model), used = 0;
  if (strncmp(name, model, length) != 0 || name[length] != '[') return false;
  for (const char *at = name + length; *at == '[' || *at == ','; at += strcspn(at, ",]")) {
    at++;
    used += (size_t)snprintf(settings + used, size - used, "%s%.*s", used == 0 ? "" : " and ", (int)strcspn(at, "="), at);
    if (used >= size) return false;
  }
  return used > 0;
}

static bool is_point(const char *name, const hg_choice *choice) {
  char settings[HG_NAME_SIZE];
  if (strcmp(name, choice->model) == 0) return true;
  return read_settings(name, choice->model, settings, sizeof settings) && strcmp(settings, choice->settings) == 0;
}

static hg_code add_score(hg_store *store, const hg_run_record *run, const char *metric, double *sum, int *seeds,
                         hg_error *error) {
  hg_metric *metrics = NULL;
  int count = 0;
  if (strcmp(run->status, "done") != 0) return HG_OK;
  hg_code code = hg_store_list_metrics(store, run->id, &metrics, &count, error);
  double value = code == HG_OK ? hg_metric_find(metrics, count, metric) : NAN;
  if (!isnan(value)) *sum += value, ++*seeds;
  hg_free(metrics);
  return code;
}

/* The points whose mean over seeds is that of the chosen one. */
static hg_code count_best(hg_store *store, const hg_run_record *runs, int count, const hg_choice *choice, int *best,
                          hg_error *error) {
  hg_code code = HG_OK;
  *best = 0;
  for (int i = 0; code == HG_OK && i < count;) {
    const char *name = runs[i].name;
    double sum = 0;
    int seeds = 0;
    bool point = is_point(name, choice);
    for (; code == HG_OK && i < count && strcmp(runs[i].name, name) == 0; i++)
      if (point) code = add_score(store, &runs[i], choice->metric, &sum, &seeds, error);
    *best += seeds > 0 && fabs(sum / seeds - choice->score) <= 1e-12 * fabs(choice->score);
  }
  return code;
}

static void print_choice(const hg_choice *c, int best) {
  if (c->apart != NULL) {
    printf("%s by %s: nothing is chosen, for the points differ in `%s` and their validation scores do not compare\n", c->model,
           c->settings, c->apart);
    return;
  }
  bool accuracy = strcmp(c->metric, "validation.accuracy") == 0, one = strchr(c->value, '=') == NULL;
  char score[32], tie[48] = "";
  hg_format_figure(accuracy ? 100 * c->score : c->score, accuracy ? 2 : 5, accuracy ? " %" : "", score, sizeof score);
  if (best > 1) snprintf(tie, sizeof tie, "the first of %d with ", best);
  printf("%s, chosen on validation: %s%s%s (%s%s %s, of %d points)\n", c->model, one ? c->settings : "", one ? " " : "", c->value,
         tie,
         strcmp(c->metric, "validation.mse") == 0 ? "MSE"
         : accuracy                               ? "accuracy"
                                                  : "loss",
         score, c->points);
}

hg_code hg_choices_print(hg_store *store, const hg_run_record *runs, int count, hg_error *error) {
  hg_choice *choices = NULL;
  int choice_count = 0;
  hg_code code = hg_report_choices(store, &choices, &choice_count, error);
  for (int i = 0; code == HG_OK && i < choice_count; i++) {
    int best = 0;
    if (choices[i].apart == NULL) code = count_best(store, runs, count, &choices[i], &best, error);
    if (code == HG_OK) print_choice(&choices[i], best);
  }
  hg_free(choices);
  return code;
}
