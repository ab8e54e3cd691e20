/* A run's scores in detail: classes, confusion, calibration, denoising. */
#include "store/database.h"

/* ---------------------------------------------------------------- classes */

static void bind_class(hg_query *query, const void *row) {
  const hg_class_row *scores = row;
  hg_query_put_int(query, scores->label);
  hg_query_put_int(query, scores->support);
  hg_query_put_real(query, scores->precision);
  hg_query_put_real(query, scores->recall);
  hg_query_put_real(query, scores->f1);
  hg_query_put_real(query, scores->average_precision);
  hg_query_put_real(query, scores->roc_auc);
}

static void read_class(hg_query *query, void *row) {
  hg_class_row *scores = row;
  scores->label = (int)hg_query_get_int(query);
  scores->support = hg_query_get_int(query);
  scores->precision = hg_query_get_real(query);
  scores->recall = hg_query_get_real(query);
  scores->f1 = hg_query_get_real(query);
  scores->average_precision = hg_query_get_real(query);
  scores->roc_auc = hg_query_get_real(query);
}

#define CLASS_COLUMNS "label, support, precision, recall, f1, average_precision, roc_auc"

hg_code hg_store_put_classes(hg_store *store, int64_t run, const hg_class_row *rows, int count, hg_error *error) {
  return hg_rows_replace(store, "DELETE FROM classes WHERE run = ?",
                         "INSERT INTO classes(position, run, " CLASS_COLUMNS ") VALUES(?,?,?,?,?,?,?,?,?)", run, rows,
                         sizeof *rows, count, bind_class, error);
}

hg_code hg_store_get_classes(hg_store *store, int64_t run, hg_class_row **rows, int *count, hg_error *error) {
  return hg_rows_read(store, "SELECT " CLASS_COLUMNS " FROM classes WHERE run = ? ORDER BY position", run, rows, sizeof **rows,
                      count, read_class, error);
}

/* ---------------------------------------------------------------- confusion */

static void bind_cell(hg_query *query, const void *row) {
  const hg_confusion_cell *cell = row;
  hg_query_put_int(query, cell->truth);
  hg_query_put_int(query, cell->predicted);
  hg_query_put_int(query, cell->count);
}

static void read_cell(hg_query *query, void *row) {
  hg_confusion_cell *cell = row;
  cell->truth = (int)hg_query_get_int(query);
  cell->predicted = (int)hg_query_get_int(query);
  cell->count = hg_query_get_int(query);
}

hg_code hg_store_put_confusion(hg_store *store, int64_t run, const hg_confusion_cell *cells, int count, hg_error *error) {
  return hg_rows_replace(store, "DELETE FROM confusion WHERE run = ?",
                         "INSERT INTO confusion(position, run, truth, predicted, count) VALUES(?,?,?,?,?)", run, cells,
                         sizeof *cells, count, bind_cell, error);
}

hg_code hg_store_get_confusion(hg_store *store, int64_t run, hg_confusion_cell **cells, int *count, hg_error *error) {
  return hg_rows_read(store, "SELECT truth, predicted, count FROM confusion WHERE run = ? ORDER BY position", run, cells,
                      sizeof **cells, count, read_cell, error);
}

/* ---------------------------------------------------------------- calibration */

static void bind_bin(hg_query *query, const void *row) {
  const hg_calibration_row *bin = row;
  hg_query_put_real(query, bin->low);
  hg_query_put_real(query, bin->high);
  hg_query_put_int(query, bin->count);
  hg_query_put_real(query, bin->confidence);
  hg_query_put_real(query, bin->accuracy);
}

static void read_bin(hg_query *query, void *row) {
  hg_calibration_row *bin = row;
  bin->low = hg_query_get_real(query);
  bin->high = hg_query_get_real(query);
  bin->count = hg_query_get_int(query);
  bin->confidence = hg_query_get_real(query);
  bin->accuracy = hg_query_get_real(query);
}

hg_code hg_store_put_calibration(hg_store *store, int64_t run, const hg_calibration_row *rows, int count, hg_error *error) {
  return hg_rows_replace(store, "DELETE FROM calibration WHERE run = ?",
                         "INSERT INTO calibration(position, run, low, high, count, confidence, accuracy) VALUES(?,?,?,?,?,?,?)",
                         run, rows, sizeof *rows, count, bind_bin, error);
}

hg_code hg_store_get_calibration(hg_store *store, int64_t run, hg_calibration_row **rows, int *count, hg_error *error) {
  return hg_rows_read(store, "SELECT low, high, count, confidence, accuracy FROM calibration WHERE run = ? ORDER BY position",
                      run, rows, sizeof **rows, count, read_bin, error);
}

/* ---------------------------------------------------------------- denoising */

static void bind_denoising(hg_query *query, const void *row) {
  const hg_denoising_row *figures = row;
  hg_query_put_text(query, figures->corruption);
  hg_query_put_real(query, figures->level);
  hg_query_put_text(query, figures->method);
  hg_query_put_real(query, figures->mse);
  hg_query_put_real(query, figures->psnr);
  hg_query_put_real(query, figures->ssim);
}

static void read_denoising(hg_query *query, void *row) {
  hg_denoising_row *figures = row;
  hg_query_get_text(query, figures->corruption, sizeof figures->corruption);
  figures->level = hg_query_get_real(query);
  hg_query_get_text(query, figures->method, sizeof figures->method);
  figures->mse = hg_query_get_real(query);
  figures->psnr = hg_query_get_real(query);
  figures->ssim = hg_query_get_real(query);
}

hg_code hg_store_put_denoising(hg_store *store, int64_t run, const hg_denoising_row *rows, int count, hg_error *error) {
  return hg_rows_replace(store, "DELETE FROM denoising WHERE run = ?",
                         "INSERT INTO denoising(position, run, corruption, level, method, mse, psnr, ssim)"
                         " VALUES(?,?,?,?,?,?,?,?)",
                         run, rows, sizeof *rows, count, bind_denoising, error);
}

hg_code hg_store_get_denoising(hg_store *store, int64_t run, hg_denoising_row **rows, int *count, hg_error *error) {
  return hg_rows_read(store, "SELECT corruption, level, method, mse, psnr, ssim FROM denoising WHERE run = ? ORDER BY position",
                      run, rows, sizeof **rows, count, read_denoising, error);
}
