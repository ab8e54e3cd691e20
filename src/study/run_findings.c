/* What follows from all runs together: comparisons, published figures, warnings. */
#include "base/alloc.h"
#include "base/file.h"
#include "eval/compare.h"
#include "store/safetensors.h"
#include "study/runner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool is_done(const hg_planned_run *run) { return strcmp(run->record.status, "done") == 0; }

/* ---- comparisons: on the first seed that both have done, image by image */

static const hg_planned_run *done_run(const hg_runner *runner, int model, uint64_t seed) {
  int index = hg_runner_find(runner, model, seed);
  return index >= 0 && is_done(&runner->runs[index]) ? &runner->runs[index] : NULL;
}

static int shared_seeds(const hg_runner *runner, int a, int b, const hg_planned_run **run_a, const hg_planned_run **run_b) {
  int shared = 0;
  for (int i = 0; i < runner->count; i++) {
    if (runner->runs[i].model != a || !is_done(&runner->runs[i])) continue;
    const hg_planned_run *other = done_run(runner, b, runner->runs[i].seed);
    if (other == NULL) continue;
    if (shared++ > 0) continue;
    *run_a = &runner->runs[i];
    *run_b = other;
  }
  return shared;
}

static hg_code read_predictions(hg_runner *runner, const hg_planned_run *run, hg_safetensors *file, hg_error *error) {
  char *folder = NULL;
  hg_code code = hg_store_run_folder(runner->store, &run->record, &folder, error);
  if (code != HG_OK) return code;
  char *path = hg_path_join(folder, "predictions.safetensors");
  code = path == NULL ? hg_fail_memory(error, folder, 1) : hg_safetensors_read(path, file, error);
  hg_free(path);
  hg_free(folder);
  return code;
}

/* Rows where a alone is right, and where b alone is. */
static void count_discordant(const hg_named_tensor *a, const hg_named_tensor *b, const hg_named_tensor *labels, int64_t *only_a,
                             int64_t *only_b) {
  int classes = (int)a->dim[1];
  const int32_t *truth = labels->data;
  *only_a = *only_b = 0;
  for (int64_t i = 0; i < a->dim[0]; i++) {
    bool right_a = hg_argmax((const float *)a->data + i * classes, classes) == truth[i];
    bool right_b = hg_argmax((const float *)b->data + i * classes, classes) == truth[i];
    *only_a += right_a && !right_b;
    *only_b += right_b && !right_a;
  }
}

static bool same_shape(const hg_named_tensor *a, const hg_named_tensor *b) {
  return a != NULL && b != NULL && a->rank == b->rank && memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0;
}

static bool compare_classes(const hg_safetensors *a, const hg_safetensors *b, hg_comparison *row) {
  const hg_named_tensor *of_a = hg_safetensors_find(a, "probabilities"), *of_b = hg_safetensors_find(b, "probabilities");
  const hg_named_tensor *labels = hg_safetensors_find(a, "labels");
  if (!same_shape(of_a, of_b) || labels == NULL || of_a->rank != 2 || labels->dim[0] != of_a->dim[0]) return false;
  int64_t only_a, only_b;
  count_discordant(of_a, of_b, labels, &only_a, &only_b);
  hg_paired_difference(only_a, only_b, of_a->dim[0], &row->difference, &row->low, &row->high);
  row->p_value = hg_mcnemar(only_a, only_b);
  strcpy(row->metric, "accuracy");
  strcpy(row->test, "mcnemar");
  return true;
}

