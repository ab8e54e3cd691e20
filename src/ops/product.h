/* Large matrix products: cut into tasks by their sizes alone, blocked for the caches, spread over the pool. */
#ifndef HG_OPS_PRODUCT_H
#define HG_OPS_PRODUCT_H

#include "base/parallel.h"
#include "kernels/gemm.h"

/* A part of the result: rows [row, row + rows), columns [column, column + columns). */
typedef struct hg_product_part {
  int row, rows, column, columns;
} hg_product_part;

/* Called once for each part as soon as it is complete, on the thread that computed it, while it is in the second-level cache.
 * c is the part's first element, its rows c_row floats apart. */
typedef void hg_product_finish(const void *context, hg_product_part part, float *c, ptrdiff_t c_row);

enum { HG_PRODUCT_CHANGED = 2 };

typedef struct hg_product {
  hg_gemm gemm;      /* the whole, in one group and one segment; its hint is not read */
  bool b_transposed; /* b[k][j] stands at gemm.b[j * b_step + k] */
  bool consumed; /* c is wanted by `finish` alone, which is `near`: gemm.c and c_row are not read, and gemm.start must be NULL */
  hg_product_finish *finish; /* NULL = none */
  const void *context;
  bool near; /* `finish` changes arrays laid out as c is */
  /* Those of them that are asked for while the product runs, where they are large; NULL = none. */
  const float *changed[HG_PRODUCT_CHANGED];
  /* Set by hg_product_cut. */
  bool pack;                 /* stretches of b are copied together before they are read */
  int depth;                 /* most terms of a stretch */
  int panel;                 /* columns of a panel */
  int span, spans;           /* columns of a task, whole panels, and how many such spans there are */
  int row_block, row_blocks; /* rows of a task, and how many such blocks there are */
} hg_product;

/* Plans the tasks. */
void hg_product_cut(hg_product *product);

/* Plans them so that columns [i, j) of the first, whose b is transposed, and rows [i, j) of the second, whose `finish` may change
 * those rows of the first's b, make one task. False, and nothing is planned, where such tasks would be too few or too large. */
bool hg_product_cut_together(hg_product *first, hg_product *second);

/* Runs two products that were cut together. */
void hg_products_run_together(hg_pool *pool, const hg_product products[2], float *scratch);

/* Runs products that do not depend on each other. One of all zeros is skipped. */
void hg_products_run(hg_pool *pool, const hg_product *products, int count, float *scratch);

/* Float count of the scratch. */
size_t hg_products_scratch(int threads);

#endif
