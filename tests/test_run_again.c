/* What a second call of a study does: it goes on where the first one stopped, and repeats nothing that no seed changes. */
#include "report/report.h"
#include "store/safetensors.h"
#include "test_study_run.h"

#include <math.h>
#include <unistd.h>

#define DATA "data: {lines: {source: lines, lines: {per_class: 3}, classes: [0, 1, 2, 3, 4, 5, 6, 7], validation: 6}}\n"
#define NETWORK                                                                                                          \
  "  net: {encoder: [flatten, {dense: {units: 6, activation: relu}}], classifier: [{dense: 8}], loss: {classification: " \
  "cross_entropy}, train: {batch_size: 4, epochs: 5}}\n"

static hg_code attempt(const char *text, const uint64_t *seeds, int seed_count, told *t, hg_error *error) {
  return run_study(text, (hg_run_settings){.threads = 1, .seeds = seeds, .seed_count = seed_count}, t, error);
}

static hg_code run(const char *text, const uint64_t *seeds, int seed_count, told *t) {
  hg_error error = {0};
  hg_code code = attempt(text, seeds, seed_count, t, &error);
  if (code != HG_OK && code != HG_INTERRUPTED) fail_msg("%s: %s", error.place, error.message);
  return code;
}

static void a_method_that_draws_no_numbers_is_fitted_once(void **state) {
  (void)state;
  static const char text[] = "study: x\nseeds: [4, 5, 6]\n" DATA "models:\n" NETWORK
                             "  pixels: {naive_bayes: {}}\n"
                             "  codes: {features: {from: net}, naive_bayes: {}}\n";
  told first = {0}, other = {0}, again = {0};
  assert_int_equal(run(text, NULL, 0, &first), HG_OK);
  assert_int_equal(first.done, 3 + 1 + 3);
  uint64_t seed = 9;
  assert_int_equal(run(text, &seed, 1, &other), HG_OK);
  assert_int_equal(other.done, 2);
  assert_int_equal(other.skipped, 1); /* the one on pixels, under the study's first seed */
  assert_int_equal(run(text, NULL, 0, &again), HG_OK);
  assert_int_equal(again.skipped, 7);
}

static void a_damaged_file_of_a_run_is_told_with_what_mends_it(void **state) {
  (void)state;
  static const char text[] = "study: x\n" DATA "models:\n  a: {naive_bayes: {}}\n  b: {knn: 3}\nreport: {compare: [[a, b]]}\n";
  told first = {0}, damaged = {0}, mended = {0};
  hg_error error = {0};
  char file[160], command[192];
  assert_int_equal(run(text, NULL, 0, &first), HG_OK);
  snprintf(file, sizeof file, "%s/runs/a-seed1/predictions.safetensors", out);
  assert_int_equal(hg_file_write(file, "junk", 4, NULL), HG_OK);
  assert_int_equal(attempt(text, NULL, 0, &damaged, &error), HG_DATA);
  snprintf(file, sizeof file, "; remove %s/runs/a-seed1, and `hourglass run` makes this run again", out);
  assert_non_null(strstr(error.message, file));
  snprintf(command, sizeof command, "rm -r %s/runs/a-seed1", out);
  assert_int_equal(system(command), 0);
  assert_int_equal(run(text, NULL, 0, &mended), HG_OK);
  assert_int_equal(mended.done, 1);
}

/* NaN where the run in this place has no such figure. */
static double metric_of_run(int place, const char *name) {
  hg_store *store = NULL;
  hg_run_record *records = NULL;
  hg_metric *metrics = NULL;
  int count = 0, metric_count = 0;
  double value = (double)NAN;
  assert_int_equal(hg_store_open(out, false, &store, NULL), HG_OK);
  assert_int_equal(hg_store_list_runs(store, &records, &count, NULL), HG_OK);
  assert_true(place < count);
  assert_int_equal(hg_store_list_metrics(store, records[place].id, &metrics, &metric_count, NULL), HG_OK);
  for (int i = 0; i < metric_count; i++)
    if (strcmp(metrics[i].name, name) == 0) value = metrics[i].value;
  for (int i = 0; i < count; i++) hg_run_record_release(&records[i]);
  hg_free(records);
  hg_free(metrics);
  hg_store_close(store);
  return value;
}

