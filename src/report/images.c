/* Test images: what a model saw, what it answered, and what it made of them. */
#include "eval/images.h"
#include "base/alloc.h"
#include "base/shape.h"
#include "report/page.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_SAMPLES = 16, MOST_MISTAKES = 16, MOST_COLUMNS = 10, MOST_SIDE = 512 };

/* Bytes of all models' images on a page: each may use its share of them, and a few images in any case, of large ones one. */
enum { MOST_BYTES = 1200000, ANYWAY = 4, SMALL = 64 * 64 * 3 };

/* samples.safetensors once its shapes are known to fit; NULL where a tensor is absent. */
typedef struct sheet {
  const hg_page_model *model;
  int count, classes;
  size_t most; /* length of the page beyond which images are left out */
  hg_shape shape;
  const uint8_t *original, *input, *reconstruction; /* (count, H, W, C) */
  const int64_t *index;                             /* (count) */
  const int32_t *labels;                            /* (count) */
  const float *probabilities;                       /* (count, classes) */
} sheet;

static const void *tensor_data(const hg_safetensors *file, const char *name, hg_dtype dtype, int rank, int64_t count) {
  const hg_named_tensor *tensor = hg_safetensors_find(file, name);
  return tensor != NULL && tensor->dtype == dtype && tensor->rank == rank && tensor->dim[0] == count ? tensor->data : NULL;
}

static const uint8_t *image_data(const hg_safetensors *file, const char *name, const hg_named_tensor *like) {
  const hg_named_tensor *tensor = hg_safetensors_find(file, name);
  if (tensor == NULL || tensor->dtype != HG_U8 || tensor->rank != 4) return NULL;
  return memcmp(tensor->dim, like->dim, sizeof like->dim) == 0 ? tensor->data : NULL;
}

/* False if there are no images of a kind that can be shown. */
static bool read_sheet(const hg_page_model *model, sheet *out) {
  const hg_safetensors *file = &model->samples;
  const hg_named_tensor *original = hg_safetensors_find(file, "original");
  *out = (sheet){.model = model};
  if (original == NULL || original->dtype != HG_U8 || original->rank != 4) return false;
  const int64_t *dim = original->dim;
  if (dim[0] < 1 || dim[0] > 100000 || dim[1] < 1 || dim[1] > MOST_SIDE || dim[2] < 1 || dim[2] > MOST_SIDE) return false;
  if (dim[3] != 1 && dim[3] != 3) return false;
  out->count = (int)dim[0];
  out->shape = (hg_shape){(int)dim[1], (int)dim[2], (int)dim[3]};
  out->original = original->data;
  out->input = image_data(file, "input", original);
  out->reconstruction = image_data(file, "reconstruction", original);
  out->index = tensor_data(file, "index", HG_I64, 1, dim[0]);
  out->labels = tensor_data(file, "labels", HG_I32, 1, dim[0]);
  const hg_named_tensor *shares = hg_safetensors_find(file, "probabilities");
  out->probabilities = tensor_data(file, "probabilities", HG_F32, 2, dim[0]);
  out->classes = out->probabilities == NULL ? 0 : (int)shares->dim[1];
  for (int i = 0; i < out->count; i++)
    if (out->classes < 1 || out->labels == NULL || out->labels[i] < 0 || out->labels[i] >= out->classes)
      out->probabilities = NULL;
  return true;
}

static size_t image_bytes(const sheet *images) { return (size_t)hg_shape_count(images->shape); }

static const float *row_of(const sheet *images, int sample) {
  return images->probabilities + (size_t)sample * (size_t)images->classes;
}
static int predicted_class(const sheet *images, int sample) { return hg_argmax(row_of(images, sample), images->classes); }
static bool is_mistake(const sheet *images, int sample) { return predicted_class(images, sample) != images->labels[sample]; }

