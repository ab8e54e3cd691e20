/* How far classes lie apart, and how near their samples stay together. */
#ifndef HG_EVAL_DISTANCES_H
#define HG_EVAL_DISTANCES_H

#include "base/status.h"

typedef struct hg_class_distances {
  double intra; /* mean over samples of the Euclidean distance to the mean of their class */
  double inter; /* mean over pairs of classes of the distance between their means; NaN for fewer than two classes */
} hg_class_distances;

/* points (count, width), labels (count) in [0, classes); other labels are left out, and so are classes without samples. */
hg_code hg_class_distances_of(const float *points, const int32_t *labels, int64_t count, int width, int classes,
                              hg_class_distances *distances, hg_error *error);

#endif
