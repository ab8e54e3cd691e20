/* The codes of test images: maps of them in the plane, and how far classes lie apart. */
#include "base/alloc.h"
#include "report/labels.h"
#include "report/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DASH "\xe2\x80\x93"

/* Points of all maps of a page together, and what a map keeps in any case; models whose maps are open at once; classes whose
 * names are told; pixels of a map's side in charts.json. */
enum { MOST_POINTS = 64000, FEWEST_POINTS = 300, MOST_OPEN = 12, MOST_NAMED = 20, MAP_SIDE = 480 };

/* codes.safetensors once its shapes are known to fit. */
typedef struct map {
  const float *tsne, *pca;             /* (count, 2) */
  const int32_t *labels, *predictions; /* (count); predictions may be NULL */
  const int64_t *index, *drawn;        /* (count), (drawn_count) */
  int64_t count, drawn_count;
  int64_t shown; /* points of the chart: the first of the drawn ones, or all of a map for a file */
} map;

static const void *find(const hg_safetensors *file, const char *name, hg_dtype dtype, int64_t rows, int64_t columns) {
  const hg_named_tensor *tensor = hg_safetensors_find(file, name);
  bool fits = tensor != NULL && tensor->dtype == dtype && tensor->rank == (columns > 1 ? 2 : 1) && tensor->dim[0] == rows &&
              (columns == 1 || tensor->dim[1] == columns);
  return fits ? tensor->data : NULL;
}

static bool read_map(const hg_page_model *model, map *out) {
  const hg_safetensors *file = &model->codes;
  const hg_named_tensor *index = hg_safetensors_find(file, "index"), *drawn = hg_safetensors_find(file, "drawn");
  *out = (map){0};
  if (index == NULL || drawn == NULL || index->rank != 1 || drawn->rank != 1) return false;
  *out = (map){.count = index->dim[0], .drawn_count = drawn->dim[0]};
  out->index = find(file, "index", HG_I64, out->count, 1);
  out->drawn = find(file, "drawn", HG_I64, out->drawn_count, 1);
  out->labels = find(file, "labels", HG_I32, out->count, 1);
  out->predictions = find(file, "predictions", HG_I32, out->count, 1);
  out->tsne = find(file, "tsne", HG_F32, out->count, 2);
  out->pca = find(file, "pca", HG_F32, out->count, 2);
  bool whole = out->index != NULL && out->drawn != NULL && out->labels != NULL && out->tsne != NULL && out->pca != NULL;
  for (int64_t i = 0; whole && i < out->drawn_count; i++) whole = out->drawn[i] >= 0 && out->drawn[i] < out->count;
  return whole;
}

static bool has_map(const hg_page_model *model) {
  map ignored;
  return read_map(model, &ignored);
}

static double remark(const hg_page_model *model, const char *key) {
  char text[64];
  return hg_safetensors_metadata(&model->codes, key, text, sizeof text) ? strtod(text, NULL) : NAN;
}

/* Of the models on the data, the first whose map has them. */
int hg_page_tile_labels(const hg_page *page, int sheet, int32_t *labels, int most) {
  map of;
  for (int i = 0; i < page->model_count; i++) {
    if (strcmp(page->models[i].shown->record.data, page->sheets[sheet].data) != 0 || !read_map(&page->models[i], &of)) continue;
    int count = 0;
    for (; count < most && count < of.drawn_count && count < page->sheets[sheet].count; count++) {
      if (of.index[of.drawn[count]] != page->sheets[sheet].index[count]) return 0;
      labels[count] = of.labels[of.drawn[count]];
    }
    return count;
  }
  return 0;
}

/* ---------------------------------------------------------------- one map */

static const char *class_word(const hg_page_model *model, int32_t label, char buffer[16]) {
  return label < 0 ? "" : hg_page_class_name(model, label, buffer);
}

/* The point at a place of the chart. */
static int64_t point_at(const map *of, int64_t place) { return of->shown > of->drawn_count ? place : of->drawn[place]; }

/* The tile that shows the image of a point: thumbnails stand in the order in which points are drawn. */
static int64_t tile_of(const hg_page *page, int sheet, const map *of, int64_t place) {
  if (sheet < 0 || place >= page->sheets[sheet].count) return -1;
  return page->sheets[sheet].index[place] == of->index[point_at(of, place)] ? place : -1;
}

static void put_points(hg_page *page, const hg_page_model *model, const map *of, const float *places, hg_figure *figure) {
  char buffer[16];
  for (int64_t i = 0; i < of->shown; i++) {
    int64_t at = point_at(of, i);
    hg_frame_number(&figure->data, (double)places[2 * at]);
    hg_frame_number(&figure->data, (double)places[2 * at + 1]);
    hg_frame_word(&figure->data, class_word(model, of->labels[at], buffer));
    hg_frame_word(&figure->data, of->predictions == NULL ? "" : class_word(model, of->predictions[at], buffer));
    hg_frame_number(&figure->data, (double)(tile_of(page, figure->sheet, of, i) + 1));
  }
}

