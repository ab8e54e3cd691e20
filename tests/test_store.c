#include "base/alloc.h"
#include "base/file.h"
#include "store/store.h"

#include <math.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "test_folder.h"

static hg_store *open_store(void) {
  hg_store *store;
  hg_error error = {0};
  if (hg_store_open(folder, true, &store, &error) != HG_OK) fail_msg("%s: %s", error.place, error.message);
  return store;
}

static hg_run_record put_run(hg_store *store, const char *name, uint64_t seed, const char *identity) {
  hg_run_record record = {.seed = seed, .kind = "network", .status = "done", .parameters = 241546, .epochs = 3, .seconds = 1.5};
  snprintf(record.name, sizeof record.name, "%s", name);
  snprintf(record.identity, sizeof record.identity, "%s", identity);
  record.settings = hg_strdup("{\"epochs\":3}");
  assert_int_equal(hg_store_put_run(store, &record, NULL), HG_OK);
  assert_true(record.id > 0);
  return record;
}

static void facts_outlive_the_process(void **state) {
  (void)state;
  hg_store *store = open_store();
  assert_int_equal(hg_store_set_fact(store, "name", "first", NULL), HG_OK);
  assert_int_equal(hg_store_set_fact(store, "name", "it's \"quick\"", NULL), HG_OK);
  hg_store_close(store);
  store = open_store();
  char *name = hg_store_fact(store, "name"), *absent = hg_store_fact(store, "absent");
  assert_string_equal(name, "it's \"quick\"");
  assert_string_equal(absent, "");
  hg_free(name);
  hg_free(absent);
  hg_store_close(store);
}

static void a_run_is_read_back_as_it_was_put(void **state) {
  (void)state;
  hg_store *store = open_store();
  hg_run_record record = put_run(store, "cnn", UINT64_MAX, "a"), read;
  bool found;
  assert_int_equal(hg_store_get_run(store, "cnn", UINT64_MAX, &read, &found, NULL), HG_OK);
  assert_true(found);
  assert_true(read.id == record.id && read.seed == UINT64_MAX && read.parameters == 241546 && read.seconds == 1.5);
  assert_string_equal(read.settings, "{\"epochs\":3}");
  hg_run_record_release(&read);
  assert_int_equal(hg_store_get_run(store, "cnn", 7, &read, &found, NULL), HG_OK);
  assert_false(found);
  hg_run_record_release(&record);
  hg_store_close(store);
}

static void runs_are_listed_model_by_model(void **state) {
  (void)state;
  hg_store *store = open_store();
  const struct {
    const char *name;
    uint64_t seed;
    int position;
  } given[] = {{"b", 2, 1}, {"b", 1, 1}, {"a", 1, 2}, {"c", 1, 0}, {"c", 2, 2}, {"a", 3, 1}};
  for (int i = 0; i < 6; i++) {
    hg_run_record record = {.seed = given[i].seed, .position = given[i].position};
    snprintf(record.name, sizeof record.name, "%s", given[i].name);
    assert_int_equal(hg_store_put_run(store, &record, NULL), HG_OK);
  }
  hg_run_record *records;
  int count;
  char order[512] = "";
  assert_int_equal(hg_store_list_runs(store, &records, &count, NULL), HG_OK);
  for (int i = 0; i < count; i++) {
    snprintf(order + strlen(order), sizeof order - strlen(order), "%s%d ", records[i].name, (int)records[i].seed);
    hg_run_record_release(&records[i]);
  }
  assert_string_equal(order, "c1 c2 a1 a3 b1 b2 ");
  hg_free(records);
  hg_store_close(store);
}

static void a_history_keeps_missing_figures_and_every_digit(void **state) {
  (void)state;
  hg_store *store = open_store();
  hg_run_record record = put_run(store, "cnn", 1, "a");
  hg_epoch epochs[] = {{.epoch = 1, .loss = 1.0 / 3, .val_loss = NAN, .learning_rate = 1e-3},
                       {.epoch = 2, .loss = INFINITY, .val_loss = 0.1 + 0.2, .seconds = 2}};
  hg_epoch *read;
  int count;
  assert_int_equal(hg_store_put_history(store, record.id, epochs, 2, NULL), HG_OK);
  assert_int_equal(hg_store_put_history(store, record.id, epochs, 2, NULL), HG_OK);
  assert_int_equal(hg_store_get_history(store, record.id, &read, &count, NULL), HG_OK);
  assert_int_equal(count, 2);
  assert_true(read[0].epoch == 1 && read[0].loss == 1.0 / 3 && isnan(read[0].val_loss) && read[0].learning_rate == 1e-3);
  assert_true(isinf(read[1].loss) && read[1].val_loss == 0.1 + 0.2 && read[1].seconds == 2);
  hg_free(read);
  hg_run_record_release(&record);
  hg_store_close(store);
}

