#include "ops/product.h"

#include "base/integers.h"

/* A task is a block of rows and a span of columns. It takes the summed dimension in stretches, and in each the span in panels. A
 * stretch of a panel of b stays in the caches while tiles of TILE rows meet it. Where its rows in b would share few places of
 * the caches, the first tile keeps a copy of it, packed, for the others; where those of c would, sums stand apart until they are
 * complete, where there is room. The next stretches of a and b are asked for meanwhile.
 */
enum {
  TILE = 14,           /* rows of a tile, as kernels/gemm_avx512.c has them */
  DEPTH = 512,         /* most terms of a stretch, */
  PACKED = 256,        /* or so many where b is transposed, or its rows lie a multiple of CLASH floats apart */
  CLASH = 512,         /* and so share few places of the caches, */
  SHALLOW = 128,       /* or so many where such rows come from memory */
  WIDE = 64,           /* columns of a panel, */
  NARROW = 32,         /* or so many of a packed one, which the first-level cache then holds, or where wide ones would be few */
  LARGE = 1 << 21,     /* values that come from memory */
  KEPT = 1 << 17,      /* most values of a that the second-level cache keeps from one panel to the next */
  TASK_ROWS = 128,     /* about, where there are many */
  ENOUGH_TASKS = 8,    /* so many are made where the work allows, */
  TASK_WORK = 1 << 17, /* each of at least so many multiply-adds, */
  UPDATE_WORK = 64,    /* of which Adam's step of a value counts as so many */
  PART = 1 << 16,      /* most values of c for `finish`, and of sums apart, */
  PART_COLUMNS = 2048, /* in rows of at most so many */
  FEW_ROWS = 28,       /* to which copying b would not pay */
  LINE = 16,
  QUAD = 4 * LINE, /* what a tile asks for at once */
  SOON = 2 + HG_PRODUCT_CHANGED
};

static int rounded(int columns) { return hg_ceil_div(columns, LINE) * LINE; }

static bool finishes(const hg_product *p) { return p->finish != NULL; }

static bool large(const hg_product *p) { return (int64_t)p->gemm.steps * p->gemm.columns > LARGE; }

/* Few columns make narrow spans; where there are many a task takes several panels, and so reads a less often;
 * tasks are half as many where b comes from memory. */
static void cut_columns(hg_product *p) {
  int columns = p->gemm.columns, tasks = large(p) ? ENOUGH_TASKS / 2 : ENOUGH_TASKS;
  int most_narrow = ENOUGH_TASKS * (p->b_transposed ? WIDE : NARROW);
  int width = columns <= most_narrow && !finishes(p) ? NARROW : WIDE;
  int widths = p->b_transposed ? 1 : hg_larger(columns / (tasks * width), 1);
  p->panel = p->pack ? NARROW : width;
  p->span = finishes(p) ? hg_smaller(columns, PART_COLUMNS) : widths * width;
  p->spans = hg_ceil_div(columns, p->span);
}

static void cut_rows(hg_product *p) {
  const hg_gemm *g = &p->gemm;
  int64_t terms = p->near ? g->steps + UPDATE_WORK : g->steps;
  int64_t work = (int64_t)g->rows * hg_smaller(g->columns, p->span) * terms / TASK_WORK;
  int blocks = finishes(p) ? hg_ceil_div(g->rows, hg_larger(PART / 2 / p->span, TILE)) : g->rows / TASK_ROWS;
  if (!p->pack || finishes(p)) blocks = hg_larger(blocks, hg_ceil_div(ENOUGH_TASKS, p->spans));
  if (work < blocks) blocks = (int)work;
  p->row_block = hg_ceil_div(g->rows, hg_larger(blocks, 1));
  if (p->row_block > TILE) p->row_block = hg_ceil_div(p->row_block, TILE) * TILE;
  p->row_blocks = hg_ceil_div(g->rows, p->row_block);
}

void hg_product_cut(hg_product *p) {
  const hg_gemm *g = &p->gemm;
  if (g->rows == 0 || g->columns == 0) return;
  bool clashes = g->b_step % CLASH == 0;
  p->pack = p->b_transposed || (clashes && g->rows >= FEW_ROWS && !finishes(p));
  p->depth = p->b_transposed ? PACKED : clashes ? (large(p) ? SHALLOW : PACKED) : DEPTH;
  cut_columns(p);
  cut_rows(p);
}

