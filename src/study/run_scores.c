/* What a model says about its test set: probabilities, reconstructions, and the figures made from them. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/shape.h"
#include "eval/compare.h"
#include "eval/images.h"
#include "eval/metrics.h"
#include "store/safetensors.h"
#include "study/analysis.h"

#include <stdio.h>
#include <string.h>

uint64_t hg_runner_test_seed(const hg_runner *runner, const hg_planned_run *run) {
  return runner->study->data[runner->study->models[run->model].data].seed;
}

void hg_test_outputs_release(hg_test_outputs *outputs) {
  float *owned[] = {outputs->probabilities, outputs->decisions, outputs->mse,        outputs->psnr,
                    outputs->ssim,          outputs->noisy_mse, outputs->noisy_psnr, outputs->noisy_ssim};
  for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) hg_free(owned[i]);
  *outputs = (hg_test_outputs){0};
}

static bool take_room(hg_test_outputs *outputs, const hg_network *network, bool noisy) {
  size_t count = (size_t)outputs->test->count, classes = (size_t)hg_network_classes(network);
  bool whole = true;
  if (hg_network_has(network, HG_CLASSIFIER)) {
    outputs->probabilities = hg_malloc(count * classes * sizeof(float));
    whole = outputs->probabilities != NULL;
  }
  bool decoder = hg_network_has(network, HG_DECODER);
  float **figures[] = {&outputs->mse,       &outputs->psnr,       &outputs->ssim,
                       &outputs->noisy_mse, &outputs->noisy_psnr, &outputs->noisy_ssim};
  int wanted = !decoder ? 0 : noisy ? 6 : 3;
  for (int i = 0; i < wanted; i++) {
    *figures[i] = hg_malloc(count * sizeof(float));
    whole = whole && *figures[i] != NULL;
  }
  return whole;
}

/* ---- one batch */

typedef struct image_task {
  hg_shape shape;
  const float *image, *original; /* (n, H, W, C) */
  float *mse, *psnr, *ssim;      /* (n) */
} image_task;

static void compare_image(void *context, int64_t index, int worker) {
  (void)worker;
  const image_task *task = context;
  int64_t count = hg_shape_count(task->shape);
  const float *image = task->image + index * count, *original = task->original + index * count;
  double mse = hg_image_mse(image, original, count);
  task->mse[index] = (float)mse;
  task->psnr[index] = (float)hg_image_psnr_for_mean(mse);
  task->ssim[index] = (float)hg_image_ssim(image, original, task->shape);
}

static void add_batch(hg_runner *runner, hg_network *network, const hg_batch *batch, int64_t done, hg_test_outputs *outputs) {
  int classes = hg_network_classes(network);
  if (outputs->probabilities != NULL)
    hg_softmax_rows(runner->pool, batch->n, classes, hg_network_logits(network), outputs->probabilities + done * classes);
  hg_shape shape = outputs->test->shape;
  if (outputs->mse != NULL) {
    image_task task = {shape,
                       hg_network_reconstruction(network),
                       batch->target,
                       outputs->mse + done,
                       outputs->psnr + done,
                       outputs->ssim + done};
    hg_parallel_for(runner->pool, batch->n, compare_image, &task);
  }
  if (outputs->noisy_mse != NULL) {
    image_task task = {
        shape, batch->input, batch->target, outputs->noisy_mse + done, outputs->noisy_psnr + done, outputs->noisy_ssim + done};
    hg_parallel_for(runner->pool, batch->n, compare_image, &task);
  }
}

/* ---- the whole set */

static void add_losses(hg_test_outputs *outputs, const hg_step_result *result, int n) {
  outputs->loss += n * result->loss;
  outputs->reconstruction_loss += n * result->reconstruction_loss;
  outputs->classification_loss += n * result->classification_loss;
}

hg_code hg_test_outputs_of_network(hg_runner *runner, const hg_planned_run *run, hg_network *network, hg_test_outputs *outputs,
                                   hg_error *error) {
  const hg_model *model = &runner->study->models[run->model];
  int size = model->train.batch_size < 256 ? model->train.batch_size : 256;
  hg_batches_settings settings = {.seed = hg_runner_test_seed(runner, run), .batch_size = size, .corrupt = model->train.corrupt};
  hg_batches *batches = NULL;
  *outputs = (hg_test_outputs){.test = runner->data[model->data].test};
  if (!take_room(outputs, network, !hg_corruption_is_off(&settings.corrupt)))
    return hg_fail_memory(error, model->name, (size_t)outputs->test->count * sizeof(float));
  hg_code code = hg_network_prepare(network, size, false, runner->pool, error);
  if (code == HG_OK) code = hg_batches_new(outputs->test, &settings, &batches, error);
  if (code != HG_OK) return code;
  hg_batches_seek(batches, 0, 0);
  const hg_batch *batch;
  int64_t done = 0;
  while ((batch = hg_batches_next(batches)) != NULL) {
    hg_step_result result;
    hg_network_forward(network, batch, &result);
    add_losses(outputs, &result, batch->n);
    add_batch(runner, network, batch, done, outputs);
    done += batch->n;
  }
  hg_batches_free(batches);
  outputs->loss /= (double)done;
  outputs->reconstruction_loss /= (double)done;
  outputs->classification_loss /= (double)done;
  return HG_OK;
}

/* ---- into the store */

/* Of a figure that is a mean over the test images: its interval comes from it where there is one seed. */
static hg_code put_deviation(hg_runner *runner, const hg_planned_run *run, const char *figure, double deviation,
                             hg_error *error) {
  char name[HG_FIGURE_NAME];
  return hg_runner_put_metric(runner, &run->record, hg_deviation_name(figure, name), deviation, error);
}

