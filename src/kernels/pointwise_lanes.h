/* Sums in a fixed number of lanes, whatever the width of the machine's vectors. */
#ifndef HG_KERNELS_POINTWISE_LANES_H
#define HG_KERNELS_POINTWISE_LANES_H

#include "kernels/math.h"
#include "kernels/pointwise.h"

enum { LANES = 16 };

typedef float lanes_float __attribute__((vector_size(4 * LANES)));
typedef int32_t lanes_int __attribute__((vector_size(4 * LANES)));

static inline lanes_float load_floats(const float *from) {
  lanes_float lanes;
  memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

static inline void store_floats(lanes_float lanes, float *to) { memcpy(to, &lanes, sizeof lanes); }

/* Where the mask is set, else 0. */
static inline lanes_float where(lanes_int mask, lanes_float value) { return (lanes_float)(mask & (lanes_int)value); }

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

/* LANES values from x on. Where fewer are left they are copied to `spare` and filled up, so that the end of a row runs
 * through the same code as its middle; elsewhere they stay where they are, since a copy costs more than most kernels. */
static inline const float *read_lanes(int64_t left, const float *x, float filler, float spare[LANES]) {
  if (left >= LANES) return x;
  for (int i = 0; i < LANES; i++) spare[i] = filler;
  memcpy(spare, x, (size_t)left * sizeof *spare);
  return spare;
}

/* Where to write LANES values: at y if there is room, else in `spare`. y may be NULL: the values are not wanted. */
static inline float *write_lanes(int64_t left, float *y, float spare[LANES]) { return y != NULL && left >= LANES ? y : spare; }

/* Brings what went to `spare` to its place. */
static inline void settle_lanes(int64_t left, float *y, const float spare[LANES]) {
  if (y != NULL && left < LANES) memcpy(y, spare, (size_t)left * sizeof *y);
}

#endif
