#include "data/lines.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
  SIDE = HG_LINES_SIDE,
  CENTRE = SIDE / 2,
  ANGLES = 12,
  BYTES = SIDE * SIDE * 3,
  WIDE = 8,   /* reach of a short line */
  NARROW = 4, /* reach of a long line */
  GRID = 2 * WIDE + 1,
  PLACEMENTS = GRID * GRID
};

typedef struct line_class {
  int length, width, angle; /* angle in steps of 15 degrees */
  bool blue;
} line_class;

static line_class class_of(int label) {
  line_class line = {.blue = label % 2 == 1, .angle = label / 2 % ANGLES};
  line.width = label / (2 * ANGLES) % 2 == 0 ? 1 : 3;
  line.length = label / (4 * ANGLES) == 0 ? 7 : 15;
  return line;
}

int hg_lines_reach(int label) { return class_of(label).length == 7 ? WIDE : NARROW; }

void hg_lines_draw(int label, int dx, int dy, uint8_t *pixels) {
  /* cosine of 0, 15, ..., 90 degrees; constants, so that no libm enters the pixels */
  static const double cosine[7] = {1, 0.96592582628906829, 0.86602540378443865, 0.70710678118654752, 0.5, 0.25881904510252076, 0};
  line_class line = class_of(label);
  bool steep = line.angle > 6;
  double c = steep ? -cosine[ANGLES - line.angle] : cosine[line.angle];
  double s = steep ? cosine[line.angle - 6] : cosine[6 - line.angle];
  int half_length = line.length / 2, half_width = line.width / 2;
  memset(pixels, 0, BYTES);
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++) {
      double right = x - CENTRE - dx, down = y - CENTRE - dy;
      double along = floor(c * right - s * down + 0.5), across = floor(s * right + c * down + 0.5);
      if (fabs(along) <= half_length && fabs(across) <= half_width) pixels[(y * SIDE + x) * 3 + (line.blue ? 2 : 0)] = 255;
    }
}

static bool within_reach(int label, int placement) {
  int dx = placement % GRID - WIDE, dy = placement / GRID - WIDE, reach = hg_lines_reach(label);
  return dx >= -reach && dx <= reach && dy >= -reach && dy <= reach;
}

/* Where each image of one class goes: placements[0..train) to the training part, the `test` ones after them to the test part. */
typedef struct plan {
  int64_t train, test;
  int64_t *placements; /* (per_class) or fewer */
} plan;

static int64_t test_count(int64_t count, double share) {
  int64_t test = (int64_t)floor((double)count * share + 0.5);
  return test < 1 ? 1 : test >= count && count > 1 ? count - 1 : test;
}

/* Marks the placements kept for the test part: the share of those that every line reaches, and of those around them, so
 * that long and short lines have the same placements held out. */
static void hold_out(uint64_t seed, double share, bool *held) {
  memset(held, 0, PLACEMENTS * sizeof *held);
  hg_rng rng = hg_rng_at(seed, HG_RNG_LINES, 1, 0);
  for (int ring = 0; ring < 2; ring++) {
    int64_t places[PLACEMENTS], count = 0;
    for (int p = 0; p < PLACEMENTS; p++)
      if (within_reach(HG_LINES_CLASSES - 1, p) == (ring == 0)) places[count++] = p;
    hg_rng_shuffle(&rng, places, count);
    for (int64_t i = 0; i < test_count(count, share); i++) held[places[i]] = true;
  }
}

/* `count` draws with replacement among the class's placements for which held[p] == side; held NULL = all. */
static void draw_placements(hg_rng *rng, int label, const bool *held, bool side, int64_t count, int64_t *placements) {
  int64_t places[PLACEMENTS], places_count = 0;
  for (int p = 0; p < PLACEMENTS; p++)
    if (within_reach(label, p) && (held == NULL || held[p] == side)) places[places_count++] = p;
  for (int64_t i = 0; i < count; i++) placements[i] = places[hg_rng_below(rng, (uint64_t)places_count)];
}

static int64_t without_duplicates(int64_t *placements, int64_t count) {
  bool seen[PLACEMENTS] = {false};
  int64_t kept = 0;
  for (int64_t i = 0; i < count; i++) {
    if (seen[placements[i]]) continue;
    seen[placements[i]] = true;
    placements[kept++] = placements[i];
  }
  return kept;
}

