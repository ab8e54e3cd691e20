/* Features for classical methods against scikit-learn's and scikit-image's (tests/golden/record_sklearn_classical.py). */
#include "learn/features.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "learn/features_step.h"
#include "store/safetensors.h"

enum { TRAIN = 1000, TEST = 400, WIDTH = 196, COMPONENTS = 12 };

static const hg_shape shape = {14, 14, 1};
static hg_safetensors golden;
static float train_x[TRAIN * WIDTH], test_x[TEST * WIDTH];

static const char *recorded(const char *name, int64_t count) {
  const hg_named_tensor *tensor = hg_safetensors_find(&golden, name);
  if (tensor == NULL) fail_msg("%s is not recorded", name);
  assert_int_equal(hg_named_tensor_count(tensor), count);
  return tensor->data;
}

static void assert_near(double value, const char *name, int64_t count, int64_t index, double tolerance) {
  double expected;
  memcpy(&expected, recorded(name, count) + (size_t)index * sizeof expected, sizeof expected);
  if (!(fabs(value - expected) <= tolerance * (1 + fabs(expected))))
    fail_msg("%s[%lld] is %.9g, not %.9g", name, (long long)index, value, expected);
}

static void read_pixels(const char *name, float *features, int64_t count) {
  const char *pixels = recorded(name, count);
  for (int64_t i = 0; i < count; i++) features[i] = (float)(uint8_t)pixels[i] / 255.0f;
}

static int set_up(void **state) {
  (void)state;
  assert_int_equal(hg_safetensors_read(SOURCE_DIR "/tests/golden/garments.safetensors", &golden, NULL), HG_OK);
  read_pixels("train.pixels", train_x, TRAIN * WIDTH);
  read_pixels("test.pixels", test_x, TEST * WIDTH);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  hg_safetensors_release(&golden);
  return 0;
}

static hg_features *fit(const hg_feature_settings *settings, hg_pool *pool) {
  hg_features *features;
  assert_int_equal(hg_features_fit(settings, shape, train_x, TRAIN, pool, NULL, &features, NULL), HG_OK);
  return features;
}

static void scaling_has_scikit_learns_means_and_deviations(void **state) {
  (void)state;
  double mean[WIDTH], deviation[WIDTH];
  hg_scale_fit(train_x, TRAIN, WIDTH, mean, deviation);
  for (int k = 0; k < WIDTH; k++) {
    assert_near(mean[k], "scale.mean", WIDTH, k, 1e-12);
    assert_near(deviation[k], "scale.scale", WIDTH, k, 1e-12);
  }
}

static void scaled_training_features_have_mean_0_and_variance_1(void **state) {
  (void)state;
  hg_feature_settings settings = {.scale = HG_SCALE_STANDARD};
  hg_features *features = fit(&settings, NULL);
  float *scaled;
  assert_int_equal(hg_features_apply(features, train_x, TRAIN, NULL, NULL, &scaled, NULL), HG_OK);
  double sum = 0, squares = 0;
  for (int i = 0; i < TRAIN; i++) {
    sum += (double)scaled[i * WIDTH + 100];
    squares += (double)scaled[i * WIDTH + 100] * (double)scaled[i * WIDTH + 100];
  }
  assert_true(fabs(sum / TRAIN) < 1e-6 && fabs(squares / TRAIN - 1) < 1e-6);
  hg_free(scaled);
  hg_features_free(features);
}

static void a_feature_that_never_varies_is_only_centred(void **state) {
  (void)state;
  const float values[] = {0.1f, 1, 0.1f, 3, 0.1f, 5};
  double mean[2], deviation[2];
  hg_scale_fit(values, 3, 2, mean, deviation);
  assert_true(deviation[0] == 1 && mean[1] == 3);
}

static void components_variances_and_codes_are_scikit_learns(void **state) {
  (void)state;
  hg_pca pca;
  assert_int_equal(hg_pca_fit(&pca, train_x, TRAIN, WIDTH, COMPONENTS, NULL, NULL, NULL), HG_OK);
  for (int j = 0; j < COMPONENTS; j++) assert_near(pca.variances[j], "pca.variance", COMPONENTS, j, 1e-6);
  for (int i = 0; i < COMPONENTS * WIDTH; i++)
    assert_near(pca.components[i], "pca.components", (int64_t)COMPONENTS * WIDTH, i, 1e-5);
  for (int i = 0; i < TEST; i++) {
    float code[COMPONENTS];
    hg_pca_project(&pca, test_x + i * WIDTH, code);
    for (int j = 0; j < COMPONENTS; j++)
      assert_near((double)code[j], "pca.test", (int64_t)TEST * COMPONENTS, i * COMPONENTS + j, 1e-4);
  }
  hg_pca_release(&pca);
}

