/* Test-time augmentation: a classifier's probabilities averaged over changed copies of each test image. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/shape.h"
#include "store/safetensors.h"
#include "study/analysis.h"

#include <math.h>
#include <string.h>

enum { BATCH = 256 };

/* One way to look at an image: mirrored or not, then moved, with zeros where it has gone. */
typedef struct view {
  bool flip;
  int right, down;
} view;

static int count_views(const hg_test_views *views) {
  int side = 2 * views->shift + 1;
  return side * side * (views->flip ? 2 : 1);
}

static view view_at(const hg_test_views *views, int index) {
  int side = 2 * views->shift + 1, moves = side * side;
  return (view){index / moves == 1, index % moves % side - views->shift, index % moves / side - views->shift};
}

typedef struct view_task {
  hg_shape shape;
  view view;
  const float *from; /* (n, H, W, C) */
  float *to;
} view_task;

static void look(void *context, int64_t index, int worker) {
  (void)worker;
  const view_task *task = context;
  hg_shape shape = task->shape;
  int64_t values = hg_shape_count(shape);
  const float *from = task->from + index * values;
  float *to = task->to + index * values;
  memset(to, 0, (size_t)values * sizeof *to);
  for (int y = 0; y < shape.height; y++)
    for (int x = 0; x < shape.width; x++) {
      int source_y = y - task->view.down, source_x = x - task->view.right;
      if (source_y < 0 || source_y >= shape.height || source_x < 0 || source_x >= shape.width) continue;
      if (task->view.flip) source_x = shape.width - 1 - source_x;
      memcpy(to + ((int64_t)y * shape.width + x) * shape.channels,
             from + ((int64_t)source_y * shape.width + source_x) * shape.channels, (size_t)shape.channels * sizeof *to);
    }
}

typedef struct averaging {
  const hg_test_views *views;
  hg_network *network;
  float *seen;   /* (BATCH, H, W, C): a view of the batch */
  float *shares; /* (BATCH, classes): what it is taken for */
  float *mean;   /* (N, classes) */
} averaging;

/* Adds up in the order of the views, so that threads do not change the sum. */
static void average_batch(hg_runner *runner, averaging *a, const hg_batch *batch, float *mean) {
  int classes = hg_network_classes(a->network), views = count_views(a->views);
  int64_t values = (int64_t)batch->n * classes;
  memset(mean, 0, (size_t)values * sizeof *mean);
  for (int v = 0; v < views; v++) {
    view_task task = {hg_network_input_shape(a->network), view_at(a->views, v), batch->input, a->seen};
    hg_parallel_for(runner->pool, batch->n, look, &task);
    hg_batch inputs = {.n = batch->n, .input = a->seen, .index = batch->index};
    hg_step_result result;
    hg_network_forward(a->network, &inputs, &result);
    hg_softmax_rows(runner->pool, batch->n, classes, hg_network_logits(a->network), a->shares);
    for (int64_t i = 0; i < values; i++) mean[i] += a->shares[i];
  }
  for (int64_t i = 0; i < values; i++) mean[i] /= (float)views;
}

static hg_code average(hg_runner *runner, const hg_planned_run *run, averaging *a, hg_error *error) {
  const hg_model *model = &runner->study->models[run->model];
  hg_batches_settings settings = {.seed = hg_runner_test_seed(runner, run), .batch_size = BATCH, .corrupt = model->train.corrupt};
  hg_batches *batches = NULL;
  hg_code code = hg_network_prepare(a->network, BATCH, false, runner->pool, error);
  if (code == HG_OK) code = hg_batches_new(runner->data[model->data].test, &settings, &batches, error);
  if (code != HG_OK) return code;
  hg_batches_seek(batches, 0, 0);
  float *mean = a->mean;
  const hg_batch *batch;
  while (code == HG_OK && (batch = hg_batches_next(batches)) != NULL) {
    if (hg_runner_stopped(runner)) code = hg_fail(error, HG_INTERRUPTED, model->name, "stopped");
    average_batch(runner, a, batch, mean);
    mean += (int64_t)batch->n * hg_network_classes(a->network);
  }
  hg_batches_free(batches);
  return code;
}

