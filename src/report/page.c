#include "report/page.h"

#include "base/alloc.h"
#include "base/file.h"
#include "report/assets.h"

#include <stdio.h>
#include <string.h>

/* Nothing may be fetched: the page is whole, and this has the browser hold it to that. Vega compiles its expressions, hence
 * 'unsafe-eval'. */
static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline' 'unsafe-eval'; img-src data:\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>";

/* Shapes in the order of page.js, so that table, legend and chart show one mark for one model. */
static const char marks[] =
    "<svg class=\"defs\" aria-hidden=\"true\"><defs>"
    "<g id=\"mark-0\"><circle cx=\"8\" cy=\"8\" r=\"6\"/></g>"
    "<g id=\"mark-1\"><rect x=\"2.5\" y=\"2.5\" width=\"11\" height=\"11\"/></g>"
    "<g id=\"mark-2\"><path d=\"M8 1.5 15 14H1z\"/></g>"
    "<g id=\"mark-3\"><path d=\"M8 .8 15.2 8 8 15.2.8 8z\"/></g>"
    "<g id=\"mark-4\"><path d=\"M5.6 1.5h4.8v4.1h4.1v4.8h-4.1v4.1H5.6v-4.1H1.5V5.6h4.1z\"/></g>"
    "<g id=\"mark-5\"><path d=\"M8 14.5 15 2H1z\"/></g>"
    "<g id=\"mark-6\"><path d=\"M14.5 8 2 15V1z\"/></g>"
    "<g id=\"mark-7\"><path d=\"M1.5 8 14 1v14z\"/></g>"
    "</defs></svg>\n";

/* Colours fall behind shapes by one in every round: 64 models have marks of their own. */
void hg_page_mark(hg_text *out, int model) {
  enum { MARKS = 8 };
  hg_text_format(out, "<svg class=\"mark m%d\" viewBox=\"0 0 16 16\" aria-hidden=\"true\"><use href=\"#mark-%d\"/></svg>",
                 (model + model / MARKS) % MARKS, model % MARKS);
}

static bool has_status(const hg_page_model *model, int run, const char *status) {
  return strcmp(model->runs[run].record.status, status) == 0;
}

/* "pending: 2, 3": the seeds that are not done, by what they are. */
static void put_undone(hg_text *out, const hg_page_model *model) {
  for (int i = 0; i < model->count; i++) {
    const char *status = model->runs[i].record.status;
    bool told = strcmp(status, "done") == 0;
    for (int earlier = 0; earlier < i; earlier++) told = told || has_status(model, earlier, status);
    if (told) continue;
    hg_text_put(out, "<span class=\"status undone\">");
    hg_text_html(out, status);
    for (int same = i; same < model->count; same++)
      if (has_status(model, same, status))
        hg_text_format(out, "%s%llu", same == i ? ": " : ", ", (unsigned long long)model->runs[same].record.seed);
    hg_text_put(out, "</span>");
  }
}

/* "network, seeds 1, 2, 3". */
static void put_runs(hg_text *out, const hg_page_model *model) {
  hg_text_put(out, "<span class=\"status\">");
  hg_text_words(out, model->shown->record.kind);
  hg_text_put(out, model->count > 1 ? ", seeds " : ", seed ");
  for (int i = 0; i < model->count; i++)
    hg_text_format(out, "%s%llu", i == 0 ? "" : ", ", (unsigned long long)model->runs[i].record.seed);
  hg_text_put(out, "</span>");
  put_undone(out, model);
}

/* With places to break the line at: a point's name is long, model[setting=value,setting=value]. */
static void put_breakable(hg_text *out, const char *name) {
  for (const char *end; *name != '\0'; name = end) {
    char part[HG_NAME_SIZE];
    end = name + strcspn(name, "[,");
    end += *end != '\0';
    snprintf(part, sizeof part, "%.*s", (int)(end - name), name);
    hg_text_html(out, part);
    if (*end != '\0') hg_text_put(out, "<wbr>");
  }
}

void hg_page_model_cell(hg_page *page, int at, bool runs) {
  hg_text *out = &page->out;
  hg_text_format(out, "<tr><th scope=\"row\"><a class=\"name\" href=\"#model-%d\">", at);
  hg_page_mark(out, at);
  hg_text_put(out, "<span>");
  put_breakable(out, page->models[at].name);
  hg_text_put(out, "</span></a>");
  if (runs) put_runs(out, &page->models[at]);
  hg_text_put(out, "</th>");
}

