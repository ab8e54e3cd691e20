/* Winograd's transforms over the vectors of one instruction set. The including file defines first:
 *   the vectors                 kernels/vec_avx2.h or another
 *   AT_ONCE                     tiles of which the sums of six positions stay in registers
 *
 * Where channels are no multiple of LANES the last vector begins earlier: a few lanes are computed twice, alike. */
#ifndef HG_KERNELS_WINOGRAD_BODY_H
#define HG_KERNELS_WINOGRAD_BODY_H

#include "kernels/winograd.h"

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 36")
enum { TAPS = 3, TILE = HG_WINOGRAD_TILE, SIDE = HG_WINOGRAD_SIDE };

static const float root_half = 0x1.6a09e6p-1f, root_two = 0x1.6a09e6p+0f;

/* G: the taps' polynomial at the points. The points' distances, by whose products it would be divided, stand in A'. */
INLINE void weight_side(const vec g[TAPS], vec u[SIDE]) {
  vec near = vec_fma(vec_set(0.5f), g[2], g[0]), far = vec_fma(vec_set(2), g[2], g[0]);
  u[0] = g[0];
  u[1] = vec_fma(vec_set(root_half), g[1], near);
  u[2] = vec_fma(vec_set(-root_half), g[1], near);
  u[3] = vec_fma(vec_set(root_two), g[1], far);
  u[4] = vec_fma(vec_set(-root_two), g[1], far);
  u[5] = g[2];
}

/* B' */
INLINE void image_side(const vec d[SIDE], vec v[SIDE]) {
  const vec root = vec_set(root_half), root_2 = vec_set(root_two);
  vec near = vec_fma(vec_set(-2), d[2], d[4]), near_odd = vec_mul(root, vec_fma(vec_set(-2), d[1], d[3]));
  vec far = vec_fma(vec_set(-0.5f), d[2], d[4]), far_odd = vec_mul(root_2, vec_fma(vec_set(-0.5f), d[1], d[3]));
  v[0] = vec_add(vec_fma(vec_set(-2.5f), d[2], d[0]), d[4]);
  v[1] = vec_add(near, near_odd);
  v[2] = vec_sub(near, near_odd);
  v[3] = vec_add(far, far_odd);
  v[4] = vec_sub(far, far_odd);
  v[5] = vec_add(vec_fma(vec_set(-2.5f), d[3], d[1]), d[5]);
}

/* A', each column over the product of its point's distances to the others: -3/2, -3/2, 6 and 6. */
INLINE void map_side(const vec m[SIDE], vec y[TILE]) {
  const float n = -2.0f / 3, f = 1.0f / 6;
  vec near = vec_add(m[1], m[2]), near_odd = vec_sub(m[1], m[2]), far = vec_add(m[3], m[4]), far_odd = vec_sub(m[3], m[4]);
  y[0] = vec_fma(vec_set(f), far, vec_fma(vec_set(n), near, m[0]));
  y[1] = vec_fma(vec_set(f * root_two), far_odd, vec_mul(vec_set(n * root_half), near_odd));
  y[2] = vec_fma(vec_set(f * 2), far, vec_mul(vec_set(n / 2), near));
  y[3] = vec_fma(vec_set(f * 2 * root_two), far_odd, vec_fma(vec_set(n / 2 * root_half), near_odd, m[5]));
}

/* A */
INLINE void map_gradient_side(const vec y[TILE], vec m[SIDE]) {
  const float n = -2.0f / 3, f = 1.0f / 6;
  vec near = vec_fma(vec_set(n / 2), y[2], vec_mul(vec_set(n), y[0]));
  vec near_odd = vec_fma(vec_set(n / 2 * root_half), y[3], vec_mul(vec_set(n * root_half), y[1]));
  vec far = vec_fma(vec_set(f * 2), y[2], vec_mul(vec_set(f), y[0]));
  vec far_odd = vec_fma(vec_set(f * 2 * root_two), y[3], vec_mul(vec_set(f * root_two), y[1]));
  m[0] = y[0];
  m[1] = vec_add(near, near_odd);
  m[2] = vec_sub(near, near_odd);
  m[3] = vec_add(far, far_odd);
  m[4] = vec_sub(far, far_odd);
  m[5] = y[3];
}

/* G' */
INLINE void weight_gradient_side(const vec u[SIDE], vec g[TAPS]) {
  vec near = vec_add(u[1], u[2]), far = vec_add(u[3], u[4]);
  g[0] = vec_add(u[0], vec_add(near, far));
  g[1] = vec_fma(vec_set(root_two), vec_sub(u[3], u[4]), vec_mul(vec_set(root_half), vec_sub(u[1], u[2])));
  g[2] = vec_fma(vec_set(2), far, vec_fma(vec_set(0.5f), near, u[5]));
}

/* Where the vector after the one at `c` begins. */
INLINE int next_vector(int c, int channels) {
  return c + LANES < channels && c + 2 * LANES > channels ? channels - LANES : c + LANES;
}

