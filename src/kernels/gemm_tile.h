/* The register-blocked product over the vectors of one instruction set. The including file defines first:
 *   the vectors                 kernels/vec_avx2.h or another
 *   ROWS_1 .. ROWS_4            most rows of a tile that is 1 .. 4 vectors wide (0 = no such tile)
 *   WIDE, ODD                   most vectors of a tile; one of ODD vectors is taken where a tile of one would be left over
 *   WIDEST, FEW_ROWS            most vectors for products of less than FEW_ROWS rows, which need more columns for as many
 *                               sums as the units of the processor can work on at a time
 *
 * A tile of R rows and V vectors of columns keeps its R * V sums in registers through the whole chain. R, V, whether the last
 * vector is cut and what kind of chain it is are constants in each of its instances. */
#ifndef HG_KERNELS_GEMM_TILE_H
#define HG_KERNELS_GEMM_TILE_H

#include "kernels/gemm.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")
enum { MOST_ROWS = 16, MOST_VECTORS = 4, BASES = (MOST_ROWS + 2) / 3, QUAD = 4, QUAD_FLOATS = 16 * QUAD };

/* Chains of a single segment, and of several. */
typedef enum chain { SINGLE, SEVERAL, KINDS } chain;

/* How far a call is with asking for what is wanted soon. */
typedef struct walk {
  const hg_gemm_lines *lines; /* the matrix after this one */
  int more;                   /* matrices from there on */
  const float *at;
  ptrdiff_t skip; /* from the end of a row to the next one */
  int left, rows; /* quads in the row, and rows, still to be asked for */
  int quads;
  int rarely; /* asks where these bits of the step's number are 0 */
} walk;

/* Where a tile lies: the first elements of its rows and columns. */
typedef struct place {
  const float *a, *b, *start;
  float *c, *keep;
  mask last; /* lanes of the last vector, where it is cut */
  walk *soon;
} place;

INLINE vec load_column(const float *from, int v, int V, bool cut, mask last) {
  return cut && v == V - 1 ? vec_load_masked(from + v * LANES, last) : vec_load(from + v * LANES);
}

INLINE vec activated(hg_activation activation, vec slope, vec x) {
  if (activation == HG_RELU) return vec_relu(x);
  if (activation == HG_LEAKY_RELU) return vec_leaky(x, slope);
  return x;
}

/* The end of a row: on to the next row, the next matrix, or, when there is none, on the spot. */
INLINE void turn(walk *soon) {
  if (--soon->rows > 0) {
    soon->at += soon->skip;
  } else if (soon->more > 0) {
    const hg_gemm_lines *lines = soon->lines++;
    soon->more--;
    soon->at = lines->from;
    soon->quads = lines->quads;
    soon->rows = lines->rows;
    soon->skip = lines->row - (ptrdiff_t)lines->quads * QUAD_FLOATS;
  } else {
    soon->at -= QUAD_FLOATS;
    soon->quads = 1;
  }
  soon->left = soon->quads;
}

INLINE void ask(walk *soon) {
  UNROLL for (int i = 0; i < QUAD; i++) __builtin_prefetch(soon->at + i * (QUAD_FLOATS / QUAD), 0, 2);
  soon->at += QUAD_FLOATS;
  if (--soon->left == 0) turn(soon);
}

/* One segment. */
INLINE void multiply(const hg_gemm *g, const float *a, const float *b, mask last, int R, int V, bool cut,
                     vec sum[MOST_ROWS][MOST_VECTORS]) {
  const ptrdiff_t a_row = g->a_row, a_step = g->a_step, b_step = g->b_step;
  const float *base[BASES]; /* one for three rows: the other two are reached by scaled indexing */
  UNROLL for (int t = 0; t < (R + 2) / 3; t++) base[t] = a + 3 * t * a_row;
  for (int k = g->steps; k > 0; k--) {
    vec column[MOST_VECTORS];
    UNROLL for (int v = 0; v < V; v++) column[v] = load_column(b, v, V, cut, last);
    UNROLL for (int i = 0; i < R; i++) {
      vec x = vec_set(base[i / 3][i % 3 * a_row]);
      UNROLL for (int v = 0; v < V; v++) sum[i][v] = vec_fma(x, column[v], sum[i][v]);
    }
    UNROLL for (int t = 0; t < (R + 2) / 3; t++) {
      base[t] += a_step;
      __asm__("" : "+r"(base[t])); /* else the compiler makes a pointer of each row and spills them */
    }
    b += b_step;
  }
}

