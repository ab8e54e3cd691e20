#define _GNU_SOURCE
#include "data/gather.h"

#include "base/alloc.h"
#include "base/parallel.h"
#include "data/convert.h"
#include "data/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CHUNK = 256, CHANNELS = 3 };

/* A file waiting to be decoded, then its image. */
typedef struct waiting {
  char *path;
  uint8_t *bytes;
  size_t count;
  hg_image image;
  hg_code code;
  hg_error error;
} waiting;

/* Which part an image belongs to, by the folders above its class. */
typedef enum image_part { NO_PART, TRAIN, TEST } image_part;

typedef struct gathered {
  char *path;       /* owned */
  char *class_name; /* owned */
  image_part part;
  int label;
  int64_t place; /* in pixels */
} gathered;

struct hg_gather {
  const char *root;
  hg_folder_settings settings;
  hg_pool *pool;
  waiting *chunk; /* (CHUNK) */
  int waiting_count;
  hg_shape shape; /* of the first image */
  bool colour;
  gathered *images; /* (count) */
  size_t capacity;
  int64_t count, skipped;
  uint8_t *pixels; /* (count, H, W, 3) */
  size_t pixel_capacity;
  char **names; /* (classes): class names in order; they belong to images */
  int classes;
};

hg_code hg_gather_new(const char *root, const hg_folder_settings *settings, hg_gather **gather, hg_error *error) {
  *gather = NULL;
  hg_gather *made = hg_calloc(1, sizeof *made);
  if (made == NULL) return hg_fail_memory(error, root, sizeof *made);
  made->root = root;
  made->settings = *settings;
  made->chunk = hg_calloc(CHUNK, sizeof *made->chunk);
  hg_code code =
      made->chunk == NULL ? hg_fail_memory(error, root, CHUNK * sizeof *made->chunk) : hg_pool_new(0, &made->pool, error);
  if (code == HG_OK)
    *gather = made;
  else
    hg_gather_free(made);
  return code;
}

static void forget(waiting *file) {
  hg_free(file->path);
  hg_free(file->bytes);
  hg_free(file->image.pixels);
  memset(file, 0, sizeof *file);
}

void hg_gather_free(hg_gather *gather) {
  if (gather == NULL) return;
  for (int i = 0; gather->chunk != NULL && i < CHUNK; i++) forget(&gather->chunk[i]);
  for (int64_t i = 0; i < gather->count; i++) {
    hg_free(gather->images[i].path);
    hg_free(gather->images[i].class_name);
  }
  hg_free(gather->chunk);
  hg_free(gather->images);
  hg_free(gather->pixels);
  hg_free(gather->names);
  hg_pool_free(gather->pool);
  hg_free(gather);
}

hg_file_kind hg_file_kind_of(const char *path) {
  if (path[0] == '.' || strstr(path, "/.") != NULL || strstr(path, "__MACOSX") != NULL) return HG_FILE_HIDDEN;
  const char *dot = strrchr(path, '.');
  bool image = dot != NULL && (strcasecmp(dot, ".png") == 0 || strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0);
  return image ? HG_FILE_IMAGE : HG_FILE_OTHER;
}

void hg_gather_skip(hg_gather *gather) { gather->skipped++; }

/* ---------------------------------------------------------------- decoding */

static void place_of(const hg_gather *gather, const char *path, char place[256]) {
  const char *between = gather->settings.archive ? ":" : "/";
  size_t length = strlen(gather->root) + 1 + strlen(path), over = length > 255 ? length - 255 : 0;
  /* The end of a long path tells more than its start. */
  snprintf(place, 256, "%s%s%s", gather->root + (over < strlen(gather->root) ? over : strlen(gather->root)), between, path);
}

static hg_code resize(waiting *file, int side, hg_error *error) {
  hg_image *image = &file->image;
  if (side == 0 || (image->height == side && image->width == side)) return HG_OK;
  uint8_t *sized = hg_malloc((size_t)side * (size_t)side * CHANNELS);
  if (sized == NULL) return hg_fail_memory(error, file->path, (size_t)side * (size_t)side * CHANNELS);
  hg_code code = hg_image_resize(image->pixels, (hg_shape){image->height, image->width, CHANNELS}, side, sized, error);
  hg_free(image->pixels);
  image->pixels = sized;
  image->height = image->width = side;
  return code;
}

