#include "base/file.h"
#include "demo_store.h"
#include "report/report.h"

#include <jansson.h>

static const char folder[] = BINARY_DIR "/demo-report";

/* The caller closes it. Made once: the tests only read it. */
static hg_store *open_demo(void) {
  static bool made;
  hg_store *store;
  hg_error error;
  if (made)
    demo_check(hg_store_open(folder, false, &store, &error), &error);
  else
    store = demo_store(folder);
  made = true;
  return store;
}

static json_t *demo_report(void) {
  char *text;
  hg_error error;
  hg_store *store = open_demo();
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
  assert_int_equal(json_array_size(json_object_get(report, "comparisons")), 7);
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

/* The page of the demo store; it stays in the build folder, where the browser's check and people can look at it. */
static char *demo_page(void) {
  char *text;
  size_t count;
  hg_error error;
  hg_store *store = open_demo();
  demo_check(hg_report_write_json(store, &error), &error);
  demo_check(hg_report_write_page(store, &error), &error);
  hg_store_close(store);
  assert_true(hg_path_exists(BINARY_DIR "/demo-report/report.json"));
  demo_check(hg_file_read(BINARY_DIR "/demo-report/report.html", 5 << 20, &text, &count, &error), &error);
  return text;
}

static void assert_holds(const char *text, const char *part) {
  if (strstr(text, part) == NULL) fail_msg("the page does not hold \"%s\"", part);
}

static void the_page_holds_what_the_store_knows(void **state) {
  (void)state;
  char *page = demo_page();
  const char *const parts[] = {"Does an encoder that learned to clean digits help to tell garments apart?",
                               "differ by 0.3 points",
                               "241,546",
                               "Is the difference real?",
                               "Beside published figures",
                               "Learning curves",
                               "Accuracy by class",
                               "Precision against recall",
                               "Receiver operating characteristic on garments",
                               "Average precision",
                               "macro average",
                               "Reliability on garments",
                               "Calibration error (ECE)",
                               "Scores by class",
                               "weighted avg",
                               "Confusion matrix",
                               "Worst mistakes",
                               "Originals, noisy inputs, reconstructions",
                               "Multiply-adds",
                               "&quot;learning_rate&quot;: 0.001",
                               "hourglass run studies/denoise-and-transfer.yaml --out out/denoise",
                               "data:image/png;base64,"};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) assert_holds(page, parts[i]);
  hg_free(page);
}

static void better_is_said_only_where_p_is_small(void **state) {
  (void)state;
  char *page = demo_page();
  assert_holds(page, "<b>cnn</b> is <span class=\"verdict better\">better</span> than <b>transfer</b>");
  assert_holds(page, "<span class=\"verdict\">No significant difference</span> between <b>transfer</b> and <b>cnn</b>");
  hg_free(page);
}

/* Between id="answer" and the end of that section, in a buffer. */
static const char *first_screen(const char *page) {
  static char part[16384];
  const char *start = strstr(page, "<section id=\"answer\">"), *end = start == NULL ? NULL : strstr(start, "</section>");
  assert_non_null(end);
  snprintf(part, sizeof part, "%.*s", (int)(end - start), start);
  return part;
}

static void the_first_screen_says_one_sentence_for_each_pair(void **state) {
  (void)state;
  char *page = demo_page();
  const char *screen = first_screen(page);
  assert_holds(screen,
               "<b>cnn</b> is <span class=\"verdict better\">better</span> than <b>transfer</b> in accuracy: "
               "92.75\xe2\x80\xaf% against 91.40\xe2\x80\xaf%");
  assert_holds(screen, "p 0.0406 (test over seeds and images, Holm; 3 seeds)");
  assert_holds(screen, "</span> between <b>transfer</b> and <b>cnn</b> in accuracy: 91.40\xe2\x80\xaf% and 91.70\xe2\x80\xaf%");
  assert_null(strstr(screen, "F1")); /* it stands in the table below */
  assert_null(strstr(screen, "0.0442"));
  assert_true(strstr(screen, "<b>naive_bayes</b>") < strstr(screen, "No significant")); /* what is decided comes first */
  assert_holds(page, "0.0442");
  hg_free(page);
}

