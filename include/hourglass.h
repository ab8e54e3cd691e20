/* hourglass: small-image networks on a CPU, the same bits every time.
 *
 * This header is the whole public interface. With it a program defines a network, trains it on a data set, evaluates it
 * and saves it, without a study file.
 *
 * Conventions
 *   - Images and feature maps are channels-last: (N, H, W, C), float, row-major. Pixels are scaled to [0, 1].
 *   - Functions that can fail return hg_code and fill *error (which may be NULL) with place, cause and, where one is known,
 *     the mend. The library never prints, exits or aborts.
 *   - X_new / X_free own memory on the heap; a failed X_new leaves nothing behind. X_free(NULL) does nothing.
 *   - Settings are structs: start from X_default(), change fields; they are checked before any work is done.
 *   - One seed gives the same weights to the bit on any number of threads and on any instruction set.
 *   - Networks share no state, and nothing changes a data set: two threads of a program may use two networks at the same time,
 *     on one data set too. One network is for one thread at a time, in hg_network_predict and hg_evaluate as well. The threads
 *     that `threads` counts are the library's own: a call starts them, and they are gone when it returns.
 */
#ifndef HOURGLASS_H
#define HOURGLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HG_API __attribute__((visibility("default")))
#else
#define HG_API
#endif

#define HG_VERSION "0.1.0"

/* ---------------------------------------------------------------- errors */

typedef enum hg_code {
  HG_OK = 0,
  HG_FAILED,      /* the work failed: an output could not be written, a system call was refused */
  HG_DIVERGED,    /* a loss was not finite; the last good state is kept */
  HG_USAGE,       /* an argument, a study file or a network definition is wrong */
  HG_DATA,        /* data is missing, truncated or corrupt */
  HG_VERIFY,      /* content is not what its checksum says, or a checkpoint is of another training */
  HG_NO_MEMORY,   /* an allocation failed */
  HG_INTERRUPTED, /* asked to stop; a checkpoint was written where one is wanted */
} hg_code;

typedef struct hg_error {
  hg_code code;
  char place[256];    /* file:line:column, layer, path or argument; may be empty */
  char message[1024]; /* the cause, and the mend where one is known; no newline at the end */
} hg_error;

/* Returns HG_VERSION of the library that is linked. */
HG_API const char *hg_version(void);

/* ---------------------------------------------------------------- shapes and layers */

/* Shape of one sample. A vector of k values is {1, 1, k}. */
typedef struct hg_shape {
  int height, width, channels;
} hg_shape;

typedef enum hg_layer_kind {
  HG_DENSE,            /* y = x W + b over the flattened sample */
  HG_CONV2D,           /* cross-correlation */
  HG_CONV2D_TRANSPOSE, /* the gradient of conv2d with respect to its input */
  HG_MAX_POOL2D,
  HG_AVERAGE_POOL2D,        /* padded places are not counted */
  HG_GLOBAL_AVERAGE_POOL2D, /* (H, W, C) -> (1, 1, C) */
  HG_UPSAMPLE2D,            /* nearest neighbour, by `size` */
  HG_BATCH_NORM,            /* over N, H, W for each channel */
  HG_DROPOUT,               /* inverted: kept values are scaled by 1 / (1 - rate) in training */
  HG_FLATTEN,               /* (H, W, C) -> (1, 1, H*W*C) */
  HG_RESHAPE,               /* to `shape` */
  HG_ACTIVATION,            /* the `activation` alone */
  HG_LAYER_KINDS
} hg_layer_kind;

typedef enum hg_activation {
  HG_LINEAR,
  HG_RELU,       /* max(0, x) */
  HG_LEAKY_RELU, /* x > 0 ? x : negative_slope * x */
  HG_GELU,       /* x * Phi(x), with erf */
  HG_SIGMOID,    /* 1 / (1 + exp(-x)) */
  HG_TANH,
  HG_SOFTMAX, /* over the flattened sample */
  HG_ACTIVATIONS
} hg_activation;

typedef enum hg_padding {
  HG_VALID,     /* none */
  HG_SAME,      /* zeros (pooling: ignored places) so that out = ceil(in / stride), in * stride for conv2d_transpose; the odd one
                   goes to the bottom and right */
  HG_REPLICATE, /* as HG_SAME, with the nearest edge pixel in place of zeros */
} hg_padding;

