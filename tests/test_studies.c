/* The studies of the repository: every file is sound, every network can be built, and has as many parameters as the report it
 * comes from says. */
#include "base/alloc.h"
#include "data/catalog.h"
#include "study/study.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static hg_study *read_study(const char *name) {
  char path[256];
  snprintf(path, sizeof path, SOURCE_DIR "/studies/%s.yaml", name);
  hg_study *study = NULL;
  hg_error error = {0};
  hg_code code = hg_study_read(path, NULL, 0, &study, &error);
  if (code != HG_OK) fail_msg("%s: %s", error.place, error.message);
  return study;
}

static const hg_model *find(const hg_study *study, const char *name, int *index) {
  for (*index = 0; *index < study->model_count; ++*index)
    if (strcmp(study->models[*index].name, name) == 0) return &study->models[*index];
  fail_msg("%s has no model %s", study->name, name);
  return NULL;
}

/* Trainable parameters; running statistics are counted apart, since Keras adds them and PyTorch does not. */
static void count(const hg_study *study, int model, int64_t *trainable, int64_t *running) {
  hg_network *network = NULL;
  hg_error error = {0};
  hg_code code = hg_study_network(study, model, &network, &error);
  if (code == HG_OK) code = hg_network_initialize(network, 1, &error);
  if (code != HG_OK) fail_msg("%s: %s: %s", study->models[model].name, error.place, error.message);
  *trainable = hg_network_parameters(network);
  *running = 0;
  for (int i = 0; i < hg_network_tensor_count(network); i++) {
    const hg_tensor *tensor = hg_network_tensor(network, i);
    if (strstr(tensor->name, "running_") != NULL) *running += tensor->count;
  }
  hg_network_free(network);
}

static const char *const studies[] = {"joint-autoencoder",       "denoise-and-transfer", "autoencoder-from-scratch",
                                      "small-image-classifiers", "convnet-foundations",  "five-garments"};
enum { STUDIES = sizeof studies / sizeof *studies };

