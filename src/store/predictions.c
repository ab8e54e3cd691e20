#include "store/predictions.h"

/* Beyond it a file is none that a run wrote: a confusion matrix has the square of it. */
enum { MOST_CLASSES = 10000 };

hg_code hg_predictions_find(const hg_safetensors *file, const char *place, hg_predictions *found, hg_error *error) {
  const hg_named_tensor *probabilities = hg_safetensors_find(file, "probabilities"),
                        *labels = hg_safetensors_find(file, "labels");
  *found = (hg_predictions){0};
  if (probabilities == NULL || labels == NULL) return HG_OK;
  if (probabilities->dtype != HG_F32 || probabilities->rank != 2 || labels->dtype != HG_I32 || labels->rank != 1 ||
      labels->dim[0] < 1 || labels->dim[0] != probabilities->dim[0] || probabilities->dim[1] < 1 ||
      probabilities->dim[1] > MOST_CLASSES)
    return hg_fail(error, HG_DATA, place, "labels and probabilities do not have the shapes of predictions");
  *found = (hg_predictions){probabilities->data, labels->data, labels->dim[0], (int)probabilities->dim[1]};
  return HG_OK;
}
