/* Small networks side by side: as many at a time as there are threads, to the same weights as one after the other. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "study/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STUDY(models) \
  "study: x\nseeds: [1, 2]\ndata: {lines: {source: lines, lines: {per_class: 3}, validation: 0.1}}\nmodels:\n" models
#define LOSS "loss: {classification: cross_entropy}, "
#define LONG "train: {batch_size: 8, epochs: 12}}\n"
#define PLAIN "{encoder: [flatten, {dense: {units: 12, activation: relu}}], classifier: [{dense: 96}], " LOSS
#define THREE                                                                                      \
  STUDY("  one: " PLAIN LONG "  two: {encoder: {from: one}, classifier: [{dense: 96}], " LOSS LONG \
        "  three: {classifier: [flatten, {dense: 96}], " LOSS LONG)

typedef struct told {
  int started, ended, together, done, failed, resumed; /* together: the most that had begun and not ended */
  int steps, stop_after, stop;
} told;

static void on_event(void *context, const hg_run_event *event) {
  told *t = context;
  t->started += event->kind == HG_RUN_STARTED;
  t->done += event->kind == HG_RUN_DONE;
  t->failed += event->kind == HG_RUN_FAILED;
  t->resumed += event->kind == HG_RUN_RESUMED;
  t->ended = t->done + t->failed;
  if (t->started - t->ended > t->together) t->together = t->started - t->ended;
  if (event->kind == HG_RUN_PROGRESS && ++t->steps == t->stop_after) t->stop = 1;
}

static char folder[64], out[80], path[80];

static int set_up(void **state) {
  (void)state;
  strcpy(folder, "/tmp/hourglass-lanes-XXXXXX");
  assert_non_null(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/study.yaml", folder);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  char command[96];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

static hg_code run(const char *text, const char *name, int threads, told *t) {
  hg_study *study = NULL;
  hg_error error = {0};
  snprintf(out, sizeof out, "%s/%s", folder, name);
  assert_int_equal(hg_file_write(path, text, strlen(text), NULL), HG_OK);
  if (hg_study_read(path, NULL, 0, &study, &error) != HG_OK) fail_msg("%s: %s", error.place, error.message);
  hg_run_settings settings = {.out = out, .threads = threads, .event = on_event, .context = t, .stop = &t->stop};
  hg_code code = hg_study_run(study, &settings, &error);
  hg_study_free(study);
  return code;
}

/* "one@1 done 3fa0...;" for every run of the folder `out`. */
static void list_runs(char *text, size_t size) {
  hg_store *store = NULL;
  hg_run_record *records = NULL;
  int count = 0;
  text[0] = '\0';
  assert_int_equal(hg_store_open(out, false, &store, NULL), HG_OK);
  assert_int_equal(hg_store_list_runs(store, &records, &count, NULL), HG_OK);
  for (int i = 0; i < count; i++) {
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s@%d %s %s;", records[i].name, (int)records[i].seed, records[i].status,
             records[i].weights_sha256);
    hg_run_record_release(&records[i]);
  }
  hg_free(records);
  hg_store_close(store);
}

static void small_networks_train_side_by_side_to_the_same_weights(void **state) {
  (void)state;
  told alone = {0}, beside = {0};
  char one_by_one[2048], side_by_side[2048];
  assert_int_equal(run(THREE, "alone", 1, &alone), HG_OK);
  list_runs(one_by_one, sizeof one_by_one);
  assert_int_equal(run(THREE, "beside", 4, &beside), HG_OK);
  list_runs(side_by_side, sizeof side_by_side);
  assert_int_equal(alone.together, 1);
  assert_in_range(beside.together, 2, 4);
  assert_int_equal(beside.done, 6);
  assert_string_equal(one_by_one, side_by_side);
}

static void runs_stopped_side_by_side_go_on_to_the_same_weights(void **state) {
  (void)state;
  told whole = {0}, cut = {.stop_after = 40}, rest = {0};
  char uninterrupted[2048], interrupted[2048];
  assert_int_equal(run(THREE, "whole", 1, &whole), HG_OK);
  list_runs(uninterrupted, sizeof uninterrupted);
  assert_int_equal(run(THREE, "cut", 2, &cut), HG_INTERRUPTED);
  assert_int_equal(cut.done, 0);
  assert_int_equal(run(THREE, "cut", 2, &rest), HG_OK);
  assert_true(rest.resumed >= 1);
  list_runs(interrupted, sizeof interrupted);
  assert_string_equal(uninterrupted, interrupted);
}

static void a_run_that_diverges_takes_down_only_those_that_need_it(void **state) {
  (void)state;
  static const char text[] = STUDY(
      "  wild: {encoder: [flatten, {dense: 8}], decoder: [{dense: 2352}, {reshape: [28, 28, 3]}], "
      "loss: {reconstruction: mse}, train: {epochs: 3, optimizer: {sgd: {learning_rate: 1e5}}}}\n"
      "  tame: " PLAIN LONG "  lost: {encoder: {from: wild}, classifier: [{dense: 96}], " LOSS LONG);
  told t = {0};
  char runs[2048];
  assert_int_equal(run(text, "wild", 2, &t), HG_DIVERGED);
  assert_int_equal(t.failed, 4);
  assert_int_equal(t.done, 2);
  list_runs(runs, sizeof runs);
  assert_non_null(strstr(runs, "wild@1 diverged"));
  assert_non_null(strstr(runs, "tame@2 done"));
  assert_non_null(strstr(runs, "lost@2 failed"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(small_networks_train_side_by_side_to_the_same_weights, set_up, tear_down),
      cmocka_unit_test_setup_teardown(runs_stopped_side_by_side_go_on_to_the_same_weights, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_run_that_diverges_takes_down_only_those_that_need_it, set_up, tear_down),
  };
  hg_pool_oversubscribe(true); /* as many threads as the tests ask for, on any machine */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
