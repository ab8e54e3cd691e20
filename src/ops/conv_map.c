#include "ops/conv_map.h"

#include <string.h>

#include "base/integers.h"
#include "kernels/gemm.h"
#include "ops/conv_taps.h"

/* Large pixel `phase` + stride * j gets tap `first` + stride * i from small pixel j + `offset` - i, i in [0, count). */
typedef struct phase {
  int first, count, offset;
  int pixels; /* of this phase in the large image */
} phase;

static phase phase_of(const hg_conv_side *side, int index) {
  phase p = {.first = (index + side->before) % side->stride, .offset = (index + side->before) / side->stride};
  p.count = p.first < side->kernel ? (side->kernel - 1 - p.first) / side->stride + 1 : 0;
  p.pixels = index < side->large ? (side->large - index - 1) / side->stride + 1 : 0;
  return p;
}

static hg_conv_side make_side(int large, int small, int kernel, int stride, int before) {
  hg_conv_side side = {.large = large, .small = small, .kernel = kernel, .stride = stride, .before = before};
  side.length = hg_larger((small - 1) * stride + kernel, before + large);
  int last = small;
  for (int r = 0; r < stride; r++) {
    phase p = phase_of(&side, r);
    side.up_before = hg_larger(side.up_before, p.count - 1 - p.offset);
    last = hg_larger(last, p.offset + p.pixels);
  }
  side.up_length = side.up_before + last;
  return side;
}

hg_conv_map hg_conv_map_make(hg_shape large, hg_shape small, const int kernel[2], const int stride[2], const int before[2],
                             hg_padding padding) {
  hg_conv_map map = {.y = make_side(large.height, small.height, kernel[0], stride[0], before[0]),
                     .x = make_side(large.width, small.width, kernel[1], stride[1], before[1]),
                     .large_channels = large.channels,
                     .small_channels = small.channels,
                     .replicate = padding == HG_REPLICATE};
  map.padded = map.y.length > large.height || map.x.length > large.width;
  return map;
}

hg_conv_map hg_conv_map_padded(const hg_conv_map *map) {
  hg_shape large = {map->y.length, map->x.length, map->large_channels};
  hg_shape small = {map->y.small, map->x.small, map->small_channels};
  return hg_conv_map_make(large, small, (int[2]){map->y.kernel, map->x.kernel}, (int[2]){map->y.stride, map->x.stride},
                          (int[2]){0, 0}, HG_VALID);
}

size_t hg_conv_weight_count(const hg_conv_map *map) {
  return (size_t)map->y.kernel * (size_t)map->x.kernel * (size_t)map->large_channels * (size_t)map->small_channels;
}

static size_t values(int height, int width, int channels) { return (size_t)height * (size_t)width * (size_t)channels; }

size_t hg_conv_large_count(const hg_conv_map *map) { return values(map->y.large, map->x.large, map->large_channels); }

size_t hg_conv_small_count(const hg_conv_map *map) { return values(map->y.small, map->x.small, map->small_channels); }

size_t hg_conv_padded_large_count(const hg_conv_map *map) {
  return map->padded ? values(map->y.length, map->x.length, map->large_channels) : 0;
}

static bool small_is_padded(const hg_conv_map *map) { return map->y.up_length > map->y.small || map->x.up_length > map->x.small; }

size_t hg_conv_padded_small_count(const hg_conv_map *map) {
  return small_is_padded(map) ? values(map->y.up_length, map->x.up_length, map->small_channels) : 0;
}

/* ---- Padding */

static void copy_pixels(const float *from, size_t count, float *to) { memcpy(to, from, count * sizeof *to); }
static void clear(float *to, size_t count) { memset(to, 0, count * sizeof *to); }

static void repeat_pixel(const float *pixel, int times, int channels, float *to) {
  for (int i = 0; i < times; i++) copy_pixels(pixel, (size_t)channels, to + (ptrdiff_t)i * channels);
}

