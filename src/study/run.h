/* Carries out a study: every model once per seed, in the order of the graph, skipping what is done. */
#ifndef HG_STUDY_RUN_H
#define HG_STUDY_RUN_H

#include "store/store.h"
#include "study/study.h"

typedef enum hg_run_event_kind {
  HG_RUN_REMOVED, /* before all runs: which stored ones go, being no longer what the study describes; model "" */
  HG_RUN_STARTED,
  HG_RUN_RESUMED, /* goes on from a checkpoint; progress tells the first step after it */
  HG_RUN_SKIPPED, /* done before, or diverged before */
  HG_RUN_PROGRESS,
  HG_RUN_EPOCH,
  HG_RUN_DONE,
  HG_RUN_FAILED,
  HG_RUN_ANALYSED /* after all runs: what is about to be found out, of one model or (model "") of the study */
} hg_run_event_kind;

/* For whoever shows it: the program prints, the library only tells. */
typedef struct hg_run_event {
  hg_run_event_kind kind;
  const char *model;
  uint64_t seed;
  int run, runs;               /* from 1 */
  const hg_progress *progress; /* PROGRESS, EPOCH, RESUMED: networks; NULL for classical ones */
  double fraction;             /* PROGRESS: of this run, in [0, 1] */
  const hg_run_record *record; /* DONE, SKIPPED, FAILED */
  const char *message;         /* DONE: its main figure in words, "test accuracy 0.9310"; FAILED: what happened, and SKIPPED of
                                  what diverged; ANALYSED: what; REMOVED: "2 runs that the study no longer has: a seed 1, b
                                  seed 1" */
} hg_run_event;

typedef struct hg_run_settings {
  const char *out;                                         /* folder of the store */
  const char *command;                                     /* as typed, for "how to run it again"; may be NULL */
  int threads;                                             /* overrides the study's; 0 = the study's */
  const uint64_t *seeds;                                   /* overrides the study's; NULL = the study's */
  int seed_count;                                          /* at most HG_MOST_SEEDS */
  void (*event)(void *context, const hg_run_event *event); /* may be NULL; from any thread, one at a time: see below */
  void *context;
  const volatile int *stop; /* set to nonzero (by a signal handler) to stop after a checkpoint; may be NULL */
  bool *begun;              /* set to true once the folder holds this study and work on it begins; may be NULL */
} hg_run_settings;

/* Runs what is not done yet, then comparisons, published figures, warnings, report.json and report.html.
 *
 * Where there are several threads, small networks that stand next to each other and do not need each other train side by side,
 * one thread each: on more they would mostly wait. Events of such runs alternate.
 *
 * A run is done when the store holds it with the same identity: the SHA-256 of its resolved settings, its data's digest, the
 * program's version, its seed, and the identity of the run it takes an encoder or codes from. Runs of the store that this
 * study no longer describes are removed; those of its other seeds stay.
 *
 * A run that fails or diverges is recorded and does not stop those that do not need it; the code is then HG_FAILED or
 * HG_DIVERGED. What failed is tried again by the next call; what diverged would diverge again, and is not, unless its engine is
 * oneDNN or its folder was removed. HG_INTERRUPTED after a stop: the same call then goes on from the checkpoint, and ends with
 * the same weights. HG_DATA, before any work, where a data set is not there; HG_USAGE where more than HG_MOST_SEEDS seeds are
 * asked for, or would come together in the store. */
hg_code hg_study_run(const hg_study *study, const hg_run_settings *settings, hg_error *error);

/* ---- What is told of a network's layers, by `show` and on the page. *rows is hg_malloc'ed. */
hg_code hg_study_layers(const hg_network *network, hg_layer_row **rows, int *count, hg_error *error);

#endif
