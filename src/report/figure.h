/* A chart: a Vega-Lite specification, made from a template of charts.json, and the table that it draws. */
#ifndef HG_REPORT_FIGURE_H
#define HG_REPORT_FIGURE_H

#include "report/frame.h"

#include <jansson.h>

typedef struct hg_figure {
  char name[160]; /* of its files, unique in the page: letters, digits, '-', '.' */
  char *title;
  json_t *spec; /* without data and config; colours may be var(--name) of page.css */
  hg_frame data;
  int legend; /* letters of the longest entry of its legend; 0 = it has none */
  int sheet;  /* the page's sheet of the images that its column "tile" counts from 1; -1 = none */
  bool grid;  /* rows of these images, and nothing else (grid.c) */
} hg_figure;

/* All figures of a page, in its order. */
typedef struct hg_figure_list {
  hg_figure **figures;
  int count;
  size_t capacity;
  json_t *templates;
  hg_figure lost; /* stands in where memory ran out, so that callers need not look */
  bool failed;
} hg_figure_list;

/* A new figure by the template `kind`; `part` (a model's or data set's name, or "") completes its name. Never NULL. */
hg_figure *hg_figure_new(hg_figure_list *list, const char *kind, const char *columns, const char *name, const char *part);
void hg_figure_title(hg_figure *figure, const char *format, ...) __attribute__((format(printf, 2, 3)));
void hg_figure_list_release(hg_figure_list *list);

/* Sets spec.PATH, as in "layer.2.encoding.x.axis.format"; what is missing on the way is made. Takes value over. */
void hg_figure_set(hg_figure *figure, const char *path, json_t *value);

/* Panels of a faceted figure, else rows, in the order in which the words of a column came. */
void hg_figure_keep_order(hg_figure *figure, int column);

/* Gives the words of a field the page's marks, by their order in `names`: `steps[i]` is the mark of names[i], negative: a grey or
 * black dash; steps NULL: i.
 * where: path to the encoding that holds color and shape; color or shape may be absent there. */
void hg_figure_marks(hg_figure *figure, const char *where, const char *const *names, const int *steps, int count);

/* For the page: {"config": ..., "figures": [...]}. */
void hg_figure_list_put_json(hg_figure_list *list, hg_text *out);

/* A whole specification for a file: config in, colours as on paper, data from NAME.csv. hg_malloc'ed; NULL = out of memory. */
char *hg_figure_specification(const hg_figure_list *list, const hg_figure *figure);

#endif
