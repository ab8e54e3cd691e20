/* The tables of a store, and how an older one comes by them. */
#include "store/database.h"

#include <stdio.h>

enum { SCHEMA = 2, APPLICATION = 0x68676C73 /* "hgls" */ };

/* Schema 1. */
static const char tables[] =
    "CREATE TABLE facts(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE runs(id INTEGER PRIMARY KEY, name TEXT NOT NULL, seed INTEGER NOT NULL, position INTEGER NOT NULL,"
    " kind TEXT NOT NULL, status TEXT NOT NULL, identity TEXT NOT NULL, data TEXT NOT NULL, settings TEXT NOT NULL,"
    " message TEXT NOT NULL, parameters INTEGER NOT NULL, epochs INTEGER NOT NULL, best_epoch INTEGER NOT NULL,"
    " seconds REAL, images_per_second REAL, weights_sha256 TEXT NOT NULL, UNIQUE(name, seed));"
    "CREATE TABLE history(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, epoch INTEGER NOT NULL, loss REAL,"
    " reconstruction_loss REAL, classification_loss REAL, center_loss REAL, accuracy REAL, val_loss REAL,"
    " val_reconstruction_loss REAL, val_classification_loss REAL, val_center_loss REAL, val_accuracy REAL,"
    " learning_rate REAL, seconds REAL, PRIMARY KEY(run, epoch)) WITHOUT ROWID;"
    "CREATE TABLE metrics(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, name TEXT NOT NULL, value REAL,"
    " PRIMARY KEY(run, name)) WITHOUT ROWID;"
    "CREATE TABLE layers(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL, block TEXT NOT NULL,"
    " layer TEXT NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL, height INTEGER NOT NULL, width INTEGER NOT NULL,"
    " channels INTEGER NOT NULL, parameters INTEGER NOT NULL, multiply_adds INTEGER NOT NULL, activation_bytes INTEGER NOT NULL,"
    " PRIMARY KEY(run, position)) WITHOUT ROWID;"
    "CREATE TABLE warnings(position INTEGER PRIMARY KEY, code TEXT NOT NULL, message TEXT NOT NULL);"
    "CREATE TABLE comparisons(position INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT NOT NULL, metric TEXT NOT NULL,"
    " test TEXT NOT NULL, difference REAL, low REAL, high REAL, p_value REAL);"
    "CREATE TABLE published(position INTEGER PRIMARY KEY, run TEXT NOT NULL, metric TEXT NOT NULL, published REAL, measured "
    "REAL);"
    "CREATE TABLE data(name TEXT PRIMARY KEY, source TEXT NOT NULL, digest TEXT NOT NULL, height INTEGER NOT NULL,"
    " width INTEGER NOT NULL, channels INTEGER NOT NULL, train INTEGER NOT NULL, validation INTEGER NOT NULL,"
    " test INTEGER NOT NULL, classes INTEGER NOT NULL, class_names TEXT NOT NULL);";

/* What schema 2 has besides. */
static const char tables_2[] =
    "CREATE TABLE classes(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL,"
    " label INTEGER NOT NULL, support INTEGER NOT NULL, precision REAL, recall REAL, f1 REAL, average_precision REAL,"
    " roc_auc REAL, PRIMARY KEY(run, position)) WITHOUT ROWID;"
    "CREATE TABLE confusion(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL,"
    " truth INTEGER NOT NULL, predicted INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY(run, position)) WITHOUT ROWID;"
    "CREATE TABLE calibration(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL,"
    " low REAL, high REAL, count INTEGER NOT NULL, confidence REAL, accuracy REAL, PRIMARY KEY(run, position)) WITHOUT ROWID;"
    "CREATE TABLE denoising(run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL,"
    " corruption TEXT NOT NULL, level REAL, method TEXT NOT NULL, mse REAL, psnr REAL, ssim REAL,"
    " PRIMARY KEY(run, position)) WITHOUT ROWID;"
    "CREATE TABLE leaks(position INTEGER PRIMARY KEY, data TEXT NOT NULL, part TEXT NOT NULL, against TEXT NOT NULL,"
    " images INTEGER NOT NULL, exact INTEGER NOT NULL, near INTEGER NOT NULL);"
    "ALTER TABLE comparisons ADD COLUMN value_a REAL;"
    "ALTER TABLE comparisons ADD COLUMN value_b REAL;"
    "ALTER TABLE comparisons ADD COLUMN p_holm REAL;"
    "ALTER TABLE comparisons ADD COLUMN seeds INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE comparisons ADD COLUMN only_a INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE comparisons ADD COLUMN only_b INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE comparisons ADD COLUMN verdict TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE comparisons ADD COLUMN text TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE published ADD COLUMN low REAL;"
    "ALTER TABLE published ADD COLUMN high REAL;"
    "ALTER TABLE published ADD COLUMN seeds INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE published ADD COLUMN id TEXT NOT NULL DEFAULT '';";

static hg_code read_number(hg_store *store, const char *sql, int64_t *number, hg_error *error) {
  hg_query query = hg_query_begin(store, sql, error);
  *number = hg_query_row(&query) ? hg_query_get_int(&query) : 0;
  return hg_query_end(&query);
}

/* A new file has nothing to lose yet, so it does not wait for the disk: the first commit after it does. */
static hg_code prepare_empty(hg_store *store, hg_error *error) {
  return hg_store_execute(store, "PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL", error);
}

/* From an older schema (0 = an empty file) to this one. The version is read where nobody else can write: another process may
 * have brought the file up to date while this one waited. */
static hg_code make_tables(hg_store *store, hg_error *error) {
  char marks[96];
  int64_t version = 0;
  snprintf(marks, sizeof marks, "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION, SCHEMA);
  hg_code code = hg_store_begin(store, error);
  if (code != HG_OK) return code;
  code = read_number(store, "PRAGMA user_version", &version, error);
  if (code == HG_OK && version < 1) code = hg_store_execute(store, tables, error);
  if (code == HG_OK && version < 2) code = hg_store_execute(store, tables_2, error);
  if (code == HG_OK) code = hg_store_execute(store, marks, error);
  return hg_store_finish(store, code, error);
}

static hg_code bring_up_to_date(hg_store *store, int64_t version, hg_error *error) {
  if (version == SCHEMA) return HG_OK;
  hg_error cause = {0};
  hg_code code = make_tables(store, &cause);
  if (code == HG_OK) return HG_OK;
  return hg_fail(error, code == HG_NO_MEMORY ? code : HG_DATA, store->path,
                 "was written by an older hourglass (schema %lld, this one reads %d) and cannot be brought up to date: %s; copy "
                 "the folder to where it can be written",
                 (long long)version, SCHEMA, cause.message);
}

hg_code hg_store_check_schema(hg_store *store, bool create, hg_error *error) {
  int64_t application = 0, version = 0, objects = 0;
  hg_code code = read_number(store, "PRAGMA application_id", &application, error);
  if (code == HG_OK) code = read_number(store, "PRAGMA user_version", &version, error);
  if (code == HG_OK) code = read_number(store, "SELECT count(*) FROM sqlite_schema", &objects, error);
  if (code != HG_OK) return code;
  if (objects == 0 && application == 0 && create) {
    code = prepare_empty(store, error);
    return code == HG_OK ? make_tables(store, error) : code;
  }
  if (application != APPLICATION) return hg_fail(error, HG_DATA, store->path, "is not a store that hourglass wrote");
  if (version > SCHEMA)
    return hg_fail(error, HG_DATA, store->path, "was written by a newer hourglass (schema %lld, this one reads %d)",
                   (long long)version, SCHEMA);
  return bring_up_to_date(store, version, error);
}
