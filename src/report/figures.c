/* Every figure of a page as files: specification and data, and what a browser draws of them. */
#include "base/alloc.h"
#include "base/file.h"
#include "report/browser.h"
#include "report/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECONDS = 60 };

static hg_code write_file(const char *folder, const char *name, const char *ending, const void *bytes, size_t count,
                          hg_error *error) {
  char file[256];
  snprintf(file, sizeof file, "%s.%s", name, ending);
  char *path = hg_path_join(folder, file);
  hg_code code = path == NULL ? hg_fail_memory(error, file, 0) : hg_file_write(path, bytes, count, error);
  hg_free(path);
  return code;
}

/* ---------------------------------------------------------------- specification and data */

static hg_code write_source(const hg_page *page, const hg_figure *figure, const char *folder, hg_error *error) {
  hg_text csv = {0};
  hg_frame_put_csv(&figure->data, &csv);
  char *specification = hg_figure_specification(&page->figures, figure);
  hg_code code = csv.failed || specification == NULL ? hg_fail_memory(error, figure->name, csv.length) : HG_OK;
  if (code == HG_OK) code = write_file(folder, figure->name, "csv", csv.bytes, csv.length, error);
  if (code == HG_OK && specification != NULL)
    code = write_file(folder, figure->name, "vl.json", specification, strlen(specification), error);
  hg_free(specification);
  hg_text_release(&csv);
  return code;
}

/* ---------------------------------------------------------------- drawings */

static int digit_of(char letter) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *found = letter == '\0' ? NULL : strchr(digits, letter);
  return found == NULL ? -1 : (int)(found - digits);
}

static hg_code write_base64(const char *folder, const char *name, const char *ending, const char *text, hg_error *error) {
  size_t count = 0, length = strlen(text);
  unsigned char *bytes = hg_malloc(length + 1);
  unsigned word = 0;
  int bits = 0;
  if (bytes == NULL) return hg_fail_memory(error, name, length);
  for (; digit_of(*text) >= 0; text++) {
    word = word << 6 | (unsigned)digit_of(*text);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[count++] = (unsigned char)(word >> bits);
  }
  hg_code code = write_file(folder, name, ending, bytes, count, error);
  hg_free(bytes);
  return code;
}

/* Names the figures that could not be drawn, and why the first was not. */
typedef struct failures {
  int count;
  hg_text names;
  char cause[320];
} failures;

static void add_failure(failures *failed, const hg_figure *figure, const char *cause) {
  enum { MOST_NAMED = 5 };
  if (failed->count == 0) snprintf(failed->cause, sizeof failed->cause, "%s", cause);
  if (failed->count < MOST_NAMED) hg_text_format(&failed->names, "%s%s", failed->count == 0 ? "" : ", ", figure->name);
  if (failed->count == MOST_NAMED) hg_text_put(&failed->names, ", ...");
  failed->count++;
}

/* Writes the PNG, and the SVG, whose text is kept for the PDF: null where nothing could be drawn. */
static hg_code draw(hg_browser *browser, const hg_figure *figure, const char *folder, json_t *svgs, failures *failed,
                    hg_error *error) {
  char expression[320];
  json_t *drawn = NULL;
  snprintf(expression, sizeof expression, "hourglassFigure(\"%s\").catch((error) => ({cause: String(error)}))", figure->name);
  hg_code code = hg_browser_evaluate(browser, expression, &drawn, error);
  const char *cause = json_string_value(json_object_get(drawn, "cause"));
  if (cause != NULL) {
    add_failure(failed, figure, cause);
    json_array_append_new(svgs, json_null());
    json_decref(drawn);
    return code;
  }
  const char *svg = json_string_value(json_object_get(drawn, "svg")), *png = json_string_value(json_object_get(drawn, "png"));
  const char *data = png == NULL ? NULL : strchr(png, ',');
  if (code == HG_OK && (svg == NULL || data == NULL)) code = hg_fail(error, HG_FAILED, figure->name, "the browser drew nothing");
  if (code == HG_OK) code = write_file(folder, figure->name, "svg", svg, strlen(svg), error);
  if (code == HG_OK) code = write_base64(folder, figure->name, "png", data + 1, error);
  if (code == HG_OK) json_array_append(svgs, json_object_get(drawn, "svg"));
  json_decref(drawn);
  return code;
}

static double size_of(const char *svg, const char *key) {
  const char *found = strstr(svg, key);
  return found == NULL ? 640 : strtod(found + strlen(key), NULL);
}

/* The drawing alone on a sheet of its own size. */
static hg_code print(hg_browser *browser, const char *frame, const char *name, const char *svg, const char *folder,
                     hg_error *error) {
  const double inch = 96;
  double width = size_of(svg, " width=\""), height = size_of(svg, " height=\"");
  hg_text sheet = {0};
  json_t *ignored = NULL, *printed = NULL;
  hg_text_put(&sheet, "<!doctype html><style>@page{margin:0}body{margin:0}svg{display:block}</style>");
  hg_text_put(&sheet, svg);
  hg_code code = sheet.failed ? hg_fail_memory(error, name, sheet.length)
                              : hg_browser_call(browser, "Page.setDocumentContent",
                                                json_pack("{s:s, s:s}", "frameId", frame, "html", sheet.bytes), &ignored, error);
  if (code == HG_OK)
    code = hg_browser_call(
        browser, "Page.printToPDF",
        json_pack("{s:b, s:f, s:f, s:i, s:i, s:i, s:i, s:s}", "printBackground", 1, "paperWidth", width / inch, "paperHeight",
                  (height + 1) / inch, "marginTop", 0, "marginBottom", 0, "marginLeft", 0, "marginRight", 0, "pageRanges", "1"),
        &printed, error);
  const char *pdf = json_string_value(json_object_get(printed, "data"));
  if (code == HG_OK) code = write_base64(folder, name, "pdf", pdf == NULL ? "" : pdf, error);
  json_decref(ignored);
  json_decref(printed);
  hg_text_release(&sheet);
  return code;
}

