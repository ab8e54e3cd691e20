#include <stdio.h>
#include <string.h>

#include "study/schema.h"

enum { MOST_NAMES = 64 };

hg_code hg_reject_word(hg_reader *reader, const hg_node *node, const char *what, const char *const *names, int count) {
  const char *nearest = hg_nearest_word(node->text, names, count);
  if (nearest != NULL) return hg_reject(reader, node, "`%.60s` is not %s; did you mean `%s`?", node->text, what, nearest);
  char known[400];
  hg_names_join(names, count, known, sizeof known);
  return hg_reject(reader, node, "`%.60s` is not %s; known: %s", node->text, what, known);
}

static const hg_field *find_field(const hg_table *table, const char *key) {
  for (int i = 0; i < table->count; i++) {
    if (strcmp(table->fields[i].key, key) == 0) return &table->fields[i];
  }
  return NULL;
}

hg_code hg_reject_made(hg_reader *reader, const hg_node *key, const char *kind, const hg_node *parts) {
  const char *names[MOST_NAMES] = {NULL};
  int count = 0;
  for (size_t i = 0; i < parts->count && count < MOST_NAMES; i++) {
    if (parts->keys[i]->origin == NULL || parts->keys[i]->made) names[count++] = parts->keys[i]->text;
  }
  char help[480];
  return hg_reject(reader, key, "the study has no %s `%.60s`; %s", kind, key->text,
                   hg_word_help(key->text, names, count, help, sizeof help));
}

static hg_code reject_stray(hg_reader *reader, const hg_stray *stray, const hg_node *key, const hg_node *value) {
  if (stray->mend == NULL) return hg_reject(reader, key, "%s", stray->cause);
  const char *rest = strchr(stray->mend, '*');
  bool plain = value->kind == HG_NODE_SCALAR && !hg_node_is_empty(value);
  return hg_reject(reader, key, "%s: `%.*s%.40s%s`", stray->cause, (int)(rest - stray->mend), stray->mend,
                   plain ? value->text : "...", rest + 1);
}

static hg_code reject_key(hg_reader *reader, const hg_table *table, const hg_node *key, const hg_node *value) {
  const char *names[MOST_NAMES] = {NULL};
  char what[96];
  for (const hg_stray *stray = table->strays; stray != NULL && stray->key != NULL; stray++) {
    if (hg_same_word(key->text, stray->key)) return reject_stray(reader, stray, key, value);
  }
  for (int i = 0; i < table->count && i < MOST_NAMES; i++) names[i] = table->fields[i].key;
  snprintf(what, sizeof what, "a key of `%s`", table->name);
  return hg_reject_word(reader, key, what, names, table->count);
}

/* The value in the place of the whole mapping: `dense: 10`. */
static hg_code read_shorthand(hg_reader *reader, const hg_table *table, const hg_node *node, void *target) {
  if (hg_node_is_empty(node)) return HG_OK;
  if (table->shorthand != NULL) return hg_value_read(reader, find_field(table, table->shorthand), node, target);
  const char *names[MOST_NAMES] = {NULL};
  char known[400];
  for (int i = 0; i < table->count && i < MOST_NAMES; i++) names[i] = table->fields[i].key;
  hg_names_join(names, table->count, known, sizeof known);
  return hg_reject(reader, node, "`%s` must be a mapping with keys of %s; here is %s%.60s%s", table->name, known,
                   node->kind == HG_NODE_LIST ? "a list" : "`", node->kind == HG_NODE_LIST ? "" : node->text,
                   node->kind == HG_NODE_LIST ? "" : "`");
}

static bool is_given(const hg_table *table, const hg_node *node, const char *key) {
  if (hg_node_get(node, key) != NULL) return true;
  bool stands_for_it = table->shorthand != NULL && strcmp(table->shorthand, key) == 0;
  return stands_for_it && (node->kind == HG_NODE_MAPPING ? hg_node_get(node, "") != NULL : !hg_node_is_empty(node));
}

