/* A YAML file as a tree that remembers where everything stands.
 *
 * Scalars stay text: the schema decides whether `1e-3` is a number and `no` a name. Aliases and merge keys (`<<`) are
 * expanded into copies, so every node has one owner and can be changed alone. */
#ifndef HG_STUDY_YAML_H
#define HG_STUDY_YAML_H

#include "base/status.h"

typedef enum hg_node_kind { HG_NODE_SCALAR, HG_NODE_LIST, HG_NODE_MAPPING } hg_node_kind;

typedef struct hg_node hg_node;
struct hg_node {
  hg_node_kind kind;
  int line, column;   /* from 1; column in characters */
  const char *origin; /* "--set a.b=c" where an override made it, else NULL: the file; owned by the document */
  char *text;         /* scalars; else NULL */
  bool quoted;        /* scalars: written in quotes or as a block */
  bool set;           /* keys: an override or a sweep has gone through here */
  bool made;          /* keys: the name of a model that a sweep has made */
  hg_node **keys;     /* mappings: count scalars; "" is a value that an override has pushed aside (yaml_set.c) */
  hg_node **items;    /* lists and mappings: count */
  size_t count, key_capacity, capacity;
};

enum {
  HG_YAML_BYTES = 1 << 20, /* longest file */
  HG_YAML_NODES = 100000,  /* most nodes after aliases are expanded */
  HG_YAML_DEPTH = 50,
};

typedef struct hg_document {
  char *path; /* for places */
  char *text; /* as read */
  hg_node *root;
  size_t nodes;   /* made so far */
  char **origins; /* texts of overrides */
  size_t origin_count, origin_capacity;
} hg_document;

/* ---- yaml_parse.c */

/* Reads and parses a file. HG_USAGE with file:line:column for what is not YAML, for duplicate keys, for tabs in indentation,
 * for text that is not UTF-8, and for files that are empty, too large or too deep; HG_USAGE too where it cannot be read. */
hg_code hg_document_read(const char *path, hg_document **document, hg_error *error);
void hg_document_free(hg_document *document);

/* Parses `text` (an override's value) into a tree whose nodes have this origin (copied). */
hg_code hg_document_parse(hg_document *document, const char *text, const char *origin, hg_node **root, hg_error *error);

/* ---- yaml.c */

/* hg_fail at a node (NULL: the file): place is file:line:column or the override; the message is the cause, then the line of the
 * file and a caret under the column. */
hg_code hg_node_fail(const hg_document *document, const hg_node *node, hg_error *error, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A new node, counted against HG_YAML_NODES; text may be NULL. */
hg_code hg_node_new(hg_document *document, hg_node_kind kind, const char *text, hg_node **node, hg_error *error);
void hg_node_free(hg_node *node);
/* A copy of the whole subtree. */
hg_code hg_node_copy(hg_document *document, const hg_node *node, hg_node **copy, hg_error *error);
/* Appends item (with its key, in a mapping); both are owned by the parent on success only. */
hg_code hg_node_append(hg_node *parent, hg_node *key, hg_node *item, hg_error *error);

/* The value of a key, or NULL; hg_node_key gives the key's own node. */
hg_node *hg_node_get(const hg_node *mapping, const char *key);
hg_node *hg_node_key(const hg_node *mapping, const char *key);
/* True for an absent value: `key:` with nothing after it, or `~` or `null`. */
bool hg_node_is_empty(const hg_node *node);

/* ---- yaml_set.c */

/* Sets a value by a path with dots; numbers are places in lists. Mappings that are missing are made. A scalar or list that the
 * path goes through becomes a mapping that holds it under the key "", for the schema to name. origin as in the tree. */
hg_code hg_document_set(hg_document *document, const char *path, const char *value, hg_error *error);
/* The same below `root`. New nodes stand where `at` stands, and so do errors. The value is taken over on success only. */
hg_code hg_node_set(hg_document *document, hg_node *root, const char *path, hg_node *value, const hg_node *at, hg_error *error);

#endif