typedef enum hg_initializer {
  HG_INIT_DEFAULT, /* glorot_uniform for kernels, zeros for biases (Keras' default) */
  HG_INIT_ZEROS,
  HG_INIT_ONES,
  HG_INIT_GLOROT_UNIFORM, /* Xavier: U(-a, a), a = sqrt(6 / (fan_in + fan_out)) */
  HG_INIT_GLOROT_NORMAL,  /* Xavier: N(0, 2 / (fan_in + fan_out)) */
  HG_INIT_HE_UNIFORM,     /* U(-a, a), a = sqrt(6 / fan_in) */
  HG_INIT_HE_NORMAL,      /* N(0, 2 / fan_in) */
  HG_INIT_PYTORCH,        /* U(-a, a), a = 1 / sqrt(fan_in), biases too: torch.nn.Linear and Conv2d */
  HG_INIT_DIRAC,          /* conv2d: filter i passes channel i on (Zagoruyko, Komodakis 2017), others are as HG_INIT_PYTORCH's */
  HG_INIT_WHITENING,      /* a network's first conv2d: as HG_INIT_HE_NORMAL, until hg_network_whiten puts the data's in */
} hg_initializer;

enum { HG_NAME_SIZE = 64 };

typedef struct hg_layer {
  hg_layer_kind kind;
  char name[HG_NAME_SIZE];  /* unique in the network; "" is filled in: conv2d_1, dense_2, ... */
  int units;                /* dense: values out */
  int filters;              /* conv2d, conv2d_transpose: channels out */
  int kernel_size[2];       /* conv2d, conv2d_transpose, pooling (its pool_size): height, width */
  int strides[2];           /* vertical, horizontal; pooling: {0, 0} means kernel_size */
  hg_padding padding;       /* conv2d and conv2d_transpose (valid, same; conv2d: replicate), pooling (valid, same) */
  int size[2];              /* upsample2d: factors */
  hg_shape shape;           /* reshape: target */
  float rate;               /* dropout: share dropped, in [0, 1) */
  float momentum;           /* batch_norm: running = momentum * running + (1 - momentum) * batch; default 0.9 */
  float epsilon;            /* batch_norm: added to the variance; default 1e-5 */
  bool scale;               /* batch_norm: whether its factors (gamma) are learned; else they stay 1; default true */
  hg_activation activation; /* dense, conv2d, conv2d_transpose, batch_norm, activation */
  float negative_slope;     /* leaky_relu; default 0.01 */
  bool use_bias;            /* dense, conv2d, conv2d_transpose; default true */
  bool freeze;              /* the same: weights and bias stay at their first values; default false */
  hg_initializer kernel_initializer, bias_initializer;
} hg_layer;

/* A layer of this kind with every field at its default; sizes that have none are 0 and must be set. */
HG_API hg_layer hg_layer_default(hg_layer_kind kind);

/* The names used in study files and messages ("conv2d", "relu", "same", "he_normal"); "" for a value that is none. */
HG_API const char *hg_layer_kind_name(hg_layer_kind kind);
HG_API const char *hg_activation_name(hg_activation activation);
HG_API const char *hg_padding_name(hg_padding padding);
HG_API const char *hg_initializer_name(hg_initializer initializer);

/* ---------------------------------------------------------------- losses */

typedef enum hg_reconstruction_loss {
  HG_NO_RECONSTRUCTION,
  HG_MSE,                 /* mean over batch and elements of (output - target)^2 */
  HG_BINARY_CROSS_ENTROPY /* mean over batch and elements; computed on the logits where the decoder ends in a sigmoid */
} hg_reconstruction_loss;

typedef enum hg_classification_loss {
  HG_NO_CLASSIFICATION,
  HG_CROSS_ENTROPY /* mean over the batch of -log softmax(logits)[label]; the classifier ends in logits, or in a softmax */
} hg_classification_loss;

typedef struct hg_losses {
  hg_reconstruction_loss reconstruction;
  float reconstruction_weight; /* default 1 */
  hg_classification_loss classification;
  float classification_weight; /* default 1 */
  float label_smoothing;       /* s in [0, 1): target = (1 - s) * one_hot + s / classes; default 0 */
  float center_weight;         /* lambda of the center loss on the code (Wen et al. 2016); 0 = none */
  float center_rate;           /* alpha: how fast centers follow; default 0.5 */
} hg_losses;

HG_API hg_losses hg_losses_default(void);

/* ---------------------------------------------------------------- networks */

