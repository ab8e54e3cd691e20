/* Generated line images and their three splits. */
#include "test_data_files.h"

#include "data/data.h"
#include "data/leaks.h"
#include "data/lines.h"

static int find_image(const hg_dataset *in, const uint8_t *image) {
  for (int64_t i = 0; i < in->count; i++)
    if (memcmp(hg_dataset_image(in, i), image, 2352) == 0) return (int)i;
  return -1;
}

static int shared_images(const hg_dataset *a, const hg_dataset *b) {
  int shared = 0;
  for (int64_t i = 0; i < a->count; i++) shared += find_image(b, hg_dataset_image(a, i)) >= 0;
  return shared;
}

static void every_line_class_and_placement_is_its_own_image(void **state) {
  (void)state;
  hg_dataset *all;
  int64_t count = 48 * 289 + 48 * 81, next = 0;
  assert_int_equal(hg_dataset_new((hg_shape){28, 28, 3}, count, 96, &all, NULL), HG_OK);
  char(*digests)[HG_SHA256_SIZE] = malloc((size_t)count * sizeof *digests);
  for (int label = 0; label < 96; label++)
    for (int dy = -hg_lines_reach(label); dy <= hg_lines_reach(label); dy++)
      for (int dx = -hg_lines_reach(label); dx <= hg_lines_reach(label); dx++) {
        hg_lines_draw(label, dx, dy, all->pixels + next * 2352);
        hg_sha256(all->pixels + next * 2352, 2352, digests[next]);
        next++;
      }
  assert_int_equal(next, count);
  qsort(digests, (size_t)count, sizeof *digests, (int (*)(const void *, const void *))strcmp);
  for (int64_t i = 1; i < count; i++) assert_string_not_equal(digests[i - 1], digests[i]);
  free(digests);
  hg_dataset_free(all);
}

static void a_line_never_touches_the_border(void **state) {
  (void)state;
  uint8_t pixels[2352];
  for (int label = 0; label < 96; label++)
    for (int corner = 0; corner < 4; corner++) {
      int reach = hg_lines_reach(label), lit = 0;
      hg_lines_draw(label, corner & 1 ? reach : -reach, corner & 2 ? reach : -reach, pixels);
      for (int i = 0; i < 784; i++) {
        bool on = pixels[3 * i] || pixels[3 * i + 1] || pixels[3 * i + 2];
        lit += on;
        assert_false(on && (i % 28 == 0 || i / 28 == 0));
      }
      assert_true(lit >= 5);
    }
}

static hg_leaks leaks_of(const hg_dataset *part, const hg_dataset *against) {
  hg_leak_index *index = NULL;
  hg_leaks leaks;
  assert_int_equal(hg_leak_index_new(against, false, NULL, &index, NULL), HG_OK);
  assert_int_equal(hg_leak_index_ask(index, part, NULL, &leaks, NULL), HG_OK);
  hg_leak_index_free(index);
  return leaks;
}

static void only_the_random_split_of_lines_leaks(void **state) {
  (void)state;
  hg_lines_settings settings = {.per_class = 300, .split = HG_LINES_RANDOM, .test_share = 0.2};
  hg_dataset *train, *test;
  for (int split = HG_LINES_RANDOM; split <= HG_LINES_HELD_OUT; split++) {
    settings.split = (hg_lines_split)split;
    settings.per_class = split == HG_LINES_RANDOM ? 300 : 60;
    assert_int_equal(hg_lines_make(&settings, 1, &train, &test, NULL), HG_OK);
    int shared = shared_images(test, train);
    assert_int_equal(leaks_of(test, train).exact, shared);
    if (split == HG_LINES_RANDOM)
      assert_true(shared > test->count / 2);
    else
      assert_int_equal(shared, 0);
    hg_dataset_free(train);
    hg_dataset_free(test);
  }
}

static void line_images_are_the_study_s_96_classes(void **state) {
  (void)state;
  hg_data_settings settings = hg_data_settings_default();
  settings.source = (char *)(uintptr_t) "lines";
  settings.lines.per_class = 10;
  hg_data data;
  assert_int_equal(hg_data_open(&settings, NULL, &data, NULL), HG_OK);
  assert_int_equal(data.train->count + data.validation->count, 96 * 8);
  assert_int_equal(data.test->count, 96 * 2);
  assert_string_equal(hg_dataset_class_name(data.train, 0), "length 7, width 1, 0 degrees, red");
  assert_string_equal(hg_dataset_class_name(data.train, 95), "length 15, width 3, 165 degrees, blue");
  hg_data_release(&data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_line_class_and_placement_is_its_own_image),
      cmocka_unit_test(a_line_never_touches_the_border),
      cmocka_unit_test(only_the_random_split_of_lines_leaks),
      cmocka_unit_test(line_images_are_the_study_s_96_classes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
