#include "data/dataset.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/shape.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

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

hg_code hg_dataset_new(hg_shape shape, int64_t count, int classes, hg_dataset **dataset, hg_error *error) {
  *dataset = NULL;
  hg_code code = check_size(shape, count, classes, error);
  if (code != HG_OK) return code;
  size_t bytes = (size_t)count * image_bytes(shape);
  hg_dataset *made = hg_calloc(1, sizeof *made);
  if (made == NULL) return hg_fail_memory(error, "a data set", sizeof *made);
  made->shape = shape;
  made->count = count;
  made->classes = classes;
  made->pixels = take_pixels(bytes);
  made->labels = hg_calloc((size_t)count, sizeof *made->labels);
  made->class_names = hg_calloc((size_t)classes, sizeof *made->class_names);
  if (made->pixels == NULL || made->labels == NULL || made->class_names == NULL)
    code = hg_fail_memory(error, "a data set", bytes);
  else
    code = name_all_by_number(made, error);
  if (code != HG_OK) {
    hg_dataset_free(made);
    return code;
  }
  *dataset = made;
  return HG_OK;
}

void hg_dataset_free(hg_dataset *dataset) {
  if (dataset == NULL) return;
  for (int i = 0; dataset->class_names != NULL && i < dataset->classes; i++) hg_free(dataset->class_names[i]);
  hg_free(dataset->class_names);
  hg_free(dataset->labels);
  hg_free(dataset->pixels);
  hg_free(dataset);
}

hg_code hg_dataset_name_class(hg_dataset *dataset, int label, const char *name, hg_error *error) {
  if (label < 0 || label >= dataset->classes)
    return hg_fail(error, HG_USAGE, dataset->source, "class %d cannot be named: there are %d classes", label, dataset->classes);
  char *copy = hg_strdup(name);
  if (copy == NULL) return hg_fail_memory(error, "a class name", strlen(name));
  hg_free(dataset->class_names[label]);
  dataset->class_names[label] = copy;
  return HG_OK;
}

static hg_code copy_names(const hg_dataset *from, hg_dataset *to, hg_error *error) {
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < from->classes; i++) code = hg_dataset_name_class(to, i, from->class_names[i], error);
  return code;
}

hg_code hg_dataset_subset(const hg_dataset *dataset, const int64_t *index, int64_t count, hg_dataset **subset, hg_error *error) {
  hg_code code = hg_dataset_new(dataset->shape, count, dataset->classes, subset, error);
  if (code != HG_OK) return code;
  hg_dataset *made = *subset;
  memcpy(made->source, dataset->source, sizeof made->source);
  size_t bytes = image_bytes(dataset->shape);
  for (int64_t i = 0; i < count; i++) {
    memcpy(made->pixels + (size_t)i * bytes, dataset->pixels + (size_t)index[i] * bytes, bytes);
    if (dataset->labels != NULL) made->labels[i] = dataset->labels[index[i]];
  }
  if (dataset->labels == NULL) {
    hg_free(made->labels);
    made->labels = NULL;
  }
  code = copy_names(dataset, made, error);
  if (code != HG_OK) {
    hg_dataset_free(made);
    *subset = NULL;
  }
  return code;
}

/* Runs of neighbours move at once. */
void hg_dataset_keep(hg_dataset *dataset, const int64_t *index, int64_t count) {
  size_t bytes = image_bytes(dataset->shape);
  for (int64_t i = 0, run; i < count; i += run) {
    for (run = 1; i + run < count && index[i + run] == index[i] + run; run++) {
    }
    memmove(dataset->pixels + (size_t)i * bytes, dataset->pixels + (size_t)index[i] * bytes, (size_t)run * bytes);
    if (dataset->labels != NULL) memmove(dataset->labels + i, dataset->labels + index[i], (size_t)run * sizeof *dataset->labels);
  }
  dataset->count = count;
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
    EVP_DigestUpdate(context, dataset->pixels, (size_t)dataset->count * image_bytes(dataset->shape));
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
  return dataset->pixels + (size_t)index * image_bytes(dataset->shape);
}

int hg_dataset_label(const hg_dataset *dataset, int64_t index) { return dataset->labels == NULL ? -1 : dataset->labels[index]; }

const char *hg_dataset_class_name(const hg_dataset *dataset, int label) {
  return label < 0 || label >= dataset->classes ? "" : dataset->class_names[label];
}
