#define _GNU_SOURCE
#include "data/fetch.h"

#include "base/file.h"
#include "data/checksum.h"
#include "data/download.h"
#include "data/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { ATTEMPTS = 4, URL_SIZE = 1024 };

/* One file on its way. */
typedef struct fetching {
  const hg_catalog_entry *entry;
  const hg_catalog_file *file;
  const hg_fetch_settings *settings;
  char path[HG_PATH_SIZE], part[HG_PATH_SIZE];
  int descriptor;   /* of part; locked, so that no second process writes to it */
  char report[768]; /* what each mirror did */
  size_t reported;
} fetching;

hg_fetch_settings hg_fetch_settings_default(void) { return (hg_fetch_settings){.stall_seconds = 30, .connect_seconds = 15}; }

static void report(fetching *fetch, const char *url, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void report(fetching *fetch, const char *url, const char *format, ...) {
  char cause[300];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(cause, sizeof cause, format, arguments);
  va_end(arguments);
  size_t rest = sizeof fetch->report - fetch->reported;
  int length = snprintf(fetch->report + fetch->reported, rest, "\n  %.200s: %s", url, cause);
  if (length > 0 && (size_t)length < rest)
    fetch->reported += (size_t)length;
  else
    fetch->report[fetch->reported] = '\0';
}

static int64_t part_size(const fetching *fetch) {
  off_t size = lseek(fetch->descriptor, 0, SEEK_END);
  return size < 0 ? 0 : size;
}

static bool empty_part(fetching *fetch) { return ftruncate(fetch->descriptor, 0) == 0; }

/* HG_OK: in place. HG_VERIFY: the content is wrong, the part is emptied. */
static hg_code put_in_place(fetching *fetch, const char *url, hg_error *error) {
  hg_error wrong;
  if (hg_checksum_verify(fetch->part, fetch->file, &wrong) != HG_OK) {
    report(fetch, url, "sent wrong content, which %.200s", wrong.message);
    return empty_part(fetch) ? HG_VERIFY : hg_fail_errno(error, HG_FAILED, fetch->part, "empty");
  }
  if (fsync(fetch->descriptor) != 0) return hg_fail_errno(error, HG_FAILED, fetch->part, "write");
  if (rename(fetch->part, fetch->path) != 0) return hg_fail_errno(error, HG_FAILED, fetch->path, "put in place");
  return HG_OK;
}

static bool on_progress(void *context, int64_t received, int64_t total) {
  const fetching *fetch = context;
  if (fetch->settings->progress == NULL) return true;
  return fetch->settings->progress(fetch->settings->context, fetch->file->name, received, total);
}

/* HG_OK: in place. HG_VERIFY and HG_DATA: this mirror could not, reported. Anything else ends the fetch. */
static hg_code try_mirror(fetching *fetch, const char *url, hg_error *error) {
  hg_download download = {.url = url,
                          .descriptor = fetch->descriptor,
                          .most_bytes = fetch->file->most_bytes,
                          .stall_seconds = fetch->settings->stall_seconds,
                          .connect_seconds = fetch->settings->connect_seconds,
                          .progress = on_progress,
                          .context = fetch};
  hg_code code = HG_DATA;
  for (int attempt = 0; attempt < ATTEMPTS && code != HG_OK; attempt++) {
    int64_t before = part_size(fetch);
    hg_download_end end = hg_download_run(&download);
    if (end == HG_DOWNLOAD_INTERRUPTED)
      return hg_fail(error, HG_INTERRUPTED, fetch->file->name, "stopped; what has come is kept in %.300s", fetch->part);
    if (end == HG_DOWNLOAD_WHOLE)
      code = put_in_place(fetch, url, error);
    else
      report(fetch, url, "%s", download.cause);
    if (end == HG_DOWNLOAD_USELESS_PART && !empty_part(fetch)) return hg_fail_errno(error, HG_FAILED, fetch->part, "empty");
    if (code != HG_OK && code != HG_VERIFY && code != HG_DATA) return code;
    /* Worth another try: a part from elsewhere that did not fit, or a transfer that broke off after some of it. */
    bool from_elsewhere = before > 0 && (code == HG_VERIFY || end == HG_DOWNLOAD_USELESS_PART);
    bool came_on = end == HG_DOWNLOAD_BROKEN && part_size(fetch) > before;
    if (!from_elsewhere && !came_on) break;
  }
  return code;
}

static hg_code try_mirrors(fetching *fetch, hg_error *error) {
  char url[URL_SIZE];
  const char *own = getenv("HOURGLASS_MIRROR");
  hg_code code = HG_DATA;
  bool wrong = false;
  for (int i = -1; i < HG_MOST_MIRRORS && (code == HG_DATA || code == HG_VERIFY); i++) {
    if (i < 0 && (own == NULL || own[0] == '\0')) continue;
    if (i >= 0 && fetch->entry->mirrors[i] == NULL) break;
    if (i < 0)
      snprintf(url, sizeof url, "%.500s/%s/%s", own, fetch->entry->name, fetch->file->name);
    else
      snprintf(url, sizeof url, "%s%s", fetch->entry->mirrors[i], fetch->file->name);
    code = try_mirror(fetch, url, error);
    wrong = wrong || code == HG_VERIFY;
  }
  if (code != HG_DATA && code != HG_VERIFY) return code;
  return hg_fail(error, wrong ? HG_VERIFY : HG_DATA, fetch->file->name, "no mirror delivered it%s", fetch->report);
}

static hg_code open_part(fetching *fetch, hg_error *error) {
  fetch->descriptor = open(fetch->part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fetch->descriptor < 0) return hg_fail_errno(error, HG_FAILED, fetch->part, "write a file here");
  if (flock(fetch->descriptor, LOCK_EX | LOCK_NB) == 0) return HG_OK;
  hg_code code = errno == EWOULDBLOCK ? hg_fail(error, HG_FAILED, fetch->part, "another process is fetching it")
                                      : hg_fail_errno(error, HG_FAILED, fetch->part, "lock");
  close(fetch->descriptor);
  return code;
}

static hg_code download(fetching *fetch, hg_error *error) {
  hg_code code = open_part(fetch, error);
  if (code != HG_OK) return code;
  /* An earlier run may have been stopped between the last byte and the name. */
  bool whole = part_size(fetch) > 0 && hg_checksum_verify(fetch->part, fetch->file, NULL) == HG_OK;
  code = whole ? put_in_place(fetch, fetch->part, error) : try_mirrors(fetch, error);
  if (code != HG_OK && part_size(fetch) == 0) unlink(fetch->part);
  close(fetch->descriptor);
  return code;
}

static hg_code fetch_file(const hg_catalog_entry *entry, const hg_catalog_file *file, const char *folder,
                          const hg_fetch_settings *settings, hg_error *error) {
  fetching fetch = {.entry = entry, .file = file, .settings = settings};
  if (snprintf(fetch.path, sizeof fetch.path, "%s/%s", folder, file->name) >= HG_PATH_SIZE - 8)
    return hg_fail(error, HG_USAGE, folder, "the path is longer than %d bytes", HG_PATH_SIZE);
  snprintf(fetch.part, sizeof fetch.part, "%.*s.part", HG_PATH_SIZE - 8, fetch.path);
  if (file->unpack != NULL && hg_unpack_is_done(folder)) return HG_OK;
  bool there = hg_path_exists(fetch.path) && hg_checksum_verify(fetch.path, file, NULL) == HG_OK;
  if (!there && settings->offline)
    return hg_fail(error, HG_DATA, fetch.path, "is not there or not whole, and nothing is fetched offline");
  hg_code code = there ? HG_OK : download(&fetch, error);
  return code == HG_OK && file->unpack != NULL ? hg_unpack(fetch.path, file->unpack, folder, error) : code;
}

hg_code hg_fetch(const hg_catalog_entry *entry, const hg_fetch_settings *settings, hg_error *error) {
  char folder[HG_PATH_SIZE], cache[HG_PATH_SIZE];
  if (entry->layout == HG_LAYOUT_GENERATED)
    return hg_fail(error, HG_USAGE, entry->name, "is generated; there is nothing to fetch");
  if (settings->folder != NULL)
    snprintf(folder, sizeof folder, "%s", settings->folder);
  else if (hg_cache_folder(cache))
    snprintf(folder, sizeof folder, "%.*s/%s", HG_PATH_SIZE - 100, cache, entry->name);
  else
    return hg_fail(error, HG_USAGE, entry->name, "no cache folder is known: set HOME or XDG_CACHE_HOME");
  hg_code code = settings->offline ? HG_OK : hg_folder_make(folder, error);
  for (int i = 0; code == HG_OK && i < HG_MOST_FILES && entry->files[i].name != NULL; i++)
    code = fetch_file(entry, &entry->files[i], folder, settings, error);
  return code;
}
