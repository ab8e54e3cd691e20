#include "report/report.h"

#include "base/alloc.h"
#include "base/file.h"
#include "report/page.h"
#include "report/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA = 1 };

static void put_pair(hg_text *text, const char *key, const char *value) {
  hg_json_key(text, key);
  hg_json_string(text, value);
}

static void put_number(hg_text *text, const char *key, double value) {
  hg_json_key(text, key);
  hg_json_number(text, value);
}

static void put_integer(hg_text *text, const char *key, int64_t value) {
  hg_json_key(text, key);
  hg_json_integer(text, value);
}

/* The four figures every history has, and those that this one has besides. */
static void put_epoch(hg_text *text, const hg_epoch *epoch) {
  const struct {
    const char *key;
    double value;
    bool always;
  } figures[] = {{"loss", epoch->loss, true},
                 {"val_loss", epoch->val_loss, true},
                 {"accuracy", epoch->accuracy, true},
                 {"val_accuracy", epoch->val_accuracy, true},
                 {"reconstruction_loss", epoch->reconstruction_loss, false},
                 {"val_reconstruction_loss", epoch->val_reconstruction_loss, false},
                 {"classification_loss", epoch->classification_loss, false},
                 {"val_classification_loss", epoch->val_classification_loss, false},
                 {"center_loss", epoch->center_loss, false},
                 {"val_center_loss", epoch->val_center_loss, false},
                 {"learning_rate", epoch->learning_rate, false},
                 {"seconds", epoch->seconds, false}};
  hg_json_open(text, '{');
  put_integer(text, "epoch", epoch->epoch);
  for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
    if (figures[i].always || isfinite(figures[i].value)) put_number(text, figures[i].key, figures[i].value);
  hg_json_close(text, '}');
}

static void put_ungrouped_metrics(hg_text *text, const hg_report_run *run) {
  bool opened = false;
  for (int i = 0; i < run->metric_count; i++) {
    if (strchr(run->metrics[i].name, '.') != NULL) continue;
    if (!opened) {
      hg_json_key(text, "other");
      hg_json_open(text, '{');
      opened = true;
    }
    put_number(text, run->metrics[i].name, run->metrics[i].value);
  }
  if (opened) hg_json_close(text, '}');
}

/* "test.accuracy" -> "test": {"accuracy": ...}; names come sorted, so a group is a run of equal prefixes. "test" is always
 * there; names without a prefix stand in "other". */
static void put_metrics(hg_text *text, const hg_report_run *run) {
  const char *group = "";
  size_t length = 0;
  bool tested = false;
  put_ungrouped_metrics(text, run);
  for (int i = 0; i < run->metric_count; i++) {
    const char *name = run->metrics[i].name, *dot = strchr(name, '.');
    if (dot == NULL) continue;
    if (length != (size_t)(dot - name) || strncmp(group, name, length) != 0) {
      if (length > 0) hg_json_close(text, '}');
      group = name;
      length = (size_t)(dot - name);
      tested = tested || strncmp(name, "test.", strlen("test.")) == 0;
      char key[sizeof run->metrics->name] = "";
      memcpy(key, name, length);
      hg_json_key(text, key);
      hg_json_open(text, '{');
    }
    put_number(text, dot + 1, run->metrics[i].value);
  }
  if (length > 0) hg_json_close(text, '}');
  if (tested) return;
  hg_json_key(text, "test");
  hg_json_raw(text, "{}");
}

/* ---- scores in detail: a list stands only where the run has it */

static void put_classes(hg_text *text, const hg_report_run *run) {
  if (run->class_count == 0) return;
  hg_json_break(text, 5);
  hg_json_key(text, "classes");
  hg_json_open(text, '[');
  for (int i = 0; i < run->class_count; i++) {
    const hg_class_row *row = &run->classes[i];
    hg_json_break(text, 6);
    hg_json_open(text, '{');
    put_integer(text, "label", row->label);
    put_number(text, "precision", row->precision);
    put_number(text, "recall", row->recall);
    put_number(text, "f1", row->f1);
    put_integer(text, "support", row->support);
    put_number(text, "average_precision", row->average_precision);
    put_number(text, "roc_auc", row->roc_auc);
    hg_json_close(text, '}');
  }
  hg_json_close(text, ']');
}

