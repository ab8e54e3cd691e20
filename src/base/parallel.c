#define _GNU_SOURCE
#include "base/parallel.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/denormal.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define RELAX() _mm_pause()
#else
#define RELAX() ((void)0)
#endif

/* The caller opens a region: it deals the tasks out to the seats and publishes an odd state. A worker that sees it takes its
 * seat and then looks again: only where the region is still open may it touch it. The caller works too, taking from any seat;
 * when nothing is left it closes the region and waits for those workers alone who have taken their seats. */
enum {
  LOOK = 32, /* looks for work between two at the clock and at who runs where */
  ALONE = 8, /* regions for which sleepers are left in peace after one woke on the caller's own processor: all others are taken
                by other programs then */
  LINE = 64
};

/* A worker looks for new work so long before it sleeps, and the caller for a worker before it yields: steps of a network follow
 * each other faster than that, and waking a sleeper takes 10 to 60 microseconds on a virtual machine. */
#define SPIN_SECONDS 100e-6

typedef struct seat {
  _Alignas(LINE) atomic_uint_least64_t left; /* tasks still to be taken: the first, and in the upper half the end */
  atomic_bool taken;
  atomic_int processor; /* on which its worker was when it sat down */
} seat;

struct hg_pool {
  int threads;
  pthread_t *handles;
  seat *seats;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  atomic_bool stop;
  atomic_int alone; /* regions still to be run without waking anybody */
  atomic_int sleepers;
  _Alignas(LINE) atomic_uint state; /* odd = a region is open */
  atomic_int processor;             /* the caller's */
  hg_task *task;
  void *context;
  int64_t first; /* of the region, added to every task's number */
};

typedef struct worker {
  hg_pool *pool;
  int index;
} worker;

static atomic_bool oversubscribe;

void hg_pool_oversubscribe(bool allowed) { atomic_store(&oversubscribe, allowed); }

/* ---------------------------------------------------------------- tasks */

static uint64_t stretch(uint64_t first, uint64_t end) { return end << 32 | first; }

/* One task from the front, or for others than its owner from the end, where the owner comes last. */
static bool take_task(seat *from, bool own, int64_t *task) {
  uint64_t left = atomic_load_explicit(&from->left, memory_order_relaxed);
  for (;;) {
    uint64_t first = left & UINT32_MAX, end = left >> 32;
    if (first >= end) return false;
    uint64_t rest = own ? stretch(first + 1, end) : stretch(first, end - 1);
    *task = (int64_t)(own ? first : end - 1);
    if (atomic_compare_exchange_weak_explicit(&from->left, &left, rest, memory_order_relaxed, memory_order_relaxed)) return true;
  }
}

static void take_tasks(hg_pool *pool, int index) {
  for (int i = 0; i < pool->threads; i++) {
    seat *from = &pool->seats[(index + i) % pool->threads];
    for (int64_t task; take_task(from, i == 0, &task);) pool->task(pool->context, pool->first + task, index);
  }
}

/* ---------------------------------------------------------------- workers */

/* How many regions were opened up to this state. */
static unsigned opened(unsigned state) { return (state + 1) / 2; }

static bool on_callers_processor(const hg_pool *pool) {
  return sched_getcpu() == atomic_load_explicit(&pool->processor, memory_order_relaxed);
}

/* Sleeps until a region is opened that was not at `state`. */
static void sleep_through(hg_pool *pool, unsigned state) {
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add(&pool->sleepers, 1);
  while (opened(atomic_load(&pool->state)) == opened(state)) pthread_cond_wait(&pool->wake, &pool->mutex);
  atomic_fetch_sub(&pool->sleepers, 1);
  pthread_mutex_unlock(&pool->mutex);
}

/* Waits for an open region other than `seen`. To spin where the caller wants to run would keep the caller from its work. */
static void wait_for_region(hg_pool *pool, unsigned seen) {
  double tired = hg_seconds_now() + SPIN_SECONDS;
  for (int looks = 0;; looks++) {
    unsigned state = atomic_load_explicit(&pool->state, memory_order_acquire);
    if (atomic_load_explicit(&pool->stop, memory_order_relaxed)) return;
    bool in_the_way = looks % LOOK == 0 && on_callers_processor(pool);
    if (in_the_way) atomic_store_explicit(&pool->alone, ALONE, memory_order_relaxed);
    if (in_the_way || (looks % LOOK == LOOK - 1 && hg_seconds_now() > tired)) {
      sleep_through(pool, state);
      tired = hg_seconds_now() + SPIN_SECONDS;
      looks = -1;
    } else if (state % 2 == 1 && state != seen) {
      return;
    } else {
      RELAX();
    }
  }
}

static void *work(void *argument) {
  worker me = *(worker *)argument;
  hg_free(argument);
  hg_pool *pool = me.pool;
  seat *mine = &pool->seats[me.index];
  hg_denormals_flush();
  for (unsigned seen = 0;;) {
    wait_for_region(pool, seen);
    if (atomic_load(&pool->stop)) return NULL;
    atomic_store_explicit(&mine->processor, sched_getcpu(), memory_order_relaxed);
    atomic_store(&mine->taken, true);
    seen = atomic_load(&pool->state); /* it may have closed, and the next one opened, meanwhile */
    if (seen % 2 == 1) take_tasks(pool, me.index);
    atomic_store_explicit(&mine->taken, false, memory_order_release);
  }
}

/* ---------------------------------------------------------------- the caller */

