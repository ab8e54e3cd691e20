/* `hourglass data fetch`: a data set from its mirrors into the user's cache. */
#include "base/clock.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "data/fetch.h"

#include <string.h>

typedef struct fetch_view {
  bool quiet, terminal;
  double drawn;   /* seconds of the clock */
  char file[128]; /* the one last told of */
} fetch_view;

static void draw(fetch_view *view, const char *file, int64_t received, int64_t total) {
  char got[32], all[32];
  fprintf(stderr, "\r%s  %s", file, hg_format_bytes((double)received, got, sizeof got));
  if (total > 0) fprintf(stderr, " of %s  %d %%", hg_format_bytes((double)total, all, sizeof all), (int)(100 * received / total));
  fputs("\033[K", stderr);
  fflush(stderr);
  view->drawn = hg_seconds_now();
}

static bool on_progress(void *context, const char *file, int64_t received, int64_t total) {
  fetch_view *view = context;
  if (!view->quiet && !view->terminal && strcmp(view->file, file) != 0) {
    snprintf(view->file, sizeof view->file, "%s", file);
    fprintf(stderr, "fetching %s\n", file);
  }
  if (!view->quiet && view->terminal && hg_seconds_now() - view->drawn >= 0.1) draw(view, file, received, total);
  return !hg_stop_asked;
}

static hg_code fail_name(const char *name, hg_error *error) {
  const char *meant = hg_catalog_nearest(name);
  if (meant != NULL) return hg_fail(error, HG_USAGE, "data fetch", "there is no data set `%s`; did you mean `%s`?", name, meant);
  return hg_fail(error, HG_USAGE, "data fetch", "there is no data set `%s`; `hourglass data list` names them", name);
}

hg_code hg_data_fetch_command(const hg_arguments *arguments, hg_error *error) {
  const char *name = arguments->operands[0];
  const hg_catalog_entry *entry = hg_catalog_find(name);
  if (entry == NULL) return fail_name(name, error);
  fetch_view view = {.quiet = hg_arguments_has(arguments, HG_OPTION_QUIET), .terminal = hg_is_terminal(stderr)};
  hg_fetch_settings settings = hg_fetch_settings_default();
  settings.offline = hg_arguments_has(arguments, HG_OPTION_OFFLINE);
  settings.progress = on_progress;
  settings.context = &view;
  hg_signals_catch("\nhourglass: stopping; what has come is kept\n");
  hg_code code = hg_fetch(entry, &settings, error);
  if (view.drawn > 0) fputs("\r\033[K", stderr);
  if (code != HG_OK) return code;
  char folder[HG_PATH_SIZE];
  if (hg_cache_folder(folder)) printf("%s/%s\n", folder, entry->name);
  return HG_OK;
}
