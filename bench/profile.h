/* Where the time of a network goes, step by step of its plan. */
#ifndef HG_BENCH_PROFILE_H
#define HG_BENCH_PROFILE_H

#include "net/network.h"

/* A stretch of work that comes once a batch. */
typedef struct bench_lap {
  char name[64];
  double seconds;
  double flops, done, bytes; /* of one batch; flops by the direct algorithm, done: really; bytes: the least that must be read and
                              * written, from the shapes */
} bench_lap;

enum { BENCH_MOST_LAPS = 160 };

typedef struct bench_profile {
  bench_lap laps[BENCH_MOST_LAPS]; /* making the batch, the plan's steps, in training the rest */
  int count;
  bool training;
  int batches; /* timed */
  double (*clock)(void);
  double since; /* when the lap under way began */
} bench_profile;

/* Names and sizes the steps of the plan last prepared, and hooks into it. One thread is timed by its own time on the
 * processor, so that other programs disturb it little; several by the clock on the wall. */
void bench_profile_start(bench_profile *profile, hg_network *network, int batch, int threads, bool training);
/* Ends the lap that is under way; the batch's, and what follows the last step: weights are updated as their gradients come. */
void bench_profile_batch(bench_profile *profile);
void bench_profile_optimizer(bench_profile *profile);
void bench_profile_stop(hg_network *network);

/* A Markdown table of the laps, and one row for their sum. peak: operations a second; memory: bytes a second. */
void bench_profile_print(const bench_profile *profile, double peak, double memory);

#endif