static void put_image(hg_text *out, const sheet *images, const uint8_t *pixels, int sample, const char *what) {
  hg_text_format(out, "<img width=\"%d\" height=\"%d\" alt=\"%s", images->shape.width, images->shape.height, what);
  if (images->index != NULL) hg_text_format(out, " %lld", (long long)images->index[sample]);
  hg_text_put(out, "\" src=\"");
  hg_text_png(out, pixels + (size_t)sample * image_bytes(images), images->shape);
  hg_text_put(out, "\">");
}

/* ---------------------------------------------------------------- predictions */

static void put_prediction(hg_text *out, const sheet *images, int sample) {
  char buffer[16];
  int predicted = predicted_class(images, sample), label = images->labels[sample];
  bool mistake = predicted != label;
  hg_text_format(out, "<li class=\"%s\">", mistake ? "wrong" : "right");
  put_image(out, images, images->input != NULL ? images->input : images->original, sample, "test image");
  hg_text_put(out, "<span class=\"answer\"><span class=\"sign\">");
  hg_text_put(out, mistake ? "\xe2\x9c\x97" : "\xe2\x9c\x93");
  hg_text_put(out, "</span> ");
  hg_text_html(out, hg_page_class_name(images->model, predicted, buffer));
  hg_text_format(out, "</span><span class=\"sure\">%.1f\xe2\x80\xaf%%", 100.0 * row_of(images, sample)[predicted]);
  if (mistake) {
    hg_text_put(out, "</span><span class=\"truth\">is ");
    hg_text_html(out, hg_page_class_name(images->model, label, buffer));
    hg_text_format(out, ", %.1f\xe2\x80\xaf%%", 100.0 * row_of(images, sample)[label]);
  }
  hg_text_put(out, "</span></li>");
}

typedef struct ranked {
  float sureness; /* the probability given to the wrong class */
  int sample;
} ranked;

static int by_falling_sureness(const void *left, const void *right) {
  const ranked *a = left, *b = right;
  if (a->sureness != b->sureness) return a->sureness > b->sureness ? -1 : 1;
  return a->sample - b->sample;
}

static int shown_anyway(const sheet *images) { return image_bytes(images) <= SMALL ? ANYWAY : 1; }

static bool has_room(const hg_text *out, const sheet *images, int shown) {
  return shown < shown_anyway(images) || out->length < images->most;
}

static void note_rest(hg_text *out, int wanted, int shown) {
  if (shown < wanted)
    hg_text_format(out, "<p class=\"note\">%d more are left out: with the images of all models the page would be too large.</p>",
                   wanted - shown);
}

static void put_mistakes(hg_text *out, const sheet *images) {
  ranked *mistakes = hg_malloc((size_t)images->count * sizeof *mistakes);
  int count = 0;
  if (mistakes == NULL) {
    out->failed = true;
    return;
  }
  for (int i = 0; i < images->count; i++)
    if (is_mistake(images, i)) mistakes[count++] = (ranked){row_of(images, i)[predicted_class(images, i)], i};
  qsort(mistakes, (size_t)count, sizeof *mistakes, by_falling_sureness);
  if (count > 0) {
    hg_text_put(out,
                "<h4>Worst mistakes</h4><p class=\"note\">The wrong answers it was surest of.</p><ul "
                "class=\"images\">");
    int shown = 0;
    for (; shown < count && shown < MOST_MISTAKES && has_room(out, images, shown); shown++)
      put_prediction(out, images, mistakes[shown].sample);
    hg_text_put(out, "</ul>");
    note_rest(out, count < MOST_MISTAKES ? count : MOST_MISTAKES, shown);
  }
  hg_free(mistakes);
}

/* What the percentages are of, where they are no probabilities. */
static void put_kind(hg_text *out, const hg_page_model *model) {
  const char *kind = model->shown->record.kind;
  if (strcmp(kind, "svm") == 0 || strcmp(kind, "knn") == 0)
    hg_text_put(out, "<p class=\"note\">Percentages are shares of votes.</p>");
  else if (strcmp(kind, "linear_svm") == 0)
    hg_text_put(out, "<p class=\"note\">Percentages are made of scores, and are no probabilities.</p>");
}

