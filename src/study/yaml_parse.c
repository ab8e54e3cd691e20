#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/alloc.h"
#include "base/file.h"
#include "study/yaml.h"

typedef struct anchor {
  char *name;
  hg_node *node; /* in the tree; finished */
} anchor;

typedef struct builder {
  yaml_parser_t parser;
  hg_document *document;
  const char *origin;
  anchor *anchors;
  size_t anchor_count, anchor_capacity;
  hg_node **merged; /* values of `<<`, no longer in the tree: anchors may stand at them or inside them */
  size_t merged_count, merged_capacity;
  int depth;
  hg_error *error;
} builder;

static hg_node mark_node(const builder *b, yaml_mark_t mark) {
  return (hg_node){.line = (int)mark.line + 1, .column = (int)mark.column + 1, .origin = b->origin};
}

/* Line and column of a byte, for the reader's errors, which know only an offset. */
static hg_node offset_node(const builder *b, size_t offset) {
  hg_node place = {.line = 1, .column = 1, .origin = b->origin};
  const char *text = b->document->text;
  for (size_t i = 0; b->origin == NULL && i < offset && text[i] != 0; i++) {
    bool newline = text[i] == '\n';
    place.line += newline;
    place.column = newline ? 1 : place.column + (((unsigned char)text[i] & 0xC0) != 0x80);
  }
  return place;
}

static hg_code fail_parser(builder *b) {
  const yaml_parser_t *p = &b->parser;
  if (p->error == YAML_MEMORY_ERROR) return hg_fail_memory(b->error, "study file", 0);
  const char *problem = p->problem == NULL ? "not YAML" : p->problem;
  if (p->error == YAML_READER_ERROR) {
    hg_node place = offset_node(b, p->problem_offset);
    bool control = strstr(problem, "control") != NULL;
    return hg_node_fail(
        b->document, &place, b->error,
        control ? "a control character stands here; remove it" : "the text is not UTF-8 (%s); save the file as UTF-8", problem);
  }
  bool cut_off = p->context != NULL && strstr(problem, "end of stream") != NULL; /* better shown where it began */
  hg_node place = mark_node(b, cut_off ? p->context_mark : p->problem_mark);
  if (strstr(problem, "cannot start any token") != NULL) {
    return hg_node_fail(b->document, &place, b->error,
                        "this character cannot stand here; YAML is indented with spaces, never tabs, and text that begins with "
                        "a special character (@ ` %% tab) needs quotes");
  }
  if (strstr(problem, "mapping values are not allowed") != NULL) {
    return hg_node_fail(
        b->document, &place, b->error,
        "not YAML: a second `:` in one line; on the line above the space after a key's `:` or a list's `-` is missing, or a "
        "text that holds `: ` needs quotes");
  }
  bool block = p->context != NULL && strstr(p->context, "block") != NULL; /* most often a line that is out of line */
  return hg_node_fail(b->document, &place, b->error, "not YAML: %s%s%s%s", problem, p->context == NULL ? "" : " ",
                      p->context == NULL ? "" : p->context,
                      block ? "; indent the line as its neighbours of the same level are" : "");
}

static hg_code next_event(builder *b, yaml_event_t *event) {
  return yaml_parser_parse(&b->parser, event) ? HG_OK : fail_parser(b);
}

static hg_code remember_anchor(builder *b, const yaml_char_t *name, hg_node *node) {
  if (name == NULL) return HG_OK;
  char *copy = hg_strdup((const char *)name);
  if (copy == NULL || !hg_grow(&b->anchors, &b->anchor_capacity, b->anchor_count + 1, sizeof *b->anchors)) {
    hg_free(copy);
    return hg_fail_memory(b->error, "study file", sizeof *b->anchors);
  }
  b->anchors[b->anchor_count++] = (anchor){copy, node};
  return HG_OK;
}

