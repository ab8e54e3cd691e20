/* Images in two sets, byte for byte and nearly. */
#include "data/leaks.h"

#include "base/rng.h"
#include "data/data.h"
#include "data/image_hash.h"

#include <math.h>
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
  assert_int_equal(hg_leak_index_new(against, true, pool, &index, NULL), HG_OK);
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
  assert_int_equal(ask(asked, train, 1).altered, 1); /* which it is, of another contrast */
  for (int i = 0; i < PIXELS; i++) image_of(asked, 0)[i] = (uint8_t)(image_of(train, 0)[i] / 2 + 60 + (i + i / SIDE) % 2 * 40);
  hg_image_hashes(asked, NULL, &hashes[0], NULL);
  assert_true(hg_hash_distance(hashes[0], hashes[1]) <= HG_NEAR_BITS);
  hg_leaks leaks = ask(asked, train, 1);
  assert_int_equal(leaks.near + leaks.altered, 0);
  hg_dataset_free(train);
  hg_dataset_free(asked);
  hg_dataset_free(first);
}

/* image = `from` mirrored or not, moved right and down by (dx, dy), the edge repeated, at this brightness and contrast. */
static void alter(uint8_t *image, const uint8_t *from, bool mirrored, int dx, int dy, double gain, double offset) {
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++) {
      int row = y - dy, column = x - dx;
      row = row < 0 ? 0 : row >= SIDE ? SIDE - 1 : row;
      column = column < 0 ? 0 : column >= SIDE ? SIDE - 1 : column;
      if (mirrored) column = SIDE - 1 - column;
      double value = gain * from[row * SIDE + column] + offset;
      image[y * SIDE + x] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

static void altered_images_are_found_with_what_was_done_to_them(void **state) {
  (void)state;
  static const struct {
    int other;
    bool mirrored;
    int dx, dy;
    double gain, offset;
  } cases[] = {{10, true, 0, 0, 1, 0},   {20, false, 1, 0, 1, 0}, {30, false, -2, 2, 1, 0}, {40, false, 0, 0, 0.5, 0},
               {50, false, 0, 0, 1, 40}, {60, true, 2, -1, 1, 0}, {70, true, 0, 1, 0.8, 30}};
  enum { CASES = sizeof cases / sizeof cases[0] };
  hg_dataset *train = draw_set(TRAIN, 1000), *asked = draw_set(ASKED, 5000);
  for (int i = 0; i < CASES; i++)
    alter(image_of(asked, i), image_of(train, cases[i].other), cases[i].mirrored, cases[i].dx, cases[i].dy, cases[i].gain,
          cases[i].offset);
  hg_leaks leaks = ask(asked, train, 2);
  assert_int_equal(leaks.exact, 0);
  assert_int_equal(leaks.near + leaks.altered, CASES);
  for (int n = 0; n < leaks.altered_pairs; n++) {
    const hg_leak_pair *pair = &leaks.altered_pair[n];
    assert_in_range(pair->image, 0, CASES - 1);
    assert_int_equal(pair->other, cases[pair->image].other);
    assert_int_equal(pair->mirrored, cases[pair->image].mirrored);
    assert_int_equal(pair->dx, cases[pair->image].dx);
    assert_int_equal(pair->dy, cases[pair->image].dy);
    if (fabs(pair->gain * cases[pair->image].gain - 1) > 0.05) fail_msg("gain %g of image %d", pair->gain, (int)pair->image);
  }
  assert_true(leaks.altered >= CASES - 1); /* a brighter copy may be near without that */
  hg_dataset_free(train);
  hg_dataset_free(asked);
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
  assert_in_range(leaks.altered, 2, 5); /* of other contrast */
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
      cmocka_unit_test(altered_images_are_found_with_what_was_done_to_them),
      cmocka_unit_test(the_threads_do_not_change_what_is_found),
      cmocka_unit_test(a_sealed_set_has_the_digest_it_had),
      cmocka_unit_test(fashion_mnist_has_near_doubles_and_no_equal_ones),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
