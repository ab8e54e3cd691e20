#include "data/leaks_index.h"

#include "base/alloc.h"
#include "base/shape.h"

#include <math.h>
#include <string.h>

/* Multiply and fold, eight bytes at a time: good enough to spread images, equality is decided by their bytes. */
static uint64_t hash_bytes(const uint8_t *image, size_t bytes) {
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
static uint64_t place_of(const hg_leak_index *index, const uint8_t *image, uint64_t hash) {
  uint64_t place = hash & index->mask;
  for (; index->places[place] >= 0; place = (place + 1) & index->mask) {
    int32_t other = index->places[place];
    if (index->byte_hash[other] == hash && memcmp(hg_dataset_image(index->images, other), image, index->bytes) == 0) break;
  }
  return place;
}

/* ---------------------------------------------------------------- the index */

typedef struct byte_task {
  const hg_dataset *images;
  size_t bytes;
  uint64_t *hash;
} byte_task;

static void hash_one(void *context, int64_t index, int worker) {
  (void)worker;
  const byte_task *task = context;
  task->hash[index] = hash_bytes(hg_dataset_image(task->images, index), task->bytes);
}

static hg_code take_room(hg_leak_index *index, hg_error *error) {
  size_t count = (size_t)index->images->count, size = 16;
  while (size < 2 * count) size *= 2;
  index->mask = size - 1;
  index->byte_hash = hg_malloc(count * sizeof *index->byte_hash);
  index->hash = hg_malloc(count * sizeof *index->hash);
  index->places = hg_malloc(size * sizeof *index->places);
  if (index->byte_hash != NULL && index->hash != NULL && index->places != NULL) return HG_OK;
  return hg_fail_memory(error, "looking for images in two sets", size * sizeof *index->places);
}

/* Each different image once; the first one stands for its doubles. distinct (count): their numbers. */
static int64_t find_distinct(hg_leak_index *index, int32_t *distinct) {
  int64_t count = 0;
  for (uint64_t i = 0; i <= index->mask; i++) index->places[i] = -1;
  for (int64_t i = 0; i < index->images->count; i++) {
    uint64_t place = place_of(index, hg_dataset_image(index->images, i), index->byte_hash[i]);
    if (index->places[place] >= 0) continue;
    index->places[place] = (int32_t)i;
    distinct[count++] = (int32_t)i;
  }
  return count;
}

/* Buckets in turn, members of one in rising order. */
static void fill_band(hg_hash_bands *bands, const uint64_t *hash, const int32_t *distinct, int band) {
  int32_t *start = bands->start + (int64_t)band * (HG_BUCKETS + 1), *member = bands->member + band * bands->count;
  for (int64_t i = 0; i < bands->count; i++) start[hg_hash_band(hash[distinct[i]], band) + 1]++;
  for (int b = 0; b < HG_BUCKETS; b++) start[b + 1] += start[b];
  for (int64_t i = bands->count - 1; i >= 0; i--) {
    int bucket = hg_hash_band(hash[distinct[i]], band);
    member[--start[bucket + 1]] = distinct[i];
  }
  memmove(start, start + 1, HG_BUCKETS * sizeof *start); /* each end has become the beginning */
  start[HG_BUCKETS] = (int32_t)bands->count;
}

hg_code hg_hash_bands_init(hg_hash_bands *bands, const uint64_t *hash, const int32_t *distinct, int64_t count, hg_error *error) {
  size_t members = HG_BANDS * (size_t)count;
  *bands = (hg_hash_bands){.count = count};
  bands->start = hg_calloc((size_t)HG_BANDS * (HG_BUCKETS + 1), sizeof *bands->start);
  bands->member = hg_malloc(members * sizeof *bands->member);
  if (bands->start == NULL || bands->member == NULL)
    return hg_fail_memory(error, "looking for images in two sets", members * sizeof *bands->member);
  for (int band = 0; band < HG_BANDS; band++) fill_band(bands, hash, distinct, band);
  return HG_OK;
}

static void release_bands(hg_hash_bands *bands) {
  hg_free(bands->start);
  hg_free(bands->member);
}

hg_code hg_leak_index_new(const hg_dataset *images, bool altered, hg_pool *pool, hg_leak_index **index, hg_error *error) {
  *index = NULL;
  if (images->count > INT32_MAX) return hg_fail(error, HG_USAGE, images->source, "has too many images to be looked through");
  hg_leak_index *made = hg_calloc(1, sizeof *made);
  int32_t *distinct = hg_malloc((size_t)images->count * sizeof *distinct);
  hg_code code = made == NULL || distinct == NULL ? hg_fail_memory(error, "looking for images in two sets", sizeof *made) : HG_OK;
  if (code == HG_OK) {
    made->images = images;
    made->bytes = (size_t)hg_shape_count(images->shape);
    code = take_room(made, error);
  }
  if (code == HG_OK) code = hg_image_hashes(images, pool, made->hash, error);
  if (code == HG_OK) {
    byte_task task = {images, made->bytes, made->byte_hash};
    hg_parallel_for(pool, images->count, hash_one, &task);
    int64_t count = find_distinct(made, distinct);
    code = hg_hash_bands_init(&made->near, made->hash, distinct, count, error);
    if (code == HG_OK && altered) code = hg_altered_index(made, distinct, count, pool, error);
  }
  if (code == HG_OK)
    *index = made;
  else
    hg_leak_index_free(made);
  hg_free(distinct);
  return code;
}

void hg_leak_index_free(hg_leak_index *index) {
  if (index == NULL) return;
  hg_free(index->byte_hash);
  hg_free(index->hash);
  hg_free(index->places);
  hg_free(index->window_hash);
  release_bands(&index->near);
  release_bands(&index->altered);
  hg_window_hash_release(&index->window);
  hg_free(index);
}

/* ---------------------------------------------------------------- the nearest image */

typedef struct search {
  const hg_leak_index *index;
  const uint8_t *image;
  uint64_t hash;
  double spread; /* sum of squares of the image's pixels about their mean */
  int left;      /* candidates that may still be looked at */
  hg_leak_pair best;
} search;

static double spread_of(const uint8_t *image, size_t bytes) {
  uint64_t sum = 0, squares = 0;
  for (size_t i = 0; i < bytes; i++) {
    sum += image[i];
    squares += (uint64_t)image[i] * image[i];
  }
  return (double)squares - (double)sum * (double)sum / (double)bytes;
}

static double squared_difference(const uint8_t *a, const uint8_t *b, size_t bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes; i++) {
    int difference = a[i] - b[i];
    sum += (uint64_t)(difference * difference);
  }
  return (double)sum;
}

