/* The pool under strain: many short regions, odd numbers of tasks and threads, more threads than processors. */
#define _GNU_SOURCE
#include "base/alloc.h"
#include "base/clock.h"
#include "base/parallel.h"

#include <float.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { MOST_TASKS = 1000 };

/* Plain integers: two threads at one task would be a race, which ThreadSanitizer sees too. */
typedef struct tally {
  int times[MOST_TASKS];
  int worker[MOST_TASKS];
  int workers; /* of the pool */
} tally;

static void count_task(void *context, int64_t index, int worker) {
  tally *t = context;
  t->times[index]++;
  t->worker[index] = worker;
}

static hg_pool *new_pool(int threads) {
  hg_pool *pool;
  hg_pool_oversubscribe(true);
  assert_int_equal(hg_pool_new(threads, &pool, NULL), HG_OK);
  hg_pool_oversubscribe(false);
  assert_int_equal(hg_pool_threads(pool), threads);
  return pool;
}

static void assert_counted(const tally *t, int64_t count, int rounds) {
  for (int64_t i = 0; i < MOST_TASKS; i++) assert_int_equal(t->times[i], i < count ? rounds : 0);
  for (int64_t i = 0; i < count; i++) assert_in_range(t->worker[i], 0, t->workers - 1);
}

static void every_task_of_every_region_runs_once(void **state) {
  (void)state;
  static const int64_t counts[] = {0, 1, 2, 3, 5, 7, 8, 13, 64, 97, 256, MOST_TASKS};
  for (int threads = 1; threads <= 9; threads++) {
    hg_pool *pool = new_pool(threads);
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
      tally t = {.workers = threads};
      enum { ROUNDS = 100 };
      for (int round = 0; round < ROUNDS; round++) hg_parallel_for(pool, counts[c], count_task, &t);
      assert_counted(&t, counts[c], ROUNDS);
    }
    hg_pool_free(pool);
  }
}

/* Each region reads what the one before wrote, all over the array. */
typedef struct chain {
  const int64_t *from;
  int64_t *to;
  int64_t count;
} chain;

static void add_neighbours(void *context, int64_t index, int worker) {
  (void)worker;
  const chain *c = context;
  c->to[index] = c->from[(index + c->count - 1) % c->count] + c->from[(index + c->count / 2) % c->count];
}

static void a_region_sees_all_that_the_one_before_wrote(void **state) {
  (void)state;
  enum { COUNT = 37, REGIONS = 4000 };
  hg_pool *pool = new_pool(4);
  int64_t values[2][COUNT];
  for (int i = 0; i < COUNT; i++) values[0][i] = 1;
  for (int region = 0; region < REGIONS; region++) {
    if (region % 60 == 0) /* the sums double each time */
      for (int i = 0; i < COUNT; i++) values[region % 2][i] = 1;
    chain c = {values[region % 2], values[(region + 1) % 2], COUNT};
    hg_parallel_for(pool, COUNT, add_neighbours, &c);
    for (int i = 0; i < COUNT; i++) assert_int_equal(c.to[i], (int64_t)1 << (region % 60 + 1));
  }
  hg_pool_free(pool);
}

static void rest(long nanoseconds) { nanosleep(&(struct timespec){0, nanoseconds}, NULL); }

static void sleepers_are_found_again(void **state) {
  (void)state;
  hg_pool *pool = new_pool(3);
  tally t = {.workers = 3};
  enum { ROUNDS = 60 };
  for (int round = 0; round < ROUNDS; round++) {
    rest(round % 3 == 0 ? 400000 : 0); /* longer than a worker waits before it sleeps */
    hg_parallel_for(pool, 11, count_task, &t);
  }
  assert_counted(&t, 11, ROUNDS);
  hg_pool_free(pool);
}

typedef struct meeting {
  tally t;
  atomic_bool came; /* another thread than the caller's has taken a task */
} meeting;

/* The caller rests in its task, so that there is a processor for the other however many want one. */
static void wait_for_company(void *context, int64_t index, int worker) {
  meeting *m = context;
  if (worker != 0) atomic_store(&m->came, true);
  for (int looks = 0; !atomic_load(&m->came) && looks < 4; looks++) rest(500000);
  count_task(&m->t, index, worker);
}

/* It may stay away from a region, where it would be in the caller's way, but not from all. */
static void the_other_thread_works_too(void **state) {
  (void)state;
  enum { SECONDS = 120 }; /* after which nobody comes */
  if (hg_threads_available() < 2) skip();
  hg_pool *pool = new_pool(2);
  meeting m = {.t = {.workers = 2}};
  int rounds = 0;
  for (double end = hg_seconds_now() + SECONDS; !atomic_load(&m.came) && hg_seconds_now() < end; rounds++)
    hg_parallel_for(pool, 2, wait_for_company, &m);
  assert_true(atomic_load(&m.came));
  assert_counted(&m.t, 2, rounds);
  hg_pool_free(pool);
}

static void a_pool_has_no_more_threads_than_processors(void **state) {
  (void)state;
  hg_pool *pool;
  assert_int_equal(hg_pool_new(1000, &pool, NULL), HG_OK);
  assert_int_equal(hg_pool_threads(pool), hg_threads_available());
  hg_pool_free(pool);
  assert_int_equal(hg_pool_new(0, &pool, NULL), HG_OK);
  assert_int_equal(hg_pool_threads(pool), hg_threads_available());
  hg_pool_free(pool);
}

