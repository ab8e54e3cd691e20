#include "eval/tsne_convolve.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "kernels/gemm.h"

enum { LANES = HG_TSNE_LANES, ROW = 2 * LANES, PLANE = LANES * LANES };

size_t hg_tsne_groups(int length) { return (size_t)(length / 2 / LANES + 1); }
size_t hg_tsne_work(int length) { return (size_t)length * ROW + 4 * PLANE; }

/* What the tasks of a convolution share. Along y two blocks of LANES columns are transformed as one complex block. */
typedef struct convolution {
  hg_tsne_field *field;
  float *middle; /* (groups, columns_held, 2, LANES) */
  int columns_held;
  const double *along;   /* kernel only: squared distance of index i */
  const double *damping; /* and what the splines take off frequency i */
} convolution;

static float *work_of(const hg_tsne_field *field, int worker) {
  return field->work + (size_t)worker * hg_tsne_work(field->fft.length);
}

static float *middle_at(const convolution *c, size_t group, int64_t column) {
  return c->middle + (group * (size_t)c->columns_held + (size_t)column) * ROW;
}

/* Frequencies by columns to columns by frequencies. */
static void to_middle(const convolution *c, const float *rows, int64_t column, float *planes) {
  const hg_fft *fft = &c->field->fft;
  for (size_t group = 0; group < hg_tsne_groups(fft->length); group++) {
    hg_tsne_kernels_get()->split(fft, rows, (int)group * LANES, planes);
    for (int part = 0; part < 4; part++)
      hg_gemm_kernels_get()->transpose(LANES, LANES, planes + part * PLANE, LANES,
                                       middle_at(c, group, column + part / 2 * LANES) + part % 2 * LANES, ROW);
  }
}

static void from_middle(const convolution *c, float *rows, int64_t column, float *planes) {
  const hg_fft *fft = &c->field->fft;
  for (size_t group = 0; group < hg_tsne_groups(fft->length); group++) {
    for (int part = 0; part < 4; part++)
      hg_gemm_kernels_get()->transpose(LANES, LANES, middle_at(c, group, column + part / 2 * LANES) + part % 2 * LANES, ROW,
                                       planes + part * PLANE, LANES);
    hg_tsne_kernels_get()->join(fft, planes, (int)group * LANES, rows);
  }
}

static void columns_forward(void *context, int64_t pair, int worker) {
  convolution *c = context;
  hg_tsne_field *field = c->field;
  float *rows = work_of(field, worker);
  for (int i = 0; i < field->rows; i++)
    memcpy(rows + i * ROW, field->values + i * field->grid.row + pair * ROW, sizeof(float) * ROW);
  memset(rows + (size_t)field->rows * ROW, 0, sizeof(float) * ROW * (size_t)(field->fft.length - field->rows));
  hg_tsne_kernels_get()->forward(&field->fft, rows);
  to_middle(c, rows, pair * ROW, rows + (size_t)field->fft.length * ROW);
}

static void along_rows(void *context, int64_t group, int worker) {
  convolution *c = context;
  hg_tsne_field *field = c->field;
  const hg_tsne_kernels *kernels = hg_tsne_kernels_get();
  float *rows = work_of(field, worker), *middle = middle_at(c, (size_t)group, 0);
  size_t length = (size_t)field->fft.length, held = (size_t)field->columns * ROW;
  memcpy(rows, middle, sizeof(float) * held);
  memset(rows + held, 0, sizeof(float) * (length * ROW - held));
  kernels->forward(&field->fft, rows);
  kernels->scale((int)length, field->spectrum + (size_t)group * length * LANES, rows);
  kernels->backward(&field->fft, rows);
  memcpy(middle, rows, sizeof(float) * held);
}