static void all_components_turn_the_samples_and_keep_their_distances(void **state) {
  (void)state;
  float values[20 * 6], a[6], b[6];
  for (int i = 0; i < 20; i++)
    for (int k = 0; k < 6; k++) values[i * 6 + k] = k == 5 ? values[i * 6] : train_x[i * WIDTH + 90 + k]; /* of rank 5 */
  hg_pca pca;
  assert_int_equal(hg_pca_fit(&pca, values, 20, 6, 6, NULL, NULL, NULL), HG_OK);
  assert_true(fabs(pca.variances[5]) < 1e-7);
  double before = 0, after = 0;
  hg_pca_project(&pca, values, a);
  hg_pca_project(&pca, values + 6, b);
  for (int k = 0; k < 6; k++) {
    before += pow((double)values[k] - (double)values[6 + k], 2);
    after += pow((double)a[k] - (double)b[k], 2);
  }
  assert_true(fabs(before - after) < 1e-5 * before);
  hg_pca_release(&pca);
}

/* Eight times over, the samples are more than the features and have the same components. */
static void fewer_samples_than_features_have_the_components_of_their_copies(void **state) {
  (void)state;
  enum { FEW = 30, COPIES = 8 };
  hg_pca few, many;
  float *copies = hg_malloc(sizeof *copies * FEW * COPIES * WIDTH);
  assert_non_null(copies);
  for (int i = 0; i < COPIES; i++) memcpy(copies + i * FEW * WIDTH, train_x, sizeof *copies * FEW * WIDTH);
  assert_int_equal(hg_pca_fit(&few, train_x, FEW, WIDTH, COMPONENTS, NULL, NULL, NULL), HG_OK);
  assert_int_equal(hg_pca_fit(&many, copies, FEW * COPIES, WIDTH, COMPONENTS, NULL, NULL, NULL), HG_OK);
  const double scale = (double)(FEW * COPIES - 1) / COPIES / (FEW - 1);
  for (int j = 0; j < COMPONENTS; j++) assert_true(fabs(few.variances[j] - many.variances[j] * scale) < 1e-6 * few.variances[0]);
  for (int i = 0; i < COMPONENTS * WIDTH; i++) assert_true(fabs(few.components[i] - many.components[i]) < 1e-4);
  hg_pca_release(&few);
  hg_pca_release(&many);
  hg_free(copies);
}

static void gradients_are_described_as_scikit_image_does(void **state) {
  (void)state;
  const hg_hog_settings grey = {.cell = 4, .block = 2, .orientations = 9}, coloured = {.cell = 2, .block = 1, .orientations = 6};
  const hg_shape colours = {8, 8, 3};
  int width = hg_hog_width(&grey, shape), coloured_width = hg_hog_width(&coloured, colours);
  double cells[500];
  float out[500];
  assert_int_equal(width, 2 * 2 * 2 * 2 * 9);
  assert_int_equal(coloured_width, 4 * 4 * 6);
  for (int i = 0; i < 3; i++) {
    hg_hog(&grey, shape, train_x + i * WIDTH, cells, out);
    for (int k = 0; k < width; k++) assert_near((double)out[k], "hog.grey", 3 * width, i * width + k, 1e-6);
    hg_hog(&coloured, colours, train_x + i * WIDTH, cells, out);
    for (int k = 0; k < coloured_width; k++)
      assert_near((double)out[k], "hog.coloured", 3 * coloured_width, i * coloured_width + k, 1e-6);
  }
}

/* The patch whose first pixel is at (y, x), normalised and whitened by the fitted numbers. */
static void whitened_patch(const hg_patches *p, const float *image, int y, int x, double *white) {
  double patch[25], mean = 0, variance = 0;
  for (int k = 0; k < 25; k++) mean += (double)image[(y + k / 5) * 14 + x + k % 5] / 25;
  for (int k = 0; k < 25; k++) variance += pow((double)image[(y + k / 5) * 14 + x + k % 5] - mean, 2) / 25;
  for (int k = 0; k < 25; k++)
    patch[k] = ((double)image[(y + k / 5) * 14 + x + k % 5] - mean) / sqrt(variance + 10 / 65025.0) - p->mean[k];
  for (int k = 0; k < 25; k++) {
    white[k] = 0;
    for (int l = 0; l < 25; l++) white[k] += (double)p->whitening[k * 25 + l] * patch[l];
  }
}

