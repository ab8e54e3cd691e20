#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/shape.h"
#include "net/network.h"
#include "study/schema.h"

/* ---------------------------------------------------------------- building a network */

/* The model whose layers are this one's encoder; the study has no cycles. */
static const hg_model *encoder_owner(const hg_study *study, const hg_model *model) {
  while (model->from >= 0) model = &study->models[model->from];
  return model;
}

/* Where in the model a network could not be made. */
typedef struct spot {
  hg_block block;
  int layer;       /* of the block */
  const char *key; /* in place of a layer: "loss", "engine" */
} spot;

/* Whether a flatten or dense stands before this place, and no reshape after it. */
static bool is_flat(const hg_model_block *const before[2], const int counts[2]) {
  for (int b = 1; b >= 0; b--)
    for (int i = counts[b] - 1; i >= 0; i--) {
      hg_layer_kind kind = before[b]->layers[i].kind;
      if (kind == HG_FLATTEN || kind == HG_DENSE) return true;
      if (kind == HG_RESHAPE) return false;
    }
  return false;
}

/* A window over a vector would see padding alone around each value. */
static hg_code check_window(const hg_network *network, const hg_model_block *encoder, const hg_model_block *block, spot at,
                            hg_error *error) {
  const hg_layer *layer = &block->layers[at.layer];
  hg_shape input = hg_network_block_output(network, at.block);
  bool window = layer->kind == HG_CONV2D || layer->kind == HG_MAX_POOL2D || layer->kind == HG_AVERAGE_POOL2D;
  if (!window || layer->kernel_size[0] * layer->kernel_size[1] <= 1 || input.height > 1 || input.width > 1) return HG_OK;
  const hg_model_block *const before[] = {encoder, block};
  if (!is_flat(before, (int[]){block == encoder ? 0 : encoder->count, at.layer})) return HG_OK;
  return hg_fail(error, HG_USAGE, NULL,
                 "the input is flat here, 1x1x%d: put `flatten` and `dense` after convolutions and pooling", input.channels);
}

static hg_code add_layers(const hg_study *study, const hg_model *model, hg_network *network, spot *at, hg_error *error) {
  for (int b = 0; b < HG_BLOCKS; b++) {
    const hg_model_block *encoder = &encoder_owner(study, model)->blocks[HG_ENCODER];
    const hg_model_block *block = b == HG_ENCODER ? encoder : &model->blocks[b];
    for (int i = 0; i < block->count; i++) {
      *at = (spot){.block = (hg_block)b, .layer = i};
      hg_code code = check_window(network, encoder, block, *at, error);
      if (code == HG_OK) code = hg_network_add(network, (hg_block)b, &block->layers[i], error);
      if (code != HG_OK) return code;
    }
  }
  return HG_OK;
}

static hg_code set_losses_and_engine(const hg_model *model, hg_network *network, spot *at, hg_error *error) {
  *at = (spot){.key = "loss"};
  hg_code code = hg_network_set_losses(network, &model->losses, error);
  if (code != HG_OK) return code;
  *at = (spot){.key = "engine"};
  return hg_network_set_engine(network, model->engine, error);
}

hg_code hg_study_network(const hg_study *study, int index, hg_network **network, hg_error *error) {
  const hg_model *model = &study->models[index];
  hg_network *made = hg_network_new(model->input);
  spot at;
  if (made == NULL) return hg_fail_memory(error, "network", 0);
  hg_code code = add_layers(study, model, made, &at, error);
  if (code == HG_OK) code = set_losses_and_engine(model, made, &at, error);
  if (code != HG_OK) {
    hg_network_free(made);
    return code;
  }
  if (model->freeze) hg_network_freeze(made, HG_ENCODER, true);
  *network = made;
  return HG_OK;
}

/* ---------------------------------------------------------------- places */

static const hg_node *model_key(const hg_reader *reader, const hg_model *model) {
  return hg_node_key(reader->model_nodes, model->name);
}

/* The value of a key of a model, or the model's name where there is none. */
static const hg_node *place_of(const hg_reader *reader, const hg_model *model, const char *key) {
  const hg_node *node = hg_node_get(hg_node_get(reader->model_nodes, model->name), key);
  return node == NULL ? model_key(reader, model) : node;
}

/* Of a mapping of the model's own, not of the study's defaults; NULL where it is not written. */
static const hg_node *written_in(const hg_reader *reader, const hg_model *model, const char *key, const char *inner) {
  return hg_node_get(hg_node_get(hg_node_get(reader->model_nodes, model->name), key), inner);
}

