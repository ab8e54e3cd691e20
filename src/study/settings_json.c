#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "study/schema.h"

/* Floats are written as the shortest decimal that reads back as the same float, so that 0.1f is 0.1. */
static json_t *of_float(float value) {
  char text[32];
  double shown = (double)value;
  for (int digits = 1; digits <= 9; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, (double)value);
    shown = strtod(text, NULL);
    if ((float)shown == value) break;
  }
  return json_real(shown);
}

/* json_object_set_new takes the value over, and NULL (out of memory) makes it fail; *ok gathers that. */
static void put(json_t *object, const char *key, json_t *value, bool *ok) {
  if (json_object_set_new(object, key, value) != 0) *ok = false;
}

static json_t *finished(json_t *object, bool ok) {
  if (ok) return object;
  json_decref(object);
  return NULL;
}

static json_t *of_field(const hg_field *field, const void *place) {
  const int *numbers = place;
  switch (field->type) {
    case HG_FIELD_INT:
      return json_integer(*(const int *)place);
    case HG_FIELD_INT64:
      return json_integer((json_int_t) * (const int64_t *)place);
    case HG_FIELD_UINT64:
      return json_integer((json_int_t) * (const uint64_t *)place);
    case HG_FIELD_FLOAT:
      return of_float(*(const float *)place);
    case HG_FIELD_DOUBLE:
      return json_real(*(const double *)place);
    case HG_FIELD_BOOL:
      return json_boolean(*(const bool *)place);
    case HG_FIELD_NAME:
      return json_string(place);
    case HG_FIELD_TEXT:
      return json_string(*(char *const *)place);
    case HG_FIELD_PAIR:
      return json_pack("[ii]", numbers[0], numbers[1]);
    case HG_FIELD_CHOICE:
      return json_string(field->choices(*numbers));
    default:
      return json_null();
  }
}

/* What a table's fields hold in target, under their keys; READ fields are left to the caller. */
static void put_fields(json_t *object, const hg_table *table, const void *target, bool *ok) {
  for (int i = 0; i < table->count; i++) {
    const hg_field *field = &table->fields[i];
    const void *place = (const char *)target + field->offset;
    if (field->type == HG_FIELD_READ) continue;
    if (field->type != HG_FIELD_TABLE) {
      put(object, field->key, of_field(field, place), ok);
      continue;
    }
    json_t *inner = json_object();
    put_fields(inner, field->table, place, ok);
    put(object, field->key, inner, ok);
  }
}

/* {"adam": {...}} for a variant and the struct its options fill. */
static json_t *of_variant(const hg_variant *variants, int count, int value, const void *target) {
  for (int i = 0; i < count; i++) {
    if (variants[i].value != value) continue;
    bool ok = true;
    json_t *object = json_object(), *options = json_object();
    if (variants[i].table != NULL) put_fields(options, variants[i].table, target, &ok);
    put(object, variants[i].name, options, &ok);
    return finished(object, ok);
  }
  return json_null();
}

/* ---------------------------------------------------------------- data */

static json_t *of_data(const hg_data_settings *data) {
  bool ok = true;
  json_t *object = json_object();
  put_fields(object, &hg_data_table, data, &ok);
  if (strcmp(data->source, "lines") != 0) json_object_del(object, "lines");
  json_t *classes = data->classes == NULL ? json_string("all") : json_array();
  for (int i = 0; data->classes != NULL && i < data->class_count; i++) {
    if (json_array_append_new(classes, json_integer(data->classes[i])) != 0) ok = false;
  }
  put(object, "classes", classes, &ok);
  return finished(object, ok);
}

/* ---------------------------------------------------------------- layers */

static json_t *of_layer(const hg_layer *layer) {
  json_t *object = of_variant(hg_layer_variants, hg_layer_variant_count, (int)layer->kind, layer);
  json_t *options = json_object_get(object, hg_layer_kind_name(layer->kind));
  bool ok = options != NULL;
  if (layer->kind == HG_RESHAPE) {
    put(options, "shape", json_pack("[iii]", layer->shape.height, layer->shape.width, layer->shape.channels), &ok);
  }
  if (layer->activation != HG_LEAKY_RELU) json_object_del(options, "negative_slope"); /* it has no effect */
  /* So that runs from before there were such keys keep their names. */
  if (!layer->freeze) json_object_del(options, "freeze");
  if (layer->scale) json_object_del(options, "scale");
  return finished(object, ok);
}

static json_t *of_layers(const hg_model_block *block) {
  bool ok = true;
  json_t *list = json_array();
  for (int i = 0; i < block->count; i++) {
    if (json_array_append_new(list, of_layer(&block->layers[i])) != 0) ok = false;
  }
  return finished(list, ok);
}

/* ---------------------------------------------------------------- networks */

static json_t *of_losses(const hg_losses *losses) {
  bool ok = true;
  json_t *object = json_object();
  if (losses->reconstruction != HG_NO_RECONSTRUCTION) {
    const char *name = losses->reconstruction == HG_MSE ? "mse" : "binary_cross_entropy";
    put(object, "reconstruction", json_pack("{s{so}}", name, "weight", of_float(losses->reconstruction_weight)), &ok);
  }
  if (losses->classification != HG_NO_CLASSIFICATION) {
    put(object, "classification",
        json_pack("{s{soso}}", "cross_entropy", "weight", of_float(losses->classification_weight), "label_smoothing",
                  of_float(losses->label_smoothing)),
        &ok);
  }
  if (losses->center_weight > 0) {
    put(object, "center", json_pack("{soso}", "weight", of_float(losses->center_weight), "rate", of_float(losses->center_rate)),
        &ok);
  }
  return finished(object, ok);
}

