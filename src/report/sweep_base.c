/* What a sweep's own model has where the points differ: it is a point too. */
#include "report/page.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A pair, as of a kernel's sides: 3 where both are alike, 3x5. */
static bool print_pair(const json_t *pair, char *out, size_t size) {
  json_t *first = json_array_get(pair, 0), *second = json_array_get(pair, 1);
  if (json_array_size(pair) != 2 || !json_is_integer(first) || !json_is_integer(second)) return false;
  if (json_equal(first, second)) return snprintf(out, size, "%lld", (long long)json_integer_value(first)) < (int)size;
  return snprintf(out, size, "%lldx%lld", (long long)json_integer_value(first), (long long)json_integer_value(second)) <
         (int)size;
}

static bool print_value(const json_t *value, char *out, size_t size) {
  if (json_is_array(value)) return print_pair(value, out, size);
  if (json_is_string(value)) return snprintf(out, size, "%s", json_string_value(value)) < (int)size;
  if (json_is_integer(value)) return snprintf(out, size, "%lld", (long long)json_integer_value(value)) < (int)size;
  if (json_is_real(value)) return snprintf(out, size, "%.6g", json_real_value(value)) < (int)size;
  if (json_is_boolean(value)) return snprintf(out, size, "%s", json_is_true(value) ? "true" : "false") < (int)size;
  if (!json_is_object(value) || json_object_size(value) != 1) return false;
  return snprintf(out, size, "%s", json_object_iter_key(json_object_iter((json_t *)value))) < (int)size; /* {"adam": {...}} */
}

/* A yes or no is left out where it is what it would be anyhow (study/settings_json.c): then the other one's is not. */
static bool print_left_out(const json_t *theirs, char *out, size_t size) {
  return json_is_boolean(theirs) && snprintf(out, size, "%s", json_is_true(theirs) ? "false" : "true") < (int)size;
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
    if (!found && json_object_get(own, name) == NULL) found = print_left_out(json_object_get(other, name), out, size);
  } else if (json_is_array(own) && json_is_array(other)) {
    json_array_foreach(own, i, value) found = found || find_difference(value, json_array_get(other, i), name, out, size);
  }
  return found;
}

/* What stands at a path with dots, as study files write it: numbers are places in lists. NULL if nothing does. */
static const json_t *at_path(const json_t *settings, const char *path) {
  while (settings != NULL) {
    char key[HG_NAME_SIZE];
    int length = (int)strcspn(path, ".");
    if (snprintf(key, sizeof key, "%.*s", length, path) >= (int)sizeof key) return NULL;
    settings = json_is_array(settings) ? json_array_get(settings, strtoul(key, NULL, 10)) : json_object_get(settings, key);
    if (path[length] == '\0') return settings;
    path += length + 1;
  }
  return NULL;
}

bool hg_page_setting_apart(const char *own, const char *other, const char *name, char *out, size_t size) {
  json_t *a = own == NULL ? NULL : json_loads(own, 0, NULL), *b = other == NULL ? NULL : json_loads(other, 0, NULL);
  bool is_path = strchr(name, '.') != NULL;
  const json_t *stands = is_path ? at_path(a, name) : NULL;
  bool found = stands != NULL ? print_value(stands, out, size)
               : is_path      ? print_left_out(at_path(b, name), out, size)
                              : find_difference(a, b, name, out, size);
  json_decref(a);
  json_decref(b);
  return found;
}
