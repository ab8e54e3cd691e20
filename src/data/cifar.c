#include "data/cifar.h"

#include "base/alloc.h"
#include "base/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, RECORD = 1 + 3 * PLANE, CLASSES = 10, TRAIN_FILES = 5 };

static const hg_shape cifar_shape = {SIDE, SIDE, 3};

static hg_code count_records(const char *path, int64_t *count, hg_error *error) {
  struct stat status;
  if (stat(path, &status) != 0) return hg_fail_errno(error, HG_DATA, path, "open");
  if (!S_ISREG(status.st_mode)) return hg_fail(error, HG_DATA, path, "is not a file; CIFAR-10's binary records are needed here");
  if (status.st_size == 0 || status.st_size % RECORD != 0)
    return hg_fail(error, HG_DATA, path, "has %lld bytes, which is not a whole number of CIFAR-10's records of %d bytes",
                   (long long)status.st_size, RECORD);
  *count = status.st_size / RECORD;
  return HG_OK;
}

bool hg_cifar_has_records(const char *path) {
  int64_t count;
  return count_records(path, &count, NULL) == HG_OK;
}

/* Planes to channels-last. */
static void interleave(const uint8_t *planes, uint8_t *pixels) {
  for (int i = 0; i < PLANE; i++)
    for (int channel = 0; channel < 3; channel++) pixels[3 * i + channel] = planes[channel * PLANE + i];
}

/* Fills dataset from image `first` on. */
static hg_code read_records(const char *path, int64_t count, hg_dataset *dataset, int64_t first, hg_error *error) {
  FILE *file = fopen(path, "rbe");
  if (file == NULL) return hg_fail_errno(error, HG_DATA, path, "open");
  hg_code code = HG_OK;
  uint8_t record[RECORD];
  for (int64_t i = 0; code == HG_OK && i < count; i++) {
    if (fread(record, sizeof record, 1, file) != 1) {
      code = hg_fail(error, HG_DATA, path, "truncated: record %lld of %lld cannot be read", (long long)i, (long long)count);
    } else if (record[0] >= CLASSES) {
      code = hg_fail(error, HG_DATA, path, "label %d of record %lld is above 9; is this CIFAR-10's binary version?", record[0],
                     (long long)i);
    } else {
      dataset->labels[first + i] = record[0];
      interleave(record + 1, dataset->pixels + (size_t)(first + i) * 3 * PLANE);
    }
  }
  fclose(file);
  return code;
}

static hg_code read_files(char *const *paths, int files, hg_dataset **dataset, hg_error *error) {
  int64_t counts[TRAIN_FILES] = {0}, total = 0;
  *dataset = NULL;
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < files; i++) {
    code = count_records(paths[i], &counts[i], error);
    total += counts[i];
  }
  if (code == HG_OK) code = hg_dataset_new(cifar_shape, total, CLASSES, dataset, error);
  int64_t first = 0;
  for (int i = 0; code == HG_OK && i < files; first += counts[i], i++)
    code = read_records(paths[i], counts[i], *dataset, first, error);
  if (code != HG_OK) {
    hg_dataset_free(*dataset);
    *dataset = NULL;
  }
  return code;
}

hg_code hg_cifar_read_file(const char *path, hg_dataset **dataset, hg_error *error) {
  char *copy = hg_strdup(path);
  *dataset = NULL;
  if (copy == NULL) return hg_fail_memory(error, path, strlen(path));
  hg_code code = read_files(&copy, 1, dataset, error);
  if (code == HG_OK) snprintf((*dataset)->source, sizeof(*dataset)->source, "%s", path);
  hg_free(copy);
  return code;
}

/* One class name a line. A folder without the file keeps the names it has. */
static hg_code read_names(const char *folder, hg_dataset *dataset, hg_error *error) {
  char *path = hg_path_join(folder, "batches.meta.txt"), *text = NULL;
  size_t length;
  hg_code code = path == NULL ? hg_fail_memory(error, folder, 0) : HG_OK;
  if (code == HG_OK && hg_path_exists(path)) code = hg_file_read(path, 1 << 16, &text, &length, error);
  int label = 0;
  char *rest = text;
  for (char *line = text == NULL ? NULL : strtok_r(text, "\r\n", &rest); code == HG_OK && line != NULL && label < CLASSES;
       line = strtok_r(NULL, "\r\n", &rest))
    code = hg_dataset_name_class(dataset, label++, line, error);
  hg_free(text);
  hg_free(path);
  return code;
}

hg_code hg_cifar_read(const char *folder, bool test_part, hg_dataset **dataset, hg_error *error) {
  char *paths[TRAIN_FILES] = {NULL};
  int files = 0;
  *dataset = NULL;
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < (test_part ? 1 : TRAIN_FILES); i++) {
    char name[32];
    snprintf(name, sizeof name, "data_batch_%d.bin", i + 1);
    paths[i] = hg_path_join(folder, test_part ? "test_batch.bin" : name);
    files++;
    if (paths[i] == NULL) code = hg_fail_memory(error, folder, 0);
  }
  if (code == HG_OK) code = read_files(paths, files, dataset, error);
  if (code == HG_OK) code = read_names(folder, *dataset, error);
  if (code == HG_OK) snprintf((*dataset)->source, sizeof(*dataset)->source, "%s", folder);
  if (code != HG_OK) {
    hg_dataset_free(*dataset);
    *dataset = NULL;
  }
  for (int i = 0; i < files; i++) hg_free(paths[i]);
  return code;
}
