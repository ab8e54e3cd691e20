#define _GNU_SOURCE
#include "data/folder.h"

#include "base/alloc.h"
#include "base/file.h"
#include "data/archive.h"
#include "data/catalog.h"
#include "data/decode.h"
#include "data/gather.h"
#include "data/image_cache.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---------------------------------------------------------------- the files of a folder */

typedef struct listed {
  char *path; /* relative to the folder */
  int64_t size, seconds, nanoseconds;
  hg_file_kind kind;
} listed;

typedef struct listing {
  const char *root;
  listed *files;
  size_t count, capacity;
} listing;

enum { MOST_DEPTH = 16 };

static void listing_release(listing *list) {
  for (size_t i = 0; i < list->count; i++) hg_free(list->files[i].path);
  hg_free(list->files);
}

static hg_code list_file(listing *list, const char *path, const struct stat *status, hg_error *error) {
  if (!hg_grow(&list->files, &list->capacity, list->count + 1, sizeof *list->files))
    return hg_fail_memory(error, list->root, (list->count + 1) * sizeof *list->files);
  char *copy = hg_strdup(path);
  if (copy == NULL) return hg_fail_memory(error, path, strlen(path));
  list->files[list->count++] =
      (listed){copy, status->st_size, status->st_mtim.tv_sec, status->st_mtim.tv_nsec, hg_file_kind_of(path)};
  return HG_OK;
}

static hg_code walk(listing *list, const char *folder, int depth, hg_error *error);

static hg_code list_entry(listing *list, const char *folder, const char *name, int depth, int *found, hg_error *error) {
  char path[HG_PATH_SIZE], full[HG_PATH_SIZE];
  struct stat status;
  if (snprintf(path, sizeof path, "%s%s%s", folder, folder[0] == '\0' ? "" : "/", name) >= HG_PATH_SIZE ||
      snprintf(full, sizeof full, "%s/%s", list->root, path) >= HG_PATH_SIZE)
    return hg_fail(error, HG_DATA, list->root, "holds a path longer than %d bytes", HG_PATH_SIZE - 1);
  if (stat(full, &status) != 0) return hg_fail_errno(error, HG_DATA, full, "read");
  if (S_ISDIR(status.st_mode)) {
    ++*found;
    return walk(list, path, depth + 1, error);
  }
  if (!S_ISREG(status.st_mode)) return HG_OK;
  *found += hg_file_kind_of(name) == HG_FILE_IMAGE;
  return list_file(list, path, &status, error);
}

/* Lists what is below root/folder. A folder without images and without folders is a class without images. */
static hg_code walk(listing *list, const char *folder, int depth, hg_error *error) {
  char full[HG_PATH_SIZE];
  if (depth > MOST_DEPTH) return hg_fail(error, HG_DATA, list->root, "has folders more than %d deep: %s", MOST_DEPTH, folder);
  if (snprintf(full, sizeof full, "%s%s%s", list->root, folder[0] == '\0' ? "" : "/", folder) >= HG_PATH_SIZE)
    return hg_fail(error, HG_DATA, list->root, "holds a path longer than %d bytes", HG_PATH_SIZE - 1);
  DIR *directory = opendir(full);
  if (directory == NULL) return hg_fail_errno(error, HG_DATA, full, "read the folder");
  hg_code code = HG_OK;
  int found = 0;
  for (struct dirent *entry; code == HG_OK && (entry = readdir(directory)) != NULL;)
    if (entry->d_name[0] != '.' && strcmp(entry->d_name, "__MACOSX") != 0)
      code = list_entry(list, folder, entry->d_name, depth, &found, error);
  closedir(directory);
  if (code == HG_OK && found == 0 && depth > 0)
    code = hg_fail(error, HG_DATA, full, "is a class folder without PNG or JPEG images");
  return code;
}

static int by_path(const void *a, const void *b) { return strcmp(((const listed *)a)->path, ((const listed *)b)->path); }

static hg_code add_file(hg_gather *gather, const char *root, const char *path, hg_error *error) {
  char *full = hg_path_join(root, path), *bytes = NULL;
  size_t count;
  if (full == NULL) return hg_fail_memory(error, path, strlen(path));
  hg_code code = hg_file_read(full, HG_MOST_IMAGE_FILE, &bytes, &count, error);
  hg_free(full);
  return code == HG_OK ? hg_gather_add(gather, path, (uint8_t *)bytes, count, error) : code;
}