static int metric_count(hg_store *store, int64_t run) {
  hg_metric *metrics;
  int count;
  assert_int_equal(hg_store_list_metrics(store, run, &metrics, &count, NULL), HG_OK);
  hg_free(metrics);
  return count;
}

static void a_metric_is_replaced_by_name(void **state) {
  (void)state;
  hg_store *store = open_store();
  hg_run_record record = put_run(store, "cnn", 1, "a");
  hg_metric *metrics;
  int count;
  assert_int_equal(hg_store_put_metric(store, record.id, "test.accuracy", 0.5, NULL), HG_OK);
  assert_int_equal(hg_store_put_metric(store, record.id, "test.accuracy", 0.9, NULL), HG_OK);
  assert_int_equal(hg_store_list_metrics(store, record.id, &metrics, &count, NULL), HG_OK);
  assert_int_equal(count, 1);
  assert_true(metrics[0].value == 0.9);
  hg_free(metrics);
  hg_run_record_release(&record);
  hg_store_close(store);
}

static void a_new_identity_drops_old_figures_and_files(void **state) {
  (void)state;
  hg_store *store = open_store();
  hg_run_record record = put_run(store, "cnn", 1, "a"), same, other;
  char *run_folder;
  assert_int_equal(hg_store_put_metric(store, record.id, "test.accuracy", 0.5, NULL), HG_OK);
  assert_int_equal(hg_store_run_folder(store, &record, &run_folder, NULL), HG_OK);
  same = put_run(store, "cnn", 1, "a");
  assert_int_equal(same.id, record.id);
  assert_int_equal(metric_count(store, record.id), 1);
  assert_true(hg_path_exists(run_folder));
  other = put_run(store, "cnn", 1, "b");
  assert_int_equal(other.id, record.id);
  assert_int_equal(metric_count(store, record.id), 0);
  assert_false(hg_path_exists(run_folder));
  hg_free(run_folder);
  hg_run_record_release(&record);
  hg_run_record_release(&same);
  hg_run_record_release(&other);
  hg_store_close(store);
}

/* The database is gone, the folder is not: what it holds is of settings that nobody knows. */
static void a_run_new_to_the_store_begins_without_files(void **state) {
  (void)state;
  hg_store *store = open_store();
  hg_run_record record = put_run(store, "cnn", 1, "a"), other;
  char *run_folder;
  assert_int_equal(hg_store_run_folder(store, &record, &run_folder, NULL), HG_OK);
  char *codes = hg_path_join(run_folder, "codes.safetensors");
  assert_int_equal(hg_file_write(codes, "x", 1, NULL), HG_OK);
  hg_store_close(store);
  char *database = hg_path_join(folder, "study.db");
  assert_int_equal(unlink(database), 0);
  store = open_store();
  other = put_run(store, "cnn", 1, "b");
  assert_false(hg_path_exists(codes));
  hg_free(database);
  hg_free(codes);
  hg_free(run_folder);
  hg_run_record_release(&record);
  hg_run_record_release(&other);
  hg_store_close(store);
}

static void runs_the_study_no_longer_has_go_with_their_folders(void **state) {
  (void)state;
  hg_store *store = open_store();
  hg_run_record kept = put_run(store, "cnn", 1, "a"), dropped = put_run(store, "cnn", 2, "a"), read;
  char *kept_folder, *dropped_folder, *weights;
  bool found;
  assert_int_equal(hg_store_run_folder(store, &kept, &kept_folder, NULL), HG_OK);
  assert_int_equal(hg_store_run_folder(store, &dropped, &dropped_folder, NULL), HG_OK);
  weights = hg_path_join(dropped_folder, "weights.safetensors");
  assert_int_equal(hg_file_write(weights, "w", 1, NULL), HG_OK);
  assert_int_equal(hg_store_put_metric(store, dropped.id, "test.accuracy", 0.5, NULL), HG_OK);
  assert_int_equal(hg_store_keep_only(store, &kept, 1, NULL), HG_OK);
  assert_true(hg_path_exists(kept_folder));
  assert_false(hg_path_exists(dropped_folder));
  assert_int_equal(hg_store_get_run(store, "cnn", 2, &read, &found, NULL), HG_OK);
  assert_false(found);
  assert_int_equal(metric_count(store, dropped.id), 0);
  hg_free(kept_folder);
  hg_free(dropped_folder);
  hg_free(weights);
  hg_run_record_release(&kept);
  hg_run_record_release(&dropped);
  hg_store_close(store);
}

