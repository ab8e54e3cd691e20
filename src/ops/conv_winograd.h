/* 3x3 convolutions with steps of one by Winograd's F(4x4, 3x3) (kernels/winograd.h): a quarter of the direct multiply-adds where
 * a map's sides are multiples of 4. In inference, and in training where the engine says so; else training stays with the direct
 * sums, whose bits its weights depend on.
 *
 * Some images together: their tiles are transformed, multiplied position by position with the transformed weight, a panel of
 * channels out at a time, and transformed back, all in the second-level cache. A value's bits depend neither on the images
 * beside it nor on how many there are. */
#ifndef HG_OPS_CONV_WINOGRAD_H
#define HG_OPS_CONV_WINOGRAD_H

#include "ops/conv_map.h"

/* Whether this serves the map better than hg_conv_down: by its shape alone. */
bool hg_conv_is_winograd(const hg_conv_map *map);

/* The map whose down is this one's up, with the weight that hg_conv_pack_up makes of it: from the small image's gradient to that
 * of the large one, without what the places of repeated edges add (hg_conv_add_edges). */
hg_conv_map hg_conv_winograd_back(const hg_conv_map *map);

/* Multiply-adds of one image: the products and both its transforms, two additions or products of these for one. */
int64_t hg_conv_winograd_multiply_adds(const hg_conv_map *map);

/* Tiles of one image, and as many as make it worth to transform the weight apart. */
int hg_conv_winograd_tiles(const hg_conv_map *map);
enum { HG_WINOGRAD_FEW_TILES = 12 };

/* Groups of a batch of n that are best taken together: group i is images [n * i / groups, n * (i + 1) / groups). */
int hg_conv_winograd_groups(const hg_conv_map *map, int n);
int hg_conv_winograd_images(const hg_conv_map *map); /* most images of a group */

/* Panels of channels out, and the float count of one panel's transformed weight. */
int hg_conv_winograd_panels(const hg_conv_map *map);
size_t hg_conv_winograd_panel_count(const hg_conv_map *map);

/* Transforms a panel of the weight (3, 3, L, S). */
void hg_conv_winograd_pack(const hg_conv_map *map, const float *weight, int panel, float *packed);

/* What is to be computed: panels [first, last) of a map. */
typedef struct hg_conv_winograd {
  const hg_conv_map *map;
  const int *enlarged; /* pixels that each of the large image's stands for: vertical, horizontal */
  const float *weight; /* (3, 3, L, S) */
  const float *packed; /* those panels of it, one after the other; NULL: transformed on the way, better for a few tiles */
  int first, last;
  hg_conv_finish finish;
} hg_conv_winograd;

/* Float count of `room` below. */
size_t hg_conv_winograd_room(const hg_conv_map *map);

/* Some images in a row. */
void hg_conv_winograd_down(const hg_conv_winograd *what, int images, const float *large, float *small, float *room);

/* ---- The gradient of the weight, summed while it is transformed. */

/* Images that are best taken together. */
int hg_conv_winograd_sum_images(const hg_conv_map *map);

/* Float counts: of the sums, of `room` below. */
size_t hg_conv_winograd_sums_count(const hg_conv_map *map);
size_t hg_conv_winograd_sums_room(const hg_conv_map *map);

/* sums = (first ? 0 : sums) + those of some images in a row; `small` is the gradient of theirs. */
void hg_conv_winograd_add(const hg_conv_map *map, int images, const float *large, const float *small, bool first, float *sums,
                          float *room);

/* The gradient (3, 3, L, S) of the sums of all images. */
void hg_conv_winograd_end(const hg_conv_map *map, const float *sums, float *gradient);

#endif
