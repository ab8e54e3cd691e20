/* Convolutions of images with few channels, as the first of a network is: a kernel row is so short that the matrix product would
 * spend its time on beginning and ending tiles. Here the weights of all taps, or the sums of their gradient, stay in registers
 * while a line of pixels goes by. The chains are those of the matrix product: the same bits. */
#ifndef HG_KERNELS_TAPS_H
#define HG_KERNELS_TAPS_H

#include "kernels/isa.h"

enum { HG_TAPS_ROWS = 3 };

/* A line of pixels: pixel p meets the values row[r][p * step + k], r in [0, rows), k in [0, run), of the image. */
typedef struct hg_taps {
  const float *row[HG_TAPS_ROWS];
  int rows, run;
  ptrdiff_t step;
  int pixels, channels; /* of the line */
} hg_taps;

typedef struct hg_taps_kernels {
  /* Whether there are kernels for runs of this length. */
  bool (*serves)(int run);

  /* line[p][c] = f(start[c] + sum over r, k of the value met * weight[r][k][c]); f: linear or relu. start: NULL = zeros. */
  void (*down)(const hg_taps *taps, const float *weight, const float *start, bool relu, float *line);

  /* sum[r][k][c] += sum over p of the value met * line[p][c], and all[c] += sum over p of line[p][c], pixel by pixel, for
   * `lines` lines: their pixels lie side by side, their rows row_step apart. */
  void (*sums)(const hg_taps *taps, int lines, ptrdiff_t row_step, const float *line, float *sum, float *all);
} hg_taps_kernels;

/* The kernels of hg_isa_get(). */
const hg_taps_kernels *hg_taps_kernels_get(void);

/* The versions; callable only where the processor runs them. */
extern const hg_taps_kernels hg_taps_generic, hg_taps_avx2, hg_taps_avx512;

#endif
