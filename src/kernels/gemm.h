/* The matrix product under every dense and convolution layer, forward and backward.
 *
 * For i in [0, rows), j in [0, columns):
 *
 *   c[i * c_row + j] = f(start[i][j] + sum over g in [0, groups), s in [0, segments), k in [0, steps) of
 *                        a[i * a_row + g * a_group + s * a_segment + k * a_step] *
 *                        b[g * b_group + s * b_segment + k * b_step + j])
 *
 * The sum of one element is ONE chain of fused multiply-adds in the order of g, s, k. Vectors run over j, so that every
 * instruction-set version gives the same bits, and so does a sum cut in two that goes on from the stored part (start).
 *
 * A convolution's kernel row is one segment: in a channels-last image kw * channels floats lie side by side. In the
 * gradient of its weights a segment is a line of an image, a group an image. */
#ifndef HG_KERNELS_GEMM_H
#define HG_KERNELS_GEMM_H

#include "kernels/isa.h"

/* Where memory lies that will be wanted soon: rows of so many times four cache lines. */
typedef struct hg_gemm_lines {
  const float *from;
  ptrdiff_t row;
  int rows, quads;
} hg_gemm_lines;

/* Strides count floats and may be 0 or negative. c may not overlap a or b. */
typedef struct hg_gemm {
  int rows, columns;
  int groups, segments, steps;
  const float *a;
  ptrdiff_t a_row, a_group, a_segment, a_step;
  const float *b;
  ptrdiff_t b_group, b_segment, b_step;
  float *c;
  ptrdiff_t c_row;
  const float *start;       /* (rows, columns), c itself or elsewhere, to go on from a partial sum; NULL = zeros */
  ptrdiff_t start_row;      /* 0: one row for all, as a bias is */
  hg_activation activation; /* f: linear, relu, leaky_relu, sigmoid or tanh */
  float negative_slope;
  /* Hints, where groups = segments = 1: the matrices (soon_count) that will be wanted next, in order. Tiles ask for
   * four lines of them every soon_every steps, a power of two. */
  const hg_gemm_lines *soon;
  int soon_count;
  int soon_every;
  float *keep; /* (steps, columns), where groups = segments = 1: b is copied there as it is read; NULL = nowhere */
  ptrdiff_t keep_row;
} hg_gemm;

typedef struct hg_gemm_kernels {
  void (*product)(const hg_gemm *gemm);

  /* to[j * to_row + i] = from[i * from_row + j] for i in [0, rows), j in [0, columns). */
  void (*transpose)(int rows, int columns, const float *from, ptrdiff_t from_row, float *to, ptrdiff_t to_row);

  /* to[i * to_row + j] = from[i * from_row + j]. */
  void (*copy)(int rows, int columns, const float *from, ptrdiff_t from_row, float *to, ptrdiff_t to_row);
} hg_gemm_kernels;

/* The kernels of hg_isa_get(). */
const hg_gemm_kernels *hg_gemm_kernels_get(void);

/* The versions; callable only where the processor runs them. */
extern const hg_gemm_kernels hg_gemm_generic, hg_gemm_avx2, hg_gemm_avx512;

/* For the versions: sigmoid and tanh on a tile of c that was just stored. */
void hg_gemm_activate_stored(const hg_gemm *gemm, int rows, int columns, float *c);

#endif
