#include "eval/distances.h"

#include "base/alloc.h"

#include <math.h>

typedef struct centers {
  int classes, width;
  double *mean;   /* (classes, width) */
  int64_t *count; /* (classes) */
} centers;

static bool is_class(const centers *c, int32_t label) { return label >= 0 && label < c->classes; }

static void find_means(centers *c, const float *points, const int32_t *labels, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    if (!is_class(c, labels[i])) continue;
    double *mean = c->mean + (int64_t)labels[i] * c->width;
    for (int j = 0; j < c->width; j++) mean[j] += (double)points[i * c->width + j];
    c->count[labels[i]]++;
  }
  for (int k = 0; k < c->classes; k++)
    for (int j = 0; j < c->width && c->count[k] > 0; j++) c->mean[(int64_t)k * c->width + j] /= (double)c->count[k];
}

static double within(const centers *c, const float *points, const int32_t *labels, int64_t count) {
  double sum = 0;
  int64_t used = 0;
  for (int64_t i = 0; i < count; i++) {
    if (!is_class(c, labels[i])) continue;
    const double *mean = c->mean + (int64_t)labels[i] * c->width;
    double square = 0;
    for (int j = 0; j < c->width; j++) {
      double difference = (double)points[i * c->width + j] - mean[j];
      square += difference * difference;
    }
    sum += sqrt(square);
    used++;
  }
  return used == 0 ? (double)NAN : sum / (double)used;
}

static double between(const centers *c) {
  double sum = 0;
  int64_t pairs = 0;
  for (int a = 0; a < c->classes; a++)
    for (int b = a + 1; b < c->classes; b++) {
      if (c->count[a] == 0 || c->count[b] == 0) continue;
      double square = 0;
      for (int j = 0; j < c->width; j++) {
        double difference = c->mean[(int64_t)a * c->width + j] - c->mean[(int64_t)b * c->width + j];
        square += difference * difference;
      }
      sum += sqrt(square);
      pairs++;
    }
  return pairs == 0 ? (double)NAN : sum / (double)pairs;
}

hg_code hg_class_distances_of(const float *points, const int32_t *labels, int64_t count, int width, int classes,
                              hg_class_distances *distances, hg_error *error) {
  *distances = (hg_class_distances){(double)NAN, (double)NAN};
  size_t values = (size_t)classes * (size_t)width;
  centers c = {.classes = classes,
               .width = width,
               .mean = hg_calloc(values, sizeof(double)),
               .count = hg_calloc((size_t)classes, sizeof(int64_t))};
  hg_code code = c.mean == NULL || c.count == NULL ? hg_fail_memory(error, "class distances", values * sizeof(double)) : HG_OK;
  if (code == HG_OK) {
    find_means(&c, points, labels, count);
    *distances = (hg_class_distances){within(&c, points, labels, count), between(&c)};
  }
  hg_free(c.mean);
  hg_free(c.count);
  return code;
}
