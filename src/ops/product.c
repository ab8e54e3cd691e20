#include "ops/product.h"

/* A task is one panel of columns of one block of rows. It takes the summed dimension in stretches; a stretch of the panel of
 * b, copied together, stays in the second-level cache while tiles of TILE rows meet it. During each tile a part of what comes
 * next is asked for: the next stretch of b, or what `finish` will want. */
enum {
  TILE = 14,           /* rows of a tile, as kernels/gemm_avx512.c has them */
  BAND = 4 * TILE,     /* rows between two calls of `finish` */
  DEPTH = 512,         /* most terms of a stretch, */
  SHALLOW = 128,       /* or so many where b is transposed, or its rows lie a multiple of CLASH floats apart */
  CLASH = 512,         /* and so share few places of the caches */
  WIDE = 64,           /* columns of a panel, */
  NARROW = 32,         /* or so many where wide ones would be too few to share */
  TASK_ROWS = 128,     /* about, where there are many */
  ENOUGH_TASKS = 8,    /* so many are made where the work allows, */
  TASK_WORK = 1 << 17, /* each of at least so many multiply-adds, */
  UPDATE_WORK = 64,    /* of which Adam's step of a value counts as so many */
  FEW_ROWS = 28,       /* to which copying b would not pay */
  LINE = 16,
  NEAR = sizeof((hg_product *)0)->near / sizeof(float *)
};

static int ceil_div(int a, int b) { return (a + b - 1) / b; }
static int smaller(int a, int b) { return a < b ? a : b; }
static int larger(int a, int b) { return a > b ? a : b; }
static int rounded(int columns) { return ceil_div(columns, LINE) * LINE; }

static int panel_width(const hg_product *p) {
  int columns = p->gemm.columns;
  return columns <= ENOUGH_TASKS * WIDE && p->finish == NULL ? NARROW : WIDE;
}

void hg_product_cut(hg_product *p) {
  const hg_gemm *g = &p->gemm;
  if (g->rows == 0 || g->columns == 0) return;
  bool clashes = g->b_step % CLASH == 0;
  p->pack = p->b_transposed || (clashes && g->rows >= FEW_ROWS);
  p->depth = p->b_transposed || clashes ? SHALLOW : DEPTH;
  p->panel = panel_width(p);
  p->panels = ceil_div(g->columns, p->panel);
  int64_t terms = p->near[0] == NULL ? g->steps : g->steps + UPDATE_WORK;
  int64_t work = (int64_t)g->rows * smaller(g->columns, p->panel) * terms / TASK_WORK;
  int blocks = g->rows / TASK_ROWS;
  if (!p->pack) blocks = larger(blocks, ceil_div(ENOUGH_TASKS, p->panels));
  if (work < blocks) blocks = (int)work;
  p->row_block = ceil_div(g->rows, larger(blocks, 1));
  p->row_blocks = ceil_div(g->rows, p->row_block);
  p->consumed = p->consumed && g->steps <= p->depth;
}

/* What a task is at. */
typedef struct place {
  const hg_product *p;
  hg_product_part whole; /* of the task */
  int k, depth;          /* the stretch */
  bool last;             /* of the stretches */
  float *packed, *part;  /* scratch: the stretch of b, NULL where it is read in its place; c of a band */
  hg_gemm gemm;          /* of a tile's rows in this stretch, all columns of the task; a, c and start are set for each */
} place;

static void pack(const place *at) {
  const hg_gemm *g = &at->p->gemm;
  const hg_gemm_kernels *kernels = hg_gemm_kernels_get();
  int column = at->whole.column, columns = at->whole.columns, packed_row = rounded(columns);
  if (at->p->b_transposed)
    kernels->transpose(columns, at->depth, g->b + column * g->b_step + at->k, g->b_step, at->packed, packed_row);
  else
    kernels->copy(at->depth, columns, g->b + at->k * g->b_step + column, g->b_step, at->packed, packed_row);
}

static void start_stretch(place *at) {
  const hg_gemm *whole = &at->p->gemm;
  at->last = at->k + at->depth == whole->steps;
  at->gemm = *whole;
  at->gemm.columns = at->whole.columns;
  at->gemm.steps = at->depth;
  at->gemm.b = at->packed == NULL ? whole->b + at->k * whole->b_step + at->whole.column : at->packed;
  if (at->packed != NULL) at->gemm.b_step = rounded(at->whole.columns);
  if (!at->last) at->gemm.activation = HG_LINEAR;
  if (at->packed != NULL) pack(at);
}

