/* hourglass_bench_data SOURCE: reads a data set twice, the second time from the cache, and prints seconds of both and the images
 * of the training part as one JSON object. The cache is $XDG_CACHE_HOME's. */
#include "hourglass.h"
#include "machine.h"

#include <stdio.h>

int main(int argc, char **argv) {
  if (argc != 2) return fprintf(stderr, "usage: %s SOURCE\n", argv[0]), 2;
  double seconds[2];
  long long images = 0;
  for (int i = 0; i < 2; i++) {
    hg_error error;
    hg_dataset *data;
    double start = bench_now();
    if (hg_dataset_open(argv[1], false, &data, &error) != HG_OK)
      return fprintf(stderr, "%s: %s\n", error.place, error.message), 1;
    seconds[i] = bench_now() - start;
    images = hg_dataset_count(data);
    hg_dataset_free(data);
  }
  printf("{\"decoded_seconds\": %.3f, \"cached_seconds\": %.3f, \"training_images\": %lld}\n", seconds[0], seconds[1], images);
  return 0;
}