/* [truth, predicted, count] of the cells that are not 0: few, where a model is any good. */
static void put_confusion(hg_text *text, const hg_report_run *run) {
  if (run->confusion_count == 0) return;
  hg_json_break(text, 5);
  hg_json_key(text, "confusion");
  hg_json_open(text, '[');
  for (int i = 0; i < run->confusion_count; i++) {
    hg_json_open(text, '[');
    hg_json_integer(text, run->confusion[i].truth);
    hg_json_integer(text, run->confusion[i].predicted);
    hg_json_integer(text, run->confusion[i].count);
    hg_json_close(text, ']');
  }
  hg_json_close(text, ']');
}

static void put_calibration(hg_text *text, const hg_report_run *run) {
  if (run->calibration_count == 0) return;
  hg_json_break(text, 5);
  hg_json_key(text, "calibration");
  hg_json_open(text, '[');
  for (int i = 0; i < run->calibration_count; i++) {
    const hg_calibration_row *bin = &run->calibration[i];
    hg_json_break(text, 6);
    hg_json_open(text, '{');
    put_number(text, "low", bin->low);
    put_number(text, "high", bin->high);
    put_integer(text, "count", bin->count);
    put_number(text, "confidence", bin->confidence);
    put_number(text, "accuracy", bin->accuracy);
    hg_json_close(text, '}');
  }
  hg_json_close(text, ']');
}

static void put_denoising(hg_text *text, const hg_report_run *run) {
  if (run->denoising_count == 0) return;
  hg_json_break(text, 5);
  hg_json_key(text, "denoising");
  hg_json_open(text, '[');
  for (int i = 0; i < run->denoising_count; i++) {
    const hg_denoising_row *row = &run->denoising[i];
    hg_json_break(text, 6);
    hg_json_open(text, '{');
    put_pair(text, "corruption", row->corruption);
    put_number(text, "level", row->level);
    put_pair(text, "method", row->method);
    put_number(text, "mse", row->mse);
    put_number(text, "psnr", row->psnr);
    put_number(text, "ssim", row->ssim);
    hg_json_close(text, '}');
  }
  hg_json_close(text, ']');
}

/* What trained it; a classical method has none. */
static void put_engine(hg_text *text, const hg_run_record *record) {
  char engine[HG_NAME_SIZE];
  if (hg_report_engine(record, engine)) put_pair(text, "engine", engine);
}

static void put_run(hg_text *text, const hg_report_run *run) {
  const hg_run_record *record = &run->record;
  hg_json_break(text, 4);
  hg_json_open(text, '{');
  put_pair(text, "name", record->name);
  hg_json_key(text, "seed");
  hg_json_unsigned(text, record->seed);
  put_pair(text, "kind", record->kind);
  put_engine(text, record);
  put_pair(text, "status", record->status);
  if (record->message[0] != '\0') put_pair(text, "message", record->message);
  put_pair(text, "data", record->data);
  put_integer(text, "parameters", record->parameters);
  put_integer(text, "epochs", record->epochs);
  put_integer(text, "best_epoch", record->best_epoch);
  put_number(text, "seconds", record->seconds);
  put_number(text, "images_per_second", record->images_per_second);
  put_pair(text, "weights_sha256", record->weights_sha256);
  hg_json_break(text, 5);
  hg_json_key(text, "history");
  hg_json_open(text, '[');
  for (int i = 0; i < run->epoch_count; i++) {
    hg_json_break(text, 6);
    put_epoch(text, &run->epochs[i]);
  }
  hg_json_close(text, ']');
  hg_json_break(text, 5);
  put_metrics(text, run);
  put_classes(text, run);
  put_confusion(text, run);
  put_calibration(text, run);
  put_denoising(text, run);
  hg_json_close(text, '}');
}

/* ---- models: their runs in one, as the page's table of results has them */

static void put_estimate(hg_text *text, const char *key, const hg_estimate *estimate) {
  hg_json_key(text, key);
  hg_json_open(text, '{');
  put_number(text, "mean", estimate->value);
  put_number(text, "deviation", estimate->deviation);
  put_number(text, "low", estimate->low);
  put_number(text, "high", estimate->high);
  if (estimate->interval != NULL) put_pair(text, "interval", estimate->interval);
  hg_json_close(text, '}');
}

