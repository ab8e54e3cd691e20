/* Two models on the same test images: differences of their scores, and whether they are real. */
#ifndef HG_STUDY_COMPARE_H
#define HG_STUDY_COMPARE_H

#include "base/parallel.h"
#include "study/testimony.h"

enum { HG_MOST_COMPARED = 6 }; /* accuracy, macro_f1, accuracy_tta, mse, psnr, ssim */

/* Every score that both have, over all seeds that both have; a model that draws no numbers is the same for every seed. Where
 * they have no seed in common their first ones are one pair. rows has room for HG_MOST_COMPARED.
 *
 * One pair: accuracy by McNemar's test with hg_paired_difference, the rest by the paired bootstrap over images. Several seeds:
 * hg_difference_over_seeds, or where each makes the same difference on every image, accuracy as of one pair. *count is 0 where
 * nothing of theirs can be compared: other test images, other outputs. Verdict and text are left to hg_comparisons_conclude. */
hg_code hg_compare_models(const hg_testimony *a, const hg_testimony *b, hg_pool *pool, hg_comparison *rows, int *count,
                          hg_error *error);

/* The same for any score that is a mean over images: a[s], b[s] (images) for each of `seeds` seeds. Names are left to the
 * caller. */
hg_code hg_compare_images(const char *metric, const float *const *a, const float *const *b, int seeds, int64_t images,
                          hg_pool *pool, hg_comparison *row, hg_error *error);

/* Holm's correction over the rows of each metric; then verdict and text. */
hg_code hg_comparisons_conclude(hg_comparison *rows, int count, hg_error *error);

#endif
