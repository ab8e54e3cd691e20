/* Sweeps on the page: a chart for each figure that the swept models are judged by, and what the validation images choose by it.
 */
#include "base/alloc.h"
#include "base/file.h"
#include "report/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test_folder.h"

enum { FIGURES = 4, SEEDS = 2 };

/* Figures of the first seed; the second's are 0.01 larger, on the test images 0.02. NaN: the model has none. */
typedef struct swept {
  const char *name;
  const char *settings;
  double values[FIGURES];
} swept;

static void check(hg_code code, const hg_error *error) {
  if (code != HG_OK) fail_msg("%s: %s", error->place, error->message);
}

static void put_figure(hg_store *store, int64_t run, const char *part, const char *figure, double value) {
  char name[64];
  hg_error error;
  snprintf(name, sizeof name, "%s.%s", part, figure);
  if (!isnan(value)) check(hg_store_put_metric(store, run, name, value, &error), &error);
}

static hg_store *store_of(const swept *models, int count, const char *const figures[FIGURES]) {
  hg_store *store;
  hg_error error;
  check(hg_store_open(folder, true, &store, &error), &error);
  for (int m = 0; m < count; m++)
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
      char settings[128];
      snprintf(settings, sizeof settings, "%s", models[m].settings);
      hg_run_record record = {.seed = seed, .position = m, .kind = "network", .status = "done", .settings = settings};
      snprintf(record.name, sizeof record.name, "%s", models[m].name);
      check(hg_store_put_run(store, &record, &error), &error);
      for (int f = 0; f < FIGURES && figures[f] != NULL; f++) {
        double more = 0.01 * (double)(seed - 1);
        put_figure(store, record.id, "validation", figures[f], models[m].values[f] + more);
        put_figure(store, record.id, "test", figures[f], models[m].values[f] + 2 * more);
      }
    }
  return store;
}

/* The caller frees *text. */
static void read_file(const char *name, char **text) {
  char path[160];
  size_t size;
  hg_error error;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  check(hg_file_read(path, 5 << 20, text, &size, &error), &error);
}

/* Between id="sweeps" and the end of that section. */
static char *cut_section(const char *page) {
  const char *start = strstr(page, "<section id=\"sweeps\">"), *end = start == NULL ? NULL : strstr(start, "</section>");
  assert_non_null(end);
  size_t size = (size_t)(end - start) + 1;
  char *section = hg_malloc(size);
  snprintf(section, size, "%s", start);
  return section;
}

static char *section_of(hg_store *store) {
  char *page;
  hg_error error;
  check(hg_report_write_page(store, &error), &error);
  read_file("report.html", &page);
  char *section = cut_section(page);
  hg_free(page);
  return section;
}

/* The data of a chart, as `hourglass report --figures` writes it. */
static char *data_of(hg_store *store, const char *figure) {
  char *text;
  char files[96], name[96], *path = hg_strdup(getenv("PATH"));
  int count;
  bool drawn;
  hg_error error;
  snprintf(files, sizeof files, "%s/figures", folder);
  snprintf(name, sizeof name, "figures/%s.csv", figure);
  setenv("PATH", folder, 1); /* no browser: data alone */
  hg_code code = hg_report_write_figures(store, files, NULL, &count, &drawn, &error);
  setenv("PATH", path, 1);
  hg_free(path);
  check(code, &error);
  read_file(name, &text);
  return text;
}

static void assert_holds(const char *text, const char *part) {
  if (strstr(text, part) == NULL) fail_msg("\"%s\" is not in:\n%s", part, text);
}

static int occurrences(const char *text, const char *part) {
  int count = 0;
  for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) count++;
  return count;
}

#define WEIGHT(value) "{\"loss\": {\"weight\": " value "}}"

/* The more the classification weighs, the worse are the images; the accuracy is best in the middle. */
static const swept joint[] = {{"joint", WEIGHT("0.1"), {0.6, 0.9, 0.1, 0.2}},
                              {"joint[weight=1]", WEIGHT("1"), {0.7, 0.8, 0.2, 1.0}},
                              {"joint[weight=10]", WEIGHT("10"), {0.65, 0.7, 0.3, 7.3}}};
static const char *const joint_figures[] = {"accuracy", "classification_loss", "mse", "loss"};

