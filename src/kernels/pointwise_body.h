/* The body of every version of the kernels: included once by each pointwise_ISA.c, compiled with that version's flags. */
#ifndef HG_KERNELS_POINTWISE_BODY_H
#define HG_KERNELS_POINTWISE_BODY_H

#include "kernels/pointwise_activation.h"
#include "kernels/pointwise_block.h"
#include "kernels/pointwise_loss.h"
#include "kernels/pointwise_norm.h"
#include "kernels/pointwise_norm_pool.h"
#include "kernels/pointwise_pool.h"
#include "kernels/pointwise_update.h"

/* The product with 1 / 255 and its error give the quotient's very bits, for every byte. */
static void scale_pixels(int64_t count, const uint8_t *restrict pixels, float *restrict values) {
  const float part = 1.0f / 255.0f;
  for (int64_t i = 0; i < count; i++) {
    float x = pixels[i], quotient = x * part;
    values[i] = fmaf(fmaf(-255.0f, quotient, x), part, quotient);
  }
}

static const hg_pointwise_kernels kernels = {
    .activate = activate,
    .activate_gradient = activate_gradient,
    .exponential = exponential,
    .softmax = softmax,
    .softmax_gradient = softmax_gradient,
    .dropout = dropout,
    .max_pool = max_pool,
    .max_pool_gradient = max_pool_gradient,
    .average_pool = average_pool,
    .average_pool_gradient = average_pool_gradient,
    .max_pool_code = max_pool_code,
    .max_pool_scatter = max_pool_scatter,
    .mark_code = mark_code,
    .dropout_code = dropout_code,
    .undrop_code = undrop_code,
    .add = add_row,
    .upsample = upsample,
    .upsample_gradient = upsample_gradient,
    .moments = moments,
    .normalize = normalize,
    .norm_sums = norm_sums,
    .norm_relu_sums = norm_relu_sums,
    .norm_gradient = norm_gradient,
#if defined(__AVX512F__)
    .norm_pool_code = norm_pool_code,
    .norm_scatter = norm_scatter,
    .norm_scatter_sums = norm_scatter_sums,
#endif
    .squared_error = squared_error,
    .bce_logits = bce_logits,
    .bce_probabilities = bce_probabilities,
    .cross_entropy = cross_entropy,
    .sum_of_squares = sum_of_squares,
    .sgd = sgd,
    .adam = adam,
    .scale_pixels = scale_pixels,
};

#endif
