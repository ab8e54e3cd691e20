#include "eval/tsne.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "eval/tsne_affinities.h"
#include "eval/tsne_field.h"
#include "eval/tsne_start.h"

#include "golden.h"

enum { DIGITS = 300, DIGIT_WIDTH = 64, MANY = 1500, WIDTH = 10 };

/* Ten clusters, not too far apart. */
static float *clusters(int64_t count, int width) {
  float *points = hg_malloc(sizeof *points * (size_t)count * (size_t)width);
  assert_non_null(points);
  hg_rng rng = hg_rng_at(3, HG_RNG_TEST, 0, 0);
  for (int64_t i = 0; i < count; i++)
    for (int j = 0; j < width; j++) points[i * width + j] = hg_rng_normal(&rng) + (i % 10 == j % 10 ? 5.0f : 0.0f);
  return points;
}

static float *random_map(int64_t count, float spread) {
  float *map = hg_malloc(sizeof *map * 2 * (size_t)count);
  assert_non_null(map);
  hg_rng rng = hg_rng_at(5, HG_RNG_TEST, 0, 0);
  for (int64_t i = 0; i < 2 * count; i++) map[i] = spread * hg_rng_normal(&rng);
  return map;
}

static hg_tsne_result map_of(const float *points, int64_t count, int width, const hg_tsne_settings *settings, int threads) {
  hg_pool *pool;
  hg_tsne_result result;
  hg_error error = {0};
  assert_int_equal(hg_pool_new(threads, &pool, NULL), HG_OK);
  if (hg_tsne(points, count, width, settings, pool, &result, &error) != HG_OK) fail_msg("%s: %s", error.place, error.message);
  hg_pool_free(pool);
  return result;
}

/* ---------------------------------------------------------------- against scikit-learn */

static void the_divergence_is_not_above_scikit_learns_from_the_same_start(void **state) {
  (void)state;
  hg_safetensors file;
  golden_open("tsne", &file);
  float *points = golden_values(golden_tensor(&file, "digits", "points"));
  float *start = golden_values(golden_tensor(&file, "digits", "start"));
  double *recorded = golden_values(golden_tensor(&file, "digits", "divergence"));
  hg_tsne_settings settings = hg_tsne_settings_default();
  settings.start = HG_TSNE_GIVEN;
  settings.given = start;
  hg_tsne_result result = map_of(points, DIGITS, DIGIT_WIDTH, &settings, 2);
  if (!(result.kl_divergence <= recorded[0])) fail_msg("%.6f, scikit-learn %.6f", result.kl_divergence, recorded[0]);
  assert_true(result.kl_divergence > 0);
  assert_int_equal(result.iterations, 1000);
  hg_tsne_result_release(&result);
  hg_free_aligned(points);
  hg_free_aligned(start);
  hg_free_aligned(recorded);
  hg_safetensors_release(&file);
}

/* The divergence of scikit-learn's own map, measured by the parts of ours: the same P and the same sum, by the definition and as
 * scikit-learn's own function has it, in float. */
static void the_divergence_of_a_map_is_scikit_learns(void **state) {
  (void)state;
  hg_safetensors file;
  golden_open("tsne", &file);
  float *points = golden_values(golden_tensor(&file, "digits", "points"));
  float *map = golden_values(golden_tensor(&file, "digits", "embedding"));
  double *recorded = golden_values(golden_tensor(&file, "digits", "divergence"));
  double *own = golden_values(golden_tensor(&file, "digits", "own_divergence"));
  hg_tsne_settings settings = hg_tsne_settings_default();
  settings.start = HG_TSNE_GIVEN;
  settings.given = map;
  settings.iterations = 1;
  settings.exaggerated = 0;
  settings.learning_rate = 1e-12f;
  hg_tsne_result result = map_of(points, DIGITS, DIGIT_WIDTH, &settings, 1);
  if (fabs(result.kl_divergence - recorded[0]) > 1e-5) fail_msg("%.6f, scikit-learn %.6f", result.kl_divergence, recorded[0]);
  if (fabs(result.kl_divergence - own[0]) > 1e-5) fail_msg("%.6f, scikit-learn %.6f", result.kl_divergence, own[0]);
  hg_tsne_result_release(&result);
  hg_free_aligned(points);
  hg_free_aligned(map);
  hg_free_aligned(own);
  hg_free_aligned(recorded);
  hg_safetensors_release(&file);
}

