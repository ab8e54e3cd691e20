/* Noise taken away at several levels, beside a median filter: how near the clean image, and what it looks like. */
#include "base/shape.h"
#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 16, MEASURES = 3 };
static const char *const measures[MEASURES] = {"Mean squared error", "PSNR, dB", "SSIM"};

/* What stands beside the models: name, and method in the store. */
static const char *const baselines[][2] = {{"noisy input", "noisy"}, {"median filter", "median"}};
enum { BASELINES = 2 };

/* Networks that take one kind of corruption off one data set. */
typedef struct group {
  const char *data, *corruption;
  bool clips;            /* noise that is cut to [0, 1] is another one */
  double levels[LEVELS]; /* rising */
  int level_count;
} group;

static double measure_of(const hg_denoising_row *row, int measure) {
  return measure == 0 ? row->mse : measure == 1 ? row->psnr : row->ssim;
}

static const char *corruption_of(const hg_page_model *model) {
  return model->shown->denoising_count == 0 ? NULL : model->shown->denoising[0].corruption;
}

static bool clips(const hg_page_model *model) {
  const json_t *clip = json_object_get(json_object_get(model->settings, "corrupt"), "clip");
  return strcmp(corruption_of(model), "gaussian") != 0 || !json_is_false(clip);
}

static bool belongs(const hg_page_model *model, const group *of) {
  const char *corruption = corruption_of(model);
  return corruption != NULL && strcmp(corruption, of->corruption) == 0 && clips(model) == of->clips &&
         strcmp(model->shown->record.data, of->data) == 0;
}

static void add_level(group *of, double level) {
  int place = of->level_count;
  for (int i = 0; i < of->level_count; i++)
    if (of->levels[i] == level) return;
  if (of->level_count == LEVELS) return;
  for (; place > 0 && of->levels[place - 1] > level; place--) of->levels[place] = of->levels[place - 1];
  of->levels[place] = level;
  of->level_count++;
}

static bool leads(const hg_page *page, int at, group *out) {
  const hg_page_model *model = &page->models[at];
  if (corruption_of(model) == NULL) return false;
  *out = (group){.data = model->shown->record.data, .corruption = corruption_of(model), .clips = clips(model)};
  for (int i = 0; i < page->model_count; i++) {
    if (!belongs(&page->models[i], out)) continue;
    if (i < at) return false;
    const hg_report_run *run = page->models[i].shown;
    for (int r = 0; r < run->denoising_count; r++) add_level(out, run->denoising[r].level);
  }
  return true;
}

/* Mean over finished runs of a model, or of all in the group for model -1; NaN where none has it. */
static double mean_of(const hg_page *page, const group *of, int model, const char *method, double level, int measure) {
  double sum = 0;
  int count = 0;
  for (int m = 0; m < page->model_count; m++) {
    if ((model >= 0 && m != model) || !belongs(&page->models[m], of)) continue;
    for (int i = 0; i < page->models[m].count; i++) {
      const hg_report_run *run = &page->models[m].runs[i];
      for (int r = 0; r < run->denoising_count; r++) {
        const hg_denoising_row *row = &run->denoising[r];
        if (row->level != level || strcmp(row->method, method) != 0) continue;
        sum += measure_of(row, measure);
        count++;
      }
    }
  }
  return count == 0 ? NAN : sum / count;
}

static double own_level(const hg_page_model *model) {
  char text[32];
  return hg_safetensors_metadata(&model->denoising, "own", text, sizeof text) ? strtod(text, NULL) : NAN;
}

/* Levels are stored as floats and told as text. */
static bool is_own(const hg_page_model *model, double level) { return fabs(own_level(model) - level) < 1e-6; }

/* ---------------------------------------------------------------- chart */

static void put_line(hg_page *page, const group *of, hg_frame *data, int model, const char *name, const char *method) {
  for (int measure = 0; measure < MEASURES; measure++)
    for (int l = 0; l < of->level_count; l++) {
      double value = mean_of(page, of, model, method, of->levels[l], measure);
      if (!isfinite(value)) continue;
      hg_frame_word(data, name);
      hg_frame_word(data, measures[measure]);
      hg_frame_word(data, model < 0 ? name : "model");
      hg_frame_number(data, of->levels[l]);
      hg_frame_number(data, value);
      hg_frame_number(data, model >= 0 && is_own(&page->models[model], of->levels[l]));
    }
}

static void name_corruption(const group *of, char out[64]) {
  snprintf(out, 64, "%s%s", of->corruption, of->clips ? "" : " without clipping");
  for (char *c = out; *c != '\0'; c++)
    if (*c == '_') *c = ' ';
}

