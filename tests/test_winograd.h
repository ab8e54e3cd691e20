/* What the tests of Winograd's convolutions share: numbers to convolve, and the padding by its definition. Included after
 * cmocka.h. */
#ifndef HG_TESTS_TEST_WINOGRAD_H
#define HG_TESTS_TEST_WINOGRAD_H

#include "base/alloc.h"
#include "base/rng.h"
#include "ops/op.h"

static float *random_floats(size_t count, uint32_t stream, float scale) {
  float *values = hg_malloc(count * sizeof *values);
  assert_non_null(values);
  hg_rng rng = hg_rng_at(3, HG_RNG_TEST, 0, stream);
  for (size_t i = 0; i < count; i++) values[i] = scale * hg_rng_normal(&rng);
  return values;
}

/* Where a pixel at `at` of a side is read from; -1 = zeros. */
static int inside(int at, int size, hg_padding padding) {
  if (at >= 0 && at < size) return at;
  return padding == HG_REPLICATE ? (at < 0 ? 0 : size - 1) : -1;
}

#endif