static void trustworthiness_is_scikit_learns(void **state) {
  (void)state;
  static const int neighbours[] = {5, 12, 12};
  static const char *const names[] = {"embedding", "embedding", "noise"};
  hg_safetensors file;
  golden_open("tsne", &file);
  float *points = golden_values(golden_tensor(&file, "digits", "points"));
  double *recorded = golden_values(golden_tensor(&file, "digits", "trustworthiness"));
  for (int i = 0; i < 3; i++) {
    float *map = golden_values(golden_tensor(&file, "digits", names[i]));
    double measured;
    assert_int_equal(hg_trustworthiness(points, map, DIGITS, DIGIT_WIDTH, neighbours[i], NULL, &measured, NULL), HG_OK);
    if (fabs(measured - recorded[i]) > 1e-9) fail_msg("%.12f, scikit-learn %.12f", measured, recorded[i]);
    hg_free_aligned(map);
  }
  hg_free_aligned(points);
  hg_free_aligned(recorded);
  hg_safetensors_release(&file);
}

static void the_start_is_scikit_learns_principal_components_but_for_signs(void **state) {
  (void)state;
  hg_safetensors file;
  golden_open("tsne", &file);
  float *points = golden_values(golden_tensor(&file, "digits", "points"));
  float *recorded = golden_values(golden_tensor(&file, "digits", "start")), ours[2 * DIGITS];
  hg_panels panels;
  assert_int_equal(hg_panels_new(points, DIGITS, DIGIT_WIDTH, NULL, &panels, NULL), HG_OK);
  assert_int_equal(hg_tsne_start_pca(&panels, NULL, ours, NULL), HG_OK);
  for (int axis = 0; axis < 2; axis++) {
    float sign = (ours[axis] > 0) == (recorded[axis] > 0) ? 1.0f : -1.0f;
    float worst = 0;
    for (int i = 0; i < DIGITS; i++) worst = fmaxf(worst, fabsf(ours[2 * i + axis] - sign * recorded[2 * i + axis]));
    if (worst > 1e-8f) fail_msg("axis %d differs by %g", axis, (double)worst);
  }
  hg_panels_release(&panels);
  hg_free_aligned(points);
  hg_free_aligned(recorded);
  hg_safetensors_release(&file);
}

/* ---------------------------------------------------------------- parts */

static double squared(const float *a, const float *b, int width) {
  double sum = 0;
  for (int j = 0; j < width; j++) sum += ((double)a[j] - (double)b[j]) * ((double)a[j] - (double)b[j]);
  return sum;
}

static void neighbours_are_the_nearest_of_all(void **state) {
  (void)state;
  enum { COUNT = 700, K = 20, STRIDE = 32 };
  float *points = clusters(COUNT, WIDTH), *distances = hg_malloc(sizeof(float) * COUNT * STRIDE);
  int32_t *neighbours = hg_malloc(sizeof(int32_t) * COUNT * STRIDE);
  hg_panels panels;
  assert_int_equal(hg_panels_new(points, COUNT, WIDTH, NULL, &panels, NULL), HG_OK);
  assert_int_equal(hg_nearest(&panels, K, STRIDE, NULL, neighbours, distances, NULL), HG_OK);
  for (int i = 0; i < COUNT; i++) {
    double farthest = 0;
    int nearer = 0;
    for (int j = 0; j < K; j++) {
      assert_true(neighbours[i * STRIDE + j] != i && (j == 0 || neighbours[i * STRIDE + j] > neighbours[i * STRIDE + j - 1]));
      double d = squared(points + i * WIDTH, points + neighbours[i * STRIDE + j] * WIDTH, WIDTH);
      assert_true(fabs(d - (double)distances[i * STRIDE + j]) < 1e-4 * d);
      farthest = d > farthest ? d : farthest;
    }
    for (int j = 0; j < COUNT; j++)
      nearer += j != i && squared(points + i * WIDTH, points + j * WIDTH, WIDTH) < farthest * (1 - 1e-5);
    assert_in_range(nearer, 0, K - 1);
  }
  hg_panels_release(&panels);
  hg_free(points);
  hg_free(distances);
  hg_free(neighbours);
}