static hg_code expand_alias(builder *b, const yaml_event_t *event, hg_node **node) {
  const char *name = (const char *)event->data.alias.anchor;
  hg_node place = mark_node(b, event->start_mark);
  for (size_t i = b->anchor_count; i-- > 0;) {
    if (strcmp(b->anchors[i].name, name) == 0) return hg_node_copy(b->document, b->anchors[i].node, node, b->error);
  }
  return hg_node_fail(b->document, &place, b->error, "there is no anchor `&%s` before this alias", name);
}

static hg_code read_node(builder *b, const yaml_event_t *event, hg_node **node);

static hg_code read_list(builder *b, hg_node *list) {
  for (;;) {
    yaml_event_t event;
    hg_code code = next_event(b, &event);
    if (code != HG_OK) return code;
    bool end = event.type == YAML_SEQUENCE_END_EVENT;
    hg_node *item = NULL;
    if (!end) code = read_node(b, &event, &item);
    yaml_event_delete(&event);
    if (code != HG_OK || end) return code;
    code = hg_node_append(list, NULL, item, b->error);
    if (code != HG_OK) {
      hg_node_free(item);
      return code;
    }
  }
}

static hg_code check_key(builder *b, const hg_node *mapping, const hg_node *key) {
  if (key->kind != HG_NODE_SCALAR) return hg_node_fail(b->document, key, b->error, "a key must be a plain word");
  if (key->text[0] == 0) return hg_node_fail(b->document, key, b->error, "a key must not be empty");
  const hg_node *twin = hg_node_key(mapping, key->text);
  if (twin == NULL) return HG_OK;
  return hg_node_fail(b->document, key, b->error, "`%s` is given twice; the first is on line %d", key->text, twin->line);
}

static hg_code read_pair(builder *b, const yaml_event_t *key_event, hg_node *mapping) {
  hg_node *key = NULL, *item = NULL;
  yaml_event_t event;
  hg_code code = read_node(b, key_event, &key);
  if (code == HG_OK) code = check_key(b, mapping, key);
  if (code == HG_OK) code = next_event(b, &event);
  if (code == HG_OK) {
    code = read_node(b, &event, &item);
    yaml_event_delete(&event);
  }
  if (code == HG_OK) code = hg_node_append(mapping, key, item, b->error);
  if (code != HG_OK) {
    hg_node_free(key);
    hg_node_free(item);
  }
  return code;
}

/* `<<: *base`: the pairs of base that the mapping does not have itself. */
static hg_code merge_from(builder *b, hg_node *mapping, const hg_node *base) {
  if (base->kind != HG_NODE_MAPPING)
    return hg_node_fail(b->document, base, b->error, "`<<` takes a mapping, or a list of mappings");
  for (size_t i = 0; i < base->count; i++) {
    if (hg_node_get(mapping, base->keys[i]->text) != NULL) continue;
    hg_node *key = NULL, *item = NULL;
    hg_code code = hg_node_copy(b->document, base->keys[i], &key, b->error);
    if (code == HG_OK) code = hg_node_copy(b->document, base->items[i], &item, b->error);
    if (code == HG_OK) code = hg_node_append(mapping, key, item, b->error);
    if (code != HG_OK) {
      hg_node_free(key);
      hg_node_free(item);
      return code;
    }
  }
  return HG_OK;
}

static hg_code keep_merged(builder *b, hg_node *base) {
  if (hg_grow(&b->merged, &b->merged_capacity, b->merged_count + 1, sizeof base)) {
    b->merged[b->merged_count++] = base;
    return HG_OK;
  }
  hg_node_free(base);
  return hg_fail_memory(b->error, "study file", sizeof base);
}

