/* Grids: small images in rows, a table on the page and a figure for files. */
#include "base/alloc.h"
#include "base/shape.h"
#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Columns of a grid's table. On the page `tile` counts from 1 on the figure's sheet and `image` is ""; for a file, `image` is a
 * data URI. */
static const char columns[] = "row: column tile psnr image:";
enum { COLUMN = 1, TILE = 2 };

/* Pixels of an image's side on paper: so many for one of its own that it is about SHOWN wide. */
static int shown(int side, int width) {
  enum { SHOWN = 56, MOST = 112 };
  int times = width >= SHOWN ? 1 : (int)lround((double)SHOWN / width);
  return width > MOST ? side * MOST / width : side * times;
}

hg_figure *hg_page_open_grid(hg_page *page, int sheet, const char *name, const char *part) {
  enum { GAP = 4, BELOW = 3 };
  hg_figure *figure = hg_page_figure(page, "grid", columns, name, part);
  hg_shape tile = page->sheets[sheet].tile;
  int width = shown(tile.width, tile.width), height = shown(tile.height, tile.width);
  figure->sheet = sheet;
  figure->grid = true;
  hg_figure_set(figure, "width.step", json_integer(width + GAP));
  hg_figure_set(figure, "height.step", json_integer(height + GAP));
  hg_figure_set(figure, "layer.0.mark.width", json_integer(width));
  hg_figure_set(figure, "layer.0.mark.height", json_integer(height));
  hg_figure_set(figure, "layer.1.mark.dy", json_integer(height / 2 + BELOW));
  hg_text_put(&page->out, "<table class=\"strips\" data-figure=\"");
  hg_text_html(&page->out, figure->name);
  hg_text_put(&page->out, "\"><tbody>");
  return figure;
}

static void put_record(hg_page *page, hg_figure *grid, const char *row, int column, int64_t tile, double psnr) {
  const hg_sheet *sheet = &page->sheets[grid->sheet];
  hg_text image = {0};
  if (sheet->images != NULL) hg_text_png(&image, sheet->images + (size_t)tile * (size_t)hg_shape_count(sheet->tile), sheet->tile);
  hg_frame_word(&grid->data, row);
  hg_frame_number(&grid->data, column);
  hg_frame_number(&grid->data, (double)(tile + 1));
  hg_frame_number(&grid->data, psnr);
  hg_frame_word(&grid->data, image.bytes == NULL ? "" : image.bytes);
  page->out.failed = page->out.failed || image.failed;
  hg_text_release(&image);
}

static void put_psnr(hg_text *out, const double *psnr, int count) {
  hg_text_put(out, "<tr class=\"measure\"><th scope=\"row\">PSNR, dB</th>");
  for (int i = 0; i < count; i++) hg_text_format(out, "<td>%.1f</td>", psnr[i]);
  hg_text_put(out, "</tr>");
}

void hg_page_grid_row(hg_page *page, hg_figure *grid, const char *title, const int64_t *tiles, const double *psnr, int count) {
  hg_text *out = &page->out;
  char number[16];
  snprintf(number, sizeof number, "%d", grid->data.columns[0].word_count + 1);
  hg_text_put(out, "<tr>");
  if (title == NULL) {
    hg_figure_set(grid, "encoding.y.axis", json_null());
  } else {
    hg_text_put(out, "<th scope=\"row\">");
    hg_text_html(out, title);
    hg_text_put(out, "</th>");
  }
  for (int i = 0; i < count; i++) {
    if (tiles[i] >= page->sheets[grid->sheet].count) break;
    hg_text_put(out, "<td>");
    hg_page_tile(page, grid->sheet, tiles[i], title == NULL ? "image" : title);
    hg_text_put(out, "</td>");
    put_record(page, grid, title == NULL ? number : title, i, tiles[i], psnr == NULL ? NAN : psnr[i]);
  }
  hg_text_put(out, "</tr>");
  if (psnr != NULL) put_psnr(out, psnr, count);
}

void hg_page_close_grid(hg_page *page) { hg_text_put(&page->out, "</tbody></table>"); }

/* ---------------------------------------------------------------- one picture */

static int column_count(const hg_frame *data) {
  int most = 0;
  for (size_t i = COLUMN; i < data->count; i += (size_t)data->column_count)
    if ((int)data->cells[i] >= most) most = (int)data->cells[i] + 1;
  return most;
}

void hg_page_grid_picture(const hg_page *page, const hg_figure *grid, hg_text *out) {
  const hg_frame *data = &grid->data;
  const hg_sheet *sheet = &page->sheets[grid->sheet];
  hg_shape tile = sheet->tile,
           whole = {tile.height * data->columns[0].word_count, tile.width * column_count(data), tile.channels};
  size_t line = (size_t)tile.width * (size_t)tile.channels, stride = (size_t)whole.width * (size_t)whole.channels;
  uint8_t *pixels = hg_malloc((size_t)hg_shape_count(whole) + 1);
  if (pixels == NULL) {
    out->failed = true;
    return;
  }
  memset(pixels, 255, (size_t)hg_shape_count(whole));
  for (const double *cell = data->cells; cell != data->cells + data->count; cell += data->column_count) {
    const uint8_t *image = sheet->images + (size_t)(cell[TILE] - 1) * (size_t)hg_shape_count(tile);
    uint8_t *corner = pixels + (size_t)cell[0] * (size_t)tile.height * stride + (size_t)cell[COLUMN] * line;
    for (int y = 0; y < tile.height; y++) memcpy(corner + (size_t)y * stride, image + (size_t)y * line, line);
  }
  hg_text_png(out, pixels, whole);
  hg_free(pixels);
}