static bool has_shape(const hg_gather *gather, const waiting *file) {
  return file->image.height == gather->shape.height && file->image.width == gather->shape.width;
}

static void decode_one(void *context, int64_t index, int worker) {
  (void)worker;
  const hg_gather *gather = context;
  waiting *file = &gather->chunk[index];
  char place[256];
  place_of(gather, file->path, place);
  file->code = hg_image_decode(file->bytes, file->count, place, &file->image, &file->error);
  if (file->code == HG_OK) file->code = resize(file, gather->settings.resize, &file->error);
  if (file->code == HG_OK && gather->count > 0 && !has_shape(gather, file)) { /* an error: only its size is still wanted */
    hg_free(file->image.pixels);
    file->image.pixels = NULL;
  }
}

/* So many are decoded at once: large ones, as long as they keep their size, by few. */
static int chunk_of(const hg_gather *gather) {
  const int64_t most_bytes = 1 << 30;
  if (gather->settings.resize != 0) return CHUNK;
  if (gather->count == 0) return 1;
  int64_t fit = most_bytes / ((int64_t)gather->shape.height * gather->shape.width * CHANNELS);
  return fit < 1 ? 1 : fit < CHUNK ? (int)fit : CHUNK;
}

static hg_code check_shape(hg_gather *gather, const waiting *file, hg_error *error) {
  hg_shape shape = {file->image.height, file->image.width, CHANNELS};
  if (gather->count == 0) gather->shape = shape;
  if (has_shape(gather, file)) return HG_OK;
  char place[256];
  place_of(gather, file->path, place);
  return hg_fail(
      error, HG_DATA, place,
      "is %d x %d pixels, %s is %d x %d; `resize: %d` in the study brings all to one size (`data inspect --resize %d`)",
      shape.height, shape.width, gather->images[0].path, gather->shape.height, gather->shape.width, gather->shape.height,
      gather->shape.height);
}

static bool is_word(const char *name, size_t length, const char *word) {
  return strlen(word) == length && strncasecmp(name, word, length) == 0;
}

/* The part that a folder of this name holds; NO_PART where it tells none. */
static image_part part_named(const char *name, size_t length) {
  if (is_word(name, length, "train") || is_word(name, length, "training")) return TRAIN;
  return is_word(name, length, "test") || is_word(name, length, "testing") ? TEST : NO_PART;
}

/* The class is the folder an image stands in; a folder train or test above it tells the part. */
static hg_code classify(const hg_gather *gather, gathered *image, hg_error *error) {
  char place[256];
  place_of(gather, image->path, place);
  const char *slash = strrchr(image->path, '/');
  const char *start = slash == NULL ? NULL : memrchr(image->path, '/', (size_t)(slash - image->path));
  start = start == NULL ? image->path : start + 1;
  size_t length = slash == NULL ? 0 : (size_t)(slash - start);
  if (length == 0 || part_named(start, length) != NO_PART)
    return hg_fail(error, HG_DATA, place, "stands in no class folder; put it at CLASS/image or train/CLASS/image");
  image->class_name = hg_malloc(length + 1);
  if (image->class_name == NULL) return hg_fail_memory(error, place, length + 1);
  memcpy(image->class_name, start, length);
  image->class_name[length] = '\0';
  for (const char *folder = image->path; folder < start; folder = strchr(folder, '/') + 1) {
    image_part part = part_named(folder, strcspn(folder, "/"));
    if (part != NO_PART) image->part = part;
  }
  return HG_OK;
}

static hg_code append(hg_gather *gather, waiting *file, hg_error *error) {
  hg_code code = check_shape(gather, file, error);
  if (code != HG_OK) return code;
  size_t bytes = (size_t)gather->shape.height * (size_t)gather->shape.width * CHANNELS;
  if ((uint64_t)gather->count >= HG_MOST_DATA_BYTES / bytes)
    return hg_fail(error, HG_DATA, gather->root, "holds more images of %d x %d than the %llu GiB a data set may take",
                   gather->shape.height, gather->shape.width, (unsigned long long)(HG_MOST_DATA_BYTES >> 30));
  if (!hg_grow(&gather->images, &gather->capacity, (size_t)gather->count + 1, sizeof *gather->images) ||
      !hg_grow(&gather->pixels, &gather->pixel_capacity, ((size_t)gather->count + 1) * bytes, 1))
    return hg_fail_memory(error, gather->root, ((size_t)gather->count + 1) * bytes);
  gathered *image = &gather->images[gather->count];
  *image = (gathered){.path = file->path, .part = NO_PART, .place = gather->count};
  file->path = NULL;
  memcpy(gather->pixels + (size_t)gather->count * bytes, file->image.pixels, bytes);
  gather->count++;
  gather->colour = gather->colour || file->image.colour;
  return classify(gather, image, error);
}

