#include "cli/progress.h"

#include "base/clock.h"
#include "cli/terminal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool speaks_utf8(void) {
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (int i = 0; i < 3; i++) {
    const char *value = getenv(names[i]);
    if (value == NULL || value[0] == '\0') continue;
    return strstr(value, "UTF-8") != NULL || strstr(value, "utf8") != NULL || strstr(value, "utf-8") != NULL;
  }
  return false;
}

void hg_progress_view_init(hg_progress_view *view, bool quiet) {
  *view = (hg_progress_view){.quiet = quiet, .terminal = hg_is_terminal(stderr), .utf8 = speaks_utf8()};
}

void hg_progress_view_clear(hg_progress_view *view) {
  if (view->drawn > 0) fputs("\r\033[K", stderr);
  view->drawn = 0;
}

/* ---- runs under way */

/* NULL where there are too many. */
static hg_progress_line *line_of(hg_progress_view *view, int run) {
  for (int i = 0; i < view->count; i++)
    if (view->lines[i].run == run) return &view->lines[i];
  if (view->count == HG_PROGRESS_LINES) return NULL;
  hg_progress_line *line = &view->lines[view->count++];
  *line = (hg_progress_line){.run = run};
  return line;
}

static void drop_line(hg_progress_view *view, int run) {
  int kept = 0;
  for (int i = 0; i < view->count; i++)
    if (view->lines[i].run != run) view->lines[kept++] = view->lines[i];
  view->count = kept;
}

/* ---- the line of a terminal */

static void draw_bar(const hg_progress_view *view, double fraction, int width) {
  int full = (int)(fraction * width + 0.5);
  fputs(hg_paint_on(stderr, HG_CYAN), stderr);
  for (int i = 0; i < width; i++) {
    if (i == full) fputs(hg_paint_on(stderr, HG_DIM), stderr);
    fputs(view->utf8 ? "\u2501" : i < full ? "#" : "-", stderr);
  }
  fputs(hg_paint_on(stderr, HG_PLAIN), stderr);
}

/* As much as `room` columns hold, the loss in any case. */
static void describe_rates(const hg_progress_line *line, const hg_run_event *event, int room, char *text, size_t size) {
  const hg_progress *progress = event->progress;
  if (progress == NULL) {
    snprintf(text, size, "%.0f %%", 100 * event->fraction);
    return;
  }
  char rate[32];
  hg_format_count(llround(progress->images_per_second), rate, sizeof rate);
  const char *gap = line->validation[0] != '\0' ? "  " : "";
  snprintf(text, size, "%s images/s  loss %.4f%s%s", rate, progress->loss, gap, line->validation);
  if ((int)strlen(text) > room) snprintf(text, size, "loss %.4f%s%s", progress->loss, gap, line->validation);
  if ((int)strlen(text) > room) snprintf(text, size, "loss %.4f", progress->loss);
}

/* " 1:02 left", or nothing while there is too little to judge by. */
static void describe_time_left(const hg_progress_line *line, double fraction, char *text, size_t size) {
  double spent = hg_seconds_now() - line->started, gained = fraction - line->from;
  char duration[32];
  text[0] = '\0';
  if (spent < 1 || gained <= 0) return;
  snprintf(text, size, "  %s left", hg_format_duration(spent * (1 - fraction) / gained, duration, sizeof duration));
}

enum { LEAST_BAR = 4, MOST_BAR = 24, TIME_LEFT = 14 }; /* columns; the last is kept free before there is a time to tell */

static void draw(hg_progress_view *view, const hg_run_event *event) {
  char left[160], right[160], time_left[48], epoch[48] = "", others[32] = "";
  const hg_progress_line *line = &view->lines[0];
  if (event->progress != NULL) snprintf(epoch, sizeof epoch, "  epoch %d/%d", event->progress->epoch, event->progress->epochs);
  if (view->count > 1) snprintf(others, sizeof others, " (+%d beside)", view->count - 1);
  snprintf(left, sizeof left, "[%d/%d] %s seed %llu%s%s", event->run, event->runs, event->model, (unsigned long long)event->seed,
           others, epoch);
  describe_time_left(line, event->fraction, time_left, sizeof time_left);
  int room = hg_terminal_width(stderr) - 1, beside = (int)strlen(left) + 4 + TIME_LEFT;
  describe_rates(line, event, room - beside - LEAST_BAR, right, sizeof right);
  bool rates = beside + (int)strlen(right) + LEAST_BAR <= room; /* the narrower the terminal, the less is told */
  int bar = room - beside - (rates ? (int)strlen(right) : 0);
  if (bar > MOST_BAR) bar = MOST_BAR;
  fputs("\r", stderr);
  if (bar >= LEAST_BAR) {
    fprintf(stderr, "%s  ", left);
    draw_bar(view, event->fraction, bar);
    fprintf(stderr, "  %s%s", rates ? right : "", time_left);
  } else {
    fprintf(stderr, "%.*s", room, left);
  }
  fputs("\033[K", stderr);
  fflush(stderr);
}

static void on_progress(hg_progress_view *view, const hg_run_event *event) {
  double time = hg_seconds_now();
  hg_progress_line *line = line_of(view, event->run);
  if (line != NULL && line->started == 0) {
    line->started = time;
    line->from = event->fraction;
  }
  if (!view->terminal || line != view->lines || time - view->drawn < 0.1) return;
  view->drawn = time;
  draw(view, event);
}

