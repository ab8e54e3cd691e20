#include "data/archive.h"

#include "base/alloc.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

/* Beyond these an archive is a mistake or a trap. */
enum { MOST_ENTRIES = 10000000 };
#define MOST_TOTAL ((int64_t)32 << 30)

/* libarchive has no words for some truncated files. */
static const char *cause_of(struct archive *archive) {
  const char *cause = archive_error_string(archive);
  return cause == NULL ? "its data ends too early" : cause;
}

static bool leads_out(const char *path) {
  if (path[0] == '/') return true;
  for (const char *part = path; part != NULL; part = strchr(part, '/') == NULL ? NULL : strchr(part, '/') + 1)
    if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0')) return true;
  return false;
}

static const char *clean(const char *path) {
  while (path[0] == '.' && path[1] == '/') path += 2;
  return path;
}

static void place_of(const char *archive, const char *path, char place[256]) {
  size_t length = strlen(path);
  if (length > 120) path += length - 120;
  snprintf(place, 256, "%.130s:%s", archive, path);
}

/* The size in the header may lie or be missing: memory grows with what is read. */
static hg_code read_entry(struct archive *archive, const char *place, size_t most, uint8_t **bytes, size_t *count,
                          hg_error *error) {
  size_t capacity = 0;
  *bytes = NULL;
  *count = 0;
  for (;;) {
    if (!hg_grow(bytes, &capacity, *count + 16384, 1)) {
      hg_free(*bytes);
      return hg_fail_memory(error, place, *count + 16384);
    }
    la_ssize_t got = archive_read_data(archive, *bytes + *count, capacity - *count);
    if (got == 0) return HG_OK;
    hg_code code = HG_OK;
    if (got < 0)
      code = hg_fail(error, HG_DATA, place, "cannot be read: %s", cause_of(archive));
    else
      *count += (size_t)got;
    if (code == HG_OK && *count > most) code = hg_fail(error, HG_DATA, place, "is longer than the %zu bytes allowed here", most);
    if (code != HG_OK) {
      hg_free(*bytes);
      *bytes = NULL;
      return code;
    }
  }
}

static hg_code visit(struct archive *archive, struct archive_entry *entry, const char *archive_path,
                     const hg_archive_visitor *visitor, hg_error *error) {
  const char *path = archive_entry_pathname(entry);
  char place[256];
  if (path == NULL) return hg_fail(error, HG_DATA, archive_path, "an entry's name cannot be read");
  path = clean(path);
  place_of(archive_path, path, place);
  if (leads_out(path)) return hg_fail(error, HG_DATA, place, "an entry's path leads out of the archive");
  bool link = archive_entry_filetype(entry) == AE_IFLNK || archive_entry_hardlink(entry) != NULL;
  if (archive_entry_filetype(entry) != AE_IFREG && !link) return HG_OK;
  bool wanted = false;
  visitor->look(visitor->context, path, &wanted);
  if (!wanted) return HG_OK;
  if (link) return hg_fail(error, HG_DATA, place, "is a link to another file; pack with `tar --dereference --hard-dereference`");
  uint8_t *bytes;
  size_t count;
  hg_code code = read_entry(archive, place, visitor->most_bytes, &bytes, &count, error);
  return code == HG_OK ? visitor->take(visitor->context, path, bytes, count, error) : code;
}

static hg_code read_entries(struct archive *archive, const char *path, const hg_archive_visitor *visitor, hg_error *error) {
  struct archive_entry *entry;
  int64_t total = 0;
  for (int64_t entries = 0;; entries++) {
    int status = archive_read_next_header(archive, &entry);
    if (status == ARCHIVE_EOF) return HG_OK;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
      return hg_fail(error, HG_DATA, path, "is damaged, truncated or no archive of a known kind: %s", cause_of(archive));
    int64_t size = archive_entry_size_is_set(entry) ? archive_entry_size(entry) : 0;
    if (size < 0 || entries == MOST_ENTRIES || size > MOST_TOTAL - total)
      return hg_fail(error, HG_DATA, path, "holds more than an archive of images may (%d entries, %lld GiB)", MOST_ENTRIES,
                     (long long)(MOST_TOTAL >> 30));
    total += size;
    hg_code code = visit(archive, entry, path, visitor, error);
    if (code != HG_OK) return code;
  }
}

static hg_code read_archive(const char *path, const hg_archive_visitor *visitor, hg_error *error) {
  struct archive *archive = archive_read_new();
  if (archive == NULL) return hg_fail_memory(error, path, 0);
  archive_read_support_filter_gzip(archive);
  archive_read_support_filter_bzip2(archive);
  archive_read_support_filter_xz(archive);
  archive_read_support_filter_zstd(archive);
  archive_read_support_format_tar(archive);
  archive_read_support_format_zip(archive);
  hg_code code = HG_OK;
  if (archive_read_open_filename(archive, path, 1 << 18) != ARCHIVE_OK)
    code = hg_fail(error, HG_DATA, path, "is damaged or no archive of a known kind: %s", cause_of(archive));
  else
    code = read_entries(archive, path, visitor, error);
  archive_read_free(archive);
  return code;
}

/* libarchive gives names in the thread's locale, and loses those that the locale cannot write: it gets one that writes all. */
hg_code hg_archive_read(const char *path, const hg_archive_visitor *visitor, hg_error *error) {
  locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  if (utf8 == (locale_t)0) return read_archive(path, visitor, error);
  locale_t before = uselocale(utf8);
  hg_code code = read_archive(path, visitor, error);
  uselocale(before);
  freelocale(utf8);
  return code;
}
