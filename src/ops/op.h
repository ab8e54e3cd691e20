/* What an operator is: shape check, parameters, memory, forward, backward, in one row of a table.
 *
 * Feature maps are (n, H, W, C), channels-last. Weights inside the engine lie as the inner kernel reads them, the outputs
 * contiguous: dense (in, out); conv2d (kh, kw, in, out); conv2d_transpose (kh, kw, in, out). store/ and net/weights.c turn
 * them into PyTorch's layouts.
 *
 * Same bits: an operator cuts its work into tasks by shapes and batch alone. An output element is one chain of fused
 * multiply-adds in a fixed order, or a fixed tree over fixed pieces of the batch; threads only choose who computes it. */
#ifndef HG_OPS_OP_H
#define HG_OPS_OP_H

#include "base/parallel.h"
#include "base/status.h"

enum { HG_OP_PARAMETERS = 6 }; /* most of one operator: a convolution with its batch_norm */

typedef enum hg_layout { HG_LAYOUT_VECTOR, HG_LAYOUT_DENSE, HG_LAYOUT_CONV, HG_LAYOUT_CONV_TRANSPOSE } hg_layout;

/* One tensor an operator owns. */
typedef struct hg_parameter {
  const char *name; /* "weight", "bias", "running_mean", "running_var" */
  hg_layout layout;
  int dim[4]; /* dense: {in, out}; conv: {kh, kw, in, out}; vector: {count}; unused ones are 1 */
  bool trainable;
  bool freeze;                /* trainable, but to stay at its first values */
  hg_initializer initializer; /* never HG_INIT_DEFAULT */
  int fan_in, fan_out;        /* as PyTorch and Keras count them: receptive field times channels */
} hg_parameter;

static inline int64_t hg_parameter_count(const hg_parameter *parameter) {
  return (int64_t)parameter->dim[0] * parameter->dim[1] * parameter->dim[2] * parameter->dim[3];
}

/* Float counts of the memory an operator wants from the plan, for one batch size. */
typedef struct hg_op_memory {
  size_t saved;   /* lives from forward to backward: argmax, normalised values, masks */
  size_t scratch; /* lives during one call: packed weights, padded images for each thread, partial sums */
} hg_op_memory;

/* A layer placed in a network: everything fixed before the first batch. Made by the graph, read by the operator. */
typedef struct hg_op_node {
  hg_layer layer;         /* activation is LINEAR, RELU, LEAKY_RELU, SIGMOID or TANH where it is fused (see fuses) */
  hg_shape input, output; /* of one sample */
  int index;              /* unique in the network; keys random streams */
  int batch;              /* most samples in a call */
  int threads;            /* of the pool that will run it; may size scratch, must not change results */
  bool training;          /* memory for a backward pass is wanted */
  bool input_gradient;    /* backward must give dL/dinput; false for a first layer */
  bool winograd;          /* convolutions by Winograd's algorithm in training too, where it serves */
  void *state;            /* what prepare made */
} hg_op_node;

/* One execution. Pointers are into the plan's arena. */
typedef struct hg_op_call {
  const hg_op_node *node;
  hg_pool *pool;
  int n;                                             /* samples in this batch, 1..node->batch */
  bool training;                                     /* dropout drops, batch_norm uses and updates batch statistics */
  uint64_t seed;                                     /* of the run: dropout */
  uint32_t step;                                     /* training steps done so far in the run: dropout */
  const float *input;                                /* (n, H, W, C) */
  float *output;                                     /* (n, H', W', C') */
  float *output_gradient;                            /* backward: dL/doutput; the operator may overwrite it */
  float *input_gradient;                             /* backward: written, not added to; NULL unless node->input_gradient */
  float *values[HG_OP_PARAMETERS];                   /* parameters, in the order of parameters() */
  float *gradients[HG_OP_PARAMETERS];                /* backward: written, not added to; NULL where not trainable or frozen */
  const struct hg_update *updates[HG_OP_PARAMETERS]; /* backward, where the operator applies them: see hg_op. NULL = none */
  float *saved, *scratch;
} hg_op_call;

