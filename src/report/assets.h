/* The files that every page carries, part of the library's read-only data; each ends in a 0 byte. */
#ifndef HG_REPORT_ASSETS_H
#define HG_REPORT_ASSETS_H

#define HIDDEN __attribute__((visibility("hidden")))
extern const char hg_asset_style[] HIDDEN;     /* src/report/page.css */
extern const char hg_asset_script[] HIDDEN;    /* src/report/page.js */
extern const char hg_asset_templates[] HIDDEN; /* src/report/charts.json */
extern const char hg_asset_charts[] HIDDEN;    /* third_party/vega/vega.min.js: Vega, Vega-Lite and Vega-Embed */
#undef HIDDEN

#endif
