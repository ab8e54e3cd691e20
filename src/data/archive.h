/* Archives of images: tar, plain or compressed with gzip, bzip2, xz or zstd, and zip. Nothing is unpacked to the disk. */
#ifndef HG_DATA_ARCHIVE_H
#define HG_DATA_ARCHIVE_H

#include "data/dataset.h"

/* Called for each regular file; `path` has no leading "./". Where it sets *wanted, `take` is called with the content
 * (hg_malloc'ed, its own now). */
typedef struct hg_archive_visitor {
  void (*look)(void *context, const char *path, bool *wanted);
  hg_code (*take)(void *context, const char *path, uint8_t *bytes, size_t count, hg_error *error);
  void *context;
  size_t most_bytes; /* a longer file is refused */
} hg_archive_visitor;

/* HG_DATA where the archive is damaged or truncated, an entry's path is absolute or leads out of it, an entry is too
 * long, or all of them together are; the entry is named. */
hg_code hg_archive_read(const char *path, const hg_archive_visitor *visitor, hg_error *error);

#endif