typedef enum hg_block { HG_ENCODER, HG_DECODER, HG_CLASSIFIER, HG_BLOCKS } hg_block;
/* Native takes 3x3 convolutions by Winograd's algorithm where the shapes gain by it; its sums round about twice as much. Direct
 * is native, but trains by the direct sums. */
typedef enum hg_engine { HG_NATIVE, HG_ONEDNN, HG_DIRECT } hg_engine;

/* A network: up to three blocks of layers. The encoder maps the input to the code; the decoder maps the code to a
 * reconstruction of the input's shape, the classifier maps it to one logit a class. */
typedef struct hg_network hg_network;

/* An empty network for inputs of this shape. NULL if out of memory. */
HG_API hg_network *hg_network_new(hg_shape input);
HG_API void hg_network_free(hg_network *network);

/* Appends a copy of the layer to a block and checks shapes. HG_USAGE names the layer and both shapes; it is refused too once the
 * network has its weights. */
HG_API hg_code hg_network_add(hg_network *network, hg_block block, const hg_layer *layer, hg_error *error);
/* HG_USAGE: a weight that is negative or not finite, label_smoothing outside [0, 1), center_rate outside [0, 1]; or, once the
 * network has its weights, the center loss switched on or off, or the reconstruction's changed to or from binary cross-entropy.
 */
HG_API hg_code hg_network_set_losses(hg_network *network, const hg_losses *losses, hg_error *error);
/* Native kernels unless said otherwise. HG_USAGE: HG_ONEDNN where the library was built without it, or another engine once the
 * network has its weights. */
HG_API hg_code hg_network_set_engine(hg_network *network, hg_engine engine, hg_error *error);

/* Fills the weights from the layers' initializers; every tensor from its own counter-based stream of `seed`. Called again it
 * draws them anew. HG_USAGE: no layers. */
HG_API hg_code hg_network_initialize(hg_network *network, uint64_t seed, hg_error *error);

HG_API int64_t hg_network_parameters(const hg_network *network); /* trainable parameters */

/* Weights as safetensors, with PyTorch's names (encoder.0.weight, ..., running_mean) and layouts (OIHW, out x in).
 * Saving: HG_USAGE where the network has none yet, HG_FAILED where the file cannot be written; it is written beside its place,
 * synced and renamed. Loading: HG_USAGE names the first tensor that is absent or of another shape, HG_DATA says what is wrong
 * with the file; the weights are then as they were. */
HG_API hg_code hg_network_save(const hg_network *network, const char *path, hg_error *error);
HG_API hg_code hg_network_load(hg_network *network, const char *path, hg_error *error);

/* Runs `count` samples of input (count, H, W, C), pixels in [0, 1], through the network without training, on `threads` threads (0
 * = as many as there are). Each of the outputs may be NULL: code (count, values of the encoder's output; the input where there is
 * no encoder), reconstruction (count, H, W, C), probabilities (count, classes) after softmax. HG_USAGE: the network has no
 * weights yet, or lacks the block of an output. */
HG_API hg_code hg_network_predict(hg_network *network, const float *input, int64_t count, int threads, float *code,
                                  float *reconstruction, float *probabilities, hg_error *error);

/* ---------------------------------------------------------------- data */

/* Images (uint8, N x H x W x C) with labels, in memory, or read in place from the file of decoded images in the user's cache;
 * immutable once made. */
typedef struct hg_dataset hg_dataset;

/* Copies count images (count, H, W, C) and labels in [0, classes); labels may be NULL. HG_DATA: a label outside, or a shape or
 * number of images beyond what is held; HG_USAGE: a negative count. */
HG_API hg_code hg_dataset_from_arrays(const uint8_t *pixels, const int32_t *labels, int64_t count, hg_shape shape, int classes,
                                      hg_dataset **dataset, hg_error *error);
/* Reads the training or test part of a source: a name of the catalog (mnist, fashion-mnist, cifar10, lines, ...), looked for
 * in HOURGLASS_DATA, the system's folders, shared/data here and in the folders above, and the user's cache, or a path (IDX,
 * CIFAR-10 binary, folder or archive of images by class). HG_DATA says what was looked for and where, what is wrong with the
 * files, or that the source has no test part. */
