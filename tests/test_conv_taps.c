/* kernels/taps.h beside the matrix product, and ops/conv_taps.h beside the products that it replaces: the same bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kernels/gemm.h"
#include "kernels/image.h"
#include "kernels/taps.h"
#include "ops/conv_taps.h"

#include <cmocka.h>

static float *random_floats(size_t count) {
  hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, (uint64_t)count);
  float *values = hg_malloc((count + 1) * sizeof *values);
  assert_non_null(values);
  hg_image_kernels_get()->normals(&rng, (int64_t)count, values);
  return values;
}

enum { PIXELS = 7, LINE = 100 };

static void expect_line(int rows, int run, int channels, int step, bool relu) {
  float *image = random_floats(3 * LINE), *weight = random_floats((size_t)(rows * run * channels));
  float *start = random_floats((size_t)channels), *line[2];
  for (int i = 0; i < 2; i++) line[i] = random_floats((size_t)(PIXELS * channels));
  hg_gemm g = {.rows = PIXELS, .columns = channels, .groups = 1, .segments = rows, .steps = run, .a = image, .a_row = step};
  g.a_segment = LINE;
  g.a_step = 1;
  g.b = weight;
  g.b_segment = (ptrdiff_t)run * channels;
  g.b_step = g.c_row = channels;
  g.c = line[0];
  g.start = start;
  g.activation = relu ? HG_RELU : HG_LINEAR;
  hg_gemm_kernels_get()->product(&g);
  hg_taps taps = {{image, image + LINE, image + (ptrdiff_t)2 * LINE}, rows, run, step, PIXELS, channels};
  hg_taps_kernels_get()->down(&taps, weight, start, relu, line[1]);
  assert_memory_equal(line[0], line[1], (size_t)(PIXELS * channels) * sizeof **line);
  float *all[] = {image, weight, start, line[0], line[1]};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) hg_free(all[i]);
}

static void use_isa(int isa) {
  hg_error error;
  assert_int_equal(hg_isa_set((hg_isa)isa, &error), HG_OK);
}

static void a_line_has_the_bits_of_the_matrix_product(void **state) {
  (void)state;
  for (int isa = 0; isa <= (int)hg_isa_best(); isa++) {
    use_isa(isa);
    for (int run = 3; run <= 9; run += 6)
      for (int rows = 1; hg_taps_kernels_get()->serves(run) && rows <= 3; rows++)
        for (int channels = 1; channels <= 70; channels += 3) expect_line(rows, run, channels, 1 + channels % 2, rows == 2);
  }
}

static void expect_sums(const hg_conv_map *map) {
  size_t weights = hg_conv_weight_count(map), channels = (size_t)map->small_channels;
  float *large = random_floats(hg_conv_large_count(map)), *small = random_floats(hg_conv_small_count(map));
  float *room = random_floats(hg_conv_padded_large_count(map)), *sum[2], *all[2];
  for (int i = 0; i < 2; i++) {
    sum[i] = random_floats(weights);
    all[i] = random_floats(channels);
  }
  hg_conv_view view = hg_conv_pad_large(map, large, 0, map->y.length, room);
  for (int again = 0; again < 2; again++) {
    hg_conv_weight_gradient(map, 1, view, 0, small, false, again == 0, sum[0]);
    hg_conv_channel_sums(small, map->y.small * map->x.small, map->small_channels, again == 0, all[0]);
    hg_conv_taps_sums(map, view, small, again == 0, sum[1], all[1]);
    assert_memory_equal(sum[0], sum[1], weights * sizeof **sum);
    assert_memory_equal(all[0], all[1], channels * sizeof **all);
  }
  float *every[] = {large, small, room, sum[0], sum[1], all[0], all[1]};
  for (size_t i = 0; i < sizeof every / sizeof every[0]; i++) hg_free(every[i]);
}

static void sums_have_the_bits_of_the_matrix_product(void **state) {
  (void)state;
  for (int isa = 0; isa <= (int)hg_isa_best(); isa++) {
    use_isa(isa);
    for (int in = 1; in <= 3; in += 2)
      for (int out = 4; out <= 70; out += 11)
        for (int stride = 1; stride <= 2; stride++)
          for (int padding = HG_VALID; padding <= HG_REPLICATE; padding++) {
            int before = padding == HG_VALID ? 0 : 1, small = (19 + 2 * before - 3) / stride + 1;
            hg_conv_map map = hg_conv_map_make((hg_shape){19, 19, in}, (hg_shape){small, small, out}, (int[2]){3, 3},
                                               (int[2]){stride, stride}, (int[2]){before, before}, (hg_padding)padding);
            if (hg_conv_taps_serve_sums(&map)) expect_sums(&map);
          }
  }
}

static void they_serve_small_kernels_over_few_channels(void **state) {
  (void)state;
  hg_conv_map one =
      hg_conv_map_make((hg_shape){9, 9, 1}, (hg_shape){7, 7, 20}, (int[2]){3, 3}, (int[2]){1, 1}, (int[2]){0, 0}, HG_VALID);
  hg_conv_map wide =
      hg_conv_map_make((hg_shape){9, 9, 1}, (hg_shape){3, 3, 20}, (int[2]){7, 7}, (int[2]){1, 1}, (int[2]){0, 0}, HG_VALID);
  hg_conv_map many =
      hg_conv_map_make((hg_shape){9, 9, 16}, (hg_shape){7, 7, 20}, (int[2]){3, 3}, (int[2]){1, 1}, (int[2]){0, 0}, HG_VALID);
  assert_true(hg_conv_taps_serve_down(&one, HG_RELU) && hg_conv_taps_serve_sums(&one));
  assert_false(hg_conv_taps_serve_down(&one, HG_TANH) || hg_conv_taps_serve_up(&one, HG_LINEAR));
  assert_false(hg_conv_taps_serve_down(&wide, HG_RELU) || hg_conv_taps_serve_sums(&many));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_line_has_the_bits_of_the_matrix_product),
      cmocka_unit_test(sums_have_the_bits_of_the_matrix_product),
      cmocka_unit_test(they_serve_small_kernels_over_few_channels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