void hg_page_model_head(hg_page *page, int at) {
  hg_text_put(&page->out, "<th scope=\"col\" class=\"num\">");
  hg_page_mark(&page->out, at);
  hg_text_html(&page->out, page->models[at].name);
  hg_text_put(&page->out, "</th>");
}

/* "2026-11-21T09:40:00Z" as "21 November 2026"; any other form as it is. */
static void put_date(hg_text *out, const char *started) {
  static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                       "July",    "August",   "September", "October", "November", "December"};
  int year, month, day;
  if (sscanf(started, "%4d-%2d-%2d", &year, &month, &day) == 3 && month >= 1 && month <= 12)
    hg_text_format(out, "%d %s %d", day, months[month - 1], year);
  else
    hg_text_html(out, started);
}

static int count_done(const hg_report *report) {
  int done = 0;
  for (int i = 0; i < report->run_count; i++) done += hg_report_is_done(&report->runs[i]);
  return done;
}

static void put_header(hg_page *page) {
  hg_text *out = &page->out;
  const hg_report *report = &page->report;
  int done = count_done(report);
  hg_text_put(out, "<header><p class=\"overline\">Study report</p><h1>");
  hg_text_html(out, report->name);
  hg_text_put(out, "</h1>");
  if (report->about[0] != '\0') {
    hg_text_put(out, "<p class=\"lead\">");
    hg_text_html(out, report->about);
    hg_text_put(out, "</p>");
  }
  hg_text_format(out, "<p class=\"subtitle\">%d model%s, %d run%s", page->model_count, page->model_count == 1 ? "" : "s",
                 report->run_count, report->run_count == 1 ? "" : "s");
  if (done < report->run_count) hg_text_format(out, ", %d of them done", done);
  if (report->started[0] != '\0') {
    hg_text_put(out, " \xc2\xb7 ");
    put_date(out, report->started);
  }
  hg_text_put(out, " \xc2\xb7 hourglass ");
  hg_text_html(out, report->version);
  hg_text_put(out, "</p></header>\n");
}

static void put_link(hg_text *out, bool there, const char *section, const char *title) {
  if (there) hg_text_format(out, "<a href=\"#%s\">%s</a>", section, title);
}

static void put_navigation(hg_page *page) {
  hg_text *out = &page->out;
  bool learns = false, classifies = false, sweeps = false, many = hg_page_is_long(page);
  for (int i = 0; i < page->report.run_count; i++) learns = learns || page->report.runs[i].epoch_count > 0;
  for (int i = 0; i < page->model_count; i++) {
    classifies = classifies || page->models[i].has_scores;
    sweeps = sweeps || hg_page_is_swept(&page->models[i]);
  }
  hg_text_put(out, "<nav aria-label=\"Sections\">");
  put_link(out, true, "results", "Results");
  put_link(out, page->report.published_count > 0, "published", "Published");
  put_link(out, learns, "curves", "Learning curves");
  put_link(out, sweeps, "sweeps", "Sweeps");
  put_link(out, classifies, "classes", "Class by class");
  put_link(out, hg_page_has_denoising(page), "denoising", "Denoising");
  put_link(out, hg_page_has_codes(page), "codes", "Codes");
  put_link(out, page->model_count > 1, "effort", "Time");
  put_link(out, many, "models", "Models");
  for (int i = 0; !many && i < page->model_count; i++) {
    hg_text_format(out, "<a href=\"#model-%d\">", i);
    hg_page_mark(out, i);
    hg_text_html(out, page->models[i].name);
    hg_text_put(out, "</a>");
  }
  put_link(out, page->report.data_count > 0, "data", "Data");
  put_link(out, true, "again", "Run it again");
  hg_text_put(out, "</nav>\n");
}

static void put_warnings(hg_page *page) {
  hg_text *out = &page->out;
  if (page->report.warning_count == 0) return;
  hg_text_put(out, "<section id=\"warnings\" class=\"callout\"><h2>Read this first</h2><ul>");
  for (int i = 0; i < page->report.warning_count; i++) {
    hg_text_put(out, "<li>");
    hg_text_html(out, page->report.warnings[i].message);
    hg_text_put(out, " <code>");
    hg_text_html(out, page->report.warnings[i].code);
    hg_text_put(out, "</code></li>");
  }
  hg_text_put(out, "</ul></section>\n");
}

