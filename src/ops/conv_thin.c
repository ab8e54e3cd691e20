#include "ops/conv_thin.h"

#include <string.h>

#include "base/integers.h"
#include "kernels/gemm.h"
#include "kernels/pointwise.h"

/* Values of all taps at one pixel. */
static int tap_values(const hg_conv_map *map) { return map->y.kernel * map->x.kernel * map->small_channels; }

bool hg_conv_is_thin(const hg_conv_map *map) {
  enum { FEW = 4, FEWEST_LARGE = 12, MOST_VALUES = 64 };
  return map->small_channels <= FEW && map->large_channels >= FEWEST_LARGE && map->y.stride == 1 && map->x.stride == 1 &&
         map->y.kernel <= MOST_VALUES && map->x.kernel <= MOST_VALUES && tap_values(map) <= MOST_VALUES;
}

static size_t larger_size(size_t a, size_t b) { return a > b ? a : b; }

size_t hg_conv_thin_room(const hg_conv_map *map) {
  size_t pixels = (size_t)map->y.length * (size_t)map->x.length;
  size_t products = hg_whole_lines(pixels * (size_t)tap_values(map));
  enum { ROUNDING = 32 }; /* products, planes and planes with pixels repeated may take the place of products and planes */
  size_t down = products + hg_whole_lines((size_t)map->x.small) + ROUNDING;
  return products + larger_size(down, hg_whole_lines(hg_conv_padded_large_count(map)));
}

void hg_conv_pack_thin(const hg_conv_map *map, const float *weight, bool from_down, float *thin) {
  const hg_gemm_kernels *kernels = hg_gemm_kernels_get();
  int in = map->large_channels, out = map->small_channels, values = tap_values(map);
  if (!from_down) {
    kernels->transpose(values, in, weight, in, thin, values);
    return;
  }
  for (int tap = 0; tap < values / out; tap++)
    kernels->copy(in, out, weight + (ptrdiff_t)tap * in * out, out, thin + tap * out, values);
}

/* ---- Down: products of every pixel with every tap, then each small pixel gathers its own. */

static int clamp(int x, int size) { return x < 0 ? 0 : x < size ? x : size - 1; }

/* sum[x] += line[x + shift]; beyond the line's ends nothing, or the end's value where it is repeated. */
static void add_shifted(const hg_conv_map *map, const float *line, int shift, float *sum) {
  int width = map->x.small, first = clamp(-shift, width + 1), last = hg_larger(hg_smaller(width, map->x.large - shift), first);
  for (int x = first; x < last; x++) sum[x] += line[x + shift];
  if (!map->replicate) return;
  for (int x = 0; x < first; x++) sum[x] += line[0];
  for (int x = last; x < width; x++) sum[x] += line[map->x.large - 1];
}

/* Products of the pixels of some lines with the taps, a plane for each value. */
typedef struct planes {
  const float *at;
  size_t size;   /* of a plane */
  int top, each; /* the first line; lines of the large image that one stands for */
} planes;

/* Channel s of one line of small pixels. */
static void gather(const hg_conv_map *map, const planes *p, int s, int y, float *sum) {
  for (int ky = 0; ky < map->y.kernel; ky++) {
    int from = y + ky - map->y.before;
    if (map->replicate) from = clamp(from, map->y.large);
    bool there = from >= 0 && from < map->y.large;
    for (int kx = 0; kx < map->x.kernel && there; kx++) {
      const float *tap = p->at + p->size * (size_t)((ky * map->x.kernel + kx) * map->small_channels + s);
      add_shifted(map, tap + (ptrdiff_t)(from / p->each - p->top) * map->x.large, kx - map->x.before, sum);
    }
  }
}

static void gather_lines(const hg_conv_map *map, const planes *p, int first, int last, const float *bias, float *sum,
                         float *small) {
  int channels = map->small_channels, width = map->x.small;
  for (int y = first; y < last; y++)
    for (int s = 0; s < channels; s++) {
      for (int x = 0; x < width; x++) sum[x] = bias == NULL ? 0 : bias[s];
      gather(map, p, s, y, sum);
      float *to = small + (ptrdiff_t)y * width * channels + s;
      for (int x = 0; x < width; x++) to[x * channels] = sum[x];
    }
}

static void repeat_each(const float *from, size_t count, int times, float *to) {
  if (times == 2) /* the usual case, which then runs in vectors */
    for (size_t i = 0; i < count; i++) to[2 * i] = to[2 * i + 1] = from[i];
  else
    for (size_t i = 0; i < count; i++)
      for (int j = 0; j < times; j++) *to++ = from[i];
}

