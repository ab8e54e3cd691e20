/* Up to few channels, which would leave lanes of a vector empty: the places of a kernel row, times the channels, lie side by
 * side in the large image, so each small pixel's products with a kernel row are added to a run of them. An element's chain
 * takes the same small pixels in the same order as in hg_conv_up: the same bits. */
#ifndef HG_OPS_CONV_SCATTER_H
#define HG_OPS_CONV_SCATTER_H

#include "ops/conv_map.h"

/* Whether this takes no more vectors than hg_conv_up does; as many, and it is quicker since one kernel row stays in the cache. */
bool hg_conv_scatters(const hg_conv_map *map);

/* (kh, kw, L, S), conv2d's own, to (kh, S, kw, L). */
void hg_conv_pack_scatter(const hg_conv_map *map, const float *weight, float *packed);

/* A whole small image to the padded large image, (y.length, x.length, L). */
void hg_conv_scatter(const hg_conv_map *map, const float *small, const float *packed, float *padded);

#endif
