/* hourglass_bench_tsne POINTS COUNT WIDTH START OUT [THREADS [RATE [ITERATIONS]]]: maps raw float points from a raw float start,
 * writes the raw map, and prints seconds, divergence and trustworthiness (k = 12) as one JSON object. START `pca` begins there.
 */
#include "eval/tsne.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "machine.h"

static float *read_floats(const char *path, size_t count) {
  char *bytes;
  size_t size;
  hg_error error;
  if (hg_file_read(path, (size_t)1 << 34, &bytes, &size, &error) == HG_OK && size == count * sizeof(float))
    return (float *)(void *)bytes;
  fprintf(stderr, "%s: cannot read %zu floats\n", path, count);
  exit(2);
}

static int failed(const hg_error *error) {
  fprintf(stderr, "%s: %s\n", error->place, error->message);
  return 1;
}

int main(int count_of_arguments, char **arguments) {
  if (count_of_arguments < 6) return fprintf(stderr, "usage: %s POINTS COUNT WIDTH START OUT [THREADS]\n", arguments[0]), 2;
  int64_t count = atoll(arguments[2]);
  int width = atoi(arguments[3]), threads = count_of_arguments > 6 ? atoi(arguments[6]) : 0;
  float *points = read_floats(arguments[1], (size_t)count * (size_t)width), *start = NULL;
  hg_tsne_settings settings = hg_tsne_settings_default();
  if (strcmp(arguments[4], "pca") != 0) {
    settings.given = start = read_floats(arguments[4], (size_t)count * 2);
    settings.start = HG_TSNE_GIVEN;
  }
  if (count_of_arguments > 7) settings.learning_rate = (float)atof(arguments[7]);
  if (count_of_arguments > 8) settings.iterations = atoi(arguments[8]);
  hg_error error;
  hg_pool *pool;
  hg_tsne_result result;
  double trust;
  if (hg_pool_new(threads, &pool, &error) != HG_OK) return failed(&error);
  double begun = bench_now();
  if (hg_tsne(points, count, width, &settings, pool, &result, &error) != HG_OK) return failed(&error);
  double seconds = bench_now() - begun;
  if (hg_trustworthiness(points, result.embedding, count, width, 12, pool, &trust, &error) != HG_OK) return failed(&error);
  double trust_seconds = bench_now() - begun - seconds;
  if (hg_file_write(arguments[5], result.embedding, sizeof(float) * 2 * (size_t)count, &error) != HG_OK) return failed(&error);
  printf("{\"seconds\": %.3f, \"kl_divergence\": %.6f, \"trustworthiness\": %.6f, \"trust_seconds\": %.3f, \"iterations\": %d}\n",
         seconds, result.kl_divergence, trust, trust_seconds, result.iterations);
  hg_tsne_result_release(&result);
  hg_pool_free(pool);
  hg_free(points);
  hg_free(start);
  return 0;
}
