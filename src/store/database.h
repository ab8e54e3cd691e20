/* What store.c and its figures share: one statement at a time, values bound and read in order. */
#ifndef HG_STORE_DATABASE_H
#define HG_STORE_DATABASE_H

#include "store/store.h"

#include <sqlite3.h>

struct hg_store {
  char *folder, *path; /* OUT, OUT/study.db */
  sqlite3 *database;
  int lock;       /* descriptor of OUT/study.lock; -1 if not held */
  int depth;      /* of hg_store_begin */
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

/* Brings a file that was just opened to this schema; makes the tables in an empty one if create. tables.c */
hg_code hg_store_check_schema(hg_store *store, bool create, hg_error *error);

/* What the store has written in it, and the folder where nothing else is left: a user may keep files of his own there, or name a
 * folder of his as the place of results. HG_OK where there is none. store.c */
hg_code hg_store_remove_folder(const char *folder, hg_error *error);

/* Runs SQL without parameters. */
hg_code hg_store_execute(hg_store *store, const char *sql, hg_error *error);

/* Room for one more element at the end of an array that a query fills: its address, zeroed, or NULL and the query failed. */
void *hg_query_append(hg_query *query, void *array_address, size_t *capacity, int *count, size_t bytes);

/* ---- A list, written and read whole. */

/* Binds one row's columns, or reads them, in the order of the statement. */
typedef void hg_row_binder(hg_query *query, const void *row);
typedef void hg_row_reader(hg_query *query, void *row);

enum { HG_WHOLE_STUDY = -1 }; /* in place of a run's id, for lists that belong to no run */

/* In one transaction. `insert` takes the row's place, the run unless it is HG_WHOLE_STUDY, then what bind puts. */
hg_code hg_rows_replace(hg_store *store, const char *clear, const char *insert, int64_t run, const void *rows, size_t bytes,
                        int count, hg_row_binder *bind, hg_error *error);
/* *rows_address is an array of rows, hg_malloc'ed, NULL on failure. */
hg_code hg_rows_read(hg_store *store, const char *select, int64_t run, void *rows_address, size_t bytes, int *count,
                     hg_row_reader *read, hg_error *error);

#endif
