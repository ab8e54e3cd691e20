#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/rng.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* Known answers of the Philox-4x32-10 reference (Random123's kat_vectors). */
static void philox_gives_the_published_words(void **state) {
  (void)state;
  uint32_t out[4];
  hg_philox((uint32_t[2]){0, 0}, (uint32_t[4]){0, 0, 0, 0}, out);
  assert_memory_equal(out, ((uint32_t[4]){0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}), sizeof out);
  hg_philox((uint32_t[2]){0xa4093822, 0x299f31d0}, (uint32_t[4]){0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, out);
  assert_memory_equal(out, ((uint32_t[4]){0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}), sizeof out);
}

static void normal_numbers_have_the_moments_of_the_normal_distribution(void **state) {
  (void)state;
  hg_rng rng = hg_rng_at(7, HG_RNG_TEST, 0, 0);
  enum { COUNT = 400000 };
  double sum = 0, squares = 0, fourth = 0;
  int beyond_two = 0;
  for (int i = 0; i < COUNT; i++) {
    double x = hg_rng_normal(&rng);
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
    beyond_two += fabs(x) > 2;
  }
  assert_true(fabs(sum / COUNT) < 0.006);
  assert_true(fabs(squares / COUNT - 1) < 0.01);
  assert_true(fabs(fourth / COUNT - 3) < 0.08);
  assert_true(fabs(beyond_two / (double)COUNT - 0.0455) < 0.002);
}

static void streams_of_other_addresses_differ(void **state) {
  (void)state;
  hg_rng a = hg_rng_at(1, HG_RNG_TEST, 2, 3);
  hg_rng others[] = {hg_rng_at(2, HG_RNG_TEST, 2, 3), hg_rng_at(1, HG_RNG_DROPOUT, 2, 3), hg_rng_at(1, HG_RNG_TEST, 3, 3),
                     hg_rng_at(1, HG_RNG_TEST, 2, 4)};
  uint64_t first = hg_rng_u64(&a);
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) assert_true(hg_rng_u64(&others[i]) != first);
}

static void below_stays_below_and_reaches_every_value(void **state) {
  (void)state;
  hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, 0);
  int seen[7] = {0};
  for (int i = 0; i < 7000; i++) seen[hg_rng_below(&rng, 7)]++;
  for (int i = 0; i < 7; i++) assert_in_range(seen[i], 850, 1150);
}

static void count_task(void *context, int64_t index, int worker) {
  (void)worker;
  ((int *)context)[index]++;
}

static void parallel_for_runs_every_task_once(void **state) {
  (void)state;
  for (int threads = 1; threads <= 7; threads += 2) {
    hg_pool *pool;
    assert_int_equal(hg_pool_new(threads, &pool, NULL), HG_OK);
    for (int round = 0; round < 300; round++) {
      int counts[97] = {0};
      hg_parallel_for(pool, 97, count_task, counts);
      for (int i = 0; i < 97; i++) assert_int_equal(counts[i], 1);
    }
    hg_pool_free(pool);
  }
}

static void a_pool_of_a_negative_number_of_threads_is_refused(void **state) {
  (void)state;
  hg_pool *pool;
  hg_error error;
  assert_int_equal(hg_pool_new(-1, &pool, &error), HG_USAGE);
  assert_null(pool);
}

static void a_written_file_is_whole_and_a_refused_one_leaves_the_old(void **state) {
  (void)state;
  const char *path = BINARY_DIR "/test_base.file";
  char *bytes;
  size_t count;
  hg_error error;
  assert_int_equal(hg_file_write(path, "hourglass", 9, &error), HG_OK);
  assert_int_equal(hg_file_read(path, 100, &bytes, &count, &error), HG_OK);
  assert_int_equal(count, 9);
  assert_string_equal(bytes, "hourglass");
  hg_free(bytes);
  assert_int_equal(hg_file_read(path, 8, &bytes, &count, &error), HG_DATA);
  assert_int_equal(hg_file_write("/nonexistent/folder/x", "a", 1, &error), HG_FAILED);
  char digest[HG_SHA256_SIZE];
  hg_sha256("abc", 3, digest);
  assert_string_equal(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void what_a_killed_process_left_half_written_is_removed(void **state) {
  (void)state;
  const char *path = BINARY_DIR "/test_base.left", *left = BINARY_DIR "/test_base.left.tmp-1-0";
  assert_int_equal(hg_file_write(path, "a", 1, NULL), HG_OK);
  assert_int_equal(hg_file_write(left, "a", 1, NULL), HG_OK);
  hg_file_remove_leftovers(path, 3600);
  assert_true(hg_path_exists(left));
  hg_file_remove_leftovers(path, 0);
  assert_false(hg_path_exists(left));
  assert_true(hg_path_exists(path));
}

static void *write_many(void *path) {
  enum { MANY = 50 };
  hg_error error;
  for (int i = 0; i < MANY; i++)
    if (hg_file_write(path, "hourglass", 9, &error) != HG_OK) return path;
  return NULL;
}

/* Runs side by side write at the same time; the mask belongs to the whole process. */
static void files_of_several_threads_keep_the_mask_of_the_process(void **state) {
  (void)state;
  enum { THREADS = 4 };
  static char paths[THREADS][64];
  pthread_t threads[THREADS];
  mode_t before = umask(027);
  for (int i = 0; i < THREADS; i++) {
    snprintf(paths[i], sizeof paths[i], BINARY_DIR "/test_base.file%d", i / 2); /* two write the same one */
    assert_int_equal(pthread_create(&threads[i], NULL, write_many, paths[i]), 0);
  }
  void *failed[THREADS];
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], &failed[i]);
  mode_t after = umask(before);
  assert_int_equal(after, 027);
  for (int i = 0; i < THREADS; i++) {
    struct stat status;
    assert_null(failed[i]);
    assert_int_equal(stat(paths[i], &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    assert_int_equal(status.st_size, 9);
  }
}

static void the_chosen_allocation_fails_once(void **state) {
  (void)state;
  hg_alloc_fail_after(1);
  void *first = hg_malloc(1), *second = hg_malloc(1), *third = hg_malloc(1);
  hg_alloc_fail_after(-1);
  assert_non_null(first);
  assert_null(second);
  assert_non_null(third);
  hg_free(first);
  hg_free(third);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(philox_gives_the_published_words),
      cmocka_unit_test(normal_numbers_have_the_moments_of_the_normal_distribution),
      cmocka_unit_test(streams_of_other_addresses_differ),
      cmocka_unit_test(below_stays_below_and_reaches_every_value),
      cmocka_unit_test(parallel_for_runs_every_task_once),
      cmocka_unit_test(a_pool_of_a_negative_number_of_threads_is_refused),
      cmocka_unit_test(a_written_file_is_whole_and_a_refused_one_leaves_the_old),
      cmocka_unit_test(what_a_killed_process_left_half_written_is_removed),
      cmocka_unit_test(files_of_several_threads_keep_the_mask_of_the_process),
      cmocka_unit_test(the_chosen_allocation_fails_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