/* What a call asks for, `done` calls after the stretch or band began: an array near `finish`, or the stretch of b that follows.
 */
static void hint(const place *at, int row, int done, hg_gemm *g) {
  const hg_product *p = at->p;
  g->next = NULL;
  g->next_row = 0;
  if (p->finish != NULL && p->near[0] != NULL) {
    if (done >= NEAR || p->near[done] == NULL) return;
    g->next = p->near[done] + row * p->near_row + at->whole.column;
    g->next_row = p->near_row;
  } else if (!p->b_transposed && done == 0) {
    int k = at->last ? 0 : at->k + at->depth, column = at->whole.column + (at->last ? p->panel : 0);
    if (column >= p->gemm.columns) return;
    g->next = p->gemm.b + k * p->gemm.b_step + column;
    g->next_row = p->gemm.b_step;
  }
}

static void multiply_band(place *at, hg_product_part band, bool first) {
  const hg_product *p = at->p;
  const hg_gemm *whole = &p->gemm;
  hg_gemm *g = &at->gemm;
  float *c = p->consumed ? at->part : whole->c + band.row * whole->c_row + band.column;
  g->c_row = p->consumed ? rounded(band.columns) : whole->c_row;
  int tiles = ceil_div(band.rows, TILE);
  for (int tile = 0; tile < tiles; tile++) {
    int done = band.rows * tile / tiles, row = band.row + done;
    g->rows = band.rows * (tile + 1) / tiles - done;
    g->a = whole->a + row * whole->a_row + at->k * whole->a_step;
    g->c = c + done * g->c_row;
    if (at->k > 0) {
      g->start = g->c;
      g->start_row = g->c_row;
    } else if (whole->start != NULL) {
      g->start = whole->start + row * whole->start_row + band.column;
    }
    hint(at, band.row, first ? tile : NEAR, g);
    hg_gemm_kernels_get()->product(g);
  }
  if (p->finish != NULL && at->last) p->finish(p->context, band, c, g->c_row);
}

/* Tasks go by panels, so that a thread's stretch of them reads the same columns of b. Where `finish` changes arrays laid out as
 * c is they go by rows: a panel's end lies within a page, and the processor, reading ahead, would take lines from the other
 * thread's cache that it is about to change. */
static hg_product_part part_of_task(const hg_product *p, int task) {
  if (p->near[0] != NULL) return (hg_product_part){.row = task / p->panels * p->row_block, .column = task % p->panels * p->panel};
  return (hg_product_part){.row = task % p->row_blocks * p->row_block, .column = task / p->row_blocks * p->panel};
}

static void run_task(const hg_product *p, int task, float *scratch) {
  place at = {.p = p, .whole = part_of_task(p, task), .packed = scratch, .part = scratch + SHALLOW * WIDE};
  at.whole.rows = smaller(p->row_block, p->gemm.rows - at.whole.row);
  at.whole.columns = smaller(p->panel, p->gemm.columns - at.whole.column);
  if (!p->pack) at.packed = NULL;
  int stretches = larger(ceil_div(p->gemm.steps, p->depth), 1);
  int bands = p->finish == NULL ? 1 : ceil_div(at.whole.rows, BAND);
  for (int s = 0; s < stretches; s++) {
    at.k = p->gemm.steps * s / stretches;
    at.depth = p->gemm.steps * (s + 1) / stretches - at.k;
    start_stretch(&at);
    for (int i = 0; i < bands; i++) {
      hg_product_part band = at.whole;
      band.row += at.whole.rows * i / bands;
      band.rows = at.whole.row + at.whole.rows * (i + 1) / bands - band.row;
      multiply_band(&at, band, i == 0 || p->near[0] != NULL);
    }
  }
}

static int task_count(const hg_product *p) { return p->row_blocks * p->panels; }

typedef struct work {
  const hg_product *products;
  float *scratch;
} work;

enum { SCRATCH = SHALLOW * WIDE + BAND * WIDE };

static void run(void *context, int64_t index, int worker) {
  const work *w = context;
  const hg_product *p = w->products;
  for (; index >= task_count(p); p++) index -= task_count(p);
  run_task(p, (int)index, w->scratch + (ptrdiff_t)worker * SCRATCH);
}

void hg_products_run(hg_pool *pool, const hg_product *products, int count, float *scratch) {
  work w = {products, scratch};
  int64_t tasks = 0;
  for (int i = 0; i < count; i++) tasks += task_count(&products[i]);
  hg_parallel_for(pool, tasks, run, &w);
}

size_t hg_products_scratch(int threads) { return (size_t)threads * SCRATCH; }
