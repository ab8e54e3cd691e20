/* The reader of CIFAR-10, splits, and the real data sets where they are at hand. */
#define _GNU_SOURCE
#include "test_data_files.h"

#include "base/alloc.h"
#include "data/cifar.h"
#include "data/data.h"
#include "data/idx.h"
#include "data/splits.h"

#include <sys/stat.h>

static void put_cifar(const char *name, int records) {
  uint8_t *bytes = malloc((size_t)records * 3073);
  for (int i = 0; i < records; i++) {
    bytes[i * 3073] = (uint8_t)(i % 10);
    for (int k = 0; k < 3072; k++) bytes[i * 3073 + 1 + k] = (uint8_t)(k / 1024 * 100 + k % 32);
  }
  put(name, bytes, (size_t)records * 3073);
  free(bytes);
}

static void cifar_records_become_channels_last_images(void **state) {
  (void)state;
  assert_int_equal(hg_folder_make(at("cifar"), NULL), HG_OK);
  char name[64];
  for (int i = 1; i <= 5; i++) {
    snprintf(name, sizeof name, "cifar/data_batch_%d.bin", i);
    put_cifar(name, 20);
  }
  put_cifar("cifar/test_batch.bin", 10);
  put("cifar/batches.meta.txt", "airplane\nautomobile\n\n", 21);
  hg_dataset *train;
  assert_int_equal(hg_dataset_open(at("cifar"), false, &train, NULL), HG_OK);
  assert_int_equal(train->count, 100);
  assert_int_equal(train->shape.channels, 3);
  const uint8_t *pixel = hg_dataset_image(train, 21) + (3 * 32 + 5) * 3;
  assert_int_equal(pixel[0], 5);
  assert_int_equal(pixel[1], 105);
  assert_int_equal(pixel[2], 205);
  assert_int_equal(hg_dataset_label(train, 21), 1);
  assert_string_equal(hg_dataset_class_name(train, 1), "automobile");
  assert_string_equal(hg_dataset_class_name(train, 9), "9");
  hg_dataset_free(train);
}

static hg_dataset *open_or_null(const char *source, bool test_part) {
  hg_dataset *dataset;
  return hg_dataset_open(source, test_part, &dataset, NULL) == HG_OK ? dataset : NULL;
}

static void real_images_written_as_cifar_records_are_read_back(void **state) {
  (void)state;
  enum { COUNT = 200 };
  hg_dataset *images = open_or_null("cifar10", true), *back;
  if (images == NULL) {
    skip();
    return;
  }
  uint8_t *records = malloc(COUNT * 3073);
  for (int i = 0; i < COUNT; i++) {
    records[i * 3073] = (uint8_t)images->labels[i * 50];
    for (int k = 0; k < 3072; k++) records[i * 3073 + 1 + k] = hg_dataset_image(images, i * 50)[k % 1024 * 3 + k / 1024];
  }
  put("real.bin", records, COUNT * 3073);
  assert_int_equal(hg_cifar_read_file(at("real.bin"), &back, NULL), HG_OK);
  for (int i = 0; i < COUNT; i++) {
    assert_int_equal(back->labels[i], images->labels[i * 50]);
    assert_memory_equal(hg_dataset_image(back, i), hg_dataset_image(images, i * 50), 3072);
  }
  free(records);
  hg_dataset_free(back);
  hg_dataset_free(images);
}

static void cifar10_is_read_from_binary_files_before_a_jpeg_copy(void **state) {
  (void)state;
  char folders[1200];
  assert_int_equal(hg_folder_make(at("first/cifar10"), NULL), HG_OK);
  put("first/cifar10/cifar10-jpeg.tar.gz", "x", 1);
  assert_int_equal(hg_folder_make(at("second"), NULL), HG_OK);
  assert_int_equal(symlink(at("cifar"), at("second/cifar10")), 0);
  snprintf(folders, sizeof folders, "%s:%s", at("first"), at("second"));
  char *before = getenv("HOURGLASS_DATA");
  before = before == NULL ? NULL : strdup(before);
  setenv("HOURGLASS_DATA", folders, 1);
  hg_dataset *dataset = open_or_null("cifar10", false);
  if (before == NULL)
    unsetenv("HOURGLASS_DATA");
  else
    setenv("HOURGLASS_DATA", before, 1);
  free(before);
  assert_non_null(dataset);
  assert_int_equal(dataset->count, 100);
  assert_string_equal(dataset->source, "CIFAR-10");
  assert_string_equal(hg_dataset_class_name(dataset, 9), "truck");
  hg_dataset_free(dataset);
}