static hg_code write_views(const hg_dataset *test, const float *mean, const char *path, hg_error *error) {
  const hg_named_tensor tensors[] = {
      {.name = "labels", .dtype = HG_I32, .rank = 1, .dim = {test->count}, .data = test->labels},
      {.name = "probabilities", .dtype = HG_F32, .rank = 2, .dim = {test->count, test->classes}, .data = mean}};
  return hg_safetensors_write(path, tensors, 2, NULL, error);
}

static hg_code put(hg_runner *runner, const hg_planned_run *run, const averaging *a, hg_error *error) {
  const hg_dataset *test = runner->data[runner->study->models[run->model].data].test;
  hg_classification_report report;
  hg_code code = hg_classification_report_new(a->mean, test->labels, test->count, test->classes, &report, error);
  if (code != HG_OK) return code;
  code = hg_store_begin(runner->store, error);
  if (code == HG_OK) {
    code = hg_runner_put_metric(runner, &run->record, "test.accuracy_tta", report.accuracy, error);
    if (code == HG_OK) code = hg_runner_put_metric(runner, &run->record, "test.macro_f1_tta", report.macro.f1, error);
    if (code == HG_OK) code = hg_runner_put_metric(runner, &run->record, "test.log_loss_tta", report.log_loss, error);
    if (code == HG_OK) code = hg_runner_put_metric(runner, &run->record, "test.views_tta", count_views(a->views), error);
    code = hg_store_finish(runner->store, code, error);
  }
  hg_classification_report_release(&report);
  return code;
}

static hg_code average_views(hg_runner *runner, const hg_planned_run *run, const char *path, hg_error *error) {
  const hg_model *model = &runner->study->models[run->model];
  const hg_dataset *test = runner->data[model->data].test;
  averaging a = {.views = &model->views};
  hg_code code = hg_runner_trained(runner, run, &a.network, error);
  if (code == HG_OK) {
    size_t values = (size_t)hg_shape_count(test->shape), classes = (size_t)test->classes;
    a.seen = hg_malloc(BATCH * values * sizeof(float));
    a.shares = hg_malloc(BATCH * classes * sizeof(float));
    a.mean = hg_malloc((size_t)test->count * classes * sizeof(float));
    if (a.seen == NULL || a.shares == NULL || a.mean == NULL)
      code = hg_fail_memory(error, model->name, BATCH * values * sizeof(float));
  }
  if (code == HG_OK) code = average(runner, run, &a, error);
  if (code == HG_OK) code = write_views(test, a.mean, path, error);
  if (code == HG_OK) code = put(runner, run, &a, error);
  hg_network_free(a.network);
  hg_free(a.seen);
  hg_free(a.shares);
  hg_free(a.mean);
  return code;
}

/* 1 where there is nothing to average. */
static int wanted_views(const hg_runner *runner, int index) {
  const hg_model *model = &runner->study->models[index];
  if (model->blocks[HG_CLASSIFIER].line == 0 || runner->data[model->data].test->labels == NULL) return 1;
  return count_views(&model->views);
}

hg_code hg_runner_drop_views(hg_runner *runner, const hg_run_record *record, int model, hg_error *error) {
  double views = (double)NAN;
  hg_code code = hg_runner_metric(runner, record, "test.views_tta", &views, error);
  if (code != HG_OK || (!isnan(views) && (int)views == wanted_views(runner, model))) return code;
  return hg_store_drop_findings(runner->store, record, "test.*_tta", "views.safetensors", error);
}

hg_code hg_runner_average_views(hg_runner *runner, const hg_planned_run *run, hg_error *error) {
  char *path = NULL;
  double views = (double)NAN;
  if (wanted_views(runner, run->model) == 1) return HG_OK;
  hg_code code = hg_runner_metric(runner, &run->record, "test.views_tta", &views, error);
  if (code == HG_OK) code = hg_store_run_file(runner->store, &run->record, "views.safetensors", &path, error);
  bool measured =
      code == HG_OK && !isnan(views) && hg_safetensors_is_sound(path); /* of other views they would have been dropped */
  if (code == HG_OK && !measured) code = average_views(runner, run, path, error);
  hg_free(path);
  return code;
}
