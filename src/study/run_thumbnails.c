/* Small copies of the test images that maps of codes draw, once for each data set. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/shape.h"
#include "study/analysis.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of all thumbnails of one data set, before they are packed: 2,000 of 32 x 32 in colour. A page makes them smaller where it
 * must. */
enum { MOST_BYTES = 6144000 };

/* ---------------------------------------------------------------- which images */

static int by_place(const void *left, const void *right) {
  int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
  return (a > b) - (a < b);
}

/* Where a place stands among the chosen ones. */
static int64_t position_of(const hg_map_choice *choice, int64_t place) {
  const int64_t *found = bsearch(&place, choice->index, (size_t)choice->count, sizeof place, by_place);
  return found - choice->index;
}

hg_code hg_map_choice_new(const hg_dataset *test, uint64_t seed, int64_t most, hg_map_choice *choice, hg_error *error) {
  int64_t count = test->count < most ? test->count : most;
  int64_t drawn = count < HG_MAP_DRAWN ? count : HG_MAP_DRAWN;
  int64_t *places = hg_malloc((size_t)test->count * sizeof *places);
  *choice = (hg_map_choice){.count = count,
                            .drawn_count = drawn,
                            .index = hg_malloc((size_t)count * sizeof *places),
                            .drawn = hg_malloc((size_t)drawn * sizeof *places)};
  if (places == NULL || choice->index == NULL || choice->drawn == NULL) {
    hg_free(places);
    hg_map_choice_release(choice);
    return hg_fail_memory(error, "map of codes", (size_t)test->count * sizeof *places);
  }
  hg_rng rng = hg_rng_at(seed, HG_RNG_TSNE, 1, 0);
  for (int64_t i = 0; i < test->count; i++) places[i] = i;
  hg_rng_shuffle(&rng, places, test->count);
  memcpy(choice->index, places, (size_t)count * sizeof *places);
  qsort(choice->index, (size_t)count, sizeof *places, by_place);
  for (int64_t i = 0; i < drawn; i++) choice->drawn[i] = position_of(choice, places[i]);
  hg_free(places);
  return HG_OK;
}

void hg_map_choice_release(hg_map_choice *choice) {
  hg_free(choice->index);
  hg_free(choice->drawn);
  *choice = (hg_map_choice){0};
}

/* ---------------------------------------------------------------- small copies */

/* The mean of every block of factor x factor pixels. */
static void shrink(const uint8_t *image, hg_shape shape, int factor, hg_shape small, uint8_t *out) {
  for (int y = 0; y < small.height; y++)
    for (int x = 0; x < small.width; x++)
      for (int c = 0; c < shape.channels; c++) {
        int sum = 0;
        for (int i = 0; i < factor; i++)
          for (int j = 0; j < factor; j++)
            sum += image[((int64_t)(y * factor + i) * shape.width + x * factor + j) * shape.channels + c];
        out[((int64_t)y * small.width + x) * shape.channels + c] = (uint8_t)((sum + factor * factor / 2) / (factor * factor));
      }
}

static hg_shape small_shape(hg_shape shape, int64_t count, int *factor) {
  hg_shape small = shape;
  for (*factor = 1;
       (int64_t)small.height * small.width * shape.channels * count > MOST_BYTES && small.height > 1 && small.width > 1;) {
    ++*factor;
    small.height = shape.height / *factor;
    small.width = shape.width / *factor;
  }
  return small;
}

static hg_code make_images(const hg_dataset *test, const hg_map_choice *choice, hg_shape *small, uint8_t **images,
                           hg_error *error) {
  int factor;
  *small = small_shape(test->shape, choice->drawn_count, &factor);
  size_t bytes = (size_t)hg_shape_count(*small);
  *images = hg_malloc(bytes * (size_t)choice->drawn_count);
  if (*images == NULL) return hg_fail_memory(error, "thumbnails", bytes * (size_t)choice->drawn_count);
  for (int64_t i = 0; i < choice->drawn_count; i++)
    shrink(hg_dataset_image(test, choice->index[choice->drawn[i]]), test->shape, factor, *small, *images + (size_t)i * bytes);
  return HG_OK;
}

