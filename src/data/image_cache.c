#include "data/image_cache.h"

#include "base/alloc.h"
#include "base/shape.h"
#include "data/catalog.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { LEAST_BYTES = 1 << 20, REMARK = 64, NAME = 256 };

/* The file: this header; class names (classes, NAME); then for each part labels (count) and pixels (count, H, W, C).
 * In the machine's own byte order: a cache is not for other machines, and `order` tells. */
typedef struct header {
  char magic[8];
  uint32_t order;
  int32_t height, width, channels, classes, has_test;
  int64_t counts[2];
  char state[HG_SHA256_SIZE + 7];
  char remark[REMARK];
} header;

static const char magic[8] = "HGIMG03";

static bool path_of(const hg_image_cache *cache, char path[HG_PATH_SIZE], bool make_folder) {
  char folder[HG_PATH_SIZE];
  if (!hg_cache_folder(folder)) return false;
  if (make_folder && hg_folder_make(folder, NULL) != HG_OK) return false;
  int length = snprintf(path, HG_PATH_SIZE, "%.*s/images-%.16s.bin", HG_PATH_SIZE - 32, folder, cache->name);
  return length > 0 && length < HG_PATH_SIZE;
}

static size_t image_bytes(const header *head) { return (size_t)head->height * (size_t)head->width * (size_t)head->channels; }

static uint64_t file_bytes(const header *head) {
  uint64_t images = (uint64_t)head->counts[0] + (uint64_t)head->counts[1];
  return sizeof *head + (uint64_t)head->classes * NAME + images * (sizeof(int32_t) + image_bytes(head));
}

static bool is_sound(const header *head, const hg_image_cache *cache, FILE *file) {
  struct stat status;
  return memcmp(head->magic, magic, sizeof magic) == 0 && head->order == 1 &&
         memcmp(head->state, cache->state, HG_SHA256_SIZE) == 0 && head->height > 0 && head->width > 0 && head->channels > 0 &&
         head->height < 65536 && head->width < 65536 && head->channels <= 3 && head->classes > 0 && head->classes < 1 << 20 &&
         head->counts[0] >= 0 && head->counts[1] >= 0 && head->counts[0] < (int64_t)1 << 32 &&
         head->counts[1] < (int64_t)1 << 32 && fstat(fileno(file), &status) == 0 && (uint64_t)status.st_size == file_bytes(head);
}

static bool read_names(FILE *file, int classes, hg_dataset *const parts[2]) {
  for (int label = 0; label < classes; label++) {
    char name[NAME];
    if (fread(name, sizeof name, 1, file) != 1 || memchr(name, '\0', sizeof name) == NULL) return false;
    for (int part = 0; part < 2; part++)
      if (parts[part] != NULL && hg_dataset_name_class(parts[part], label, name, NULL) != HG_OK) return false;
  }
  return true;
}

/* Where part `i` begins: a file of the parts before it ends there. */
static int64_t part_offset(const header *head, int i) {
  header first = *head;
  for (int later = i; later < 2; later++) first.counts[later] = 0;
  return (int64_t)file_bytes(&first);
}

static bool read_part(FILE *file, const header *head, int i, hg_dataset **part) {
  hg_shape shape = {head->height, head->width, head->channels};
  int64_t labels_at = part_offset(head, i), pixels_at = labels_at + head->counts[i] * (int64_t)sizeof(int32_t);
  if (hg_dataset_new_mapped(shape, head->counts[i], head->classes, fileno(file), pixels_at, part, NULL) != HG_OK) return false;
  hg_dataset *made = *part;
  size_t count = (size_t)made->count;
  if (fseeko(file, (off_t)labels_at, SEEK_SET) != 0 || fread(made->labels, sizeof *made->labels, count, file) != count)
    return false;
  for (size_t k = 0; k < count; k++)
    if (made->labels[k] < 0 || made->labels[k] >= head->classes) return false;
  snprintf(made->source, sizeof made->source, "%.*s", REMARK - 1, head->remark);
  return true;
}

static bool read_parts(FILE *file, const hg_image_cache *cache, hg_dataset *parts[2]) {
  header head;
  if (fread(&head, sizeof head, 1, file) != 1 || !is_sound(&head, cache, file)) return false;
  for (int i = 0; i < 1 + (head.has_test != 0); i++)
    if (!read_part(file, &head, i, &parts[i])) return false;
  return fseeko(file, sizeof head, SEEK_SET) == 0 && read_names(file, head.classes, parts);
}

bool hg_image_cache_load(const hg_image_cache *cache, hg_dataset *parts[2]) {
  char path[HG_PATH_SIZE];
  parts[0] = parts[1] = NULL;
  FILE *file = path_of(cache, path, false) ? fopen(path, "rbe") : NULL;
  if (file == NULL) return false;
  bool good = read_parts(file, cache, parts);
  fclose(file);
  for (int i = 0; !good && i < 2; i++) {
    hg_dataset_free(parts[i]);
    parts[i] = NULL;
  }
  return good;
}

static header header_of(const hg_image_cache *cache, hg_dataset *const parts[2]) {
  header head;
  memset(&head, 0, sizeof head);
  memcpy(head.magic, magic, sizeof magic);
  head.order = 1;
  head.height = parts[0]->shape.height;
  head.width = parts[0]->shape.width;
  head.channels = parts[0]->shape.channels;
  head.classes = parts[0]->classes;
  head.has_test = parts[1] != NULL;
  head.counts[0] = parts[0]->count;
  head.counts[1] = parts[1] == NULL ? 0 : parts[1]->count;
  memcpy(head.state, cache->state, HG_SHA256_SIZE);
  snprintf(head.remark, sizeof head.remark, "%.*s", REMARK - 1, parts[0]->source);
  return head;
}

static char *put(char *to, const void *from, size_t bytes) {
  memcpy(to, from, bytes);
  return to + bytes;
}

static void fill(char *to, const header *head, hg_dataset *const parts[2]) {
  to = put(to, head, sizeof *head);
  for (int label = 0; label < head->classes; label++, to += NAME) snprintf(to, NAME, "%s", parts[0]->class_names[label]);
  for (int i = 0; i < 2 && parts[i] != NULL; i++) {
    to = put(to, parts[i]->labels, (size_t)parts[i]->count * sizeof *parts[i]->labels);
    for (int64_t k = 0; k < parts[i]->count; k++) to = put(to, hg_dataset_image(parts[i], k), image_bytes(head));
  }
}

enum { A_DAY = 24 * 60 * 60 };

void hg_image_cache_store(const hg_image_cache *cache, hg_dataset *const parts[2]) {
  if (parts[1] != NULL && !hg_shape_equal(parts[0]->shape, parts[1]->shape)) return; /* a header has one */
  header head = header_of(cache, parts);
  uint64_t bytes = file_bytes(&head);
  char path[HG_PATH_SIZE];
  if (bytes < LEAST_BYTES || !path_of(cache, path, true)) return;
  char *content = hg_malloc(bytes);
  if (content == NULL) return;
  hg_file_remove_leftovers(path, A_DAY);
  fill(content, &head, parts);
  hg_file_write(path, content, bytes, NULL);
  hg_free(content);
}
