#include "data/image_hash.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

enum { SIDE = 8, FREQUENCIES = SIDE * SIDE };

typedef struct hash_task {
  const hg_dataset *images;
  const float *rows, *columns; /* (height, SIDE), (width, SIDE): the cosines */
  uint64_t *hashes;
} hash_task;

static void fill_cosines(int length, float *cosines) {
  for (int x = 0; x < length; x++)
    for (int u = 0; u < SIDE; u++) cosines[x * SIDE + u] = (float)cos(M_PI * (2 * x + 1) * u / (2.0 * length));
}

static float brightness(const uint8_t *pixel, int channels) {
  int sum = 0;
  for (int c = 0; c < channels; c++) sum += pixel[c];
  return (float)sum;
}

/* frequencies (SIDE, SIDE): first along rows, then down the columns. */
static void transform(const hash_task *task, const uint8_t *image, float *frequencies) {
  hg_shape shape = task->images->shape;
  memset(frequencies, 0, FREQUENCIES * sizeof *frequencies);
  for (int y = 0; y < shape.height; y++) {
    float row[SIDE] = {0};
    for (int x = 0; x < shape.width; x++) {
      float value = brightness(image + ((int64_t)y * shape.width + x) * shape.channels, shape.channels);
      for (int u = 0; u < SIDE; u++) row[u] += value * task->columns[x * SIDE + u];
    }
    for (int v = 0; v < SIDE; v++)
      for (int u = 0; u < SIDE; u++) frequencies[v * SIDE + u] += task->rows[y * SIDE + v] * row[u];
  }
}

/* Bit of a frequency: neighbours, which tend to agree, go to different sixteens. */
static int bit_of(int frequency) { return frequency % 4 * 16 + frequency / 4; }

/* A frequency lies above the median of the 63 after the first where at least 32 of them lie below it. */
static uint64_t compare(const float *frequencies) {
  uint64_t hash = 0;
  for (int i = 1; i < FREQUENCIES; i++) {
    int below = 0;
    for (int j = 1; j < FREQUENCIES; j++) below += frequencies[j] < frequencies[i];
    hash |= (uint64_t)(below >= FREQUENCIES / 2) << bit_of(i);
  }
  return hash;
}

static void hash_image(void *context, int64_t index, int worker) {
  (void)worker;
  const hash_task *task = context;
  float frequencies[FREQUENCIES];
  transform(task, hg_dataset_image(task->images, index), frequencies);
  task->hashes[index] = compare(frequencies);
}

hg_code hg_image_hashes(const hg_dataset *images, hg_pool *pool, uint64_t *hashes, hg_error *error) {
  hg_shape shape = images->shape;
  size_t values = ((size_t)shape.height + (size_t)shape.width) * SIDE;
  float *cosines = hg_malloc(values * sizeof *cosines);
  if (cosines == NULL) return hg_fail_memory(error, "image hashes", values * sizeof *cosines);
  hash_task task = {images, cosines, cosines + (int64_t)shape.height * SIDE, hashes};
  fill_cosines(shape.height, cosines);
  fill_cosines(shape.width, cosines + (int64_t)shape.height * SIDE);
  hg_parallel_for(pool, images->count, hash_image, &task);
  hg_free(cosines);
  return HG_OK;
}

/* ---------------------------------------------------------------- the window of a moved image */

enum { LEAST_SIDE = 16, MOST_SIDE = 256 };

hg_code hg_window_hash_init(hg_window_hash *window, hg_shape shape, hg_error *error) {
  *window =
      (hg_window_hash){.shape = shape, .height = shape.height - 2 * HG_HASH_REACH, .width = shape.width - 2 * HG_HASH_REACH};
  if (shape.height < LEAST_SIDE || shape.width < LEAST_SIDE || shape.height > MOST_SIDE || shape.width > MOST_SIDE)
    return hg_fail(error, HG_USAGE, "image hashes", "images of %d x %d have no window", shape.height, shape.width);
  size_t values = ((size_t)window->height + (size_t)window->width) * SIDE;
  window->rows = hg_malloc(values * sizeof *window->rows);
  if (window->rows == NULL) return hg_fail_memory(error, "image hashes", values * sizeof *window->rows);
  window->columns = window->rows + (int64_t)window->height * SIDE;
  fill_cosines(window->height, window->rows);
  fill_cosines(window->width, window->columns);
  return HG_OK;
}

void hg_window_hash_release(hg_window_hash *window) { hg_free(window->rows); }

/* sums (height of the image, SIDE): along the rows of the window that begins at `left`. */
static void transform_rows(const hg_window_hash *window, const uint8_t *image, int left, float *sums) {
  hg_shape shape = window->shape;
  for (int y = 0; y < shape.height; y++) {
    float *row = sums + (int64_t)y * SIDE;
    memset(row, 0, SIDE * sizeof *row);
    for (int x = 0; x < window->width; x++) {
      float value = brightness(image + ((int64_t)y * shape.width + left + x) * shape.channels, shape.channels);
      for (int u = 0; u < SIDE; u++) row[u] += value * window->columns[x * SIDE + u];
    }
  }
}

static void transform_columns(const hg_window_hash *window, const float *sums, int top, float *frequencies) {
  memset(frequencies, 0, FREQUENCIES * sizeof *frequencies);
  for (int y = 0; y < window->height; y++)
    for (int v = 0; v < SIDE; v++)
      for (int u = 0; u < SIDE; u++)
        frequencies[v * SIDE + u] += window->rows[y * SIDE + v] * sums[(int64_t)(top + y) * SIDE + u];
}

/* Mirrored, the odd waves along a row turn over. */
static void mirror(float *frequencies) {
  for (int i = 1; i < FREQUENCIES; i += 2) frequencies[i] = -frequencies[i];
}

void hg_window_hash_all(const hg_window_hash *window, const uint8_t *image, uint64_t *hashes) {
  float sums[MOST_SIDE * SIDE], frequencies[FREQUENCIES];
  for (int dx = 0; dx < HG_HASH_MOVES; dx++) {
    transform_rows(window, image, dx, sums);
    for (int dy = 0; dy < HG_HASH_MOVES; dy++) {
      uint64_t *out = hashes + 2 * (dy * HG_HASH_MOVES + dx);
      transform_columns(window, sums, dy, frequencies);
      out[0] = compare(frequencies);
      mirror(frequencies);
      out[1] = compare(frequencies);
    }
  }
}

uint64_t hg_window_hash_middle(const hg_window_hash *window, const uint8_t *image) {
  float sums[MOST_SIDE * SIDE] = {0}, frequencies[FREQUENCIES]; /* the analyser knows of no least height */
  transform_rows(window, image, HG_HASH_REACH, sums);
  transform_columns(window, sums, HG_HASH_REACH, frequencies);
  return compare(frequencies);
}
