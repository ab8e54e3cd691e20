/* Shows a study under way on standard error: one line drawn over and over on a terminal, one line an epoch elsewhere. */
#ifndef HG_CLI_PROGRESS_H
#define HG_CLI_PROGRESS_H

#include "study/run.h"

/* A run under way. */
typedef struct hg_progress_line {
  int run;
  double started, from; /* clock and fraction of the run when its first progress came in: time left; 0 before */
  char validation[48];  /* "val_accuracy 0.8512", of the last finished epoch */
} hg_progress_line;

enum { HG_PROGRESS_LINES = 64 };

typedef struct hg_progress_view {
  bool quiet, terminal, utf8;
  double drawn;                              /* seconds of the clock: the line was last drawn; 0 = there is no line */
  hg_progress_line lines[HG_PROGRESS_LINES]; /* the first is the one that is drawn */
  int count;
  int analysed; /* elsewhere than on a terminal: the run whose analysis was told last; 0 = none */
} hg_progress_view;

void hg_progress_view_init(hg_progress_view *view, bool quiet);
/* An event of hg_study_run; context is the view. */
void hg_progress_view_event(void *context, const hg_run_event *event);
/* Takes the line away. */
void hg_progress_view_clear(hg_progress_view *view);

#endif
