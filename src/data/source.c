#define _GNU_SOURCE
#include "data/source.h"

#include "base/file.h"
#include "base/shape.h"
#include "data/cifar.h"
#include "data/convert.h"
#include "data/folder.h"
#include "data/idx.h"
#include "data/image_cache.h"
#include "data/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

static void list_catalog(char *text, size_t size) {
  int count;
  const hg_catalog_entry *entries = hg_catalog(&count);
  size_t used = 0;
  for (int i = 0; i < count && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ", ", entries[i].name);
}

/* The IDX files of a folder of any origin: the training part is needed, the test part is not. */
static bool is_idx_folder(const char *path, hg_found *found) {
  hg_find_idx_files(path, found);
  if (found->images[0][0] != '\0') return true;
  memset(found->images, 0, sizeof found->images);
  memset(found->labels, 0, sizeof found->labels);
  return false;
}

/* `path` with the first `from` in its last part replaced by `to`; false, and "", where there is none. */
static bool replace(const char *path, const char *from, const char *to, char made[HG_PATH_SIZE]) {
  const char *slash = strrchr(path, '/'), *at = strstr(slash == NULL ? path : slash, from);
  int length = at == NULL ? 0 : snprintf(made, HG_PATH_SIZE, "%.*s%s%s", (int)(at - path), path, to, at + strlen(from));
  if (length > 0 && length < HG_PATH_SIZE) return true;
  made[0] = '\0';
  return false;
}

static void find_labels_beside(const char *images, char labels[HG_PATH_SIZE]) {
  char renamed[HG_PATH_SIZE];
  labels[0] = '\0';
  if (!replace(images, "images", "labels", renamed)) return;
  if (!replace(renamed, "idx3", "idx1", labels)) snprintf(labels, HG_PATH_SIZE, "%s", renamed);
  if (!hg_path_exists(labels)) labels[0] = '\0';
}

static void find_idx_siblings(const char *path, hg_found *found) {
  found->layout = HG_LAYOUT_IDX;
  snprintf(found->images[0], HG_PATH_SIZE, "%s", path);
  find_labels_beside(path, found->labels[0]);
  bool test = (replace(path, "train", "t10k", found->images[1]) && hg_path_exists(found->images[1])) ||
              (replace(path, "train", "test", found->images[1]) && hg_path_exists(found->images[1]));
  if (test)
    find_labels_beside(found->images[1], found->labels[1]);
  else
    found->images[1][0] = '\0';
}

static bool starts_like_idx(const char *path) {
  gzFile file = gzopen(path, "rbe");
  unsigned char magic[4] = {1, 1, 1, 1};
  bool whole = file != NULL && gzread(file, magic, sizeof magic) == sizeof magic;
  bool idx = whole && magic[0] == 0 && magic[1] == 0 && magic[2] >= 8 && magic[2] <= 14 && magic[3] >= 1 && magic[3] <= 4;
  if (file != NULL) gzclose(file);
  return idx;
}

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), tail = strlen(end);
  return length >= tail && strcmp(text + length - tail, end) == 0;
}

static void recognise(hg_found *found) {
  char cifar[HG_PATH_SIZE];
  const char *path = found->path, *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
  bool binary = ends_with(name, ".bin");
  if (hg_path_is_folder(path)) {
    if (is_idx_folder(path, found)) {
      found->layout = HG_LAYOUT_IDX;
    } else if (hg_find_cifar(path, cifar)) {
      found->layout = HG_LAYOUT_CIFAR;
      memcpy(found->path, cifar, sizeof cifar);
    } else {
      found->layout = HG_LAYOUT_FOLDER;
    }
  } else if (strstr(name, "-idx") != NULL || (starts_like_idx(path) && !(binary && hg_cifar_has_records(path)))) {
    find_idx_siblings(path, found);
  } else {
    found->layout = binary ? HG_LAYOUT_CIFAR : HG_LAYOUT_ARCHIVE;
  }
}

