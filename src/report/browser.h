/* Headless Chromium or Chrome, spoken to by its DevTools protocol over a socket: what a page draws, as files. */
#ifndef HG_REPORT_BROWSER_H
#define HG_REPORT_BROWSER_H

#include "base/status.h"

#include <jansson.h>

typedef struct hg_browser hg_browser;

/* Path of the first of chromium, chromium-browser, google-chrome, google-chrome-stable in PATH, hg_malloc'ed; NULL = none. */
char *hg_browser_find(void);

/* Starts the program with a profile of its own in a temporary folder, and opens a tab. No call waits longer than `seconds`, nor
 * once *stop is not 0 (NULL: never): HG_INTERRUPTED. */
hg_code hg_browser_start(const char *program, int seconds, const volatile int *stop, hg_browser **browser, hg_error *error);
/* Ends the process and removes the temporary folder. */
void hg_browser_stop(hg_browser *browser);

/* The temporary folder: what is written there goes with it. */
const char *hg_browser_folder(const hg_browser *browser);

/* One command of the protocol; takes parameters over. *result is the caller's to json_decref. */
hg_code hg_browser_call(hg_browser *browser, const char *method, json_t *parameters, json_t **result, hg_error *error);
/* The value of a JavaScript expression once its promise, if it is one, is kept. HG_FAILED where it throws. */
hg_code hg_browser_evaluate(hg_browser *browser, const char *expression, json_t **value, hg_error *error);

#endif