static hg_tsne_rows rows_of(const float *points, int64_t count, int width, float perplexity) {
  hg_panels panels;
  hg_tsne_rows p;
  assert_int_equal(hg_panels_new(points, count, width, NULL, &panels, NULL), HG_OK);
  assert_int_equal(hg_tsne_affinities(&panels, perplexity, NULL, &p, NULL), HG_OK);
  hg_panels_release(&panels);
  return p;
}

static float entry(const hg_tsne_rows *p, int64_t row, int64_t column) {
  float sum = 0;
  for (int64_t e = p->start[row]; e < p->start[row + 1]; e++)
    if (p->column[e] == column) sum += p->value[e];
  return sum;
}

static void affinities_are_symmetric_and_sum_to_one(void **state) {
  (void)state;
  enum { COUNT = 200 };
  float *points = clusters(COUNT, WIDTH);
  hg_tsne_rows p = rows_of(points, COUNT, WIDTH, 12);
  double sum = 0;
  for (int64_t i = 0; i < COUNT; i++)
    for (int64_t e = p.start[i]; e < p.start[i + 1]; e++) {
      sum += (double)p.value[e];
      assert_true(p.value[e] == entry(&p, p.column[e], i));
    }
  assert_true(fabs(sum - 1) < 1e-5);
  hg_tsne_rows_release(&p);
  hg_free(points);
}

/* The divergence by its definition, in double. */
static double divergence(const hg_tsne_rows *p, const double *map, int count) {
  double z = 0, sum = 0;
  for (int i = 0; i < count; i++)
    for (int j = 0; j < count; j++) {
      double dx = map[2 * i] - map[2 * j], dy = map[2 * i + 1] - map[2 * j + 1];
      if (i != j) z += 1 / (1 + dx * dx + dy * dy);
    }
  for (int i = 0; i < count; i++)
    for (int64_t e = p->start[i]; e < p->start[i + 1]; e++) {
      int j = p->column[e];
      double dx = map[2 * i] - map[2 * j], dy = map[2 * i + 1] - map[2 * j + 1], value = (double)p->value[e];
      if (value > 0) sum += value * log(value * (1 + dx * dx + dy * dy) * z);
    }
  return sum;
}

static void the_forces_are_the_gradient_of_the_divergence(void **state) {
  (void)state;
  enum { COUNT = 30 };
  float *points = clusters(COUNT, WIDTH), *map = random_map(COUNT, 2), pull[2 * COUNT], push[2 * COUNT];
  hg_tsne_rows p = rows_of(points, COUNT, WIDTH, 5);
  double z, exact[2 * COUNT];
  assert_int_equal(hg_tsne_repulsion_exact(map, COUNT, NULL, push, &z, NULL), HG_OK);
  hg_tsne_kernels_get()->attract(&p, map, 0, COUNT, pull);
  for (int i = 0; i < 2 * COUNT; i++) exact[i] = (double)map[i];
  for (int i = 0; i < 2 * COUNT; i++) {
    const double step = 1e-5;
    exact[i] += step;
    double above = divergence(&p, exact, COUNT);
    exact[i] -= 2 * step;
    double below = divergence(&p, exact, COUNT);
    exact[i] += step;
    double gradient = 4 * ((double)pull[i] - (double)push[i] / z);
    assert_true(fabs(gradient - (above - below) / (2 * step)) < 1e-6);
  }
  hg_tsne_rows_release(&p);
  hg_free(points);
  hg_free(map);
}