static const hg_node *place_in(const hg_reader *reader, const hg_model *model, const char *key, const char *inner) {
  const hg_node *outer = place_of(reader, model, key), *node = hg_node_get(outer, inner);
  return node == NULL ? outer : node;
}

/* The value that an override has put into a layer of the file, or the layer: the line of the file would show the old value. */
static const hg_node *overridden(const hg_node *node) {
  for (size_t i = 0; node->origin == NULL && i < node->count; i++) {
    const hg_node *inner = overridden(node->items[i]);
    if (inner->origin != NULL) return inner;
  }
  return node;
}

static const hg_node *place_of_layer(const hg_reader *reader, const hg_model *model, hg_block block, int layer) {
  const hg_node *list = place_of(reader, model, hg_block_name(block));
  bool inside = list->kind == HG_NODE_LIST && layer >= 0 && (size_t)layer < list->count;
  return inside ? overridden(list->items[layer]) : list;
}

/* ---------------------------------------------------------------- references */

static bool has_encoder(const hg_study *study, const hg_model *model) {
  return encoder_owner(study, model)->blocks[HG_ENCODER].count > 0;
}

static hg_code check_taken(hg_reader *reader, const hg_model *model, int from, const char *key) {
  const hg_study *study = reader->study;
  const hg_model *other = &study->models[from];
  const hg_node *place = place_in(reader, model, key, "from");
  if (other->kind != HG_MODEL_NETWORK || !has_encoder(study, other)) {
    return hg_reject(reader, place, "`%s` has no encoder to take over", other->name);
  }
  hg_shape a = model->input, b = other->input;
  if (a.height == b.height && a.width == b.width && a.channels == b.channels) return HG_OK;
  return hg_reject(reader, place, "the encoder of `%s` takes images of %dx%dx%d (%s), but those of `%s` are %dx%dx%d",
                   other->name, b.height, b.width, b.channels, study->data[other->data].name, study->data[model->data].name,
                   a.height, a.width, a.channels);
}

static hg_code check_references(hg_reader *reader, const hg_model *model) {
  if (model->from >= 0) return check_taken(reader, model, model->from, "encoder");
  if (model->features_from >= 0) return check_taken(reader, model, model->features_from, "features");
  return HG_OK;
}

/* ---------------------------------------------------------------- losses */

hg_activation hg_model_last_activation(const hg_model *model, hg_block block) {
  const hg_model_block *own = &model->blocks[block];
  for (int i = own->count - 1; i >= 0; i--) {
    const hg_layer *layer = &own->layers[i];
    if (layer->activation != HG_LINEAR) return layer->activation;
    bool weighs = layer->kind == HG_DENSE || layer->kind == HG_CONV2D || layer->kind == HG_CONV2D_TRANSPOSE;
    if (weighs || layer->kind == HG_BATCH_NORM) break;
  }
  return HG_LINEAR;
}

/* A cross-entropy is of shares: a value below 0 or above 1 has no logarithm in it. */
static hg_code check_shares(hg_reader *reader, const hg_model *model) {
  hg_activation last = hg_model_last_activation(model, HG_DECODER);
  int layers = model->blocks[HG_DECODER].count;
  if (layers == 0 || model->losses.reconstruction != HG_BINARY_CROSS_ENTROPY || last == HG_SIGMOID || last == HG_SOFTMAX)
    return HG_OK;
  return hg_reject(reader, place_of_layer(reader, model, HG_DECODER, layers - 1),
                   "the binary cross-entropy of `%s` needs values from 0 to 1, but its decoder ends in %s; give its last layer "
                   "`activation: sigmoid`, or take `reconstruction: mse`",
                   model->name, last == HG_LINEAR ? "no activation" : hg_activation_name(last));
}

/* The layer that gives a block's output its values; what only moves or drops them is passed over. */
static int last_of_values(const hg_model_block *block) {
  int i = block->count - 1;
  for (; i > 0; i--) {
    hg_layer_kind kind = block->layers[i].kind;
    if (kind != HG_FLATTEN && kind != HG_RESHAPE && kind != HG_DROPOUT) break;
  }
  return i;
}

