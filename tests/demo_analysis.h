/* What the analysis of finished runs adds to the demo store: thumbnails and maps of codes. Included by demo_store.h. */
#ifndef DEMO_ANALYSIS_H
#define DEMO_ANALYSIS_H

#include "eval/calibration.h"
#include "eval/curves.h"

enum { DEMO_POINTS = 660, DEMO_DRAWN = 650 };

static void demo_thumbnails(hg_store *store, const char *data) {
  static uint8_t images[DEMO_DRAWN * DEMO_PIXELS];
  int64_t index[DEMO_DRAWN];
  char path[512], *folder;
  hg_error error;
  hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, 4);
  for (int i = 0; i < DEMO_DRAWN; i++) {
    index[i] = 3 * i;
    demo_image(3 * i * 7 % DEMO_CLASSES, &rng, images + (size_t)i * DEMO_PIXELS);
  }
  const hg_named_tensor tensors[] = {{"index", HG_I64, 1, {DEMO_DRAWN}, index},
                                     {"images", HG_U8, 4, {DEMO_DRAWN, DEMO_SIDE, DEMO_SIDE, 1}, images}};
  demo_check(hg_store_data_folder(store, data, &folder, &error), &error);
  snprintf(path, sizeof path, "%s/thumbnails.safetensors", folder);
  demo_check(hg_safetensors_write(path, tensors, 2, NULL, &error), &error);
  hg_free(folder);
}

/* Classes on a ring; what a classifier has wrong lies between two of them. */
static void demo_codes(hg_store *store, const hg_run_record *record, const demo_model *model) {
  static const char *const remarks[] = {"width",      "64",   "space",         "code", "perplexity",          "40",
                                        "iterations", "1000", "kl_divergence", "1.25", "trustworthiness",     "0.985",
                                        "neighbours", "12",   "reduced",       "0",    "pca_trustworthiness", "0.91",
                                        NULL};
  static const struct {
    const char *name;
    double value;
  } metrics[] = {{"codes.width", 64},           {"codes.intra_class_distance", 3.2}, {"codes.inter_class_distance", 8.5},
                 {"codes.separation", 2.66},    {"codes.tsne_kl_divergence", 1.25},  {"codes.tsne_trustworthiness", 0.985},
                 {"codes.pca_explained", 0.52}, {"codes.pca_trustworthiness", 0.91}};
  static float tsne[2 * DEMO_POINTS], pca[2 * DEMO_POINTS];
  int64_t index[DEMO_POINTS], drawn[DEMO_DRAWN];
  int32_t labels[DEMO_POINTS], predictions[DEMO_POINTS];
  hg_error error;
  hg_rng rng = hg_rng_at(record->seed, HG_RNG_TEST, (uint32_t)model->position, 5);
  for (int i = 0; i < DEMO_POINTS; i++) {
    index[i] = 3 * i;
    labels[i] = 3 * i * 7 % DEMO_CLASSES;
    predictions[i] = i % 9 == 0 ? (labels[i] + 2) % DEMO_CLASSES : labels[i];
    double angle = 6.2831853 * (labels[i] + predictions[i]) / 2 / DEMO_CLASSES;
    tsne[2 * i] = (float)(40 * cos(angle)) + 5 * hg_rng_normal(&rng);
    tsne[2 * i + 1] = (float)(40 * sin(angle)) + 5 * hg_rng_normal(&rng);
    pca[2 * i] = (float)(2 * cos(angle)) + hg_rng_normal(&rng);
    pca[2 * i + 1] = (float)sin(angle) + hg_rng_normal(&rng);
  }
  for (int i = 0; i < DEMO_DRAWN; i++) drawn[i] = i;
  const hg_named_tensor tensors[] = {
      {"index", HG_I64, 1, {DEMO_POINTS}, index},   {"drawn", HG_I64, 1, {DEMO_DRAWN}, drawn},
      {"labels", HG_I32, 1, {DEMO_POINTS}, labels}, {"tsne", HG_F32, 2, {DEMO_POINTS, 2}, tsne},
      {"pca", HG_F32, 2, {DEMO_POINTS, 2}, pca},    {"predictions", HG_I32, 1, {DEMO_POINTS}, predictions}};
  char *path = demo_path(store, record, "codes.safetensors");
  demo_check(hg_safetensors_write(path, tensors, model->accuracy > 0 ? 6 : 5, remarks, &error), &error);
  hg_free(path);
  for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++)
    demo_check(hg_store_put_metric(store, record->id, metrics[i].name, metrics[i].value, &error), &error);
}

