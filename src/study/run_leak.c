/* Test images that a model has seen in training. */
#include "base/alloc.h"
#include "study/runner.h"

#include <stdlib.h>
#include <string.h>

typedef struct image_key {
  uint64_t hash;
  int64_t index;
} image_key;

static uint64_t hash_bytes(const uint8_t *bytes, size_t count) {
  uint64_t hash = 0x9e3779b97f4a7c15u, word;
  for (; count >= 8; count -= 8, bytes += 8) {
    memcpy(&word, bytes, 8);
    hash = (hash ^ word) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 32;
  }
  for (; count > 0; count--) hash = (hash ^ *bytes++) * 0x100000001b3u;
  return hash ^ hash >> 29;
}

static int by_hash(const void *a, const void *b) {
  uint64_t x = ((const image_key *)a)->hash, y = ((const image_key *)b)->hash;
  return x < y ? -1 : x > y;
}

static bool stands_in(const image_key *keys, const hg_dataset *train, const uint8_t *image, size_t bytes) {
  uint64_t hash = hash_bytes(image, bytes);
  int64_t low = 0, high = train->count;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (keys[middle].hash < hash)
      low = middle + 1;
    else
      high = middle;
  }
  for (; low < train->count && keys[low].hash == hash; low++)
    if (memcmp(hg_dataset_image(train, keys[low].index), image, bytes) == 0) return true;
  return false;
}

hg_code hg_runner_count_leaks(const hg_dataset *train, const hg_dataset *test, int64_t *leaked, hg_error *error) {
  size_t bytes = (size_t)train->shape.height * (size_t)train->shape.width * (size_t)train->shape.channels;
  image_key *keys = hg_malloc((size_t)train->count * sizeof *keys);
  if (keys == NULL) return hg_fail_memory(error, "test images seen in training", (size_t)train->count * sizeof *keys);
  for (int64_t i = 0; i < train->count; i++) keys[i] = (image_key){hash_bytes(hg_dataset_image(train, i), bytes), i};
  qsort(keys, (size_t)train->count, sizeof *keys, by_hash);
  *leaked = 0;
  for (int64_t i = 0; i < test->count; i++) *leaked += stands_in(keys, train, hg_dataset_image(test, i), bytes);
  hg_free(keys);
  return HG_OK;
}
