#include "data/idx.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { MOST_DIMENSIONS = 4, UNSIGNED_BYTES = 0x08, DEFLATE_RATIO = 1032 };

typedef struct idx_file {
  const char *path;
  gzFile file;
  int dimensions;
  int64_t size[MOST_DIMENSIONS];
  uint64_t bytes; /* of the values, by the header */
} idx_file;

/* zlib puts the path before the cause. */
static hg_code fail_damaged(const idx_file *idx, const char *cause, hg_error *error) {
  size_t path = strlen(idx->path);
  if (strncmp(cause, idx->path, path) == 0 && strncmp(cause + path, ": ", 2) == 0) cause += path + 2;
  return hg_fail(error, HG_DATA, idx->path, "its compressed data is damaged: %s", cause);
}

/* Reads exactly count bytes. gzread takes plain files as they are. */
static hg_code read_exactly(idx_file *idx, uint8_t *bytes, uint64_t count, const char *what, hg_error *error) {
  uint64_t read = 0;
  while (read < count) {
    uint64_t rest = count - read;
    int got = gzread(idx->file, bytes + read, rest > 1 << 30 ? 1u << 30 : (unsigned)rest);
    if (got > 0) {
      read += (uint64_t)got;
      continue;
    }
    int number = Z_OK;
    const char *cause = gzerror(idx->file, &number);
    if (got < 0 && number != Z_BUF_ERROR) return fail_damaged(idx, cause, error);
    return hg_fail(error, HG_DATA, idx->path, "truncated: %s should be %llu bytes, the file has %llu", what,
                   (unsigned long long)count, (unsigned long long)read);
  }
  return HG_OK;
}

/* Before memory is taken: deflate makes at most 1032 bytes of one, so a lying header shows in the file's size. */
static hg_code check_file_size(const idx_file *idx, hg_error *error) {
  struct stat status;
  if (stat(idx->path, &status) != 0) return hg_fail_errno(error, HG_DATA, idx->path, "open");
  uint64_t size = (uint64_t)status.st_size, header = 4 + 4 * (uint64_t)idx->dimensions;
  bool plain = gzdirect(idx->file) != 0;
  uint64_t most = plain ? size - header : size * DEFLATE_RATIO;
  if (idx->bytes > most || idx->bytes > HG_MOST_DATA_BYTES)
    return hg_fail(error, HG_DATA, idx->path, "truncated: the header promises %llu bytes of values, the file has %llu%s",
                   (unsigned long long)idx->bytes, (unsigned long long)(plain ? most : size), plain ? "" : " (compressed)");
  return HG_OK;
}

static hg_code read_sizes(idx_file *idx, hg_error *error) {
  idx->bytes = 1;
  for (int i = 0; i < idx->dimensions; i++) {
    uint8_t word[4];
    hg_code code = read_exactly(idx, word, sizeof word, "the header", error);
    if (code != HG_OK) return code;
    idx->size[i] = (int64_t)word[0] << 24 | word[1] << 16 | word[2] << 8 | word[3];
    if (i > 0 && idx->size[i] == 0) return hg_fail(error, HG_DATA, idx->path, "the header gives dimension %d the size 0", i + 1);
    if (__builtin_mul_overflow(idx->bytes, (uint64_t)idx->size[i], &idx->bytes))
      return hg_fail(error, HG_DATA, idx->path, "the header's dimensions overflow");
  }
  return check_file_size(idx, error);
}

static hg_code open_idx(idx_file *idx, const char *path, hg_error *error) {
  memset(idx, 0, sizeof *idx);
  idx->path = path;
  struct stat status;
  if (stat(path, &status) != 0) return hg_fail_errno(error, HG_DATA, path, "open");
  if (!S_ISREG(status.st_mode)) return hg_fail(error, HG_DATA, path, "is not a file; an IDX file is needed here");
  errno = 0;
  idx->file = gzopen(path, "rbe");
  if (idx->file == NULL) return errno == 0 ? hg_fail_memory(error, path, 0) : hg_fail_errno(error, HG_DATA, path, "open");
  gzbuffer(idx->file, 1 << 17);
  uint8_t magic[4];
  hg_code code = read_exactly(idx, magic, sizeof magic, "the header", error);
  if (code != HG_OK) return code;
  if (magic[0] != 0 || magic[1] != 0)
    return hg_fail(error, HG_DATA, path, "is not an IDX file: it starts with %02x%02x%02x%02x, not with 0000", magic[0], magic[1],
                   magic[2], magic[3]);
  if (magic[2] != UNSIGNED_BYTES)
    return hg_fail(error, HG_DATA, path, "holds IDX values of type 0x%02x; only unsigned bytes (0x08) are read", magic[2]);
  if (magic[3] < 1 || magic[3] > MOST_DIMENSIONS)
    return hg_fail(error, HG_DATA, path, "has %d dimensions; labels have 1, images 3 or 4", magic[3]);
  idx->dimensions = magic[3];
  return read_sizes(idx, error);
}

static void close_idx(idx_file *idx) {
  if (idx->file != NULL) gzclose(idx->file);
}

