/* What hourglass.h promises of threads: two of them train two networks on one data set, and `progress` may use the library. */
#include "learn/checkpoint.h"
#include "test_train_fixture.h"

#include <pthread.h>

typedef struct side {
  const hg_dataset *images;
  uint64_t seed;
  hg_network *other; /* used in `progress`; NULL = none */
  const hg_network *own;
  int saved;
  char digest[HG_SHA256_SIZE];
} side;

/* The network under training is only looked at; another one predicts. */
static bool look(void *context, const hg_progress *progress) {
  side *s = context;
  float pixels[SIDE * SIDE] = {0}, probabilities[CLASSES];
  if (progress->step % 3 != 0) return true;
  assert_int_equal(hg_network_save(s->own, "test_train_threads.safetensors", NULL), HG_OK);
  assert_true(hg_network_parameters(s->own) > 0);
  assert_int_equal(hg_network_predict(s->other, pixels, 1, 1, NULL, NULL, probabilities, NULL), HG_OK);
  s->saved++;
  return true;
}

static void *train_side(void *context) {
  side *s = context;
  hg_network *network = make_cnn();
  hg_train_settings settings = quick_settings(4);
  settings.seed = s->seed;
  settings.threads = 2;
  settings.progress = s->other == NULL ? NULL : look;
  settings.progress_context = s;
  s->own = network;
  assert_int_equal(hg_train(network, s->images, s->images, &settings, NULL, NULL), HG_OK);
  assert_int_equal(hg_network_digest(network, s->digest, NULL), HG_OK);
  hg_network_free(network);
  return NULL;
}

static void two_threads_train_two_networks_to_the_bits_of_one_after_the_other(void **state) {
  (void)state;
  hg_dataset *images = make_images(150, 1);
  side alone[2] = {{.images = images, .seed = 1}, {.images = images, .seed = 2}};
  side together[2] = {alone[0], alone[1]};
  pthread_t thread;
  for (int i = 0; i < 2; i++) train_side(&alone[i]);
  assert_int_equal(pthread_create(&thread, NULL, train_side, &together[1]), 0);
  train_side(&together[0]);
  pthread_join(thread, NULL);
  for (int i = 0; i < 2; i++) assert_string_equal(alone[i].digest, together[i].digest);
  assert_string_not_equal(alone[0].digest, alone[1].digest);
  hg_dataset_free(images);
}

static void progress_may_save_the_network_and_use_another(void **state) {
  (void)state;
  hg_dataset *images = make_images(150, 1);
  hg_network *other = make_mlp();
  assert_int_equal(hg_network_initialize(other, 1, NULL), HG_OK);
  side plain = {.images = images, .seed = 1}, looking = {.images = images, .seed = 1, .other = other};
  train_side(&plain);
  train_side(&looking);
  assert_true(looking.saved == 4);
  assert_string_equal(plain.digest, looking.digest);
  remove("test_train_threads.safetensors");
  hg_network_free(other);
  hg_dataset_free(images);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_threads_train_two_networks_to_the_bits_of_one_after_the_other),
      cmocka_unit_test(progress_may_save_the_network_and_use_another),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
