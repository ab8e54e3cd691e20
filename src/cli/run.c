/* `hourglass run`: carry a study out, show how it goes, print what came of it. */
#include "study/run.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "cli/progress.h"
#include "cli/signals.h"
#include "cli/study.h"
#include "cli/terminal.h"

static hg_code read_seeds(const hg_arguments *arguments, uint64_t *seeds, hg_error *error) {
  const hg_option_values *given = &arguments->options[HG_OPTION_SEED];
  for (int i = 0; i < given->count; i++) {
    int64_t seed;
    if (!hg_number_parse(given->values[i], &seed) || seed < 0)
      return hg_fail(error, HG_USAGE, "--seed", "`%s` is not a whole number from 0 up", given->values[i]);
    seeds[i] = (uint64_t)seed;
    for (int j = 0; j < i; j++)
      if (seeds[j] == seeds[i]) return hg_fail(error, HG_USAGE, "--seed", "%s is given twice", given->values[i]);
  }
  return HG_OK;
}

static char *default_folder(const hg_study *study) { return hg_path_join("runs", study->name); }

/* A page that could not be written, on a full disk, is not pointed at. */
static void print_page(const char *out) {
  char *page = hg_path_join(out, "report.html");
  if (page != NULL && hg_path_exists(page)) printf("\n%s\n", page);
  hg_free(page);
}

static hg_code print_results(const hg_arguments *arguments, const char *out, hg_error *error) {
  bool json = hg_arguments_has(arguments, HG_OPTION_JSON);
  hg_store *store = NULL;
  hg_code code = hg_store_open(out, false, &store, error);
  if (code == HG_OK) code = json ? hg_results_print_json(store, error) : hg_results_print(store, error);
  if (code == HG_OK && !json) print_page(out);
  hg_store_close(store);
  return code;
}

/* Results are shown after failures and interruptions too: what is there is there. */
static bool has_results(hg_code code) {
  return code == HG_OK || code == HG_FAILED || code == HG_DIVERGED || code == HG_INTERRUPTED;
}

static hg_code carry_out(const hg_arguments *arguments, const hg_study *study, hg_run_settings *settings, hg_error *error) {
  hg_progress_view view;
  bool begun = false;
  hg_progress_view_init(&view, hg_arguments_has(arguments, HG_OPTION_QUIET));
  settings->event = hg_progress_view_event;
  settings->context = &view;
  settings->stop = &hg_stop_asked;
  settings->command = arguments->typed;
  settings->begun = &begun;
  hg_signals_catch("\nhourglass: stopping after a checkpoint; again to quit at once\n");
  hg_code code = hg_study_run(study, settings, error);
  hg_progress_view_clear(&view);
  /* Where nothing was begun, what lies in the folder is of an earlier run. */
  if (!begun || !has_results(code)) return code;
  hg_error unshown = {0};
  hg_code shown = print_results(arguments, settings->out, code == HG_OK ? error : &unshown);
  return code == HG_OK ? shown : code;
}

hg_code hg_run_command(const hg_arguments *arguments, hg_error *error) {
  hg_study *study = NULL;
  char *out = NULL;
  int64_t threads = 0;
  int seed_count = arguments->options[HG_OPTION_SEED].count;
  uint64_t *seeds = hg_calloc((size_t)seed_count + 1, sizeof *seeds);
  hg_code code = seeds == NULL ? hg_fail_memory(error, "--seed", sizeof *seeds) : read_seeds(arguments, seeds, error);
  if (code == HG_OK) code = hg_arguments_number(arguments, HG_OPTION_THREADS, 1, HG_MOST_THREADS, 0, &threads, error);
  if (code == HG_OK) code = hg_arguments_study(arguments, &study, error);
  if (code != HG_OK) goto done;
  const char *asked = hg_arguments_value(arguments, HG_OPTION_OUT);
  out = asked != NULL ? hg_strdup(asked) : default_folder(study);
  if (out == NULL) {
    code = hg_fail_memory(error, "--out", 1);
    goto done;
  }
  hg_run_settings settings = {
      .out = out, .threads = (int)threads, .seeds = seed_count > 0 ? seeds : NULL, .seed_count = seed_count};
  code = carry_out(arguments, study, &settings, error);
done:
  hg_study_free(study);
  hg_free(seeds);
  hg_free(out);
  return code;
}
