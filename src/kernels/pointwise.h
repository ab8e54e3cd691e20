/* Kernels without a matrix product: element by element, along a row, or over a small window of an image.
 *
 * Each is one source, plain C loops in pointwise_*.h, compiled once for every instruction set; sums run in a fixed number
 * of lanes and are folded along a fixed tree, so all give the same bits. A call works on one thread; callers cut the
 * work. Feature maps are channels-last. Unless said otherwise arrays do not overlap. */
#ifndef HG_KERNELS_POINTWISE_H
#define HG_KERNELS_POINTWISE_H

#include "kernels/isa.h"

/* A window moving over one image (height, width, channels); pairs are vertical, horizontal. */
typedef struct hg_pool_shape {
  int height, width, channels;
  int out_height, out_width;
  int size[2], stride[2];
  int before[2]; /* ignored places above and left of the image */
} hg_pool_shape;

/* One stretch of an optimizer's work; fields as in ops/op.h's hg_update. */
typedef struct hg_update_rule {
  float learning_rate, weight_decay, scale, clip_value;
  float momentum;
  bool nesterov, first_step;
  float beta_1, beta_2, epsilon, correction_1, correction_2;
  bool decoupled;
} hg_update_rule;

/* What batch norm has of each channel; as the arguments of its kernels below. */
typedef struct hg_norm_vectors {
  const float *mean, *inverse, *scale, *shift, *sum, *product;
} hg_norm_vectors;

/* No place of a window; places in a window that is coded in a byte are below it. */
enum { HG_NO_PLACE = 255 };

