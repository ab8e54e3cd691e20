/* The seven networks that are timed, A to G. */
#ifndef HG_BENCH_NETWORKS_H
#define HG_BENCH_NETWORKS_H

#include "hourglass.h"

/* A new network with its losses set, not yet initialised; NULL with the cause in *error. `id` is 'A' to 'G'. */
hg_network *bench_network(char id, hg_error *error);

#endif
