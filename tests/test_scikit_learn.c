/* What a reader of scikit-learn's figures finds in report.json and on the page: a study is run on 500 test images, and before
 * its analysis its predictions are replaced by recorded ones, of which scikit-learn's figures are recorded too. */
#include "base/file.h"
#include "eval/metrics.h"
#include "golden.h"
#include "study/run.h"
#include "test_folder.h"

#include <ctype.h>
#include <jansson.h>
#include <unistd.h>

enum { COUNT = 500, CLASSES = 10, TRAIN = 60, PIXELS = 28 * 28 };

static json_t *expected, *report, *measured; /* scikit-learn's figures; report.json; its only run */
static char *page;

/* ---------------------------------------------------------------- a study with recorded predictions */

static const char study_text[] =
    "study: recorded\n"
    "data: {garments: {source: fashion-mnist, validation: 20}}\n"
    "models: {bayes: {naive_bayes: {}}}\n";

static void put_big_endian(FILE *file, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) fputc((int)(value >> shift & 255), file);
}

/* An IDX pair of images of the class's number, to which the place of a pixel and of the image adds a little. */
static void write_images(const char *part, const int32_t *labels, uint32_t count) {
  char name[64];
  snprintf(name, sizeof name, "fashion-mnist/%s-images-idx3-ubyte", part);
  FILE *images = fopen(in(name), "wb");
  snprintf(name, sizeof name, "fashion-mnist/%s-labels-idx1-ubyte", part);
  FILE *classes = fopen(in(name), "wb");
  assert_true(images != NULL && classes != NULL);
  const uint32_t image_header[] = {0x803, count, 28, 28}, label_header[] = {0x801, count};
  for (int i = 0; i < 4; i++) put_big_endian(images, image_header[i]);
  for (int i = 0; i < 2; i++) put_big_endian(classes, label_header[i]);
  for (uint32_t n = 0; n < count; n++) {
    for (uint32_t i = 0; i < PIXELS; i++) fputc((int)((uint32_t)labels[n] * 20 + (i * 7 + n * 13) % 40), images);
    fputc(labels[n], classes);
  }
  assert_int_equal(fclose(images) | fclose(classes), 0);
}

static void write_data(void) {
  hg_safetensors file;
  char path[512];
  snprintf(path, sizeof path, "mkdir %s/fashion-mnist", folder);
  assert_int_equal(system(path), 0);
  golden_open("predictions", &file);
  int32_t *labels = golden_values(hg_safetensors_find(&file, "labels")), train[TRAIN];
  for (int i = 0; i < TRAIN; i++) train[i] = i % CLASSES;
  write_images("train", train, TRAIN);
  write_images("t10k", labels, COUNT);
  hg_free_aligned(labels);
  hg_safetensors_release(&file);
  setenv("HOURGLASS_DATA", folder, 1);
}

static void replace_predictions(void *context, const hg_run_event *event) {
  (void)context;
  char command[512];
  if (event->kind != HG_RUN_DONE) return;
  snprintf(command, sizeof command, "cp %s/tests/golden/predictions.safetensors %s/out/runs/bayes-seed1/predictions.safetensors",
           SOURCE_DIR, folder);
  assert_int_equal(system(command), 0);
}

static char *read_text(const char *path) {
  char *text = NULL;
  size_t count = 0;
  assert_int_equal(hg_file_read(path, 5 << 20, &text, &count, NULL), HG_OK);
  return text;
}

static int run_study(void **state) {
  (void)state;
  hg_study *study = NULL;
  hg_error error = {0};
  snprintf(folder, sizeof folder, "/tmp/hourglass-recorded-XXXXXX");
  assert_non_null(mkdtemp(folder));
  write_data();
  assert_int_equal(hg_file_write(in("study.yaml"), study_text, strlen(study_text), NULL), HG_OK);
  hg_code code = hg_study_read(in("study.yaml"), NULL, 0, &study, &error);
  hg_run_settings settings = {.out = in("out"), .threads = 1, .event = replace_predictions};
  if (code == HG_OK) code = hg_study_run(study, &settings, &error);
  if (code != HG_OK) fail_msg("%s: %s", error.place, error.message);
  hg_study_free(study);
  expected = json_load_file(SOURCE_DIR "/tests/golden/report.json", 0, NULL);
  report = json_load_file(in("out/report.json"), 0, NULL);
  measured = json_array_get(json_object_get(report, "runs"), 0);
  page = read_text(in("out/report.html"));
  assert_true(expected != NULL && measured != NULL);
  return 0;
}

static int remove_study(void **state) {
  (void)state;
  char command[128];
  json_decref(expected);
  json_decref(report);
  hg_free(page);
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

/* ---------------------------------------------------------------- report.json */

static double number(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_number(value)) fail_msg("there is no figure %s", key);
  return json_number_value(value);
}

static void assert_near(const char *name, double value, double wanted, double tolerance) {
  if (!(fabs(value - wanted) <= tolerance)) fail_msg("%s is %.17g; scikit-learn has %.17g", name, value, wanted);
}