/* Distances by their definition, from the fitted numbers. */
static void nearness_of_patches_follows_its_definition(void **state) {
  (void)state;
  const hg_kmeans_settings settings = {.centroids = 16, .patch = 5};
  hg_patches p;
  assert_int_equal(hg_patches_fit(&p, &settings, shape, train_x, TRAIN, NULL, NULL, NULL), HG_OK);
  float *scratch = hg_alloc_aligned(hg_patches_scratch(&p) * sizeof *scratch), out[64];
  double expected[64] = {0};
  hg_patches_describe(&p, test_x, scratch, out);
  for (int y = 0; y < 10; y++) {
    for (int x = 0; x < 10; x++) {
      double white[25], distance[16], average = 0;
      whitened_patch(&p, test_x, y, x, white);
      for (int j = 0; j < 16; j++) {
        distance[j] = 0;
        for (int k = 0; k < 25; k++) distance[j] += pow(white[k] - (double)p.columns[k * 16 + j], 2);
        distance[j] = sqrt(distance[j]);
        average += distance[j] / 16;
      }
      for (int j = 0; j < 16; j++) expected[(2 * (y >= 5) + (x >= 5)) * 16 + j] += fmax(0, average - distance[j]);
    }
  }
  for (int i = 0; i < 64; i++) assert_true(fabs((double)out[i] - expected[i]) < 1e-3);
  hg_free_aligned(scratch);
  hg_patches_release(&p);
}

/* Fifteen rounds in doubles, from the same first patches: to the mean of those that are nearest. */
static void plain_lloyd(const double (*patches)[25], int samples, double (*centroids)[25], int count) {
  for (int round = 0; round < 15; round++) {
    double sum[16][25] = {0};
    int members[16] = {0};
    for (int i = 0; i < samples; i++) {
      int best = 0;
      double least = INFINITY;
      for (int j = 0; j < count; j++) {
        double distance = 0;
        for (int k = 0; k < 25; k++) distance += pow(patches[i][k] - centroids[j][k], 2);
        if (distance < least) least = distance, best = j;
      }
      members[best]++;
      for (int k = 0; k < 25; k++) sum[best][k] += patches[i][k];
    }
    for (int j = 0; j < count; j++)
      for (int k = 0; k < 25 && members[j] > 0; k++) centroids[j][k] = sum[j][k] / members[j];
  }
}

/* The patches are drawn as they are for the fit. A patch between two centroids may go to either by its last bit. */
static void centroids_are_those_of_lloyds_algorithm(void **state) {
  (void)state;
  const hg_kmeans_settings settings = {.centroids = 16, .patch = 5};
  enum { SAMPLES = 100 * TRAIN < 20000 ? 100 * TRAIN : 20000 };
  hg_patches p;
  assert_int_equal(hg_patches_fit(&p, &settings, shape, train_x, TRAIN, NULL, NULL, NULL), HG_OK);
  double(*patches)[25] = hg_calloc(SAMPLES, sizeof *patches), centroids[16][25];
  assert_non_null(patches);
  hg_rng rng = hg_rng_at(1, HG_RNG_CLASSICAL, 1, 0);
  for (int i = 0; i < SAMPLES; i++) {
    int64_t image = (int64_t)hg_rng_below(&rng, TRAIN);
    int y = (int)hg_rng_below(&rng, 10), x = (int)hg_rng_below(&rng, 10);
    whitened_patch(&p, train_x + image * WIDTH, y, x, patches[i]);
  }
  memcpy(centroids, patches, sizeof centroids);
  plain_lloyd((const double(*)[25])patches, SAMPLES, centroids, 16);
  double apart = 0, away = 0;
  for (int j = 0; j < 16; j++)
    for (int k = 0; k < 25; k++) {
      apart = fmax(apart, fabs((double)p.columns[k * 16 + j] - centroids[j][k]));
      away = fmax(away, fabs(centroids[j][k] - patches[j][k]));
    }
  assert_true(away > 0.5); /* they have moved */
  if (apart > 1e-3) fail_msg("centroids differ by %g", apart);
  hg_free(patches);
  hg_patches_release(&p);
}

