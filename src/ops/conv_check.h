/* What conv2d and conv2d_transpose ask of a layer alike. */
#ifndef HG_OPS_CONV_CHECK_H
#define HG_OPS_CONV_CHECK_H

#include "ops/conv_map.h"

/* Most of a kernel's side and of a stride. */
enum { HG_MOST_KERNEL = 1024 };

/* HG_USAGE where filters, kernel_size, strides, activation or the number of weights are out of range. */
hg_code hg_conv_check(const hg_layer *layer, hg_shape input, hg_error *error);

/* The layer's bias and activation. */
hg_conv_finish hg_conv_finish_of(const hg_op_call *call);

#endif