static void put_predictions(hg_text *out, const hg_page_model *model, const sheet *images) {
  hg_text_put(out, "<h4>Sample predictions</h4>");
  put_kind(out, model);
  hg_text_put(out, "<ul class=\"images\">");
  int wanted = images->count < MOST_SAMPLES ? images->count : MOST_SAMPLES, shown = 0;
  for (; shown < wanted && has_room(out, images, shown); shown++) put_prediction(out, images, shown);
  hg_text_put(out, "</ul>");
  note_rest(out, wanted, shown);
  put_mistakes(out, images);
}

/* ---------------------------------------------------------------- reconstructions */

static double psnr_of(const sheet *images, int sample) {
  size_t bytes = image_bytes(images), at = (size_t)sample * bytes;
  double sum = 0;
  for (size_t i = 0; i < bytes; i++) {
    double difference = ((double)images->original[at + i] - (double)images->reconstruction[at + i]) / 255;
    sum += difference * difference;
  }
  return hg_image_psnr_for_mean(sum / (double)bytes); /* of an exact one what the table says, 100 dB */
}

static void put_rows(hg_page *page, hg_figure *grid, const sheet *images, const char *const *titles, int rows, int columns) {
  int64_t tiles[MOST_COLUMNS];
  double psnr[MOST_COLUMNS];
  for (int i = 0; i < columns; i++) psnr[i] = psnr_of(images, i);
  for (int r = 0; r < rows; r++) {
    for (int i = 0; i < columns; i++) tiles[i] = (int64_t)r * columns + i;
    hg_page_grid_row(page, grid, titles[r], tiles, r + 1 == rows ? psnr : NULL, columns);
  }
}

static void put_reconstructions(hg_page *page, const sheet *images) {
  hg_text *out = &page->out;
  int columns = images->count < MOST_COLUMNS ? images->count : MOST_COLUMNS;
  size_t bytes = image_bytes(images);
  while (columns > shown_anyway(images) && out->length + 4 * (size_t)columns * bytes > images->most) columns--;
  bool corrupted = images->input != NULL && memcmp(images->input, images->original, (size_t)columns * bytes) != 0;
  const char *const titles[] = {"original", corrupted ? "noisy" : "reconstructed", "reconstructed"};
  const uint8_t *const pixels[] = {images->original, corrupted ? images->input : images->reconstruction, images->reconstruction};
  int rows = corrupted ? 3 : 2;
  /* room for a PNG in base64: that it fits the page is what the columns were chosen by */
  int made = hg_page_sheet_of_rows(page, pixels, rows, columns, images->shape, 4 * (size_t)columns * bytes + 4096);
  if (made < 0) return;
  hg_text_format(out, "<figure class=\"chart\"><figcaption><b>%s</b></figcaption><div class=\"scroll\">",
                 corrupted ? "Originals, noisy inputs, reconstructions" : "Originals and reconstructions");
  hg_figure *grid = hg_page_open_grid(page, made, "reconstructions", images->model->name);
  hg_figure_title(grid, "%s: originals and reconstructions", images->model->name);
  put_rows(page, grid, images, titles, rows, columns);
  hg_page_close_grid(page);
  hg_text_put(out, "</div></figure>");
}

void hg_page_images(hg_page *page, int at) {
  sheet images;
  if (!read_sheet(&page->models[at], &images)) return;
  size_t styles = page->styles.length;
  images.most = page->for_files ? SIZE_MAX : page->out.length + (size_t)(MOST_BYTES / page->model_count);
  if (images.reconstruction != NULL) put_reconstructions(page, &images);
  images.most -=
      page->styles.length - styles < images.most ? page->styles.length - styles : images.most; /* the sheet's picture */
  if (images.probabilities != NULL) put_predictions(&page->out, &page->models[at], &images);
}
