/* What several commands do with a study file and its results. */
#ifndef HG_CLI_STUDY_H
#define HG_CLI_STUDY_H

#include "cli/options.h"
#include "store/store.h"
#include "study/study.h"

/* Reads operand 0 with every --set applied. */
hg_code hg_arguments_study(const hg_arguments *arguments, hg_study **study, hg_error *error);

/* results.c: one row a model, means over its seeds, to standard output. */
hg_code hg_results_print(hg_store *store, hg_error *error);

/* choices.c: what the validation images chose of each sweep, to standard output. */
hg_code hg_choices_print(hg_store *store, hg_error *error);

/* report.json's object, to standard output. */
hg_code hg_results_print_json(hg_store *store, hg_error *error);

/* HG_USAGE with "did you mean" where the folder has no run of this model. */
hg_code hg_results_have_model(hg_store *store, const char *model, hg_error *error);

/* classes.c: the figures by class of every finished run of a model, as scikit-learn prints them, to standard output. HG_USAGE
 * where the store has no such model, none of its runs is done, or it is no classifier. */
hg_code hg_classes_print(hg_store *store, const char *model, hg_error *error);

/* The value of a metric, or NaN. */
double hg_metric_find(const hg_metric *metrics, int count, const char *name);

/* "92.41 %": the value with so many decimals and the unit; an empty text for NaN. */
const char *hg_format_figure(double value, int decimals, const char *unit, char *buffer, size_t size);

#endif
