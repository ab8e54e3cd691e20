/* Times one network for a driver that alternates it with a peer: bench/run.py.
 * usage: hourglass_bench NETWORK BATCH THREADS [IMAGES [ENGINE]]     NETWORK as bench_network takes it; ENGINE native, onednn or
 * direct
 * Reads a command a line from standard input and answers each with a line of numbers:
 *   info             parameters; multiply-adds of one image forward, of one image in a training step, and those really done,
 *                    forward and in a training step
 *   train SECONDS    images a second: batch, forward, loss, backward, Adam
 *   augmented SECONDS   the same, every image rotated, shifted and with noise
 *   infer SECONDS    images a second: forward
 *   latency COUNT    of COUNT forward passes: median and 99th percentile in microseconds
 *   profile SECONDS [infer]   where the time of a training (or forward) pass goes: a Markdown table, an empty line
 *   peak SECONDS     floating-point operations a second on THREADS threads
 *   read SECONDS     bytes a second read from memory on THREADS threads
 *   transfer         nanoseconds for a cache line from one thread to another; 0 on one thread
 *   memory           peak resident memory of this process in bytes
 *   plan             bytes: weights, gradients, arena, arena without sharing, optimizer, data set and batches in flight */
#include "base/alloc.h"
#include "base/rng.h"
#include "data/batches.h"
#include "kernels/isa.h"
#include "learn/optimizer.h"
#include "machine.h"
#include "networks.h"
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct bench {
  int threads, batch_size;
  hg_network *network;
  hg_dataset *data;
  hg_batches *batches, *augmented, *plain;
  hg_pool *pool;
  hg_train_settings settings;
  hg_optimizer_state optimizer;
  uint32_t step, epoch;
  bool prepared, training;
  bench_profile *profile; /* under way, or NULL */
} bench;

/* Random pixels: the work does not depend on them. */
static hg_code make_data(bench *b, int count, hg_error *error) {
  hg_shape shape = hg_network_input_shape(b->network);
  int classes = hg_network_classes(b->network);
  hg_code code = hg_dataset_new(shape, count, classes > 0 ? classes : 10, &b->data, error);
  if (code != HG_OK) return code;
  hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, 0);
  int64_t values = (int64_t)count * shape.height * shape.width * shape.channels;
  for (int64_t i = 0; i < values; i++) b->data->pixels[i] = (uint8_t)hg_rng_u32(&rng);
  for (int i = 0; i < count; i++) b->data->labels[i] = (int32_t)hg_rng_below(&rng, (uint64_t)b->data->classes);
  hg_batches_settings settings = {.seed = 1, .batch_size = b->batch_size, .shuffle = true, .pool = b->pool};
  code = hg_batches_new(b->data, &settings, &b->plain, error);
  b->batches = b->plain;
  return code;
}

/* Made when first wanted: its thread begins at once. */
static hg_code use_augmented(bench *b, hg_error *error) {
  hg_batches_settings settings = {.seed = 1, .batch_size = b->batch_size, .shuffle = true};
  settings.augment = (hg_augmentation){.rotate = 10, .shift = 0.1f, .gaussian_noise = 0.05f};
  hg_code code = b->augmented != NULL ? HG_OK : hg_batches_new(b->data, &settings, &b->augmented, error);
  if (code == HG_OK) b->batches = b->augmented;
  return code;
}

static hg_code prepare(bench *b, bool training, hg_error *error) {
  if (b->prepared && b->training == training) return HG_OK;
  b->prepared = true;
  b->training = training;
  hg_code code = hg_network_prepare(b->network, b->batch_size, training, b->pool, error);
  if (code == HG_OK && training && b->optimizer.count == 0)
    code = hg_optimizer_init(&b->optimizer, &b->settings.optimizer, b->network, error);
  return code;
}

static const hg_batch *next_batch(bench *b) {
  const hg_batch *batch = hg_batches_next(b->batches);
  if (batch != NULL) return batch;
  hg_batches_seek(b->batches, ++b->epoch, 0);
  return hg_batches_next(b->batches);
}

