/* The runs of a study in their order. Small networks go side by side, a lane each: two threads on one of them would wait for each
 * other a third of the time. A lane is a runner of its own with one thread and its own connection to the store; study, data and
 * the list of runs are shared, and a run is touched by its lane alone. */
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "study/runner.h"

/* Multiply-adds of a training step, below which a network counts as small: a millisecond or two on one thread. */
static const int64_t small_step = (int64_t)1 << 28;

typedef struct lanes {
  hg_runner *runner;
  int *runs; /* indices of the runs to be carried out side by side */
  int count;
  atomic_int next;
  atomic_bool failed; /* a lane ended on what is not one run's failure */
  pthread_mutex_t events;
} lanes;

typedef struct lane {
  lanes *all;
  hg_runner runner;
  pthread_t thread;
  bool started;
  hg_code code;
  hg_error error;
} lane;

/* ---- which runs */

static hg_code multiply_adds(const hg_study *study, int model, int64_t *sum, hg_error *error) {
  hg_network *network = NULL;
  hg_layer_row *rows = NULL;
  int count = 0;
  *sum = 0;
  hg_code code = hg_study_network(study, model, &network, error);
  if (code == HG_OK) code = hg_study_layers(network, &rows, &count, error);
  for (int i = 0; code == HG_OK && i < count; i++) *sum += rows[i].multiply_adds;
  hg_free(rows);
  hg_network_free(network);
  return code;
}

/* oneDNN has threads of its own. */
static bool is_small(const hg_study *study, int index) {
  const hg_model *model = &study->models[index];
  int64_t forward;
  if (model->kind != HG_MODEL_NETWORK || model->engine == HG_ONEDNN) return false;
  if (multiply_adds(study, index, &forward, NULL) != HG_OK) return false;
  return forward < small_step / 3 / model->train.batch_size;
}

static bool is_ready(const hg_runner *runner, const hg_planned_run *run) {
  return run->needs < 0 || strcmp(runner->runs[run->needs].record.status, "done") == 0;
}

/* Small runs from `first` on that could begin now, up to the next run that is not small; over[] marks what is over already. No
 * more than fill all threads to the end, so that none is left alone on one thread; none where they would leave half of the
 * threads idle. */
static void gather(lanes *all, int first, const bool *small, const bool *over) {
  const hg_runner *runner = all->runner;
  int threads = hg_pool_threads(runner->pool);
  all->count = 0;
  for (int i = first; i < runner->count && small[runner->runs[i].model]; i++)
    if (!over[i] && is_ready(runner, &runner->runs[i])) all->runs[all->count++] = i;
  if (all->count >= threads)
    all->count -= all->count % threads;
  else if (2 * all->count <= threads)
    all->count = 0;
}

/* ---- carrying them out */

static void *work(void *argument) {
  lane *own = argument;
  while (own->code == HG_OK && !atomic_load(&own->all->failed)) {
    int place = atomic_fetch_add(&own->all->next, 1);
    if (place >= own->all->count) break;
    own->runner.current = own->all->runs[place];
    own->code = hg_runner_go_on(&own->runner, &own->error);
    if (own->code == HG_OK) own->code = hg_runner_carry_out(&own->runner, &own->error);
  }
  if (own->code != HG_OK) atomic_store(&own->all->failed, true);
  return NULL;
}

static hg_code start(lanes *all, lane *own, hg_error *error) {
  own->all = all;
  own->runner = *all->runner;
  own->runner.pool = NULL;
  own->runner.threads = 1;
  own->runner.events = &all->events;
  own->runner.worst = HG_OK;
  hg_code code = hg_store_open_beside(all->runner->store, &own->runner.store, error);
  if (code != HG_OK) return code;
  own->started = pthread_create(&own->thread, NULL, work, own) == 0;
  return own->started ? HG_OK : hg_fail(error, HG_FAILED, "", "no thread could be started; try --threads 1");
}

/* Of several failures the first in the order of the runs is told, whichever came first. */
static void end(lane *own, hg_runner *runner) {
  if (own->started) pthread_join(own->thread, NULL);
  hg_store_close(own->runner.store);
  if (own->runner.worst == HG_OK || (runner->worst != HG_OK && runner->failed < own->runner.failed)) return;
  runner->worst = own->runner.worst;
  runner->failed = own->runner.failed;
  memcpy(runner->first_failure, own->runner.first_failure, sizeof runner->first_failure);
}

static hg_code carry_out_side_by_side(lanes *all, hg_error *error) {
  int count = hg_pool_threads(all->runner->pool) < all->count ? hg_pool_threads(all->runner->pool) : all->count;
  lane *lane_of = hg_calloc((size_t)count, sizeof *lane_of);
  if (lane_of == NULL) return hg_fail_memory(error, "runs side by side", (size_t)count * sizeof *lane_of);
  atomic_store(&all->next, 0);
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < count; i++) code = start(all, &lane_of[i], error);
  if (code != HG_OK) atomic_store(&all->failed, true);
  for (int i = 0; i < count; i++) end(&lane_of[i], all->runner);
  for (int i = 0; i < count && code == HG_OK; i++) {
    code = lane_of[i].code;
    if (code != HG_OK && error != NULL) *error = lane_of[i].error;
  }
  hg_free(lane_of);
  return code;
}

/* ---- all */

static hg_code carry_out_next(lanes *all, int index, const bool *small, bool *over, hg_error *error) {
  hg_runner *runner = all->runner;
  gather(all, index, small, over);
  if (all->count < 2) {
    runner->current = index;
    over[index] = true;
    return hg_runner_carry_out(runner, error);
  }
  for (int i = 0; i < all->count; i++) over[all->runs[i]] = true;
  return carry_out_side_by_side(all, error);
}

static hg_code skip_done(hg_runner *runner, bool *over, hg_error *error) {
  hg_code code = HG_OK;
  hg_run_names damaged = {0};
  for (int i = 0; code == HG_OK && i < runner->count; i++) {
    runner->current = i;
    code = hg_runner_take_up(runner, &damaged, &over[i], error);
  }
  hg_runner_tell_removed(runner, &damaged, "whose weights on the disk are not those that were trained");
  return code;
}

hg_code hg_runner_carry_out_all(hg_runner *runner, hg_error *error) {
  lanes all = {.runner = runner, .events = PTHREAD_MUTEX_INITIALIZER};
  bool *over = hg_calloc((size_t)runner->count + 1, sizeof *over);
  bool *small = hg_calloc((size_t)runner->study->model_count + 1, sizeof *small);
  all.runs = hg_calloc((size_t)runner->count + 1, sizeof *all.runs);
  hg_code code = over == NULL || small == NULL || all.runs == NULL ? hg_fail_memory(error, "runs", (size_t)runner->count) : HG_OK;
  int left = 0;
  if (code == HG_OK) code = skip_done(runner, over, error);
  for (int i = 0; code == HG_OK && i < runner->count; i++) left += !over[i];
  bool beside = left > 1 && hg_pool_threads(runner->pool) > 1; /* else no network need be built to judge its size */
  for (int i = 0; code == HG_OK && beside && i < runner->study->model_count; i++) small[i] = is_small(runner->study, i);
  for (int i = 0; code == HG_OK && i < runner->count; i++)
    while (code == HG_OK && !over[i]) {
      code = hg_runner_go_on(runner, error);
      if (code == HG_OK) code = carry_out_next(&all, i, small, over, error);
    }
  hg_free(all.runs);
  hg_free(small);
  hg_free(over);
  return code;
}
