/* Truncated, damaged and lying files: each is refused with its path and the cause, and nothing crashes (the sanitize
 * preset runs this too). */
#define _GNU_SOURCE
#include "test_data_files.h"

#include "data/data.h"

/* A case writes its files below `name` and is then opened as that source. */
typedef struct hostile {
  const char *name; /* of the source, in the tests' folder */
  void (*make)(const char *name);
  const char *place;   /* part of the error's place */
  const char *message; /* part of the error's message */
} hostile;

/* ---------------------------------------------------------------- IDX */

static uint8_t idx[4096];

/* `images` images of 4 x 4, with the header's words as given. */
static size_t make_idx(uint32_t magic, int dimensions, const uint32_t *sizes, size_t values) {
  size_t used = 0;
  for (int word = -1; word < dimensions; word++)
    for (int shift = 24; shift >= 0; shift -= 8) idx[used++] = (uint8_t)((word < 0 ? magic : sizes[word]) >> shift);
  for (size_t i = 0; i < values; i++) idx[used++] = (uint8_t)(i % 10);
  return used;
}

static void put_labels(const char *images, uint32_t count, size_t values) {
  char name[256];
  size_t size = make_idx(0x801, 1, &count, values);
  snprintf(name, sizeof name, "%s", images);
  memcpy(strstr(name, "images"), "labels", 6);
  memcpy(strstr(name, "idx3"), "idx1", 4);
  put(name, idx, size);
}

static void put_images(const char *name, uint32_t magic, uint32_t count, uint32_t height, uint32_t width, size_t values) {
  put_labels(name, 5, 5);
  size_t size = make_idx(magic, 3, (uint32_t[]){count, height, width}, values);
  if (strstr(name, ".gz") != NULL)
    put_gzip(name, idx, size);
  else
    put(name, idx, size);
}

static void idx_empty(const char *name) { put(name, "", 0); }
static void idx_three_bytes(const char *name) { put(name, "\0\0\x08", 3); }
static void idx_wrong_magic(const char *name) { put_images(name, 0x12340803, 5, 4, 4, 80); }
static void idx_floats(const char *name) { put_images(name, 0x0d03, 5, 4, 4, 320); }
static void idx_no_dimensions(const char *name) { put(name, "\0\0\x08\0", 4); }
static void idx_nine_dimensions(const char *name) { put(name, "\0\0\x08\x09zzzz", 8); }
static void idx_header_cut(const char *name) { put(name, "\0\0\x08\x03\0\0\0\x05\0\0", 10); }
static void idx_promises_more(const char *name) { put_images(name, 0x803, 6, 4, 4, 80); }
static void idx_holds_more(const char *name) {
  put_images(name, 0x803, 4, 4, 4, 80);
  put_labels(name, 4, 4);
}
static void idx_overflow(const char *name) { put_images(name, 0x804, 0xffffffff, 0xffffffff, 0xffffffff, 1000); }
static void idx_huge(const char *name) { put_images(name, 0x803, 0x7fffffff, 28, 28, 80); }
static void idx_huge_compressed(const char *name) { put_images(name, 0x803, 0x7fffffff, 28, 28, 80); }
static void idx_wide(const char *name) { put_images(name, 0x803, 1, 1, 1000000, 3000); }
static void idx_zero_height(const char *name) { put_images(name, 0x803, 5, 0, 4, 0); }
static void idx_no_images(const char *name) {
  put_images(name, 0x803, 0, 4, 4, 0);
  put_labels(name, 0, 0);
}
static void idx_labels_as_images(const char *name) {
  uint32_t count = 5;
  put_labels(name, 5, 5);
  put(name, idx, make_idx(0x801, 1, &count, 5));
}
static void idx_fewer_labels(const char *name) {
  put_images(name, 0x803, 5, 4, 4, 80);
  put_labels(name, 4, 4);
}
static void idx_labels_cut(const char *name) {
  put_images(name, 0x803, 5, 4, 4, 80);
  put_labels(name, 5, 3);
}
static void idx_images_as_labels(const char *name) {
  put_images(name, 0x803, 5, 4, 4, 80);
  char labels[256];
  snprintf(labels, sizeof labels, "%s", name);
  memcpy(strstr(labels, "images"), "labels", 6);
  memcpy(strstr(labels, "idx3"), "idx1", 4);
  put(labels, idx, make_idx(0x803, 3, (uint32_t[]){5, 4, 4}, 80));
}

