#include "base/alloc.h"
#include "base/shape.h"
#include "data/data.h"

#include <string.h>

/* A table of image numbers by the hash of their bytes; -1 = free; at most half of it is used. */
typedef struct table {
  const hg_dataset *images;
  size_t bytes; /* of one image */
  int64_t *places;
  uint64_t mask;
} table;

/* Multiply and fold, eight bytes at a time: good enough to spread images, equality is decided by their bytes. */
static uint64_t hash_of(const uint8_t *image, size_t bytes) {
  uint64_t hash = bytes, word;
  for (size_t i = 0; i < bytes; i += 8) {
    word = 0;
    memcpy(&word, image + i, bytes - i < 8 ? bytes - i : 8);
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 29;
  }
  return hash;
}

/* Where the image is in the table, or the free place where it would be. */
static uint64_t place_of(const table *known, const uint8_t *image) {
  uint64_t place = hash_of(image, known->bytes) & known->mask;
  while (known->places[place] >= 0 && memcmp(hg_dataset_image(known->images, known->places[place]), image, known->bytes) != 0)
    place = (place + 1) & known->mask;
  return place;
}

hg_code hg_data_count_leaks(const hg_data *data, int64_t *leaked, hg_error *error) {
  const hg_dataset *train = data->train, *test = data->test;
  uint64_t size = 16;
  while (size < 2 * (uint64_t)train->count) size *= 2;
  table known = {.images = train, .mask = size - 1, .places = hg_malloc(size * sizeof(int64_t))};
  if (known.places == NULL) return hg_fail_memory(error, "looking for test images in the training set", size * sizeof(int64_t));
  known.bytes = (size_t)hg_shape_count(train->shape);
  for (uint64_t i = 0; i < size; i++) known.places[i] = -1;
  for (int64_t i = 0; i < train->count; i++) known.places[place_of(&known, hg_dataset_image(train, i))] = i;
  *leaked = 0;
  for (int64_t i = 0; i < test->count; i++) *leaked += known.places[place_of(&known, hg_dataset_image(test, i))] >= 0;
  hg_free(known.places);
  return HG_OK;
}
