#define _GNU_SOURCE
#include "store/store.h"

#include "base/alloc.h"
#include "base/file.h"
#include "store/database.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BUSY_MILLISECONDS = 10000 };

/* ---------------------------------------------------------------- opening */

/* A reader holds the lock for a moment, when it asks whether somebody writes: nobody_writes. */
static int lock_in_time(int lock) {
  enum { TRIES = 20, MILLISECONDS = 10 };
  int result = flock(lock, LOCK_EX | LOCK_NB);
  for (int i = 0; i < TRIES && result != 0 && errno == EWOULDBLOCK; i++) {
    nanosleep(&(struct timespec){.tv_nsec = MILLISECONDS * 1000000L}, NULL);
    result = flock(lock, LOCK_EX | LOCK_NB);
  }
  return result;
}

static hg_code take_lock(hg_store *store, hg_error *error) {
  char *path = hg_path_join(store->folder, "study.lock");
  if (path == NULL) return hg_fail_memory(error, store->folder, 0);
  hg_code code = HG_OK;
  store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (store->lock < 0)
    code = hg_fail_errno(error, HG_FAILED, path, "open the lock file");
  else if (lock_in_time(store->lock) != 0)
    code = errno == EWOULDBLOCK ? hg_fail(error, HG_USAGE, store->folder,
                                          "another hourglass is writing here; wait for it, or choose another folder with --out")
                                : hg_fail_errno(error, HG_FAILED, path, "lock the file");
  hg_free(path);
  return code;
}

/* A lock that can be shared is not held by a writer. */
static bool nobody_writes(const hg_store *store) {
  char *path = hg_path_join(store->folder, "study.lock");
  int lock = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  bool free_lock = lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) == 0;
  if (lock >= 0) close(lock);
  hg_free(path);
  return free_lock;
}

static hg_code connect(hg_store *store, const char *name, int flags, hg_error *error) {
  if (sqlite3_open_v2(name, &store->database, flags | SQLITE_OPEN_FULLMUTEX, NULL) == SQLITE_OK) return HG_OK;
  return hg_fail(error, HG_FAILED, store->path, "cannot be opened: %s", sqlite3_errmsg(store->database));
}

/* What was written and not yet moved into the database stands in a second file, which only who may write can read. */
static hg_code check_log(const hg_store *store, hg_error *error) {
  struct stat status;
  size_t size = strlen(store->path) + sizeof "-wal";
  char *log = hg_malloc(size);
  if (log == NULL) return hg_fail_memory(error, store->path, size);
  snprintf(log, size, "%s-wal", store->path);
  bool empty = stat(log, &status) != 0 || status.st_size == 0;
  hg_free(log);
  return empty ? HG_OK
               : hg_fail(error, HG_FAILED, store->folder,
                         "may not be written to, and a run has not put all it found into study.db yet (study.db-wal); copy the "
                         "folder to where it can be written, and read it there");
}

/* file:PATH?immutable=1: SQLite then makes no file beside the database, as it otherwise does for readers too. */
static hg_code connect_to_read(hg_store *store, hg_error *error) {
  static const char head[] = "file:", tail[] = "?immutable=1";
  hg_code code = check_log(store, error);
  if (code != HG_OK) return code;
  size_t size = sizeof head + 3 * strlen(store->path) + sizeof tail;
  char *name = hg_malloc(size), *end = name;
  if (name == NULL) return hg_fail_memory(error, store->path, size);
  end += sprintf(end, "%s", head);
  for (const char *c = store->path; *c != '\0'; c++)
    end += sprintf(end, isalnum((unsigned char)*c) || strchr("/-_.~", *c) != NULL ? "%c" : "%%%02X", (unsigned char)*c);
  sprintf(end, "%s", tail);
  code = connect(store, name, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, error);
  hg_free(name);
  return code;
}