static int train_step(bench *b) {
  const hg_batch *batch = next_batch(b);
  if (b->profile != NULL) bench_profile_batch(b->profile);
  hg_step_result result;
  hg_optimizer_train(&b->optimizer, &b->settings, b->settings.optimizer.learning_rate, b->network, b->pool, batch, b->step++,
                     &result);
  if (b->profile != NULL) bench_profile_optimizer(b->profile);
  return batch->n;
}

static int infer_step(bench *b) {
  hg_batch batch = *next_batch(b);
  if (b->profile != NULL) bench_profile_batch(b->profile);
  batch.target = NULL;
  batch.labels = NULL;
  hg_step_result result;
  hg_network_forward(b->network, &batch, &result);
  return batch.n;
}

/* Images a second over at least `seconds`. */
static double rate_of(bench *b, int (*step)(bench *b), double seconds) {
  step(b); /* caches and the thread that makes batches are warm */
  int64_t images = 0;
  double start = bench_now(), now = start;
  for (; now - start < seconds; now = bench_now()) images += step(b);
  return (double)images / (now - start);
}

static hg_code latency(bench *b, int count, hg_error *error) {
  double *took = hg_malloc((size_t)count * sizeof *took);
  if (took == NULL) return hg_fail_memory(error, "latency", (size_t)count * sizeof *took);
  hg_code code = prepare(b, false, error);
  hg_batch batch = *next_batch(b);
  batch.target = NULL;
  batch.labels = NULL;
  for (int i = -20; code == HG_OK && i < count; i++) {
    hg_step_result result;
    double start = bench_now();
    hg_network_forward(b->network, &batch, &result);
    if (i >= 0) took[i] = 1e6 * (bench_now() - start);
  }
  qsort(took, (size_t)count, sizeof *took, bench_compare_doubles);
  if (code == HG_OK) printf("%.1f %.1f\n", took[count / 2], took[count * 99 / 100]);
  hg_free(took);
  return code;
}

static void print_plan(const bench *b) {
  hg_memory_info info;
  hg_network_memory_info(b->network, &info);
  hg_shape shape = hg_network_input_shape(b->network);
  int64_t image = (int64_t)shape.height * shape.width * shape.channels, data = b->data->count * (image + 4);
  int64_t flight = 4 * (int64_t)b->batch_size * image; /* one batch of floats: they are plain */
  printf("%zu %zu %zu %zu %lld %lld %lld\n", info.weights, info.gradients, info.arena, info.arena_without_sharing,
         8 * (long long)b->optimizer.count, (long long)data, (long long)flight);
}

/* A training step is the forward pass and both backward products, but for the gradient that the first layer need not give. The
 * multiply-adds of a batch norm, one a value, are left out: percents of peak are of sums over products. */
static void print_info(const bench *b) {
  int64_t forward = 0, done = 0, first = 0;
  for (int i = 0; i < hg_network_layer_count(b->network); i++) {
    hg_layer_info info;
    hg_network_layer_info(b->network, i, &info);
    if (info.layer.kind == HG_BATCH_NORM) continue;
    if (forward == 0) first = info.multiply_adds;
    forward += info.multiply_adds;
    done += info.multiply_adds_done;
  }
  int64_t trained = hg_network_engine(b->network) == HG_NATIVE ? 3 * done - first : 3 * forward - first;
  printf("%lld %lld %lld %lld %lld\n", (long long)hg_network_parameters(b->network), (long long)forward,
         (long long)(3 * forward - first), (long long)done, (long long)trained);
}

static hg_code profile(bench *b, double seconds, bool training, hg_error *error) {
  bench_profile *profile = hg_malloc(sizeof *profile);
  if (profile == NULL) return hg_fail_memory(error, "profile", sizeof *profile);
  b->batches = b->plain;
  hg_code code = prepare(b, training, error);
  if (code == HG_OK) {
    double peak = bench_peak(b->threads, 0.3), memory = bench_read_rate(b->threads, (size_t)1 << 29, 0.3);
    int (*step)(bench * b) = training ? train_step : infer_step;
    for (int i = 0; i < 3; i++) step(b);
    bench_profile_start(profile, b->network, b->batch_size, b->threads, training);
    b->profile = profile;
    rate_of(b, step, seconds);
    b->profile = NULL;
    bench_profile_stop(b->network);
    double peak_after = bench_peak(b->threads, 0.3);
    peak = peak_after > peak ? peak_after : peak;
    printf("peak %.1f GFLOP/s, memory %.1f GB/s (read, %d threads), %d batches of %d\n\n", peak / 1e9, memory / 1e9, b->threads,
           profile->batches, b->batch_size);
    bench_profile_print(profile, peak, memory);
    printf("\n");
  }
  hg_free(profile);
  return code;
}