/* The root mean square error of the forces, as a share of their root mean square. */
static double grid_error(float spread, float spacing, double *z_error) {
  float *map = random_map(MANY, spread), *exact = hg_malloc(sizeof(float) * 2 * MANY),
        *grid = hg_malloc(sizeof(float) * 2 * MANY);
  double z, grid_z, square = 0, wrong = 0;
  hg_tsne_field field;
  assert_int_equal(hg_tsne_repulsion_exact(map, MANY, NULL, exact, &z, NULL), HG_OK);
  assert_int_equal(hg_tsne_field_new(MANY, spacing, NULL, &field, NULL), HG_OK);
  assert_int_equal(hg_tsne_repulsion(&field, map, grid, &grid_z, NULL), HG_OK);
  for (int i = 0; i < 2 * MANY; i++) {
    square += (double)exact[i] * (double)exact[i];
    wrong += ((double)exact[i] - (double)grid[i]) * ((double)exact[i] - (double)grid[i]);
  }
  *z_error = fabs(grid_z - z) / z;
  hg_tsne_field_release(&field);
  hg_free(map);
  hg_free(exact);
  hg_free(grid);
  return sqrt(wrong / square);
}

static void the_grid_repels_as_all_pairs_do(void **state) {
  (void)state;
  double z_error;
  static const float spreads[] = {1e-4f, 0.03f, 1, 5, 10, 20};
  for (int i = 0; i < 6; i++) {
    double error = grid_error(spreads[i], 0.5f, &z_error);
    if (error > 0.03 || z_error > 1e-3) fail_msg("spread %g: force %.2e, z %.2e", (double)spreads[i], error, z_error);
  }
  double error = grid_error(20, 0.25f, &z_error);
  if (error > 1e-3 || z_error > 3e-5) fail_msg("a narrow grid: force %.2e, z %.2e", error, z_error);
}

/* ---------------------------------------------------------------- the same bits */

static void maps_have_the_same_bits_on_any_number_of_threads(void **state) {
  (void)state;
  static const int threads[] = {2, 3, 7};
  float *points = clusters(MANY, WIDTH);
  hg_tsne_settings settings = hg_tsne_settings_default();
  settings.iterations = 120;
  settings.exaggerated = 40;
  hg_tsne_result one = map_of(points, MANY, WIDTH, &settings, 1);
  for (int i = 0; i < 3; i++) {
    hg_tsne_result more = map_of(points, MANY, WIDTH, &settings, threads[i]);
    assert_memory_equal(one.embedding, more.embedding, sizeof(float) * 2 * MANY);
    assert_true(one.kl_divergence == more.kl_divergence);
    hg_tsne_result_release(&more);
  }
  hg_tsne_result_release(&one);
  hg_free(points);
}

static void maps_have_the_same_bits_on_any_instruction_set(void **state) {
  (void)state;
  float *points = clusters(MANY, WIDTH);
  hg_tsne_settings settings = hg_tsne_settings_default();
  settings.iterations = 40;
  settings.exaggerated = 20;
  hg_isa best = hg_isa_best();
  hg_tsne_result plain = {0};
  for (int isa = HG_ISA_GENERIC; isa <= (int)best; isa++) {
    assert_int_equal(hg_isa_set((hg_isa)isa, NULL), HG_OK);
    hg_tsne_result result = map_of(points, MANY, WIDTH, &settings, 1);
    if (isa == HG_ISA_GENERIC) {
      plain = result;
      continue;
    }
    assert_memory_equal(plain.embedding, result.embedding, sizeof(float) * 2 * MANY);
    assert_true(plain.kl_divergence == result.kl_divergence);
    hg_tsne_result_release(&result);
  }
  hg_tsne_result_release(&plain);
  hg_free(points);
}

