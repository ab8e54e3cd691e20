/* The paired bootstrap (Efron and Tibshirani 1993): how much differences of scores change with the choice of test images. */
#ifndef HG_EVAL_BOOTSTRAP_H
#define HG_EVAL_BOOTSTRAP_H

#include "base/parallel.h"

enum { HG_BOOTSTRAP_RESAMPLES = 10000 };

/* The difference of two scores on one resample: times (groups) says how often the samples of each group were drawn. Called from
 * several threads at once. */
typedef double hg_resampled_difference(const void *context, const int32_t *times);

typedef struct hg_bootstrap_settings {
  int64_t samples;
  const int32_t *group; /* (samples): samples that count the same, in [0, groups); NULL = each is its own group */
  int64_t groups;
  uint64_t seed; /* of the resamples; default 1. The result depends on nothing else, not on threads */
  hg_resampled_difference *compute;
  const void *context;
} hg_bootstrap_settings;

typedef struct hg_bootstrap {
  double deviation; /* standard deviation over the resamples */
  double low, high; /* 2.5 and 97.5 percentiles */
  double p_value;   /* two-sided: 2 (k + 1) / (resamples + 1), k the resamples on the rarer side of 0 (those at 0 on both);
                       at least 2^(1 - samples) */
} hg_bootstrap;

/* Draws of samples are uniform to 1 part in 2^32 / samples. */
hg_code hg_bootstrap_difference(const hg_bootstrap_settings *settings, hg_pool *pool, hg_bootstrap *result, hg_error *error);

#endif