HG_API hg_code hg_dataset_open(const char *source, bool test_part, hg_dataset **dataset, hg_error *error);
HG_API void hg_dataset_free(hg_dataset *dataset);
HG_API int64_t hg_dataset_count(const hg_dataset *dataset);
HG_API hg_shape hg_dataset_shape(const hg_dataset *dataset);
HG_API int hg_dataset_classes(const hg_dataset *dataset);
/* index in [0, count): not checked. */
HG_API const uint8_t *hg_dataset_image(const hg_dataset *dataset, int64_t index); /* (H, W, C) */
HG_API int hg_dataset_label(const hg_dataset *dataset, int64_t index);            /* -1 if it has no labels */
HG_API const char *hg_dataset_class_name(const hg_dataset *dataset, int label);   /* the data set's; "" outside [0, classes) */

/* Changes made to a training image each time it is seen, in this order; zero or false means off. With `added` they are made
 * once instead, to copies that stand in the training set beside the images as they are. */
typedef struct hg_augmentation {
  float rotate;         /* degrees: uniform in [-rotate, rotate], bilinear, zeros outside */
  float shift;          /* share of width and height: uniform in [-shift, shift], whole pixels */
  bool flip;            /* mirrored left to right, half of the time */
  int crop;             /* pixels of zero padding before a random crop back to the size */
  float gaussian_noise; /* standard deviation, on [0, 1] pixels; clipped to [0, 1] */
  int cutout;           /* side of a zeroed square, in pixels, centre anywhere */
  int added;            /* changed copies of every image that are added to the training set; 0 = changed each time it is seen */
} hg_augmentation;

/* Changes made to the input only; the reconstruction's target stays clean. In validation and test too, where every sample
 * has one fixed corruption. */
typedef struct hg_corruption {
  float salt_and_pepper; /* share of pixels set to 0 or 1, evenly */
  float gaussian;        /* factor on N(0, 1) added to every pixel */
  bool clip;             /* gaussian: clip to [0, 1]; default true */
  float masking;         /* share of pixels set to 0 */
} hg_corruption;

/* ---------------------------------------------------------------- training */

typedef enum hg_optimizer_kind { HG_SGD, HG_ADAM, HG_ADAMW } hg_optimizer_kind;

typedef struct hg_optimizer {
  hg_optimizer_kind kind; /* default HG_ADAM */
  float learning_rate;    /* default 0.001; sgd 0.01 */
  float momentum;         /* sgd: default 0 */
  bool nesterov;          /* sgd */
  float beta_1, beta_2;   /* adam, adamw: default 0.9, 0.999 */
  float epsilon;          /* adam, adamw: default 1e-8 */
  float weight_decay;     /* sgd, adam: L2, added to the gradient; adamw: decoupled. As in PyTorch. */
} hg_optimizer;

HG_API hg_optimizer hg_optimizer_default(hg_optimizer_kind kind);

typedef enum hg_schedule_kind {
  HG_CONSTANT,
  HG_STEP,       /* times `gamma` every `every` epochs */
  HG_COSINE,     /* from 1 to `final` over the training */
  HG_ONE_CYCLE,  /* linear from `initial` up to 1 during the first `peak` share of the steps, cosine down to `final` */
  HG_TRIANGULAR, /* linear from `initial` to 1 at `peak`, then linear to `final` */
} hg_schedule_kind;

/* The learning rate at a step is optimizer.learning_rate times the schedule's factor. Counted in steps, not epochs. */
typedef struct hg_schedule {
  hg_schedule_kind kind;
  float gamma;   /* default 0.1 */
  int every;     /* epochs; default 10 */
  float initial; /* default 0.04 */
  float peak;    /* in (0, 1); default 0.3 */
  float final;   /* default 0 */
  float warmup;  /* epochs of linear warm-up from 0, before any kind, at most all of them; default 0 */
} hg_schedule;

/* Figures a training watches, by the names of histories. */
typedef enum hg_monitor { HG_VAL_LOSS, HG_VAL_ACCURACY, HG_TRAIN_LOSS, HG_TRAIN_ACCURACY } hg_monitor;

typedef struct hg_early_stopping {
  bool enabled;
  hg_monitor monitor;        /* default val_loss */
  int patience;              /* epochs without improvement; default 10 */
  float min_delta;           /* least change that counts; default 0 */
  bool restore_best_weights; /* default true */
} hg_early_stopping;

/* One finished epoch. Figures that do not apply are NaN. */
typedef struct hg_epoch {
  int epoch; /* from 1 */
  double loss, reconstruction_loss, classification_loss, center_loss, accuracy;
  double val_loss, val_reconstruction_loss, val_classification_loss, val_center_loss, val_accuracy;
  double learning_rate; /* at the end of the epoch */
  double seconds;       /* training and validation */
} hg_epoch;

