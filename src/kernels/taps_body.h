/* The kernels of taps.h over the vectors of one instruction set. The including file defines first:
 *   the vectors                 kernels/vec_avx2.h or another
 *   RUNS(T)                     T(run, vectors) for each length of run there are kernels for, and the vectors taken at a time
 *
 * Rows, run and vectors are constants in each instance. The last vector always goes under a mask. */
#ifndef HG_KERNELS_TAPS_BODY_H
#define HG_KERNELS_TAPS_BODY_H

#include "kernels/taps.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 32")
enum { MOST_VECTORS = 2, MOST_TAPS = 27 };

INLINE vec load(const float *from, int v, int V, mask last) {
  return v == V - 1 ? vec_load_masked(from + v * LANES, last) : vec_load(from + v * LANES);
}

INLINE void store(float *to, vec x, int v, int V, mask last) {
  if (v == V - 1)
    vec_store_masked(to + v * LANES, x, last);
  else
    vec_store(to + v * LANES, x);
}

INLINE void down_panel(const hg_taps *taps, const float *weight, const float *start, bool relu, float *line, mask last, int rows,
                       int run, int V) {
  const float *row[HG_TAPS_ROWS] = {taps->row[0], taps->row[1], taps->row[2]};
  const ptrdiff_t step = taps->step, channels = taps->channels;
  vec w[MOST_TAPS][MOST_VECTORS], first[MOST_VECTORS];
  UNROLL for (int t = 0; t < rows * run; t++) UNROLL for (int v = 0; v < V; v++) w[t][v] =
      load(weight + t * channels, v, V, last);
  UNROLL for (int v = 0; v < V; v++) first[v] = start == NULL ? vec_zero() : load(start, v, V, last);
  for (int p = taps->pixels; p > 0; p--, line += channels) {
    vec sum[MOST_VECTORS];
    UNROLL for (int v = 0; v < V; v++) sum[v] = first[v];
    UNROLL for (int r = 0; r < rows; r++) {
      UNROLL for (int k = 0; k < run; k++) {
        vec x = vec_set(row[r][k]);
        UNROLL for (int v = 0; v < V; v++) sum[v] = vec_fma(x, w[r * run + k][v], sum[v]);
      }
      row[r] += step;
    }
    UNROLL for (int v = 0; v < V; v++) store(line, relu ? vec_relu(sum[v]) : sum[v], v, V, last);
  }
}

INLINE void sums_panel(const hg_taps *taps, int lines, ptrdiff_t row_step, const float *line, float *sum, float *all, mask last,
                       int rows, int run, int V) {
  const ptrdiff_t step = taps->step, channels = taps->channels, skip = row_step - taps->pixels * step;
  const float *row[HG_TAPS_ROWS] = {taps->row[0], taps->row[1], taps->row[2]};
  vec s[MOST_TAPS][MOST_VECTORS], a[MOST_VECTORS];
  UNROLL for (int t = 0; t < rows * run; t++) UNROLL for (int v = 0; v < V; v++) s[t][v] = load(sum + t * channels, v, V, last);
  UNROLL for (int v = 0; v < V; v++) a[v] = load(all, v, V, last);
  for (; lines > 0; lines--) {
    for (int p = taps->pixels; p > 0; p--, line += channels) {
      vec y[MOST_VECTORS];
      UNROLL for (int v = 0; v < V; v++) {
        y[v] = load(line, v, V, last);
        a[v] = vec_add(a[v], y[v]);
      }
      UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int k = 0; k < run; k++) {
          vec x = vec_set(row[r][k]);
          UNROLL for (int v = 0; v < V; v++) s[r * run + k][v] = vec_fma(x, y[v], s[r * run + k][v]);
        }
        row[r] += step;
      }
    }
    UNROLL for (int r = 0; r < rows; r++) row[r] += skip;
  }
  UNROLL for (int t = 0; t < rows * run; t++) UNROLL for (int v = 0; v < V; v++) store(sum + t * channels, s[t][v], v, V, last);
  UNROLL for (int v = 0; v < V; v++) store(all, a[v], v, V, last);
}

typedef void down_function(const hg_taps *taps, const float *weight, const float *start, bool relu, float *line, mask last);
typedef void sums_function(const hg_taps *taps, int lines, ptrdiff_t row_step, const float *line, float *sum, float *all,
                           mask last);

#define INSTANCE(rows, run, V)                                                                                                \
  static void down_##rows##x##run##x##V(const hg_taps *taps, const float *weight, const float *start, bool relu, float *line, \
                                        mask last) {                                                                          \
    if (relu)                                                                                                                 \
      down_panel(taps, weight, start, true, line, last, rows, run, V);                                                        \
    else                                                                                                                      \
      down_panel(taps, weight, start, false, line, last, rows, run, V);                                                       \
  }                                                                                                                           \
  static void sums_##rows##x##run##x##V(const hg_taps *taps, int lines, ptrdiff_t row_step, const float *line, float *sum,    \
                                        float *all, mask last) {                                                              \
    sums_panel(taps, lines, row_step, line, sum, all, last, rows, run, V);                                                    \
  }
#define ROWS_OF(run, V) INSTANCE(1, run, V) INSTANCE(2, run, V) INSTANCE(3, run, V)

RUNS(ROWS_OF)

/* By rows; of one run and number of vectors. */
typedef struct instance {
  int run, vectors;
  down_function *down[HG_TAPS_ROWS + 1];
  sums_function *sums[HG_TAPS_ROWS + 1];
} instance;

static const instance instances[] = {/* of a run's, the widest first */
#define ENTRY(run, V)                                                  \
  {run,                                                                \
   V,                                                                  \
   {NULL, down_1x##run##x##V, down_2x##run##x##V, down_3x##run##x##V}, \
   {NULL, sums_1x##run##x##V, sums_2x##run##x##V, sums_3x##run##x##V}},
                                     RUNS(ENTRY)
#undef ENTRY
};

enum { INSTANCES = sizeof instances / sizeof instances[0] };

/* The widest instance of a run that is no wider than these vectors. */
static const instance *instance_of(int run, int vectors) {
  for (int i = 0; i < INSTANCES; i++)
    if (instances[i].run == run && instances[i].vectors <= vectors) return &instances[i];
  return NULL;
}

static bool serves(int run) { return instance_of(run, MOST_VECTORS) != NULL; }

/* Lanes of the last vector of a panel that begins at this channel. */
static mask last_of(int channels, int c, int vectors) {
  int left = channels - c - (vectors - 1) * LANES;
  return mask_first(left < LANES ? left : LANES);
}

static void down(const hg_taps *taps, const float *weight, const float *start, bool relu, float *line) {
  for (int c = 0; c < taps->channels;) {
    const instance *i = instance_of(taps->run, (taps->channels - c + LANES - 1) / LANES);
    mask last = last_of(taps->channels, c, i->vectors);
    i->down[taps->rows](taps, weight + c, start == NULL ? NULL : start + c, relu, line + c, last);
    c += i->vectors * LANES;
  }
}

static void sums(const hg_taps *taps, int lines, ptrdiff_t row_step, const float *line, float *sum, float *all) {
  for (int c = 0; c < taps->channels;) {
    const instance *i = instance_of(taps->run, (taps->channels - c + LANES - 1) / LANES);
    mask last = last_of(taps->channels, c, i->vectors);
    i->sums[taps->rows](taps, lines, row_step, line + c, sum + c, all + c, last);
    c += i->vectors * LANES;
  }
}

#endif