static void trustworthiness_has_the_same_bits_on_any_number_of_threads(void **state) {
  (void)state;
  float *points = clusters(MANY, WIDTH), *map = random_map(MANY, 10);
  double one, more;
  assert_int_equal(hg_trustworthiness(points, map, MANY, WIDTH, 12, NULL, &one, NULL), HG_OK);
  hg_pool *pool;
  assert_int_equal(hg_pool_new(3, &pool, NULL), HG_OK);
  assert_int_equal(hg_trustworthiness(points, map, MANY, WIDTH, 12, pool, &more, NULL), HG_OK);
  assert_true(one == more);
  hg_pool_free(pool);
  hg_free(points);
  hg_free(map);
}

/* ---------------------------------------------------------------- what is refused, and what is not */

static void expect(hg_code code, const char *word, const float *points, int64_t count, int width,
                   const hg_tsne_settings *settings) {
  hg_tsne_result result;
  hg_error error = {0};
  assert_int_equal(hg_tsne(points, count, width, settings, NULL, &result, &error), code);
  if (strstr(error.message, word) == NULL) fail_msg("`%s` is not in: %s", word, error.message);
  assert_null(result.embedding);
}

static void equal_points_and_numbers_that_are_none_are_refused(void **state) {
  (void)state;
  hg_tsne_settings settings = hg_tsne_settings_default();
  float *points = clusters(200, WIDTH);
  points[57 * WIDTH + 3] = NAN;
  expect(HG_DATA, "value 3 of point 57", points, 200, WIDTH, &settings);
  for (int i = 0; i < 200 * WIDTH; i++) points[i] = 0.3f;
  expect(HG_DATA, "equal", points, 200, WIDTH, &settings);
  hg_free(points);
}

static void settings_that_do_not_fit_are_refused(void **state) {
  (void)state;
  float *points = clusters(90, WIDTH);
  hg_tsne_settings settings = hg_tsne_settings_default();
  expect(HG_USAGE, "below 30", points, 90, WIDTH, &settings);
  settings.perplexity = NAN;
  expect(HG_USAGE, "perplexity", points, 90, WIDTH, &settings);
  settings.perplexity = 10;
  settings.iterations = 0;
  expect(HG_USAGE, "iterations", points, 90, WIDTH, &settings);
  settings.iterations = 10;
  settings.learning_rate = -1;
  expect(HG_USAGE, "learning rate", points, 90, WIDTH, &settings);
  settings.learning_rate = 0;
  settings.exaggeration = 0.5f;
  expect(HG_USAGE, "exaggeration", points, 90, WIDTH, &settings);
  settings.exaggeration = 12;
  settings.start = HG_TSNE_GIVEN;
  expect(HG_USAGE, "start", points, 90, WIDTH, &settings);
  expect(HG_USAGE, "points", points, 2, WIDTH, &settings);
  double trust;
  assert_int_equal(hg_trustworthiness(points, points, 90, WIDTH, 45, NULL, &trust, NULL), HG_USAGE);
  hg_free(points);
}

static void many_copies_of_few_points_are_mapped(void **state) {
  (void)state;
  enum { COUNT = 1200 };
  float *points = clusters(COUNT, WIDTH);
  for (int i = 10; i < COUNT; i++) memcpy(points + i * WIDTH, points + i % 10 * WIDTH, sizeof(float) * WIDTH);
  hg_tsne_settings settings = hg_tsne_settings_default();
  settings.iterations = 300;
  hg_tsne_result result = map_of(points, COUNT, WIDTH, &settings, 1);
  for (int i = 0; i < 2 * COUNT; i++) assert_true(isfinite(result.embedding[i]));
  assert_true(isfinite(result.kl_divergence));
  hg_tsne_result_release(&result);
  hg_free(points);
}

static void points_of_one_value_are_mapped(void **state) {
  (void)state;
  float *points = clusters(100, 1);
  hg_tsne_settings settings = hg_tsne_settings_default();
  settings.iterations = 50;
  settings.perplexity = 5;
  hg_tsne_result result = map_of(points, 100, 1, &settings, 1);
  assert_true(isfinite(result.kl_divergence));
  hg_tsne_result_release(&result);
  hg_free(points);
}