static double metric_of(const char *name) { return metric_of_run(0, name); }

/* Sums of oneDNN may make other weights: a figure that is in the store already is not of them. */
static void a_run_made_again_keeps_nothing_of_the_one_before(void **state) {
  (void)state;
  static const char *const figures[] = {"train.loss", "test.macro_recall", "codes.width", "test.calibration_error"};
  static const char text[] = "study: x\n" DATA "models:\n" NETWORK;
  told t = {0};
  hg_store *store = NULL;
  hg_run_record record = {0};
  double before[4];
  bool found = false;
  char command[320], views[160];
  assert_int_equal(run(text, NULL, 0, &t), HG_OK);
  for (int i = 0; i < 4; i++) before[i] = metric_of(figures[i]);
  assert_int_equal(hg_store_open(out, true, &store, NULL), HG_OK);
  assert_int_equal(hg_store_get_run(store, "net", 1, &record, &found, NULL), HG_OK);
  for (int i = 0; i < 4; i++) assert_int_equal(hg_store_put_metric(store, record.id, figures[i], 77, NULL), HG_OK);
  hg_run_record_release(&record);
  hg_store_close(store);
  snprintf(views, sizeof views, "%s/runs/net-seed1/views.safetensors", out);
  snprintf(command, sizeof command, "truncate -s 100 %s/runs/net-seed1/weights.safetensors && touch %s", out, views);
  assert_int_equal(system(command), 0);
  assert_int_equal(run(text, NULL, 0, &t), HG_OK);
  assert_int_equal(t.done, 2);
  for (int i = 0; i < 4; i++) assert_true(metric_of(figures[i]) == before[i]);
  assert_false(hg_path_exists(views));
}

/* One sound in itself, but not what was trained: another encoder would be carried on, and no figure would tell. One cut short. */
static void weights_that_were_changed_are_made_again(void **state) {
  (void)state;
  static const char first_text[] = "study: x\nseeds: [1, 2]\n" DATA "models:\n" NETWORK "  bayes: {naive_bayes: {}}\n";
  static const char text[] = "study: x\nseeds: [1, 2]\n" DATA "models:\n" NETWORK
                             "  bayes: {naive_bayes: {}}\n"
                             "  carried: {encoder: {from: net}, classifier: [{dense: 8}], loss: {classification: cross_entropy}, "
                             "train: {batch_size: 4, epochs: 1}}\n";
  told first = {0}, t = {0};
  char command[256], before[HG_SHA256_SIZE], after[HG_SHA256_SIZE], file[160];
  snprintf(file, sizeof file, "%s/runs/net-seed1/weights.safetensors", out);
  assert_int_equal(run(first_text, NULL, 0, &first), HG_OK);
  assert_int_equal(hg_sha256_file(file, before, NULL), HG_OK);
  snprintf(command, sizeof command, "cp %s/runs/net-seed2/weights.safetensors %s/runs/net-seed1/weights.safetensors", out, out);
  assert_int_equal(system(command), 0);
  snprintf(command, sizeof command, "truncate -s 100 %s/runs/bayes-seed1/model.safetensors", out);
  assert_int_equal(system(command), 0);
  assert_int_equal(run(text, NULL, 0, &t), HG_OK);
  assert_non_null(
      strstr(t.removed, "2 runs whose weights on the disk are not those that were trained: net seed 1, bayes seed 1"));
  assert_int_equal(t.skipped, 1); /* the network's second seed */
  assert_int_equal(t.done, 4);
  assert_int_equal(hg_sha256_file(file, after, NULL), HG_OK);
  assert_string_equal(before, after);
}

#define WILD(engine)                                                    \
  "study: x\n" DATA "models:\n  wild: {" engine                         \
  "encoder: [flatten, {dense: 8}], decoder: [{dense: 2352}, {reshape: " \
  "[28, 28, 3]}], loss: {reconstruction: mse}, train: {batch_size: 4, epochs: 3, optimizer: {sgd: 1e5}}}\n"

