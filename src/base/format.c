#include "base/format.h"

#include <stdio.h>

const char *hg_format_count(int64_t count, char *buffer, size_t size) {
  char digits[24];
  int length = snprintf(digits, sizeof digits, "%lld", (long long)(count < 0 ? -count : count));
  char *out = buffer, *end = buffer + size - 1;
  if (count < 0 && out < end) *out++ = '-';
  for (int i = 0; i < length && out < end; i++) {
    if (i > 0 && (length - i) % 3 == 0) *out++ = ',';
    if (out < end) *out++ = digits[i];
  }
  *out = '\0';
  return buffer;
}