/* With `--out .` a folder of images can lie where results go. */
static void what_a_user_keeps_beside_results_stays(void **state) {
  (void)state;
  hg_store *store = open_store();
  char no_names[] = "[]";
  hg_data_record data = {.name = "pics", .source = "data/pics", .digest = "d", .class_names = no_names};
  char *data_folder, *image, *thumbnails, *half_written;
  assert_int_equal(hg_store_put_data(store, &data, NULL), HG_OK);
  assert_int_equal(hg_store_data_folder(store, "pics", &data_folder, NULL), HG_OK);
  image = hg_path_join(data_folder, "cats/one.png");
  thumbnails = hg_path_join(data_folder, "thumbnails.safetensors");
  half_written = hg_path_join(data_folder, "leaks.safetensors.tmp-1-2");
  char *cats = hg_path_join(data_folder, "cats");
  assert_int_equal(hg_folder_make(cats, NULL), HG_OK);
  assert_int_equal(hg_file_write(image, "p", 1, NULL), HG_OK);
  assert_int_equal(hg_file_write(thumbnails, "t", 1, NULL), HG_OK);
  assert_int_equal(hg_file_write(half_written, "t", 1, NULL), HG_OK);
  assert_int_equal(hg_store_keep_data(store, NULL, 0, NULL), HG_OK);
  assert_true(hg_path_exists(image));
  assert_false(hg_path_exists(thumbnails));
  assert_false(hg_path_exists(half_written));
  char *const paths[] = {data_folder, image, thumbnails, half_written, cats};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) hg_free(paths[i]);
  hg_store_close(store);
}

static void a_run_name_cannot_leave_the_folder(void **state) {
  (void)state;
  hg_store *store = open_store();
  hg_run_record record = {.name = "../../etc"};
  char *run_folder;
  assert_int_equal(hg_store_put_run(store, &record, NULL), HG_USAGE);
  assert_int_equal(hg_store_run_folder(store, &record, &run_folder, NULL), HG_USAGE);
  hg_store_close(store);
}

static void lists_are_replaced_whole_and_in_order(void **state) {
  (void)state;
  hg_store *store = open_store();
  hg_run_record record = put_run(store, "cnn", 1, "a");
  const hg_warning warnings[] = {{"test-leak", "97 % of test images are in the training set"}, {"diverged", "x"}};
  const hg_comparison comparison = {"cnn", "svm", "accuracy", "mcnemar", 0.012, 0.007, 0.017,    0.0004,
                                    0.931, 0.919, 0.0008,     3,         40,    12,    "better", "cnn is better than svm"};
  const hg_published published = {"cnn", "test.accuracy", 0.924, NAN, NAN, NAN, 0, "B2"};
  const hg_layer_row layer = {"encoder", "conv2d_1", "conv2d", "32 filters 3x3", {28, 28, 32}, 320, 225792, 100352};
  hg_warning *read_warnings;
  hg_comparison *comparisons;
  hg_published *read_published;
  hg_layer_row *layers;
  int count;
  assert_int_equal(hg_store_put_warnings(store, warnings, 2, NULL), HG_OK);
  assert_int_equal(hg_store_put_warnings(store, warnings, 1, NULL), HG_OK);
  assert_int_equal(hg_store_get_warnings(store, &read_warnings, &count, NULL), HG_OK);
  assert_int_equal(count, 1);
  assert_string_equal(read_warnings[0].message, warnings[0].message);
  assert_int_equal(hg_store_put_comparisons(store, &comparison, 1, NULL), HG_OK);
  assert_int_equal(hg_store_get_comparisons(store, &comparisons, &count, NULL), HG_OK);
  assert_true(comparisons[0].p_value == 0.0004 && strcmp(comparisons[0].b, "svm") == 0);
  assert_true(comparisons[0].seeds == 3 && comparisons[0].only_b == 12 && comparisons[0].p_holm == 0.0008);
  assert_string_equal(comparisons[0].verdict, "better");
  assert_string_equal(comparisons[0].text, "cnn is better than svm");
  assert_int_equal(hg_store_put_published(store, &published, 1, NULL), HG_OK);
  assert_int_equal(hg_store_get_published(store, &read_published, &count, NULL), HG_OK);
  assert_true(read_published[0].published == 0.924 && isnan(read_published[0].measured));
  assert_string_equal(read_published[0].id, "B2");
  assert_int_equal(hg_store_put_layers(store, record.id, &layer, 1, NULL), HG_OK);
  assert_int_equal(hg_store_get_layers(store, record.id, &layers, &count, NULL), HG_OK);
  assert_memory_equal(&layers[0].output, &layer.output, sizeof layer.output);
  assert_int_equal(layers[0].activation_bytes, 100352);
  hg_free(read_warnings);
  hg_free(comparisons);
  hg_free(read_published);
  hg_free(layers);
  hg_run_record_release(&record);
  hg_store_close(store);
}