enum { DEMO_LEVELS = 3, DEMO_CLEANED = 8 };

/* The nearer a method comes, the less is left of the noise. */
static void demo_denoising(hg_store *store, const hg_run_record *record) {
  static const float levels[DEMO_LEVELS] = {0.1f, 0.25f, 0.5f};
  static const char *const remarks[] = {"corruption", "salt_and_pepper", "own", "0.25", NULL}, *const methods[] = {
                                                                                                   "noisy", "model", "median"};
  static uint8_t images[4][DEMO_LEVELS * DEMO_CLEANED * DEMO_PIXELS];
  hg_denoising_row rows[3 * DEMO_LEVELS];
  hg_error error;
  hg_rng rng = hg_rng_at(record->seed, HG_RNG_TEST, 0, 6);
  for (int i = 0; i < DEMO_CLEANED; i++) demo_image(i, &rng, images[0] + i * DEMO_PIXELS);
  for (int i = 0; i < DEMO_LEVELS * DEMO_CLEANED * DEMO_PIXELS; i++) {
    int original = images[0][i % (DEMO_CLEANED * DEMO_PIXELS)];
    float u = hg_rng_uniform(&rng), level = levels[i / (DEMO_CLEANED * DEMO_PIXELS)];
    int noisy = u < level / 2 ? 0 : u < level ? 255 : original;
    images[1][i] = (uint8_t)noisy;
    images[2][i] = (uint8_t)((7 * original + noisy) / 8);
    images[3][i] = (uint8_t)((3 * original + noisy) / 4);
  }
  for (int l = 0; l < DEMO_LEVELS; l++)
    for (int m = 0; m < 3; m++) {
      double error_left = (double)levels[l] * (m == 0 ? 0.4 : m == 1 ? 0.02 : 0.05);
      hg_denoising_row *row = &rows[3 * l + m];
      *row = (hg_denoising_row){.corruption = "salt_and_pepper",
                                .level = (double)levels[l],
                                .mse = error_left,
                                .psnr = -10 * log10(error_left),
                                .ssim = 1 - 2 * error_left};
      snprintf(row->method, sizeof row->method, "%s", methods[m]);
    }
  hg_named_tensor tensors[] = {{"levels", HG_F32, 1, {DEMO_LEVELS}, levels},
                               {"original", HG_U8, 4, {DEMO_CLEANED, DEMO_SIDE, DEMO_SIDE, 1}, images[0]},
                               {"noisy", HG_U8, 4, {DEMO_LEVELS * DEMO_CLEANED, DEMO_SIDE, DEMO_SIDE, 1}, images[1]},
                               {"denoised", HG_U8, 4, {DEMO_LEVELS * DEMO_CLEANED, DEMO_SIDE, DEMO_SIDE, 1}, images[2]},
                               {"median", HG_U8, 4, {DEMO_LEVELS * DEMO_CLEANED, DEMO_SIDE, DEMO_SIDE, 1}, images[3]}};
  char *path = demo_path(store, record, "denoising.safetensors");
  demo_check(hg_safetensors_write(path, tensors, 5, remarks, &error), &error);
  hg_free(path);
  demo_check(hg_store_put_denoising(store, record->id, rows, 3 * DEMO_LEVELS, &error), &error);
}