/* The commonest verdict leads, and what holds at the other levels is not kept back. */
static void a_score_at_several_levels_of_noise_is_one_sentence_about_all_of_them(void **state) {
  (void)state;
  char *page = demo_page();
  const char *screen = first_screen(page);
  assert_holds(screen,
               "<b>denoiser</b> is <span class=\"verdict better\">better</span> than <b>median filter</b> in MSE at 2 of 3 "
               "levels of noise, <b>median filter</b> at 1 ");
  assert_holds(screen, "largest p 0.0008");
  assert_holds(page, "+0.003</td>");
  assert_holds(page,
               "\xe2\x88\x92"
               "0.006</td>");
  hg_free(page);
}

static int occurrences(const char *text, const char *part) {
  int count = 0;
  for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) count++;
  return count;
}

static void maps_of_codes_stand_beside_each_other_and_share_one_sheet(void **state) {
  (void)state;
  char *page = demo_page();
  assert_holds(page, "<b>cnn: t-SNE</b>");
  assert_holds(page, "<b>transfer: principal components</b>");
  assert_holds(page, "KL divergence 1.250, trustworthiness 0.9850 (12 neighbours)");
  assert_holds(page, "Inter-class distance");
  assert_int_equal(occurrences(page, ".sheet-0{"), 1); /* three models share it; others are of denoised, reconstructed and doubled
                                                             images */
  assert_int_equal(occurrences(page, ".sheet-3{"), 1);
  assert_int_equal(occurrences(page, ".sheet-4{"), 0);
  hg_free(page);
}

static void denoising_stands_beside_a_median_filter_at_every_level(void **state) {
  (void)state;
  char *page = demo_page();
  assert_holds(page, "Noise taken away on digits: salt and pepper");
  assert_holds(page, "salt and pepper 0.25</b>, the level of the training");
  assert_holds(page, "<th scope=\"row\">median filter</th><td class=\"num\">0.005</td><td class=\"num\">0.0125</td>");
  assert_int_equal(occurrences(page, "aria-label=\"denoised\""), DEMO_LEVELS * DEMO_CLEANED);
  hg_free(page);
}

static void the_data_are_shown_class_by_class(void **state) {
  (void)state;
  char *page = demo_page();
  assert_holds(page, "<b>garments</b>, test images as they come");
  assert_holds(page, "aria-label=\"ankle boot\"");
  hg_free(page);
}

static void all_models_answer_to_the_same_images(void **state) {
  (void)state;
  char *page = demo_page();
  assert_holds(page, "Probabilities of every class on garments");
  assert_holds(page, "test image 0: T-shirt/top");
  hg_free(page);
}

static void hyper_parameters_stand_in_words(void **state) {
  (void)state;
  char *page = demo_page();
  assert_holds(page, "<dt>batch size</dt><dd>256</dd>");
  assert_holds(page, "<dt>optimizer</dt><dd>adam</dd>");
  assert_holds(page, "<dt>adam learning rate</dt><dd>0.001</dd>");
  assert_holds(page, "<span class=\"row\">B2</span> the ten-class table");
  hg_free(page);
}

static void images_in_two_parts_are_counted_and_shown(void **state) {
  (void)state;
  char *page = demo_page();
  assert_holds(page, "test in training</td><td class=\"num\">2,000</td><td class=\"num strong\">970");
  assert_holds(page, "test 23<br>training 53999<br>3 bits apart");
  hg_free(page);
}

