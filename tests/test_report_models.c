/* The models of report.json: one entry for all runs of a model, with the figures that the page's table of results prints; and
 * their settings on the page. */
#include "base/file.h"
#include "demo_store.h"
#include "report/format.h"
#include "report/report.h"

#include <jansson.h>

static const char folder[] = BINARY_DIR "/demo-models";

static json_t *report_of(hg_store *store) {
  char *text;
  hg_error error;
  json_error_t cause;
  demo_check(hg_report_json(store, &text, &error), &error);
  json_t *report = json_loads(text, JSON_REJECT_DUPLICATES, &cause);
  if (report == NULL) fail_msg("line %d: %s", cause.line, cause.text);
  hg_free(text);
  return report;
}

static json_t *model_named(json_t *report, const char *name) {
  json_t *model;
  size_t i;
  json_array_foreach(json_object_get(report, "models"), i,
                     model) if (strcmp(json_string_value(json_object_get(model, "name")), name) == 0) return model;
  fail_msg("no model %s", name);
  return NULL;
}

static double number(const json_t *object, const char *key) { return json_number_value(json_object_get(object, key)); }

static void assert_word(const json_t *object, const char *key, const char *wanted) {
  const char *found = json_string_value(json_object_get(object, key));
  assert_non_null(found);
  assert_string_equal(found, wanted);
}

static void every_model_is_told_once_with_what_it_is(void **state) {
  (void)state;
  hg_store *store = demo_store(folder);
  json_t *report = report_of(store), *models = json_object_get(report, "models"), *cnn = json_array_get(models, 0);
  hg_store_close(store);
  assert_int_equal(json_array_size(models), DEMO_MODELS);
  assert_word(cnn, "name", "cnn");
  assert_word(cnn, "id", "B2");
  assert_word(cnn, "kind", "network");
  assert_word(cnn, "data", "garments");
  assert_int_equal(json_integer_value(json_object_get(cnn, "parameters")), 241546);
  assert_int_equal(json_integer_value(json_object_get(cnn, "seeds")), 3);
  assert_null(json_object_get(model_named(report, "transfer"), "id"));
  json_decref(report);
}

/* By hand: t of two degrees of freedom at 97.5 % is 4.30265. */
static void several_seeds_have_their_mean_and_students_interval(void **state) {
  (void)state;
  hg_store *store = demo_store(folder);
  json_t *report = report_of(store), *runs = json_object_get(report, "runs");
  hg_store_close(store);
  double values[3], mean = 0, squares = 0;
  for (size_t i = 0; i < 3; i++) {
    values[i] = number(json_object_get(json_array_get(runs, i), "test"), "accuracy");
    mean += values[i] / 3;
  }
  for (int i = 0; i < 3; i++) squares += (values[i] - mean) * (values[i] - mean);
  double deviation = sqrt(squares / 2), half = 4.30265 * deviation / sqrt(3);
  json_t *accuracy = json_object_get(json_object_get(model_named(report, "cnn"), "test"), "accuracy");
  assert_word(accuracy, "interval", "student");
  assert_true(deviation > 0);
  assert_true(fabs(number(accuracy, "mean") - mean) < 1e-12);
  assert_true(fabs(number(accuracy, "deviation") - deviation) < 1e-12);
  assert_true(fabs(number(accuracy, "low") - (mean - half)) < 1e-6);
  assert_true(fabs(number(accuracy, "high") - (mean + half)) < 1e-6);
  json_decref(report);
}