static hg_code decode_waiting(hg_gather *gather, hg_error *error) {
  hg_parallel_for(gather->pool, gather->waiting_count, decode_one, gather);
  hg_code code = HG_OK;
  for (int i = 0; i < gather->waiting_count; i++) {
    waiting *file = &gather->chunk[i];
    if (code == HG_OK && file->code != HG_OK) {
      code = file->code;
      if (error != NULL) *error = file->error;
    }
    if (code == HG_OK) code = append(gather, file, error);
    forget(file);
  }
  gather->waiting_count = 0;
  return code;
}

hg_code hg_gather_add(hg_gather *gather, const char *path, uint8_t *bytes, size_t count, hg_error *error) {
  waiting *file = &gather->chunk[gather->waiting_count];
  file->bytes = bytes;
  file->count = count;
  file->path = hg_strdup(path);
  if (file->path == NULL) return hg_fail_memory(error, path, strlen(path));
  gather->waiting_count++;
  return gather->waiting_count >= chunk_of(gather) ? decode_waiting(gather, error) : HG_OK;
}

/* ---------------------------------------------------------------- classes and parts */

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int by_label_and_path(const void *a, const void *b) {
  const gathered *x = a, *y = b;
  return x->label != y->label ? (x->label < y->label ? -1 : 1) : strcmp(x->path, y->path);
}

static hg_code number_classes(hg_gather *gather, hg_error *error) {
  gather->names = hg_malloc((size_t)gather->count * sizeof *gather->names);
  if (gather->names == NULL) return hg_fail_memory(error, gather->root, (size_t)gather->count * sizeof *gather->names);
  for (int64_t i = 0; i < gather->count; i++) gather->names[i] = gather->images[i].class_name;
  qsort(gather->names, (size_t)gather->count, sizeof *gather->names, by_text);
  for (int64_t i = 0; i < gather->count; i++)
    if (i == 0 || strcmp(gather->names[i], gather->names[gather->classes - 1]) != 0)
      gather->names[gather->classes++] = gather->names[i];
  for (int64_t i = 0; i < gather->count; i++) {
    char **at = bsearch(&gather->images[i].class_name, gather->names, (size_t)gather->classes, sizeof *gather->names, by_text);
    gather->images[i].label = (int)(at - gather->names);
  }
  qsort(gather->images, (size_t)gather->count, sizeof *gather->images, by_label_and_path);
  return HG_OK;
}

/* Either no image is in train or test, or all are, and every class of the test part is in the training part too. */
static hg_code check_parts(const hg_gather *gather, bool *has_test, hg_error *error) {
  const gathered *without = NULL, *with = NULL;
  int last_trained = -1;
  *has_test = false;
  for (int64_t i = 0; i < gather->count; i++) { /* sorted by label */
    const gathered *image = &gather->images[i];
    if (image->part == NO_PART)
      without = image;
    else
      with = image;
    *has_test = *has_test || image->part == TEST;
    if (image->part == TRAIN) last_trained = image->label;
    bool class_ends = i + 1 == gather->count || image[1].label != image->label;
    if (class_ends && image->part != NO_PART && last_trained != image->label)
      return hg_fail(error, HG_DATA, gather->root, "class %s has test images but no training images", image->class_name);
  }
  if (without != NULL && with != NULL)
    return hg_fail(error, HG_DATA, gather->root,
                   "%s stands neither in train nor in test, %s does; validation images are cut from train by `validation`",
                   without->path, with->path);
  return HG_OK;
}

/* The folder of a path, up to its last slash. */
static size_t folder_length(const char *path) { return (size_t)(strrchr(path, '/') - path); }