/* Scores by class and reliability of the probabilities in demo_table. */
static void demo_ranking(hg_store *store, int64_t run) {
  hg_class_row rows[DEMO_CLASSES] = {{0}};
  hg_calibration_row bins[HG_CALIBRATION_BINS];
  hg_classification_report report;
  hg_ranking_scores ranks;
  hg_calibration found;
  hg_error error;
  demo_check(hg_classification_report_new(demo_table, demo_labels, DEMO_TEST, DEMO_CLASSES, &report, &error), &error);
  demo_check(hg_ranking_scores_new(demo_table, demo_labels, DEMO_TEST, DEMO_CLASSES, &ranks, &error), &error);
  demo_check(hg_calibration_of(demo_table, demo_labels, DEMO_TEST, DEMO_CLASSES, &found, &error), &error);
  for (int k = 0; k < DEMO_CLASSES; k++)
    rows[k] = (hg_class_row){.label = k,
                             .support = report.per_class[k].support,
                             .precision = report.per_class[k].precision,
                             .recall = report.per_class[k].recall,
                             .f1 = report.per_class[k].f1,
                             .average_precision = ranks.average_precision[k],
                             .roc_auc = ranks.roc_auc[k]};
  for (int i = 0; i < HG_CALIBRATION_BINS; i++) {
    const hg_calibration_bin *bin = &found.bins[i];
    bins[i] = (hg_calibration_row){bin->low, bin->high, bin->count, bin->confidence, bin->accuracy};
  }
  demo_check(hg_store_put_classes(store, run, rows, DEMO_CLASSES, &error), &error);
  demo_check(hg_store_put_calibration(store, run, bins, HG_CALIBRATION_BINS, &error), &error);
  demo_check(hg_store_put_metric(store, run, "test.calibration_error", found.expected_error, &error), &error);
  demo_check(hg_store_put_metric(store, run, "test.roc_auc_micro", ranks.micro_roc_auc, &error), &error);
  demo_check(hg_store_put_metric(store, run, "test.average_precision_macro", ranks.macro_average_precision, &error), &error);
  hg_ranking_scores_release(&ranks);
  hg_classification_report_release(&report);
}

static void demo_leaks(hg_store *store) {
  static const hg_leak_row rows[] = {{"garments", "test", "training", DEMO_TEST, 970, 12},
                                     {"digits", "test", "training", DEMO_TEST, 0, 0}};
  enum { PAIRS = 3 };
  static uint8_t images[PAIRS * DEMO_PIXELS];
  const int64_t part[PAIRS] = {2, 2, 2}, image[PAIRS] = {4, 17, 23}, against[PAIRS] = {0}, other[PAIRS] = {811, 1002, 53999};
  const int32_t distance[PAIRS] = {0, 0, 3};
  char path[512], *folder;
  hg_error error;
  hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, 7);
  for (int i = 0; i < PAIRS; i++) demo_image(i, &rng, images + (size_t)i * DEMO_PIXELS);
  const hg_named_tensor tensors[] = {{"part", HG_I64, 1, {PAIRS}, part},
                                     {"image", HG_I64, 1, {PAIRS}, image},
                                     {"against", HG_I64, 1, {PAIRS}, against},
                                     {"other", HG_I64, 1, {PAIRS}, other},
                                     {"distance", HG_I32, 1, {PAIRS}, distance},
                                     {"images", HG_U8, 4, {PAIRS, DEMO_SIDE, DEMO_SIDE, 1}, images},
                                     {"others", HG_U8, 4, {PAIRS, DEMO_SIDE, DEMO_SIDE, 1}, images}};
  demo_check(hg_store_data_folder(store, "garments", &folder, &error), &error);
  snprintf(path, sizeof path, "%s/leaks.safetensors", folder);
  demo_check(hg_safetensors_write(path, tensors, 7, NULL, &error), &error);
  hg_free(folder);
  demo_check(hg_store_put_leaks(store, rows, 2, &error), &error);
}

static void demo_analysis(hg_store *store, const hg_run_record *record, const demo_model *model) {
  if (model->epochs > 0 && record->seed == 1) demo_codes(store, record, model);
  if (model->accuracy > 0)
    demo_ranking(store, record->id);
  else
    demo_denoising(store, record);
}

#endif
