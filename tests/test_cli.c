/* The commands from outside: their words, help and messages, and how the program exits. */
#include "test_program.h"

#include <jansson.h>

static void help_and_version_go_to_standard_output(void **state) {
  (void)state;
  outcome result = run("--help");
  assert_status(result, 0);
  assert_has(result.out, "Usage: hourglass COMMAND");
  assert_string_equal(result.err, "");
  result = run("--version");
  assert_status(result, 0);
  assert_string_equal(result.out, "hourglass 0.1.0\n");
}

static void every_command_has_its_own_help(void **state) {
  (void)state;
  const char *commands[] = {"run",  "check",   "show",   "data", "data list",  "data inspect", "data fetch",
                            "runs", "compare", "report", "help", "completion", "man"};
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    char usage[64];
    snprintf(usage, sizeof usage, "Usage: hourglass %s", commands[i]);
    outcome result = run("%s --help", commands[i]);
    assert_status(result, 0);
    assert_has(result.out, usage);
    assert_has(result.out, "--color WHEN");
    assert_has(run("help %s", commands[i]).out, usage);
  }
  outcome data = run("data --help");
  assert_has(data.out, "data fetch NAME");
  assert_null(strstr(data.out, "report DIR"));
}

static void wrong_words_are_refused_with_the_nearest_right_one(void **state) {
  (void)state;
  const struct {
    const char *line, *message;
  } cases[] = {{"rnu x.yaml", "unknown command `rnu`; did you mean `run`?"},
               {"run x.yaml --thread 2", "unknown option `--thread`; did you mean `--threads`?"},
               {"data lst", "did you mean `list`?"},
               {"data", "list | inspect | fetch"},
               {"data list x", "one argument too many: hourglass data list\n"},
               {"data fetch mnits", "did you mean `mnist`?"},
               {"check ''", "check: an argument is empty: hourglass check STUDY"},
               {"runs nowhere", "nowhere: no such folder"},
               {"runs /etc/passwd", "/etc/passwd: is a file, not a results folder"},
               {"compare wide thin", "wide: no such folder; a model of a results folder is written DIR:MODEL"},
               {"compare :a :b", ":a: names no folder; the first model is written DIR:MODEL"},
               {"run", "an argument is missing"},
               {"run a b", "one argument too many"},
               {"run a --threads", "--threads: needs a value"},
               {"run a --out ''", "--out: is empty; it needs a value: --out DIR"},
               {"run a --json=yes", "--json: takes no value"},
               {"run a --color sometimes", "`sometimes` is not one of: auto always never"},
               {"run a --threads 0", "`0` is not a whole number from 1 to 1024"},
               {"run a --seed -1", "`-1` is not a whole number from 0 up"},
               {"run a --seed 1 --seed 1", "--seed: 1 is given twice"},
               {"check a --set epochs", "`epochs` is not PATH=VALUE"},
               {"check a --out b", "unknown option `--out`"},
               {"completion fish", "only for bash"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    outcome result = run("%s", cases[i].line);
    assert_status(result, 2);
    assert_has(result.err, cases[i].message);
    assert_string_equal(result.out, "");
  }
}

static void exit_codes_say_what_kind_of_thing_went_wrong(void **state) {
  (void)state;
  write_text("broken.yaml", "study: x\nmodles: {}\n");
  write_text("absent.yaml", "study: x\ndata: {a: {source: no-such-folder}}\nmodels: {m: {data: a, naive_bayes: {}}}\n");
  write_text("wild.yaml",
             "study: x\n" LINES
             "models:\n  wild: {data: lines, encoder: [flatten, {dense: 8}], decoder: [{dense: 2352}, {reshape: [28, 28, 3]}], "
             "loss: {reconstruction: mse}, train: {batch_size: 4, epochs: 3, optimizer: {sgd: {learning_rate: 1e5}}}}\n");
  outcome result = run("check broken.yaml");
  assert_status(result, 2);
  assert_has(result.err, "broken.yaml:2:1");
  assert_has(result.err, "did you mean `models`");
  assert_status(run("check no-such-study.yaml"), 2);
  assert_status(run("run absent.yaml --out o"), 3);
  assert_status(run("data inspect no-such-folder"), 3);
  result = run("run wild.yaml --out wild");
  assert_status(result, 1);
  assert_has(result.err, "diverged");
  assert_has(result.out, "report.html");
  assert_status(run("runs no-such-results"), 2);
}

static void a_source_that_is_not_there_is_named_as_it_was_written(void **state) {
  (void)state;
  outcome result = run("data inspect ./nofolder");
  assert_status(result, 3);
  assert_has(result.err, ": ./nofolder is not there");
  result = run("data inspect .//nofolder");
  assert_null(strstr(result.err, "././"));
  result = run("data inspect mnis");
  assert_status(result, 3);
  assert_has(result.err, "did you mean `mnist`?");
  write_text("source.yaml", "study: x\ndata: {a: ./mnis}\nmodels: {m: {naive_bayes: {}}}\n");
  result = run("check source.yaml");
  assert_status(result, 3);
  assert_has(result.err, ": ./mnis is not there");
}

static void help_says_what_becomes_of_results_and_downloads(void **state) {
  (void)state;
  outcome result = run("run --help");
  assert_has(result.out, "default runs/NAME, NAME being the file's `study:`");
  assert_has(result.out, "runs that the study no longer describes are removed from DIR");
  assert_has(result.out, "Runs of other seeds than those asked for stay in DIR and are\naveraged with them");
  result = run("data fetch --help");
  assert_has(result.out, "its recorded checksum");
  assert_has(result.out, "With --offline\nnothing is downloaded");
  assert_null(strstr(run("man").out, " \n"));
}

static void check_says_which_data_set_is_missing_and_what_brings_it(void **state) {
  (void)state;
  const char *before = getenv("HOURGLASS_DATA"), *cache = getenv("XDG_CACHE_HOME");
  char *kept = before == NULL ? NULL : hg_strdup(before), *kept_cache = cache == NULL ? NULL : hg_strdup(cache);
  unsetenv("HOURGLASS_DATA");
  setenv("XDG_CACHE_HOME", folder, 1);
  write_text("missing.yaml", "study: x\ndata: {things: cifar10, l: lines}\nmodels: {m: {data: things, naive_bayes: {}}}\n");
  outcome result = run("check missing.yaml");
  assert_status(result, 0);
  assert_has(result.err, "hourglass: missing.yaml: the data set `things` is not on this machine yet: ");
  assert_has(result.err, "`hourglass data fetch cifar10` brings it");
  result = run("check missing.yaml --json");
  json_t *object = json_loads(result.out, 0, NULL), *missing = json_object_get(object, "missing");
  assert_int_equal(json_array_size(missing), 1);
  assert_string_equal(json_string_value(json_object_get(json_array_get(missing, 0), "name")), "things");
  assert_string_equal(json_string_value(json_object_get(json_array_get(missing, 0), "source")), "cifar10");
  json_decref(object);
  unsetenv("XDG_CACHE_HOME");
  if (kept != NULL) setenv("HOURGLASS_DATA", kept, 1);
  if (kept_cache != NULL) setenv("XDG_CACHE_HOME", kept_cache, 1);
  hg_free(kept);
  hg_free(kept_cache);
}

/* 20 images of 2 x 2 without labels. */
static void what_has_no_labels_has_no_classes_to_tell_apart(void **state) {
  (void)state;
  unsigned char idx[16 + 20 * 4] = {0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 2};
  assert_int_equal(hg_file_write(in("unlabelled-idx3-ubyte"), idx, sizeof idx, NULL), HG_OK);
  write_text("unlabelled.yaml",
             "study: t\ndata: {d: {source: unlabelled-idx3-ubyte}}\nmodels:\n"
             "  m: {classifier: [flatten, {dense: 1}], loss: {classification: cross_entropy}}\n");
  outcome result = run("check unlabelled.yaml");
  assert_status(result, 2);
  assert_has(result.err, "unlabelled.yaml:4:3: `d` has no labels; from 2 classes on there is something to tell apart");
}

/* 20 images of 2 x 2, and no test part. */
static void a_test_part_that_leaves_nothing_is_what_is_blamed(void **state) {
  (void)state;
  unsigned char idx[16 + 20 * 4] = {0, 0, 8, 3, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 2};
  assert_int_equal(hg_file_write(in("twenty-idx3-ubyte"), idx, sizeof idx, NULL), HG_OK);
  write_text("twenty.yaml",
             "study: t\ndata: {d: {source: twenty-idx3-ubyte, test: 5}}\nmodels:\n"
             "  m: {encoder: [flatten, {dense: 2}], decoder: [{dense: 4}, {reshape: [2, 2, 1]}], loss: {reconstruction: mse}}\n");
  assert_status(run("check twenty.yaml"), 0);
  const struct {
    const char *test, *message;
  } cases[] = {{"1000", "`test: 1000` leaves nothing to train on: the set has 20 images"},
               {"20", "`test: 20` leaves nothing to train on: the set has 20 images"},
               {"0.99", "`test: 0.99` leaves nothing to train on: the set has 20 images"},
               {"19", "`test: 19` leaves one image, which training and validation cannot share: the set has 20 images"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    outcome result = run("check twenty.yaml --set data.d.test=%s", cases[i].test);
    assert_status(result, 2);
    assert_has(result.err, cases[i].message);
    assert_has(result.err, "--set data.d.test=");
  }
  assert_status(run("check twenty.yaml --set data.d.test=19 --set data.d.validation=0"), 0);
  assert_has(run("check twenty.yaml --set data.d.validation=15").err, "`validation: 15` leaves nothing to train on");
}

/* Folders a and b with two grey PNG files each, of 2 x 2 and of 4 x 3 pixels. */
static void images_of_several_sizes_are_looked_at_when_resized(void **state) {
  (void)state;
  static const unsigned char small[] = {137, 80,  78,  71,  13, 10,  26,  10, 0,  0,  0,  13,  73,  72,  68,  82, 0,   0,
                                        0,   2,   0,   0,   0,  2,   8,   2,  0,  0,  0,  253, 212, 154, 115, 0,  0,   0,
                                        14,  73,  68,  65,  84, 120, 218, 99, 72, 1,  3,  6,   8,   5,   0,   32, 222, 4,
                                        177, 122, 203, 236, 18, 0,   0,   0,  0,  73, 69, 78,  68,  174, 66,  96, 130},
                             large[] = {137, 80, 78, 71, 13,  10,  26,  10, 0,  0,  0,  13, 73,  72,  68,  82, 0,   0,
                                        0,   4,  0,  0,  0,   3,   8,   2,  0,  0,  0,  59, 150, 57,  145, 0,  0,   0,
                                        14,  73, 68, 65, 84,  120, 218, 99, 72, 65, 2,  12, 56,  57,  0,   18, 110, 14,
                                        17,  10, 84, 4,  229, 0,   0,   0,  0,  73, 69, 78, 68,  174, 66,  96, 130};
  assert_int_equal(hg_folder_make(in("sizes/a"), NULL), HG_OK);
  assert_int_equal(hg_folder_make(in("sizes/b"), NULL), HG_OK);
  assert_int_equal(hg_file_write(in("sizes/a/1.png"), small, sizeof small, NULL), HG_OK);
  assert_int_equal(hg_file_write(in("sizes/a/2.png"), large, sizeof large, NULL), HG_OK);
  assert_int_equal(hg_file_write(in("sizes/b/1.png"), small, sizeof small, NULL), HG_OK);
  assert_int_equal(hg_file_write(in("sizes/b/2.png"), large, sizeof large, NULL), HG_OK);
  outcome result = run("data inspect sizes");
  assert_status(result, 3);
  assert_has(result.err, "`resize: 2` in the study brings all to one size (`data inspect --resize 2`)");
  result = run("data inspect sizes --resize 8");
  assert_status(result, 0);
  assert_has(result.out, "sizes  8 x 8 x 3, 2 classes");
  result = run("data inspect sizes --resize 8 --grayscale --json");
  json_t *object = json_loads(result.out, 0, NULL);
  assert_int_equal(json_integer_value(json_array_get(json_object_get(object, "shape"), 2)), 1);
  json_decref(object);
  assert_has(run("data inspect sizes --resize 0").err, "--resize: `0` is not a whole number from 1 to 1024");
}

static void show_tells_the_settings_of_a_classical_model(void **state) {
  (void)state;
  write_text("methods.yaml",
             "study: x\n" LINES "models:\n  net: {" SMALL
             ", train: {batch_size: 4}}\n"
             "  poly: {svm: {kernel: poly, C: 2, gamma: 0.0625}, features: {from: net, scale: standard, pca: 3}, limit: 2000}\n"
             "  near: {knn: 3, features: {hog: 7}}\n");
  outcome result = run("show methods.yaml poly");
  assert_status(result, 0);
  assert_has(result.out, "svm: kernel poly, C 2, gamma 0.0625, degree 3, coef0 0, max_iter 0, tol 0.001\n");
  assert_has(result.out, "features: codes of net, scale standard, pca 3\n");
  assert_has(result.out, "limit: 2,000 training images, in the classes' shares\n");
  result = run("show methods.yaml near");
  assert_has(result.out, "knn: k 3, weights uniform\n");
  assert_has(result.out, "features: pixels, hog (cell 7, block 2, orientations 9)\n");
  assert_has(result.out, "limit: none, all training images\n");
  result = run("show methods.yaml poly --json");
  json_t *object = json_loads(result.out, 0, NULL);
  const json_t *settings = json_object_get(json_array_get(json_object_get(object, "models"), 0), "settings");
  assert_string_equal(json_string_value(json_object_get(json_object_get(settings, "svm"), "kernel")), "poly");
  assert_string_equal(json_string_value(json_object_get(json_object_get(settings, "features"), "from")), "net");
  json_decref(object);
  assert_has(run("show methods.yaml zebra").err, "the study has no model `zebra`; there are net, poly, near");
}

static void an_unknown_instruction_set_is_refused_at_the_start(void **state) {
  (void)state;
  setenv("HOURGLASS_ISA", "sse9", 1);
  outcome result = run("data list");
  unsetenv("HOURGLASS_ISA");
  assert_status(result, 2);
  assert_has(result.err, "generic, avx2 or avx512");
}

static void completion_and_manual_come_from_the_same_table(void **state) {
  (void)state;
  outcome result = run("completion bash");
  assert_status(result, 0);
  assert_has(result.out, "complete -o filenames -F _hourglass hourglass");
  assert_has(result.out, "--threads");
  char command[256];
  snprintf(command, sizeof command, "bash -n %s", in("stdout"));
  assert_int_equal(system(command), 0);
  result = run("man");
  assert_status(result, 0);
  assert_has(result.out, ".TH HOURGLASS 1");
  assert_has(result.out, "\\-\\-threads");
}

static void report_tells_of_predictions_that_are_gone(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  assert_status(run("run tiny.yaml --out gone"), 0);
  assert_string_equal(run("report gone").err, "");
  assert_int_equal(remove(in("gone/runs/net-seed1/predictions.safetensors")), 0);
  outcome result = run("report gone");
  assert_status(result, 0);
  assert_string_equal(result.err,
                      "warning: the predictions of net, seed 1, are missing, and what stands on them is left out; remove "
                      "gone/runs/net-seed1, and `hourglass run STUDY` makes this run again\n");
}

/* The smoothing of variances is too small in both to change an answer. */
static void a_tie_on_validation_is_told_as_one(void **state) {
  (void)state;
  write_text("tie.yaml", "study: x\n" LINES
                         "models: {m: {data: lines, naive_bayes: {}}}\n"
                         "sweeps: {s: {model: m, grid: {naive_bayes.var_smoothing: [1.1e-9, 1.2e-9]}}}\n");
  outcome result = run("run tie.yaml --out tie --set data.lines.validation=0.2");
  assert_status(result, 0);
  assert_has(result.out, "m, chosen on validation: var_smoothing 1e-09 (the first of 3 with accuracy ");
  assert_has(result.out, " %, of 3 points)");
}

/* What bash offers for the third word. */
static char *offered(const char *second, const char *third) {
  char script[512], command[1024];
  snprintf(script, sizeof script,
           ". ./words.bash; COMP_WORDS=(hourglass %s %s); COMP_CWORD=3; _hourglass; echo \"${COMPREPLY[@]}\"", second, third);
  snprintf(command, sizeof command, "cd %s && PATH=%s:$PATH bash -c '%s' > offered", folder, BINARY_DIR, script);
  assert_int_equal(system(command), 0);
  return read_text(in("offered"));
}

static void completion_offers_the_models_of_a_study_and_of_a_folder(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  write_text("words.bash", run("completion bash").out);
  assert_status(run("run tiny.yaml --out words"), 0);
  char *of_study = offered("show tiny.yaml", "\"\""), *of_folder = offered("runs words", "ba");
  assert_string_equal(of_study, "net bayes\n");
  assert_string_equal(of_folder, "bayes\n");
  hg_free(of_study);
  hg_free(of_folder);
}

static void check_and_show_tell_what_a_study_holds(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  outcome result = run("check tiny.yaml");
  assert_status(result, 0);
  assert_has(result.out, "2 models, 1 data set, 1 seed, 2 runs");
  assert_has(run("check tiny.yaml --set seeds=3").out, "2 models, 1 data set, 3 seeds, 4 runs"); /* Bayes is fitted once */
  result = run("show tiny.yaml net");
  assert_status(result, 0);
  assert_has(result.out, "18,824"); /* 2352 * 8 + 8 */
  assert_has(result.out, "8 units, relu");
  assert_has(result.out, "total");
  assert_true(strstr(result.out, "bayes") == NULL);
  assert_status(run("show tiny.yaml nett"), 2);
}

static void json_is_all_there_is_on_standard_output(void **state) {
  (void)state;
  write_text("tiny.yaml", tiny);
  const char *lines[] = {"run tiny.yaml --out json --json", "runs json --json",   "show tiny.yaml --json",
                         "check tiny.yaml --json",          "report json --json", "data list --json",
                         "data inspect lines --json"};
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    outcome result = run("%s", lines[i]);
    assert_status(result, 0);
    json_error_t error;
    json_t *value = json_loads(result.out, 0, &error);
    if (value == NULL) fail_msg("%s: %s", lines[i], error.text);
    json_decref(value);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(help_and_version_go_to_standard_output),
      cmocka_unit_test(every_command_has_its_own_help),
      cmocka_unit_test(wrong_words_are_refused_with_the_nearest_right_one),
      cmocka_unit_test(exit_codes_say_what_kind_of_thing_went_wrong),
      cmocka_unit_test(a_source_that_is_not_there_is_named_as_it_was_written),
      cmocka_unit_test(help_says_what_becomes_of_results_and_downloads),
      cmocka_unit_test(check_says_which_data_set_is_missing_and_what_brings_it),
      cmocka_unit_test(what_has_no_labels_has_no_classes_to_tell_apart),
      cmocka_unit_test(a_test_part_that_leaves_nothing_is_what_is_blamed),
      cmocka_unit_test(images_of_several_sizes_are_looked_at_when_resized),
      cmocka_unit_test(show_tells_the_settings_of_a_classical_model),
      cmocka_unit_test(an_unknown_instruction_set_is_refused_at_the_start),
      cmocka_unit_test(completion_and_manual_come_from_the_same_table),
      cmocka_unit_test(report_tells_of_predictions_that_are_gone),
      cmocka_unit_test(a_tie_on_validation_is_told_as_one),
      cmocka_unit_test(completion_offers_the_models_of_a_study_and_of_a_folder),
      cmocka_unit_test(check_and_show_tell_what_a_study_holds),
      cmocka_unit_test(json_is_all_there_is_on_standard_output),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
