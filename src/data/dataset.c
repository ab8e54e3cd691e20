#include "data/dataset.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/shape.h"
#include "base/utf8.h"

#include <ctype.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Pages of a file that data sets share. */
typedef struct hg_pixel_map {
  void *pages;
  size_t bytes;
  atomic_int users;
} hg_pixel_map;

static size_t image_bytes(hg_shape shape) { return (size_t)hg_shape_count(shape); }

static hg_code check_size(hg_shape shape, int64_t count, int classes, hg_error *error) {
  enum { MOST_SIDE = 1 << 14, MOST_CHANNELS = 1 << 10 };
  if (shape.height < 1 || shape.width < 1 || shape.channels < 1 || shape.height > MOST_SIDE || shape.width > MOST_SIDE ||
      shape.channels > MOST_CHANNELS)
    return hg_fail(error, HG_DATA, NULL, "images of %d x %d x %d cannot be held: sides are 1 to %d, channels 1 to %d",
                   shape.height, shape.width, shape.channels, MOST_SIDE, MOST_CHANNELS);
  if (count < 0 || classes < 0)
    return hg_fail(error, HG_USAGE, NULL, "a data set cannot hold %lld images in %d classes", (long long)count, classes);
  if ((uint64_t)count > HG_MOST_DATA_BYTES / image_bytes(shape))
    return hg_fail(error, HG_DATA, NULL, "%lld images of %d x %d x %d are more than the %llu GiB a data set may hold",
                   (long long)count, shape.height, shape.width, shape.channels, (unsigned long long)(HG_MOST_DATA_BYTES >> 30));
  return HG_OK;
}

static hg_code name_all_by_number(hg_dataset *dataset, hg_error *error) {
  for (int i = 0; i < dataset->classes; i++) {
    char name[16];
    snprintf(name, sizeof name, "%d", i);
    dataset->class_names[i] = hg_strdup(name);
    if (dataset->class_names[i] == NULL) return hg_fail_memory(error, "class names", sizeof name);
  }
  return HG_OK;
}

/* Zeros that the system makes when they are first written, in huge pages where there are many: no pass over them here. */
static uint8_t *take_pixels(size_t bytes) {
  enum { PAGE = 4096, MANY = 4 << 20 };
  uint8_t *pixels = hg_calloc(bytes, 1);
  if (pixels == NULL || bytes < MANY) return pixels;
  size_t before = (PAGE - (uintptr_t)pixels % PAGE) % PAGE;
  madvise(pixels + before, bytes - before, MADV_HUGEPAGE);
  return pixels;
}

static hg_code new_without_pixels(hg_shape shape, int64_t count, int classes, hg_dataset **dataset, hg_error *error) {
  *dataset = NULL;
  hg_code code = check_size(shape, count, classes, error);
  if (code != HG_OK) return code;
  hg_dataset *made = hg_calloc(1, sizeof *made);
  if (made == NULL) return hg_fail_memory(error, "a data set", sizeof *made);
  made->shape = shape;
  made->count = count;
  made->classes = classes;
  made->labels = hg_calloc((size_t)count, sizeof *made->labels);
  made->class_names = hg_calloc((size_t)classes, sizeof *made->class_names);
  if (made->labels == NULL || made->class_names == NULL)
    code = hg_fail_memory(error, "a data set", (size_t)count * sizeof *made->labels);
  else
    code = name_all_by_number(made, error);
  if (code != HG_OK) {
    hg_dataset_free(made);
    return code;
  }
  *dataset = made;
  return HG_OK;
}

hg_code hg_dataset_new(hg_shape shape, int64_t count, int classes, hg_dataset **dataset, hg_error *error) {
  hg_code code = new_without_pixels(shape, count, classes, dataset, error);
  if (code != HG_OK) return code;
  size_t bytes = (size_t)count * image_bytes(shape);
  (*dataset)->pixels = take_pixels(bytes);
  if ((*dataset)->pixels != NULL) return HG_OK;
  hg_dataset_free(*dataset);
  *dataset = NULL;
  return hg_fail_memory(error, "a data set", bytes);
}

hg_code hg_dataset_new_mapped(hg_shape shape, int64_t count, int classes, int descriptor, int64_t offset, hg_dataset **dataset,
                              hg_error *error) {
  if (count == 0) return hg_dataset_new(shape, count, classes, dataset, error);
  hg_code code = new_without_pixels(shape, count, classes, dataset, error);
  if (code != HG_OK) return code;
  int64_t into_page = offset % sysconf(_SC_PAGESIZE);
  size_t bytes = (size_t)into_page + (size_t)count * image_bytes(shape);
  hg_pixel_map *map = hg_malloc(sizeof *map);
  void *pages = map == NULL ? MAP_FAILED : mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, descriptor, (off_t)(offset - into_page));
  if (pages == MAP_FAILED) {
    code = map == NULL ? hg_fail_memory(error, "a data set", sizeof *map) : hg_fail_errno(error, HG_FAILED, NULL, "map images");
    hg_free(map);
    hg_dataset_free(*dataset);
    *dataset = NULL;
    return code;
  }
  *map = (hg_pixel_map){.pages = pages, .bytes = bytes, .users = 1};
  (*dataset)->map = map;
  (*dataset)->pixels = (uint8_t *)pages + into_page;
  return HG_OK;
}

