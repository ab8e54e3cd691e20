/* Studies carried out from end to end, in this process, on generated line images. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/file.h"
#include "eval/curves.h"
#include "store/predictions.h"
#include "store/safetensors.h"
#include "study/run.h"

#include <stdio.h>
#include <unistd.h>

#define DATA "data:\n  lines: {source: lines, lines: {per_class: 4}, validation: 0.1}\n"
#define ENCODER "encoder: [flatten, {dense: {units: 12, activation: relu}}]"
#define TRAIN "train: {batch_size: 32, epochs: 2}"
#define CLASSIFY "classifier: [{dense: 96}], loss: {classification: cross_entropy}"

/* What the events of one call told. */
typedef struct event_log {
  int started, skipped, done, failed, epochs;
  int stop, stop_after_steps; /* sets stop after so many progress events; 0 = never */
  char failures[1024];
} event_log;

static void on_event(void *context, const hg_run_event *event) {
  event_log *log = context;
  assert_in_range(event->run, 1, event->runs);
  switch (event->kind) {
    case HG_RUN_STARTED:
      log->started++;
      break;
    case HG_RUN_RESUMED:
    case HG_RUN_ANALYSED:
    case HG_RUN_REMOVED:
      break;
    case HG_RUN_SKIPPED:
      log->skipped++;
      break;
    case HG_RUN_DONE:
      log->done++;
      break;
    case HG_RUN_EPOCH:
      log->epochs++;
      break;
    case HG_RUN_FAILED:
      log->failed++;
      snprintf(log->failures + strlen(log->failures), sizeof log->failures - strlen(log->failures), "%s: %s\n", event->model,
               event->message);
      break;
    case HG_RUN_PROGRESS:
      if (log->stop_after_steps > 0 && --log->stop_after_steps == 0) log->stop = 1;
      break;
  }
}

typedef struct test_folder {
  char path[64];
} test_folder;

static test_folder make_folder(void) {
  test_folder made = {"/tmp/hourglass-run-XXXXXX"};
  assert_non_null(mkdtemp(made.path));
  return made;
}

static void remove_folder(const test_folder *folder) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder->path);
  assert_int_equal(system(command), 0);
}

static const char *in(const test_folder *folder, const char *name) {
  static char path[4][512];
  static int next;
  char *made = path[next++ % 4];
  snprintf(made, sizeof path[0], "%s/%s", folder->path, name);
  return made;
}

static void write_study(const test_folder *folder, const char *text) {
  assert_int_equal(hg_file_write(in(folder, "study.yaml"), text, strlen(text), NULL), HG_OK);
}

static hg_code run_seeds(const test_folder *folder, event_log *log, int threads, const uint64_t *seeds, int seed_count,
                         hg_error *error) {
  hg_study *study = NULL;
  hg_code code = hg_study_read(in(folder, "study.yaml"), NULL, 0, &study, error);
  if (code != HG_OK) fail_msg("%s: %s", error->place, error->message);
  char out[512];
  snprintf(out, sizeof out, "%s/out", folder->path);
  int stop_after = log->stop_after_steps;
  *log = (event_log){.stop_after_steps = stop_after};
  hg_run_settings settings = {.out = out,
                              .threads = threads,
                              .seeds = seeds,
                              .seed_count = seed_count,
                              .event = on_event,
                              .context = log,
                              .stop = &log->stop};
  code = hg_study_run(study, &settings, error);
  hg_study_free(study);
  return code;
}

static hg_code run(const test_folder *folder, event_log *log, hg_error *error) {
  return run_seeds(folder, log, 2, NULL, 0, error);
}

static void run_well(const test_folder *folder, event_log *log) {
  hg_error error = {0};
  if (run(folder, log, &error) != HG_OK) fail_msg("%s: %s %s", error.place, error.message, log->failures);
}

static hg_store *open_store(const test_folder *folder) {
  hg_store *store = NULL;
  assert_int_equal(hg_store_open(in(folder, "out"), false, &store, NULL), HG_OK);
  return store;
}

static hg_run_record stored_run(const test_folder *folder, const char *name, uint64_t seed) {
  hg_store *store = open_store(folder);
  hg_run_record record = {0};
  bool found = false;
  assert_int_equal(hg_store_get_run(store, name, seed, &record, &found, NULL), HG_OK);
  if (!found) snprintf(record.status, sizeof record.status, "absent");
  hg_free(record.settings);
  record.settings = NULL;
  hg_store_close(store);
  return record;
}