/* One segment, while lines are asked for and, with `keeps`, b is kept. `side_by_side`: the rows of a are. */
INLINE void multiply_asking(const hg_gemm *g, const place *at, int R, int V, bool side_by_side, bool keeps,
                            vec sum[MOST_ROWS][MOST_VECTORS]) {
  const ptrdiff_t a_row = g->a_row, a_step = g->a_step, b_step = g->b_step, keep_row = g->keep_row;
  const int each = side_by_side ? R : 3, bases = (R + each - 1) / each; /* rows for one pointer */
  const float *b = at->b, *base[BASES];
  UNROLL for (int t = 0; t < bases; t++) base[t] = at->a + each * t * a_row;
  float *keep = at->keep;
  walk soon = *at->soon;
  const int rarely = soon.rarely;
  for (int k = g->steps; k > 0; k--) {
    vec column[MOST_VECTORS];
    UNROLL for (int v = 0; v < V; v++) column[v] = vec_load(b + v * LANES);
    if (keeps) {
      UNROLL for (int v = 0; v < V; v++) vec_store(keep + v * LANES, column[v]);
      keep += keep_row;
    }
    UNROLL for (int i = 0; i < R; i++) {
      vec x = vec_set(side_by_side ? base[0][i] : base[i / 3][i % 3 * a_row]);
      UNROLL for (int v = 0; v < V; v++) sum[i][v] = vec_fma(x, column[v], sum[i][v]);
    }
    UNROLL for (int t = 0; t < bases; t++) {
      base[t] += a_step;
      __asm__("" : "+r"(base[t]));
    }
    b += b_step;
    if ((k & rarely) == 0) ask(&soon);
  }
  *at->soon = soon;
}

INLINE void store(const hg_gemm *g, const place *at, int R, int V, bool cut, hg_activation activation,
                  vec sum[MOST_ROWS][MOST_VECTORS]) {
  const vec slope = vec_set(g->negative_slope);
  const ptrdiff_t c_row = g->c_row;
  const mask last = at->last;
  float *c = at->c;
  UNROLL for (int i = 0; i < R; i++) {
    UNROLL for (int v = 0; v < V; v++) {
      vec x = activated(activation, slope, sum[i][v]);
      if (cut && v == V - 1)
        vec_store_masked(c + v * LANES, x, last);
      else
        vec_store(c + v * LANES, x);
    }
    c += c_row;
  }
}

INLINE void start(const hg_gemm *g, const place *at, int R, int V, bool cut, vec sum[MOST_ROWS][MOST_VECTORS]) {
  if (at->start == NULL) {
    UNROLL for (int i = 0; i < R; i++) UNROLL for (int v = 0; v < V; v++) sum[i][v] = vec_zero();
  } else {
    UNROLL for (int i = 0; i < R; i++) UNROLL for (int v = 0; v < V; v++) sum[i][v] =
        load_column(at->start + i * g->start_row, v, V, cut, at->last);
  }
}

INLINE void end(const hg_gemm *g, const place *at, int R, int V, bool cut, vec sum[MOST_ROWS][MOST_VECTORS]) {
  if (g->activation == HG_RELU)
    store(g, at, R, V, cut, HG_RELU, sum);
  else if (g->activation == HG_LEAKY_RELU)
    store(g, at, R, V, cut, HG_LEAKY_RELU, sum);
  else
    store(g, at, R, V, cut, HG_LINEAR, sum);
}

INLINE void tile(const hg_gemm *g, const place *at, int R, int V, bool cut, chain kind) {
  vec sum[MOST_ROWS][MOST_VECTORS];
  start(g, at, R, V, cut, sum);
  const float *a = at->a, *b = at->b;
  for (int group = 0; group < (kind == SINGLE ? 1 : g->groups); group++, a += g->a_group, b += g->b_group)
    for (int s = 0; s < (kind == SINGLE ? 1 : g->segments); s++)
      multiply(g, a + s * g->a_segment, b + s * g->b_segment, at->last, R, V, cut, sum);
  end(g, at, R, V, cut, sum);
}

/* A tile of WIDE whole vectors in one group and segment that asks for what is wanted soon. */
INLINE void tile_asking(const hg_gemm *g, const place *at, int R, bool side_by_side, bool keeps) {
  vec sum[MOST_ROWS][MOST_VECTORS];
  start(g, at, R, WIDE, false, sum);
  multiply_asking(g, at, R, WIDE, side_by_side, keeps, sum);
  end(g, at, R, WIDE, false, sum);
}

typedef void tile_function(const hg_gemm *g, const place *at);

#define INSTANCE(R, V, name, cut, kind) \
  static void tile_##R##x##V##name(const hg_gemm *g, const place *at) { tile(g, at, R, V, cut, kind); }
#define TILE(R, V)                          \
  INSTANCE(R, V, _single, false, SINGLE)    \
  INSTANCE(R, V, _several, false, SEVERAL)  \
  INSTANCE(R, V, _single_cut, true, SINGLE) \
  INSTANCE(R, V, _several_cut, true, SEVERAL)

TILES(TILE)

