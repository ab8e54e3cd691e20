/* The page's sections, each in its own file; page.c puts them in order. */
#ifndef HG_REPORT_PAGE_H
#define HG_REPORT_PAGE_H

#include "eval/metrics.h"
#include "report/figure.h"
#include "report/format.h"
#include "report/load.h"
#include "store/safetensors.h"

enum { HG_PAGE_MOST_CLASSES = 24, HG_PAGE_WORST_CLASSES = 12, HG_PAGE_POINTS = 64 };

/* A line, thinned to what a small panel shows. */
typedef struct hg_page_curve {
  float x[HG_PAGE_POINTS], y[HG_PAGE_POINTS];
  int count;
} hg_page_curve;

/* Of one class, or of an average over all. */
typedef struct hg_page_ranks {
  hg_page_curve recall; /* x recall, y precision */
  hg_page_curve roc;    /* x false, y true positive share */
} hg_page_ranks;

/* All runs of one model. */
typedef struct hg_page_model {
  const char *name;
  const hg_report_run *runs;  /* (count), by seed */
  const hg_report_run *shown; /* the first that is done; else the first */
  int count, done;            /* done: how many are */
  bool has_scores;            /* of the shown run */
  hg_classification_report scores;
  hg_page_ranks *ranks;   /* (scores.classes + 2): the last two are the micro and the macro average; NULL: not to be drawn */
  hg_safetensors samples; /* of the shown run; empty if it has none */
  hg_safetensors codes;   /* of the first seed's; empty if it has none */
  hg_safetensors denoising;
  json_t *settings;   /* of the shown run; NULL where they cannot be read */
  char *trouble;      /* why predictions or samples could not be read, or NULL */
  char **class_names; /* (classes), or NULL where the data has none */
  int classes;
} hg_page_model;

/* Many small images of one size as one picture, of which the page shows tiles. */
typedef struct hg_sheet {
  const char *data; /* the data set whose thumbnails they are; NULL: others */
  hg_shape tile;
  int64_t count;
  int columns, rows; /* 2 or more */
  int64_t *index;    /* (count): places in the test set, or NULL */
  uint8_t *images;   /* (count, tile): of a page that is made for files, in place of the picture; else NULL */
} hg_sheet;

typedef struct hg_page {
  bool for_files; /* made for its figures as files: nothing is left out of them to keep the page small */
  hg_text out;
  hg_text styles; /* rules of the sheets, put at the page's end */
  hg_sheet *sheets;
  int sheet_count;
  size_t sheet_capacity;
  size_t thumbnail_bytes; /* that all sheets of thumbnails together may take of the page */
  hg_safetensors *leaks;  /* (report.data_count): examples; empty where there are none */
  hg_figure_list figures; /* in the order of the page */
  hg_report report;
  hg_page_model *models;
  int model_count;
} hg_page;

/* A figure of a model: over its finished seeds, with its 95 % interval (NaN where there is none). */
typedef struct hg_estimate {
  double value, low, high;
  double deviation; /* over the seeds; NaN for one */
  int seeds;
  const char *interval; /* "student" over seeds, "wilson" or "images" over test images; NULL: there is none */
} hg_estimate;

/* What every model is judged by, as far as it has it. */
enum { HG_PAGE_SCORES = 6 };
typedef struct hg_page_score {
  const char *title;  /* of its column */
  const char *key;    /* in report.json */
  const char *metric; /* NULL: the reconstruction error, under whichever name */
  bool percent;
} hg_page_score;
extern const hg_page_score hg_page_scores[HG_PAGE_SCORES];

/* Loads and writes all of it: out holds the HTML, figures what it draws. With for_files the figures are whole, and the page is
 * there to draw them, not to be looked at. Release it after success and after failure. */
hg_code hg_page_make(hg_store *store, bool for_files, hg_page *page, hg_error *error);
void hg_page_release(hg_page *page);

/* Runs gathered by model, with their settings and no files. */
hg_code hg_page_models_gather(hg_page *page, hg_error *error);
hg_code hg_page_models_load(hg_page *page, hg_store *store, hg_error *error);
void hg_page_models_release(hg_page *page);