static void the_page_stands_alone(void **state) {
  (void)state;
  char *page = demo_page();
  assert_true(strlen(page) < 5 << 20);
  assert_int_equal(occurrences(page, "<script src"), 0);
  assert_int_equal(occurrences(page, "<link"), 0);
  assert_int_equal(occurrences(page, "src=\"http"), 0);
  assert_int_equal(occurrences(page, "default-src 'none'"), 1);
  assert_int_equal(occurrences(page, "</script"), 3); /* data, charts, page.js: the bundle holds none of its own */
  hg_free(page);
}

static void the_same_store_gives_the_same_page(void **state) {
  (void)state;
  char *first = demo_page(), *second = demo_page();
  assert_string_equal(first, second);
  hg_free(first);
  hg_free(second);
}

/* ---------------------------------------------------------------- stores that ask for trouble */

static char trouble[64];

static int make_folder(void **state) {
  (void)state;
  snprintf(trouble, sizeof trouble, "/tmp/hourglass-report-XXXXXX");
  return mkdtemp(trouble) == NULL;
}

static int remove_folder(void **state) {
  (void)state;
  char command[96];
  snprintf(command, sizeof command, "rm -rf %s", trouble);
  return system(command);
}

static char *page_of(hg_store *store) {
  char *text, path[96];
  size_t count;
  hg_error error;
  demo_check(hg_report_write_page(store, &error), &error);
  hg_store_close(store);
  snprintf(path, sizeof path, "%s/report.html", trouble);
  demo_check(hg_file_read(path, 5 << 20, &text, &count, &error), &error);
  return text;
}

static hg_store *open_store(void) {
  hg_store *store;
  hg_error error;
  demo_check(hg_store_open(trouble, true, &store, &error), &error);
  return store;
}

#define MARKUP "<script>x'" /* short enough for every field */
#define ATTACK "</script><script>alert('x')</script><img src=x onerror=alert(1)>\"&"

static void put_hostile_run(hg_store *store) {
  hg_error error;
  char settings[] = "{\"note\": \"</pre><script>alert('x')</script>\"}",
       names[] = "[\"</script><script>alert('x')</script>\", \"<b>\"]";
  hg_run_record record = {.name = MARKUP, .kind = "<i>", .status = "done", .data = "<u>", .settings = settings};
  hg_data_record data = {.name = "<u>", .source = ATTACK, .digest = MARKUP, .test = 2, .classes = 2, .class_names = names};
  const int32_t labels[] = {0, 1};
  const float rows[] = {0.9f, 0.1f, 0.8f, 0.2f};
  const uint8_t pixels[8] = {0, 50, 100, 150, 200, 250, 255, 1};
  const hg_named_tensor tensors[] = {{"labels", HG_I32, 1, {2}, labels},
                                     {"probabilities", HG_F32, 2, {2, 2}, rows},
                                     {"original", HG_U8, 4, {2, 2, 2, 1}, pixels}};
  const hg_layer_row layer = {MARKUP, MARKUP, MARKUP, MARKUP, {1, 1, 1}, 1, 1, 1};
  demo_check(hg_store_put_data(store, &data, &error), &error);
  demo_check(hg_store_put_run(store, &record, &error), &error);
  demo_check(hg_store_put_metric(store, record.id, "test.accuracy", 0.5, &error), &error);
  demo_check(hg_store_put_layers(store, record.id, &layer, 1, &error), &error);
  demo_write(store, &record, "predictions.safetensors", tensors, 2);
  demo_write(store, &record, "samples.safetensors", tensors, 3);
}

