/* A store as a finished study leaves it, without any training: curves, predictions and images come from formulas.
 * It serves the tests of the report, and shows the page before there is anything to report. */
#ifndef DEMO_STORE_H
#define DEMO_STORE_H

#include "base/alloc.h"
#include "base/rng.h"
#include "eval/metrics.h"
#include "store/safetensors.h"
#include "store/store.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DEMO_CLASSES = 10, DEMO_TEST = 2000, DEMO_SIDE = 28, DEMO_PIXELS = DEMO_SIDE * DEMO_SIDE, DEMO_SHOWN = 48 };

static const char demo_classes[] =
    "[\"T-shirt/top\", \"trouser\", \"pullover\", \"dress\", \"coat\", \"sandal\", \"shirt\", \"sneaker\", \"bag\", \"ankle "
    "boot\"]";

typedef struct demo_model {
  const char *name, *kind, *data;
  int position, epochs;
  int64_t parameters;
  double accuracy; /* 0 = an autoencoder */
  double seconds;
} demo_model;

static const demo_model demo_models[] = {
    {"cnn", "network", "garments", 0, 20, 241546, 0.926, 61.2},
    {"denoiser", "network", "digits", 1, 24, 49761, 0, 88.0},
    {"transfer", "network", "garments", 2, 14, 26298, 0.912, 33.9},
    {"logistic_regression", "logistic_regression", "garments", 3, 0, 7850, 0.842, 12.5},
    {"naive_bayes", "naive_bayes", "garments", 4, 0, 15690, 0.591, 0.4},
};
enum { DEMO_MODELS = sizeof demo_models / sizeof demo_models[0] };

static void demo_check(hg_code code, const hg_error *error) {
  if (code != HG_OK) fail_msg("%s: %s", error->place, error->message);
}

static void demo_facts(hg_store *store) {
  static const char *const facts[][2] = {
      {"name", "denoise-and-transfer"},
      {"about", "Does an encoder that learned to clean digits help to tell garments apart?"},
      {"yaml",
       "study: denoise-and-transfer\nabout: Does an encoder that learned to clean digits help?\nseeds: [1, 2, 3]\n\n"
       "data:\n  digits:   {source: mnist, validation: 12000}\n  garments: {source: fashion-mnist, validation: 6000}\n"},
      {"yaml_path", "studies/denoise-and-transfer.yaml"},
      {"version", "0.1.0"},
      {"threads", "2"},
      {"instruction_set", "avx512"},
      {"command", "hourglass run studies/denoise-and-transfer.yaml --out out/denoise"},
      {"seeds", "1, 2, 3"},
      {"rows", "{\"models\": {\"cnn\": {\"id\": \"B2\", \"note\": \"the ten-class table\"}}, \"published\": []}"},
      {"started", "2026-11-21T09:40:00Z"},
  };
  hg_error error;
  for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
    demo_check(hg_store_set_fact(store, facts[i][0], facts[i][1], &error), &error);
}

static void demo_data(hg_store *store) {
  hg_error error;
  char names[sizeof demo_classes], digits[] = "[\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]";
  memcpy(names, demo_classes, sizeof names);
  hg_data_record garments = {.name = "garments",
                             .source = "fashion-mnist",
                             .shape = {28, 28, 1},
                             .train = 54000,
                             .validation = 6000,
                             .test = DEMO_TEST,
                             .classes = DEMO_CLASSES,
                             .class_names = names};
  hg_data_record mnist = {.name = "digits",
                          .source = "mnist",
                          .shape = {28, 28, 1},
                          .train = 48000,
                          .validation = 12000,
                          .test = DEMO_TEST,
                          .classes = DEMO_CLASSES,
                          .class_names = digits};
  memset(garments.digest, 'a', 64);
  memset(mnist.digest, 'b', 64);
  demo_check(hg_store_put_data(store, &garments, &error), &error);
  demo_check(hg_store_put_data(store, &mnist, &error), &error);
}

