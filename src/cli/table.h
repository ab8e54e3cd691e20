/* A table of text with aligned columns. */
#ifndef HG_CLI_TABLE_H
#define HG_CLI_TABLE_H

#include "base/status.h"

#include <stdio.h>

enum { HG_TABLE_COLUMNS = 12 };

typedef struct hg_text_table {
  int columns;
  bool right[HG_TABLE_COLUMNS];    /* aligned to the right */
  bool optional[HG_TABLE_COLUMNS]; /* left out where the terminal is too narrow, the rightmost first */
  char **cells;                    /* (rows, columns), row after row; the first row is the head */
  size_t count, capacity;
  bool failed; /* out of memory: print says so */
} hg_text_table;

/* heads: names of the columns, after marks: '?' = optional, '>' = aligned to the right. */
void hg_text_table_init(hg_text_table *table, int columns, const char *const *heads);
void hg_text_table_release(hg_text_table *table);
/* Appends one cell; a row is full after `columns` of them. */
void hg_text_table_cell(hg_text_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The head in bold; columns that are empty in every row are left out. */
hg_code hg_text_table_print(const hg_text_table *table, FILE *out, hg_error *error);

#endif