typedef struct hg_op {
  const char *name; /* the layer's name in a study file */

  /* True if this activation can be folded into the operator; the graph places a separate node where not. NULL = none. */
  bool (*fuses)(hg_activation activation);

  /* Sets *output, or HG_USAGE with the layer's settings and the shapes in the message (the graph adds the layer's place). */
  hg_code (*shape)(const hg_layer *layer, hg_shape input, hg_shape *output, hg_error *error);

  /* Fills parameters[] and returns how many there are; NULL = none. */
  int (*parameters)(const hg_layer *layer, hg_shape input, hg_shape output, hg_parameter parameters[HG_OP_PARAMETERS]);

  /* NULL = none. */
  hg_op_memory (*memory)(const hg_op_node *node);

  /* Multiply-adds of one sample's forward pass by the direct algorithm; NULL = 0. */
  int64_t (*multiply_adds)(const hg_op_node *node);
  /* Those really done in inference, and in training by a node of `winograd`, whose gradients take about as many each; where
   * another algorithm does less. NULL = multiply_adds. */
  int64_t (*multiply_adds_done)(const hg_op_node *node);

  /* Optional: work done once at planning (oneDNN primitives, tables); result in node->state. */
  hg_code (*prepare)(hg_op_node *node, hg_error *error);
  void (*release)(hg_op_node *node);

  void (*forward)(const hg_op_call *call);
  void (*backward)(const hg_op_call *call);

  /* backward applies call->updates itself as soon as a part of a gradient is known and nothing reads the values any more;
   * gradients[] of such a tensor are then not written. Where false the caller applies them after backward. */
  bool applies_updates;

  bool backward_reads_input, backward_reads_output; /* the plan keeps them alive until then */
  bool alias;                                       /* output is the input under another shape: nothing to run */
} hg_op;

/* The operator of a layer; never NULL. */
const hg_op *hg_op_native(hg_layer_kind kind);
/* oneDNN's version for this placed layer, or NULL where it has none ("I can't do this one"): the native one serves. */
const hg_op *hg_op_onednn(const hg_op_node *node);

/* ---- Losses: not layers, but of the same make. Each writes the gradient with respect to its input, scaled by
 * weight / (n * elements), and returns the unweighted mean. Sums run in double over samples in order. */

typedef struct hg_loss_call {
  hg_pool *pool;
  int n;
  hg_shape shape;        /* of one sample of output */
  const float *output;   /* reconstruction or logits (n, H, W, C) */
  const float *target;   /* (n, H, W, C), reconstruction losses */
  const int32_t *labels; /* (n), classification and center losses */
  float weight;          /* of this loss in the sum */
  float label_smoothing;
  float *gradient;   /* (n, H, W, C): written; NULL in evaluation */
  float *per_sample; /* (n): mean loss of each sample; never NULL */
} hg_loss_call;

double hg_loss_mse(const hg_loss_call *call);
double hg_loss_bce_logits(const hg_loss_call *call);        /* output = logits of the sigmoid */
double hg_loss_bce_probabilities(const hg_loss_call *call); /* logarithms clamped at -100, as PyTorch's BCELoss */
double hg_loss_cross_entropy(const hg_loss_call *call);     /* output = logits */

/* Center loss on codes (n, D): mean of |x - c_y|^2 / 2. The centers (classes, D) move by center_rate towards the mean of
 * their samples: c -= rate * sum(c - x) / (1 + count), in training only (centers != const when rate > 0).
 * gradient is ADDED to, since the code feeds other losses too. `scratch` holds classes * (D + 1) floats. */
double hg_loss_center(const hg_loss_call *call, float *centers, int classes, float rate, float *scratch);

/* Rows of n probabilities from logits, and the number of rows whose largest logit (the first, at a tie) is the label's. */
void hg_softmax_rows(hg_pool *pool, int n, int classes, const float *logits, float *probabilities);
int64_t hg_count_correct(int n, int classes, const float *logits, const int32_t *labels);

/* ---- Optimizer steps over one tensor of `count` values, element by element, vectorised, spread over the pool.
 * `scale` multiplies the gradient first (clipping by norm); clip_value > 0 cuts it to [-v, v] after that. */
typedef struct hg_update {
  int64_t count;
  float *value;
  const float *gradient;
  float *moment_1, *moment_2; /* sgd with momentum: moment_1; adam: both */
  float learning_rate, weight_decay, scale, clip_value;
  float momentum;
  bool nesterov, first_step; /* first_step: sgd's momentum buffer is set to the gradient, as in PyTorch */
  float beta_1, beta_2, epsilon;
  float correction_1, correction_2; /* 1 - beta^t */
  bool decoupled;                   /* adamw */
  bool adaptive;                    /* adam or adamw, not sgd */
} hg_update;

/* The step that `adaptive` says; Adam's in PyTorch's form, m / c1 / (sqrt(v) / sqrt(c2) + eps). */
void hg_update_apply(hg_pool *pool, const hg_update *update);
/* The same, here and now, of a part: (rows, columns) from element `first` on, whose rows lie `row` floats apart in the tensor
 * and `gradient_row` in this gradient. update->gradient is not read. */
void hg_update_part(const hg_update *update, int64_t first, int rows, int64_t columns, const float *gradient,
                    ptrdiff_t gradient_row, ptrdiff_t row);

/* Sum of squares in double over fixed pieces, in order. */
double hg_sum_of_squares(hg_pool *pool, const float *values, int64_t count);

#endif
