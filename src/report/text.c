#include "report/text.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hg_text_release(hg_text *text) {
  hg_free(text->bytes);
  *text = (hg_text){0};
}

static bool reserve(hg_text *text, size_t more) {
  if (!text->failed && !hg_grow(&text->bytes, &text->capacity, text->length + more + 1, 1)) text->failed = true;
  return !text->failed;
}

void hg_text_put_bytes(hg_text *text, const char *bytes, size_t count) {
  if (!reserve(text, count)) return;
  memcpy(text->bytes + text->length, bytes, count);
  text->length += count;
  text->bytes[text->length] = '\0';
}

void hg_text_put(hg_text *text, const char *string) { hg_text_put_bytes(text, string, strlen(string)); }

void hg_text_format(hg_text *text, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  int needed = vsnprintf(NULL, 0, format, arguments);
  if (needed >= 0 && reserve(text, (size_t)needed)) {
    vsnprintf(text->bytes + text->length, (size_t)needed + 1, format, again);
    text->length += (size_t)needed;
  }
  va_end(again);
  va_end(arguments);
}

void hg_text_html(hg_text *text, const char *string) {
  static const struct {
    char character;
    const char *entity;
  } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
  for (; *string != '\0'; string++) {
    const char *entity = NULL;
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++)
      if (*string == entities[i].character) entity = entities[i].entity;
    if (entity != NULL)
      hg_text_put(text, entity);
    else
      hg_text_put_bytes(text, string, 1);
  }
}

void hg_text_base64(hg_text *text, const void *bytes, size_t count) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unsigned char *in = bytes;
  for (size_t i = 0; i < count; i += 3) {
    size_t left = count - i;
    uint32_t word = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);
    char out[4] = {digits[word >> 18], digits[word >> 12 & 63], left > 1 ? digits[word >> 6 & 63] : '=',
                   left > 2 ? digits[word & 63] : '='};
    hg_text_put_bytes(text, out, sizeof out);
  }
}

/* ---------------------------------------------------------------- JSON */

/* A value needs a comma unless it opens a list or follows its key. */
static void separate(hg_text *text) {
  size_t end = text->length;
  while (end > 0 && (text->bytes[end - 1] == ' ' || text->bytes[end - 1] == '\n')) end--;
  char last = end == 0 ? '[' : text->bytes[end - 1];
  if (last != '{' && last != '[' && last != ':' && last != ',') hg_text_put(text, ", ");
}

void hg_json_break(hg_text *text, int indent) {
  size_t end = text->length;
  char last = end == 0 ? '[' : text->bytes[end - 1];
  hg_text_format(text, "%s\n%*s", last == '{' || last == '[' ? "" : ",", indent, "");
}

void hg_json_open(hg_text *text, char bracket) {
  separate(text);
  hg_text_put_bytes(text, &bracket, 1);
}

void hg_json_close(hg_text *text, char bracket) { hg_text_put_bytes(text, &bracket, 1); }

static void put_string(hg_text *text, const char *value) {
  hg_text_put(text, "\"");
  for (int length; *value != '\0'; value += length > 0 ? length : 1) {
    unsigned char c = (unsigned char)*value;
    length = hg_utf8_length(value);
    if (length != 1)
      hg_text_put_bytes(text, length > 0 ? value : HG_UTF8_REPLACEMENT,
                        length > 0 ? (size_t)length : strlen(HG_UTF8_REPLACEMENT));
    else if (c == '"' || c == '\\')
      hg_text_format(text, "\\%c", c);
    else if (c == '\n')
      hg_text_put(text, "\\n");
    else if (c < 0x20 || (text->in_script && c == '<'))
      hg_text_format(text, "\\u%04x", c);
    else
      hg_text_put_bytes(text, value, 1);
  }
  hg_text_put(text, "\"");
}

void hg_json_key(hg_text *text, const char *key) {
  separate(text);
  put_string(text, key);
  hg_text_put(text, ": ");
}

void hg_json_string(hg_text *text, const char *value) {
  separate(text);
  put_string(text, value);
}

void hg_json_integer(hg_text *text, int64_t value) {
  separate(text);
  hg_text_format(text, "%" PRId64, value);
}

void hg_json_unsigned(hg_text *text, uint64_t value) {
  separate(text);
  hg_text_format(text, "%" PRIu64, value);
}

void hg_json_number(hg_text *text, double value) {
  separate(text);
  if (!isfinite(value)) {
    hg_text_put(text, "null");
    return;
  }
  char digits[32] = "";
  for (int precision = 15; precision <= 17; precision++) {
    snprintf(digits, sizeof digits, "%.*g", precision, value);
    if (strtod(digits, NULL) == value) break;
  }
  hg_text_put(text, digits);
}

void hg_json_raw(hg_text *text, const char *json) {
  separate(text);
  hg_text_put(text, json);
}