static hg_code open_database(hg_store *store, bool create, hg_error *error) {
  hg_code code = !create && access(store->folder, W_OK) != 0
                     ? connect_to_read(store, error)
                     : connect(store, store->path, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0), error);
  if (code != HG_OK) return code;
  sqlite3_busy_timeout(store->database, BUSY_MILLISECONDS);
  code = hg_store_check_schema(store, create, error);
  if (code == HG_OK) code = hg_store_execute(store, "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL", error);
  if (code == HG_OK && create) code = hg_store_execute(store, "PRAGMA journal_mode = WAL", error);
  return code;
}

/* With its paths, and neither lock nor database. */
static hg_code new_store(const char *folder, hg_store **store, hg_error *error) {
  hg_store *made = hg_calloc(1, sizeof *made);
  *store = made;
  if (made == NULL) return hg_fail_memory(error, folder, sizeof *made);
  made->lock = -1;
  made->folder = hg_strdup(folder);
  made->path = hg_path_join(folder, "study.db");
  return made->folder == NULL || made->path == NULL ? hg_fail_memory(error, folder, strlen(folder)) : HG_OK;
}

hg_code hg_store_open_beside(const hg_store *holder, hg_store **store, hg_error *error) {
  hg_code code = new_store(holder->folder, store, error);
  if (code == HG_OK) code = open_database(*store, false, error);
  if (code == HG_OK) return HG_OK;
  hg_store_close(*store);
  *store = NULL;
  return code;
}

hg_code hg_store_open(const char *folder, bool create, hg_store **store, hg_error *error) {
  *store = NULL;
  hg_store *made = NULL;
  hg_code code = new_store(folder, &made, error);
  if (code == HG_OK && !create && !hg_path_exists(made->path))
    code = hg_fail(error, HG_USAGE, folder, "%s",
                   !hg_path_exists(folder)      ? "no such folder; `hourglass run` with --out makes one"
                   : !hg_path_is_folder(folder) ? "is a file, not a results folder"
                                                : "holds no study.db; `hourglass run` with --out makes one");
  if (code == HG_OK && create) code = hg_folder_make(folder, error);
  if (code == HG_OK && create) code = take_lock(made, error);
  if (code == HG_OK) code = open_database(made, create, error);
  if (code == HG_OK && create)
    code = hg_store_execute(made, "UPDATE runs SET status = 'interrupted' WHERE status = 'running'", error);
  if (code != HG_OK) {
    hg_store_close(made);
    return code;
  }
  made->abandoned = !create && nobody_writes(made);
  *store = made;
  return HG_OK;
}

void hg_store_close(hg_store *store) {
  if (store == NULL) return;
  sqlite3_close(store->database);
  if (store->lock >= 0) close(store->lock);
  hg_free(store->path);
  hg_free(store->folder);
  hg_free(store);
}

const char *hg_store_folder(const hg_store *store) { return store->folder; }

/* ---------------------------------------------------------------- facts */

hg_code hg_store_set_fact(hg_store *store, const char *key, const char *value, hg_error *error) {
  hg_query query = hg_query_begin(store, "INSERT OR REPLACE INTO facts VALUES(?, ?)", error);
  hg_query_put_text(&query, key);
  hg_query_put_text(&query, value);
  hg_query_run(&query);
  return hg_query_end(&query);
}

char *hg_store_fact(hg_store *store, const char *key) {
  hg_query query = hg_query_begin(store, "SELECT value FROM facts WHERE key = ?", NULL);
  hg_query_put_text(&query, key);
  char *value = hg_query_row(&query) ? hg_query_get_string(&query) : hg_strdup("");
  hg_query_end(&query);
  return value;
}

/* ---------------------------------------------------------------- runs */

#define RUN_COLUMNS                                                                                                     \
  "id, name, seed, position, kind, status, identity, data, settings, message, parameters, epochs, best_epoch, seconds," \
  " images_per_second, weights_sha256"

void hg_run_record_release(hg_run_record *record) {
  hg_free(record->settings);
  *record = (hg_run_record){0};
}