static void data_is_kept_by_name(void **state) {
  (void)state;
  hg_store *store = open_store();
  char names[] = "[\"shirt\",\"shoe\"]";
  hg_data_record record = {.name = "garments", .source = "fashion-mnist", .shape = {28, 28, 1}, .train = 54000, .classes = 2};
  hg_data_record *records;
  int count;
  record.class_names = names;
  assert_int_equal(hg_store_put_data(store, &record, NULL), HG_OK);
  record.validation = 6000;
  assert_int_equal(hg_store_put_data(store, &record, NULL), HG_OK);
  assert_int_equal(hg_store_list_data(store, &records, &count, NULL), HG_OK);
  assert_int_equal(count, 1);
  assert_true(records[0].validation == 6000 && records[0].shape.height == 28);
  assert_string_equal(records[0].class_names, names);
  hg_free(records[0].class_names);
  hg_free(records);
  hg_store_close(store);
}

static void a_second_writer_is_refused_and_a_reader_is_not(void **state) {
  (void)state;
  hg_store *store = open_store(), *second;
  hg_error error;
  assert_int_equal(hg_store_set_fact(store, "name", "x", NULL), HG_OK);
  assert_int_equal(hg_store_open(folder, true, &second, &error), HG_USAGE);
  assert_non_null(strstr(error.message, "another hourglass"));
  assert_int_equal(hg_store_open(folder, false, &second, &error), HG_OK);
  char *name = hg_store_fact(second, "name");
  assert_string_equal(name, "x");
  hg_free(name);
  hg_store_close(second);
  hg_store_close(store);
}

static void a_killed_run_is_shown_as_interrupted_and_a_living_one_as_running(void **state) {
  (void)state;
  hg_store *store = open_store(), *reader;
  hg_run_record record = {.name = "cnn", .seed = 1, .kind = "network", .status = "running", .identity = "a"}, read;
  bool found;
  assert_int_equal(hg_store_put_run(store, &record, NULL), HG_OK);
  assert_int_equal(hg_store_open(folder, false, &reader, NULL), HG_OK);
  assert_int_equal(hg_store_get_run(reader, "cnn", 1, &read, &found, NULL), HG_OK);
  assert_string_equal(read.status, "running");
  hg_run_record_release(&read);
  hg_store_close(reader);
  hg_store_close(store); /* as a kill would, without a word to the store */
  assert_int_equal(hg_store_open(folder, false, &reader, NULL), HG_OK);
  assert_int_equal(hg_store_get_run(reader, "cnn", 1, &read, &found, NULL), HG_OK);
  assert_string_equal(read.status, "interrupted");
  hg_run_record_release(&read);
  hg_store_close(reader);
  store = open_store();
  assert_int_equal(hg_store_get_run(store, "cnn", 1, &read, &found, NULL), HG_OK);
  assert_string_equal(read.status, "interrupted");
  hg_run_record_release(&read);
  hg_store_close(store);
}

static void the_lock_goes_with_a_killed_process(void **state) {
  (void)state;
  pid_t child = fork();
  if (child == 0) {
    hg_store *store;
    if (hg_store_open(folder, true, &store, NULL) == HG_OK) hg_store_set_fact(store, "name", "kept", NULL);
    abort();
  }
  int status;
  waitpid(child, &status, 0);
  assert_true(WIFSIGNALED(status));
  hg_store *store = open_store();
  char *name = hg_store_fact(store, "name");
  assert_string_equal(name, "kept");
  hg_free(name);
  hg_store_close(store);
}