static void what_diverged_is_trained_again_where_its_folder_was_removed(void **state) {
  (void)state;
  told first = {0}, again = {0}, removed = {0};
  hg_error error = {0};
  char checkpoint[160], command[192];
  snprintf(checkpoint, sizeof checkpoint, "%s/runs/wild-seed1/checkpoint.safetensors", out);
  assert_int_equal(attempt(WILD(""), NULL, 0, &first, &error), HG_DIVERGED);
  assert_int_equal(first.started, 1);
  assert_false(hg_path_exists(checkpoint));
  assert_int_equal(hg_file_write(checkpoint, "x", 1, NULL), HG_OK); /* as an older build left it */
  assert_int_equal(attempt(WILD(""), NULL, 0, &again, &error), HG_DIVERGED);
  assert_int_equal(again.skipped, 1);
  assert_int_equal(again.started, 0);
  assert_false(hg_path_exists(checkpoint));
  snprintf(command, sizeof command, "rm -r %s/runs/wild-seed1", out);
  assert_int_equal(system(command), 0);
  assert_int_equal(attempt(WILD(""), NULL, 0, &removed, &error), HG_DIVERGED);
  assert_int_equal(removed.started, 1);
}

#ifdef HG_HAS_ONEDNN
static void what_diverged_with_sums_of_onednn_is_trained_again(void **state) {
  (void)state;
  told first = {0}, again = {0};
  hg_error error = {0};
  assert_int_equal(attempt(WILD("engine: onednn, "), NULL, 0, &first, &error), HG_DIVERGED);
  assert_int_equal(attempt(WILD("engine: onednn, "), NULL, 0, &again, &error), HG_DIVERGED);
  assert_int_equal(again.started, 1);
}
#endif

static void a_damaged_store_is_told_with_what_can_be_done(void **state) {
  (void)state;
  static const char text[] = "study: x\n" DATA "models:\n  a: {naive_bayes: {}}\n";
  told t = {0};
  hg_error error = {0};
  char file[160], junk[4096];
  assert_int_equal(run(text, NULL, 0, &t), HG_OK);
  snprintf(file, sizeof file, "%s/study.db", out);
  memset(junk, 'x', sizeof junk);
  assert_int_equal(hg_file_write(file, junk, sizeof junk, NULL), HG_OK);
  assert_int_equal(attempt(text, NULL, 0, &t, &error), HG_DATA);
  assert_string_equal(error.place, file);
  assert_non_null(strstr(error.message, "put back a copy of it, or run the study into another folder"));
}

/* "b1@0 b2@0 a1@1 a2@1 " */
static int seed_and_position(const hg_run_record *record, char *to, size_t room) {
  return snprintf(to, room, "%s%d@%d ", record->name, (int)record->seed, record->position);
}

static void runs_stand_together_by_model_whatever_order_they_were_made_in(void **state) {
  (void)state;
#define SMALL_NETWORK "{classifier: [flatten, {dense: 8}], loss: {classification: cross_entropy}, train: {epochs: 1}}\n"
  told t = {0};
  char order[256];
  uint64_t first = 1, third = 3;
  assert_int_equal(run("study: x\nseeds: 3\n" DATA "models:\n  a: " SMALL_NETWORK "  b: " SMALL_NETWORK, &first, 1, &t), HG_OK);
  assert_int_equal(run("study: x\nseeds: 3\n" DATA "models:\n  new: " SMALL_NETWORK "  b: " SMALL_NETWORK "  a: " SMALL_NETWORK,
                       &third, 1, &t),
                   HG_OK);
  list_runs(order, sizeof order, seed_and_position);
  assert_string_equal(order, "new3@0 b1@1 b3@1 a1@2 a3@2 ");
}

static void a_resumed_training_says_where_it_goes_on(void **state) {
  (void)state;
  static const char text[] = "study: x\n" DATA "models:\n" NETWORK;
  told first = {.stop_after = 7}, second = {0};
  assert_int_equal(run(text, NULL, 0, &first), HG_INTERRUPTED);
  assert_int_equal(first.resumed, 0);
  assert_int_equal(run(text, NULL, 0, &second), HG_OK);
  assert_int_equal(second.resumed, 1);
  assert_int_equal(second.epoch, 3); /* three steps an epoch */
  assert_int_equal(second.step, 2);
}