static hg_code apply_merge(builder *b, hg_node *mapping) {
  size_t at = 0;
  while (at < mapping->count && strcmp(mapping->keys[at]->text, "<<") != 0) at++;
  if (at == mapping->count || mapping->keys[at]->quoted) return HG_OK;
  hg_node *key = mapping->keys[at], *base = mapping->items[at];
  mapping->count--;
  for (size_t i = at; i < mapping->count; i++) {
    mapping->keys[i] = mapping->keys[i + 1];
    mapping->items[i] = mapping->items[i + 1];
  }
  hg_code code = HG_OK;
  if (base->kind == HG_NODE_LIST) {
    for (size_t i = 0; i < base->count && code == HG_OK; i++) code = merge_from(b, mapping, base->items[i]);
  } else {
    code = merge_from(b, mapping, base);
  }
  hg_node_free(key);
  hg_code kept = keep_merged(b, base);
  return code == HG_OK ? kept : code;
}

static hg_code read_mapping(builder *b, hg_node *mapping) {
  for (;;) {
    yaml_event_t event;
    hg_code code = next_event(b, &event);
    if (code != HG_OK) return code;
    bool end = event.type == YAML_MAPPING_END_EVENT;
    code = end ? apply_merge(b, mapping) : read_pair(b, &event, mapping);
    yaml_event_delete(&event);
    if (code != HG_OK || end) return code;
  }
}

static hg_code read_members(builder *b, hg_node *node) {
  if (++b->depth > HG_YAML_DEPTH) {
    return hg_node_fail(b->document, node, b->error, "the file is nested deeper than %d levels", HG_YAML_DEPTH);
  }
  hg_code code = node->kind == HG_NODE_LIST ? read_list(b, node) : read_mapping(b, node);
  b->depth--;
  return code;
}

static hg_code make_scalar(builder *b, const yaml_event_t *event, hg_node **node) {
  hg_node place = mark_node(b, event->start_mark);
  const char *text = (const char *)event->data.scalar.value;
  if (strlen(text) != event->data.scalar.length) {
    return hg_node_fail(b->document, &place, b->error, "the text holds a zero character; remove it");
  }
  hg_code code = hg_node_new(b->document, HG_NODE_SCALAR, text, node, b->error);
  if (code == HG_OK) (*node)->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
  return code;
}

static hg_code read_node(builder *b, const yaml_event_t *event, hg_node **node) {
  if (event->type == YAML_ALIAS_EVENT) return expand_alias(b, event, node);
  hg_node *made = NULL;
  hg_code code;
  const yaml_char_t *name;
  if (event->type == YAML_SCALAR_EVENT) {
    name = event->data.scalar.anchor;
    code = make_scalar(b, event, &made);
  } else {
    bool list = event->type == YAML_SEQUENCE_START_EVENT;
    name = list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
    code = hg_node_new(b->document, list ? HG_NODE_LIST : HG_NODE_MAPPING, NULL, &made, b->error);
  }
  if (code != HG_OK) return code;
  made->line = (int)event->start_mark.line + 1;
  made->column = (int)event->start_mark.column + 1;
  made->origin = b->origin;
  if (made->kind != HG_NODE_SCALAR) code = read_members(b, made);
  if (code == HG_OK) code = remember_anchor(b, name, made);
  if (code == HG_OK) {
    *node = made;
  } else {
    hg_node_free(made);
  }
  return code;
}

/* Skips the events before the document's first node. */
static hg_code first_event(builder *b, yaml_event_t *event) {
  for (;;) {
    hg_code code = next_event(b, event);
    if (code != HG_OK) return code;
    if (event->type != YAML_STREAM_START_EVENT && event->type != YAML_DOCUMENT_START_EVENT) return HG_OK;
    yaml_event_delete(event);
  }
}

/* Nothing may follow the first document. */
static hg_code check_end(builder *b) {
  for (;;) {
    yaml_event_t event;
    hg_code code = next_event(b, &event);
    if (code != HG_OK) return code;
    yaml_event_type_t type = event.type;
    hg_node place = mark_node(b, event.start_mark);
    yaml_event_delete(&event);
    if (type == YAML_STREAM_END_EVENT) return HG_OK;
    if (type != YAML_DOCUMENT_END_EVENT) {
      return hg_node_fail(b->document, &place, b->error, "a second document begins here; a file holds one study");
    }
  }
}

