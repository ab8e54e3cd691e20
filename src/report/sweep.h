/* A sweep: the models that a grid made of one, told apart by their names, model[setting=value,setting=value]. Of every judged
 * figure of its points the validation images choose one; the test images choose nothing. */
#ifndef HG_REPORT_SWEEP_H
#define HG_REPORT_SWEEP_H

#include "report/page.h"

enum {
  HG_SWEEP_AXES = 16,   /* as a study file may have */
  HG_SWEEP_FIGURES = 3, /* at most, of one sweep */
};

/* A part of a model's name, not ended by 0. */
typedef struct hg_sweep_word {
  const char *text;
  int length;
} hg_sweep_word;

/* A model's name taken apart. */
typedef struct hg_sweep_point {
  hg_sweep_word model, settings[HG_SWEEP_AXES], values[HG_SWEEP_AXES];
  int axes;
} hg_sweep_point;

/* What points are judged by: the validation images' figure chooses, the test images' is told beside it. */
typedef struct hg_sweep_figure {
  const char *title;
  const char *file; /* completes the names of its charts' files; "" of the first figure */
  const char *validation, *test;
} hg_sweep_figure;

typedef struct hg_sweep {
  const hg_page *page;
  hg_sweep_point first;
  int start; /* its first model; the others come later */
  int base;  /* 1 + the model that is varied: it is a point too; 0 = none */
  hg_sweep_point base_point;
  char base_values[HG_SWEEP_AXES][HG_NAME_SIZE];
  const hg_sweep_figure *figure; /* from here on by hg_sweep_choose */
  int chosen;                    /* by validation; -1 = nothing to choose by */
  const char *apart;             /* in what the points differ, so that their scores do not compare and none is chosen; or NULL */
  int points;                    /* with a validation score */
  int tied;                      /* of them with the best score, of which the first is chosen */
  double least, most;            /* of the validation scores */
} hg_sweep;

/* False where the model `at` is not the first point of a sweep, or nothing of that sweep is finished. */
bool hg_sweep_starts(const hg_page *page, int at, hg_sweep *out);
/* The sweep that a model is a point of; false for a model that no grid made. */
bool hg_sweep_find(const hg_page *page, int at, hg_sweep *out);
/* The next model of the sweep at or after `at`; page->model_count when there is none. */
int hg_sweep_next(const hg_sweep *of, int at, hg_sweep_point *found);

/* Accuracy of classifiers; of autoencoders the MSE, which no weight of a loss changes, or the loss where the validation images
 * have none; of models that do both the accuracy, and of the two losses what the validation images have. The first is what the
 * sweep's best model is chosen by. Returns how many. */
int hg_sweep_figures(const hg_sweep *of, const hg_sweep_figure *figures[HG_SWEEP_FIGURES]);
void hg_sweep_choose(hg_sweep *of, const hg_sweep_figure *figure);
/* The chosen point's score by the figure that chose it. */
double hg_sweep_best(const hg_sweep *of);

hg_estimate hg_sweep_validation(const hg_sweep *of, const hg_page_model *model);
hg_estimate hg_sweep_test(const hg_sweep *of, const hg_page_model *model);

/* Of one setting "8", of several, from the one at `from` on, "epochs=8, learning_rate=0.01". */
void hg_sweep_join_values(const hg_sweep_point *at, int from, char *out, size_t size);
void hg_sweep_join_settings(const hg_sweep_point *at, char *out, size_t size); /* "epochs and learning_rate" */

#endif
