/* IDX files, and the cache of what was decoded from compressed ones. */
#define _GNU_SOURCE
#include "test_data_files.h"

#include "data/data.h"
#include "data/idx.h"

/* An IDX file of `count` images of h x w whose pixel k of image i is (i * 7 + k) % 256. */
static size_t idx_images(uint8_t *bytes, int count, int h, int w) {
  uint8_t header[16] = {0, 0, 8, 3, 0, 0, (uint8_t)(count >> 8), (uint8_t)count, 0, 0, 0, (uint8_t)h, 0, 0, 0, (uint8_t)w};
  memcpy(bytes, header, sizeof header);
  for (int i = 0; i < count; i++)
    for (int k = 0; k < h * w; k++) bytes[16 + i * h * w + k] = (uint8_t)(i * 7 + k);
  return 16 + (size_t)(count * h * w);
}

static size_t idx_labels(uint8_t *bytes, int count, int classes) {
  uint8_t header[8] = {0, 0, 8, 1, 0, 0, (uint8_t)(count >> 8), (uint8_t)count};
  memcpy(bytes, header, sizeof header);
  for (int i = 0; i < count; i++) bytes[8 + i] = (uint8_t)(i % classes);
  return 8 + (size_t)count;
}

static void an_idx_file_reads_the_same_plain_and_compressed(void **state) {
  (void)state;
  uint8_t images[4096], labels[64];
  size_t image_bytes = idx_images(images, 9, 5, 4), label_bytes = idx_labels(labels, 9, 3);
  put("train-images-idx3-ubyte", images, image_bytes);
  put("train-labels-idx1-ubyte", labels, label_bytes);
  put_gzip("zipped-images-idx3-ubyte.gz", images, image_bytes);
  hg_dataset *plain, *zipped;
  assert_int_equal(hg_idx_read(at("train-images-idx3-ubyte"), at("train-labels-idx1-ubyte"), 0, &plain, NULL), HG_OK);
  assert_int_equal(hg_idx_read(at("zipped-images-idx3-ubyte.gz"), at("train-labels-idx1-ubyte"), 0, &zipped, NULL), HG_OK);
  assert_int_equal(plain->count, 9);
  assert_int_equal(plain->classes, 3);
  assert_int_equal(plain->shape.height, 5);
  assert_int_equal(plain->shape.width, 4);
  assert_int_equal(hg_dataset_image(plain, 2)[3], 17);
  assert_int_equal(hg_dataset_label(plain, 5), 2);
  char a[HG_SHA256_SIZE], b[HG_SHA256_SIZE];
  hg_dataset_digest(plain, a);
  hg_dataset_digest(zipped, b);
  assert_string_equal(a, b);
  hg_dataset_free(plain);
  hg_dataset_free(zipped);
}

static void a_path_to_an_images_file_finds_labels_and_test_part_beside_it(void **state) {
  (void)state;
  uint8_t bytes[4096];
  put("train-images-idx3-ubyte", bytes, idx_images(bytes, 9, 5, 4));
  put("train-labels-idx1-ubyte", bytes, idx_labels(bytes, 9, 3));
  put("t10k-images-idx3-ubyte", bytes, idx_images(bytes, 4, 5, 4));
  put("t10k-labels-idx1-ubyte", bytes, idx_labels(bytes, 4, 2));
  hg_dataset *test;
  assert_int_equal(hg_dataset_open(at("train-images-idx3-ubyte"), true, &test, NULL), HG_OK);
  assert_int_equal(hg_dataset_count(test), 4);
  assert_int_equal(hg_dataset_classes(test), 3);
  hg_dataset_free(test);
  assert_int_equal(hg_dataset_open(test_folder, true, &test, NULL), HG_OK);
  assert_int_equal(hg_dataset_count(test), 4);
  hg_dataset_free(test);
  hg_error error;
  unlink(at("t10k-labels-idx1-ubyte"));
  assert_int_equal(hg_dataset_open(test_folder, false, &test, &error), HG_DATA);
  assert_non_null(strstr(error.place, "t10k-images-idx3-ubyte"));
  assert_non_null(strstr(error.message, "there is no file of labels for these images of the test part"));
  unlink(at("t10k-images-idx3-ubyte"));
  assert_int_equal(hg_dataset_open(test_folder, false, &test, NULL), HG_OK);
  hg_dataset_free(test);
}

static void a_folders_name_makes_no_idx_file(void **state) {
  (void)state;
  uint8_t record[3073] = {0, 0, 9}; /* label 0, red values 0 and 9: as an IDX file begins, but for the type */
  hg_dataset *dataset;
  put("of-idx/data_batch_1.bin", record, sizeof record);
  assert_int_equal(hg_dataset_open(at("of-idx/data_batch_1.bin"), false, &dataset, NULL), HG_OK);
  assert_int_equal(hg_dataset_shape(dataset).channels, 3);
  hg_dataset_free(dataset);
  uint8_t bytes[4096];
  put("of-idx/digits.bin", bytes, idx_images(bytes, 9, 5, 4));
  assert_int_equal(hg_dataset_open(at("of-idx/digits.bin"), false, &dataset, NULL), HG_OK);
  assert_int_equal(hg_dataset_count(dataset), 9);
  hg_dataset_free(dataset);
}