static void a_folder_without_a_store_is_told(void **state) {
  (void)state;
  hg_store *store;
  hg_error error;
  assert_int_equal(hg_store_open(folder, false, &store, &error), HG_USAGE);
  assert_non_null(strstr(error.message, "study.db"));
}

static void execute(const char *sql) {
  char path[96];
  sqlite3 *database;
  snprintf(path, sizeof path, "%s/study.db", folder);
  assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
  assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(database);
}

static void another_programs_database_is_refused(void **state) {
  (void)state;
  hg_store *store;
  execute("CREATE TABLE songs(title TEXT)");
  assert_int_equal(hg_store_open(folder, true, &store, NULL), HG_DATA);
  assert_int_equal(hg_store_open(folder, false, &store, NULL), HG_DATA);
}

/* What schema 1 had: none of the tables and columns that came after it. */
static void age_the_store(void) {
  static const char older[] =
      "DROP TABLE classes; DROP TABLE confusion; DROP TABLE calibration; DROP TABLE denoising; DROP TABLE leaks;"
      "ALTER TABLE comparisons DROP COLUMN value_a; ALTER TABLE comparisons DROP COLUMN value_b;"
      "ALTER TABLE comparisons DROP COLUMN p_holm; ALTER TABLE comparisons DROP COLUMN seeds;"
      "ALTER TABLE comparisons DROP COLUMN only_a; ALTER TABLE comparisons DROP COLUMN only_b;"
      "ALTER TABLE comparisons DROP COLUMN verdict; ALTER TABLE comparisons DROP COLUMN text;"
      "ALTER TABLE published DROP COLUMN low; ALTER TABLE published DROP COLUMN high;"
      "ALTER TABLE published DROP COLUMN seeds; ALTER TABLE published DROP COLUMN id;"
      "INSERT INTO comparisons VALUES(0, 'cnn', 'svm', 'accuracy', 'mcnemar', 0.01, 0, 0.02, 0.03);"
      "PRAGMA user_version = 1";
  execute(older);
}

static void a_store_of_the_first_schema_opens_with_its_runs_and_takes_new_figures(void **state) {
  (void)state;
  hg_store *store = open_store();
  hg_run_record record = put_run(store, "cnn", 1, "a");
  hg_store_close(store);
  age_the_store();
  assert_int_equal(hg_store_open(folder, false, &store, NULL), HG_OK);
  hg_run_record *runs;
  hg_comparison *comparisons;
  int count;
  assert_int_equal(hg_store_list_runs(store, &runs, &count, NULL), HG_OK);
  assert_int_equal(count, 1);
  assert_int_equal(hg_store_get_comparisons(store, &comparisons, &count, NULL), HG_OK);
  assert_true(count == 1 && comparisons[0].p_value == 0.03 && isnan(comparisons[0].p_holm) && comparisons[0].seeds == 1);
  assert_string_equal(comparisons[0].verdict, "");
  const hg_class_row row = {3, 1000, 0.9, 0.8, 0.85, 0.95, NAN};
  assert_int_equal(hg_store_put_classes(store, record.id, &row, 1, NULL), HG_OK);
  hg_run_record_release(&runs[0]);
  hg_free(runs);
  hg_free(comparisons);
  hg_run_record_release(&record);
  hg_store_close(store);
}

