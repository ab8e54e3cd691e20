/* Limited-memory BFGS (Nocedal and Wright 2006, algorithm 7.5) in double. */
#ifndef HG_LEARN_LBFGS_H
#define HG_LEARN_LBFGS_H

#include "base/status.h"

typedef struct hg_lbfgs {
  int64_t count; /* variables */
  /* The value at x; writes the gradient. */
  double (*evaluate)(void *context, const double *x, double *gradient);
  /* After every iteration; may be NULL. Anything but HG_OK ends the search and is returned. */
  hg_code (*iterated)(void *context, int iteration, hg_error *error);
  void *context;
  int max_iter;
  double tolerance; /* ends when no gradient is larger than this */
} hg_lbfgs;

/* From x to a minimum, in place. Ends too where rounding errors hide every gain, or after max_iter. */
hg_code hg_lbfgs_minimize(const hg_lbfgs *search, double *x, hg_error *error);

#endif