/* Labels without images, or for one part only, are most likely a file that did not come along. */
static hg_code check_idx_pairs(const hg_found *found, hg_error *error) {
  static const char *const parts[] = {"training", "test"};
  if (found->layout != HG_LAYOUT_IDX) return HG_OK;
  bool labelled = found->labels[0][0] != '\0' || found->labels[1][0] != '\0';
  for (int part = 0; labelled && part < 2; part++) {
    bool images = found->images[part][0] != '\0', labels = found->labels[part][0] != '\0';
    if (images != labels)
      return hg_fail(error, HG_DATA, images ? found->images[part] : found->labels[part],
                     "there is no file of %s for these %s of the %s part", images ? "labels" : "images",
                     images ? "images" : "labels", parts[part]);
  }
  return HG_OK;
}

static hg_code fail_source(const char *text, const char *path, hg_error *error) {
  const char *meant = strchr(text, '/') == NULL ? hg_catalog_nearest(text) : NULL;
  char names[256];
  if (meant != NULL)
    return hg_fail(error, HG_DATA, text, "is neither a data set of the catalog nor a file or folder; did you mean `%s`?", meant);
  list_catalog(names, sizeof names);
  return hg_fail(error, HG_DATA, text, "is neither a data set of the catalog (%s) nor a file or folder: %s is not there", names,
                 path);
}

/* base_folder/text; a text that begins with ./ or a base folder of "." puts no ./ before it again. */
static int place(const char *text, const char *base_folder, char path[HG_PATH_SIZE]) {
  bool relative = text[0] != '/' && base_folder != NULL && base_folder[0] != '\0';
  if (relative && strcmp(base_folder, ".") == 0 && strncmp(text, "./", 2) == 0) relative = false;
  while (relative && strncmp(text, "./", 2) == 0) text += 2 + strspn(text + 2, "/");
  return snprintf(path, HG_PATH_SIZE, "%s%s%s", relative ? base_folder : "", relative ? "/" : "", text);
}

static hg_code find_path(const char *text, const char *base_folder, hg_source *source, hg_error *error) {
  char *path = source->found.path;
  int length = place(text, base_folder, path);
  if (length >= HG_PATH_SIZE) return hg_fail(error, HG_USAGE, "source", "the path is longer than %d bytes", HG_PATH_SIZE - 1);
  snprintf(source->label, sizeof source->label, "%s", text);
  struct stat status;
  if (stat(path, &status) != 0) return fail_source(text, path, error);
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) /* a pipe would keep the reader waiting */
    return hg_fail(error, HG_DATA, text, "is neither a file nor a folder: %s", path);
  recognise(&source->found);
  return check_idx_pairs(&source->found, error);
}

hg_code hg_source_find(const char *source, const char *base_folder, hg_source *found, hg_error *error) {
  memset(found, 0, sizeof *found);
  if (source == NULL || source[0] == '\0') return hg_fail(error, HG_USAGE, "source", "no source is given");
  found->entry = hg_catalog_find(source);
  if (found->entry == NULL) return find_path(source, base_folder, found, error);
  hg_code code = hg_catalog_locate(found->entry, &found->found, error);
  snprintf(found->label, sizeof found->label, "%s%s", found->entry->title, found->found.jpeg_copy ? " (JPEG copy)" : "");
  return code;
}

/* The training and the test part may each lack the highest class: both files are asked. */
static hg_code idx_classes(const hg_source *source, int *classes, hg_error *error) {
  *classes = source->entry == NULL ? 0 : source->entry->classes;
  hg_code code = HG_OK;
  for (int part = 0; code == HG_OK && source->entry == NULL && part < 2; part++) {
    int found = 0;
    if (source->found.labels[part][0] != '\0') code = hg_idx_classes(source->found.labels[part], &found, error);
    if (found > *classes) *classes = found;
  }
  return code;
}

static const char *labels_of(const hg_source *source, int part) {
  return source->found.labels[part][0] == '\0' ? NULL : source->found.labels[part];
}

static hg_code read_idx(const hg_source *source, hg_dataset **train, hg_dataset **test, hg_error *error) {
  int classes;
  hg_code code = idx_classes(source, &classes, error);
  hg_dataset **parts[2] = {train, test};
  for (int part = 0; code == HG_OK && part < 2; part++)
    if (parts[part] != NULL && source->found.images[part][0] != '\0')
      code = hg_idx_read(source->found.images[part], labels_of(source, part), classes, parts[part], error);
  return code;
}

/* ---- what took long to unpack is kept unpacked */

static void describe_file(FILE *stream, const char *path) {
  struct stat status;
  if (path[0] != '\0' && stat(path, &status) == 0)
    fprintf(stream, "%s\t%lld\t%lld.%lld\n", path, (long long)status.st_size, (long long)status.st_mtim.tv_sec,
            (long long)status.st_mtim.tv_nsec);
}

