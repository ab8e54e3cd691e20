/* Augmented copies that are added to a training set. */
#include "data/copies.h"
#include "test_train_fixture.h"

static const hg_augmentation changes = {.rotate = 10, .gaussian_noise = 0.1f, .added = 2};

static void the_images_come_first_as_they_are(void **state) {
  (void)state;
  hg_dataset *images = make_images(20, 1), *more = NULL;
  assert_int_equal(hg_dataset_add_copies(images, &changes, 3, &more, NULL), HG_OK);
  assert_int_equal(more->count, 60);
  assert_memory_equal(more->pixels, images->pixels, 20 * SIDE * SIDE);
  for (int i = 0; i < 60; i++) assert_int_equal(more->labels[i], images->labels[i % 20]);
  hg_dataset_free(images);
  hg_dataset_free(more);
}

static void copies_differ_from_their_image_and_from_each_other(void **state) {
  (void)state;
  hg_dataset *images = make_images(20, 1), *more = NULL;
  assert_int_equal(hg_dataset_add_copies(images, &changes, 3, &more, NULL), HG_OK);
  for (int i = 0; i < 20; i++) {
    const uint8_t *image = hg_dataset_image(more, i);
    assert_memory_not_equal(hg_dataset_image(more, 20 + i), image, SIDE * SIDE);
    assert_memory_not_equal(hg_dataset_image(more, 40 + i), image, SIDE * SIDE);
    assert_memory_not_equal(hg_dataset_image(more, 40 + i), hg_dataset_image(more, 20 + i), SIDE * SIDE);
  }
  hg_dataset_free(images);
  hg_dataset_free(more);
}

static void a_copy_is_its_image_changed_by_the_seed(void **state) {
  (void)state;
  hg_dataset *images = make_images(20, 1), *a = NULL, *b = NULL, *c = NULL;
  assert_int_equal(hg_dataset_add_copies(images, &changes, 3, &a, NULL), HG_OK);
  assert_int_equal(hg_dataset_add_copies(images, &changes, 3, &b, NULL), HG_OK);
  assert_int_equal(hg_dataset_add_copies(images, &changes, 4, &c, NULL), HG_OK);
  assert_memory_equal(a->pixels, b->pixels, 60 * SIDE * SIDE);
  assert_memory_not_equal(a->pixels, c->pixels, 60 * SIDE * SIDE);
  hg_dataset_free(images);
  hg_dataset_free(a);
  hg_dataset_free(b);
  hg_dataset_free(c);
}

static int64_t steps_seen;
static bool count_steps(void *context, const hg_progress *progress) {
  (void)context;
  steps_seen = progress->steps;
  return true;
}

static void training_sees_images_and_copies(void **state) {
  (void)state;
  hg_dataset *images = make_images(64, 1), *validation = make_images(32, 2);
  hg_train_settings settings = quick_settings(1);
  settings.augment = changes;
  settings.progress = count_steps;
  hg_network *network = make_mlp();
  hg_error error;
  assert_trains(hg_train(network, images, validation, &settings, NULL, &error), error);
  assert_int_equal(steps_seen, 3 * 64 / 32);
  hg_network_free(network);
  hg_dataset_free(images);
  hg_dataset_free(validation);
}

static void memory_that_runs_out_is_an_error(void **state) {
  (void)state;
  hg_dataset *images = make_images(20, 1);
  for (int64_t n = 0;; n++) {
    hg_dataset *more = NULL;
    hg_alloc_fail_after(n);
    hg_code code = hg_dataset_add_copies(images, &changes, 3, &more, NULL);
    hg_alloc_fail_after(-1);
    hg_dataset_free(more);
    if (code == HG_OK) break;
    assert_int_equal(code, HG_NO_MEMORY);
    assert_null(more);
  }
  hg_dataset_free(images);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_images_come_first_as_they_are),
      cmocka_unit_test(copies_differ_from_their_image_and_from_each_other),
      cmocka_unit_test(a_copy_is_its_image_changed_by_the_seed),
      cmocka_unit_test(training_sees_images_and_copies),
      cmocka_unit_test(memory_that_runs_out_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
