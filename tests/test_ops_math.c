/* The project's own exp, log and the like against libm in double. */
#include "kernels/math.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static double ulps(float got, double expected) {
  if (isnan(got)) return isnan(expected) ? 0 : INFINITY;
  float nearest = (float)expected;
  if (isinf(got) || isinf(nearest)) return got == nearest ? 0 : INFINITY;
  double unit = (double)fmaxf(nextafterf(fabsf(nearest), INFINITY) - fabsf(nearest), 0x1p-149f);
  return fabs((double)got - expected) / unit;
}

static double logistic(double x) { return 1 / (1 + exp(-x)); }

/* Walks through floats by their bits, so that every magnitude is met. */
static void check(const char *name, float (*function)(float), double (*reference)(double), float low, float high, double most) {
  double worst = 0;
  float at = low;
  for (uint32_t bits = 0; bits < 0xff000000u; bits += 1013) {
    float x = hg_float_of_bits(bits);
    if (!(x >= low && x <= high)) continue;
    double error = ulps(function(x), reference((double)x));
    if (error > worst) worst = error, at = x;
  }
  if (worst > most) fail_msg("%s: %.3g ulp at %.9g, where it is %.9g", name, worst, (double)at, (double)function(at));
}

static void functions_stay_within_the_stated_error(void **state) {
  (void)state;
  check("exp", hg_expf, exp, -87.33654f, 95, 1);
  check("log", hg_logf, log, 0, INFINITY, 1);
  check("log1p", hg_log1pf, log1p, 0, 1, 2);
  check("tanh", hg_tanhf, tanh, -INFINITY, INFINITY, 2);
  check("sigmoid", hg_sigmoidf, logistic, -87, 100, 3);
  check("erf", hg_erff, erf, -INFINITY, INFINITY, 2);
}

static void nan_and_infinity_go_through(void **state) {
  (void)state;
  assert_true(isnan(hg_expf(NAN)) && isnan(hg_logf(NAN)) && isnan(hg_tanhf(NAN)) && isnan(hg_sigmoidf(NAN)) &&
              isnan(hg_erff(NAN)));
  assert_true(hg_expf(INFINITY) == INFINITY && hg_expf(-INFINITY) == 0);
  assert_true(hg_expf(-88) == 0 && hg_expf(-87.3f) > 0x1p-126f);
  assert_true(hg_logf(0) == -INFINITY && isnan(hg_logf(-1)) && hg_logf(INFINITY) == INFINITY);
  assert_true(hg_tanhf(-INFINITY) == -1 && hg_erff(INFINITY) == 1);
  assert_true(hg_sigmoidf(-INFINITY) == 0 && hg_sigmoidf(INFINITY) == 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(functions_stay_within_the_stated_error),
      cmocka_unit_test(nan_and_infinity_go_through),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