static void put_chart(hg_page *page, const group *of, const char *noise) {
  char name[2 * HG_NAME_SIZE], title[96];
  snprintf(name, sizeof name, "%s-%s%s", of->data, of->corruption, of->clips ? "" : "-unclipped");
  hg_figure *figure = hg_page_figure(page, "denoise", "model: measure: kind: level value trained", "denoising", name);
  hg_figure_title(figure, "Noise taken away%s%s: %s", of->data[0] == '\0' ? "" : " on ", of->data, noise);
  for (int i = 0; i < page->model_count; i++)
    if (belongs(&page->models[i], of)) put_line(page, of, &figure->data, i, page->models[i].name, "model");
  for (int b = 0; b < BASELINES; b++) put_line(page, of, &figure->data, -1, baselines[b][0], baselines[b][1]);
  snprintf(title, sizeof title, "%s, %s", noise,
           strcmp(of->corruption, "gaussian") == 0 ? "standard deviation" : "share of pixels");
  hg_figure_set(figure, "spec.encoding.x.title", json_string(title));
  hg_figure_keep_order(figure, 1);
  hg_page_marks(page, figure, "spec.encoding", NULL);
  hg_page_put_figure(page, figure,
                     "Against the clean test images. The nearer, the lower the error and the higher PSNR and SSIM. A ring marks "
                     "the level of the training.");
}

/* ---------------------------------------------------------------- table */

static void put_measure(hg_text *out, double value, int measure) {
  if (measure == 0 || isnan(value))
    hg_text_figure(out, value);
  else
    hg_text_format(out, measure == 1 ? "%.2f" : "%.4f", value);
}

static void put_row(hg_page *page, const group *of, int model, const char *name, const char *method, int measure) {
  hg_text *out = &page->out;
  hg_text_put(out, "<tr><th scope=\"row\">");
  if (model >= 0) hg_page_mark(out, model);
  hg_text_html(out, name);
  hg_text_put(out, "</th>");
  for (int l = 0; l < of->level_count; l++) {
    hg_text_put(out, "<td class=\"num\">");
    put_measure(out, mean_of(page, of, model, method, of->levels[l], measure), measure);
    hg_text_put(out, "</td>");
  }
  hg_text_put(out, "</tr>");
}

static void put_table(hg_page *page, const group *of, const char *noise) {
  hg_text *out = &page->out;
  hg_text_put(out, "<div class=\"scroll\"><table class=\"scores\"><thead><tr><th scope=\"col\">");
  hg_text_html(out, noise);
  hg_text_put(out, "</th>");
  for (int l = 0; l < of->level_count; l++) hg_text_format(out, "<th scope=\"col\" class=\"num\">%g</th>", of->levels[l]);
  hg_text_put(out, "</tr></thead>");
  for (int measure = 0; measure < MEASURES; measure++) {
    hg_text_format(out, "<tbody><tr class=\"group\"><th scope=\"rowgroup\" colspan=\"%d\">%s</th></tr>", of->level_count + 1,
                   measures[measure]);
    for (int b = 0; b < BASELINES; b++) put_row(page, of, -1, baselines[b][0], baselines[b][1], measure);
    for (int i = 0; i < page->model_count; i++)
      if (belongs(&page->models[i], of)) put_row(page, of, i, page->models[i].name, "model", measure);
    hg_text_put(out, "</tbody>");
  }
  hg_text_put(out,
              "</table></div><p class=\"note\">Means over test images and seeds. The median filter is the one of 3\xc3\x97"
              "3 and 5\xc3\x97"
              "5 with the lower error on validation images (training images, where none are kept) at that level.</p>");
}

/* ---------------------------------------------------------------- images */

enum { KINDS = 3, MOST_SIDE = 512, MOST_SHOWN = 8 };
static const char *const kinds[KINDS] = {"noisy", "denoised", "median"};
static const char *const kind_names[KINDS] = {"noisy", "denoised", "median filter"};

/* denoising.safetensors once its shapes are known to fit. */
typedef struct grid {
  int shown, levels;
  hg_shape shape;
  const float *level;           /* (levels) */
  const uint8_t *original;      /* (shown, H, W, C) */
  const uint8_t *images[KINDS]; /* (levels * shown, H, W, C) */
} grid;

static bool read_grid(const hg_page_model *model, grid *out) {
  const hg_named_tensor *original = hg_safetensors_find(&model->denoising, "original");
  const hg_named_tensor *levels = hg_safetensors_find(&model->denoising, "levels");
  *out = (grid){0};
  if (original == NULL || original->dtype != HG_U8 || original->rank != 4 || levels == NULL || levels->dtype != HG_F32 ||
      levels->rank != 1)
    return false;
  const int64_t *dim = original->dim;
  if (dim[0] < 1 || dim[0] > 1000 || dim[1] < 1 || dim[1] > MOST_SIDE || dim[2] < 1 || dim[2] > MOST_SIDE) return false;
  if ((dim[3] != 1 && dim[3] != 3) || levels->dim[0] < 1 || levels->dim[0] > LEVELS) return false;
  *out = (grid){.shown = (int)dim[0],
                .levels = (int)levels->dim[0],
                .shape = {(int)dim[1], (int)dim[2], (int)dim[3]},
                .level = levels->data,
                .original = original->data};
  for (int k = 0; k < KINDS; k++) {
    const hg_named_tensor *found = hg_safetensors_find(&model->denoising, kinds[k]);
    if (found == NULL || found->dtype != HG_U8 || found->rank != 4 || found->dim[0] != dim[0] * levels->dim[0] ||
        memcmp(found->dim + 1, dim + 1, 3 * sizeof *dim) != 0)
      return false;
    out->images[k] = found->data;
  }
  return true;
}

