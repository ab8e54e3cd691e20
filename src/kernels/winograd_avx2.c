#if defined(__x86_64__)

#include "kernels/vec_avx2.h"

enum { AT_ONCE = 2 };

#include "kernels/winograd_body.h"

const hg_winograd_kernels hg_winograd_avx2 = {weight, product, image, map, map_gradient, weight_gradient};

#endif
