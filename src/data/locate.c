#define _GNU_SOURCE
#include "base/file.h"
#include "data/catalog.h"
#include "data/unpack.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the message of a failed search is made of; what does not fit is left out. */
typedef struct places {
  char text[640];
  size_t used;
} places;

static void note(places *looked, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(places *looked, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(looked->text + looked->used, sizeof looked->text - looked->used, format, arguments);
  va_end(arguments);
  size_t rest = sizeof looked->text - looked->used;
  if (length > 0 && (size_t)length < rest)
    looked->used += (size_t)length;
  else
    looked->text[looked->used] = '\0';
}

/* folder/name; false where it does not fit. */
static bool join(const char *folder, const char *name, char path[HG_PATH_SIZE]) {
  int length = snprintf(path, HG_PATH_SIZE, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name);
  return length > 0 && length < HG_PATH_SIZE;
}

bool hg_find_file(const char *folder, const char *name, char path[HG_PATH_SIZE]) {
  if (join(folder, name, path) && hg_path_exists(path)) return true;
  path[0] = '\0';
  return false;
}

bool hg_cache_folder(char path[HG_PATH_SIZE]) {
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  if (cache != NULL && cache[0] == '/') return join(cache, "hourglass", path);
  return home != NULL && home[0] == '/' && join(home, ".cache/hourglass", path);
}

static bool find_idx(const char *folder, const char *name, char path[HG_PATH_SIZE]) {
  char zipped[64];
  snprintf(zipped, sizeof zipped, "%s.gz", name);
  return hg_find_file(folder, name, path) || hg_find_file(folder, zipped, path);
}

const char *hg_find_idx_files(const char *folder, hg_found *found) {
  static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                      "t10k-labels-idx1-ubyte"};
  char *paths[] = {found->images[0], found->labels[0], found->images[1], found->labels[1]};
  const char *missing = NULL;
  for (int i = 0; i < 4; i++)
    if (!find_idx(folder, names[i], paths[i]) && missing == NULL) missing = names[i];
  return missing;
}

bool hg_find_cifar(const char *folder, char path[HG_PATH_SIZE]) {
  char inner[HG_PATH_SIZE];
  const char *here = hg_find_file(folder, "data_batch_1.bin", path) ? folder : NULL;
  if (here == NULL && join(folder, "cifar-10-batches-bin", inner) && hg_find_file(inner, "data_batch_1.bin", path)) here = inner;
  if (here != NULL) snprintf(path, HG_PATH_SIZE, "%s", here);
  return here != NULL;
}

/* The JPEG copy of CIFAR-10 is looked for when the original is nowhere. */
typedef struct search {
  const hg_catalog_entry *entry;
  bool jpeg_copy;
  places looked;
  hg_found *found;
} search;

/* NULL, or what is missing here. */
static const char *missing_in(const search *wanted, const char *folder) {
  const hg_catalog_entry *entry = wanted->entry;
  hg_found *found = wanted->found;
  if (!hg_path_is_folder(folder)) return "no such folder";
  found->layout = entry->layout;
  if (entry->layout == HG_LAYOUT_IDX) {
    snprintf(found->path, sizeof found->path, "%s", folder);
    return hg_find_idx_files(folder, found);
  }
  if (!wanted->jpeg_copy) {
    if (!hg_find_cifar(folder, found->path)) return "no data_batch_1.bin";
    return hg_unpack_is_done(found->path) ? NULL : "not all six .bin files";
  }
  if (!hg_find_file(folder, "cifar10-jpeg.tar.gz", found->path)) return "no cifar10-jpeg.tar.gz";
  found->layout = HG_LAYOUT_ARCHIVE;
  found->jpeg_copy = true;
  return NULL;
}

/* True when the entry is below `root`. */
static bool look_below(search *wanted, const char *root) {
  char folder[HG_PATH_SIZE];
  if (!join(root, wanted->entry->name, folder)) return false;
  const char *missing = missing_in(wanted, folder);
  if (missing != NULL && !wanted->jpeg_copy) note(&wanted->looked, "\n  %s: %s", folder, missing);
  return missing == NULL;
}

static bool look_in_variable(search *wanted) {
  const char *folders = getenv("HOURGLASS_DATA");
  while (folders != NULL && *folders != '\0') {
    size_t length = strcspn(folders, ":");
    char root[HG_PATH_SIZE];
    int written = snprintf(root, sizeof root, "%.*s", (int)length, folders);
    if (written > 0 && written < HG_PATH_SIZE && look_below(wanted, root)) return true;
    folders += length + (folders[length] == ':');
  }
  return false;
}

/* shared/data in the current folder and in every folder above it. */
static bool look_upwards(search *wanted) {
  char here[HG_PATH_SIZE], root[HG_PATH_SIZE];
  bool tried = false;
  if (getcwd(here, sizeof here) == NULL) return false;
  for (char *slash = here + strlen(here); slash != NULL; slash = strrchr(here, '/')) {
    *slash = '\0';
    if (!join(here, "shared/data", root) || !hg_path_is_folder(root)) continue;
    tried = true;
    if (look_below(wanted, root)) return true;
  }
  if (!tried && !wanted->jpeg_copy) note(&wanted->looked, "\n  shared/data here and in the folders above: no such folder");
  return false;
}

static bool look_in_cache(search *wanted) {
  char cache[HG_PATH_SIZE];
  return hg_cache_folder(cache) && look_below(wanted, cache);
}

static bool look_everywhere(search *wanted) {
  return look_in_variable(wanted) || look_below(wanted, "/usr/share/datasets") ||
         look_below(wanted, "/usr/local/share/datasets") || look_upwards(wanted) || look_in_cache(wanted);
}

static void say_how_to_get(const hg_catalog_entry *entry, char *text, size_t size) {
  if (entry->package != NULL)
    snprintf(text, size, "`apt install %s` or `hourglass data fetch %s` brings it", entry->package, entry->name);
  else
    snprintf(text, size, "`hourglass data fetch %s` brings it", entry->name);
}

hg_code hg_catalog_locate(const hg_catalog_entry *entry, hg_found *found, hg_error *error) {
  memset(found, 0, sizeof *found);
  found->layout = entry->layout;
  if (entry->layout == HG_LAYOUT_GENERATED) return HG_OK;
  search wanted = {.entry = entry, .found = found};
  if (look_everywhere(&wanted)) return HG_OK;
  wanted.jpeg_copy = entry->layout == HG_LAYOUT_CIFAR;
  if (wanted.jpeg_copy && look_everywhere(&wanted)) return HG_OK;
  memset(found, 0, sizeof *found);
  char mend[160];
  say_how_to_get(entry, mend, sizeof mend);
  return hg_fail(error, HG_DATA, entry->name,
                 "%s was not found; %s, and HOURGLASS_DATA may name folders that hold it. Looked in%s", entry->title, mend,
                 wanted.looked.text);
}
