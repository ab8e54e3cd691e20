/* Folders and archives of PNG and JPEG images by class. */
#define _GNU_SOURCE
#include "test_data_files.h"

#include "base/alloc.h"
#include "data/archive.h"

#include <locale.h>
#include "data/convert.h"
#include "data/data.h"
#include "data/decode.h"

#include <dirent.h>
#include <sys/stat.h>

enum { FILES = 6 };
static const char *const paths[FILES] = {"train/b/1.png", "train/a/2.png", "train/a/10.jpg",
                                         "test/a/1.PNG",  "test/b/x.jpeg", "train/a-c/1.png"};

static void fill(content contents[FILES]) {
  for (int i = 0; i < FILES; i++)
    contents[i] = strcasestr(paths[i], ".png") != NULL ? png_of(6, 5, true, i * 9) : jpeg_of(6, 5, true, i * 9);
}

static void put_folder(const char *root) {
  content contents[FILES];
  char name[256];
  fill(contents);
  for (int i = 0; i < FILES; i++) {
    snprintf(name, sizeof name, "%s/%s", root, paths[i]);
    put(name, contents[i].data, contents[i].count);
  }
}

static hg_code open_parts(const char *name, double validation, hg_data *data, hg_error *error) {
  hg_data_settings settings = hg_data_settings_default();
  char source[512];
  snprintf(source, sizeof source, "%s", at(name));
  settings.source = source;
  settings.validation = validation;
  return hg_data_open(&settings, NULL, data, error);
}

static hg_code open_at(const char *name, hg_data *data, hg_error *error) { return open_parts(name, 0, data, error); }

static void a_folder_is_read_by_class_in_the_order_of_names(void **state) {
  (void)state;
  put_folder("photos");
  hg_data data;
  assert_int_equal(open_at("photos", &data, NULL), HG_OK);
  assert_int_equal(data.train->count, 4);
  assert_int_equal(data.test->count, 2);
  assert_int_equal(data.train->classes, 3);
  static const char *const names[] = {"a", "a-c", "b"};
  static const int labels[] = {0, 0, 1, 2};
  for (int c = 0; c < 3; c++) assert_string_equal(hg_dataset_class_name(data.train, c), names[c]);
  for (int i = 0; i < 4; i++) assert_int_equal(hg_dataset_label(data.train, i), labels[i]);
  assert_int_equal(hg_dataset_image(data.train, 3)[0], 0);
  assert_int_equal(hg_dataset_image(data.train, 3)[4], 4);
  hg_data_release(&data);
}

/* Official test images that were taken for training images would tell nothing of a model. */
static void parts_are_known_by_their_longer_names_and_in_any_case(void **state) {
  (void)state;
  static const char *const names[][2] = {{"train", "test"}, {"training", "testing"}, {"Train", "TEST"}};
  char name[64];
  for (int n = 0; n < 3; n++) {
    hg_data data;
    for (int i = 0; i < 8; i++) {
      content png = png_of(4, 4, true, i);
      snprintf(name, sizeof name, "parts%d/%s/%s/%d.png", n, names[n][i / 4], i % 2 ? "odd" : "even", i);
      put(name, png.data, png.count);
    }
    snprintf(name, sizeof name, "parts%d", n);
    assert_int_equal(open_at(name, &data, NULL), HG_OK);
    assert_int_equal(data.train->count, 4);
    assert_int_equal(data.test->count, 4);
    hg_data_release(&data);
  }
}

static void archives_give_what_the_folder_gives(void **state) {
  (void)state;
  static const char *const names[] = {"photos.tar", "photos.tar.gz", "photos.zip"};
  content contents[FILES];
  fill(contents);
  put_folder("photos");
  hg_data folder, archive;
  assert_int_equal(open_at("photos", &folder, NULL), HG_OK);
  for (int i = 0; i < 3; i++) {
    put_archive(names[i], paths, contents, FILES);
    assert_int_equal(open_at(names[i], &archive, NULL), HG_OK);
    assert_string_equal(archive.digest, folder.digest);
    hg_data_release(&archive);
  }
  hg_data_release(&folder);
}