/* The same file with its compressed bytes changed. */
static void gzip_changed(const char *name, size_t keep, int flip_at) {
  put_images(name, 0x803, 5, 4, 4, 80);
  char *zipped;
  size_t size;
  assert_int_equal(hg_file_read(at(name), 1 << 20, &zipped, &size, NULL), HG_OK);
  if (flip_at != 0) zipped[(size_t)(flip_at + (flip_at < 0 ? (int)size : 0))] ^= 0x55;
  put(name, zipped, keep < size ? keep : size);
  free(zipped);
}

static void gzip_cut(const char *name) { gzip_changed(name, 40, 0); }
static void gzip_wrong_checksum(const char *name) { gzip_changed(name, 10000, -7); }
static void gzip_damaged(const char *name) { gzip_changed(name, 10000, 14); }

/* ---------------------------------------------------------------- CIFAR-10 */

static void put_cifar(const char *name, size_t size, int label) {
  uint8_t *records = calloc(size + 1, 1);
  for (size_t i = 0; i < size; i += 3073) records[i] = (uint8_t)label;
  put(name, records, size);
  free(records);
}

static void cifar_empty(const char *name) { put_cifar(name, 0, 0); }
static void cifar_odd_length(const char *name) { put_cifar(name, 3073 * 2 + 1, 3); }
static void cifar_cut(const char *name) { put_cifar(name, 3072, 3); }
static void cifar_label(const char *name) { put_cifar(name, 3073 * 2, 10); }
static void cifar_second_missing(const char *name) {
  char first[256];
  snprintf(first, sizeof first, "%s/data_batch_1.bin", name);
  put_cifar(first, 3073, 1);
}

/* ---------------------------------------------------------------- images */

static void put_in(const char *folder, const char *file, const uint8_t *data, size_t count) {
  char name[256];
  snprintf(name, sizeof name, "%s/%s", folder, file);
  put(name, data, count);
}

static void put_png(const char *folder, const char *file, int width, int height) {
  content png = png_of(width, height, true, 3);
  put_in(folder, file, png.data, png.count);
}

static void folder_empty(const char *name) { assert_int_equal(hg_folder_make(at(name), NULL), HG_OK); }
static void folder_empty_class(const char *name) {
  char inner[256];
  put_png(name, "a/1.png", 4, 4);
  snprintf(inner, sizeof inner, "%s/b", name);
  folder_empty(inner);
}
static void folder_only_text(const char *name) { put_in(name, "readme.txt", (const uint8_t *)"x", 1); }
static void folder_two_sizes(const char *name) {
  put_png(name, "a/1.png", 4, 4);
  put_png(name, "a/2.png", 5, 4);
}
static void folder_no_class(const char *name) { put_png(name, "1.png", 4, 4); }
static void folder_no_class_below_train(const char *name) { put_png(name, "train/1.png", 4, 4); }
static void folder_mixed_parts(const char *name) {
  put_png(name, "train/a/1.png", 4, 4);
  put_png(name, "a/1.png", 4, 4);
}
static void folder_in_a_class(const char *name) {
  put_png(name, "a/1.png", 4, 4);
  put_png(name, "a-b/1.png", 4, 4);
  put_png(name, "a/deep/er/2.png", 4, 4);
}
static void folder_untrained_class(const char *name) {
  put_png(name, "train/a/1.png", 4, 4);
  put_png(name, "test/b/1.png", 4, 4);
}
static void png_that_is_text(const char *name) { put_in(name, "a/1.png", (const uint8_t *)"not a picture", 13); }
static void png_nothing(const char *name) { put_in(name, "a/1.png", (const uint8_t *)"", 0); }
static void png_cut(const char *name) {
  content png = png_of(30, 30, true, 3);
  put_in(name, "a/1.png", png.data, png.count / 2);
}
static void png_signature_only(const char *name) {
  content png = png_of(30, 30, true, 3);
  put_in(name, "a/1.png", png.data, 8);
}
static void png_wrong_checksum(const char *name) {
  content png = png_of(30, 30, true, 3);
  png.data[18] ^= 1; /* in IHDR's width; its CRC no longer holds */
  put_in(name, "a/1.png", png.data, png.count);
}
static void png_damaged_pixels(const char *name) {
  content png = png_of(30, 30, true, 3);
  for (size_t i = png.count / 2; i < png.count / 2 + 20; i++) png.data[i] ^= 0xa5;
  put_in(name, "a/1.png", png.data, png.count);
}

