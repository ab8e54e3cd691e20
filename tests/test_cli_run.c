/* Studies run from outside: what is printed and compared, and that neither signals nor kills change the results. */
#include "test_program.h"

#include <jansson.h>
#include <pty.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

static void sleep_milliseconds(long milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static void wipe(const char *name) {
  char command[512];
  snprintf(command, sizeof command, "rm -rf %s/%s", folder, name);
  assert_int_equal(system(command), 0);
}

/* About a second of training: dropout, augmentation, corruption, a carried encoder, all of which draw random numbers. */
static const char longer[] =
    "study: longer\n"
    "data:\n  lines: {source: lines, lines: {per_class: 6}, validation: 0.1}\n"
    "models:\n"
    "  cleaner:\n"
    "    data: lines\n"
    "    corrupt: {salt_and_pepper: 0.2}\n"
    "    encoder: [{conv2d: {filters: 4, kernel_size: 3, padding: same, activation: relu}}, {max_pool2d: 2}]\n"
    "    decoder: [{upsample2d: 2}, {conv2d: {filters: 3, kernel_size: 3, padding: same, activation: sigmoid}}]\n"
    "    loss: {reconstruction: mse}\n"
    "    train: {batch_size: 64, epochs: 4}\n"
    "  carried:\n"
    "    data: lines\n"
    "    encoder: {from: cleaner}\n"
    "    classifier: [flatten, {dropout: 0.2}, {dense: 96}]\n"
    "    loss: {classification: cross_entropy}\n"
    "    augment: {shift: 0.1, flip: true}\n"
    "    train: {batch_size: 64, epochs: 8, early_stopping: {patience: 3}}\n";

/* weights_sha256 of all runs of a results folder, one after another. */
static void read_digests(const char *name, char *digests, size_t size) {
  outcome result = run("runs %s --json", name);
  assert_status(result, 0);
  json_t *list = json_loads(result.out, 0, NULL);
  assert_true(json_is_array(list));
  digests[0] = '\0';
  for (size_t i = 0; i < json_array_size(list); i++) {
    json_t *record = json_array_get(list, i);
    assert_string_equal(json_string_value(json_object_get(record, "status")), "done");
    size_t used = strlen(digests);
    snprintf(digests + used, size - used, "%s\n", json_string_value(json_object_get(record, "weights_sha256")));
  }
  assert_true(strlen(digests) >= 65);
  json_decref(list);
}

/* ---- tests: runs */

static void a_study_runs_once_and_reports_every_run_as_done(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  outcome result = run("run tiny.yaml --out once");
  assert_status(result, 0);
  assert_has(result.err, "[2/2] bayes seed 1: done");
  assert_has(result.err, "net seed 1: epoch 2/2  loss ");
  assert_has(result.err, "net seed 1: being analysed\n");
  assert_has(result.err, "looking for differences that are real\n");
  assert_has(result.out, "once/report.html");
  assert_has(result.out, "test accuracy");
  json_t *report = json_load_file(in("once/report.json"), 0, NULL);
  json_t *runs = json_object_get(report, "runs");
  assert_int_equal(json_array_size(runs), 2);
  for (size_t i = 0; i < 2; i++)
    assert_string_equal(json_string_value(json_object_get(json_array_get(runs, i), "status")), "done");
  json_decref(report);
  result = run("run tiny.yaml --out once");
  assert_status(result, 0);
  assert_has(result.err, "[1/2] net seed 1: done before");
  assert_has(result.err, "[2/2] bayes seed 1: done before");
}

static void two_models_are_compared_with_a_verdict(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  assert_status(run("run tiny.yaml --out pair --seed 1 --seed 2"), 0);
  outcome result = run("compare pair:net :bayes --json");
  assert_status(result, 0);
  json_t *list = json_loads(result.out, 0, NULL);
  assert_int_equal(json_array_size(list), 1);
  json_t *pair = json_array_get(list, 0), *score = json_array_get(json_object_get(pair, "scores"), 0);
  assert_string_equal(json_string_value(json_object_get(json_object_get(pair, "a"), "name")), "net");
  assert_string_equal(json_string_value(json_object_get(score, "metric")), "accuracy");
  assert_int_equal(json_integer_value(json_object_get(score, "seeds")), 2); /* bayes, fitted once, stands against both */
  assert_true(json_number_value(json_object_get(score, "p_holm")) > 0);
  json_decref(list);
  result = run("compare pair:net :bayes");
  assert_status(result, 0);
  assert_has(result.out, "accuracy, %");
  assert_has(result.out, "parameters");
  assert_has(result.out, "between net and bayes");
}

static void two_folders_are_compared_model_by_model(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  assert_status(run("run tiny.yaml --out first"), 0);
  assert_status(run("run tiny.yaml --out second --set models.net.train.epochs=1"), 0);
  outcome result = run("compare first second");
  assert_status(result, 0);
  assert_has(result.out, "first:net");
  assert_has(result.out, "second:bayes");
}

static void what_cannot_be_compared_is_said(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  assert_status(run("run tiny.yaml --out first"), 0);
  outcome result = run("compare first:net");
  assert_status(result, 2);
  result = run("compare first first:net");
  assert_status(result, 2);
  assert_has(result.err, "on both sides");
  result = run("compare first:net :nett");
  assert_status(result, 2);
  assert_has(result.err, "has no model `nett`; did you mean `net`?");
  result = run("compare first:zebra :net");
  assert_status(result, 2);
  assert_has(result.err, "first: has no model `zebra`; there are net, bayes");
  result = run("compare first first");
  assert_status(result, 2);
  assert_has(result.err, "name two of its models");
}

static void quiet_runs_say_on_standard_error_only_what_goes(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  outcome result = run("run tiny.yaml --out quiet --quiet");
  assert_status(result, 0);
  assert_string_equal(result.err, "");
  result = run("run tiny.yaml --out quiet --quiet --set models.net.train.epochs=1");
  assert_status(result, 0);
  assert_has(result.err, "removing 1 run whose settings, data or program changed: net seed 1");
}

static void a_model_is_told_class_by_class(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  assert_status(run("run tiny.yaml --out classes --seed 1 --seed 2"), 0);
  outcome result = run("runs classes net");
  assert_status(result, 0);
  assert_has(result.out, "net, seed 2\n\n");
  assert_has(result.out, "precision    recall  f1-score   support\n");
  assert_has(result.out, "weighted avg");
  result = run("runs classes bayes");
  assert_status(result, 0);
  assert_has(result.out, "bayes\n\n");
  result = run("runs classes nett");
  assert_status(result, 2);
  assert_has(result.err, "has no model `nett`");
  result = run("runs classes nett --json");
  assert_status(result, 2);
  assert_has(result.err, "classes: has no model `nett`; did you mean `net`?");
  assert_string_equal(result.out, "");
  result = run("runs classes bayes --json");
  json_t *list = json_loads(result.out, 0, NULL);
  assert_int_equal(json_array_size(list), 1);
  json_decref(list);
}

/* What lies in the folder then is of an earlier run. */
static void a_start_that_fails_shows_no_results(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  write_text("other.yaml", "study: other\ndata: {lines: {source: lines, lines: {per_class: 2}}}\nmodels: {m: {knn: 1}}\n");
  assert_status(run("run tiny.yaml --out taken"), 0);
  outcome result = run("run other.yaml --out taken");
  assert_status(result, 2);
  assert_string_equal(result.out, "");
  assert_int_equal(unlink(in("taken/study.lock")), 0);
  assert_int_equal(mkdir(in("taken/study.lock"), 0777), 0);
  result = run("run tiny.yaml --out taken");
  assert_status(result, 1);
  assert_string_equal(result.out, "");
}

static void results_go_below_runs_unless_told_otherwise(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  assert_status(run("run tiny.yaml --set models.net.train.epochs=1"), 0);
  assert_true(hg_path_exists(in("runs/tiny/report.html")));
}

static void escape_codes_are_for_terminals_only(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  outcome result = run("run tiny.yaml --out plain");
  assert_status(result, 0);
  assert_null(strchr(result.out, '\033'));
  assert_null(strchr(result.err, '\033'));
  assert_null(strchr(result.err, '\r'));
  result = run("run tiny.yaml --out plain --color always");
  assert_status(result, 0);
  assert_non_null(strchr(result.out, '\033'));
}

/* Runs on a pseudo-terminal of this width and returns what it drew. */
static char *run_on_terminal(const char *line, int columns, int *status) {
  struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
  int terminal;
  pid_t child = forkpty(&terminal, NULL, NULL, &size);
  assert_true(child >= 0);
  if (child == 0) {
    char copy[1024], *words[MOST_ARGUMENTS + 1];
    snprintf(copy, sizeof copy, "%s", line);
    split(copy, words);
    setenv("TERM", "xterm", 1);
    if (chdir(folder) != 0) _exit(98);
    execv(program, words);
    _exit(97);
  }
  size_t used = 0, room = 1 << 22;
  char *text = hg_malloc(room);
  ssize_t count;
  while (used + 1 < room && (count = read(terminal, text + used, room - used - 1)) > 0) used += (size_t)count;
  text[used] = '\0';
  close(terminal);
  *status = finish(child);
  return text;
}

/* Columns that the longest of the lines drawn over and over takes: those that a carriage return starts. */
static int widest_redrawn_line(const char *text) {
  int widest = 0;
  for (const char *c = strchr(text, '\r'); c != NULL; c = strchr(c, '\r')) {
    int width = 0;
    for (c++; *c != '\0' && *c != '\r' && *c != '\n'; c++) {
      if (*c == '\033')
        c += strcspn(c, "mK");
      else if (((unsigned char)*c & 0xc0) != 0x80)
        width++;
      if (*c == '\0') break;
    }
    if (*c != '\n' && strncmp(c, "\r\n", 2) != 0 && width > widest) widest = width;
  }
  return widest;
}

/* Of lines that end in a carriage return and a new line. */
static int widest_line_with(const char *text, const char *word) {
  const char *at = strstr(text, word), *start = at;
  if (at == NULL) return 0;
  while (start > text && start[-1] != '\n') start--;
  return (int)strcspn(start, "\r\n");
}

static void compare_leaves_out_columns_where_the_terminal_is_narrow(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  assert_status(run("run tiny.yaml --out narrow"), 0);
  const int widths[] = {60, 80, 200};
  for (int i = 0; i < 3; i++) {
    int status;
    char *text = run_on_terminal("compare narrow:net :bayes --color never", widths[i], &status);
    assert_int_equal(status, 0);
    assert_non_null(strstr(text, "p by Holm"));
    assert_in_range(widest_line_with(text, "accuracy, %"), 40, widths[i]);
    assert_int_equal(strstr(text, "bayes, 95 %") != NULL, widths[i] == 200);
    hg_free(text);
  }
}

static void the_progress_line_fits_the_terminal(void **state) {
  (void)state;
  write_text("longer.yaml", longer);
  const int widths[] = {40, 80, 200};
  for (int i = 0; i < 3; i++) {
    int status;
    wipe("drawn");
    char *text = run_on_terminal("run longer.yaml --out drawn", widths[i], &status);
    if (status != 0) fail_msg("exit %d: %s", status, text);
    int widest = widest_redrawn_line(text);
    assert_in_range(widest, 10, widths[i] - 1);
    assert_non_null(strstr(text, "\033[K"));
    assert_non_null(strstr(text, "epoch"));
    hg_free(text);
  }
}

/* ---- tests: the same bits, whatever happens */

static char expected[2048];

static int expect_digests(void **state) {
  make_folder(state);
  write_text("longer.yaml", longer);
  assert_status(run("run longer.yaml --out whole"), 0);
  read_digests("whole", expected, sizeof expected);
  return 0;
}

static void assert_same_weights(const char *name) {
  char digests[2048];
  read_digests(name, digests, sizeof digests);
  assert_string_equal(digests, expected);
}

static void weights_are_equal_for_1_2_3_and_7_threads(void **state) {
  (void)state;
  const int threads[] = {1, 2, 3, 7};
  for (int i = 0; i < 4; i++) {
    wipe("threads");
    assert_status(run("run longer.yaml --out threads --threads %d", threads[i]), 0);
    assert_same_weights("threads");
  }
}

static void weights_are_equal_for_every_instruction_set(void **state) {
  (void)state;
  const char *names[] = {"generic", "avx2", "avx512"};
  int compared = 0;
  for (int i = 0; i < 3; i++) {
    setenv("HOURGLASS_ISA", names[i], 1);
    wipe("isa");
    outcome result = run("run longer.yaml --out isa");
    unsetenv("HOURGLASS_ISA");
    if (result.status == 2) continue; /* this processor cannot run it */
    assert_status(result, 0);
    assert_same_weights("isa");
    compared++;
  }
  assert_true(compared > 0);
}

static void an_interrupted_study_goes_on_to_the_same_weights(void **state) {
  (void)state;
  wipe("stopped");
  int interruptions = 0, status = 130;
  while (status == 130) {
    pid_t child = start("run longer.yaml --out stopped");
    sleep_milliseconds(60 + 40 * interruptions);
    kill(child, interruptions % 2 == 0 ? SIGINT : SIGTERM);
    status = finish(child);
    char *err = read_text(in("stderr"));
    /* before the handler stands, a signal ends the program as it ends any other */
    if (status == 130)
      assert_has(err, "stopping after a checkpoint; again to quit at once");
    else if (status == -SIGINT || status == -SIGTERM)
      status = 130;
    hg_free(err);
    interruptions++;
  }
  assert_int_equal(status, 0);
  assert_true(interruptions > 1);
  assert_same_weights("stopped");
}

static void a_second_signal_does_not_wait(void **state) {
  (void)state;
  wipe("twice");
  pid_t child = start("run longer.yaml --out twice");
  sleep_milliseconds(150);
  kill(child, SIGINT);
  kill(child, SIGTERM);
  int status = finish(child);
  /* before the handler stands, a signal ends the program as it ends any other */
  assert_true(status == 130 || status == 0 || status == -SIGINT || status == -SIGTERM);
}

/* Killed at moments spread over the whole training, then run to its end: twenty times over, the same weights. */
static void kills_at_any_moment_do_not_change_the_weights(void **state) {
  (void)state;
  int kills = 0, rounds = 0;
  uint32_t random = 12345;
  while (kills < 24) {
    wipe("killed");
    int status = -SIGKILL;
    for (int tries = 0; status == -SIGKILL && tries < 6; tries++) {
      pid_t child = start("run longer.yaml --out killed");
      random = random * 1664525u + 1013904223u;
      sleep_milliseconds(20 + (long)(random >> 16) % 400);
      kill(child, SIGKILL);
      status = finish(child);
      kills += status == -SIGKILL;
    }
    assert_status(run("run longer.yaml --out killed"), 0);
    assert_same_weights("killed");
    assert_true(++rounds < 40);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_study_runs_once_and_reports_every_run_as_done),
      cmocka_unit_test(two_models_are_compared_with_a_verdict),
      cmocka_unit_test(two_folders_are_compared_model_by_model),
      cmocka_unit_test(what_cannot_be_compared_is_said),
      cmocka_unit_test(quiet_runs_say_on_standard_error_only_what_goes),
      cmocka_unit_test(a_model_is_told_class_by_class),
      cmocka_unit_test(a_start_that_fails_shows_no_results),
      cmocka_unit_test(results_go_below_runs_unless_told_otherwise),
      cmocka_unit_test(escape_codes_are_for_terminals_only),
      cmocka_unit_test(compare_leaves_out_columns_where_the_terminal_is_narrow),
      cmocka_unit_test(the_progress_line_fits_the_terminal),
      cmocka_unit_test(weights_are_equal_for_1_2_3_and_7_threads),
      cmocka_unit_test(weights_are_equal_for_every_instruction_set),
      cmocka_unit_test(an_interrupted_study_goes_on_to_the_same_weights),
      cmocka_unit_test(a_second_signal_does_not_wait),
      cmocka_unit_test(kills_at_any_moment_do_not_change_the_weights),
  };
  return cmocka_run_group_tests(tests, expect_digests, remove_folder);
}
