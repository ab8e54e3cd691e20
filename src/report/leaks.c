/* Images that stand in two parts of a data set. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/shape.h"
#include "report/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SIDE = 512, MOST_PAIRS = 12, MOST_BYTES = 60000 };

hg_code hg_page_leaks_load(hg_page *page, hg_store *store, hg_error *error) {
  hg_code code = HG_OK;
  page->leaks = hg_calloc((size_t)page->report.data_count, sizeof *page->leaks);
  if (page->leaks == NULL) return hg_fail_memory(error, "leaks", 0);
  for (int i = 0; code == HG_OK && i < page->report.data_count; i++) {
    char *folder = NULL, *path = NULL;
    code = hg_store_data_folder(store, page->report.data[i].name, &folder, error);
    if (code == HG_OK && (path = hg_path_join(folder, "leaks.safetensors")) == NULL)
      code = hg_fail_memory(error, "leaks.safetensors", 0);
    if (code == HG_OK && hg_path_exists(path) && hg_safetensors_read(path, &page->leaks[i], error) == HG_NO_MEMORY)
      code = hg_fail_memory(error, path, 0); /* a damaged one is as none: the counts stand in the store */
    hg_free(path);
    hg_free(folder);
  }
  return code;
}

void hg_page_leaks_release(hg_page *page) {
  for (int i = 0; page->leaks != NULL && i < page->report.data_count; i++) hg_safetensors_release(&page->leaks[i]);
  hg_free(page->leaks);
}

/* ---------------------------------------------------------------- table */

static void put_row(hg_text *out, const hg_leak_row *row) {
  const int64_t counts[] = {row->images, row->exact, row->near};
  hg_text_put(out, "<tr><th scope=\"row\">");
  hg_text_html(out, row->data);
  hg_text_put(out, "</th><td>");
  hg_text_html(out, row->part);
  hg_text_put(out, " in ");
  hg_text_html(out, row->against);
  hg_text_put(out, "</td>");
  for (int i = 0; i < 3; i++) {
    hg_text_format(out, "<td class=\"num%s\">", i > 0 && counts[i] > 0 ? " strong" : "");
    hg_text_count(out, counts[i]);
    if (i > 0 && counts[i] > 0 && row->images > 0) {
      hg_text_put(out, "<span class=\"interval\">");
      hg_text_percent(out, (double)counts[i] / (double)row->images);
      hg_text_put(out, "</span>");
    }
    hg_text_put(out, "</td>");
  }
  hg_text_put(out, "</tr>");
}

static void put_table(hg_page *page) {
  hg_text *out = &page->out;
  hg_text_put(
      out,
      "<h3 id=\"leaks\">Images that stand in two parts</h3><div class=\"scroll\"><table><thead><tr><th scope=\"col\">Data</th>"
      "<th scope=\"col\">Parts</th><th scope=\"col\" class=\"num\">Images</th><th scope=\"col\" class=\"num\">Byte for "
      "byte</th><th scope=\"col\" class=\"num\">Nearly</th></tr></thead><tbody>");
  for (int i = 0; i < page->report.leak_count; i++) put_row(out, &page->report.leaks[i]);
  hg_text_put(out,
              "</tbody></table></div><p class=\"note\">Nearly: alike by perceptual hash and pixels, beside those that are the "
              "same byte for byte; also mirrored, moved by a pixel or two, or of other brightness. What stands in the training "
              "set too is remembered, not recognised.</p>");
}

/* ---------------------------------------------------------------- examples */

static const void *find(const hg_safetensors *file, const char *name, hg_dtype dtype, int64_t count) {
  const hg_named_tensor *tensor = hg_safetensors_find(file, name);
  return tensor != NULL && tensor->dtype == dtype && tensor->rank == 1 && tensor->dim[0] == count ? tensor->data : NULL;
}