static double metric(const test_folder *folder, const char *name, uint64_t seed, const char *wanted) {
  hg_run_record record = stored_run(folder, name, seed);
  hg_store *store = open_store(folder);
  hg_metric *metrics = NULL;
  int count = 0;
  double value = -1;
  assert_int_equal(hg_store_list_metrics(store, record.id, &metrics, &count, NULL), HG_OK);
  for (int i = 0; i < count; i++)
    if (strcmp(metrics[i].name, wanted) == 0) value = metrics[i].value;
  hg_free(metrics);
  hg_store_close(store);
  return value;
}

static bool is_warned_of(const test_folder *folder, const char *code) {
  hg_store *store = open_store(folder);
  hg_warning *rows = NULL;
  int count = 0;
  assert_int_equal(hg_store_get_warnings(store, &rows, &count, NULL), HG_OK);
  bool found = false;
  for (int i = 0; i < count; i++) found = found || strcmp(rows[i].code, code) == 0;
  hg_free(rows);
  hg_store_close(store);
  return found;
}

/* ---- */

static const char three_models[] =
    "study: three\nseeds: [1, 2]\n" DATA
    "models:\n"
    "  plain: {data: lines, " ENCODER ", " CLASSIFY ", " TRAIN
    "}\n"
    "  cleaner: {data: lines, corrupt: {salt_and_pepper: 0.2}, " ENCODER
    ", decoder: [{dense: {units: 2352, activation: sigmoid}}, {reshape: [28, 28, 3]}], loss: {reconstruction: mse}, " TRAIN
    "}\n"
    "  carried: {data: lines, encoder: {from: cleaner, freeze: true}, " CLASSIFY ", " TRAIN
    "}\n"
    "report:\n  compare: [[plain, carried]]\n  published: {plain: {test.accuracy: 0.5}}\n";

static void every_model_is_trained_once_per_seed_and_then_never_again(void **state) {
  (void)state;
  test_folder folder = make_folder();
  write_study(&folder, three_models);
  event_log log = {0};
  run_well(&folder, &log);
  assert_int_equal(log.done, 6);
  assert_int_equal(log.epochs, 12);
  hg_run_record before = stored_run(&folder, "carried", 2);
  assert_string_equal(before.status, "done");
  assert_int_equal(strlen(before.weights_sha256), 64);
  assert_true(before.parameters > 0);
  run_well(&folder, &log);
  assert_int_equal(log.skipped, 6);
  assert_int_equal(log.started, 0);
  assert_string_equal(stored_run(&folder, "carried", 2).weights_sha256, before.weights_sha256);
  assert_true(hg_path_exists(in(&folder, "out/report.json")));
  assert_true(hg_path_exists(in(&folder, "out/report.html")));
  assert_false(hg_path_exists(in(&folder, "out/runs/plain-seed1/checkpoint.safetensors")));
  remove_folder(&folder);
}

static void a_run_leaves_figures_predictions_samples_and_layers(void **state) {
  (void)state;
  test_folder folder = make_folder();
  write_study(&folder, three_models);
  event_log log = {0};
  run_well(&folder, &log);
  double accuracy = metric(&folder, "plain", 1, "test.accuracy");
  assert_true(accuracy >= 0 && accuracy <= 1);
  assert_true(metric(&folder, "plain", 1, "test.loss") > 0);
  assert_true(metric(&folder, "plain", 1, "test.mse") < 0);
  assert_true(metric(&folder, "cleaner", 1, "test.mse") > 0);
  assert_true(metric(&folder, "cleaner", 1, "test.noisy_mse") > 0);
  assert_true(metric(&folder, "cleaner", 1, "test.ssim") > -1);
  hg_safetensors file = {0};
  assert_int_equal(hg_safetensors_read(in(&folder, "out/runs/plain-seed1/predictions.safetensors"), &file, NULL), HG_OK);
  const hg_named_tensor *probabilities = hg_safetensors_find(&file, "probabilities");
  assert_non_null(probabilities);
  assert_int_equal(probabilities->dim[1], 96);
  hg_safetensors_release(&file);
  assert_int_equal(hg_safetensors_read(in(&folder, "out/runs/cleaner-seed1/samples.safetensors"), &file, NULL), HG_OK);
  const hg_named_tensor *original = hg_safetensors_find(&file, "original"), *input = hg_safetensors_find(&file, "input");
  assert_non_null(original);
  assert_non_null(input);
  assert_non_null(hg_safetensors_find(&file, "reconstruction"));
  assert_int_equal(original->dim[1], 28);
  assert_memory_not_equal(original->data, input->data, (size_t)hg_named_tensor_count(original));
  hg_safetensors_release(&file);
  hg_store *store = open_store(&folder);
  hg_layer_row *rows = NULL;
  int count = 0;
  assert_int_equal(hg_store_get_layers(store, stored_run(&folder, "plain", 1).id, &rows, &count, NULL), HG_OK);
  assert_int_equal(count, 3);
  assert_string_equal(rows[1].detail, "12 units, relu");
  hg_free(rows);
  hg_store_close(store);
  remove_folder(&folder);
}

