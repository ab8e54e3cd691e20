#include "eval/calibration.h"

#include "eval/metrics.h"

#include <math.h>

static int bin_of(float confidence) {
  if (!(confidence > 0)) return 0; /* not a number too */
  int bin = (int)ceil((double)confidence * HG_CALIBRATION_BINS) - 1;
  return bin < 0 ? 0 : bin >= HG_CALIBRATION_BINS ? HG_CALIBRATION_BINS - 1 : bin;
}

static double squared_error(const float *row, int classes, int32_t label) {
  double sum = 0;
  for (int k = 0; k < classes; k++) {
    double difference = (double)row[k] - (k == label);
    sum += difference * difference;
  }
  return sum;
}

static void finish(hg_calibration *calibration, int64_t count) {
  for (int i = 0; i < HG_CALIBRATION_BINS; i++) {
    hg_calibration_bin *bin = &calibration->bins[i];
    bin->low = (double)i / HG_CALIBRATION_BINS;
    bin->high = (double)(i + 1) / HG_CALIBRATION_BINS;
    bin->confidence = bin->count == 0 ? (double)NAN : bin->confidence / (double)bin->count;
    bin->accuracy = bin->count == 0 ? (double)NAN : bin->accuracy / (double)bin->count;
    if (bin->count == 0) continue;
    double gap = fabs(bin->accuracy - bin->confidence);
    calibration->expected_error += gap * (double)bin->count / (double)count;
  }
}

hg_code hg_calibration_of(const float *probabilities, const int32_t *labels, int64_t count, int classes,
                          hg_calibration *calibration, hg_error *error) {
  *calibration = (hg_calibration){0};
  if (count < 1 || classes < 1) return hg_fail(error, HG_USAGE, "calibration", "there are no samples");
  for (int64_t i = 0; i < count; i++) {
    const float *row = probabilities + i * classes; /* (classes) */
    if (labels[i] < 0 || labels[i] >= classes)
      return hg_fail(error, HG_USAGE, "calibration", "label %d of sample %lld is not in 0..%d", labels[i], (long long)i,
                     classes - 1);
    int32_t predicted = hg_argmax(row, classes);
    hg_calibration_bin *bin = &calibration->bins[bin_of(row[predicted])];
    bin->count++;
    bin->confidence += (double)row[predicted];
    bin->accuracy += predicted == labels[i];
    calibration->brier += squared_error(row, classes, labels[i]) / (double)count;
  }
  finish(calibration, count);
  return HG_OK;
}