/* Products of lines [top, bottom] of the image that each stand for enlarged[0] lines. */
static planes multiply_taps(const hg_conv_map *map, const int enlarged[2], const float *large, const float *thin, int top,
                            int bottom, float *room) {
  const hg_gemm_kernels *kernels = hg_gemm_kernels_get();
  int in = map->large_channels, values = tap_values(map), width = map->x.large / enlarged[1];
  hg_gemm g = {.rows = (bottom - top + 1) * width,
               .columns = values,
               .groups = 1,
               .segments = 1,
               .steps = in,
               .a = large + (ptrdiff_t)top * width * in,
               .a_row = in,
               .a_step = 1,
               .b = thin,
               .b_step = values,
               .c = room,
               .c_row = values};
  kernels->product(&g);
  size_t count = (size_t)g.rows * (size_t)values;
  float *at = room + hg_whole_lines(count);
  kernels->transpose(g.rows, values, room, values, at, g.rows);
  planes p = {.at = at, .size = (size_t)g.rows * (size_t)enlarged[1], .top = top, .each = enlarged[0]};
  if (enlarged[1] == 1) return p;
  p.at = at + hg_whole_lines(count);
  repeat_each(at, count, enlarged[1], at + hg_whole_lines(count));
  return p;
}

void hg_conv_thin_down(const hg_conv_map *map, const int enlarged[2], const float *large, const float *thin,
                       hg_conv_finish finish, int first, int last, float *small, float *room) {
  int top = clamp(first - map->y.before, map->y.large) / enlarged[0];
  int bottom = clamp(last - 1 - map->y.before + map->y.kernel - 1, map->y.large) / enlarged[0];
  planes p = multiply_taps(map, enlarged, large, thin, top, bottom, room + hg_whole_lines((size_t)map->x.small));
  gather_lines(map, &p, first, last, finish.bias, room, small);
  ptrdiff_t line = (ptrdiff_t)map->x.small * map->small_channels;
  hg_pointwise()->activate(finish.activation, finish.negative_slope, (last - first) * line, small + first * line,
                           small + first * line);
}

/* ---- The weights' gradient: for every large pixel the small pixels that its taps lead to, times its channels. */

/* The small pixels, in one channel, that the pixels of large line y meet by one tap; zeros where there is none. */
static void shift_line(const hg_conv_map *map, const float *small, int y, int shift, int width, float *to) {
  if (y < 0 || y >= map->y.small) {
    memset(to, 0, sizeof *to * (size_t)width);
    return;
  }
  int channels = map->small_channels;
  int first = clamp(-shift, width + 1), last = hg_larger(hg_smaller(width, map->x.small - shift), first);
  const float *line = small + ((ptrdiff_t)y * map->x.small + shift) * channels;
  memset(to, 0, sizeof *to * (size_t)first);
  if (channels == 1)
    memcpy(to + first, line + first, sizeof *to * (size_t)(last - first));
  else
    for (int x = first; x < last; x++) to[x] = line[x * channels];
  memset(to + last, 0, sizeof *to * (size_t)(width - last));
}

void hg_conv_thin_weight_gradient(const hg_conv_map *map, const float *large, const float *small, bool first, float *sum,
                                  float *room) {
  int values = tap_values(map), in = map->large_channels;
  bool padded = map->replicate && map->padded; /* zeros are left out, repeated pixels are not */
  int height = padded ? map->y.length : map->y.large, width = padded ? map->x.length : map->x.large;
  int top = padded ? 0 : map->y.before, left = padded ? 0 : map->x.before;
  if (padded) large = hg_conv_pad_large(map, large, 0, height, room).at;
  float *met = room + hg_whole_lines(hg_conv_padded_large_count(map)); /* (values, height, width) */
  ptrdiff_t pixels = (ptrdiff_t)height * width;
  for (int value = 0; value < values; value++) {
    int tap = value / map->small_channels, ky = tap / map->x.kernel, kx = tap % map->x.kernel;
    for (int y = 0; y < height; y++)
      shift_line(map, small + value % map->small_channels, y + top - ky, left - kx, width,
                 met + value * pixels + (ptrdiff_t)y * width);
  }
  hg_gemm g = {.rows = values,
               .columns = in,
               .groups = 1,
               .segments = 1,
               .a_row = pixels,
               .a_step = 1,
               .b_step = in,
               .c = sum,
               .c_row = in,
               .start_row = in};
  for (int pixel = 0; pixel < pixels; pixel += g.steps) {
    g.steps = hg_smaller(HG_CONV_CHAIN, (int)pixels - pixel);
    g.a = met + pixel;
    g.b = large + (ptrdiff_t)pixel * in;
    g.start = first && pixel == 0 ? NULL : sum;
    hg_gemm_kernels_get()->product(&g);
  }
}
