/* What is found out about finished runs from what they left behind. Each step is skipped where its outcome is in the store
 * already, so a store made by an older version gains it when the study is run again. */
#ifndef HG_STUDY_ANALYSIS_H
#define HG_STUDY_ANALYSIS_H

#include "store/safetensors.h"
#include "study/runner.h"

/* All of it, for every run that is done; thumbnails and leaks of every data set. What cannot be found out (codes that are all
 * the same) becomes a warning. HG_INTERRUPTED after a stop. */
hg_code hg_runner_analyse(hg_runner *runner, hg_error *error); /* run_analysis.c */

/* ---- its steps, for one finished run */

/* Scores by class, confusion, calibration, areas under curves; from predictions.safetensors. */
hg_code hg_runner_score_classes(hg_runner *runner, const hg_planned_run *run, hg_error *error); /* run_classes.c */

/* Where the study wants this model's codes looked at: distances of classes among them; where `mapped`, codes.safetensors too. */
hg_code hg_runner_map_codes(hg_runner *runner, const hg_planned_run *run, bool mapped, hg_error *error); /* run_codes.c */
/* Drops them from a stored run where the study no longer wants them. */
hg_code hg_runner_drop_codes(hg_runner *runner, const hg_run_record *record, int model, hg_error *error); /* run_codes.c */

/* train.* and validation.* figures: a network's, as its history has them for the epoch that was kept. */
hg_code hg_runner_put_training(hg_runner *runner, const hg_planned_run *run, hg_error *error); /* run_training.c */

/* The table of several noise levels beside the median filter; denoising.safetensors. Of a network that was trained to undo one
 * kind of corruption. */
hg_code hg_runner_measure_denoising(hg_runner *runner, const hg_planned_run *run, hg_error *error); /* run_denoising.c */

/* Scores with test-time augmentation, where the study asks for it. */
hg_code hg_runner_average_views(hg_runner *runner, const hg_planned_run *run, hg_error *error); /* run_views.c */
/* Drops them from a stored run where they are of other views than the study asks for: means and comparisons would mix them. */
hg_code hg_runner_drop_views(hg_runner *runner, const hg_run_record *record, int model, hg_error *error); /* run_views.c */

/* ---- for one data set */

/* Test images in a map of codes at most, and of these on a page: a map of a short training has these alone. */
enum { HG_MAP_POINTS = 10000, HG_MAP_DRAWN = 2000 };

/* Places in the test set of the images that maps show, rising; *drawn: places among them that a page draws, in the order of the
 * thumbnails. The same for every model on the data. Both hg_malloc'ed. */
typedef struct hg_map_choice {
  int64_t count, drawn_count;
  int64_t *index; /* (count) */
  int64_t *drawn; /* (drawn_count) */
} hg_map_choice;
hg_code hg_map_choice_new(const hg_dataset *test, uint64_t seed, int64_t most, hg_map_choice *choice, hg_error *error);
void hg_map_choice_release(hg_map_choice *choice);

hg_code hg_runner_store_thumbnails(hg_runner *runner, int data, hg_error *error); /* run_thumbnails.c */

/* ---- for the study */

/* Rows for every data set, and OUT/data/NAME/leaks.safetensors; warns of test images among the training images. What was found in
 * a data set once is kept in the user's cache. HG_INTERRUPTED after a stop, the store's rows as they were. */
hg_code hg_runner_find_leaks(hg_runner *runner, hg_error *error); /* run_leaks.c */

/* Comparisons, into the store; warns of those on one seed. HG_INTERRUPTED after a stop, the store's as they were. */
hg_code hg_runner_compare(hg_runner *runner, hg_error *error); /* run_compare.c */

/* Whether a run of runner->stored is one of this model, and finished: run_findings.c */
bool hg_runner_is_done(const hg_runner *runner, const hg_run_record *record, int model);

/* ---- small help: run_analysis.c */

/* NaN where the run has no such figure. */
hg_code hg_runner_metric(hg_runner *runner, const hg_run_record *record, const char *name, double *value, hg_error *error);
/* Nothing where value is NaN. */
hg_code hg_runner_put_metric(hg_runner *runner, const hg_run_record *record, const char *name, double value, hg_error *error);

#endif
