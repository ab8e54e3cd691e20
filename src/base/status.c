#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *hg_version(void) { return HG_VERSION; }

hg_code hg_fail(hg_error *error, hg_code code, const char *place, const char *format, ...) {
  if (error == NULL) return code;
  error->code = code;
  snprintf(error->place, sizeof error->place, "%s", place == NULL ? "" : place);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
  return code;
}

hg_code hg_fail_memory(hg_error *error, const char *what, size_t bytes) {
  return hg_fail(error, HG_NO_MEMORY, what, "out of memory: %zu bytes are needed", bytes);
}

hg_code hg_fail_errno(hg_error *error, hg_code code, const char *path, const char *doing) {
  return hg_fail(error, code, path, "cannot %s: %s", doing, strerror(errno));
}

void hg_error_add(hg_error *error, const char *place, const char *format, ...) {
  if (error == NULL || strcmp(error->place, place) != 0) return;
  size_t used = strlen(error->message);
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->message + used, sizeof error->message - used, format, arguments);
  va_end(arguments);
}