/* Reconstructions: the mean of the images' differences with its interval; no p-value. */
static bool compare_images(const hg_safetensors *a, const hg_safetensors *b, hg_comparison *row) {
  const hg_named_tensor *of_a = hg_safetensors_find(a, "reconstruction_mse"),
                        *of_b = hg_safetensors_find(b, "reconstruction_mse");
  if (!same_shape(of_a, of_b) || of_a->rank != 1) return false;
  int count = (int)of_a->dim[0];
  double *differences = hg_malloc((size_t)count * sizeof *differences), deviation;
  if (differences == NULL) return false;
  for (int i = 0; i < count; i++)
    differences[i] = (double)((const float *)of_a->data)[i] - (double)((const float *)of_b->data)[i];
  hg_mean_interval(differences, count, &row->difference, &deviation, &row->low, &row->high);
  hg_free(differences);
  row->p_value = (double)NAN;
  strcpy(row->metric, "mse");
  strcpy(row->test, "paired-t");
  return true;
}

static hg_code compare(hg_runner *runner, const hg_planned_run *a, const hg_planned_run *b, hg_comparison *row, bool *comparable,
                       hg_error *error) {
  hg_safetensors of_a = {0}, of_b = {0};
  *row = (hg_comparison){0};
  snprintf(row->a, sizeof row->a, "%s", a->record.name);
  snprintf(row->b, sizeof row->b, "%s", b->record.name);
  hg_code code = read_predictions(runner, a, &of_a, error);
  if (code == HG_OK) code = read_predictions(runner, b, &of_b, error);
  *comparable = code == HG_OK && runner->study->models[a->model].data == runner->study->models[b->model].data &&
                (compare_classes(&of_a, &of_b, row) || compare_images(&of_a, &of_b, row));
  hg_safetensors_release(&of_a);
  hg_safetensors_release(&of_b);
  return code;
}

/* Whether another seed would give another result: not for a classical method on pixels. */
static bool draws_numbers(const hg_study *study, int model) {
  return study->models[model].kind == HG_MODEL_NETWORK || study->models[model].features_from >= 0;
}

/* The pairs that were compared on a single seed, in words: "a and b, a and c". */
typedef struct thin_pairs {
  int count;
  char text[320];
} thin_pairs;

static void add_thin_pair(thin_pairs *thin, const char *a, const char *b) {
  size_t used = strlen(thin->text), room = sizeof thin->text - used;
  thin->count++;
  if (snprintf(thin->text + used, room, "%s%s and %s", used > 0 ? ", " : "", a, b) >= (int)room)
    snprintf(thin->text + sizeof thin->text - 4, 4, "...");
}

static hg_code compare_pair(hg_runner *runner, const hg_study_pair *pair, hg_comparison *row, bool *made, thin_pairs *thin,
                            hg_error *error) {
  const char *name_a = runner->study->models[pair->a].name, *name_b = runner->study->models[pair->b].name;
  const hg_planned_run *a = NULL, *b = NULL;
  int seeds = shared_seeds(runner, pair->a, pair->b, &a, &b);
  *made = false;
  if (seeds == 0) return HG_OK;
  hg_code code = compare(runner, a, b, row, made, error);
  if (code == HG_OK && !*made)
    return hg_runner_warn(runner, error, "not-comparable",
                          "%s and %s cannot be compared: they do not say the same kind of thing about the same test images",
                          name_a, name_b);
  if (code == HG_OK && seeds == 1 && (draws_numbers(runner->study, pair->a) || draws_numbers(runner->study, pair->b)))
    add_thin_pair(thin, name_a, name_b);
  return code;
}

static hg_code put_comparisons(hg_runner *runner, hg_error *error) {
  const hg_study *study = runner->study;
  hg_comparison *rows = hg_calloc((size_t)study->compare_count + 1, sizeof *rows);
  if (rows == NULL) return hg_fail_memory(error, "comparisons", (size_t)study->compare_count * sizeof *rows);
  int count = 0;
  thin_pairs thin = {0};
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < study->compare_count; i++) {
    bool made = false;
    code = compare_pair(runner, &study->compare[i], &rows[count], &made, &thin, error);
    count += made;
  }
  if (code == HG_OK && thin.count > 0)
    code = hg_runner_warn(
        runner, error, "one-seed",
        "Compared on one seed: %s. The intervals cover the choice of test images, not the chance in training; give "
        "the study more seeds.",
        thin.text);
  if (code == HG_OK) code = hg_store_put_comparisons(runner->store, rows, count, error);
  hg_free(rows);
  return code;
}

