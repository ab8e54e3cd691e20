#include <math.h>

#include "learn/features_step.h"

static const double pi = 3.14159265358979323846, tiny = 1e-5, ceiling = 0.2; /* the last two as scikit-image's L2-Hys */

static int cell_rows(const hg_hog_settings *hog, hg_shape shape) { return shape.height / hog->cell; }
static int cell_columns(const hg_hog_settings *hog, hg_shape shape) { return shape.width / hog->cell; }

int64_t hg_hog_cells(const hg_hog_settings *hog, hg_shape shape) {
  return (int64_t)cell_rows(hog, shape) * cell_columns(hog, shape) * hog->orientations;
}

int hg_hog_width(const hg_hog_settings *hog, hg_shape shape) {
  int rows = cell_rows(hog, shape) - hog->block + 1, columns = cell_columns(hog, shape) - hog->block + 1;
  if (rows < 1 || columns < 1) return 0;
  return rows * columns * hog->block * hog->block * hog->orientations;
}

typedef struct gradient {
  double down, right, magnitude;
} gradient;

/* Differences of the two neighbours, none at the border; of the channels the steepest. */
static gradient gradient_at(hg_shape shape, const float *image, int y, int x) {
  int step_x = shape.channels, step_y = shape.width * shape.channels;
  gradient best = {.magnitude = -1};
  for (int c = 0; c < shape.channels; c++) {
    const float *at = image + (int64_t)y * step_y + (int64_t)x * step_x + c;
    gradient g = {0};
    if (y > 0 && y + 1 < shape.height) g.down = (double)at[step_y] - (double)at[-step_y];
    if (x > 0 && x + 1 < shape.width) g.right = (double)at[step_x] - (double)at[-step_x];
    g.magnitude = sqrt(g.down * g.down + g.right * g.right);
    if (g.magnitude > best.magnitude) best = g;
  }
  return best;
}

static int orientation_of(gradient g, int orientations) {
  double angle = atan2(g.down, g.right);
  if (angle < 0) angle += pi;
  int bin = (int)(angle * orientations / pi);
  return bin < orientations ? bin : 0;
}

static void fill_cells(const hg_hog_settings *hog, hg_shape shape, const float *image, double *cells) {
  int rows = cell_rows(hog, shape), columns = cell_columns(hog, shape);
  for (int64_t i = 0; i < hg_hog_cells(hog, shape); i++) cells[i] = 0;
  for (int y = 0; y < rows * hog->cell; y++) {
    for (int x = 0; x < columns * hog->cell; x++) {
      gradient g = gradient_at(shape, image, y, x);
      double *cell = cells + ((int64_t)(y / hog->cell) * columns + x / hog->cell) * hog->orientations;
      cell[orientation_of(g, hog->orientations)] += g.magnitude / (hog->cell * hog->cell);
    }
  }
}

static void normalise(float *block, int count, double most) {
  double sum = tiny * tiny;
  for (int i = 0; i < count; i++) sum += (double)block[i] * (double)block[i];
  for (int i = 0; i < count; i++) block[i] = (float)fmin((double)block[i] / sqrt(sum), most);
}

void hg_hog(const hg_hog_settings *hog, hg_shape shape, const float *image, double *cells, float *out) {
  int rows = cell_rows(hog, shape), columns = cell_columns(hog, shape), row = hog->block * hog->orientations;
  fill_cells(hog, shape, image, cells);
  for (int y = 0; y + hog->block <= rows; y++) {
    for (int x = 0; x + hog->block <= columns; x++) {
      for (int i = 0; i < hog->block; i++) {
        const double *from = cells + ((int64_t)(y + i) * columns + x) * hog->orientations;
        for (int k = 0; k < row; k++) out[i * row + k] = (float)from[k];
      }
      normalise(out, hog->block * row, ceiling);
      normalise(out, hog->block * row, INFINITY);
      out += hog->block * row;
    }
  }
}
