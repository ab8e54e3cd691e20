#include "store/database.h"

#include "base/alloc.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static hg_code fail(hg_store *store, hg_error *error) {
  int code = sqlite3_errcode(store->database);
  if (code == SQLITE_NOMEM) return hg_fail_memory(error, store->path, 0);
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_FORMAT)
    return hg_fail(error, HG_DATA, store->path,
                   "damaged (SQLite: %s); put back a copy of it, or run the study into another folder",
                   sqlite3_errmsg(store->database));
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
    return hg_fail(error, HG_FAILED, store->path, "another program is writing to it (SQLite: %s); close that, then try again",
                   sqlite3_errmsg(store->database));
  return hg_fail(error, HG_FAILED, store->path, "SQLite: %s", sqlite3_errmsg(store->database));
}

static void check(hg_query *query, int result) {
  if (result != SQLITE_OK && query->code == HG_OK) query->code = fail(query->store, query->error);
}

hg_query hg_query_begin(hg_store *store, const char *sql, hg_error *error) {
  hg_query query = {.store = store, .error = error};
  check(&query, sqlite3_prepare_v2(store->database, sql, -1, &query.statement, NULL));
  return query;
}

hg_code hg_query_end(hg_query *query) {
  sqlite3_finalize(query->statement);
  query->statement = NULL;
  return query->code;
}

void hg_query_put_int(hg_query *query, int64_t value) {
  if (query->code == HG_OK) check(query, sqlite3_bind_int64(query->statement, ++query->bound, value));
}

void hg_query_put_real(hg_query *query, double value) {
  if (query->code == HG_OK) check(query, sqlite3_bind_double(query->statement, ++query->bound, value));
}

void hg_query_put_text(hg_query *query, const char *value) {
  if (query->code == HG_OK)
    check(query, sqlite3_bind_text(query->statement, ++query->bound, value == NULL ? "" : value, -1, SQLITE_TRANSIENT));
}

void hg_query_run(hg_query *query) {
  if (query->code != HG_OK) return;
  if (sqlite3_step(query->statement) != SQLITE_DONE) query->code = fail(query->store, query->error);
  sqlite3_reset(query->statement);
  query->bound = 0;
}

bool hg_query_row(hg_query *query) {
  if (query->code != HG_OK) return false;
  query->column = 0;
  int result = sqlite3_step(query->statement);
  if (result != SQLITE_ROW && result != SQLITE_DONE) query->code = fail(query->store, query->error);
  return result == SQLITE_ROW;
}

int64_t hg_query_get_int(hg_query *query) { return sqlite3_column_int64(query->statement, query->column++); }

double hg_query_get_real(hg_query *query) {
  int column = query->column++;
  bool missing = sqlite3_column_type(query->statement, column) == SQLITE_NULL;
  return missing ? NAN : sqlite3_column_double(query->statement, column);
}

void hg_query_get_text(hg_query *query, char *buffer, size_t size) {
  const unsigned char *text = sqlite3_column_text(query->statement, query->column++);
  snprintf(buffer, size, "%s", text == NULL ? "" : (const char *)text);
}

char *hg_query_get_string(hg_query *query) {
  const unsigned char *text = sqlite3_column_text(query->statement, query->column++);
  char *copy = hg_strdup(text == NULL ? "" : (const char *)text);
  if (copy == NULL && query->code == HG_OK) query->code = hg_fail_memory(query->error, query->store->path, 0);
  return copy;
}

hg_code hg_store_execute(hg_store *store, const char *sql, hg_error *error) {
  return sqlite3_exec(store->database, sql, NULL, NULL, NULL) == SQLITE_OK ? HG_OK : fail(store, error);
}

hg_code hg_store_begin(hg_store *store, hg_error *error) {
  hg_code code = hg_store_execute(store, store->depth == 0 ? "BEGIN IMMEDIATE" : "SAVEPOINT inner", error);
  store->depth += code == HG_OK;
  return code;
}

hg_code hg_store_finish(hg_store *store, hg_code code, hg_error *error) {
  bool outermost = --store->depth == 0;
  if (code == HG_OK) code = hg_store_execute(store, outermost ? "COMMIT" : "RELEASE inner", error);
  if (code != HG_OK) hg_store_execute(store, outermost ? "ROLLBACK" : "ROLLBACK TO inner; RELEASE inner", NULL);
  return code;
}

void *hg_query_append(hg_query *query, void *array_address, size_t *capacity, int *count, size_t bytes) {
  if (!hg_grow(array_address, capacity, (size_t)*count + 1, bytes)) {
    query->code = hg_fail_memory(query->error, query->store->path, ((size_t)*count + 1) * bytes);
    return NULL;
  }
  char *array;
  memcpy(&array, array_address, sizeof array);
  return memset(array + (size_t)(*count)++ * bytes, 0, bytes);
}
