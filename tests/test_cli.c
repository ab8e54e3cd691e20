/* The program from outside: what it prints where, how it exits, and that neither signals nor kills change its results. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/file.h"
#include "test_folder.h"

#include <fcntl.h>
#include <jansson.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char program[] = BINARY_DIR "/hourglass";

/* ---- running it */

enum { MOST_ARGUMENTS = 16 };

typedef struct outcome {
  int status; /* exit code, or minus the signal that ended it */
  char *out, *err;
} outcome;

static char *read_text(const char *path) {
  char *text = NULL;
  size_t count = 0;
  assert_int_equal(hg_file_read(path, 1 << 26, &text, &count, NULL), HG_OK);
  return text;
}

static void redirect(const char *path, int descriptor) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (file < 0 || dup2(file, descriptor) < 0) _exit(99);
  close(file);
}

/* Splits at spaces; a word may not hold any. */
static void split(char *line, char **words) {
  int count = 1;
  words[0] = (char *)(uintptr_t)program;
  for (char *word = strtok(line, " "); word != NULL && count < MOST_ARGUMENTS; word = strtok(NULL, " ")) words[count++] = word;
  words[count] = NULL;
}

static pid_t start(const char *line) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child > 0) return child;
  char copy[1024], *words[MOST_ARGUMENTS + 1];
  snprintf(copy, sizeof copy, "%s", line);
  split(copy, words);
  if (chdir(folder) != 0) _exit(98);
  redirect("stdout", STDOUT_FILENO);
  redirect("stderr", STDERR_FILENO);
  execv(program, words);
  _exit(97);
}

