/* Batches: order, seek, augmentation, corruption, and that nothing depends on timing. */
#include "base/alloc.h"
#include "base/rng.h"
#include "data/batches.h"
#include "kernels/image.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static hg_dataset *noise_images(int64_t count, hg_shape shape) {
  hg_dataset *dataset;
  assert_int_equal(hg_dataset_new(shape, count, 10, &dataset, NULL), HG_OK);
  hg_rng rng = hg_rng_at(3, HG_RNG_TEST, 0, 0);
  for (int64_t i = 0; i < count * shape.height * shape.width * shape.channels; i++)
    dataset->pixels[i] = (uint8_t)hg_rng_u32(&rng);
  for (int64_t i = 0; i < count; i++) dataset->labels[i] = (int32_t)(i % 10);
  return dataset;
}

static hg_batches_settings everything(void) {
  return (hg_batches_settings){
      .seed = 5,
      .batch_size = 32,
      .shuffle = true,
      .augment = {.rotate = 10, .shift = 0.1f, .flip = true, .crop = 2, .gaussian_noise = 0.1f, .cutout = 3},
      .corrupt = {.salt_and_pepper = 0.2f, .gaussian = 0.1f, .clip = true, .masking = 0.1f}};
}

static hg_batches *batches_of(const hg_dataset *dataset, const hg_batches_settings *settings) {
  hg_batches *batches;
  assert_int_equal(hg_batches_new(dataset, settings, &batches, NULL), HG_OK);
  return batches;
}

static void check_epoch(hg_shape shape, hg_pool *pool) {
  int values = shape.height * shape.width * shape.channels;
  hg_dataset *dataset = noise_images(100, shape);
  hg_batches_settings settings = {.seed = 1, .batch_size = 32, .shuffle = true, .pool = pool};
  hg_batches *batches = batches_of(dataset, &settings);
  assert_int_equal(hg_batches_per_epoch(batches), 4);
  int seen[100] = {0}, drawn = 0, in_place = 0;
  const hg_batch *batch;
  while ((batch = hg_batches_next(batches)) != NULL)
    for (int i = 0; i < batch->n; i++, drawn++) {
      int64_t at = batch->index[i];
      seen[at]++;
      in_place += at == drawn;
      assert_int_equal(batch->labels[i], at % 10);
      for (int k = 0; k < values; k++)
        assert_true(batch->input[i * values + k] == (float)dataset->pixels[at * values + k] / 255.0f);
    }
  assert_int_equal(drawn, 100);
  assert_true(in_place < 20);
  for (int i = 0; i < 100; i++) assert_int_equal(seen[i], 1);
  assert_null(hg_batches_next(batches));
  hg_batches_free(batches);
  hg_dataset_free(dataset);
}

static void an_epoch_holds_every_image_once_scaled_to_one(void **state) {
  (void)state;
  check_epoch((hg_shape){4, 3, 2}, NULL);
}

/* Several images to a task, and one. */
static void threads_share_the_images_of_a_batch(void **state) {
  (void)state;
  hg_pool *pool;
  hg_pool_oversubscribe(true);
  assert_int_equal(hg_pool_new(3, &pool, NULL), HG_OK);
  check_epoch((hg_shape){28, 28, 1}, pool);
  check_epoch((hg_shape){40, 40, 3}, pool);
  hg_pool_free(pool);
  hg_pool_oversubscribe(false);
}

static void without_shuffle_the_order_is_the_data_set_s(void **state) {
  (void)state;
  hg_dataset *dataset = noise_images(50, (hg_shape){2, 2, 1});
  hg_batches_settings settings = {.seed = 1, .batch_size = 64};
  hg_batches *batches = batches_of(dataset, &settings);
  const hg_batch *batch = hg_batches_next(batches);
  assert_int_equal(batch->n, 50);
  for (int i = 0; i < 50; i++) assert_int_equal(batch->index[i], i);
  assert_ptr_equal(batch->input, batch->target);
  hg_batches_free(batches);
  hg_dataset_free(dataset);
}