static void a_classical_method_is_scored_on_the_validation_images(void **state) {
  (void)state;
  told t = {0};
  assert_int_equal(run("study: x\n" DATA "models:\n  pixels: {knn: 1}\n", NULL, 0, &t), HG_OK);
  hg_store *store = NULL;
  hg_run_record *records = NULL;
  hg_metric *metrics = NULL;
  int count = 0, metric_count = 0, found = 0;
  assert_int_equal(hg_store_open(out, false, &store, NULL), HG_OK);
  assert_int_equal(hg_store_list_runs(store, &records, &count, NULL), HG_OK);
  assert_int_equal(hg_store_list_metrics(store, records[0].id, &metrics, &metric_count, NULL), HG_OK);
  for (int i = 0; i < metric_count; i++) {
    if (strcmp(metrics[i].name, "validation.accuracy") != 0) continue;
    found++;
    assert_true(metrics[i].value >= 0 && metrics[i].value <= 1);
  }
  assert_int_equal(found, 1);
  hg_run_record_release(&records[0]);
  hg_free(records);
  hg_free(metrics);
  hg_store_close(store);
}

#define NETWORK_SEEN(views)                                                                                              \
  "  net: {encoder: [flatten, {dense: {units: 6, activation: relu}}], classifier: [{dense: 8}], loss: {classification: " \
  "cross_entropy}, train: {batch_size: 4, epochs: 5}, evaluate: {test_time_augmentation: {" views "}}}\n"

static void test_time_augmentation_is_measured_without_training_again(void **state) {
  (void)state;
  told first = {0}, second = {0}, third = {0};
  assert_int_equal(run("study: x\n" DATA "models:\n" NETWORK, NULL, 0, &first), HG_OK);
  assert_true(isnan(metric_of("test.accuracy_tta")));
  double accuracy = metric_of("test.accuracy");
  assert_int_equal(run("study: x\n" DATA "models:\n" NETWORK_SEEN("flip: yes, shift: 1"), NULL, 0, &second), HG_OK);
  assert_int_equal(second.skipped, 1);
  assert_true(metric_of("test.views_tta") == 18);
  assert_true(metric_of("test.accuracy_tta") >= 0 && metric_of("test.accuracy_tta") <= 1);
  assert_true(metric_of("test.accuracy") == accuracy);
  assert_int_equal(run("study: x\n" DATA "models:\n" NETWORK_SEEN("flip: yes"), NULL, 0, &third), HG_OK);
  assert_int_equal(third.skipped, 1);
  assert_true(metric_of("test.views_tta") == 2); /* asked for other views, it is measured anew */
}

static hg_comparison comparison_of(const char *metric) {
  hg_store *store = NULL;
  hg_comparison *rows = NULL, found = {.metric = ""};
  int count = 0;
  assert_int_equal(hg_store_open(out, false, &store, NULL), HG_OK);
  assert_int_equal(hg_store_get_comparisons(store, &rows, &count, NULL), HG_OK);
  for (int i = 0; i < count; i++)
    if (strcmp(rows[i].metric, metric) == 0) found = rows[i];
  hg_free(rows);
  hg_store_close(store);
  return found;
}

static void scores_over_views_are_compared_as_those_without(void **state) {
  (void)state;
#define TWO(views) \
  "study: x\n" DATA "models:\n" NETWORK_SEEN(views) "  wide: {encoder: [flatten, {dense: 12}], classifier: " \
  "[{dense: 8}], loss: {classification: cross_entropy}, train: {batch_size: 4, epochs: 1}, evaluate: " \
  "{test_time_augmentation: {" views "}}}\nreport: {compare: [[net, wide]]}\n"
  told t = {0}, again = {0};
  char place[160];
  assert_int_equal(run(TWO("shift: 0"), NULL, 0, &t), HG_OK); /* one view: that of the image itself */
  assert_string_equal(comparison_of("accuracy").metric, "accuracy");
  assert_string_equal(comparison_of("accuracy_tta").metric, "");
  assert_int_equal(run(TWO("flip: yes, shift: 1"), NULL, 0, &t), HG_OK);
  hg_comparison row = comparison_of("accuracy_tta");
  assert_true(row.value_a == metric_of("test.accuracy_tta"));
  assert_true(fabs(row.difference - (row.value_a - row.value_b)) < 1e-12);
  assert_true(row.low <= row.difference && row.difference <= row.high);
  assert_string_equal(row.test, "mcnemar");
  assert_string_not_equal(row.verdict, "");
  snprintf(place, sizeof place, "%s/runs/net-seed1/views.safetensors", out); /* damaged, it is made from the weights again */
  assert_int_equal(hg_file_write(place, "x", 1, NULL), HG_OK);
  assert_int_equal(run(TWO("flip: yes, shift: 1"), NULL, 0, &again), HG_OK);
  assert_int_equal(again.skipped, 2);
  assert_true(comparison_of("accuracy_tta").value_a == row.value_a);
}

