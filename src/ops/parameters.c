#include "ops/parameters.h"

int hg_weight_and_bias(const hg_layer *layer, hg_parameter weight, int outputs, hg_parameter list[HG_OP_PARAMETERS]) {
  hg_initializer kernel = layer->kernel_initializer, bias = layer->bias_initializer;
  /* PyTorch's default draws the bias as it draws the weight. */
  if (bias == HG_INIT_DEFAULT) bias = kernel == HG_INIT_PYTORCH ? HG_INIT_PYTORCH : HG_INIT_ZEROS;
  if (kernel == HG_INIT_DEFAULT) kernel = HG_INIT_GLOROT_UNIFORM;
  list[0] = weight;
  list[0].name = "weight";
  list[0].trainable = true;
  list[0].freeze = layer->freeze;
  list[0].initializer = kernel;
  if (!layer->use_bias) return 1;
  list[1] = (hg_parameter){.name = "bias",
                           .layout = HG_LAYOUT_VECTOR,
                           .dim = {outputs, 1, 1, 1},
                           .trainable = true,
                           .freeze = layer->freeze,
                           .initializer = bias,
                           .fan_in = weight.fan_in,
                           .fan_out = weight.fan_out};
  return 2;
}
