/* Pooling over oneDNN. Where the library remembers each maximum, it does so in a workspace of its own. */
#include "base/alloc.h"
#include "ops/onednn.h"

typedef struct geometry {
  dnnl_memory_desc_t input, output;
  dnnl_dims_t size, strides, before, after;
} geometry;

static geometry geometry_of(const hg_op_node *node, int n) {
  const hg_layer *layer = &node->layer;
  bool whole = layer->kind == HG_GLOBAL_AVERAGE_POOL2D;
  int in[2] = {node->input.height, node->input.width}, out[2] = {node->output.height, node->output.width};
  geometry g = {.input = hg_onednn_images(n, node->input), .output = hg_onednn_images(n, node->output)};
  for (int side = 0; side < 2; side++) {
    g.size[side] = whole ? in[side] : layer->kernel_size[side];
    g.strides[side] = whole ? 1 : layer->strides[side] == 0 ? layer->kernel_size[side] : layer->strides[side];
    int64_t total = (out[side] - 1) * g.strides[side] + g.size[side] - in[side];
    if (layer->padding == HG_VALID || total < 0) total = 0;
    g.before[side] = total / 2;
    g.after[side] = total - total / 2;
  }
  return g;
}

static bool make_workspace(const hg_onednn *library, hg_onednn_variant *variant) {
  const dnnl_memory_desc_t *desc =
      dnnl_primitive_desc_query_md(variant->step[HG_ONEDNN_FORWARD].desc, dnnl_query_workspace_md, 0);
  if (desc == NULL || dnnl_memory_desc_get_size(desc) == 0) return true;
  variant->workspace_buffer = hg_alloc_aligned(dnnl_memory_desc_get_size(desc));
  return variant->workspace_buffer != NULL &&
         dnnl_memory_create(&variant->workspace, desc, library->engine, variant->workspace_buffer) == dnnl_success;
}

static bool make(const hg_onednn *library, const hg_op_node *node, hg_onednn_variant *variant) {
  geometry g = geometry_of(node, variant->n);
  dnnl_alg_kind_t algorithm = node->layer.kind == HG_MAX_POOL2D ? dnnl_pooling_max : dnnl_pooling_avg_exclude_padding;
  hg_onednn_step *forward = &variant->step[HG_ONEDNN_FORWARD], *data = &variant->step[HG_ONEDNN_DATA];
  dnnl_pooling_desc_t op;
  if (dnnl_pooling_forward_desc_init(&op, variant->training ? dnnl_forward_training : dnnl_forward_inference, algorithm, &g.input,
                                     &g.output, g.strides, g.size, g.before, g.after) != dnnl_success ||
      !hg_onednn_step_make(library, forward, &op, NULL, NULL) ||
      !hg_onednn_step_add(library, forward, DNNL_ARG_SRC, false, &g.input) ||
      !hg_onednn_step_add(library, forward, DNNL_ARG_DST, true, &g.output))
    return false;
  if (!variant->training) return true;
  return make_workspace(library, variant) &&
         dnnl_pooling_backward_desc_init(&op, algorithm, &g.input, &g.output, g.strides, g.size, g.before, g.after) ==
             dnnl_success &&
         hg_onednn_step_make(library, data, &op, NULL, forward) &&
         hg_onednn_step_add(library, data, DNNL_ARG_DIFF_DST, false, &g.output) &&
         hg_onednn_step_add(library, data, DNNL_ARG_DIFF_SRC, true, &g.input);
}

static hg_code prepare(hg_op_node *node, hg_error *error) { return hg_onednn_prepare(node, make, error); }

static void forward(const hg_op_call *call) {
  const hg_onednn_variant *variant = hg_onednn_variant_of(call);
  if (variant == NULL) {
    hg_op_native(call->node->layer.kind)->forward(call);
    return;
  }
  hg_onednn_step_run(hg_onednn_of(call->node), &variant->step[HG_ONEDNN_FORWARD], variant->workspace,
                     (const void *[]){call->input, call->output});
}

static void backward(const hg_op_call *call) {
  if (call->input_gradient == NULL) return;
  const hg_onednn_variant *variant = call->training ? hg_onednn_variant_made(call) : NULL;
  if (variant == NULL) {
    hg_op_native(call->node->layer.kind)->backward(call);
    return;
  }
  hg_onednn_step_run(hg_onednn_of(call->node), &variant->step[HG_ONEDNN_DATA], variant->workspace,
                     (const void *[]){call->output_gradient, call->input_gradient});
}

const hg_op hg_onednn_max_pool2d = {.name = "max_pool2d",
                                    .shape = hg_onednn_shape,
                                    .memory = hg_onednn_memory,
                                    .prepare = prepare,
                                    .release = hg_onednn_release,
                                    .forward = forward,
                                    .backward = backward};

const hg_op hg_onednn_average_pool2d = {.name = "average_pool2d",
                                        .shape = hg_onednn_shape,
                                        .memory = hg_onednn_memory,
                                        .prepare = prepare,
                                        .release = hg_onednn_release,
                                        .forward = forward,
                                        .backward = backward};

const hg_op hg_onednn_global_average_pool2d = {.name = "global_average_pool2d",
                                               .shape = hg_onednn_shape,
                                               .memory = hg_onednn_memory,
                                               .prepare = prepare,
                                               .release = hg_onednn_release,
                                               .forward = forward,
                                               .backward = backward};