/* Where a training stands, for progress bars. Called from the thread that called hg_train, after every step. The callback may
 * use the library, other networks and the data sets too; of the network that is being trained it may call only what takes it
 * as const: hg_network_save and hg_network_parameters. */
typedef struct hg_progress {
  int epoch, epochs;   /* epoch from 1 */
  int64_t step, steps; /* in this epoch, from 1 */
  double loss;         /* mean over this epoch so far */
  double images_per_second;
  const hg_epoch *finished; /* set once when an epoch has ended, else NULL */
} hg_progress;

typedef struct hg_train_settings {
  uint64_t seed;  /* default 1 */
  int batch_size; /* default 64; the last batch of an epoch may be smaller */
  int epochs;     /* default 10 */
  int threads;    /* 0 = as many as the affinity mask and the cgroup quota allow */
  hg_optimizer optimizer;
  hg_schedule schedule;
  hg_early_stopping early_stopping;
  float clip_norm;                      /* gradients' global norm is cut to this; 0 = off */
  float clip_value;                     /* each gradient is cut to [-v, v]; 0 = off */
  float block_learning_rate[HG_BLOCKS]; /* factor on the learning rate per block; default 1; 0 freezes it */
  float bias_learning_rate;             /* a further factor for biases and norms' shifts; divides their weight decay; default 1 */
  int unfreeze_after;                   /* epochs for which the encoder stays frozen first; default 0 */
  hg_augmentation augment;
  hg_corruption corrupt;
  const char *checkpoint;    /* path of the resumable checkpoint; NULL = none. Training goes on from it if it is there. */
  double checkpoint_seconds; /* at most this long between two; default 30. One is written after every epoch too. */
  bool (*progress)(void *context, const hg_progress *progress); /* false = stop after a checkpoint; may be NULL */
  void *progress_context;
} hg_train_settings;

HG_API hg_train_settings hg_train_settings_default(void);

typedef struct hg_history {
  hg_epoch *epochs;
  int count;
  int best_epoch; /* whose weights are kept, from 1: by early stopping's monitor where that restores the best, else the last */
  bool stopped_early;
  double seconds;           /* spent training, over all sittings */
  double images_per_second; /* training steps only */
} hg_history;

HG_API void hg_history_release(hg_history *history);

/* Where a first layer's kernel_initializer is HG_INIT_WHITENING: puts the principal components of the images' patches there, each
 * and its negative, over the root of its variance and a little more; a bias makes their mean 0. Else nothing. hg_train does so
 * where it was not done. HG_USAGE: no weights yet, or images of another shape; HG_DATA: images of one colour. */
HG_API hg_code hg_network_whiten(hg_network *network, const hg_dataset *images, hg_error *error);

/* Trains on `train`; validation may be NULL. On HG_DIVERGED and HG_INTERRUPTED the network holds the last good state and
 * *history what was finished. Initialises the weights from settings->seed, and whitens, where that was not done before. history
 * may be NULL; the caller releases it, and after other errors it is empty. HG_USAGE: a setting out of its range; no loss; data
 * that is empty, of another shape, of more classes than the classifier has outputs, or without the labels that a loss needs;
 * early stopping on a figure that there is none of. HG_DATA: a checkpoint that is damaged; HG_VERIFY: a checkpoint of another
 * training.
 */
HG_API hg_code hg_train(hg_network *network, const hg_dataset *train, const hg_dataset *validation,
                        const hg_train_settings *settings, hg_history *history, hg_error *error);

/* Mean losses and accuracy over a data set; NaN where a block is missing. */
typedef struct hg_scores {
  double loss, reconstruction_loss, classification_loss, center_loss, accuracy;
} hg_scores;

/* corrupt: what is done to the input, NULL = nothing; `seed` addresses its random numbers, so that every sample has the same
 * noise each time. threads: 0 = as many as there are. HG_USAGE: the network has no weights yet, or the data is empty, of another
 * shape, or of more classes than the classifier has outputs. */
HG_API hg_code hg_evaluate(hg_network *network, const hg_dataset *dataset, const hg_corruption *corrupt, uint64_t seed,
                           int threads, hg_scores *scores, hg_error *error);

#ifdef __cplusplus
}
#endif
#endif