static void check_seeks(hg_batches_settings settings) {
  enum { COUNT = 210, EPOCHS = 3, PER_EPOCH = 7, IMAGE = 8 * 8 * 3 };
  hg_dataset *dataset = noise_images(COUNT, (hg_shape){8, 8, 3});
  hg_batches *through = batches_of(dataset, &settings), *seeking = batches_of(dataset, &settings);
  float *all = malloc(sizeof(float) * EPOCHS * PER_EPOCH * 32 * IMAGE * 2);
  int64_t sizes[EPOCHS * PER_EPOCH];
  for (int epoch = 0; epoch < EPOCHS; epoch++) {
    hg_batches_seek(through, (uint32_t)epoch, 0);
    for (int b = 0; b < PER_EPOCH; b++) {
      const hg_batch *batch = hg_batches_next(through);
      float *to = all + (epoch * PER_EPOCH + b) * 32 * IMAGE * 2;
      memcpy(to, batch->input, sizeof(float) * (size_t)batch->n * IMAGE);
      memcpy(to + 32 * IMAGE, batch->target, sizeof(float) * (size_t)batch->n * IMAGE);
      sizes[epoch * PER_EPOCH + b] = batch->n;
    }
    assert_null(hg_batches_next(through));
  }
  hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, 0);
  for (int trial = 0; trial < 200; trial++) {
    int place = (int)hg_rng_below(&rng, EPOCHS * PER_EPOCH);
    hg_batches_seek(seeking, (uint32_t)(place / PER_EPOCH), place % PER_EPOCH);
    const hg_batch *batch = hg_batches_next(seeking);
    assert_int_equal(batch->n, sizes[place]);
    assert_memory_equal(batch->input, all + place * 32 * IMAGE * 2, sizeof(float) * (size_t)batch->n * IMAGE);
    assert_memory_equal(batch->target, all + (place * 2 + 1) * 32 * IMAGE, sizeof(float) * (size_t)batch->n * IMAGE);
  }
  free(all);
  hg_batches_free(through);
  hg_batches_free(seeking);
  hg_dataset_free(dataset);
}

static void a_batch_after_seek_equals_the_one_drawn_through(void **state) {
  (void)state;
  check_seeks(everything());
  check_seeks((hg_batches_settings){.seed = 5, .batch_size = 32, .shuffle = true});
  check_seeks((hg_batches_settings){.seed = 5, .batch_size = 32});
}

static void evaluation_corrupts_a_sample_the_same_way_in_every_epoch(void **state) {
  (void)state;
  hg_dataset *dataset = noise_images(20, (hg_shape){6, 6, 1});
  hg_batches_settings settings = {.seed = 2, .batch_size = 20, .corrupt = {.salt_and_pepper = 0.3f}};
  hg_batches *batches = batches_of(dataset, &settings);
  float first[720];
  memcpy(first, hg_batches_next(batches)->input, sizeof first);
  hg_batches_seek(batches, 4, 0);
  const hg_batch *later = hg_batches_next(batches);
  assert_memory_equal(first, later->input, sizeof first);
  assert_memory_not_equal(first, later->target, sizeof first);
  hg_batches_free(batches);
  hg_dataset_free(dataset);
}

static void next_allocates_nothing(void **state) {
  (void)state;
  hg_dataset *dataset = noise_images(300, (hg_shape){8, 8, 1});
  hg_batches_settings settings = everything();
  hg_batches *batches = batches_of(dataset, &settings);
  int64_t before = hg_alloc_count();
  for (uint32_t epoch = 0; epoch < 3; epoch++) {
    hg_batches_seek(batches, epoch, 0);
    while (hg_batches_next(batches) != NULL) continue;
  }
  assert_int_equal(hg_alloc_count(), before);
  hg_batches_free(batches);
  hg_dataset_free(dataset);
}

static void batches_can_be_freed_at_any_moment(void **state) {
  (void)state;
  hg_dataset *dataset = noise_images(64, (hg_shape){8, 8, 1});
  hg_batches_settings settings = everything();
  for (int drawn = 0; drawn < 40; drawn++) {
    hg_batches *batches = batches_of(dataset, &settings);
    for (int i = 0; i < drawn % 3; i++) assert_non_null(hg_batches_next(batches));
    hg_batches_free(batches);
  }
  hg_dataset_free(dataset);
}

/* ---------------------------------------------------------------- augmentation and corruption */

static void expect_normals_of(const hg_image_kernels *kernels) {
  static float bulk[3000];
  for (int64_t count = 0; count < 3000; count = count * 2 + 1)
    for (int before = 0; before < 5; before++) {
      hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, 0), one_by_one = rng;
      for (int i = 0; i < before; i++) assert_int_equal(hg_rng_u32(&rng), hg_rng_u32(&one_by_one));
      kernels->normals(&rng, count, bulk);
      for (int64_t i = 0; i < count; i++) assert_true(bulk[i] == hg_rng_normal(&one_by_one));
      assert_int_equal(hg_rng_u32(&rng), hg_rng_u32(&one_by_one));
    }
}

static float pixel_at(const float *image, hg_shape shape, int y, int x, int channel) {
  bool inside = y >= 0 && y < shape.height && x >= 0 && x < shape.width;
  return inside ? image[(y * shape.width + x) * shape.channels + channel] : 0;
}

