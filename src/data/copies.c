#include "data/copies.h"

#include "base/alloc.h"
#include "base/shape.h"

#include <math.h>
#include <string.h>

static void write_copy(const hg_dataset *dataset, const hg_augmentation *augment, uint64_t seed, uint32_t copy, int64_t index,
                       float *image, float *scratch, uint8_t *out) {
  int64_t floats = hg_shape_count(dataset->shape);
  const uint8_t *from = hg_dataset_image(dataset, index);
  for (int64_t i = 0; i < floats; i++) image[i] = (float)from[i] / 255.0f;
  hg_augment_image(augment, dataset->shape, seed, copy, index, image, scratch);
  for (int64_t i = 0; i < floats; i++) out[i] = (uint8_t)(fminf(fmaxf(image[i], 0), 1) * 255.0f + 0.5f);
}

hg_code hg_dataset_add_copies(const hg_dataset *dataset, const hg_augmentation *augment, uint64_t seed, hg_dataset **made,
                              hg_error *error) {
  int64_t floats = hg_shape_count(dataset->shape), all = dataset->count * (1 + (int64_t)augment->added);
  int64_t *index = hg_malloc((size_t)all * sizeof *index);
  float *image = hg_malloc(2 * (size_t)floats * sizeof *image);
  hg_code code = HG_OK;
  *made = NULL;
  if (index == NULL || image == NULL) code = hg_fail_memory(error, "augmented copies", (size_t)all * sizeof *index);
  for (int64_t i = 0; code == HG_OK && i < all; i++) index[i] = i % dataset->count;
  if (code == HG_OK) code = hg_dataset_copy(dataset, index, all, made, error);
  for (int64_t i = dataset->count; code == HG_OK && i < all; i++)
    write_copy(dataset, augment, seed, (uint32_t)(i / dataset->count - 1), index[i], image, image + floats,
               (*made)->pixels + i * floats);
  hg_free(index);
  hg_free(image);
  return code;
}
