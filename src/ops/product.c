#include "ops/product.h"

/* A block of b, DEPTH terms of the sums of PANEL columns, fits the first-level cache beside the rows that meet it. Rows of b
 * that lie a multiple of CLASH floats apart share too few places of that cache, so there a block is packed if enough rows
 * use it. While CHUNK rows are computed a part of the next block is fetched. */
enum {
  PANEL = 64,
  DEPTH = 128,
  CLASH = 512,
  ENOUGH_TASKS = 16,
  FEWEST_ROWS = 28,
  FEWEST_PACKED_ROWS = 112,
  CHUNK = 28,
  LINE = 16
};

static int ceil_div(int a, int b) { return (a + b - 1) / b; }
static int smaller(int a, int b) { return a < b ? a : b; }
static int larger(int a, int b) { return a > b ? a : b; }

hg_product hg_product_cut(hg_gemm gemm, bool b_transposed) {
  hg_product p = {.gemm = gemm, .b_transposed = b_transposed, .panels = ceil_div(gemm.columns, PANEL)};
  p.pack = b_transposed || (gemm.b_step % CLASH == 0 && gemm.rows >= FEWEST_ROWS);
  int most = smaller(gemm.rows / (p.pack ? FEWEST_PACKED_ROWS : FEWEST_ROWS), ENOUGH_TASKS);
  p.row_block = ceil_div(gemm.rows, larger(most, 1));
  p.row_blocks = ceil_div(gemm.rows, p.row_block);
  p.panel_groups = smaller(p.panels, ceil_div(ENOUGH_TASKS, p.row_blocks));
  return p;
}

/* One block of b in the order of a task: all panels of one depth, then the next depth. */
typedef struct block {
  int column, columns, k, depth;
} block;

static block block_at(const hg_product *p, int first_panel, int panels, int index) {
  block b = {.column = (first_panel + index % panels) * PANEL, .k = index / panels * DEPTH};
  b.columns = smaller(PANEL, p->gemm.columns - b.column);
  b.depth = smaller(DEPTH, p->gemm.steps - b.k);
  return b;
}

static void pack(const hg_product *p, block b, float *to) {
  const hg_gemm *g = &p->gemm;
  const hg_gemm_kernels *kernels = hg_gemm_kernels_get();
  if (p->b_transposed)
    kernels->transpose(b.columns, b.depth, g->b + b.column * g->b_step + b.k, g->b_step, to, b.columns);
  else
    kernels->copy(b.depth, b.columns, g->b + b.k * g->b_step + b.column, g->b_step, to, b.columns);
}

/* Asks for part `index` of `parts` of a block to be brought near. */
static void fetch(const hg_product *p, block b, int index, int parts) {
  const hg_gemm *g = &p->gemm;
  int rows = p->b_transposed ? b.columns : b.depth, length = p->b_transposed ? b.depth : b.columns;
  const float *from = p->b_transposed ? g->b + b.column * g->b_step + b.k : g->b + b.k * g->b_step + b.column;
  for (int i = rows * index / parts; i < rows * (index + 1) / parts; i++)
    for (int j = 0; j < length; j += LINE) __builtin_prefetch(from + i * g->b_step + j, 0, 2);
}

/* Rows [row, row + rows) of one block's part in the sums. */
static void multiply(const hg_product *p, block b, int row, int rows, const float *packed) {
  const hg_gemm *whole = &p->gemm;
  hg_gemm g = *whole;
  g.rows = rows;
  g.columns = b.columns;
  g.steps = b.depth;
  g.a = whole->a + row * whole->a_row + b.k * whole->a_step;
  g.c = whole->c + row * whole->c_row + b.column;
  g.b = p->pack ? packed : whole->b + b.k * whole->b_step + b.column;
  if (p->pack) g.b_step = b.columns;
  if (b.k > 0) {
    g.start = g.c;
    g.start_row = g.c_row;
  } else if (whole->start != NULL) {
    g.start = whole->start + row * whole->start_row + b.column;
  }
  if (b.k + b.depth < whole->steps) g.activation = HG_LINEAR;
  hg_gemm_kernels_get()->product(&g);
}

static void run_task(const hg_product *p, int task, float *packed) {
  int row = task / p->panel_groups * p->row_block, end = smaller(row + p->row_block, p->gemm.rows),
      group = task % p->panel_groups;
  int first = p->panels * group / p->panel_groups, panels = p->panels * (group + 1) / p->panel_groups - first;
  int blocks = panels * larger(ceil_div(p->gemm.steps, DEPTH), 1);
  for (int i = 0; i < blocks; i++) {
    block now = block_at(p, first, panels, i);
    if (!p->pack) {
      multiply(p, now, row, end - row, NULL);
      continue;
    }
    pack(p, now, packed);
    int chunks = ceil_div(end - row, CHUNK);
    for (int chunk = 0; chunk < chunks; chunk++) {
      if (i + 1 < blocks) fetch(p, block_at(p, first, panels, i + 1), chunk, chunks);
      multiply(p, now, row + chunk * CHUNK, smaller(CHUNK, end - row - chunk * CHUNK), packed);
    }
  }
}

static int task_count(const hg_product *p) { return p->row_blocks * p->panel_groups; }

typedef struct work {
  const hg_product *products;
  float *scratch;
} work;

static void run(void *context, int64_t index, int worker) {
  const work *w = context;
  const hg_product *p = w->products;
  for (; index >= task_count(p); p++) index -= task_count(p);
  run_task(p, (int)index, w->scratch + (ptrdiff_t)worker * PANEL * DEPTH);
}

void hg_products_run(hg_pool *pool, const hg_product *products, int count, float *scratch) {
  work w = {products, scratch};
  int64_t tasks = 0;
  for (int i = 0; i < count; i++) tasks += task_count(&products[i]);
  hg_parallel_for(pool, tasks, run, &w);
}

size_t hg_products_scratch(int threads) { return (size_t)threads * PANEL * DEPTH; }