static void texts_of_the_study_cannot_become_markup(void **state) {
  (void)state;
  static const char *const facts[] = {"name", "about", "yaml", "yaml_path", "version", "command", "seeds", "started", "threads"};
  hg_error error;
  hg_store *store = open_store();
  for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
    demo_check(hg_store_set_fact(store, facts[i], ATTACK, &error), &error);
  hg_warning warning = {MARKUP, ATTACK};
  hg_comparison comparison = {MARKUP, MARKUP, MARKUP, MARKUP, 1, 1, 1, 0.01, 1, 0, 0.01, 1, 1, 1, "better", MARKUP};
  hg_published published = {MARKUP, MARKUP, 1, 1, 1, 1, 1, MARKUP};
  demo_check(hg_store_put_warnings(store, &warning, 1, &error), &error);
  demo_check(hg_store_put_comparisons(store, &comparison, 1, &error), &error);
  demo_check(hg_store_put_published(store, &published, 1, &error), &error);
  put_hostile_run(store);
  char *page = page_of(store);
  assert_int_equal(occurrences(page, "<script>alert"), 0);
  assert_int_equal(occurrences(page, "<img src=x"), 0);
  assert_int_equal(occurrences(page, "<script>x"), 0);
  assert_int_equal(occurrences(page, "</script"), 3);
  hg_free(page);
}

/* Denoisers that a filter is never better than would else fill the first screen. */
static void models_better_than_one_filter_at_every_level_share_a_sentence(void **state) {
  (void)state;
  static const char *const names[] = {"wide", "deep", "half"}, *const levels[] = {"mse (gaussian 0.1)", "mse (gaussian 0.3)"};
  hg_comparison rows[6] = {0};
  hg_error error;
  for (int i = 0; i < 6; i++) {
    rows[i] =
        (hg_comparison){.test = "paired-bootstrap", .difference = -1, .p_value = 0.001, .p_holm = 0.001 * (i + 1), .seeds = 1};
    snprintf(rows[i].a, sizeof rows[i].a, "%s", names[i / 2]);
    snprintf(rows[i].b, sizeof rows[i].b, "median filter");
    snprintf(rows[i].metric, sizeof rows[i].metric, "%s", levels[i % 2]);
    snprintf(rows[i].verdict, sizeof rows[i].verdict, "%s", i == 5 ? "undecided" : "better");
  }
  hg_store *store = demo_store(trouble);
  demo_check(hg_store_put_comparisons(store, rows, 6, &error), &error);
  char *page = page_of(store);
  const char *screen = first_screen(page);
  assert_holds(screen,
               "<b>wide</b> and <b>deep</b> are <span class=\"verdict better\">better</span> than <b>median filter</b> in MSE at "
               "all 2 levels of noise <span class=\"proof\">largest p 0.0040");
  assert_holds(screen, "<b>half</b> is <span class=\"verdict better\">better</span> than <b>median filter</b> in MSE at 1 of 2");
  assert_int_equal(occurrences(screen, "<b>deep</b>"), 1);
  hg_free(page);
}

static void support_vector_machines_have_no_calibration(void **state) {
  (void)state;
  hg_store *store = demo_store(trouble);
  hg_run_record *runs;
  int count;
  hg_error error;
  char *before = demo_page();
  assert_holds(before, "naive_bayes, ECE");
  assert_null(strstr(before, "Support vector machines give"));
  hg_free(before);
  demo_check(hg_store_list_runs(store, &runs, &count, &error), &error);
  for (int i = 0; i < count; i++)
    if (strcmp(runs[i].name, "naive_bayes") == 0) {
      snprintf(runs[i].kind, sizeof runs[i].kind, "svm");
      demo_check(hg_store_put_run(store, &runs[i], &error), &error);
    }
  for (int i = 0; i < count; i++) hg_run_record_release(&runs[i]);
  hg_free(runs);
  char *page = page_of(store);
  assert_null(strstr(page, "naive_bayes, ECE"));
  assert_holds(page, "Support vector machines give shares of votes or scores, not probabilities");
  hg_free(page);
}

static void an_empty_store_has_a_page(void **state) {
  (void)state;
  char *page = page_of(open_store());
  assert_holds(page, "Run it again");
  hg_free(page);
}

