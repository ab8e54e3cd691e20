#include "learn/lbfgs.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

enum { MEMORY = 10, MOST_TRIALS = 40 };

/* The last steps s and changes of the gradient y, in a ring. */
typedef struct history {
  double *s[MEMORY], *y[MEMORY];
  double rho[MEMORY]; /* 1 / (y . s) */
  int count, next;
} history;

typedef struct state {
  const hg_lbfgs *search;
  int64_t count;
  double *x, *gradient, *direction, *trial, *trial_gradient; /* (count) each */
  double value;
  history past;
} state;

static double dot(const double *a, const double *b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; i++) sum += a[i] * b[i];
  return sum;
}

static void add_scaled(double *to, double factor, const double *from, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] += factor * from[i];
}

static double largest(const double *values, int64_t count) {
  double most = 0;
  for (int64_t i = 0; i < count; i++) most = fmax(most, fabs(values[i]));
  return most;
}

/* direction = -H gradient, by the two-loop recursion. */
static void find_direction(state *at) {
  history *past = &at->past;
  double alpha[MEMORY];
  for (int64_t i = 0; i < at->count; i++) at->direction[i] = -at->gradient[i];
  for (int back = 1; back <= past->count; back++) {
    int j = (past->next + MEMORY - back) % MEMORY;
    alpha[j] = past->rho[j] * dot(past->s[j], at->direction, at->count);
    add_scaled(at->direction, -alpha[j], past->y[j], at->count);
  }
  if (past->count > 0) {
    int last = (past->next + MEMORY - 1) % MEMORY;
    double scale = 1 / (past->rho[last] * dot(past->y[last], past->y[last], at->count));
    for (int64_t i = 0; i < at->count; i++) at->direction[i] *= scale;
  }
  for (int back = past->count; back >= 1; back--) {
    int j = (past->next + MEMORY - back) % MEMORY;
    double beta = past->rho[j] * dot(past->y[j], at->direction, at->count);
    add_scaled(at->direction, alpha[j] - beta, past->s[j], at->count);
  }
}

/* Has the trial gone far enough down? Near the minimum rounding hides the gain, and the slope at the trial has to tell
 * (the approximate condition of Hager and Zhang 2005). */
static bool gains_enough(const state *at, double value, double step, double slope, double trial_slope) {
  const double enough = 1e-4, rounding = 1e-6;
  if (value <= at->value + enough * step * slope) return true;
  return value <= at->value + rounding * fabs(at->value) && trial_slope <= (2 * enough - 1) * slope;
}

/* A step that meets the weak Wolfe conditions, by doubling and halving (Lewis and Overton 2013). trial and trial_gradient
 * hold it afterwards; false where none was found: rounding errors are all that is left. */
static bool search_line(state *at, double step, double *value) {
  const double curvature = 0.9;
  double slope = dot(at->gradient, at->direction, at->count), low = 0, high = INFINITY;
  if (!(slope < 0)) return false;
  for (int trials = 0; trials < MOST_TRIALS; trials++) {
    for (int64_t i = 0; i < at->count; i++) at->trial[i] = at->x[i] + step * at->direction[i];
    *value = at->search->evaluate(at->search->context, at->trial, at->trial_gradient);
    double trial_slope = dot(at->trial_gradient, at->direction, at->count);
    if (!gains_enough(at, *value, step, slope, trial_slope))
      high = step;
    else if (trial_slope < curvature * slope)
      low = step;
    else
      return true;
    step = high < INFINITY ? (low + high) / 2 : 2 * step;
  }
  return false;
}

/* Takes the trial point over and remembers what it says of the curvature. */
static void accept(state *at, double value) {
  history *past = &at->past;
  double *s = past->s[past->next], *y = past->y[past->next];
  for (int64_t i = 0; i < at->count; i++) s[i] = at->trial[i] - at->x[i];
  for (int64_t i = 0; i < at->count; i++) y[i] = at->trial_gradient[i] - at->gradient[i];
  memcpy(at->x, at->trial, (size_t)at->count * sizeof(double));
  memcpy(at->gradient, at->trial_gradient, (size_t)at->count * sizeof(double));
  at->value = value;
  double product = dot(s, y, at->count);
  if (!(product > 0)) return;
  past->rho[past->next] = 1 / product;
  past->next = (past->next + 1) % MEMORY;
  if (past->count < MEMORY) past->count++;
}

static hg_code iterate(state *at, hg_error *error) {
  const hg_lbfgs *search = at->search;
  at->value = search->evaluate(search->context, at->x, at->gradient);
  for (int iteration = 0; iteration < search->max_iter; iteration++) {
    if (largest(at->gradient, at->count) <= search->tolerance) return HG_OK;
    double value;
    find_direction(at);
    double first = fmin(1, 1 / sqrt(dot(at->gradient, at->gradient, at->count)));
    if (!search_line(at, at->past.count == 0 ? first : 1, &value)) return HG_OK;
    accept(at, value);
    hg_code code = search->iterated == NULL ? HG_OK : search->iterated(search->context, iteration + 1, error);
    if (code != HG_OK) return code;
  }
  return HG_OK;
}

hg_code hg_lbfgs_minimize(const hg_lbfgs *search, double *x, hg_error *error) {
  enum { VECTORS = 4 + 2 * MEMORY };
  size_t count = (size_t)search->count;
  double *memory = hg_calloc(count * VECTORS, sizeof *memory);
  if (memory == NULL) return hg_fail_memory(error, "L-BFGS", count * VECTORS * sizeof *memory);
  state at = {.search = search, .count = search->count, .x = x};
  at.gradient = memory;
  at.direction = memory + count;
  at.trial = memory + 2 * count;
  at.trial_gradient = memory + 3 * count;
  for (size_t i = 0; i < MEMORY; i++) {
    at.past.s[i] = memory + (4 + 2 * i) * count;
    at.past.y[i] = memory + (5 + 2 * i) * count;
  }
  hg_code code = iterate(&at, error);
  hg_free(memory);
  return code;
}
