/* The codes of a network's test images: how far classes lie apart in them, and maps of them in the plane. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/shape.h"
#include "eval/distances.h"
#include "eval/tsne.h"
#include "store/predictions.h"
#include "study/analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Test images in one batch; the default perplexity; neighbours that trustworthiness asks for; codes wider than WIDEST are
 * brought to REDUCED principal components before t-SNE, as van der Maaten and Hinton do; fewer images make no map; codes of more
 * numbers than HUGE_WIDTH, whose components would take minutes, are mapped as a short training's are. */
enum { BATCH = 256, PERPLEXITY = 40, NEIGHBOURS = 12, WIDEST = 128, REDUCED = 50, FEWEST = 30, HUGE_WIDTH = 8192 };

typedef struct code_set {
  hg_map_choice choice;
  int width;
  const char *space;    /* code or penultimate */
  float *values;        /* (choice.count, width) */
  int32_t *labels;      /* (choice.count), -1 where there are none */
  int32_t *predictions; /* (choice.count), or NULL */
} code_set;

static void release(code_set *codes) {
  hg_map_choice_release(&codes->choice);
  hg_free(codes->values);
  hg_free(codes->labels);
  hg_free(codes->predictions);
}

/* ---------------------------------------------------------------- which layer is the code */

static bool has_weights(hg_layer_kind kind) { return kind == HG_DENSE || kind == HG_CONV2D || kind == HG_CONV2D_TRANSPOSE; }

/* Layers of the classifier before the one that makes the logits. */
static int hidden_layers(const hg_network *network) {
  int count = 0, hidden = 0;
  hg_layer_info info;
  for (int i = 0; i < hg_network_layer_count(network); i++) {
    hg_network_layer_info(network, i, &info);
    if (info.block != HG_CLASSIFIER) continue;
    if (has_weights(info.layer.kind)) hidden = count;
    count++;
  }
  return hidden;
}

/* A decoder works from the code; a classifier's last hidden layer tells more of it than a map before it, and an encoder that
 * ends in a vector was made to be looked at. */
static bool wants_penultimate(const hg_network *network) {
  if (hg_network_has(network, HG_DECODER)) return false;
  bool vector = hg_network_has(network, HG_ENCODER) && !hg_shape_is_map(hg_network_block_output(network, HG_ENCODER));
  return !vector && hidden_layers(network) > 0;
}

static void copy_weights(hg_network *from, hg_network *to) {
  for (int i = 0; i < hg_network_tensor_count(to); i++) {
    hg_tensor *target = hg_network_tensor(to, i);
    for (int j = 0; j < hg_network_tensor_count(from); j++) {
      const hg_tensor *source = hg_network_tensor(from, j);
      if (strcmp(source->name, target->name) == 0 && source->count == target->count)
        memcpy(target->value, source->value, (size_t)source->count * sizeof *source->value);
    }
  }
}

/* The network without its decoder and without the layer that makes the logits: what would be logits is the last hidden layer. */
static hg_code cut(hg_network *network, hg_network **out, hg_error *error) {
  int hidden = hidden_layers(network), taken = 0;
  hg_network *made = hg_network_new(hg_network_input_shape(network));
  hg_code code =
      made == NULL ? hg_fail_memory(error, "network", 1) : hg_network_set_engine(made, hg_network_engine(network), error);
  for (int i = 0; code == HG_OK && i < hg_network_layer_count(network); i++) {
    hg_layer_info info;
    hg_network_layer_info(network, i, &info);
    bool wanted = info.block == HG_ENCODER || (info.block == HG_CLASSIFIER && taken++ < hidden);
    if (wanted) code = hg_network_add(made, info.block, &info.layer, error);
  }
  if (code == HG_OK) code = hg_network_initialize(made, 0, error);
  if (code != HG_OK) {
    hg_network_free(made);
    return code;
  }
  copy_weights(network, made);
  *out = made;
  return HG_OK;
}

/* ---------------------------------------------------------------- codes */

