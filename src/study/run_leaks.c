/* Images that stand in two parts of a data set: counted, with examples, once for each data set. */
#include "data/leaks.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/format.h"
#include "base/shape.h"
#include "data/catalog.h"
#include "study/analysis.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TRAINING, VALIDATION, TEST, PARTS };
static const char *const part_names[PARTS] = {"training", "validation", "test"};

/* Which parts are asked about, and in which part they are looked for. */
enum { TEST_IN_TRAINING, TEST_IN_VALIDATION, VALIDATION_IN_TRAINING, QUESTIONS };
static const int questions[QUESTIONS][2] = {[TEST_IN_TRAINING] = {TEST, TRAINING},
                                            [TEST_IN_VALIDATION] = {TEST, VALIDATION},
                                            [VALIDATION_IN_TRAINING] = {VALIDATION, TRAINING}};
enum { MOST_PAIRS = QUESTIONS * 3 * HG_LEAK_PAIRS, MOST_BYTES = 1 << 20 };

/* What is found is kept for all studies on the same data; another way of looking needs another number. */
#define METHOD "4"

typedef struct leak_check {
  const hg_data *data;
  const hg_dataset *parts[PARTS]; /* validation may be NULL */
  bool altered;                   /* altered doubles are looked for: not among generated images, which are moved on purpose */
  hg_leaks found[QUESTIONS];
  int64_t examples[2][MOST_PAIRS]; /* image, other */
  int64_t places[2][MOST_PAIRS];   /* their parts */
  int32_t distance[MOST_PAIRS];
  int32_t alteration[MOST_PAIRS][3]; /* mirrored, dx, dy */
  float gain[MOST_PAIRS];
  float difference[MOST_PAIRS];
  int count;
} leak_check;

static bool is_asked(const leak_check *check, int question) {
  return check->parts[questions[question][0]] != NULL && check->parts[questions[question][1]] != NULL;
}

/* ---------------------------------------------------------------- the search */

static hg_code look_in(leak_check *check, int part, hg_pool *pool, hg_error *error) {
  if (check->parts[part] == NULL) return HG_OK;
  hg_leak_index *index = NULL;
  hg_code code = hg_leak_index_new(check->parts[part], check->altered, pool, &index, error);
  for (int q = 0; code == HG_OK && q < QUESTIONS; q++)
    if (questions[q][1] == part && is_asked(check, q))
      code = hg_leak_index_ask(index, check->parts[questions[q][0]], pool, &check->found[q], error);
  hg_leak_index_free(index);
  return code;
}

static void add_examples(leak_check *check, int question, const hg_leak_pair *pairs, int count) {
  size_t bytes = 2 * (size_t)hg_shape_count(check->data->train->shape);
  for (int i = 0; i < count && (check->count == 0 || (size_t)check->count * bytes < MOST_BYTES); i++) {
    int at = check->count++;
    check->places[0][at] = questions[question][0];
    check->places[1][at] = questions[question][1];
    check->examples[0][at] = pairs[i].image;
    check->examples[1][at] = pairs[i].other;
    check->distance[at] = pairs[i].distance;
    check->difference[at] = (float)pairs[i].difference;
    memcpy(check->alteration[at], (int32_t[]){pairs[i].mirrored, pairs[i].dx, pairs[i].dy}, sizeof check->alteration[at]);
    check->gain[at] = (float)pairs[i].gain;
  }
}

static hg_code search(leak_check *check, hg_pool *pool, hg_error *error) {
  hg_code code = look_in(check, TRAINING, pool, error);
  if (code == HG_OK) code = look_in(check, VALIDATION, pool, error);
  for (int q = 0; code == HG_OK && q < QUESTIONS; q++) {
    add_examples(check, q, check->found[q].exact_pair, check->found[q].exact_pairs);
    add_examples(check, q, check->found[q].near_pair, check->found[q].near_pairs);
    add_examples(check, q, check->found[q].altered_pair, check->found[q].altered_pairs);
  }
  return code;
}

