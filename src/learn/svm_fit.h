#ifndef HG_LEARN_SVM_FIT_H
#define HG_LEARN_SVM_FIT_H

#include "learn/classical_model.h"

/* Fits model->svm: every pair of classes by hg_svm_solve. */
hg_code hg_svm_fit(hg_classical *model, const hg_samples *samples, hg_error *error);

int hg_svm_pairs(int classes); /* classes * (classes - 1) / 2 */

#endif
