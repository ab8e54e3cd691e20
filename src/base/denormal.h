/* Numbers below the least normal one (1.2e-38 in float) taken and given as zero while tasks run. Weights that no gradient reaches
 * any more have moments that halve every few steps and would stay there for good, and an addition or product with such a number
 * takes the processor a hundred times as long. */
#ifndef HG_BASE_DENORMAL_H
#define HG_BASE_DENORMAL_H

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>

/* Returns the thread's mode of before, for hg_denormals_restore. */
static inline uint64_t hg_denormals_flush(void) {
  enum { RESULTS = 0x8000, OPERANDS = 0x0040 };
  unsigned before = _mm_getcsr();
  if ((before & (RESULTS | OPERANDS)) != (RESULTS | OPERANDS)) _mm_setcsr(before | RESULTS | OPERANDS);
  return before;
}

static inline void hg_denormals_restore(uint64_t before) {
  if (_mm_getcsr() != before) _mm_setcsr((unsigned)before);
}
#elif defined(__aarch64__)
static inline uint64_t hg_denormals_flush(void) {
  const uint64_t flush = UINT64_C(1) << 24;
  uint64_t before;
  __asm__ volatile("mrs %0, fpcr" : "=r"(before));
  __asm__ volatile("msr fpcr, %0" : : "r"(before | flush));
  return before;
}

static inline void hg_denormals_restore(uint64_t before) { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }
#else
static inline uint64_t hg_denormals_flush(void) { return 0; }

static inline void hg_denormals_restore(uint64_t before) { (void)before; }
#endif

#endif
