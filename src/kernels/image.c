#include "kernels/image.h"

const hg_image_kernels *hg_image_kernels_get(void) {
#if defined(__x86_64__)
  static const hg_image_kernels *const versions[HG_ISAS] = {&hg_image_generic, &hg_image_avx2, &hg_image_avx512};
  return versions[hg_isa_get()];
#else
  return &hg_image_generic;
#endif
}
