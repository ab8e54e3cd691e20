/* What each model costs: time, speed, size. */
#include "report/page.h"

static const struct {
  const char *title;
  double (*figure)(const hg_page_model *model);
} efforts[] = {{"training time, seconds", hg_page_seconds}, {"images per second", hg_page_speed}, {"parameters", hg_page_size}};
enum { EFFORTS = sizeof efforts / sizeof efforts[0] };

void hg_page_effort(hg_page *page) {
  if (page->model_count < 2) return;
  hg_figure *figure = hg_page_figure(page, "effort", "model: figure: value", "effort", "");
  hg_figure_title(figure, "Training time, speed and size");
  for (int e = 0; e < EFFORTS; e++)
    for (int m = 0; m < page->model_count; m++) {
      double value = efforts[e].figure(&page->models[m]);
      if (!(value > 0)) continue; /* the scale is logarithmic */
      hg_frame_word(&figure->data, page->models[m].name);
      hg_frame_word(&figure->data, efforts[e].title);
      hg_frame_number(&figure->data, value);
    }
  hg_page_marks(page, figure, "spec.encoding", NULL);
  hg_figure_keep_order(figure, 1);
  hg_page_label_room(figure, 0);
  figure->legend = 0;
  hg_text_put(&page->out, "<section id=\"effort\"><h2>Time and size</h2>");
  hg_page_put_figure(page, figure, "Means over seeds, on logarithmic axes.");
  hg_text_put(&page->out, "</section>");
}
