#include "data/convert.h"

#include "base/alloc.h"
#include "base/shape.h"

#include <math.h>
#include <string.h>

/* Weights of the inputs that make output i of `out`, from an axis of `in`; returns the first input's place. */
static int filter_weights(int in, int out, int i, double *weights, int *count) {
  double scale = (double)in / out, support = scale > 1 ? scale : 1;
  double centre = (i + 0.5) * scale;
  int first = (int)floor(centre - support + 0.5), last = (int)floor(centre + support + 0.5);
  if (first < 0) first = 0;
  if (last > in) last = in;
  double sum = 0;
  for (int k = first; k < last; k++) {
    double weight = 1 - fabs((k + 0.5 - centre) / support);
    weights[k - first] = weight > 0 ? weight : 0;
    sum += weights[k - first];
  }
  for (int k = 0; k < last - first; k++) weights[k] /= sum;
  *count = last - first;
  return first;
}

/* One output row or column: `lanes` values side by side, `step` apart in the input. */
static void filter_axis(const double *from, int in, double *to, int out, int lanes, int64_t step, double *weights) {
  for (int i = 0; i < out; i++) {
    int count, first = filter_weights(in, out, i, weights, &count);
    for (int lane = 0; lane < lanes; lane++) {
      double sum = 0;
      for (int k = 0; k < count; k++) sum += weights[k] * from[(first + k) * step + lane];
      to[i * step + lane] = sum;
    }
  }
}

hg_code hg_image_resize(const uint8_t *from, hg_shape shape, int side, uint8_t *to, hg_error *error) {
  int h = shape.height, w = shape.width, c = shape.channels;
  size_t row = (size_t)w * (size_t)c, wide = (size_t)h * (size_t)side * (size_t)c;
  size_t made = (size_t)side * (size_t)side * (size_t)c, longest = (size_t)(h > w ? h : w) + 2;
  double *values = hg_malloc((row + wide + made + longest) * sizeof *values);
  if (values == NULL) return hg_fail_memory(error, "resizing an image", (row + wide + made) * sizeof *values);
  double *rows = values + row, *result = rows + wide, *weights = result + made;
  for (int y = 0; y < h; y++) { /* (h, w, c) -> (h, side, c) */
    for (size_t i = 0; i < row; i++) values[i] = from[(size_t)y * row + i];
    filter_axis(values, w, rows + (size_t)y * (size_t)(side * c), side, c, c, weights);
  }
  filter_axis(rows, h, result, side, side * c, (int64_t)side * c, weights); /* (h, side, c) -> (side, side, c) */
  for (size_t i = 0; i < made; i++) to[i] = (uint8_t)(result[i] < 0 ? 0 : result[i] > 255 ? 255 : result[i] + 0.5);
  hg_free(values);
  return HG_OK;
}

void hg_image_grayscale(const uint8_t *from, int64_t count, uint8_t *to) {
  for (int64_t i = 0; i < count; i++)
    to[i] = (uint8_t)((299 * from[3 * i] + 587 * from[3 * i + 1] + 114 * from[3 * i + 2] + 500) / 1000);
}

/* image (shape) to made (its own shape); scratch holds one image of side x side x C. */
static hg_code convert_image(const uint8_t *image, hg_shape shape, int side, bool gray, uint8_t *scratch, uint8_t *made,
                             hg_error *error) {
  const uint8_t *sized = image;
  hg_code code = HG_OK;
  if (side != 0) code = hg_image_resize(image, shape, side, gray ? scratch : made, error);
  if (side != 0) sized = scratch;
  int64_t places = side != 0 ? (int64_t)side * side : (int64_t)shape.height * shape.width;
  if (code == HG_OK && gray) hg_image_grayscale(sized, places, made);
  return code;
}

hg_code hg_dataset_convert(hg_dataset *dataset, int side, bool grayscale, hg_error *error) {
  hg_shape old = dataset->shape;
  if (side == old.height && side == old.width) side = 0;
  bool gray = grayscale && old.channels == 3;
  if (side == 0 && !gray) return HG_OK;
  hg_shape shape = {side == 0 ? old.height : side, side == 0 ? old.width : side, gray ? 1 : old.channels};
  size_t to = (size_t)hg_shape_count(shape);
  if (to == 0 || (uint64_t)dataset->count > HG_MOST_DATA_BYTES / to)
    return hg_fail(error, HG_DATA, dataset->source, "%lld images of %d x %d are more than a data set may hold",
                   (long long)dataset->count, shape.height, shape.width);
  uint8_t *made = hg_malloc((size_t)dataset->count * to);
  uint8_t *scratch = hg_malloc((size_t)shape.height * (size_t)shape.width * (size_t)old.channels);
  hg_code code =
      made == NULL || scratch == NULL ? hg_fail_memory(error, "converting images", (size_t)dataset->count * to) : HG_OK;
  for (int64_t i = 0; code == HG_OK && i < dataset->count; i++)
    code = convert_image(hg_dataset_image(dataset, i), old, side, gray, scratch, made + (size_t)i * to, error);
  hg_free(scratch);
  if (code != HG_OK) {
    hg_free(made);
    return code;
  }
  hg_dataset_replace_pixels(dataset, shape, made);
  return HG_OK;
}