static hg_code answer(bench *b, const char *command, double seconds, const char *word, hg_error *error) {
  hg_code code = HG_OK;
  struct rusage usage;
  if (strcmp(command, "info") == 0) {
    print_info(b);
  } else if (strcmp(command, "train") == 0 || strcmp(command, "infer") == 0 || strcmp(command, "augmented") == 0) {
    bool training = command[0] != 'i';
    b->batches = b->plain;
    code = prepare(b, training, error);
    if (code == HG_OK && command[0] == 'a') code = use_augmented(b, error);
    if (code == HG_OK) printf("%.1f\n", rate_of(b, training ? train_step : infer_step, seconds));
  } else if (strcmp(command, "profile") == 0) {
    code = profile(b, seconds, strcmp(word, "infer") != 0, error);
  } else if (strcmp(command, "latency") == 0) {
    code = latency(b, (int)seconds, error);
  } else if (strcmp(command, "plan") == 0) {
    print_plan(b);
  } else if (strcmp(command, "read") == 0) {
    size_t mebibytes = word[0] == '\0' ? 512 : (size_t)atoi(word);
    printf("%.4g\n", bench_read_rate(b->threads, mebibytes << 20, seconds));
  } else if (strcmp(command, "peak") == 0) {
    printf("%.4g\n", bench_peak(b->threads, seconds));
  } else if (strcmp(command, "transfer") == 0) {
    printf("%.1f\n", b->threads > 1 ? bench_transfer() * 1e9 : 0);
  } else if (strcmp(command, "memory") == 0) {
    getrusage(RUSAGE_SELF, &usage);
    printf("%lld\n", (long long)usage.ru_maxrss * 1024);
  } else {
    code = hg_fail(error, HG_USAGE, command, "is no command");
  }
  fflush(stdout);
  return code;
}

static hg_code serve(bench *b, hg_error *error) {
  char line[128], command[32], word[32];
  hg_code code = HG_OK;
  while (code == HG_OK && fgets(line, sizeof line, stdin) != NULL) {
    double seconds = 1;
    word[0] = '\0';
    if (sscanf(line, "%31s %lf %31s", command, &seconds, word) >= 1) code = answer(b, command, seconds, word, error);
  }
  return code;
}

static hg_engine engine_of(const char *name) {
  if (strcmp(name, "onednn") == 0) return HG_ONEDNN;
  return strcmp(name, "direct") == 0 ? HG_DIRECT : HG_NATIVE;
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: hourglass_bench NETWORK BATCH THREADS [IMAGES [ENGINE]]\n");
    return 2;
  }
  bench b = {.batch_size = atoi(argv[2]), .threads = atoi(argv[3]), .settings = hg_train_settings_default()};
  int images = argc > 4 ? atoi(argv[4]) : 8 * b.batch_size;
  hg_error error = {0};
  hg_code code = hg_isa_from_environment(&error);
  if (code == HG_OK) code = hg_pool_new(b.threads, &b.pool, &error);
  hg_engine engine = argc > 5 ? engine_of(argv[5]) : HG_NATIVE;
  if (code == HG_OK) b.network = bench_network(argv[1], engine, &error);
  if (b.network != NULL) code = make_data(&b, images, &error);
  if (b.network != NULL && code == HG_OK) code = serve(&b, &error);
  if (error.code != HG_OK) fprintf(stderr, "hourglass_bench: %s: %s\n", error.place, error.message);
  hg_optimizer_release(&b.optimizer);
  hg_batches_free(b.plain);
  hg_batches_free(b.augmented);
  hg_dataset_free(b.data);
  hg_network_free(b.network);
  hg_pool_free(b.pool);
  return code == HG_OK && error.code == HG_OK ? 0 : 1;
}
