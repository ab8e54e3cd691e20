/* Files that are either whole or not there: written beside their place, synced, renamed. */
#ifndef HG_BASE_FILE_H
#define HG_BASE_FILE_H

#include "base/status.h"

/* Writes bytes to path through a temporary file, fsync and rename; the folder is synced too. On failure path is as it was. */
hg_code hg_file_write(const char *path, const void *bytes, size_t count, hg_error *error);

/* Removes temporary files of `path` that a killed process left, where they were last written at least so many seconds ago. */
void hg_file_remove_leftovers(const char *path, int64_t seconds);

/* Reads a whole file into hg_malloc'ed memory with one 0 byte after it; the caller frees. HG_DATA if it cannot be read
 * or is longer than `most` bytes. */
hg_code hg_file_read(const char *path, size_t most, char **bytes, size_t *count, hg_error *error);

/* mkdir -p. */
hg_code hg_folder_make(const char *path, hg_error *error);
bool hg_path_exists(const char *path);
bool hg_path_is_folder(const char *path);

/* dir/name, hg_malloc'ed; NULL when out of memory. */
char *hg_path_join(const char *dir, const char *name);

/* Lower-case hexadecimal SHA-256 with a final 0. */
enum { HG_SHA256_BYTES = 32, HG_SHA256_SIZE = 65 };
void hg_sha256_text(const unsigned char digest[HG_SHA256_BYTES], char out[HG_SHA256_SIZE]);
void hg_sha256(const void *bytes, size_t count, char out[HG_SHA256_SIZE]);
hg_code hg_sha256_file(const char *path, char out[HG_SHA256_SIZE], hg_error *error);

#endif
