/* A store that others read or hold at the same time, that may only be read, and whose memory runs out. */
#include "base/alloc.h"
#include "base/file.h"
#include "store/store.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "test_folder.h"

static int make_folder(void **state) {
  (void)state;
  snprintf(folder, sizeof folder, "/tmp/hourglass-shared-XXXXXX");
  return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state) {
  (void)state;
  char command[160];
  snprintf(command, sizeof command, "chmod -R u+w %s && rm -rf %s", folder, folder);
  return system(command);
}

static void wait_milliseconds(int count) {
  nanosleep(&(struct timespec){.tv_sec = count / 1000, .tv_nsec = count % 1000 * 1000000L}, NULL);
}

/* With one finished run and one data set. */
static hg_code fill(const char *where, hg_error *error) {
  hg_store *store = NULL;
  char settings[] = "{}", names[] = "[\"shirt\"]";
  hg_run_record record = {.name = "cnn", .seed = 1, .status = "done", .settings = settings};
  hg_data_record data = {.name = "garments", .classes = 1, .class_names = names};
  hg_code code = hg_store_open(where, true, &store, error);
  if (code == HG_OK) code = hg_store_put_run(store, &record, error);
  if (code == HG_OK) code = hg_store_put_data(store, &data, error);
  hg_store_close(store);
  return code;
}

/* How many runs and data sets there are; the first failure. */
static hg_code count_all(const char *where, int *runs, int *sets, hg_error *error) {
  hg_store *store = NULL;
  hg_run_record *records = NULL;
  hg_data_record *data = NULL;
  *runs = *sets = 0;
  hg_code code = hg_store_open(where, false, &store, error);
  if (code == HG_OK) code = hg_store_list_runs(store, &records, runs, error);
  if (code == HG_OK) code = hg_store_list_data(store, &data, sets, error);
  for (int i = 0; i < *runs; i++) hg_run_record_release(&records[i]);
  for (int i = 0; i < *sets; i++) hg_free(data[i].class_names);
  hg_free(records);
  hg_free(data);
  hg_store_close(store);
  return code;
}

static void every_allocation_that_fails_is_told(void **state) {
  (void)state;
  hg_code code = HG_NO_MEMORY;
  int runs, sets, failures = 0;
  for (; code != HG_OK; failures++) {
    hg_error error = {0};
    hg_alloc_fail_after(failures);
    code = fill(folder, &error);
    if (code == HG_OK) code = count_all(folder, &runs, &sets, &error);
    hg_alloc_fail_after(-1);
    if (code != HG_OK) assert_int_equal(code, HG_NO_MEMORY);
    assert_true(failures < 1000);
  }
  assert_true(failures > 5);
  assert_true(runs == 1 && sets == 1);
}

/* ---- at the same time */

static int exit_of(pid_t child) {
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_reader_that_holds_the_lock_for_a_moment_does_not_refuse_a_writer(void **state) {
  (void)state;
  hg_error error = {0};
  assert_int_equal(fill(folder, &error), HG_OK);
  int lock = open(in("study.lock"), O_RDONLY | O_CLOEXEC);
  assert_int_equal(flock(lock, LOCK_SH | LOCK_NB), 0);
  pid_t child = fork();
  if (child == 0) {
    close(lock); /* else it would hold the lock itself */
    _exit(fill(folder, NULL) == HG_OK ? 0 : 1);
  }
  wait_milliseconds(60);
  close(lock);
  assert_int_equal(exit_of(child), 0);
}

static void execute(sqlite3 *database, const char *sql) {
  if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(database));
}

static sqlite3 *open_database(void) {
  sqlite3 *database;
  assert_int_equal(sqlite3_open(in("study.db"), &database), SQLITE_OK);
  return database;
}

/* As schema 1 had it, as far as reading runs and data sets goes. */
static void age_the_store(sqlite3 *database) {
  execute(database,
          "DROP TABLE classes; DROP TABLE confusion; DROP TABLE calibration; DROP TABLE denoising; DROP TABLE leaks;"
          "DROP TABLE comparisons; CREATE TABLE comparisons(position INTEGER PRIMARY KEY);"
          "DROP TABLE published; CREATE TABLE published(position INTEGER PRIMARY KEY);"
          "PRAGMA user_version = 1");
}

/* Both see the old schema before either may write: a third holds the file meanwhile. */
static void two_readers_bring_an_old_store_up_to_date_between_them(void **state) {
  (void)state;
  int runs, sets, gate[2];
  char go;
  pid_t readers[2];
  assert_int_equal(fill(folder, NULL), HG_OK);
  assert_int_equal(pipe(gate), 0);
  for (int i = 0; i < 2; i++) {
    readers[i] = fork();
    if (readers[i] == 0) {
      hg_error error = {0};
      if (read(gate[0], &go, 1) != 1) _exit(3);
      hg_code code = count_all(folder, &runs, &sets, &error);
      if (code != HG_OK) fprintf(stderr, "%s: %s\n", error.place, error.message);
      _exit(code == HG_OK && runs == 1 ? 0 : 1);
    }
  }
  sqlite3 *database = open_database();
  age_the_store(database);
  execute(database, "BEGIN IMMEDIATE");
  assert_int_equal(write(gate[1], "ab", 2), 2);
  wait_milliseconds(300);
  execute(database, "COMMIT");
  sqlite3_close(database);
  for (int i = 0; i < 2; i++) assert_int_equal(exit_of(readers[i]), 0);
  close(gate[0]);
  close(gate[1]);
}

/* ---- by one who may only read */

enum { NOBODY = 65534 };

/* What `check` returns where the folder cannot be written to; for root too, which otherwise writes everywhere. */
static int as_a_reader(int (*check)(void)) {
  assert_int_equal(chmod(folder, 0555), 0);
  pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) _exit(77);
    _exit(check());
  }
  return exit_of(child);
}