/* A folder before what lies below it, and that before other folders: a slash comes before every other letter. */
static int by_folder(const void *a, const void *b) {
  const char *x = *(const char *const *)a, *y = *(const char *const *)b;
  size_t i = 0, length_x = folder_length(x), length_y = folder_length(y);
  while (i < length_x && i < length_y && x[i] == y[i]) i++;
  if (i == length_x || i == length_y) return (length_x > length_y) - (length_x < length_y);
  if (x[i] == '/' || y[i] == '/') return x[i] == '/' ? -1 : 1;
  return (unsigned char)x[i] < (unsigned char)y[i] ? -1 : 1;
}

/* Images beside a folder of images: is that a class of its own, or part of the class around it? */
static hg_code check_nesting(const hg_gather *gather, hg_error *error) {
  const char **paths = hg_malloc((size_t)gather->count * sizeof *paths);
  if (paths == NULL) return hg_fail_memory(error, gather->root, (size_t)gather->count * sizeof *paths);
  for (int64_t i = 0; i < gather->count; i++) paths[i] = gather->images[i].path;
  qsort(paths, (size_t)gather->count, sizeof *paths, by_folder);
  hg_code code = HG_OK;
  for (int64_t i = 1; code == HG_OK && i < gather->count; i++) {
    size_t outer = folder_length(paths[i - 1]), inner = folder_length(paths[i]);
    if (inner > outer && paths[i][outer] == '/' && memcmp(paths[i - 1], paths[i], outer) == 0)
      code = hg_fail(error, HG_DATA, gather->root, "%s lies below the class folder of %s; put images of a class side by side",
                     paths[i], paths[i - 1]);
  }
  hg_free(paths);
  return code;
}

static void copy_image(const hg_gather *gather, const gathered *image, int channels, uint8_t *to) {
  int64_t places = (int64_t)gather->shape.height * gather->shape.width;
  const uint8_t *from = gather->pixels + image->place * places * CHANNELS;
  if (channels == CHANNELS)
    memcpy(to, from, (size_t)places * CHANNELS);
  else if (gather->colour)
    hg_image_grayscale(from, places, to);
  else
    for (int64_t i = 0; i < places; i++) to[i] = from[CHANNELS * i];
}

static hg_code make_part(const hg_gather *gather, bool test, hg_dataset **part, hg_error *error) {
  int channels = gather->colour && !gather->settings.grayscale ? CHANNELS : 1;
  hg_shape shape = {gather->shape.height, gather->shape.width, channels};
  int64_t count = 0, next = 0;
  for (int64_t i = 0; i < gather->count; i++) count += (gather->images[i].part == TEST) == test;
  hg_code code = hg_dataset_new(shape, count, gather->classes, part, error);
  if (code != HG_OK) return code;
  for (int label = 0; code == HG_OK && label < gather->classes; label++)
    code = hg_dataset_name_class(*part, label, gather->names[label], error);
  for (int64_t i = 0; i < gather->count; i++) {
    const gathered *image = &gather->images[i];
    if ((image->part == TEST) != test) continue;
    copy_image(gather, image, channels, (*part)->pixels + next * shape.height * shape.width * channels);
    (*part)->labels[next++] = image->label;
  }
  if (gather->skipped > 0)
    snprintf((*part)->source, sizeof(*part)->source, " (%lld file%s that %s no image%s skipped)", (long long)gather->skipped,
             gather->skipped == 1 ? "" : "s", gather->skipped == 1 ? "is" : "are", gather->skipped == 1 ? "" : "s");
  return code;
}

hg_code hg_gather_finish(hg_gather *gather, hg_dataset *parts[2], hg_error *error) {
  bool has_test = false;
  parts[0] = parts[1] = NULL;
  hg_code code = decode_waiting(gather, error);
  if (code == HG_OK && gather->count == 0)
    code =
        hg_fail(error, HG_DATA, gather->root, "holds no PNG or JPEG images%s", gather->skipped > 0 ? ", only other files" : "");
  if (code == HG_OK) code = number_classes(gather, error);
  if (code == HG_OK) code = check_nesting(gather, error);
  if (code == HG_OK) code = check_parts(gather, &has_test, error);
  if (code == HG_OK) code = make_part(gather, false, &parts[0], error);
  if (code == HG_OK && has_test) code = make_part(gather, true, &parts[1], error);
  if (code == HG_OK) return HG_OK;
  for (int i = 0; i < 2; i++) {
    hg_dataset_free(parts[i]);
    parts[i] = NULL;
  }
  return code;
}