INLINE void weight_at(const float *from, const float *next, ptrdiff_t tap, float *to, ptrdiff_t position) {
  vec half[TAPS][SIDE]; /* (x, y) */
  UNROLL for (int x = 0; x < TAPS; x++) {
    vec g[TAPS];
    UNROLL for (int y = 0; y < TAPS; y++) g[y] = vec_load(from + (y * TAPS + x) * tap);
    weight_side(g, half[x]);
  }
  UNROLL for (int i = 0; i < TAPS * TAPS; i++) __builtin_prefetch(next + i * tap);
  UNROLL for (int y = 0; y < SIDE; y++) {
    vec u[SIDE];
    weight_side((vec[TAPS]){half[0][y], half[1][y], half[2][y]}, u);
    UNROLL for (int x = 0; x < SIDE; x++) vec_store(to + (y * SIDE + x) * position, u[x]);
  }
}

static void weight(int rows, int channels, const float *from, ptrdiff_t from_row, ptrdiff_t tap, float *to, ptrdiff_t to_row,
                   ptrdiff_t position) {
  enum { AHEAD = 2 };
  for (int i = 0; i < rows; i++, from += from_row, to += to_row)
    for (int c = 0; c < channels; c = next_vector(c, channels))
      weight_at(from + c, from + AHEAD * from_row + c, tap, to + c, position);
}

enum { BLOCK = 16 }; /* channels in whose taps lie in the first-level cache, transformed along one side */

/* Row y of the positions, for one vector of channels out: the sums stay in registers. image and to are the first tile's. */
INLINE void product_row(int tiles, int rows, bool first, const vec half[BLOCK][TAPS], const float *image, ptrdiff_t image_row,
                        ptrdiff_t image_position, float *to, ptrdiff_t to_position, ptrdiff_t to_row) {
  vec sum[AT_ONCE][SIDE];
  UNROLL for (int t = 0; t < tiles; t++) UNROLL for (int x = 0; x < SIDE; x++) sum[t][x] =
      first ? vec_set(0) : vec_load(to + t * to_row + x * to_position);
  const float *base[2 * AT_ONCE]; /* one for three positions: the other two are reached by scaled indexing */
  UNROLL for (int k = 0; k < 2 * tiles; k++) base[k] = image + k / 2 * image_row + k % 2 * 3 * image_position;
  for (int i = 0; i < rows; i++) {
    vec u[SIDE];
    weight_side(half[i], u);
    UNROLL for (int t = 0; t < tiles; t++) UNROLL for (int x = 0; x < SIDE; x++) sum[t][x] =
        vec_fma(vec_set(base[2 * t + x / 3][x % 3 * image_position]), u[x], sum[t][x]);
    UNROLL for (int k = 0; k < 2 * tiles; k++) {
      base[k]++;
      __asm__("" : "+r"(base[k])); /* else the compiler makes a pointer of each position and spills them */
    }
  }
  UNROLL for (int t = 0; t < tiles; t++) UNROLL for (int x = 0; x < SIDE; x++)
      vec_store(to + t * to_row + x * to_position, sum[t][x]);
}

/* The taps of `rows` channels in, transformed down their columns. */
INLINE void half_of(int rows, const float *from, ptrdiff_t from_row, ptrdiff_t tap, vec half[SIDE][BLOCK][TAPS]) {
  for (int i = 0; i < rows; i++, from += from_row) {
    UNROLL for (int x = 0; x < TAPS; x++) {
      vec u[SIDE];
      weight_side((vec[TAPS]){vec_load(from + x * tap), vec_load(from + (TAPS + x) * tap), vec_load(from + (2 * TAPS + x) * tap)},
                  u);
      UNROLL for (int y = 0; y < SIDE; y++) half[y][i][x] = u[y];
    }
  }
}

INLINE void product_tiles(int tiles, int rows, int channels, const float *from, ptrdiff_t from_row, ptrdiff_t tap,
                          const float *image, ptrdiff_t image_row, float *to, ptrdiff_t to_position, ptrdiff_t to_row) {
  vec half[SIDE][BLOCK][TAPS];
  for (int c = 0; c < channels; c = next_vector(c, channels))
    for (int i = 0; i < rows; i += BLOCK) {
      int count = rows - i < BLOCK ? rows - i : BLOCK;
      half_of(count, from + i * from_row + c, from_row, tap, half);
      for (int y = 0; y < SIDE; y++)
        product_row(tiles, count, i == 0, half[y], image + y * SIDE * (ptrdiff_t)rows + i, image_row, rows,
                    to + y * SIDE * to_position + c, to_position, to_row);
    }
}

static void product(int rows, int channels, const float *from, ptrdiff_t from_row, ptrdiff_t tap, int tiles, const float *image,
                    ptrdiff_t image_row, float *to, ptrdiff_t to_position, ptrdiff_t to_row) {
  for (; tiles >= AT_ONCE; tiles -= AT_ONCE, image += AT_ONCE * image_row, to += AT_ONCE * to_row)
    product_tiles(AT_ONCE, rows, channels, from, from_row, tap, image, image_row, to, to_position, to_row);
  for (; tiles > 0; tiles--, image += image_row, to += to_row)
    product_tiles(1, rows, channels, from, from_row, tap, image, image_row, to, to_position, to_row);
}