static hg_code read_values(idx_file *idx, uint8_t *values, hg_error *error) {
  hg_code code = read_exactly(idx, values, idx->bytes, "the pixels or labels", error);
  if (code != HG_OK) return code;
  uint8_t more;
  int got = gzread(idx->file, &more, 1);
  int number = Z_OK;
  const char *cause = gzerror(idx->file, &number);
  if (got > 0)
    return hg_fail(error, HG_DATA, idx->path, "is longer than the %llu bytes of its header", (unsigned long long)idx->bytes);
  if (number == Z_BUF_ERROR) return hg_fail(error, HG_DATA, idx->path, "truncated: its compressed data lacks an end");
  return got < 0 || number != Z_OK ? fail_damaged(idx, cause, error) : HG_OK;
}

static hg_code image_shape(const idx_file *images, hg_shape *shape, hg_error *error) {
  if (images->dimensions < 3)
    return hg_fail(error, HG_DATA, images->path, "holds %d dimension%s where images (3 or 4) are needed; are these the labels?",
                   images->dimensions, images->dimensions == 1 ? "" : "s");
  int64_t channels = images->dimensions == 4 ? images->size[3] : 1;
  enum { MOST_SIDE = 1 << 14 };
  if (images->size[1] > MOST_SIDE || images->size[2] > MOST_SIDE || channels > MOST_SIDE)
    return hg_fail(error, HG_DATA, images->path, "images of %lld x %lld x %lld are too large", (long long)images->size[1],
                   (long long)images->size[2], (long long)channels);
  *shape = (hg_shape){(int)images->size[1], (int)images->size[2], (int)channels};
  return HG_OK;
}

static int highest(const uint8_t *values, int64_t count) {
  int most = -1;
  for (int64_t i = 0; i < count; i++) most = values[i] > most ? values[i] : most;
  return most;
}

static hg_code check_labels(const idx_file *labels, const uint8_t *values, int classes, hg_error *error) {
  for (int64_t i = 0; i < labels->size[0]; i++)
    if (values[i] >= classes)
      return hg_fail(error, HG_DATA, labels->path, "label %d of image %lld is beyond the %d classes", values[i], (long long)i,
                     classes);
  return HG_OK;
}

/* *values (*count) is for the caller to free. */
static hg_code read_labels(idx_file *labels, const char *path, uint8_t **values, int64_t *count, hg_error *error) {
  hg_code code = open_idx(labels, path, error);
  if (code != HG_OK) return code;
  if (labels->dimensions != 1)
    return hg_fail(error, HG_DATA, path, "has %d dimensions where labels (1) are needed; are these the images?",
                   labels->dimensions);
  *count = labels->size[0];
  *values = hg_malloc((size_t)*count);
  return *values == NULL ? hg_fail_memory(error, path, (size_t)*count) : read_values(labels, *values, error);
}

static hg_code labels_for(const char *path, int64_t images, int *classes, uint8_t **values, hg_error *error) {
  idx_file labels;
  int64_t count = 0;
  hg_code code = read_labels(&labels, path, values, &count, error);
  if (code == HG_OK && count != images)
    code = hg_fail(error, HG_DATA, path, "has %lld labels for %lld images", (long long)count, (long long)images);
  if (code == HG_OK && *classes == 0) *classes = highest(*values, count) + 1;
  if (code == HG_OK) code = check_labels(&labels, *values, *classes, error);
  close_idx(&labels);
  return code;
}

hg_code hg_idx_classes(const char *labels_path, int *classes, hg_error *error) {
  idx_file labels;
  int64_t count = 0;
  uint8_t *values = NULL;
  hg_code code = read_labels(&labels, labels_path, &values, &count, error);
  if (code == HG_OK) *classes = highest(values, count) + 1;
  hg_free(values);
  close_idx(&labels);
  return code;
}

hg_code hg_idx_read(const char *images_path, const char *labels_path, int classes, hg_dataset **dataset, hg_error *error) {
  *dataset = NULL;
  idx_file images;
  hg_shape shape;
  hg_dataset *made = NULL;
  uint8_t *labels = NULL;
  hg_code code = open_idx(&images, images_path, error);
  if (code == HG_OK) code = image_shape(&images, &shape, error);
  if (code == HG_OK && labels_path != NULL) code = labels_for(labels_path, images.size[0], &classes, &labels, error);
  if (code == HG_OK) code = hg_dataset_new(shape, images.size[0], classes, &made, error);
  if (code == HG_OK) code = read_values(&images, made->pixels, error);
  close_idx(&images);
  if (code != HG_OK) {
    hg_free(labels);
    hg_dataset_free(made);
    return code;
  }
  for (int64_t i = 0; labels != NULL && i < made->count; i++) made->labels[i] = labels[i];
  if (labels == NULL) {
    hg_free(made->labels);
    made->labels = NULL;
  }
  hg_free(labels);
  snprintf(made->source, sizeof made->source, "%s", images_path);
  *dataset = made;
  return HG_OK;
}

hg_code hg_idx_peek(const char *images_path, hg_shape *shape, int64_t *count, hg_error *error) {
  idx_file images;
  hg_code code = open_idx(&images, images_path, error);
  if (code == HG_OK) code = image_shape(&images, shape, error);
  if (code == HG_OK) *count = images.size[0];
  close_idx(&images);
  return code;
}