/* One line of `width` pixels with `before` places before it, to a whole of `length`. */
static void pad_line(const float *line, int width, int channels, int before, int length, bool replicate, float *to) {
  float *inner = to + (ptrdiff_t)before * channels;
  float *end = inner + (ptrdiff_t)width * channels;
  int after = length - before - width;
  copy_pixels(line, (size_t)width * (size_t)channels, inner);
  if (replicate) {
    repeat_pixel(line, before, channels, to);
    repeat_pixel(line + (ptrdiff_t)(width - 1) * channels, after, channels, end);
  } else {
    clear(to, (size_t)before * (size_t)channels);
    clear(end, (size_t)after * (size_t)channels);
  }
}

hg_conv_view hg_conv_pad_large(const hg_conv_map *map, const float *image, int first, int lines, float *to) {
  ptrdiff_t line = (ptrdiff_t)map->x.large * map->large_channels;
  if (!map->padded) return (hg_conv_view){image + first * line, line};
  ptrdiff_t padded_line = (ptrdiff_t)map->x.length * map->large_channels;
  for (int i = 0; i < lines; i++) {
    int y = first + i - map->y.before;
    float *at = to + i * padded_line;
    if (map->replicate) y = y < 0 ? 0 : y < map->y.large ? y : map->y.large - 1;
    if (y < 0 || y >= map->y.large) continue; /* no product reads lines of zeros */
    pad_line(image + y * line, map->x.large, map->large_channels, map->x.before, map->x.length, map->replicate, at);
  }
  return (hg_conv_view){to, padded_line};
}

hg_conv_view hg_conv_pad_small(const hg_conv_map *map, const float *image, float *to) {
  ptrdiff_t line = (ptrdiff_t)map->x.small * map->small_channels;
  if (!small_is_padded(map)) return (hg_conv_view){image, line};
  ptrdiff_t padded_line = (ptrdiff_t)map->x.up_length * map->small_channels;
  int end = map->y.up_before + map->y.small;
  clear(to, (size_t)(map->y.up_before * padded_line));
  clear(to + end * padded_line, (size_t)((map->y.up_length - end) * padded_line));
  for (int y = 0; y < map->y.small; y++) {
    float *at = to + (y + map->y.up_before) * padded_line;
    pad_line(image + y * line, map->x.small, map->small_channels, map->x.up_before, map->x.up_length, false, at);
  }
  return (hg_conv_view){to, padded_line};
}

static void add(const float *from, size_t count, float *to) {
  for (size_t i = 0; i < count; i++) to[i] += from[i];
}

static void fold_line(const hg_conv_map *map, float *line) {
  int channels = map->large_channels, edge = map->x.before + map->x.large;
  for (int x = 0; x < map->x.before; x++)
    add(line + (ptrdiff_t)x * channels, (size_t)channels, line + (ptrdiff_t)map->x.before * channels);
  for (int x = edge; x < map->x.length; x++)
    add(line + (ptrdiff_t)x * channels, (size_t)channels, line + (ptrdiff_t)(edge - 1) * channels);
}

void hg_conv_fold_large(const hg_conv_map *map, float *padded, float *image) {
  size_t padded_line = (size_t)map->x.length * (size_t)map->large_channels;
  size_t line = (size_t)map->x.large * (size_t)map->large_channels;
  size_t first = (size_t)map->y.before, edge = first + (size_t)map->y.large;
  for (size_t y = 0; map->replicate && y < first; y++) add(padded + y * padded_line, padded_line, padded + first * padded_line);
  for (size_t y = edge; map->replicate && y < (size_t)map->y.length; y++)
    add(padded + y * padded_line, padded_line, padded + (edge - 1) * padded_line);
  for (size_t y = first; y < edge; y++) {
    if (map->replicate) fold_line(map, padded + y * padded_line);
    copy_pixels(padded + y * padded_line + (size_t)map->x.before * (size_t)map->large_channels, line, image + (y - first) * line);
  }
}

/* ---- The three products */

static void add_product(hg_gemm *g) {
  g->start = g->c;
  hg_gemm_kernels_get()->product(g);
}

/* The part [first, end) of `count` things that stand `stride` apart from `at` on, so that all lie in [0, size). */
typedef struct part {
  int first, end;
} part;

static part inside(int at, int stride, int count, int size) {
  part p = {at < 0 ? (stride - 1 - at) / stride : 0, at < size ? (size - 1 - at) / stride + 1 : 0};
  p.end = hg_smaller(p.end, count);
  p.first = hg_smaller(p.first, p.end);
  return p;
}

