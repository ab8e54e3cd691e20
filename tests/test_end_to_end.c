/* One study with every kind of model, from its file to its report; the same report after kill -9 while its runs are analysed. */
#define _GNU_SOURCE
#include "base/alloc.h"
#include "base/file.h"
#include "study/run.h"
#include "test_folder.h"

#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char study_text[] =
    "study: all-kinds\n"
    "seeds: [1, 2]\n"
    "data:\n"
    "  lines: {source: lines, lines: {per_class: 40}, classes: [0, 24, 48, 72], validation: 0.1}\n"
    "models:\n"
    "  cnn:\n"
    "    encoder: [{conv2d: {filters: 4, kernel_size: 3, padding: same, activation: relu}}, {max_pool2d: 4}]\n"
    "    classifier: [flatten, {dense: {units: 8, activation: relu}}, {dense: 4}]\n"
    "    loss: {classification: cross_entropy}\n"
    "    train: {batch_size: 8, epochs: 15}\n"
    "  denoiser:\n"
    "    corrupt: {salt_and_pepper: 0.1}\n"
    "    encoder: [{conv2d: {filters: 4, kernel_size: 3, padding: same, activation: relu}}, {max_pool2d: 2}]\n"
    "    decoder: [{upsample2d: 2}, {conv2d: {filters: 3, kernel_size: 3, padding: same, activation: sigmoid}}]\n"
    "    loss: {reconstruction: mse}\n"
    "    train: {optimizer: {adam: {learning_rate: 1e-2}}, batch_size: 8, epochs: 6}\n"
    "  autoencoder:\n"
    "    encoder: [flatten, {dense: 6}]\n"
    "    decoder: [{dense: {units: 2352, activation: sigmoid}}, {reshape: [28, 28, 3]}]\n"
    "    loss: {reconstruction: mse}\n"
    "    train: {optimizer: {adam: {learning_rate: 1e-2}}, batch_size: 8, epochs: 6}\n"
    "  codes_svm: {features: {from: autoencoder}, svm: {kernel: rbf, C: 1}}\n"
    "report:\n"
    "  compare: [[cnn, codes_svm]]\n"
    "  published: {cnn: {test.accuracy: 0.5}}\n";

enum { RUNS = 8 }; /* four models, two seeds */

static json_t *whole; /* the report of the study left alone */

