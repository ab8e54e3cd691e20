#include <math.h>

#include "learn/features_step.h"

void hg_scale_fit(const float *values, int64_t count, int width, double *mean, double *deviation) {
  for (int k = 0; k < width; k++) mean[k] = deviation[k] = 0;
  for (int64_t i = 0; i < count; i++) {
    for (int k = 0; k < width; k++) mean[k] += (double)values[i * width + k];
  }
  for (int k = 0; k < width; k++) mean[k] /= (double)count;
  for (int64_t i = 0; i < count; i++) {
    for (int k = 0; k < width; k++) {
      double from_mean = (double)values[i * width + k] - mean[k];
      deviation[k] += from_mean * from_mean;
    }
  }
  for (int k = 0; k < width; k++) {
    deviation[k] = sqrt(deviation[k] / (double)count);
    if (!(deviation[k] > 1e-7 * fabs(mean[k]))) deviation[k] = 1; /* rounding of a feature that never varies */
  }
}
