#include "study/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

/* ---------------------------------------------------------------- nodes */

hg_code hg_node_new(hg_document *document, hg_node_kind kind, const char *text, hg_node **node, hg_error *error) {
  if (++document->nodes > HG_YAML_NODES) {
    return hg_fail(error, HG_USAGE, document->path,
                   "the study is too large: it has more than %d values once aliases are expanded", HG_YAML_NODES);
  }
  hg_node *made = hg_calloc(1, sizeof *made);
  if (made == NULL) return hg_fail_memory(error, "study file", sizeof *made);
  made->kind = kind;
  if (text != NULL && (made->text = hg_strdup(text)) == NULL) {
    hg_free(made);
    return hg_fail_memory(error, "study file", strlen(text));
  }
  *node = made;
  return HG_OK;
}

void hg_node_free(hg_node *node) {
  if (node == NULL) return;
  for (size_t i = 0; i < node->count; i++) {
    if (node->kind == HG_NODE_MAPPING) hg_node_free(node->keys[i]);
    hg_node_free(node->items[i]);
  }
  hg_free(node->keys);
  hg_free(node->items);
  hg_free(node->text);
  hg_free(node);
}

hg_code hg_node_append(hg_node *parent, hg_node *key, hg_node *item, hg_error *error) {
  size_t count = parent->count + 1;
  bool room = hg_grow(&parent->items, &parent->capacity, count, sizeof *parent->items);
  if (room && key != NULL) room = hg_grow(&parent->keys, &parent->key_capacity, count, sizeof *parent->keys);
  if (!room) return hg_fail_memory(error, "study file", count * sizeof item);
  if (key != NULL) parent->keys[parent->count] = key;
  parent->items[parent->count++] = item;
  return HG_OK;
}

static hg_code copy_members(hg_document *document, const hg_node *node, hg_node *copy, hg_error *error) {
  for (size_t i = 0; i < node->count; i++) {
    hg_node *key = NULL, *item = NULL;
    hg_code code = HG_OK;
    if (node->kind == HG_NODE_MAPPING) code = hg_node_copy(document, node->keys[i], &key, error);
    if (code == HG_OK) code = hg_node_copy(document, node->items[i], &item, error);
    if (code == HG_OK) code = hg_node_append(copy, key, item, error);
    if (code != HG_OK) {
      hg_node_free(key);
      hg_node_free(item);
      return code;
    }
  }
  return HG_OK;
}

hg_code hg_node_copy(hg_document *document, const hg_node *node, hg_node **copy, hg_error *error) {
  hg_node *made;
  hg_code code = hg_node_new(document, node->kind, node->text, &made, error);
  if (code != HG_OK) return code;
  made->line = node->line;
  made->column = node->column;
  made->origin = node->origin;
  made->quoted = node->quoted;
  made->set = node->set;
  made->made = node->made;
  code = copy_members(document, node, made, error);
  if (code == HG_OK) {
    *copy = made;
  } else {
    hg_node_free(made);
  }
  return code;
}

static ptrdiff_t find_key(const hg_node *mapping, const char *key) {
  if (mapping == NULL || mapping->kind != HG_NODE_MAPPING) return -1;
  for (size_t i = 0; i < mapping->count; i++) {
    if (strcmp(mapping->keys[i]->text, key) == 0) return (ptrdiff_t)i;
  }
  return -1;
}

hg_node *hg_node_get(const hg_node *mapping, const char *key) {
  ptrdiff_t i = find_key(mapping, key);
  return i < 0 ? NULL : mapping->items[i];
}

hg_node *hg_node_key(const hg_node *mapping, const char *key) {
  ptrdiff_t i = find_key(mapping, key);
  return i < 0 ? NULL : mapping->keys[i];
}

bool hg_node_is_empty(const hg_node *node) {
  return node->kind == HG_NODE_SCALAR && !node->quoted &&
         (node->text[0] == 0 || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

/* ---------------------------------------------------------------- errors */

/* Bytes of the UTF-8 character at p; 0 where there is none. */
static size_t character_length(const unsigned char *p) {
  size_t length = p[0] < 0x80                   ? 1
                  : p[0] >= 0xC2 && p[0] < 0xE0 ? 2
                  : p[0] >= 0xE0 && p[0] < 0xF0 ? 3
                  : p[0] >= 0xF0 && p[0] < 0xF5 ? 4
                                                : 0;
  for (size_t i = 1; i < length; i++) {
    if ((p[i] & 0xC0) != 0x80) return 0;
  }
  return length;
}

/* The line around the column, and a caret below it. What a terminal could not show is a space or a question mark. */
static void write_excerpt(const char *text, int line, int column, char *out, size_t size) {
  enum { BEFORE = 60, WIDTH = 100 };
  for (int i = 1; i < line && text != NULL; i++) {
    text = strchr(text, '\n');
    if (text != NULL) text++;
  }
  if (text == NULL || text[strspn(text, " \t\r\n")] == 0) return;
  int first = column - 1 > BEFORE ? column - 1 - BEFORE : 0; /* character shown first */
  size_t used = (size_t)snprintf(out, size, "\n  ");
  const unsigned char *p = (const unsigned char *)text;
  for (int at = 0; at < first + WIDTH && *p != 0 && *p != '\n' && *p != '\r'; at++) {
    size_t length = character_length(p);
    if (at >= first) {
      if (length > 1) {
        memcpy(out + used, p, length);
      } else {
        out[used] = length == 0 ? '?' : *p < ' ' || *p == 0x7F ? ' ' : (char)*p;
      }
      used += length == 0 ? 1 : length;
    }
    p += length == 0 ? 1 : length;
  }
  snprintf(out + used, size - used, "\n  %*s^", column - 1 - first, "");
}

hg_code hg_node_fail(const hg_document *document, const hg_node *node, hg_error *error, const char *format, ...) {
  char message[sizeof error->message], place[sizeof error->place], excerpt[640] = "";
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  for (char *p = message; *p != 0; p++) {
    if ((unsigned char)*p < ' ' || *p == 0x7F) *p = ' '; /* escapes in quoted text must not reach a terminal */
  }
  if (node == NULL || (node->origin == NULL && node->line == 0)) {
    snprintf(place, sizeof place, "%s", document->path);
  } else if (node->origin != NULL) {
    snprintf(place, sizeof place, "%s", node->origin);
  } else {
    snprintf(place, sizeof place, "%s:%d:%d", document->path, node->line, node->column);
    write_excerpt(document->text, node->line, node->column, excerpt, sizeof excerpt);
  }
  message[sizeof message - sizeof excerpt] = 0; /* the excerpt always fits */
  return hg_fail(error, HG_USAGE, place, "%s%s", message, excerpt);
}
