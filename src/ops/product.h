/* Large matrix products: cut into tasks by their sizes alone, blocked for the caches, spread over the pool. */
#ifndef HG_OPS_PRODUCT_H
#define HG_OPS_PRODUCT_H

#include "base/parallel.h"
#include "kernels/gemm.h"

typedef struct hg_product {
  hg_gemm gemm;      /* the whole, in one group and one segment */
  bool b_transposed; /* b[k][j] stands at gemm.b[j * b_step + k] */
  /* Set by hg_product_cut. */
  bool pack;                 /* blocks of b are copied together before they are read */
  int row_block, row_blocks; /* rows of a task, and how many such blocks there are */
  int panels, panel_groups;  /* panels of columns, and groups of them that make a task */
} hg_product;

/* Plans the tasks. */
hg_product hg_product_cut(hg_gemm gemm, bool b_transposed);

/* Runs products that do not depend on each other. One of all zeros is skipped. */
void hg_products_run(hg_pool *pool, const hg_product *products, int count, float *scratch);

/* Float count of the scratch. */
size_t hg_products_scratch(int threads);

#endif