/* ---------------------------------------------------------------- splits */

static hg_dataset *numbered(int64_t count, int classes) {
  hg_dataset *dataset;
  assert_int_equal(hg_dataset_new((hg_shape){1, 2, 1}, count, classes, &dataset, NULL), HG_OK);
  for (int64_t i = 0; i < count; i++) {
    dataset->pixels[2 * i] = (uint8_t)i;
    dataset->pixels[2 * i + 1] = (uint8_t)(i >> 8);
    dataset->labels[i] = (int32_t)(i * i % classes);
  }
  return dataset;
}

static int number_of(const hg_dataset *dataset, int64_t i) {
  const uint8_t *image = hg_dataset_image(dataset, i);
  return image[0] | image[1] << 8;
}

static void a_split_keeps_every_image_once_and_the_classes_shares(void **state) {
  (void)state;
  hg_dataset *all = numbered(1000, 7), *rest = numbered(1000, 7), *chosen, *copied;
  assert_int_equal(hg_split_cut(rest, 200, true, 1, HG_SPLIT_VALIDATION, &chosen, NULL), HG_OK);
  assert_int_equal(chosen->count, 200);
  assert_int_equal(rest->count, 800);
  int seen[1000] = {0}, of_class[7] = {0}, taken[7] = {0};
  for (int64_t i = 0; i < 1000; i++) of_class[all->labels[i]]++;
  for (int64_t i = 0; i < 200; i++) seen[number_of(chosen, i)]++, taken[chosen->labels[i]]++;
  for (int64_t i = 0; i < 800; i++) {
    seen[number_of(rest, i)]++;
    assert_int_equal(rest->labels[i], all->labels[number_of(rest, i)]);
    assert_true(i == 0 || number_of(rest, i) > number_of(rest, i - 1));
  }
  for (int i = 0; i < 1000; i++) assert_int_equal(seen[i], 1);
  for (int c = 0; c < 7; c++) assert_in_range(taken[c], (unsigned long)(of_class[c] / 5), (unsigned long)(of_class[c] / 5 + 1));
  assert_int_equal(hg_split_copy(all, 200, true, 1, HG_SPLIT_VALIDATION, &copied, NULL), HG_OK);
  assert_int_equal(all->count, 1000);
  assert_memory_equal(copied->pixels, chosen->pixels, 400);
  hg_dataset_free(copied);
  hg_dataset_free(chosen);
  hg_dataset_free(rest);
  hg_dataset_free(all);
}

static void a_split_depends_on_its_seed_alone(void **state) {
  (void)state;
  hg_dataset *all = numbered(500, 3), *a, *b, *c;
  hg_split_copy(all, 100, true, 1, HG_SPLIT_LIMIT, &a, NULL);
  hg_split_copy(all, 100, true, 1, HG_SPLIT_LIMIT, &b, NULL);
  hg_split_copy(all, 100, true, 2, HG_SPLIT_LIMIT, &c, NULL);
  assert_memory_equal(a->pixels, b->pixels, 200);
  assert_memory_not_equal(a->pixels, c->pixels, 200);
  hg_dataset_free(a);
  hg_dataset_free(b);
  hg_dataset_free(c);
  hg_dataset_free(all);
}

static hg_data_settings small_cifar(void) {
  hg_data_settings settings = hg_data_settings_default();
  settings.source = (char *)(uintptr_t)at("cifar");
  return settings;
}

static void chosen_classes_are_renumbered_in_their_order(void **state) {
  (void)state;
  hg_data_settings settings = small_cifar();
  settings.classes = (int[]){3, 1};
  settings.class_count = 2;
  settings.validation = 4;
  hg_data data;
  assert_int_equal(hg_data_open(&settings, NULL, &data, NULL), HG_OK);
  assert_int_equal(data.train->count, 16);
  assert_int_equal(data.validation->count, 4);
  assert_int_equal(data.test->count, 2);
  assert_int_equal(data.train->classes, 2);
  assert_string_equal(hg_dataset_class_name(data.train, 1), "automobile");
  int of_class[2] = {0};
  for (int64_t i = 0; i < 4; i++) of_class[data.validation->labels[i]]++;
  assert_int_equal(of_class[0], 2);
  hg_data_release(&data);
}

