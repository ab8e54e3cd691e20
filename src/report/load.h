/* Everything a report tells, read from the store in one go. */
#ifndef HG_REPORT_LOAD_H
#define HG_REPORT_LOAD_H

#include "report/report.h"

typedef struct hg_report_run {
  hg_run_record record;
  hg_epoch *epochs;
  hg_metric *metrics; /* by name */
  hg_layer_row *layers;
  hg_class_row *classes;
  hg_confusion_cell *confusion; /* cells that are not 0 */
  hg_calibration_row *calibration;
  hg_denoising_row *denoising;
  int epoch_count, metric_count, layer_count, class_count, confusion_count, calibration_count, denoising_count;
} hg_report_run;

typedef struct hg_report {
  char *name, *about, *yaml, *yaml_path, *version, *threads, *instruction_set, *command, *seeds, *started,
      *rows;           /* "" if absent */
  hg_report_run *runs; /* by position, then seed */
  hg_warning *warnings;
  hg_comparison *comparisons;
  hg_published *published;
  hg_data_record *data;
  hg_leak_row *leaks;
  int run_count, warning_count, comparison_count, published_count, data_count, leak_count;
} hg_report;

hg_code hg_report_load(hg_store *store, hg_report *report, hg_error *error);
void hg_report_release(hg_report *report);

bool hg_report_engine(const hg_run_record *record, char engine[HG_NAME_SIZE]); /* false: none, of a classical method */
bool hg_report_is_done(const hg_report_run *run);
double hg_report_metric(const hg_report_run *run, const char *name);                     /* NaN if absent */
const hg_data_record *hg_report_data(const hg_report *report, const hg_report_run *run); /* NULL if absent */

/* report.h's hg_report_damage, of what is loaded; *rows is the caller's to hg_free, after a failure too. */
hg_code hg_report_find_damage(hg_store *store, const hg_report *report, hg_warning **rows, int *count, hg_error *error);

/* report.h's hg_report_choices, of what is loaded; *rows is the caller's to hg_free, after a failure too. */
hg_code hg_report_choices_of(const hg_report *report, hg_choice **rows, int *count, hg_error *error);

#endif
