#define _GNU_SOURCE
#include "base/alloc.h"
#include "base/file.h"
#include "data/catalog.h"

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

static char *joined(const char *first, const char *second) { return first == NULL ? NULL : hg_path_join(first, second); }

char *hg_cache_folder(void) {
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  if (cache != NULL && cache[0] == '/') return hg_path_join(cache, "hourglass");
  return home != NULL && home[0] == '/' ? hg_path_join(home, ".cache/hourglass") : NULL;
}

static char *file_in(const char *folder, const char *name, const char *suffix) {
  char full[128];
  snprintf(full, sizeof full, "%s%s", name, suffix);
  char *path = hg_path_join(folder, full);
  if (path != NULL && hg_path_exists(path)) return path;
  hg_free(path);
  return NULL;
}

char *hg_find_idx(const char *folder, const char *name) {
  char *path = file_in(folder, name, "");
  return path != NULL ? path : file_in(folder, name, ".gz");
}

const char *hg_find_idx_files(const char *folder, hg_found *found) {
  static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                      "t10k-labels-idx1-ubyte"};
  char **slots[] = {&found->images[0], &found->labels[0], &found->images[1], &found->labels[1]};
  const char *missing = NULL;
  for (int i = 0; i < 4; i++) {
    hg_free(*slots[i]);
    *slots[i] = hg_find_idx(folder, names[i]);
    if (*slots[i] == NULL && missing == NULL) missing = names[i];
  }
  return missing;
}

char *hg_find_cifar(const char *folder) {
  char *inner = hg_path_join(folder, "cifar-10-batches-bin");
  const char *candidates[] = {folder, inner};
  char *here = NULL;
  for (int i = 0; i < 2 && here == NULL; i++) {
    char *first = candidates[i] == NULL ? NULL : file_in(candidates[i], "data_batch_1.bin", "");
    if (first != NULL) here = hg_strdup(candidates[i]);
    hg_free(first);
  }
  hg_free(inner);
  return here;
}

/* NULL, or what is missing here. */
static const char *missing_in(const hg_catalog_entry *entry, const char *folder, hg_found *found) {
  if (!hg_path_is_folder(folder)) return "no such folder";
  found->layout = entry->layout;
  if (entry->layout == HG_LAYOUT_IDX) {
    const char *missing = hg_find_idx_files(folder, found);
    if (missing == NULL) found->path = hg_strdup(folder);
    return missing;
  }
  found->path = hg_find_cifar(folder);
  if (found->path != NULL) return NULL;
  found->path = file_in(folder, "cifar10-jpeg.tar.gz", "");
  if (found->path == NULL) return "no data_batch_1.bin";
  found->layout = HG_LAYOUT_ARCHIVE;
  found->jpeg_copy = true;
  return NULL;
}

/* Takes `root`; true when the entry is below it. */
static bool look_below(const hg_catalog_entry *entry, char *root, places *looked, hg_found *found) {
  char *folder = joined(root, entry->name);
  const char *missing = folder == NULL ? "out of memory" : missing_in(entry, folder, found);
  if (missing != NULL && folder != NULL) note(looked, "\n  %s: %s", folder, missing);
  hg_free(folder);
  hg_free(root);
  return missing == NULL;
}

static bool look_in_variable(const hg_catalog_entry *entry, places *looked, hg_found *found) {
  const char *folders = getenv("HOURGLASS_DATA");
  while (folders != NULL && *folders != '\0') {
    size_t length = strcspn(folders, ":");
    char *root = hg_malloc(length + 1);
    if (root != NULL) {
      memcpy(root, folders, length);
      root[length] = '\0';
    }
    if (length == 0)
      hg_free(root);
    else if (look_below(entry, root, looked, found))
      return true;
    folders += length + (folders[length] == ':');
  }
  return false;
}

/* shared/data in the current folder and in every folder above it. */
static bool look_upwards(const hg_catalog_entry *entry, places *looked, hg_found *found) {
  char here[4096];
  if (getcwd(here, sizeof here) == NULL) return false;
  bool tried = false;
  for (char *slash = here + strlen(here); slash != NULL; slash = strrchr(here, '/')) {
    *slash = '\0';
    char *root = hg_path_join(here[0] == '\0' ? "/" : here, "shared/data");
    if (root != NULL && hg_path_is_folder(root)) {
      tried = true;
      if (look_below(entry, root, looked, found)) return true;
    } else {
      hg_free(root);
    }
  }
  if (!tried) note(looked, "\n  shared/data here and in the folders above: no such folder");
  return false;
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
  places looked = {{0}, 0};
  if (look_in_variable(entry, &looked, found) || look_below(entry, hg_strdup("/usr/share/datasets"), &looked, found) ||
      look_below(entry, hg_strdup("/usr/local/share/datasets"), &looked, found) || look_upwards(entry, &looked, found) ||
      look_below(entry, hg_cache_folder(), &looked, found))
    return HG_OK;
  hg_found_release(found);
  char mend[160];
  say_how_to_get(entry, mend, sizeof mend);
  return hg_fail(error, HG_DATA, entry->name,
                 "%s was not found; %s, and HOURGLASS_DATA may name folders that hold it. Looked in%s", entry->title, mend,
                 looked.text);
}

void hg_found_release(hg_found *found) {
  hg_free(found->path);
  for (int i = 0; i < 2; i++) {
    hg_free(found->images[i]);
    hg_free(found->labels[i]);
  }
  memset(found, 0, sizeof *found);
}
