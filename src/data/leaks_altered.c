/* Doubles that are mirrored, moved by a pixel or two, or of other brightness or contrast. */
#include "base/alloc.h"
#include "data/leaks_index.h"

#include <math.h>

/* ---------------------------------------------------------------- the index */

typedef struct window_task {
  const hg_leak_index *index;
  const int32_t *distinct;
} window_task;

static void hash_window(void *context, int64_t i, int worker) {
  const window_task *task = context;
  int32_t image = task->distinct[i];
  (void)worker;
  task->index->window_hash[image] = hg_window_hash_middle(&task->index->window, hg_dataset_image(task->index->images, image));
}

hg_code hg_altered_index(hg_leak_index *index, const int32_t *distinct, int64_t count, hg_pool *pool, hg_error *error) {
  hg_code code = hg_window_hash_init(&index->window, index->images->shape, error);
  if (code == HG_USAGE) return HG_OK; /* too small to be looked at in this way */
  if (code != HG_OK) return code;
  size_t bytes = (size_t)index->images->count * sizeof *index->window_hash;
  index->window_hash = hg_malloc(bytes);
  if (index->window_hash == NULL) return hg_fail_memory(error, "looking for images in two sets", bytes);
  window_task task = {index, distinct};
  hg_parallel_for(pool, count, hash_window, &task);
  return hg_hash_bands_init(&index->altered, index->window_hash, distinct, count, error);
}

/* ---------------------------------------------------------------- the nearest */

/* A way in which the image may be the other one. */
typedef struct way {
  int mirrored, dx, dy; /* moved by these */
} way;

/* How well the other's middle is told by the image's window: other = a + gain * window. */
typedef struct fit {
  double difference, gain;
} fit;

static fit compare_windows(const hg_leak_index *index, const uint8_t *image, way w, const uint8_t *other) {
  hg_shape shape = index->images->shape;
  int height = index->window.height, width = index->window.width, channels = shape.channels;
  uint64_t x = 0, y = 0, xx = 0, yy = 0, xy = 0;
  for (int row = 0; row < height; row++) {
    const uint8_t *from = image + ((int64_t)(row + HG_HASH_REACH + w.dy) * shape.width + HG_HASH_REACH + w.dx) * channels;
    const uint8_t *to = other + ((int64_t)(row + HG_HASH_REACH) * shape.width + HG_HASH_REACH) * channels;
    for (int column = 0; column < width; column++) {
      const uint8_t *pixel = from + (int64_t)(w.mirrored ? width - 1 - column : column) * channels;
      for (int c = 0; c < channels; c++) {
        uint32_t a = pixel[c], b = to[(int64_t)column * channels + c];
        x += a;
        y += b;
        xx += a * a;
        yy += b * b;
        xy += a * b;
      }
    }
  }
  double n = (double)height * width * channels;
  double vx = (double)xx - (double)x * (double)x / n, vy = (double)yy - (double)y * (double)y / n;
  double both = (double)xy - (double)x * (double)y / n;
  const double flat = 16 * n; /* a standard deviation of 4 of 255 */
  if (vx < flat || vy < flat || both <= 0) return (fit){INFINITY, 0};
  return (fit){sqrt(fmax(0, 1 - both * both / (vx * vy))), both / vx};
}

typedef struct search {
  const hg_leak_index *index;
  const uint8_t *image;
  hg_leak_pair *best;
  int left; /* candidates that may still be looked at */
} search;

static void look_at(search *s, way w, int32_t other, int distance) {
  const double least_gain = 0.4, most_gain = 2.5;
  s->left--;
  fit found = compare_windows(s->index, s->image, w, hg_dataset_image(s->index->images, other));
  if (found.difference > HG_NEAR_DIFFERENCE || found.gain < least_gain || found.gain > most_gain) return;
  bool nearer = s->best->other < 0 || found.difference < s->best->difference ||
                (found.difference == s->best->difference && other < s->best->other);
  if (nearer) *s->best = (hg_leak_pair){s->best->image, other, distance, w.mirrored, w.dx, w.dy, found.difference, found.gain};
}

/* Hashes that differ in at most 3 bits agree in one of four bands. */
static void look_up(search *s, way w, uint64_t hash) {
  const hg_hash_bands *bands = &s->index->altered;
  for (int band = 0; band < HG_BANDS; band++) {
    const int32_t *start = bands->start + (int64_t)band * (HG_BUCKETS + 1) + hg_hash_band(hash, band);
    for (int32_t i = start[0]; i < start[1] && s->left > 0; i++) {
      int32_t other = bands->member[band * bands->count + i];
      uint64_t bits = hash ^ s->index->window_hash[other];
      bool met = false; /* an earlier band has already led here */
      for (int b = 0; b < band; b++) met = met || hg_hash_band(bits, b) == 0;
      int distance = hg_hash_distance(bits, 0);
      if (!met && distance <= HG_ALTERED_BITS) look_at(s, w, other, distance);
    }
  }
}

void hg_altered_find(const hg_leak_index *index, const uint8_t *image, hg_leak_pair *best) {
  if (index->window_hash == NULL) return;
  uint64_t hashes[HG_HASH_MOVES * HG_HASH_MOVES * 2];
  search s = {index, image, best, HG_ALTERED_CANDIDATES};
  hg_window_hash_all(&index->window, image, hashes);
  for (int i = 0; i < HG_HASH_MOVES * HG_HASH_MOVES * 2; i++) {
    int place = i / 2;
    way w = {i % 2, place % HG_HASH_MOVES - HG_HASH_REACH, place / HG_HASH_MOVES - HG_HASH_REACH};
    look_up(&s, w, hashes[i]);
  }
}