static int reads_all(void) {
  int runs, sets;
  hg_error error = {0};
  hg_code code = count_all(folder, &runs, &sets, &error);
  if (code != HG_OK) fprintf(stderr, "%s: %s\n", error.place, error.message);
  return code == HG_OK && runs == 1 && sets == 1 ? 0 : 1;
}

static int is_told_of_the_log(void) {
  int runs, sets;
  hg_error error = {0};
  hg_code code = count_all(folder, &runs, &sets, &error);
  return code == HG_FAILED && strstr(error.message, "copy the folder to where it can be written") != NULL ? 0 : 1;
}

static void a_folder_that_may_only_be_read_is_read(void **state) {
  (void)state;
  char whole[sizeof folder];
  memcpy(whole, folder, sizeof whole);
  snprintf(folder, sizeof folder, "%.40s/50%% a?b#c", whole); /* what a URI would take for its own */
  assert_int_equal(fill(folder, NULL), HG_OK);
  assert_int_equal(chmod(whole, 0755), 0);
  int result = as_a_reader(reads_all);
  chmod(folder, 0755);
  memcpy(folder, whole, sizeof whole);
  assert_int_equal(result, 0);
}

static void figures_that_only_a_writer_could_read_are_not_left_out_in_silence(void **state) {
  (void)state;
  assert_int_equal(fill(folder, NULL), HG_OK);
  sqlite3 *database = open_database();
  execute(database, "UPDATE runs SET epochs = 7"); /* stands in study.db-wal as long as this is open */
  int result = as_a_reader(is_told_of_the_log);
  chmod(folder, 0755);
  sqlite3_close(database);
  assert_int_equal(result, 0);
}

/* ---- what goes */

static void comparisons_go_with_a_run_they_were_made_from(void **state) {
  (void)state;
  const hg_comparison rows[] = {{.a = "cnn", .b = "svm"}, {.a = "svm", .b = "knn"}, {.a = "knn", .b = "cnn"}};
  char settings[] = "{}";
  hg_run_record changed = {.name = "cnn", .seed = 1, .status = "pending", .identity = "other", .settings = settings};
  hg_store *store = NULL;
  hg_comparison *left = NULL;
  int count = 0;
  assert_int_equal(fill(folder, NULL), HG_OK);
  assert_int_equal(hg_store_open(folder, true, &store, NULL), HG_OK);
  assert_int_equal(hg_store_put_comparisons(store, rows, 3, NULL), HG_OK);
  assert_int_equal(hg_store_put_run(store, &changed, NULL), HG_OK);
  assert_int_equal(hg_store_get_comparisons(store, &left, &count, NULL), HG_OK);
  assert_true(count == 1 && strcmp(left[0].a, "svm") == 0);
  hg_free(left);
  hg_store_close(store);
}

static void data_the_study_no_longer_has_goes_with_its_leaks_and_folder(void **state) {
  (void)state;
  hg_store *store = NULL;
  char names[] = "[]", *place = NULL;
  hg_data_record shoes = {.name = "shoes", .digest = "a", .class_names = names}, *data = NULL;
  const hg_leak_row rows[] = {{"garments", "test", "training", 10, 1, 0}, {"shoes", "test", "training", 10, 2, 0}};
  hg_leak_row *leaks = NULL;
  int count = 0;
  assert_int_equal(fill(folder, NULL), HG_OK);
  assert_int_equal(hg_store_open(folder, true, &store, NULL), HG_OK);
  assert_int_equal(hg_store_put_data(store, &shoes, NULL), HG_OK);
  assert_int_equal(hg_store_put_leaks(store, rows, 2, NULL), HG_OK);
  assert_int_equal(hg_store_data_folder(store, "garments", &place, NULL), HG_OK);
  assert_int_equal(hg_store_keep_data(store, (const char *const[]){"shoes"}, 1, NULL), HG_OK);
  assert_false(hg_path_exists(place));
  assert_int_equal(hg_store_list_data(store, &data, &count, NULL), HG_OK);
  assert_true(count == 1 && strcmp(data[0].name, "shoes") == 0);
  assert_int_equal(hg_store_get_leaks(store, &leaks, &count, NULL), HG_OK);
  assert_true(count == 1 && strcmp(leaks[0].data, "shoes") == 0);
  hg_free(leaks);
  assert_int_equal(hg_store_put_data(store, &shoes, NULL), HG_OK);
  assert_int_equal(hg_store_get_leaks(store, &leaks, &count, NULL), HG_OK);
  assert_int_equal(count, 1);
  hg_free(leaks);
  shoes.digest[0] = 'b'; /* other images: what was found in the old ones goes */
  assert_int_equal(hg_store_put_data(store, &shoes, NULL), HG_OK);
  assert_int_equal(hg_store_get_leaks(store, &leaks, &count, NULL), HG_OK);
  assert_int_equal(count, 0);
  hg_free(leaks);
  hg_free(data[0].class_names);
  hg_free(data);
  hg_free(place);
  hg_store_close(store);
}

int main(void) {
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
  const struct CMUnitTest tests[] = {
      STORE_TEST(every_allocation_that_fails_is_told),
      STORE_TEST(a_reader_that_holds_the_lock_for_a_moment_does_not_refuse_a_writer),
      STORE_TEST(two_readers_bring_an_old_store_up_to_date_between_them),
      STORE_TEST(a_folder_that_may_only_be_read_is_read),
      STORE_TEST(figures_that_only_a_writer_could_read_are_not_left_out_in_silence),
      STORE_TEST(comparisons_go_with_a_run_they_were_made_from),
      STORE_TEST(data_the_study_no_longer_has_goes_with_its_leaks_and_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
