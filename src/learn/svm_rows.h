/* Rows of kernel values for the solver of one pair of classes: parts of a whole matrix where that fits the memory, else the
 * rows that were last used, computed a few at a time. Which rows are held changes the speed alone. */
#ifndef HG_LEARN_SVM_ROWS_H
#define HG_LEARN_SVM_ROWS_H

#include "learn/svm_kernel.h"
#include "learn/watch.h"

enum { HG_SVM_ROW_BLOCK = 14 }; /* rows computed at a time */

/* values (count, count), all kernel values; left unfinished when the watch stops it. */
void hg_svm_matrix(const hg_svm_samples *samples, hg_pool *pool, hg_watch *watch, float *values);

/* Sample t of a pair is sample t of the first class, or t - count[0] of the second. */
typedef struct hg_svm_rows {
  const hg_svm_samples *samples;
  const float *whole; /* (count, count) or NULL */
  hg_pool *pool;      /* for computing rows; NULL where pairs are solved side by side */
  int class[2], first[2], count[2];

  int64_t room;  /* floats of `values` */
  float *values; /* (capacity, columns) */
  int columns;   /* samples of the pair */
  int capacity;  /* rows that may be held */
  int *slot;     /* (columns): where a row is held, or -1 */
  int *holds;    /* (capacity): which row, or -1 */
  int64_t *used; /* (capacity): when it was last asked for */
  int64_t clock;
  float *gathered; /* (HG_SVM_ROW_BLOCK, width) */
} hg_svm_rows;

/* Kernel values of one sample against the two classes' samples. */
typedef struct hg_svm_row {
  const float *against[2];
} hg_svm_row;

/* most: samples of the largest pair; room: floats for rows. With `whole` neither is used. Release it after a failure too. */
hg_code hg_svm_rows_init(hg_svm_rows *rows, const hg_svm_samples *samples, const float *whole, int most, int64_t room,
                         hg_pool *pool, hg_error *error);
void hg_svm_rows_release(hg_svm_rows *rows);

void hg_svm_rows_start(hg_svm_rows *rows, int a, int b);
bool hg_svm_rows_has(const hg_svm_rows *rows, int t);
/* Computes rows that are not held, at most HG_SVM_ROW_BLOCK; the row last asked for stays. */
void hg_svm_rows_compute(hg_svm_rows *rows, const int *wanted, int count);
/* A row that is held; valid until the second call of compute after it. */
hg_svm_row hg_svm_rows_get(hg_svm_rows *rows, int t);

#endif