static void wake_sleepers(hg_pool *pool) {
  int alone = atomic_load_explicit(&pool->alone, memory_order_relaxed);
  if (alone > 0 && !atomic_load(&pool->stop)) {
    atomic_store_explicit(&pool->alone, alone - 1, memory_order_relaxed);
    return;
  }
  pthread_mutex_lock(&pool->mutex);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->mutex);
}

static void open_region(hg_pool *pool) {
  int processor = sched_getcpu();
  if (atomic_load_explicit(&pool->processor, memory_order_relaxed) != processor)
    atomic_store_explicit(&pool->processor, processor, memory_order_relaxed);
  atomic_fetch_add(&pool->state, 1);
  if (atomic_load(&pool->sleepers) > 0) wake_sleepers(pool);
}

static void wait_for(seat *other) {
  double tired = 0;
  for (int looks = 0; atomic_load(&other->taken); looks++) {
    if (looks == 0) tired = hg_seconds_now() + SPIN_SECONDS;
    bool waits_for_us = looks % LOOK == 0 && atomic_load_explicit(&other->processor, memory_order_relaxed) == sched_getcpu();
    if (waits_for_us || (looks % LOOK == LOOK - 1 && hg_seconds_now() > tired))
      sched_yield();
    else
      RELAX();
  }
}

static void run_region(hg_pool *pool, int64_t first, int64_t count, hg_task *task, void *context) {
  pool->task = task;
  pool->context = context;
  pool->first = first;
  for (int i = 0; i < pool->threads; i++)
    atomic_store_explicit(&pool->seats[i].left,
                          stretch((uint64_t)(count * i / pool->threads), (uint64_t)(count * (i + 1) / pool->threads)),
                          memory_order_relaxed);
  open_region(pool);
  take_tasks(pool, 0);
  atomic_fetch_add(&pool->state, 1);
  for (int i = 1; i < pool->threads; i++) wait_for(&pool->seats[i]);
}

void hg_parallel_for(hg_pool *pool, int64_t count, hg_task *task, void *context) {
  const int64_t most = INT32_MAX; /* that the halves of a stretch hold */
  uint64_t mode = hg_denormals_flush();
  if (pool == NULL || pool->threads == 1 || count <= 1) {
    for (int64_t i = 0; i < count; i++) task(context, i, 0);
  } else {
    for (int64_t first = 0; first < count; first += most)
      run_region(pool, first, count - first < most ? count - first : most, task, context);
  }
  hg_denormals_restore(mode);
}

/* ---------------------------------------------------------------- ranges */

typedef struct range {
  hg_range_task *task;
  const void *context;
  int64_t count, piece;
} range;

static void run_piece(void *context, int64_t index, int number) {
  (void)number;
  const range *r = context;
  int64_t first = index * r->piece;
  int64_t last = first + r->piece < r->count ? first + r->piece : r->count;
  r->task(r->context, first, last);
}

void hg_parallel_range(hg_pool *pool, int64_t count, int64_t piece, hg_range_task *task, const void *context) {
  range r = {task, context, count, piece};
  hg_parallel_for(pool, (count + piece - 1) / piece, run_piece, &r);
}

int64_t hg_samples_per_task(int64_t values) {
  enum { TASK_VALUES = 1 << 12 };
  return values >= TASK_VALUES ? 1 : TASK_VALUES / values;
}

/* ---------------------------------------------------------------- life */

static hg_code start_workers(hg_pool *pool, hg_error *error) {
  for (int i = 1; i < pool->threads; i++) {
    worker *me = hg_malloc(sizeof *me);
    int failed = me == NULL;
    if (me != NULL) {
      *me = (worker){pool, i};
      failed = pthread_create(&pool->handles[i], NULL, work, me) != 0;
    }
    if (!failed) continue;
    hg_free(me);
    pool->threads = i; /* to be joined */
    if (me == NULL) return hg_fail_memory(error, "thread pool", sizeof *me);
    return hg_fail(error, HG_FAILED, "thread pool", "cannot start thread %d; ask for fewer with --threads", i + 1);
  }
  return HG_OK;
}

hg_code hg_pool_new(int threads, hg_pool **out, hg_error *error) {
  *out = NULL;
  if (threads < 0 || threads > HG_MOST_THREADS)
    return hg_fail(error, HG_USAGE, "threads", "%d threads: give 0 (automatic) to %d", threads, HG_MOST_THREADS);
  int available = hg_threads_available();
  if (threads == 0 || (threads > available && !atomic_load(&oversubscribe))) threads = available;
  hg_pool *pool = hg_alloc_aligned(sizeof *pool);
  if (pool == NULL) return hg_fail_memory(error, "thread pool", sizeof *pool);
  pool->threads = threads;
  atomic_init(&pool->processor, -1);
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->wake, NULL);
  pool->handles = hg_calloc((size_t)threads, sizeof *pool->handles);
  pool->seats = hg_alloc_aligned((size_t)threads * sizeof *pool->seats);
  bool good = pool->handles != NULL && pool->seats != NULL;
  hg_code code = good ? HG_OK : hg_fail_memory(error, "thread pool", (size_t)threads * sizeof *pool->seats);
  if (!good) pool->threads = 1;
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
  atomic_store(&pool->stop, true);
  atomic_fetch_add(&pool->state, 1);
  wake_sleepers(pool);
  for (int i = 1; i < pool->threads; i++) pthread_join(pool->handles[i], NULL);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->mutex);
  hg_free(pool->handles);
  hg_free_aligned(pool->seats);
  hg_free_aligned(pool);
}

int hg_pool_threads(const hg_pool *pool) { return pool == NULL ? 1 : pool->threads; }