/* The cache's name from the path, its state from size and time of every file too. */
static bool describe_idx(const hg_source *source, hg_image_cache *cache) {
  char *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);
  if (stream == NULL) return false;
  fprintf(stream, "idx\n%s\n%d\n", source->found.images[0], source->entry == NULL ? 0 : source->entry->classes);
  fflush(stream);
  hg_sha256(text, size, cache->name);
  for (int part = 0; part < 2; part++) {
    describe_file(stream, source->found.images[part]);
    describe_file(stream, source->found.labels[part]);
  }
  bool good = fclose(stream) == 0;
  if (good) hg_sha256(text, size, cache->state);
  free(text);
  return good;
}

static bool is_compressed(const hg_source *source) {
  bool labelled = source->found.labels[0][0] != '\0' && source->found.labels[1][0] != '\0';
  return labelled && source->found.images[1][0] != '\0' && ends_with(source->found.images[0], ".gz");
}

static hg_code read_idx_once(const hg_source *source, hg_dataset **train, hg_dataset **test, hg_error *error) {
  hg_image_cache cache;
  hg_dataset *parts[2];
  bool kept = train != NULL && test != NULL && is_compressed(source) && describe_idx(source, &cache);
  if (kept && hg_image_cache_load(&cache, parts)) {
    *train = parts[0];
    *test = parts[1];
    return HG_OK;
  }
  hg_code code = read_idx(source, train, test, error);
  if (code == HG_OK && kept) hg_image_cache_store(&cache, (hg_dataset *const[]){*train, *test});
  return code;
}

static hg_code read_cifar(const hg_source *source, hg_dataset **train, hg_dataset **test, hg_error *error) {
  const char *path = source->found.path;
  if (!hg_path_is_folder(path)) return train == NULL ? HG_OK : hg_cifar_read_file(path, train, error);
  char test_batch[HG_PATH_SIZE];
  hg_code code = train == NULL ? HG_OK : hg_cifar_read(path, false, train, error);
  bool wanted = test != NULL && (source->entry != NULL || hg_find_file(path, "test_batch.bin", test_batch));
  if (code == HG_OK && wanted) code = hg_cifar_read(path, true, test, error);
  return code;
}

/* A folder's reader leaves its remark on skipped files where the source's name belongs. */
static hg_code name_source_and_classes(const hg_source *source, hg_dataset *dataset, hg_error *error) {
  bool remarked = source->found.layout == HG_LAYOUT_FOLDER || source->found.layout == HG_LAYOUT_ARCHIVE;
  char remark[64] = "";
  if (remarked) snprintf(remark, sizeof remark, "%.63s", dataset->source);
  snprintf(dataset->source, sizeof dataset->source, "%.190s%s", source->label, remark);
  hg_code code = HG_OK;
  for (int i = 0; source->entry != NULL && source->entry->class_names != NULL && code == HG_OK && i < dataset->classes; i++)
    code = hg_dataset_name_class(dataset, i, source->entry->class_names[i], error);
  return code;
}

static hg_code read_parts(const hg_source *source, const hg_data_settings *settings, hg_dataset **train, hg_dataset **test,
                          hg_error *error) {
  hg_folder_settings how = {settings->resize, settings->grayscale, source->found.layout == HG_LAYOUT_ARCHIVE};
  switch (source->found.layout) {
    case HG_LAYOUT_IDX:
      return read_idx_once(source, train, test, error);
    case HG_LAYOUT_CIFAR:
      return read_cifar(source, train, test, error);
    case HG_LAYOUT_GENERATED:
      return hg_lines_make(&settings->lines, settings->seed, train, test, error);
    default:
      return hg_folder_read(source->found.path, &how, train, test, error);
  }
}

/* What lies where the catalog's set is looked for may be another. */
static hg_code check_entry(const hg_source *source, const hg_data_settings *settings, const hg_dataset *part, hg_error *error) {
  const hg_catalog_entry *entry = source->entry;
  hg_shape has = part->shape, wants = entry == NULL ? has : entry->shape;
  if (settings->resize != 0) wants.height = has.height, wants.width = has.width;
  if (settings->grayscale && has.channels == 1) wants.channels = 1;
  if (entry == NULL || (hg_shape_equal(has, wants) && part->classes == entry->classes)) return HG_OK;
  return hg_fail(error, HG_DATA, source->found.path,
                 "is not %s: it has %d classes and images of %d x %d x %d, not %d and %d x %d x %d", entry->title, part->classes,
                 has.height, has.width, has.channels, entry->classes, entry->shape.height, entry->shape.width,
                 entry->shape.channels);
}