static hg_code check_required(hg_reader *reader, const hg_table *table, const hg_node *node) {
  for (int i = 0; i < table->count; i++) {
    const hg_field *field = &table->fields[i];
    if ((field->flags & HG_REQUIRED) && !is_given(table, node, field->key)) {
      return hg_reject(reader, node, "`%s` needs `%s`: %s", table->name, field->key, field->doc);
    }
  }
  return HG_OK;
}

hg_code hg_table_read(hg_reader *reader, const hg_table *table, const hg_node *node, void *target) {
  hg_code code = HG_OK;
  if (node->kind != HG_NODE_MAPPING) {
    code = read_shorthand(reader, table, node, target);
  } else {
    for (size_t i = 0; i < node->count && code == HG_OK; i++) {
      const hg_node *key = node->keys[i];
      if (key->text[0] == 0) { /* pushed aside by an override of one of its options */
        bool replaced = table->shorthand == NULL || hg_node_get(node, table->shorthand) != NULL;
        code = replaced ? HG_OK : read_shorthand(reader, table, node->items[i], target);
        continue;
      }
      const hg_field *field = find_field(table, key->text);
      code =
          field == NULL ? reject_key(reader, table, key, node->items[i]) : hg_value_read(reader, field, node->items[i], target);
    }
  }
  return code == HG_OK ? check_required(reader, table, node) : code;
}

/* ---------------------------------------------------------------- variants */

static hg_code find_variant(hg_reader *reader, const hg_variant *variants, int count, const char *what, const hg_node *word,
                            const hg_variant **variant) {
  const char *names[MOST_NAMES] = {NULL};
  for (int i = 0; i < count && i < MOST_NAMES; i++) {
    names[i] = variants[i].name;
    if (strcmp(word->text, names[i]) == 0) {
      *variant = &variants[i];
      return HG_OK;
    }
  }
  return hg_reject_word(reader, word, what, names, count);
}

hg_code hg_variant_read(hg_reader *reader, const hg_variant *variants, int count, const char *what, const hg_node *node,
                        const hg_variant **variant, const hg_node **body) {
  *body = NULL;
  if (node->kind == HG_NODE_SCALAR && !hg_node_is_empty(node)) {
    return find_variant(reader, variants, count, what, node, variant);
  }
  if (node->kind != HG_NODE_MAPPING) {
    return hg_reject(reader, node, "here must stand %s, as a word (%s) or a mapping (%s: {...})", what, variants[0].name,
                     variants[0].name);
  }
  const hg_node *key = NULL;
  for (size_t i = 0; i < node->count; i++) {
    const hg_node *next = node->keys[i];
    if (next->text[0] == 0) continue; /* pushed aside by an override */
    if (key != NULL && key->set && !next->set) continue;
    if (key != NULL && (key->set || !next->set)) {
      return hg_reject(reader, next,
                       "`%.60s` follows `%.60s`, but here must stand one word, %s; its options are indented below it", next->text,
                       key->text, what);
    }
    key = next; /* the word of an override or a sweep wins over the model's own */
    *body = node->items[i];
  }
  if (key == NULL) return hg_reject(reader, node, "the mapping is empty; here must stand %s", what);
  return find_variant(reader, variants, count, what, key, variant);
}

hg_code hg_variant_options(hg_reader *reader, const hg_variant *variant, const hg_node *node, const hg_node *body, void *target) {
  if (variant->table != NULL) {
    char empty[] = "";
    hg_node at = {.kind = HG_NODE_SCALAR, .text = empty, .line = node->line, .column = node->column, .origin = node->origin};
    return hg_table_read(reader, variant->table, body == NULL ? &at : body, target);
  }
  if (body == NULL || hg_node_is_empty(body) || (body->kind == HG_NODE_MAPPING && body->count == 0)) return HG_OK;
  return hg_reject(reader, body, "`%s` has no options", variant->name);
}