static hg_code take_room(code_set *codes, const hg_network *network, bool penultimate, hg_error *error) {
  hg_shape shape = hg_network_block_output(network, penultimate ? HG_CLASSIFIER : HG_ENCODER);
  size_t count = (size_t)codes->choice.count;
  codes->width = (int)hg_shape_count(shape);
  codes->space = penultimate ? "penultimate" : "code";
  codes->values = hg_malloc(count * (size_t)codes->width * sizeof(float));
  codes->labels = hg_malloc(count * sizeof(int32_t));
  bool whole = codes->values != NULL && codes->labels != NULL;
  return whole ? HG_OK : hg_fail_memory(error, "codes", count * (size_t)codes->width * sizeof(float));
}

/* Codes of the chosen images as they are, without corruption. */
static hg_code encode(hg_runner *runner, hg_network *network, bool penultimate, const hg_dataset *test, code_set *codes,
                      hg_error *error) {
  hg_dataset *chosen = NULL;
  hg_batches *batches = NULL;
  hg_batches_settings settings = {.seed = 1, .batch_size = BATCH};
  hg_code code = take_room(codes, network, penultimate, error);
  if (code == HG_OK) code = hg_dataset_subset(test, codes->choice.index, codes->choice.count, &chosen, error);
  if (code == HG_OK) code = hg_network_prepare(network, BATCH, false, runner->pool, error);
  if (code == HG_OK) code = hg_batches_new(chosen, &settings, &batches, error);
  const hg_batch *batch;
  float *out = codes->values;
  while (code == HG_OK && (batch = hg_batches_next(batches)) != NULL) {
    hg_batch inputs = {.n = batch->n, .input = batch->input, .index = batch->index};
    hg_step_result result;
    hg_network_forward(network, &inputs, &result);
    size_t values = (size_t)batch->n * (size_t)codes->width;
    memcpy(out, penultimate ? hg_network_logits(network) : hg_network_code(network), values * sizeof *out);
    out += values;
  }
  for (int64_t i = 0; code == HG_OK && i < codes->choice.count; i++)
    codes->labels[i] = chosen->labels == NULL ? -1 : chosen->labels[i];
  hg_batches_free(batches);
  hg_dataset_free(chosen);
  return code;
}

static hg_code make_codes(hg_runner *runner, const hg_planned_run *run, code_set *codes, hg_error *error) {
  const hg_model *model = &runner->study->models[run->model];
  const hg_dataset *test = runner->data[model->data].test;
  hg_network *network = NULL, *shortened = NULL;
  hg_code code = hg_map_choice_new(test, runner->study->data[model->data].seed, HG_MAP_POINTS, &codes->choice, error);
  if (code == HG_OK) code = hg_runner_trained(runner, run, &network, error);
  bool penultimate = code == HG_OK && wants_penultimate(network);
  if (penultimate) code = cut(network, &shortened, error);
  if (code == HG_OK && (penultimate || hg_network_has(network, HG_ENCODER)))
    code = encode(runner, penultimate ? shortened : network, penultimate, test, codes, error);
  hg_network_free(shortened);
  hg_network_free(network);
  return code;
}

/* Leaves the images that a page draws, of which there are fewer. */
static hg_code keep_drawn(code_set *codes, const hg_dataset *test, uint64_t seed, hg_error *error) {
  hg_map_choice few = {0};
  hg_code code = hg_map_choice_new(test, seed, HG_MAP_DRAWN, &few, error);
  if (code != HG_OK) return code;
  int64_t from = 0;
  for (int64_t i = 0; i < few.count; i++) {
    while (codes->choice.index[from] != few.index[i]) from++; /* both rise */
    memmove(codes->values + i * codes->width, codes->values + from * codes->width, (size_t)codes->width * sizeof(float));
    codes->labels[i] = codes->labels[from];
  }
  hg_map_choice_release(&codes->choice);
  codes->choice = few;
  return HG_OK;
}