/* The softmax in the cross-entropy wants values of either sign and any size. Before a pooling an activation may stand. */
static hg_code check_logits(hg_reader *reader, const hg_model *model) {
  int last = last_of_values(&model->blocks[HG_CLASSIFIER]);
  hg_activation activation = last < 0 ? HG_LINEAR : model->blocks[HG_CLASSIFIER].layers[last].activation;
  if (activation == HG_LINEAR || activation == HG_SOFTMAX) return HG_OK;
  return hg_reject(reader, place_of_layer(reader, model, HG_CLASSIFIER, last),
                   "the cross-entropy of `%s` needs logits or a softmax, but its classifier ends in %s; leave the last layer's "
                   "activation out",
                   model->name, hg_activation_name(activation));
}

static hg_code check_losses(hg_reader *reader, const hg_model *model) {
  const hg_losses *losses = &model->losses;
  bool decoder = model->blocks[HG_DECODER].count > 0, classifier = model->blocks[HG_CLASSIFIER].count > 0;
  const hg_node *decoder_key = hg_node_key(hg_node_get(reader->model_nodes, model->name), "decoder");
  const hg_node *classifier_key = hg_node_key(hg_node_get(reader->model_nodes, model->name), "classifier");
  if (decoder && losses->reconstruction == HG_NO_RECONSTRUCTION) {
    return hg_reject(reader, decoder_key, "the decoder of `%s` has no loss; add `loss: {reconstruction: mse}`", model->name);
  }
  if (classifier && losses->classification == HG_NO_CLASSIFICATION) {
    return hg_reject(reader, classifier_key, "the classifier of `%s` has no loss; add `loss: {classification: cross_entropy}`",
                     model->name);
  }
  if (!decoder && losses->reconstruction != HG_NO_RECONSTRUCTION) {
    return hg_reject(reader, place_in(reader, model, "loss", "reconstruction"), "`%s` has no decoder for this loss", model->name);
  }
  if (!classifier && losses->classification != HG_NO_CLASSIFICATION) {
    return hg_reject(reader, place_in(reader, model, "loss", "classification"), "`%s` has no classifier for this loss",
                     model->name);
  }
  if (losses->center_weight > 0 && !(classifier && has_encoder(reader->study, model))) {
    return hg_reject(reader, place_in(reader, model, "loss", "center"),
                     "the center loss needs an encoder and a classifier in `%s`", model->name);
  }
  hg_code code = check_logits(reader, model);
  return code == HG_OK ? check_shares(reader, model) : code;
}

/* ---------------------------------------------------------------- training */

/* A factor of what is not there, or does not learn, is a slip of the pen; not so in the study's defaults. */
static hg_code check_factors(hg_reader *reader, const hg_model *model) {
  for (int b = 0; b < HG_BLOCKS; b++) {
    bool there = b == HG_ENCODER ? has_encoder(reader->study, model) : model->blocks[b].count > 0;
    bool held = b == HG_ENCODER && model->freeze;
    const char *name = hg_block_name((hg_block)b);
    if (model->train.block_learning_rate[b] == 1 || (there && !held)) continue;
    const hg_node *factor = hg_node_get(written_in(reader, model, "train", "learning_rate_factors"), name);
    if (factor == NULL) continue;
    return hg_reject(reader, factor, there ? "the %s of `%s` is frozen" : "there is no %s in `%s`", name, model->name);
  }
  return HG_OK;
}

static hg_code check_training(hg_reader *reader, const hg_model *model) {
  const hg_train_settings *train = &model->train;
  const hg_early_stopping *stop = &train->early_stopping;
  const hg_data_settings *data = &reader->study->data[model->data];
  const hg_node *place = place_in(reader, model, "train", "early_stopping");
  bool validation = stop->monitor == HG_VAL_LOSS || stop->monitor == HG_VAL_ACCURACY;
  bool accuracy = stop->monitor == HG_VAL_ACCURACY || stop->monitor == HG_TRAIN_ACCURACY;
  if (stop->enabled && validation && data->validation <= 0) {
    return hg_reject(reader, place, "early stopping watches a validation figure, but `%s` has `validation: 0`", data->name);
  }
  if (stop->enabled && accuracy && model->blocks[HG_CLASSIFIER].count == 0) {
    return hg_reject(reader, place, "early stopping watches an accuracy, but `%s` has no classifier", model->name);
  }
  int64_t images = model->images * (1 + train->augment.added);
  if (data->limit > 0 && train->batch_size > images) {
    return hg_reject(reader, place_in(reader, model, "train", "batch_size"),
                     "a batch of %d is more than the %lld images that `limit` and `validation` of `%s` leave", train->batch_size,
                     (long long)images, data->name);
  }
  if (train->schedule.warmup > (float)train->epochs) {
    return hg_reject(reader, place_in(reader, model, "train", "schedule"),
                     "`warmup: %g` is longer than the training of %d epochs", (double)train->schedule.warmup, train->epochs);
  }
  if (train->unfreeze_after > train->epochs) {
    return hg_reject(reader, place_in(reader, model, "encoder", "unfreeze_after"), "the training has only %d epochs",
                     train->epochs);
  }
  return HG_OK;
}

