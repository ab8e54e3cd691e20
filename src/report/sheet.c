/* Sheets: many small images of one size as one picture, of which the page shows tiles. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/shape.h"
#include "report/page.h"

#include <math.h>
#include <string.h>

/* A PNG beyond this is worth less than what else a page could hold. */
enum { QUALITY = 65, MOST_PNG = 660000, FINE_SIDE = 24 };

/* ---------------------------------------------------------------- making */

/* At least two columns and two rows: places are shares of what lies beyond the first. */
static void lay_out(hg_sheet *sheet, int64_t count) {
  sheet->count = count;
  sheet->columns = (int)ceil(sqrt((double)count));
  if (sheet->columns < 2) sheet->columns = 2;
  sheet->rows = (int)((count + sheet->columns - 1) / sheet->columns);
  if (sheet->rows < 2) sheet->rows = 2;
}

static uint8_t *join(const hg_sheet *sheet, const uint8_t *images, hg_shape *whole) {
  hg_shape tile = sheet->tile;
  size_t row = (size_t)tile.width * (size_t)tile.channels, line = row * (size_t)sheet->columns;
  *whole = (hg_shape){tile.height * sheet->rows, tile.width * sheet->columns, tile.channels};
  uint8_t *pixels = hg_calloc((size_t)whole->height * line, 1);
  for (int64_t i = 0; pixels != NULL && i < sheet->count; i++) {
    uint8_t *corner = pixels + (size_t)(i / sheet->columns) * (size_t)tile.height * line + (size_t)(i % sheet->columns) * row;
    for (int y = 0; y < tile.height; y++)
      memcpy(corner + (size_t)y * line, images + ((size_t)i * (size_t)tile.height + (size_t)y) * row, row);
  }
  return pixels;
}

static void encode(const hg_sheet *sheet, const uint8_t *images, size_t most, hg_text *out) {
  hg_shape whole;
  uint8_t *pixels = join(sheet, images, &whole);
  if (pixels == NULL) {
    out->failed = true;
    return;
  }
  hg_text_png(out, pixels, whole);
  if (out->length > most || out->length > MOST_PNG) {
    out->length = 0;
    hg_text_jpeg(out, pixels, whole, QUALITY);
  }
  hg_free(pixels);
}

/* The mean of every block of 2 x 2 pixels; NULL = out of memory. *tile becomes that of the copies. */
static uint8_t *shrink(const uint8_t *images, int64_t count, hg_shape *tile) {
  hg_shape small = {tile->height / 2, tile->width / 2, tile->channels};
  uint8_t *made = hg_malloc((size_t)count * (size_t)hg_shape_count(small)), *out = made;
  size_t line = (size_t)tile->width * (size_t)tile->channels;
  for (int64_t i = 0; made != NULL && i < count; i++)
    for (int y = 0; y < small.height; y++)
      for (int x = 0; x < small.width; x++)
        for (int c = 0; c < small.channels; c++) {
          const uint8_t *at = images + ((size_t)i * (size_t)tile->height + 2 * (size_t)y) * line +
                              2 * (size_t)x * (size_t)small.channels + (size_t)c;
          *out++ = (uint8_t)((at[0] + at[small.channels] + at[line] + at[line + (size_t)small.channels] + 2) / 4);
        }
  *tile = small;
  return made;
}

static bool is_fine(hg_shape tile) { return tile.height >= FINE_SIDE && tile.width >= FINE_SIDE; }

/* Into at most `most` bytes: coarser first, then fewer. */
static void fit(hg_sheet *sheet, const uint8_t *images, size_t most, int64_t fewest, hg_text *picture) {
  uint8_t *small = NULL;
  encode(sheet, images, most, picture);
  while (!picture->failed && picture->length > most && (is_fine(sheet->tile) || sheet->count / 2 >= fewest)) {
    picture->length = 0;
    if (is_fine(sheet->tile)) {
      uint8_t *smaller = shrink(small == NULL ? images : small, sheet->count, &sheet->tile);
      hg_free(small);
      small = smaller;
      picture->failed = picture->failed || small == NULL;
    } else {
      lay_out(sheet, sheet->count / 2);
    }
    if (!picture->failed) encode(sheet, small == NULL ? images : small, most, picture);
  }
  hg_free(small);
}

/* For a file no picture is made of them: they go into it one by one, as they are. */
static int keep_images(hg_page *page, const uint8_t *images) {
  hg_sheet *sheet = &page->sheets[page->sheet_count];
  size_t bytes = (size_t)sheet->count * (size_t)hg_shape_count(sheet->tile);
  sheet->images = hg_malloc(bytes);
  if (sheet->images == NULL) {
    page->out.failed = true;
    return -1;
  }
  memcpy(sheet->images, images, bytes);
  return page->sheet_count++;
}

int hg_page_sheet(hg_page *page, const uint8_t *images, int64_t count, hg_shape tile, size_t most, int64_t fewest) {
  hg_text picture = {0};
  if (count < 1 || !hg_grow(&page->sheets, &page->sheet_capacity, (size_t)page->sheet_count + 1, sizeof *page->sheets)) {
    page->out.failed = page->out.failed || count > 0;
    return -1;
  }
  hg_sheet *sheet = &page->sheets[page->sheet_count];
  *sheet = (hg_sheet){.tile = tile};
  lay_out(sheet, count);
  if (page->for_files) return keep_images(page, images);
  fit(sheet, images, most, fewest, &picture);
  if (!picture.failed && picture.length > 0) {
    hg_text_format(&page->styles, ".sheet-%d{--columns:%d;--rows:%d;aspect-ratio:%d/%d;background-image:url(", page->sheet_count,
                   sheet->columns, sheet->rows, sheet->tile.width, sheet->tile.height);
    hg_text_put_bytes(&page->styles, picture.bytes, picture.length);
    hg_text_put(&page->styles, ")}\n");
  }
  page->out.failed = page->out.failed || picture.failed;
  bool made = picture.length > 0 && !picture.failed;
  hg_text_release(&picture);
  return made ? page->sheet_count++ : -1;
}

