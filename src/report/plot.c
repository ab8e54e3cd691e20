/* How a section puts a figure on the page. */
#include "base/alloc.h"
#include "report/page.h"

#include <string.h>

hg_figure *hg_page_figure(hg_page *page, const char *kind, const char *columns, const char *name, const char *part) {
  return hg_figure_new(&page->figures, kind, columns, name, part);
}

static const hg_frame_column *find_column(const hg_frame *data, const char *name) {
  for (int c = 0; c < data->column_count; c++)
    if (strcmp(data->columns[c].name, name) == 0) return &data->columns[c];
  return NULL;
}

/* Words that are no model's name are counted from -1 downwards. */
static int find_model(const hg_page *page, const char *name, int *others) {
  for (int i = 0; i < page->model_count; i++)
    if (strcmp(page->models[i].name, name) == 0) return i;
  return -++*others;
}

void hg_page_marks(hg_page *page, hg_figure *figure, const char *where, const char *also) {
  const hg_frame_column *models = find_column(&figure->data, "model");
  int *steps = models == NULL ? NULL : hg_calloc((size_t)models->word_count + 1, sizeof *steps);
  if (steps == NULL) {
    page->out.failed = true;
    return;
  }
  int others = 0;
  for (int i = 0; i < models->word_count; i++) steps[i] = find_model(page, models->words[i], &others);
  hg_figure_marks(figure, where, (const char *const *)models->words, steps, models->word_count);
  if (also != NULL) hg_figure_marks(figure, also, (const char *const *)models->words, steps, models->word_count);
  hg_free(steps);
}

static int longest_word(const hg_frame_column *words) {
  int longest = 0;
  for (int i = 0; i < words->word_count; i++)
    if ((int)strlen(words->words[i]) > longest) longest = (int)strlen(words->words[i]);
  return longest;
}

void hg_page_label_room(hg_figure *figure, int column) {
  enum { LETTER = 7, MOST = 180, MARGIN = 18 };
  int longest = longest_word(&figure->data.columns[column]);
  hg_figure_set(figure, "usermeta.room", json_integer((longest * LETTER > MOST ? MOST : longest * LETTER) + MARGIN));
}

void hg_page_panel_room(hg_figure *figure, int column) {
  enum { LETTER = 7, MOST = 280 };
  int longest = LETTER * longest_word(&figure->data.columns[column]);
  json_t *meta = json_object_get(figure->spec, "usermeta");
  if (longest > json_integer_value(json_object_get(meta, "panel")))
    hg_figure_set(figure, "usermeta.panel", json_integer(longest > MOST ? MOST : longest));
}

void hg_page_clear_words(hg_figure *figure, double range) {
  const double room = 0.12; /* of a plot on paper; page.js looks again where it is narrower */
  hg_frame *data = &figure->data;
  const hg_frame_column *end = find_column(data, "end"), *published = find_column(data, "published");
  if (data->failed || end == NULL || published == NULL) return;
  for (size_t row = 0; row < hg_frame_rows(data); row++) {
    double *cells = data->cells + row * (size_t)data->column_count;
    double bar = cells[published - data->columns], *words = &cells[end - data->columns];
    if (bar > *words && bar - *words < room * range) *words = bar;
  }
}

void hg_page_put_figure(hg_page *page, const hg_figure *figure, const char *note) {
  hg_text *out = &page->out;
  hg_text_put(out, "<figure class=\"chart\"><figcaption><b>");
  hg_text_html(out, figure->title == NULL ? "" : figure->title);
  hg_text_put(out, "</b> ");
  hg_text_html(out, note);
  hg_text_put(out, "</figcaption><div class=\"plot\" data-figure=\"");
  hg_text_html(out, figure->name);
  hg_text_put(out, "\" role=\"img\" aria-label=\"");
  hg_text_html(out, figure->title == NULL ? "" : figure->title);
  hg_text_put(out, "\"></div></figure>");
}