static hg_code print_all(hg_browser *browser, const hg_page *page, const json_t *svgs, const char *folder, hg_error *error) {
  json_t *tree = NULL;
  hg_code code = hg_browser_call(browser, "Page.getFrameTree", NULL, &tree, error);
  const char *frame = json_string_value(json_object_get(json_object_get(json_object_get(tree, "frameTree"), "frame"), "id"));
  if (code == HG_OK && frame == NULL) code = hg_fail(error, HG_FAILED, "browser", "has no page");
  for (int i = 0; code == HG_OK && i < page->figures.count; i++) {
    const char *svg = json_string_value(json_array_get(svgs, (size_t)i));
    if (svg != NULL) code = print(browser, frame, page->figures.figures[i]->name, svg, folder, error);
  }
  json_decref(tree);
  return code;
}

/* The page, written where the browser cleans up, and opened there. */
static hg_code open_page(hg_browser *browser, const hg_page *page, hg_error *error) {
  static const char ready[] =
      "new Promise(done => { const look = () => globalThis.hourglassFigure ? done(true) : setTimeout(look, 20); look(); })";
  char address[512];
  json_t *ignored = NULL;
  snprintf(address, sizeof address, "file://%s/page.html", hg_browser_folder(browser));
  hg_code code = write_file(hg_browser_folder(browser), "page", "html", page->out.bytes, page->out.length, error);
  if (code == HG_OK) code = hg_browser_call(browser, "Page.navigate", json_pack("{s:s}", "url", address), &ignored, error);
  json_decref(ignored);
  ignored = NULL;
  if (code == HG_OK) code = hg_browser_evaluate(browser, ready, &ignored, error);
  json_decref(ignored);
  return code;
}

/* Those that could be drawn are written by now. */
static hg_code tell_failures(const failures *failed, int figures, hg_error *error) {
  if (failed->names.failed) return hg_fail_memory(error, "names of figures", failed->names.length);
  return failed->count == 0 ? HG_OK
                            : hg_fail(error, HG_FAILED, "figures", "%d of %d could not be drawn: %.400s (%s)", failed->count,
                                      figures, failed->names.bytes, failed->cause);
}

static hg_code draw_all(const char *program, const hg_page *page, const char *folder, const volatile int *stop, hg_error *error) {
  hg_browser *browser;
  hg_code code = hg_browser_start(program, SECONDS, stop, &browser, error);
  if (code != HG_OK) return code;
  json_t *svgs = json_array();
  failures failed = {0};
  code = open_page(browser, page, error);
  for (int i = 0; code == HG_OK && i < page->figures.count; i++)
    code = draw(browser, page->figures.figures[i], folder, svgs, &failed, error);
  if (code == HG_OK) code = print_all(browser, page, svgs, folder, error);
  if (code == HG_OK) code = tell_failures(&failed, page->figures.count, error);
  hg_text_release(&failed.names);
  json_decref(svgs);
  hg_browser_stop(browser);
  return code;
}

/* What stands for a drawing of a grid where there is no browser: the images without the words beside them. */
static hg_code write_pictures(const hg_page *page, const char *folder, hg_error *error) {
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < page->figures.count; i++) {
    const hg_figure *figure = page->figures.figures[i];
    hg_text picture = {0};
    bool is_grid = figure->grid && figure->data.count > 0;
    if (is_grid) hg_page_grid_picture(page, figure, &picture);
    const char *data = picture.bytes == NULL ? NULL : strchr(picture.bytes, ',');
    if (data != NULL && !picture.failed)
      code = write_base64(folder, figure->name, "png", data + 1, error);
    else if (is_grid)
      code = hg_fail_memory(error, figure->name, picture.length);
    hg_text_release(&picture);
  }
  return code;
}

hg_code hg_report_write_figures(hg_store *store, const char *folder, const volatile int *stop, int *count, bool *drawn,
                                hg_error *error) {
  hg_page page;
  char *program = NULL;
  *count = 0;
  *drawn = false;
  hg_code code = hg_page_make(store, true, &page, error);
  if (code == HG_OK) code = hg_folder_make(folder, error);
  for (int i = 0; code == HG_OK && i < page.figures.count; i++)
    code = write_source(&page, page.figures.figures[i], folder, error);
  if (code == HG_OK) program = hg_browser_find();
  if (code == HG_OK)
    code = program == NULL ? write_pictures(&page, folder, error) : draw_all(program, &page, folder, stop, error);
  *count = page.figures.count;
  *drawn = code == HG_OK && program != NULL;
  hg_free(program);
  hg_page_release(&page);
  return code;
}
