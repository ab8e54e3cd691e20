/* What standard output and standard error can do: colours, width, one line drawn over and over. */
#ifndef HG_CLI_TERMINAL_H
#define HG_CLI_TERMINAL_H

#include "base/format.h"
#include "base/status.h"

#include <stdio.h>

typedef enum hg_paint { HG_PLAIN, HG_BOLD, HG_DIM, HG_RED, HG_GREEN, HG_YELLOW, HG_CYAN, HG_BOLD_RED } hg_paint;

/* when: "auto" (or NULL), "always", "never". Call once, at the start. */
void hg_terminal_set_color(const char *when);

/* The escape that switches a paint on for this stream, or "" where it has no colours. HG_PLAIN switches all off. */
const char *hg_paint_on(FILE *stream, hg_paint paint);

/* Whether the stream is a terminal that understands cursor movement. */
bool hg_is_terminal(FILE *stream);
/* Columns; 80 where it cannot be known. */
int hg_terminal_width(FILE *stream);

/* Places that UTF-8 text takes on a terminal (one a code point; escapes count none). */
int hg_text_width(const char *text);

/* "hourglass: place: message", with lines of an excerpt as they are. */
void hg_print_error(const hg_error *error);

/* "58 s", "1:02", "2:03:04"; into buffer, which is returned. */
const char *hg_format_duration(double seconds, char *buffer, size_t size);
/* "512 B", "1.4 KiB", "23.0 MiB" */
const char *hg_format_bytes(double bytes, char *buffer, size_t size);

#endif