static void features_are_the_same_bits_on_any_number_of_threads(void **state) {
  (void)state;
  const hg_feature_settings settings = {.hog = {4, 2, 9}, .scale = HG_SCALE_STANDARD, .pca = 10};
  float *reference = NULL;
  const hg_feature_settings patches = {.kmeans = {20, 6}, .pca = 10};
  for (int threads = 1; threads <= 6; threads++) {
    hg_pool *pool;
    float *made;
    if (threads == 4) {
      hg_free(reference);
      reference = NULL;
    }
    assert_int_equal(hg_pool_new(threads, &pool, NULL), HG_OK);
    hg_features *features = fit(threads < 4 ? &settings : &patches, pool);
    assert_int_equal(hg_features_width(features), 10);
    assert_int_equal(hg_features_apply(features, test_x, TEST, pool, NULL, &made, NULL), HG_OK);
    if (reference != NULL) assert_memory_equal(made, reference, sizeof(float) * TEST * 10);
    if (reference == NULL)
      reference = made;
    else
      hg_free(made);
    hg_features_free(features);
    hg_pool_free(pool);
  }
  hg_free(reference);
}

static void impossible_features_are_refused(void **state) {
  (void)state;
  hg_features *features;
  hg_error error = {0};
  hg_feature_settings settings = {.hog = {8, 2, 9}};
  assert_int_equal(hg_features_fit(&settings, shape, train_x, TRAIN, NULL, NULL, &features, &error), HG_USAGE);
  assert_non_null(strstr(error.message, "14 x 14 has no 2 x 2 cells of 8 pixels"));
  settings = (hg_feature_settings){.pca = 30};
  assert_int_equal(hg_features_fit(&settings, shape, train_x, 30, NULL, NULL, &features, &error), HG_DATA);
  assert_non_null(strstr(error.message, "30 components, but there are 196 features and 30 samples"));
}

/* Says no at the call of this number. */
typedef struct patience {
  int calls, most;
  double last;
} patience;

static bool wait_so_long(void *context, double fraction) {
  patience *p = context;
  assert_true(fraction >= p->last && fraction <= 1);
  p->last = fraction;
  return ++p->calls < p->most;
}

static void a_watch_follows_and_stops_the_work_anywhere(void **state) {
  (void)state;
  const hg_feature_settings settings = {.kmeans = {20, 6}, .scale = HG_SCALE_STANDARD, .pca = 10};
  hg_code code = HG_INTERRUPTED;
  int stopped = 0;
  for (int most = 1; code != HG_OK; most += 1 + most / 4, stopped++) {
    patience p = {.most = most};
    hg_features *features;
    float *made = NULL;
    hg_error error = {0};
    hg_watch watch = {.progress = wait_so_long, .context = &p};
    watch.total = hg_features_steps(&settings, shape, TRAIN, TEST);
    code = hg_features_fit(&settings, shape, train_x, TRAIN, NULL, &watch, &features, &error);
    if (code == HG_OK) code = hg_features_apply(features, test_x, TEST, NULL, &watch, &made, &error);
    if (code == HG_OK) assert_true(watch.done == watch.total);
    if (code != HG_OK) assert_int_equal(code, HG_INTERRUPTED);
    hg_free(made);
    hg_features_free(features);
  }
  assert_true(stopped > 8);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  const hg_feature_settings settings = {.hog = {4, 2, 9}, .scale = HG_SCALE_STANDARD, .pca = 2};
  const hg_feature_settings patches = {.kmeans = {4, 3}};
  hg_code code = HG_NO_MEMORY;
  bool second = false;
  for (int64_t successes = 0; code != HG_OK || !second; successes++) {
    if (code == HG_OK) {
      second = true;
      successes = 0;
    }
    hg_features *features;
    float *made = NULL;
    hg_alloc_fail_after(successes);
    code = hg_features_fit(second ? &patches : &settings, shape, train_x, 30, NULL, NULL, &features, NULL);
    if (code == HG_OK) code = hg_features_apply(features, test_x, 3, NULL, NULL, &made, NULL);
    hg_alloc_fail_after(-1);
    assert_true(code == HG_OK || code == HG_NO_MEMORY);
    hg_free(made);
    hg_features_free(features);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scaling_has_scikit_learns_means_and_deviations),
      cmocka_unit_test(scaled_training_features_have_mean_0_and_variance_1),
      cmocka_unit_test(a_feature_that_never_varies_is_only_centred),
      cmocka_unit_test(components_variances_and_codes_are_scikit_learns),
      cmocka_unit_test(all_components_turn_the_samples_and_keep_their_distances),
      cmocka_unit_test(fewer_samples_than_features_have_the_components_of_their_copies),
      cmocka_unit_test(gradients_are_described_as_scikit_image_does),
      cmocka_unit_test(nearness_of_patches_follows_its_definition),
      cmocka_unit_test(centroids_are_those_of_lloyds_algorithm),
      cmocka_unit_test(features_are_the_same_bits_on_any_number_of_threads),
      cmocka_unit_test(impossible_features_are_refused),
      cmocka_unit_test(a_watch_follows_and_stops_the_work_anywhere),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
