#if defined(__x86_64__)

#include "kernels/vec_avx512.h"

enum { AT_ONCE = 4 };

#include "kernels/winograd_body.h"

const hg_winograd_kernels hg_winograd_avx512 = {weight, product, image, map, map_gradient, weight_gradient};

#endif