static void image(int channels, const float *const pixels[HG_WINOGRAD_POSITIONS], float *to, ptrdiff_t position) {
  for (int c = 0; c < channels; c = next_vector(c, channels)) {
    vec half[SIDE][SIDE]; /* (x, y) */
    UNROLL for (int x = 0; x < SIDE; x++) {
      vec d[SIDE];
      UNROLL for (int y = 0; y < SIDE; y++) d[y] = vec_load(pixels[y * SIDE + x] + c);
      image_side(d, half[x]);
    }
    UNROLL for (int y = 0; y < SIDE; y++) {
      vec d[SIDE], v[SIDE];
      UNROLL for (int x = 0; x < SIDE; x++) d[x] = half[x][y];
      image_side(d, v);
      UNROLL for (int x = 0; x < SIDE; x++) vec_store(to + (y * SIDE + x) * position + c, v[x]);
    }
  }
}

static void map_gradient(int channels, const float *const pixels[TILE * TILE], float *to, ptrdiff_t position) {
  for (int c = 0; c < channels; c = next_vector(c, channels)) {
    vec half[TILE][SIDE]; /* (x, y) */
    UNROLL for (int x = 0; x < TILE; x++) {
      vec d[TILE];
      UNROLL for (int y = 0; y < TILE; y++) d[y] = vec_load(pixels[y * TILE + x] + c);
      map_gradient_side(d, half[x]);
    }
    UNROLL for (int y = 0; y < SIDE; y++) {
      vec d[TILE], m[SIDE];
      UNROLL for (int x = 0; x < TILE; x++) d[x] = half[x][y];
      map_gradient_side(d, m);
      UNROLL for (int x = 0; x < SIDE; x++) vec_store(to + (y * SIDE + x) * position + c, m[x]);
    }
  }
}

static void weight_gradient(int64_t count, const float *from, ptrdiff_t position, float *to, ptrdiff_t tap) {
  for (int64_t i = 0; i < count; i = i + LANES < count && i + 2 * LANES > count ? count - LANES : i + LANES) {
    vec half[SIDE][TAPS]; /* (x, y) */
    UNROLL for (int x = 0; x < SIDE; x++) {
      vec u[SIDE];
      UNROLL for (int y = 0; y < SIDE; y++) u[y] = vec_load(from + (y * SIDE + x) * position + i);
      weight_gradient_side(u, half[x]);
    }
    UNROLL for (int y = 0; y < TAPS; y++) {
      vec u[SIDE], g[TAPS];
      UNROLL for (int x = 0; x < SIDE; x++) u[x] = half[x][y];
      weight_gradient_side(u, g);
      UNROLL for (int x = 0; x < TAPS; x++) vec_store(to + (y * TAPS + x) * tap + i, g[x]);
    }
  }
}

INLINE vec activated(hg_activation activation, float negative_slope, vec x) {
  if (activation == HG_RELU) return vec_relu(x);
  if (activation == HG_LEAKY_RELU) return vec_leaky(x, vec_set(negative_slope));
  return x;
}

INLINE void map_as(int channels, const float *from, ptrdiff_t position, const float *bias, hg_activation activation,
                   float negative_slope, float *const pixels[TILE * TILE]) {
  for (int c = 0; c < channels; c = next_vector(c, channels)) {
    const vec start = bias == NULL ? vec_set(0) : vec_load(bias + c);
    vec half[SIDE][TILE]; /* (x, y) */
    UNROLL for (int x = 0; x < SIDE; x++) {
      vec m[SIDE];
      UNROLL for (int y = 0; y < SIDE; y++) m[y] = vec_load(from + (y * SIDE + x) * position + c);
      map_side(m, half[x]);
    }
    UNROLL for (int y = 0; y < TILE; y++) {
      vec m[SIDE], out[TILE];
      UNROLL for (int x = 0; x < SIDE; x++) m[x] = half[x][y];
      map_side(m, out);
      UNROLL for (int x = 0; x < TILE; x++)
          vec_store(pixels[y * TILE + x] + c, activated(activation, negative_slope, vec_add(out[x], start)));
    }
  }
}

static void map(int channels, const float *from, ptrdiff_t position, const float *bias, hg_activation activation,
                float negative_slope, float *const pixels[TILE * TILE]) {
  if (activation == HG_RELU)
    map_as(channels, from, position, bias, HG_RELU, negative_slope, pixels);
  else if (activation == HG_LEAKY_RELU)
    map_as(channels, from, position, bias, HG_LEAKY_RELU, negative_slope, pixels);
  else
    map_as(channels, from, position, bias, HG_LINEAR, negative_slope, pixels);
}

#endif