static void put_model(hg_text *text, const hg_page *page, const hg_page_model *model, const char *id) {
  const hg_run_record *record = &model->shown->record;
  hg_json_break(text, 4);
  hg_json_open(text, '{');
  put_pair(text, "name", model->name);
  if (id != NULL) put_pair(text, "id", id);
  put_pair(text, "kind", record->kind);
  put_pair(text, "data", record->data);
  put_integer(text, "parameters", record->parameters);
  put_integer(text, "seeds", model->done);
  hg_json_key(text, "test");
  hg_json_open(text, '{');
  for (int s = 0; s < HG_PAGE_SCORES; s++) {
    hg_estimate estimate = hg_page_score_of(page, model, &hg_page_scores[s]);
    if (estimate.seeds > 0) put_estimate(text, hg_page_scores[s].key, &estimate);
  }
  hg_json_close(text, '}');
  hg_json_close(text, '}');
}

static void put_models(hg_text *text, const hg_page *page) {
  json_t *rows = json_loads(page->report.rows, 0, NULL), *models = json_object_get(rows, "models");
  for (int i = 0; i < page->model_count; i++) {
    const hg_page_model *model = &page->models[i];
    put_model(text, page, model, json_string_value(json_object_get(json_object_get(models, model->name), "id")));
  }
  json_decref(rows);
}

static void put_comparison(hg_text *text, const hg_comparison *comparison) {
  hg_json_break(text, 4);
  hg_json_open(text, '{');
  put_pair(text, "a", comparison->a);
  put_pair(text, "b", comparison->b);
  put_pair(text, "metric", comparison->metric);
  put_number(text, "difference", comparison->difference);
  put_number(text, "low", comparison->low);
  put_number(text, "high", comparison->high);
  put_pair(text, "test", comparison->test);
  put_number(text, "p_value", comparison->p_value);
  put_number(text, "p_holm", comparison->p_holm);
  put_number(text, "value_a", comparison->value_a);
  put_number(text, "value_b", comparison->value_b);
  put_integer(text, "seeds", comparison->seeds);
  if (comparison->only_a + comparison->only_b > 0) {
    put_integer(text, "only_a", comparison->only_a);
    put_integer(text, "only_b", comparison->only_b);
  }
  put_pair(text, "verdict", comparison->verdict);
  put_pair(text, "text", comparison->text);
  hg_json_close(text, '}');
}

static void put_published(hg_text *text, const hg_published *published) {
  hg_json_break(text, 4);
  hg_json_open(text, '{');
  if (published->id[0] != '\0') put_pair(text, "id", published->id);
  put_pair(text, "run", published->run);
  put_pair(text, "metric", published->metric);
  put_number(text, "published", published->published);
  put_number(text, "measured", published->measured);
  put_number(text, "low", published->low);
  put_number(text, "high", published->high);
  put_integer(text, "seeds", published->seeds);
  hg_json_close(text, '}');
}

static void put_choice(hg_text *text, const hg_choice *choice) {
  hg_json_break(text, 4);
  hg_json_open(text, '{');
  put_pair(text, "model", choice->model);
  put_pair(text, "settings", choice->settings);
  put_pair(text, "chosen", choice->chosen);
  put_pair(text, "value", choice->value);
  put_pair(text, "by", choice->metric);
  put_number(text, "score", choice->score);
  put_integer(text, "points", choice->points);
  hg_json_close(text, '}');
}

static void put_leak(hg_text *text, const hg_leak_row *leak) {
  hg_json_break(text, 4);
  hg_json_open(text, '{');
  put_pair(text, "data", leak->data);
  put_pair(text, "part", leak->part);
  put_pair(text, "against", leak->against);
  put_integer(text, "images", leak->images);
  put_integer(text, "exact", leak->exact);
  put_integer(text, "near", leak->near);
  hg_json_close(text, '}');
}

