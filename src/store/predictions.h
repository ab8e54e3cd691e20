/* What a run's predictions.safetensors holds of a classifier. */
#ifndef HG_STORE_PREDICTIONS_H
#define HG_STORE_PREDICTIONS_H

#include "store/safetensors.h"

typedef struct hg_predictions {
  const float *probabilities; /* (count, classes), into the file; NULL: the run does not classify */
  const float *ranking;       /* (count, classes): `decisions` where the method has them, else the probabilities */
  const int32_t *labels;      /* (count), into the file */
  int64_t count;
  int classes;
} hg_predictions;

/* HG_DATA, told of `place`, where labels and probabilities are there and do not fit each other. */
hg_code hg_predictions_find(const hg_safetensors *file, const char *place, hg_predictions *found, hg_error *error);

#endif