static void plan_class(const hg_lines_settings *settings, uint64_t seed, int label, const bool *held, plan *class_plan) {
  hg_rng rng = hg_rng_at(seed, HG_RNG_LINES, 0, (uint64_t)label);
  int64_t count = settings->per_class, test = test_count(count, settings->test_share);
  if (settings->split == HG_LINES_HELD_OUT) {
    draw_placements(&rng, label, held, false, count - test, class_plan->placements);
    draw_placements(&rng, label, held, true, test, class_plan->placements + count - test);
  } else {
    draw_placements(&rng, label, NULL, false, count, class_plan->placements);
    if (settings->split == HG_LINES_DEDUPLICATED) count = without_duplicates(class_plan->placements, count);
    test = test_count(count, settings->test_share);
  }
  class_plan->train = count - test;
  class_plan->test = test;
}

hg_code hg_lines_name_classes(hg_dataset *dataset, hg_error *error) {
  hg_code code = HG_OK;
  for (int label = 0; code == HG_OK && label < HG_LINES_CLASSES; label++) {
    line_class line = class_of(label);
    char name[HG_NAME_SIZE];
    snprintf(name, sizeof name, "length %d, width %d, %d degrees, %s", line.length, line.width, line.angle * 15,
             line.blue ? "blue" : "red");
    code = hg_dataset_name_class(dataset, label, name, error);
  }
  return code;
}

static hg_code draw_part(const plan *plans, bool test_part, hg_dataset **dataset, hg_error *error) {
  int64_t count = 0, next = 0;
  for (int label = 0; label < HG_LINES_CLASSES; label++) count += test_part ? plans[label].test : plans[label].train;
  hg_code code = hg_dataset_new((hg_shape){SIDE, SIDE, 3}, count, HG_LINES_CLASSES, dataset, error);
  if (code != HG_OK) return code;
  hg_dataset *made = *dataset;
  for (int label = 0; label < HG_LINES_CLASSES; label++) {
    const int64_t *placements = plans[label].placements + (test_part ? plans[label].train : 0);
    for (int64_t i = 0; i < (test_part ? plans[label].test : plans[label].train); i++, next++) {
      int place = (int)placements[i];
      made->labels[next] = label;
      hg_lines_draw(label, place % GRID - WIDE, place / GRID - WIDE, made->pixels + next * BYTES);
    }
  }
  snprintf(made->source, sizeof made->source, "line images");
  return hg_lines_name_classes(made, error);
}

static hg_code check(const hg_lines_settings *settings, hg_error *error) {
  enum { MOST = 100000 };
  if (settings->per_class < 2 || settings->per_class > MOST)
    return hg_fail(error, HG_USAGE, "lines", "per_class is %d; it must be within 2 and %d", settings->per_class, MOST);
  if (!(settings->test_share > 0 && settings->test_share < 1))
    return hg_fail(error, HG_USAGE, "lines", "test_share is %g; it must be above 0 and below 1", settings->test_share);
  return HG_OK;
}

hg_code hg_lines_make(const hg_lines_settings *settings, uint64_t seed, hg_dataset **train, hg_dataset **test, hg_error *error) {
  if (train != NULL) *train = NULL;
  if (test != NULL) *test = NULL;
  hg_code code = check(settings, error);
  if (code != HG_OK) return code;
  int64_t per_class = settings->per_class;
  size_t bytes = (size_t)per_class * HG_LINES_CLASSES * sizeof(int64_t);
  int64_t *placements = hg_malloc(bytes);
  if (placements == NULL) return hg_fail_memory(error, "line images", bytes);
  plan plans[HG_LINES_CLASSES];
  bool held[PLACEMENTS];
  hold_out(seed, settings->test_share, held);
  for (int label = 0; label < HG_LINES_CLASSES; label++) {
    plans[label].placements = placements + label * per_class;
    plan_class(settings, seed, label, held, &plans[label]);
  }
  if (train != NULL) code = draw_part(plans, false, train, error);
  if (code == HG_OK && test != NULL) code = draw_part(plans, true, test, error);
  hg_free(placements);
  if (code == HG_OK) return HG_OK;
  if (train != NULL) hg_dataset_free(*train);
  if (train != NULL) *train = NULL;
  if (test != NULL) hg_dataset_free(*test);
  if (test != NULL) *test = NULL;
  return code;
}