/* ---- published figures: against the mean over the seeds that are done */

static hg_code add_measured(hg_runner *runner, const hg_planned_run *run, const char *metric, double *sum, int *count,
                            hg_error *error) {
  hg_metric *metrics = NULL;
  int metric_count = 0;
  hg_code code = hg_store_list_metrics(runner->store, run->record.id, &metrics, &metric_count, error);
  for (int i = 0; code == HG_OK && i < metric_count; i++) {
    if (strcmp(metrics[i].name, metric) != 0) continue;
    *sum += metrics[i].value;
    (*count)++;
  }
  hg_free(metrics);
  return code;
}

static hg_code measure(hg_runner *runner, const hg_study_published *published, hg_published *row, hg_error *error) {
  double sum = 0;
  int count = 0;
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < runner->count; i++)
    if (runner->runs[i].model == published->model && is_done(&runner->runs[i]))
      code = add_measured(runner, &runner->runs[i], published->metric, &sum, &count, error);
  *row = (hg_published){.published = published->value, .measured = count > 0 ? sum / count : (double)NAN};
  snprintf(row->run, sizeof row->run, "%s", runner->study->models[published->model].name);
  snprintf(row->metric, sizeof row->metric, "%s", published->metric);
  return code;
}

static hg_code put_published(hg_runner *runner, hg_error *error) {
  const hg_study *study = runner->study;
  hg_published *rows = hg_calloc((size_t)study->published_count + 1, sizeof *rows);
  if (rows == NULL) return hg_fail_memory(error, "published figures", (size_t)study->published_count * sizeof *rows);
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < study->published_count; i++) code = measure(runner, &study->published[i], &rows[i], error);
  if (code == HG_OK) code = hg_store_put_published(runner->store, rows, study->published_count, error);
  hg_free(rows);
  return code;
}

/* ---- warnings */

static hg_code warn_of_data(hg_runner *runner, int index, hg_error *error) {
  const char *name = runner->study->data[index].name;
  const hg_data *data = &runner->data[index];
  if (data->validation == NULL) {
    hg_code code =
        hg_runner_warn(runner, error, "no-validation",
                       "The data %s keeps no images for validation: whatever was chosen by looking at results was chosen on the "
                       "test set.",
                       name);
    if (code != HG_OK) return code;
  }
  int64_t leaked = 0;
  hg_code code = hg_data_count_leaks(data, &leaked, error);
  if (code != HG_OK || leaked == 0) return code;
  return hg_runner_warn(runner, error, "test-leak",
                        "%lld of the %lld test images of %s stand, byte for byte, among its training images.", (long long)leaked,
                        (long long)data->test->count, name);
}

static hg_code put_warnings(hg_runner *runner, hg_error *error) {
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < runner->study->data_count; i++) code = warn_of_data(runner, i, error);
  for (int i = 0; code == HG_OK && i < runner->count; i++) {
    const hg_run_record *record = &runner->runs[i].record;
    if (strcmp(record->status, "diverged") != 0 && strcmp(record->status, "failed") != 0) continue;
    code = hg_runner_warn(runner, error, record->status, "%s with seed %llu %s: %s", record->name,
                          (unsigned long long)record->seed, record->status, record->message);
  }
  if (code == HG_OK) code = hg_store_put_warnings(runner->store, runner->warnings, (int)runner->warning_count, error);
  return code;
}

hg_code hg_runner_conclude(hg_runner *runner, hg_error *error) {
  hg_code code = put_comparisons(runner, error);
  if (code == HG_OK) code = put_published(runner, error);
  if (code == HG_OK) code = put_warnings(runner, error);
  return code;
}