static void views_that_are_no_longer_asked_for_are_forgotten(void **state) {
  (void)state;
  static const char *const figures[] = {"test.accuracy_tta", "test.macro_f1_tta", "test.log_loss_tta", "test.views_tta"};
  told t = {0};
  char views[160];
  snprintf(views, sizeof views, "%s/runs/net-seed1/views.safetensors", out);
  assert_int_equal(run(TWO("flip: yes"), NULL, 0, &t), HG_OK);
  assert_true(hg_path_exists(views));
  assert_int_equal(run(TWO("shift: 0"), NULL, 0, &t), HG_OK);
  for (int i = 0; i < 4; i++) assert_true(isnan(metric_of(figures[i])));
  assert_string_equal(comparison_of("accuracy_tta").metric, "");
  assert_false(hg_path_exists(views));
  assert_false(isnan(metric_of("test.accuracy")));
}

/* A mean or a comparison would mix them with those of this call. */
static void other_views_of_seeds_that_are_not_asked_for_are_forgotten(void **state) {
  (void)state;
  static const uint64_t seeds[] = {1, 2};
  told t = {0}, again = {0};
  char views[160];
  snprintf(views, sizeof views, "%s/runs/net-seed2/views.safetensors", out);
  assert_int_equal(run(TWO("flip: yes"), seeds, 2, &t), HG_OK);
  assert_true(metric_of_run(1, "test.views_tta") == 2);
  assert_int_equal(run(TWO("flip: yes"), seeds, 1, &t), HG_OK);
  assert_true(metric_of_run(1, "test.views_tta") == 2); /* the same views stay */
  assert_int_equal(run(TWO("flip: yes, shift: 1"), seeds, 1, &t), HG_OK);
  assert_true(metric_of_run(0, "test.views_tta") == 18);
  assert_true(isnan(metric_of_run(1, "test.views_tta")));
  assert_true(isnan(metric_of_run(1, "test.accuracy_tta")));
  assert_false(hg_path_exists(views));
  assert_int_equal(run(TWO("flip: yes, shift: 1"), seeds, 2, &again), HG_OK);
  assert_int_equal(again.skipped, 4);
  assert_int_equal(comparison_of("accuracy_tta").seeds, 2);
}

static void damaged_views_of_a_seed_that_is_not_asked_for_stop_nothing(void **state) {
  (void)state;
  static const uint64_t seeds[] = {1, 2};
  told t = {0};
  char views[160];
  snprintf(views, sizeof views, "%s/runs/net-seed2/views.safetensors", out);
  assert_int_equal(run(TWO("flip: yes"), seeds, 2, &t), HG_OK);
  assert_int_equal(hg_file_write(views, "x", 1, NULL), HG_OK);
  assert_int_equal(run(TWO("flip: yes"), seeds, 1, &t), HG_OK);
  assert_string_equal(comparison_of("accuracy_tta").metric, "");
  assert_int_equal(comparison_of("accuracy").seeds, 2);
  assert_int_equal(run(TWO("flip: yes"), seeds, 2, &t), HG_OK);
  assert_int_equal(comparison_of("accuracy_tta").seeds, 2);
}