static void a_failed_run_is_shown_with_its_cause(void **state) {
  (void)state;
  hg_error error;
  hg_store *store = open_store();
  hg_run_record record = {.name = "cnn", .status = "diverged", .message = "the loss was not finite in epoch 3"};
  demo_check(hg_store_put_run(store, &record, &error), &error);
  char *page = page_of(store);
  assert_holds(page, "1 model, 1 run, 0 of them done");
  assert_holds(page, "This run is diverged");
  assert_holds(page, "the loss was not finite in epoch 3");
  hg_free(page);
}

static void squared_errors_and_cross_entropies_share_no_axis(void **state) {
  (void)state;
  static const char *const losses[] = {"mse", "binary_cross_entropy"};
  hg_error error;
  hg_store *store = open_store();
  for (int i = 0; i < 2; i++) {
    char settings[96];
    snprintf(settings, sizeof settings, "{\"loss\": {\"reconstruction\": {\"%s\": {\"weight\": 1.0}}}}", losses[i]);
    hg_run_record record = {.position = i, .kind = "network", .status = "done", .settings = settings};
    snprintf(record.name, sizeof record.name, "%s", losses[i]);
    demo_check(hg_store_put_run(store, &record, &error), &error);
    hg_epoch epochs[2];
    for (int e = 0; e < 2; e++)
      epochs[e] = (hg_epoch){.epoch = e + 1,
                             .loss = 0.3,
                             .accuracy = NAN,
                             .val_accuracy = NAN,
                             .classification_loss = NAN,
                             .reconstruction_loss = 0.3,
                             .val_loss = NAN,
                             .val_classification_loss = NAN,
                             .val_reconstruction_loss = NAN,
                             .center_loss = NAN,
                             .val_center_loss = NAN};
    demo_check(hg_store_put_history(store, record.id, epochs, 2, &error), &error);
  }
  char *page = page_of(store);
  assert_holds(page, "Reconstruction loss (MSE) by epoch");
  assert_holds(page, "Reconstruction loss (cross-entropy) by epoch");
  hg_free(page);
}

static void damaged_predictions_are_told_on_the_page(void **state) {
  (void)state;
  hg_error error;
  hg_store *store = open_store();
  hg_run_record record = {.name = "cnn", .status = "done"};
  demo_check(hg_store_put_run(store, &record, &error), &error);
  char *path = demo_path(store, &record, "predictions.safetensors");
  demo_check(hg_file_write(path, "cut", 3, &error), &error);
  hg_free(path);
  char *page = page_of(store);
  assert_holds(page, "Something could not be read");
  assert_holds(page, "predictions.safetensors");
  hg_free(page);
}

static void missing_and_damaged_predictions_stand_among_the_warnings(void **state) {
  (void)state;
  hg_error error;
  hg_store *store = open_store();
  hg_warning *rows = NULL;
  int count = 0;
  for (int i = 0; i < 3; i++) {
    hg_run_record record = {.seed = (uint64_t)i + 1, .name = "cnn", .status = "done"};
    if (i == 2) snprintf(record.status, sizeof record.status, "failed");
    demo_check(hg_store_put_run(store, &record, &error), &error);
    demo_check(hg_store_put_metric(store, record.id, "test.accuracy", 0.5, &error), &error);
    char *path = demo_path(store, &record, "predictions.safetensors");
    if (i == 1) demo_check(hg_file_write(path, "cut", 3, &error), &error);
    hg_free(path);
  }
  demo_check(hg_report_damage(store, &rows, &count, &error), &error);
  assert_int_equal(count, 2);
  assert_string_equal(rows[0].code, "predictions-missing");
  assert_string_equal(rows[1].code, "predictions-damaged");
  assert_non_null(strstr(rows[1].message, "the predictions of cnn, seed 2, are damaged"));
  assert_non_null(strstr(rows[1].message, "runs/cnn-seed2, and `hourglass run STUDY` makes this run again"));
  char *page = page_of(store);
  assert_holds(page, "Read this first");
  assert_holds(page, "the predictions of cnn, seed 1, are missing");
  hg_free(page);
  hg_free(rows);
}