static hg_code check_views(hg_reader *reader, const hg_model *model) {
  const hg_node *views = written_in(reader, model, "evaluate", "test_time_augmentation");
  if (views == NULL || hg_value_is_off(views) || model->blocks[HG_CLASSIFIER].count > 0) return HG_OK;
  return hg_reject(reader, views, "it averages a classifier's probabilities, but `%s` has no classifier", model->name);
}

static hg_code check_pixels(hg_reader *reader, const hg_model *model) {
  if (model->train.augment.added > 0 && hg_augmentation_is_off(&model->train.augment)) {
    return hg_reject(reader, place_in(reader, model, "augment", "added"),
                     "the copies would be the images themselves; say how they change, as in {rotate: 10, added: 1}");
  }
  int side = model->input.height < model->input.width ? model->input.height : model->input.width;
  if (model->train.augment.cutout > side) {
    return hg_reject(reader, place_in(reader, model, "augment", "cutout"), "the square is larger than the image (%dx%d)",
                     model->input.height, model->input.width);
  }
  if (model->train.augment.crop > side) {
    return hg_reject(reader, place_in(reader, model, "augment", "crop"), "the move is wider than the image (%dx%d)",
                     model->input.height, model->input.width);
  }
  return HG_OK;
}

/* ---------------------------------------------------------------- shapes */

/* Puts file:line:column in the place of a message that names a layer. */
static hg_code reject_spot(hg_reader *reader, const hg_model *model, const spot *at) {
  hg_error cause = *reader->error;
  if (at->key != NULL) return hg_reject(reader, place_of(reader, model, at->key), "%s", cause.message);
  return hg_reject(reader, place_of_layer(reader, model, at->block, at->layer), "%s%s%s", cause.place,
                   cause.place[0] == 0 ? "" : ": ", cause.message);
}

static hg_code check_outputs(hg_reader *reader, const hg_model *model, const hg_network *network) {
  hg_shape in = model->input;
  if (model->blocks[HG_DECODER].count > 0) {
    hg_shape out = hg_network_block_output(network, HG_DECODER);
    if (out.height != in.height || out.width != in.width || out.channels != in.channels) {
      return hg_reject(reader, place_of_layer(reader, model, HG_DECODER, model->blocks[HG_DECODER].count - 1),
                       "the decoder of `%s` ends in %dx%dx%d, but must give back the input's %dx%dx%d", model->name, out.height,
                       out.width, out.channels, in.height, in.width, in.channels);
    }
  }
  if (model->blocks[HG_CLASSIFIER].count > 0) {
    hg_shape out = hg_network_block_output(network, HG_CLASSIFIER);
    if (out.height != 1 || out.width != 1 || out.channels != model->classes) {
      return hg_reject(reader, place_of_layer(reader, model, HG_CLASSIFIER, model->blocks[HG_CLASSIFIER].count - 1),
                       "the classifier of `%s` ends in %dx%dx%d, but `%s` has %d classes, so it must end in 1x1x%d", model->name,
                       out.height, out.width, out.channels, reader->study->data[model->data].name, model->classes,
                       model->classes);
    }
  }
  return HG_OK;
}

/* A single value has no variance: the norm would give every image the same. Without a limit the number of images may be less. */
static hg_code check_norms(hg_reader *reader, const hg_model *model, const hg_network *network) {
  int batch = model->train.batch_size;
  int64_t images = model->images * (1 + model->train.augment.added);
  bool last = reader->study->data[model->data].limit > 0 && images % batch == 1;
  for (int i = 0; i < hg_network_layer_count(network) && (batch == 1 || last); i++) {
    hg_layer_info info;
    hg_network_layer_info(network, i, &info);
    if (info.layer.kind != HG_BATCH_NORM || info.input.height > 1 || info.input.width > 1) continue;
    return hg_reject(reader, place_in(reader, model, "train", "batch_size"),
                     "the batch_norm `%s` of %s sees one value of each channel in %s of 1, and one value has no variance; %s",
                     info.layer.name, hg_block_name(info.block), batch == 1 ? "a batch" : "an epoch's last batch",
                     batch == 1 ? "take at least 2" : "take another batch_size, or another limit");
  }
  return HG_OK;
}

