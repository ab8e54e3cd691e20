#include "learn/svm_solve.h"

#include "base/alloc.h"

#include <math.h>

enum { RISE = 1, FALL = 2, WATCH_EVERY = 512 };

static const double least_curvature = 1e-12; /* of a step where the kernel has none, as LIBSVM has it */

hg_code hg_svm_solver_init(hg_svm_solver *solver, int most, hg_error *error) {
  solver->beta = hg_calloc((size_t)most, sizeof *solver->beta);
  solver->slope = hg_calloc((size_t)most, sizeof *solver->slope);
  solver->diagonal = hg_calloc((size_t)most, sizeof *solver->diagonal);
  solver->may = hg_calloc((size_t)most, sizeof *solver->may);
  bool all = solver->beta != NULL && solver->slope != NULL && solver->diagonal != NULL && solver->may != NULL;
  return all ? HG_OK : hg_fail_memory(error, "svm", (size_t)most * sizeof *solver->beta);
}

void hg_svm_solver_release(hg_svm_solver *solver) {
  hg_free(solver->beta);
  hg_free(solver->slope);
  hg_free(solver->diagonal);
  hg_free(solver->may);
}

static bool of_first(const hg_svm_solver *s, int t) { return t < s->rows->count[0]; }

static void mark(hg_svm_solver *s, int t) {
  double low = of_first(s, t) ? 0 : -s->C, high = of_first(s, t) ? s->C : 0;
  s->may[t] = (uint8_t)((s->beta[t] < high ? RISE : 0) | (s->beta[t] > low ? FALL : 0));
}

static void start(hg_svm_solver *s, int a, int b) {
  hg_svm_rows *rows = s->rows;
  hg_svm_rows_start(rows, a, b);
  for (int t = 0; t < rows->columns; t++) {
    int side = t >= rows->count[0];
    s->beta[t] = 0;
    s->slope[t] = side == 0 ? -1 : 1;
    s->diagonal[t] = hg_svm_diagonal(rows->samples, rows->first[side] + t - (side == 1 ? rows->count[0] : 0));
    mark(s, t);
  }
}

/* How far sample t violates the conditions of the optimum, seen from the middle between the two extremes. */
static double violation(const hg_svm_solver *s, int t, double middle) {
  double up = s->may[t] & RISE ? middle - s->slope[t] : -INFINITY, down = s->may[t] & FALL ? s->slope[t] - middle : -INFINITY;
  return up > down ? up : down;
}

/* A row with those that are the most likely to be asked for next: the worst violators. */
static hg_svm_row row_of(hg_svm_solver *s, int t, double middle) {
  if (hg_svm_rows_has(s->rows, t)) return hg_svm_rows_get(s->rows, t);
  int wanted[HG_SVM_ROW_BLOCK] = {t}, count = 1;
  double by[HG_SVM_ROW_BLOCK] = {INFINITY};
  for (int u = 0; u < s->rows->columns; u++) {
    double v = violation(s, u, middle);
    bool full = count == HG_SVM_ROW_BLOCK;
    if (u == t || (full && v <= by[count - 1]) || hg_svm_rows_has(s->rows, u)) continue;
    int place = full ? count - 1 : count++;
    for (; by[place - 1] < v; place--) by[place] = by[place - 1], wanted[place] = wanted[place - 1];
    by[place] = v;
    wanted[place] = u;
  }
  hg_svm_rows_compute(s->rows, wanted, count);
  return hg_svm_rows_get(s->rows, t);
}

/* The steepest way up; of equals the last, as LIBSVM has it. */
static int choose_up(const hg_svm_solver *s) {
  int best = -1;
  double least = INFINITY;
  for (int t = 0; t < s->rows->columns; t++) {
    if ((s->may[t] & RISE) && s->slope[t] <= least) best = t, least = s->slope[t];
  }
  return best;
}