/* A whole IHDR, checksum and all, that promises an enormous image. */
static void png_enormous(const char *name) {
  content png = png_of(4, 4, true, 3);
  memcpy(png.data + 16, "\x00\x0f\x00\x00\x00\x0f\x00\x00", 8);
  uint32_t crc = (uint32_t)crc32(0, png.data + 12, 17);
  for (int i = 0; i < 4; i++) png.data[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
  put_in(name, "a/1.png", png.data, png.count);
}

static void jpeg_cut(const char *name) {
  content jpeg = jpeg_of(60, 60, true, 3);
  put_in(name, "a/1.jpg", jpeg.data, jpeg.count * 2 / 3);
}
static void jpeg_header_cut(const char *name) {
  content jpeg = jpeg_of(60, 60, true, 3);
  put_in(name, "a/1.jpg", jpeg.data, 40);
}
static void jpeg_three_bytes(const char *name) { put_in(name, "a/1.jpg", (const uint8_t *)"\xff\xd8\xff", 3); }
static void jpeg_no_tables(const char *name) {
  put_in(name, "a/1.jpg", (const uint8_t *)"\xff\xd8\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\xff\xd9", 14);
}

/* ---------------------------------------------------------------- archives */

static void tar_random(const char *name) {
  uint8_t noise[3000];
  for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)(i * i * 31 + i / 7);
  put(name, noise, sizeof noise);
}
static void tar_empty(const char *name) { put(name, "", 0); }
static void tar_no_files(const char *name) { put_archive(name, NULL, NULL, 0); }
static void tar_one(const char *name, const char *path) {
  static content png;
  png = png_of(20, 20, true, 3);
  put_archive(name, &path, &png, 1);
}
static void tar_upwards(const char *name) { tar_one(name, "a/../../b/1.png"); }
static void tar_absolute(const char *name) { tar_one(name, "/etc/a/1.png"); }
static void tar_no_class(const char *name) { tar_one(name, "1.png"); }
static void tar_cut(const char *name, size_t keep) {
  tar_one(name, "a/1.png");
  assert_int_equal(truncate(at(name), (off_t)keep), 0);
}
static void tar_cut_in_file(const char *name) { tar_cut(name, 600); }
static void tar_cut_compressed(const char *name) { tar_cut(name, 200); }
static void zip_cut(const char *name) { tar_cut(name, 150); }

/* An octal size of nearly 64 GiB in a tar header, its checksum right. */
static void tar_enormous(const char *name) {
  tar_one(name, "a/1.png");
  char *tar;
  size_t size;
  assert_int_equal(hg_file_read(at(name), 1 << 20, &tar, &size, NULL), HG_OK);
  memcpy(tar + 124, "777777777777", 12);
  memset(tar + 148, ' ', 8);
  unsigned sum = 0;
  for (int i = 0; i < 512; i++) sum += (uint8_t)tar[i];
  snprintf(tar + 148, 8, "%06o", sum);
  put(name, tar, size);
  free(tar);
}

/* 65 MiB of zeros after a PNG's signature, in some 70 KiB. */
static void zip_bomb(const char *name) {
  struct archive *archive = archive_write_new();
  archive_write_set_format_pax_restricted(archive);
  archive_write_add_filter_gzip(archive);
  assert_int_equal(archive_write_open_filename(archive, at(name)), ARCHIVE_OK);
  struct archive_entry *entry = archive_entry_new();
  archive_entry_set_pathname(entry, "a/1.png");
  archive_entry_set_size(entry, 65 << 20);
  archive_entry_set_filetype(entry, AE_IFREG);
  assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
  static const uint8_t zeros[1 << 20];
  for (int i = 0; i < 65; i++) assert_int_equal(archive_write_data(archive, zeros, sizeof zeros), (la_ssize_t)sizeof zeros);
  archive_entry_free(entry);
  archive_write_close(archive);
  archive_write_free(archive);
}

/* ---------------------------------------------------------------- the table */

