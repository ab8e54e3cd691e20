/* The seven networks that are timed, A to G. */
#ifndef HG_BENCH_NETWORKS_H
#define HG_BENCH_NETWORKS_H

#include "hourglass.h"

/* A new network with its losses and weights set; NULL with the cause in *error. `id` is A to G, and may go on with w and
 * the width in percent (of every layer but the last) and d and how often each convolution stands in a row: Dw200, Dd3. */
hg_network *bench_network(const char *id, hg_engine engine, hg_error *error);

#endif
