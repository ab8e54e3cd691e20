/* The resumable state of a training: a safetensors file, written atomically. */
#ifndef HG_LEARN_CHECKPOINT_H
#define HG_LEARN_CHECKPOINT_H

#include "learn/optimizer.h"

/* Where a training stands between two steps; everything that the next step depends on beside the settings. */
typedef struct hg_train_state {
  int epoch;                                                           /* finished epochs */
  int64_t batch;                                                       /* finished batches of the epoch under way */
  int64_t step;                                                        /* finished steps in all */
  double loss_sum, reconstruction_sum, classification_sum, center_sum; /* over samples of the epoch under way */
  int64_t samples, correct;
  double seconds, training_seconds, epoch_seconds; /* spent so far, over all sittings */
  int64_t trained_images;
  double best_value;      /* of early stopping */
  int best_epoch, waited; /* epochs since the best; best_epoch is 0 before the first */
  int epoch_capacity;
  hg_epoch *epochs; /* finished ones (epoch) */
  hg_optimizer_state optimizer;
  int64_t weights_count; /* floats of all tensors */
  float *good_weights;   /* all tensors in order, as they stood at the end of the last finite epoch, or at the start */
  float *best_weights;   /* all tensors in order, or NULL where early stopping does not ask for them */
} hg_train_state;

/* Takes all the memory that a training of these settings needs for its state; released also after a failure. */
hg_code hg_train_state_init(hg_train_state *state, const hg_network *network, const hg_train_settings *settings, hg_error *error);
void hg_train_state_release(hg_train_state *state);

/* Between the tensors of a network and one array of all of them in order. */
void hg_weights_copy_out(const hg_network *network, float *weights);
void hg_weights_copy_in(hg_network *network, const float *weights);

/* SHA-256 over everything that decides what a training computes: settings but for threads, checkpointing and progress, both
 * data sets (validation may be NULL), the layers, losses and tensors of the network and which of them are frozen. */
hg_code hg_train_identity(const hg_network *network, const hg_dataset *train, const hg_dataset *validation,
                          const hg_train_settings *settings, char identity[65], hg_error *error);

/* identity ties the file to settings, data and network; a file of another identity is not taken up (HG_VERIFY). */
hg_code hg_checkpoint_write(const char *path, const char *identity, const hg_network *network, const hg_train_state *state,
                            hg_error *error);
/* *found = false and HG_OK where there is no file. HG_DATA where it is not sound. Fills a state made by
 * hg_train_state_init; on failure network and state are as they were. */
hg_code hg_checkpoint_read(const char *path, const char *identity, hg_network *network, hg_train_state *state, bool *found,
                           hg_error *error);

#endif
