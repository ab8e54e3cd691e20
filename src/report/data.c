/* The data sets: where they come from, what stands in two parts of them, and what they look like. */
#include "report/page.h"

#include <string.h>

static void put_row(hg_text *out, const hg_data_record *data) {
  const int64_t counts[] = {data->classes, data->train, data->validation, data->test};
  hg_text_put(out, "<tr><th scope=\"row\">");
  hg_text_html(out, data->name);
  hg_text_put(out, "</th><td>");
  hg_text_html(out, data->source);
  hg_text_put(out, "</td><td class=\"num\">");
  hg_text_shape(out, data->shape);
  for (int k = 0; k < 4; k++) {
    hg_text_put(out, "</td><td class=\"num\">");
    hg_text_count(out, counts[k]);
  }
  hg_text_put(out, "</td><td><code class=\"digest\">");
  hg_text_html(out, data->digest);
  hg_text_put(out, "</code></td></tr>");
}

static void put_table(hg_page *page) {
  hg_text *out = &page->out;
  hg_text_put(out,
              "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Name</th><th scope=\"col\">Source</th>"
              "<th scope=\"col\" class=\"num\">Image</th><th scope=\"col\" class=\"num\">Classes</th><th scope=\"col\" "
              "class=\"num\">Train</th><th scope=\"col\" class=\"num\">Validation</th><th scope=\"col\" class=\"num\">Test</th>"
              "<th scope=\"col\">SHA-256</th></tr></thead><tbody>");
  for (int i = 0; i < page->report.data_count; i++) put_row(out, &page->report.data[i]);
  hg_text_put(out, "</tbody></table></div>");
}

/* ---------------------------------------------------------------- sample images */

enum { MOST_CLASSES = 24, PER_CLASS = 12, PLAIN = 48, MOST_TILES = 2000 };

/* A model whose classes these are, for their names. */
static const hg_page_model *model_on(const hg_page *page, const char *data) {
  for (int i = 0; i < page->model_count; i++)
    if (strcmp(page->models[i].shown->record.data, data) == 0) return &page->models[i];
  return NULL;
}

static void put_class_row(hg_page *page, hg_figure *grid, const int32_t *labels, int count, int label, const char *name) {
  int64_t tiles[PER_CLASS];
  int shown = 0;
  for (int i = 0; i < count && shown < PER_CLASS; i++)
    if (labels[i] == label) tiles[shown++] = i;
  hg_page_grid_row(page, grid, name, tiles, NULL, shown);
}

static void put_plain_rows(hg_page *page, hg_figure *grid) {
  int64_t tiles[PER_CLASS];
  for (int row = 0; row < PLAIN / PER_CLASS; row++) {
    for (int i = 0; i < PER_CLASS; i++) tiles[i] = (int64_t)row * PER_CLASS + i;
    hg_page_grid_row(page, grid, NULL, tiles, NULL, PER_CLASS);
  }
}

static void put_samples(hg_page *page, const hg_data_record *data) {
  hg_text *out = &page->out;
  int32_t labels[MOST_TILES];
  char buffer[16];
  int sheet = hg_page_thumbnails(page, data->name);
  const hg_page_model *model = model_on(page, data->name);
  if (sheet < 0) return;
  int count = hg_page_tile_labels(page, sheet, labels, MOST_TILES);
  hg_text_put(out, "<figure class=\"chart\"><figcaption><b>");
  hg_text_html(out, data->name);
  hg_text_put(out, "</b>, test images as they come</figcaption>");
  hg_figure *grid = hg_page_open_grid(page, sheet, "samples", data->name);
  hg_figure_title(grid, "%s: test images", data->name);
  if (count > 0 && model != NULL && data->classes >= 1 && data->classes <= MOST_CLASSES)
    for (int k = 0; k < data->classes; k++) put_class_row(page, grid, labels, count, k, hg_page_class_name(model, k, buffer));
  else
    put_plain_rows(page, grid);
  hg_page_close_grid(page);
  hg_text_put(out, "</figure>");
}

void hg_page_data(hg_page *page) {
  hg_text *out = &page->out;
  if (page->report.data_count == 0) return;
  hg_text_put(out, "<section id=\"data\"><h2>Data</h2>");
  put_table(page);
  hg_page_leaks(page);
  hg_text_put(out, "<div class=\"panels wide\">");
  for (int i = 0; i < page->report.data_count; i++) put_samples(page, &page->report.data[i]);
  hg_text_put(out, "</div></section>");
}
