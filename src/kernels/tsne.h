/* The loops of t-SNE: sums over sparse rows, splines to and from a grid, and Fourier transforms of many columns at once.
 *
 * Every sum has a fixed number of lanes and a fixed order, so every instruction-set version gives the same bits. Points and
 * forces are interleaved, (count, 2): x, y. */
#ifndef HG_KERNELS_TSNE_H
#define HG_KERNELS_TSNE_H

#include "kernels/isa.h"

enum {
  HG_TSNE_LANES = 16,  /* columns that are transformed at once; entries of a sparse row are padded to a multiple of it */
  HG_TSNE_TAPS = 6,    /* grid points an axis that a point touches: B-splines of degree 5 */
  HG_TSNE_STRETCH = 8, /* floats read and written for them */
  HG_FFT_STAGES = 16,
};

/* A complex Fourier transform of length 2^a or 3 * 2^a, decimated in frequency: the output of frequency k stands in row
 * place[k]. Rows are (2, HG_TSNE_LANES): real parts, imaginary parts. Not scaled. */
typedef struct hg_fft {
  int length, stages;
  int radix[HG_FFT_STAGES];
  float *twiddle; /* for each stage, each j in [0, block / radix): radix - 1 pairs cos, sin of -2 pi q j / block */
  int32_t *place; /* (length) */
} hg_fft;

/* Where points lie on a grid: u = (point - origin) * scale; the taps of an axis begin at floor(u). */
typedef struct hg_tsne_grid {
  float origin[2], scale;
  ptrdiff_t row;                                  /* floats from one row (y) to the next */
  float weight[HG_TSNE_TAPS][HG_TSNE_STRETCH];    /* [power of the fraction][tap] */
  float slope[HG_TSNE_TAPS - 1][HG_TSNE_STRETCH]; /* of the derivative by u */
} hg_tsne_grid;

/* A sparse symmetric matrix by rows. Entries that fill a row up have value 0 and the row's own column. */
typedef struct hg_tsne_rows {
  int64_t count;
  int64_t *start; /* (count + 1), multiples of HG_TSNE_LANES */
  int32_t *column;
  float *value;
} hg_tsne_rows;

typedef struct hg_tsne_step {
  float exaggeration, inverse_z, learning_rate, momentum, most; /* most: a step along an axis is cut to this */
} hg_tsne_step;

typedef struct hg_tsne_kernels {
  /* In place over (length, 2, LANES). Backward is the inverse times length, from the forward order of rows. */
  void (*forward)(const hg_fft *fft, float *rows);
  void (*backward)(const hg_fft *fft, float *rows);

  /* rows (length, 2, LANES) times factor (length, LANES). */
  void (*scale)(int length, const float *factor, float *rows);

  /* Two real transforms out of one complex: rows holds the transform of a + i b; for the frequencies first ... first + 15 up
   * to length / 2, planes (4, 16, LANES) receives twice the real and imaginary parts of a's and b's. join is its inverse, but
   * for the factor 2. */
  void (*split)(const hg_fft *fft, const float *rows, int first, float *planes);
  void (*join)(const hg_fft *fft, const float *planes, int first, float *rows);

  /* Adds the B-splines of the points listed in order (count) to the values of the grid. */
  void (*spread)(const hg_tsne_grid *grid, const float *points, const int32_t *order, int64_t count, float *values);

  /* For the points listed in order (count): force = -1/2 of the gradient of the spline through values. Returns the sum of the
   * spline. */
  double (*gather)(const hg_tsne_grid *grid, const float *points, const int32_t *order, int64_t count, const float *values,
                   float *force);

  /* For rows i in [first, last): force[i] = sum over j of p_ij q_ij (y_i - y_j), q_ij = 1 / (1 + |y_i - y_j|^2). */
  void (*attract)(const hg_tsne_rows *p, const float *points, int64_t first, int64_t last, float *force);

  /* For i in [first, last), over all points j: force[i] = sum of q_ij^2 (y_i - y_j); returns the sum of q_ij, j != i. */
  double (*repel)(const float *points, int64_t count, int64_t first, int64_t last, float *force);

  /* One step of gradient descent over `count` coordinates, with momentum and gains (van der Maaten and Hinton 2008). */
  void (*update)(const hg_tsne_step *step, int64_t count, const float *attraction, const float *repulsion, float *velocity,
                 float *gain, float *points);

  /* Lists the places of values below limit, in order; returns how many. hits has room for count. */
  int (*below)(const float *values, int count, float limit, int32_t *hits);

  /* How many of count values (a multiple of LANES) are below limit. */
  int64_t (*count_below)(const float *values, int count, float limit);

  /* Over `count` squared distances (a multiple of LANES), e = exp(-beta d): the sums of e and of e d. */
  void (*entropy)(int64_t count, const float *distances, float beta, float *sum, float *weighted);
} hg_tsne_kernels;

/* The kernels of hg_isa_get(). */
const hg_tsne_kernels *hg_tsne_kernels_get(void);

/* The versions; callable only where the processor runs them. */
extern const hg_tsne_kernels hg_tsne_generic, hg_tsne_avx2, hg_tsne_avx512;

/* The shortest length a transform has that is at least `least`. */
int hg_fft_length(int least);
hg_code hg_fft_new(int length, hg_fft *fft, hg_error *error);
void hg_fft_release(hg_fft *fft);

#endif
