#include "kernels/gemm.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

#include <cmocka.h>

static const hg_gemm_kernels *version(hg_isa isa) {
  static const hg_gemm_kernels *const versions[HG_ISAS] = {&hg_gemm_generic, &hg_gemm_avx2, &hg_gemm_avx512};
  return versions[isa];
}

static float *random_floats(hg_rng *rng, size_t count) {
  float *values = hg_malloc(count * sizeof *values); /* exact, so that the address sanitizer sees a read beyond it */
  assert_non_null(values);
  for (size_t i = 0; i < count; i++) values[i] = hg_rng_normal(rng);
  return values;
}

static int between(hg_rng *rng, int least, int most) { return least + (int)hg_rng_below(rng, (uint64_t)(most - least + 1)); }

/* Sizes of a product whose operands fill their memory to the last float. */
typedef struct shape {
  hg_gemm gemm;
  size_t a, b, c;
} shape;

static shape random_shape(hg_rng *rng) {
  shape s = {0};
  hg_gemm *g = &s.gemm;
  bool wide = hg_rng_below(rng, 4) == 0;
  g->rows = between(rng, 1, 40);
  g->columns = wide ? between(rng, 1, 200) : between(rng, 1, 40);
  g->groups = between(rng, 0, 3);
  g->segments = between(rng, 0, 4);
  g->a_group = between(rng, 0, 60);
  g->steps = between(rng, 0, 50);
  g->a_step = between(rng, 1, 3);
  g->a_row = between(rng, 1, 5);
  g->a_segment = between(rng, 0, 60);
  g->b_step = g->columns + between(rng, 0, 3);
  g->b_segment = g->b_step * between(rng, 0, 60);
  g->b_group = g->b_step * between(rng, 0, 60);
  g->c_row = g->columns + between(rng, 0, 3);
  g->activation = (hg_activation)(int[]){HG_LINEAR, HG_RELU, HG_LEAKY_RELU, HG_SIGMOID, HG_TANH}[hg_rng_below(rng, 5)];
  g->negative_slope = 0.1f;
  bool empty = g->groups == 0 || g->segments == 0 || g->steps == 0;
  size_t steps = empty ? 0 : (size_t)g->steps - 1, segments = empty ? 0 : (size_t)g->segments - 1;
  size_t groups = empty ? 0 : (size_t)g->groups - 1;
  s.a = groups * (size_t)g->a_group + steps * (size_t)g->a_step + segments * (size_t)g->a_segment +
        (size_t)((g->rows - 1) * g->a_row) + 1;
  s.b = groups * (size_t)g->b_group + steps * (size_t)g->b_step + segments * (size_t)g->b_segment + (size_t)g->columns;
  s.c = (size_t)((g->rows - 1) * g->c_row + g->columns);
  return s;
}

static void every_version_gives_the_bits_of_plain_c(void **state) {
  (void)state;
  hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, 0);
  for (int round = 0; round < 1500; round++) {
    shape s = random_shape(&rng);
    float *a = random_floats(&rng, s.a), *b = random_floats(&rng, s.b), *start = random_floats(&rng, s.c);
    float *c[HG_ISAS] = {0};
    int start_kind = between(&rng, 0, 2);
    for (int isa = 0; isa <= (int)hg_isa_best(); isa++) {
      c[isa] = hg_malloc(s.c * sizeof(float));
      memcpy(c[isa], start, s.c * sizeof(float));
      hg_gemm g = s.gemm;
      g.a = a;
      g.b = b;
      g.c = c[isa];
      g.start = start_kind == 0 ? NULL : start_kind == 1 ? start : c[isa];
      g.start_row = start_kind == 2 ? g.c_row : 0;
      version((hg_isa)isa)->product(&g);
      assert_memory_equal(c[isa], c[0], s.c * sizeof(float)); /* what lies between the rows is left alone too */
    }
    for (int isa = 0; isa < HG_ISAS; isa++) hg_free(c[isa]);
    hg_free(a);
    hg_free(b);
    hg_free(start);
  }
}

