/* What a study found, from its store alone: report.json for scripts and report.html for people. */
#ifndef HG_REPORT_REPORT_H
#define HG_REPORT_REPORT_H

#include "store/store.h"

/* The object of report.json as text, hg_malloc'ed. Numbers are the shortest that read back the same; NaN and infinities are
 * null. A metric "test.accuracy" stands as "accuracy" in the run's object "test". */
hg_code hg_report_json(hg_store *store, char **text, hg_error *error);

/* Writes OUT/report.json atomically. */
hg_code hg_report_write_json(hg_store *store, hg_error *error);

/* Writes OUT/report.html atomically: one file that needs no network. Predictions and samples are read from the runs'
 * folders; a run without them is shown without them. */
hg_code hg_report_write_page(hg_store *store, hg_error *error);

/* Writes every figure of the page into a folder, made if need be: NAME.vl.json, its Vega-Lite specification, and NAME.csv, its
 * data; and, where Chromium or Chrome is found in PATH (*drawn), NAME.svg, NAME.png and NAME.pdf. *count: figures. HG_FAILED
 * if the browser fails; specifications and data are written by then. */
hg_code hg_report_write_figures(hg_store *store, const char *folder, int *count, bool *drawn, hg_error *error);

#endif