/* One count, published or not; Keras' counts hold the running statistics of batch normalisation. */
static const struct {
  const char *study, *model;
  int64_t parameters;
  bool with_running;
  int classes; /* of the report, where it has others than the study; the last layer's rows are counted anew then */
} counts[] = {
    {"denoise-and-transfer", "denoiser", 49761, false, 0},
    {"denoise-and-transfer", "p", 241546, false, 0},
    {"denoise-and-transfer", "transfer", 26298, false, 0},
    {"denoise-and-transfer", "transfer-one-cycle", 26298, false, 0},
    {"denoise-and-transfer", "frozen", 26298, false, 0},
    {"denoise-and-transfer", "thawed", 26298, false, 0},
    {"denoise-and-transfer", "scratch", 26298, false, 0},
    {"autoencoder-from-scratch", "autoencoder", 420192, false, 0},
    {"autoencoder-from-scratch", "autoencoder-onednn", 420192, false, 0},
    {"autoencoder-from-scratch", "softmax", 420192, false, 0},
    {"autoencoder-from-scratch", "denoiser", 420192, false, 0},
    {"small-image-classifiers", "cnn", 1176006, false, 0},
    {"small-image-classifiers", "cnn-moved", 1176006, false, 0},
    {"convnet-foundations", "wide", 6435530, true, 0},
    {"convnet-foundations", "thin", 50370, true, 0},
    {"convnet-foundations", "wide-lines", 6527841, true, 97},
    {"convnet-foundations", "wide-held-out", 6527841, true, 97},
    {"convnet-foundations", "thin-lines", 83929, true, 97},
    {"convnet-foundations", "variation-lines", 222305, true, 97},
    {"five-garments", "cnn", 230735, false, 0},
    {"five-garments", "cnn-average", 230735, false, 0},
    {"five-garments", "denoiser", 1100112, false, 0},
    {"five-garments", "denoiser-large", 2167596, false, 0},
    /* Not published; the networks of the committed results (`parameters` in results). */
    {"joint-autoencoder", "cnn", 308394, false, 0},
    {"joint-autoencoder", "cnn-mirrored", 308394, false, 0},
    {"joint-autoencoder", "joint", 206861, false, 0},
    {"denoise-and-transfer", "transfer-mirrored", 26298, false, 0},
    {"autoencoder-from-scratch", "softmax-longer", 420192, false, 0},
    {"autoencoder-from-scratch", "denoiser-unclipped", 420192, false, 0},
    {"autoencoder-from-scratch", "convolutional", 22126, false, 0},
    {"autoencoder-from-scratch", "denoiser-onednn", 420192, false, 0},
    {"autoencoder-from-scratch", "convolutional-onednn", 22126, false, 0},
    {"autoencoder-from-scratch", "head", 209882, false, 0},
    {"autoencoder-from-scratch", "head-center", 209882, false, 0},
    {"autoencoder-from-scratch", "denoised-head", 209882, false, 0},
    {"autoencoder-from-scratch", "denoised-head-center", 209882, false, 0},
    {"autoencoder-from-scratch", "pictures", 48003, false, 0},
    {"autoencoder-from-scratch", "pictures-denoised", 48003, false, 0},
    {"small-image-classifiers", "cnn-mirrored", 1176006, false, 0},
    {"small-image-classifiers", "feed-forward", 1606598, false, 0},
    {"convnet-foundations", "wide-deduplicated", 6526752, false, 0},
    {"convnet-foundations", "thin-deduplicated", 83608, false, 0},
    {"convnet-foundations", "thin-held-out", 83608, false, 0},
    {"convnet-foundations", "variation-deduplicated", 221280, false, 0},
    {"convnet-foundations", "variation-held-out", 221280, false, 0},
    {"five-garments", "cnn-plain", 230735, false, 0},
    {"five-garments", "cnn-on-the-fly", 230735, false, 0},
    {"five-garments", "denoiser-head", 554181, false, 0},
    {"five-garments", "denoiser-fast", 1100112, false, 0},
    {"five-garments", "denoiser-fast-head", 554181, false, 0},
    {"five-garments", "denoiser-large-head", 1116819, false, 0},
    {"transfer-longer", "digits-denoiser", 49761, false, 0},
    {"transfer-longer", "transfer", 26298, false, 0},
    {"transfer-longer", "scratch", 26298, false, 0},
    {"five-wider", "five", 1997813, false, 0},
    {"five-whitened", "five", 1967929, false, 0},
    {"five-longer", "five", 1997813, false, 0},
    {"garments-wider", "garments", 1999738, false, 0},
    {"whole-training-sets", "softmax", 420192, false, 0},
    {"whole-training-sets", "cnn-six", 1176006, false, 0},
    {"whole-training-sets", "cnn", 308394, false, 0},
    {"records", "mnist-small", 49146, false, 0},
    {"records", "digits-denoiser", 49761, false, 0},
    {"records", "digits-denoiser-unpooled", 19105, false, 0},
    {"records", "codes-autoencoder", 892832, false, 0},
    {"records", "codes-labelled", 422586, false, 0},
    {"records", "five", 287525, false, 0},
    {"records", "five-denoiser", 305505, false, 0},
    {"records", "five-denoiser-head", 287525, false, 0},
    {"records", "lines-random", 691136, false, 0},
    {"records", "lines-deduplicated", 691136, false, 0},
    {"records", "lines-held-out", 691136, false, 0},
    {"records", "transfer", 26298, false, 0},
    {"records", "transfer-scratch", 26298, false, 0},
    {"records", "mnist", 288170, false, 0},
    {"records", "garments", 288170, false, 0},
    {"records", "joint", 330045, false, 0},
    {"records", "six", 1999062, false, 0},
    {"records", "cifar10", 2000602, false, 0},
    {"six-longer", "six", 1999062, false, 0},
    {"whitened", "cifar10", 4606530, false, 0},
    {"whitened", "six", 4604990, false, 0},
    {"quick", "cnn", 161898, false, 0},
    {"quick", "denoiser", 4945, false, 0},
    {"quick", "transfer", 10330, false, 0},
    {"fashion-cnn", "cnn", 241546, false, 0},
    {"small-image-classifiers", "cnn-thousand", 1176006, false, 0},
    {"small-image-classifiers", "feed-forward-thousand", 1606598, false, 0},
};

static int64_t as_published(const hg_study *study, const char *name, bool with_running, int classes) {
  int index;
  int64_t trainable, running;
  const hg_model *model = find(study, name, &index);
  count(study, index, &trainable, &running);
  if (with_running) trainable += running;
  const hg_model_block *head = &model->blocks[HG_CLASSIFIER];
  for (int i = head->count - 2; classes > 0 && i >= 0; i--) {
    if (head->layers[i].kind != HG_DENSE) continue;
    trainable += (int64_t)(classes - model->classes) * (head->layers[i].units + 1);
    break;
  }
  return trainable;
}

static void networks_have_the_published_and_the_committed_numbers_of_parameters(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    hg_study *study = read_study(counts[i].study);
    int64_t found = as_published(study, counts[i].model, counts[i].with_running, counts[i].classes);
    if (found != counts[i].parameters)
      fail_msg("%s of %s has %lld parameters, not %lld", counts[i].model, counts[i].study, (long long)found,
               (long long)counts[i].parameters);
    hg_study_free(study);
  }
}

