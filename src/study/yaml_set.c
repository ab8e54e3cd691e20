#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "study/yaml.h"

/* One part of a path: `train` of models.cnn.train.epochs. */
typedef struct step {
  char key[128];
  const char *rest; /* after the dot; NULL at the end */
} step;

static hg_code next_step(const char *path, const char *origin, step *out, hg_error *error) {
  size_t length = strcspn(path, ".");
  if (length == 0 || length >= sizeof out->key) {
    return hg_fail(error, HG_USAGE, origin, "the path has an empty or overlong part; it is written models.cnn.train.epochs=3");
  }
  memcpy(out->key, path, length);
  out->key[length] = 0;
  out->rest = path[length] == '.' ? path + length + 1 : NULL;
  return HG_OK;
}

/* Makes a mapping out of what stands here: an empty one for an empty value, else {"": value}. */
static hg_code push_aside(hg_document *document, hg_node *node, const char *origin, hg_error *error) {
  if (node->kind == HG_NODE_MAPPING) return HG_OK;
  hg_node *key = NULL, *value = NULL;
  hg_code code = hg_node_new(document, HG_NODE_SCALAR, "", &key, error);
  if (code == HG_OK) code = hg_node_new(document, HG_NODE_SCALAR, "", &value, error);
  if (code == HG_OK) {
    key->origin = origin;
    hg_free(value->text);
    *value = *node;
    *node = (hg_node){.kind = HG_NODE_MAPPING, .line = value->line, .column = value->column, .origin = value->origin};
    if (!hg_node_is_empty(value)) code = hg_node_append(node, key, value, error);
    if (code == HG_OK && node->count == 1) return HG_OK;
  }
  hg_node_free(key);
  hg_node_free(value);
  return code;
}

static bool list_place(const hg_node *list, const char *key, size_t *index) {
  char *end;
  if (!isdigit((unsigned char)key[0])) return false;
  unsigned long long value = strtoull(key, &end, 10);
  *index = (size_t)value;
  return *end == 0 && value < list->count;
}

/* The slot for a key, made where it is missing. */
static hg_code find_slot(hg_document *document, hg_node *parent, const char *key, const char *origin, hg_node ***slot,
                         hg_error *error) {
  size_t index;
  if (parent->kind == HG_NODE_LIST && isdigit((unsigned char)key[0])) {
    if (!list_place(parent, key, &index)) {
      return hg_fail(error, HG_USAGE, origin, "there is no entry %s in a list of %zu; they are counted from 0", key,
                     parent->count);
    }
    *slot = &parent->items[index];
    return HG_OK;
  }
  hg_code code = push_aside(document, parent, origin, error);
  for (size_t i = 0; code == HG_OK && i < parent->count; i++) {
    *slot = &parent->items[i];
    if (strcmp(parent->keys[i]->text, key) == 0) {
      parent->keys[i]->origin = origin;
      return HG_OK;
    }
  }
  hg_node *name = NULL, *item = NULL;
  if (code == HG_OK) code = hg_node_new(document, HG_NODE_SCALAR, key, &name, error);
  if (code == HG_OK) code = hg_node_new(document, HG_NODE_MAPPING, NULL, &item, error);
  if (code == HG_OK) code = hg_node_append(parent, name, item, error);
  if (code != HG_OK) {
    hg_node_free(name);
    hg_node_free(item);
    return code;
  }
  name->origin = item->origin = origin;
  *slot = &parent->items[parent->count - 1];
  return HG_OK;
}

hg_code hg_node_set(hg_document *document, hg_node *root, const char *path, hg_node *value, const char *origin, hg_error *error) {
  hg_node *node = root, **slot = NULL;
  while (path != NULL) {
    step part;
    hg_code code = next_step(path, origin, &part, error);
    if (code == HG_OK) code = find_slot(document, node, part.key, origin, &slot, error);
    if (code != HG_OK) return code;
    node = *slot;
    path = part.rest;
  }
  hg_node_free(*slot);
  *slot = value;
  return HG_OK;
}

hg_code hg_document_set(hg_document *document, const char *path, const char *value, hg_error *error) {
  char origin[sizeof error->place];
  snprintf(origin, sizeof origin, "--set %s=%s", path, value);
  hg_node *node = NULL;
  hg_code code;
  if (value[strspn(value, " ")] == 0) {
    return hg_fail(error, HG_USAGE, origin, "there is no value after `=`");
  }
  code = hg_document_parse(document, value, origin, &node, error);
  if (code != HG_OK) return code;
  code = hg_node_set(document, document->root, path, node, node->origin, error);
  if (code != HG_OK) hg_node_free(node);
  return code;
}