static void limits_are_stratified_and_cut_before_validation(void **state) {
  (void)state;
  hg_data_settings settings = small_cifar();
  settings.limit = 50;
  settings.test_limit = 5;
  settings.validation = 0.2;
  hg_data data;
  assert_int_equal(hg_data_open(&settings, NULL, &data, NULL), HG_OK);
  assert_int_equal(data.train->count, 40);
  assert_int_equal(data.validation->count, 10);
  assert_int_equal(data.test->count, 5);
  int of_class[10] = {0};
  for (int64_t i = 0; i < 40; i++) of_class[data.train->labels[i]]++;
  for (int c = 0; c < 10; c++) assert_int_equal(of_class[c], 4);
  hg_data_release(&data);
}

static void the_digest_tells_other_splits_apart_and_repeats(void **state) {
  (void)state;
  hg_data_settings settings = small_cifar();
  char digest[3][65];
  for (int i = 0; i < 3; i++) {
    settings.seed = i < 2 ? 1 : 2;
    hg_data data;
    assert_int_equal(hg_data_open(&settings, NULL, &data, NULL), HG_OK);
    memcpy(digest[i], data.digest, 65);
    hg_data_release(&data);
  }
  assert_string_equal(digest[0], digest[1]);
  assert_string_not_equal(digest[0], digest[2]);
}