/* (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n) */
static void one_seed_has_wilsons_interval_of_its_accuracy_alone(void **state) {
  (void)state;
  hg_store *store = demo_store(folder);
  json_t *report = report_of(store), *test = json_object_get(model_named(report, "naive_bayes"), "test");
  hg_store_close(store);
  const json_t *accuracy = json_object_get(test, "accuracy"), *loss = json_object_get(test, "loss");
  double p = number(accuracy, "mean"), n = DEMO_TEST, z = 1.959964;
  double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  assert_word(accuracy, "interval", "wilson");
  assert_true(json_is_null(json_object_get(accuracy, "deviation")));
  assert_true(fabs(number(accuracy, "low") - (p + z * z / (2 * n) - half) / (1 + z * z / n)) < 1e-6);
  assert_true(fabs(number(accuracy, "high") - (p + z * z / (2 * n) + half) / (1 + z * z / n)) < 1e-6);
  assert_true(json_is_real(json_object_get(loss, "mean")));
  assert_true(json_is_null(json_object_get(loss, "low")));
  assert_null(json_object_get(loss, "interval"));
  json_decref(report);
}

/* The cell as the page prints it, of what report.json says. */
static void put_cell(hg_text *cell, const char *key, const json_t *figure) {
  bool percent = strcmp(key, "accuracy") == 0;
  hg_text_put(cell, "<td class=\"num\">");
  hg_text_score(cell, number(figure, "mean"), percent);
  if (json_object_get(figure, "interval") != NULL) {
    hg_text_put(cell, "<span class=\"interval\">");
    if (percent)
      hg_text_format(cell, "%.2f\xe2\x80\x93%.2f", 100 * number(figure, "low"), 100 * number(figure, "high"));
    else {
      hg_text_figure(cell, number(figure, "low"));
      hg_text_put(cell, "\xe2\x80\x93");
      hg_text_figure(cell, number(figure, "high"));
    }
    hg_text_put(cell, "</span>");
  }
  hg_text_put(cell, "</td>");
}

/* A model's row of the table of results, up to its figures of effort; columns of the table without its figure are dashes. */
static void put_row(hg_text *row, const json_t *test) {
  static const char *const columns[] = {"accuracy", "loss", "macro_f1", "mse", "psnr", "ssim"};
  for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
    const json_t *figure = json_object_get(test, columns[i]);
    if (figure == NULL)
      hg_text_put(row, "<td class=\"num none\">\xe2\x80\x93</td>");
    else
      put_cell(row, columns[i], figure);
  }
}

static void the_page_prints_the_same_figures(void **state) {
  (void)state;
  char *page;
  size_t size, i;
  hg_error error;
  json_t *model;
  hg_store *store = demo_store(folder);
  json_t *report = report_of(store);
  demo_check(hg_report_write_page(store, &error), &error);
  hg_store_close(store);
  demo_check(hg_file_read(BINARY_DIR "/demo-models/report.html", 5 << 20, &page, &size, &error), &error);
  json_array_foreach(json_object_get(report, "models"), i, model) {
    hg_text row = {0};
    put_row(&row, json_object_get(model, "test"));
    if (strstr(page, row.bytes) == NULL) fail_msg("the page has no row %s", row.bytes);
    hg_text_release(&row);
  }
  assert_int_equal(i, DEMO_MODELS);
  hg_free(page);
  json_decref(report);
}

/* Of what is not done nothing is told but what it is to be; seeds counts those that are. */
static void runs_that_are_not_done_do_not_count(void **state) {
  (void)state;
  char place[] = "/tmp/hourglass-models-XXXXXX", command[96];
  hg_error error;
  hg_store *store;
  assert_non_null(mkdtemp(place));
  demo_check(hg_store_open(place, true, &store, &error), &error);
  static const char *const names[] = {"half", "half", "none"}, *const statuses[] = {"done", "diverged", "pending"};
  for (int i = 0; i < 3; i++) {
    hg_run_record record = {.seed = (uint64_t)i + 1, .position = i / 2, .kind = "network"};
    snprintf(record.name, sizeof record.name, "%s", names[i]);
    snprintf(record.status, sizeof record.status, "%s", statuses[i]);
    demo_check(hg_store_put_run(store, &record, &error), &error);
    if (i < 2) demo_check(hg_store_put_metric(store, record.id, "test.mse", 0.25 + i, &error), &error);
  }
  json_t *report = report_of(store), *half = model_named(report, "half"), *none = model_named(report, "none");
  hg_store_close(store);
  assert_int_equal(json_integer_value(json_object_get(half, "seeds")), 1);
  assert_true(number(json_object_get(json_object_get(half, "test"), "mse"), "mean") == 0.25);
  assert_int_equal(json_integer_value(json_object_get(none, "seeds")), 0);
  assert_int_equal(json_object_size(json_object_get(none, "test")), 0);
  json_decref(report);
  snprintf(command, sizeof command, "rm -rf %s", place);
  assert_int_equal(system(command), 0);
}

