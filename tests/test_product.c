/* Large products: however they are cut into tasks, panels and stretches, a sum is one chain of fused multiply-adds. */
#include "ops/product.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

#include <cmocka.h>

/* What takes the result. */
typedef enum taker { NOBODY, FINISH, FINISH_ALONE } taker;

typedef struct product_case {
  int rows, columns, steps;
  bool b_transposed, start;
  taker taker;
} product_case;

/* Rows of 512 and 1,024 floats, which share few places of the caches, beside others; one stretch and several. */
static const product_case cases[] = {
    {30, 512, 600, false, true, NOBODY},  {100, 1024, 130, false, false, NOBODY},      {29, 1024, 2100, false, true, NOBODY},
    {27, 512, 600, false, true, NOBODY},  {31, 528, 700, false, true, NOBODY},         {30, 512, 300, true, false, NOBODY},
    {45, 600, 513, true, true, NOBODY},   {300, 512, 600, false, false, FINISH_ALONE}, {1, 512, 1, false, true, NOBODY},
    {70, 512, 600, false, false, FINISH},
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
    memcpy(copy->to + (part.row + i) * copy->columns + part.column, c + i * c_row, (size_t)part.columns * sizeof *c);
}

/* c and what `finish` was given, side by side. */
static hg_product product_of(const product_case *c, const matrices *m, float *result, const copy_context *copy) {
  return (hg_product){.gemm = {.rows = c->rows,
                               .columns = c->columns,
                               .groups = 1,
                               .segments = 1,
                               .steps = c->steps,
                               .a = m->a,
                               .a_row = c->steps,
                               .a_step = 1,
                               .b = m->b,
                               .b_step = c->b_transposed ? c->steps : c->columns,
                               .c = c->taker == FINISH_ALONE ? NULL : result,
                               .c_row = c->columns,
                               .start = c->start ? m->start : NULL,
                               .activation = HG_RELU},
                      .b_transposed = c->b_transposed,
                      .consumed = c->taker == FINISH_ALONE,
                      .near = c->taker == FINISH_ALONE,
                      .finish = c->taker == NOBODY ? NULL : copy_part,
                      .context = copy};
}

static void expect(const product_case *c, const matrices *m, const float *got, int threads) {
  for (int i = 0; i < c->rows * c->columns; i++)
    if (got[i] != m->expected[i])
      fail_msg("%d x %d x %d on %s, %d threads, row %d column %d: %.9g, expected %.9g", c->rows, c->steps, c->columns,
               hg_isa_name(hg_isa_get()), threads, i / c->columns, i % c->columns, (double)got[i], (double)m->expected[i]);
}

/* Memory whose end is exact, so that the address sanitizer sees what goes beyond it. */
static float *room_of(size_t count) {
  float *room = hg_calloc(count, sizeof *room);
  assert_non_null(room);
  return room;
}

static void check(const product_case *c, const matrices *m, int threads) {
  hg_pool *pool;
  assert_int_equal(hg_pool_new(threads, &pool, NULL), HG_OK);
  size_t count = (size_t)(c->rows * c->columns);
  float *result = room_of(count), *taken = room_of(count), *scratch = room_of(hg_products_scratch(threads));
  copy_context copy = {taken, c->columns};
  hg_product p = product_of(c, m, result, &copy);
  hg_product_cut(&p);
  hg_products_run(pool, &p, 1, scratch);
  if (c->taker != FINISH_ALONE) expect(c, m, result, threads);
  if (c->taker != NOBODY) expect(c, m, taken, threads);
  hg_free(scratch);
  hg_free(taken);
  hg_free(result);
  hg_pool_free(pool);
}

static void every_sum_is_one_chain_of_multiply_adds(void **state) {
  (void)state;
  hg_isa best = hg_isa_best();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    matrices m = make(&cases[i]);
    for (hg_isa isa = HG_ISA_AVX2; isa <= best; isa++) {
      assert_int_equal(hg_isa_set(isa, NULL), HG_OK);
      for (int threads = 1; threads <= 3; threads++) check(&cases[i], &m, threads);
    }
    release(&m);
  }
  hg_isa_set(best, NULL);
}

/* The input's gradient of a dense layer with the weights' beside it; the batch is so large that sums cannot stand apart. */
static void two_products_cut_together_are_both_whole(void **state) {
  (void)state;
  enum { BATCH = 1100, IN = 512, OUT = 64, THREADS = 2 };
  product_case input = {BATCH, IN, OUT, true, false, NOBODY}, weight = {IN, OUT, BATCH, false, false, FINISH_ALONE};
  matrices m[2] = {make(&input), make(&weight)};
  float *result = room_of((size_t)BATCH * IN), *taken = room_of((size_t)IN * OUT),
        *scratch = room_of(hg_products_scratch(THREADS));
  copy_context copy = {taken, OUT};
  hg_product both[2] = {product_of(&input, &m[0], result, &copy), product_of(&weight, &m[1], NULL, &copy)};
  hg_pool *pool;
  assert_int_equal(hg_pool_new(THREADS, &pool, NULL), HG_OK);
  assert_true(hg_product_cut_together(&both[0], &both[1]));
  hg_products_run_together(pool, both, scratch);
  expect(&input, &m[0], result, THREADS);
  expect(&weight, &m[1], taken, THREADS);
  hg_pool_free(pool);
  hg_free(scratch);
  hg_free(taken);
  hg_free(result);
  release(&m[0]);
  release(&m[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_sum_is_one_chain_of_multiply_adds),
      cmocka_unit_test(two_products_cut_together_are_both_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
