/* Files for the tests of the data room: images, IDX, archives, in a folder of their own. */
#ifndef HG_TEST_DATA_FILES_H
#define HG_TEST_DATA_FILES_H

#include "base/file.h"
#include "base/shape.h"
#include "data/dataset.h"

#include <archive.h>
#include <archive_entry.h>
#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <jpeglib.h>

#include <cmocka.h>

#define UNUSED __attribute__((unused))

typedef struct content {
  uint8_t data[16384];
  size_t count;
} content;

static char test_folder[] = "/tmp/hg-test-data-XXXXXX";

/* test_folder/name; eight results live at a time. */
static UNUSED const char *at(const char *name) {
  static char path[8][512];
  static int next;
  next = (next + 1) % 8;
  snprintf(path[next], sizeof path[next], "%s/%s", test_folder, name);
  return path[next];
}

static UNUSED void put(const char *name, const void *data, size_t count) {
  char folder[512];
  snprintf(folder, sizeof folder, "%s", at(name));
  *strrchr(folder, '/') = '\0';
  assert_int_equal(hg_folder_make(folder, NULL), HG_OK);
  FILE *file = fopen(at(name), "wb"); /* not hg_file_write: it waits for the disk */
  assert_non_null(file);
  assert_int_equal(fwrite(data, 1, count, file), count);
  assert_int_equal(fclose(file), 0);
}

static UNUSED void put_gzip(const char *name, const void *data, size_t count) {
  gzFile file = gzopen(at(name), "wb");
  assert_non_null(file);
  assert_int_equal(gzwrite(file, data, (unsigned)count), (int)count);
  assert_int_equal(gzclose(file), Z_OK);
}

/* The same images and labels, wherever they lie. */
static UNUSED void check_same_images(const hg_dataset *a, const hg_dataset *b) {
  assert_int_equal(a->count, b->count);
  assert_int_equal(hg_shape_count(a->shape), hg_shape_count(b->shape));
  for (int64_t i = 0; i < a->count; i++) {
    assert_memory_equal(hg_dataset_image(a, i), hg_dataset_image(b, i), (size_t)hg_shape_count(a->shape));
    assert_int_equal(a->labels[i], b->labels[i]);
  }
}

/* A PNG whose pixel k has the value (first + k) % 256 in every byte's turn. */
static UNUSED content png_of(int width, int height, bool colour, int first) {
  content made = {.count = sizeof made.data};
  uint8_t pixels[64 * 64 * 3];
  for (int k = 0; k < width * height * 3; k++) pixels[k] = (uint8_t)(first + k);
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = (png_uint_32)width;
  image.height = (png_uint_32)height;
  image.format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t size = sizeof made.data;
  assert_int_equal(png_image_write_to_memory(&image, made.data, &size, 0, pixels, 0, NULL), 1);
  made.count = size;
  return made;
}

static UNUSED content jpeg_of(int width, int height, bool colour, int first) {
  content made = {.count = 0};
  struct jpeg_compress_struct info;
  struct jpeg_error_mgr manager;
  info.err = jpeg_std_error(&manager);
  jpeg_create_compress(&info);
  unsigned char *out = NULL;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &out, &size);
  info.image_width = (JDIMENSION)width;
  info.image_height = (JDIMENSION)height;
  info.input_components = colour ? 3 : 1;
  info.in_color_space = colour ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_set_defaults(&info);
  jpeg_start_compress(&info, TRUE);
  for (int y = 0; y < height; y++) {
    uint8_t row[64 * 3];
    for (int k = 0; k < width * 3; k++) row[k] = (uint8_t)(first + 3 * y + 5 * k);
    JSAMPROW rows = row;
    jpeg_write_scanlines(&info, &rows, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  assert_true(size <= sizeof made.data);
  memcpy(made.data, out, size);
  made.count = size;
  free(out);
  return made;
}

/* Writes an archive of `count` files; the format by the name's end: .tar, .tar.gz, .zip. */
static UNUSED void put_archive(const char *name, const char *const *paths, const content *contents, int count) {
  struct archive *archive = archive_write_new();
  if (strstr(name, ".zip") != NULL)
    archive_write_set_format_zip(archive);
  else
    archive_write_set_format_pax_restricted(archive);
  if (strstr(name, ".gz") != NULL) archive_write_add_filter_gzip(archive);
  assert_int_equal(archive_write_open_filename(archive, at(name)), ARCHIVE_OK);
  for (int i = 0; i < count; i++) {
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, paths[i]);
    archive_entry_set_size(entry, (la_int64_t)contents[i].count);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(archive, contents[i].data, contents[i].count), (la_ssize_t)contents[i].count);
    archive_entry_free(entry);
  }
  assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
  archive_write_free(archive);
}

static UNUSED int make_test_folder(void **state) {
  (void)state;
  if (mkdtemp(test_folder) == NULL) return -1;
  return setenv("XDG_CACHE_HOME", at("cache"), 1);
}

static UNUSED int remove_test_folder(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", test_folder);
  return system(command);
}

#endif