/* What the run predicted for the chosen images. */
static hg_code find_predictions(hg_runner *runner, const hg_planned_run *run, code_set *codes, hg_error *error) {
  char *path = NULL;
  hg_safetensors file = {0};
  hg_code code = hg_store_run_file(runner->store, &run->record, "predictions.safetensors", &path, error);
  if (code == HG_OK) code = hg_safetensors_read(path, &file, error);
  hg_predictions found = {0};
  if (code == HG_OK) code = hg_predictions_find(&file, path, &found, error);
  int64_t last = codes->choice.count == 0 ? 0 : codes->choice.index[codes->choice.count - 1];
  if (found.count > last) {
    codes->predictions = hg_malloc((size_t)codes->choice.count * sizeof(int32_t));
    if (codes->predictions == NULL) code = hg_fail_memory(error, "predictions", (size_t)codes->choice.count * sizeof(int32_t));
    for (int64_t i = 0; code == HG_OK && i < codes->choice.count; i++)
      codes->predictions[i] = hg_argmax(found.probabilities + codes->choice.index[i] * found.classes, found.classes);
  }
  hg_safetensors_release(&file);
  hg_free(path);
  return code;
}

/* ---------------------------------------------------------------- maps */

/* After fewer training images than these a map has the drawn ones alone. */
static const int64_t SHORT_TRAINING = 300000;

static bool wants_codes(const hg_study *study, const hg_model *model) {
  if (study->code_maps != HG_CODE_MAPS_AUTO) return study->code_maps == HG_CODE_MAPS_YES;
  if (model->from >= 0 || model->blocks[HG_ENCODER].count > 0) return true;
  const hg_model_block *classifier = &model->blocks[HG_CLASSIFIER];
  for (int i = 0; i < classifier->count; i++)
    if (classifier->layers[i].kind == HG_CONV2D) return true;
  return false;
}

static bool is_short(const hg_runner *runner, const hg_planned_run *run) {
  const hg_data *data = &runner->data[runner->study->models[run->model].data];
  return run->record.epochs * data->train->count < SHORT_TRAINING;
}

typedef struct code_maps {
  hg_tsne_result tsne;
  float *pca; /* (count, 2) */
  float perplexity;
  int reduced; /* components that t-SNE was given; 0 = the codes */
  double trustworthiness, pca_trustworthiness, pca_explained;
} code_maps;

/* *out (count, components): scores on the largest principal components. */
static hg_code project(hg_runner *runner, const code_set *codes, int components, float **out, hg_error *error) {
  hg_feature_settings settings = {.pca = components};
  hg_features *features = NULL;
  hg_shape shape = {1, 1, codes->width};
  hg_code code = hg_features_fit(&settings, shape, codes->values, codes->choice.count, runner->pool, NULL, &features, error);
  if (code == HG_OK) code = hg_features_apply(features, codes->values, codes->choice.count, runner->pool, NULL, out, error);
  hg_features_free(features);
  return code;
}

/* The first two of the components, which are the same however many are asked for. */
static hg_code first_two(const float *components, int64_t count, int width, float **out, hg_error *error) {
  *out = hg_malloc((size_t)count * 2 * sizeof **out);
  if (*out == NULL) return hg_fail_memory(error, "map of codes", (size_t)count * 2 * sizeof **out);
  for (int64_t i = 0; i < count; i++) memcpy(*out + 2 * i, components + i * width, 2 * sizeof **out);
  return HG_OK;
}

static double variance_of(const float *values, int64_t count, int width) {
  double total = 0;
  for (int j = 0; j < width; j++) {
    double mean = 0, squares = 0;
    for (int64_t i = 0; i < count; i++) mean += (double)values[i * width + j] / (double)count;
    for (int64_t i = 0; i < count; i++)
      squares += ((double)values[i * width + j] - mean) * ((double)values[i * width + j] - mean);
    total += squares / (double)count;
  }
  return total;
}

static bool go_on(void *context, const hg_tsne_progress *progress) {
  (void)progress;
  return !hg_runner_stopped(context);
}

static hg_code embed(hg_runner *runner, const float *points, int64_t count, int width, code_maps *maps, hg_error *error) {
  hg_tsne_settings settings = hg_tsne_settings_default();
  settings.perplexity = maps->perplexity;
  settings.progress = go_on;
  settings.progress_context = runner;
  hg_code code = hg_tsne(points, count, width, &settings, runner->pool, &maps->tsne, error);
  if (code == HG_OK)
    code =
        hg_trustworthiness(points, maps->tsne.embedding, count, width, NEIGHBOURS, runner->pool, &maps->trustworthiness, error);
  if (code == HG_OK)
    code = hg_trustworthiness(points, maps->pca, count, width, NEIGHBOURS, runner->pool, &maps->pca_trustworthiness, error);
  return code;
}

