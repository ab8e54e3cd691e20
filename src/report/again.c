/* How to run it again, and how to tell that it came out the same. */
#include "report/page.h"

#include <inttypes.h>
#include <string.h>

static void put_fact(hg_text *out, const char *title, const char *value) {
  if (value[0] == '\0') return;
  hg_text_format(out, "<div><dt>%s</dt><dd>", title);
  hg_text_html(out, value);
  hg_text_put(out, "</dd></div>");
}

/* Of a library's sums nothing is promised. */
static bool uses_library(const hg_report *report) {
  for (int i = 0; i < report->run_count; i++) {
    char engine[HG_NAME_SIZE];
    if (hg_report_engine(&report->runs[i].record, engine) && strcmp(engine, "onednn") == 0) return true;
  }
  return false;
}

static void put_weights(hg_page *page) {
  enum { MOST_OPEN = 8 };
  hg_text *out = &page->out;
  bool folded = page->report.run_count > MOST_OPEN;
  hg_text_put(out, folded ? "<details><summary>Weights</summary>" : "<h3>Weights</h3>");
  hg_text_put(out, "<p class=\"note\">The same study, data and seed give these weights to the bit, on any number of threads");
  hg_text_put(out, uses_library(&page->report) ? "; of those of the engine onednn it is not promised.</p>" : ".</p>");
  hg_text_put(out,
              "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Run</th><th scope=\"col\" class=\"num\">Seed</th>"
              "<th scope=\"col\">SHA-256</th></tr></thead><tbody>");
  for (int i = 0; i < page->report.run_count; i++) {
    const hg_run_record *record = &page->report.runs[i].record;
    if (record->weights_sha256[0] == '\0') continue;
    hg_text_put(out, "<tr><th scope=\"row\">");
    hg_text_html(out, record->name);
    hg_text_format(out, "</th><td class=\"num\">%" PRIu64 "</td><td><code class=\"digest\">", record->seed);
    hg_text_html(out, record->weights_sha256);
    hg_text_put(out, "</code></td></tr>");
  }
  hg_text_put(out, folded ? "</tbody></table></div></details>" : "</tbody></table></div>");
}

void hg_page_again(hg_page *page) {
  hg_text *out = &page->out;
  const hg_report *report = &page->report;
  hg_text_put(out, "<section id=\"again\"><h2>Run it again</h2>");
  if (report->command[0] != '\0') {
    hg_text_put(out, "<pre class=\"command\"><code>");
    hg_text_html(out, report->command);
    hg_text_put(out, "</code></pre>");
  }
  hg_text_put(out, "<dl class=\"facts\">");
  put_fact(out, "hourglass", report->version);
  put_fact(out, "study file", report->yaml_path);
  put_fact(out, "seeds", report->seeds);
  put_fact(out, "threads", report->threads);
  put_fact(out, "instruction set", report->instruction_set);
  put_fact(out, "started", report->started);
  hg_text_put(out, "</dl>");
  put_weights(page);
  if (report->yaml[0] != '\0') {
    hg_text_put(out, "<details><summary>The study file</summary><pre>");
    hg_text_html(out, report->yaml);
    hg_text_put(out, "</pre></details>");
  }
  hg_text_put(out, "</section>");
}
