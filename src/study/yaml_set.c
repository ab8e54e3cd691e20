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

static hg_code next_step(const hg_document *document, const char *path, const hg_node *at, step *out, hg_error *error) {
  size_t length = strcspn(path, ".");
  if (length == 0 || length >= sizeof out->key) {
    return hg_node_fail(document, at, error, "the path has an empty or overlong part; it is written models.cnn.train.epochs");
  }
  memcpy(out->key, path, length);
  out->key[length] = 0;
  out->rest = path[length] == '.' ? path + length + 1 : NULL;
  return HG_OK;
}

static hg_code new_node_at(hg_document *document, hg_node_kind kind, const char *text, const hg_node *at, hg_node **node,
                           hg_error *error) {
  hg_code code = hg_node_new(document, kind, text, node, error);
  if (code != HG_OK) return code;
  (*node)->line = at->line;
  (*node)->column = at->column;
  (*node)->origin = at->origin;
  return HG_OK;
}

/* Makes a mapping out of what stands here: an empty one for an empty value, else {"": value}. */
static hg_code push_aside(hg_document *document, hg_node *node, const hg_node *at, hg_error *error) {
  if (node->kind == HG_NODE_MAPPING) return HG_OK;
  hg_node *key = NULL, *value = NULL;
  hg_code code = new_node_at(document, HG_NODE_SCALAR, "", at, &key, error);
  if (code == HG_OK) code = hg_node_new(document, HG_NODE_SCALAR, "", &value, error);
  if (code == HG_OK) {
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

static hg_code list_slot(hg_document *document, hg_node *list, const char *key, const hg_node *at, hg_node ***slot,
                         hg_error *error) {
  char *end;
  unsigned long long index = strtoull(key, &end, 10);
  if (*end != 0 || index >= list->count) {
    return hg_node_fail(document, at, error, "there is no entry %s in a list of %zu; they are counted from 0", key, list->count);
  }
  *slot = &list->items[index];
  return HG_OK;
}

static hg_code new_slot(hg_document *document, hg_node *mapping, const char *key, const hg_node *at, hg_node ***slot,
                        hg_error *error) {
  hg_node *name = NULL, *item = NULL;
  hg_code code = new_node_at(document, HG_NODE_SCALAR, key, at, &name, error);
  if (code == HG_OK) code = new_node_at(document, HG_NODE_MAPPING, NULL, at, &item, error);
  if (code == HG_OK) code = hg_node_append(mapping, name, item, error);
  if (code != HG_OK) {
    hg_node_free(name);
    hg_node_free(item);
    return code;
  }
  name->set = true;
  *slot = &mapping->items[mapping->count - 1];
  return HG_OK;
}

/* The slot for a key, made where it is missing. */
static hg_code find_slot(hg_document *document, hg_node *parent, const char *key, const hg_node *at, hg_node ***slot,
                         hg_error *error) {
  if (parent->kind == HG_NODE_LIST && isdigit((unsigned char)key[0])) return list_slot(document, parent, key, at, slot, error);
  hg_code code = push_aside(document, parent, at, error);
  if (code != HG_OK) return code;
  for (size_t i = 0; i < parent->count; i++) {
    if (strcmp(parent->keys[i]->text, key) != 0) continue;
    parent->keys[i]->set = true;
    *slot = &parent->items[i];
    return HG_OK;
  }
  return new_slot(document, parent, key, at, slot, error);
}

hg_code hg_node_set(hg_document *document, hg_node *root, const char *path, hg_node *value, const hg_node *at, hg_error *error) {
  hg_node *node = root, **slot = NULL;
  do {
    step part;
    hg_code code = next_step(document, path, at, &part, error);
    if (code == HG_OK) code = find_slot(document, node, part.key, at, &slot, error);
    if (code != HG_OK) return code;
    node = *slot;
    path = part.rest;
  } while (path != NULL);
  hg_node_free(*slot);
  *slot = value;
  return HG_OK;
}

hg_code hg_document_set(hg_document *document, const char *path, const char *value, hg_error *error) {
  char origin[sizeof error->place];
  snprintf(origin, sizeof origin, "--set %s=%s", path, value);
  if (value[strspn(value, " ")] == 0) return hg_fail(error, HG_USAGE, origin, "there is no value after `=`");
  hg_node *node = NULL;
  hg_code code = hg_document_parse(document, value, origin, &node, error);
  if (code != HG_OK) return code;
  hg_node at = {.kind = HG_NODE_SCALAR, .origin = node->origin};
  code = hg_node_set(document, document->root, path, node, &at, error);
  if (code != HG_OK) hg_node_free(node);
  return code;
}