/* Whether an earlier band has already led here. */
static bool was_met(uint64_t difference, int band) {
  for (int b = 0; b < band; b++)
    if (hg_hash_distance((uint64_t)hg_hash_band(difference, b), 0) <= 1) return true;
  return false;
}

static void look_at(search *s, int32_t other, int band) {
  int distance = hg_hash_distance(s->hash, s->index->hash[other]);
  if (distance > HG_NEAR_BITS || was_met(s->hash ^ s->index->hash[other], band) || s->left == 0) return;
  s->left--;
  double square = squared_difference(s->image, hg_dataset_image(s->index->images, other), s->index->bytes);
  if (square > HG_NEAR_DIFFERENCE * HG_NEAR_DIFFERENCE * s->spread) return;
  double found = sqrt(square / s->spread);
  bool nearer = s->best.other < 0 || found < s->best.difference || (found == s->best.difference && other < s->best.other);
  if (nearer) s->best = (hg_leak_pair){.image = s->best.image, .other = other, .distance = distance, .difference = found};
}

static void look_in_bucket(search *s, int band, int bucket) {
  const hg_hash_bands *bands = &s->index->near;
  const int32_t *start = bands->start + (int64_t)band * (HG_BUCKETS + 1), *member = bands->member + band * bands->count;
  for (int32_t i = start[bucket]; i < start[bucket + 1]; i++) look_at(s, member[i], band);
}

static void find_near(search *s) {
  for (int band = 0; band < HG_BANDS; band++) {
    int bucket = hg_hash_band(s->hash, band);
    look_in_bucket(s, band, bucket);
    for (int bit = 0; bit < HG_BAND_BITS; bit++) look_in_bucket(s, band, bucket ^ (1 << bit));
  }
}

/* ---------------------------------------------------------------- all images of a set */

typedef struct ask_task {
  const hg_leak_index *index;
  const hg_dataset *images;
  const uint64_t *hash; /* (count) of images */
  hg_leak_pair *found;  /* (count); other = -1 where there is none */
} ask_task;

static void ask_one(void *context, int64_t i, int worker) {
  (void)worker;
  const ask_task *task = context;
  const hg_leak_index *index = task->index;
  const uint8_t *image = hg_dataset_image(task->images, i);
  int32_t same = index->places[place_of(index, image, hash_bytes(image, index->bytes))];
  search s = {
      .index = index, .image = image, .hash = task->hash[i], .left = HG_NEAR_CANDIDATES, .best = {.image = i, .other = same}};
  if (same < 0) s.spread = spread_of(image, index->bytes);
  if (same < 0 && s.spread > 0) find_near(&s);
  if (s.best.other < 0 && s.spread > 0) hg_altered_find(index, image, &s.best);
  task->found[i] = s.best;
}

/* The nearest first. */
static void insert_pair(hg_leak_pair *pairs, int *count, hg_leak_pair pair) {
  int place = *count;
  while (place > 0 && pairs[place - 1].difference > pair.difference) place--;
  if (place == HG_LEAK_PAIRS) return;
  int last = *count < HG_LEAK_PAIRS ? (*count)++ : HG_LEAK_PAIRS - 1;
  memmove(&pairs[place + 1], &pairs[place], (size_t)(last - place) * sizeof pair);
  pairs[place] = pair;
}

static void count(const hg_leak_pair *found, int64_t images, hg_leaks *leaks) {
  for (int64_t i = 0; i < images; i++) {
    if (found[i].other < 0) continue;
    if (found[i].gain > 0) {
      leaks->altered++;
      insert_pair(leaks->altered_pair, &leaks->altered_pairs, found[i]);
    } else if (found[i].difference > 0) {
      leaks->near++;
      insert_pair(leaks->near_pair, &leaks->near_pairs, found[i]);
    } else {
      leaks->exact++;
      if (leaks->exact_pairs < HG_LEAK_PAIRS) leaks->exact_pair[leaks->exact_pairs++] = found[i];
    }
  }
}

hg_code hg_leak_index_ask(const hg_leak_index *index, const hg_dataset *images, hg_pool *pool, hg_leaks *leaks, hg_error *error) {
  *leaks = (hg_leaks){.images = images->count};
  if (!hg_shape_equal(index->images->shape, images->shape)) return HG_OK;
  uint64_t *hash = hg_malloc((size_t)images->count * sizeof *hash);
  hg_leak_pair *found = hg_malloc((size_t)images->count * sizeof *found);
  hg_code code = hash == NULL || found == NULL
                     ? hg_fail_memory(error, "looking for images in two sets", (size_t)images->count * sizeof *found)
                     : hg_image_hashes(images, pool, hash, error);
  if (code == HG_OK) {
    ask_task task = {index, images, hash, found};
    hg_parallel_for(pool, images->count, ask_one, &task);
    count(found, images->count, leaks);
  }
  hg_free(hash);
  hg_free(found);
  return code;
}
