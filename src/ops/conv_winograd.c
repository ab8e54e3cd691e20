#include "ops/conv_winograd.h"

#include <string.h>

#include "base/integers.h"
#include "kernels/gemm.h"
#include "kernels/pointwise.h"
#include "kernels/winograd.h"

enum { TILE = HG_WINOGRAD_TILE, SIDE = HG_WINOGRAD_SIDE, POSITIONS = HG_WINOGRAD_POSITIONS };
enum { TILES = 28, MOST_TILES = 32, PANEL = 32, LANES = 16 };

/* Floats of a panel that does not stay in the second-level cache beside its tiles, and of sums that do not. */
enum { LARGE_PANEL = 1 << 17, LARGE_SUMS = 1 << 19 };

static int tile_lines(const hg_conv_map *map) { return hg_ceil_div(map->y.small, TILE); }
static int tile_columns(const hg_conv_map *map) { return hg_ceil_div(map->x.small, TILE); }
int hg_conv_winograd_tiles(const hg_conv_map *map) { return tile_lines(map) * tile_columns(map); }

/* A batch of large images has more tiles than an int times the number of pieces holds. */
static int64_t tile_count(const hg_conv_map *map, int images) { return (int64_t)images * hg_conv_winograd_tiles(map); }
static int64_t piece_count(int64_t tiles, int most) { return (tiles + most - 1) / most; }

/* In multiply-adds: a channel's transforms and the start of a sum cost as much as so many. Both were measured; where they say
 * less than a fifth is gained the direct sums stay. */
bool hg_conv_is_winograd(const hg_conv_map *map) {
  enum { IMAGE = 10, MAP = 6, START = 8 };
  bool kernel = map->y.kernel == 3 && map->x.kernel == 3 && map->y.stride == 1 && map->x.stride == 1;
  int64_t in = map->large_channels, out = map->small_channels;
  if (!kernel || in < HG_WINOGRAD_CHANNELS || out < HG_WINOGRAD_CHANNELS) return false;
  int64_t in_lanes = (in + LANES - 1) / LANES * LANES, out_lanes = (out + LANES - 1) / LANES * LANES;
  int64_t direct = (int64_t)map->y.small * map->x.small * 9 * in * out_lanes;
  int64_t here = (int64_t)hg_conv_winograd_tiles(map) * POSITIONS * ((in + START + MAP) * out_lanes + IMAGE * in_lanes);
  return 5 * direct >= 6 * here;
}

hg_conv_map hg_conv_winograd_back(const hg_conv_map *map) {
  hg_shape from = {map->y.small, map->x.small, map->small_channels}, to = {map->y.large, map->x.large, map->large_channels};
  int y = map->y.kernel - 1 - map->y.before, x = map->x.kernel - 1 - map->x.before;
  return hg_conv_map_make(from, to, (int[2]){map->y.kernel, map->x.kernel}, (int[2]){1, 1}, (int[2]){y, x}, HG_SAME);
}

int64_t hg_conv_winograd_multiply_adds(const hg_conv_map *map) {
  enum {
    IMAGE = 12 * 20 / 2,
    MAP = (10 * 18 + 16) / 2
  }; /* of one channel of a tile: sides by operations of each, and the bias */
  int64_t in = map->large_channels, out = map->small_channels;
  return hg_conv_winograd_tiles(map) * (POSITIONS * in * out + IMAGE * in + MAP * out);
}

int hg_conv_winograd_images(const hg_conv_map *map) { return hg_ceil_div(TILES, hg_conv_winograd_tiles(map)); }

int hg_conv_winograd_groups(const hg_conv_map *map, int n) {
  enum { ALIKE = 4 }; /* threads that then have equal work */
  int groups = hg_ceil_div(n, hg_conv_winograd_images(map));
  return hg_smaller(hg_ceil_div(groups, ALIKE) * ALIKE, n);
}

/* ---- Panels: PANEL channels, and in the last what is left, so that none has less than the kernels take. */

int hg_conv_winograd_panels(const hg_conv_map *map) { return (map->small_channels - HG_WINOGRAD_CHANNELS) / PANEL + 1; }

static int panel_channels(const hg_conv_map *map, int panel) {
  bool last = panel == hg_conv_winograd_panels(map) - 1;
  return last ? map->small_channels - panel * PANEL : PANEL;
}

static int widest_panel(const hg_conv_map *map) {
  return hg_larger(panel_channels(map, 0), panel_channels(map, hg_conv_winograd_panels(map) - 1));
}

/* ---- Memory. The positions of a channel in, of a tile, stand side by side, so that a transform writes to a few pages: (L, 36,
 * panel), (tiles, 36, L), (tiles, 36, panel). An odd number of cache lines to a row spreads rows over the sets of the cache. */

