#include "learn/svm_rows.h"

#include "base/alloc.h"
#include "kernels/gemm.h"

#include <string.h>

enum { WATCH_EVERY = 16 };

/* ---- The whole matrix: one task for each pair of panels. */

typedef struct matrix_work {
  const hg_svm_samples *samples;
  hg_watch *watch;
  float *values;
} matrix_work;

static void put_tile(const hg_svm_samples *samples, int p, int q, const float *tile, float *values) {
  int64_t row = samples->panel[p], column = samples->panel[q], all = samples->count;
  int rows = samples->panel[p + 1] - (int)row, columns = samples->panel[q + 1] - (int)column;
  const hg_gemm_kernels *kernels = hg_gemm_kernels_get();
  kernels->copy(rows, columns, tile, HG_SVM_PANEL, values + row * all + column, all);
  if (p != q) kernels->transpose(rows, columns, tile, HG_SVM_PANEL, values + column * all + row, all);
}

/* Panel p against itself and those after it. */
static void fill_from_panel(void *context, int64_t p, int worker) {
  matrix_work *work = context;
  const hg_svm_samples *samples = work->samples;
  hg_svm_left left = hg_svm_left_panel(samples, (int)p);
  float tile[HG_SVM_PANEL * HG_SVM_PANEL];
  for (int q = (int)p; q < samples->panels; q++) {
    if (q % WATCH_EVERY == 0 && !hg_watch_go_on(work->watch, worker)) return;
    hg_svm_kernel_tile(samples, &left, q, tile);
    put_tile(samples, (int)p, q, tile, work->values);
    hg_watch_add(work->watch, 1);
  }
}

void hg_svm_matrix(const hg_svm_samples *samples, hg_pool *pool, hg_watch *watch, float *values) {
  matrix_work work = {samples, watch, values};
  hg_parallel_for(pool, samples->panels, fill_from_panel, &work);
}

/* ---- Rows that are held. */

hg_code hg_svm_rows_init(hg_svm_rows *rows, const hg_svm_samples *samples, const float *whole, int most, int64_t room,
                         hg_pool *pool, hg_error *error) {
  *rows = (hg_svm_rows){.samples = samples, .whole = whole, .pool = pool, .room = room};
  if (whole != NULL) return HG_OK;
  int64_t least = 2 * (int64_t)HG_SVM_ROW_BLOCK * most;
  if (rows->room < least) rows->room = least;
  if (rows->room > (int64_t)most * most && (int64_t)most * most > least) rows->room = (int64_t)most * most;
  size_t bytes = (size_t)rows->room * sizeof *rows->values, slots = (size_t)most + 2 * HG_SVM_ROW_BLOCK;
  rows->values = hg_alloc_aligned(bytes);
  rows->slot = hg_calloc(slots, sizeof *rows->slot);
  rows->holds = hg_calloc(slots, sizeof *rows->holds);
  rows->used = hg_calloc(slots, sizeof *rows->used);
  rows->gathered = hg_alloc_aligned(HG_SVM_ROW_BLOCK * (size_t)samples->width * sizeof *rows->gathered);
  bool all = rows->values != NULL && rows->slot != NULL && rows->holds != NULL && rows->used != NULL && rows->gathered != NULL;
  return all ? HG_OK : hg_fail_memory(error, "kernel values; lower cache_mb", bytes);
}

void hg_svm_rows_release(hg_svm_rows *rows) {
  hg_free_aligned(rows->values);
  hg_free(rows->slot);
  hg_free(rows->holds);
  hg_free(rows->used);
  hg_free_aligned(rows->gathered);
}

void hg_svm_rows_start(hg_svm_rows *rows, int a, int b) {
  const int *first = rows->samples->first;
  for (int side = 0; side < 2; side++) {
    int class = side == 0 ? a : b;
    rows->class[side] = class;
    rows->first[side] = first[class];
    rows->count[side] = first[class + 1] - first[class];
  }
  rows->columns = rows->count[0] + rows->count[1];
  if (rows->whole != NULL) return;
  int64_t fit = rows->room / rows->columns, most = rows->columns + 2 * HG_SVM_ROW_BLOCK;
  rows->capacity = (int)(fit < most ? fit : most);
  rows->clock = 0;
  for (int t = 0; t < rows->columns; t++) rows->slot[t] = -1;
  for (int s = 0; s < rows->capacity; s++) rows->holds[s] = -1, rows->used[s] = 0;
}

bool hg_svm_rows_has(const hg_svm_rows *rows, int t) { return rows->whole != NULL || rows->slot[t] >= 0; }

static int sample_of(const hg_svm_rows *rows, int t) {
  return t < rows->count[0] ? rows->first[0] + t : rows->first[1] + t - rows->count[0];
}

hg_svm_row hg_svm_rows_get(hg_svm_rows *rows, int t) {
  hg_svm_row row;
  if (rows->whole != NULL) {
    const float *values = rows->whole + (int64_t)sample_of(rows, t) * rows->samples->count;
    row.against[0] = values + rows->first[0];
    row.against[1] = values + rows->first[1];
  } else {
    rows->used[rows->slot[t]] = ++rows->clock;
    row.against[0] = rows->values + (int64_t)rows->slot[t] * rows->columns;
    row.against[1] = row.against[0] + rows->count[0];
  }
  return row;
}

static void make_place(hg_svm_rows *rows, int t) {
  int oldest = 0;
  for (int s = 1; s < rows->capacity && rows->used[oldest] > 0; s++) {
    if (rows->used[s] < rows->used[oldest]) oldest = s;
  }
  if (rows->holds[oldest] >= 0) rows->slot[rows->holds[oldest]] = -1;
  rows->holds[oldest] = t;
  rows->slot[t] = oldest;
  rows->used[oldest] = ++rows->clock;
}

typedef struct row_work {
  hg_svm_rows *rows;
  hg_svm_left left;
  const int *wanted;
} row_work;

static void fill_columns(void *context, int64_t index, int worker) {
  const row_work *work = context;
  const hg_svm_rows *rows = work->rows;
  const hg_svm_samples *samples = rows->samples;
  (void)worker;
  int of_first = samples->class_panel[rows->class[0] + 1] - samples->class_panel[rows->class[0]];
  int side = index >= of_first;
  int panel = samples->class_panel[rows->class[side]] + (int)index - (side == 1 ? of_first : 0);
  int column = samples->panel[panel] - rows->first[side] + (side == 1 ? rows->count[0] : 0);
  size_t bytes = (size_t)(samples->panel[panel + 1] - samples->panel[panel]) * sizeof(float);
  float tile[HG_SVM_ROW_BLOCK * HG_SVM_PANEL];
  hg_svm_kernel_tile(samples, &work->left, panel, tile);
  for (int i = 0; i < work->left.count; i++) {
    float *row = rows->values + (int64_t)rows->slot[work->wanted[i]] * rows->columns;
    memcpy(row + column, tile + i * HG_SVM_PANEL, bytes);
  }
}

void hg_svm_rows_compute(hg_svm_rows *rows, const int *wanted, int count) {
  int which[HG_SVM_ROW_BLOCK], panels = 0;
  for (int i = 0; i < count; i++) {
    make_place(rows, wanted[i]);
    which[i] = sample_of(rows, wanted[i]);
  }
  row_work work = {.rows = rows, .left = hg_svm_left_gather(rows->samples, which, count, rows->gathered), .wanted = wanted};
  for (int side = 0; side < 2; side++) {
    int class = rows->class[side];
    panels += rows->samples->class_panel[class + 1] - rows->samples->class_panel[class];
  }
  hg_parallel_for(rows->pool, panels, fill_columns, &work);
}