static hg_code put_classification(hg_runner *runner, const hg_planned_run *run, const hg_test_outputs *outputs, hg_error *error) {
  const hg_dataset *test = outputs->test;
  if (outputs->probabilities == NULL || test->labels == NULL) return HG_OK;
  hg_classification_report report;
  hg_code code = hg_classification_report_new(outputs->probabilities, test->labels, test->count, test->classes, &report, error);
  if (code != HG_OK) return code;
  code = hg_runner_put_metric(runner, &run->record, "test.accuracy", report.accuracy, error);
  if (code == HG_OK) code = hg_runner_put_metric(runner, &run->record, "test.macro_f1", report.macro.f1, error);
  if (code == HG_OK) code = hg_runner_put_metric(runner, &run->record, "test.weighted_f1", report.weighted.f1, error);
  if (code == HG_OK) code = hg_runner_put_metric(runner, &run->record, "test.log_loss", report.log_loss, error);
  if (code == HG_OK) code = put_deviation(runner, run, "test.log_loss", report.log_loss_deviation, error);
  if (code == HG_OK && outputs->loss_is_log_loss) {
    code = hg_runner_put_metric(runner, &run->record, "test.loss", report.log_loss, error);
    if (code == HG_OK) code = put_deviation(runner, run, "test.loss", report.log_loss_deviation, error);
  }
  hg_classification_report_release(&report);
  return code;
}

static hg_code put_metrics(hg_runner *runner, const hg_planned_run *run, const hg_test_outputs *outputs, hg_error *error) {
  int64_t count = outputs->test->count;
  const struct {
    const char *name;
    double value;
  } deviations[] = {{"test.mse", hg_deviation(outputs->mse, count)},
                    {"test.psnr", hg_deviation(outputs->psnr, count)},
                    {"test.ssim", hg_deviation(outputs->ssim, count)}},
    figures[] = {{"test.loss", outputs->loss},
                 {"test.reconstruction_loss", outputs->reconstruction_loss},
                 {"test.classification_loss", outputs->classification_loss},
                 {"test.mse", hg_mean(outputs->mse, count)},
                 {"test.psnr", hg_mean(outputs->psnr, count)},
                 {"test.ssim", hg_mean(outputs->ssim, count)},
                 {"test.noisy_mse", hg_mean(outputs->noisy_mse, count)},
                 {"test.noisy_psnr", hg_mean(outputs->noisy_psnr, count)},
                 {"test.noisy_ssim", hg_mean(outputs->noisy_ssim, count)}};
  hg_code code = put_classification(runner, run, outputs, error);
  for (size_t i = 0; code == HG_OK && i < sizeof figures / sizeof figures[0]; i++)
    code = hg_runner_put_metric(runner, &run->record, figures[i].name, figures[i].value, error);
  for (size_t i = 0; code == HG_OK && i < sizeof deviations / sizeof deviations[0]; i++)
    code = put_deviation(runner, run, deviations[i].name, deviations[i].value, error);
  return code;
}

static hg_code write_predictions(const hg_test_outputs *outputs, const char *folder, hg_error *error) {
  const hg_dataset *test = outputs->test;
  hg_named_tensor tensors[6];
  int count = 0;
  if (test->labels != NULL)
    tensors[count++] =
        (hg_named_tensor){.name = "labels", .dtype = HG_I32, .rank = 1, .dim = {test->count}, .data = test->labels};
  if (outputs->probabilities != NULL)
    tensors[count++] = (hg_named_tensor){
        .name = "probabilities", .dtype = HG_F32, .rank = 2, .dim = {test->count, test->classes}, .data = outputs->probabilities};
  if (outputs->decisions != NULL)
    tensors[count++] = (hg_named_tensor){
        .name = "decisions", .dtype = HG_F32, .rank = 2, .dim = {test->count, test->classes}, .data = outputs->decisions};
  const struct {
    const char *name;
    const float *values;
  } images[] = {
      {"reconstruction_mse", outputs->mse}, {"reconstruction_psnr", outputs->psnr}, {"reconstruction_ssim", outputs->ssim}};
  for (int i = 0; i < 3; i++) {
    if (images[i].values == NULL) continue;
    tensors[count] = (hg_named_tensor){.dtype = HG_F32, .rank = 1, .dim = {test->count}, .data = images[i].values};
    snprintf(tensors[count].name, sizeof tensors[count].name, "%s", images[i].name);
    count++;
  }
  char *path = hg_path_join(folder, "predictions.safetensors"), shape[48], digest[HG_SHA256_SIZE];
  if (path == NULL) return hg_fail_memory(error, folder, 1);
  snprintf(shape, sizeof shape, "%dx%dx%d", test->shape.height, test->shape.width, test->shape.channels);
  hg_dataset_digest(test, digest);
  const char *const metadata[] = {"test_shape", shape, "test_sha256", digest, NULL};
  hg_code code = hg_safetensors_write(path, tensors, count, metadata, error);
  hg_free(path);
  return code;
}

hg_code hg_test_outputs_store(hg_runner *runner, hg_planned_run *run, const hg_test_outputs *outputs, const char *folder,
                              hg_error *error) {
  hg_code code = hg_store_begin(runner->store, error);
  if (code != HG_OK) return code;
  code = put_metrics(runner, run, outputs, error);
  code = hg_store_finish(runner->store, code, error);
  return code == HG_OK ? write_predictions(outputs, folder, error) : code;
}
