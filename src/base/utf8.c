#include "base/utf8.h"

#include "base/alloc.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Length by the first byte, and the least and most number that this length may stand for. */
static const struct {
  unsigned char mask, lead;
  uint32_t least, most;
} forms[] = {{0x80, 0x00, 0, 0x7F}, {0xE0, 0xC0, 0x80, 0x7FF}, {0xF0, 0xE0, 0x800, 0xFFFF}, {0xF8, 0xF0, 0x10000, 0x10FFFF}};

int hg_utf8_length(const char *text) {
  const unsigned char *bytes = (const unsigned char *)text;
  for (int more = 0; more < 4; more++) {
    if ((bytes[0] & forms[more].mask) != forms[more].lead) continue;
    uint32_t number = bytes[0] & (unsigned char)~forms[more].mask;
    for (int i = 1; i <= more; i++) {
      if ((bytes[i] & 0xC0) != 0x80) return 0; /* the final 0 too */
      number = number << 6 | (bytes[i] & 0x3F);
    }
    bool surrogate = number >= 0xD800 && number <= 0xDFFF;
    return number < forms[more].least || number > forms[more].most || surrogate ? 0 : more + 1;
  }
  return 0;
}

char *hg_utf8_copy(const char *text, char *to, size_t size) {
  size_t used = 0;
  while (*text != '\0') {
    int length = hg_utf8_length(text);
    const char *from = length > 0 ? text : HG_UTF8_REPLACEMENT;
    size_t bytes = length > 0 ? (size_t)length : strlen(HG_UTF8_REPLACEMENT);
    if (used + bytes + 1 > size) break;
    memcpy(to + used, from, bytes);
    used += bytes;
    text += length > 0 ? length : 1;
  }
  to[used] = '\0';
  return to;
}

char *hg_utf8_mend(const char *text) {
  size_t size = strlen(text) * strlen(HG_UTF8_REPLACEMENT) + 1;
  char *made = hg_malloc(size);
  return made == NULL ? NULL : hg_utf8_copy(text, made, size);
}