static void read_run(hg_query *query, hg_run_record *record) {
  record->id = hg_query_get_int(query);
  hg_query_get_text(query, record->name, sizeof record->name);
  record->seed = (uint64_t)hg_query_get_int(query);
  record->position = (int)hg_query_get_int(query);
  hg_query_get_text(query, record->kind, sizeof record->kind);
  hg_query_get_text(query, record->status, sizeof record->status);
  if (query->store->abandoned && strcmp(record->status, "running") == 0) strcpy(record->status, "interrupted");
  hg_query_get_text(query, record->identity, sizeof record->identity);
  hg_query_get_text(query, record->data, sizeof record->data);
  record->settings = hg_query_get_string(query);
  hg_query_get_text(query, record->message, sizeof record->message);
  record->parameters = hg_query_get_int(query);
  record->epochs = (int)hg_query_get_int(query);
  record->best_epoch = (int)hg_query_get_int(query);
  record->seconds = hg_query_get_real(query);
  record->images_per_second = hg_query_get_real(query);
  hg_query_get_text(query, record->weights_sha256, sizeof record->weights_sha256);
}

static void bind_run(hg_query *query, const hg_run_record *record) {
  hg_query_put_text(query, record->name);
  hg_query_put_int(query, (int64_t)record->seed);
  hg_query_put_int(query, record->position);
  hg_query_put_text(query, record->kind);
  hg_query_put_text(query, record->status);
  hg_query_put_text(query, record->identity);
  hg_query_put_text(query, record->data);
  hg_query_put_text(query, record->settings);
  hg_query_put_text(query, record->message);
  hg_query_put_int(query, record->parameters);
  hg_query_put_int(query, record->epochs);
  hg_query_put_int(query, record->best_epoch);
  hg_query_put_real(query, record->seconds);
  hg_query_put_real(query, record->images_per_second);
  hg_query_put_text(query, record->weights_sha256);
}

/* The run's folder without making it; NULL when out of memory. */
static char *folder_of(const hg_store *store, const hg_run_record *record) {
  size_t size = strlen(store->folder) + HG_NAME_SIZE + 40;
  char *folder = hg_malloc(size);
  if (folder != NULL) snprintf(folder, size, "%s/runs/%s-seed%" PRIu64, store->folder, record->name, record->seed);
  return folder;
}

static hg_code check_name(const hg_run_record *record, hg_error *error) {
  if (record->name[0] != '\0' && record->name[0] != '.' && strchr(record->name, '/') == NULL) return HG_OK;
  return hg_fail(error, HG_USAGE, record->name, "a run's name becomes a folder: it may not be empty, begin with '.' or hold '/'");
}

/* Whether this file of a run's or a data set's folder is one that the store writes, or was left half written. */
static bool is_own(const char *name) {
  static const char *const own[] = {"settings.json",           "checkpoint.safetensors", "weights.safetensors",
                                    "model.safetensors",       "samples.safetensors",    "codes.safetensors",
                                    "predictions.safetensors", "views.safetensors",      "denoising.safetensors",
                                    "leaks.safetensors",       "thumbnails.safetensors"};
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
    size_t length = strlen(own[i]);
    if (strncmp(name, own[i], length) == 0 && (name[length] == '\0' || strncmp(name + length, ".tmp-", 5) == 0)) return true;
  }
  return false;
}

hg_code hg_store_remove_folder(const char *folder, hg_error *error) {
  DIR *listing = opendir(folder);
  if (listing == NULL) return errno == ENOENT ? HG_OK : hg_fail_errno(error, HG_FAILED, folder, "open the folder");
  bool good = true;
  for (struct dirent *entry; good && (entry = readdir(listing)) != NULL;)
    if (is_own(entry->d_name)) good = unlinkat(dirfd(listing), entry->d_name, 0) == 0;
  if (good) good = rmdir(folder) == 0 || errno == ENOTEMPTY || errno == EEXIST;
  hg_code code = good ? HG_OK : hg_fail_errno(error, HG_FAILED, folder, "remove the folder");
  closedir(listing);
  return code;
}

static hg_code remove_folder(const hg_store *store, const hg_run_record *record, hg_error *error) {
  char *folder = folder_of(store, record);
  if (folder == NULL) return hg_fail_memory(error, store->folder, 0);
  hg_code code = hg_store_remove_folder(folder, error);
  hg_free(folder);
  return code;
}

