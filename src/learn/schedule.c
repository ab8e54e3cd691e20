#include "learn/optimizer.h"

#include <math.h>

/* cos(pi x) for x in [0, 1], by the series of the sine around x = 1/2: additions and products only, so the same bits with any
 * C library. */
static double cosine_of_half_turn(double x) {
  double angle = 3.14159265358979323846 * (0.5 - x), square = angle * angle, sum = 0;
  for (int k = 23; k >= 3; k -= 2) sum = (sum + 1) * -square / (k * (k - 1));
  return angle * (sum + 1);
}

double hg_power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent >>= 1, base *= base) {
    if (exponent & 1) result *= base;
  }
  return result;
}

static double cosine_from_1(double x, double final) { return final + (1 - final) * (1 + cosine_of_half_turn(x)) / 2; }

double hg_schedule_factor(const hg_schedule *schedule, int64_t update, int64_t updates, int64_t per_epoch) {
  int64_t warmup = (int64_t)((double)schedule->warmup * (double)per_epoch);
  if (update < warmup) return (double)(update + 1) / (double)warmup;
  update -= warmup;
  updates -= warmup;
  double x = updates > 0 ? (double)update / (double)updates : 0;
  double peak = schedule->peak, final = schedule->final;
  bool rising = x < peak;
  double rise = schedule->initial + (1 - (double)schedule->initial) * x / peak;
  switch (schedule->kind) {
    case HG_CONSTANT:
      return 1;
    case HG_STEP:
      return hg_power(schedule->gamma, update / (schedule->every * per_epoch));
    case HG_COSINE:
      return cosine_from_1(x, final);
    case HG_ONE_CYCLE:
      return rising ? rise : cosine_from_1((x - peak) / (1 - peak), final);
    case HG_TRIANGULAR:
      return rising ? rise : 1 + (final - 1) * (x - peak) / (1 - peak);
  }
  return 1;
}