static void support_vector_machines_are_ranked_by_their_decisions(void **state) {
  (void)state;
  test_folder folder = make_folder();
  write_study(&folder, "study: x\n" DATA "models:\n  machine: {data: lines, svm: {}}\n");
  event_log log = {0};
  run_well(&folder, &log);
  hg_safetensors file = {0};
  hg_predictions found;
  hg_ranking_scores by_decisions, by_votes;
  assert_int_equal(hg_safetensors_read(in(&folder, "out/runs/machine-seed1/predictions.safetensors"), &file, NULL), HG_OK);
  assert_int_equal(hg_predictions_find(&file, "", &found, NULL), HG_OK);
  const float *decisions = hg_safetensors_find(&file, "decisions")->data;
  assert_int_equal(hg_ranking_scores_new(decisions, found.labels, found.count, found.classes, &by_decisions, NULL), HG_OK);
  assert_int_equal(hg_ranking_scores_new(found.probabilities, found.labels, found.count, found.classes, &by_votes, NULL), HG_OK);
  assert_true(by_decisions.macro_average_precision != by_votes.macro_average_precision);
  assert_true(metric(&folder, "machine", 1, "test.average_precision_macro") == by_decisions.macro_average_precision);
  assert_true(metric(&folder, "machine", 1, "test.roc_auc_micro") == by_decisions.micro_roc_auc);
  hg_ranking_scores_release(&by_decisions);
  hg_ranking_scores_release(&by_votes);
  hg_safetensors_release(&file);
  remove_folder(&folder);
}

static void findings_follow_from_the_runs(void **state) {
  (void)state;
  test_folder folder = make_folder();
  write_study(&folder, three_models);
  event_log log = {0};
  run_well(&folder, &log);
  hg_store *store = open_store(&folder);
  hg_comparison *pairs = NULL;
  hg_published *published = NULL;
  int count = 0;
  assert_int_equal(hg_store_get_comparisons(store, &pairs, &count, NULL), HG_OK);
  assert_true(count >= 2);
  assert_string_equal(pairs[0].metric, "accuracy");
  assert_string_equal(pairs[1].metric, "macro_f1");
  assert_string_equal(pairs[0].test, "seeds-and-images");
  assert_int_equal(pairs[0].seeds, 2);
  double a = (metric(&folder, "plain", 1, "test.accuracy") + metric(&folder, "plain", 2, "test.accuracy")) / 2;
  double b = (metric(&folder, "carried", 1, "test.accuracy") + metric(&folder, "carried", 2, "test.accuracy")) / 2;
  assert_true(fabs(pairs[0].difference - (a - b)) < 1e-12 && fabs(pairs[0].value_a - a) < 1e-12);
  assert_true(pairs[0].low <= pairs[0].difference && pairs[0].difference <= pairs[0].high);
  assert_true((pairs[0].p_holm < 0.05) == (strcmp(pairs[0].verdict, "undecided") != 0));
  assert_int_equal(hg_store_get_published(store, &published, &count, NULL), HG_OK);
  assert_int_equal(count, 1);
  assert_true(fabs(published[0].measured - a) < 1e-12 && published[0].seeds == 2);
  assert_true(published[0].low <= a && a <= published[0].high);
  assert_true(published[0].low >= 0 && published[0].high <= 1); /* Student's interval of two seeds alone reaches further */
  hg_free(pairs);
  hg_free(published);
  hg_store_close(store);
  assert_false(is_warned_of(&folder, "one-seed"));
  assert_false(is_warned_of(&folder, "no-validation"));
  remove_folder(&folder);
}