/* The way down that, taken together with i up, promises the most; *most is the steepest. */
static int choose_down(const hg_svm_solver *s, int i, hg_svm_row row, double *most) {
  int best = -1;
  double gain = 0, least = s->slope[i], diagonal = s->diagonal[i];
  *most = -INFINITY;
  for (int side = 0, t = 0; side < 2; side++) {
    const float *kernel = row.against[side];
    for (const float *end = kernel + s->rows->count[side]; kernel < end; kernel++, t++) {
      if (!(s->may[t] & FALL)) continue;
      double apart = s->slope[t] - least;
      if (s->slope[t] > *most) *most = s->slope[t];
      if (apart <= 0) continue;
      double curvature = diagonal + s->diagonal[t] - 2 * (double)*kernel;
      double promise = apart * apart / (curvature > 0 ? curvature : least_curvature);
      if (promise >= gain) best = t, gain = promise;
    }
  }
  return best;
}

static double room_up(const hg_svm_solver *s, int t) { return (of_first(s, t) ? s->C : 0) - s->beta[t]; }
static double room_down(const hg_svm_solver *s, int t) { return s->beta[t] - (of_first(s, t) ? 0 : -s->C); }

/* Moves beta_i up and beta_j down by as much, to the minimum or a bound; returns how far. */
static double move(hg_svm_solver *s, int i, int j, double kernel) {
  double curvature = s->diagonal[i] + s->diagonal[j] - 2 * kernel;
  double step = (s->slope[j] - s->slope[i]) / (curvature > 0 ? curvature : least_curvature);
  double up = room_up(s, i), down = room_down(s, j);
  bool stops_i = step >= up && up <= down, stops_j = step >= down && down <= up;
  if (step > up) step = up;
  if (step > down) step = down;
  s->beta[i] = stops_i ? (of_first(s, i) ? s->C : 0) : s->beta[i] + step;
  s->beta[j] = stops_j ? (of_first(s, j) ? 0 : -s->C) : s->beta[j] - step;
  mark(s, i);
  mark(s, j);
  return step;
}

static void follow(hg_svm_solver *s, hg_svm_row up, hg_svm_row down, double step) {
  double *slope = s->slope;
  for (int side = 0; side < 2; side++) {
    int count = s->rows->count[side];
    const float *raised = up.against[side], *lowered = down.against[side];
    for (int t = 0; t < count; t++) slope[t] += step * ((double)raised[t] - (double)lowered[t]);
    slope += count;
  }
}

/* The mean slope of the samples between their bounds, or the middle of what the others allow. */
static double find_rho(const hg_svm_solver *s) {
  double sum = 0, low = -INFINITY, high = INFINITY;
  int64_t between = 0;
  for (int t = 0; t < s->rows->columns; t++) {
    double slope = s->slope[t];
    if (s->may[t] == (RISE | FALL)) {
      sum += slope;
      between++;
    } else if (s->may[t] & RISE) {
      high = slope < high ? slope : high;
    } else {
      low = slope > low ? slope : low;
    }
  }
  return between > 0 ? sum / (double)between : (low + high) / 2;
}

double hg_svm_solve(hg_svm_solver *s, int a, int b) {
  double middle = 0, most;
  start(s, a, b);
  for (int64_t steps = 0; s->max_iter == 0 || steps < s->max_iter; steps++) {
    if (steps % WATCH_EVERY == 0 && !hg_watch_go_on(s->watch, s->worker)) break;
    int i = choose_up(s);
    if (i < 0) break;
    hg_svm_row up = row_of(s, i, middle);
    int j = choose_down(s, i, up, &most);
    if (j < 0 || most - s->slope[i] < s->tol) break;
    middle = (most + s->slope[i]) / 2;
    hg_svm_row down = row_of(s, j, middle);
    double step = move(s, i, j, (double)(j < s->rows->count[0] ? up.against[0][j] : up.against[1][j - s->rows->count[0]]));
    follow(s, up, down, step);
  }
  hg_watch_add(s->watch, 1);
  return find_rho(s);
}
