#include "ops/conv_taps.h"

#include <string.h>

#include "kernels/taps.h"

static bool is_small(const hg_conv_map *map, int channels) {
  return map->y.kernel <= HG_TAPS_ROWS && map->x.kernel == HG_TAPS_ROWS &&
         hg_taps_kernels_get()->serves(map->x.kernel * channels);
}

static bool is_plain(hg_activation activation) { return activation == HG_LINEAR || activation == HG_RELU; }

bool hg_conv_taps_serve_down(const hg_conv_map *map, hg_activation activation) {
  return is_plain(activation) && is_small(map, map->large_channels);
}

bool hg_conv_taps_serve_up(const hg_conv_map *map, hg_activation activation) {
  return is_plain(activation) && map->y.stride == 1 && map->x.stride == 1 && is_small(map, map->small_channels);
}

bool hg_conv_taps_serve_sums(const hg_conv_map *map) { return is_small(map, map->large_channels); }

/* Kernel rows [first, end) whose lines, from `top` on, are among `lines`. */
typedef struct rows {
  int first, end;
} rows;

static rows rows_among(int top, int kernel, int lines) {
  return (rows){top < 0 ? -top : 0, lines - top < kernel ? lines - top : kernel};
}

static rows rows_of(const hg_conv_map *map, int y) {
  if (map->replicate) return (rows){0, map->y.kernel};
  return rows_among(y * map->y.stride - map->y.before, map->y.kernel, map->y.large);
}

/* `at`: the values that the first kernel row meets, `line` before those of the next. */
static void place_rows(hg_taps *taps, const float *at, ptrdiff_t line, rows r) {
  taps->rows = r.end - r.first;
  for (int i = 0; i < taps->rows; i++) taps->row[i] = at + (r.first + i) * line;
}

static hg_taps down_taps(const hg_conv_map *map) {
  int in = map->large_channels;
  return (hg_taps){
      .run = map->x.kernel * in, .step = map->x.stride * in, .pixels = map->x.small, .channels = map->small_channels};
}

void hg_conv_taps_down(const hg_conv_map *map, hg_conv_view large, const float *down, hg_conv_finish finish, int first, int last,
                       float *small) {
  hg_taps taps = down_taps(map);
  for (int y = first; y < last; y++) {
    rows r = rows_of(map, y);
    place_rows(&taps, large.at + (y - first) * map->y.stride * large.line, large.line, r);
    hg_taps_kernels_get()->down(&taps, down + (ptrdiff_t)r.first * taps.run * taps.channels, finish.bias,
                                finish.activation == HG_RELU, small + (ptrdiff_t)y * taps.pixels * taps.channels);
  }
}

void hg_conv_taps_up(const hg_conv_map *map, hg_conv_view small, const float *up, hg_conv_finish finish, int first, int last,
                     float *large) {
  int in = map->small_channels;
  hg_taps taps = {.run = map->x.kernel * in, .step = in, .pixels = map->x.large, .channels = map->large_channels};
  ptrdiff_t left = map->x.up_before + map->x.before - (map->x.kernel - 1);
  for (int y = first; y < last; y++) {
    int top = y + map->y.before - (map->y.kernel - 1);
    rows r = rows_among(top, map->y.kernel, map->y.small);
    place_rows(&taps, small.at + (map->y.up_before + top) * small.line + left * in, small.line, r);
    hg_taps_kernels_get()->down(&taps, up + (ptrdiff_t)r.first * taps.run * taps.channels, finish.bias,
                                finish.activation == HG_RELU, large + (ptrdiff_t)y * taps.pixels * taps.channels);
  }
}

void hg_conv_taps_sums(const hg_conv_map *map, hg_conv_view large, const float *small, bool first, float *sum, float *all) {
  hg_taps taps = down_taps(map);
  if (first) {
    memset(sum, 0, sizeof *sum * hg_conv_weight_count(map));
    memset(all, 0, sizeof *all * (size_t)taps.channels);
  }
  for (int y = 0, end; y < map->y.small; y = end) {
    rows r = rows_of(map, y), next = r;
    for (end = y; end < map->y.small && next.first == r.first && next.end == r.end; next = rows_of(map, end)) end++;
    place_rows(&taps, large.at + (ptrdiff_t)y * map->y.stride * large.line, large.line, r);
    hg_taps_kernels_get()->sums(&taps, end - y, map->y.stride * large.line, small + (ptrdiff_t)y * taps.pixels * taps.channels,
                                sum + (ptrdiff_t)r.first * taps.run * taps.channels, all);
  }
}
