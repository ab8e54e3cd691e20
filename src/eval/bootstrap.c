#include "eval/bootstrap.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct resampling {
  const hg_bootstrap_settings *settings;
  int32_t *times;      /* (threads, groups) */
  double *differences; /* (resamples) */
} resampling;

static void resample(void *context, int64_t index, int worker) {
  const resampling *r = context;
  const hg_bootstrap_settings *s = r->settings;
  int32_t *times = r->times + worker * s->groups;
  memset(times, 0, (size_t)s->groups * sizeof *times);
  hg_rng rng = hg_rng_at(s->seed, HG_RNG_BOOTSTRAP, 1, (uint64_t)index);
  for (int64_t i = 0; i < s->samples; i++) {
    int64_t drawn = (int64_t)(((uint64_t)hg_rng_u32(&rng) * (uint64_t)s->samples) >> 32);
    times[s->group == NULL ? drawn : s->group[drawn]]++;
  }
  r->differences[index] = s->compute(s->context, times);
}

static int by_size(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/* No test of paired images in which each pair could have gone either way says less than 2^(1 - samples): a few images that all
 * lie on one side prove little, whatever resampling them gives. */
static void conclude(double *values, int64_t samples, hg_bootstrap *result) {
  const int count = HG_BOOTSTRAP_RESAMPLES;
  double mean = 0, squares = 0;
  int64_t below = 0, above = 0;
  for (int i = 0; i < count; i++) {
    mean += values[i] / count;
    below += values[i] <= 0;
    above += values[i] >= 0;
  }
  for (int i = 0; i < count; i++) squares += (values[i] - mean) * (values[i] - mean);
  qsort(values, (size_t)count, sizeof *values, by_size);
  int64_t rarer = below < above ? below : above;
  double least = samples > 1000 ? 0 : ldexp(2, -(int)samples), share = 2.0 * (double)(rarer + 1) / (count + 1);
  *result = (hg_bootstrap){.deviation = sqrt(squares / (count - 1)),
                           .low = values[count / 40],
                           .high = values[count - 1 - count / 40],
                           .p_value = fmin(1, fmax(share, least))};
}

hg_code hg_bootstrap_difference(const hg_bootstrap_settings *settings, hg_pool *pool, hg_bootstrap *result, hg_error *error) {
  const char *what = "bootstrap";
  if (settings->samples < 1 || settings->samples > INT32_MAX)
    return hg_fail(error, HG_USAGE, what, "%lld samples", (long long)settings->samples);
  hg_bootstrap_settings made = *settings;
  if (made.group == NULL) made.groups = made.samples;
  size_t counts = (size_t)hg_pool_threads(pool) * (size_t)made.groups;
  resampling r = {.settings = &made,
                  .times = hg_malloc(counts * sizeof(int32_t)),
                  .differences = hg_malloc(HG_BOOTSTRAP_RESAMPLES * sizeof(double))};
  hg_code code = HG_OK;
  if (r.times == NULL || r.differences == NULL) {
    code = hg_fail_memory(error, what, counts * sizeof(int32_t));
  } else {
    hg_parallel_for(pool, HG_BOOTSTRAP_RESAMPLES, resample, &r);
    conclude(r.differences, made.samples, result);
  }
  hg_free(r.times);
  hg_free(r.differences);
  return code;
}
