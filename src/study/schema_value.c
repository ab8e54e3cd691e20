#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "study/schema.h"

static const char *kind_name(const hg_node *node) {
  if (node->kind == HG_NODE_LIST) return "a list";
  if (node->kind == HG_NODE_MAPPING) return "a mapping";
  return hg_node_is_empty(node) ? "nothing" : NULL;
}

/* "`epochs` must be a whole number; here is `ten`" */
static hg_code reject_type(hg_reader *reader, const char *key, const hg_node *node, const char *wanted) {
  const char *kind = kind_name(node);
  if (kind != NULL) return hg_reject(reader, node, "`%s` must be %s; here is %s", key, wanted, kind);
  return hg_reject(reader, node, "`%s` must be %s; here is `%.60s`", key, wanted, node->text);
}

static hg_code check_range(hg_reader *reader, const hg_field *field, const hg_node *node, double value) {
  bool above_low = (field->flags & HG_ABOVE_LOW) != 0, below_high = (field->flags & HG_BELOW_HIGH) != 0;
  bool low = above_low ? value > field->low : value >= field->low;
  bool high = below_high ? value < field->high : value <= field->high;
  if (low && high) return HG_OK;
  if (isinf(field->high)) {
    return hg_reject(reader, node, "`%s` must be %s %.12g; it is %.60s", field->key, above_low ? "above" : "at least", field->low,
                     node->text);
  }
  return hg_reject(reader, node, "`%s` must be %s %.12g and %s %.12g; it is %.60s", field->key, above_low ? "above" : "at least",
                   field->low, below_high ? "below" : "at most", field->high, node->text);
}

/* Digits, sign, point and exponent only: no hexadecimal, inf or nan. */
static bool parse_number(const char *text, double *value) {
  char *end;
  if (text[0] == 0 || text[strspn(text, "0123456789+-.eE")] != 0) return false;
  *value = strtod(text, &end);
  return *end == 0 && end != text;
}

hg_code hg_value_number(hg_reader *reader, const hg_field *field, const hg_node *node, double *value) {
  if (node->kind != HG_NODE_SCALAR || !parse_number(node->text, value)) {
    return reject_type(reader, field->key, node, "a number");
  }
  if (!isfinite(*value) || (field->type == HG_FIELD_FLOAT && fabs(*value) > 3e38)) {
    return hg_reject(reader, node, "`%s` is too large a number", field->key);
  }
  return check_range(reader, field, node, *value);
}

hg_code hg_value_whole(hg_reader *reader, const hg_field *field, const hg_node *node, int64_t *value) {
  double number;
  if (node->kind != HG_NODE_SCALAR || !parse_number(node->text, &number) || number != floor(number)) {
    return reject_type(reader, field->key, node, "a whole number");
  }
  hg_code code = check_range(reader, field, node, number);
  if (code != HG_OK) return code;
  char *end;
  errno = 0;
  *value = strtoll(node->text, &end, 10);
  if (*end != 0) *value = (int64_t)number; /* 1e4 */
  if (errno != 0 || fabs(number) >= 0x1p63) return hg_reject(reader, node, "`%s` is too large a number", field->key);
  return HG_OK;
}

/* False where it is no such word. */
static bool parse_bool(const hg_node *node, bool *value) {
  static const struct {
    const char *word;
    bool value;
  } words[] = {{"true", true}, {"yes", true}, {"on", true}, {"false", false}, {"no", false}, {"off", false}};
  for (size_t i = 0; node->kind == HG_NODE_SCALAR && i < sizeof words / sizeof *words; i++) {
    const char *p = node->text, *q = words[i].word;
    while (*p != 0 && tolower((unsigned char)*p) == *q) p++, q++;
    if (*p == 0 && *q == 0) {
      *value = words[i].value;
      return true;
    }
  }
  return false;
}

bool hg_value_is_off(const hg_node *node) {
  bool value;
  return parse_bool(node, &value) && !value;
}

static hg_code read_bool(hg_reader *reader, const hg_field *field, const hg_node *node, bool *value) {
  return parse_bool(node, value) ? HG_OK : reject_type(reader, field->key, node, "true or false");
}