static void demo_history(hg_store *store, int64_t run, const demo_model *model, uint64_t seed) {
  hg_epoch epochs[64];
  hg_error error;
  hg_rng rng = hg_rng_at(seed, HG_RNG_TEST, (uint32_t)model->position, 1);
  for (int e = 0; e < model->epochs; e++) {
    double t = (double)(e + 1), noise = 0.01 * hg_rng_normal(&rng), fall = exp(-t / 4);
    epochs[e] = (hg_epoch){.epoch = e + 1, .learning_rate = 1e-3, .seconds = model->seconds / model->epochs};
    hg_epoch *out = &epochs[e];
    out->center_loss = out->val_center_loss = NAN;
    out->accuracy = out->val_accuracy = out->classification_loss = out->val_classification_loss = NAN;
    out->reconstruction_loss = out->val_reconstruction_loss = NAN;
    if (model->accuracy > 0) {
      out->accuracy = model->accuracy + 0.02 - 0.35 * fall + 0.05 * (1 - exp(-t / 20)) * model->accuracy;
      out->val_accuracy = model->accuracy - 0.25 * fall + 0.4 * noise;
      out->loss = out->classification_loss = 0.16 + 0.9 * fall;
      out->val_loss = out->val_classification_loss = 0.24 + 0.6 * fall + noise;
    } else {
      out->loss = out->reconstruction_loss = 0.0085 + 0.06 * fall;
      out->val_loss = out->val_reconstruction_loss = 0.0092 + 0.05 * fall + 0.03 * noise;
    }
  }
  demo_check(hg_store_put_history(store, run, epochs, model->epochs, &error), &error);
}

/* A silhouette of its class: sleeves, legs, soles; enough to tell them apart at a glance. */
static void demo_image(int label, hg_rng *rng, uint8_t image[DEMO_PIXELS]) {
  static const struct {
    float top, bottom, waist, hem, sleeve;
  } forms[DEMO_CLASSES] = {{5, 22, 6, 6, 8},   {3, 25, 4, 6, 0},  {4, 24, 6, 7, 18},  {3, 25, 3, 7, 0},  {3, 25, 6, 8, 19},
                           {15, 20, 9, 12, 0}, {4, 24, 6, 6, 12}, {12, 20, 8, 12, 0}, {9, 24, 9, 10, 0}, {4, 24, 5, 10, 0}};
  float grey = 90 + 120 * hg_rng_uniform(rng), shift = 2 * hg_rng_uniform(rng) - 1;
  for (int i = 0; i < DEMO_PIXELS; i++) {
    float y = (float)(i / DEMO_SIDE), x = fabsf((float)(i % DEMO_SIDE) - 13.5f - shift);
    float t = (y - forms[label].top) / (forms[label].bottom - forms[label].top);
    bool inside = t >= 0 && t <= 1 && x < forms[label].waist + t * (forms[label].hem - forms[label].waist);
    inside = inside || (forms[label].sleeve > 0 && y > forms[label].top && y < forms[label].sleeve && x < 8 + t * 4);
    if (label == 1 && t > 0.35f && x < 1) inside = false;
    if (label == 8 && y > 4 && y < 9 && x < 6 && x > 4) inside = true;
    float value = inside ? grey + 30 * hg_rng_normal(rng) * 0.5f : 0;
    image[i] = (uint8_t)fminf(255, fmaxf(0, value));
  }
}

/* Probabilities that are right as often as the model's accuracy says, and surer when right. */
static void demo_probabilities(const demo_model *model, int label, hg_rng *rng, float row[DEMO_CLASSES]) {
  bool right = hg_rng_uniform(rng) < model->accuracy;
  int neighbour = (label + 2 + (int)hg_rng_below(rng, 3) * 2) % DEMO_CLASSES;
  int predicted = right || neighbour == label ? label : neighbour;
  float sure = right ? 0.7f + 0.29f * hg_rng_uniform(rng) : 0.45f + 0.5f * hg_rng_uniform(rng), rest = 0;
  for (int k = 0; k < DEMO_CLASSES; k++) rest += row[k] = 0.02f + hg_rng_uniform(rng) * (k == label ? 3 : 1);
  rest -= row[predicted];
  for (int k = 0; k < DEMO_CLASSES; k++) row[k] = k == predicted ? sure : row[k] / rest * (1 - sure);
}

