/* Whether a model is right as often as it says: reliability by confidence. */
#ifndef HG_EVAL_CALIBRATION_H
#define HG_EVAL_CALIBRATION_H

#include "base/status.h"

enum { HG_CALIBRATION_BINS = 15 }; /* as Guo et al. 2017 */

typedef struct hg_calibration_bin {
  double low, high; /* of the largest probability: low < p <= high */
  int64_t count;
  double confidence, accuracy; /* mean largest probability, share right; NaN in an empty bin */
} hg_calibration_bin;

typedef struct hg_calibration {
  hg_calibration_bin bins[HG_CALIBRATION_BINS]; /* equally wide */
  double expected_error; /* ECE (Guo et al. 2017): mean over samples of their bin's |accuracy - confidence| */
  double brier;          /* mean over samples of sum over classes of (p - one_hot)^2 (Brier 1950): 0 to 2 */
} hg_calibration;

/* probabilities (count, classes), labels (count) in [0, classes). HG_USAGE where a label is not, or there are no samples. */
hg_code hg_calibration_of(const float *probabilities, const int32_t *labels, int64_t count, int classes,
                          hg_calibration *calibration, hg_error *error);

#endif