hg_code hg_value_name(hg_reader *reader, const char *key, const hg_node *node, char name[HG_NAME_SIZE]) {
  if (node->kind != HG_NODE_SCALAR || (node->text[0] == 0)) return reject_type(reader, key, node, "a name");
  size_t length = strlen(node->text);
  bool plain = isalnum((unsigned char)node->text[0]);
  for (size_t i = 0; i < length && plain; i++)
    plain = isalnum((unsigned char)node->text[i]) || strchr("_-.", node->text[i]) != NULL;
  if (!plain) {
    return hg_reject(
        reader, node,
        "`%.60s` cannot be a name: letters a to z, digits, `_`, `-` and `.` can, and it begins with a letter or digit",
        node->text);
  }
  if (length >= HG_NAME_SIZE) return hg_reject(reader, node, "the name is longer than %d characters", HG_NAME_SIZE - 1);
  memcpy(name, node->text, length + 1);
  return HG_OK;
}

static hg_code read_text(hg_reader *reader, const hg_field *field, const hg_node *node, char **text) {
  if (node->kind != HG_NODE_SCALAR) return reject_type(reader, field->key, node, "text");
  char *copy = hg_strdup(node->text);
  if (copy == NULL) return hg_fail_memory(reader->error, "study file", strlen(node->text));
  hg_free(*text);
  *text = copy;
  return HG_OK;
}

static hg_code read_pair(hg_reader *reader, const hg_field *field, const hg_node *node, int pair[2]) {
  if (node->kind == HG_NODE_LIST && node->count != 2) {
    return hg_reject(reader, node, "`%s` takes one number, or two: [height, width]; here are %zu", field->key, node->count);
  }
  if (node->kind == HG_NODE_MAPPING) return reject_type(reader, field->key, node, "a whole number or a list of two");
  for (size_t i = 0; i < 2; i++) {
    int64_t value;
    hg_code code = hg_value_whole(reader, field, node->kind == HG_NODE_LIST ? node->items[i] : node, &value);
    if (code != HG_OK) return code;
    pair[i] = (int)value;
  }
  return HG_OK;
}

static hg_code read_choice(hg_reader *reader, const hg_field *field, const hg_node *node, int *value) {
  enum { MOST = 32 };
  const char *names[MOST];
  int count = 0;
  while (count < MOST && field->choices(count) != NULL) {
    names[count] = field->choices(count);
    count++;
  }
  if (node->kind != HG_NODE_SCALAR || hg_node_is_empty(node)) return reject_type(reader, field->key, node, "a word");
  bool wanted;
  const char *same = parse_bool(node, &wanted) ? (wanted ? "yes" : "no") : ""; /* where the words are auto, yes, no */
  for (int i = 0; i < count; i++) {
    if (strcmp(node->text, names[i]) == 0 || strcmp(same, names[i]) == 0) {
      *value = i;
      return HG_OK;
    }
  }
  char what[96];
  snprintf(what, sizeof what, "a value of `%s`", field->key);
  return hg_reject_word(reader, node, what, names, count);
}

/* Of mappings that may be off, none comes from anywhere but the model's own: they are off until one is read. */
static hg_code turn_off(const hg_field *field, void *place) {
  if (field->type == HG_FIELD_FLOAT) *(float *)place = 0;
  return HG_OK;
}

hg_code hg_value_read(hg_reader *reader, const hg_field *field, const hg_node *node, void *target) {
  void *place = (char *)target + field->offset;
  int64_t whole = 0;
  double number = 0;
  hg_code code;
  if ((field->flags & HG_OR_OFF) != 0 && hg_value_is_off(node)) return turn_off(field, place);
  switch (field->type) {
    case HG_FIELD_INT:
      code = hg_value_whole(reader, field, node, &whole);
      if (code == HG_OK) *(int *)place = (int)whole;
      return code;
    case HG_FIELD_INT64:
      return hg_value_whole(reader, field, node, place);
    case HG_FIELD_UINT64:
      code = hg_value_whole(reader, field, node, &whole);
      if (code == HG_OK) *(uint64_t *)place = (uint64_t)whole;
      return code;
    case HG_FIELD_FLOAT:
      code = hg_value_number(reader, field, node, &number);
      if (code == HG_OK) *(float *)place = (float)number;
      return code;
    case HG_FIELD_DOUBLE:
      return hg_value_number(reader, field, node, place);
    case HG_FIELD_BOOL:
      return read_bool(reader, field, node, place);
    case HG_FIELD_NAME:
      return hg_value_name(reader, field->key, node, place);
    case HG_FIELD_TEXT:
      return read_text(reader, field, node, place);
    case HG_FIELD_PAIR:
      return read_pair(reader, field, node, place);
    case HG_FIELD_CHOICE:
      return read_choice(reader, field, node, place);
    case HG_FIELD_TABLE:
      return hg_table_read(reader, field->table, node, place);
    case HG_FIELD_READ:
      return field->read(reader, node, place);
  }
  return HG_OK;
}
