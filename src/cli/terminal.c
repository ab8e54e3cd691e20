#include "cli/terminal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static enum { AUTO, ALWAYS, NEVER } color = AUTO;

void hg_terminal_set_color(const char *when) {
  color = when == NULL || strcmp(when, "auto") == 0 ? AUTO : strcmp(when, "always") == 0 ? ALWAYS : NEVER;
}

bool hg_is_terminal(FILE *stream) {
  const char *kind = getenv("TERM");
  return isatty(fileno(stream)) && kind != NULL && strcmp(kind, "dumb") != 0;
}

static bool has_colors(FILE *stream) {
  if (color != AUTO) return color == ALWAYS;
  const char *refused = getenv("NO_COLOR");
  return (refused == NULL || refused[0] == '\0') && hg_is_terminal(stream);
}

const char *hg_paint_on(FILE *stream, hg_paint paint) {
  static const char *const escapes[] = {"\033[0m",  "\033[1m",  "\033[2m",  "\033[31m",
                                        "\033[32m", "\033[33m", "\033[36m", "\033[1;31m"};
  return has_colors(stream) ? escapes[paint] : "";
}

int hg_terminal_width(FILE *stream) {
  struct winsize size;
  if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

int hg_text_width(const char *text) {
  int width = 0;
  for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
    if (*c == 033) {
      while (*c != '\0' && *c != 'm') c++;
      if (*c == '\0') break;
    } else if ((*c & 0xc0) != 0x80) {
      width++;
    }
  }
  return width;
}

/* The first line in bold, excerpt lines plain, the line with the caret in red. */
static void print_message_lines(const char *message) {
  bool first = true;
  while (*message != '\0') {
    int span = (int)strcspn(message, "\n");
    bool caret = !first && memchr(message, '^', (size_t)span) != NULL;
    fprintf(stderr, "%s%.*s%s\n",
            hg_paint_on(stderr, first   ? HG_BOLD
                                : caret ? HG_BOLD_RED
                                        : HG_PLAIN),
            span, message, hg_paint_on(stderr, HG_PLAIN));
    message += span;
    if (*message == '\n') message++;
    first = false;
  }
}

void hg_print_error(const hg_error *error) {
  fprintf(stderr, "%shourglass:%s ", hg_paint_on(stderr, HG_BOLD_RED), hg_paint_on(stderr, HG_PLAIN));
  if (error->place[0] != '\0') fprintf(stderr, "%s: ", error->place);
  print_message_lines(error->message[0] == '\0' ? "failed" : error->message);
}

const char *hg_format_duration(double seconds, char *buffer, size_t size) {
  if (!(seconds >= 0) || seconds > 1e9) {
    snprintf(buffer, size, "?");
    return buffer;
  }
  long whole = lround(seconds);
  if (seconds < 9.95)
    snprintf(buffer, size, "%.1f s", seconds);
  else if (whole < 60)
    snprintf(buffer, size, "%ld s", whole);
  else if (whole < 3600)
    snprintf(buffer, size, "%ld:%02ld", whole / 60, whole % 60);
  else
    snprintf(buffer, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  return buffer;
}

const char *hg_format_bytes(double bytes, char *buffer, size_t size) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  int unit = 0;
  while (bytes >= 1024 && unit < 4) {
    bytes /= 1024;
    unit++;
  }
  snprintf(buffer, size, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
  return buffer;
}
