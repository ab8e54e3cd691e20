#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "study/schema.h"

/* Text that grows; `failed` once memory was short. */
typedef struct text {
  char *bytes;
  size_t length, capacity;
  bool failed;
} text;

static void write_text(text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void write_text(text *out, const char *format, ...) {
  char piece[1024];
  va_list arguments;
  va_start(arguments, format);
  size_t length = (size_t)vsnprintf(piece, sizeof piece, format, arguments);
  va_end(arguments);
  if (length >= sizeof piece) length = sizeof piece - 1;
  out->failed = out->failed || !hg_grow(&out->bytes, &out->capacity, out->length + length + 1, 1);
  if (out->failed) return;
  memcpy(out->bytes + out->length, piece, length + 1);
  out->length += length;
}

static void write_range(text *out, const hg_field *field, const char *kind) {
  bool above = (field->flags & HG_ABOVE_LOW) != 0, below = (field->flags & HG_BELOW_HIGH) != 0;
  if (field->high < 1e5) {
    write_text(out, "%s %s%.10g, %.10g%s", kind, above ? "(" : "[", field->low, field->high, below ? ")" : "]");
  } else if (isfinite(field->low)) {
    write_text(out, "%s %s %.10g", kind, above ? ">" : "≥", field->low);
  } else {
    write_text(out, "%s", kind);
  }
}

static void write_choices(text *out, const hg_field *field) {
  for (int i = 0; field->choices(i) != NULL; i++) write_text(out, "%s%s", i == 0 ? "" : ", ", field->choices(i));
}

static void write_type(text *out, const hg_field *field) {
  switch (field->type) {
    case HG_FIELD_INT:
    case HG_FIELD_INT64:
    case HG_FIELD_UINT64:
      write_range(out, field, "whole number");
      break;
    case HG_FIELD_FLOAT:
    case HG_FIELD_DOUBLE:
      write_range(out, field, "number");
      break;
    case HG_FIELD_BOOL:
      write_text(out, "true or false");
      break;
    case HG_FIELD_NAME:
      write_text(out, "name");
      break;
    case HG_FIELD_TEXT:
      write_text(out, "text");
      break;
    case HG_FIELD_PAIR:
      write_range(out, field, "one or two whole numbers");
      break;
    case HG_FIELD_CHOICE:
      write_choices(out, field);
      break;
    case HG_FIELD_TABLE:
      write_text(out, "[mapping](#%s)", field->table->name);
      break;
    case HG_FIELD_READ:
      write_text(out, "%s", field->type_doc);
      break;
  }
}

static void write_rows(text *out, const hg_table *table) {
  write_text(out, "| key | type | default | meaning |\n|---|---|---|---|\n");
  for (int i = 0; i < table->count; i++) {
    const hg_field *field = &table->fields[i];
    const char *fallback = field->flags & HG_REQUIRED ? "required" : field->fallback == NULL ? "" : field->fallback;
    write_text(out, "| `%s` | ", field->key);
    write_type(out, field);
    write_text(out, " | %s | %s |\n", fallback, field->doc);
  }
  if (table->shorthand != NULL) write_text(out, "\nA value in the place of the mapping is its `%s`.\n", table->shorthand);
  write_text(out, "\n");
}

static void write_table(text *out, const char *level, const hg_table *table) {
  write_text(out, "%s %s\n\n", level, table->name);
  write_rows(out, table);
}

/* The words with what each means; then the options of those that have their own table. */
static void write_variants(text *out, const char *title, const hg_variant *variants, int count) {
  write_text(out, "### %s\n\n| word | meaning |\n|---|---|\n", title);
  for (int i = 0; i < count; i++) write_text(out, "| `%s` | %s |\n", variants[i].name, variants[i].doc);
  write_text(out, "\n");
  for (int i = 0; i < count; i++) {
    if (variants[i].table == NULL || strcmp(variants[i].table->name, variants[i].name) != 0) continue;
    write_table(out, "####", variants[i].table);
  }
}

/* The tables below a table's keys, once each, deeper ones after it. */
static void write_inner(text *out, const hg_table *table, const hg_table *const *elsewhere) {
  for (int i = 0; i < table->count; i++) {
    const hg_table *inner = table->fields[i].table;
    bool skip = inner == NULL;
    for (int j = 0; elsewhere[j] != NULL && !skip; j++) skip = elsewhere[j] == inner;
    if (skip) continue;
    write_table(out, "###", inner);
    write_inner(out, inner, elsewhere);
  }
}

char *hg_study_reference(void) {
  static const hg_table *const parts[] = {&hg_study_table, &hg_data_table,  &hg_model_table,  &hg_loss_table,
                                          &hg_train_table, &hg_sweep_table, &hg_report_table, NULL};
  text out = {0};
  for (int i = 0; parts[i] != NULL; i++) {
    write_table(&out, "###", parts[i]);
    write_inner(&out, parts[i], parts);
    if (parts[i] == &hg_model_table) write_variants(&out, "layers", hg_layer_variants, hg_layer_variant_count);
    if (parts[i] == &hg_model_table) {
      write_variants(&out, "classical models", hg_classical_variants, hg_classical_variant_count);
    }
    if (parts[i] == &hg_train_table) write_variants(&out, "optimizers", hg_optimizer_variants, hg_optimizer_variant_count);
    if (parts[i] == &hg_train_table) write_variants(&out, "schedules", hg_schedule_variants, hg_schedule_variant_count);
  }
  if (!out.failed) return out.bytes;
  hg_free(out.bytes);
  return NULL;
}
