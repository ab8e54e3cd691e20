/* What all models answer to the same test images: the probability of every class. */
#include "base/shape.h"
#include "report/page.h"

#include <stdio.h>
#include <string.h>

/* The first of the images that every model on the data was shown; they were drawn by lot before any model was trained. */
enum { IMAGES = 6, MOST_MODELS = 12, MOST_SIDE = 512 };

/* samples.safetensors, as far as it is needed here. */
typedef struct sample_rows {
  int64_t count;
  int classes;
  hg_shape shape;
  const int64_t *index;       /* (count) */
  const int32_t *labels;      /* (count) */
  const uint8_t *original;    /* (count, H, W, C) */
  const float *probabilities; /* (count, classes) */
} sample_rows;

static bool read_rows(const hg_page_model *model, sample_rows *out) {
  const hg_named_tensor *index = hg_safetensors_find(&model->samples, "index");
  const hg_named_tensor *labels = hg_safetensors_find(&model->samples, "labels");
  const hg_named_tensor *original = hg_safetensors_find(&model->samples, "original");
  const hg_named_tensor *shares = hg_safetensors_find(&model->samples, "probabilities");
  if (index == NULL || labels == NULL || original == NULL || shares == NULL) return false;
  if (index->dtype != HG_I64 || labels->dtype != HG_I32 || original->dtype != HG_U8 || shares->dtype != HG_F32) return false;
  if (index->rank != 1 || labels->rank != 1 || original->rank != 4 || shares->rank != 2) return false;
  int64_t count = index->dim[0], side = original->dim[1] > original->dim[2] ? original->dim[1] : original->dim[2];
  if (labels->dim[0] != count || original->dim[0] != count || shares->dim[0] != count || side < 1 || side > MOST_SIDE)
    return false;
  *out = (sample_rows){.count = count,
                       .classes = (int)shares->dim[1],
                       .shape = {(int)original->dim[1], (int)original->dim[2], (int)original->dim[3]},
                       .index = index->data,
                       .labels = labels->data,
                       .original = original->data,
                       .probabilities = shares->data};
  return true;
}

static bool is_shown(const hg_page *page, const hg_page_group *group, int at, sample_rows *rows) {
  return hg_page_in_group(page, group, at) && hg_page_may_win(page, at) && read_rows(&page->models[at], rows) &&
         rows->classes == group->classes;
}

/* A model's probabilities for a test image; NULL where it was not shown. */
static const float *find_image(const sample_rows *rows, int64_t index) {
  for (int64_t i = 0; i < rows->count; i++)
    if (rows->index[i] == index) return rows->probabilities + i * rows->classes;
  return NULL;
}

/* The image stands in the first cell of its panel. */
static void put_answer(hg_figure *figure, const hg_page_model *model, const char *panel, const char *picture, int label,
                       const float *shares, int classes) {
  char buffer[16];
  for (int k = 0; k < classes; k++) {
    hg_frame_word(&figure->data, panel);
    hg_frame_word(&figure->data, model->name);
    hg_frame_word(&figure->data, hg_page_class_name(model, k, buffer));
    hg_frame_number(&figure->data, (double)shares[k]);
    hg_frame_number(&figure->data, k == label);
    hg_frame_word(&figure->data, k == 0 ? picture : "");
  }
}

static void put_panel(hg_page *page, const hg_page_group *group, hg_figure *figure, const sample_rows *first, int image) {
  char panel[HG_NAME_SIZE + 64], buffer[16];
  int64_t index = first->index[image];
  hg_text picture = {0};
  sample_rows rows;
  int models = 0;
  hg_text_png(&picture, first->original + (size_t)image * (size_t)hg_shape_count(first->shape), first->shape);
  snprintf(panel, sizeof panel, "test image %lld: %s", (long long)index,
           hg_page_class_name(&page->models[group->first], first->labels[image], buffer));
  for (int i = 0; i < page->model_count && models < MOST_MODELS; i++) {
    const float *shares = is_shown(page, group, i, &rows) ? find_image(&rows, index) : NULL;
    if (shares == NULL) continue;
    const char *shown = models++ == 0 && picture.bytes != NULL ? picture.bytes : "";
    put_answer(figure, &page->models[i], panel, shown, first->labels[image], shares, group->classes);
  }
  page->out.failed = page->out.failed || picture.failed;
  hg_text_release(&picture);
}

void hg_page_answers(hg_page *page, const hg_page_group *group) {
  sample_rows first, ignored;
  int models = 0, leader = -1;
  for (int i = 0; i < page->model_count; i++) {
    if (!is_shown(page, group, i, &ignored)) continue;
    if (models++ == 0) leader = i;
  }
  if (models < 2 || !read_rows(&page->models[leader], &first)) return;
  hg_figure *figure =
      hg_page_figure(page, "answers", "panel: model: class: probability true picture:", "probabilities", group->data);
  hg_figure_title(figure, "Probabilities of every class%s%s", group->data[0] == '\0' ? "" : " on ", group->data);
  for (int image = 0; image < IMAGES && image < first.count; image++) put_panel(page, group, figure, &first, image);
  hg_figure_keep_order(figure, 0);
  hg_page_label_room(figure, 1);
  hg_text_put(&page->out, "<h4>The same test images by every model</h4>");
  hg_page_put_figure(
      page, figure,
      "Percent; the true class is framed. Those of support vector machines and neighbours are shares of votes, a linear "
      "machine's are made of its scores. The "
      "images were drawn by lot, before any training.");
}
