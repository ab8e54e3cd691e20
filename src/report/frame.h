/* A table of figures: columns of numbers or words, filled cell after cell. What a chart shows, and its CSV. */
#ifndef HG_REPORT_FRAME_H
#define HG_REPORT_FRAME_H

#include "report/text.h"

enum { HG_FRAME_COLUMNS = 16 };

typedef struct hg_frame_column {
  char name[32];
  bool text;
  bool coarse;  /* 16 bits for its range are enough on a page; files hold all of it */
  char **words; /* (word_count): the distinct values of a text column, in the order they came */
  int word_count;
  size_t word_capacity;
} hg_frame_column;

typedef struct hg_frame {
  hg_frame_column columns[HG_FRAME_COLUMNS];
  int column_count;
  double *cells; /* (rows, columns): numbers, NaN where missing; of a text column the number of its word */
  size_t count, capacity;
  bool failed; /* out of memory: later cells are dropped */
} hg_frame;

/* columns: names separated by spaces; a ':' after a name makes it a column of words, a '~' a coarse one ("model: epoch value~").
 */
void hg_frame_init(hg_frame *frame, const char *columns);
void hg_frame_release(hg_frame *frame);

/* The next cell, row after row. */
void hg_frame_word(hg_frame *frame, const char *word);
void hg_frame_number(hg_frame *frame, double value);

size_t hg_frame_rows(const hg_frame *frame);
/* Least and largest finite number of a column; NaN where there is none. */
void hg_frame_range(const hg_frame *frame, const char *column, double *least, double *most);

void hg_frame_put_csv(const hg_frame *frame, hg_text *out); /* RFC 4180; numbers to six digits, "" where missing */
/* {"rows": 3, "columns": {"model": {"words": [...], "u8": "..."}, "value": {"f32": "..."}}}: little-endian arrays in base64, of
 * the smallest type that holds the column. A coarse column is "u16", "least" and "step": least + step * u16. */
void hg_frame_put_json(const hg_frame *frame, hg_text *out);

#endif
