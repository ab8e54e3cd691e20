#include "learn/watch.h"

bool hg_watch_go_on(hg_watch *watch, int worker) {
  if (watch == NULL) return true;
  if (worker == 0 && watch->progress != NULL && !watch->stopped) {
    double fraction = watch->total > 0 ? (double)watch->done / (double)watch->total : 0;
    if (!watch->progress(watch->context, fraction < 1 ? fraction : 1)) watch->stopped = true;
  }
  return !watch->stopped;
}

void hg_watch_add(hg_watch *watch, int64_t steps) {
  if (watch != NULL) watch->done += steps;
}

hg_code hg_fit_interrupted(hg_error *error) {
  return hg_fail(error, HG_INTERRUPTED, "fit", "stopped; a classical method starts anew the next time");
}

hg_code hg_watch_outcome(const hg_watch *watch, hg_error *error) {
  return watch != NULL && watch->stopped ? hg_fit_interrupted(error) : HG_OK;
}