static char *demo_path(hg_store *store, const hg_run_record *record, const char *file) {
  hg_error error;
  char *folder;
  demo_check(hg_store_run_folder(store, record, &folder, &error), &error);
  size_t size = strlen(folder) + strlen(file) + 2;
  char *path = hg_malloc(size);
  assert_non_null(path);
  snprintf(path, size, "%s/%s", folder, file);
  hg_free(folder);
  return path;
}

static void demo_write(hg_store *store, const hg_run_record *record, const char *file, const hg_named_tensor *tensors,
                       int count) {
  hg_error error;
  char *path = demo_path(store, record, file);
  demo_check(hg_safetensors_write(path, tensors, count, NULL, &error), &error);
  hg_free(path);
}

static float demo_table[DEMO_TEST * DEMO_CLASSES];
static int32_t demo_labels[DEMO_TEST];

static void demo_predictions(hg_store *store, const hg_run_record *record, const demo_model *model) {
  hg_classification_report report;
  hg_error error;
  hg_rng rng = hg_rng_at(record->seed, HG_RNG_TEST, (uint32_t)model->position, 2);
  for (int i = 0; i < DEMO_TEST; i++) {
    demo_labels[i] = i * 7 % DEMO_CLASSES;
    demo_probabilities(model, demo_labels[i], &rng, demo_table + (size_t)i * DEMO_CLASSES);
  }
  const hg_named_tensor tensors[] = {{"labels", HG_I32, 1, {DEMO_TEST}, demo_labels},
                                     {"probabilities", HG_F32, 2, {DEMO_TEST, DEMO_CLASSES}, demo_table}};
  demo_write(store, record, "predictions.safetensors", tensors, 2);
  demo_check(hg_classification_report_new(demo_table, demo_labels, DEMO_TEST, DEMO_CLASSES, &report, &error), &error);
  demo_check(hg_store_put_metric(store, record->id, "test.accuracy", report.accuracy, &error), &error);
  demo_check(hg_store_put_metric(store, record->id, "test.loss", report.log_loss, &error), &error);
  demo_check(hg_store_put_metric(store, record->id, "test.macro_f1", report.macro.f1, &error), &error);
  hg_classification_report_release(&report);
}

/* First images as they come, then mistakes. */
static void demo_samples(hg_store *store, const hg_run_record *record, const demo_model *model) {
  static uint8_t original[DEMO_SHOWN * DEMO_PIXELS], input[DEMO_SHOWN * DEMO_PIXELS], rebuilt[DEMO_SHOWN * DEMO_PIXELS];
  int64_t index[DEMO_SHOWN];
  int32_t labels[DEMO_SHOWN];
  float rows[DEMO_SHOWN * DEMO_CLASSES];
  hg_rng rng = hg_rng_at(record->seed, HG_RNG_TEST, (uint32_t)model->position, 3);
  int next = 0;
  for (int m = 0; m < DEMO_SHOWN; m++, next++) {
    bool classifies = model->accuracy > 0;
    while (classifies && m >= DEMO_SHOWN / 2 && next + 1 < DEMO_TEST &&
           hg_argmax(demo_table + (size_t)next * DEMO_CLASSES, DEMO_CLASSES) == demo_labels[next])
      next++;
    index[m] = next;
    labels[m] = next * 7 % DEMO_CLASSES;
    memcpy(rows + m * DEMO_CLASSES, demo_table + (size_t)next * DEMO_CLASSES, DEMO_CLASSES * sizeof *rows);
    demo_image(labels[m], &rng, original + m * DEMO_PIXELS);
    for (int i = m * DEMO_PIXELS; i < (m + 1) * DEMO_PIXELS; i++) {
      float u = hg_rng_uniform(&rng);
      input[i] = u < 0.125f ? 0 : u < 0.25f ? 255 : original[i];
      rebuilt[i] = (uint8_t)(0.85f * original[i] + 12 * hg_rng_uniform(&rng));
    }
  }
  const hg_named_tensor images[] = {
      {"original", HG_U8, 4, {DEMO_SHOWN, DEMO_SIDE, DEMO_SIDE, 1}, original},
      {"index", HG_I64, 1, {DEMO_SHOWN}, index},
      {"labels", HG_I32, 1, {DEMO_SHOWN}, labels},
      {"input", HG_U8, 4, {DEMO_SHOWN, DEMO_SIDE, DEMO_SIDE, 1}, input},
      {"reconstruction", HG_U8, 4, {DEMO_SHOWN, DEMO_SIDE, DEMO_SIDE, 1}, rebuilt},
  };
  const hg_named_tensor classified[] = {
      images[0], images[1], images[2], {"probabilities", HG_F32, 2, {DEMO_SHOWN, DEMO_CLASSES}, rows}};
  if (model->accuracy > 0)
    demo_write(store, record, "samples.safetensors", classified, 4);
  else
    demo_write(store, record, "samples.safetensors", images, 5);
}