static void a_process_bound_to_one_processor_has_one_thread(void **state) {
  (void)state;
  cpu_set_t before, one;
  if (sched_getaffinity(0, sizeof before, &before) != 0) skip();
  CPU_ZERO(&one);
  for (int i = 0; CPU_COUNT(&one) == 0; i++)
    if (CPU_ISSET(i, &before)) CPU_SET(i, &one);
  assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
  assert_int_equal(hg_threads_available(), 1);
  hg_pool *pool = new_pool(2); /* and where it has two after all, they get on */
  tally t = {.workers = 2};
  for (int round = 0; round < 200; round++) hg_parallel_for(pool, 23, count_task, &t);
  assert_counted(&t, 23, 200);
  hg_pool_free(pool);
  assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

static bool write_words(const char *folder, const char *name, const char *words) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  if (file == NULL) return false;
  bool written = fputs(words, file) >= 0;
  return fclose(file) == 0 && written;
}

/* Whether this process's groups stand below the mount as it sees them; not so in a container that is told the host's paths. */
static bool is_in_group(const char *name) {
  char line[512], wanted[80];
  bool found = false;
  snprintf(wanted, sizeof wanted, ":cpu:/%s\n", name);
  FILE *file = fopen("/proc/self/cgroup", "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) found = found || strstr(line, wanted) != NULL;
  if (file != NULL) fclose(file);
  return found;
}

static int threads_in_group(const char *folder, const char *name) {
  return write_words(folder, "cgroup.procs", "0") && is_in_group(name) ? hg_threads_available() : 0;
}

/* In a control group of the first version; made where this process may, else skipped. */
static void a_group_with_the_time_of_one_processor_has_one_thread(void **state) {
  (void)state;
  char name[32], group[64];
  int status = -1;
  snprintf(name, sizeof name, "hourglass-test-%d", (int)getpid());
  snprintf(group, sizeof group, "/sys/fs/cgroup/cpu/%s", name);
  if (mkdir(group, 0755) != 0) skip();
  bool limited = write_words(group, "cpu.cfs_period_us", "100000") && write_words(group, "cpu.cfs_quota_us", "100000");
  pid_t child = limited ? fork() : -1;
  if (child == 0) _exit(threads_in_group(group, name));
  if (child > 0) waitpid(child, &status, 0);
  assert_int_equal(rmdir(group), 0);
  if (!limited || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) skip();
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 1);
}

static void halve_the_least(void *context, int64_t index, int worker) {
  (void)worker;
  volatile float least = FLT_MIN;
  ((float *)context)[index] = least * 0.5F;
}

static void a_number_below_the_least_normal_one_is_zero_in_tasks_and_only_there(void **state) {
  (void)state;
  for (int threads = 1; threads <= 4; threads++) {
    float halves[64];
    for (int i = 0; i < 64; i++) halves[i] = 1;
    hg_pool *pool = new_pool(threads);
    hg_parallel_for(pool, 64, halve_the_least, halves);
    for (int i = 0; i < 64; i++) assert_true(halves[i] == 0);
    hg_pool_free(pool);
    halve_the_least(halves, 0, 0);
    assert_true(halves[0] > 0);
  }
}

static void pools_come_and_go(void **state) {
  (void)state;
  for (int round = 0; round < 100; round++) {
    hg_pool *pool = new_pool(1 + round % 5);
    tally t = {.workers = hg_pool_threads(pool)};
    if (round % 3 > 0) hg_parallel_for(pool, 17, count_task, &t);
    assert_counted(&t, round % 3 > 0 ? 17 : 0, 1);
    hg_pool_free(pool);
  }
}

static void memory_that_runs_out_is_reported_and_given_back(void **state) {
  (void)state;
  hg_pool_oversubscribe(true);
  hg_code code = HG_NO_MEMORY;
  int failures = 0;
  for (; code != HG_OK; failures++) {
    hg_pool *pool;
    hg_alloc_fail_after(failures);
    code = hg_pool_new(3, &pool, NULL);
    hg_alloc_fail_after(-1);
    if (code == HG_OK)
      hg_pool_free(pool);
    else
      assert_int_equal(code, HG_NO_MEMORY);
  }
  hg_pool_oversubscribe(false);
  assert_true(failures > 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_task_of_every_region_runs_once),
      cmocka_unit_test(a_region_sees_all_that_the_one_before_wrote),
      cmocka_unit_test(sleepers_are_found_again),
      cmocka_unit_test(the_other_thread_works_too),
      cmocka_unit_test(a_pool_has_no_more_threads_than_processors),
      cmocka_unit_test(a_process_bound_to_one_processor_has_one_thread),
      cmocka_unit_test(a_group_with_the_time_of_one_processor_has_one_thread),
      cmocka_unit_test(a_number_below_the_least_normal_one_is_zero_in_tasks_and_only_there),
      cmocka_unit_test(pools_come_and_go),
      cmocka_unit_test(memory_that_runs_out_is_reported_and_given_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