/* Something is left to be trained. */
static hg_code check_frozen(hg_reader *reader, const hg_model *model, const hg_network *network) {
  int frozen = 0;
  for (int i = 0; i < hg_network_layer_count(network); i++) {
    hg_layer_info info;
    hg_network_layer_info(network, i, &info);
    bool held = info.block == HG_ENCODER && model->freeze;
    if (!held && info.frozen < info.parameters) return HG_OK;
    frozen += info.parameters > 0;
  }
  return frozen == 0 ? HG_OK
                     : hg_reject(reader, model_key(reader, model),
                                 "every layer of `%s` that has weights is frozen: nothing is left to train", model->name);
}

static hg_code check_network(hg_reader *reader, const hg_model *model) {
  hg_network *network = hg_network_new(model->input);
  spot at = {0};
  if (network == NULL) return hg_fail_memory(reader->error, "network", 0);
  hg_code code = add_layers(reader->study, model, network, &at, reader->error);
  if (code == HG_USAGE) code = reject_spot(reader, model, &at);
  if (code == HG_OK) code = check_outputs(reader, model, network);
  if (code == HG_OK) {
    code = set_losses_and_engine(model, network, &at, reader->error);
    if (code == HG_USAGE) code = reject_spot(reader, model, &at);
  }
  if (code == HG_OK) code = check_norms(reader, model, network);
  if (code == HG_OK) code = check_frozen(reader, model, network);
  hg_network_free(network);
  return code;
}

/* ---------------------------------------------------------------- the whole */

hg_code hg_reject_source(hg_reader *reader, const hg_node *entry, hg_code code) {
  hg_error cause = *reader->error;
  const hg_node *classes = hg_node_get(entry, "classes"), *source = hg_node_get(entry, "source");
  if (code != HG_USAGE && code != HG_DATA) return code;
  if (code == HG_USAGE) return hg_reject(reader, classes == NULL ? entry : classes, "%s", cause.message);
  hg_reject(reader, source == NULL ? entry : source, "%s: %s", cause.place, cause.message);
  reader->error->code = code;
  return code;
}

static int64_t training_images(const hg_data_settings *data, int64_t most) {
  return data->limit > 0 && data->limit < most ? data->limit : most;
}

static int64_t left_to_train(const hg_data_settings *data, int64_t most) {
  int64_t images = training_images(data, most);
  return data->validation > 0 ? images - hg_data_images(data->validation, images) : images;
}

/* From a single image no validation part can be cut, however small: then the test part took too much. */
static hg_code check_test(hg_reader *reader, const hg_data_settings *data, const hg_data_outline *outline) {
  bool alone = outline->most == 1 && data->validation > 0;
  if (outline->most == outline->uncut || (outline->most > 0 && !alone)) return HG_OK;
  const hg_node *entry = hg_node_get(reader->data_nodes, data->name), *test = hg_node_get(entry, "test");
  return hg_reject(reader, test == NULL ? entry : test, "`test: %.12g` leaves %s: the %s %lld image%s", data->test,
                   alone ? "one image, which training and validation cannot share" : "nothing to train on",
                   data->class_count > 0 ? "chosen classes have" : "set has", (long long)outline->uncut,
                   outline->uncut == 1 ? "" : "s");
}

/* Before anything is read: a validation part that leaves nothing to train on. */
static hg_code check_validation(hg_reader *reader, const hg_data_settings *data, int64_t most) {
  if (left_to_train(data, most) > 0) return HG_OK;
  int64_t images = training_images(data, most);
  const hg_node *entry = hg_node_get(reader->data_nodes, data->name), *validation = hg_node_get(entry, "validation");
  return hg_reject(reader, validation == NULL ? entry : validation,
                   "`validation: %.12g` leaves nothing to train on: %s %lld training images", data->validation,
                   images < most           ? "`limit` allows"
                   : data->class_count > 0 ? "the chosen classes have at most"
                                           : "the set has at most",
                   (long long)images);
}