int hg_page_sheet_of_rows(hg_page *page, const uint8_t *const *rows, int row_count, int columns, hg_shape tile, size_t most) {
  size_t row = (size_t)columns * (size_t)hg_shape_count(tile);
  int64_t count = (int64_t)row_count * columns;
  uint8_t *images = hg_malloc((size_t)row_count * row);
  if (images == NULL) {
    page->out.failed = true;
    return -1;
  }
  for (int i = 0; i < row_count; i++) memcpy(images + (size_t)i * row, rows[i], row);
  int sheet = hg_page_sheet(page, images, count, tile, most, count);
  hg_free(images);
  return sheet;
}

void hg_page_tile(hg_page *page, int sheet, int64_t at, const char *what) {
  hg_text *out = &page->out;
  if (sheet < 0 || at < 0 || at >= page->sheets[sheet].count) return;
  int columns = page->sheets[sheet].columns;
  hg_text_format(out, "<span class=\"cell sheet-%d\" style=\"--x:%d;--y:%d\" role=\"img\" aria-label=\"", sheet,
                 (int)(at % columns), (int)(at / columns));
  hg_text_html(out, what);
  hg_text_put(out, "\"></span>");
}

void hg_page_sheets_put_json(const hg_page *page, hg_text *out) {
  hg_json_key(out, "sheets");
  hg_json_open(out, '[');
  for (int i = 0; i < page->sheet_count; i++) {
    hg_json_open(out, '{');
    hg_json_key(out, "columns");
    hg_json_integer(out, page->sheets[i].columns);
    hg_json_key(out, "width");
    hg_json_integer(out, page->sheets[i].tile.width);
    hg_json_key(out, "height");
    hg_json_integer(out, page->sheets[i].tile.height);
    hg_json_close(out, '}');
  }
  hg_json_close(out, ']');
}

void hg_page_sheets_release(hg_page *page) {
  for (int i = 0; i < page->sheet_count; i++) {
    hg_free(page->sheets[i].index);
    hg_free(page->sheets[i].images);
  }
  hg_free(page->sheets);
  hg_text_release(&page->styles);
}

/* ---------------------------------------------------------------- thumbnails of the data sets */

static bool is_sound(const hg_named_tensor *images, const hg_named_tensor *index) {
  enum { MOST_SIDE = 512, MOST_IMAGES = 100000 };
  if (images == NULL || index == NULL || images->dtype != HG_U8 || images->rank != 4) return false;
  const int64_t *dim = images->dim;
  if (index->dtype != HG_I64 || index->rank != 1 || index->dim[0] != dim[0] || dim[0] < 1 || dim[0] > MOST_IMAGES) return false;
  return dim[1] >= 1 && dim[1] <= MOST_SIDE && dim[2] >= 1 && dim[2] <= MOST_SIDE && (dim[3] == 1 || dim[3] == 3);
}

enum { FEWEST = 64, MOST_OF_ONE = 1100000 };

static hg_code add_thumbnails(hg_page *page, int data, const hg_safetensors *file, size_t most, hg_error *error) {
  const hg_named_tensor *images = hg_safetensors_find(file, "images"), *index = hg_safetensors_find(file, "index");
  if (!is_sound(images, index)) return HG_OK;
  hg_shape tile = {(int)images->dim[1], (int)images->dim[2], (int)images->dim[3]};
  int sheet = hg_page_sheet(page, images->data, images->dim[0], tile, most, FEWEST);
  if (sheet < 0) return page->out.failed ? hg_fail_memory(error, "thumbnails.safetensors", 0) : HG_OK;
  size_t bytes = (size_t)page->sheets[sheet].count * sizeof(int64_t);
  page->sheets[sheet].index = hg_malloc(bytes);
  if (page->sheets[sheet].index == NULL) return hg_fail_memory(error, "thumbnails.safetensors", bytes);
  memcpy(page->sheets[sheet].index, index->data, bytes);
  page->sheets[sheet].data = page->report.data[data].name;
  return HG_OK;
}

hg_code hg_page_sheets_load(hg_page *page, hg_store *store, hg_error *error) {
  int sets = page->report.data_count;
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < sets; i++) {
    char *folder = NULL, *path = NULL;
    hg_safetensors file = {0};
    size_t share = page->thumbnail_bytes / (size_t)sets, most = share < MOST_OF_ONE ? share : MOST_OF_ONE;
    code = hg_store_data_folder(store, page->report.data[i].name, &folder, error);
    if (code == HG_OK && (path = hg_path_join(folder, "thumbnails.safetensors")) == NULL)
      code = hg_fail_memory(error, "thumbnails.safetensors", 0);
    if (code == HG_OK && hg_path_exists(path)) {
      hg_error cause;
      code = hg_safetensors_read(path, &file, &cause);
      if (code == HG_NO_MEMORY)
        code = hg_fail_memory(error, path, 0);
      else
        code = code == HG_OK ? add_thumbnails(page, i, &file, most, error) : HG_OK; /* a damaged one is as none */
    }
    hg_safetensors_release(&file);
    hg_free(path);
    hg_free(folder);
  }
  return code;
}

int hg_page_thumbnails(const hg_page *page, const char *data) {
  for (int i = 0; i < page->sheet_count; i++)
    if (page->sheets[i].data != NULL && strcmp(page->sheets[i].data, data) == 0) return i;
  return -1;
}