static hg_code gather_folder(hg_gather *gather, const listing *list, hg_error *error) {
  hg_code code = HG_OK;
  for (size_t i = 0; code == HG_OK && i < list->count; i++) {
    if (list->files[i].kind == HG_FILE_OTHER) hg_gather_skip(gather);
    if (list->files[i].kind == HG_FILE_IMAGE) code = add_file(gather, list->root, list->files[i].path, error);
  }
  return code;
}

/* ---------------------------------------------------------------- the entries of an archive */

static void look_at_entry(void *context, const char *path, bool *wanted) {
  hg_file_kind kind = hg_file_kind_of(path);
  if (kind == HG_FILE_OTHER) hg_gather_skip(context);
  *wanted = kind == HG_FILE_IMAGE;
}

static hg_code take_entry(void *context, const char *path, uint8_t *bytes, size_t count, hg_error *error) {
  return hg_gather_add(context, path, bytes, count, error);
}

static hg_code gather_archive(hg_gather *gather, const char *path, hg_error *error) {
  hg_archive_visitor visitor = {look_at_entry, take_entry, gather, HG_MOST_IMAGE_FILE};
  return hg_archive_read(path, &visitor, error);
}

/* ---------------------------------------------------------------- both */

/* The cache's name and state: from path and settings, and from path, size and time of every file. */
static hg_code describe(const char *path, const hg_folder_settings *settings, const listing *list, hg_image_cache *cache,
                        hg_error *error) {
  char *real = realpath(path, NULL), *text = NULL;
  size_t size = 0;
  FILE *stream = open_memstream(&text, &size);
  if (stream != NULL) {
    fprintf(stream, "%s\n%d %d %d\n", real == NULL ? path : real, settings->resize, settings->grayscale, settings->archive);
    fflush(stream);
    hg_sha256(text, size, cache->name);
    for (size_t i = 0; i < list->count; i++)
      fprintf(stream, "%s\t%lld\t%lld.%lld\n", list->files[i].path, (long long)list->files[i].size,
              (long long)list->files[i].seconds, (long long)list->files[i].nanoseconds);
    fclose(stream);
    hg_sha256(text, size, cache->state);
  }
  free(real);
  free(text);
  return stream == NULL ? hg_fail_memory(error, path, 0) : HG_OK;
}

static hg_code list_all(const char *path, const hg_folder_settings *settings, listing *list, hg_error *error) {
  struct stat status;
  if (stat(path, &status) != 0) return hg_fail_errno(error, HG_DATA, path, "open");
  if (settings->archive) return list_file(list, path, &status, error);
  hg_code code = walk(list, "", 0, error);
  if (code == HG_OK && list->count > 0) qsort(list->files, list->count, sizeof *list->files, by_path);
  return code;
}

static hg_code decode_all(const char *path, const hg_folder_settings *settings, const listing *list, hg_dataset *parts[2],
                          hg_error *error) {
  hg_gather *gather;
  hg_code code = hg_gather_new(path, settings, &gather, error);
  if (code != HG_OK) return code;
  code = settings->archive ? gather_archive(gather, path, error) : gather_folder(gather, list, error);
  if (code == HG_OK) code = hg_gather_finish(gather, parts, error);
  hg_gather_free(gather);
  return code;
}

static void hand_over(hg_dataset *part, hg_dataset **to) {
  if (to == NULL)
    hg_dataset_free(part);
  else
    *to = part;
}

hg_code hg_folder_read(const char *path, const hg_folder_settings *settings, hg_dataset **train, hg_dataset **test,
                       hg_error *error) {
  listing list = {.root = path};
  hg_image_cache cache;
  hg_dataset *parts[2] = {NULL, NULL};
  hg_code code = list_all(path, settings, &list, error);
  if (code == HG_OK) code = describe(path, settings, &list, &cache, error);
  if (code == HG_OK && !hg_image_cache_load(&cache, parts)) {
    code = decode_all(path, settings, &list, parts, error);
    if (code == HG_OK) hg_image_cache_store(&cache, parts);
  }
  listing_release(&list);
  if (code != HG_OK) return code;
  hand_over(parts[0], train);
  hand_over(parts[1], test);
  return HG_OK;
}