static float turned(const float *image, hg_shape shape, double s, double c, int row, int column, int channel) {
  double middle_y = 0.5 * (shape.height - 1), middle_x = 0.5 * (shape.width - 1), right = column - middle_x,
         down = row - middle_y;
  double fy = middle_y - s * right + c * down, fx = middle_x + c * right + s * down;
  int y = (int)floor(fy), x = (int)floor(fx);
  float dy = (float)(fy - y), dx = (float)(fx - x);
  float top = (1 - dx) * pixel_at(image, shape, y, x, channel) + dx * pixel_at(image, shape, y, x + 1, channel);
  float bottom = (1 - dx) * pixel_at(image, shape, y + 1, x, channel) + dx * pixel_at(image, shape, y + 1, x + 1, channel);
  return (1 - dy) * top + dy * bottom;
}

static void expect_rotation_of(const hg_image_kernels *kernels) {
  static float image[7 * 150 * 3], to[7 * 150 * 3];
  hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, 0);
  for (size_t i = 0; i < sizeof image / sizeof *image; i++) image[i] = hg_rng_uniform(&rng);
  for (int width = 1; width <= 150; width = width * 2 + 5)
    for (int channels = 1; channels <= 3; channels += 2) {
      hg_shape shape = {7, width, channels};
      kernels->rotate(shape, 0.6, 0.8, image, to);
      for (int i = 0; i < 7 * width * channels; i++)
        assert_true(to[i] == turned(image, shape, 0.6, 0.8, i / channels / width, i / channels % width, i % channels));
    }
}

static void every_version_draws_and_turns_as_one_by_one(void **state) {
  (void)state;
  for (int isa = 0; isa <= (int)hg_isa_best(); isa++) {
    hg_error error;
    assert_int_equal(hg_isa_set((hg_isa)isa, &error), HG_OK);
    expect_normals_of(hg_image_kernels_get());
    expect_rotation_of(hg_image_kernels_get());
  }
}

enum { SIDE = 9 };
static const hg_shape square = {SIDE, SIDE, 1};

static double sum_of(const float *image, int count) {
  double sum = 0;
  for (int i = 0; i < count; i++) sum += (double)image[i];
  return sum;
}

static void a_rotation_keeps_the_middle_and_about_the_mass(void **state) {
  (void)state;
  hg_augmentation augment = {.rotate = 30};
  float scratch[SIDE * SIDE];
  for (int64_t sample = 0; sample < 20; sample++) {
    float image[SIDE * SIDE] = {0};
    for (int x = 2; x <= 6; x++) image[4 * SIDE + x] = 1;
    hg_augment_image(&augment, square, 1, 0, sample, image, scratch);
    assert_true(fabsf(image[4 * SIDE + 4] - 1) < 1e-5f);
    assert_true(fabs(sum_of(image, SIDE * SIDE) - 5) < 0.6);
  }
}

static void a_shift_moves_whole_pixels_within_its_share(void **state) {
  (void)state;
  hg_augmentation augment = {.shift = 0.25f};
  float scratch[SIDE * SIDE];
  bool seen[SIDE][SIDE] = {{false}};
  for (int64_t sample = 0; sample < 500; sample++) {
    float image[SIDE * SIDE] = {0};
    image[4 * SIDE + 4] = 1;
    hg_augment_image(&augment, square, 1, 0, sample, image, scratch);
    assert_true(sum_of(image, SIDE * SIDE) == 1);
    for (int i = 0; i < SIDE * SIDE; i++)
      if (image[i] == 1) seen[i / SIDE][i % SIDE] = true;
  }
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++) assert_int_equal(seen[y][x], y >= 2 && y <= 6 && x >= 2 && x <= 6);
}

static void a_flip_mirrors_half_of_the_images(void **state) {
  (void)state;
  hg_augmentation augment = {.flip = true};
  float scratch[SIDE * SIDE];
  int flipped = 0;
  for (int64_t sample = 0; sample < 1000; sample++) {
    float image[SIDE * SIDE] = {0};
    image[3 * SIDE] = 1;
    hg_augment_image(&augment, square, 1, 0, sample, image, scratch);
    assert_true(image[3 * SIDE] == 1 || image[3 * SIDE + SIDE - 1] == 1);
    flipped += image[3 * SIDE] == 0;
  }
  assert_in_range(flipped, 430, 570);
}

static void cutout_zeroes_at_most_its_square(void **state) {
  (void)state;
  hg_augmentation augment = {.cutout = 3};
  float scratch[SIDE * SIDE];
  int most = 0;
  for (int64_t sample = 0; sample < 200; sample++) {
    float image[SIDE * SIDE];
    for (int i = 0; i < SIDE * SIDE; i++) image[i] = 1;
    hg_augment_image(&augment, square, 1, 0, sample, image, scratch);
    int zeroed = SIDE * SIDE - (int)sum_of(image, SIDE * SIDE);
    assert_in_range(zeroed, 4, 9);
    most = zeroed > most ? zeroed : most;
  }
  assert_int_equal(most, 9);
}

