/* hg_conv_scatter beside hg_conv_up: the same bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kernels/image.h"
#include "ops/conv_scatter.h"

#include <cmocka.h>

static float *random_floats(size_t count) {
  hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, 0);
  float *values = hg_malloc((count + 1) * sizeof *values);
  assert_non_null(values);
  hg_image_kernels_get()->normals(&rng, (int64_t)count, values);
  return values;
}

static void expect_same(const hg_conv_map *map) {
  size_t count = hg_conv_large_count(map), weights = hg_conv_weight_count(map);
  hg_conv_map padded = hg_conv_map_padded(map);
  float *weight = random_floats(weights), *small = random_floats(hg_conv_small_count(map)), *up = random_floats(weights);
  float *room = random_floats(hg_conv_padded_small_count(&padded)), *large[2] = {random_floats(count), random_floats(count)};
  float *whole = random_floats(hg_conv_large_count(&padded));
  hg_conv_pack_up(&padded, weight, true, up);
  hg_conv_up(&padded, hg_conv_pad_small(&padded, small, room), up, (hg_conv_finish){0}, 0, padded.y.large, whole);
  hg_conv_fold_large(map, whole, large[0]);
  hg_conv_pack_scatter(map, weight, up);
  hg_conv_scatter(map, small, up, whole);
  hg_conv_fold_large(map, whole, large[1]);
  assert_memory_equal(large[0], large[1], count * sizeof **large);
  float *all[] = {weight, small, up, room, large[0], large[1], whole};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) hg_free(all[i]);
}

static void scattering_gives_the_bits_of_gathering(void **state) {
  (void)state;
  for (int isa = 0; isa <= (int)hg_isa_best(); isa++) {
    hg_error error;
    assert_int_equal(hg_isa_set((hg_isa)isa, &error), HG_OK);
    for (int channels = 1; channels <= 40; channels += 13)
      for (int stride = 1; stride <= 2; stride++)
        for (int padding = HG_VALID; padding <= HG_REPLICATE; padding++) {
          int before = padding == HG_VALID ? 0 : 1, small = (9 + 2 * before - 3) / stride + 1;
          hg_conv_map map = hg_conv_map_make((hg_shape){9, 9, channels}, (hg_shape){small, small, 20}, (int[2]){3, 3},
                                             (int[2]){stride, stride}, (int[2]){before, before}, (hg_padding)padding);
          expect_same(&map);
        }
  }
}

static hg_conv_map map_3x3(int large, int small, int before, int large_channels, int small_channels) {
  return hg_conv_map_make((hg_shape){large, large, large_channels}, (hg_shape){small, small, small_channels}, (int[2]){3, 3},
                          (int[2]){1, 1}, (int[2]){before, before}, before > 0 ? HG_SAME : HG_VALID);
}

static void it_is_chosen_where_it_takes_no_more_vectors(void **state) {
  (void)state;
  hg_conv_map thin = map_3x3(13, 11, 0, 10, 20), full = map_3x3(9, 9, 1, 64, 64), one = map_3x3(28, 26, 0, 10, 1);
  assert_true(hg_conv_scatters(&thin));
  assert_false(hg_conv_scatters(&full));
  assert_false(hg_conv_scatters(&one));
  hg_conv_map edges = map_3x3(4, 4, 1, 40, 80); /* many of a small map's products fall on its padding */
  assert_false(hg_conv_scatters(&edges));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scattering_gives_the_bits_of_gathering),
      cmocka_unit_test(it_is_chosen_where_it_takes_no_more_vectors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
