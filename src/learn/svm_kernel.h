/* Kernel values between training samples, a panel of samples at a time, by matrix products. */
#ifndef HG_LEARN_SVM_KERNEL_H
#define HG_LEARN_SVM_KERNEL_H

#include "learn/classical_model.h"

enum { HG_SVM_PANEL = 64 };

/* The samples in the order of their classes, cut into panels: at most HG_SVM_PANEL samples of one class. */
typedef struct hg_svm_samples {
  const float *features; /* (count, width), the caller's, in the caller's order */
  hg_svm_kernel kernel;
  double gamma, coef0;
  int degree;
  int count, width, classes;
  int *first; /* (classes + 1): where each class begins */
  int *order; /* (count): the place of each in `features` */
  int panels;
  int *panel;       /* (panels + 1): where each panel begins */
  int *class_panel; /* (classes + 1): the first panel of each class */
  float *columns;   /* panel p, transposed: (width, samples of p) from columns + panel[p] * width */
  double *squares;  /* (count): squared lengths */
} hg_svm_samples;

/* Does not keep `samples`, but their features. Release it after a failure too. */
hg_code hg_svm_samples_init(hg_svm_samples *svm, const hg_samples *samples, const hg_classical_settings *settings, double gamma,
                            hg_error *error);
void hg_svm_samples_release(hg_svm_samples *svm);

double hg_svm_diagonal(const hg_svm_samples *svm, int i); /* kernel value of a sample and itself */

/* Some samples as the left side of products: feature k of row i is values[i * row + k * step]. */
typedef struct hg_svm_left {
  const float *values;
  ptrdiff_t row, step;
  int count; /* at most HG_SVM_PANEL */
  double squares[HG_SVM_PANEL];
} hg_svm_left;

hg_svm_left hg_svm_left_panel(const hg_svm_samples *svm, int panel);
/* Copies the samples' features to `room` (count, width), which must outlive the result. */
hg_svm_left hg_svm_left_gather(const hg_svm_samples *svm, const int *rows, int count, float *room);

/* values (rows of left, samples of panel), each row HG_SVM_PANEL long. A value has the same bits whichever of its two samples
 * is on the left, and whatever else is computed beside it. */
void hg_svm_kernel_tile(const hg_svm_samples *svm, const hg_svm_left *left, int panel, float *values);

#endif