/* The report of `p` names no padding; without any its network has 110,474. */
static void without_padding_the_network_of_garments_has_110474_parameters(void **state) {
  (void)state;
  hg_study *study = read_study("denoise-and-transfer");
  int index;
  int64_t trainable, running;
  find(study, "p", &index);
  hg_model_block *encoder = &study->models[index].blocks[HG_ENCODER];
  for (int i = 0; i < encoder->count; i++)
    if (encoder->layers[i].kind == HG_CONV2D) encoder->layers[i].padding = HG_VALID;
  count(study, index, &trainable, &running);
  assert_int_equal(trainable, 110474);
  hg_study_free(study);
}

static void every_network_of_every_study_can_be_built(void **state) {
  (void)state;
  for (int s = 0; s < STUDIES; s++) {
    hg_study *study = read_study(studies[s]);
    assert_string_equal(study->name, studies[s]);
    for (int m = 0; m < study->model_count; m++) {
      int64_t trainable, running;
      if (study->models[m].kind == HG_MODEL_NETWORK) count(study, m, &trainable, &running);
    }
    hg_study_free(study);
  }
}

/* Two records are for networks of a size, and one network is the published one. */
static void the_records_keep_to_their_sizes(void **state) {
  (void)state;
  hg_study *study = read_study("records");
  assert_true(as_published(study, "mnist-small", true, 0) <= 50370);
  assert_int_equal(as_published(study, "transfer", false, 0), 26298);
  assert_int_equal(as_published(study, "transfer-scratch", false, 0), 26298);
  assert_int_equal(as_published(study, "digits-denoiser-unpooled", false, 0), 19105);
  for (int d = 0; d < study->data_count; d++) assert_true(study->data[d].validation > 0);
  hg_study_free(study);
}

/* Rows A1 to E8; a row that only compares others needs no model of its own. */
static void every_row_of_the_reports_has_a_model(void **state) {
  (void)state;
  static const char *const rows[] = {"A1", "A2", "A3", "B1", "B2", "B3",  "B4",  "C1",  "C2",  "C3", "C4",
                                     "C5", "C6", "C7", "C8", "C9", "C10", "C11", "C12", "C13", "D1", "D2",
                                     "D3", "D4", "D5", "E1", "E2", "E3",  "E4",  "E5",  "E6",  "E7", "E8"};
  enum { ROWS = sizeof rows / sizeof *rows };
  bool seen[ROWS] = {false};
  for (int s = 0; s < STUDIES; s++) {
    hg_study *study = read_study(studies[s]);
    for (int m = 0; m < study->model_count; m++) {
      assert_true(study->models[m].id[0] != '\0');
      for (int r = 0; r < ROWS; r++) seen[r] = seen[r] || strcmp(rows[r], study->models[m].id) == 0;
    }
    hg_study_free(study);
  }
  for (int r = 0; r < ROWS; r++)
    if (!seen[r]) fail_msg("no model says `id: %s`", rows[r]);
}

/* R14, t-SNE, is timed by bench/. */
static void every_record_but_the_timed_one_has_a_model(void **state) {
  (void)state;
  enum { RECORDS = 13 };
  bool seen[RECORDS + 1] = {false};
  hg_study *study = read_study("records");
  for (int m = 0; m < study->model_count; m++) {
    int number = 0;
    assert_int_equal(sscanf(study->models[m].id, "R%d", &number), 1);
    assert_in_range(number, 1, RECORDS);
    seen[number] = true;
  }
  for (int number = 1; number <= RECORDS; number++)
    if (!seen[number]) fail_msg("no model of the records says `id: R%d`", number);
  hg_study_free(study);
}

/* Nothing can be chosen on a test set where there are validation images to choose on; what is compared has several seeds. */
static void every_study_keeps_validation_images_and_compares_over_seeds(void **state) {
  (void)state;
  for (int s = 0; s < STUDIES; s++) {
    hg_study *study = read_study(studies[s]);
    for (int d = 0; d < study->data_count; d++) assert_true(study->data[d].validation > 0);
    assert_true(study->seed_count >= 3);
    assert_true(study->compare_count > 0);
    hg_study_free(study);
  }
}

int main(void) {
  hg_found found;
  if (hg_catalog_locate(hg_catalog_find("cifar10"), &found, NULL) != HG_OK) {
    print_message("skipped: CIFAR-10 is not here\n");
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(networks_have_the_published_and_the_committed_numbers_of_parameters),
      cmocka_unit_test(without_padding_the_network_of_garments_has_110474_parameters),
      cmocka_unit_test(every_network_of_every_study_can_be_built),
      cmocka_unit_test(the_records_keep_to_their_sizes),
      cmocka_unit_test(every_row_of_the_reports_has_a_model),
      cmocka_unit_test(every_record_but_the_timed_one_has_a_model),
      cmocka_unit_test(every_study_keeps_validation_images_and_compares_over_seeds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
