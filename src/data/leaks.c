#include "data/leaks.h"

#include "base/alloc.h"
#include "base/shape.h"
#include "data/image_hash.h"

#include <math.h>
#include <string.h>

enum { BANDS = 4, BAND_BITS = 16, BUCKETS = 1 << BAND_BITS };

struct hg_leak_index {
  const hg_dataset *images;
  size_t bytes;        /* of one image */
  uint64_t *byte_hash; /* (count) */
  uint64_t *hash;      /* (count) */
  int32_t *places;     /* image numbers by the hash of their bytes; -1 = free; at most half of it is used */
  uint64_t mask;       /* of places */
  int32_t *start;      /* (BANDS, BUCKETS + 1): where each bucket begins in its band's members */
  int32_t *member;     /* (BANDS, distinct): image numbers, each different image once */
  int64_t distinct;
};

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
  index->start = hg_calloc((size_t)BANDS * (BUCKETS + 1), sizeof *index->start);
  index->member = hg_malloc(BANDS * count * sizeof *index->member);
  if (index->byte_hash != NULL && index->hash != NULL && index->places != NULL && index->start != NULL && index->member != NULL)
    return HG_OK;
  return hg_fail_memory(error, "looking for images in two sets", size * sizeof *index->places);
}

/* Each different image once; the first one stands for its doubles. distinct (count): their numbers. */
static void find_distinct(hg_leak_index *index, int32_t *distinct) {
  for (uint64_t i = 0; i <= index->mask; i++) index->places[i] = -1;
  for (int64_t i = 0; i < index->images->count; i++) {
    uint64_t place = place_of(index, hg_dataset_image(index->images, i), index->byte_hash[i]);
    if (index->places[place] >= 0) continue;
    index->places[place] = (int32_t)i;
    distinct[index->distinct++] = (int32_t)i;
  }
}

static int band_of(uint64_t hash, int band) { return (int)(hash >> (BAND_BITS * band)) & (BUCKETS - 1); }

/* Buckets in turn, members of one in rising order. */
static void fill_band(hg_leak_index *index, const int32_t *distinct, int band) {
  int32_t *start = index->start + (int64_t)band * (BUCKETS + 1), *member = index->member + band * index->distinct;
  for (int64_t i = 0; i < index->distinct; i++) start[band_of(index->hash[distinct[i]], band) + 1]++;
  for (int b = 0; b < BUCKETS; b++) start[b + 1] += start[b];
  for (int64_t i = index->distinct - 1; i >= 0; i--) {
    int bucket = band_of(index->hash[distinct[i]], band);
    member[--start[bucket + 1]] = distinct[i];
  }
  memmove(start, start + 1, BUCKETS * sizeof *start); /* each end has become the beginning */
  start[BUCKETS] = (int32_t)index->distinct;
}

hg_code hg_leak_index_new(const hg_dataset *images, hg_pool *pool, hg_leak_index **index, hg_error *error) {
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
    find_distinct(made, distinct);
    for (int band = 0; band < BANDS; band++) fill_band(made, distinct, band);
    *index = made;
  } else {
    hg_leak_index_free(made);
  }
  hg_free(distinct);
  return code;
}

void hg_leak_index_free(hg_leak_index *index) {
  if (index == NULL) return;
  hg_free(index->byte_hash);
  hg_free(index->hash);
  hg_free(index->places);
  hg_free(index->start);
  hg_free(index->member);
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
    if (hg_hash_distance((uint64_t)band_of(difference, b), 0) <= 1) return true;
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
  if (nearer) s->best = (hg_leak_pair){s->best.image, other, distance, found};
}

static void look_in_bucket(search *s, int band, int bucket) {
  const int32_t *start = s->index->start + (int64_t)band * (BUCKETS + 1);
  const int32_t *member = s->index->member + band * s->index->distinct;
  for (int32_t i = start[bucket]; i < start[bucket + 1]; i++) look_at(s, member[i], band);
}

static void find_near(search *s) {
  for (int band = 0; band < BANDS; band++) {
    int bucket = band_of(s->hash, band);
    look_in_bucket(s, band, bucket);
    for (int bit = 0; bit < BAND_BITS; bit++) look_in_bucket(s, band, bucket ^ (1 << bit));
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
  search s = {.index = index, .image = image, .hash = task->hash[i], .left = HG_NEAR_CANDIDATES, .best = {i, same, 0, 0}};
  if (same < 0) s.spread = spread_of(image, index->bytes);
  if (same < 0 && s.spread > 0) find_near(&s);
  task->found[i] = s.best;
}

static void insert_near(hg_leaks *leaks, hg_leak_pair pair) {
  int place = leaks->near_pairs;
  while (place > 0 && leaks->near_pair[place - 1].difference > pair.difference) place--;
  if (place == HG_LEAK_PAIRS) return;
  int last = leaks->near_pairs < HG_LEAK_PAIRS ? leaks->near_pairs++ : HG_LEAK_PAIRS - 1;
  memmove(&leaks->near_pair[place + 1], &leaks->near_pair[place], (size_t)(last - place) * sizeof pair);
  leaks->near_pair[place] = pair;
}

static void count(const hg_leak_pair *found, int64_t images, hg_leaks *leaks) {
  for (int64_t i = 0; i < images; i++) {
    if (found[i].other < 0) continue;
    if (found[i].difference > 0) {
      leaks->near++;
      insert_near(leaks, found[i]);
    } else {
      leaks->exact++;
      if (leaks->exact_pairs < HG_LEAK_PAIRS) leaks->exact_pair[leaks->exact_pairs++] = found[i];
    }
  }
}

static bool same_shape(hg_shape a, hg_shape b) { return a.height == b.height && a.width == b.width && a.channels == b.channels; }

hg_code hg_leak_index_ask(const hg_leak_index *index, const hg_dataset *images, hg_pool *pool, hg_leaks *leaks, hg_error *error) {
  *leaks = (hg_leaks){.images = images->count};
  if (!same_shape(index->images->shape, images->shape)) return HG_OK;
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