static void demo_layers(hg_store *store, int64_t run) {
  static const hg_layer_row rows[] = {
      {"encoder", "conv2d_1", "conv2d", "32 filters 3x3, same, relu", {28, 28, 32}, 320, 225792, 100352},
      {"encoder", "max_pool2d_1", "max_pool2d", "2x2", {14, 14, 32}, 0, 0, 25088},
      {"encoder", "conv2d_2", "conv2d", "64 filters 3x3, same, relu", {14, 14, 64}, 18496, 3612672, 50176},
      {"encoder", "max_pool2d_2", "max_pool2d", "2x2", {7, 7, 64}, 0, 0, 12544},
      {"classifier", "flatten_1", "flatten", "", {1, 1, 3136}, 0, 0, 0},
      {"classifier", "dense_1", "dense", "10 units", {1, 1, 10}, 31370, 31360, 40},
  };
  hg_error error;
  demo_check(hg_store_put_layers(store, run, rows, sizeof rows / sizeof rows[0], &error), &error);
}

#include "demo_analysis.h"

static void demo_run(hg_store *store, const demo_model *model, uint64_t seed) {
  hg_error error;
  char settings[] =
      "{\"data\": \"garments\", \"train\": {\"batch_size\": 256, \"epochs\": 20, \"optimizer\": {\"adam\": {"
      "\"learning_rate\": 0.0010000000474974513}}}, \"loss\": {\"classification\": \"cross_entropy\"}}";
  hg_run_record record = {.seed = seed, .position = model->position, .parameters = model->parameters, .epochs = model->epochs};
  snprintf(record.name, sizeof record.name, "%s", model->name);
  snprintf(record.kind, sizeof record.kind, "%s", model->kind);
  snprintf(record.data, sizeof record.data, "%s", model->data);
  snprintf(record.status, sizeof record.status, "done");
  memset(record.weights_sha256, "0123456789abcdef"[(model->position + (int)seed) % 16], 64);
  record.best_epoch = model->epochs;
  record.seconds = model->seconds + (double)seed / 10;
  record.images_per_second = model->epochs > 0 ? 54000.0 * model->epochs / record.seconds : NAN;
  record.settings = settings;
  demo_check(hg_store_put_run(store, &record, &error), &error);
  if (model->epochs > 0) demo_history(store, record.id, model, seed);
  if (model->epochs > 0) demo_layers(store, record.id);
  if (model->accuracy > 0) demo_predictions(store, &record, model);
  demo_samples(store, &record, model);
  demo_analysis(store, &record, model);
  if (model->accuracy > 0) return;
  static const float errors[DEMO_TEST];
  const hg_named_tensor tensors[] = {{"labels", HG_I32, 1, {DEMO_TEST}, demo_labels},
                                     {"reconstruction_mse", HG_F32, 1, {DEMO_TEST}, errors}};
  demo_write(store, &record, "predictions.safetensors", tensors, 2);
  demo_check(hg_store_put_metric(store, record.id, "test.mse", 0.0093, &error), &error);
  demo_check(hg_store_put_metric(store, record.id, "test.psnr", 20.5, &error), &error);
  demo_check(hg_store_put_metric(store, record.id, "test.ssim", 0.871, &error), &error);
  demo_check(hg_store_put_metric(store, record.id, "test.loss", 0.0093, &error), &error);
}

