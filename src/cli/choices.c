/* What the validation images chose of each sweep, below the table of a run. */
#include "base/alloc.h"
#include "cli/study.h"
#include "report/report.h"

#include <stdio.h>
#include <string.h>

static void print_choice(const hg_choice *c) {
  if (c->apart != NULL) {
    printf("%s by %s: nothing is chosen, for the points differ in `%s` and their validation scores do not compare\n", c->model,
           c->settings, c->apart);
    return;
  }
  bool accuracy = strcmp(c->metric, "validation.accuracy") == 0, one = strchr(c->value, '=') == NULL;
  char score[32], tie[48] = "";
  hg_format_figure(accuracy ? 100 * c->score : c->score, accuracy ? 2 : 5, accuracy ? " %" : "", score, sizeof score);
  if (c->tied > 1) snprintf(tie, sizeof tie, "the first of %d with ", c->tied);
  printf("%s, chosen on validation: %s%s%s (%s%s %s, of %d points)\n", c->model, one ? c->settings : "", one ? " " : "", c->value,
         tie,
         strcmp(c->metric, "validation.mse") == 0 ? "MSE"
         : accuracy                               ? "accuracy"
                                                  : "loss",
         score, c->points);
}

hg_code hg_choices_print(hg_store *store, hg_error *error) {
  hg_choice *choices = NULL;
  int count = 0;
  hg_code code = hg_report_choices(store, &choices, &count, error);
  for (int i = 0; code == HG_OK && i < count; i++) print_choice(&choices[i]);
  hg_free(choices);
  return code;
}
