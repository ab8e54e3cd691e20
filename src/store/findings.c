/* What a study found: comparisons, published figures, leaks. Each list is replaced whole. */
#include "store/database.h"

/* ---------------------------------------------------------------- comparisons */

static void bind_comparison(hg_query *query, const void *row) {
  const hg_comparison *comparison = row;
  hg_query_put_text(query, comparison->a);
  hg_query_put_text(query, comparison->b);
  hg_query_put_text(query, comparison->metric);
  hg_query_put_text(query, comparison->test);
  hg_query_put_real(query, comparison->difference);
  hg_query_put_real(query, comparison->low);
  hg_query_put_real(query, comparison->high);
  hg_query_put_real(query, comparison->p_value);
  hg_query_put_real(query, comparison->value_a);
  hg_query_put_real(query, comparison->value_b);
  hg_query_put_real(query, comparison->p_holm);
  hg_query_put_int(query, comparison->seeds);
  hg_query_put_int(query, comparison->only_a);
  hg_query_put_int(query, comparison->only_b);
  hg_query_put_text(query, comparison->verdict);
  hg_query_put_text(query, comparison->text);
}

static void read_comparison(hg_query *query, void *row) {
  hg_comparison *comparison = row;
  hg_query_get_text(query, comparison->a, sizeof comparison->a);
  hg_query_get_text(query, comparison->b, sizeof comparison->b);
  hg_query_get_text(query, comparison->metric, sizeof comparison->metric);
  hg_query_get_text(query, comparison->test, sizeof comparison->test);
  comparison->difference = hg_query_get_real(query);
  comparison->low = hg_query_get_real(query);
  comparison->high = hg_query_get_real(query);
  comparison->p_value = hg_query_get_real(query);
  comparison->value_a = hg_query_get_real(query);
  comparison->value_b = hg_query_get_real(query);
  comparison->p_holm = hg_query_get_real(query);
  comparison->seeds = (int)hg_query_get_int(query);
  comparison->only_a = hg_query_get_int(query);
  comparison->only_b = hg_query_get_int(query);
  hg_query_get_text(query, comparison->verdict, sizeof comparison->verdict);
  hg_query_get_text(query, comparison->text, sizeof comparison->text);
}

#define COMPARISON_COLUMNS                                                                                        \
  "a, b, metric, test, difference, low, high, p_value, value_a, value_b, p_holm, seeds, only_a, only_b, verdict," \
  " text"

hg_code hg_store_put_comparisons(hg_store *store, const hg_comparison *rows, int count, hg_error *error) {
  return hg_rows_replace(store, "DELETE FROM comparisons",
                         "INSERT INTO comparisons(position, " COMPARISON_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                         HG_WHOLE_STUDY, rows, sizeof *rows, count, bind_comparison, error);
}

hg_code hg_store_get_comparisons(hg_store *store, hg_comparison **rows, int *count, hg_error *error) {
  return hg_rows_read(store, "SELECT " COMPARISON_COLUMNS " FROM comparisons ORDER BY position", HG_WHOLE_STUDY, rows,
                      sizeof **rows, count, read_comparison, error);
}

/* ---------------------------------------------------------------- published figures */

static void bind_published(hg_query *query, const void *row) {
  const hg_published *published = row;
  hg_query_put_text(query, published->run);
  hg_query_put_text(query, published->metric);
  hg_query_put_real(query, published->published);
  hg_query_put_real(query, published->measured);
  hg_query_put_real(query, published->low);
  hg_query_put_real(query, published->high);
  hg_query_put_int(query, published->seeds);
  hg_query_put_text(query, published->id);
}

static void read_published(hg_query *query, void *row) {
  hg_published *published = row;
  hg_query_get_text(query, published->run, sizeof published->run);
  hg_query_get_text(query, published->metric, sizeof published->metric);
  published->published = hg_query_get_real(query);
  published->measured = hg_query_get_real(query);
  published->low = hg_query_get_real(query);
  published->high = hg_query_get_real(query);
  published->seeds = (int)hg_query_get_int(query);
  hg_query_get_text(query, published->id, sizeof published->id);
}

#define PUBLISHED_COLUMNS "run, metric, published, measured, low, high, seeds, id"

hg_code hg_store_put_published(hg_store *store, const hg_published *rows, int count, hg_error *error) {
  return hg_rows_replace(store, "DELETE FROM published",
                         "INSERT INTO published(position, " PUBLISHED_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?)", HG_WHOLE_STUDY, rows,
                         sizeof *rows, count, bind_published, error);
}

hg_code hg_store_get_published(hg_store *store, hg_published **rows, int *count, hg_error *error) {
  return hg_rows_read(store, "SELECT " PUBLISHED_COLUMNS " FROM published ORDER BY position", HG_WHOLE_STUDY, rows, sizeof **rows,
                      count, read_published, error);
}

/* ---------------------------------------------------------------- leaks */

static void bind_leak(hg_query *query, const void *row) {
  const hg_leak_row *leak = row;
  hg_query_put_text(query, leak->data);
  hg_query_put_text(query, leak->part);
  hg_query_put_text(query, leak->against);
  hg_query_put_int(query, leak->images);
  hg_query_put_int(query, leak->exact);
  hg_query_put_int(query, leak->near);
}

static void read_leak(hg_query *query, void *row) {
  hg_leak_row *leak = row;
  hg_query_get_text(query, leak->data, sizeof leak->data);
  hg_query_get_text(query, leak->part, sizeof leak->part);
  hg_query_get_text(query, leak->against, sizeof leak->against);
  leak->images = hg_query_get_int(query);
  leak->exact = hg_query_get_int(query);
  leak->near = hg_query_get_int(query);
}

#define LEAK_COLUMNS "data, part, against, images, exact, near"

hg_code hg_store_put_leaks(hg_store *store, const hg_leak_row *rows, int count, hg_error *error) {
  return hg_rows_replace(store, "DELETE FROM leaks", "INSERT INTO leaks(position, " LEAK_COLUMNS ") VALUES(?,?,?,?,?,?,?)",
                         HG_WHOLE_STUDY, rows, sizeof *rows, count, bind_leak, error);
}

hg_code hg_store_get_leaks(hg_store *store, hg_leak_row **rows, int *count, hg_error *error) {
  return hg_rows_read(store, "SELECT " LEAK_COLUMNS " FROM leaks ORDER BY position", HG_WHOLE_STUDY, rows, sizeof **rows, count,
                      read_leak, error);
}
