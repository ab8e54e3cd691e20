/* One pool of threads for the whole program.
 *
 * Work is cut by the caller into tasks whose number depends on shapes alone, never on the number of threads; a task owns
 * its outputs. So which thread takes which task cannot change a result. */
#ifndef HG_BASE_PARALLEL_H
#define HG_BASE_PARALLEL_H

#include "base/status.h"

#include <stdbool.h>

typedef struct hg_pool hg_pool;

enum { HG_MOST_THREADS = 1024 };

/* Threads this process may use: the affinity mask, cut to the cgroup's CPU quota (v1 and v2), at least 1. */
int hg_threads_available(void);

/* A pool of `threads` workers, the caller's thread among them, but of no more than hg_threads_available(): more would only
 * wait for each other's processors. 0 = as many as that. */
hg_code hg_pool_new(int threads, hg_pool **pool, hg_error *error);
void hg_pool_free(hg_pool *pool);
int hg_pool_threads(const hg_pool *pool); /* that it runs; 1 for NULL */

/* For tests: true = pools made from now on have every thread they are asked for. */
void hg_pool_oversubscribe(bool allowed);

/* Calls task(context, index, worker) once for each index in [0, count), worker in [0, hg_pool_threads).
 * Returns when all are done. Each thread begins with its own stretch of the tasks, the same one for the same count, so that
 * what a task leaves in its processor's caches is there for the task of that place in the next call; who has done all of
 * them takes from another's end. A thread that sleeps, or waits for its processor, keeps nobody waiting.
 * A NULL pool runs them here, in order. Must not be nested, nor called from two threads at once.
 * In tasks, numbers below the least normal one (base/denormal.h) count as zero, on any number of threads. */
typedef void hg_task(void *context, int64_t index, int worker);
void hg_parallel_for(hg_pool *pool, int64_t count, hg_task *task, void *context);

/* Calls task(context, first, last) over pieces of [0, count), each `piece` long but the last, spread over the pool. */
typedef void hg_range_task(const void *context, int64_t first, int64_t last);
void hg_parallel_range(hg_pool *pool, int64_t count, int64_t piece, hg_range_task *task, const void *context);

/* Samples that make a worthwhile task when one sample touches `values` floats. */
int64_t hg_samples_per_task(int64_t values);

#endif
