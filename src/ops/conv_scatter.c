#include "ops/conv_scatter.h"

#include <string.h>

#include "kernels/gemm.h"

enum { LANES = 16 };

static int run_of(const hg_conv_map *map) { return map->x.kernel * map->large_channels; }

static int64_t whole_vectors(int count) { return (count + LANES - 1) / LANES; }

/* Pairs of a small place and a kernel place that meet the large image. */
static int64_t pairs_inside(const hg_conv_side *side) {
  int64_t pairs = 0;
  for (int k = 0; k < side->kernel; k++)
    for (int i = 0; i < side->small; i++) {
      int at = i * side->stride + k - side->before;
      pairs += at >= 0 && at < side->large;
    }
  return pairs;
}

bool hg_conv_scatters(const hg_conv_map *map) {
  enum { FEWEST_STEPS = 8, FEWEST_SUMS = 8 }; /* less would be waiting for results, or loading and storing them */
  int64_t lines = (int64_t)map->y.small * map->y.kernel, vectors = whole_vectors(run_of(map));
  if (map->small_channels < FEWEST_STEPS || map->y.small * vectors < FEWEST_SUMS) return false;
  int64_t scattered = lines * map->x.small * vectors;
  int64_t met = map->replicate ? lines * map->x.small * map->x.kernel : pairs_inside(&map->y) * pairs_inside(&map->x);
  return scattered <= met * whole_vectors(map->large_channels);
}

void hg_conv_pack_scatter(const hg_conv_map *map, const float *weight, float *packed) {
  int run = run_of(map), in = map->small_channels;
  for (int ky = 0; ky < map->y.kernel; ky++) {
    ptrdiff_t at = (ptrdiff_t)ky * run * in;
    hg_gemm_kernels_get()->transpose(run, in, weight + at, in, packed + at, run);
  }
}

void hg_conv_scatter(const hg_conv_map *map, const float *small, const float *packed, float *padded) {
  int run = run_of(map), in = map->small_channels;
  ptrdiff_t line = (ptrdiff_t)map->x.length * map->large_channels, step = (ptrdiff_t)map->x.stride * map->large_channels;
  hg_gemm g = {.rows = map->y.small,
               .columns = run,
               .groups = 1,
               .segments = 1,
               .steps = in,
               .a_row = (ptrdiff_t)map->x.small * in,
               .a_step = 1,
               .b_step = run,
               .c_row = map->y.stride * line,
               .start_row = map->y.stride * line};
  memset(padded, 0, sizeof *padded * (size_t)(line * map->y.length));
  for (int ky = map->y.kernel - 1; ky >= 0; ky--) /* the upper small line first */
    for (int x = 0; x < map->x.small; x++) {
      g.a = small + (ptrdiff_t)x * in;
      g.b = packed + (ptrdiff_t)ky * run * in;
      g.c = padded + ky * line + x * step;
      g.start = g.c;
      hg_gemm_kernels_get()->product(&g);
    }
}