static void shell(const char *format, ...) {
  char command[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(command, sizeof command, format, arguments);
  va_end(arguments);
  assert_int_equal(system(command), 0);
}

/* ---------------------------------------------------------------- running it */

static void tell_analysis(void *context, const hg_run_event *event) {
  const int *pipe_end = context;
  bool ended = event->kind == HG_RUN_DONE || event->kind == HG_RUN_SKIPPED;
  if (pipe_end != NULL && ended && event->run == event->runs && write(*pipe_end, "x", 1) != 1) _exit(2);
}

/* Writes to `pipe_end`, where there is one, when the last run is done and the analysis begins. */
static hg_code run(const char *out, int *pipe_end, hg_error *error) {
  hg_study *study = NULL;
  hg_code code = hg_study_read(in("study.yaml"), NULL, 0, &study, error);
  hg_run_settings settings = {.out = out, .threads = 1, .event = tell_analysis, .context = pipe_end};
  if (code == HG_OK) code = hg_study_run(study, &settings, error);
  hg_study_free(study);
  return code;
}

static void run_to_the_end(const char *out) {
  hg_error error = {0};
  if (run(out, NULL, &error) != HG_OK) fail_msg("%s: %s", error.place, error.message);
}

/* Runs in a process of its own, which is killed so long after its analysis began, or as soon as `file` is there. */
static void run_and_kill(const char *out, const char *file, int microseconds) {
  int pipes[2];
  char byte;
  assert_int_equal(pipe(pipes), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) _exit(run(out, &pipes[1], NULL) == HG_OK ? 0 : 1);
  close(pipes[1]);
  assert_int_equal(read(pipes[0], &byte, 1), 1);
  char path[512];
  snprintf(path, sizeof path, "%s/%s", out, file == NULL ? "" : file);
  if (file == NULL) nanosleep(&(struct timespec){0, microseconds * 1000L}, NULL);
  while (file != NULL && access(path, F_OK) != 0 && waitpid(child, NULL, WNOHANG) == 0)
    nanosleep(&(struct timespec){0, 20000}, NULL);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  close(pipes[0]);
}

/* ---------------------------------------------------------------- its report */

/* Times differ from run to run; all else is the same. */
static void drop_times(json_t *value) {
  static const char *const times[] = {"seconds", "images_per_second"};
  const char *key;
  json_t *item;
  size_t i;
  for (size_t n = 0; json_is_object(value) && n < 2; n++) json_object_del(value, times[n]);
  json_object_foreach(value, key, item) drop_times(item);
  json_array_foreach(value, i, item) drop_times(item);
}

static json_t *report_of(const char *out) {
  char path[512];
  snprintf(path, sizeof path, "%s/report.json", out);
  json_t *report = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
  if (report == NULL) fail_msg("%s cannot be read", path);
  drop_times(report);
  return report;
}

static int run_whole(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/hourglass-whole-XXXXXX");
  assert_non_null(mkdtemp(folder));
  assert_int_equal(hg_file_write(in("study.yaml"), study_text, strlen(study_text), NULL), HG_OK);
  run_to_the_end(in("whole"));
  whole = report_of(in("whole"));
  return 0;
}

static int remove_all(void **state) {
  (void)state;
  json_decref(whole);
  shell("rm -rf %s", folder);
  return 0;
}

static const json_t *run_of(const char *name, int seed) {
  size_t i;
  json_t *entry;
  json_array_foreach(json_object_get(whole, "runs"), i, entry) {
    bool named = strcmp(json_string_value(json_object_get(entry, "name")), name) == 0;
    if (named && json_integer_value(json_object_get(entry, "seed")) == seed) return entry;
  }
  fail_msg("there is no run %s of seed %d", name, seed);
  return NULL;
}

static size_t count_of(const char *run_name, const char *list) {
  size_t count = json_array_size(json_object_get(run_of(run_name, 1), list));
  assert_int_equal(json_array_size(json_object_get(run_of(run_name, 2), list)), count);
  return count;
}

static void assert_figure(const char *run_name, const char *group, const char *name, double low, double high) {
  for (int seed = 1; seed <= 2; seed++) {
    const json_t *value = json_object_get(json_object_get(run_of(run_name, seed), group), name);
    if (!json_is_number(value)) fail_msg("%s seed %d has no %s.%s", run_name, seed, group, name);
    double figure = json_number_value(value);
    if (!(figure >= low && figure <= high)) fail_msg("%s seed %d: %s.%s is %g", run_name, seed, group, name, figure);
  }
}

static void every_model_runs_once_per_seed(void **state) {
  (void)state;
  size_t i;
  json_t *entry;
  assert_int_equal(json_array_size(json_object_get(whole, "runs")), RUNS);
  json_array_foreach(json_object_get(whole, "runs"), i, entry)
      assert_string_equal(json_string_value(json_object_get(entry, "status")), "done");
  assert_string_equal(json_string_value(json_object_get(run_of("cnn", 1), "engine")), "native");
  assert_string_not_equal(json_string_value(json_object_get(run_of("cnn", 1), "weights_sha256")),
                          json_string_value(json_object_get(run_of("cnn", 2), "weights_sha256")));
}

/* Drawn at random among few places, some lines of the test set are drawn for training too. */
static void images_in_both_training_and_test_set_are_warned_of(void **state) {
  (void)state;
  const json_t *warnings = json_object_get(whole, "warnings");
  assert_int_equal(json_array_size(warnings), 2);
  assert_string_equal(json_string_value(json_object_get(json_array_get(warnings, 0), "code")), "test-leak");
  assert_string_equal(json_string_value(json_object_get(json_array_get(warnings, 1), "code")), "validation-leak");
}

static void classifiers_have_scores_in_detail(void **state) {
  (void)state;
  static const char *const names[] = {"cnn", "codes_svm"};
  for (int i = 0; i < 2; i++) {
    assert_int_equal(count_of(names[i], "classes"), 4);
    assert_true(json_array_size(json_object_get(run_of(names[i], 1), "confusion")) >= 4);
    assert_int_equal(count_of(names[i], "calibration"), 15);
    assert_figure(names[i], "test", "accuracy", 0.3, 1); /* learnt: a quarter is chance */
    assert_figure(names[i], "test", "roc_auc_macro", 0.5, 1);
    assert_figure(names[i], "test", "brier", 0, 1);
  }
  assert_int_equal(count_of("denoiser", "classes"), 0);
}

static void a_denoiser_is_measured_at_several_levels(void **state) {
  (void)state;
  size_t i;
  json_t *row;
  bool seen[5] = {false};
  static const char *const methods[] = {"noisy", "model", "median_3", "median_5", "median"};
  assert_true(count_of("denoiser", "denoising") >= 4 * 5);
  assert_int_equal(count_of("autoencoder", "denoising"), 0);
  json_array_foreach(json_object_get(run_of("denoiser", 1), "denoising"), i, row) {
    const char *method = json_string_value(json_object_get(row, "method"));
    for (int m = 0; m < 5; m++) seen[m] = seen[m] || strcmp(method, methods[m]) == 0;
    assert_true(json_real_value(json_object_get(row, "mse")) > 0);
  }
  for (int m = 0; m < 5; m++) assert_true(seen[m]);
  assert_figure("denoiser", "test", "ssim", 0, 1);
}

static void codes_are_mapped_and_thumbnails_kept(void **state) {
  (void)state;
  assert_figure("autoencoder", "codes", "width", 6, 6);
  assert_figure("autoencoder", "codes", "separation", 0.1, 100);
  static const char *const files[] = {"runs/cnn-seed1/codes.safetensors",         "runs/denoiser-seed1/codes.safetensors",
                                      "runs/autoencoder-seed1/codes.safetensors", "runs/denoiser-seed2/denoising.safetensors",
                                      "data/lines/thumbnails.safetensors",        "report.html"};
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", in("whole"), files[i]);
    if (!hg_path_exists(path)) fail_msg("%s is not there", files[i]);
  }
}