/* The page of a store of one run with these settings. The caller frees it. */
static char *page_with(const char *settings) {
  char place[] = "/tmp/hourglass-models-XXXXXX", path[64], command[96], text[1024], *page;
  size_t size;
  hg_error error;
  hg_store *store;
  hg_run_record record = {.name = "m", .seed = 1, .kind = "network", .status = "done", .settings = text};
  snprintf(text, sizeof text, "%s", settings);
  assert_non_null(mkdtemp(place));
  demo_check(hg_store_open(place, true, &store, &error), &error);
  demo_check(hg_store_put_run(store, &record, &error), &error);
  demo_check(hg_report_write_page(store, &error), &error);
  hg_store_close(store);
  snprintf(path, sizeof path, "%s/report.html", place);
  demo_check(hg_file_read(path, 5 << 20, &page, &size, &error), &error);
  snprintf(command, sizeof command, "rm -rf %s", place);
  assert_int_equal(system(command), 0);
  return page;
}

/* Of what is off where nothing is said, the table is silent. */
static void zeros_and_noes_that_somebody_asked_for_stand_in_the_table(void **state) {
  (void)state;
  static const char *const said[] = {"<dt>early stopping restore best weights</dt><dd>no</dd>",
                                     "<dt>learning rate factors encoder</dt><dd>0</dd>",
                                     "<dt>adamw beta 1</dt><dd>0</dd>",
                                     "<dt>adamw weight decay</dt><dd>0</dd>",
                                     "<dt>triangular initial</dt><dd>0</dd>",
                                     "<dt>center rate</dt><dd>0</dd>",
                                     "<dt>corrupt clip</dt><dd>no</dd>"},
                           *const silent[] = {"clip norm</dt>",        "factors decoder</dt>", "min delta</dt>",
                                              "triangular final</dt>", "corrupt masking</dt>", "augment flip</dt>"};
  char *page = page_with(
      "{\"augment\": {\"flip\": false}, \"corrupt\": {\"clip\": false, \"gaussian\": 0.5, \"masking\": 0.0},"
      " \"loss\": {\"center\": {\"rate\": 0.0, \"weight\": 0.1}}, \"train\": {\"clip_norm\": 0.0,"
      " \"early_stopping\": {\"min_delta\": 0.0, \"patience\": 2, \"restore_best_weights\": false},"
      " \"learning_rate_factors\": {\"decoder\": 1.0, \"encoder\": 0.0},"
      " \"optimizer\": {\"adamw\": {\"beta_1\": 0.0, \"weight_decay\": 0.0}},"
      " \"schedule\": {\"triangular\": {\"final\": 0.0, \"initial\": 0.0}}}}");
  for (size_t i = 0; i < sizeof said / sizeof said[0]; i++)
    if (strstr(page, said[i]) == NULL) fail_msg("the page does not say %s", said[i]);
  for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++)
    if (strstr(page, silent[i]) != NULL) fail_msg("the page says %s", silent[i]);
  hg_free(page);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_model_is_told_once_with_what_it_is),
      cmocka_unit_test(several_seeds_have_their_mean_and_students_interval),
      cmocka_unit_test(one_seed_has_wilsons_interval_of_its_accuracy_alone),
      cmocka_unit_test(the_page_prints_the_same_figures),
      cmocka_unit_test(runs_that_are_not_done_do_not_count),
      cmocka_unit_test(zeros_and_noes_that_somebody_asked_for_stand_in_the_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
