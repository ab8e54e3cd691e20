#include "data/unpack.h"

#include "base/alloc.h"
#include "base/file.h"
#include "data/archive.h"
#include "data/catalog.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_BYTES = 64 << 20 };

typedef struct unpacking {
  const char *inner, *folder;
} unpacking;

/* The name below `inner`, NULL where the entry stands elsewhere. */
static const char *name_in(const char *inner, const char *path) {
  size_t length = strlen(inner);
  if (strncmp(path, inner, length) != 0 || path[length] != '/') return NULL;
  const char *name = path + length + 1;
  return name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL ? NULL : name;
}

static void look(void *context, const char *path, bool *wanted) {
  const unpacking *unpack = context;
  const char *name = name_in(unpack->inner, path);
  *wanted = name != NULL && (strstr(name, ".bin") != NULL || strstr(name, ".txt") != NULL);
}

static hg_code take(void *context, const char *path, uint8_t *bytes, size_t count, hg_error *error) {
  const unpacking *unpack = context;
  char *to = hg_path_join(unpack->folder, name_in(unpack->inner, path));
  hg_code code = to == NULL ? hg_fail_memory(error, path, strlen(path)) : hg_file_write(to, bytes, count, error);
  hg_free(to);
  hg_free(bytes);
  return code;
}

bool hg_unpack_is_done(const char *folder) {
  char name[32], path[HG_PATH_SIZE];
  for (int i = 1; i <= 5; i++) {
    snprintf(name, sizeof name, "data_batch_%d.bin", i);
    if (!hg_find_file(folder, name, path)) return false;
  }
  return hg_find_file(folder, "test_batch.bin", path);
}

hg_code hg_unpack(const char *archive, const char *inner, const char *folder, hg_error *error) {
  unpacking unpack = {inner, folder};
  hg_archive_visitor visitor = {look, take, &unpack, MOST_BYTES};
  hg_code code = hg_archive_read(archive, &visitor, error);
  if (code == HG_OK && !hg_unpack_is_done(folder))
    code = hg_fail(error, HG_DATA, archive, "does not hold %s with its six .bin files", inner);
  if (code == HG_OK) unlink(archive);
  return code;
}
