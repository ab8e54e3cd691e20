/* The page of a results folder written again, and its figures as files. */
#include "report/report.h"
#include "base/alloc.h"
#include "cli/signals.h"
#include "cli/study.h"
#include "cli/terminal.h"

static hg_code write_figures(hg_store *store, const char *folder, hg_error *error) {
  int count = 0;
  bool drawn = false;
  hg_signals_catch("\nhourglass: stopping; figures that are written stay\n");
  hg_code code = hg_report_write_figures(store, folder, &hg_stop_asked, &count, &drawn, error);
  if (code == HG_OK)
    fprintf(stderr, "%d figures in %s: .vl.json, .csv, %s\n", count, folder,
            drawn ? ".svg, .png, .pdf" : "and of grids of images .png");
  if (code == HG_OK && !drawn)
    fprintf(stderr, "SVG, PDF and the PNG of charts need Chromium or Chrome (chromium, google-chrome), which is not in PATH\n");
  return code;
}

static hg_code print_damage(hg_store *store, hg_error *error) {
  hg_warning *rows = NULL;
  int count = 0;
  hg_code code = hg_report_damage(store, &rows, &count, error);
  for (int i = 0; code == HG_OK && i < count; i++)
    fprintf(stderr, "%swarning:%s %s\n", hg_paint_on(stderr, HG_YELLOW), hg_paint_on(stderr, HG_PLAIN), rows[i].message);
  hg_free(rows);
  return code;
}

hg_code hg_report_command(const hg_arguments *arguments, hg_error *error) {
  const char *figures = hg_arguments_value(arguments, HG_OPTION_FIGURES);
  hg_store *store = NULL;
  hg_code code = hg_store_open(arguments->operands[0], false, &store, error);
  if (code == HG_OK) code = hg_report_write_json(store, error);
  if (code == HG_OK) code = hg_report_write_page(store, error);
  if (code == HG_OK) code = print_damage(store, error);
  if (code == HG_OK && figures != NULL) code = write_figures(store, figures, error);
  if (code == HG_OK && hg_arguments_has(arguments, HG_OPTION_JSON))
    code = hg_results_print_json(store, error);
  else if (code == HG_OK)
    printf("%s/report.html\n", arguments->operands[0]);
  hg_store_close(store);
  return code;
}
