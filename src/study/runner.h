/* Inside run.c and its parts: the runs of a study, planned and under way. */
#ifndef HG_STUDY_RUNNER_H
#define HG_STUDY_RUNNER_H

#include "eval/metrics.h"
#include "study/run.h"

#include <pthread.h>

/* One model with one seed. */
typedef struct hg_planned_run {
  int model;
  uint64_t seed;
  int needs; /* index of the planned run whose encoder or codes it takes, or -1; always an earlier one */
  char identity[65];
  hg_run_record record; /* settings owned */
} hg_planned_run;

typedef struct hg_runner {
  const hg_study *study;
  const hg_run_settings *settings;
  int threads; /* 0 = automatic */
  hg_store *store;
  hg_pool *pool;
  hg_data *data;        /* (study->data_count), all open */
  hg_planned_run *runs; /* in the order they are carried out */
  int count, current;
  pthread_mutex_t *events; /* side by side: one event at a time; NULL = alone */
  bool told_start;         /* whether the training under way has told where it began */
  hg_code worst;           /* HG_OK, HG_FAILED or HG_DIVERGED so far */
  int failed;              /* the run that first_failure tells of */
  char first_failure[640];
  hg_warning *warnings;
  size_t warning_count, warning_capacity;
  hg_run_record *stored; /* run_analysis.c: every run of the store, those of seeds that are not asked for now too */
  int stored_count;
} hg_runner;

/* Runs for a message: "a seed 1, b seed 1"; of many the first ones. */
typedef struct hg_run_names {
  int count, named; /* named: in the text */
  char text[320];
} hg_run_names;

/* ---- run_plan.c */

/* Opens every data set and lists the runs with their identities. */
hg_code hg_runner_plan(hg_runner *runner, hg_error *error);
void hg_runner_release(hg_runner *runner);
/* Removes from the store the runs that this study no longer describes, and tells which. HG_USAGE where the runs that stay and
 * those that are planned would be more than HG_MOST_SEEDS of a model. */
hg_code hg_runner_drop_strangers(hg_runner *runner, hg_error *error);

/* ---- run.c, run_lanes.c */

/* Takes up what the store knows of runner->runs[runner->current]; *done says if nothing is left to do, it being finished or
 * diverged. A finished run whose weights on the disk are not those that were trained is named in `damaged` and not done. */
hg_code hg_runner_take_up(hg_runner *runner, hg_run_names *damaged, bool *done, hg_error *error);
/* Trains or fits runner->runs[runner->current]. HG_OK also where the run failed and that is on record. */
hg_code hg_runner_carry_out(hg_runner *runner, hg_error *error);
/* Every run: small networks side by side, one thread each, all else one after the other. */
hg_code hg_runner_carry_out_all(hg_runner *runner, hg_error *error);

/* ---- one run; both fill the record's figures and write its artifacts to its folder */
hg_code hg_runner_train(hg_runner *runner, hg_planned_run *run, const char *folder, hg_error *error); /* run_network.c */
hg_code hg_runner_fit(hg_runner *runner, hg_planned_run *run, const char *folder, hg_error *error);   /* run_classical.c */

/* The network of a planned run with its final weights (for codes). */
hg_code hg_runner_trained(hg_runner *runner, const hg_planned_run *run, hg_network **network, hg_error *error);

/* Asks the caller's flag. */
bool hg_runner_stopped(const hg_runner *runner);
/* HG_INTERRUPTED after a stop, and what to do about it. */
hg_code hg_runner_go_on(const hg_runner *runner, hg_error *error);
void hg_runner_event(hg_runner *runner, hg_run_event_kind kind, const hg_progress *progress, double fraction,
                     const char *message);
void hg_runner_analyses(hg_runner *runner, const hg_planned_run *run, const char *what); /* run NULL: of the study */
void hg_run_names_add(hg_run_names *names, const hg_run_record *record);
void hg_runner_tell_removed(hg_runner *runner, const hg_run_names *names, const char *why); /* nothing where there is none */
hg_code hg_runner_warn(hg_runner *runner, hg_error *error, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- run_scores.c: what a model says about its test set. Pointers are hg_malloc'ed or NULL where the model has no such output.
 */
typedef struct hg_test_outputs {
  const hg_dataset *test;
  float *probabilities;                                  /* (N, classes) */
  float *decisions;                                      /* (N, classes): what ranks in their place; NULL: they do */
  float *mse, *psnr, *ssim;                              /* (N): reconstruction against original */
  float *noisy_mse, *noisy_psnr, *noisy_ssim;            /* (N): corrupted input against original */
  double loss, reconstruction_loss, classification_loss; /* NaN where there is none */
  bool loss_is_log_loss;                                 /* logistic regression and naive Bayes: what they are fitted by */
} hg_test_outputs;

hg_code hg_test_outputs_of_network(hg_runner *runner, const hg_planned_run *run, hg_network *network, hg_test_outputs *outputs,
                                   hg_error *error);
void hg_test_outputs_release(hg_test_outputs *outputs);
/* Metrics into the store, predictions.safetensors into the folder. */
hg_code hg_test_outputs_store(hg_runner *runner, hg_planned_run *run, const hg_test_outputs *outputs, const char *folder,
                              hg_error *error);
/* samples.safetensors: a fixed choice of test images, then the worst mistakes. network: NULL for classical models. */
hg_code hg_samples_store(hg_runner *runner, const hg_planned_run *run, const hg_test_outputs *outputs, hg_network *network,
                         const char *folder, hg_error *error); /* run_samples.c */

/* What a network's input goes through in the test. The same for every seed, so that runs can be compared image by image. */
uint64_t hg_runner_test_seed(const hg_runner *runner, const hg_planned_run *run);

/* ---- run_findings.c: leaks, comparisons, published figures, warnings, over every run of the store and not this call's alone.
 * HG_INTERRUPTED after a stop: leaks and comparisons, and what was warned of with them, are then as they were. */
hg_code hg_runner_conclude(hg_runner *runner, hg_error *error);

#endif
