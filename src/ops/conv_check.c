#include "ops/conv_check.h"

#include "ops/native.h"

hg_code hg_conv_check(const hg_layer *layer, hg_shape input, hg_error *error) {
  const int *kernel = layer->kernel_size, *strides = layer->strides;
  hg_code code = hg_shape_check(input, "input", error);
  if (code == HG_OK) code = hg_activation_check(layer, error);
  if (code != HG_OK) return code;
  if (layer->filters < 1) return hg_fail(error, HG_USAGE, NULL, "filters is %d; it must be at least 1", layer->filters);
  for (int i = 0; i < 2; i++) {
    if (kernel[i] < 1 || kernel[i] > HG_MOST_KERNEL)
      return hg_fail(error, HG_USAGE, NULL, "kernel_size is %dx%d; its sides must be 1 to %d", kernel[0], kernel[1],
                     HG_MOST_KERNEL);
    if (strides[i] < 1 || strides[i] > HG_MOST_KERNEL)
      return hg_fail(error, HG_USAGE, NULL, "strides is %dx%d; its sides must be 1 to %d", strides[0], strides[1],
                     HG_MOST_KERNEL);
  }
  int64_t window = (int64_t)kernel[0] * kernel[1];
  if (input.channels > HG_MOST_VALUES / window || layer->filters > HG_MOST_VALUES / (window * input.channels))
    return hg_fail(error, HG_USAGE, NULL, "filters %d with kernel %dx%d on a %dx%dx%d input makes more than %d weights",
                   layer->filters, kernel[0], kernel[1], input.height, input.width, input.channels, HG_MOST_VALUES);
  return HG_OK;
}

hg_conv_finish hg_conv_finish_of(const hg_op_call *call) {
  const hg_layer *layer = &call->node->layer;
  return (hg_conv_finish){
      .bias = layer->use_bias ? call->values[1] : NULL, .activation = layer->activation, .negative_slope = layer->negative_slope};
}
