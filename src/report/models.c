/* Runs gathered by model, with what the shown run predicted. */
#include "base/alloc.h"
#include "base/file.h"
#include "eval/metrics.h"
#include "report/page.h"
#include "store/predictions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

hg_code hg_page_models_gather(hg_page *page, hg_error *error) {
  const hg_report *report = &page->report;
  page->models = hg_calloc((size_t)report->run_count, sizeof *page->models);
  if (page->models == NULL) return hg_fail_memory(error, "report.html", (size_t)report->run_count * sizeof *page->models);
  for (int i = 0; i < report->run_count; i++) {
    const hg_report_run *run = &report->runs[i];
    hg_page_model *model = page->model_count == 0 ? NULL : &page->models[page->model_count - 1];
    if (model == NULL || strcmp(model->name, run->record.name) != 0) {
      model = &page->models[page->model_count++];
      *model = (hg_page_model){.name = run->record.name, .runs = run, .shown = run};
    }
    model->count++;
    if (hg_report_is_done(run) && model->done++ == 0) model->shown = run;
  }
  for (int i = 0; i < page->model_count; i++) {
    const char *settings = page->models[i].shown->record.settings;
    if (settings != NULL) page->models[i].settings = json_loads(settings, 0, NULL);
  }
  return HG_OK;
}

static hg_code load_class_names(const hg_report *report, hg_page_model *model, hg_error *error) {
  const hg_data_record *data = hg_report_data(report, model->shown);
  return data == NULL ? HG_OK : hg_store_class_names(data, &model->class_names, &model->classes, error);
}

static void note_trouble(hg_page_model *model, const hg_error *error) {
  char text[sizeof error->message + sizeof error->place + 8];
  snprintf(text, sizeof text, "%s: %s", error->place, error->message);
  if (model->trouble == NULL) model->trouble = hg_strdup(text);
}

/* Reads a file of the shown run. A file that is not there is no trouble; one that cannot be read is told on the page. */
static hg_code read_artifact(hg_store *store, hg_page_model *model, const char *name, hg_safetensors *file, hg_error *error) {
  char *path;
  *file = (hg_safetensors){0};
  hg_code code = hg_store_run_file(store, &model->shown->record, name, &path, error);
  if (code != HG_OK) return code;
  hg_error cause;
  if (hg_path_exists(path)) code = hg_safetensors_read(path, file, &cause);
  if (code == HG_DATA) note_trouble(model, &cause);
  hg_free(path);
  return code == HG_NO_MEMORY ? hg_fail_memory(error, name, 0) : HG_OK;
}

static hg_code load_scores(hg_store *store, hg_page_model *model, bool curves, hg_error *error) {
  hg_safetensors file;
  hg_code code = read_artifact(store, model, "predictions.safetensors", &file, error);
  if (code != HG_OK) return code;
  hg_error cause;
  hg_predictions found;
  code = hg_predictions_find(&file, "predictions.safetensors", &found, &cause);
  if (code == HG_OK && found.probabilities != NULL) {
    code = hg_classification_report_new(found.probabilities, found.labels, found.count, found.classes, &model->scores, &cause);
    model->has_scores = code == HG_OK;
    if (code == HG_OK && curves)
      code = hg_page_ranks_load(found.ranking, found.labels, found.count, found.classes, &model->ranks, &cause);
  }
  if (code != HG_OK && code != HG_NO_MEMORY) note_trouble(model, &cause);
  hg_safetensors_release(&file);
  return code == HG_NO_MEMORY ? hg_fail_memory(error, "predictions.safetensors", 0) : HG_OK;
}

hg_code hg_page_models_load(hg_page *page, hg_store *store, hg_error *error) {
  hg_code code = hg_page_models_gather(page, error);
  for (int i = 0; code == HG_OK && i < page->model_count; i++) {
    hg_page_model *model = &page->models[i];
    code = load_class_names(&page->report, model, error);
    if (model->done == 0) continue;
    if (code == HG_OK) code = load_scores(store, model, hg_page_may_win(page, i), error);
    if (code == HG_OK) code = read_artifact(store, model, "samples.safetensors", &model->samples, error);
    if (code == HG_OK) code = read_artifact(store, model, "codes.safetensors", &model->codes, error);
    if (code == HG_OK) code = read_artifact(store, model, "denoising.safetensors", &model->denoising, error);
  }
  return code;
}

void hg_page_models_release(hg_page *page) {
  for (int i = 0; i < page->model_count; i++) {
    hg_page_model *model = &page->models[i];
    hg_store_class_names_free(model->class_names, model->classes);
    hg_free(model->trouble);
    json_decref(model->settings);
    hg_free(model->ranks);
    hg_classification_report_release(&model->scores);
    hg_safetensors_release(&model->samples);
    hg_safetensors_release(&model->codes);
    hg_safetensors_release(&model->denoising);
  }
  hg_free(page->models);
}

const char *hg_page_class_name(const hg_page_model *model, int label, char buffer[16]) {
  if (label >= 0 && label < model->classes) return model->class_names[label];
  snprintf(buffer, 16, "%d", label);
  return buffer;
}

static double class_figure(const hg_report_run *run, int label, hg_page_class_figure figure) {
  for (int i = 0; i < run->class_count; i++) {
    const hg_class_row *row = &run->classes[i];
    if (row->label == label)
      return figure == HG_PAGE_RECALL ? row->recall : figure == HG_PAGE_ROC_AREA ? row->roc_auc : row->average_precision;
  }
  return NAN;
}

hg_page_spread hg_page_class_score(const hg_page_model *model, int label, hg_page_class_figure figure) {
  hg_page_spread spread = {NAN, NAN, NAN};
  double sum = 0;
  int known = 0;
  for (int i = 0; i < model->count; i++) {
    double value = hg_report_is_done(&model->runs[i]) ? class_figure(&model->runs[i], label, figure) : NAN;
    if (isnan(value)) continue;
    sum += value;
    spread.mean = sum / ++known;
    spread.least = fmin(spread.least, value); /* of NaN and a number, the number */
    spread.most = fmax(spread.most, value);
  }
  return spread;
}

static double mean_over_done(const hg_page_model *model, double (*figure)(const hg_run_record *record)) {
  double sum = 0;
  for (int i = 0; i < model->count; i++)
    if (hg_report_is_done(&model->runs[i])) sum += figure(&model->runs[i].record);
  return model->done == 0 ? NAN : sum / model->done;
}

static double or_none(double value) { return value > 0 ? value : NAN; }
static double seconds_of(const hg_run_record *record) { return record->seconds; }
static double speed_of(const hg_run_record *record) { return or_none(record->images_per_second); }
static double epochs_of(const hg_run_record *record) { return or_none(record->epochs); }

double hg_page_seconds(const hg_page_model *model) { return mean_over_done(model, seconds_of); }
double hg_page_speed(const hg_page_model *model) { return mean_over_done(model, speed_of); }
double hg_page_epochs(const hg_page_model *model) { return mean_over_done(model, epochs_of); }
double hg_page_size(const hg_page_model *model) { return or_none((double)model->shown->record.parameters); }
