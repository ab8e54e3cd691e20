/* Sums in a fixed number of lanes, whatever the width of the machine's vectors. */
#ifndef HG_KERNELS_POINTWISE_LANES_H
#define HG_KERNELS_POINTWISE_LANES_H

#include "kernels/math.h"
#include "kernels/pointwise.h"

enum { LANES = 16 };

static inline float fold(float lane[LANES]) {
  for (int width = LANES / 2; width > 0; width /= 2)
    for (int i = 0; i < width; i++) lane[i] += lane[i + width];
  return lane[0];
}

static inline double fold_double(double lane[LANES]) {
  for (int width = LANES / 2; width > 0; width /= 2)
    for (int i = 0; i < width; i++) lane[i] += lane[i + width];
  return lane[0];
}

/* Copies up to LANES values and fills the rest, so that the end of a row runs through the same code as its middle. */
static inline void load_lanes(int64_t count, const float *x, float filler, float lane[LANES]) {
  if (count >= LANES) {
    memcpy(lane, x, LANES * sizeof *lane);
    return;
  }
  for (int i = 0; i < LANES; i++) lane[i] = filler;
  memcpy(lane, x, (size_t)count * sizeof *lane);
}

static inline void store_lanes(int64_t count, const float lane[LANES], float *y) {
  memcpy(y, lane, (size_t)(count >= LANES ? LANES : count) * sizeof *lane);
}

#endif
