/* What store.c and its figures share: one statement at a time, values bound and read in order. */
#ifndef HG_STORE_DATABASE_H
#define HG_STORE_DATABASE_H

#include "store/store.h"

#include <sqlite3.h>

struct hg_store {
  char *folder, *path; /* OUT, OUT/study.db */
  sqlite3 *database;
  int lock;       /* descriptor of OUT/study.lock; -1 if not held */
  bool abandoned; /* opened to read while nobody wrote: what is marked as running was killed */
};

/* A prepared statement. The first failure stays in `code` and turns every later call into nothing, so a caller checks once,
 * at hg_query_end. */
typedef struct hg_query {
  hg_store *store;
  sqlite3_stmt *statement;
  int bound, column; /* next parameter, next column, from 0 */
  hg_code code;
  hg_error *error;
} hg_query;

hg_query hg_query_begin(hg_store *store, const char *sql, hg_error *error);
hg_code hg_query_end(hg_query *query);

void hg_query_put_int(hg_query *query, int64_t value);
void hg_query_put_real(hg_query *query, double value); /* NaN is kept as NULL */
void hg_query_put_text(hg_query *query, const char *value);
/* Runs a statement that gives no rows; the next values can then be bound. */
void hg_query_run(hg_query *query);

bool hg_query_row(hg_query *query); /* true if there is a row to read */
int64_t hg_query_get_int(hg_query *query);
double hg_query_get_real(hg_query *query); /* NULL is NaN */
void hg_query_get_text(hg_query *query, char *buffer, size_t size);
char *hg_query_get_string(hg_query *query); /* hg_malloc'ed; NULL, and the query failed, when out of memory */

/* Runs SQL without parameters. */
hg_code hg_store_execute(hg_store *store, const char *sql, hg_error *error);
hg_code hg_store_begin(hg_store *store, hg_error *error);
/* Commits if code is HG_OK, else rolls back; returns the first failure. */
hg_code hg_store_finish(hg_store *store, hg_code code, hg_error *error);

/* Room for one more element at the end of an array that a query fills: its address, zeroed, or NULL and the query failed. */
void *hg_query_append(hg_query *query, void *array_address, size_t *capacity, int *count, size_t bytes);

#endif
