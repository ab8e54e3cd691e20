/* Sizes of one sample. */
#ifndef HG_BASE_SHAPE_H
#define HG_BASE_SHAPE_H

#include "hourglass.h"

/* Values in one sample: height * width * channels. */
static inline int64_t hg_shape_count(hg_shape shape) { return (int64_t)shape.height * shape.width * shape.channels; }

static inline bool hg_shape_equal(hg_shape a, hg_shape b) {
  return a.height == b.height && a.width == b.width && a.channels == b.channels;
}

/* False for a vector, {1, 1, k}. */
static inline bool hg_shape_is_map(hg_shape shape) { return shape.height > 1 || shape.width > 1; }

#endif
