#include "hourglass.h"

static const char *const kinds[HG_LAYER_KINDS] = {
    [HG_DENSE] = "dense",
    [HG_CONV2D] = "conv2d",
    [HG_CONV2D_TRANSPOSE] = "conv2d_transpose",
    [HG_MAX_POOL2D] = "max_pool2d",
    [HG_AVERAGE_POOL2D] = "average_pool2d",
    [HG_GLOBAL_AVERAGE_POOL2D] = "global_average_pool2d",
    [HG_UPSAMPLE2D] = "upsample2d",
    [HG_BATCH_NORM] = "batch_norm",
    [HG_DROPOUT] = "dropout",
    [HG_FLATTEN] = "flatten",
    [HG_RESHAPE] = "reshape",
    [HG_ACTIVATION] = "activation",
};
static const char *const activations[HG_ACTIVATIONS] = {
    [HG_LINEAR] = "linear",   [HG_RELU] = "relu", [HG_LEAKY_RELU] = "leaky_relu", [HG_GELU] = "gelu",
    [HG_SIGMOID] = "sigmoid", [HG_TANH] = "tanh", [HG_SOFTMAX] = "softmax",
};
static const char *const paddings[] = {[HG_VALID] = "valid", [HG_SAME] = "same", [HG_REPLICATE] = "replicate"};
static const char *const initializers[] = {
    [HG_INIT_DEFAULT] = "default",
    [HG_INIT_ZEROS] = "zeros",
    [HG_INIT_ONES] = "ones",
    [HG_INIT_GLOROT_UNIFORM] = "glorot_uniform",
    [HG_INIT_GLOROT_NORMAL] = "glorot_normal",
    [HG_INIT_HE_UNIFORM] = "he_uniform",
    [HG_INIT_HE_NORMAL] = "he_normal",
    [HG_INIT_PYTORCH] = "pytorch",
    [HG_INIT_DIRAC] = "dirac",
    [HG_INIT_WHITENING] = "whitening",
};

#define NAME_OF(names, value) \
  ((unsigned)(value) < sizeof(names) / sizeof((names)[0]) && (names)[value] != NULL ? (names)[value] : "")

const char *hg_layer_kind_name(hg_layer_kind kind) { return NAME_OF(kinds, kind); }
const char *hg_activation_name(hg_activation activation) { return NAME_OF(activations, activation); }
const char *hg_padding_name(hg_padding padding) { return NAME_OF(paddings, padding); }
const char *hg_initializer_name(hg_initializer initializer) { return NAME_OF(initializers, initializer); }

hg_layer hg_layer_default(hg_layer_kind kind) {
  hg_layer layer = {
      .kind = kind,
      .strides = {1, 1},
      .momentum = 0.9f,
      .epsilon = 1e-5f,
      .scale = true,
      .negative_slope = 0.01f,
      .use_bias = true,
  };
  if (kind == HG_MAX_POOL2D || kind == HG_AVERAGE_POOL2D) layer.strides[0] = layer.strides[1] = 0;
  return layer;
}

hg_losses hg_losses_default(void) {
  return (hg_losses){.reconstruction_weight = 1, .classification_weight = 1, .center_rate = 0.5f};
}