static void codes_are_looked_at_where_the_study_wants_it(void **state) {
  (void)state;
  told t = {0};
  assert_int_equal(run("study: x\n" DATA "models:\n" NETWORK "report: {codes: no}\n", NULL, 0, &t), HG_OK);
  assert_true(isnan(metric_of("codes.width")));
  assert_int_equal(run("study: x\n" DATA "models:\n" NETWORK, NULL, 0, &t), HG_OK);
  assert_true(metric_of("codes.width") == 6); /* auto: it has an encoder */
  assert_int_equal(t.skipped, 1);
  assert_int_equal(run("study: x\n" DATA "models:\n" NETWORK "report: {codes: no}\n", NULL, 0, &t), HG_OK);
  assert_true(isnan(metric_of("codes.width")));
  assert_true(isnan(metric_of("codes.separation")));
}

/* The page shows the least seed that is done, whatever order they stand in. */
static void the_map_of_codes_is_of_the_seed_that_is_shown(void **state) {
  (void)state;
  told t = {0};
  static const char text[] =
      "study: x\nseeds: [7, 2]\ndata: {lines: {source: lines, lines: {per_class: 40}, classes: [0, 1, 2, 3, 4, 5], limit: 60}}\n"
      "models:\n  net: {encoder: [flatten, {dense: 6}], classifier: [{dense: 6}], loss: {classification: cross_entropy}, "
      "train: {batch_size: 20, epochs: 1}}\n";
  char unwanted[sizeof text + 32];
  snprintf(unwanted, sizeof unwanted, "%sreport: {codes: no}\n", text);
  assert_int_equal(run(text, NULL, 0, &t), HG_OK);
  char *shown = hg_path_join(out, "runs/net-seed2/codes.safetensors"),
       *other = hg_path_join(out, "runs/net-seed7/codes.safetensors");
  assert_true(hg_path_exists(shown));
  assert_false(hg_path_exists(other));
  assert_int_equal(hg_file_write(shown, "x", 1, NULL), HG_OK); /* damaged, it is made again */
  assert_int_equal(run(text, NULL, 0, &t), HG_OK);
  assert_true(hg_safetensors_is_sound(shown));
  assert_int_equal(run(unwanted, NULL, 0, &t), HG_OK);
  assert_false(hg_path_exists(shown));
  hg_free(shown);
  hg_free(other);
}

static int occurrences(const char *text, const char *part) {
  int count = 0;
  for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) count++;
  return count;
}

static void of_a_hundred_classes_the_page_shows_averages_and_the_worst(void **state) {
  (void)state;
  told t = {0};
  static const char text[] =
      "study: x\ndata: {lines: {source: lines, lines: {per_class: 5}}}\n"
      "models:\n  bayes: {naive_bayes: {}}\n  one: {knn: 1}\n";
  assert_int_equal(run(text, NULL, 0, &t), HG_OK);
  char *page = NULL, *name = hg_path_join(out, "report.html");
  size_t bytes = 0;
  assert_int_equal(hg_file_read(name, 5000000, &page, &bytes, NULL), HG_OK);
  assert_non_null(strstr(page, "Of 96 classes the 12 with the least average precision"));
  assert_non_null(strstr(page, "data-figure=\"precision-recall-lines\""));
  assert_non_null(strstr(page, "data-figure=\"roc-lines\""));
  const char *precision = strstr(page, "<h4>Average precision</h4>"), *area = strstr(page, "<h4>Area under the ROC curve</h4>");
  assert_true(precision != NULL && area > precision);
  char table[16384];
  snprintf(table, sizeof table, "%.*s", (int)(area - precision), precision);
  assert_int_equal(occurrences(table, "<tr>"), 1 + 12 + 2); /* head, classes, micro and macro average */
  hg_free(page);
  hg_free(name);
}

static double validation_accuracy(hg_store *store, const char *name) {
  hg_run_record record = {0};
  hg_metric *metrics = NULL;
  int count = 0;
  bool found = false;
  double value = (double)NAN;
  assert_int_equal(hg_store_get_run(store, name, 1, &record, &found, NULL), HG_OK);
  assert_true(found);
  assert_int_equal(hg_store_list_metrics(store, record.id, &metrics, &count, NULL), HG_OK);
  for (int i = 0; i < count; i++)
    if (strcmp(metrics[i].name, "validation.accuracy") == 0) value = metrics[i].value;
  hg_run_record_release(&record);
  hg_free(metrics);
  return value;
}

