/* Images in two sets, byte for byte and nearly. */
#include "data/leaks.h"

#include "base/rng.h"
#include "data/data.h"
#include "data/image_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 28, PIXELS = SIDE * SIDE, TRAIN = 500, ASKED = 100 };

/* A few smooth bumps: unlike each other, unlike noise. */
static void draw(uint8_t *image, uint64_t seed) {
  hg_rng rng = hg_rng_at(seed, HG_RNG_BOOTSTRAP, 0, 0);
  float bumps[4][3];
  for (int b = 0; b < 4; b++)
    for (int k = 0; k < 3; k++) bumps[b][k] = (float)hg_rng_below(&rng, 1000) / 1000.0f;
  for (int i = 0; i < PIXELS; i++) {
    float sum = 0;
    for (int b = 0; b < 4; b++) {
      float dx = (float)(i % SIDE) / SIDE - bumps[b][0], dy = (float)(i / SIDE) / SIDE - bumps[b][1];
      sum += bumps[b][2] / (1 + 40 * (dx * dx + dy * dy));
    }
    image[i] = (uint8_t)(sum > 1 ? 200 : 200 * sum);
  }
}

static hg_dataset *draw_set(int64_t count, uint64_t first_seed) {
  hg_dataset *set;
  assert_int_equal(hg_dataset_new((hg_shape){SIDE, SIDE, 1}, count, 1, &set, NULL), HG_OK);
  for (int64_t i = 0; i < count; i++) draw(set->pixels + i * PIXELS, first_seed + (uint64_t)i);
  return set;
}

static uint8_t *image_of(hg_dataset *set, int64_t index) { return set->pixels + index * PIXELS; }

static hg_leaks ask(const hg_dataset *part, const hg_dataset *against, int threads) {
  hg_pool *pool = NULL;
  hg_leak_index *index = NULL;
  hg_leaks leaks;
  assert_int_equal(hg_pool_new(threads, &pool, NULL), HG_OK);
  assert_int_equal(hg_leak_index_new(against, pool, &index, NULL), HG_OK);
  assert_int_equal(hg_leak_index_ask(index, part, pool, &leaks, NULL), HG_OK);
  hg_leak_index_free(index);
  hg_pool_free(pool);
  return leaks;
}

static void different_images_are_no_leak(void **state) {
  (void)state;
  hg_dataset *train = draw_set(TRAIN, 1000), *asked = draw_set(ASKED, 5000);
  hg_leaks leaks = ask(asked, train, 1);
  assert_int_equal(leaks.images, ASKED);
  assert_int_equal(leaks.exact, 0);
  assert_int_equal(leaks.near, 0);
  hg_dataset_free(train);
  hg_dataset_free(asked);
}

static void equal_and_nearly_equal_images_are_counted_with_examples(void **state) {
  (void)state;
  hg_dataset *train = draw_set(TRAIN, 1000), *asked = draw_set(ASKED, 5000);
  memcpy(image_of(asked, 7), image_of(train, 123), PIXELS);
  memcpy(image_of(asked, 9), image_of(train, 200), PIXELS);
  for (int i = 0; i < PIXELS; i += 3) image_of(asked, 9)[i] += (uint8_t)(i % 2); /* a lossy copy */
  memcpy(image_of(asked, 50), image_of(train, 3), PIXELS);
  for (int i = 0; i < PIXELS; i++) image_of(asked, 50)[i] += 1; /* a brighter copy */
  hg_leaks leaks = ask(asked, train, 1);
  assert_int_equal(leaks.exact, 1);
  assert_int_equal(leaks.exact_pairs, 1);
  assert_int_equal(leaks.exact_pair[0].image, 7);
  assert_int_equal(leaks.exact_pair[0].other, 123);
  assert_int_equal(leaks.near, 2);
  assert_int_equal(leaks.near_pair[0].image, 9); /* the nearest first */
  assert_int_equal(leaks.near_pair[0].other, 200);
  assert_true(leaks.near_pair[0].difference > 0 && leaks.near_pair[0].difference < leaks.near_pair[1].difference);
  assert_int_equal(leaks.near_pair[1].image, 50);
  assert_int_equal(leaks.near_pair[1].other, 3);
  hg_dataset_free(train);
  hg_dataset_free(asked);
}