static int compared_with_the_filter(hg_store *store, int seeds) {
  hg_comparison *pairs = NULL;
  int count = 0, found = 0;
  assert_int_equal(hg_store_get_comparisons(store, &pairs, &count, NULL), HG_OK);
  for (int i = 0; i < count; i++) found += strcmp(pairs[i].b, "median filter") == 0 && pairs[i].seeds == seeds;
  hg_free(pairs);
  return found;
}

static void findings_of_a_call_for_one_seed_are_of_every_stored_seed(void **state) {
  (void)state;
  test_folder folder = make_folder();
  write_study(&folder, three_models);
  event_log log = {0};
  run_well(&folder, &log);
  uint64_t first = 1;
  hg_error error = {0};
  assert_int_equal(run_seeds(&folder, &log, 2, &first, 1, &error), HG_OK);
  assert_int_equal(log.skipped, 3);
  hg_store *store = open_store(&folder);
  hg_published *published = NULL;
  int count = 0;
  assert_int_equal(hg_store_get_published(store, &published, &count, NULL), HG_OK);
  double mean = (metric(&folder, "plain", 1, "test.accuracy") + metric(&folder, "plain", 2, "test.accuracy")) / 2;
  assert_int_equal(published[0].seeds, 2);
  assert_true(fabs(published[0].measured - mean) < 1e-12);
  assert_true(compared_with_the_filter(store, 2) > 0);
  assert_int_equal(compared_with_the_filter(store, 1), 0);
  hg_free(published);
  hg_store_close(store);
  remove_folder(&folder);
}

static void only_what_changed_is_run_again(void **state) {
  (void)state;
  test_folder folder = make_folder();
  event_log log = {0};
  write_study(&folder,
              "study: x\n" DATA "models:\n  a: {data: lines, " ENCODER ", " CLASSIFY ", " TRAIN "}\n  b: {data: lines, " ENCODER
              ", " CLASSIFY ", train: {batch_size: 32, epochs: 1}}\n  c: {data: lines, encoder: {from: b}, " CLASSIFY ", " TRAIN
              "}\n");
  run_well(&folder, &log);
  assert_int_equal(log.done, 3);
  write_study(&folder,
              "study: x\n" DATA "models:\n  a: {data: lines, " ENCODER ", " CLASSIFY ", " TRAIN "}\n  b: {data: lines, " ENCODER
              ", " CLASSIFY ", train: {batch_size: 16, epochs: 1}}\n  c: {data: lines, encoder: {from: b}, " CLASSIFY ", " TRAIN
              "}\n");
  run_well(&folder, &log);
  assert_int_equal(log.skipped, 1);
  assert_int_equal(log.done, 2);
  write_study(&folder, "study: x\n" DATA "models:\n  a: {data: lines, " ENCODER ", " CLASSIFY ", " TRAIN "}\n");
  run_well(&folder, &log);
  assert_int_equal(log.skipped, 1);
  assert_string_equal(stored_run(&folder, "b", 1).status, "absent");
  assert_false(hg_path_exists(in(&folder, "out/runs/b-seed1")));
  remove_folder(&folder);
}

static void runs_of_the_studys_other_seeds_stay(void **state) {
  (void)state;
  test_folder folder = make_folder();
  event_log log = {0};
  write_study(&folder, three_models);
  run_well(&folder, &log);
  uint64_t third = 3;
  hg_error error = {0};
  assert_int_equal(run_seeds(&folder, &log, 2, &third, 1, &error), HG_OK);
  assert_int_equal(log.done, 3);
  assert_string_equal(stored_run(&folder, "plain", 1).status, "done");
  assert_string_equal(stored_run(&folder, "plain", 3).status, "done");
  remove_folder(&folder);
}

