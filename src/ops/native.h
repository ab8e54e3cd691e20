/* The rows of the native operators' table; op.c puts them together. */
#ifndef HG_OPS_NATIVE_H
#define HG_OPS_NATIVE_H

#include "base/shape.h"
#include "kernels/pointwise.h"
#include "ops/op.h"

extern const hg_op hg_op_dense, hg_op_conv2d, hg_op_conv2d_transpose;
extern const hg_op hg_op_max_pool2d, hg_op_average_pool2d, hg_op_global_average_pool2d;
extern const hg_op hg_op_upsample2d, hg_op_batch_norm, hg_op_dropout, hg_op_flatten, hg_op_reshape, hg_op_activation;

/* Most values of one sample and most values of one tensor, so that no size or offset of a batch overflows. */
enum { HG_MOST_VALUES = 1 << 28 };

/* HG_USAGE unless every side is at least 1 and the whole at most HG_MOST_VALUES. `what` is "input" or "output". */
hg_code hg_shape_check(hg_shape shape, const char *what, hg_error *error);

/* HG_USAGE where the activation's own settings are out of range. */
hg_code hg_activation_check(const hg_layer *layer, hg_error *error);

/* linear, relu, leaky_relu, sigmoid and tanh: those whose gradient follows from the output alone. */
bool hg_activation_fuses(hg_activation activation);

/* One side of a window that moves over an image. HG_USAGE with both sizes in the message where nothing fits. */
typedef struct hg_window {
  int size, stride;
  int out;    /* places along this side */
  int before; /* padded places before the first pixel */
} hg_window;
hg_code hg_window_place(int in, int size, int stride, hg_padding padding, const char *side, hg_window *window, hg_error *error);

/* A placed max_pool2d or average_pool2d, and an upsample2d, as the kernels want them. */
hg_pool_shape hg_pool_window(const hg_op_node *node);
hg_pool_shape hg_upsample_shape(const hg_op_node *node);

#endif
