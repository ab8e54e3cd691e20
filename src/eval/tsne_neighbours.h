/* Exact nearest neighbours by blocked matrix products. */
#ifndef HG_EVAL_TSNE_NEIGHBOURS_H
#define HG_EVAL_TSNE_NEIGHBOURS_H

#include "base/parallel.h"

enum { HG_PANEL = 256 }; /* points of a panel */

/* Points less their mean, laid out for the product of some rows with all points. */
typedef struct hg_panels {
  int64_t count, panels;
  int width;
  float *rows;    /* (count, width) */
  float *panel;   /* (panels, width, HG_PANEL) */
  float *lengths; /* (panels * HG_PANEL): squared; very large past the end */
} hg_panels;

hg_code hg_panels_new(const float *points, int64_t count, int width, hg_pool *pool, hg_panels *panels, hg_error *error);
void hg_panels_release(hg_panels *panels);

/* out (rows, HG_PANEL) = squared distances of the points first ... first + rows - 1 to a panel's, less their own squared
 * lengths. scratch holds rows * width floats, filled by hg_panels_scale for the same points. */
void hg_panels_scale(const hg_panels *panels, int64_t first, int rows, float *scratch);
void hg_panels_distances(const hg_panels *panels, int rows, const float *scratch, int64_t panel, float *out);

/* The k nearest others of each point, by rising number, and their squared distances; ties go to the lower number.
 * neighbours and distances are (count, stride), k <= stride, k < count. */
hg_code hg_nearest(const hg_panels *panels, int k, int stride, hg_pool *pool, int32_t *neighbours, float *distances,
                   hg_error *error);

#endif