static void a_folder_of_another_study_is_refused_and_left_as_it_is(void **state) {
  (void)state;
  test_folder folder = make_folder();
  event_log log = {0};
  write_study(&folder, "study: x\n" DATA "models:\n  calm: {data: lines, " ENCODER ", " CLASSIFY ", " TRAIN "}\n");
  hg_error error = {0};
  assert_int_equal(run(&folder, &log, &error), HG_OK);
  write_study(&folder, "study: y\n" DATA "models:\n  other: {data: lines, " ENCODER ", " CLASSIFY ", " TRAIN "}\n");
  assert_int_equal(run(&folder, &log, &error), HG_USAGE);
  assert_non_null(strstr(error.message, "the study `x`"));
  assert_string_equal(stored_run(&folder, "calm", 1).status, "done");
  remove_folder(&folder);
}

static void a_run_that_diverges_takes_down_only_those_that_need_it(void **state) {
  (void)state;
  test_folder folder = make_folder();
  event_log log = {0};
  write_study(&folder, "study: x\n" DATA
                       "models:\n"
                       "  wild: {data: lines, encoder: [flatten, {dense: 8}], decoder: [{dense: 2352}, {reshape: [28, 28, 3]}], "
                       "loss: {reconstruction: mse}, train: {epochs: 3, optimizer: {sgd: {learning_rate: 1e5}}}}\n"
                       "  heir: {data: lines, encoder: {from: wild}, " CLASSIFY ", " TRAIN
                       "}\n"
                       "  calm: {data: lines, " ENCODER ", " CLASSIFY ", " TRAIN "}\n");
  hg_error error = {0};
  assert_int_equal(run(&folder, &log, &error), HG_DIVERGED);
  assert_int_equal(log.failed, 2);
  assert_int_equal(log.done, 1);
  assert_non_null(strstr(log.failures, "heir: needs wild seed 1, which diverged"));
  assert_string_equal(stored_run(&folder, "wild", 1).status, "diverged");
  assert_string_equal(stored_run(&folder, "heir", 1).status, "failed");
  assert_string_equal(stored_run(&folder, "calm", 1).status, "done");
  assert_true(is_warned_of(&folder, "diverged"));
  assert_true(is_warned_of(&folder, "failed")); /* the heir, that could not be trained without it */
  assert_true(hg_path_exists(in(&folder, "out/report.json")));

  assert_int_equal(run(&folder, &log, &error), HG_DIVERGED); /* called again it trains nothing, and says the same */
  assert_memory_equal(error.message, "wild seed 1: ", strlen("wild seed 1: "));
  assert_int_equal(log.started, 0);
  assert_int_equal(log.skipped, 2);
  assert_int_equal(log.failed, 1); /* the heir, which has nothing to begin with */
  assert_string_equal(stored_run(&folder, "wild", 1).status, "diverged");
  assert_true(is_warned_of(&folder, "diverged"));
  remove_folder(&folder);
}

static void a_stopped_study_goes_on_and_ends_with_the_same_weights(void **state) {
  (void)state;
  test_folder whole = make_folder(), stopped = make_folder();
  write_study(&whole, three_models);
  write_study(&stopped, three_models);
  event_log log = {0};
  run_well(&whole, &log);
  hg_error error = {0};
  int interruptions = 0;
  for (hg_code code = HG_INTERRUPTED; code == HG_INTERRUPTED; interruptions++) {
    log.stop_after_steps = 7;
    code = run(&stopped, &log, &error);
    assert_true(code == HG_OK || code == HG_INTERRUPTED);
    assert_true(interruptions < 200);
  }
  assert_true(interruptions > 3);
  const char *names[] = {"plain", "cleaner", "carried"};
  for (int i = 0; i < 3; i++)
    for (uint64_t seed = 1; seed <= 2; seed++)
      assert_string_equal(stored_run(&whole, names[i], seed).weights_sha256, stored_run(&stopped, names[i], seed).weights_sha256);
  remove_folder(&whole);
  remove_folder(&stopped);
}

static void an_interrupted_run_is_marked_so(void **state) {
  (void)state;
  test_folder folder = make_folder();
  write_study(&folder, three_models);
  event_log log = {.stop_after_steps = 3};
  hg_error error = {0};
  assert_int_equal(run_seeds(&folder, &log, 1, NULL, 0, &error), HG_INTERRUPTED);
  assert_string_equal(stored_run(&folder, "plain", 1).status, "interrupted");
  assert_string_equal(stored_run(&folder, "plain", 2).status, "pending");
  assert_true(hg_path_exists(in(&folder, "out/runs/plain-seed1/checkpoint.safetensors")));
  assert_true(hg_path_exists(in(&folder, "out/report.html")));
  remove_folder(&folder);
}

