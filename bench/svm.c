/* hourglass_bench_svm KERNEL THREADS COUNT TESTED WIDTH FEATURES LABELS PREDICTIONS VECTORS: fits COUNT samples of WIDTH floats
 * with labels of 32 bits, predicts the TESTED samples that follow them, writes their labels and the support vectors, and prints
 * seconds and how many vectors there are as JSON.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "learn/classical_model.h"
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *read_values(const char *path) {
  char *bytes;
  size_t size;
  hg_error error;
  if (hg_file_read(path, (size_t)1 << 32, &bytes, &size, &error) == HG_OK) return bytes;
  fprintf(stderr, "%s\n", error.message);
  exit(2);
}

static int argmax(const float *row, int count) {
  int best = 0;
  for (int i = 1; i < count; i++)
    if (row[i] > row[best]) best = i;
  return best;
}

static hg_code predict(const hg_classical *model, const float *features, int64_t count, int classes, hg_pool *pool,
                       const char *path, hg_error *error) {
  float *shares = hg_malloc((size_t)count * (size_t)classes * sizeof *shares);
  int32_t *labels = hg_malloc((size_t)count * sizeof *labels);
  hg_code code = shares != NULL && labels != NULL ? HG_OK : hg_fail(error, HG_NO_MEMORY, "predictions", "do not fit");
  if (code == HG_OK) code = hg_classical_predict(model, features, count, pool, shares, NULL, error);
  for (int64_t i = 0; code == HG_OK && i < count; i++) labels[i] = argmax(shares + i * classes, classes);
  if (code == HG_OK) code = hg_file_write(path, labels, (size_t)count * sizeof *labels, error);
  hg_free(shares);
  hg_free(labels);
  return code;
}

int main(int argc, char **argv) {
  if (argc != 10)
    return fprintf(stderr, "usage: %s KERNEL THREADS COUNT TESTED WIDTH FEATURES LABELS PREDICTIONS VECTORS\n", argv[0]), 2;
  hg_classical_settings settings = hg_classical_settings_default(HG_SVM);
  settings.kernel = strcmp(argv[1], "linear") == 0 ? HG_KERNEL_LINEAR
                    : strcmp(argv[1], "poly") == 0 ? HG_KERNEL_POLY
                                                   : HG_KERNEL_RBF;
  int64_t count = atoll(argv[3]), tested = atoll(argv[4]);
  int width = atoi(argv[5]), classes = 10;
  float *features = read_values(argv[6]);
  int32_t *labels = read_values(argv[7]);
  hg_pool *pool = NULL;
  hg_classical *model = NULL;
  hg_error error;
  hg_code code = hg_pool_new(atoi(argv[2]), &pool, &error);
  double start = bench_now();
  if (code == HG_OK)
    code = hg_classical_fit(&settings, features, labels, count, width, classes, pool, NULL, NULL, &model, &error);
  double fitted = bench_now();
  if (code == HG_OK) code = predict(model, features + count * width, tested, classes, pool, argv[8], &error);
  double predicted = bench_now();
  if (code == HG_OK)
    code = hg_file_write(argv[9], model->svm.vectors, (size_t)model->svm.count * (size_t)width * sizeof(float), &error);
  if (code == HG_OK)
    printf("{\"fit_seconds\": %.3f, \"predict_seconds\": %.3f, \"vectors\": %d}\n", fitted - start, predicted - fitted,
           model->svm.count);
  else
    fprintf(stderr, "%s: %s\n", error.place, error.message);
  hg_classical_free(model);
  hg_pool_free(pool);
  hg_free(features);
  hg_free(labels);
  return code != HG_OK;
}
