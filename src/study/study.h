/* A checked study: what schema.c makes of the YAML, what run.c carries out. */
#ifndef HG_STUDY_STUDY_H
#define HG_STUDY_STUDY_H

#include "data/data.h"
#include "learn/classical.h"
#include "learn/features.h"
#include "net/network.h"

typedef enum hg_model_kind { HG_MODEL_NETWORK, HG_MODEL_CLASSICAL } hg_model_kind;

typedef struct hg_model_block {
  hg_layer *layers; /* written in the study; empty where `from` is used alone */
  int count;
  int line; /* 0 = the model has no such block */
} hg_model_block;

/* Test-time augmentation: what each test image is looked at as, beside as it is. */
typedef struct hg_test_views {
  bool flip; /* mirrored left to right */
  int shift; /* moved by up to so many pixels, each way */
} hg_test_views;

typedef struct hg_model {
  char name[HG_NAME_SIZE];
  char id[HG_NAME_SIZE]; /* the row of a table of results it belongs to, such as A1; "" = none. No part of its settings. */
  char *note;            /* what a reader should know of it; NULL = nothing. No part of its settings. */
  hg_model_kind kind;
  int data;       /* index into study.data */
  hg_shape input; /* of its data */
  int classes;
  int64_t images; /* no more than so many are left to train on */

  /* networks */
  hg_model_block blocks[HG_BLOCKS];
  int from;    /* index of the model whose encoder is taken over (layers and weights), or -1 */
  bool freeze; /* encoder: {from:, freeze: true} */
  hg_losses losses;
  hg_train_settings train; /* seed, threads, checkpoint and progress are filled in by run.c; augment and corrupt are here */
  hg_engine engine;
  hg_test_views views; /* no part of its settings */

  /* classical */
  hg_classical_settings classical;
  int features_from; /* index of the model whose codes are the features, or -1 = pixels */
  hg_feature_settings features;
  int64_t limit; /* at most this many training samples, stratified by the data's seed; 0 = all */
} hg_model;

typedef struct hg_study_pair {
  int a, b;
} hg_study_pair; /* indexes into models */
typedef struct hg_study_published {
  int model;
  char metric[64];
  double value;
  char id[HG_NAME_SIZE]; /* the model's, where the row says none */
  char *note;            /* where the figure comes from, or what is wrong with it; NULL = nothing */
} hg_study_published;

/* What the block's values go through last: linear where no activation follows its last weights. */
hg_activation hg_model_last_activation(const hg_model *model, hg_block block);

/* Which networks' codes are looked at: distances of classes, maps by t-SNE and principal components. */
typedef enum hg_code_maps {
  HG_CODE_MAPS_AUTO, /* those with an encoder or a convolution */
  HG_CODE_MAPS_YES,  /* all */
  HG_CODE_MAPS_NO,
} hg_code_maps;

typedef struct hg_study {
  char name[HG_NAME_SIZE];
  char *about;         /* "" if absent */
  char *path, *folder; /* of the study file */
  char *text;          /* the file as it was read */
  uint64_t *seeds;
  int seed_count;
  int threads; /* 0 = automatic */
  hg_data_settings *data;
  int data_count;
  hg_model *models; /* in the order written */
  int model_count;
  hg_study_pair *compare;
  int compare_count;
  hg_study_published *published;
  int published_count;
  hg_code_maps code_maps; /* no part of any model's settings */
} hg_study;

/* One `--set path=value`; the path is written with dots (models.cnn.train.epochs). */
typedef struct hg_override {
  const char *path, *value;
} hg_override;

/* Reads and checks a study: keys, types, references, shapes of every network against its data, parameters of every setting.
 * HG_USAGE: place is file:line:column; the message may hold the offending line with a caret (newlines inside) and "did you mean".
 * HG_DATA: a data set that shapes depend on is not there. */
hg_code hg_study_read(const char *path, const hg_override *overrides, int override_count, hg_study **study, hg_error *error);
void hg_study_free(hg_study *study);

/* Index of the model of this name; -1 where there is none. */
int hg_study_find_model(const hg_study *study, const char *name);

/* A network as the model describes it: layers (the encoder's taken over from `from`), losses, engine, the encoder frozen where
 * the model freezes it. Weights are not yet set. */
hg_code hg_study_network(const hg_study *study, int model, hg_network **network, hg_error *error);

/* The resolved settings of a model as JSON text with sorted keys (hg_malloc'ed; NULL = out of memory): every default filled in,
 * so that equal settings give equal text. It names the data by its settings, and `from` by the other model's resolved settings.
 */
char *hg_study_settings_json(const hg_study *study, int model);

/* Whether another seed would give another result: not for a classical method on pixels or on what is made of them. */
bool hg_study_draws(const hg_study *study, int model);

/* ---- dag.c: models in an order in which each stands after those it takes from. order has model_count entries.
 * HG_USAGE names the members of a cycle: "a -> b -> a". */
hg_code hg_study_order(const hg_study *study, int *order, hg_error *error);

#endif