static void a_random_start_follows_its_seed(void **state) {
  (void)state;
  float *points = clusters(100, WIDTH);
  hg_tsne_settings settings = hg_tsne_settings_default();
  settings.iterations = 20;
  settings.perplexity = 5;
  settings.start = HG_TSNE_RANDOM;
  hg_tsne_result a = map_of(points, 100, WIDTH, &settings, 1), b = map_of(points, 100, WIDTH, &settings, 1);
  settings.seed = 2;
  hg_tsne_result c = map_of(points, 100, WIDTH, &settings, 1);
  assert_memory_equal(a.embedding, b.embedding, sizeof(float) * 200);
  assert_memory_not_equal(a.embedding, c.embedding, sizeof(float) * 200);
  hg_tsne_result_release(&a);
  hg_tsne_result_release(&b);
  hg_tsne_result_release(&c);
  hg_free(points);
}

static bool until_seven(void *context, const hg_tsne_progress *progress) {
  (void)context;
  return progress->iteration < 7;
}

static void a_stopped_run_leaves_the_map_so_far(void **state) {
  (void)state;
  float *points = clusters(100, WIDTH);
  hg_tsne_settings settings = hg_tsne_settings_default();
  settings.perplexity = 5;
  settings.progress = until_seven;
  hg_tsne_result result;
  assert_int_equal(hg_tsne(points, 100, WIDTH, &settings, NULL, &result, NULL), HG_INTERRUPTED);
  assert_int_equal(result.iterations, 7);
  assert_non_null(result.embedding);
  assert_true(isfinite(result.kl_divergence));
  hg_tsne_result_release(&result);
  hg_free(points);
}

static void every_allocation_that_fails_is_reported(void **state) {
  (void)state;
  float *points = clusters(1100, WIDTH);
  hg_tsne_settings settings = hg_tsne_settings_default();
  settings.iterations = 1;
  hg_code code = HG_NO_MEMORY;
  for (int n = 0; code != HG_OK; n++) {
    hg_tsne_result result;
    hg_alloc_fail_after(n);
    code = hg_tsne(points, 1100, WIDTH, &settings, NULL, &result, NULL);
    hg_alloc_fail_after(-1);
    assert_true(code == HG_OK || code == HG_NO_MEMORY);
    assert_true((code == HG_OK) == (result.embedding != NULL));
    hg_tsne_result_release(&result);
    assert_true(n < 200);
  }
  hg_free(points);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_divergence_is_not_above_scikit_learns_from_the_same_start),
      cmocka_unit_test(the_divergence_of_a_map_is_scikit_learns),
      cmocka_unit_test(trustworthiness_is_scikit_learns),
      cmocka_unit_test(the_start_is_scikit_learns_principal_components_but_for_signs),
      cmocka_unit_test(neighbours_are_the_nearest_of_all),
      cmocka_unit_test(affinities_are_symmetric_and_sum_to_one),
      cmocka_unit_test(the_forces_are_the_gradient_of_the_divergence),
      cmocka_unit_test(the_grid_repels_as_all_pairs_do),
      cmocka_unit_test(maps_have_the_same_bits_on_any_number_of_threads),
      cmocka_unit_test(maps_have_the_same_bits_on_any_instruction_set),
      cmocka_unit_test(trustworthiness_has_the_same_bits_on_any_number_of_threads),
      cmocka_unit_test(equal_points_and_numbers_that_are_none_are_refused),
      cmocka_unit_test(settings_that_do_not_fit_are_refused),
      cmocka_unit_test(many_copies_of_few_points_are_mapped),
      cmocka_unit_test(points_of_one_value_are_mapped),
      cmocka_unit_test(a_random_start_follows_its_seed),
      cmocka_unit_test(a_stopped_run_leaves_the_map_so_far),
      cmocka_unit_test(every_allocation_that_fails_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
