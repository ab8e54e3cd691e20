#define _GNU_SOURCE
#include "base/parallel.h"

#include "base/alloc.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define RELAX() _mm_pause()
#else
#define RELAX() ((void)0)
#endif

/* A worker looks this often for new work before it sleeps; about 20 microseconds. Steps of a network follow each other
 * faster than that, and waking a sleeper costs more. */
enum { SPINS = 2000, LINE = 64 };

struct hg_pool {
  int threads;
  bool oversubscribed; /* more threads than processors: spinning would take time from those who work */
  pthread_t *handles;
  hg_task *task;
  void *context;
  int64_t count;
  bool stop;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  int sleepers;
  _Alignas(LINE) atomic_uint generation;
  _Alignas(LINE) atomic_int_least64_t next;
  _Alignas(LINE) atomic_int finished;
};

typedef struct worker {
  hg_pool *pool;
  int index;
} worker;

static double read_quota(const char *path, const char *period_path) {
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  char first[32];
  double period = 0;
  int fields = fscanf(file, "%31s %lf", first, &period);
  fclose(file);
  double quota;
  if (fields < 1 || sscanf(first, "%lf", &quota) != 1 || quota <= 0) return 0;
  if (period_path != NULL) {
    file = fopen(period_path, "r");
    if (file == NULL) return 0;
    fields = fscanf(file, "%lf", &period) == 1 ? 2 : 1;
    fclose(file);
  }
  return fields == 2 && period > 0 ? quota / period : 0;
}

int hg_threads_available(void) {
  cpu_set_t set;
  int cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  double quota = read_quota("/sys/fs/cgroup/cpu.max", NULL);
  if (quota <= 0) quota = read_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (quota > 0 && quota < cpus) cpus = (int)(quota + 0.999);
  return cpus < 1 ? 1 : cpus;
}

static void take_tasks(hg_pool *pool, int index) {
  for (;;) {
    int64_t task = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
    if (task >= pool->count) return;
    pool->task(pool->context, task, index);
  }
}

/* Waits until the generation differs from `seen`, spinning first. */
static unsigned wait_for_work(hg_pool *pool, unsigned seen) {
  int spins = pool->oversubscribed ? 1 : SPINS;
  for (int i = 0; i < spins; i++) {
    unsigned now = atomic_load_explicit(&pool->generation, memory_order_acquire);
    if (now != seen) return now;
    RELAX();
  }
  pthread_mutex_lock(&pool->mutex);
  pool->sleepers++;
  unsigned now;
  while ((now = atomic_load_explicit(&pool->generation, memory_order_acquire)) == seen)
    pthread_cond_wait(&pool->wake, &pool->mutex);
  pool->sleepers--;
  pthread_mutex_unlock(&pool->mutex);
  return now;
}

static void *work(void *argument) {
  worker me = *(worker *)argument;
  hg_free(argument);
  unsigned seen = 0;
  for (;;) {
    seen = wait_for_work(me.pool, seen);
    if (me.pool->stop) return NULL;
    take_tasks(me.pool, me.index);
    atomic_fetch_add_explicit(&me.pool->finished, 1, memory_order_release);
  }
}

static void publish(hg_pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
  if (pool->sleepers > 0) pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->mutex);
}

void hg_parallel_for(hg_pool *pool, int64_t count, hg_task *task, void *context) {
  if (pool == NULL || pool->threads == 1 || count <= 1) {
    for (int64_t i = 0; i < count; i++) task(context, i, 0);
    return;
  }
  pool->task = task;
  pool->context = context;
  pool->count = count;
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  atomic_store_explicit(&pool->finished, 0, memory_order_relaxed);
  publish(pool);
  take_tasks(pool, 0);
  for (int spins = 0; atomic_load_explicit(&pool->finished, memory_order_acquire) < pool->threads - 1; spins++) {
    if (pool->oversubscribed || spins > SPINS)
      sched_yield();
    else
      RELAX();
  }
}

static hg_code start_workers(hg_pool *pool, hg_error *error) {
  for (int i = 1; i < pool->threads; i++) {
    worker *me = hg_malloc(sizeof *me);
    if (me == NULL) return hg_fail_memory(error, "thread pool", sizeof *me);
    *me = (worker){pool, i};
    if (pthread_create(&pool->handles[i], NULL, work, me) != 0) {
      hg_free(me);
      pool->threads = i;
      return hg_fail(error, HG_FAILED, "thread pool", "cannot start thread %d; ask for fewer with --threads", i + 1);
    }
  }
  return HG_OK;
}

hg_code hg_pool_new(int threads, hg_pool **out, hg_error *error) {
  enum { MOST = 1024 };
  *out = NULL;
  int available = hg_threads_available();
  if (threads == 0) threads = available;
  if (threads < 0 || threads > MOST)
    return hg_fail(error, HG_USAGE, "threads", "%d threads: give 0 (automatic) to %d", threads, MOST);
  hg_pool *pool = hg_alloc_aligned(sizeof *pool);
  if (pool == NULL) return hg_fail_memory(error, "thread pool", sizeof *pool);
  pool->threads = threads;
  pool->oversubscribed = threads > available;
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->wake, NULL);
  pool->handles = hg_calloc((size_t)threads, sizeof *pool->handles);
  hg_code code = pool->handles == NULL ? hg_fail_memory(error, "thread pool", sizeof(pthread_t)) : HG_OK;
  if (pool->handles == NULL) pool->threads = 1;
  if (code == HG_OK) code = start_workers(pool, error);
  if (code != HG_OK) {
    hg_pool_free(pool);
    return code;
  }
  *out = pool;
  return HG_OK;
}

void hg_pool_free(hg_pool *pool) {
  if (pool == NULL) return;
  pool->stop = true;
  publish(pool);
  for (int i = 1; i < pool->threads; i++) pthread_join(pool->handles[i], NULL);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->mutex);
  hg_free(pool->handles);
  hg_free_aligned(pool);
}

int hg_pool_threads(const hg_pool *pool) { return pool == NULL ? 1 : pool->threads; }
