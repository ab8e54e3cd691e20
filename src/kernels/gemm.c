#include "kernels/gemm.h"

#include <math.h>
#include <string.h>

#include "kernels/pointwise.h"

static float activated(const hg_gemm *g, float x) {
  if (g->activation == HG_RELU) return x < 0 ? 0 : x;
  if (g->activation == HG_LEAKY_RELU) return x < 0 ? x * g->negative_slope : x;
  return x;
}

void hg_gemm_activate_stored(const hg_gemm *g, int rows, int columns, float *c) {
  if (g->activation != HG_SIGMOID && g->activation != HG_TANH) return;
  for (int i = 0; i < rows; i++, c += g->c_row) hg_pointwise()->activate(g->activation, 0, columns, c, c);
}

static float chain(const hg_gemm *g, const float *a, const float *b, float sum) {
  for (int group = 0; group < g->groups; group++, a += g->a_group, b += g->b_group)
    for (int s = 0; s < g->segments; s++)
      for (int k = 0; k < g->steps; k++)
        sum = fmaf(a[s * g->a_segment + k * g->a_step], b[s * g->b_segment + k * g->b_step], sum);
  return sum;
}

static void copy(int rows, int columns, const float *from, ptrdiff_t from_row, float *to, ptrdiff_t to_row) {
  for (int i = 0; i < rows; i++) memcpy(to + i * to_row, from + i * from_row, sizeof *to * (size_t)columns);
}

static void product(const hg_gemm *g) {
  for (int i = 0; i < g->rows; i++)
    for (int j = 0; j < g->columns; j++) {
      float start = g->start == NULL ? 0 : g->start[i * g->start_row + j];
      g->c[i * g->c_row + j] = activated(g, chain(g, g->a + i * g->a_row, g->b + j, start));
    }
  hg_gemm_activate_stored(g, g->rows, g->columns, g->c);
  if (g->keep != NULL) copy(g->steps, g->columns, g->b, g->b_step, g->keep, g->keep_row);
}

static void transpose(int rows, int columns, const float *from, ptrdiff_t from_row, float *to, ptrdiff_t to_row) {
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++) to[j * to_row + i] = from[i * from_row + j];
}

const hg_gemm_kernels hg_gemm_generic = {product, transpose, copy};

const hg_gemm_kernels *hg_gemm_kernels_get(void) {
#if defined(__x86_64__)
  static const hg_gemm_kernels *const versions[HG_ISAS] = {&hg_gemm_generic, &hg_gemm_avx2, &hg_gemm_avx512};
  return versions[hg_isa_get()];
#else
  return &hg_gemm_generic;
#endif
}
