/* The one map under conv2d and conv2d_transpose: a kernel moving with its strides over a large image, a pixel of a small
 * image for each of its places. conv2d goes down (large to small) forward and up backward; conv2d_transpose the other way
 * round; the gradient of the weights is the same for both.
 *
 * Weights come in two forms, packed from the layer's own by hg_conv_pack_*:
 *   down (kh, kw, L, S): L channels of the large image, S of the small; conv2d's own
 *   up: for each phase of a large pixel (its place modulo the strides) the taps that reach it, in the order of the small
 *       pixels they come from, each (S, L) */
#ifndef HG_OPS_CONV_MAP_H
#define HG_OPS_CONV_MAP_H

#include "ops/op.h"

/* How one side of the large image is reached from the small one. Pair: vertical, horizontal. */
typedef struct hg_conv_side {
  int large, small;
  int kernel, stride;
  int before;               /* padded places before the large image */
  int length;               /* of the padded large image */
  int up_before, up_length; /* small image with the zeros that up wants around it: places before it, whole length */
} hg_conv_side;

typedef struct hg_conv_map {
  hg_conv_side y, x;
  int large_channels, small_channels;
  bool replicate; /* padding repeats the edge */
  bool padded;    /* the kernel reaches outside of the large image */
} hg_conv_map;

/* An image of some channels in memory: pixels side by side, lines `line` floats apart. */
typedef struct hg_conv_view {
  const float *at;
  ptrdiff_t line;
} hg_conv_view;

/* What is done to a result while it is at hand. */
typedef struct hg_conv_finish {
  const float *bias; /* NULL = none */
  hg_activation activation;
  float negative_slope;
} hg_conv_finish;

/* The map whose large image is this one's with its padding: up of it gives the gradient of the padded image. */
hg_conv_map hg_conv_map_padded(const hg_conv_map *map);

/* `before`: padding above and left of the large image. */
hg_conv_map hg_conv_map_make(hg_shape large, hg_shape small, const int kernel[2], const int stride[2], const int before[2],
                             hg_padding padding);

/* Float counts. */
size_t hg_conv_weight_count(const hg_conv_map *map); /* of either form */
size_t hg_conv_large_count(const hg_conv_map *map);  /* one large image as stored, without padding */
size_t hg_conv_small_count(const hg_conv_map *map);
size_t hg_conv_padded_large_count(const hg_conv_map *map); /* 0 where no padding is needed */
size_t hg_conv_padded_small_count(const hg_conv_map *map); /* 0 where up needs no zeros around it */

/* Writes lines [first, first + lines) of the padded large image to `to`; returns the view of them. Without padding nothing
 * is copied and the view is into the image. Lines of zeros above and below the large image are left out: their place is not
 * written, and the products below do not read it. */
hg_conv_view hg_conv_pad_large(const hg_conv_map *map, const float *image, int first, int lines, float *to);
hg_conv_view hg_conv_pad_small(const hg_conv_map *map, const float *image, float *to);

/* The image's gradient from the padded image's: what fell on a repeated place is added to the pixel it repeats, what fell on
 * zeros is left. Changes `padded`. */
void hg_conv_fold_large(const hg_conv_map *map, float *padded, float *image);

/* What the places around an image whose edges are repeated add to the gradient of its edge pixels, where the kernel is 3x3 with
 * steps of one: from the padded small image, to a large one that has all else. */
void hg_conv_add_edges(const hg_conv_map *map, hg_conv_view small, const float *up, float *large);

/* Lines [first, last) of the small image, from a view whose line 0 is padded line first * stride. */
void hg_conv_down(const hg_conv_map *map, hg_conv_view large, const float *down, hg_conv_finish finish, int first, int last,
                  float *small);

/* Lines [first, last) of the large image, from a padded small image. */
void hg_conv_up(const hg_conv_map *map, hg_conv_view small, const float *up, hg_conv_finish finish, int first, int last,
                float *large);

/* sum (kh, kw, L, S), or (kh, S, kw, L) if across, = (first ? 0 : sum) + the products of some images, whose large ones lie
 * `large_image` floats apart. A weight's chain goes through all of them while it is in registers: HG_CONV_CHAIN pixels or so are
 * best. */
enum { HG_CONV_CHAIN = 192 };
bool hg_conv_sums_across(const hg_conv_map *map); /* whether a kernel row's inputs fill vectors better than S channels */
void hg_conv_weight_gradient(const hg_conv_map *map, int images, hg_conv_view large, ptrdiff_t large_image, const float *small,
                             bool across, bool first, float *sum);

/* sum[c] = (first ? 0 : sum[c]) + sum over the pixels of (pixels, channels). */
void hg_conv_channel_sums(const float *values, int pixels, int channels, bool first, float *sum);

/* up from down, or up from conv2d_transpose's own form (kh, kw, S, L). */
void hg_conv_pack_up(const hg_conv_map *map, const float *weight, bool from_down, float *up);
/* Each of the kh * kw taps transposed: (rows, columns) -> (columns, rows). */
void hg_conv_transpose_taps(const hg_conv_map *map, int rows, int columns, const float *from, float *to);

#endif
