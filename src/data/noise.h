/* Gaussian noise, as augmentation and as corruption. */
#ifndef HG_DATA_NOISE_H
#define HG_DATA_NOISE_H

#include "base/rng.h"

#include <stdbool.h>

/* values += factor * N(0, 1), cut to [0, 1] where clip. */
void hg_noise_add(float *values, int64_t count, float factor, bool clip, hg_rng *rng);

#endif