static void models_that_classify_and_rebuild_have_a_chart_of_each_figure(void **state) {
  (void)state;
  hg_store *store = store_of(joint, 3, joint_figures);
  char *section = section_of(store), *accuracy = data_of(store, "sweep-joint-weight"),
       *mse = data_of(store, "sweep-joint-weight-mse");
  hg_store_close(store);
  assert_int_equal(occurrences(section, "data-figure="), 3);
  assert_holds(section, "<h2>Sweeps</h2><div class=\"panels\"><figure"); /* beside each other, in a row of their own */
  assert_holds(section,
               "<b>joint by weight: accuracy</b> Chosen on validation: weight 1 (70.50\xe2\x80\xaf%), the ringed point.");
  assert_holds(section,
               "<b>joint by weight: classification loss</b> Chosen on validation: weight 10 (0.7050), the ringed point.");
  assert_holds(section, "<b>joint by weight: MSE</b> Chosen on validation: weight 0.1 (0.1050), the ringed point.");
  /* Means of both seeds with Student's interval, no error below 0; the last column marks the chosen point. */
  assert_holds(accuracy, "joint[weight=1],1,validation,0.705,0.641469,0.768531,2,1");
  assert_holds(accuracy, "joint,0.1,validation,0.605,0.541469,0.668531,2,0");
  assert_holds(mse, "joint,0.1,validation,0.105,0.041469,0.168531,2,1");
  assert_holds(mse, "joint,0.1,test,0.11,0,0.237062,2,1");
  assert_holds(mse, "joint[weight=10],10,test,0.31,0.182938,0.437062,2,0");
  hg_free(section);
  hg_free(accuracy);
  hg_free(mse);
}

/* What is said beyond the page stays one choice, by accuracy: only that point may stand as the best model. */
static void the_best_of_several_figures_is_by_accuracy(void **state) {
  (void)state;
  hg_choice *choices;
  int count;
  hg_error error;
  hg_store *store = store_of(joint, 3, joint_figures);
  check(hg_report_choices(store, &choices, &count, &error), &error);
  hg_store_close(store);
  assert_int_equal(count, 1);
  assert_string_equal(choices[0].metric, "validation.accuracy");
  assert_string_equal(choices[0].chosen, "joint[weight=1]");
  assert_int_equal(choices[0].points, 3);
  hg_free(choices);
}

static void two_settings_have_a_map_of_each_figure(void **state) {
  (void)state;
  static const swept grid[] = {{"m[weight=1,epochs=2]", "{}", {0.6, 0.9, 0.1, 1}},
                               {"m[weight=1,epochs=4]", "{}", {0.7, 0.8, 0.2, 1}},
                               {"m[weight=9,epochs=2]", "{}", {0.5, 0.7, 0.4, 1}},
                               {"m[weight=9,epochs=4]", "{}", {0.4, 0.6, 0.3, 1}}};
  hg_store *store = store_of(grid, 4, joint_figures);
  char *section = section_of(store), *mse = data_of(store, "sweep-m-weight-and-epochs-mse");
  hg_store_close(store);
  assert_int_equal(occurrences(section, "the framed point"), 3);
  assert_holds(section, "m by weight and epochs: accuracy</b> Chosen on validation: weight=1, epochs=4 (");
  assert_holds(section, "m by weight and epochs: classification loss</b> Chosen on validation: weight=9, epochs=4 (");
  assert_holds(section, "m by weight and epochs: MSE</b> Chosen on validation: weight=1, epochs=2 (");
  assert_holds(mse, "\"m[weight=1,epochs=2]\",1,2,0.105,0.11,2,1,1"); /* the deepest colour is the least error */
  assert_holds(mse, "\"m[weight=9,epochs=2]\",9,2,0.405,0.41,2,0,0");
  hg_free(section);
  hg_free(mse);
}