bool hg_product_cut_together(hg_product *first, hg_product *second) {
  int rows = second->gemm.rows, columns = second->gemm.columns;
  int span = rows < ENOUGH_TASKS * WIDE || WIDE * columns > PART ? NARROW : WIDE;
  int64_t work = (int64_t)rows * columns * (first->gemm.rows + second->gemm.steps + UPDATE_WORK) / TASK_WORK;
  if (rows < ENOUGH_TASKS * span || span * columns > PART || columns > PART_COLUMNS || work < ENOUGH_TASKS) return false;
  hg_product_cut(first);
  hg_product_cut(second);
  first->span = second->row_block = span;
  first->spans = second->row_blocks = hg_ceil_div(rows, span);
  first->row_block = first->gemm.rows;
  first->row_blocks = 1;
  return true;
}

/* What a task is at. */
typedef struct place {
  const hg_product *p;
  hg_product_part whole; /* of the task */
  hg_product_part panel; /* of it */
  int k, depth;          /* the stretch */
  float *c;              /* of the task */
  float *sums;           /* of it, until they are complete: c, or scratch */
  ptrdiff_t c_row, sums_row;
  float *packed; /* scratch: the stretch of b, NULL where it is read in its place */
  hg_gemm_lines soon[SOON];
} place;

/* Sets b, and where a tile shall keep it. */
static void find_b(const place *at, hg_gemm *g) {
  const hg_gemm *whole = &at->p->gemm;
  int packed_row = rounded(at->panel.columns);
  if (at->p->b_transposed) {
    const float *from = whole->b + at->panel.column * whole->b_step + at->k;
    hg_gemm_kernels_get()->transpose(at->panel.columns, at->depth, from, whole->b_step, at->packed, packed_row);
    g->b = at->packed;
    g->b_step = packed_row;
  } else {
    g->b = whole->b + at->k * whole->b_step + at->panel.column;
    g->keep = at->packed;
    g->keep_row = packed_row;
  }
}

/* Where the task's sums and results stand. */
static void place_c(place *at, float *scratch) {
  const hg_product *p = at->p;
  const hg_gemm *g = &p->gemm;
  hg_product_part task = at->whole;
  at->c = p->consumed ? scratch : g->c + task.row * g->c_row + task.column;
  at->c_row = p->consumed ? task.columns : g->c_row;
  bool apart = !p->consumed && g->c_row % CLASH == 0 && task.rows * (task.columns + LINE) <= PART;
  at->sums = apart ? scratch : at->c;
  at->sums_row = apart ? task.columns + LINE : at->c_row;
}

/* Sets c, and the sums to go on from. */
static void find_c(const place *at, hg_gemm *g) {
  const hg_gemm *whole = &at->p->gemm;
  int column = at->panel.column - at->whole.column;
  bool complete = at->k + at->depth == whole->steps;
  g->c = (complete ? at->c : at->sums) + column;
  g->c_row = complete ? at->c_row : at->sums_row;
  if (at->k > 0) {
    g->start = at->sums + column;
    g->start_row = at->sums_row;
  } else if (whole->start != NULL) {
    g->start = whole->start + at->panel.row * whole->start_row + at->panel.column;
  }
}

/* ---------------------------------------------------------------- asking for what comes next */

/* A matrix (rows, columns) whose rows lie `row` floats apart. */
static void ask(place *at, hg_gemm *g, const float *from, ptrdiff_t row, int rows, int columns) {
  at->soon[g->soon_count++] = (hg_gemm_lines){from, row, rows, hg_ceil_div(columns, QUAD)};
}

static int panel_of(const hg_product *p, hg_product_part span, int column) {
  return hg_smaller(p->panel, span.column + span.columns - column);
}

/* Of `count` rows those that are asked for while the panel is met: as large a share as the panel's of the task's columns. */
typedef struct share {
  int first, rows;
} share;

static share share_of(const place *at, int count) {
  int64_t from = at->panel.column - at->whole.column, end = from + at->panel.columns;
  int first = (int)(count * from / at->whole.columns);
  return (share){first, (int)(count * end / at->whole.columns) - first};
}

/* Terms [k, k + depth) of a span of b, and of a where its rows' terms lie side by side and the second-level cache cannot keep it.
 */
static void ask_stretch(place *at, hg_gemm *g, hg_product_part span, int k, int depth) {
  const hg_product *p = at->p;
  const hg_gemm *whole = &p->gemm;
  if (p->b_transposed) {
    share s = share_of(at, span.columns);
    ask(at, g, whole->b + (span.column + s.first) * whole->b_step + k, whole->b_step, s.rows, depth);
  } else {
    share s = share_of(at, depth);
    ask(at, g, whole->b + (k + s.first) * whole->b_step + span.column, whole->b_step, s.rows, span.columns);
  }
  if (whole->a_step != 1 || (int64_t)whole->rows * whole->steps <= KEPT) return;
  share s = share_of(at, span.rows);
  ask(at, g, whole->a + (span.row + s.first) * whole->a_row + k, whole->a_row, s.rows, depth);
}