/* ---------------------------------------------------------------- killed */

static void assert_same_report(const char *out, const char *moment) {
  json_t *report = report_of(out);
  char *left = json_dumps(whole, JSON_INDENT(1) | JSON_SORT_KEYS), *right = json_dumps(report, JSON_INDENT(1) | JSON_SORT_KEYS);
  int at = 0;
  while (left[at] != '\0' && left[at] == right[at]) at++;
  int from = at > 120 ? at - 120 : 0;
  if (left[at] != right[at]) fail_msg("killed %s, the report has `%.160s` for `%.160s`", moment, right + from, left + from);
  json_decref(report);
  free(left);
  free(right);
}

static void assert_same_files(const char *out, const char *moment) {
  char command[512];
  snprintf(command, sizeof command,
           "cd %s && find . -name '*.safetensors' ! -name predictions.safetensors | sort | xargs sha256sum > %s/left && cd %s && "
           "sha256sum -c --quiet %s/left",
           in("whole"), folder, out, folder);
  if (system(command) != 0) fail_msg("killed %s, files differ", moment);
}

static void a_kill_in_the_analysis_leaves_the_same_report(void **state) {
  (void)state;
  static const char *const files[] = {"runs/cnn-seed1/codes.safetensors", "runs/autoencoder-seed1/codes.safetensors",
                                      "runs/denoiser-seed1/denoising.safetensors", "data/lines/thumbnails.safetensors"};
  enum { FILES = sizeof files / sizeof files[0], MOMENTS = 8 };
  run_and_kill(in("trained"), NULL, 0); /* trained, and not analysed */
  for (int i = 0; i < FILES + MOMENTS; i++) {
    char moment[96];
    const char *file = i < FILES ? files[i] : NULL;
    int microseconds = 500 << (i < FILES ? 0 : i - FILES);
    shell("rm -rf %s && cp -r %s %s", in("out"), in("trained"), in("out"));
    run_and_kill(in("out"), file, microseconds);
    run_to_the_end(in("out"));
    if (file != NULL)
      snprintf(moment, sizeof moment, "at %s", file);
    else
      snprintf(moment, sizeof moment, "after %d us", microseconds);
    assert_same_report(in("out"), moment);
    assert_same_files(in("out"), moment);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_model_runs_once_per_seed),
      cmocka_unit_test(images_in_both_training_and_test_set_are_warned_of),
      cmocka_unit_test(classifiers_have_scores_in_detail),
      cmocka_unit_test(a_denoiser_is_measured_at_several_levels),
      cmocka_unit_test(codes_are_mapped_and_thumbnails_kept),
      cmocka_unit_test(a_kill_in_the_analysis_leaves_the_same_report),
  };
  return cmocka_run_group_tests(tests, run_whole, remove_all);
}