static void another_set_in_the_place_of_a_catalogs_is_refused(void **state) {
  (void)state;
  uint8_t bytes[4096];
  static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                      "t10k-labels-idx1-ubyte"};
  char path[64];
  for (int i = 0; i < 4; i++) {
    snprintf(path, sizeof path, "small/mnist/%s", names[i]);
    put(path, bytes, i % 2 == 0 ? idx_images(bytes, 9, 5, 4) : idx_labels(bytes, 9, 3));
  }
  char *before = getenv("HOURGLASS_DATA");
  before = before == NULL ? NULL : strdup(before);
  setenv("HOURGLASS_DATA", at("small"), 1);
  hg_dataset *dataset;
  hg_error error;
  hg_code code = hg_dataset_open("mnist", false, &dataset, &error);
  if (before == NULL)
    unsetenv("HOURGLASS_DATA");
  else
    setenv("HOURGLASS_DATA", before, 1);
  free(before);
  assert_int_equal(code, HG_DATA);
  assert_non_null(strstr(error.message, "is not MNIST: it has 10 classes and images of 5 x 4 x 1, not 10 and 28 x 28 x 1"));
}

static void a_source_without_a_test_part_gives_one_up(void **state) {
  (void)state;
  hg_data_settings settings = hg_data_settings_default();
  settings.source = (char *)(uintptr_t)at("train-images-idx3-ubyte");
  settings.test = 3;
  settings.validation = 0;
  hg_data data;
  assert_int_equal(hg_data_open(&settings, NULL, &data, NULL), HG_OK);
  assert_int_equal(data.train->count, 6);
  assert_int_equal(data.test->count, 3);
  assert_null(data.validation);
  hg_data_release(&data);
}

/* ---------------------------------------------------------------- the cache of decoded images */

/* A folder of compressed IDX files of 1,400 images of 28 x 28 in five classes, large enough to be cached, and 50 test images. */
static void put_compressed(const char *folder, int test_side) {
  enum { IMAGES = 1400, TESTS = 50, SIDE = 28, CLASSES = 5 };
  static uint8_t bytes[16 + IMAGES * SIDE * SIDE];
  char name[128];
  assert_int_equal(hg_folder_make(at(folder), NULL), HG_OK);
  snprintf(name, sizeof name, "%s/train-images-idx3-ubyte.gz", folder);
  put_gzip(name, bytes, idx_images(bytes, IMAGES, SIDE, SIDE));
  snprintf(name, sizeof name, "%s/train-labels-idx1-ubyte.gz", folder);
  put_gzip(name, bytes, idx_labels(bytes, IMAGES, CLASSES));
  snprintf(name, sizeof name, "%s/t10k-images-idx3-ubyte.gz", folder);
  put_gzip(name, bytes, idx_images(bytes, TESTS, test_side, test_side));
  snprintf(name, sizeof name, "%s/t10k-labels-idx1-ubyte.gz", folder);
  put_gzip(name, bytes, idx_labels(bytes, TESTS, CLASSES));
}

/* Of a folder of the tests. */
static hg_data_settings settings_of(const char *folder, char source[512]) {
  hg_data_settings settings = hg_data_settings_default();
  snprintf(source, 512, "%s", at(folder));
  settings.source = source;
  return settings;
}

/* Twice: the second time from the cache. Mapped pixels outlive the set they were cut from. */
static void check_cached(const hg_data_settings *settings, bool mapped) {
  hg_data decoded, cached;
  put_compressed("compressed", 28); /* newer files than the cache knows */
  assert_int_equal(hg_data_open(settings, NULL, &decoded, NULL), HG_OK);
  assert_int_equal(hg_data_open(settings, NULL, &cached, NULL), HG_OK);
  assert_null(decoded.train->map);
  assert_true((cached.train->map != NULL) == mapped);
  assert_string_equal(decoded.digest, cached.digest);
  check_same_images(decoded.train, cached.train);
  check_same_images(decoded.validation, cached.validation);
  check_same_images(decoded.test, cached.test);
  hg_data_release(&decoded);
  hg_data_release(&cached);
}

static void sets_from_the_cache_are_cut_limited_chosen_and_resized_alike(void **state) {
  (void)state;
  char source[512];
  hg_data_settings settings = settings_of("compressed", source);
  settings.validation = 100;
  check_cached(&settings, true);
  settings.limit = 300;
  settings.test_limit = 20;
  check_cached(&settings, true);
  settings.resize = 14;
  check_cached(&settings, false);
  int classes[] = {1, 3};
  settings.resize = 0;
  settings.classes = classes;
  settings.class_count = 2;
  check_cached(&settings, false);
}

static void parts_of_two_sizes_are_refused_each_time(void **state) {
  (void)state;
  char source[512];
  put_compressed("unlike", 20);
  hg_data_settings settings = settings_of("unlike", source);
  for (int i = 0; i < 2; i++) {
    hg_data data;
    hg_error error;
    assert_int_equal(hg_data_open(&settings, NULL, &data, &error), HG_DATA);
    assert_non_null(strstr(error.message, "training images are 28 x 28 x 1, test images 20 x 20 x 1"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_idx_file_reads_the_same_plain_and_compressed),
      cmocka_unit_test(a_path_to_an_images_file_finds_labels_and_test_part_beside_it),
      cmocka_unit_test(a_source_without_a_test_part_gives_one_up),
      cmocka_unit_test(a_folders_name_makes_no_idx_file),
      cmocka_unit_test(another_set_in_the_place_of_a_catalogs_is_refused),
      cmocka_unit_test(sets_from_the_cache_are_cut_limited_chosen_and_resized_alike),
      cmocka_unit_test(parts_of_two_sizes_are_refused_each_time),
  };
  return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