typedef struct hg_pointwise_kernels {
  /* y = f(x), and dx = dy * f'. y may be x, dx may be dy. The gradient is taken from `value`: the output y, but for gelu,
   * which needs the input x. Not for softmax. */
  void (*activate)(hg_activation activation, float slope, int64_t count, const float *x, float *y);
  void (*activate_gradient)(hg_activation activation, float slope, int64_t count, const float *value, const float *dy, float *dx);

  /* y = e^x as hg_expf has it; y may be x. */
  void (*exponential)(int64_t count, const float *x, float *y);

  /* One row: y = softmax(x), y may be x; returns log sum exp x. dx = y * (dy - sum(y * dy)), dx may be dy. */
  float (*softmax)(int64_t count, const float *x, float *y);
  void (*softmax_gradient)(int64_t count, const float *y, const float *dy, float *dx);

  /* y = x * scale where the element's random word, shifted to 24 bits, is at least `threshold`, else 0. Element i takes
   * word (i / 16) % 4 of Philox block (i / 64) * 16 + i % 16, which is counter[0]. `first` is a multiple of 64 and
   * x, y point at element `first`. y may be x. */
  void (*dropout)(const uint32_t key[2], const uint32_t counter[4], int64_t first, int64_t count, uint32_t threshold, float scale,
                  const float *x, float *y);

  /* One image. `place` (out_height, out_width, channels) is the index in the window of the first largest value; NULL in
   * inference. Gradients write the whole of dx. */
  void (*max_pool)(const hg_pool_shape *shape, const float *x, float *y, uint16_t *place);
  void (*max_pool_gradient)(const hg_pool_shape *shape, const float *dy, const uint16_t *place, float *dx);
  void (*average_pool)(const hg_pool_shape *shape, const float *x, float *y);
  void (*average_pool_gradient)(const hg_pool_shape *shape, const float *dy, float *dx);

  /* The same with a byte for every output, which also tells where no gradient goes back: HG_NO_PLACE where `positive` and the
   * largest value is not above 0, and where dropout dropped it. Windows have at most HG_NO_PLACE places.
   * scatter: dx = dy * scale at the coded place. dropout: as above, from any `first` on, in place. undrop: where nothing was
   * pooled, dx = dy * scale where the code is 0; dx may be dy. mark: sets code, no pooling. */
  void (*max_pool_code)(const hg_pool_shape *shape, bool positive, const float *x, float *y, uint8_t *code);
  void (*max_pool_scatter)(const hg_pool_shape *shape, float scale, const float *dy, const uint8_t *code, float *dx);
  void (*mark_code)(int64_t count, bool positive, const float *y, uint8_t *code);
  void (*dropout_code)(const uint32_t key[2], const uint32_t counter[4], int64_t first, int64_t count, uint32_t threshold,
                       float scale, float *y, uint8_t *code);
  void (*undrop_code)(int64_t count, float scale, const float *dy, const uint8_t *code, float *dx);

  /* y += x */
  void (*add)(int count, const float *x, float *y);

  /* One image (height, width, channels) enlarged by size[0] x size[1]; shape's other fields are not read. */
  void (*upsample)(const hg_pool_shape *shape, const float *x, float *y);
  void (*upsample_gradient)(const hg_pool_shape *shape, const float *dy, float *dx);

  /* Batch norm over (rows, lanes); vectors have `lanes` values.
   * moments:        sum += x, squares += x * x, in double.
   * normalize:      y = (x - mean) * scale + shift, then relu if so.
   * norm_sums:      sum += dz, products += dz * (x - mean) * inverse, in double.
   * norm_relu_sums: dz = 0 where y is not above 0, then norm_sums.
   * norm_gradient:  dx = scale * (dz - sum - (x - mean) * inverse * product). */
  void (*moments)(int64_t rows, int lanes, const float *x, double *sum, double *squares);
  void (*normalize)(int64_t rows, int lanes, bool relu, const float *x, const float *mean, const float *scale, const float *shift,
                    float *y);
  void (*norm_sums)(int64_t rows, int lanes, const float *dz, const float *x, const float *mean, const float *inverse,
                    double *sum, double *products);
  void (*norm_relu_sums)(int64_t rows, int lanes, const float *y, float *dz, const float *x, const float *mean,
                         const float *inverse, double *sum, double *products);
  void (*norm_gradient)(int64_t rows, int lanes, const float *dz, const float *x, const float *mean, const float *inverse,
                        const float *scale, const float *sum, const float *product, float *dx);

  /* Both at once for one image and windows of 2x2 that lie side by side: normalize, relu if so, max_pool_code; max_pool_scatter,
   * norm_gradient; max_pool_scatter, norm_sums (one row of lanes, pixel by pixel). The same bits. False, and nothing done, where
   * a shape is not served; NULL in versions without. */
  bool (*norm_pool_code)(const hg_pool_shape *shape, bool relu, const hg_norm_vectors *norm, const float *x, float *y,
                         uint8_t *code);
  bool (*norm_scatter)(const hg_pool_shape *shape, float scale, const hg_norm_vectors *norm, const float *dy, const uint8_t *code,
                       const float *x, float *dx);
  bool (*norm_scatter_sums)(const hg_pool_shape *shape, float scale, const hg_norm_vectors *norm, const float *dy,
                            const uint8_t *code, const float *x, double *sum, double *products);

  /* Losses of one sample: return the sum over its elements; gradient (may be NULL) is dloss/doutput * scale. */
  double (*squared_error)(int64_t count, const float *output, const float *target, float scale, float *gradient);
  double (*bce_logits)(int64_t count, const float *output, const float *target, float scale, float *gradient);
  double (*bce_probabilities)(int64_t count, const float *output, const float *target, float scale, float *gradient);
  float (*cross_entropy)(int count, const float *logits, int label, float smoothing, float scale, float *gradient);

  /* sum x * x in double. */
  double (*sum_of_squares)(int64_t count, const float *x);

  /* Optimizer steps; see ops/op.h. (rows, columns) of a tensor whose rows lie `row` floats apart in value and moments, and
   * `gradient_row` in the gradient. */
  void (*sgd)(const hg_update_rule *rule, int rows, int64_t columns, const float *gradient, ptrdiff_t gradient_row, float *value,
              float *momentum, ptrdiff_t row);
  void (*adam)(const hg_update_rule *rule, int rows, int64_t columns, const float *gradient, ptrdiff_t gradient_row, float *value,
               float *moment_1, float *moment_2, ptrdiff_t row);

  /* values = pixels / 255, each rounded once. */
  void (*scale_pixels)(int64_t count, const uint8_t *pixels, float *values);
} hg_pointwise_kernels;

/* The version for hg_isa_get(). */
const hg_pointwise_kernels *hg_pointwise(void);

/* Each version; callable only where the processor runs it. */
const hg_pointwise_kernels *hg_pointwise_generic(void);
const hg_pointwise_kernels *hg_pointwise_avx2(void);
const hg_pointwise_kernels *hg_pointwise_avx512(void);

#endif