static hg_code drop_figures(hg_store *store, int64_t run, hg_error *error) {
  static const char *const statements[] = {"DELETE FROM history WHERE run = ?",   "DELETE FROM metrics WHERE run = ?",
                                           "DELETE FROM layers WHERE run = ?",    "DELETE FROM classes WHERE run = ?",
                                           "DELETE FROM confusion WHERE run = ?", "DELETE FROM calibration WHERE run = ?",
                                           "DELETE FROM denoising WHERE run = ?"};
  enum { STATEMENTS = sizeof statements / sizeof statements[0] };
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < STATEMENTS; i++) {
    hg_query query = hg_query_begin(store, statements[i], error);
    hg_query_put_int(&query, run);
    hg_query_run(&query);
    code = hg_query_end(&query);
  }
  return code;
}

/* They were made from a run that is no more. */
static hg_code drop_comparisons(hg_store *store, const char *name, hg_error *error) {
  hg_query query = hg_query_begin(store, "DELETE FROM comparisons WHERE ? IN (a, b)", error);
  hg_query_put_text(&query, name);
  hg_query_run(&query);
  return hg_query_end(&query);
}

static hg_code write_run(hg_store *store, hg_run_record *record, hg_error *error) {
  hg_query query = hg_query_begin(store,
                                  "INSERT INTO runs(name, seed, position, kind, status, identity, data, settings, message,"
                                  " parameters, epochs, best_epoch, seconds, images_per_second, weights_sha256)"
                                  " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(name, seed) DO UPDATE SET"
                                  " position = excluded.position, kind = excluded.kind, status = excluded.status,"
                                  " identity = excluded.identity, data = excluded.data, settings = excluded.settings,"
                                  " message = excluded.message, parameters = excluded.parameters, epochs = excluded.epochs,"
                                  " best_epoch = excluded.best_epoch, seconds = excluded.seconds,"
                                  " images_per_second = excluded.images_per_second, weights_sha256 = excluded.weights_sha256"
                                  " RETURNING id",
                                  error);
  bind_run(&query, record);
  if (hg_query_row(&query)) record->id = hg_query_get_int(&query);
  while (hg_query_row(&query)) continue; /* to the end, so that the statement is done */
  return hg_query_end(&query);
}

hg_code hg_store_clear_run(hg_store *store, const hg_run_record *record, hg_error *error) {
  hg_code code = hg_store_begin(store, error);
  if (code != HG_OK) return code;
  code = drop_figures(store, record->id, error);
  if (code == HG_OK) code = drop_comparisons(store, record->name, error);
  if (code == HG_OK) code = remove_folder(store, record, error);
  return hg_store_finish(store, code, error);
}

hg_code hg_store_drop_findings(hg_store *store, const hg_run_record *record, const char *figures, const char *file,
                               hg_error *error) {
  char *path = NULL;
  hg_code code = hg_store_run_file(store, record, file, &path, error);
  if (code != HG_OK) return code;
  hg_query query = hg_query_begin(store, "DELETE FROM metrics WHERE run = ? AND name GLOB ?", error);
  hg_query_put_int(&query, record->id);
  hg_query_put_text(&query, figures);
  hg_query_run(&query);
  code = hg_query_end(&query);
  if (code == HG_OK && unlink(path) != 0 && errno != ENOENT) code = hg_fail_errno(error, HG_FAILED, path, "remove the file");
  hg_free(path);
  return code;
}

hg_code hg_store_put_run(hg_store *store, hg_run_record *record, hg_error *error) {
  hg_run_record old = {0};
  bool found = false;
  hg_code code = check_name(record, error);
  if (code == HG_OK) code = hg_store_begin(store, error);
  if (code != HG_OK) return code;
  code = hg_store_get_run(store, record->name, record->seed, &old, &found, error);
  /* New here, files under its name are another's all the same: of a store whose database is gone. */
  bool changed = !found || strcmp(old.identity, record->identity) != 0;
  if (code == HG_OK) code = write_run(store, record, error);
  if (code == HG_OK && changed) code = hg_store_clear_run(store, record, error);
  hg_run_record_release(&old);
  return hg_store_finish(store, code, error);
}