/* Every point has its place where nothing is chosen, too. */
static void two_settings_that_nothing_is_chosen_from_have_a_map(void **state) {
  (void)state;
  static const char *const accuracy_only[FIGURES] = {"accuracy"};
  static const swept noise[] = {{"n[gaussian=0.1,epochs=2]", "{\"corrupt\": {\"gaussian\": 0.1}}", {0.9}},
                                {"n[gaussian=0.1,epochs=4]", "{\"corrupt\": {\"gaussian\": 0.1}}", {0.8}},
                                {"n[gaussian=0.5,epochs=2]", "{\"corrupt\": {\"gaussian\": 0.5}}", {0.6}}};
  hg_error error;
  hg_store *store = store_of(noise, 3, accuracy_only);
  for (int m = 0; m < 2; m++) { /* no validation images */
    hg_run_record record = {.seed = 1, .position = 3 + m, .kind = "network", .status = "done", .settings = (char[]){"{}"}};
    snprintf(record.name, sizeof record.name, "t[epochs=%d,batch_size=8]", m + 1);
    check(hg_store_put_run(store, &record, &error), &error);
    put_figure(store, record.id, "test", "accuracy", 0.5 + 0.25 * m);
  }
  char *section = section_of(store), *spoiled = data_of(store, "sweep-n-gaussian-and-epochs"),
       *tested = data_of(store, "sweep-t-epochs-and-batch_size");
  hg_store_close(store);
  assert_int_equal(occurrences(section, "nothing is chosen here."), 2);
  assert_holds(section, "No validation scores: nothing is chosen here. Shown are those of the test images.");
  assert_holds(spoiled, "\"n[gaussian=0.1,epochs=2]\",0.1,2,0.905,0.91,2,1,0");
  assert_holds(spoiled, "\"n[gaussian=0.1,epochs=4]\",0.1,4,0.805,0.81,2,");
  assert_holds(tested, "\"t[epochs=1,batch_size=8]\",1,8,,0.5,1,0,0");
  assert_holds(tested, "\"t[epochs=2,batch_size=8]\",2,8,,0.75,1,1,0");
  hg_free(section);
  hg_free(spoiled);
  hg_free(tested);
}

/* Trained by another reconstruction loss than squares, the validation images have no MSE to choose by. */
static void where_no_squares_are_trained_the_reconstruction_loss_stands_in(void **state) {
  (void)state;
  static const char *const figures[] = {"accuracy", "classification_loss", "reconstruction_loss", NULL};
  hg_error error;
  hg_store *store = store_of(joint, 3, figures);
  for (int m = 0; m < 3; m++) {
    hg_run_record record = {0};
    bool found;
    check(hg_store_get_run(store, joint[m].name, 1, &record, &found, &error), &error);
    put_figure(store, record.id, "test", "mse", 0.01 * m);
    hg_run_record_release(&record);
  }
  char *section = section_of(store);
  hg_store_close(store);
  assert_int_equal(occurrences(section, "data-figure="), 3);
  assert_holds(section,
               "<b>joint by weight: reconstruction loss</b> Chosen on validation: weight 0.1 (0.1050), the ringed point.");
  assert_int_equal(occurrences(section, "MSE"), 0);
  hg_free(section);
}

/* A weight of the loss scales it, and nothing else: by the loss the least weight would always win. */
static void a_swept_weight_is_chosen_by_what_it_does_not_scale(void **state) {
  (void)state;
  static const char *const figures[FIGURES] = {"loss", "mse"};
  static const swept models[] = {{"ae[weight=0.01]", WEIGHT("0.01"), {0.0015, 0.15}}, {"ae[weight=10]", WEIGHT("10"), {1, 0.1}}};
  hg_error error;
  hg_store *store = store_of(models, 2, figures);
  /* One that diverged has a history, and no figures. */
  char settings[] = WEIGHT("99");
  hg_run_record wild = {
      .name = "ae[weight=99]", .seed = 1, .position = 2, .kind = "network", .status = "diverged", .settings = settings};
  hg_epoch epoch = {.loss = 1, .val_loss = 1};
  check(hg_store_put_run(store, &wild, &error), &error);
  check(hg_store_put_history(store, wild.id, &epoch, 1, &error), &error);
  char *section = section_of(store);
  hg_store_close(store);
  assert_holds(section, "<b>ae by weight: MSE</b> Chosen on validation: weight 10 (0.1050), the ringed point.");
  hg_free(section);
}