/* The model that is varied is one of the points: k is 5 of itself. */
static void the_validation_set_chooses_of_a_sweep_and_it_is_told(void **state) {
  (void)state;
  static const char *const names[] = {"near", "near[k=1]", "near[k=20]"}, *const values[] = {"5", "1", "20"};
  told t = {0};
  static const char text[] =
      "study: x\ndata: {lines: {source: lines, lines: {per_class: 40}, classes: [0, 1, 2, 3, 4, 5], "
      "validation: 60}}\nmodels:\n  near: {knn: {k: 5}}\n"
      "sweeps:\n  neighbours: {model: near, grid: {knn.k: [1, 20]}}\n";
  assert_int_equal(run(text, NULL, 0, &t), HG_OK);
  hg_store *store = NULL;
  hg_choice *choices = NULL;
  int count = 0, best = 0;
  assert_int_equal(hg_store_open(out, false, &store, NULL), HG_OK);
  for (int i = 1; i < 3; i++)
    if (validation_accuracy(store, names[i]) > validation_accuracy(store, names[best])) best = i;
  assert_int_equal(hg_report_choices(store, &choices, &count, NULL), HG_OK);
  assert_int_equal(count, 1);
  assert_string_equal(choices[0].model, "near");
  assert_string_equal(choices[0].settings, "k");
  assert_string_equal(choices[0].chosen, names[best]);
  assert_string_equal(choices[0].value, values[best]);
  assert_string_equal(choices[0].metric, "validation.accuracy");
  assert_true(choices[0].score == validation_accuracy(store, names[best]));
  assert_int_equal(choices[0].points, 3);
  hg_store_close(store);
  hg_free(choices);
  static const char *const files[] = {"report.html", "report.json"};
  char wanted[2][96];
  snprintf(wanted[0], sizeof wanted[0], "Chosen on validation: k %s (", values[best]);
  snprintf(wanted[1], sizeof wanted[1], "\"chosen\": \"%s\", \"value\": \"%s\"", names[best], values[best]);
  for (int i = 0; i < 2; i++) {
    char *whole = NULL, *name = hg_path_join(out, files[i]);
    size_t bytes = 0;
    assert_int_equal(hg_file_read(name, 5000000, &whole, &bytes, NULL), HG_OK);
    if (strstr(whole, wanted[i]) == NULL) fail_msg("%s does not hold %s", files[i], wanted[i]);
    hg_free(whole);
    hg_free(name);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_method_that_draws_no_numbers_is_fitted_once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_damaged_file_of_a_run_is_told_with_what_mends_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_run_made_again_keeps_nothing_of_the_one_before, set_up, tear_down),
      cmocka_unit_test_setup_teardown(weights_that_were_changed_are_made_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_diverged_is_trained_again_where_its_folder_was_removed, set_up, tear_down),
#ifdef HG_HAS_ONEDNN
      cmocka_unit_test_setup_teardown(what_diverged_with_sums_of_onednn_is_trained_again, set_up, tear_down),
#endif
      cmocka_unit_test_setup_teardown(a_damaged_store_is_told_with_what_can_be_done, set_up, tear_down),
      cmocka_unit_test_setup_teardown(runs_stand_together_by_model_whatever_order_they_were_made_in, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_resumed_training_says_where_it_goes_on, set_up, tear_down),
      cmocka_unit_test_setup_teardown(test_time_augmentation_is_measured_without_training_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(scores_over_views_are_compared_as_those_without, set_up, tear_down),
      cmocka_unit_test_setup_teardown(views_that_are_no_longer_asked_for_are_forgotten, set_up, tear_down),
      cmocka_unit_test_setup_teardown(other_views_of_seeds_that_are_not_asked_for_are_forgotten, set_up, tear_down),
      cmocka_unit_test_setup_teardown(damaged_views_of_a_seed_that_is_not_asked_for_stop_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(codes_are_looked_at_where_the_study_wants_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_map_of_codes_is_of_the_seed_that_is_shown, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_a_hundred_classes_the_page_shows_averages_and_the_worst, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_validation_set_chooses_of_a_sweep_and_it_is_told, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_classical_method_is_scored_on_the_validation_images, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