/* Row by row: the originals, then of each level the noisy, denoised and filtered ones; `columns` of each. */
static int make_sheet(hg_page *page, const grid *of, int columns, size_t most) {
  const uint8_t *rows[1 + KINDS * LEVELS] = {of->original};
  size_t level = (size_t)of->shown * (size_t)hg_shape_count(of->shape);
  for (int l = 0; l < of->levels; l++)
    for (int k = 0; k < KINDS; k++) rows[1 + KINDS * l + k] = of->images[k] + (size_t)l * level;
  return hg_page_sheet_of_rows(page, rows, 1 + KINDS * of->levels, columns, of->shape, most);
}

static void put_images(hg_page *page, hg_figure *figure, const char *title, int row, int columns) {
  int64_t tiles[MOST_SHOWN];
  for (int i = 0; i < columns; i++) tiles[i] = (int64_t)row * columns + i;
  hg_page_grid_row(page, figure, title, tiles, NULL, columns);
}

static void put_level(hg_page *page, const hg_page_model *model, const grid *of, int level, const char *noise, int sheet,
                      int columns) {
  hg_text *out = &page->out;
  char part[HG_NAME_SIZE + 32];
  snprintf(part, sizeof part, "%s-%g", model->name, (double)of->level[level]);
  hg_text_put(out, "<figure class=\"chart\"><figcaption><b>");
  hg_text_html(out, noise);
  hg_text_format(out, " %g</b>%s</figcaption>", (double)of->level[level],
                 is_own(model, (double)of->level[level]) ? ", the level of the training" : "");
  hg_figure *figure = hg_page_open_grid(page, sheet, "denoised", part);
  hg_figure_title(figure, "%s: %s %g taken away", model->name, noise, (double)of->level[level]);
  put_images(page, figure, "original", 0, columns);
  for (int k = 0; k < KINDS; k++) put_images(page, figure, kind_names[k], 1 + KINDS * level + k, columns);
  hg_page_close_grid(page);
  hg_text_put(out, "</figure>");
}

static void put_grid(hg_page *page, const hg_page_model *model, const grid *of, const char *noise, size_t most) {
  int columns = of->shown < MOST_SHOWN ? of->shown : MOST_SHOWN;
  size_t row = (size_t)hg_shape_count(of->shape) * (size_t)(1 + KINDS * of->levels);
  /* a JPEG of noise takes half of the pixels' bytes */
  while (!page->for_files && columns > 3 && row * (size_t)columns * 2 / 3 > most) columns--;
  int sheet = make_sheet(page, of, columns, most);
  if (sheet < 0) return;
  hg_text_put(&page->out, "<div class=\"panels wide\">");
  for (int l = 0; l < of->levels; l++) put_level(page, model, of, l, noise, sheet, columns);
  hg_text_put(&page->out, "</div>");
}

static void put_grids(hg_page *page, const group *of, const char *noise, size_t most) {
  enum { MOST_OPEN = 3 };
  hg_text *out = &page->out;
  int open = 0;
  for (int i = 0; i < page->model_count; i++) {
    grid images;
    if (!belongs(&page->models[i], of) || !read_grid(&page->models[i], &images)) continue;
    bool folded = !hg_page_may_win(page, i) || open++ >= MOST_OPEN;
    hg_text_put(out, folded ? "<details><summary>" : "<h4>");
    hg_page_mark(out, i);
    hg_text_html(out, page->models[i].name);
    hg_text_put(out, folded ? "</summary>" : "</h4>");
    put_grid(page, &page->models[i], &images, noise, most);
    if (folded) hg_text_put(out, "</details>");
  }
}

bool hg_page_has_denoising(const hg_page *page) {
  for (int i = 0; i < page->model_count; i++)
    if (corruption_of(&page->models[i]) != NULL) return true;
  return false;
}

void hg_page_denoising(hg_page *page) {
  enum { MOST_OF_ALL = 600000, MOST_OF_ONE = 200000 };
  hg_text *out = &page->out;
  size_t grids = 0;
  group of;
  char noise[64];
  if (!hg_page_has_denoising(page)) return;
  for (int i = 0; i < page->model_count; i++) grids += corruption_of(&page->models[i]) != NULL;
  size_t most = MOST_OF_ALL / (grids < 1 ? 1 : grids);
  if (most > MOST_OF_ONE) most = MOST_OF_ONE;
  hg_text_put(out, "<section id=\"denoising\"><h2>Denoising</h2>");
  for (int i = 0; i < page->model_count; i++) {
    if (!leads(page, i, &of)) continue;
    name_corruption(&of, noise);
    hg_text_put(out, "<h3>");
    hg_text_html(out, noise);
    if (of.data[0] != '\0') hg_text_put(out, " on ");
    hg_text_html(out, of.data);
    hg_text_put(out, "</h3>");
    put_chart(page, &of, noise);
    put_table(page, &of, noise);
    put_grids(page, &of, noise, most);
  }
  hg_text_put(out, "</section>");
}
