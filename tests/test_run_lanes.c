/* Small networks side by side: as many at a time as there are threads, to the same weights as one after the other. */
#include "base/parallel.h"
#include "test_study_run.h"

#define STUDY(models) \
  "study: x\nseeds: [1, 2]\ndata: {lines: {source: lines, lines: {per_class: 3}, validation: 0.1}}\nmodels:\n" models
#define LOSS "loss: {classification: cross_entropy}, "
#define LONG "train: {batch_size: 8, epochs: 12}}\n"
#define PLAIN "{encoder: [flatten, {dense: {units: 12, activation: relu}}], classifier: [{dense: 96}], " LOSS
#define THREE                                                                                      \
  STUDY("  one: " PLAIN LONG "  two: {encoder: {from: one}, classifier: [{dense: 96}], " LOSS LONG \
        "  three: {classifier: [flatten, {dense: 96}], " LOSS LONG)

/* The results go to a folder `name` of the test's. */
static hg_code run(const char *text, const char *name, int threads, told *t) {
  hg_error error = {0};
  snprintf(out, sizeof out, "%s/%s", folder, name);
  return run_study(text, (hg_run_settings){.threads = threads}, t, &error);
}

/* "one@1 done 3fa0...;" */
static int status_and_weights(const hg_run_record *record, char *to, size_t room) {
  return snprintf(to, room, "%s@%d %s %s;", record->name, (int)record->seed, record->status, record->weights_sha256);
}

static void small_networks_train_side_by_side_to_the_same_weights(void **state) {
  (void)state;
  told alone = {0}, beside = {0};
  char one_by_one[2048], side_by_side[2048];
  assert_int_equal(run(THREE, "alone", 1, &alone), HG_OK);
  list_runs(one_by_one, sizeof one_by_one, status_and_weights);
  assert_int_equal(run(THREE, "beside", 4, &beside), HG_OK);
  list_runs(side_by_side, sizeof side_by_side, status_and_weights);
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
  list_runs(uninterrupted, sizeof uninterrupted, status_and_weights);
  assert_int_equal(run(THREE, "cut", 2, &cut), HG_INTERRUPTED);
  assert_int_equal(cut.done, 0);
  assert_int_equal(run(THREE, "cut", 2, &rest), HG_OK);
  assert_true(rest.resumed >= 1);
  list_runs(interrupted, sizeof interrupted, status_and_weights);
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
  list_runs(runs, sizeof runs, status_and_weights);
  assert_non_null(strstr(runs, "wild@1 diverged"));
  assert_non_null(strstr(runs, "tame@2 done"));
  assert_non_null(strstr(runs, "lost@2 failed"));
}

/* `late` waits for `base`, so that `wild`, which stands after it, fails before it. */
static void the_failure_that_is_told_is_the_first_in_order_whatever_the_threads(void **state) {
  (void)state;
#define WILD(encoder)                                    \
  "{encoder: " encoder                                   \
  ", decoder: [{dense: 2352}, {reshape: [28, 28, 3]}], " \
  "loss: {reconstruction: mse}, train: {batch_size: 8, epochs: 3, optimizer: {sgd: {learning_rate: 1e6}}}}\n"
  static const char text[] =
      "study: x\ndata: {lines: {source: lines, lines: {per_class: 3}, validation: 0.1}}\nmodels:\n"
      "  base: " PLAIN LONG "  late: " WILD("{from: base}") "  wild: " WILD("[flatten, {dense: 8}]");
  for (int threads = 1; threads <= 2; threads++) {
    told t = {0};
    hg_error error = {0};
    snprintf(out, sizeof out, "%s/threads%d", folder, threads);
    assert_int_equal(run_study(text, (hg_run_settings){.threads = threads}, &t, &error), HG_DIVERGED);
    assert_int_equal(t.failed, 2);
    assert_memory_equal(error.message, "late seed 1: ", strlen("late seed 1: "));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(small_networks_train_side_by_side_to_the_same_weights, set_up, tear_down),
      cmocka_unit_test_setup_teardown(runs_stopped_side_by_side_go_on_to_the_same_weights, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_run_that_diverges_takes_down_only_those_that_need_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_failure_that_is_told_is_the_first_in_order_whatever_the_threads, set_up, tear_down),
  };
  hg_pool_oversubscribe(true); /* as many threads as the tests ask for, on any machine */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