static void points_whose_scores_do_not_compare_choose_nothing(void **state) {
  (void)state;
  static const char *const loss_only[FIGURES] = {"loss"}, *const accuracy_only[FIGURES] = {"accuracy"};
  static const struct {
    swept models[2];
    const char *const *figures;
    const char *part;
  } cases[] = {
      {{{"m[data=a]", "{\"data\": {\"source\": \"a\"}}", {0.9}}, {"m[data=b]", "{\"data\": {\"source\": \"b\"}}", {0.8}}},
       accuracy_only,
       "`data`"},
      {{{"m[gaussian=0.1]", "{\"corrupt\": {\"gaussian\": 0.1}}", {0.1}},
        {"m[gaussian=0.9]", "{\"corrupt\": {\"gaussian\": 0.9}}", {0.2}}},
       loss_only,
       "`corrupt`"},
      {{{"m[weight=1]", WEIGHT("1"), {0.1}}, {"m[weight=2]", WEIGHT("2"), {0.2}}}, loss_only, "`loss`"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    hg_choice *choices;
    hg_error error;
    int count;
    hg_store *store = store_of(cases[i].models, 2, cases[i].figures);
    char *section = section_of(store);
    check(hg_report_choices(store, &choices, &count, &error), &error);
    hg_store_close(store);
    assert_int_equal(count, 1);
    assert_string_equal(choices[0].chosen, "");
    assert_holds(cases[i].part, choices[0].apart);
    assert_holds(section, cases[i].part);
    assert_holds(section, "nothing is chosen here");
    hg_free(choices);
    hg_free(section);
    folder_remove(NULL);
    folder_make(NULL);
  }
}

/* Sweeps of one figure have one chart each and share a row, before and after one of several. */
static void a_sweep_of_one_figure_has_one_chart(void **state) {
  (void)state;
  static const swept models[] = {{"cnn[epochs=1]", "{}", {0.6, 0.9, NAN, 0.9}},  {"cnn[epochs=2]", "{}", {0.7, 0.8, NAN, 0.8}},
                                 {"code[width=8]", "{}", {NAN, NAN, 0.2, 0.2}},  {"code[width=16]", "{}", {NAN, NAN, 0.1, 0.1}},
                                 {"both[weight=1]", "{}", {0.6, 0.9, 0.1, 0.2}}, {"both[weight=2]", "{}", {0.5, 0.7, 0.2, 0.2}},
                                 {"last[epochs=1]", "{}", {0.6, 0.9, NAN, 0.9}}, {"last[epochs=2]", "{}", {0.7, 0.8, NAN, 0.8}}};
  hg_store *store = store_of(models, 8, joint_figures);
  char *section = section_of(store);
  hg_store_close(store);
  assert_int_equal(occurrences(section, "data-figure="), 6);
  assert_holds(section, "<h2>Sweeps</h2><div class=\"panels wide\"><figure");
  assert_holds(section, "<b>cnn by epochs: accuracy</b> Chosen on validation: epochs 2 (70.50\xe2\x80\xaf%), the ringed point.");
  assert_holds(section, "<b>code by width: MSE</b> Chosen on validation: width 16 (0.1050), the ringed point.");
  assert_int_equal(occurrences(section, "<div class=\"panels wide\">"), 2);
  assert_int_equal(occurrences(section, "<div class=\"panels\">"), 1);
  assert_int_equal(occurrences(section, "<div"), occurrences(section, "</div>"));
  hg_free(section);
}

/* Settings leave out a yes or no that is the default. */
static void the_model_that_is_varied_says_what_it_leaves_out(void **state) {
  (void)state;
  static const char *const accuracy_only[FIGURES] = {"accuracy"};
  static const swept models[] = {
      {"cnn", "{\"encoder\": [{\"conv2d\": {\"filters\": 4}}]}", {0.7}},
      {"cnn[freeze=true]", "{\"encoder\": [{\"conv2d\": {\"filters\": 4, \"freeze\": true}}]}", {0.6}},
      {"net", "{\"encoder\": [{\"batch_norm\": {}}]}", {0.6}},
      {"net[encoder.0.batch_norm.scale=no]", "{\"encoder\": [{\"batch_norm\": {\"scale\": false}}]}", {0.5}}};
  hg_store *store = store_of(models, 4, accuracy_only);
  char *section = section_of(store);
  hg_store_close(store);
  assert_holds(section, "Chosen on validation: freeze false (70.50\xe2\x80\xaf%)");
  assert_holds(section, "scale true (60.50\xe2\x80\xaf%)");
  hg_free(section);
}

int main(void) {
#define SWEEP_TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)
  const struct CMUnitTest tests[] = {
      SWEEP_TEST(models_that_classify_and_rebuild_have_a_chart_of_each_figure),
      SWEEP_TEST(the_best_of_several_figures_is_by_accuracy),
      SWEEP_TEST(two_settings_have_a_map_of_each_figure),
      SWEEP_TEST(two_settings_that_nothing_is_chosen_from_have_a_map),
      SWEEP_TEST(where_no_squares_are_trained_the_reconstruction_loss_stands_in),
      SWEEP_TEST(a_sweep_of_one_figure_has_one_chart),
      SWEEP_TEST(a_swept_weight_is_chosen_by_what_it_does_not_scale),
      SWEEP_TEST(points_whose_scores_do_not_compare_choose_nothing),
      SWEEP_TEST(the_model_that_is_varied_says_what_it_leaves_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
