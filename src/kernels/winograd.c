#include "kernels/winograd.h"

#include <math.h>

/* Plain C: vectors of one float. */
enum { LANES = 1, AT_ONCE = 1 };
typedef float vec;

static inline vec vec_set(float x) { return x; }
static inline vec vec_load(const float *from) { return *from; }
static inline void vec_store(float *to, vec x) { *to = x; }
static inline vec vec_add(vec a, vec b) { return a + b; }
static inline vec vec_sub(vec a, vec b) { return a - b; }
static inline vec vec_mul(vec a, vec b) { return a * b; }
static inline vec vec_fma(vec a, vec b, vec c) { return fmaf(a, b, c); }
static inline vec vec_relu(vec x) { return x < 0 ? 0 : x; }
static inline vec vec_leaky(vec x, vec slope) { return x < 0 ? x * slope : x; }

#include "kernels/winograd_body.h"

const hg_winograd_kernels hg_winograd_generic = {weight, product, image, map, map_gradient, weight_gradient};

const hg_winograd_kernels *hg_winograd_kernels_get(void) {
#if defined(__x86_64__)
  static const hg_winograd_kernels *const versions[HG_ISAS] = {&hg_winograd_generic, &hg_winograd_avx2, &hg_winograd_avx512};
  return versions[hg_isa_get()];
#else
  return &hg_winograd_generic;
#endif
}
