/* The transforms of a 3x3 convolution by Winograd's F(4x4, 3x3): 16 pixels of a map from 36 of an image with 36 products for each
 * pair of channels, where the direct sum takes 144. (Lavin and Gray 2016, Fast algorithms for convolutional neural networks.)
 *
 *   map = A' [(G weight G') * (B' image B)] A      the middle product element by element, summed over channels in
 *   weight's gradient = G' [(A map's gradient A') * (B' image B)] G                        summed over tiles and images
 *
 * The points are 0, +-sqrt(1/2), +-sqrt(2) and infinity, which round less than small integers do. tests/test_winograd.c bounds
 * the error. Vectors run over channels, and each lane does the same few operations in order on every instruction set.
 *
 * Transformed values stand in 36 positions, `position` floats apart. Channels are at least HG_WINOGRAD_CHANNELS. */
#ifndef HG_KERNELS_WINOGRAD_H
#define HG_KERNELS_WINOGRAD_H

#include "kernels/isa.h"

enum { HG_WINOGRAD_TILE = 4, HG_WINOGRAD_SIDE = 6, HG_WINOGRAD_POSITIONS = 36, HG_WINOGRAD_CHANNELS = 16 };

typedef struct hg_winograd_kernels {
  /* For each of `rows` channels in: taps (3, 3) of `channels` floats out, `tap` floats apart, to 36 rows. */
  void (*weight)(int rows, int channels, const float *from, ptrdiff_t from_row, ptrdiff_t tap, float *to, ptrdiff_t to_row,
                 ptrdiff_t position);

  /* The products of a few tiles with a weight that is transformed on the way and never stored; the bits are those of `weight` and
   * the matrix product. image is (tiles, 36, rows), with tiles image_row apart; to (tiles, 36, channels), with positions and
   * tiles so far apart. */
  void (*product)(int rows, int channels, const float *from, ptrdiff_t from_row, ptrdiff_t tap, int tiles, const float *image,
                  ptrdiff_t image_row, float *to, ptrdiff_t to_position, ptrdiff_t to_row);

  /* One tile: 6 by 6 pixels of `channels` floats, wherever they stand, to 36 rows. */
  void (*image)(int channels, const float *const pixels[HG_WINOGRAD_POSITIONS], float *to, ptrdiff_t position);

  /* One tile: 36 rows to 4 by 4 pixels: bias added (NULL = none), then linear, relu or leaky_relu. */
  void (*map)(int channels, const float *from, ptrdiff_t position, const float *bias, hg_activation activation,
              float negative_slope, float *const pixels[HG_WINOGRAD_TILE * HG_WINOGRAD_TILE]);

  /* One tile: the gradient of 4 by 4 pixels, wherever they stand, to 36 rows. */
  void (*map_gradient)(int channels, const float *const pixels[HG_WINOGRAD_TILE * HG_WINOGRAD_TILE], float *to,
                       ptrdiff_t position);

  /* 36 positions of `count` sums to gradients of taps (3, 3), `tap` floats apart. */
  void (*weight_gradient)(int64_t count, const float *from, ptrdiff_t position, float *to, ptrdiff_t tap);
} hg_winograd_kernels;

/* The kernels of hg_isa_get(). */
const hg_winograd_kernels *hg_winograd_kernels_get(void);

/* The versions; callable only where the processor runs them. */
extern const hg_winograd_kernels hg_winograd_generic, hg_winograd_avx2, hg_winograd_avx512;

#endif
