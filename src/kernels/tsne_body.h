/* The body of every version of the kernels: included once by each tsne_ISA.c, compiled with that version's flags. */
#ifndef HG_KERNELS_TSNE_BODY_H
#define HG_KERNELS_TSNE_BODY_H

#include "kernels/math.h"
#include "kernels/tsne_fft.h"

/* A point's first tap and the fractions along x and y. */
typedef struct taps {
  ptrdiff_t first;
  float along_x, along_y;
} taps;

/* The polynomials of the fraction, all taps of an axis at once. */
INLINE half polynomial(int powers, const float (*coefficient)[HG_TSNE_STRETCH], float fraction) {
  half value = half_at(coefficient[powers - 1]);
  for (int i = powers - 2; i >= 0; i--) value = value * fraction + half_at(coefficient[i]);
  return value;
}

INLINE taps locate(const hg_tsne_grid *grid, const float *point) {
  float u = (point[0] - grid->origin[0]) * grid->scale, v = (point[1] - grid->origin[1]) * grid->scale;
  int column = (int)u, row = (int)v;
  return (taps){row * grid->row + column, u - (float)column, v - (float)row};
}

static void spread(const hg_tsne_grid *grid, const float *points, const int32_t *order, int64_t count, float *values) {
  for (int64_t i = 0; i < count; i++) {
    taps t = locate(grid, points + 2 * (ptrdiff_t)order[i]);
    half along_x = polynomial(HG_TSNE_TAPS, grid->weight, t.along_x);
    half along_y = polynomial(HG_TSNE_TAPS, grid->weight, t.along_y);
    float *to = values + t.first;
    for (int r = 0; r < HG_TSNE_TAPS; r++, to += grid->row) half_put(to, half_at(to) + along_x * along_y[r]);
  }
}

static double gather(const hg_tsne_grid *grid, const float *points, const int32_t *order, int64_t count, const float *values,
                     float *force) {
  double total = 0;
  float factor = -0.5f * grid->scale;
  for (int64_t i = 0; i < count; i++) {
    ptrdiff_t point = 2 * (ptrdiff_t)order[i];
    taps t = locate(grid, points + point);
    half weight_x = polynomial(HG_TSNE_TAPS, grid->weight, t.along_x);
    half weight_y = polynomial(HG_TSNE_TAPS, grid->weight, t.along_y);
    half slope_x = polynomial(HG_TSNE_TAPS - 1, grid->slope, t.along_x);
    half slope_y = polynomial(HG_TSNE_TAPS - 1, grid->slope, t.along_y);
    half value = {0}, along_y = {0};
    const float *from = values + t.first;
    for (int r = 0; r < HG_TSNE_TAPS; r++, from += grid->row) {
      value += half_at(from) * weight_y[r];
      along_y += half_at(from) * slope_y[r];
    }
    total += fold_half(value * weight_x);
    force[point] = factor * fold_half(value * slope_x);
    force[point + 1] = factor * fold_half(along_y * weight_x);
  }
  return total;
}

static void attract(const hg_tsne_rows *p, const float *points, int64_t first, int64_t last, float *force) {
  for (int64_t i = first; i < last; i++) {
    vec x = vec_of(points[2 * i]), y = vec_of(points[2 * i + 1]), along_x = {0}, along_y = {0};
    for (int64_t e = p->start[i]; e < p->start[i + 1]; e += LANES) {
      vec other_x, other_y;
      points_at(points, p->column + e, &other_x, &other_y);
      vec dx = x - other_x, dy = y - other_y;
      vec weight = vec_at(p->value + e) / (1.0f + (dx * dx + dy * dy));
      along_x += weight * dx;
      along_y += weight * dy;
    }
    force[2 * i] = fold(&along_x);
    force[2 * i + 1] = fold(&along_y);
  }
}

/* q over a vector of pairs, its force added up. */
INLINE vec push(vec dx, vec dy, vec *along_x, vec *along_y) {
  vec q = 1.0f / (1.0f + (dx * dx + dy * dy)), square = q * q;
  *along_x += square * dx;
  *along_y += square * dy;
  return q;
}

