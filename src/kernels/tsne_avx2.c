#if defined(__x86_64__)

#include "kernels/tsne_body.h"

const hg_tsne_kernels hg_tsne_avx2 = HG_TSNE_KERNELS;

#endif