/* ---------------------------------------------------------------- leaks.safetensors */

static uint8_t *copy_images(const leak_check *check, int side, hg_error *error) {
  size_t bytes = (size_t)hg_shape_count(check->data->train->shape);
  uint8_t *images = hg_malloc((size_t)check->count * bytes);
  if (images == NULL) hg_fail_memory(error, "leaks", (size_t)check->count * bytes);
  for (int i = 0; images != NULL && i < check->count; i++)
    memcpy(images + (size_t)i * bytes, hg_dataset_image(check->parts[check->places[side][i]], check->examples[side][i]), bytes);
  return images;
}

/* "0 9 1, 0 2 0, 1 13 0": exact, near and altered for each question. */
static void write_counts(const leak_check *check, char *text, size_t size) {
  size_t used = 0;
  for (int q = 0; q < QUESTIONS; q++)
    used += (size_t)snprintf(text + used, size - used, "%s%" PRId64 " %" PRId64 " %" PRId64, q == 0 ? "" : ", ",
                             check->found[q].exact, check->found[q].near, check->found[q].altered);
}

static hg_code write_check(const char *path, const leak_check *check, hg_error *error) {
  char counts[160];
  write_counts(check, counts, sizeof counts);
  const char *const remarks[] = {"digest", check->data->digest, "method", METHOD, "counts", counts, NULL};
  hg_shape shape = check->data->train->shape;
  int64_t count = check->count;
  uint8_t *images[2] = {copy_images(check, 0, error), copy_images(check, 1, error)};
  const hg_named_tensor tensors[] = {
      {.name = "part", .dtype = HG_I64, .rank = 1, .dim = {count}, .data = check->places[0]},
      {.name = "image", .dtype = HG_I64, .rank = 1, .dim = {count}, .data = check->examples[0]},
      {.name = "against", .dtype = HG_I64, .rank = 1, .dim = {count}, .data = check->places[1]},
      {.name = "other", .dtype = HG_I64, .rank = 1, .dim = {count}, .data = check->examples[1]},
      {.name = "distance", .dtype = HG_I32, .rank = 1, .dim = {count}, .data = check->distance},
      {.name = "difference", .dtype = HG_F32, .rank = 1, .dim = {count}, .data = check->difference},
      {.name = "alteration", .dtype = HG_I32, .rank = 2, .dim = {count, 3}, .data = check->alteration},
      {.name = "gain", .dtype = HG_F32, .rank = 1, .dim = {count}, .data = check->gain},
      {.name = "images", .dtype = HG_U8, .rank = 4, .dim = {count, shape.height, shape.width, shape.channels}, .data = images[0]},
      {.name = "others",
       .dtype = HG_U8,
       .rank = 4,
       .dim = {count, shape.height, shape.width, shape.channels},
       .data = images[1]}};
  hg_code code = HG_NO_MEMORY;
  if (images[0] != NULL && images[1] != NULL)
    code = hg_safetensors_write(path, tensors, count == 0 ? 0 : (int)(sizeof tensors / sizeof tensors[0]), remarks, error);
  hg_free(images[0]);
  hg_free(images[1]);
  return code;
}

/* The first example of a question, for the warning. */
static void take_example(leak_check *check, const hg_safetensors *file) {
  static const char *const names[] = {"part", "against", "image", "other"};
  const hg_named_tensor *tensors[4];
  for (int i = 0; i < 4; i++) {
    tensors[i] = hg_safetensors_find(file, names[i]);
    if (tensors[i] == NULL || tensors[i]->dtype != HG_I64 || tensors[i]->rank != 1 || tensors[i]->dim[0] < 1) return;
  }
  for (int i = 0; i < 2; i++) {
    check->places[i][0] = *(const int64_t *)tensors[i]->data;
    check->examples[i][0] = *(const int64_t *)tensors[2 + i]->data;
  }
  check->count = 1;
}

