/* Time for progress and reports; no result may depend on it. */
#ifndef HG_BASE_CLOCK_H
#define HG_BASE_CLOCK_H

/* Seconds of a clock that only goes forward, from an arbitrary start. */
double hg_seconds_now(void);

#endif
