/* From the `data:` entry of a study to training, validation and test sets. */
#ifndef HG_DATA_DATA_H
#define HG_DATA_DATA_H

#include "data/dataset.h"

enum { HG_MOST_CLASSES = 1000 };

typedef enum hg_lines_split { HG_LINES_RANDOM, HG_LINES_DEDUPLICATED, HG_LINES_HELD_OUT } hg_lines_split;

/* Generated line images: lengths x widths x angles x colours classes, `per_class` each, moved by translation. */
typedef struct hg_lines_settings {
  int per_class;        /* default 1000 */
  hg_lines_split split; /* default random, which leaks; held_out keeps placements apart */
  double test_share;    /* default 0.2 */
} hg_lines_settings;

typedef struct hg_data_settings {
  char name[HG_NAME_SIZE];   /* in the study */
  char *source;              /* catalog name or path; owned by whoever owns the settings */
  double validation;         /* < 1: share of the training part, >= 1: number of images; default 0.1 */
  double test;               /* the same, cut from the training part where a source has no test part; default 0.2 */
  int64_t limit, test_limit; /* at most this many training / test images after class choice, stratified; 0 = all */
  int *classes;              /* labels to keep, renumbered 0.. in this order; NULL = all */
  int class_count;
  bool stratified; /* splits and limits keep the classes' shares; default true */
  uint64_t seed;   /* of splits; default 1, and the same for every training seed */
  int resize;      /* side in pixels that images of a folder are brought to; 0 = they must all agree already */
  bool grayscale;  /* folder: convert to one channel */
  hg_lines_settings lines;
} hg_data_settings;

hg_data_settings hg_data_settings_default(void);

typedef struct hg_data {
  hg_dataset *train, *validation, *test; /* validation may be NULL (validation: 0) */
  char digest[65];                       /* of all three: part of a run's identity */
} hg_data;

/* Opens, chooses classes, limits and splits. base_folder: what relative paths start from (the study file's folder).
 * HG_DATA with what was looked for and where, and which package or `hourglass data fetch` brings it. */
hg_code hg_data_open(const hg_data_settings *settings, const char *base_folder, hg_data *data, hg_error *error);
void hg_data_release(hg_data *data);

typedef struct hg_data_outline {
  hg_shape shape;
  int classes;   /* after the choice of classes */
  int64_t most;  /* no more training images than this are left for training and validation */
  int64_t uncut; /* the same before a test part is cut off; `most` where the source brings one */
} hg_data_outline;

/* What can be told without reading all of it where the source tells (catalog, IDX header); `check` and `show` use it. Opens the
 * data set where nothing cheaper is known. */
hg_code hg_data_peek(const hg_data_settings *settings, const char *base_folder, hg_data_outline *outline, hg_error *error);

/* Below 1 a share of count, else a number of images; at least one. It may be more than count has. */
int64_t hg_data_images(double amount, int64_t count);

/* Every class's name before any are chosen, as the class names of a data set; its images are of no interest, and a set of the
 * catalog need not be on this machine. */
hg_code hg_data_name_classes(const hg_data_settings *settings, const char *base_folder, hg_dataset **named, hg_error *error);

#endif