#define THREE "%" SCNd64 " %" SCNd64 " %" SCNd64

/* Whether the file was made in this way from this very data; its figures into the check. */
static bool read_check(const char *path, leak_check *check) {
  char digest[80] = "", method[16] = "", counts[160] = "";
  hg_safetensors file = {0};
  hg_leaks *f = check->found;
  bool sound = hg_path_exists(path) && hg_safetensors_read(path, &file, NULL) == HG_OK &&
               hg_safetensors_metadata(&file, "digest", digest, sizeof digest) && strcmp(digest, check->data->digest) == 0 &&
               hg_safetensors_metadata(&file, "method", method, sizeof method) && strcmp(method, METHOD) == 0 &&
               hg_safetensors_metadata(&file, "counts", counts, sizeof counts) &&
               sscanf(counts, THREE ", " THREE ", " THREE, &f[0].exact, &f[0].near, &f[0].altered, &f[1].exact, &f[1].near,
                      &f[1].altered, &f[2].exact, &f[2].near, &f[2].altered) == 3 * QUESTIONS;
  if (sound) take_example(check, &file);
  hg_safetensors_release(&file);
  return sound;
}

static bool cache_path(const leak_check *check, char path[HG_PATH_SIZE]) {
  char folder[HG_PATH_SIZE];
  if (!hg_cache_folder(folder) || hg_folder_make(folder, NULL) != HG_OK) return false;
  int length = snprintf(path, HG_PATH_SIZE, "%.*s/leaks-%.16s.safetensors", HG_PATH_SIZE - 40, folder, check->data->digest);
  return length > 0 && length < HG_PATH_SIZE;
}

static bool copy_file(const char *from, const char *to) {
  char *bytes = NULL;
  size_t count = 0;
  bool good =
      hg_file_read(from, (size_t)64 << 20, &bytes, &count, NULL) == HG_OK && hg_file_write(to, bytes, count, NULL) == HG_OK;
  hg_free(bytes);
  return good;
}

/* From the store, else from the user's cache, else by looking. */
static hg_code check_data(hg_runner *runner, leak_check *check, const char *path, hg_error *error) {
  char kept[HG_PATH_SIZE];
  if (read_check(path, check)) return HG_OK;
  bool cached = cache_path(check, kept);
  if (cached && read_check(kept, check) && copy_file(kept, path)) return HG_OK;
  memset(check->found, 0, sizeof check->found);
  check->count = 0;
  hg_code code = search(check, runner->pool, error);
  if (code == HG_OK) code = write_check(path, check, error);
  if (code == HG_OK && cached) copy_file(path, kept);
  return code;
}

/* ---------------------------------------------------------------- what is told */

static const char *grouped(int64_t count, char buffer[32]) { return hg_format_count(count, buffer, 32); }

/* A few doubles move no choice. */
static hg_code warn_of_validation(hg_runner *runner, const char *name, const leak_check *check, hg_error *error) {
  enum { TOLD_FROM = 100 }; /* one image of so many */
  if (!is_asked(check, VALIDATION_IN_TRAINING)) return HG_OK;
  const hg_leaks *leaks = &check->found[VALIDATION_IN_TRAINING];
  int64_t count = leaks->exact + leaks->near + leaks->altered, all = check->parts[VALIDATION]->count;
  if (count * TOLD_FROM < all) return HG_OK;
  char found[32], of[32];
  return hg_runner_warn(runner, error, "validation-leak",
                        "%s of the %s validation images of %s stand, %s, among its training images: epochs and "
                        "settings that validation chooses are chosen in part by what was learned by heart.",
                        grouped(count, found), grouped(all, of), name,
                        leaks->exact == count ? "byte for byte" : "byte for byte or nearly (perceptual hash and pixels)");
}