static const hostile cases[] = {
    {"a1-images-idx3", idx_empty, "a1-images-idx3", "truncated"},
    {"a2-images-idx3", idx_three_bytes, "a2-images", "truncated: the header should be 4 bytes, the file has 3"},
    {"a3-images-idx3", idx_wrong_magic, "a3-images", "is not an IDX file"},
    {"a4-images-idx3", idx_floats, "a4-images", "type 0x0d"},
    {"a5-images-idx3", idx_no_dimensions, "a5-images", "has 0 dimensions"},
    {"a6-images-idx3", idx_nine_dimensions, "a6-images", "has 9 dimensions"},
    {"a7-images-idx3", idx_header_cut, "a7-images", "truncated: the header"},
    {"a8-images-idx3", idx_promises_more, "a8-images", "promises 96 bytes of values, the file has 80"},
    {"a9-images-idx3", idx_holds_more, "a9-images", "longer than the 64 bytes"},
    {"b1-images-idx3", idx_overflow, "b1-images", "overflow"},
    {"b2-images-idx3", idx_huge, "b2-images", "truncated"},
    {"b3-images-idx3.gz", idx_huge_compressed, "b3-images", "truncated"},
    {"b4-images-idx3", idx_wide, "b4-images", "truncated"},
    {"b5-images-idx3", idx_zero_height, "b5-images", "dimension 2 the size 0"},
    {"b6-images-idx3", idx_no_images, "b6-images", "holds no images"},
    {"b7-images-idx3", idx_labels_as_images, "b7-images", "are these the labels?"},
    {"b8-images-idx3", idx_fewer_labels, "b8-labels-idx1", "4 labels for 5 images"},
    {"b9-images-idx3", idx_labels_cut, "b9-labels-idx1", "truncated"},
    {"c1-images-idx3", idx_images_as_labels, "c1-labels-idx1", "are these the images?"},
    {"c2-images-idx3.gz", gzip_cut, "c2-images", "truncated"},
    {"c3-images-idx3.gz", gzip_wrong_checksum, "c3-images", "damaged"},
    {"c4-images-idx3.gz", gzip_damaged, "c4-images", ""},
    {"d1.bin", cifar_empty, "d1.bin", "0 bytes"},
    {"d2.bin", cifar_odd_length, "d2.bin", "6147 bytes, which is not a whole number"},
    {"d3.bin", cifar_cut, "d3.bin", "records of 3073 bytes"},
    {"d4.bin", cifar_label, "d4.bin", "label 10 of record 0"},
    {"d5", cifar_second_missing, "d5/data_batch_2.bin", "No such file"},
    {"e1", folder_empty, "e1", "holds no PNG or JPEG images"},
    {"e2", folder_empty_class, "e2/b", "class folder without"},
    {"e3", folder_only_text, "e3", "only other files"},
    {"e4", folder_two_sizes, "e4/a/2.png", "is 4 x 5 pixels, a/1.png is 4 x 4; `resize: 4`"},
    {"e5", folder_no_class, "e5/1.png", "no class folder"},
    {"e6", folder_no_class_below_train, "e6/train/1.png", "no class folder"},
    {"e7", folder_mixed_parts, "e7", "neither in train nor in test"},
    {"e9", folder_in_a_class, "e9", "a/deep/er/2.png lies below the class folder of a/1.png"},
    {"e8", folder_untrained_class, "e8", "class b has test images but no training images"},
    {"f1", png_that_is_text, "f1/a/1.png", "neither a PNG nor a JPEG"},
    {"f2", png_nothing, "f2/a/1.png", "neither a PNG nor a JPEG"},
    {"f3", png_cut, "f3/a/1.png", "damaged PNG"},
    {"f4", png_signature_only, "f4/a/1.png", "damaged PNG"},
    {"f5", png_wrong_checksum, "f5/a/1.png", "damaged PNG"},
    {"f6", png_damaged_pixels, "f6/a/1.png", "damaged PNG"},
    {"f7", png_enormous, "f7/a/1.png", ""},
    {"g1", jpeg_cut, "g1/a/1.jpg", "damaged JPEG"},
    {"g2", jpeg_header_cut, "g2/a/1.jpg", "damaged JPEG"},
    {"g3", jpeg_three_bytes, "g3/a/1.jpg", "damaged JPEG"},
    {"g4", jpeg_no_tables, "g4/a/1.jpg", "damaged JPEG"},
    {"h1.tar", tar_random, "h1.tar", "no archive of a known kind"},
    {"h2.tar", tar_empty, "h2.tar", ""},
    {"h3.tar", tar_no_files, "h3.tar", "holds no PNG or JPEG images"},
    {"h4.tar", tar_upwards, "h4.tar:a/../../b/1.png", "leads out of the archive"},
    {"h5.tar", tar_absolute, "h5.tar:/etc/a/1.png", "leads out of the archive"},
    {"h6.tar", tar_no_class, "h6.tar:1.png", "no class folder"},
    {"h7.tar", tar_cut_in_file, "h7.tar:a/1.png", "cannot be read"},
    {"h8.tar.gz", tar_cut_compressed, "h8.tar.gz", ""},
    {"h9.tar", tar_enormous, "h9.tar", "more than an archive of images may"},
    {"i1.zip", zip_cut, "i1.zip", ""},
    {"i2.tar.gz", zip_bomb, "i2.tar.gz:a/1.png", "longer than the"},
    {"nowhere", NULL, "nowhere", "is neither a data set of the catalog"},
};