static void names_in_archives_may_be_in_any_script_whatever_the_locale(void **state) {
  (void)state;
  static const char *const names[] = {"scripts.tar", "scripts.tar.gz", "scripts.zip"};
  static const char *const files[] = {"\u00c4pfel/1.png", "\u00c4pfel/2.png", "\u65e5\u672c/1.png", "\u65e5\u672c/2.png"};
  content contents[4];
  for (int i = 0; i < 4; i++) contents[i] = png_of(6, 5, true, i * 9);
  for (int i = 0; i < 3; i++) {
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    put_archive(names[i], files, contents, 4);
    setlocale(LC_CTYPE, "C");
    hg_data data;
    assert_int_equal(open_at(names[i], &data, NULL), HG_OK);
    assert_string_equal(hg_dataset_class_name(data.train, 0), "\u00c4pfel");
    assert_string_equal(hg_dataset_class_name(data.train, 1), "\u65e5\u672c");
    hg_data_release(&data);
  }
}

static void a_folder_without_train_and_test_is_split_here(void **state) {
  (void)state;
  char name[64];
  for (int i = 0; i < 20; i++) {
    content png = png_of(4, 4, true, i);
    snprintf(name, sizeof name, "flat/%s/%02d.png", i % 2 ? "odd" : "even", i);
    put(name, png.data, png.count);
  }
  hg_data data;
  assert_int_equal(open_at("flat", &data, NULL), HG_OK);
  assert_int_equal(data.train->count, 16);
  assert_int_equal(data.test->count, 4);
  assert_string_equal(hg_dataset_class_name(data.test, 0), "even");
  hg_data_release(&data);
}

static void grey_images_have_one_channel_and_mixed_ones_three(void **state) {
  (void)state;
  content grey = png_of(4, 4, false, 10), colour = png_of(4, 4, true, 10);
  put("grey/a/1.png", grey.data, grey.count);
  put("grey/b/1.png", grey.data, grey.count);
  put("mixed/a/1.png", grey.data, grey.count);
  put("mixed/b/1.png", colour.data, colour.count);
  hg_dataset *dataset;
  assert_int_equal(hg_dataset_open(at("grey"), false, &dataset, NULL), HG_OK);
  assert_int_equal(dataset->shape.channels, 1);
  assert_int_equal(hg_dataset_image(dataset, 1)[5], 15);
  hg_dataset_free(dataset);
  assert_int_equal(hg_dataset_open(at("mixed"), false, &dataset, NULL), HG_OK);
  assert_int_equal(dataset->shape.channels, 3);
  assert_int_equal(hg_dataset_image(dataset, 0)[3 * 5 + 1], 15);
  hg_dataset_free(dataset);
}

