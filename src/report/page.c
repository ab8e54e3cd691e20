#include "report/report.h"

#include "base/alloc.h"
#include "base/file.h"
#include "report/load.h"
#include "report/text.h"

#include <string.h>

hg_code hg_report_write_page(hg_store *store, hg_error *error) {
  hg_report report;
  hg_text out = {0};
  hg_code code = hg_report_load(store, &report, error);
  if (code != HG_OK) return code;
  hg_text_put(&out, "<!doctype html><meta charset=\"utf-8\"><title>");
  hg_text_html(&out, report.name);
  hg_text_put(&out, "</title><h1>");
  hg_text_html(&out, report.name);
  hg_text_put(&out, "</h1>\n");
  char *path = hg_path_join(hg_store_folder(store), "report.html");
  code = path == NULL || out.failed ? hg_fail_memory(error, "report.html", out.length)
                                    : hg_file_write(path, out.bytes, out.length, error);
  hg_free(path);
  hg_text_release(&out);
  hg_report_release(&report);
  return code;
}
