#if defined(__x86_64__)

#include "kernels/vec_avx512.h"

#define RUNS(T) T(3, 2) T(3, 1) T(9, 1)

#include "kernels/taps_body.h"

const hg_taps_kernels hg_taps_avx512 = {serves, down, sums};

#endif
