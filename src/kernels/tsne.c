#include "kernels/tsne.h"

#include <math.h>

#include "base/alloc.h"

const hg_tsne_kernels *hg_tsne_kernels_get(void) {
#if defined(__x86_64__)
  static const hg_tsne_kernels *const versions[HG_ISAS] = {&hg_tsne_generic, &hg_tsne_avx2, &hg_tsne_avx512};
  return versions[hg_isa_get()];
#else
  return &hg_tsne_generic;
#endif
}

int hg_fft_length(int least) {
  int length = 2 * HG_TSNE_LANES;
  while (length < least) length *= 2;
  return length / 4 * 3 >= least && length > 2 * HG_TSNE_LANES ? length / 4 * 3 : length;
}

/* Fours first, since they do most with a pass over memory; then what is left: nothing, 2, 3 or 2 and 3. */
static void cut_length(hg_fft *fft) {
  int left = fft->length;
  while (left % 4 == 0) {
    fft->radix[fft->stages++] = 4;
    left /= 4;
  }
  if (left % 2 == 0) {
    fft->radix[fft->stages++] = 2;
    left /= 2;
  }
  if (left == 3) fft->radix[fft->stages++] = 3;
}

static int32_t place_of(const hg_fft *fft, int frequency) {
  int block = fft->length, place = 0;
  for (int s = 0; s < fft->stages; s++) {
    block /= fft->radix[s];
    place += frequency % fft->radix[s] * block;
    frequency /= fft->radix[s];
  }
  return place;
}

static float *stage_twiddles(int block, int radix, float *to) {
  for (int j = 0; j < block / radix; j++)
    for (int q = 1; q < radix; q++) {
      double angle = -2 * 3.14159265358979323846 * q * j / block;
      *to++ = (float)cos(angle);
      *to++ = (float)sin(angle);
    }
  return to;
}

hg_code hg_fft_new(int length, hg_fft *fft, hg_error *error) {
  *fft = (hg_fft){.length = length};
  cut_length(fft);
  fft->twiddle = hg_malloc(sizeof *fft->twiddle * 2 * 2 * (size_t)length);
  fft->place = hg_malloc(sizeof *fft->place * (size_t)length);
  if (fft->twiddle == NULL || fft->place == NULL) {
    hg_fft_release(fft);
    return hg_fail_memory(error, "Fourier transform", sizeof(float) * 5 * (size_t)length);
  }
  float *to = fft->twiddle;
  for (int s = 0, block = length; s < fft->stages; block /= fft->radix[s++]) to = stage_twiddles(block, fft->radix[s], to);
  for (int k = 0; k < length; k++) fft->place[k] = place_of(fft, k);
  return HG_OK;
}

void hg_fft_release(hg_fft *fft) {
  hg_free(fft->twiddle);
  hg_free(fft->place);
  *fft = (hg_fft){0};
}
