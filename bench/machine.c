#include "machine.h"

#include "kernels/isa.h"

#include <immintrin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

double bench_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
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
  double start = bench_now(), now = start;
  int64_t rounds = 0;
  for (; now - start < b->seconds; now = bench_now()) {
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

/* ---------------------------------------------------------------- transfer */

enum { TRIPS = 20000 };
typedef struct line {
  _Alignas(64) atomic_int turn;
} line;

static void *answer(void *context) {
  line *l = context;
  for (int i = 0; i < TRIPS; i++) {
    while (atomic_load_explicit(&l->turn, memory_order_acquire) != 2 * i + 1) _mm_pause();
    atomic_store_explicit(&l->turn, 2 * i + 2, memory_order_release);
  }
  return NULL;
}

double bench_transfer(void) {
  line l = {0};
  pthread_t other;
  if (pthread_create(&other, NULL, answer, &l) != 0) return 0;
  double start = bench_now();
  for (int i = 0; i < TRIPS; i++) {
    atomic_store_explicit(&l.turn, 2 * i + 1, memory_order_release);
    while (atomic_load_explicit(&l.turn, memory_order_acquire) != 2 * i + 2) _mm_pause();
  }
  double seconds = bench_now() - start;
  pthread_join(other, NULL);
  return seconds / (2.0 * TRIPS);
}
