/* Fourier transforms of HG_TSNE_LANES columns at once; part of tsne_body.h. */
#ifndef HG_KERNELS_TSNE_FFT_H
#define HG_KERNELS_TSNE_FFT_H

#include <string.h>

#include "kernels/tsne_vector.h"

typedef struct complexes {
  vec re, im;
} complexes;

INLINE complexes load_row(const float *row) { return (complexes){vec_at(row), vec_at(row + LANES)}; }
INLINE void store_row(float *row, complexes x) {
  vec_put(row, x.re);
  vec_put(row + LANES, x.im);
}
INLINE complexes sum(complexes a, complexes b) { return (complexes){a.re + b.re, a.im + b.im}; }
INLINE complexes difference(complexes a, complexes b) { return (complexes){a.re - b.re, a.im - b.im}; }

/* x times cos + i sin (backward: their conjugate). */
INLINE complexes turn(complexes x, const float *twiddle, bool backward) {
  float c = twiddle[0], s = backward ? -twiddle[1] : twiddle[1];
  return (complexes){x.re * c - x.im * s, x.re * s + x.im * c};
}

/* x times -i (backward: i). */
INLINE complexes quarter(complexes x, bool backward) { return backward ? (complexes){-x.im, x.re} : (complexes){x.im, -x.re}; }

INLINE void butterfly_2(complexes x[4]) {
  complexes a = x[0];
  x[0] = sum(a, x[1]);
  x[1] = difference(a, x[1]);
}

INLINE void butterfly_3(complexes x[4], bool backward) {
  complexes s = sum(x[1], x[2]), d = difference(x[1], x[2]);
  complexes t = {x[0].re - 0.5f * s.re, x[0].im - 0.5f * s.im};
  complexes u = quarter((complexes){0.8660254037844386f * d.re, 0.8660254037844386f * d.im}, backward);
  x[0] = sum(x[0], s);
  x[1] = sum(t, u);
  x[2] = difference(t, u);
}

INLINE void butterfly_4(complexes x[4], bool backward) {
  complexes a = sum(x[0], x[2]), b = difference(x[0], x[2]), c = sum(x[1], x[3]);
  complexes d = quarter(difference(x[1], x[3]), backward);
  x[0] = sum(a, c);
  x[1] = sum(b, d);
  x[2] = difference(a, c);
  x[3] = difference(b, d);
}

INLINE void butterfly(int radix, complexes x[4], bool backward) {
  if (radix == 2) butterfly_2(x);
  if (radix == 3) butterfly_3(x, backward);
  if (radix == 4) butterfly_4(x, backward);
}

/* One stage over every block: rows that are block / radix apart meet. */
INLINE void stage(int radix, int length, int block, const float *twiddle, float *rows, bool backward) {
  const int apart = block / radix;
  for (int first = 0; first < length; first += block) {
    const float *w = twiddle;
    for (int j = 0; j < apart; j++, w += 2 * (radix - 1)) {
      complexes x[4];
      float *row = rows + (ptrdiff_t)(first + j) * ROW;
      for (int q = 0; q < radix; q++) x[q] = load_row(row + (ptrdiff_t)q * apart * ROW);
      if (backward)
        for (int q = 1; q < radix; q++) x[q] = turn(x[q], w + 2 * (q - 1), true);
      butterfly(radix, x, backward);
      if (!backward)
        for (int q = 1; q < radix; q++) x[q] = turn(x[q], w + 2 * (q - 1), false);
      for (int q = 0; q < radix; q++) store_row(row + (ptrdiff_t)q * apart * ROW, x[q]);
    }
  }
}

static void run_stage(int radix, int length, int block, const float *twiddle, float *rows, bool backward) {
  if (radix == 4 && backward) stage(4, length, block, twiddle, rows, true);
  if (radix == 4 && !backward) stage(4, length, block, twiddle, rows, false);
  if (radix == 3 && backward) stage(3, length, block, twiddle, rows, true);
  if (radix == 3 && !backward) stage(3, length, block, twiddle, rows, false);
  if (radix == 2 && backward) stage(2, length, block, twiddle, rows, true);
  if (radix == 2 && !backward) stage(2, length, block, twiddle, rows, false);
}

static ptrdiff_t twiddles_of(int block, int radix) { return (ptrdiff_t)(block / radix) * (radix - 1) * 2; }

static void forward(const hg_fft *fft, float *rows) {
  const float *twiddle = fft->twiddle;
  int block = fft->length;
  for (int s = 0; s < fft->stages; s++) {
    run_stage(fft->radix[s], fft->length, block, twiddle, rows, false);
    twiddle += twiddles_of(block, fft->radix[s]);
    block /= fft->radix[s];
  }
}

static void backward(const hg_fft *fft, float *rows) {
  const float *twiddle = fft->twiddle;
  int block = fft->length;
  for (int s = 0; s < fft->stages; s++) {
    twiddle += twiddles_of(block, fft->radix[s]);
    block /= fft->radix[s];
  }
  for (int s = fft->stages - 1; s >= 0; s--) {
    block *= fft->radix[s];
    twiddle -= twiddles_of(block, fft->radix[s]);
    run_stage(fft->radix[s], fft->length, block, twiddle, rows, true);
  }
}

static void scale(int length, const float *factor, float *rows) {
  for (int i = 0; i < length; i++, rows += ROW, factor += LANES) {
    vec f = vec_at(factor);
    store_row(rows, (complexes){vec_at(rows) * f, vec_at(rows + LANES) * f});
  }
}

enum { PLANE = LANES * LANES };

/* Frequencies of this group: those up to length / 2. */
static inline int in_group(const hg_fft *fft, int first) {
  int left = fft->length / 2 + 1 - first;
  return left < LANES ? left : LANES;
}

static void split(const hg_fft *fft, const float *rows, int first, float *planes) {
  int count = in_group(fft, first);
  for (int i = 0; i < count; i++, planes += LANES) {
    int k = first + i;
    complexes p = load_row(rows + (ptrdiff_t)fft->place[k] * ROW);
    complexes q = load_row(rows + (ptrdiff_t)fft->place[k == 0 ? 0 : fft->length - k] * ROW);
    vec_put(planes, p.re + q.re);
    vec_put(planes + PLANE, p.im - q.im);
    vec_put(planes + 2 * PLANE, p.im + q.im);
    vec_put(planes + 3 * PLANE, q.re - p.re);
  }
  for (int i = count; i < LANES; i++, planes += LANES)
    for (int p = 0; p < 4; p++) vec_put(planes + p * PLANE, vec_of(0));
}

static void join(const hg_fft *fft, const float *planes, int first, float *rows) {
  int count = in_group(fft, first);
  for (int i = 0; i < count; i++, planes += LANES) {
    int k = first + i;
    complexes a = {vec_at(planes), vec_at(planes + PLANE)};
    complexes b = {vec_at(planes + 2 * PLANE), vec_at(planes + 3 * PLANE)};
    store_row(rows + (ptrdiff_t)fft->place[k == 0 ? 0 : fft->length - k] * ROW, (complexes){a.re + b.im, b.re - a.im});
    store_row(rows + (ptrdiff_t)fft->place[k] * ROW, (complexes){a.re - b.im, a.im + b.re});
  }
}

#endif
