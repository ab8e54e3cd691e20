#include "base/file.h"
#include "demo_store.h"
#include "report/report.h"

#include <jansson.h>

static const char folder[] = BINARY_DIR "/demo-report";

static json_t *demo_report(void) {
  char *text;
  hg_error error;
  hg_store *store = demo_store(folder);
  demo_check(hg_report_json(store, &text, &error), &error);
  hg_store_close(store);
  json_error_t cause;
  json_t *report = json_loads(text, JSON_REJECT_DUPLICATES, &cause);
  if (report == NULL) fail_msg("line %d: %s", cause.line, cause.text);
  hg_free(text);
  return report;
}

static void the_json_holds_every_run_with_its_history(void **state) {
  (void)state;
  json_t *report = demo_report(), *runs = json_object_get(report, "runs"), *first = json_array_get(runs, 0);
  assert_int_equal(json_integer_value(json_object_get(report, "schema")), 1);
  assert_int_equal(json_integer_value(json_object_get(report, "threads")), 2);
  assert_string_equal(json_string_value(json_object_get(report, "study")), "denoise-and-transfer");
  assert_int_equal(json_array_size(runs), 9);
  assert_string_equal(json_string_value(json_object_get(first, "name")), "cnn");
  assert_string_equal(json_string_value(json_object_get(first, "status")), "done");
  assert_int_equal(json_integer_value(json_object_get(first, "parameters")), 241546);
  assert_int_equal(json_array_size(json_object_get(first, "history")), 20);
  assert_int_equal(json_array_size(json_object_get(report, "comparisons")), 3);
  assert_int_equal(json_array_size(json_object_get(report, "published")), 2);
  assert_int_equal(json_array_size(json_object_get(report, "warnings")), 1);
  json_decref(report);
}

static void metrics_stand_under_their_prefix(void **state) {
  (void)state;
  json_t *report = demo_report(), *run = json_array_get(json_object_get(report, "runs"), 0);
  double accuracy = json_real_value(json_object_get(json_object_get(run, "test"), "accuracy"));
  assert_true(accuracy > 0.8 && accuracy < 1);
  json_decref(report);
}

static void figures_that_are_missing_are_null(void **state) {
  (void)state;
  json_t *report = demo_report(), *run = json_array_get(json_object_get(report, "runs"), 3);
  assert_string_equal(json_string_value(json_object_get(run, "name")), "denoiser");
  json_t *epoch = json_array_get(json_object_get(run, "history"), 0);
  assert_true(json_is_null(json_object_get(epoch, "accuracy")));
  assert_true(json_is_real(json_object_get(epoch, "loss")));
  assert_null(json_object_get(epoch, "center_loss"));
  json_decref(report);
}

static void written_files_are_there(void **state) {
  (void)state;
  hg_error error;
  hg_store *store = demo_store(folder);
  demo_check(hg_report_write_json(store, &error), &error);
  demo_check(hg_report_write_page(store, &error), &error);
  hg_store_close(store);
  assert_true(hg_path_exists(BINARY_DIR "/demo-report/report.json"));
  assert_true(hg_path_exists(BINARY_DIR "/demo-report/report.html"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_json_holds_every_run_with_its_history),
      cmocka_unit_test(metrics_stand_under_their_prefix),
      cmocka_unit_test(figures_that_are_missing_are_null),
      cmocka_unit_test(written_files_are_there),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
