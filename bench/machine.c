#include "machine.h"

#include "base/alloc.h"
#include "kernels/isa.h"

#include <immintrin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

static double seconds_of(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double bench_now(void) { return seconds_of(CLOCK_MONOTONIC); }
double bench_thread_time(void) { return seconds_of(CLOCK_THREAD_CPUTIME_ID); }

int bench_compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* ---------------------------------------------------------------- peak */

enum { CHAINS = 12, ROUNDS = 20000, MOST_THREADS = 64 };
static volatile float sink;

/* Each runs ROUNDS fused multiply-adds in each of CHAINS registers. */
__attribute__((target("avx512f"))) static void burn_avx512(void) {
  __m512 chain[CHAINS], factor = _mm512_set1_ps(0.999f), term = _mm512_set1_ps(0.001f);
  for (int i = 0; i < CHAINS; i++) chain[i] = _mm512_set1_ps((float)i);
  for (int round = 0; round < ROUNDS; round++)
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) chain[i] = _mm512_fmadd_ps(chain[i], factor, term);
  for (int i = 1; i < CHAINS; i++) chain[0] = _mm512_add_ps(chain[0], chain[i]);
  sink = _mm512_cvtss_f32(chain[0]);
}

__attribute__((target("avx2,fma"))) static void burn_avx2(void) {
  __m256 chain[CHAINS], factor = _mm256_set1_ps(0.999f), term = _mm256_set1_ps(0.001f);
  for (int i = 0; i < CHAINS; i++) chain[i] = _mm256_set1_ps((float)i);
  for (int round = 0; round < ROUNDS; round++)
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) chain[i] = _mm256_fmadd_ps(chain[i], factor, term);
  for (int i = 1; i < CHAINS; i++) chain[0] = _mm256_add_ps(chain[0], chain[i]);
  sink = _mm256_cvtss_f32(chain[0]);
}

typedef struct burner {
  pthread_t thread;
  void (*burn)(void);
  double seconds;
  double rate; /* chained operations a second, of one lane */
} burner;

static void *burn_for(void *context) {
  burner *b = context;
  double start = bench_thread_time(), now = start;
  int64_t rounds = 0;
  for (; now - start < b->seconds; now = bench_thread_time()) {
    b->burn();
    rounds += ROUNDS;
  }
  b->rate = 2.0 * CHAINS * (double)rounds / (now - start);
  return NULL;
}

double bench_peak(int threads, double seconds) {
  bool wide = hg_isa_get() == HG_ISA_AVX512;
  burner burners[MOST_THREADS];
  int started = 0;
  double rate = 0;
  for (int i = 0; i < threads && i < MOST_THREADS; i++) {
    burners[i] = (burner){.burn = wide ? burn_avx512 : burn_avx2, .seconds = seconds};
    if (pthread_create(&burners[i].thread, NULL, burn_for, &burners[i]) != 0) break;
    started++;
  }
  for (int i = 0; i < started; i++) {
    pthread_join(burners[i].thread, NULL);
    rate += burners[i].rate * (wide ? 16 : 8);
  }
  return rate;
}

/* ---------------------------------------------------------------- memory */

typedef struct reader {
  pthread_t thread;
  const float *part;
  size_t floats;
  double seconds;
  double rate; /* bytes a second */
} reader;

/* Sixty-four sums at once: the compiler makes vectors of them, and no addition waits for another. */
static float sum_of(const float *part, size_t floats) {
  float sums[64] = {0};
  for (size_t i = 0; i + 64 <= floats; i += 64)
    for (int j = 0; j < 64; j++) sums[j] += part[i + (size_t)j];
  return sums[0] + sums[63];
}

static void *read_for(void *context) {
  reader *r = context;
  sink = sum_of(r->part, r->floats);
  double start = bench_thread_time(), now = start, bytes = 0;
  for (; now - start < r->seconds; now = bench_thread_time()) {
    sink = sum_of(r->part, r->floats);
    bytes += (double)(r->floats * sizeof(float));
  }
  r->rate = bytes / (now - start);
  return NULL;
}

double bench_read_rate(int threads, size_t bytes, double seconds) {
  float *memory = hg_alloc_aligned(bytes);
  if (memory == NULL) return 0;
  memset(memory, 1, bytes); /* fresh pages of zeros would all be one page */
  reader readers[MOST_THREADS];
  size_t floats = bytes / sizeof(float) / (size_t)threads;
  int started = 0;
  double rate = 0;
  for (int i = 0; i < threads && i < MOST_THREADS; i++) {
    readers[i] = (reader){.part = memory + (size_t)i * floats, .floats = floats, .seconds = seconds};
    if (pthread_create(&readers[i].thread, NULL, read_for, &readers[i]) != 0) break;
    started++;
  }
  for (int i = 0; i < started; i++) {
    pthread_join(readers[i].thread, NULL);
    rate += readers[i].rate;
  }
  hg_free_aligned(memory);
  return rate;
}

/* ---------------------------------------------------------------- transfer */

/* The median of many short stretches: what ran before may still hold a processor for a while. */
enum { STRETCHES = 41, TRIPS = 500 };
typedef struct line {
  _Alignas(64) atomic_int turn;
} line;

static void *answer(void *context) {
  line *l = context;
  for (int i = 0; i < STRETCHES * TRIPS; i++) {
    while (atomic_load_explicit(&l->turn, memory_order_acquire) != 2 * i + 1) _mm_pause();
    atomic_store_explicit(&l->turn, 2 * i + 2, memory_order_release);
  }
  return NULL;
}

double bench_transfer(void) {
  line l = {0};
  pthread_t other;
  double seconds[STRETCHES];
  if (pthread_create(&other, NULL, answer, &l) != 0) return 0;
  for (int s = 0, i = 0; s < STRETCHES; s++) {
    double start = bench_now();
    for (int end = i + TRIPS; i < end; i++) {
      atomic_store_explicit(&l.turn, 2 * i + 1, memory_order_release);
      while (atomic_load_explicit(&l.turn, memory_order_acquire) != 2 * i + 2) _mm_pause();
    }
    seconds[s] = bench_now() - start;
  }
  pthread_join(other, NULL);
  qsort(seconds, STRETCHES, sizeof *seconds, bench_compare_doubles);
  return seconds[STRETCHES / 2] / (2.0 * TRIPS);
}