static void samples_of_odd_shapes_are_left_out(void **state) {
  (void)state;
  hg_error error;
  hg_store *store = open_store();
  hg_run_record record = {.name = "cnn", .status = "done"};
  const uint8_t pixels[16] = {0};
  const int32_t labels[] = {7, 1};
  const float rows[] = {0.9f, 0.1f, 0.8f, 0.2f};
  const hg_named_tensor tensors[] = {{"original", HG_U8, 4, {2, 2, 2, 2}, pixels},
                                     {"labels", HG_I32, 1, {2}, labels},
                                     {"probabilities", HG_F32, 2, {2, 2}, rows},
                                     {"reconstruction", HG_U8, 4, {2, 1, 2, 2}, pixels}};
  demo_check(hg_store_put_run(store, &record, &error), &error);
  demo_write(store, &record, "samples.safetensors", tensors, 4);
  demo_write(store, &record, "predictions.safetensors", tensors + 1, 2);
  char *page = page_of(store);
  assert_int_equal(occurrences(page, "<img width"), 0);
  assert_holds(page, "label 7");
  hg_free(page);
}

static void failed_allocations_are_told(void **state) {
  (void)state;
  hg_error error;
  hg_store *store = open_store();
  put_hostile_run(store);
  hg_code code = HG_NO_MEMORY;
  for (int n = 0; code != HG_OK; n++) {
    char *text = NULL;
    hg_alloc_fail_after(n);
    code = hg_report_write_page(store, &error);
    if (code == HG_OK) code = hg_report_json(store, &text, &error);
    hg_alloc_fail_after(-1);
    assert_true(code == HG_NO_MEMORY || code == HG_OK);
    hg_free(text);
    assert_true(n < 500);
  }
  hg_store_close(store);
}

int main(void) {
#define TROUBLE_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
  const struct CMUnitTest tests[] = {

      cmocka_unit_test(the_json_holds_every_run_with_its_history),
      cmocka_unit_test(metrics_stand_under_their_prefix),
      cmocka_unit_test(figures_that_are_missing_are_null),
      cmocka_unit_test(the_page_holds_what_the_store_knows),
      cmocka_unit_test(better_is_said_only_where_p_is_small),
      cmocka_unit_test(the_first_screen_says_one_sentence_for_each_pair),
      cmocka_unit_test(maps_of_codes_stand_beside_each_other_and_share_one_sheet),
      cmocka_unit_test(denoising_stands_beside_a_median_filter_at_every_level),
      cmocka_unit_test(a_score_at_several_levels_of_noise_is_one_sentence_about_all_of_them),
      cmocka_unit_test(the_data_are_shown_class_by_class),
      cmocka_unit_test(all_models_answer_to_the_same_images),
      cmocka_unit_test(hyper_parameters_stand_in_words),
      cmocka_unit_test(images_in_two_parts_are_counted_and_shown),
      cmocka_unit_test(the_page_stands_alone),
      cmocka_unit_test(the_same_store_gives_the_same_page),
      TROUBLE_TEST(texts_of_the_study_cannot_become_markup),
      TROUBLE_TEST(models_better_than_one_filter_at_every_level_share_a_sentence),
      TROUBLE_TEST(support_vector_machines_have_no_calibration),
      TROUBLE_TEST(an_empty_store_has_a_page),
      TROUBLE_TEST(a_failed_run_is_shown_with_its_cause),
      TROUBLE_TEST(squared_errors_and_cross_entropies_share_no_axis),
      TROUBLE_TEST(damaged_predictions_are_told_on_the_page),
      TROUBLE_TEST(missing_and_damaged_predictions_stand_among_the_warnings),
      TROUBLE_TEST(samples_of_odd_shapes_are_left_out),
      TROUBLE_TEST(failed_allocations_are_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