static json_t *of_train(const hg_train_settings *train) {
  bool ok = true;
  json_t *object = json_object(), *stopping = NULL;
  put_fields(object, &hg_train_table, train, &ok);
  put(object, "optimizer",
      of_variant(hg_optimizer_variants, hg_optimizer_variant_count, (int)train->optimizer.kind, &train->optimizer), &ok);
  put(object, "schedule",
      of_variant(hg_schedule_variants, hg_schedule_variant_count, (int)train->schedule.kind, &train->schedule), &ok);
  if (train->early_stopping.enabled) {
    stopping = json_object();
    put_fields(stopping, &hg_early_stopping_table, &train->early_stopping, &ok);
  }
  put(object, "early_stopping", stopping == NULL ? json_false() : stopping, &ok);
  return finished(object, ok);
}

static json_t *of_model(const hg_study *study, int index);

static json_t *of_encoder(const hg_study *study, const hg_model *model) {
  bool ok = true;
  if (model->from < 0) return of_layers(&model->blocks[HG_ENCODER]);
  json_t *object = json_object();
  put(object, "from", of_model(study, model->from), &ok);
  put(object, "freeze", json_boolean(model->freeze), &ok);
  put(object, "unfreeze_after", json_integer(model->train.unfreeze_after), &ok);
  return finished(object, ok);
}

static void put_network(json_t *object, const hg_study *study, const hg_model *model, bool *ok) {
  put(object, "encoder", of_encoder(study, model), ok);
  put(object, "decoder", of_layers(&model->blocks[HG_DECODER]), ok);
  put(object, "classifier", of_layers(&model->blocks[HG_CLASSIFIER]), ok);
  put(object, "loss", of_losses(&model->losses), ok);
  put(object, "train", of_train(&model->train), ok);
  json_t *corrupt = json_object(), *augment = json_object();
  put_fields(corrupt, &hg_corrupt_table, &model->train.corrupt, ok);
  put_fields(augment, &hg_augment_table, &model->train.augment, ok);
  put(object, "corrupt", corrupt, ok);
  put(object, "augment", augment, ok);
  put(object, "engine", json_string(hg_engine_name((int)model->engine)), ok);
}

/* Steps that are not asked for are left out. */
static json_t *of_features(const hg_study *study, const hg_model *model) {
  const hg_feature_settings *settings = &model->features;
  bool ok = true;
  json_t *object = json_object();
  if (model->features_from >= 0) put(object, "from", of_model(study, model->features_from), &ok);
  if (settings->hog.cell > 0) {
    json_t *hog = json_object();
    put_fields(hog, &hg_hog_table, &settings->hog, &ok);
    put(object, "hog", hog, &ok);
  }
  if (settings->kmeans.centroids > 0) {
    json_t *kmeans = json_object();
    put_fields(kmeans, &hg_kmeans_table, &settings->kmeans, &ok);
    put(object, "kmeans", kmeans, &ok);
  }
  if (settings->scale == HG_SCALE_STANDARD) put(object, "scale", json_string("standard"), &ok);
  if (settings->pca > 0) put(object, "pca", json_integer(settings->pca), &ok);
  if (!ok || json_object_size(object) > 0) return finished(object, ok);
  json_decref(object);
  return json_string("pixels");
}

static void put_classical(json_t *object, const hg_study *study, const hg_model *model, bool *ok) {
  const hg_classical_settings *settings = &model->classical;
  const char *name = hg_classical_variants[settings->kind].name;
  json_t *method = of_variant(hg_classical_variants, hg_classical_variant_count, (int)settings->kind, settings);
  json_t *options = json_object_get(method, name);
  if (settings->kind == HG_SVM && options != NULL) {
    json_t *gamma = settings->gamma > 0 ? json_real(settings->gamma) : json_string(settings->gamma == 0 ? "scale" : "auto");
    put(options, "gamma", gamma, ok);
    json_object_del(options, "cache_mb"); /* it has no effect on the result */
  }
  json_incref(options);
  put(object, name, options, ok);
  json_decref(method);
  put(object, "limit", json_integer((json_int_t)model->limit), ok);
  put(object, "features", of_features(study, model), ok);
}

static json_t *of_model(const hg_study *study, int index) {
  const hg_model *model = &study->models[index];
  bool ok = true;
  json_t *object = json_object();
  put(object, "data", of_data(&study->data[model->data]), &ok);
  if (model->kind == HG_MODEL_NETWORK) {
    put_network(object, study, model, &ok);
  } else {
    put_classical(object, study, model, &ok);
  }
  return finished(object, ok);
}

char *hg_study_settings_json(const hg_study *study, int model) {
  json_t *object = of_model(study, model);
  if (object == NULL) return NULL;
  char *dumped = json_dumps(object, JSON_SORT_KEYS | JSON_INDENT(1) | JSON_REAL_PRECISION(15));
  json_decref(object);
  char *text = dumped == NULL ? NULL : hg_strdup(dumped); /* the caller frees with hg_free */
  free(dumped);
  return text;
}
