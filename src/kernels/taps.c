#include "kernels/taps.h"

#include <math.h>

static bool serves(int run) { return run == 3 || run == 9; }

static void down(const hg_taps *taps, const float *weight, const float *start, bool relu, float *line) {
  int channels = taps->channels;
  for (int p = 0; p < taps->pixels; p++)
    for (int c = 0; c < channels; c++) {
      float sum = start == NULL ? 0 : start[c];
      for (int r = 0; r < taps->rows; r++)
        for (int k = 0; k < taps->run; k++)
          sum = fmaf(taps->row[r][p * taps->step + k], weight[(r * taps->run + k) * channels + c], sum);
      line[p * channels + c] = relu && sum < 0 ? 0 : sum;
    }
}

static void sums(const hg_taps *taps, int lines, ptrdiff_t row_step, const float *line, float *sum, float *all) {
  int channels = taps->channels;
  for (int y = 0; y < lines; y++)
    for (int p = 0; p < taps->pixels; p++, line += channels)
      for (int c = 0; c < channels; c++) {
        for (int r = 0; r < taps->rows; r++)
          for (int k = 0; k < taps->run; k++) {
            float *to = &sum[(r * taps->run + k) * channels + c];
            *to = fmaf(taps->row[r][y * row_step + p * taps->step + k], line[c], *to);
          }
        all[c] += line[c];
      }
}

const hg_taps_kernels hg_taps_generic = {serves, down, sums};

const hg_taps_kernels *hg_taps_kernels_get(void) {
#if defined(__x86_64__)
  static const hg_taps_kernels *const versions[HG_ISAS] = {&hg_taps_generic, &hg_taps_avx2, &hg_taps_avx512};
  return versions[hg_isa_get()];
#else
  return &hg_taps_generic;
#endif
}