/* Without a gamma of its own, which libpng would take for linear light. */
static content deep_png(uint16_t value) {
  content made = {.count = 0};
  FILE *file = fmemopen(made.data, sizeof made.data, "wb");
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png_create_info_struct(png);
  png_byte row[] = {(png_byte)(value >> 8), (png_byte)value, (png_byte)(value >> 8), (png_byte)value};
  png_init_io(png, file);
  png_set_IHDR(png, info, 2, 2, 16, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (int y = 0; y < 2; y++) png_write_row(png, row);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  made.count = (size_t)ftell(file);
  fclose(file);
  return made;
}

static void sixteen_bits_are_as_bright_as_eight(void **state) {
  (void)state;
  content half = deep_png(0x8000), white = deep_png(0xffff);
  put("deep/train/a/1.png", half.data, half.count);
  put("deep/train/b/1.png", white.data, white.count);
  put("deep/test/a/1.png", white.data, white.count);
  hg_dataset *dataset;
  assert_int_equal(hg_dataset_open(at("deep"), false, &dataset, NULL), HG_OK);
  assert_in_range(hg_dataset_image(dataset, 0)[0], 127, 128);
  assert_int_equal(hg_dataset_image(dataset, 1)[0], 255);
  hg_dataset_free(dataset);
}

static void a_link_in_an_archive_is_told_with_what_packs_it_whole(void **state) {
  (void)state;
  char command[1200];
  hg_dataset *dataset;
  hg_error error;
  put_folder("linked");
  assert_int_equal(symlink("2.png", at("linked/train/a/3.png")), 0);
  snprintf(command, sizeof command, "tar -cf %s/linked.tar -C %s/linked .", test_folder, test_folder);
  assert_int_equal(system(command), 0);
  assert_int_equal(hg_dataset_open(at("linked.tar"), false, &dataset, &error), HG_DATA);
  assert_non_null(strstr(error.place, "train/a/3.png"));
  assert_non_null(strstr(error.message, "--hard-dereference"));
}

static void resize_and_grayscale_bring_images_to_one_shape(void **state) {
  (void)state;
  content small = png_of(6, 4, true, 10), large = jpeg_of(20, 30, true, 10);
  put("sizes/a/1.png", small.data, small.count);
  put("sizes/b/1.jpg", large.data, large.count);
  put("sizes/b/2.jpg", large.data, large.count);
  hg_data_settings settings = hg_data_settings_default();
  char source[512];
  snprintf(source, sizeof source, "%s", at("sizes"));
  settings.source = source;
  settings.resize = 8;
  settings.grayscale = true;
  settings.validation = 0;
  settings.test = 1;
  hg_data data;
  hg_data_outline outline;
  assert_int_equal(hg_data_open(&settings, NULL, &data, NULL), HG_OK);
  assert_int_equal(hg_data_peek(&settings, NULL, &outline, NULL), HG_OK);
  assert_int_equal(outline.shape.height, 8);
  assert_int_equal(outline.shape.channels, 1);
  assert_memory_equal(&outline.shape, &data.train->shape, sizeof outline.shape);
  assert_int_equal(outline.most, data.train->count);
  hg_data_release(&data);
}

static void resizing_keeps_constant_images_and_averages_when_it_shrinks(void **state) {
  (void)state;
  uint8_t from[16 * 16], to[64 * 64];
  memset(from, 77, sizeof from);
  for (int side = 1; side <= 64; side++) {
    assert_int_equal(hg_image_resize(from, (hg_shape){16, 16, 1}, side, to, NULL), HG_OK);
    for (int i = 0; i < side * side; i++) assert_int_equal(to[i], 77);
  }
  for (int i = 0; i < 256; i++) from[i] = i % 2 ? 200 : 100;
  assert_int_equal(hg_image_resize(from, (hg_shape){16, 16, 1}, 4, to, NULL), HG_OK);
  for (int i = 0; i < 16; i++) assert_in_range(to[i], 140, 160);
}

static void files_that_are_no_images_are_skipped_and_counted(void **state) {
  (void)state;
  put_folder("notes");
  put("notes/readme.txt", "x", 1);
  put("notes/train/a/list.csv", "x", 1);
  put("notes/train/a/.DS_Store", "x", 1);
  put("notes/__MACOSX/train/a/._2.png", "x", 1);
  hg_dataset *dataset;
  assert_int_equal(hg_dataset_open(at("notes"), false, &dataset, NULL), HG_OK);
  assert_non_null(strstr(dataset->source, "(2 files that are no images skipped)"));
  assert_int_equal(dataset->count, 4);
  hg_dataset_free(dataset);
}

/* Of images; digests stand beside them. */
static int cached_files(void) {
  DIR *directory = opendir(at("cache/hourglass"));
  int count = 0;
  for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;)
    count += strncmp(entry->d_name, "images-", 7) == 0;
  if (directory != NULL) closedir(directory);
  return count;
}

static void put_large_folder(void) {
  char name[64];
  for (int i = 0; i < 120; i++) {
    content png = png_of(64, 64, true, i);
    snprintf(name, sizeof name, "large/%s/%03d.png", i % 2 ? "odd" : "even", i);
    put(name, png.data, png.count);
  }
}

static void decoded_images_are_cached_until_a_file_changes(void **state) {
  (void)state;
  put_large_folder();
  hg_data first, second, third;
  int before = cached_files();
  assert_int_equal(open_at("large", &first, NULL), HG_OK);
  assert_int_equal(cached_files(), before + 1);
  assert_int_equal(open_at("large", &second, NULL), HG_OK);
  assert_string_equal(first.digest, second.digest);
  assert_string_equal(first.train->source, second.train->source);
  assert_string_equal(hg_dataset_class_name(first.train, 1), hg_dataset_class_name(second.train, 1));
  content png = png_of(64, 64, true, 99);
  put("large/odd/001.png", png.data, png.count);
  assert_int_equal(open_at("large", &third, NULL), HG_OK);
  assert_string_not_equal(first.digest, third.digest);
  assert_int_equal(cached_files(), before + 1);
  hg_data_release(&first);
  hg_data_release(&second);
  hg_data_release(&third);
}

