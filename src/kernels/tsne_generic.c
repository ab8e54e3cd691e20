#include "kernels/tsne_body.h"

const hg_tsne_kernels hg_tsne_generic = HG_TSNE_KERNELS;