static hg_code write_thumbnails(const char *path, const hg_dataset *test, const char *digest, const hg_map_choice *choice,
                                hg_error *error) {
  const char *const remarks[] = {"digest", digest, NULL};
  hg_shape small = test->shape;
  uint8_t *images = NULL;
  int64_t drawn = choice->drawn_count, *index = hg_malloc((size_t)drawn * sizeof *index);
  hg_code code = index == NULL ? hg_fail_memory(error, "thumbnails", (size_t)drawn * sizeof *index)
                               : make_images(test, choice, &small, &images, error);
  if (code == HG_OK) {
    for (int64_t i = 0; i < drawn; i++) index[i] = choice->index[choice->drawn[i]];
    const hg_named_tensor tensors[] = {
        {.name = "index", .dtype = HG_I64, .rank = 1, .dim = {drawn}, .data = index},
        {.name = "images", .dtype = HG_U8, .rank = 4, .dim = {drawn, small.height, small.width, small.channels}, .data = images}};
    code = hg_safetensors_write(path, tensors, 2, remarks, error);
  }
  hg_free(images);
  hg_free(index);
  return code;
}

/* Another seed of the data chooses others of the same images. */
static bool shows(const hg_named_tensor *index, const hg_map_choice *choice) {
  if (index == NULL || index->dtype != HG_I64 || index->rank != 1 || index->dim[0] != choice->drawn_count) return false;
  const int64_t *shown = index->data;
  for (int64_t i = 0; i < choice->drawn_count; i++)
    if (shown[i] != choice->index[choice->drawn[i]]) return false;
  return true;
}

/* Whether the file was made from this very data, of the images that maps draw, and as fine as it would be today. */
static bool is_made(const char *path, const hg_dataset *test, const char *digest, const hg_map_choice *choice) {
  char made_from[80] = "";
  int factor;
  hg_safetensors file = {0};
  bool made = hg_path_exists(path) && hg_safetensors_read(path, &file, NULL) == HG_OK &&
              hg_safetensors_metadata(&file, "digest", made_from, sizeof made_from) && strcmp(made_from, digest) == 0 &&
              shows(hg_safetensors_find(&file, "index"), choice);
  const hg_named_tensor *images = made ? hg_safetensors_find(&file, "images") : NULL;
  made = images != NULL && images->rank == 4 && images->dim[1] == small_shape(test->shape, images->dim[0], &factor).height;
  hg_safetensors_release(&file);
  return made;
}

static bool has_map(hg_runner *runner, const hg_run_record *record) {
  char *path = NULL;
  bool there = hg_store_run_file(runner->store, record, "codes.safetensors", &path, NULL) == HG_OK && hg_path_exists(path);
  hg_free(path);
  return there;
}

static bool has_maps(hg_runner *runner, int data) {
  for (int i = 0; i < runner->count; i++) {
    const hg_model *model = &runner->study->models[runner->runs[i].model];
    if (model->data == data && model->kind == HG_MODEL_NETWORK && has_map(runner, &runner->runs[i].record)) return true;
  }
  return false;
}

hg_code hg_runner_store_thumbnails(hg_runner *runner, int data, hg_error *error) {
  if (!has_maps(runner, data)) return HG_OK;
  const hg_data *opened = &runner->data[data];
  const hg_data_settings *settings = &runner->study->data[data];
  char *folder = NULL, *path = NULL;
  hg_map_choice choice = {0};
  hg_code code = hg_store_data_folder(runner->store, settings->name, &folder, error);
  if (code == HG_OK && (path = hg_path_join(folder, "thumbnails.safetensors")) == NULL)
    code = hg_fail_memory(error, "thumbnails", 1);
  if (code == HG_OK) code = hg_map_choice_new(opened->test, settings->seed, HG_MAP_DRAWN, &choice, error);
  if (code == HG_OK && !is_made(path, opened->test, opened->digest, &choice))
    code = write_thumbnails(path, opened->test, opened->digest, &choice, error);
  hg_map_choice_release(&choice);
  hg_free(path);
  hg_free(folder);
  return code;
}