/* The shape and classes of every data set that a model uses. */
static hg_code look_at_data(hg_reader *reader) {
  hg_study *study = reader->study;
  for (int d = 0; d < study->data_count; d++) {
    hg_data_outline outline = {0};
    bool looked = false;
    for (int m = 0; m < study->model_count; m++) {
      if (study->models[m].data != d) continue;
      hg_code code = looked ? HG_OK : hg_data_peek(&study->data[d], study->folder, &outline, reader->error);
      if (code != HG_OK) return hg_reject_source(reader, hg_node_get(reader->data_nodes, study->data[d].name), code);
      if (!looked) code = check_test(reader, &study->data[d], &outline);
      if (!looked && code == HG_OK) code = check_validation(reader, &study->data[d], outline.most);
      if (code != HG_OK) return code;
      looked = true;
      study->models[m].input = outline.shape;
      study->models[m].classes = outline.classes;
      study->models[m].images = left_to_train(&study->data[d], outline.most);
    }
  }
  return HG_OK;
}

/* For a classifier of any kind. */
static hg_code check_classes(hg_reader *reader, const hg_model *model) {
  if (model->classes >= 2) return HG_OK;
  return hg_reject(reader, place_of(reader, model, "data"), "`%s` has %s; from 2 classes on there is something to tell apart",
                   reader->study->data[model->data].name, model->classes == 0 ? "no labels" : "1 class");
}

/* The code that a classical model takes for features, as one row; false where the network cannot be made. */
static bool find_code(const hg_reader *reader, const hg_model *model, hg_shape *code) {
  hg_network *network = NULL;
  if (hg_study_network(reader->study, model->features_from, &network, NULL) != HG_OK) return false;
  *code = (hg_shape){1, 1, (int)hg_shape_count(hg_network_block_output(network, HG_ENCODER))};
  hg_network_free(network);
  return true;
}

static hg_code check_classical(hg_reader *reader, const hg_model *model) {
  hg_error cause = {0};
  hg_code code = check_classes(reader, model);
  if (code != HG_OK) return code;
  int64_t samples = model->limit > 0 && model->limit < model->images ? model->limit : model->images;
  if (model->classical.kind == HG_KNN && model->classical.k > samples)
    return hg_reject(reader, place_in(reader, model, "knn", "k"), "%d neighbours, but at most %lld training images",
                     model->classical.k, (long long)samples);
  hg_shape seen = model->input;
  if (model->features_from >= 0 && !find_code(reader, model, &seen)) return HG_OK; /* the network's own check tells why */
  if (hg_features_check(&model->features, seen, samples, &cause) == HG_OK) return HG_OK;
  return hg_reject(reader, place_in(reader, model, "features", cause.place), "%s", cause.message);
}

static hg_code check_model(hg_reader *reader, const hg_model *model) {
  hg_code code = check_references(reader, model);
  if (code != HG_OK) return code;
  if (model->kind == HG_MODEL_CLASSICAL) return check_classical(reader, model);
  code = check_losses(reader, model);
  if (code == HG_OK && model->blocks[HG_CLASSIFIER].count > 0) code = check_classes(reader, model);
  if (code == HG_OK) code = check_training(reader, model);
  if (code == HG_OK) code = check_factors(reader, model);
  if (code == HG_OK) code = check_views(reader, model);
  if (code == HG_OK) code = check_pixels(reader, model);
  if (code == HG_OK) code = check_network(reader, model);
  return code;
}

static hg_code check_order(hg_reader *reader, int *order) {
  hg_code code = hg_study_order(reader->study, order, reader->error);
  if (code != HG_USAGE) return code;
  hg_error cause = *reader->error;
  const hg_model *first = &reader->study->models[hg_study_find_model(reader->study, cause.place)];
  return hg_reject(reader, place_in(reader, first, first->from >= 0 ? "encoder" : "features", "from"), "%s", cause.message);
}

hg_code hg_study_check(hg_reader *reader) {
  const hg_study *study = reader->study;
  int *order = hg_calloc((size_t)study->model_count, sizeof *order);
  if (order == NULL) return hg_fail_memory(reader->error, "order of models", (size_t)study->model_count * sizeof *order);
  hg_code code = check_order(reader, order);
  if (code == HG_OK) code = look_at_data(reader);
  for (int i = 0; i < study->model_count && code == HG_OK; i++) code = check_model(reader, &study->models[order[i]]);
  hg_free(order);
  return code;
}