/* Of two models' resolved settings (JSON): the first value under `name` in which `own` differs from `other`, as a study file
 * would have it. False where there is none. */
bool hg_page_setting_apart(const char *own, const char *other, const char *name, char *out, size_t size);

/* Mean over seeds with Student's interval; for one seed that of the test images, where the figure has one. */
hg_estimate hg_page_estimate(const hg_page *page, const hg_page_model *model, const char *metric);
/* The same of figures that are found by `figure`, NaN where a run has none. */
hg_estimate hg_page_estimate_by(const hg_page *page, const hg_page_model *model,
                                double (*figure)(const hg_report_run *run, const char *metric), const char *metric);
/* The mean squared error under the name the run gave it. */
hg_estimate hg_page_reconstruction_error(const hg_page *page, const hg_page_model *model);
hg_estimate hg_page_score_of(const hg_page *page, const hg_page_model *model, const hg_page_score *score);
/* Name of a class, or its number in buffer. */
const char *hg_page_class_name(const hg_page_model *model, int label, char buffer[16]);

/* Models that tell the same classes of the same data apart. */
typedef struct hg_page_group {
  int first; /* model */
  const char *data;
  int classes;
  int shown[HG_PAGE_MOST_CLASSES]; /* those that tables and panels are about: all, or the worst of more than fit, worst first */
  int shown_count;
} hg_page_group;
/* A score of one class: mean over the finished seeds, and what they lie between; NaN = unknown. */
typedef enum hg_page_class_figure { HG_PAGE_RECALL, HG_PAGE_AVERAGE_PRECISION, HG_PAGE_ROC_AREA } hg_page_class_figure;
typedef struct hg_page_spread {
  double mean, least, most;
} hg_page_spread;
hg_page_spread hg_page_class_score(const hg_page_model *model, int label, hg_page_class_figure figure);
bool hg_page_in_group(const hg_page *page, const hg_page_group *group, int at);

/* Of all classes and both averages; *out is the caller's to hg_free, after a failure too. */
hg_code hg_page_ranks_load(const float *shares, const int32_t *labels, int64_t count, int classes, hg_page_ranks **out,
                           hg_error *error);

/* The model's mark, the same on the whole page: shape and colour together. */
void hg_page_mark(hg_text *out, int model);

double hg_page_seconds(const hg_page_model *model); /* means over finished seeds; NaN where there is none */
double hg_page_speed(const hg_page_model *model);   /* images a second */
double hg_page_epochs(const hg_page_model *model);
double hg_page_size(const hg_page_model *model);   /* parameters */
bool hg_page_is_swept(const hg_page_model *model); /* made by a sweep */
bool hg_page_is_long(const hg_page *page);         /* so many models that their sections are folded */
bool hg_page_may_win(const hg_page *page, int at); /* not swept, or the point of its sweep that validation chose */
int hg_page_published_met(const hg_page *page);

/* One row's first cell, "<tr><th>": the model's mark and name, with a link to its section; its runs. */
void hg_page_model_cell(hg_page *page, int at, bool runs);
void hg_page_model_head(hg_page *page, int at); /* the head of a model's column */

/* sheet.c. A sheet of images (count, H, W, 1 or 3): a PNG, or where that takes more than `most` bytes of the page a JPEG; where
 * that does too, of images of half the side, then of the first half of them, and so on, but of no fewer than `fewest`. -1 where
 * it cannot be made. */
int hg_page_sheet(hg_page *page, const uint8_t *images, int64_t count, hg_shape tile, size_t most, int64_t fewest);
/* The first `columns` images of each row, one row after the other, none left out. */
int hg_page_sheet_of_rows(hg_page *page, const uint8_t *const *rows, int row_count, int columns, hg_shape tile, size_t most);
void hg_page_tile(hg_page *page, int sheet, int64_t at, const char *what);
int hg_page_thumbnails(const hg_page *page, const char *data); /* the sheet of a data set; -1 = none */
/* Labels of a data set's tiles, at most `most`; returns how many are known. */
int hg_page_tile_labels(const hg_page *page, int sheet, int32_t *labels, int most);
hg_code hg_page_sheets_load(hg_page *page, hg_store *store, hg_error *error); /* those of all data sets */
void hg_page_sheets_put_json(const hg_page *page, hg_text *out);
void hg_page_sheets_release(hg_page *page);

