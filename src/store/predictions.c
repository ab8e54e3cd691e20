#include "store/predictions.h"

/* Beyond it a file is none that a run wrote: a confusion matrix has the square of it. */
enum { MOST_CLASSES = 10000 };

hg_code hg_predictions_find(const hg_safetensors *file, const char *place, hg_predictions *found, hg_error *error) {
  const hg_named_tensor *probabilities = hg_safetensors_find(file, "probabilities"),
                        *decisions = hg_safetensors_find(file, "decisions"), *labels = hg_safetensors_find(file, "labels");
  *found = (hg_predictions){0};
  if (probabilities == NULL || labels == NULL) return HG_OK;
  if (probabilities->dtype != HG_F32 || probabilities->rank != 2 || labels->dtype != HG_I32 || labels->rank != 1 ||
      labels->dim[0] < 1 || labels->dim[0] != probabilities->dim[0] || probabilities->dim[1] < 1 ||
      probabilities->dim[1] > MOST_CLASSES)
    return hg_fail(error, HG_DATA, place, "labels and probabilities do not have the shapes of predictions");
  if (decisions == NULL) decisions = probabilities;
  if (decisions->dtype != HG_F32 || decisions->rank != 2 || decisions->dim[0] != probabilities->dim[0] ||
      decisions->dim[1] != probabilities->dim[1])
    return hg_fail(error, HG_DATA, place, "decisions do not have the shape of the probabilities");
  *found = (hg_predictions){probabilities->data, decisions->data, labels->data, labels->dim[0], (int)probabilities->dim[1]};
  return HG_OK;
}