/* Kernel rows that meet lines of the large image, and lines of the small image that a kernel row brings to one. */
static part rows_inside(const hg_conv_map *map, int y) {
  if (map->replicate) return (part){0, map->y.kernel};
  return inside(y * map->y.stride - map->y.before, 1, map->y.kernel, map->y.large);
}

static part lines_inside(const hg_conv_map *map, int ky) {
  if (map->replicate) return (part){0, map->y.small};
  return inside(ky - map->y.before, map->y.stride, map->y.small, map->y.large);
}

void hg_conv_down(const hg_conv_map *map, hg_conv_view large, const float *down, hg_conv_finish finish, int first, int last,
                  float *small) {
  if (hg_conv_taps_serve_down(map, finish.activation)) {
    hg_conv_taps_down(map, large, down, finish, first, last, small);
    return;
  }
  int in = map->large_channels, out = map->small_channels;
  ptrdiff_t run = (ptrdiff_t)map->x.kernel * in; /* a kernel row over a padded line is one run of floats */
  hg_gemm g = {.rows = map->x.small,
               .columns = out,
               .groups = 1,
               .steps = (int)run,
               .a_row = (ptrdiff_t)map->x.stride * in,
               .a_segment = large.line,
               .a_step = 1,
               .b_segment = run * out,
               .b_step = out,
               .c_row = out,
               .start = finish.bias,
               .activation = finish.activation,
               .negative_slope = finish.negative_slope};
  for (int y = first; y < last; y++) {
    part rows = rows_inside(map, y);
    g.segments = rows.end - rows.first;
    g.a = large.at + ((y - first) * map->y.stride + rows.first) * large.line;
    g.b = down + rows.first * g.b_segment;
    g.c = small + (ptrdiff_t)y * map->x.small * out;
    hg_gemm_kernels_get()->product(&g);
  }
}

/* The large pixels of one phase that lie in some lines. */
typedef struct phase_lines {
  phase v, h;
  int y, x, lines; /* the first's place; lines from it on */
  int left, right; /* pixels [left, right) of a line meet the small image with all their taps */
  const float *weight;
} phase_lines;

/* Pixels at the left and right edge, whose outer taps meet zeros only, go column by column with what taps they need: where
 * both columns and the rest of a line are enough sums for the units of a processor to work on at a time. */
static void place_edges(const hg_conv_map *map, phase_lines *p) {
  enum { FLOATS_AT_A_TIME = 128, LANES = 16 };
  int channels = (map->large_channels + LANES - 1) / LANES * LANES;
  p->left = hg_smaller(hg_larger(p->h.count - 1 - p->h.offset, 0), p->h.pixels);
  p->right = hg_larger(hg_smaller(map->x.small - p->h.offset, p->h.pixels), p->left);
  if (hg_smaller(p->right - p->left, p->lines) * channels >= FLOATS_AT_A_TIME) return;
  p->left = 0;
  p->right = p->h.pixels;
}

static void up_lines(const hg_conv_map *map, hg_conv_view small, const phase_lines *p, hg_gemm g, float *large) {
  int in = map->small_channels, out = map->large_channels;
  ptrdiff_t column = map->x.up_before + p->h.offset - (p->h.count - 1) + p->left;
  g.rows = p->right - p->left;
  g.steps = p->h.count * in;
  g.a_row = in;
  g.c_row = (ptrdiff_t)map->x.stride * out;
  for (int i = 0; i < p->lines; i++) {
    int y = p->y + i * map->y.stride, top = p->v.offset - (p->v.count - 1) + y / map->y.stride;
    part taps = inside(top, 1, p->v.count, map->y.small);
    g.segments = taps.end - taps.first;
    g.a = small.at + (map->y.up_before + top + taps.first) * small.line + column * in;
    g.b = p->weight + taps.first * g.b_segment;
    g.c = large + ((ptrdiff_t)y * map->x.large + p->x) * out + p->left * g.c_row;
    hg_gemm_kernels_get()->product(&g);
  }
}

