/* Reading and comparing the figures in tests/golden, shared by the tests that hold hourglass against PyTorch. */
#ifndef HG_TESTS_GOLDEN_H
#define HG_TESTS_GOLDEN_H

#include "base/alloc.h"
#include "store/safetensors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline void golden_open(const char *name, hg_safetensors *file) {
  char path[512];
  hg_error error = {0};
  snprintf(path, sizeof path, "%s/tests/golden/%s.safetensors", SOURCE_DIR, name);
  if (hg_safetensors_read(path, file, &error) != HG_OK) fail_msg("%s: %s", error.place, error.message);
}

static inline const hg_named_tensor *golden_tensor(const hg_safetensors *file, const char *prefix, const char *name) {
  char key[128];
  snprintf(key, sizeof key, "%s.%s", prefix, name);
  const hg_named_tensor *tensor = hg_safetensors_find(file, key);
  if (tensor == NULL) fail_msg("the recording has no %s", key);
  return tensor;
}

/* A copy of the tensor's values, which the file holds unaligned; freed with hg_free_aligned. */
static inline void *golden_values(const hg_named_tensor *tensor) {
  static const size_t size[HG_DTYPES] = {[HG_F32] = 4, [HG_F64] = 8, [HG_I32] = 4, [HG_I64] = 8, [HG_U8] = 1};
  size_t bytes = (size_t)hg_named_tensor_count(tensor) * size[tensor->dtype];
  void *values = hg_alloc_aligned(bytes);
  assert_non_null(values);
  memcpy(values, tensor->data, bytes);
  return values;
}

static inline float *golden_floats(const hg_safetensors *file, const char *prefix, const char *name) {
  return golden_values(golden_tensor(file, prefix, name));
}

/* Every value within `tolerance` of the wanted one, relative to the largest wanted one. */
static inline void golden_compare(const char *prefix, const char *name, const float *got, const float *wanted, int64_t count,
                                  double tolerance) {
  double largest = 0;
  for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs(wanted[i]));
  for (int64_t i = 0; i < count; i++)
    if (!(fabs((double)got[i] - wanted[i]) <= tolerance * largest))
      fail_msg("%s.%s[%lld] is %.9g; PyTorch has %.9g", prefix, name, (long long)i, got[i], wanted[i]);
}

#endif