static void settings_that_cannot_be_are_refused_with_the_reason(void **state) {
  (void)state;
  static int twice[] = {1, 1}, beyond[] = {10};
  struct {
    const char *word;
    double validation;
    int64_t limit;
    int *classes;
    int class_count;
  } cases[] = {{"leaves nothing to train on", 100, 0, NULL, 0},
               {"negative", -1, 0, NULL, 0},
               {"limit", 0.1, -1, NULL, 0},
               {"twice", 0.1, 0, twice, 2},
               {"labels are 0 to 9", 0.1, 0, beyond, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    hg_data_settings settings = small_cifar();
    settings.validation = cases[i].validation;
    settings.limit = cases[i].limit;
    settings.classes = cases[i].classes;
    settings.class_count = cases[i].class_count;
    hg_data data;
    hg_error error;
    assert_int_equal(hg_data_open(&settings, NULL, &data, &error), HG_USAGE);
    assert_non_null(strstr(error.message, cases[i].word));
  }
}

/* ---------------------------------------------------------------- finding */

static void a_missing_set_says_where_it_was_looked_for_and_what_brings_it(void **state) {
  (void)state;
  assert_int_equal(hg_folder_make(at("elsewhere/cifar10"), NULL), HG_OK);
  char *here = getcwd(NULL, 0), *before = getenv("HOURGLASS_DATA");
  before = before == NULL ? NULL : strdup(before);
  assert_int_equal(chdir(test_folder), 0);
  setenv("HOURGLASS_DATA", at("elsewhere"), 1);
  setenv("XDG_CACHE_HOME", at("no-cache"), 1);
  hg_dataset *dataset;
  hg_error error;
  hg_code code = hg_dataset_open("cifar10", false, &dataset, &error);
  assert_int_equal(chdir(here), 0);
  if (before == NULL)
    unsetenv("HOURGLASS_DATA");
  else
    setenv("HOURGLASS_DATA", before, 1);
  free(before);
  free(here);
  assert_int_equal(code, HG_DATA);
  assert_non_null(strstr(error.message, at("elsewhere/cifar10")));
  assert_non_null(strstr(error.message, "no data_batch_1.bin"));
  assert_non_null(strstr(error.message, at("no-cache/hourglass/cifar10")));
  assert_non_null(strstr(error.message, "hourglass data fetch cifar10"));
}

static void an_unknown_source_is_refused_with_the_nearest_or_all_of_the_catalog(void **state) {
  (void)state;
  hg_dataset *dataset;
  hg_error error;
  assert_int_equal(hg_dataset_open("mnsit", false, &dataset, &error), HG_DATA);
  assert_string_equal(error.place, "mnsit");
  assert_non_null(strstr(error.message, "did you mean `mnist`?"));
  assert_int_equal(hg_dataset_open("photographs", false, &dataset, &error), HG_DATA);
  assert_non_null(strstr(error.message, "mnist, fashion-mnist, cifar10, lines"));
}

static void a_pipe_is_no_source(void **state) {
  (void)state;
  hg_dataset *read;
  hg_error error;
  assert_int_equal(mkfifo(at("pipe"), 0600), 0);
  assert_int_equal(hg_dataset_open(at("pipe"), false, &read, &error), HG_DATA);
  assert_non_null(strstr(error.message, "is neither a file nor a folder"));
}

static void peeking_tells_shape_and_classes_without_the_data(void **state) {
  (void)state;
  hg_data_settings settings = hg_data_settings_default();
  settings.source = (char *)(uintptr_t) "cifar10";
  settings.classes = (int[]){0, 1, 2};
  settings.class_count = 3;
  settings.grayscale = true;
  settings.resize = 16;
  hg_data_outline outline;
  assert_int_equal(hg_data_peek(&settings, NULL, &outline, NULL), HG_OK);
  assert_int_equal(outline.shape.height, 16);
  assert_int_equal(outline.shape.channels, 1);
  assert_int_equal(outline.classes, 3);
  assert_int_equal(outline.most, 15000);
}

static void classes_have_names_before_the_data_is_there(void **state) {
  (void)state;
  static const struct {
    const char *source;
    int label;
    const char *name;
  } cases[] = {{"fashion-mnist", 9, "Ankle boot"}, {"mnist", 7, "7"}, {"lines", 1, "length 7, width 1, 0 degrees, blue"}};
  for (int i = 0; i < 3; i++) {
    hg_data_settings settings = hg_data_settings_default();
    settings.source = (char *)(uintptr_t)cases[i].source;
    hg_dataset *named;
    assert_int_equal(hg_data_name_classes(&settings, NULL, &named, NULL), HG_OK);
    assert_string_equal(hg_dataset_class_name(named, cases[i].label), cases[i].name);
    hg_dataset_free(named);
  }
}

static void the_real_sets_have_their_published_sizes(void **state) {
  (void)state;
  static const char *const names[] = {"mnist", "fashion-mnist"};
  int found = 0;
  for (int i = 0; i < 2; i++) {
    hg_dataset *train, *test;
    hg_error error;
    if (hg_dataset_open(names[i], false, &train, &error) != HG_OK) continue;
    found++;
    assert_int_equal(hg_dataset_open(names[i], true, &test, NULL), HG_OK);
    assert_int_equal(train->count, 60000);
    assert_int_equal(test->count, 10000);
    int of_class[10] = {0};
    for (int64_t k = 0; k < 10000; k++) of_class[test->labels[k]]++;
    for (int c = 0; c < 10; c++) assert_in_range(of_class[c], 800, 1200);
    hg_dataset_free(train);
    hg_dataset_free(test);
  }
  if (found == 0) skip();
}

static void a_failed_allocation_is_reported_and_leaks_nothing(void **state) {
  (void)state;
  hg_data_settings settings = small_cifar();
  settings.classes = (int[]){0, 1, 2};
  settings.class_count = 3;
  settings.limit = 20;
  hg_data data;
  hg_code code = HG_NO_MEMORY;
  int failures = 0;
  for (int successes = 0; code != HG_OK && successes < 10000; successes++) {
    hg_alloc_fail_after(successes);
    code = hg_data_open(&settings, NULL, &data, NULL);
    hg_alloc_fail_after(-1);
    assert_true(code == HG_OK || code == HG_NO_MEMORY);
    failures += code != HG_OK;
  }
  assert_int_equal(code, HG_OK);
  assert_true(failures > 20);
  hg_data_release(&data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cifar_records_become_channels_last_images),
      cmocka_unit_test(real_images_written_as_cifar_records_are_read_back),
      cmocka_unit_test(cifar10_is_read_from_binary_files_before_a_jpeg_copy),
      cmocka_unit_test(a_split_keeps_every_image_once_and_the_classes_shares),
      cmocka_unit_test(a_split_depends_on_its_seed_alone),
      cmocka_unit_test(chosen_classes_are_renumbered_in_their_order),
      cmocka_unit_test(limits_are_stratified_and_cut_before_validation),
      cmocka_unit_test(the_digest_tells_other_splits_apart_and_repeats),
      cmocka_unit_test(settings_that_cannot_be_are_refused_with_the_reason),
      cmocka_unit_test(a_missing_set_says_where_it_was_looked_for_and_what_brings_it),
      cmocka_unit_test(an_unknown_source_is_refused_with_the_nearest_or_all_of_the_catalog),
      cmocka_unit_test(a_pipe_is_no_source),
      cmocka_unit_test(peeking_tells_shape_and_classes_without_the_data),
      cmocka_unit_test(classes_have_names_before_the_data_is_there),
      cmocka_unit_test(the_real_sets_have_their_published_sizes),
      cmocka_unit_test(a_failed_allocation_is_reported_and_leaks_nothing),
  };
  return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