static int finish(pid_t child) {
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static outcome run(const char *format, ...) {
  static outcome last;
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  hg_free(last.out);
  hg_free(last.err);
  last.status = finish(start(line));
  last.out = read_text(in("stdout"));
  last.err = read_text(in("stderr"));
  return last;
}

static void assert_status(outcome result, int status) {
  if (result.status != status) fail_msg("exit %d, not %d: %s%s", result.status, status, result.out, result.err);
}

static void assert_has(const char *text, const char *part) {
  if (strstr(text, part) == NULL) fail_msg("`%s` is not in: %s", part, text);
}

static void sleep_milliseconds(long milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static void wipe(const char *name) {
  char command[512];
  snprintf(command, sizeof command, "rm -rf %s/%s", folder, name);
  assert_int_equal(system(command), 0);
}

/* ---- studies */

#define LINES "data:\n  lines: {source: lines, lines: {per_class: 4}, classes: [0, 5, 9, 14], validation: 4, limit: 12}\n"
#define SMALL \
  "encoder: [flatten, {dense: {units: 8, activation: relu}}], classifier: [{dense: 4}], loss: {classification: cross_entropy}"

static const char tiny[] = "study: tiny\n" LINES "models:\n  net: {data: lines, " SMALL
                           ", train: {batch_size: 4, epochs: 2}}\n  bayes: {data: lines, naive_bayes: {}}\n";

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

static void write_text(const char *name, const char *text) {
  assert_int_equal(hg_file_write(in(name), text, strlen(text), NULL), HG_OK);
}

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

/* ---- tests: words and codes */

static void help_and_version_go_to_standard_output(void **state) {
  (void)state;
  outcome result = run("--help");
  assert_status(result, 0);
  assert_has(result.out, "Usage: hourglass COMMAND");
  assert_string_equal(result.err, "");
  result = run("--version");
  assert_status(result, 0);
  assert_string_equal(result.out, "hourglass 0.1.0\n");
}

static void every_command_has_its_own_help(void **state) {
  (void)state;
  const char *commands[] = {"run",  "check",   "show",   "data", "data list",  "data inspect", "data fetch",
                            "runs", "compare", "report", "help", "completion", "man"};
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    char usage[64];
    snprintf(usage, sizeof usage, "Usage: hourglass %s", commands[i]);
    outcome result = run("%s --help", commands[i]);
    assert_status(result, 0);
    assert_has(result.out, usage);
    assert_has(result.out, "--color WHEN");
    assert_has(run("help %s", commands[i]).out, usage);
  }
  outcome data = run("data --help");
  assert_has(data.out, "data fetch NAME");
  assert_null(strstr(data.out, "report DIR"));
}

static void wrong_words_are_refused_with_the_nearest_right_one(void **state) {
  (void)state;
  const struct {
    const char *line, *message;
  } cases[] = {{"rnu x.yaml", "unknown command `rnu`; did you mean `run`?"},
               {"run x.yaml --thread 2", "unknown option `--thread`; did you mean `--threads`?"},
               {"data lst", "did you mean `list`"},
               {"data", "list | inspect | fetch"},
               {"run", "an argument is missing"},
               {"run a b", "one argument too many"},
               {"run a --threads", "--threads: needs a value"},
               {"run a --json=yes", "--json: takes no value"},
               {"run a --color sometimes", "`sometimes` is not one of: auto always never"},
               {"run a --threads 0", "`0` is not a whole number from 1 to 1024"},
               {"run a --seed -1", "`-1` is not a whole number from 0 up"},
               {"run a --seed 1 --seed 1", "--seed: 1 is given twice"},
               {"check a --set epochs", "`epochs` is not PATH=VALUE"},
               {"check a --out b", "unknown option `--out`"},
               {"completion fish", "only for bash"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    outcome result = run("%s", cases[i].line);
    assert_status(result, 2);
    assert_has(result.err, cases[i].message);
    assert_string_equal(result.out, "");
  }
}

static void exit_codes_say_what_kind_of_thing_went_wrong(void **state) {
  (void)state;
  write_text("broken.yaml", "study: x\nmodles: {}\n");
  write_text("absent.yaml", "study: x\ndata: {a: {source: no-such-folder}}\nmodels: {m: {data: a, naive_bayes: {}}}\n");
  write_text("wild.yaml",
             "study: x\n" LINES
             "models:\n  wild: {data: lines, encoder: [flatten, {dense: 8}], decoder: [{dense: 2352}, {reshape: [28, 28, 3]}], "
             "loss: {reconstruction: mse}, train: {batch_size: 4, epochs: 3, optimizer: {sgd: {learning_rate: 1e5}}}}\n");
  outcome result = run("check broken.yaml");
  assert_status(result, 2);
  assert_has(result.err, "broken.yaml:2:1");
  assert_has(result.err, "did you mean `models`");
  assert_status(run("check no-such-study.yaml"), 2);
  assert_status(run("run absent.yaml --out o"), 3);
  assert_status(run("data inspect no-such-folder"), 3);
  result = run("run wild.yaml --out wild");
  assert_status(result, 1);
  assert_has(result.err, "diverged");
  assert_has(result.out, "report.html");
  assert_status(run("runs no-such-results"), 2);
}

static void an_unknown_instruction_set_is_refused_at_the_start(void **state) {
  (void)state;
  setenv("HOURGLASS_ISA", "sse9", 1);
  outcome result = run("data list");
  unsetenv("HOURGLASS_ISA");
  assert_status(result, 2);
  assert_has(result.err, "generic, avx2 or avx512");
}

static void completion_and_manual_come_from_the_same_table(void **state) {
  (void)state;
  outcome result = run("completion bash");
  assert_status(result, 0);
  assert_has(result.out, "complete -o filenames -F _hourglass hourglass");
  assert_has(result.out, "--threads");
  char command[256];
  snprintf(command, sizeof command, "bash -n %s", in("stdout"));
  assert_int_equal(system(command), 0);
  result = run("man");
  assert_status(result, 0);
  assert_has(result.out, ".TH HOURGLASS 1");
  assert_has(result.out, "\\-\\-threads");
}

static void check_and_show_tell_what_a_study_holds(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  outcome result = run("check tiny.yaml");
  assert_status(result, 0);
  assert_has(result.out, "2 models, 1 data set, 1 seed, 2 runs");
  assert_has(run("check tiny.yaml --set seeds=3").out, "2 models, 1 data set, 3 seeds, 4 runs"); /* Bayes is fitted once */
  result = run("show tiny.yaml net");
  assert_status(result, 0);
  assert_has(result.out, "18,824"); /* 2352 * 8 + 8 */
  assert_has(result.out, "8 units, relu");
  assert_has(result.out, "total");
  assert_true(strstr(result.out, "bayes") == NULL);
  assert_status(run("show tiny.yaml nett"), 2);
}

static void json_is_all_there_is_on_standard_output(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  const char *lines[] = {"run tiny.yaml --out json --json", "runs json --json",   "show tiny.yaml --json",
                         "check tiny.yaml --json",          "report json --json", "data list --json",
                         "data inspect lines --json"};
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    outcome result = run("%s", lines[i]);
    assert_status(result, 0);
    json_error_t error;
    json_t *value = json_loads(result.out, 0, &error);
    if (value == NULL) fail_msg("%s: %s", lines[i], error.text);
    json_decref(value);
  }
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
  assert_has(result.err, "has no model `nett`");
  result = run("compare first first");
  assert_status(result, 2);
  assert_has(result.err, "name two of its models");
}

static void quiet_runs_say_nothing_on_standard_error(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  outcome result = run("run tiny.yaml --out quiet --quiet");
  assert_status(result, 0);
  assert_string_equal(result.err, "");
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
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/hourglass-cli-XXXXXX");
  assert_non_null(mkdtemp(folder));
  setenv("LC_ALL", "C.UTF-8", 1);
  write_text("longer.yaml", longer);
  assert_status(run("run longer.yaml --out whole"), 0);
  read_digests("whole", expected, sizeof expected);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
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
  assert_true(status == 130 || status == 0);
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
      cmocka_unit_test(help_and_version_go_to_standard_output),
      cmocka_unit_test(every_command_has_its_own_help),
      cmocka_unit_test(wrong_words_are_refused_with_the_nearest_right_one),
      cmocka_unit_test(exit_codes_say_what_kind_of_thing_went_wrong),
      cmocka_unit_test(an_unknown_instruction_set_is_refused_at_the_start),
      cmocka_unit_test(completion_and_manual_come_from_the_same_table),
      cmocka_unit_test(check_and_show_tell_what_a_study_holds),
      cmocka_unit_test(json_is_all_there_is_on_standard_output),
      cmocka_unit_test(a_study_runs_once_and_reports_every_run_as_done),
      cmocka_unit_test(two_models_are_compared_with_a_verdict),
      cmocka_unit_test(two_folders_are_compared_model_by_model),
      cmocka_unit_test(what_cannot_be_compared_is_said),
      cmocka_unit_test(quiet_runs_say_nothing_on_standard_error),
      cmocka_unit_test(results_go_below_runs_unless_told_otherwise),
      cmocka_unit_test(escape_codes_are_for_terminals_only),
      cmocka_unit_test(the_progress_line_fits_the_terminal),
      cmocka_unit_test(weights_are_equal_for_1_2_3_and_7_threads),
      cmocka_unit_test(weights_are_equal_for_every_instruction_set),
      cmocka_unit_test(an_interrupted_study_goes_on_to_the_same_weights),
      cmocka_unit_test(a_second_signal_does_not_wait),
      cmocka_unit_test(kills_at_any_moment_do_not_change_the_weights),
  };
  return cmocka_run_group_tests(tests, expect_digests, remove_folder);
}