static void every_hostile_source_is_refused_with_place_and_cause(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const hostile *one = &cases[i];
    if (one->make != NULL) one->make(one->name);
    hg_dataset *dataset = NULL;
    hg_error error;
    hg_code code = hg_dataset_open(at(one->name), false, &dataset, &error);
    if (code != HG_DATA || strstr(error.place, one->place) == NULL || strstr(error.message, one->message) == NULL)
      fail_msg("%s: code %d, place '%s', message '%s'", one->name, code, code == HG_OK ? "" : error.place,
               code == HG_OK ? "" : error.message);
    assert_null(dataset);
    assert_true(error.message[0] != '\0');
  }
}

/* Every byte of a small file changed and every length cut: either it reads or it is refused. */
static void survive_changes(const char *name, const content *original) {
  for (size_t i = 0; i < original->count; i++) {
    content changed = *original;
    changed.data[i] ^= (uint8_t)(1 + i % 255);
    put(name, changed.data, changed.count);
    hg_dataset *dataset = NULL;
    hg_error error;
    hg_code code = hg_dataset_open(at(name), false, &dataset, &error);
    assert_true(code == HG_OK || code == HG_DATA);
    hg_dataset_free(dataset);
    put(name, original->data, i);
    code = hg_dataset_open(at(name), false, &dataset, &error);
    assert_true(code == HG_OK || code == HG_DATA);
    hg_dataset_free(dataset);
  }
}

static content content_of(const char *name) {
  content made = {.count = 0};
  char *read;
  assert_int_equal(hg_file_read(at(name), sizeof made.data, &read, &made.count, NULL), HG_OK);
  memcpy(made.data, read, made.count);
  free(read);
  return made;
}

static void any_changed_byte_and_any_cut_is_survived(void **state) {
  (void)state;
  content png = png_of(5, 5, true, 3);
  const char *path = "a/1.png";
  put_archive("z.zip", &path, &png, 1);
  put_archive("z.tar.gz", &path, &png, 1);
  put_images("z-images-idx3.gz", 0x803, 5, 2, 2, 20);
  static const char *const names[] = {"z.zip", "z.tar.gz", "z-images-idx3.gz"};
  for (int i = 0; i < 3; i++) {
    content original = content_of(names[i]);
    survive_changes(names[i], &original);
  }
}

static void any_changed_byte_of_an_image_is_survived(void **state) {
  (void)state;
  content images[] = {png_of(6, 6, true, 1), png_of(6, 6, false, 1), jpeg_of(9, 9, true, 1), jpeg_of(9, 9, false, 1)};
  for (int k = 0; k < 4; k++)
    for (size_t i = 0; i < images[k].count; i++) {
      content changed = images[k];
      changed.data[i] ^= (uint8_t)(1 + i % 255);
      put("fuzz/a/1.png", changed.data, changed.count);
      hg_dataset *dataset = NULL;
      hg_code code = hg_dataset_open(at("fuzz"), false, &dataset, NULL);
      assert_true(code == HG_OK || code == HG_DATA);
      hg_dataset_free(dataset);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_hostile_source_is_refused_with_place_and_cause),
      cmocka_unit_test(any_changed_byte_and_any_cut_is_survived),
      cmocka_unit_test(any_changed_byte_of_an_image_is_survived),
  };
  return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
