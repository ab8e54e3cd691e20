#include "report/format.h"

#include "base/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DASH "\xe2\x80\x93"
#define MINUS "\xe2\x88\x92"
#define NARROW_SPACE "\xe2\x80\xaf"
#define TIMES "\xc3\x97"

void hg_text_percent(hg_text *text, double share) {
  if (isnan(share))
    hg_text_put(text, DASH);
  else
    hg_text_format(text, "%.2f" NARROW_SPACE "%%", 100 * share);
}

/* +1.35 points: a difference of shares */
static void put_points(hg_text *text, double share) {
  if (isnan(share))
    hg_text_put(text, DASH);
  else
    hg_text_format(text, "%s%.2f points", share < 0 ? MINUS : "+", fabs(100 * share));
}

void hg_text_count(hg_text *text, int64_t count) {
  char grouped[32];
  if (count < 0) hg_text_put(text, MINUS);
  hg_text_put(text, hg_format_count(count < 0 ? -count : count, grouped, sizeof grouped));
}

void hg_text_figure(hg_text *text, double value) {
  double size = fabs(value);
  if (value < 0) hg_text_put(text, MINUS);
  if (isnan(value))
    hg_text_put(text, DASH);
  else if (isinf(value))
    hg_text_put(text, "\xe2\x88\x9e");
  else if (size >= 1000 && size < 1e15)
    hg_text_count(text, llround(size));
  else if (size >= 10)
    hg_text_format(text, "%.2f", size);
  else if (size >= 0.01 || size == 0)
    hg_text_format(text, "%.4f", size);
  else
    hg_text_format(text, "%.3g", size);
}

void hg_text_duration(hg_text *text, double seconds) {
  if (isnan(seconds)) {
    hg_text_put(text, DASH);
    return;
  }
  long long whole = llround(seconds);
  if (seconds < 99.95)
    hg_text_format(text, "%.1f" NARROW_SPACE "s", seconds);
  else if (whole < 3600)
    hg_text_format(text, "%lld" NARROW_SPACE "min %lld" NARROW_SPACE "s", whole / 60, whole % 60);
  else
    hg_text_format(text, "%lld" NARROW_SPACE "h %lld" NARROW_SPACE "min", whole / 3600, whole % 3600 / 60);
}

void hg_text_memory(hg_text *text, int64_t bytes) {
  static const char *const units[] = {"KiB", "MiB", "GiB"};
  double value = (double)bytes / 1024;
  int unit = 0;
  for (; unit < 2 && value >= 1024; unit++) value /= 1024;
  if (bytes < 1024)
    hg_text_format(text, "%lld" NARROW_SPACE "B", (long long)bytes);
  else
    hg_text_format(text, "%.1f" NARROW_SPACE "%s", value, units[unit]);
}

void hg_text_shape(hg_text *text, hg_shape shape) {
  if (shape.height == 1 && shape.width == 1)
    hg_text_count(text, shape.channels);
  else
    hg_text_format(text, "%d" TIMES "%d" TIMES "%d", shape.height, shape.width, shape.channels);
}

void hg_text_words(hg_text *text, const char *name) {
  for (; *name != '\0'; name++) hg_text_html(text, (char[]){*name == '_' ? ' ' : *name, '\0'});
}

void hg_text_score(hg_text *text, double value, bool share) {
  if (share)
    hg_text_percent(text, value);
  else
    hg_text_figure(text, value);
}

void hg_text_difference(hg_text *text, double value, bool share) {
  if (share) {
    put_points(text, value);
    return;
  }
  if (value > 0) hg_text_put(text, "+");
  hg_text_figure(text, value);
}
