/* Large products: however they are cut into tasks, panels and stretches, a sum is one chain of fused multiply-adds. */
#include "ops/product.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include "base/alloc.h"
#include "base/rng.h"

#include <cmocka.h>

typedef struct product_case {
  int rows, columns, steps;
  bool b_transposed, start, consumed;
} product_case;

/* Rows of 512 and 1,024 floats, which share few places of the caches, beside others; one stretch and several. */
static const product_case cases[] = {
    {30, 512, 600, false, true, false}, {100, 1024, 130, false, false, false}, {29, 1024, 2100, false, true, false},
    {27, 512, 600, false, true, false}, {31, 528, 700, false, true, false},    {30, 512, 300, true, false, false},
    {45, 600, 513, true, true, false},  {300, 512, 100, false, false, true},   {1, 512, 1, false, true, false},
};

typedef struct matrices {
  float *a, *b, *start, *expected;
} matrices;

static float *random_floats(hg_rng *rng, int count) {
  float *values = hg_malloc((size_t)count * sizeof *values);
  assert_non_null(values);
  for (int i = 0; i < count; i++) values[i] = hg_rng_normal(rng);
  return values;
}

static matrices make(const product_case *c) {
  hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, 0);
  matrices m = {random_floats(&rng, c->rows * c->steps), random_floats(&rng, c->steps * c->columns),
                random_floats(&rng, c->columns), random_floats(&rng, c->rows * c->columns)};
  for (int i = 0; i < c->rows; i++)
    for (int j = 0; j < c->columns; j++) {
      float sum = c->start ? m.start[j] : 0;
      for (int k = 0; k < c->steps; k++)
        sum = fmaf(m.a[i * c->steps + k], c->b_transposed ? m.b[j * c->steps + k] : m.b[k * c->columns + j], sum);
      m.expected[i * c->columns + j] = sum < 0 ? 0 : sum;
    }
  return m;
}

static void release(matrices *m) {
  hg_free(m->a);
  hg_free(m->b);
  hg_free(m->start);
  hg_free(m->expected);
}

typedef struct copy_context {
  float *to;
  int columns;
} copy_context;

static void copy_part(const void *context, hg_product_part part, float *c, ptrdiff_t c_row) {
  const copy_context *copy = context;
  for (int i = 0; i < part.rows; i++)
    for (int j = 0; j < part.columns; j++) copy->to[(part.row + i) * copy->columns + part.column + j] = c[i * c_row + j];
}

static void check(const product_case *c, const matrices *m, int threads) {
  hg_pool *pool;
  assert_int_equal(hg_pool_new(threads, &pool, NULL), HG_OK);
  float *got = hg_calloc((size_t)(c->rows * c->columns), sizeof *got);
  float *scratch = hg_malloc(hg_products_scratch(threads) * sizeof *scratch);
  copy_context copy = {got, c->columns};
  hg_product p = {.gemm = {.rows = c->rows,
                           .columns = c->columns,
                           .groups = 1,
                           .segments = 1,
                           .steps = c->steps,
                           .a = m->a,
                           .a_row = c->steps,
                           .a_step = 1,
                           .b = m->b,
                           .b_step = c->b_transposed ? c->steps : c->columns,
                           .c = c->consumed ? NULL : got,
                           .c_row = c->columns,
                           .start = c->start ? m->start : NULL,
                           .activation = HG_RELU},
                  .b_transposed = c->b_transposed,
                  .consumed = c->consumed,
                  .finish = c->consumed ? copy_part : NULL,
                  .context = &copy};
  hg_product_cut(&p);
  hg_products_run(pool, &p, 1, scratch);
  for (int i = 0; i < c->rows * c->columns; i++)
    if (got[i] != m->expected[i])
      fail_msg("%d x %d x %d, %d threads, row %d column %d: %.9g, expected %.9g", c->rows, c->steps, c->columns, threads,
               i / c->columns, i % c->columns, (double)got[i], (double)m->expected[i]);
  hg_free(scratch);
  hg_free(got);
  hg_pool_free(pool);
}

static void every_sum_is_one_chain_of_multiply_adds(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    matrices m = make(&cases[i]);
    for (int threads = 1; threads <= 3; threads++) check(&cases[i], &m, threads);
    release(&m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_sum_is_one_chain_of_multiply_adds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