static void up_columns(const hg_conv_map *map, hg_conv_view small, const phase_lines *p, int first, int last, hg_gemm g,
                       float *large) {
  ptrdiff_t in = map->small_channels, out = map->large_channels, line = map->x.large * out;
  ptrdiff_t top = map->y.up_before + p->v.offset - (p->v.count - 1) + p->y / map->y.stride;
  g.rows = p->lines;
  g.segments = p->v.count;
  g.a_row = small.line;
  g.c_row = map->y.stride * line;
  for (int j = first; j < last; j++) {
    int left = p->h.offset - (p->h.count - 1) + j;
    part taps = inside(left, 1, p->h.count, map->x.small);
    g.steps = (taps.end - taps.first) * map->small_channels;
    g.a = small.at + top * small.line + (map->x.up_before + left + taps.first) * in;
    g.b = p->weight + taps.first * in * out;
    g.c = large + p->y * line + (p->x + j * map->x.stride) * out;
    hg_gemm_kernels_get()->product(&g);
  }
}

void hg_conv_up(const hg_conv_map *map, hg_conv_view small, const float *up, hg_conv_finish finish, int first, int last,
                float *large) {
  if (hg_conv_taps_serve_up(map, finish.activation)) {
    hg_conv_taps_up(map, small, up, finish, first, last, large);
    return;
  }
  int in = map->small_channels, out = map->large_channels, stride = map->y.stride;
  ptrdiff_t tap = (ptrdiff_t)in * out;
  hg_gemm g = {.groups = 1,
               .a_step = 1,
               .a_segment = small.line,
               .b_step = out,
               .columns = out,
               .start = finish.bias,
               .activation = finish.activation,
               .negative_slope = finish.negative_slope};
  phase_lines p = {.weight = up};
  for (int ry = 0; ry < stride; ry++) {
    p.v = phase_of(&map->y, ry);
    p.y = first + (ry - first % stride + stride) % stride;
    p.lines = p.y < last ? (last - 1 - p.y) / stride + 1 : 0;
    for (p.x = 0; p.x < map->x.stride; p.x++) {
      p.h = phase_of(&map->x, p.x);
      g.b_segment = p.h.count * tap;
      place_edges(map, &p);
      up_lines(map, small, &p, g, large);
      up_columns(map, small, &p, 0, p.left, g, large);
      up_columns(map, small, &p, p.right, p.h.pixels, g, large);
      p.weight += p.v.count * p.h.count * tap;
    }
  }
}

/* The place above a pixel of the first line gets one kernel row's products, that at a corner one tap's, and so around. */
void hg_conv_add_edges(const hg_conv_map *map, hg_conv_view small, const float *up, float *large) {
  ptrdiff_t in = map->small_channels, out = map->large_channels, tap = in * out, line = map->x.large * out;
  int height = map->y.large, width = map->x.large, before_y = map->y.up_before, before_x = map->x.up_before;
  hg_gemm g = {.columns = (int)out, .groups = 1, .a_step = 1, .b_step = out};
  for (int end = 0; end < 2; end++) { /* top and left, bottom and right */
    int y = end * (height - 1), x = end * (width - 1), kernel = 2 * (1 - end);
    g.rows = width;
    g.segments = 1;
    g.steps = 3 * (int)in;
    g.a_row = in;
    g.a = small.at + (before_y + y) * small.line + (before_x - 1) * in;
    g.b = up + 3 * kernel * tap;
    g.c = large + y * line;
    g.c_row = g.start_row = out;
    add_product(&g);
    g.rows = 1;
    g.steps = (int)in;
    for (int corner = 0; corner < 2; corner++) {
      int at = corner * (width - 1);
      g.a = small.at + (before_y + y) * small.line + (before_x + at) * in;
      g.b = up + (3 * kernel + 2 * (1 - corner)) * tap;
      g.c = large + y * line + at * out;
      add_product(&g);
    }
    g.rows = height;
    g.segments = 3;
    g.a_row = g.a_segment = small.line;
    g.b_segment = 3 * tap;
    g.a = small.at + (before_y - 1) * small.line + (before_x + x) * in;
    g.b = up + kernel * tap;
    g.c = large + x * out;
    g.c_row = g.start_row = line;
    add_product(&g);
  }
}