static hg_code make_maps(hg_runner *runner, const code_set *codes, code_maps *maps, hg_error *error) {
  int64_t count = codes->choice.count;
  float *components = NULL;
  *maps = (code_maps){.perplexity = fminf(PERPLEXITY, floorf((float)(count - 1) / 3)),
                      .reduced = codes->width > WIDEST ? REDUCED : 0};
  if (maps->reduced > count - 1) maps->reduced = (int)count - 1;
  hg_code code = project(runner, codes, maps->reduced > 0 ? maps->reduced : 2, &components, error);
  if (code == HG_OK) code = first_two(components, count, maps->reduced > 0 ? maps->reduced : 2, &maps->pca, error);
  double variance = variance_of(codes->values, count, codes->width);
  if (code == HG_OK) maps->pca_explained = variance > 0 ? variance_of(maps->pca, count, 2) / variance : (double)NAN;
  if (code == HG_OK)
    code = maps->reduced > 0 ? embed(runner, components, count, maps->reduced, maps, error)
                             : embed(runner, codes->values, count, codes->width, maps, error);
  hg_free(components);
  return code;
}

/* ---------------------------------------------------------------- what is kept */

typedef struct remarks {
  char values[9][32];
  const char *pairs[19];
} remarks;

static void write_remarks(const code_set *codes, const code_maps *maps, remarks *r) {
  static const char *const keys[9] = {"width",         "space",           "perplexity", "iterations",         "reduced",
                                      "kl_divergence", "trustworthiness", "neighbours", "pca_trustworthiness"};
  snprintf(r->values[0], sizeof r->values[0], "%d", codes->width);
  snprintf(r->values[1], sizeof r->values[1], "%s", codes->space);
  snprintf(r->values[2], sizeof r->values[2], "%g", (double)maps->perplexity);
  snprintf(r->values[3], sizeof r->values[3], "%d", maps->tsne.iterations);
  snprintf(r->values[4], sizeof r->values[4], "%d", maps->reduced);
  snprintf(r->values[5], sizeof r->values[5], "%.17g", maps->tsne.kl_divergence);
  snprintf(r->values[6], sizeof r->values[6], "%.17g", maps->trustworthiness);
  snprintf(r->values[7], sizeof r->values[7], "%d", NEIGHBOURS);
  snprintf(r->values[8], sizeof r->values[8], "%.17g", maps->pca_trustworthiness);
  for (int i = 0; i < 9; i++) {
    r->pairs[2 * i] = keys[i];
    r->pairs[2 * i + 1] = r->values[i];
  }
  r->pairs[18] = NULL;
}

static hg_code write_maps(const char *path, const code_set *codes, const code_maps *maps, hg_error *error) {
  int64_t count = codes->choice.count;
  hg_named_tensor tensors[6] = {
      {.name = "index", .dtype = HG_I64, .rank = 1, .dim = {count}, .data = codes->choice.index},
      {.name = "drawn", .dtype = HG_I64, .rank = 1, .dim = {codes->choice.drawn_count}, .data = codes->choice.drawn},
      {.name = "labels", .dtype = HG_I32, .rank = 1, .dim = {count}, .data = codes->labels},
      {.name = "tsne", .dtype = HG_F32, .rank = 2, .dim = {count, 2}, .data = maps->tsne.embedding},
      {.name = "pca", .dtype = HG_F32, .rank = 2, .dim = {count, 2}, .data = maps->pca},
      {.name = "predictions", .dtype = HG_I32, .rank = 1, .dim = {count}, .data = codes->predictions}};
  remarks r;
  write_remarks(codes, maps, &r);
  return hg_safetensors_write(path, tensors, codes->predictions == NULL ? 5 : 6, r.pairs, error);
}

