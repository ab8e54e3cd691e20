/* kill -9 at random moments, then the same training again: the weights must be those of the training left alone. */
#define _GNU_SOURCE
#include "test_train_fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define KILLED_CHECKPOINT "test_killed_checkpoint.safetensors"

enum { TRAININGS = 3, KILLS = 8 };

typedef struct training {
  hg_network *(*make)(void);
  hg_train_settings settings;
} training;

static training training_of(int number) {
  training made = {number == 1 ? make_mlp : make_cnn, quick_settings(4)};
  made.settings.seed = (uint64_t)number + 1;
  made.settings.threads = 1 + number % 2;
  made.settings.corrupt.masking = 0.1f;
  if (number == 1) made.settings.optimizer = hg_optimizer_default(HG_SGD);
  if (number == 1) made.settings.optimizer.momentum = 0.9f;
  made.settings.early_stopping = (hg_early_stopping){.enabled = true, .patience = 10, .restore_best_weights = true};
  return made;
}

/* Slows a step down to some milliseconds, so that a kill finds the training under way. */
static bool nap(void *context, const hg_progress *progress) {
  (void)context;
  (void)progress;
  nanosleep(&(struct timespec){0, 2000000}, NULL);
  return true;
}

static hg_code train(const training *plan, const char *checkpoint, char *digest) {
  hg_dataset *images = make_images(160, 1), *validation = make_images(40, 2);
  hg_train_settings settings = plan->settings;
  settings.checkpoint = checkpoint;
  settings.checkpoint_seconds = 0; /* after every step */
  if (checkpoint != NULL) settings.progress = nap;
  hg_network *network = plan->make();
  hg_code code = hg_train(network, images, validation, &settings, NULL, NULL);
  assert_int_equal(hg_network_digest(network, digest, NULL), HG_OK);
  hg_network_free(network);
  hg_dataset_free(images);
  hg_dataset_free(validation);
  return code;
}

/* Trains in a process of its own; true if it came to its end, false if the kill came first. */
static bool train_until_killed(const training *plan, int milliseconds, char *digest) {
  int pipes[2];
  assert_int_equal(pipe(pipes), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    char result[HG_SHA256_SIZE];
    bool done = train(plan, KILLED_CHECKPOINT, result) == HG_OK;
    _exit(done && write(pipes[1], result, sizeof result) == (ssize_t)sizeof result ? 0 : 1);
  }
  close(pipes[1]);
  nanosleep(&(struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000L}, NULL);
  kill(child, SIGKILL);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  bool done = WIFEXITED(status);
  if (done) assert_int_equal(WEXITSTATUS(status), 0);
  if (done) assert_int_equal(read(pipes[0], digest, HG_SHA256_SIZE), HG_SHA256_SIZE);
  close(pipes[0]);
  return done;
}

/* Kills the training until it has been killed often enough or is done; gives the number of kills. */
static int kill_and_finish(const training *plan, hg_rng *rng, char *digest) {
  int kills = 0;
  while (kills < KILLS) {
    if (train_until_killed(plan, 5 + (int)hg_rng_below(rng, 70), digest)) return kills;
    kills++;
  }
  assert_int_equal(train(plan, KILLED_CHECKPOINT, digest), HG_OK);
  return kills;
}

static void weights_are_the_same_after_kills_at_random_moments(void **state) {
  (void)state;
  hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, 0);
  int kills = 0, rounds = 0;
  for (; kills < TRAININGS * KILLS && rounds < 40; rounds++) {
    training plan = training_of(rounds % TRAININGS);
    char whole[HG_SHA256_SIZE], resumed[HG_SHA256_SIZE];
    assert_int_equal(train(&plan, NULL, whole), HG_OK);
    unlink(KILLED_CHECKPOINT);
    kills += kill_and_finish(&plan, &rng, resumed);
    assert_string_equal(whole, resumed);
  }
  unlink(KILLED_CHECKPOINT);
  print_message("%d kills over %d trainings\n", kills, rounds);
  assert_true(kills >= 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(weights_are_the_same_after_kills_at_random_moments)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
