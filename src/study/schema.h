/* Inside the schema: tables that say which keys a mapping has, and the functions that read a tree by them.
 *
 * One table serves three ends: reading, the messages for what is wrong, and the reference in docs/study-format.md. */
#ifndef HG_STUDY_SCHEMA_H
#define HG_STUDY_SCHEMA_H

#include "study/study.h"
#include "study/yaml.h"

typedef struct hg_reader {
  hg_document *document;
  hg_study *study;
  hg_error *error;
  hg_engine engine;                         /* of models that name none */
  hg_train_settings train;                  /* where every model's training starts: `defaults` */
  hg_node *data_nodes;                      /* the mapping `data:` */
  hg_node *model_nodes;                     /* the mapping `models:`, sweeps expanded */
  const hg_node *sweep_nodes, *report_node; /* NULL where absent */
} hg_reader;

typedef enum hg_field_type {
  HG_FIELD_INT,    /* int */
  HG_FIELD_INT64,  /* int64_t */
  HG_FIELD_UINT64, /* uint64_t */
  HG_FIELD_FLOAT,  /* float */
  HG_FIELD_DOUBLE, /* double */
  HG_FIELD_BOOL,   /* bool */
  HG_FIELD_NAME,   /* char[HG_NAME_SIZE] of letters a to z, digits, _ - . */
  HG_FIELD_TEXT,   /* char *, owned */
  HG_FIELD_PAIR,   /* int[2]: one number for both, or a list of two */
  HG_FIELD_CHOICE, /* int-sized enum by the names of `choices` */
  HG_FIELD_TABLE,  /* a mapping read by `table` into the same struct at offset */
  HG_FIELD_READ,   /* whatever `read` makes of it */
} hg_field_type;

typedef struct hg_table hg_table;
typedef hg_code hg_field_read(hg_reader *reader, const hg_node *node, void *target);
typedef const char *hg_name_of(int value);

/* Marks for field.flags. */
enum {
  HG_REQUIRED = 1,
  HG_ABOVE_LOW = 2,  /* low itself is out */
  HG_BELOW_HIGH = 4, /* high itself is out */
  HG_OR_OFF = 8,     /* `off` takes back what `defaults` or a merge key brought: the number 0, a mapping as if not written */
};

typedef struct hg_field {
  const char *key;
  hg_field_type type;
  size_t offset;    /* in the struct the table fills; READ: what `read` gets is target + offset */
  double low, high; /* numbers: range, both ends in unless flags say otherwise */
  int flags;
  const char *fallback; /* default as the reference shows it; "" = required or none */
  const char *doc;      /* one line: what it means */
  const char *type_doc; /* READ: the type as the reference shows it */
  hg_name_of *choices;  /* CHOICE: the name of each value from 0, NULL after the last */
  const hg_table *table;
  hg_field_read *read;
} hg_field;

/* A key that other libraries have here and this project has elsewhere, or not at all. */
typedef struct hg_stray {
  const char *key;   /* in any case */
  const char *cause; /* why it is none: "the rate belongs to the optimizer" */
  const char *mend;  /* what to write, `*` standing for the value given; NULL = nothing */
} hg_stray;

struct hg_table {
  const char *name;      /* in messages: "conv2d", "train" */
  const char *shorthand; /* the key that a bare value stands for, or NULL */
  const char *doc;       /* for the reference: one line */
  const hg_field *fields;
  int count;
  const hg_stray *strays; /* up to one without a key; may be NULL */
};

/* One of several words that may have options of their own: `adam` or `adam: {learning_rate: 0.01}`. */
typedef struct hg_variant {
  const char *name;
  int value;
  const hg_table *table; /* NULL: no options */
  const char *doc;
} hg_variant;

/* ---- schema_table.c */

#define hg_reject(reader, node, ...) hg_node_fail((reader)->document, node, (reader)->error, __VA_ARGS__)

/* Reads a mapping (or the shorthand, or nothing) into target. Keys that are absent leave target as it is. */
hg_code hg_table_read(hg_reader *reader, const hg_table *table, const hg_node *node, void *target);

/* Finds the variant that a word or a mapping of one key names; *body is its options, NULL where there are none. what: "a layer".
 */
hg_code hg_variant_read(hg_reader *reader, const hg_variant *variants, int count, const char *what, const hg_node *node,
                        const hg_variant **variant, const hg_node **body);
/* Its options into target: nothing to do where body is NULL, an error where the variant takes none. */
hg_code hg_variant_options(hg_reader *reader, const hg_variant *variant, const hg_node *node, const hg_node *body, void *target);