static void corruption_changes_its_share_of_pixels_all_channels_together(void **state) {
  (void)state;
  enum { WIDE = 200 };
  hg_shape shape = {WIDE, WIDE, 3};
  float *image = malloc(sizeof(float) * WIDE * WIDE * 3);
  for (int i = 0; i < WIDE * WIDE * 3; i++) image[i] = 0.5f;
  hg_corruption corrupt = {.salt_and_pepper = 0.25f};
  hg_corrupt_image(&corrupt, shape, 1, 0, 0, image);
  int black = 0, white = 0;
  for (int i = 0; i < WIDE * WIDE; i++) {
    assert_true(image[3 * i] == image[3 * i + 1] && image[3 * i] == image[3 * i + 2]);
    black += image[3 * i] == 0;
    white += image[3 * i] == 1;
  }
  assert_in_range(black, 4700, 5300);
  assert_in_range(white, 4700, 5300);
  free(image);
}

static void gaussian_corruption_clips_only_where_asked(void **state) {
  (void)state;
  for (int clip = 0; clip < 2; clip++) {
    float image[SIDE * SIDE] = {0};
    hg_corruption corrupt = {.gaussian = 0.7f, .clip = clip == 1};
    hg_corrupt_image(&corrupt, square, 1, 0, 0, image);
    int below = 0;
    for (int i = 0; i < SIDE * SIDE; i++) below += image[i] < 0;
    assert_int_equal(below > 0, clip == 0);
  }
}

static void impossible_settings_are_refused_by_name(void **state) {
  (void)state;
  hg_dataset *dataset = noise_images(10, square);
  struct {
    const char *place;
    hg_batches_settings settings;
  } cases[] = {{"batch_size", {.batch_size = 0}},
               {"rotate", {.batch_size = 1, .augment = {.rotate = 181}}},
               {"rotate", {.batch_size = 1, .augment = {.rotate = NAN}}},
               {"shift", {.batch_size = 1, .augment = {.shift = -0.1f}}},
               {"crop", {.batch_size = 1, .augment = {.crop = 100}}},
               {"cutout", {.batch_size = 1, .augment = {.cutout = -1}}},
               {"gaussian_noise", {.batch_size = 1, .augment = {.gaussian_noise = INFINITY}}},
               {"salt_and_pepper", {.batch_size = 1, .corrupt = {.salt_and_pepper = 1.5f}}},
               {"gaussian", {.batch_size = 1, .corrupt = {.gaussian = -1}}},
               {"masking", {.batch_size = 1, .corrupt = {.masking = 2}}}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    hg_batches *batches;
    hg_error error;
    assert_int_equal(hg_batches_new(dataset, &cases[i].settings, &batches, &error), HG_USAGE);
    assert_string_equal(error.place, cases[i].place);
    assert_null(batches);
  }
  hg_dataset_free(dataset);
}

static void a_failed_allocation_leaves_nothing_behind(void **state) {
  (void)state;
  hg_dataset *dataset = noise_images(10, square);
  hg_batches_settings settings = everything();
  hg_batches *batches = NULL;
  for (int successes = 0; batches == NULL && successes < 100; successes++) {
    hg_alloc_fail_after(successes);
    hg_code code = hg_batches_new(dataset, &settings, &batches, NULL);
    hg_alloc_fail_after(-1);
    assert_true((code == HG_OK) == (batches != NULL));
    assert_true(code == HG_OK || code == HG_NO_MEMORY);
  }
  assert_non_null(batches);
  hg_batches_free(batches);
  hg_dataset_free(dataset);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_epoch_holds_every_image_once_scaled_to_one),
      cmocka_unit_test(threads_share_the_images_of_a_batch),
      cmocka_unit_test(without_shuffle_the_order_is_the_data_set_s),
      cmocka_unit_test(a_batch_after_seek_equals_the_one_drawn_through),
      cmocka_unit_test(evaluation_corrupts_a_sample_the_same_way_in_every_epoch),
      cmocka_unit_test(next_allocates_nothing),
      cmocka_unit_test(batches_can_be_freed_at_any_moment),
      cmocka_unit_test(every_version_draws_and_turns_as_one_by_one),
      cmocka_unit_test(a_rotation_keeps_the_middle_and_about_the_mass),
      cmocka_unit_test(a_shift_moves_whole_pixels_within_its_share),
      cmocka_unit_test(a_flip_mirrors_half_of_the_images),
      cmocka_unit_test(cutout_zeroes_at_most_its_square),
      cmocka_unit_test(corruption_changes_its_share_of_pixels_all_channels_together),
      cmocka_unit_test(gaussian_corruption_clips_only_where_asked),
      cmocka_unit_test(impossible_settings_are_refused_by_name),
      cmocka_unit_test(a_failed_allocation_leaves_nothing_behind),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