static hg_code build(builder *b, hg_node **root) {
  yaml_event_t event;
  hg_code code = first_event(b, &event);
  if (code != HG_OK) return code;
  if (event.type == YAML_STREAM_END_EVENT) {
    yaml_event_delete(&event);
    return hg_node_fail(b->document, NULL, b->error, "the file is empty; a study begins with `study: NAME`");
  }
  hg_node *made = NULL;
  code = read_node(b, &event, &made);
  yaml_event_delete(&event);
  if (code == HG_OK) code = check_end(b);
  if (code == HG_OK) {
    *root = made;
  } else {
    hg_node_free(made);
  }
  return code;
}

/* Some editors begin a file in UTF-8 with it; to libyaml, told the encoding, it is the first character of the first key. */
static const char byte_order_mark[] = "\xEF\xBB\xBF";

static hg_code parse(hg_document *document, const char *text, const char *origin, hg_node **root, hg_error *error) {
  builder b = {.document = document, .origin = origin, .error = error};
  if (!yaml_parser_initialize(&b.parser)) return hg_fail_memory(error, "study file", sizeof b.parser);
  yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
  if (strncmp(text, byte_order_mark, strlen(byte_order_mark)) == 0) text += strlen(byte_order_mark);
  yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, strlen(text));
  hg_code code = build(&b, root);
  for (size_t i = 0; i < b.anchor_count; i++) hg_free(b.anchors[i].name);
  hg_free(b.anchors);
  for (size_t i = 0; i < b.merged_count; i++) hg_node_free(b.merged[i]);
  hg_free(b.merged);
  yaml_parser_delete(&b.parser);
  return code;
}

hg_code hg_document_parse(hg_document *document, const char *text, const char *origin, hg_node **root, hg_error *error) {
  char *copy = hg_strdup(origin);
  if (copy == NULL || !hg_grow(&document->origins, &document->origin_capacity, document->origin_count + 1, sizeof copy)) {
    hg_free(copy);
    return hg_fail_memory(error, "override", strlen(origin));
  }
  document->origins[document->origin_count++] = copy;
  return parse(document, text, copy, root, error);
}

void hg_document_free(hg_document *document) {
  if (document == NULL) return;
  hg_node_free(document->root);
  for (size_t i = 0; i < document->origin_count; i++) hg_free(document->origins[i]);
  hg_free(document->origins);
  hg_free(document->text);
  hg_free(document->path);
  hg_free(document);
}

static hg_code read_text(hg_document *document, hg_error *error) {
  size_t count;
  if (hg_path_is_folder(document->path)) return hg_fail(error, HG_USAGE, document->path, "this is a folder, not a study file");
  hg_code code = hg_file_read(document->path, HG_YAML_BYTES, &document->text, &count, error);
  if (code == HG_NO_MEMORY) return code;
  if (code != HG_OK) {
    if (error != NULL) error->code = HG_USAGE;
    return HG_USAGE;
  }
  size_t length = strlen(document->text);
  if (length == count) return HG_OK;
  return hg_fail(error, HG_USAGE, document->path, "byte %zu is zero: this is not a text file", length);
}

hg_code hg_document_read(const char *path, hg_document **document, hg_error *error) {
  hg_document *made = hg_calloc(1, sizeof *made);
  if (made == NULL) return hg_fail_memory(error, "study file", sizeof *made);
  hg_code code = HG_OK;
  if ((made->path = hg_strdup(path)) == NULL) code = hg_fail_memory(error, "study file", strlen(path));
  if (code == HG_OK) code = read_text(made, error);
  if (code == HG_OK) code = parse(made, made->text, NULL, &made->root, error);
  if (code == HG_OK) {
    *document = made;
  } else {
    hg_document_free(made);
  }
  return code;
}