/* What `finish` will change in the task's rows. */
static void ask_changed(place *at, hg_gemm *g) {
  const hg_product *p = at->p;
  int columns = p->gemm.columns;
  share s = share_of(at, at->whole.rows);
  if ((int64_t)p->gemm.rows * columns <= LARGE) return;
  for (int i = 0; i < HG_PRODUCT_CHANGED && p->changed[i] != NULL; i++)
    ask(at, g, p->changed[i] + (ptrdiff_t)(at->whole.row + s.first) * columns, columns, s.rows, columns);
}

/* Asks are spread over the product: many at once would take all the lines that the processor can wait for. */
static int ask_every(const place *at, const hg_gemm *g) {
  enum { RAREST = 16 };
  int64_t steps = (int64_t)g->steps * hg_ceil_div(g->rows, TILE) * hg_ceil_div(g->columns, NARROW), quads = 0;
  for (int i = 0; i < g->soon_count; i++) quads += (int64_t)at->soon[i].rows * at->soon[i].quads;
  int every = 1;
  while (every < RAREST && 2 * every * quads <= steps) every *= 2;
  return every;
}

/* ---------------------------------------------------------------- a task */

static int task_count(const hg_product *p) { return p->row_blocks * p->spans; }

/* Tasks go by spans, so that a thread's stretch of them reads the same columns of b. Where `finish` changes arrays laid out as
 * c is they go by rows: a span's end lies within a page, and the processor, reading ahead, would take lines from the other
 * thread's cache that it is about to change. */
static hg_product_part part_of_task(const hg_product *p, int task) {
  int block = p->near ? task / p->spans : task % p->row_blocks, span = p->near ? task % p->spans : task / p->row_blocks;
  hg_product_part part = {.row = block * p->row_block, .column = span * p->span};
  part.rows = hg_smaller(p->row_block, p->gemm.rows - part.row);
  part.columns = hg_smaller(p->span, p->gemm.columns - part.column);
  return part;
}

/* The first term of stretch s of `stretches`. */
static int first_term(const hg_product *p, int s, int stretches) { return (int)((int64_t)p->gemm.steps * s / stretches); }

static void multiply_panel(place *at, hg_gemm *g) {
  const hg_gemm *whole = &at->p->gemm;
  g->rows = at->panel.rows;
  g->columns = at->panel.columns;
  g->steps = at->depth;
  g->a = whole->a + at->panel.row * whole->a_row + at->k * whole->a_step;
  g->soon = at->soon;
  g->soon_every = ask_every(at, g);
  if (at->k + at->depth < whole->steps) g->activation = HG_LINEAR;
  find_b(at, g);
  find_c(at, g);
  hg_gemm_kernels_get()->product(g);
}

static void run_stretch(place *at, int task, int s, int stretches) {
  const hg_product *p = at->p;
  hg_product_part span = at->whole;
  at->k = first_term(p, s, stretches);
  at->depth = first_term(p, s + 1, stretches) - at->k;
  for (int column = span.column, width; column < span.column + span.columns; column += width) {
    width = panel_of(p, span, column);
    hg_gemm g = p->gemm;
    at->panel = (hg_product_part){span.row, span.rows, column, width};
    if (s + 1 < stretches)
      ask_stretch(at, &g, span, first_term(p, s + 1, stretches), at->depth);
    else if (task + 1 < task_count(p) && !finishes(p))
      ask_stretch(at, &g, part_of_task(p, task + 1), 0, first_term(p, 1, stretches));
    ask_changed(at, &g);
    multiply_panel(at, &g);
  }
}

static void run_task(const hg_product *p, int task, float *scratch) {
  place at = {.p = p, .whole = part_of_task(p, task), .packed = p->pack ? scratch : NULL};
  place_c(&at, scratch + PACKED * NARROW);
  int stretches = hg_larger(hg_ceil_div(p->gemm.steps, p->depth), 1);
  for (int s = 0; s < stretches; s++) run_stretch(&at, task, s, stretches);
  if (finishes(p)) p->finish(p->context, at.whole, at.c, at.c_row);
}

typedef struct work {
  const hg_product *products;
  float *scratch;
} work;

enum { SCRATCH = PACKED * NARROW + PART + TILE * PART_COLUMNS };

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

static void run_both(void *context, int64_t index, int worker) {
  const work *w = context;
  for (int i = 0; i < 2; i++) run_task(&w->products[i], (int)index, w->scratch + (ptrdiff_t)worker * SCRATCH);
}

void hg_products_run_together(hg_pool *pool, const hg_product products[2], float *scratch) {
  work w = {products, scratch};
  hg_parallel_for(pool, task_count(&products[0]), run_both, &w);
}

size_t hg_products_scratch(int threads) { return (size_t)threads * SCRATCH; }