static void parts_of_a_cached_set_are_those_of_a_decoded_one(void **state) {
  (void)state;
  put_large_folder();
  hg_data decoded, cached;
  assert_int_equal(open_parts("large", 20, &decoded, NULL), HG_OK);
  assert_int_equal(open_parts("large", 20, &cached, NULL), HG_OK);
  assert_null(decoded.train->map);
  assert_non_null(cached.train->map);
  check_same_images(decoded.train, cached.train);
  check_same_images(decoded.validation, cached.validation);
  check_same_images(decoded.test, cached.test);
  hg_data_release(&decoded);
  hg_data_release(&cached);
}

static void a_damaged_cache_is_made_again(void **state) {
  (void)state;
  put_large_folder();
  hg_data first, second;
  assert_int_equal(open_at("large", &first, NULL), HG_OK);
  DIR *directory = opendir(at("cache/hourglass"));
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    char name[300];
    snprintf(name, sizeof name, "cache/hourglass/%s", entry->d_name);
    if (entry->d_name[0] != '.') assert_int_equal(truncate(at(name), 5000), 0);
  }
  closedir(directory);
  assert_int_equal(open_at("large", &second, NULL), HG_OK);
  assert_string_equal(first.digest, second.digest);
  hg_data_release(&first);
  hg_data_release(&second);
}

static void a_folder_that_cannot_be_written_to_needs_no_cache(void **state) {
  (void)state;
  put_large_folder();
  put("a-file", "x", 1);
  setenv("XDG_CACHE_HOME", at("a-file"), 1);
  hg_data data;
  hg_code code = open_at("large", &data, NULL);
  setenv("XDG_CACHE_HOME", at("cache"), 1);
  assert_int_equal(code, HG_OK);
  hg_data_release(&data);
}

static void every_allocation_may_fail_once(void **state) {
  (void)state;
  put_folder("photos");
  hg_dataset *dataset = NULL;
  int failures = 0;
  for (int successes = 0; dataset == NULL && successes < 2000; successes++) {
    hg_alloc_fail_after(successes);
    hg_code code = hg_dataset_open(at("photos"), false, &dataset, NULL);
    hg_alloc_fail_after(-1);
    assert_true(code == HG_OK || code == HG_NO_MEMORY);
    failures += code != HG_OK;
  }
  assert_non_null(dataset);
  assert_true(failures > 30);
  hg_dataset_free(dataset);
}

static void the_jpeg_copy_of_cifar10_says_so(void **state) {
  (void)state;
  hg_dataset *dataset;
  if (hg_dataset_open("cifar10", true, &dataset, NULL) != HG_OK) skip();
  assert_int_equal(dataset->count, 10000);
  assert_int_equal(dataset->shape.height, 32);
  assert_string_equal(hg_dataset_class_name(dataset, 9), "truck");
  if (strcmp(dataset->source, "CIFAR-10") != 0) assert_string_equal(dataset->source, "CIFAR-10 (JPEG copy)");
  hg_dataset_free(dataset);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_folder_is_read_by_class_in_the_order_of_names),
      cmocka_unit_test(parts_are_known_by_their_longer_names_and_in_any_case),
      cmocka_unit_test(archives_give_what_the_folder_gives),
      cmocka_unit_test(names_in_archives_may_be_in_any_script_whatever_the_locale),
      cmocka_unit_test(a_folder_without_train_and_test_is_split_here),
      cmocka_unit_test(grey_images_have_one_channel_and_mixed_ones_three),
      cmocka_unit_test(resize_and_grayscale_bring_images_to_one_shape),
      cmocka_unit_test(sixteen_bits_are_as_bright_as_eight),
      cmocka_unit_test(a_link_in_an_archive_is_told_with_what_packs_it_whole),
      cmocka_unit_test(resizing_keeps_constant_images_and_averages_when_it_shrinks),
      cmocka_unit_test(files_that_are_no_images_are_skipped_and_counted),
      cmocka_unit_test(decoded_images_are_cached_until_a_file_changes),
      cmocka_unit_test(parts_of_a_cached_set_are_those_of_a_decoded_one),
      cmocka_unit_test(a_damaged_cache_is_made_again),
      cmocka_unit_test(a_folder_that_cannot_be_written_to_needs_no_cache),
      cmocka_unit_test(every_allocation_may_fail_once),
      cmocka_unit_test(the_jpeg_copy_of_cifar10_says_so),
  };
  return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
