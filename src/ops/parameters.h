/* The weight and the bias of dense, conv2d and conv2d_transpose. */
#ifndef HG_OPS_PARAMETERS_H
#define HG_OPS_PARAMETERS_H

#include "ops/op.h"

/* Fills list[0] with `weight` (name, layout, dim and fans set), list[1] with the layer's bias if it has one, and the
 * initializers of both. Returns how many there are. */
int hg_weight_and_bias(const hg_layer *layer, hg_parameter weight, int outputs, hg_parameter list[HG_OP_PARAMETERS]);

#endif
