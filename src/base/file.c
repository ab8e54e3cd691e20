#define _GNU_SOURCE
#include "base/file.h"

#include "base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int write_all(int descriptor, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(descriptor, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return -1;
    bytes += written;
    count -= (size_t)written;
  }
  return fsync(descriptor);
}

/* The folder that the path stands in, hg_malloc'ed; NULL when out of memory. */
static char *folder_of(const char *path) {
  const char *slash = strrchr(path, '/');
  char *folder = hg_strdup(slash == NULL ? "." : path);
  if (folder != NULL && slash != NULL) folder[slash == path ? 1 : slash - path] = '\0';
  return folder;
}

static void sync_folder_of(const char *path) {
  char *folder = folder_of(path);
  if (folder == NULL) return;
  int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor >= 0) {
    fsync(descriptor);
    close(descriptor);
  }
  hg_free(folder);
}

/* A new file beside `path`, with the permissions the process's mask leaves: it may not be asked for, since that changes it for
 * every thread. The name is this process's; a leftover of another that had its number is passed over. */
static int open_beside(const char *path, char *temporary, size_t size) {
  static atomic_uint written;
  int descriptor;
  do {
    snprintf(temporary, size, "%s.tmp-%ld-%u", path, (long)getpid(), atomic_fetch_add(&written, 1));
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor < 0 && errno == EEXIST);
  return descriptor;
}

hg_code hg_file_write(const char *path, const void *bytes, size_t count, hg_error *error) {
  size_t length = strlen(path) + 48;
  char *temporary = hg_malloc(length);
  if (temporary == NULL) return hg_fail_memory(error, path, length);
  int descriptor = open_beside(path, temporary, length);
  hg_code code = HG_OK;
  if (descriptor < 0) {
    code = hg_fail_errno(error, HG_FAILED, path, "write a file here");
    hg_free(temporary);
    return code;
  }
  if (write_all(descriptor, bytes, count) != 0) code = hg_fail_errno(error, HG_FAILED, path, "write");
  if (close(descriptor) != 0 && code == HG_OK) code = hg_fail_errno(error, HG_FAILED, path, "write");
  if (code == HG_OK && rename(temporary, path) != 0) code = hg_fail_errno(error, HG_FAILED, path, "replace");
  if (code == HG_OK)
    sync_folder_of(path);
  else
    unlink(temporary);
  hg_free(temporary);
  return code;
}

void hg_file_remove_leftovers(const char *path, int64_t seconds) {
  const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
  size_t length = strlen(name);
  char *folder = folder_of(path);
  DIR *listing = folder == NULL ? NULL : opendir(folder);
  struct stat status;
  for (struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;) {
    bool temporary = strncmp(entry->d_name, name, length) == 0 && strncmp(entry->d_name + length, ".tmp-", 5) == 0;
    if (!temporary || fstatat(dirfd(listing), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (time(NULL) - status.st_mtime >= seconds) unlinkat(dirfd(listing), entry->d_name, 0);
  }
  if (listing != NULL) closedir(listing);
  hg_free(folder);
}

static hg_code read_open_file(FILE *file, const char *path, size_t most, char **bytes, size_t *count, hg_error *error) {
  size_t capacity = 0, length = 0;
  char *buffer = NULL;
  struct stat status;
  size_t hint = fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode) ? (size_t)status.st_size + 2 : 65536;
  for (;;) {
    if (!hg_grow(&buffer, &capacity, length + hint + 1, 1)) {
      hg_free(buffer);
      return hg_fail_memory(error, path, length + hint);
    }
    size_t got = fread(buffer + length, 1, capacity - length - 1, file);
    length += got;
    if (length > most) {
      hg_free(buffer);
      return hg_fail(error, HG_DATA, path, "larger than the %zu bytes allowed here", most);
    }
    if (got == 0) break;
  }
  if (ferror(file)) {
    hg_free(buffer);
    return hg_fail_errno(error, HG_DATA, path, "read");
  }
  buffer[length] = '\0';
  *bytes = buffer;
  *count = length;
  return HG_OK;
}

hg_code hg_file_read(const char *path, size_t most, char **bytes, size_t *count, hg_error *error) {
  *bytes = NULL;
  *count = 0;
  FILE *file = fopen(path, "rbe");
  if (file == NULL) return hg_fail_errno(error, HG_DATA, path, "open");
  hg_code code = hg_path_is_folder(path) ? hg_fail(error, HG_DATA, path, "is a folder, not a file")
                                         : read_open_file(file, path, most, bytes, count, error);
  fclose(file);
  return code;
}

hg_code hg_folder_make(const char *path, hg_error *error) {
  char *copy = hg_strdup(path);
  if (copy == NULL) return hg_fail_memory(error, path, strlen(path));
  hg_code code = HG_OK;
  for (char *slash = copy + 1; code == HG_OK; slash++) {
    if (*slash != '/' && *slash != '\0') continue;
    char kept = *slash;
    *slash = '\0';
    if (mkdir(copy, 0777) != 0 && errno != EEXIST)
      code = hg_fail_errno(error, HG_FAILED, copy, "make the folder");
    else if (!hg_path_is_folder(copy))
      code = hg_fail(error, HG_FAILED, copy, "is a file; a folder is needed here");
    *slash = kept;
    if (kept == '\0') break;
  }
  hg_free(copy);
  return code;
}

bool hg_path_exists(const char *path) { return access(path, F_OK) == 0; }

bool hg_path_is_folder(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

char *hg_path_join(const char *dir, const char *name) {
  size_t length = strlen(dir) + strlen(name) + 2;
  char *path = hg_malloc(length);
  bool slash = dir[0] != '\0' && dir[strlen(dir) - 1] != '/';
  if (path != NULL) snprintf(path, length, "%s%s%s", dir, slash ? "/" : "", name);
  return path;
}

void hg_sha256_text(const unsigned char digest[HG_SHA256_BYTES], char out[HG_SHA256_SIZE]) {
  for (int i = 0; i < HG_SHA256_BYTES; i++) snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

void hg_sha256(const void *bytes, size_t count, char out[HG_SHA256_SIZE]) {
  unsigned char digest[EVP_MAX_MD_SIZE] = {0};
  EVP_Digest(bytes, count, digest, NULL, EVP_sha256(), NULL);
  hg_sha256_text(digest, out);
}

hg_code hg_sha256_file(const char *path, char out[HG_SHA256_SIZE], hg_error *error) {
  FILE *file = fopen(path, "rbe");
  if (file == NULL) return hg_fail_errno(error, HG_DATA, path, "open");
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  unsigned char digest[EVP_MAX_MD_SIZE] = {0}, buffer[16384];
  bool good = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
  size_t got;
  while (good && (got = fread(buffer, 1, sizeof buffer, file)) > 0) good = EVP_DigestUpdate(context, buffer, got) == 1;
  good = good && !ferror(file) && EVP_DigestFinal_ex(context, digest, NULL) == 1;
  EVP_MD_CTX_free(context);
  fclose(file);
  if (!good) return hg_fail(error, HG_DATA, path, "cannot be read to its end");
  hg_sha256_text(digest, out);
  return HG_OK;
}
