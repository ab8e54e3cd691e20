/* The resumable state of a training: a safetensors file, written atomically. */
#ifndef HG_LEARN_CHECKPOINT_H
#define HG_LEARN_CHECKPOINT_H

#include "learn/optimizer.h"

/* Where a training stands between two steps; everything that the next step depends on beside the settings. */
typedef struct hg_train_state {
  int epoch;               /* finished epochs */
  int64_t batch;           /* finished batches of the epoch under way */
  int64_t step;            /* finished steps in all */
  double loss_sum, reconstruction_sum, classification_sum, center_sum; /* over samples of the epoch under way */
  int64_t samples, correct;
  double seconds, training_seconds, epoch_seconds; /* spent so far, over all sittings */
  int64_t trained_images;
  double best_value;       /* of early stopping */
  int best_epoch, waited;  /* epochs since the best */
  hg_epoch *epochs;        /* finished ones (epoch) */
  hg_optimizer_state optimizer;
  float *best_weights;     /* all tensors in order, or NULL */
} hg_train_state;

/* identity ties the file to settings, data and network; a file of another identity is not taken up (HG_VERIFY). */
hg_code hg_checkpoint_write(const char *path, const char *identity, const hg_network *network, const hg_train_state *state,
                            hg_error *error);
/* *found = false and HG_OK where there is no file. HG_DATA where it is not sound. */
hg_code hg_checkpoint_read(const char *path, const char *identity, hg_network *network, hg_train_state *state, bool *found,
                           hg_error *error);

#endif