static void put_data(hg_text *text, const hg_data_record *data) {
  hg_json_break(text, 4);
  hg_json_open(text, '{');
  put_pair(text, "name", data->name);
  put_pair(text, "source", data->source);
  put_integer(text, "height", data->shape.height);
  put_integer(text, "width", data->shape.width);
  put_integer(text, "channels", data->shape.channels);
  put_integer(text, "train", data->train);
  put_integer(text, "validation", data->validation);
  put_integer(text, "test", data->test);
  hg_json_key(text, "classes");
  hg_json_raw(text, data->class_names);
  hg_json_close(text, '}');
}

static void put_warning(hg_text *text, const hg_warning *warning) {
  hg_json_break(text, 4);
  hg_json_open(text, '{');
  put_pair(text, "code", warning->code);
  put_pair(text, "message", warning->message);
  hg_json_close(text, '}');
}

static void put_list_key(hg_text *text, const char *key) {
  hg_json_break(text, 2);
  hg_json_key(text, key);
  hg_json_open(text, '[');
}

static void put_report(hg_text *text, const hg_page *page, const hg_choice *choices, int choice_count) {
  const hg_report *report = &page->report;
  hg_json_open(text, '{');
  put_integer(text, "schema", SCHEMA);
  put_pair(text, "study", report->name);
  put_pair(text, "version", report->version);
  put_integer(text, "threads", strtol(report->threads, NULL, 10));
  put_pair(text, "instruction_set", report->instruction_set);
  if (report->rows[0] != '\0') { /* which row of a table of results each model is; store.h has its form */
    hg_json_break(text, 2);
    hg_json_key(text, "rows");
    hg_json_raw(text, report->rows);
  }
  put_list_key(text, "models");
  put_models(text, page);
  hg_json_close(text, ']');
  put_list_key(text, "runs");
  for (int i = 0; i < report->run_count; i++) put_run(text, &report->runs[i]);
  hg_json_close(text, ']');
  put_list_key(text, "sweeps"); /* what the validation set chose of each */
  for (int i = 0; i < choice_count; i++)
    if (choices[i].apart == NULL) put_choice(text, &choices[i]);
  hg_json_close(text, ']');
  put_list_key(text, "comparisons");
  for (int i = 0; i < report->comparison_count; i++) put_comparison(text, &report->comparisons[i]);
  hg_json_close(text, ']');
  put_list_key(text, "published");
  for (int i = 0; i < report->published_count; i++) put_published(text, &report->published[i]);
  hg_json_close(text, ']');
  put_list_key(text, "leaks");
  for (int i = 0; i < report->leak_count; i++) put_leak(text, &report->leaks[i]);
  hg_json_close(text, ']');
  put_list_key(text, "data");
  for (int i = 0; i < report->data_count; i++) put_data(text, &report->data[i]);
  hg_json_close(text, ']');
  put_list_key(text, "warnings");
  for (int i = 0; i < report->warning_count; i++) put_warning(text, &report->warnings[i]);
  hg_json_close(text, ']');
  hg_json_close(text, '}');
  hg_text_put(text, "\n");
}

hg_code hg_report_json(hg_store *store, char **text, hg_error *error) {
  hg_page page = {0}; /* models without what lies in the runs' folders: all figures are the store's */
  hg_text out = {0};
  *text = NULL;
  hg_code code = hg_report_load(store, &page.report, error);
  if (code != HG_OK) return code;
  hg_choice *choices = NULL;
  int choice_count = 0;
  code = hg_report_choices_of(&page.report, &choices, &choice_count, error);
  if (code == HG_OK) code = hg_page_models_gather(&page, error);
  if (code == HG_OK) put_report(&out, &page, choices, choice_count);
  hg_free(choices);
  hg_page_models_release(&page);
  hg_report_release(&page.report);
  if (code != HG_OK) return code;
  if (out.failed) {
    code = hg_fail_memory(error, "report.json", out.length);
    hg_text_release(&out);
    return code;
  }
  *text = out.bytes;
  return HG_OK;
}

hg_code hg_report_write_json(hg_store *store, hg_error *error) {
  char *text, *path = hg_path_join(hg_store_folder(store), "report.json");
  if (path == NULL) return hg_fail_memory(error, "report.json", 0);
  hg_code code = hg_report_json(store, &text, error);
  if (code == HG_OK) {
    code = hg_file_write(path, text, strlen(text), error);
    hg_free(text);
  }
  hg_free(path);
  return code;
}
