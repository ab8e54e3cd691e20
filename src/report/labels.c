#include "report/labels.h"

#include <math.h>
#include <stdbool.h>

/* Pixels of a letter and of a line of 12-pixel text with its halo; rounds, since a push may run into the next name. */
static const double letter = 7, line = 16;
enum { ROUNDS = 200 };

static bool side_by_side(const hg_label *a, const hg_label *b) {
  return fabs(a->x - b->x) >= letter * (a->letters + b->letters) / 2;
}

/* Names at the same height part in their order. */
static bool push_apart(hg_label *a, hg_label *b) {
  double lap = line - fabs(a->y - b->y);
  if (lap <= 0 || side_by_side(a, b)) return false;
  double step = a->y <= b->y ? lap / 2 : -lap / 2;
  a->y -= step;
  b->y += step;
  return true;
}

void hg_labels_spread(hg_label *labels, int count, double height) {
  bool moved = true;
  for (int round = 0; moved && round < ROUNDS; round++) {
    moved = false;
    for (int i = 0; i < count; i++)
      for (int j = i + 1; j < count; j++) moved |= push_apart(&labels[i], &labels[j]);
    for (int i = 0; i < count; i++) labels[i].y = fmin(fmax(labels[i].y, line / 2), height - line / 2);
  }
}
