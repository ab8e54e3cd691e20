/* What a sweep's own model has where the points differ: it is a point too. */
#include "report/page.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static bool print_value(const json_t *value, char *out, size_t size) {
  if (json_is_string(value)) return snprintf(out, size, "%s", json_string_value(value)) < (int)size;
  if (json_is_integer(value)) return snprintf(out, size, "%lld", (long long)json_integer_value(value)) < (int)size;
  if (json_is_real(value)) return snprintf(out, size, "%.6g", json_real_value(value)) < (int)size;
  if (json_is_boolean(value)) return snprintf(out, size, "%s", json_is_true(value) ? "true" : "false") < (int)size;
  if (!json_is_object(value) || json_object_size(value) != 1) return false;
  return snprintf(out, size, "%s", json_object_iter_key(json_object_iter((json_t *)value))) < (int)size; /* {"adam": {...}} */
}

static bool find_difference(const json_t *own, const json_t *other, const char *name, char *out, size_t size) {
  const char *key;
  json_t *value;
  size_t i;
  bool found = false;
  if (json_is_object(own) && json_is_object(other)) {
    json_object_foreach((json_t *)own, key, value) {
      const json_t *theirs = json_object_get(other, key);
      if (found || theirs == NULL || json_equal(value, theirs)) continue;
      found = strcmp(key, name) == 0 ? print_value(value, out, size) : find_difference(value, theirs, name, out, size);
    }
  } else if (json_is_array(own) && json_is_array(other)) {
    json_array_foreach(own, i, value) found = found || find_difference(value, json_array_get(other, i), name, out, size);
  }
  return found;
}

bool hg_page_setting_apart(const char *own, const char *other, const char *name, char *out, size_t size) {
  json_t *a = own == NULL ? NULL : json_loads(own, 0, NULL), *b = other == NULL ? NULL : json_loads(other, 0, NULL);
  bool found = find_difference(a, b, name, out, size);
  json_decref(a);
  json_decref(b);
  return found;
}
