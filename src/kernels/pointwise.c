#include "kernels/pointwise.h"

const hg_pointwise_kernels *hg_pointwise(void) {
  switch (hg_isa_get()) {
    case HG_ISA_AVX512:
      return hg_pointwise_avx512();
    case HG_ISA_AVX2:
      return hg_pointwise_avx2();
    default:
      return hg_pointwise_generic();
  }
}
