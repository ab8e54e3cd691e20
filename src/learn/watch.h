/* How a caller follows a fit, and stops it. */
#ifndef HG_LEARN_WATCH_H
#define HG_LEARN_WATCH_H

#include "base/status.h"

typedef struct hg_watch {
  bool (*progress)(void *context, double fraction); /* called from worker 0; false stops. May be NULL */
  void *context;
  int64_t total; /* steps, of any size */
  _Atomic int64_t done;
  _Atomic bool stopped;
} hg_watch;

/* False once the fit is to stop. May be called from any worker; the watch may be NULL. */
bool hg_watch_go_on(hg_watch *watch, int worker);
void hg_watch_add(hg_watch *watch, int64_t steps);
hg_code hg_fit_interrupted(hg_error *error); /* HG_INTERRUPTED, with what becomes of the fit */
/* The same where it was stopped, else HG_OK. */
hg_code hg_watch_outcome(const hg_watch *watch, hg_error *error);

#endif
