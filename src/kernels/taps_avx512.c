#if defined(__x86_64__)

#include <immintrin.h>

enum { LANES = 16 };
typedef __m512 vec;
typedef __mmask16 mask;

#define RUNS(T) T(3, 2) T(3, 1) T(9, 1)

static inline mask mask_first(int lanes) { return (mask)((1u << lanes) - 1); }
static inline vec vec_zero(void) { return _mm512_setzero_ps(); }
static inline vec vec_set(float x) { return _mm512_set1_ps(x); }
static inline vec vec_load(const float *from) { return _mm512_loadu_ps(from); }
static inline vec vec_load_masked(const float *from, mask m) { return _mm512_maskz_loadu_ps(m, from); }
static inline void vec_store(float *to, vec x) { _mm512_storeu_ps(to, x); }
static inline void vec_store_masked(float *to, vec x, mask m) { _mm512_mask_storeu_ps(to, m, x); }
static inline vec vec_add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec vec_relu(vec x) { return _mm512_max_ps(_mm512_setzero_ps(), x); }

#include "kernels/taps_body.h"

const hg_taps_kernels hg_taps_avx512 = {serves, down, sums};

#endif