static void free_pixels(hg_dataset *dataset) {
  if (dataset->map == NULL) {
    hg_free(dataset->pixels);
  } else if (atomic_fetch_sub(&dataset->map->users, 1) == 1) {
    munmap(dataset->map->pages, dataset->map->bytes);
    hg_free(dataset->map);
  }
  hg_free(dataset->places);
  dataset->map = NULL;
  dataset->places = NULL;
}

void hg_dataset_replace_pixels(hg_dataset *dataset, hg_shape shape, uint8_t *pixels) {
  free_pixels(dataset);
  dataset->pixels = pixels;
  dataset->shape = shape;
}

void hg_dataset_free(hg_dataset *dataset) {
  if (dataset == NULL) return;
  for (int i = 0; dataset->class_names != NULL && i < dataset->classes; i++) hg_free(dataset->class_names[i]);
  hg_free(dataset->class_names);
  hg_free(dataset->labels);
  free_pixels(dataset);
  hg_free(dataset);
}

hg_code hg_dataset_name_class(hg_dataset *dataset, int label, const char *name, hg_error *error) {
  if (label < 0 || label >= dataset->classes)
    return hg_fail(error, HG_USAGE, dataset->source, "class %d cannot be named: there are %d classes", label, dataset->classes);
  char *copy = hg_utf8_mend(name);
  if (copy == NULL) return hg_fail_memory(error, "a class name", strlen(name));
  for (char *at = copy; *at != '\0'; at++)
    if (iscntrl((unsigned char)*at)) *at = ' ';
  hg_free(dataset->class_names[label]);
  dataset->class_names[label] = copy;
  return HG_OK;
}

static hg_code copy_names(const hg_dataset *from, hg_dataset *to, hg_error *error) {
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < from->classes; i++) code = hg_dataset_name_class(to, i, from->class_names[i], error);
  return code;
}

/* Where the samples at index[0..count) lie; NULL without memory. */
static int64_t *places_of(const hg_dataset *dataset, const int64_t *index, int64_t count) {
  int64_t *places = hg_malloc((size_t)count * sizeof *places);
  for (int64_t i = 0; places != NULL && i < count; i++)
    places[i] = dataset->places == NULL ? index[i] : dataset->places[index[i]];
  return places;
}

static hg_code share_pixels(const hg_dataset *dataset, const int64_t *index, hg_dataset *made, hg_error *error) {
  made->places = places_of(dataset, index, made->count);
  if (made->places == NULL) return hg_fail_memory(error, "a data set", (size_t)made->count * sizeof *made->places);
  made->pixels = dataset->pixels;
  made->map = dataset->map;
  atomic_fetch_add(&made->map->users, 1);
  return HG_OK;
}

static hg_code copy_pixels(const hg_dataset *dataset, const int64_t *index, hg_dataset *made, hg_error *error) {
  size_t bytes = image_bytes(dataset->shape);
  made->pixels = take_pixels((size_t)made->count * bytes);
  if (made->pixels == NULL) return hg_fail_memory(error, "a data set", (size_t)made->count * bytes);
  for (int64_t i = 0; i < made->count; i++) memcpy(made->pixels + (size_t)i * bytes, hg_dataset_image(dataset, index[i]), bytes);
  return HG_OK;
}

static void copy_labels(const hg_dataset *dataset, const int64_t *index, hg_dataset *made) {
  if (dataset->labels == NULL) {
    hg_free(made->labels);
    made->labels = NULL;
  }
  for (int64_t i = 0; dataset->labels != NULL && i < made->count; i++) made->labels[i] = dataset->labels[index[i]];
}

typedef hg_code bring_pixels(const hg_dataset *dataset, const int64_t *index, hg_dataset *made, hg_error *error);

static hg_code select_samples(const hg_dataset *dataset, const int64_t *index, int64_t count, bring_pixels *bring,
                              hg_dataset **selected, hg_error *error) {
  hg_code code = new_without_pixels(dataset->shape, count, dataset->classes, selected, error);
  if (code != HG_OK) return code;
  hg_dataset *made = *selected;
  memcpy(made->source, dataset->source, sizeof made->source);
  code = bring(dataset, index, made, error);
  if (code == HG_OK) copy_labels(dataset, index, made);
  if (code == HG_OK) code = copy_names(dataset, made, error);
  if (code != HG_OK) {
    hg_dataset_free(made);
    *selected = NULL;
  }
  return code;
}