/* Rejects a name of a part that nothing but an override has made: "the study has no model `cn`; did you mean `cnn`?". parts: the
 * mapping it stands in; kind: "model". */
hg_code hg_reject_made(hg_reader *reader, const hg_node *key, const char *kind, const hg_node *parts);

/* "a, b, c", cut where the room ends. */
void hg_names_join(const char *const *names, int count, char *text, size_t size);

/* Rejects an unknown word with "did you mean" from candidates (names, count). what: "layer", "key of `train`". */
hg_code hg_reject_word(hg_reader *reader, const hg_node *node, const char *what, const char *const *names, int count);

/* ---- schema_value.c: one value each. `name` is the key, for messages. */
hg_code hg_value_read(hg_reader *reader, const hg_field *field, const hg_node *node, void *target);
hg_code hg_value_number(hg_reader *reader, const hg_field *field, const hg_node *node, double *value);
hg_code hg_value_whole(hg_reader *reader, const hg_field *field, const hg_node *node, int64_t *value);
bool hg_value_is_off(const hg_node *node); /* `off`, `no` or `false` */
hg_code hg_value_name(hg_reader *reader, const char *key, const hg_node *node, char name[HG_NAME_SIZE]);

/* ---- schema_words.c */
/* The nearest of the names to a word (Damerau-Levenshtein), or the name this project gives to another library's word; NULL where
 * nothing is near. */
const char *hg_nearest_word(const char *word, const char *const *names, int count);
/* What helps whoever wrote `word` for one of the names: "did you mean `wide`?", or, where none is near, "there are wide, deep".
 */
const char *hg_word_help(const char *word, const char *const *names, int count, char *text, size_t size);
/* Whether two words are the same, without regard to case. */
bool hg_same_word(const char *a, const char *b);

/* ---- The tables, by file. */
extern const hg_variant hg_layer_variants[]; /* schema_layer.c */
extern const int hg_layer_variant_count;
extern const hg_variant hg_optimizer_variants[]; /* schema_train.c */
extern const int hg_optimizer_variant_count;
extern const hg_variant hg_schedule_variants[];
extern const int hg_schedule_variant_count;
extern const hg_table hg_train_table, hg_early_stopping_table;
extern const hg_table hg_loss_table;             /* schema_loss.c */
extern const hg_table hg_data_table;             /* schema_data.c */
extern const hg_variant hg_classical_variants[]; /* schema_classical.c */
extern const int hg_classical_variant_count;
extern const hg_table hg_model_table, hg_corrupt_table, hg_augment_table; /* schema_model.c */
extern const hg_table hg_evaluate_table;                                  /* schema_evaluate.c */
extern const hg_table hg_features_table, hg_hog_table, hg_kmeans_table;
extern const hg_table hg_study_table;  /* schema.c */
extern const hg_table hg_report_table; /* schema_report.c */
extern const hg_table hg_sweep_table;  /* schema_sweep.c */

hg_code hg_layers_read(hg_reader *reader, const hg_node *node, hg_model_block *block);
hg_field_read hg_logistic_read, hg_bayes_read, hg_svm_read, hg_knn_read, hg_linear_svm_read; /* into a hg_model */
hg_field_read hg_published_read; /* schema_published.c: into the reader's study */
hg_name_of hg_engine_name;

/* ---- References: the index of the model that a scalar names; HG_USAGE with "did you mean". */
hg_code hg_model_reference_read(hg_reader *reader, const hg_node *node, int *model);
/* Index by name; -1 where there is none. */
int hg_study_find_data(const hg_study *study, const char *name);

/* ---- The parts of a study, in the order in which they are read. */
hg_code hg_study_read_data(hg_reader *reader);     /* schema_data.c */
hg_code hg_study_expand_sweeps(hg_reader *reader); /* schema_sweep.c: one model for each point of each grid */
hg_code hg_study_read_models(hg_reader *reader);   /* schema_model.c */
hg_code hg_study_read_report(hg_reader *reader);   /* schema_report.c */
hg_code hg_study_check_sweeps(hg_reader *reader);  /* schema_sweep.c: no point is the model that is varied */
hg_code hg_study_check(hg_reader *reader);         /* schema_check.c: what needs several parts: cycles, losses, shapes */

/* schema_check.c: puts the place in the study file before the message about a data set that is in reader->error; returns code. */
hg_code hg_reject_source(hg_reader *reader, const hg_node *entry, hg_code code);

/* ---- schema_reference.c: the reference part of docs/study-format.md as Markdown (hg_malloc'ed; NULL = out of memory). */
char *hg_study_reference(void);

#endif