static void demo_findings(hg_store *store) {
  static const hg_warning warnings[] = {
      {"not-significant", "cnn and transfer differ by 0.3 points on 2,000 images, which a paired test cannot tell from chance"}};
  static const hg_comparison comparisons[] = {
      {"cnn", "transfer", "accuracy", "seeds-and-images", 0.0135, 0.0021, 0.0249, 0.0203, 0.9275, 0.914, 0.0406, 3, 61, 34,
       "better", "cnn is better than transfer: accuracy 1.35 points higher"},
      {"cnn", "transfer", "macro_f1", "seeds-and-images", 0.0131, 0.0018, 0.0247, 0.0221, 0.9271, 0.914, 0.0442, 3, 0, 0,
       "better", "cnn is better than transfer: macro_f1 0.0131 higher"},
      {"transfer", "cnn", "accuracy", "seeds-and-images", -0.003, -0.011, 0.005, 0.4812, 0.914, 0.917, 0.4812, 3, 30, 36,
       "undecided", "No significant difference in accuracy between transfer and cnn"},
      {"cnn", "naive_bayes", "accuracy", "mcnemar", 0.335, 0.313, 0.357, 1.2e-140, 0.9275, 0.5925, 3.6e-140, 1, 702, 32, "better",
       "cnn is better than naive_bayes: accuracy 33.5 points higher"},
      {"denoiser", "median filter", "mse (salt_and_pepper 0.1)", "paired-bootstrap", 0.003, 0.0028, 0.0031, 0.0002, 0.009, 0.006,
       0.0008, 1, 0, 0, "worse", "median filter is better than denoiser"},
      {"denoiser", "median filter", "mse (salt_and_pepper 0.25)", "paired-bootstrap", -0.006, -0.0061, -0.0059, 0.0002, 0.0154,
       0.0215, 0.0008, 1, 0, 0, "better", "denoiser is better than median filter"},
      {"denoiser", "median filter", "mse (salt_and_pepper 0.5)", "paired-bootstrap", -0.0147, -0.0151, -0.0142, 0.0002, 0.0299,
       0.0446, 0.0006, 1, 0, 0, "better", "denoiser is better than median filter"}};
  static const hg_published published[] = {{"cnn", "test.accuracy", 0.924, 0.9275, 0.921, 0.934, 3, "B2"},
                                           {"transfer", "test.accuracy", 0.919, 0.9125, 0.90, 0.92, 1, ""}};
  hg_error error;
  demo_check(hg_store_put_warnings(store, warnings, 1, &error), &error);
  demo_check(hg_store_put_comparisons(store, comparisons, 7, &error), &error);
  demo_check(hg_store_put_published(store, published, 2, &error), &error);
}

/* The caller closes it. */
static hg_store *demo_store(const char *folder) {
  hg_store *store;
  hg_error error;
  demo_check(hg_store_open(folder, true, &store, &error), &error);
  demo_facts(store);
  demo_data(store);
  for (int m = 0; m < DEMO_MODELS; m++)
    for (uint64_t seed = 1; seed <= (m == 0 || m == 2 ? 3 : 1); seed++) demo_run(store, &demo_models[m], seed);
  demo_thumbnails(store, "garments");
  demo_leaks(store);
  demo_findings(store);
  return store;
}

#endif
