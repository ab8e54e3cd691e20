/* batch_norm over oneDNN. saved holds the batch's mean and biased variance. */
#include "ops/onednn.h"

#include <math.h>

enum { WEIGHT, BIAS, RUNNING_MEAN, RUNNING_VAR };

static bool make_forward(const hg_onednn *library, const hg_op_node *node, const dnnl_memory_desc_t *data,
                         const dnnl_memory_desc_t *vector, hg_onednn_variant *variant) {
  hg_onednn_step *step = &variant->step[HG_ONEDNN_FORWARD];
  unsigned flags = (unsigned)dnnl_use_scale | (unsigned)dnnl_use_shift;
  if (!variant->training) flags |= (unsigned)dnnl_use_global_stats;
  dnnl_batch_normalization_desc_t op;
  return dnnl_batch_normalization_forward_desc_init(&op, variant->training ? dnnl_forward_training : dnnl_forward_inference, data,
                                                    node->layer.epsilon, flags) == dnnl_success &&
         hg_onednn_step_make(library, step, &op, NULL, NULL) && hg_onednn_step_add(library, step, DNNL_ARG_SRC, false, data) &&
         hg_onednn_step_add(library, step, DNNL_ARG_MEAN, variant->training, vector) &&
         hg_onednn_step_add(library, step, DNNL_ARG_VARIANCE, variant->training, vector) &&
         hg_onednn_step_add(library, step, DNNL_ARG_SCALE, false, vector) &&
         hg_onednn_step_add(library, step, DNNL_ARG_SHIFT, false, vector) &&
         hg_onednn_step_add(library, step, DNNL_ARG_DST, true, data);
}

static bool make_backward(const hg_onednn *library, const hg_op_node *node, const dnnl_memory_desc_t *data,
                          const dnnl_memory_desc_t *vector, hg_onednn_variant *variant) {
  hg_onednn_step *step = &variant->step[HG_ONEDNN_DATA];
  unsigned flags = (unsigned)dnnl_use_scale | (unsigned)dnnl_use_shift;
  dnnl_batch_normalization_desc_t op;
  return dnnl_batch_normalization_backward_desc_init(&op, dnnl_backward, data, data, node->layer.epsilon, flags) ==
             dnnl_success &&
         hg_onednn_step_make(library, step, &op, NULL, &variant->step[HG_ONEDNN_FORWARD]) &&
         hg_onednn_step_add(library, step, DNNL_ARG_SRC, false, data) &&
         hg_onednn_step_add(library, step, DNNL_ARG_MEAN, false, vector) &&
         hg_onednn_step_add(library, step, DNNL_ARG_VARIANCE, false, vector) &&
         hg_onednn_step_add(library, step, DNNL_ARG_SCALE, false, vector) &&
         hg_onednn_step_add(library, step, DNNL_ARG_SHIFT, false, vector) && /* asked for, not read */
         hg_onednn_step_add(library, step, DNNL_ARG_DIFF_DST, false, data) &&
         hg_onednn_step_add(library, step, DNNL_ARG_DIFF_SRC, true, data) &&
         hg_onednn_step_add(library, step, DNNL_ARG_DIFF_SCALE, true, vector) &&
         hg_onednn_step_add(library, step, DNNL_ARG_DIFF_SHIFT, true, vector);
}

static bool make(const hg_onednn *library, const hg_op_node *node, hg_onednn_variant *variant) {
  dnnl_memory_desc_t data = hg_onednn_images(variant->n, node->input), vector = hg_onednn_vector(node->input.channels);
  if (!make_forward(library, node, &data, &vector, variant) ||
      !hg_onednn_activate_step(library, &node->layer, &data, &variant->step[HG_ONEDNN_ACTIVATE]))
    return false;
  return !variant->training || (hg_onednn_activation_step(library, &node->layer, &data, &variant->step[HG_ONEDNN_ACTIVATION]) &&
                                make_backward(library, node, &data, &vector, variant));
}

static hg_code prepare(hg_op_node *node, hg_error *error) { return hg_onednn_prepare(node, make, error); }

static void move_running_statistics(const hg_op_call *call) {
  hg_shape shape = call->node->input;
  double count = (double)call->n * shape.height * shape.width, momentum = (double)call->node->layer.momentum;
  double unbiased = count > 1 ? count / (count - 1) : 1;
  for (int c = 0; c < shape.channels; c++) {
    float *mean = &call->values[RUNNING_MEAN][c], *variance = &call->values[RUNNING_VAR][c];
    *mean = (float)(momentum * (double)*mean + (1 - momentum) * (double)call->saved[c]);
    *variance = (float)(momentum * (double)*variance + (1 - momentum) * unbiased * (double)call->saved[shape.channels + c]);
  }
}

static void forward(const hg_op_call *call) {
  const hg_onednn_variant *variant = hg_onednn_variant_of(call);
  if (variant == NULL) {
    hg_op_native(HG_BATCH_NORM)->forward(call);
    return;
  }
  const hg_onednn *library = hg_onednn_of(call->node);
  const float *mean = call->training ? call->saved : call->values[RUNNING_MEAN];
  const float *variance = call->training ? call->saved + call->node->input.channels : call->values[RUNNING_VAR];
  hg_onednn_step_run(library, &variant->step[HG_ONEDNN_FORWARD], NULL,
                     (const void *[]){call->input, mean, variance, call->values[WEIGHT], call->values[BIAS], call->output});
  if (variant->step[HG_ONEDNN_ACTIVATE].primitive != NULL)
    hg_onednn_step_run(library, &variant->step[HG_ONEDNN_ACTIVATE], NULL, (const void *[]){call->output, call->output});
  if (call->training) move_running_statistics(call);
}

/* The native operator saves 1 / sqrt(variance + epsilon) instead of the variance. */
static void backward_native(const hg_op_call *call, bool saved_variance) {
  int channels = call->node->input.channels;
  for (int c = channels; saved_variance && c < 2 * channels; c++)
    call->saved[c] = (float)(1 / sqrt((double)call->saved[c] + (double)call->node->layer.epsilon));
  hg_op_native(HG_BATCH_NORM)->backward(call);
}

static void backward(const hg_op_call *call) {
  const hg_onednn_variant *variant = call->training ? hg_onednn_variant_made(call) : NULL;
  if (variant == NULL || call->input_gradient == NULL || call->gradients[WEIGHT] == NULL || call->gradients[BIAS] == NULL) {
    backward_native(call, variant != NULL);
    return;
  }
  const hg_onednn *library = hg_onednn_of(call->node);
  hg_onednn_run_activation(library, variant, call);
  hg_onednn_step_run(library, &variant->step[HG_ONEDNN_DATA], NULL,
                     (const void *[]){call->input, call->saved, call->saved + call->node->input.channels, call->values[WEIGHT],
                                      call->values[BIAS], call->output_gradient, call->input_gradient, call->gradients[WEIGHT],
                                      call->gradients[BIAS]});
}

const hg_op hg_onednn_batch_norm = {.name = "batch_norm",
                                    .fuses = hg_activation_fuses,
                                    .shape = hg_onednn_shape,
                                    .parameters = hg_onednn_parameters,
                                    .memory = hg_onednn_memory,
                                    .multiply_adds = hg_onednn_multiply_adds,
                                    .prepare = prepare,
                                    .release = hg_onednn_release,
                                    .forward = forward,
                                    .backward = backward,
                                    .backward_reads_input = true,
                                    .backward_reads_output = true};