/* ---- lines that stay */

static void print_figure(const char *name, double value) {
  if (!isnan(value)) fprintf(stderr, "  %s %.4f", name, value);
}

static void note_validation(hg_progress_line *line, const hg_epoch *epoch) {
  if (line == NULL) return;
  if (!isnan(epoch->val_accuracy))
    snprintf(line->validation, sizeof line->validation, "val_accuracy %.4f", epoch->val_accuracy);
  else if (!isnan(epoch->val_loss))
    snprintf(line->validation, sizeof line->validation, "val_loss %.4f", epoch->val_loss);
}

static void on_epoch(hg_progress_view *view, const hg_run_event *event) {
  const hg_epoch *epoch = event->progress->finished;
  note_validation(line_of(view, event->run), epoch);
  if (view->terminal) return;
  char rate[32], duration[32];
  fprintf(stderr, "%s seed %llu: epoch %d/%d", event->model, (unsigned long long)event->seed, epoch->epoch,
          event->progress->epochs);
  print_figure("loss", epoch->loss);
  print_figure("accuracy", epoch->accuracy);
  print_figure("val_loss", epoch->val_loss);
  print_figure("val_accuracy", epoch->val_accuracy);
  fprintf(stderr, "  %s images/s  %s\n", hg_format_count(llround(event->progress->images_per_second), rate, sizeof rate),
          hg_format_duration(epoch->seconds, duration, sizeof duration));
}

/* A line for each run, and for what is found out of the whole study. */
static void tell_analysis(hg_progress_view *view, const hg_run_event *event) {
  if (event->model[0] == '\0')
    fprintf(stderr, "looking for %s\n", event->message);
  else if (event->run != view->analysed)
    fprintf(stderr, "[%d/%d] %s seed %llu: being analysed\n", event->run, event->runs, event->model,
            (unsigned long long)event->seed);
  view->analysed = event->run;
}

/* On a terminal, in the place of the line, until the next event. */
static void on_analysis(hg_progress_view *view, const hg_run_event *event) {
  char line[256];
  if (!view->terminal) {
    tell_analysis(view, event);
    return;
  }
  if (event->model[0] == '\0')
    snprintf(line, sizeof line, "looking for %s", event->message);
  else
    snprintf(line, sizeof line, "[%d/%d] %s seed %llu: %s", event->run, event->runs, event->model,
             (unsigned long long)event->seed, event->message);
  fprintf(stderr, "\r%s%.*s%s\033[K", hg_paint_on(stderr, HG_DIM), hg_terminal_width(stderr) - 1, line,
          hg_paint_on(stderr, HG_PLAIN));
  fflush(stderr);
  view->drawn = hg_seconds_now();
}

static void print_head(const hg_run_event *event, hg_paint paint) {
  fprintf(stderr, "%s[%d/%d]%s %s seed %llu", hg_paint_on(stderr, paint), event->run, event->runs, hg_paint_on(stderr, HG_PLAIN),
          event->model, (unsigned long long)event->seed);
}

static void on_end(hg_progress_view *view, const hg_run_event *event) {
  char duration[32];
  hg_progress_view_clear(view);
  drop_line(view, event->run);
  if (event->kind == HG_RUN_FAILED) {
    print_head(event, HG_RED);
    fprintf(stderr, ": %s%s%s: %s\n", hg_paint_on(stderr, HG_RED), event->record->status, hg_paint_on(stderr, HG_PLAIN),
            event->message);
    return;
  }
  print_head(event, event->kind == HG_RUN_SKIPPED && event->message != NULL ? HG_RED : HG_GREEN);
  if (event->kind == HG_RUN_SKIPPED) {
    fprintf(stderr, ": %s before%s%s\n", event->record->status, event->message == NULL ? "" : ": ",
            event->message == NULL ? "" : event->message);
    return;
  }
  fprintf(stderr, ": done in %s", hg_format_duration(event->record->seconds, duration, sizeof duration));
  if (event->message != NULL && event->message[0] != '\0') fprintf(stderr, ", %s", event->message);
  fputc('\n', stderr);
}

void hg_progress_view_event(void *context, const hg_run_event *event) {
  hg_progress_view *view = context;
  if (view->quiet && event->kind != HG_RUN_REMOVED) return; /* what goes is always told */
  switch (event->kind) {
    case HG_RUN_REMOVED:
      hg_progress_view_clear(view);
      fprintf(stderr, "removing %s\n", event->message);
      break;
    case HG_RUN_STARTED:
      line_of(view, event->run);
      if (!view->terminal) {
        print_head(event, HG_PLAIN);
        fprintf(stderr, ": started\n");
      }
      break;
    case HG_RUN_RESUMED:
      hg_progress_view_clear(view);
      print_head(event, HG_PLAIN);
      fprintf(stderr, ": goes on in epoch %d of %d, at step %lld of %lld\n", event->progress->epoch, event->progress->epochs,
              (long long)event->progress->step, (long long)event->progress->steps);
      break;
    case HG_RUN_PROGRESS:
      on_progress(view, event);
      break;
    case HG_RUN_EPOCH:
      on_epoch(view, event);
      break;
    case HG_RUN_ANALYSED:
      on_analysis(view, event);
      break;
    case HG_RUN_SKIPPED:
    case HG_RUN_DONE:
    case HG_RUN_FAILED:
      on_end(view, event);
      break;
  }
}
