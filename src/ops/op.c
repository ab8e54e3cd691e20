#include "ops/native.h"

static const hg_op *const rows[HG_LAYER_KINDS] = {
    [HG_DENSE] = &hg_op_dense,
    [HG_CONV2D] = &hg_op_conv2d,
    [HG_CONV2D_TRANSPOSE] = &hg_op_conv2d_transpose,
    [HG_MAX_POOL2D] = &hg_op_max_pool2d,
    [HG_AVERAGE_POOL2D] = &hg_op_average_pool2d,
    [HG_GLOBAL_AVERAGE_POOL2D] = &hg_op_global_average_pool2d,
    [HG_UPSAMPLE2D] = &hg_op_upsample2d,
    [HG_BATCH_NORM] = &hg_op_batch_norm,
    [HG_DROPOUT] = &hg_op_dropout,
    [HG_FLATTEN] = &hg_op_flatten,
    [HG_RESHAPE] = &hg_op_reshape,
    [HG_ACTIVATION] = &hg_op_activation,
};

const hg_op *hg_op_native(hg_layer_kind kind) { return rows[kind]; }

#ifndef HG_HAS_ONEDNN
const hg_op *hg_op_onednn(const hg_op_node *node) {
  (void)node;
  return NULL;
}
#endif

hg_code hg_shape_check(hg_shape shape, const char *what, hg_error *error) {
  if (shape.height < 1 || shape.width < 1 || shape.channels < 1)
    return hg_fail(error, HG_USAGE, NULL, "the %s %dx%dx%d (height x width x channels) is empty; every side must be at least 1",
                   what, shape.height, shape.width, shape.channels);
  int64_t area = (int64_t)shape.height * shape.width;
  if (area > HG_MOST_VALUES || area * shape.channels > HG_MOST_VALUES)
    return hg_fail(error, HG_USAGE, NULL, "the %s %dx%dx%d (height x width x channels) has more than %d values a sample", what,
                   shape.height, shape.width, shape.channels, HG_MOST_VALUES);
  return HG_OK;
}

hg_code hg_activation_check(const hg_layer *layer, hg_error *error) {
  if ((unsigned)layer->activation >= HG_ACTIVATIONS)
    return hg_fail(error, HG_USAGE, NULL, "activation number %d does not exist", (int)layer->activation);
  if (layer->activation == HG_LEAKY_RELU && !(layer->negative_slope >= 0 && layer->negative_slope <= 1))
    return hg_fail(error, HG_USAGE, NULL, "leaky_relu's negative_slope is %g; it must lie between 0 and 1",
                   (double)layer->negative_slope);
  return HG_OK;
}

bool hg_activation_fuses(hg_activation activation) {
  switch (activation) {
    case HG_LINEAR:
    case HG_RELU:
    case HG_LEAKY_RELU:
    case HG_SIGMOID:
    case HG_TANH:
      return true;
    default:
      return false;
  }
}

static int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

hg_code hg_window_place(int in, int size, int stride, hg_padding padding, const char *side, hg_window *window, hg_error *error) {
  if (size < 1 || stride < 1 || size > HG_MOST_VALUES || stride > HG_MOST_VALUES)
    return hg_fail(error, HG_USAGE, NULL, "a window of %s %d with stride %d is impossible; both must be at least 1", side, size,
                   stride);
  *window = (hg_window){.size = size, .stride = stride};
  if (padding != HG_VALID) {
    window->out = (int)ceiling(in, stride);
    int64_t padded = (int64_t)(window->out - 1) * stride + size - in;
    window->before = padded > 0 ? (int)(padded / 2) : 0;
    return HG_OK;
  }
  if (size > in)
    return hg_fail(error, HG_USAGE, NULL,
                   "a window of %s %d does not fit an input of %s %d without padding; use padding: same or a smaller window",
                   side, size, side, in);
  window->out = (in - size) / stride + 1;
  return HG_OK;
}
