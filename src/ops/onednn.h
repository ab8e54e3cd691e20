/* What the oneDNN versions of the operators share.
 *
 * A step is one primitive with its operands. An operand has two memories: ours, in the layout of ops/op.h, whose address
 * is set before each run, and the library's, in the layout the primitive asked for, with a reorder between them where
 * they differ. A variant is the steps for one number of samples; variants are made as batch sizes appear, the full
 * batch's in prepare. Where one cannot be made the native operator does the call. */
#ifndef HG_OPS_ONEDNN_H
#define HG_OPS_ONEDNN_H

#include "ops/native.h"

#include <oneapi/dnnl/dnnl.h>

/* Steps by what they do; an operator uses those it has. */
enum {
  HG_ONEDNN_FORWARD,
  HG_ONEDNN_ACTIVATE,   /* the forward activation, where it is not an attribute of the forward step */
  HG_ONEDNN_ACTIVATION, /* its gradient */
  HG_ONEDNN_DATA,
  HG_ONEDNN_WEIGHTS,
  HG_ONEDNN_STEPS
};
enum { HG_ONEDNN_OPERANDS = 9 };

typedef struct hg_onednn_operand {
  int argument; /* DNNL_ARG_... */
  bool output;
  dnnl_memory_t ours, library; /* the same one where no reorder is needed */
  dnnl_primitive_t reorder;
  void *buffer; /* the library's side, where it is another */
} hg_onednn_operand;

typedef struct hg_onednn_step {
  dnnl_primitive_desc_t desc; /* hint for the backward steps */
  dnnl_primitive_t primitive; /* NULL: there is no such step */
  int count;
  hg_onednn_operand operand[HG_ONEDNN_OPERANDS];
} hg_onednn_step;

typedef struct hg_onednn_variant {
  int n;
  bool training;
  hg_onednn_step step[HG_ONEDNN_STEPS];
  dnnl_memory_t workspace; /* from forward to backward; pooling */
  void *workspace_buffer;
} hg_onednn_variant;

typedef struct hg_onednn hg_onednn;
/* Fills a variant whose n and training are set; false where the library has no such primitive. */
typedef bool hg_onednn_maker(const hg_onednn *library, const hg_op_node *node, hg_onednn_variant *variant);

struct hg_onednn {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  hg_onednn_maker *make;
  hg_onednn_variant *variants;
  size_t count, capacity;
};

/* prepare and release of every oneDNN operator; the first also makes the full batch's variant. */
hg_code hg_onednn_prepare(hg_op_node *node, hg_onednn_maker *make, hg_error *error);
void hg_onednn_release(hg_op_node *node);

/* The variant for a call; NULL where it cannot be made. */
hg_onednn_variant *hg_onednn_variant_of(const hg_op_call *call);
/* The same, NULL where it was not made: for a backward call that goes on from what the forward call's variant left. */
hg_onednn_variant *hg_onednn_variant_made(const hg_op_call *call);

/* (n, H, W, C) as the library writes it; (n, values) flat; a vector; the tag's strides otherwise. */
dnnl_memory_desc_t hg_onednn_images(int n, hg_shape shape);
dnnl_memory_desc_t hg_onednn_rows(int n, hg_shape shape);
dnnl_memory_desc_t hg_onednn_vector(int count);
dnnl_memory_desc_t hg_onednn_tensor(int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag);

/* Makes the primitive. attr and hint may be NULL. */
bool hg_onednn_step_make(const hg_onednn *library, hg_onednn_step *step, const_dnnl_op_desc_t op,
                         const_dnnl_primitive_attr_t attr, const hg_onednn_step *hint);
/* Adds an operand in our layout `ours`; returns false when out of memory. Operands are numbered from 0. */
bool hg_onednn_step_add(const hg_onednn *library, hg_onednn_step *step, int argument, bool output,
                        const dnnl_memory_desc_t *ours);
/* Runs the step on one address for each operand. `workspace` may be NULL. Where the library fails the outputs are filled with
 * NaN, so that the loss is no number and the training stops as one that diverged, not with figures of a step that was left out.
 */
void hg_onednn_step_run(const hg_onednn *library, const hg_onednn_step *step, dnnl_memory_t workspace,
                        const void *const *addresses);

/* The activation of a fused layer as an attribute of its forward step; NULL for linear. */
bool hg_onednn_fuse(const hg_layer *layer, dnnl_primitive_attr_t *attr);

/* The activation as a step of its own, and its gradient; nothing for linear. Operands: input, output; and the output (for
 * gelu the input), the output's gradient, the input's gradient. Input and output may be the same place. */
bool hg_onednn_activate_step(const hg_onednn *library, const hg_layer *layer, const dnnl_memory_desc_t *data,
                             hg_onednn_step *step);
bool hg_onednn_activation_step(const hg_onednn *library, const hg_layer *layer, const dnnl_memory_desc_t *data,
                               hg_onednn_step *step);
/* Turns call->output_gradient into the gradient before the activation, if there is one. */
void hg_onednn_run_activation(const hg_onednn *library, const hg_onednn_variant *variant, const hg_op_call *call);

static inline hg_onednn *hg_onednn_of(const hg_op_node *node) { return node->state; }

/* shape, parameters, memory and multiply_adds of the native operator, which serve here too. */
hg_code hg_onednn_shape(const hg_layer *layer, hg_shape input, hg_shape *output, hg_error *error);
int hg_onednn_parameters(const hg_layer *layer, hg_shape input, hg_shape output, hg_parameter list[HG_OP_PARAMETERS]);
hg_op_memory hg_onednn_memory(const hg_op_node *node);
int64_t hg_onednn_multiply_adds(const hg_op_node *node);

/* The rows of the table, one file each: onednn_weighted.c, onednn_pool.c, onednn_norm.c, onednn_activation.c. */
extern const hg_op hg_onednn_dense, hg_onednn_conv2d, hg_onednn_conv2d_transpose;
extern const hg_op hg_onednn_max_pool2d, hg_onednn_average_pool2d, hg_onednn_global_average_pool2d;
extern const hg_op hg_onednn_batch_norm, hg_onednn_activation;

#endif
