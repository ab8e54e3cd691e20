/* The convolution of t-SNE's grid with its kernel. */
#ifndef HG_EVAL_TSNE_CONVOLVE_H
#define HG_EVAL_TSNE_CONVOLVE_H

#include "eval/tsne_field.h"

/* Groups of LANES frequencies along y: 0 to length / 2. */
size_t hg_tsne_groups(int length);
/* Floats of work a thread needs. */
size_t hg_tsne_work(int length);

/* Fills field->spectrum and field->floor for the spacing and length in use: 1 / (1 + d^2) through splines. */
hg_code hg_tsne_spectrum(hg_tsne_field *field, hg_error *error);

/* Values (rows, columns) to values, in place; zeros are thought around them. */
void hg_tsne_convolve(hg_tsne_field *field);

#endif