static void put_figures(hg_page *page) {
  hg_text *out = &page->out;
  hg_text_put(out, "<script type=\"application/json\" id=\"figures\">");
  out->in_script = true;
  hg_text_put(out, "{"); /* not hg_json_open, which would look at the HTML before it for a comma */
  hg_figure_list_put_json(&page->figures, out);
  hg_page_sheets_put_json(page, out);
  hg_json_close(out, '}');
  out->in_script = false;
  hg_text_put(out, "</script>\n");
}

static void put_page(hg_page *page) {
  hg_text *out = &page->out;
  hg_text_put(out, head);
  hg_text_html(out, page->report.name);
  hg_text_put(out, "</title>\n<style>\n");
  hg_text_put(out, hg_asset_style);
  hg_text_put(out, "</style>\n</head>\n<body>\n");
  hg_text_put(out, marks);
  put_header(page);
  put_navigation(page);
  hg_text_put(out, "<main>\n");
  put_warnings(page);
  hg_page_answer(page);
  hg_page_results(page);
  hg_page_curves(page);
  hg_page_sweeps(page);
  hg_page_classes(page);
  hg_page_denoising(page);
  hg_page_codes(page);
  hg_page_effort(page);
  hg_page_model_sections(page);
  hg_page_data(page);
  hg_page_again(page);
  hg_text_put(out,
              "</main>\n<footer>Made by hourglass from the study\xe2\x80\x99s store; this file needs no network.</footer>\n");
  hg_text_put(out, "<style>\n");
  if (page->styles.length > 0) hg_text_put_bytes(out, page->styles.bytes, page->styles.length);
  hg_text_put(out, "</style>\n");
  put_figures(page);
  hg_text_put(out, "<script>");
  hg_text_put(out, hg_asset_charts);
  hg_text_put(out, "</script>\n<script>\n");
  hg_text_put(out, hg_asset_script);
  hg_text_put(out, "</script>\n</body>\n</html>\n");
}

static hg_code make_with(hg_store *store, bool for_files, size_t thumbnail_bytes, hg_page *page, hg_error *error) {
  *page = (hg_page){.for_files = for_files, .thumbnail_bytes = thumbnail_bytes};
  hg_code code = hg_report_load(store, &page->report, error);
  if (code == HG_OK) code = hg_page_models_load(page, store, error);
  if (code == HG_OK) code = hg_page_sheets_load(page, store, error);
  if (code == HG_OK) code = hg_page_leaks_load(page, store, error);
  if (code != HG_OK) return code;
  put_page(page);
  page->out.failed = page->out.failed || page->styles.failed;
  return page->out.failed ? hg_fail_memory(error, "report.html", page->out.length) : HG_OK;
}

/* Fine thumbnails first; where the page would be too large to be sent about, coarser and fewer ones. */
hg_code hg_page_make(hg_store *store, bool for_files, hg_page *page, hg_error *error) {
  enum { MOST_PAGE = 4900000, FINE = 2600000, COARSE = 1000000 };
  hg_code code = make_with(store, for_files, FINE, page, error);
  if (code != HG_OK || for_files || page->out.length <= MOST_PAGE) return code;
  hg_page_release(page);
  return make_with(store, false, COARSE, page, error);
}

void hg_page_release(hg_page *page) {
  hg_page_models_release(page);
  hg_page_sheets_release(page);
  hg_page_leaks_release(page);
  hg_figure_list_release(&page->figures);
  hg_text_release(&page->out);
  hg_report_release(&page->report);
}

hg_code hg_report_write_page(hg_store *store, hg_error *error) {
  hg_page page;
  char *path = hg_path_join(hg_store_folder(store), "report.html");
  hg_code code = hg_page_make(store, false, &page, error);
  if (code == HG_OK && path == NULL) code = hg_fail_memory(error, "report.html", 0);
  if (code == HG_OK) code = hg_file_write(path, page.out.bytes, page.out.length, error);
  hg_page_release(&page);
  hg_free(path);
  return code;
}