hg_code hg_dataset_subset(const hg_dataset *dataset, const int64_t *index, int64_t count, hg_dataset **subset, hg_error *error) {
  return select_samples(dataset, index, count, dataset->map != NULL ? share_pixels : copy_pixels, subset, error);
}

hg_code hg_dataset_copy(const hg_dataset *dataset, const int64_t *index, int64_t count, hg_dataset **copy, hg_error *error) {
  return select_samples(dataset, index, count, copy_pixels, copy, error);
}

hg_code hg_dataset_keep(hg_dataset *dataset, const int64_t *index, int64_t count, hg_error *error) {
  int64_t *places = places_of(dataset, index, count);
  if (places == NULL) return hg_fail_memory(error, "a data set", (size_t)count * sizeof *places);
  for (int64_t i = 0; dataset->labels != NULL && i < count; i++) dataset->labels[i] = dataset->labels[index[i]];
  hg_free(dataset->places);
  dataset->places = places;
  dataset->count = count;
  return HG_OK;
}

/* Numbers enter the digest as little-endian 64-bit words, so that it does not depend on the machine. */
static void digest_number(EVP_MD_CTX *context, int64_t value) {
  unsigned char bytes[8];
  for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)value >> (8 * i));
  EVP_DigestUpdate(context, bytes, sizeof bytes);
}

static void digest_labels(EVP_MD_CTX *context, const int32_t *labels, int64_t count) {
  unsigned char bytes[4096];
  size_t used = 0;
  for (int64_t i = 0; i < count; i++) {
    for (int k = 0; k < 4; k++) bytes[used++] = (unsigned char)((uint32_t)labels[i] >> (8 * k));
    if (used == sizeof bytes) {
      EVP_DigestUpdate(context, bytes, used);
      used = 0;
    }
  }
  EVP_DigestUpdate(context, bytes, used);
}

void hg_dataset_digest(const hg_dataset *dataset, char *out) {
  if (dataset->digest[0] != '\0') {
    memcpy(out, dataset->digest, sizeof dataset->digest);
    return;
  }
  unsigned char digest[EVP_MAX_MD_SIZE] = {0};
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1) {
    digest_number(context, dataset->shape.height);
    digest_number(context, dataset->shape.width);
    digest_number(context, dataset->shape.channels);
    digest_number(context, dataset->count);
    digest_number(context, dataset->classes);
    for (int64_t i = 0; i < dataset->count; i++)
      EVP_DigestUpdate(context, hg_dataset_image(dataset, i), image_bytes(dataset->shape));
    digest_number(context, dataset->labels != NULL);
    if (dataset->labels != NULL) digest_labels(context, dataset->labels, dataset->count);
    EVP_DigestFinal_ex(context, digest, NULL);
  }
  EVP_MD_CTX_free(context);
  for (int i = 0; i < 32; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static hg_code check_labels(const int32_t *labels, int64_t count, int classes, hg_error *error) {
  for (int64_t i = 0; i < count; i++)
    if (labels[i] < 0 || labels[i] >= classes)
      return hg_fail(error, HG_DATA, "labels", "label %d of image %lld is not in [0, %d)", labels[i], (long long)i, classes);
  return HG_OK;
}

hg_code hg_dataset_from_arrays(const uint8_t *pixels, const int32_t *labels, int64_t count, hg_shape shape, int classes,
                               hg_dataset **dataset, hg_error *error) {
  *dataset = NULL;
  if (labels != NULL) {
    hg_code code = check_labels(labels, count, classes, error);
    if (code != HG_OK) return code;
  }
  hg_code code = hg_dataset_new(shape, count, classes, dataset, error);
  if (code != HG_OK) return code;
  hg_dataset *made = *dataset;
  snprintf(made->source, sizeof made->source, "arrays");
  if (count > 0) memcpy(made->pixels, pixels, (size_t)count * image_bytes(shape));
  if (labels != NULL) {
    if (count > 0) memcpy(made->labels, labels, (size_t)count * sizeof *labels);
  } else {
    hg_free(made->labels);
    made->labels = NULL;
  }
  return HG_OK;
}

int64_t hg_dataset_count(const hg_dataset *dataset) { return dataset->count; }
hg_shape hg_dataset_shape(const hg_dataset *dataset) { return dataset->shape; }
int hg_dataset_classes(const hg_dataset *dataset) { return dataset->classes; }

const uint8_t *hg_dataset_image(const hg_dataset *dataset, int64_t index) {
  int64_t place = dataset->places == NULL ? index : dataset->places[index];
  return dataset->pixels + (size_t)place * image_bytes(dataset->shape);
}

int hg_dataset_label(const hg_dataset *dataset, int64_t index) { return dataset->labels == NULL ? -1 : dataset->labels[index]; }

const char *hg_dataset_class_name(const hg_dataset *dataset, int label) {
  return label < 0 || label >= dataset->classes ? "" : dataset->class_names[label];
}