static double repel(const float *points, int64_t count, int64_t first, int64_t last, float *force) {
  double total = 0;
  int32_t index[LANES];
  int64_t whole = count / LANES * LANES;
  for (int64_t i = first; i < last; i++) {
    vec x = vec_of(points[2 * i]), y = vec_of(points[2 * i + 1]), along_x = {0}, along_y = {0}, z = {0}, other_x, other_y;
    for (int64_t j = 0; j < whole; j += LANES) {
      for (int l = 0; l < LANES; l++) index[l] = (int32_t)j + l;
      points_at(points, index, &other_x, &other_y);
      z += push(x - other_x, y - other_y, &along_x, &along_y);
    }
    float sum_z = fold(&z) - 1.0f; /* without the point itself */
    float sum_x = fold(&along_x), sum_y = fold(&along_y);
    for (int64_t j = whole; j < count; j++) {
      float dx = points[2 * i] - points[2 * j], dy = points[2 * i + 1] - points[2 * j + 1];
      float q = 1.0f / (1.0f + (dx * dx + dy * dy));
      sum_z += q;
      sum_x += q * q * dx;
      sum_y += q * q * dy;
    }
    total += sum_z;
    force[2 * i] = sum_x;
    force[2 * i + 1] = sum_y;
  }
  return total;
}

static void update(const hg_tsne_step *step, int64_t count, const float *restrict attraction, const float *restrict repulsion,
                   float *restrict velocity, float *restrict gain, float *restrict points) {
  const hg_tsne_step s = *step;
  for (int64_t i = 0; i < count; i++) {
    float gradient = 4.0f * (s.exaggeration * attraction[i] - s.inverse_z * repulsion[i]);
    float grown = gain[i] + 0.2f, shrunk = gain[i] * 0.8f;
    float g = velocity[i] * gradient < 0.0f ? grown : shrunk;
    g = g < 0.01f ? 0.01f : g;
    float v = s.momentum * velocity[i] - s.learning_rate * (g * gradient);
    v = v > s.most ? s.most : v;
    v = v < -s.most ? -s.most : v;
    gain[i] = g;
    velocity[i] = v;
    points[i] += v;
  }
}

static int below(const float *values, int count, float limit, int32_t *hits) {
  int found = 0, j = 0;
#if defined(__AVX512F__)
  const __m512 most = _mm512_set1_ps(limit);
  for (; j + 16 <= count; j += 16)
    for (unsigned m = _mm512_cmp_ps_mask(_mm512_loadu_ps(values + j), most, _CMP_LT_OQ); m != 0; m &= m - 1)
      hits[found++] = j + __builtin_ctz(m);
#elif defined(__AVX2__)
  const __m256 most = _mm256_set1_ps(limit);
  for (; j + 8 <= count; j += 8)
    for (unsigned m = (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(values + j), most, _CMP_LT_OQ)); m != 0;
         m &= m - 1)
      hits[found++] = j + __builtin_ctz(m);
#endif
  for (; j < count; j++)
    if (values[j] < limit) hits[found++] = j;
  return found;
}

static int64_t count_below(const float *values, int count, float limit) {
  whole_numbers lanes = {0};
  int64_t total = 0;
  for (int i = 0; i < count; i += LANES) lanes -= vec_at(values + i) < vec_of(limit);
  for (int l = 0; l < LANES; l++) total += lanes[l];
  return total;
}

static void entropy(int64_t count, const float *distances, float beta, float *sum_out, float *weighted_out) {
  vec total = {0}, weighted = {0};
  for (int64_t i = 0; i < count; i += LANES) {
    float e[LANES];
    for (int l = 0; l < LANES; l++) e[l] = hg_expf(-beta * distances[i + l]);
    total += vec_at(e);
    weighted += vec_at(e) * vec_at(distances + i);
  }
  *sum_out = fold(&total);
  *weighted_out = fold(&weighted);
}

#define HG_TSNE_KERNELS                                                                                                         \
  {                                                                                                                             \
    .forward = forward, .backward = backward, .scale = scale, .split = split, .join = join, .spread = spread, .gather = gather, \
    .attract = attract, .repel = repel, .update = update, .below = below, .count_below = count_below, .entropy = entropy        \
  }

#endif
