/* Down to a few channels, as the last layer of a decoder goes, would leave most lanes of a vector empty: there vectors run
 * over the taps of the kernel instead, and in the weights' gradient over the large image's channels. */
#ifndef HG_OPS_CONV_THIN_H
#define HG_OPS_CONV_THIN_H

#include "ops/conv_map.h"

/* Whether these serve the map better than hg_conv_down and hg_conv_weight_gradient. */
bool hg_conv_is_thin(const hg_conv_map *map);

/* Floats of `room` below. */
size_t hg_conv_thin_room(const hg_conv_map *map);

/* (kh, kw, L, S), or (kh, kw, S, L) if not from_down, to (L, kh * kw * S). */
void hg_conv_pack_thin(const hg_conv_map *map, const float *weight, bool from_down, float *thin);

/* As hg_conv_down, from the large image itself; or from one of which each pixel stands for `enlarged` pixels (vertical,
 * horizontal) of the large image: alike pixels have the same products. */
void hg_conv_thin_down(const hg_conv_map *map, const int enlarged[2], const float *large, const float *thin,
                       hg_conv_finish finish, int first, int last, float *small, float *room);

/* sum (kh, kw, S, L) = (first ? 0 : sum) + one image's products. */
void hg_conv_thin_weight_gradient(const hg_conv_map *map, const float *large, const float *small, bool first, float *sum,
                                  float *room);

#endif