static int32_t most_label(const map *of) {
  int32_t most = -1;
  for (int64_t i = 0; i < of->count; i++)
    if (of->labels[i] > most) most = of->labels[i];
  return most;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Of one class among the points drawn, along one axis (0 or 1); NaN where it has none. */
static double class_median(const map *of, const float *places, int32_t label, int axis, double *values) {
  int64_t found = 0;
  for (int64_t i = 0; i < of->shown; i++)
    if (of->labels[point_at(of, i)] == label) values[found++] = (double)places[2 * point_at(of, i) + axis];
  if (found == 0) return NAN;
  qsort(values, (size_t)found, sizeof *values, by_size);
  return (values[(found - 1) / 2] + values[found / 2]) / 2;
}

/* Names stand at the middle of their class; where they would cover each other, each is shifted by what this says. */
static void part_names(const hg_page_model *model, const map *of, const float *places, hg_figure *figure) {
  hg_label labels[MOST_NAMED];
  double least[2], most[2], middle[MOST_NAMED], *values = hg_malloc((size_t)of->shown * sizeof *values);
  char buffer[16];
  int classes = most_label(of) + 1, named = 0, label_of[MOST_NAMED];
  hg_text shifts = {0}, shifted = {0};
  if (values == NULL || classes > MOST_NAMED) goto done;
  hg_frame_range(&figure->data, "x", &least[0], &most[0]);
  hg_frame_range(&figure->data, "y", &least[1], &most[1]);
  for (int k = 0; k < classes; k++) {
    double x = class_median(of, places, k, 0, values), y = class_median(of, places, k, 1, values);
    if (isnan(x)) continue;
    int letters = (int)strlen(hg_page_class_name(model, k, buffer));
    label_of[named] = k;
    middle[named] = MAP_SIDE * (y - least[1]) / (most[1] - least[1]);
    labels[named] = (hg_label){MAP_SIDE * (x - least[0]) / (most[0] - least[0]), middle[named], letters};
    named++;
  }
  hg_labels_spread(labels, named, MAP_SIDE);
  hg_json_open(&shifts, '{');
  for (int i = 0; i < named; i++) {
    hg_json_key(&shifts, hg_page_class_name(model, label_of[i], buffer));
    hg_json_number(&shifts, (labels[i].y - middle[i]) * (most[1] - least[1]) / MAP_SIDE);
  }
  hg_json_close(&shifts, '}');
  if (!shifts.failed) hg_text_format(&shifted, "datum.y + (%s)[datum.class]", shifts.bytes);
  for (size_t layer = 1; shifted.bytes != NULL && layer <= 2; layer++) {
    json_t *transform = json_object_get(json_array_get(json_object_get(figure->spec, "layer"), layer), "transform");
    json_array_append_new(transform, json_pack("{s:s, s:s}", "calculate", shifted.bytes, "as", "y"));
  }
done:
  hg_text_release(&shifts);
  hg_text_release(&shifted);
  hg_free(values);
}

/* Names of classes in their order; numbers where there are too many to be told apart by colour. */
static void set_colours(const hg_page_model *model, const map *of, hg_figure *figure) {
  enum { PALETTE = 10 };
  int32_t most = most_label(of);
  if (most < 0 || most >= MOST_NAMED) {
    hg_figure_set(figure, "encoding.color.legend", json_null());
    json_array_remove(json_object_get(figure->spec, "layer"), 2);
    json_array_remove(json_object_get(figure->spec, "layer"), 1);
  }
  if (most < 0) return;
  char buffer[16], colour[16];
  json_t *domain = json_array(), *range = json_array();
  for (int32_t k = 0; k <= most; k++) {
    const char *name = hg_page_class_name(model, k, buffer);
    json_array_append_new(domain, json_string(name));
    snprintf(colour, sizeof colour, "var(--c%d)", k % PALETTE);
    json_array_append_new(range, json_string(colour));
    if (most < MOST_NAMED && (int)strlen(name) > figure->legend) figure->legend = (int)strlen(name);
  }
  hg_figure_set(figure, "encoding.color.scale", json_pack("{s:o, s:o}", "domain", domain, "range", range));
}

/* Of so many points each would hide its neighbours. */
static void make_finer(const map *of, hg_figure *figure) {
  enum { MANY = 4000, FINE = 9 };
  if (of->shown > MANY) hg_figure_set(figure, "layer.0.mark.size", json_integer(FINE));
  if (of->shown > MANY) hg_figure_set(figure, "layer.0.mark.strokeWidth", json_real(0.6));
}

static void put_map(hg_page *page, const hg_page_model *model, const map *of, const float *places, const char *name,
                    const char *title, const char *note) {
  hg_figure *figure = hg_page_figure(page, "map", "x~ y~ class: predicted: tile", name, model->name);
  hg_figure_title(figure, "%s: %s", model->name, title);
  figure->sheet = hg_page_thumbnails(page, model->shown->record.data);
  put_points(page, model, of, places, figure);
  part_names(model, of, places, figure);
  set_colours(model, of, figure);
  make_finer(of, figure);
  hg_page_put_figure(page, figure, note);
}

static void note_codes(const hg_page_model *model, hg_text *note) {
  char space[24] = "code";
  hg_safetensors_metadata(&model->codes, "space", space, sizeof space);
  hg_text_put(note, strcmp(space, "penultimate") == 0 ? "What the last hidden layer makes of clean test images, "
                                                      : "Codes of clean test images, ");
  hg_text_count(note, llround(remark(model, "width")));
  hg_text_put(note, " numbers each. ");
}

static void note_tsne(const hg_page_model *model, const map *of, hg_text *note) {
  double reduced = remark(model, "reduced");
  note_codes(model, note);
  hg_text_put(note, "t-SNE of ");
  hg_text_count(note, of->count);
  hg_text_put(note, " images");
  if (of->shown < of->count) {
    hg_text_put(note, ", ");
    hg_text_count(note, of->shown);
    hg_text_put(note, " of them drawn");
  }
  if (reduced > 0) hg_text_format(note, ", from %.0f principal components", reduced);
  hg_text_format(note, ": perplexity %g, %.0f iterations, KL divergence %.3f, trustworthiness %.4f (%.0f neighbours).",
                 remark(model, "perplexity"), remark(model, "iterations"), remark(model, "kl_divergence"),
                 remark(model, "trustworthiness"), remark(model, "neighbours"));
}

static void note_pca(const hg_page_model *model, hg_text *note) {
  hg_text_format(note, "The two largest principal components hold %.1f\xc2\xa0%% of the variance; trustworthiness %.4f.",
                 100 * hg_report_metric(model->shown, "codes.pca_explained"), remark(model, "pca_trustworthiness"));
}

static void put_tsne(hg_page *page, const hg_page_model *model, const map *of) {
  hg_text note = {0};
  note_tsne(model, of, &note);
  if (of->predictions != NULL) hg_text_put(&note, " Ringed points are told wrong.");
  page->out.failed = page->out.failed || note.failed;
  if (!note.failed) put_map(page, model, of, of->tsne, "tsne", "t-SNE", note.bytes);
  hg_text_release(&note);
}

static void put_pca(hg_page *page, const hg_page_model *model, const map *of) {
  hg_text note = {0};
  note_pca(model, &note);
  page->out.failed = page->out.failed || note.failed;
  if (!note.failed) put_map(page, model, of, of->pca, "pca", "principal components", note.bytes);
  hg_text_release(&note);
}

static bool prepare_map(const hg_page *page, int at, int maps, map *of) {
  if (!read_map(&page->models[at], of)) return false;
  of->shown = MOST_POINTS / (2 * (maps < 1 ? 1 : maps));
  if (of->shown < FEWEST_POINTS) of->shown = FEWEST_POINTS;
  if (of->shown > of->drawn_count) of->shown = of->drawn_count;
  if (page->for_files) of->shown = of->count;
  return true;
}

/* A model's two maps side by side, or, where `beside` is a model too, each of its maps beside that one's. */
static void put_model_maps(hg_page *page, int at, int beside, int maps) {
  hg_text *out = &page->out;
  map of, other;
  if (!prepare_map(page, at, maps, &of) || (beside >= 0 && !prepare_map(page, beside, maps, &other))) return;
  hg_text_put(out, "<div class=\"panels\">");
  put_tsne(page, &page->models[at], &of);
  if (beside >= 0) {
    put_tsne(page, &page->models[beside], &other);
    hg_text_put(out, "</div><div class=\"panels\">");
  }
  put_pca(page, &page->models[at], &of);
  if (beside >= 0) put_pca(page, &page->models[beside], &other);
  hg_text_put(out, "</div>");
}

static void put_folded_maps(hg_page *page, int at, int maps) {
  hg_text_put(&page->out, "<details><summary>");
  hg_page_mark(&page->out, at);
  hg_text_html(&page->out, page->models[at].name);
  hg_text_put(&page->out, "</summary>");
  put_model_maps(page, at, -1, maps);
  hg_text_put(&page->out, "</details>");
}

/* ---------------------------------------------------------------- all models */

static const struct {
  const char *title, *metric;
} columns[] = {{"Numbers", "codes.width"},
               {"Intra-class distance", "codes.intra_class_distance"},
               {"Inter-class distance", "codes.inter_class_distance"},
               {"Separation", "codes.separation"},
               {"t-SNE KL divergence", "codes.tsne_kl_divergence"},
               {"t-SNE trustworthiness", "codes.tsne_trustworthiness"},
               {"PCA trustworthiness", "codes.pca_trustworthiness"}};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

static bool has_codes(const hg_page *page, int at) { return hg_page_estimate(page, &page->models[at], "codes.width").seeds > 0; }

static void put_row(hg_page *page, int at) {
  hg_text *out = &page->out;
  hg_page_model_cell(page, at, false);
  for (int c = 0; c < COLUMNS; c++) {
    hg_estimate value = hg_page_estimate(page, &page->models[at], columns[c].metric);
    hg_text_put(out, "<td class=\"num\">");
    if (c == 0 && value.seeds > 0)
      hg_text_count(out, llround(value.value));
    else
      hg_text_figure(out, value.value);
    if (c > 0 && value.seeds > 1 && !isnan(value.low)) {
      hg_text_put(out, "<span class=\"interval\">");
      hg_text_figure(out, value.low);
      hg_text_put(out, DASH);
      hg_text_figure(out, value.high);
      hg_text_put(out, "</span>");
    }
    hg_text_put(out, "</td>");
  }
  hg_text_put(out, "</tr>");
}

static void put_table(hg_page *page) {
  hg_text *out = &page->out;
  hg_text_put(out, "<div class=\"scroll\"><table class=\"codes\"><thead><tr><th scope=\"col\">Model</th>");
  for (int c = 0; c < COLUMNS; c++) hg_text_format(out, "<th scope=\"col\" class=\"num\">%s</th>", columns[c].title);
  hg_text_put(out, "</tr></thead><tbody>");
  for (int i = 0; i < page->model_count; i++)
    if (has_codes(page, i)) put_row(page, i);
  hg_text_put(
      out,
      "</tbody></table></div><p class=\"note\">Intra-class: mean distance of a code to the mean of its class. Inter-class: mean "
      "distance of two classes\xe2\x80\x99 means. Separation is their ratio. Trustworthiness: how far the neighbours on the map "
      "are neighbours among the codes; 1 is all. Means over seeds; maps are of the first.</p>");
}

bool hg_page_has_codes(const hg_page *page) {
  for (int i = 0; i < page->model_count; i++)
    if (has_codes(page, i) || has_map(&page->models[i])) return true;
  return false;
}

/* The first model that a comparison sets beside this one and whose maps are still to be put; -1 if there is none. */
static int partner_of(const hg_page *page, int at, const bool *put) {
  for (int c = 0; c < page->report.comparison_count; c++) {
    const hg_comparison *of = &page->report.comparisons[c];
    if (strcmp(of->a, page->models[at].name) != 0) continue;
    for (int i = 0; i < page->model_count; i++)
      if (i != at && !put[i] && has_map(&page->models[i]) && hg_page_may_win(page, i) && strcmp(of->b, page->models[i].name) == 0)
        return i;
  }
  return -1;
}

/* Compared models stand in pairs; of many maps the first stand open, pairs before the others. */
static void put_all_maps(hg_page *page, bool *put) {
  int maps = 0, open = 0;
  for (int i = 0; i < page->model_count; i++) maps += has_map(&page->models[i]);
  for (int paired = 1; paired >= 0; paired--)
    for (int i = 0; i < page->model_count && open + paired < MOST_OPEN; i++) {
      int beside = paired && !put[i] ? partner_of(page, i, put) : -1;
      if (put[i] || !has_map(&page->models[i]) || !hg_page_may_win(page, i) || (paired && beside < 0)) continue;
      put_model_maps(page, i, beside, maps);
      put[i] = true;
      if (beside >= 0) put[beside] = true;
      open += 1 + (beside >= 0);
    }
  for (int i = 0; i < page->model_count; i++)
    if (!put[i] && has_map(&page->models[i])) put_folded_maps(page, i, maps);
}

void hg_page_codes(hg_page *page) {
  if (!hg_page_has_codes(page)) return;
  bool *put = hg_calloc((size_t)page->model_count, sizeof *put);
  page->out.failed = page->out.failed || put == NULL;
  if (put == NULL) return;
  hg_text_put(&page->out, "<section id=\"codes\"><h2>Codes</h2>");
  put_table(page);
  put_all_maps(page, put);
  hg_text_put(&page->out, "</section>");
  hg_free(put);
}
