#if defined(__x86_64__)

#include "kernels/vec_avx2.h"

#define RUNS(T) T(3, 1)

#include "kernels/taps_body.h"

const hg_taps_kernels hg_taps_avx2 = {serves, down, sums};

#endif
