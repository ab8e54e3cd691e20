/* The activation layer over oneDNN: element by element, or softmax over the flattened sample. */
#include "ops/onednn.h"

static bool make_softmax(const hg_onednn *library, const dnnl_memory_desc_t *rows, hg_onednn_variant *variant) {
  hg_onednn_step *forward = &variant->step[HG_ONEDNN_ACTIVATE], *data = &variant->step[HG_ONEDNN_ACTIVATION];
  dnnl_softmax_v2_desc_t op;
  return dnnl_softmax_v2_forward_desc_init(&op, dnnl_forward_training, dnnl_softmax_accurate, rows, rows, 1) == dnnl_success &&
         hg_onednn_step_make(library, forward, &op, NULL, NULL) &&
         hg_onednn_step_add(library, forward, DNNL_ARG_SRC, false, rows) &&
         hg_onednn_step_add(library, forward, DNNL_ARG_DST, true, rows) &&
         dnnl_softmax_v2_backward_desc_init(&op, dnnl_softmax_accurate, rows, rows, rows, 1) == dnnl_success &&
         hg_onednn_step_make(library, data, &op, NULL, forward) && hg_onednn_step_add(library, data, DNNL_ARG_DST, false, rows) &&
         hg_onednn_step_add(library, data, DNNL_ARG_DIFF_DST, false, rows) &&
         hg_onednn_step_add(library, data, DNNL_ARG_DIFF_SRC, true, rows);
}

static bool make(const hg_onednn *library, const hg_op_node *node, hg_onednn_variant *variant) {
  dnnl_memory_desc_t rows = hg_onednn_rows(variant->n, node->input);
  if (node->layer.activation == HG_SOFTMAX) return make_softmax(library, &rows, variant);
  return hg_onednn_activate_step(library, &node->layer, &rows, &variant->step[HG_ONEDNN_ACTIVATE]) &&
         hg_onednn_activation_step(library, &node->layer, &rows, &variant->step[HG_ONEDNN_ACTIVATION]);
}

static hg_code prepare(hg_op_node *node, hg_error *error) { return hg_onednn_prepare(node, make, error); }

static void forward(const hg_op_call *call) {
  const hg_onednn_variant *variant = hg_onednn_variant_of(call);
  if (variant == NULL)
    hg_op_native(HG_ACTIVATION)->forward(call);
  else
    hg_onednn_step_run(hg_onednn_of(call->node), &variant->step[HG_ONEDNN_ACTIVATE], NULL,
                       (const void *[]){call->input, call->output});
}

static void backward(const hg_op_call *call) {
  if (call->input_gradient == NULL) return;
  const hg_onednn_variant *variant = hg_onednn_variant_of(call);
  const float *value = call->node->layer.activation == HG_GELU ? call->input : call->output;
  if (variant == NULL)
    hg_op_native(HG_ACTIVATION)->backward(call);
  else
    hg_onednn_step_run(hg_onednn_of(call->node), &variant->step[HG_ONEDNN_ACTIVATION], NULL,
                       (const void *[]){value, call->output_gradient, call->input_gradient});
}

const hg_op hg_onednn_activation = {.name = "activation",
                                    .shape = hg_onednn_shape,
                                    .prepare = prepare,
                                    .release = hg_onednn_release,
                                    .forward = forward,
                                    .backward = backward,
                                    .backward_reads_input = true, /* gelu */
                                    .backward_reads_output = true};