static void columns_backward(void *context, int64_t pair, int worker) {
  convolution *c = context;
  hg_tsne_field *field = c->field;
  float *rows = work_of(field, worker);
  from_middle(c, rows, pair * ROW, rows + (size_t)field->fft.length * ROW);
  hg_tsne_kernels_get()->backward(&field->fft, rows);
  for (int i = 0; i < field->rows; i++)
    memcpy(field->values + i * field->grid.row + pair * ROW, rows + i * ROW, sizeof(float) * ROW);
}

void hg_tsne_convolve(hg_tsne_field *field) {
  convolution c = {.field = field, .middle = field->middle, .columns_held = field->fft.length / 2};
  int64_t pairs = (field->columns + ROW - 1) / ROW;
  hg_parallel_for(field->pool, pairs, columns_forward, &c);
  hg_parallel_for(field->pool, (int64_t)hg_tsne_groups(field->fft.length), along_rows, &c);
  hg_parallel_for(field->pool, pairs, columns_backward, &c);
}

/* ---------------------------------------------------------------- the kernel */

static void kernel_columns(void *context, int64_t pair, int worker) {
  convolution *c = context;
  hg_tsne_field *field = c->field;
  int length = field->fft.length;
  float *rows = work_of(field, worker);
  for (int i = 0; i < length; i++)
    for (int l = 0; l < ROW; l++)
      rows[i * ROW + l] = (float)(1 / (1 + c->along[i] + c->along[pair * ROW + l]) - (double)field->floor);
  hg_tsne_kernels_get()->forward(&field->fft, rows);
  to_middle(c, rows, pair * ROW, rows + (size_t)length * ROW);
}

/* What the spline of spreading and that of gathering take off a frequency, together. */
static double damping(int length, int frequency) {
  double angle = 2 * 3.14159265358979323846 * frequency / length;
  double b = (66 + 52 * cos(angle) + 2 * cos(2 * angle)) / 120;
  return b * b;
}

static void kernel_rows(void *context, int64_t group, int worker) {
  convolution *c = context;
  hg_tsne_field *field = c->field;
  int length = field->fft.length;
  float *rows = work_of(field, worker), *spectrum = field->spectrum + (size_t)group * (size_t)length * LANES;
  memcpy(rows, middle_at(c, (size_t)group, 0), sizeof(float) * (size_t)length * ROW);
  hg_tsne_kernels_get()->forward(&field->fft, rows);
  double scale = 0.25 / ((double)length * length); /* both transforms are not scaled; split doubles, here and there */
  for (int k = 0; k < length; k++)
    for (int l = 0; l < LANES; l++) {
      ptrdiff_t place = field->fft.place[k];
      int other = (int)group * LANES + l;
      spectrum[place * LANES + l] = (float)(scale * (double)rows[place * ROW + l] / (c->damping[k] * c->damping[other % length]));
    }
}

hg_code hg_tsne_spectrum(hg_tsne_field *field, hg_error *error) {
  int length = field->fft.length;
  size_t bytes = sizeof(float) * hg_tsne_groups(length) * (size_t)length * ROW;
  convolution c = {.field = field, .columns_held = length, .middle = hg_alloc_aligned(bytes)};
  double *along = hg_malloc(sizeof *along * 2 * (size_t)length);
  if (c.middle == NULL || along == NULL) {
    hg_free_aligned(c.middle);
    hg_free(along);
    return hg_fail_memory(error, "t-SNE kernel", bytes);
  }
  for (int i = 0; i < length; i++) {
    double distance = (i < length - i ? i : length - i) * (double)field->spacing;
    along[i] = distance * distance;
    along[length + i] = damping(length, i);
  }
  c.along = along;
  c.damping = along + length;
  field->floor = (float)(1 / (1 + along[length / 2]));
  hg_parallel_for(field->pool, length / ROW, kernel_columns, &c);
  hg_parallel_for(field->pool, (int64_t)hg_tsne_groups(length), kernel_rows, &c);
  hg_free(along);
  hg_free_aligned(c.middle);
  return HG_OK;
}