static hg_code put_distances(hg_runner *runner, const hg_planned_run *run, const code_set *codes, hg_error *error) {
  const hg_dataset *test = runner->data[runner->study->models[run->model].data].test;
  hg_class_distances found;
  hg_code code =
      hg_class_distances_of(codes->values, codes->labels, codes->choice.count, codes->width, test->classes, &found, error);
  if (code == HG_OK) code = hg_store_begin(runner->store, error);
  if (code != HG_OK) return code;
  code = hg_runner_put_metric(runner, &run->record, "codes.intra_class_distance", found.intra, error);
  if (code == HG_OK) code = hg_runner_put_metric(runner, &run->record, "codes.inter_class_distance", found.inter, error);
  if (code == HG_OK && found.intra > 0)
    code = hg_runner_put_metric(runner, &run->record, "codes.separation", found.inter / found.intra, error);
  if (code == HG_OK) code = hg_runner_put_metric(runner, &run->record, "codes.width", codes->width, error);
  return hg_store_finish(runner->store, code, error);
}

static hg_code put_maps(hg_runner *runner, const hg_planned_run *run, code_set *codes, const char *path, hg_error *error) {
  code_maps maps = {0};
  int data = runner->study->models[run->model].data;
  hg_code code = HG_OK;
  if (runner->study->code_maps == HG_CODE_MAPS_AUTO && (is_short(runner, run) || codes->width > HUGE_WIDTH))
    code = keep_drawn(codes, runner->data[data].test, runner->study->data[data].seed, error);
  if (code == HG_OK) code = find_predictions(runner, run, codes, error);
  if (code == HG_OK) code = make_maps(runner, codes, &maps, error);
  const struct {
    const char *name;
    double value;
  } figures[] = {{"codes.tsne_kl_divergence", maps.tsne.kl_divergence},
                 {"codes.tsne_trustworthiness", maps.trustworthiness},
                 {"codes.pca_trustworthiness", maps.pca_trustworthiness},
                 {"codes.pca_explained", maps.pca_explained}};
  for (size_t i = 0; code == HG_OK && i < sizeof figures / sizeof figures[0]; i++)
    code = hg_runner_put_metric(runner, &run->record, figures[i].name, figures[i].value, error);
  if (code == HG_OK) code = write_maps(path, codes, &maps, error); /* last: it says that all is there */
  hg_tsne_result_release(&maps.tsne);
  hg_free(maps.pca);
  return code;
}

/* Whether the map is there, of as many images as the study wants of it. */
static bool has_map(const hg_runner *runner, const hg_planned_run *run, const char *path) {
  hg_safetensors file;
  if (runner->study->code_maps == HG_CODE_MAPS_AUTO) return hg_safetensors_is_sound(path);
  if (!hg_path_exists(path) || hg_safetensors_read(path, &file, NULL) != HG_OK) return false;
  const hg_named_tensor *index = hg_safetensors_find(&file, "index");
  int64_t images = runner->data[runner->study->models[run->model].data].test->count;
  bool whole = index != NULL && index->rank == 1 && index->dim[0] >= (images < HG_MAP_POINTS ? images : HG_MAP_POINTS);
  hg_safetensors_release(&file);
  return whole;
}

hg_code hg_runner_drop_codes(hg_runner *runner, const hg_run_record *record, int model, hg_error *error) {
  if (wants_codes(runner->study, &runner->study->models[model])) return HG_OK;
  return hg_store_drop_findings(runner->store, record, "codes.*", "codes.safetensors", error);
}

hg_code hg_runner_map_codes(hg_runner *runner, const hg_planned_run *run, bool mapped, hg_error *error) {
  if (!wants_codes(runner->study, &runner->study->models[run->model])) return HG_OK;
  char *path = NULL;
  double width = (double)NAN;
  code_set codes = {0};
  hg_code code = hg_store_run_file(runner->store, &run->record, "codes.safetensors", &path, error);
  if (code == HG_OK) code = hg_runner_metric(runner, &run->record, "codes.width", &width, error);
  bool map_missing = code == HG_OK && mapped && !has_map(runner, run, path);
  if (code == HG_OK && (isnan(width) || map_missing)) code = make_codes(runner, run, &codes, error);
  if (code == HG_OK && codes.values != NULL) {
    if (isnan(width)) code = put_distances(runner, run, &codes, error);
    if (code == HG_OK && map_missing && codes.width >= 2 && codes.choice.count >= FEWEST)
      code = put_maps(runner, run, &codes, path, error);
  }
  release(&codes);
  hg_free(path);
  return code;
}