static void every_class_has_scikit_learns_scores(void **state) {
  (void)state;
  static const char *const names[] = {"precision", "recall", "f1", "support", "average_precision", "roc_auc"};
  const json_t *classes = json_object_get(measured, "classes");
  assert_int_equal(json_array_size(classes), CLASSES);
  for (size_t k = 0; k < CLASSES; k++)
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
      double wanted = json_number_value(json_array_get(json_object_get(expected, names[i]), k));
      assert_near(names[i], number(json_array_get(classes, k), names[i]), wanted, 1e-12);
    }
}

static void means_over_classes_are_scikit_learns(void **state) {
  (void)state;
  static const char *const names[] = {"macro_precision", "macro_recall",  "weighted_precision",      "weighted_recall",
                                      "roc_auc_macro",   "roc_auc_micro", "average_precision_macro", "average_precision_micro"};
  const json_t *test = json_object_get(measured, "test");
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    assert_near(names[i], number(test, names[i]), number(expected, names[i]), 1e-12);
  assert_near("brier", number(test, "brier"), number(expected, "brier"), 1e-7); /* of probabilities in float */
}

static void the_confusion_matrix_holds_scikit_learns_counts(void **state) {
  (void)state;
  int64_t counts[CLASSES][CLASSES] = {0};
  const json_t *cells = json_object_get(measured, "confusion"), *rows = json_object_get(expected, "confusion");
  for (size_t i = 0; i < json_array_size(cells); i++) {
    const json_t *cell = json_array_get(cells, i);
    json_int_t truth = json_integer_value(json_array_get(cell, 0)), predicted = json_integer_value(json_array_get(cell, 1));
    counts[truth][predicted] = json_integer_value(json_array_get(cell, 2));
  }
  for (size_t i = 0; i < CLASSES; i++)
    for (size_t j = 0; j < CLASSES; j++)
      assert_int_equal(counts[i][j], json_integer_value(json_array_get(json_array_get(rows, i), j)));
}

/* The figures that a run's evaluation puts before its analysis, from the same predictions. */
static void accuracy_f1_and_log_loss_are_scikit_learns(void **state) {
  (void)state;
  hg_safetensors file;
  hg_classification_report scores;
  golden_open("predictions", &file);
  float *shares = golden_values(hg_safetensors_find(&file, "probabilities"));
  int32_t *labels = golden_values(hg_safetensors_find(&file, "labels"));
  assert_int_equal(hg_classification_report_new(shares, labels, COUNT, CLASSES, &scores, NULL), HG_OK);
  assert_near("accuracy", scores.accuracy, number(expected, "accuracy"), 1e-15);
  assert_near("macro f1", scores.macro.f1, number(expected, "macro_f1"), 1e-12);
  assert_near("weighted f1", scores.weighted.f1, number(expected, "weighted_f1"), 1e-12);
  assert_near("log loss", scores.log_loss, number(expected, "log_loss"), 1e-6); /* scikit-learn divides rows by their sums */
  hg_classification_report_release(&scores);
  hg_free_aligned(shares);
  hg_free_aligned(labels);
  hg_safetensors_release(&file);
}

/* ---------------------------------------------------------------- the page */

/* The words of some HTML up to `end`, each followed by one space; tags part words. */
static char *words_of(const char *html, const char *end) {
  char *words = hg_malloc((size_t)(end - html) + 2), *out = words;
  assert_non_null(words);
  bool in_tag = false;
  for (; html < end; html++) {
    in_tag = in_tag || *html == '<';
    if (!in_tag && isspace((unsigned char)*html) == 0)
      *out++ = *html;
    else if (out > words && out[-1] != ' ')
      *out++ = ' ';
    in_tag = in_tag && *html != '>';
  }
  if (out > words && out[-1] != ' ') *out++ = ' ';
  *out = '\0';
  return words;
}

/* Every line of classification_report(digits=4), its heading too, stands on the page to the last digit. */
static void the_page_prints_scikit_learns_classification_report(void **state) {
  (void)state;
  const char *table = strstr(page, "<table class=\"scores\">");
  assert_non_null(table);
  char *words = words_of(table, strstr(table, "</table>"));
  char *lines = hg_strdup(json_string_value(json_object_get(expected, "text")));
  int found = 0;
  for (char *line = strtok(lines, "\n"); line != NULL; line = strtok(NULL, "\n"), found++) {
    char *wanted = words_of(line, line + strlen(line));
    if (strstr(words, wanted) == NULL) fail_msg("`%s` is not in: %s", wanted, words);
    hg_free(wanted);
  }
  assert_int_equal(found, 1 + CLASSES + 3);
  hg_free(lines);
  hg_free(words);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_class_has_scikit_learns_scores),
      cmocka_unit_test(means_over_classes_are_scikit_learns),
      cmocka_unit_test(the_confusion_matrix_holds_scikit_learns_counts),
      cmocka_unit_test(accuracy_f1_and_log_loss_are_scikit_learns),
      cmocka_unit_test(the_page_prints_scikit_learns_classification_report),
  };
  return cmocka_run_group_tests(tests, run_study, remove_study);
}