static hg_code warn(hg_runner *runner, const char *name, const leak_check *check, hg_error *error) {
  char found[32], all[32], more[32], other[32];
  const hg_leaks *leaks = &check->found[TEST_IN_TRAINING];
  int64_t alike = leaks->near + leaks->altered;
  char near[160] = "", example[96] = "";
  if (leaks->exact == 0 && alike == 0) return HG_OK;
  if (leaks->exact > 0 && alike > 0)
    snprintf(near, sizeof near, ", and %s more nearly (perceptual hash and pixels)", grouped(alike, more));
  if (leaks->altered > 0)
    snprintf(near + strlen(near), sizeof near - strlen(near), ", %s of them mirrored, moved or of other brightness",
             grouped(leaks->altered, other));
  if (check->count > 0 && check->places[0][0] == TEST && check->places[1][0] == TRAINING)
    snprintf(example, sizeof example, "; for example test image %" PRId64 " is training image %" PRId64, check->examples[0][0],
             check->examples[1][0]);
  return hg_runner_warn(runner, error, "test-leak", "%s of the %s test images of %s stand, %s, among its training images%s%s.",
                        grouped(leaks->exact > 0 ? leaks->exact : alike, found), grouped(check->parts[TEST]->count, all), name,
                        leaks->exact > 0 ? "byte for byte" : "nearly (perceptual hash and pixels)", near, example);
}

static void add_rows(const char *name, const leak_check *check, hg_leak_row *rows, int *count) {
  for (int q = 0; q < QUESTIONS; q++) {
    if (!is_asked(check, q)) continue;
    hg_leak_row *row = &rows[(*count)++];
    *row = (hg_leak_row){.images = check->parts[questions[q][0]]->count,
                         .exact = check->found[q].exact,
                         .near = check->found[q].near + check->found[q].altered};
    snprintf(row->data, sizeof row->data, "%s", name);
    snprintf(row->part, sizeof row->part, "%s", part_names[questions[q][0]]);
    snprintf(row->against, sizeof row->against, "%s", part_names[questions[q][1]]);
  }
}

static hg_code leaks_of(hg_runner *runner, int index, hg_leak_row *rows, int *count, hg_error *error) {
  const char *name = runner->study->data[index].name;
  const hg_data *data = &runner->data[index];
  char *folder = NULL, *path = NULL;
  leak_check *check = hg_calloc(1, sizeof *check);
  hg_code code =
      check == NULL ? hg_fail_memory(error, name, sizeof *check) : hg_store_data_folder(runner->store, name, &folder, error);
  if (code == HG_OK && (path = hg_path_join(folder, "leaks.safetensors")) == NULL) code = hg_fail_memory(error, name, 1);
  if (code == HG_OK) {
    const hg_catalog_entry *entry = hg_catalog_find(runner->study->data[index].source);
    *check = (leak_check){.data = data,
                          .parts = {data->train, data->validation, data->test},
                          .altered = entry == NULL || entry->layout != HG_LAYOUT_GENERATED};
    code = check_data(runner, check, path, error);
  }
  if (code == HG_OK) add_rows(name, check, rows, count);
  if (code == HG_OK) code = warn(runner, name, check, error);
  if (code == HG_OK) code = warn_of_validation(runner, name, check, error);
  hg_free(check);
  hg_free(path);
  hg_free(folder);
  return code;
}

hg_code hg_runner_find_leaks(hg_runner *runner, hg_error *error) {
  int sets = runner->study->data_count, count = 0;
  hg_leak_row *rows = hg_calloc((size_t)sets * QUESTIONS + 1, sizeof *rows);
  if (rows == NULL) return hg_fail_memory(error, "leaks", (size_t)sets * QUESTIONS * sizeof *rows);
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < sets; i++) {
    code = hg_runner_go_on(runner, error);
    if (code == HG_OK) code = leaks_of(runner, i, rows, &count, error);
  }
  if (code == HG_OK) code = hg_store_put_leaks(runner->store, rows, count, error);
  hg_free(rows);
  return code;
}
