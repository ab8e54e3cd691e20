/* What a study found, from its store alone: report.json for scripts and report.html for people. */
#ifndef HG_REPORT_REPORT_H
#define HG_REPORT_REPORT_H

#include "store/store.h"

/* The object of report.json as text, hg_malloc'ed. Numbers are the shortest that read back the same; NaN and infinities are
 * null. A metric "test.accuracy" stands as "accuracy" in the run's object "test". */
hg_code hg_report_json(hg_store *store, char **text, hg_error *error);

/* What the validation set chose of a sweep. The model that is varied is a point too, with the values it has itself. */
typedef struct hg_choice {
  char model[HG_NAME_SIZE], settings[HG_NAME_SIZE]; /* "cnn", "epochs and learning_rate" */
  char chosen[HG_NAME_SIZE];                        /* the point's model: "cnn[epochs=8,learning_rate=0.01]", or "cnn" */
  char value[HG_NAME_SIZE];                         /* "8", or of several settings "epochs=8, learning_rate=0.01" */
  char metric[32];                                  /* validation.accuracy, or validation.loss of what does not classify */
  double score;                                     /* of the chosen point, mean over its seeds */
  int points;                                       /* with a score */
  int tied;                                         /* of them with the chosen one's, which is the first; itself among them */
  const char *apart; /* what the points differ in, so that scores do not compare and nothing is chosen ("data"); else NULL */
} hg_choice;

/* Of every sweep with validation scores, in the study's order; *rows is hg_malloc'ed. */
hg_code hg_report_choices(hg_store *store, hg_choice **rows, int *count, hg_error *error);

/* One warning for each finished run whose predictions are missing or damaged; they stand among those of page and report.json.
 * *rows is the caller's to hg_free, after a failure too. */
hg_code hg_report_damage(hg_store *store, hg_warning **rows, int *count, hg_error *error);

/* Writes OUT/report.json atomically. */
hg_code hg_report_write_json(hg_store *store, hg_error *error);

/* Writes OUT/report.html atomically: one file that needs no network. Predictions and samples are read from the runs'
 * folders; a run without them is shown without them. */
hg_code hg_report_write_page(hg_store *store, hg_error *error);

/* Writes every figure of the page into a folder, made if need be: NAME.vl.json, its Vega-Lite specification, and NAME.csv, its
 * data; and, where Chromium or Chrome is found in PATH (*drawn), NAME.svg, NAME.png and NAME.pdf; without, NAME.png of grids of
 * images, pixel for pixel and without words. *count: figures. HG_FAILED if the browser fails; specifications and data are
 * written by then, and, where it only cannot draw some figures, all files of the others. HG_INTERRUPTED once *stop is not 0,
 * which a signal may make it (NULL: never); files are whole or not there. */
hg_code hg_report_write_figures(hg_store *store, const char *folder, const volatile int *stop, int *count, bool *drawn,
                                hg_error *error);

#endif