hg_code hg_store_get_run(hg_store *store, const char *name, uint64_t seed, hg_run_record *record, bool *found, hg_error *error) {
  *record = (hg_run_record){0};
  hg_query query = hg_query_begin(store, "SELECT " RUN_COLUMNS " FROM runs WHERE name = ? AND seed = ?", error);
  hg_query_put_text(&query, name);
  hg_query_put_int(&query, (int64_t)seed);
  *found = hg_query_row(&query);
  if (*found) read_run(&query, record);
  hg_code code = hg_query_end(&query);
  if (code != HG_OK) hg_run_record_release(record);
  return code;
}

hg_code hg_store_list_runs(hg_store *store, hg_run_record **records, int *count, hg_error *error) {
  size_t capacity = 0;
  *records = NULL;
  *count = 0;
  hg_query query = hg_query_begin(
      store, "SELECT " RUN_COLUMNS " FROM runs ORDER BY MIN(position) OVER (PARTITION BY name), name, seed", error);
  while (hg_query_row(&query)) {
    hg_run_record *record = hg_query_append(&query, records, &capacity, count, sizeof **records);
    if (record != NULL) read_run(&query, record);
  }
  hg_code code = hg_query_end(&query);
  if (code == HG_OK) return HG_OK;
  for (int i = 0; i < *count; i++) hg_run_record_release(&(*records)[i]);
  hg_free(*records);
  *records = NULL;
  *count = 0;
  return code;
}

static bool is_kept(const hg_run_record *record, const hg_run_record *kept, int count) {
  for (int i = 0; i < count; i++)
    if (kept[i].seed == record->seed && strcmp(kept[i].name, record->name) == 0) return true;
  return false;
}

static hg_code remove_run(hg_store *store, const hg_run_record *record, hg_error *error) {
  hg_query query = hg_query_begin(store, "DELETE FROM runs WHERE id = ?", error);
  hg_query_put_int(&query, record->id);
  hg_query_run(&query);
  hg_code code = hg_query_end(&query);
  if (code == HG_OK) code = drop_comparisons(store, record->name, error);
  return code == HG_OK ? remove_folder(store, record, error) : code;
}

hg_code hg_store_keep_only(hg_store *store, const hg_run_record *kept, int count, hg_error *error) {
  hg_run_record *records;
  int present;
  hg_code code = hg_store_list_runs(store, &records, &present, error);
  for (int i = 0; code == HG_OK && i < present; i++)
    if (!is_kept(&records[i], kept, count)) code = remove_run(store, &records[i], error);
  for (int i = 0; i < present; i++) hg_run_record_release(&records[i]);
  hg_free(records);
  return code;
}

void hg_store_tell_mend(hg_error *error, const char *path) {
  const char *slash = strrchr(path, '/');
  int length = slash == NULL ? 0 : (int)(slash - path);
  hg_error_add(error, path, "; remove %.*s, and `hourglass run` makes this run again", length, path);
}

hg_code hg_store_run_file(const hg_store *store, const hg_run_record *record, const char *file, char **path, hg_error *error) {
  *path = NULL;
  hg_code code = check_name(record, error);
  if (code != HG_OK) return code;
  char *folder = folder_of(store, record);
  if (folder != NULL) *path = hg_path_join(folder, file);
  hg_free(folder);
  return *path == NULL ? hg_fail_memory(error, file, 1) : HG_OK;
}

hg_code hg_store_run_folder(hg_store *store, const hg_run_record *record, char **folder, hg_error *error) {
  *folder = NULL;
  hg_code code = check_name(record, error);
  if (code != HG_OK) return code;
  char *made = folder_of(store, record);
  if (made == NULL) return hg_fail_memory(error, store->folder, 0);
  code = hg_folder_make(made, error);
  if (code == HG_OK)
    *folder = made;
  else
    hg_free(made);
  return code;
}
