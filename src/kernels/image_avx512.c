#if defined(__x86_64__)

#include "kernels/image_body.h"

const hg_image_kernels hg_image_avx512 = {normals, rotate};

#endif