/* grid.c: tiles of a sheet in rows, as a table inside a <figure> of the page; where it is saved, as the figure that is returned,
 * whose title the caller sets. Opened, filled row by row, closed. */
hg_figure *hg_page_open_grid(hg_page *page, int sheet, const char *name, const char *part);
/* title NULL: rows have none. psnr: (count), told below the row, or NULL. */
void hg_page_grid_row(hg_page *page, hg_figure *grid, const char *title, const int64_t *tiles, const double *psnr, int count);
void hg_page_close_grid(hg_page *page);
/* The images alone, pixel for pixel, as hg_text_png puts them; of a page that is made for files. */
void hg_page_grid_picture(const hg_page *page, const hg_figure *grid, hg_text *out);

/* plot.c: a figure is made, filled, then put where it is to stand. */
hg_figure *hg_page_figure(hg_page *page, const char *kind, const char *columns, const char *name, const char *part);
/* Colours and shapes of the models in its column "model", at one or two encodings (see hg_figure_marks). */
void hg_page_marks(hg_page *page, hg_figure *figure, const char *where, const char *also);
/* Room beside the panels of a faceted figure for the words of a column. */
void hg_page_label_room(hg_figure *figure, int column);
/* Panels as wide as the longest of their names, the words of a column. */
void hg_page_panel_room(hg_figure *figure, int column);
/* Words stand to the right of `end`: where a bar at `published` would go through them, they stand to the right of the bar. range:
 * what the axis shows. */
void hg_page_clear_words(hg_figure *figure, double range);
void hg_page_put_figure(hg_page *page, const hg_figure *figure, const char *note);

void hg_page_answer(hg_page *page);                                  /* the first screen */
void hg_page_results(hg_page *page);                                 /* summary, findings, published figures */
void hg_page_findings(hg_page *page);                                /* every comparison */
void hg_page_short_findings(hg_page *page);                          /* the first few as sentences */
void hg_page_published(hg_page *page);                               /* beside measured figures */
void hg_page_curves(hg_page *page);                                  /* learning curves of all models */
void hg_page_sweeps(hg_page *page);                                  /* grids of settings */
void hg_page_ranking(hg_page *page, const hg_page_group *group);     /* curves and areas, class by class */
void hg_page_calibration(hg_page *page, const hg_page_group *group); /* reliability; areas and calibration of all models */
void hg_page_classes(hg_page *page);                                 /* models beside each other, class by class */
bool hg_page_has_denoising(const hg_page *page);
void hg_page_denoising(hg_page *page); /* noise levels beside a median filter */
bool hg_page_has_codes(const hg_page *page);
void hg_page_codes(hg_page *page);                                /* maps of codes, distances of classes */
void hg_page_effort(hg_page *page);                               /* time, speed, size */
void hg_page_model_sections(hg_page *page);                       /* every model by itself */
void hg_page_images(hg_page *page, int at);                       /* its samples, mistakes and reconstructions */
void hg_page_answers(hg_page *page, const hg_page_group *group);  /* the same test images by every model */
void hg_page_settings(hg_page *page, const hg_page_model *model); /* hyper-parameters */
void hg_page_note(hg_page *page, const char *model);              /* its row and its author's note */
void hg_page_published_note(hg_page *page, const hg_published *published);
void hg_page_data(hg_page *page);  /* data sets and what they look like */
void hg_page_leaks(hg_page *page); /* images that stand in two parts of a data set */
hg_code hg_page_leaks_load(hg_page *page, hg_store *store, hg_error *error);
void hg_page_leaks_release(hg_page *page);
void hg_page_again(hg_page *page); /* how to run it again, the study file */

/* An image (H, W, 1 or 3) as a data URI; nothing is put if it cannot be made. quality: 1 to 100. */
void hg_text_png(hg_text *text, const uint8_t *pixels, hg_shape shape);
void hg_text_jpeg(hg_text *text, const uint8_t *pixels, hg_shape shape, int quality);

#endif