bool hg_conv_sums_across(const hg_conv_map *map) {
  enum { LANES = 16 };
  int run = map->x.kernel * map->large_channels, out = map->small_channels;
  int run_lanes = (run + LANES - 1) / LANES * LANES, out_lanes = (out + LANES - 1) / LANES * LANES;
  return (int64_t)out * run_lanes < (int64_t)run * out_lanes;
}

/* The same products and chains with rows and columns changed over. */
static hg_gemm transposed(const hg_gemm *g) {
  hg_gemm t = *g;
  t.rows = g->columns;
  t.columns = g->rows;
  t.a_group = g->b_group;
  t.a_segment = g->b_segment;
  t.a_step = g->b_step;
  t.b_group = g->a_group;
  t.b_segment = g->a_segment;
  t.b_step = g->a_step;
  t.c_row = t.start_row = g->rows;
  return t;
}

void hg_conv_weight_gradient(const hg_conv_map *map, int images, hg_conv_view large, ptrdiff_t large_image, const float *small,
                             bool across, bool first, float *sum) {
  int in = map->large_channels, out = map->small_channels;
  ptrdiff_t run = (ptrdiff_t)map->x.kernel * in, small_line = (ptrdiff_t)map->x.small * out;
  int lines = hg_larger(HG_CONV_CHAIN / map->x.small, 1);
  hg_gemm g = {.rows = (int)run,
               .columns = out,
               .groups = images,
               .steps = map->x.small,
               .a_row = 1,
               .a_group = large_image,
               .a_segment = map->y.stride * large.line,
               .a_step = (ptrdiff_t)map->x.stride * in,
               .b_group = map->y.small * small_line,
               .b_segment = small_line,
               .b_step = out,
               .c_row = out,
               .start_row = out};
  if (across) g = transposed(&g);
  for (int y = 0; y < map->y.small; y += lines)
    for (int ky = 0; ky < map->y.kernel; ky++) {
      part all = lines_inside(map, ky);
      int top = hg_larger(y, all.first), end = hg_larger(hg_smaller(y + lines, all.end), top);
      const float *from_large = large.at + (top * map->y.stride + ky) * large.line, *from_small = small + top * small_line;
      g.segments = end - top;
      g.a = across ? from_small : from_large;
      g.b = across ? from_large : from_small;
      g.c = sum + ky * run * out;
      g.start = first && y == 0 ? NULL : g.c;
      hg_gemm_kernels_get()->product(&g);
    }
}

void hg_conv_channel_sums(const float *values, int pixels, int channels, bool first, float *sum) {
  static const float one = 1; /* a sum is a product with ones */
  hg_gemm g = {.rows = 1,
               .columns = channels,
               .groups = 1,
               .segments = 1,
               .steps = pixels,
               .a = &one,
               .b = values,
               .b_step = channels,
               .c = sum,
               .start = first ? NULL : sum};
  hg_gemm_kernels_get()->product(&g);
}

/* ---- Packing */

void hg_conv_pack_up(const hg_conv_map *map, const float *weight, bool from_down, float *up) {
  int in = map->small_channels, out = map->large_channels;
  ptrdiff_t tap = (ptrdiff_t)in * out;
  for (int ry = 0; ry < map->y.stride; ry++)
    for (int rx = 0; rx < map->x.stride; rx++) {
      phase v = phase_of(&map->y, ry), h = phase_of(&map->x, rx);
      for (int i = v.count - 1; i >= 0; i--)
        for (int j = h.count - 1; j >= 0; j--, up += tap) {
          int ky = v.first + i * map->y.stride, kx = h.first + j * map->x.stride;
          const float *from = weight + (ky * map->x.kernel + kx) * tap;
          if (from_down)
            hg_gemm_kernels_get()->transpose(out, in, from, in, up, out);
          else
            copy_pixels(from, (size_t)tap, up);
        }
    }
}

void hg_conv_transpose_taps(const hg_conv_map *map, int rows, int columns, const float *from, float *to) {
  ptrdiff_t tap = (ptrdiff_t)rows * columns;
  for (int i = 0; i < map->y.kernel * map->x.kernel; i++)
    hg_gemm_kernels_get()->transpose(rows, columns, from + i * tap, columns, to + i * tap, rows);
}
