/* Jacobi's rotations: slow for large matrices, exact and simple for small ones. */
#include "learn/eigen.h"

#include <math.h>
#include <stdbool.h>

enum { SWEEPS = 40 }; /* at most; ten are many */

static void rotate(double *a, double *v, int n, int p, int q) {
  double apq = a[p * n + q];
  if (apq == 0) return;
  double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
  double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1), sine = t * c;
  for (int k = 0; k < n; k++) {
    double x = a[k * n + p], y = a[k * n + q];
    a[k * n + p] = c * x - sine * y;
    a[k * n + q] = sine * x + c * y;
  }
  for (int k = 0; k < n; k++) {
    double x = a[p * n + k], y = a[q * n + k], vx = v[k * n + p], vy = v[k * n + q];
    a[p * n + k] = c * x - sine * y;
    a[q * n + k] = sine * x + c * y;
    v[k * n + p] = c * vx - sine * vy;
    v[k * n + q] = sine * vx + c * vy;
  }
}

void hg_symmetric_eigen(double *a, double *v, int n) {
  for (int i = 0; i < n * n; i++) v[i] = i % (n + 1) == 0;
  for (int sweep = 0; sweep < SWEEPS; sweep++) {
    double off = 0, all = 0;
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) {
        all += a[i * n + j] * a[i * n + j];
        if (i != j) off += a[i * n + j] * a[i * n + j];
      }
    if (off <= 1e-28 * all) return;
    for (int p = 0; p < n; p++)
      for (int q = p + 1; q < n; q++) rotate(a, v, n, p, q);
  }
}

void hg_eigen_sort(double *a, double *v, int n) {
  for (int i = 0; i < n; i++) {
    int best = i;
    for (int j = i + 1; j < n; j++)
      if (a[j * n + j] > a[best * n + best]) best = j;
    double value = a[i * n + i];
    a[i * n + i] = a[best * n + best];
    a[best * n + best] = value;
    for (int k = 0; k < n; k++) {
      double x = v[k * n + i];
      v[k * n + i] = v[k * n + best];
      v[k * n + best] = x;
    }
  }
}
