/* The digest of a data set, remembered: SHA-256 of the images takes longer than reading them. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/shape.h"
#include "data/catalog.h"

#include <stdio.h>
#include <string.h>

enum { LANES = 4, WORD = 8, LEAST_BYTES = 1 << 20 };

typedef struct fast_hash {
  uint64_t lane[LANES];
} fast_hash;

static const uint64_t keys[LANES] = {0x9E3779B97F4A7C15u, 0xD1B54A32D192ED03u, 0x8CB92BA72F3D8DD7u, 0xAEF17502108EF2D9u};

/* Both halves of the product of two words. */
static uint64_t fold(uint64_t a, uint64_t b) {
  __uint128_t product = (__uint128_t)a * b;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Each lane takes every fourth word, and mixes the word in with what it holds. */
static void add_bytes(fast_hash *hash, const void *bytes, size_t count) {
  const unsigned char *from = bytes;
  uint64_t words[LANES];
  for (; count >= sizeof words; from += sizeof words, count -= sizeof words) {
    memcpy(words, from, sizeof words);
    for (int i = 0; i < LANES; i++) hash->lane[i] = fold(hash->lane[i] ^ words[i], keys[i]) + words[i];
  }
  memset(words, 0, sizeof words);
  memcpy(words, from, count);
  for (int i = 0; i < LANES; i++) hash->lane[i] = fold(hash->lane[i] ^ words[i], keys[i]) + (uint64_t)count;
}

static fast_hash hash_content(const hg_dataset *dataset) {
  const int64_t facts[] = {dataset->shape.height, dataset->shape.width, dataset->shape.channels,
                           dataset->count,        dataset->classes,     dataset->labels != NULL};
  fast_hash hash;
  memcpy(hash.lane, keys, sizeof keys);
  add_bytes(&hash, facts, sizeof facts);
  size_t bytes = (size_t)hg_shape_count(dataset->shape);
  for (int64_t i = 0; i < dataset->count; i++) add_bytes(&hash, hg_dataset_image(dataset, i), bytes);
  if (dataset->labels != NULL) add_bytes(&hash, dataset->labels, (size_t)dataset->count * sizeof *dataset->labels);
  return hash;
}

static bool path_of(const hg_dataset *dataset, char path[HG_PATH_SIZE]) {
  char folder[HG_PATH_SIZE], name[HG_SHA256_SIZE];
  fast_hash hash = hash_content(dataset);
  hg_sha256(hash.lane, sizeof hash.lane, name);
  if (!hg_cache_folder(folder) || hg_folder_make(folder, NULL) != HG_OK) return false;
  int length = snprintf(path, HG_PATH_SIZE, "%.*s/digest-%.32s", HG_PATH_SIZE - 48, folder, name);
  return length > 0 && length < HG_PATH_SIZE;
}

static bool read_digest(const char *path, char digest[HG_SHA256_SIZE]) {
  char *text = NULL;
  size_t count = 0;
  bool sound = hg_path_exists(path) && hg_file_read(path, HG_SHA256_SIZE, &text, &count, NULL) == HG_OK &&
               count == HG_SHA256_SIZE - 1 && strspn(text, "0123456789abcdef") == count;
  if (sound) memcpy(digest, text, HG_SHA256_SIZE);
  hg_free(text);
  return sound;
}

void hg_dataset_seal(hg_dataset *dataset) {
  char digest[HG_SHA256_SIZE], path[HG_PATH_SIZE];
  bool kept = dataset->count * hg_shape_count(dataset->shape) >= LEAST_BYTES && path_of(dataset, path);
  if (!kept || !read_digest(path, digest)) {
    hg_dataset_digest(dataset, digest);
    bool found = strspn(digest, "0") < sizeof digest - 1; /* zeros where the library could not compute it */
    if (kept && found) hg_file_write(path, digest, sizeof digest - 1, NULL);
  }
  memcpy(dataset->digest, digest, sizeof digest);
}
