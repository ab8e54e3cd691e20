/* Figures of a run, and the lists of a study. Each list is replaced whole, in one transaction. */
#include "base/alloc.h"
#include "store/database.h"

#include <string.h>

/* ---------------------------------------------------------------- a list, written and read */

static hg_code clear_rows(hg_store *store, const char *sql, int64_t run, hg_error *error) {
  hg_query query = hg_query_begin(store, sql, error);
  if (run != HG_WHOLE_STUDY) hg_query_put_int(&query, run);
  hg_query_run(&query);
  return hg_query_end(&query);
}

hg_code hg_rows_replace(hg_store *store, const char *clear, const char *insert, int64_t run, const void *rows, size_t bytes,
                        int count, hg_row_binder *bind, hg_error *error) {
  hg_code code = hg_store_begin(store, error);
  if (code != HG_OK) return code;
  code = clear_rows(store, clear, run, error);
  if (code == HG_OK) {
    hg_query query = hg_query_begin(store, insert, error);
    for (int i = 0; i < count; i++) {
      hg_query_put_int(&query, i);
      if (run != HG_WHOLE_STUDY) hg_query_put_int(&query, run);
      bind(&query, (const char *)rows + (size_t)i * bytes);
      hg_query_run(&query);
    }
    code = hg_query_end(&query);
  }
  return hg_store_finish(store, code, error);
}

hg_code hg_rows_read(hg_store *store, const char *select, int64_t run, void *rows_address, size_t bytes, int *count,
                     hg_row_reader *read, hg_error *error) {
  void *rows = NULL;
  size_t capacity = 0;
  *count = 0;
  hg_query query = hg_query_begin(store, select, error);
  if (run != HG_WHOLE_STUDY) hg_query_put_int(&query, run);
  while (hg_query_row(&query)) {
    void *row = hg_query_append(&query, &rows, &capacity, count, bytes);
    if (row != NULL) read(&query, row);
  }
  hg_code code = hg_query_end(&query);
  if (code != HG_OK) {
    hg_free(rows);
    rows = NULL;
    *count = 0;
  }
  memcpy(rows_address, &rows, sizeof rows);
  return code;
}

/* ---------------------------------------------------------------- history */

static void bind_epoch(hg_query *query, const void *row) {
  const hg_epoch *epoch = row;
  const double values[] = {epoch->loss,
                           epoch->reconstruction_loss,
                           epoch->classification_loss,
                           epoch->center_loss,
                           epoch->accuracy,
                           epoch->val_loss,
                           epoch->val_reconstruction_loss,
                           epoch->val_classification_loss,
                           epoch->val_center_loss,
                           epoch->val_accuracy,
                           epoch->learning_rate,
                           epoch->seconds};
  hg_query_put_int(query, epoch->epoch);
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) hg_query_put_real(query, values[i]);
}

static void read_epoch(hg_query *query, void *row) {
  hg_epoch *epoch = row;
  double *const values[] = {&epoch->loss,
                            &epoch->reconstruction_loss,
                            &epoch->classification_loss,
                            &epoch->center_loss,
                            &epoch->accuracy,
                            &epoch->val_loss,
                            &epoch->val_reconstruction_loss,
                            &epoch->val_classification_loss,
                            &epoch->val_center_loss,
                            &epoch->val_accuracy,
                            &epoch->learning_rate,
                            &epoch->seconds};
  epoch->epoch = (int)hg_query_get_int(query);
  for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) *values[i] = hg_query_get_real(query);
}

#define EPOCH_COLUMNS                                                                                                \
  "epoch, loss, reconstruction_loss, classification_loss, center_loss, accuracy, val_loss, val_reconstruction_loss," \
  " val_classification_loss, val_center_loss, val_accuracy, learning_rate, seconds"

/* ?1 is the row's position, which an epoch does not need: its number orders it. */
hg_code hg_store_put_history(hg_store *store, int64_t run, const hg_epoch *epochs, int count, hg_error *error) {
  return hg_rows_replace(store, "DELETE FROM history WHERE run = ?",
                         "INSERT INTO history(run, " EPOCH_COLUMNS
                         ") SELECT ?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15"
                         " WHERE ?1 >= 0",
                         run, epochs, sizeof *epochs, count, bind_epoch, error);
}

hg_code hg_store_get_history(hg_store *store, int64_t run, hg_epoch **epochs, int *count, hg_error *error) {
  return hg_rows_read(store, "SELECT " EPOCH_COLUMNS " FROM history WHERE run = ? ORDER BY epoch", run, epochs, sizeof **epochs,
                      count, read_epoch, error);
}