static tile_function *const tiles[MOST_VECTORS + 1][MOST_ROWS + 1][2][KINDS] = {
#define ENTRY(R, V) \
  [V][R] = {{tile_##R##x##V##_single, tile_##R##x##V##_several}, {tile_##R##x##V##_single_cut, tile_##R##x##V##_several_cut}},
    TILES(ENTRY)
#undef ENTRY
};

#define ASKING_TILE(R)                                                                                          \
  static void tile_##R##_asking(const hg_gemm *g, const place *at) { tile_asking(g, at, R, false, false); }     \
  static void tile_##R##_keeping(const hg_gemm *g, const place *at) { tile_asking(g, at, R, false, true); }     \
  static void tile_##R##_side_asking(const hg_gemm *g, const place *at) { tile_asking(g, at, R, true, false); } \
  static void tile_##R##_side_keeping(const hg_gemm *g, const place *at) { tile_asking(g, at, R, true, true); }

ASKING_TILES(ASKING_TILE)

static tile_function *const asking_tiles[MOST_ROWS + 1][2][2] = {
#define ENTRY(R) [R] = {{tile_##R##_asking, tile_##R##_keeping}, {tile_##R##_side_asking, tile_##R##_side_keeping}},
    ASKING_TILES(ENTRY)
#undef ENTRY
};

static void copy(int rows, int columns, const float *from, ptrdiff_t from_row, float *to, ptrdiff_t to_row) {
  int whole = columns / LANES * LANES;
  mask last = mask_first(columns % LANES);
  for (int i = 0; i < rows; i++, from += from_row, to += to_row) {
    for (int j = 0; j < whole; j += LANES) vec_store(to + j, vec_load(from + j));
    if (whole < columns) vec_store_masked(to + whole, vec_load_masked(from + whole, last), last);
  }
}

/* The size of the next piece of `left` things when no piece may be above `most`: pieces as equal as can be. Most products are
 * small, and divisions would take a tenth of their time. */
static int next_piece(int left, int most) {
  if (left <= most) return left;
  if (left <= 2 * most) return (left + 1) / 2;
  int pieces = (left + most - 1) / most;
  return (left + pieces - 1) / pieces;
}

/* A panel of WIDE whole vectors. The first tile may keep b: the others read what it kept. */
static void panel_asking(const hg_gemm *whole, int column, walk *soon) {
  hg_gemm g = *whole;
  place at = {.b = g.b + column, .soon = soon};
  if (g.keep != NULL) at.keep = g.keep + column;
  bool side_by_side = g.a_row == 1;
  for (int row = 0; row < g.rows;) {
    int rows = next_piece(g.rows - row, ROWS_WIDE);
    at.a = g.a + row * g.a_row;
    at.c = g.c + row * g.c_row + column;
    at.start = g.start == NULL ? NULL : g.start + row * g.start_row + column;
    asking_tiles[rows][side_by_side][at.keep != NULL](&g, &at);
    if (at.keep != NULL) {
      at.b = at.keep;
      g.b_step = g.keep_row;
      at.keep = NULL;
    }
    if (g.activation != HG_LINEAR) hg_gemm_activate_stored(&g, rows, WIDE * LANES, at.c);
    row += rows;
  }
}

static void panel(const hg_gemm *g, int column, int vectors, int cut) {
  static const int most_rows[MOST_VECTORS + 1] = {0, ROWS_1, ROWS_2, ROWS_3, ROWS_4};
  place at = {.b = g->b + column, .last = mask_first(cut)};
  int columns = cut == 0 ? vectors * LANES : (vectors - 1) * LANES + cut;
  chain kind = g->groups == 1 && g->segments == 1 ? SINGLE : SEVERAL;
  if (g->keep != NULL) copy(g->steps, columns, at.b, g->b_step, g->keep + column, g->keep_row);
  for (int row = 0; row < g->rows;) {
    int rows = next_piece(g->rows - row, most_rows[vectors]);
    at.a = g->a + row * g->a_row;
    at.c = g->c + row * g->c_row + column;
    at.start = g->start == NULL ? NULL : g->start + row * g->start_row + column;
    tiles[vectors][rows][cut != 0][kind](g, &at);
    if (g->activation != HG_LINEAR) hg_gemm_activate_stored(g, rows, columns, at.c);
    row += rows;
  }
}

static int panel_width(int rows, int left) {
  if (rows < FEW_ROWS) return next_piece(left, WIDEST);
  return left >= ODD && left % WIDE != 0 ? ODD : next_piece(left, WIDE);
}

static void product(const hg_gemm *g) {
  bool asks = g->soon_count > 0 || g->keep != NULL;
  walk soon = {.lines = g->soon, .more = g->soon_count, .at = g->b + QUAD_FLOATS, .rarely = g->soon_every - 1};
  if (asks) turn(&soon);
  int vectors = (g->columns + LANES - 1) / LANES, cut = g->columns % LANES;
  for (int done = 0; done < vectors;) {
    int width = panel_width(g->rows, vectors - done);
    int left = done + width == vectors ? cut : 0;
    if (asks && width == WIDE && left == 0)
      panel_asking(g, done * LANES, &soon);
    else
      panel(g, done * LANES, width, left);
    done += width;
  }
}

#endif