static void scores_in_detail_are_kept_by_run_and_go_with_it(void **state) {
  (void)state;
  hg_store *store = open_store();
  hg_run_record record = put_run(store, "cnn", 1, "a");
  const hg_class_row row = {3, 1000, 0.9, 0.8, 0.85, 0.95, NAN};
  const hg_confusion_cell cell = {3, 4, 17};
  const hg_calibration_row bin = {0.2, 0.4, 0, NAN, NAN};
  const hg_denoising_row noise = {"salt_and_pepper", 0.1, "median_3", 0.004, 24, 0.9};
  const hg_leak_row leak = {"lines", "test", "training", 19200, 18600, 12};
  hg_class_row *rows;
  hg_confusion_cell *cells;
  hg_calibration_row *bins;
  hg_denoising_row *noises;
  hg_leak_row *leaks;
  int count;
  assert_int_equal(hg_store_put_classes(store, record.id, &row, 1, NULL), HG_OK);
  assert_int_equal(hg_store_put_confusion(store, record.id, &cell, 1, NULL), HG_OK);
  assert_int_equal(hg_store_put_calibration(store, record.id, &bin, 1, NULL), HG_OK);
  assert_int_equal(hg_store_put_denoising(store, record.id, &noise, 1, NULL), HG_OK);
  assert_int_equal(hg_store_put_leaks(store, &leak, 1, NULL), HG_OK);
  assert_int_equal(hg_store_get_classes(store, record.id, &rows, &count, NULL), HG_OK);
  assert_true(count == 1 && rows[0].label == 3 && rows[0].f1 == 0.85 && isnan(rows[0].roc_auc));
  assert_int_equal(hg_store_get_confusion(store, record.id, &cells, &count, NULL), HG_OK);
  assert_true(count == 1 && cells[0].predicted == 4 && cells[0].count == 17);
  assert_int_equal(hg_store_get_calibration(store, record.id, &bins, &count, NULL), HG_OK);
  assert_true(count == 1 && bins[0].high == 0.4 && isnan(bins[0].accuracy));
  assert_int_equal(hg_store_get_denoising(store, record.id, &noises, &count, NULL), HG_OK);
  assert_true(count == 1 && noises[0].psnr == 24 && strcmp(noises[0].method, "median_3") == 0);
  assert_int_equal(hg_store_get_leaks(store, &leaks, &count, NULL), HG_OK);
  assert_true(count == 1 && leaks[0].exact == 18600 && strcmp(leaks[0].against, "training") == 0);
  hg_run_record_release(&record);
  record = put_run(store, "cnn", 1, "b"); /* another identity: the old figures go */
  hg_free(rows);
  assert_int_equal(hg_store_get_classes(store, record.id, &rows, &count, NULL), HG_OK);
  assert_int_equal(count, 0);
  hg_free(rows);
  hg_free(cells);
  hg_free(bins);
  hg_free(noises);
  hg_free(leaks);
  hg_run_record_release(&record);
  hg_store_close(store);
}

static void a_newer_schema_is_refused(void **state) {
  (void)state;
  hg_store *store = open_store();
  hg_error error;
  hg_store_close(store);
  execute("PRAGMA user_version = 99");
  assert_int_equal(hg_store_open(folder, true, &store, &error), HG_DATA);
  assert_non_null(strstr(error.message, "newer"));
}

static void a_file_that_is_no_database_is_refused(void **state) {
  (void)state;
  char path[96];
  hg_store *store;
  snprintf(path, sizeof path, "%s/study.db", folder);
  assert_int_equal(hg_file_write(path, "this is no database, whatever its name says. ", 45, NULL), HG_OK);
  assert_int_equal(hg_store_open(folder, true, &store, NULL), HG_DATA);
}

int main(void) {
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)
  const struct CMUnitTest tests[] = {
      STORE_TEST(facts_outlive_the_process),
      STORE_TEST(a_run_is_read_back_as_it_was_put),
      STORE_TEST(runs_are_listed_model_by_model),
      STORE_TEST(a_history_keeps_missing_figures_and_every_digit),
      STORE_TEST(a_metric_is_replaced_by_name),
      STORE_TEST(a_new_identity_drops_old_figures_and_files),
      STORE_TEST(a_run_new_to_the_store_begins_without_files),
      STORE_TEST(runs_the_study_no_longer_has_go_with_their_folders),
      STORE_TEST(what_a_user_keeps_beside_results_stays),
      STORE_TEST(a_run_name_cannot_leave_the_folder),
      STORE_TEST(lists_are_replaced_whole_and_in_order),
      STORE_TEST(data_is_kept_by_name),
      STORE_TEST(a_second_writer_is_refused_and_a_reader_is_not),
      STORE_TEST(a_killed_run_is_shown_as_interrupted_and_a_living_one_as_running),
      STORE_TEST(the_lock_goes_with_a_killed_process),
      STORE_TEST(a_folder_without_a_store_is_told),
      STORE_TEST(another_programs_database_is_refused),
      STORE_TEST(a_newer_schema_is_refused),
      STORE_TEST(a_store_of_the_first_schema_opens_with_its_runs_and_takes_new_figures),
      STORE_TEST(scores_in_detail_are_kept_by_run_and_go_with_it),
      STORE_TEST(a_file_that_is_no_database_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
