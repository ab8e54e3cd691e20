/* The products of conv_map.h for a 3x3 kernel and few channels, by kernels/taps.h; called by those. Same arguments, same bits. */
#ifndef HG_OPS_CONV_TAPS_H
#define HG_OPS_CONV_TAPS_H

#include "ops/conv_map.h"

/* Whether these serve: down and weight gradient of few large channels, up of few small ones. */
bool hg_conv_taps_serve_down(const hg_conv_map *map, hg_activation activation);
bool hg_conv_taps_serve_up(const hg_conv_map *map, hg_activation activation);
bool hg_conv_taps_serve_sums(const hg_conv_map *map);

void hg_conv_taps_down(const hg_conv_map *map, hg_conv_view large, const float *down, hg_conv_finish finish, int first, int last,
                       float *small);
void hg_conv_taps_up(const hg_conv_map *map, hg_conv_view small, const float *up, hg_conv_finish finish, int first, int last,
                     float *large);

/* One image's part of hg_conv_weight_gradient, in the form (kh, kw, L, S), and of hg_conv_channel_sums over `small`. */
void hg_conv_taps_sums(const hg_conv_map *map, hg_conv_view large, const float *small, bool first, float *sum, float *all);

#endif