static bool has_images(const hg_named_tensor *images, const hg_named_tensor *others) {
  if (images == NULL || others == NULL || images->dtype != HG_U8 || others->dtype != HG_U8 || images->rank != 4) return false;
  const int64_t *dim = images->dim;
  return others->rank == 4 && memcmp(dim, others->dim, sizeof others->dim) == 0 && dim[0] >= 1 && dim[1] >= 1 &&
         dim[1] <= MOST_SIDE && dim[2] >= 1 && dim[2] <= MOST_SIDE && (dim[3] == 1 || dim[3] == 3);
}

static void put_caption(hg_text *out, const int64_t *part, const int64_t *image, int64_t at) {
  static const char *const parts[] = {"training", "validation", "test"};
  hg_text_format(out, "%s %lld", part[at] >= 0 && part[at] < 3 ? parts[part[at]] : "", (long long)image[at]);
}

/* "mirrored, moved 1 right 2 down, contrast 50 %" */
static void put_alteration(hg_text *out, const int32_t *alteration, double gain) {
  if (!(gain > 0)) return;
  if (alteration[0] != 0) hg_text_put(out, "<br>mirrored");
  if (alteration[1] != 0) hg_text_format(out, "<br>moved %d %s", abs(alteration[1]), alteration[1] > 0 ? "right" : "left");
  if (alteration[2] != 0) hg_text_format(out, "<br>moved %d %s", abs(alteration[2]), alteration[2] > 0 ? "down" : "up");
  if (fabs(gain - 1) > 0.02)
    hg_text_format(out, "<br>contrast %.0f\xe2\x80\xaf%%", 100 / gain);
  else if (alteration[0] == 0 && alteration[1] == 0 && alteration[2] == 0)
    hg_text_put(out, "<br>other brightness");
}

static void put_pairs(hg_page *page, int data) {
  hg_text *out = &page->out;
  const hg_safetensors *file = &page->leaks[data];
  const hg_named_tensor *images = hg_safetensors_find(file, "images"), *others = hg_safetensors_find(file, "others");
  if (!has_images(images, others)) return;
  int64_t all = images->dim[0], count = all < MOST_PAIRS ? all : MOST_PAIRS;
  const int64_t *part = find(file, "part", HG_I64, all), *image = find(file, "image", HG_I64, all);
  const int64_t *against = find(file, "against", HG_I64, all), *other = find(file, "other", HG_I64, all);
  const int32_t *distance = find(file, "distance", HG_I32, all);
  const hg_named_tensor *alteration = hg_safetensors_find(file, "alteration"); /* absent in an older file */
  const float *gain = find(file, "gain", HG_F32, all);
  bool altered = gain != NULL && alteration != NULL && alteration->dtype == HG_I32 && alteration->rank == 2 &&
                 alteration->dim[0] == all && alteration->dim[1] == 3;
  if (part == NULL || image == NULL || against == NULL || other == NULL || distance == NULL) return;
  const uint8_t *const rows[] = {images->data, others->data};
  hg_shape shape = {(int)images->dim[1], (int)images->dim[2], (int)images->dim[3]};
  int sheet = hg_page_sheet_of_rows(page, rows, 2, (int)count, shape, MOST_BYTES);
  if (sheet < 0) return;
  hg_text_put(out, "<h4>");
  hg_text_html(out, page->report.data[data].name);
  hg_text_put(out, ": images and what they are doubles of</h4><ul class=\"images pairs\">");
  for (int64_t i = 0; i < count; i++) {
    hg_text_put(out, "<li>");
    hg_page_tile(page, sheet, i, "image");
    hg_page_tile(page, sheet, count + i, "its double");
    hg_text_put(out, "<span class=\"sure\">");
    put_caption(out, part, image, i);
    hg_text_put(out, "<br>");
    put_caption(out, against, other, i);
    if (altered) put_alteration(out, (const int32_t *)alteration->data + 3 * i, (double)gain[i]);
    if (distance[i] > 0) hg_text_format(out, "<br>%d bits apart", distance[i]);
    hg_text_put(out, "</span></li>");
  }
  hg_text_put(out, "</ul>");
}

void hg_page_leaks(hg_page *page) {
  if (page->report.leak_count == 0) return;
  put_table(page);
  for (int i = 0; i < page->report.data_count; i++) put_pairs(page, i);
}