/* ---------------------------------------------------------------- metrics */

hg_code hg_store_put_metric(hg_store *store, int64_t run, const char *name, double value, hg_error *error) {
  hg_query query = hg_query_begin(store, "INSERT OR REPLACE INTO metrics VALUES(?, ?, ?)", error);
  hg_query_put_int(&query, run);
  hg_query_put_text(&query, name);
  hg_query_put_real(&query, value);
  hg_query_run(&query);
  return hg_query_end(&query);
}

static void read_metric(hg_query *query, void *row) {
  hg_metric *metric = row;
  hg_query_get_text(query, metric->name, sizeof metric->name);
  metric->value = hg_query_get_real(query);
}

hg_code hg_store_list_metrics(hg_store *store, int64_t run, hg_metric **metrics, int *count, hg_error *error) {
  return hg_rows_read(store, "SELECT name, value FROM metrics WHERE run = ? ORDER BY name", run, metrics, sizeof **metrics, count,
                      read_metric, error);
}

/* ---------------------------------------------------------------- layers */

static void bind_layer(hg_query *query, const void *row) {
  const hg_layer_row *layer = row;
  hg_query_put_text(query, layer->block);
  hg_query_put_text(query, layer->layer);
  hg_query_put_text(query, layer->kind);
  hg_query_put_text(query, layer->detail);
  hg_query_put_int(query, layer->output.height);
  hg_query_put_int(query, layer->output.width);
  hg_query_put_int(query, layer->output.channels);
  hg_query_put_int(query, layer->parameters);
  hg_query_put_int(query, layer->multiply_adds);
  hg_query_put_int(query, layer->activation_bytes);
}

static void read_layer(hg_query *query, void *row) {
  hg_layer_row *layer = row;
  hg_query_get_text(query, layer->block, sizeof layer->block);
  hg_query_get_text(query, layer->layer, sizeof layer->layer);
  hg_query_get_text(query, layer->kind, sizeof layer->kind);
  hg_query_get_text(query, layer->detail, sizeof layer->detail);
  layer->output.height = (int)hg_query_get_int(query);
  layer->output.width = (int)hg_query_get_int(query);
  layer->output.channels = (int)hg_query_get_int(query);
  layer->parameters = hg_query_get_int(query);
  layer->multiply_adds = hg_query_get_int(query);
  layer->activation_bytes = hg_query_get_int(query);
}

#define LAYER_COLUMNS "block, layer, kind, detail, height, width, channels, parameters, multiply_adds, activation_bytes"

hg_code hg_store_put_layers(hg_store *store, int64_t run, const hg_layer_row *rows, int count, hg_error *error) {
  return hg_rows_replace(store, "DELETE FROM layers WHERE run = ?",
                         "INSERT INTO layers(position, run, " LAYER_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?)", run, rows,
                         sizeof *rows, count, bind_layer, error);
}

hg_code hg_store_get_layers(hg_store *store, int64_t run, hg_layer_row **rows, int *count, hg_error *error) {
  return hg_rows_read(store, "SELECT " LAYER_COLUMNS " FROM layers WHERE run = ? ORDER BY position", run, rows, sizeof **rows,
                      count, read_layer, error);
}

/* ---------------------------------------------------------------- warnings */

static void bind_warning(hg_query *query, const void *row) {
  const hg_warning *warning = row;
  hg_query_put_text(query, warning->code);
  hg_query_put_text(query, warning->message);
}

static void read_warning(hg_query *query, void *row) {
  hg_warning *warning = row;
  hg_query_get_text(query, warning->code, sizeof warning->code);
  hg_query_get_text(query, warning->message, sizeof warning->message);
}

hg_code hg_store_put_warnings(hg_store *store, const hg_warning *rows, int count, hg_error *error) {
  return hg_rows_replace(store, "DELETE FROM warnings", "INSERT INTO warnings VALUES(?,?,?)", HG_WHOLE_STUDY, rows, sizeof *rows,
                         count, bind_warning, error);
}

hg_code hg_store_get_warnings(hg_store *store, hg_warning **rows, int *count, hg_error *error) {
  return hg_rows_read(store, "SELECT code, message FROM warnings ORDER BY position", HG_WHOLE_STUDY, rows, sizeof **rows, count,
                      read_warning, error);
}