/* Names, resize and grayscale, and what must hold of every source. */
static hg_code finish(const hg_source *source, const hg_data_settings *settings, hg_dataset *part, hg_error *error) {
  if (part == NULL) return HG_OK;
  if (part->count == 0) return hg_fail(error, HG_DATA, source->label, "holds no images");
  hg_code code = check_entry(source, settings, part, error);
  if (code == HG_OK) code = name_source_and_classes(source, part, error);
  return code == HG_OK ? hg_dataset_convert(part, settings->resize, settings->grayscale, error) : code;
}

static hg_code check_parts_agree(const hg_source *source, const hg_dataset *train, const hg_dataset *test, hg_error *error) {
  hg_shape a = train->shape, b = test->shape;
  if (hg_shape_equal(a, b)) return HG_OK;
  return hg_fail(error, HG_DATA, source->label, "training images are %d x %d x %d, test images %d x %d x %d", a.height, a.width,
                 a.channels, b.height, b.width, b.channels);
}

hg_code hg_source_read(const hg_source *source, const hg_data_settings *settings, hg_dataset **train, hg_dataset **test,
                       hg_error *error) {
  if (train != NULL) *train = NULL;
  if (test != NULL) *test = NULL;
  hg_code code = read_parts(source, settings, train, test, error);
  if (code == HG_OK && train != NULL) code = finish(source, settings, *train, error);
  if (code == HG_OK && test != NULL) code = finish(source, settings, *test, error);
  bool both = train != NULL && test != NULL && *train != NULL && *test != NULL;
  if (code == HG_OK && both) code = check_parts_agree(source, *train, *test, error);
  if (code == HG_OK) return HG_OK;
  if (train != NULL) hg_dataset_free(*train);
  if (train != NULL) *train = NULL;
  if (test != NULL) hg_dataset_free(*test);
  if (test != NULL) *test = NULL;
  return code;
}

static int64_t chosen_images(const hg_dataset *dataset, const hg_data_settings *settings) {
  if (settings->class_count == 0 || dataset->labels == NULL) return dataset->count;
  int64_t count = 0;
  for (int64_t i = 0; i < dataset->count; i++)
    for (int k = 0; k < settings->class_count; k++) count += dataset->labels[i] == settings->classes[k];
  return count;
}

static hg_code peek_by_reading(const hg_source *source, const hg_data_settings *settings, hg_data_outline *outline,
                               hg_error *error) {
  hg_dataset *train = NULL, *test = NULL;
  hg_code code = hg_source_read(source, settings, &train, &test, error);
  if (code != HG_OK) return code;
  int64_t images = chosen_images(train, settings);
  *outline = (hg_data_outline){train->shape, train->classes, images, images};
  if (test == NULL) outline->most -= hg_data_images(settings->test, images);
  hg_dataset_free(train);
  hg_dataset_free(test);
  return HG_OK;
}

hg_code hg_source_peek(const hg_source *source, const hg_data_settings *settings, hg_data_outline *outline, hg_error *error) {
  if (source->found.layout == HG_LAYOUT_FOLDER || source->found.layout == HG_LAYOUT_ARCHIVE)
    return peek_by_reading(source, settings, outline, error);
  *outline = (hg_data_outline){{32, 32, 3}, 10, 50000, 50000};
  hg_code code = HG_OK;
  if (source->found.layout == HG_LAYOUT_IDX) {
    code = hg_idx_peek(source->found.images[0], &outline->shape, &outline->most, error);
    if (code == HG_OK) code = idx_classes(source, &outline->classes, error);
    outline->uncut = outline->most;
    if (source->found.images[1][0] == '\0') outline->most -= hg_data_images(settings->test, outline->most);
  }
  if (settings->resize > 0) outline->shape.height = outline->shape.width = settings->resize;
  if (settings->grayscale && outline->shape.channels == 3) outline->shape.channels = 1;
  return code;
}