static void images_in_both_parts_and_missing_validation_are_warned_of(void **state) {
  (void)state;
  test_folder folder = make_folder();
  event_log log = {0};
  write_study(&folder,
              "study: x\ndata:\n  leaky: {source: lines, lines: {per_class: 60}, classes: [0, 1, 2], validation: 0}\n"
              "models:\n  bayes: {data: leaky, naive_bayes: {}}\n  svm: {data: leaky, svm: {kernel: linear}, limit: 60}\n"
              "report:\n  compare: [[bayes, svm]]\n");
  run_well(&folder, &log);
  assert_true(is_warned_of(&folder, "test-leak"));
  assert_true(is_warned_of(&folder, "no-validation"));
  assert_false(is_warned_of(&folder, "one-seed")); /* neither draws random numbers */
  assert_true(metric(&folder, "svm", 1, "test.accuracy") > 0.3);
  assert_true(hg_path_exists(in(&folder, "out/runs/svm-seed1/model.safetensors")));
  remove_folder(&folder);
}

static void a_comparison_on_one_seed_is_warned_of(void **state) {
  (void)state;
  test_folder folder = make_folder();
  event_log log = {0};
  write_study(&folder, "study: x\n" DATA "models:\n  net: {data: lines, " ENCODER ", " CLASSIFY ", " TRAIN
                       "}\n"
                       "  bayes: {data: lines, naive_bayes: {}}\nreport:\n  compare: [[net, bayes]]\n");
  run_well(&folder, &log);
  assert_true(is_warned_of(&folder, "one-seed"));
  remove_folder(&folder);
}

static void codes_of_an_encoder_are_features(void **state) {
  (void)state;
  test_folder folder = make_folder();
  event_log log = {0};
  write_study(&folder, "study: x\n" DATA "models:\n  net: {data: lines, " ENCODER ", " CLASSIFY ", " TRAIN
                       "}\n"
                       "  bayes: {data: lines, features: {from: net}, naive_bayes: {}}\n");
  run_well(&folder, &log);
  assert_int_equal(log.done, 2);
  assert_true(metric(&folder, "bayes", 1, "test.accuracy") > 0);
  remove_folder(&folder);
}

static void weights_do_not_depend_on_the_number_of_threads(void **state) {
  (void)state;
  char digest[2][65];
  for (int i = 0; i < 2; i++) {
    test_folder folder = make_folder();
    write_study(&folder, three_models);
    event_log log = {0};
    hg_error error = {0};
    assert_int_equal(run_seeds(&folder, &log, i == 0 ? 1 : 3, NULL, 0, &error), HG_OK);
    memcpy(digest[i], stored_run(&folder, "carried", 1).weights_sha256, 65);
    remove_folder(&folder);
  }
  assert_string_equal(digest[0], digest[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_model_is_trained_once_per_seed_and_then_never_again),
      cmocka_unit_test(a_run_leaves_figures_predictions_samples_and_layers),
      cmocka_unit_test(support_vector_machines_are_ranked_by_their_decisions),
      cmocka_unit_test(findings_follow_from_the_runs),
      cmocka_unit_test(findings_of_a_call_for_one_seed_are_of_every_stored_seed),
      cmocka_unit_test(only_what_changed_is_run_again),
      cmocka_unit_test(runs_of_the_studys_other_seeds_stay),
      cmocka_unit_test(a_folder_of_another_study_is_refused_and_left_as_it_is),
      cmocka_unit_test(a_run_that_diverges_takes_down_only_those_that_need_it),
      cmocka_unit_test(a_stopped_study_goes_on_and_ends_with_the_same_weights),
      cmocka_unit_test(an_interrupted_run_is_marked_so),
      cmocka_unit_test(images_in_both_parts_and_missing_validation_are_warned_of),
      cmocka_unit_test(a_comparison_on_one_seed_is_warned_of),
      cmocka_unit_test(codes_of_an_encoder_are_features),
      cmocka_unit_test(weights_do_not_depend_on_the_number_of_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
