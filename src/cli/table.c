#include "cli/table.h"

#include "base/alloc.h"
#include "cli/terminal.h"

#include <stdarg.h>

void hg_text_table_init(hg_text_table *table, int columns, const char *const *heads) {
  *table = (hg_text_table){.columns = columns};
  for (int i = 0; i < columns; i++) {
    const char *head = heads[i];
    table->optional[i] = *head == '?';
    head += table->optional[i];
    table->right[i] = *head == '>';
    hg_text_table_cell(table, "%s", head + table->right[i]);
  }
}

void hg_text_table_release(hg_text_table *table) {
  for (size_t i = 0; i < table->count; i++) hg_free(table->cells[i]);
  hg_free(table->cells);
  *table = (hg_text_table){0};
}

void hg_text_table_cell(hg_text_table *table, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  char *copy = hg_strdup(text);
  if (copy == NULL || !hg_grow(&table->cells, &table->capacity, table->count + 1, sizeof *table->cells)) {
    hg_free(copy);
    table->failed = true;
    return;
  }
  table->cells[table->count++] = copy;
}

/* Widths of the columns; 0 where every row below the head is empty. */
static void measure(const hg_text_table *table, int *widths) {
  for (int column = 0; column < table->columns; column++) {
    bool used = table->count <= (size_t)table->columns;
    widths[column] = 0;
    for (size_t i = (size_t)column; i < table->count; i += (size_t)table->columns) {
      int width = hg_text_width(table->cells[i]);
      if (width > widths[column]) widths[column] = width;
      used = used || (i >= (size_t)table->columns && width > 0);
    }
    if (!used) widths[column] = 0;
  }
}

static int total_width(const hg_text_table *table, const int *widths) {
  int total = -2;
  for (int column = 0; column < table->columns; column++) total += widths[column] > 0 ? widths[column] + 2 : 0;
  return total;
}

static void make_fit(const hg_text_table *table, int room, int *widths) {
  for (int column = table->columns - 1; column >= 0 && total_width(table, widths) > room; column--)
    if (table->optional[column]) widths[column] = 0;
}

static void print_row(const hg_text_table *table, char *const *cells, const int *widths, FILE *out) {
  int owed = 0; /* spaces not printed yet, so that no line ends in one */
  for (int column = 0; column < table->columns; column++) {
    if (widths[column] == 0) continue;
    int gap = widths[column] - hg_text_width(cells[column]);
    if (table->right[column]) owed += gap;
    if (cells[column][0] != '\0') {
      fprintf(out, "%*s%s", owed, "", cells[column]);
      owed = 0;
    }
    owed += 2 + (table->right[column] ? 0 : gap);
  }
}

hg_code hg_text_table_print(const hg_text_table *table, FILE *out, hg_error *error) {
  if (table->failed) return hg_fail_memory(error, "table", table->count);
  int widths[HG_TABLE_COLUMNS];
  measure(table, widths);
  if (hg_is_terminal(out)) make_fit(table, hg_terminal_width(out), widths);
  for (size_t i = 0; i + (size_t)table->columns <= table->count; i += (size_t)table->columns) {
    if (i == 0) fputs(hg_paint_on(out, HG_BOLD), out);
    print_row(table, table->cells + i, widths, out);
    fprintf(out, "%s\n", i == 0 ? hg_paint_on(out, HG_PLAIN) : "");
  }
  return HG_OK;
}
