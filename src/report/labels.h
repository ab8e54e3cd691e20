/* Places for names on a chart, so that none covers another. */
#ifndef HG_REPORT_LABELS_H
#define HG_REPORT_LABELS_H

/* The middle of a name, in pixels. */
typedef struct hg_label {
  double x, y;
  int letters;
} hg_label;

/* Moves names up and down, each as little as its neighbours need, within [0, height]. */
void hg_labels_spread(hg_label *labels, int count, double height);

#endif
