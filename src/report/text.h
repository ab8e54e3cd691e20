/* Text that grows, with the escapes of HTML and JSON. A failed allocation is remembered and makes later calls do nothing, so a
 * writer checks `failed` once, at its end. */
#ifndef HG_REPORT_TEXT_H
#define HG_REPORT_TEXT_H

#include "base/status.h"

typedef struct hg_text {
  char *bytes; /* hg_malloc'ed, 0-terminated once anything was put */
  size_t length, capacity;
  bool failed;
  bool in_script; /* JSON strings inside <script>: '<' is written as \u003c */
} hg_text;

void hg_text_release(hg_text *text);

void hg_text_put(hg_text *text, const char *string); /* as it is */
void hg_text_put_bytes(hg_text *text, const char *bytes, size_t count);
void hg_text_format(hg_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void hg_text_html(hg_text *text, const char *string); /* & < > " ' escaped */
void hg_text_base64(hg_text *text, const void *bytes, size_t count);

/* JSON: values put one after another; commas are set where they belong. */
void hg_json_open(hg_text *text, char bracket); /* { or [ */
void hg_json_close(hg_text *text, char bracket);
void hg_json_key(hg_text *text, const char *key);
void hg_json_string(hg_text *text, const char *value);
void hg_json_integer(hg_text *text, int64_t value);
void hg_json_unsigned(hg_text *text, uint64_t value);
void hg_json_number(hg_text *text, double value); /* null where it is not finite */
void hg_json_raw(hg_text *text, const char *json);
void hg_json_break(hg_text *text, int indent); /* a new line before the next value */

#endif