static void plain_c_is_the_sum_of_products(void **state) {
  (void)state;
  hg_rng rng = hg_rng_at(2, HG_RNG_TEST, 0, 0);
  for (int round = 0; round < 100; round++) {
    shape s = random_shape(&rng);
    float *a = random_floats(&rng, s.a), *b = random_floats(&rng, s.b), *c = random_floats(&rng, s.c);
    hg_gemm g = s.gemm;
    g.activation = HG_LINEAR;
    g.a = a;
    g.b = b;
    g.c = c;
    hg_gemm_generic.product(&g);
    for (int i = 0; i < g.rows; i++)
      for (int j = 0; j < g.columns; j++) {
        double sum = 0;
        for (int p = 0; p < g.groups; p++)
          for (int q = 0; q < g.segments; q++)
            for (int k = 0; k < g.steps; k++)
              sum += (double)a[i * g.a_row + p * g.a_group + q * g.a_segment + k * g.a_step] *
                     (double)b[p * g.b_group + q * g.b_segment + k * g.b_step + j];
        assert_true(fabs(sum - (double)c[i * g.c_row + j]) < 1e-3);
      }
    hg_free(a);
    hg_free(b);
    hg_free(c);
  }
}

static void a_sum_cut_in_two_has_the_bits_of_the_whole(void **state) {
  (void)state;
  hg_rng rng = hg_rng_at(3, HG_RNG_TEST, 0, 0);
  enum { ROWS = 13, COLUMNS = 37, STEPS = 100, CUT = 41 };
  float *a = random_floats(&rng, ROWS * STEPS), *b = random_floats(&rng, STEPS * COLUMNS);
  float whole[ROWS * COLUMNS], parts[ROWS * COLUMNS];
  for (int isa = 0; isa <= (int)hg_isa_best(); isa++) {
    hg_gemm g = {.rows = ROWS,
                 .columns = COLUMNS,
                 .groups = 1,
                 .segments = 1,
                 .steps = STEPS,
                 .a = a,
                 .a_row = STEPS,
                 .a_step = 1,
                 .b = b};
    g.b_step = g.c_row = g.start_row = COLUMNS;
    g.c = whole;
    version((hg_isa)isa)->product(&g);
    g.c = parts;
    g.steps = CUT;
    version((hg_isa)isa)->product(&g);
    g.start = parts;
    g.a += CUT;
    g.b += CUT * COLUMNS;
    g.steps = STEPS - CUT;
    version((hg_isa)isa)->product(&g);
    assert_memory_equal(parts, whole, sizeof whole);
  }
  hg_free(a);
  hg_free(b);
}

static void not_a_number_goes_through_every_activation(void **state) {
  (void)state;
  float a = NAN, b = 1, c = 0;
  hg_gemm g = {.rows = 1, .columns = 1, .groups = 1, .segments = 1, .steps = 1, .a = &a, .b = &b, .c = &c};
  for (int isa = 0; isa <= (int)hg_isa_best(); isa++)
    for (int kind = HG_LINEAR; kind <= HG_TANH; kind++) {
      g.activation = (hg_activation)kind;
      if (kind == HG_GELU) continue;
      version((hg_isa)isa)->product(&g);
      assert_true(isnan(c));
    }
}

static void transposing_moves_every_element_and_no_other(void **state) {
  (void)state;
  hg_rng rng = hg_rng_at(4, HG_RNG_TEST, 0, 0);
  for (int round = 0; round < 300; round++) {
    int rows = between(&rng, 1, 50), columns = between(&rng, 1, 50);
    int from_row = columns + between(&rng, 0, 3), to_row = rows + between(&rng, 0, 3);
    size_t from_count = (size_t)((rows - 1) * from_row + columns), to_count = (size_t)((columns - 1) * to_row + rows);
    float *from = random_floats(&rng, from_count), *before = random_floats(&rng, to_count);
    float *to = hg_malloc(to_count * sizeof *to);
    for (int isa = 0; isa <= (int)hg_isa_best(); isa++) {
      memcpy(to, before, to_count * sizeof *to);
      version((hg_isa)isa)->transpose(rows, columns, from, from_row, to, to_row);
      for (int i = 0; i < (int)to_count; i++) {
        bool inside = i % to_row < rows;
        assert_true(to[i] == (inside ? from[i % to_row * from_row + i / to_row] : before[i]));
      }
    }
    hg_free(from);
    hg_free(before);
    hg_free(to);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_version_gives_the_bits_of_plain_c),
      cmocka_unit_test(plain_c_is_the_sum_of_products),
      cmocka_unit_test(a_sum_cut_in_two_has_the_bits_of_the_whole),
      cmocka_unit_test(not_a_number_goes_through_every_activation),
      cmocka_unit_test(transposing_moves_every_element_and_no_other),
  };
  return cmocka_run_group_tests_name("gemm", tests, NULL, NULL);
}
