/* The body of every version, in loops that the compiler spreads over vector lanes. */
#ifndef HG_KERNELS_IMAGE_BODY_H
#define HG_KERNELS_IMAGE_BODY_H

#include "base/normal.h"
#include "kernels/image.h"
#include "kernels/philox_lanes.h"

/* ---- Normal numbers */

enum { WORDS = 4 * BLOCKS, CHUNK = 16 * WORDS };

/* The words that calls of hg_rng_u32 would give; some more are written behind them. */
static void fill_words(hg_rng *rng, int count, uint32_t words[CHUNK + WORDS]) {
  uint32_t lanes[WORDS];
  int done = 0;
  while (done < count && rng->used < 4) words[done++] = rng->block[rng->used++];
  while (done + 4 <= count) {
    int blocks = (count - done) / 4 < BLOCKS ? (count - done) / 4 : BLOCKS;
    philox_lanes(rng->key, rng->counter, rng->counter[0], lanes);
    for (int i = 0; i < BLOCKS; i++)
      for (int w = 0; w < 4; w++) words[done + 4 * i + w] = lanes[w * BLOCKS + i];
    rng->counter[0] += (uint32_t)blocks;
    done += 4 * blocks;
  }
  while (done < count) words[done++] = hg_rng_u32(rng);
}

/* All as if they were of the middle, then those of the tails again. */
static void normals(hg_rng *rng, int64_t count, float *values) {
  uint32_t words[CHUNK + WORDS];
  double q[CHUNK] = {0};
  int place[CHUNK] = {0};
  for (int64_t first = 0; first < count; first += CHUNK) {
    int n = count - first < CHUNK ? (int)(count - first) : CHUNK, tails = 0;
    fill_words(rng, n, words);
    for (int i = 0; i < n; i++) values[first + i] = (float)hg_normal_middle(hg_normal_centred(words[i]));
    for (int i = 0; i < n; i++) {
      place[tails] = i;
      q[tails] = hg_normal_centred(words[i]);
      tails += hg_normal_is_tail(q[tails]);
    }
    for (int i = 0; i < tails; i++) q[i] = hg_normal_tail(q[i]);
    for (int i = 0; i < tails; i++) values[first + place[i]] = (float)q[i];
  }
}

/* ---- Rotation */

enum { PIXELS = 16 };

/* Where some pixels of a line, or places beyond its end, come from: the weight of the lower and of the right pixels, and for the
 * four pixels around it the place of each and whether it is on the image. */
typedef struct origin {
  float down[PIXELS], right[PIXELS];
  int32_t at[4][PIXELS], there[4][PIXELS];
} origin;

/* The whole number at or below x. */
static inline int32_t whole(double x) {
  int32_t cut = (int32_t)x;
  return cut - (x < (double)cut);
}

static void find_origins(hg_shape shape, double s, double c, int row, int first, origin *of) {
  double middle_y = 0.5 * (shape.height - 1), middle_x = 0.5 * (shape.width - 1), down = row - middle_y;
  uint32_t height = (uint32_t)shape.height, width = (uint32_t)shape.width;
#pragma GCC unroll 1
  for (int i = 0; i < PIXELS; i++) {
    double right = first + i - middle_x;
    double fy = middle_y - s * right + c * down, fx = middle_x + c * right + s * down;
    int32_t y = whole(fy), x = whole(fx);
    of->down[i] = (float)(fy - y);
    of->right[i] = (float)(fx - x);
    for (int k = 0; k < 4; k++) {
      int32_t ky = y + k / 2, kx = x + k % 2;
      int32_t there = -((uint32_t)ky < height) & -((uint32_t)kx < width);
      of->there[k][i] = there;
      of->at[k][i] = (ky * shape.width + kx) * shape.channels & there;
    }
  }
}

/* Value k of the four that each pixel comes from, of the channel that `from` begins with. */
static void take_pixels(const origin *of, int k, const float *from, float *value) {
#pragma GCC unroll 1
  for (int i = 0; i < PIXELS; i++) value[i] = from[of->at[k][i]];
#pragma GCC unroll 1
  for (int i = 0; i < PIXELS; i++) value[i] = of->there[k][i] ? value[i] : 0;
}

static void blend(const origin *of, int count, int step, const float *from, float *out) {
  float value[4][PIXELS], blended[PIXELS];
  for (int k = 0; k < 4; k++) take_pixels(of, k, from, value[k]);
#pragma GCC unroll 1
  for (int i = 0; i < PIXELS; i++) {
    float dy = of->down[i], dx = of->right[i];
    float top = (1 - dx) * value[0][i] + dx * value[1][i], bottom = (1 - dx) * value[2][i] + dx * value[3][i];
    blended[i] = (1 - dy) * top + dy * bottom;
  }
  for (int i = 0; i < count; i++) out[i * step] = blended[i];
}

static void rotate(hg_shape shape, double sine, double cosine, const float *from, float *to) {
  origin of;
  for (int row = 0; row < shape.height; row++)
    for (int first = 0; first < shape.width; first += PIXELS) {
      int count = shape.width - first < PIXELS ? shape.width - first : PIXELS;
      float *out = to + ((int64_t)row * shape.width + first) * shape.channels;
      find_origins(shape, sine, cosine, row, first, &of);
      for (int c = 0; c < shape.channels; c++) blend(&of, count, shape.channels, from + c, out + c);
    }
}

#endif