static void the_same_hash_is_no_leak_where_the_pixels_differ(void **state) {
  (void)state;
  hg_dataset *train = draw_set(TRAIN, 1000), *asked = draw_set(1, 1000); /* the first training image at half its contrast */
  uint64_t hashes[2];
  for (int i = 0; i < PIXELS; i++) image_of(asked, 0)[i] = (uint8_t)(image_of(train, 0)[i] / 2);
  hg_image_hashes(asked, NULL, &hashes[0], NULL);
  hg_dataset *first = draw_set(1, 1000);
  hg_image_hashes(first, NULL, &hashes[1], NULL);
  assert_true(hg_hash_distance(hashes[0], hashes[1]) <= HG_NEAR_BITS);
  assert_int_equal(ask(asked, train, 1).near, 0);
  hg_dataset_free(train);
  hg_dataset_free(asked);
  hg_dataset_free(first);
}

static void the_threads_do_not_change_what_is_found(void **state) {
  (void)state;
  hg_dataset *train = draw_set(TRAIN, 1000), *asked = draw_set(ASKED, 1300);
  for (int64_t i = 0; i < ASKED; i += 2) image_of(asked, i)[5] ^= 3;
  hg_leaks one = ask(asked, train, 1), three = ask(asked, train, 3);
  assert_int_equal(one.exact, ASKED / 2);
  assert_int_equal(one.near, ASKED / 2);
  assert_memory_equal(&one, &three, sizeof one);
  hg_dataset_free(train);
  hg_dataset_free(asked);
}

/* Fashion-MNIST has a handful of garments twice, none byte for byte; skipped where it is not installed. */
static void fashion_mnist_has_near_doubles_and_no_equal_ones(void **state) {
  (void)state;
  hg_dataset *train = NULL, *test = NULL;
  if (hg_dataset_open("fashion-mnist", false, &train, NULL) != HG_OK) skip();
  assert_int_equal(hg_dataset_open("fashion-mnist", true, &test, NULL), HG_OK);
  hg_leaks leaks = ask(test, train, 2);
  assert_int_equal(leaks.exact, 0);
  assert_in_range(leaks.near, 6, 10);
  assert_int_equal(leaks.near_pair[0].distance, 0);
  hg_dataset_free(train);
  hg_dataset_free(test);
}

static void a_sealed_set_has_the_digest_it_had(void **state) {
  (void)state;
  hg_dataset *set = draw_set(1500, 77); /* large enough to be kept in the cache */
  char plain[65], first[65], second[65], other[65];
  hg_dataset_digest(set, plain);
  for (int again = 0; again < 2; again++) {
    set->digest[0] = '\0';
    hg_dataset_seal(set);
    hg_dataset_digest(set, again == 0 ? first : second);
  }
  assert_string_equal(first, plain);
  assert_string_equal(second, plain);
  set->digest[0] = '\0';
  set->pixels[700000] ^= 1;
  hg_dataset_seal(set);
  hg_dataset_digest(set, other);
  assert_string_not_equal(other, plain);
  hg_dataset_free(set);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(different_images_are_no_leak),
      cmocka_unit_test(equal_and_nearly_equal_images_are_counted_with_examples),
      cmocka_unit_test(the_same_hash_is_no_leak_where_the_pixels_differ),
      cmocka_unit_test(the_threads_do_not_change_what_is_found),
      cmocka_unit_test(a_sealed_set_has_the_digest_it_had),
      cmocka_unit_test(fashion_mnist_has_near_doubles_and_no_equal_ones),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