static ptrdiff_t row_of(int channels) { return ((ptrdiff_t)POSITIONS * channels + LANES - 1) / LANES / 2 * 2 * LANES + LANES; }
static ptrdiff_t weight_row(const hg_conv_map *map) { return row_of(widest_panel(map)); }
static ptrdiff_t image_row(const hg_conv_map *map) { return row_of(map->large_channels); }
static ptrdiff_t map_row(const hg_conv_map *map) { return row_of(widest_panel(map)); }

size_t hg_conv_winograd_panel_count(const hg_conv_map *map) { return (size_t)(map->large_channels * weight_row(map)); }

size_t hg_conv_winograd_room(const hg_conv_map *map) {
  return (size_t)(MOST_TILES * (image_row(map) + map_row(map)) + image_row(map) + map_row(map));
}

void hg_conv_winograd_pack(const hg_conv_map *map, const float *weight, int panel, float *packed) {
  ptrdiff_t in = map->large_channels, out = map->small_channels;
  hg_winograd_kernels_get()->weight((int)in, panel_channels(map, panel), weight + panel * PANEL, out, in * out, packed,
                                    weight_row(map), widest_panel(map));
}

/* ---- Tiles */

typedef struct work {
  const hg_conv_winograd *what;
  const hg_conv_map *map;
  const float *large;
  float *small;
  float *image, *products; /* (tiles, 36, L), (tiles, 36, panel): transformed */
  float *zeros, *spare;    /* (L), (panel): what pixels outside are read from and written to */
} work;

/* Where a tile lies: its image, and its first line and column of the map. */
typedef struct place {
  int image, y, x;
} place;

static place place_of(const hg_conv_map *map, int64_t tile) {
  int in_image = (int)(tile % hg_conv_winograd_tiles(map));
  return (place){(int)(tile / hg_conv_winograd_tiles(map)), in_image / tile_columns(map) * TILE,
                 in_image % tile_columns(map) * TILE};
}

/* The stored line or column that stands at `at` of the padded large image; -1 = zeros. */
static int stored(const hg_conv_side *side, bool replicate, int enlarged, int at) {
  at -= side->before;
  if (replicate) at = hg_larger(hg_smaller(at, side->large - 1), 0);
  return at < 0 || at >= side->large ? -1 : at / enlarged;
}

static void read_tile(const work *w, place at, float *to) {
  const hg_conv_map *map = w->map;
  ptrdiff_t in = map->large_channels, line = map->x.large / w->what->enlarged[1] * in,
            image = map->y.large / w->what->enlarged[0] * line;
  const float *pixels[POSITIONS], *from = w->large + at.image * image;
  int x[SIDE];
  for (int k = 0; k < SIDE; k++) x[k] = stored(&map->x, map->replicate, w->what->enlarged[1], at.x + k);
  for (int i = 0; i < SIDE; i++) {
    int y = stored(&map->y, map->replicate, w->what->enlarged[0], at.y + i);
    for (int k = 0; k < SIDE; k++) pixels[i * SIDE + k] = y < 0 || x[k] < 0 ? w->zeros : from + y * line + x[k] * in;
  }
  hg_winograd_kernels_get()->image((int)in, pixels, to, in);
}

static void activate_pixels(const work *w, int channels, float *const pixels[TILE * TILE]) {
  hg_activation activation = w->what->finish.activation;
  if (activation != HG_SIGMOID && activation != HG_TANH) return;
  for (int i = 0; i < TILE * TILE; i++) hg_pointwise()->activate(activation, 0, channels, pixels[i], pixels[i]);
}

static void write_tile(const work *w, place at, const float *from, int panel) {
  const hg_conv_map *map = w->map;
  int channels = panel_channels(map, panel);
  ptrdiff_t out = map->small_channels, line = map->x.small * out;
  float *pixels[TILE * TILE], *to = w->small + at.image * map->y.small * line + panel * PANEL;
  for (int y = at.y; y < at.y + TILE; y++)
    for (int x = at.x; x < at.x + TILE; x++)
      pixels[(y - at.y) * TILE + x - at.x] = y < map->y.small && x < map->x.small ? to + y * line + x * out : w->spare;
  const float *bias = w->what->finish.bias == NULL ? NULL : w->what->finish.bias + panel * PANEL;
  hg_winograd_kernels_get()->map(channels, from, widest_panel(map), bias, w->what->finish.activation,
                                 w->what->finish.negative_slope, pixels);
  activate_pixels(w, channels, pixels);
}

/* What is wanted soon: a quad holds two positions of a panel, so that each product asks for a half of the channels of the two
 * positions after its own pair, or of the next panel's first two. A panel's rows are pages apart, where no processor looks
 * ahead by itself. */
static hg_gemm_lines ask_ahead(const work *w, const float *packed, bool last, int position) {
  int in = w->map->large_channels, pair = position / 2 * 2 + 2, half = in / 2;
  const float *next = packed + (ptrdiff_t)pair * PANEL;
  if (pair == POSITIONS) next = last ? w->what->packed : packed + hg_conv_winograd_panel_count(w->map);
  ptrdiff_t row = weight_row(w->map);
  return position % 2 == 0 ? (hg_gemm_lines){next, row, half, 1} : (hg_gemm_lines){next + half * row, row, in - half, 1};
}

/* A panel of the products, with the packed weight or the layer's own. */
static void multiply(const work *w, int tiles, int panel) {
  const hg_conv_map *map = w->map;
  int in = map->large_channels, row = widest_panel(map);
  const float *packed = w->what->packed + hg_conv_winograd_panel_count(map) * (size_t)(panel - w->what->first);
  hg_gemm_lines soon;
  hg_gemm g = {.rows = tiles,
               .columns = panel_channels(map, panel),
               .groups = 1,
               .segments = 1,
               .steps = in,
               .a_row = image_row(map),
               .a_step = 1,
               .b_step = weight_row(map),
               .c_row = map_row(map)};
  enum { ONE_PASS = 14 }; /* tiles of which the widest kernels need one pass over the channels: steps for half as many lines */
  bool asks = row == PANEL && hg_conv_winograd_panel_count(map) > LARGE_PANEL;
  if (asks) {
    g.soon = &soon;
    g.soon_count = 1;
    g.soon_every = tiles <= ONE_PASS ? 2 : 4;
  }
  for (int p = 0; p < POSITIONS; p++) {
    g.a = w->image + (ptrdiff_t)p * in;
    g.b = packed + (ptrdiff_t)p * row;
    g.c = w->products + (ptrdiff_t)p * row;
    if (asks) soon = ask_ahead(w, packed, panel == w->what->last - 1, p);
    hg_gemm_kernels_get()->product(&g);
  }
}

static void multiply_on_the_way(const work *w, int tiles, int panel) {
  const hg_conv_map *map = w->map;
  ptrdiff_t in = map->large_channels, out = map->small_channels;
  hg_winograd_kernels_get()->product((int)in, panel_channels(map, panel), w->what->weight + panel * PANEL, out, in * out, tiles,
                                     w->image, image_row(map), w->products, widest_panel(map), map_row(map));
}

static void take_tiles(const work *w, int64_t first, int64_t last) {
  const hg_conv_map *map = w->map;
  for (int64_t tile = first; tile < last; tile++) read_tile(w, place_of(map, tile), w->image + (tile - first) * image_row(map));
  for (int panel = w->what->first; panel < w->what->last; panel++) {
    if (w->what->packed != NULL)
      multiply(w, (int)(last - first), panel);
    else
      multiply_on_the_way(w, (int)(last - first), panel);
    for (int64_t tile = first; tile < last; tile++)
      write_tile(w, place_of(map, tile), w->products + (tile - first) * map_row(map), panel);
  }
}

void hg_conv_winograd_down(const hg_conv_winograd *what, int images, const float *large, float *small, float *room) {
  const hg_conv_map *map = what->map;
  work w = {.what = what, .map = map, .large = large, .small = small, .image = room};
  w.products = w.image + MOST_TILES * image_row(map);
  w.zeros = w.products + MOST_TILES * map_row(map);
  w.spare = w.zeros + image_row(map);
  memset(w.zeros, 0, sizeof *w.zeros * (size_t)map->large_channels);
  int64_t tiles = tile_count(map, images), pieces = piece_count(tiles, MOST_TILES);
  for (int64_t i = 0; i < pieces; i++) take_tiles(&w, tiles * i / pieces, tiles * (i + 1) / pieces);
}

/* ---- The gradient of the weight. Sums stand as (36, L, S), and go through the caches once for so many tiles. */

/* Tiles of sums that stay in the second-level cache, and of larger ones. */
enum { SUM_TILES = 64, MANY_SUM_TILES = 128, QUAD = 64, MOST_QUADS = 16 };

static bool sums_are_large(const hg_conv_map *map) { return hg_conv_winograd_sums_count(map) > LARGE_SUMS; }

static int sum_tiles(const hg_conv_map *map) { return sums_are_large(map) ? MANY_SUM_TILES : SUM_TILES; }
static ptrdiff_t gradient_row(const hg_conv_map *map) { return row_of(map->small_channels); }

int hg_conv_winograd_sum_images(const hg_conv_map *map) { return hg_larger(sum_tiles(map) / hg_conv_winograd_tiles(map), 1); }

size_t hg_conv_winograd_sums_count(const hg_conv_map *map) {
  return (size_t)POSITIONS * (size_t)map->large_channels * (size_t)map->small_channels;
}

size_t hg_conv_winograd_sums_room(const hg_conv_map *map) {
  return (size_t)(sum_tiles(map) * (image_row(map) + gradient_row(map)) + hg_larger(map->large_channels, map->small_channels));
}

/* (36, S) */
static void read_gradient(const work *w, const float *small, place at, float *to) {
  const hg_conv_map *map = w->map;
  ptrdiff_t out = map->small_channels, line = map->x.small * out;
  const float *pixels[TILE * TILE], *from = small + at.image * map->y.small * line;
  for (int y = at.y; y < at.y + TILE; y++)
    for (int x = at.x; x < at.x + TILE; x++)
      pixels[(y - at.y) * TILE + x - at.x] = y < map->y.small && x < map->x.small ? from + y * line + x * out : w->zeros;
  hg_winograd_kernels_get()->map_gradient((int)out, pixels, to, out);
}

/* What is wanted soon: the sums of this position but for the first panels', and those of the next one. */
static int ask_for_sums(const hg_conv_map *map, const float *sums, bool last, hg_gemm_lines soon[MOST_QUADS + 1]) {
  ptrdiff_t in = map->large_channels, out = map->small_channels;
  int count = 0;
  for (ptrdiff_t column = QUAD; column < out && count < MOST_QUADS; column += QUAD)
    soon[count++] = (hg_gemm_lines){sums + column, out, (int)in, 1};
  if (!last) soon[count++] = (hg_gemm_lines){sums + in * out, out, (int)in, 1};
  return count;
}

static void add_products(const work *w, int tiles, bool start, float *sums) {
  enum { ASK_EVERY = 8 };
  const hg_conv_map *map = w->map;
  int in = map->large_channels, out = map->small_channels;
  bool asks = sums_are_large(map);
  hg_gemm_lines soon[MOST_QUADS + 1];
  hg_gemm g = {.rows = in,
               .columns = out,
               .groups = 1,
               .segments = 1,
               .steps = tiles,
               .a_row = 1,
               .a_step = image_row(map),
               .b_step = gradient_row(map),
               .c_row = out,
               .start_row = out,
               .soon = soon,
               .soon_every = ASK_EVERY};
  for (int p = 0; p < POSITIONS; p++) {
    g.a = w->image + (ptrdiff_t)p * in;
    g.b = w->products + (ptrdiff_t)p * out;
    g.c = sums + (ptrdiff_t)p * in * out;
    g.start = start ? NULL : g.c;
    if (asks) g.soon_count = ask_for_sums(map, g.c, p == POSITIONS - 1, soon);
    hg_gemm_kernels_get()->product(&g);
  }
}

static void add_tiles(const work *w, const float *small, int64_t first, int64_t last, bool start, float *sums) {
  const hg_conv_map *map = w->map;
  for (int64_t tile = first; tile < last; tile++) {
    place at = place_of(map, tile);
    read_tile(w, at, w->image + (tile - first) * image_row(map));
    read_gradient(w, small, at, w->products + (tile - first) * gradient_row(map));
  }
  add_products(w, (int)(last - first), start, sums);
}

void hg_conv_winograd_add(const hg_conv_map *map, int images, const float *large, const float *small, bool first, float *sums,
                          float *room) {
  static const int as_they_are[2] = {1, 1};
  hg_conv_winograd what = {.map = map, .enlarged = as_they_are};
  int most = sum_tiles(map);
  work w = {.what = &what, .map = map, .large = large, .image = room};
  w.products = w.image + most * image_row(map);
  w.zeros = w.products + most * gradient_row(map);
  memset(w.zeros, 0, sizeof *w.zeros * (size_t)hg_larger(map->large_channels, map->small_channels));
  int64_t tiles = tile_count(map, images), pieces = piece_count(tiles, most);
  for (int64_t i = 0; i < pieces; i++) add_tiles(&w, small, tiles * i / pieces, tiles * (i + 1) / pieces, first && i == 0, sums);
}

void hg_conv_winograd_end(const hg_conv_map *map, const float *sums, float *gradient) {
  int64_t count = (int64_t)map->large_channels * map->small_channels;
  hg_winograd_kernels_get()->weight_gradient(count, sums, count, gradient, count);
}
