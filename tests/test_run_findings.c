/* What a study leaves in its store and says of it: after a stop, after a change, from files that others wrote. */
#include "test_data_files.h"
#include "test_study_run.h"

#include "store/safetensors.h"

#include <jansson.h>
#include <math.h>

#define DATA(name) name ": {source: lines, lines: {per_class: 3}, classes: [0, 1, 2, 3, 4, 5, 6, 7], validation: 6}"
#define TWO "study: x\ndata: {" DATA("lines") "}\nmodels:\n  a: {naive_bayes: {}}\n  b: {knn: 3}\n"
#define COMPARED TWO "report: {compare: [[a, b]]}\n"

static hg_code attempt(const char *text, told *t, hg_error *error) {
  return run_study(text, (hg_run_settings){.threads = 1}, t, error);
}

static void run_well(const char *text, told *t) {
  hg_error error = {0};
  if (attempt(text, t, &error) != HG_OK) fail_msg("%s: %s", error.place, error.message);
}

static hg_store *open_store(void) {
  hg_store *store = NULL;
  assert_int_equal(hg_store_open(out, false, &store, NULL), HG_OK);
  return store;
}

static int count_comparisons(void) {
  hg_store *store = open_store();
  hg_comparison *rows = NULL;
  int count = 0;
  assert_int_equal(hg_store_get_comparisons(store, &rows, &count, NULL), HG_OK);
  hg_free(rows);
  hg_store_close(store);
  return count;
}

static bool is_warned_of(const char *code) {
  hg_store *store = open_store();
  hg_warning *rows = NULL;
  int count = 0;
  bool found = false;
  assert_int_equal(hg_store_get_warnings(store, &rows, &count, NULL), HG_OK);
  for (int i = 0; i < count; i++) found = found || strcmp(rows[i].code, code) == 0;
  hg_free(rows);
  hg_store_close(store);
  return found;
}

/* ---- stops */

static void a_stop_when_the_last_run_is_done_is_an_interruption(void **state) {
  (void)state;
  told stopped = {.stop_after_done = 2}, rest = {0};
  hg_error error = {0};
  char page[96];
  assert_int_equal(attempt(COMPARED, &stopped, &error), HG_INTERRUPTED);
  assert_string_equal(error.place, out);
  assert_non_null(strstr(error.message, "the same command goes on from here"));
  assert_int_equal(count_comparisons(), 0);
  snprintf(page, sizeof page, "%s/report.html", out);
  assert_true(hg_path_exists(page));
  run_well(COMPARED, &rest);
  assert_int_equal(rest.skipped, 2);
  assert_true(count_comparisons() > 0);
}

static void a_stop_leaves_findings_of_an_earlier_call_as_they_were(void **state) {
  (void)state;
  static const char text[] =
      "study: x\ndata: {leaky: {source: lines, lines: {per_class: 60}, classes: [0, 1, 2], validation: 0}}\n"
      "models:\n  a: {naive_bayes: {}}\n  b: {knn: 3}\nreport: {compare: [[a, b]]}\n";
  static const char *const steps[] = {"images that stand in two parts", "differences that are real"};
  told first = {0};
  run_well(text, &first);
  assert_true(is_warned_of("test-leak"));
  int compared = count_comparisons();
  assert_true(compared > 0);
  for (int i = 0; i < 2; i++) {
    told t = {.stop_at = steps[i]};
    hg_error error = {0};
    assert_int_equal(attempt(text, &t, &error), HG_INTERRUPTED);
    assert_int_equal(count_comparisons(), compared);
    assert_true(is_warned_of("test-leak"));
    assert_true(is_warned_of("no-validation"));
  }
}

/* ---- warnings */

static void validation_images_that_were_trained_on_are_warned_of(void **state) {
  (void)state;
  told t = {0};
  run_well(
      "study: x\ndata: {leaky: {source: lines, lines: {per_class: 60}, classes: [0, 1, 2], validation: 0.2}}\n"
      "models:\n  a: {naive_bayes: {}}\n",
      &t);
  assert_true(is_warned_of("validation-leak"));
  assert_false(is_warned_of("softmax-output"));
  run_well(
      "study: x\ndata: {clean: {source: lines, lines: {per_class: 60, split: deduplicated}, classes: [0, 1, 2], "
      "validation: 0.2}}\nmodels:\n  a: {naive_bayes: {}}\n",
      &t);
  assert_false(is_warned_of("validation-leak"));
}

static void a_decoder_that_ends_in_a_softmax_is_warned_of(void **state) {
  (void)state;
  told t = {0};
  static const char model[] =
      "study: x\ndata: {" DATA("lines") "}\nmodels:\n  a:\n    encoder: [{dense: 4}]\n"
      "    decoder: [{dense: {units: 2352, activation: %s}}, {reshape: [28, 28, 3]}]\n"
      "    loss: {reconstruction: binary_cross_entropy}\n    train: {epochs: 1}\n";
  char text[sizeof model + 16];
  snprintf(text, sizeof text, model, "softmax");
  run_well(text, &t);
  assert_true(is_warned_of("softmax-output"));
  snprintf(text, sizeof text, model, "sigmoid");
  run_well(text, &t);
  assert_false(is_warned_of("softmax-output"));
}

/* ---- changes */

/* test_folder with a folder of grey images for each class. */
static void put_classes(const char *const *classes, int count, int images) {
  char name[64];
  assert_non_null(mkdtemp(test_folder));
  for (int k = 0; k < count; k++)
    for (int i = 0; i < images; i++) {
      content image = png_of(8, 8, false, 40 * k + i);
      snprintf(name, sizeof name, "%s/%02d.png", classes[k], i);
      put(name, image.data, image.count);
    }
}

static void remove_classes(void) {
  char command[96];
  snprintf(command, sizeof command, "rm -rf %s", test_folder);
  assert_int_equal(system(command), 0);
  strcpy(test_folder, "/tmp/hg-test-data-XXXXXX"); /* for the next test */
}

static void runs_that_go_are_told(void **state) {
  (void)state;
  told first = {0}, second = {0}, third = {0};
  run_well("study: x\ndata: {" DATA("lines") "}\nmodels:\n  a: {naive_bayes: {}}\n  b: {knn: 3}\n  c: {knn: 5}\n", &first);
  assert_string_equal(first.removed, "");
  run_well("study: x\ndata: {" DATA("lines") "}\nmodels:\n  c: {knn: 7}\n", &second);
  assert_string_equal(second.removed,
                      "2 runs that the study no longer has: a seed 1, b seed 1\n"
                      "1 run whose settings, data or program changed: c seed 1\n");
  run_well("study: x\ndata: {" DATA("lines") "}\nmodels:\n  c: {knn: 7}\n", &third);
  assert_string_equal(third.removed, "");
}

static void of_many_runs_that_go_the_first_are_named(void **state) {
  (void)state;
  char text[4096] = "study: x\ndata: {" DATA("lines") "}\nmodels:\n  kept: {knn: 1}\n";
  told first = {0}, second = {0};
  size_t kept = strlen(text);
  for (int i = 0; i < 12; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text), "  one_of_many_models_with_a_long_name_%02d: {knn: 2}\n", i);
  run_well(text, &first);
  text[kept] = '\0';
  run_well(text, &second);
  assert_memory_equal(second.removed, "12 runs that", strlen("12 runs that"));
  assert_non_null(strstr(second.removed, "name_05 seed 1 and 6 more\n"));
}

static void data_that_the_study_no_longer_has_goes(void **state) {
  (void)state;
  told t = {0};
  char old[96], kept[96];
  snprintf(old, sizeof old, "%s/data/old", out);
  snprintf(kept, sizeof kept, "%s/data/lines", out);
  run_well("study: x\ndata: {" DATA("lines") ", " DATA("old") "}\nmodels:\n"
           "  a: {data: lines, naive_bayes: {}}\n  b: {data: old, knn: 3}\n", &t);
  assert_true(hg_path_exists(old));
  run_well("study: x\ndata: {" DATA("lines") "}\nmodels:\n  a: {data: lines, naive_bayes: {}}\n", &t);
  assert_false(hg_path_exists(old));
  assert_true(hg_path_exists(kept));
  hg_store *store = open_store();
  hg_data_record *records = NULL;
  int count = 0;
  assert_int_equal(hg_store_list_data(store, &records, &count, NULL), HG_OK);
  assert_int_equal(count, 1);
  hg_free(records[0].class_names);
  hg_free(records);
  hg_store_close(store);
}

/* The place in the test set of the first thumbnail; the map of codes begins with the same image. */
static int64_t first_drawn(void) {
  hg_safetensors small = {0}, map = {0};
  char place[160];
  snprintf(place, sizeof place, "%s/data/d/thumbnails.safetensors", out);
  assert_int_equal(hg_safetensors_read(place, &small, NULL), HG_OK);
  snprintf(place, sizeof place, "%s/runs/a-seed1/codes.safetensors", out);
  assert_int_equal(hg_safetensors_read(place, &map, NULL), HG_OK);
  const int64_t *shown = hg_safetensors_find(&small, "index")->data, *index = hg_safetensors_find(&map, "index")->data,
                *drawn = hg_safetensors_find(&map, "drawn")->data;
  int64_t first = shown[0];
  assert_int_equal(first, index[drawn[0]]);
  hg_safetensors_release(&small);
  hg_safetensors_release(&map);
  return first;
}

static void thumbnails_are_of_the_images_that_maps_draw_by_another_seed_too(void **state) {
  (void)state;
  static const char *const classes[] = {"train/bag", "train/shoe", "test/bag", "test/shoe"};
  static const char model[] =
      "study: x\ndata: {d: {source: %s, validation: 0, seed: %d}}\nmodels:\n  a: {encoder: [flatten, {dense: 6}], "
      "classifier: [{dense: 2}], loss: {classification: cross_entropy}, train: {epochs: 1}}\n";
  told t = {0};
  char text[sizeof model + 64];
  put_classes(classes, 4, 20);
  snprintf(text, sizeof text, model, test_folder, 1);
  run_well(text, &t);
  int64_t drawn = first_drawn();
  snprintf(text, sizeof text, model, test_folder, 2);
  run_well(text, &t);
  assert_int_not_equal(first_drawn(), drawn);
  remove_classes();
}

/* "a1 lines, " */
static int seed_and_data(const hg_run_record *record, char *to, size_t room) {
  return snprintf(to, room, "%s%d %s, ", record->name, (int)record->seed, record->data);
}

/* Their images stay, and with them the runs, those of other seeds too. */
static void data_sets_that_exchange_their_names_are_told_by_the_new_ones(void **state) {
  (void)state;
#define EXCHANGED(one, other)                                                                                       \
  "study: x\nseeds: [1, 2]\ndata:\n  " one ": {source: lines, lines: {per_class: 3}, classes: [0, 1, 2]}\n  " other \
  ": {source: lines, lines: {per_class: 3}, classes: [3, 4, 5, 6]}\nmodels:\n  a: {data: " one                      \
  ", naive_bayes: {}}\n  b: {data: " other                                                                          \
  ", classifier: [flatten, {dense: 4}], loss: {classification: cross_entropy}, train: {epochs: 1}}\n"
  told t = {0}, again = {0};
  char runs[256];
  uint64_t first = 1;
  hg_error error = {0};
  run_well(EXCHANGED("few", "many"), &t);
  hg_run_settings settings = {.threads = 1, .seeds = &first, .seed_count = 1};
  assert_int_equal(run_study(EXCHANGED("many", "few"), settings, &again, &error), HG_OK);
  assert_int_equal(again.skipped, 2);
  list_runs(runs, sizeof runs, seed_and_data);
  assert_string_equal(runs, "a1 many, b1 few, b2 few, ");
}

/* ---- seeds */

static void more_seeds_than_are_averaged_are_refused(void **state) {
  (void)state;
  uint64_t seeds[HG_MOST_SEEDS + 1];
  told t = {0};
  hg_error error = {0};
  for (int i = 0; i <= HG_MOST_SEEDS; i++) seeds[i] = UINT64_MAX / 2 - (uint64_t)i;
  hg_run_settings settings = {.threads = 1, .seeds = seeds, .seed_count = HG_MOST_SEEDS + 1};
  assert_int_equal(run_study(TWO, settings, &t, &error), HG_USAGE);
  assert_non_null(strstr(error.message, "at most 256"));
  settings.seed_count = HG_MOST_SEEDS;
  assert_int_equal(run_study(TWO, settings, &t, &error), HG_OK);
  hg_store *store = open_store();
  char *text = hg_store_fact(store, "seeds"), last[32];
  snprintf(last, sizeof last, ", %llu", (unsigned long long)seeds[HG_MOST_SEEDS - 1]);
  assert_non_null(strstr(text, last));
  hg_free(text);
  hg_store_close(store);
  hg_study *study = NULL;
  static const char many[] = "study: x\nseeds: 257\ndata: {" DATA("lines") "}\nmodels:\n  a: {naive_bayes: {}}\n";
  assert_int_equal(hg_file_write(path, many, strlen(many), NULL), HG_OK);
  assert_int_equal(hg_study_read(path, NULL, 0, &study, &error), HG_USAGE);
}

/* ---- files and names of others */

/* Folders 1 and 10: the class 1 by its name has label 0. */
static void a_number_that_may_be_a_name_is_refused(void **state) {
  (void)state;
  static const char *const written[] = {"[1, 0]", "['1', '10']", "[0, 2]"};
  static const char *const classes[] = {"1", "10", "2"};
  char text[512];
  put_classes(classes, 3, 4);
  for (int n = 0; n < 3; n++) {
    hg_study *study = NULL;
    hg_error error = {0};
    snprintf(text, sizeof text, "study: x\ndata: {d: {source: %s, classes: %s}}\nmodels:\n  a: {naive_bayes: {}}\n", test_folder,
             written[n]);
    assert_int_equal(hg_file_write(path, text, strlen(text), NULL), HG_OK);
    hg_code code = hg_study_read(path, NULL, 0, &study, &error);
    assert_int_equal(code, n == 0 ? HG_USAGE : HG_OK);
    if (n == 0) assert_non_null(strstr(error.message, "write \"1\" for the name"));
    hg_study_free(study);
  }
  remove_classes();
}

static void a_class_whose_name_is_not_utf8_keeps_its_place(void **state) {
  (void)state;
  static const char *const classes[] = {"bag", "caf\xe9", "shoe"};
  char text[512], file[96];
  told t = {0};
  put_classes(classes, 3, 12);
  snprintf(text, sizeof text, "study: x\ndata: {d: {source: %s, validation: 3}}\nmodels:\n  a: {naive_bayes: {}}\n", test_folder);
  run_well(text, &t);
  hg_store *store = open_store();
  hg_data_record *records = NULL;
  int count = 0;
  assert_int_equal(hg_store_list_data(store, &records, &count, NULL), HG_OK);
  assert_string_equal(records[0].class_names, "[\"bag\",\"caf\xef\xbf\xbd\",\"shoe\"]");
  hg_free(records[0].class_names);
  hg_free(records);
  hg_store_close(store);
  snprintf(file, sizeof file, "%s/report.json", out);
  json_t *report = json_load_file(file, 0, NULL);
  assert_non_null(report);
  json_decref(report);
  remove_classes();
}

/* The file again, with one tensor given another type or rank. */
static void rewrite(const char *file, const char *tensor, hg_dtype dtype, int rank, int64_t last) {
  hg_safetensors read = {0};
  char place[160];
  hg_named_tensor tensors[16];
  const char *const remarks[] = {"corruption", "salt_and_pepper", NULL};
  snprintf(place, sizeof place, "%s/runs/%s", out, file);
  assert_int_equal(hg_safetensors_read(place, &read, NULL), HG_OK);
  assert_in_range(read.count, 1, 16);
  for (int i = 0; i < read.count; i++) {
    tensors[i] = read.tensors[i];
    if (strcmp(tensors[i].name, tensor) != 0) continue;
    tensors[i].dtype = dtype;
    tensors[i].rank = rank;
    if (rank > read.tensors[i].rank) tensors[i].dim[rank - 1] = last;
  }
  assert_int_equal(hg_safetensors_write(place, tensors, read.count, remarks, NULL), HG_OK);
  hg_safetensors_release(&read);
}

static void labels_of_another_rank_are_not_compared(void **state) {
  (void)state;
  told t = {0};
  run_well(COMPARED, &t);
  assert_true(count_comparisons() > 0);
  rewrite("a-seed1/predictions.safetensors", "labels", HG_I32, 2, 0); /* a label for no image: there is nothing to read */
  rewrite("b-seed1/predictions.safetensors", "labels", HG_I32, 2, 0);
  run_well(COMPARED, &t);
  assert_int_equal(count_comparisons(), 0);
  assert_true(is_warned_of("not-comparable"));
}

/* With the same labels: image folders are always in the order of their classes. */
static void predictions_of_other_images_are_not_compared(void **state) {
  (void)state;
  static const char *const others[] = {"test_shape", "28x28x3", "test_sha256", "0123", NULL};
  hg_safetensors read = {0};
  char place[160];
  told t = {0};
  run_well(COMPARED, &t);
  assert_true(count_comparisons() > 0);
  snprintf(place, sizeof place, "%s/runs/a-seed1/predictions.safetensors", out);
  assert_int_equal(hg_safetensors_read(place, &read, NULL), HG_OK);
  assert_int_equal(hg_safetensors_write(place, read.tensors, read.count, others, NULL), HG_OK);
  hg_safetensors_release(&read);
  run_well(COMPARED, &t);
  assert_int_equal(count_comparisons(), 0);
  assert_true(is_warned_of("not-comparable"));
}

#define CLEANER(name, noise, last, rate)                       \
  "  " name ": {corrupt: {gaussian: " noise                    \
  "}, encoder: [flatten, {dense: 6}], "                        \
  "decoder: [{dense: {units: 2352, activation: " last          \
  "}}, {reshape: [28, 28, 3]}], loss: {reconstruction: mse}, " \
  "train: {batch_size: 4, epochs: 3, optimizer: {sgd: " rate "}}}\n"

static void what_a_comparison_leaves_open_is_warned_of(void **state) {
  (void)state;
  static const char text[] = "study: x\ndata: {" DATA("lines") "}\nmodels:\n" CLEANER("a", "0.1", "sigmoid", "0.1")
      CLEANER("b", "0.5", "sigmoid", "0.1") CLEANER("wild", "0.1", "linear", "1e5") "report: {compare: [[a, b], [a, wild]]}\n";
  told t = {0};
  hg_error error = {0};
  assert_int_equal(attempt(text, &t, &error), HG_DIVERGED);
  assert_true(is_warned_of("other-inputs"));
  assert_true(is_warned_of("not-compared"));
  run_well("study: x\ndata: {" DATA("lines") "}\nmodels:\n" CLEANER("a", "0.1", "sigmoid", "0.1")
               CLEANER("b", "0.1", "sigmoid", "0.1") "report: {compare: [[a, b]]}\n",
           &t);
  assert_false(is_warned_of("other-inputs"));
  assert_false(is_warned_of("not-compared"));
}

static void of_many_pairs_the_first_are_named_and_the_rest_counted(void **state) {
  (void)state;
  enum { OTHERS = 10 };
  char text[2048], pairs[1024] = "";
  size_t used = (size_t)snprintf(text, sizeof text,
                                 "study: x\ndata: {%s}\nmodels:\n  net: {classifier: [flatten, {dense: 8}], "
                                 "loss: {classification: cross_entropy}, train: {epochs: 1}}\n",
                                 DATA("lines"));
  for (int i = 0; i < OTHERS; i++) {
    used += (size_t)snprintf(text + used, sizeof text - used, "  a-neighbour-whose-name-is-long-%d: {knn: %d}\n", i, i + 1);
    snprintf(pairs + strlen(pairs), sizeof pairs - strlen(pairs), "%s[net, a-neighbour-whose-name-is-long-%d]",
             i == 0 ? "" : ", ", i);
  }
  snprintf(text + used, sizeof text - used, "report: {compare: [%s]}\n", pairs);
  told t = {0};
  run_well(text, &t);
  hg_store *store = open_store();
  hg_warning *rows = NULL;
  int count = 0, found = 0;
  assert_int_equal(hg_store_get_warnings(store, &rows, &count, NULL), HG_OK);
  for (int i = 0; i < count; i++) {
    if (strcmp(rows[i].code, "one-seed") != 0) continue;
    found++;
    assert_non_null(strstr(rows[i].message, ": net and a-neighbour-whose-name-is-long-0, net and"));
    assert_non_null(strstr(rows[i].message, "a-neighbour-whose-name-is-long-5, and 4 more pairs. The intervals"));
  }
  assert_int_equal(found, 1);
  hg_free(rows);
  hg_store_close(store);
}

#define DENOISED \
  "study: x\ndata: {" DATA("lines") "}\nmodels:\n"                                 \
  "  cleaner: {corrupt: {salt_and_pepper: 0.2}, encoder: [flatten, {dense: 6}], "   \
  "decoder: [{dense: {units: 2352, activation: sigmoid}}, {reshape: [28, 28, 3]}], " \
  "loss: {reconstruction: mse}, train: {epochs: 1}}\n"

static void errors_of_another_type_are_not_compared(void **state) {
  (void)state;
  told t = {0};
  run_well(DENOISED, &t);
  assert_true(count_comparisons() > 0);
  rewrite("cleaner-seed1/denoising.safetensors", "model_mse", HG_U8, 2, 0);
  run_well(DENOISED, &t);
  assert_int_equal(count_comparisons(), 0);
}

/* Of the seed that is run, it is measured anew; another one's counts as none. */
static void damaged_errors_by_noise_level_stop_nothing(void **state) {
  (void)state;
  static const uint64_t seeds[] = {1, 2};
  hg_run_settings both = {.threads = 1, .seeds = seeds, .seed_count = 2},
                  second = {.threads = 1, .seeds = seeds + 1, .seed_count = 1};
  told t = {0}, again = {0};
  hg_error error = {0};
  char place[160];
  snprintf(place, sizeof place, "%s/runs/cleaner-seed1/denoising.safetensors", out);
  assert_int_equal(run_study(DENOISED, both, &t, &error), HG_OK);
  int compared = count_comparisons();
  assert_true(compared > 0);
  assert_int_equal(hg_file_write(place, "x", 1, NULL), HG_OK);
  assert_int_equal(run_study(DENOISED, second, &again, &error), HG_OK);
  assert_int_equal(count_comparisons(), compared);
  assert_false(hg_safetensors_is_sound(place));
  assert_int_equal(run_study(DENOISED, both, &again, &error), HG_OK);
  assert_int_equal(again.skipped, 3);
  assert_true(hg_safetensors_is_sound(place));
}

/* ---- intervals */

static double metric_of(hg_store *store, const char *name) {
  hg_run_record *records = NULL;
  hg_metric *metrics = NULL;
  int count = 0, metric_count = 0;
  double value = NAN;
  assert_int_equal(hg_store_list_runs(store, &records, &count, NULL), HG_OK);
  assert_int_equal(count, 1);
  assert_int_equal(hg_store_list_metrics(store, records[0].id, &metrics, &metric_count, NULL), HG_OK);
  for (int i = 0; i < metric_count; i++)
    if (strcmp(metrics[i].name, name) == 0) value = metrics[i].value;
  hg_free(metrics);
  hg_run_record_release(&records[0]);
  hg_free(records);
  return value;
}

/* t of 31 degrees of freedom at 97.5 % is 2.03951. */
static void a_squared_error_of_one_seed_has_the_interval_of_its_images(void **state) {
  (void)state;
  told t = {0};
  hg_safetensors file = {0};
  hg_published *published = NULL;
  int count = 0;
  char place[160];
  double sum = 0, squares = 0;
  run_well(
      "study: x\ndata: {lines: {source: lines, lines: {per_class: 40}, classes: [0, 1, 2, 3], validation: 6}}\nmodels:\n"
      "  a: {encoder: [flatten, {dense: 6}], decoder: [{dense: {units: 2352, activation: sigmoid}}, {reshape: [28, 28, 3]}], "
      "loss: {reconstruction: mse}, train: {epochs: 1}}\nreport: {published: {a: {test.mse: 0.1}}}\n",
      &t);
  snprintf(place, sizeof place, "%s/runs/a-seed1/predictions.safetensors", out);
  assert_int_equal(hg_safetensors_read(place, &file, NULL), HG_OK);
  const hg_named_tensor *errors = hg_safetensors_find(&file, "reconstruction_mse");
  assert_non_null(errors);
  const float *values = errors->data;
  int64_t images = errors->dim[0];
  assert_int_equal(images, 32);
  for (int64_t i = 0; i < images; i++) sum += (double)values[i] / (double)images;
  for (int64_t i = 0; i < images; i++) squares += ((double)values[i] - sum) * ((double)values[i] - sum);
  double deviation = sqrt(squares / (double)(images - 1)), half = 2.03951 * deviation / sqrt((double)images);
  hg_store *store = open_store();
  assert_true(fabs(metric_of(store, "test.mse_deviation") - deviation) < 1e-9);
  assert_int_equal(hg_store_get_published(store, &published, &count, NULL), HG_OK);
  assert_int_equal(count, 1);
  assert_true(deviation > 0 && fabs(published[0].measured - sum) < 1e-9);
  assert_true(fabs(published[0].low - (sum - half)) < 1e-6 && fabs(published[0].high - (sum + half)) < 1e-6);
  hg_free(published);
  hg_store_close(store);
  hg_safetensors_release(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_stop_when_the_last_run_is_done_is_an_interruption, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_stop_leaves_findings_of_an_earlier_call_as_they_were, set_up, tear_down),
      cmocka_unit_test_setup_teardown(validation_images_that_were_trained_on_are_warned_of, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_decoder_that_ends_in_a_softmax_is_warned_of, set_up, tear_down),
      cmocka_unit_test_setup_teardown(runs_that_go_are_told, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_many_runs_that_go_the_first_are_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(data_that_the_study_no_longer_has_goes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(thumbnails_are_of_the_images_that_maps_draw_by_another_seed_too, set_up, tear_down),
      cmocka_unit_test_setup_teardown(data_sets_that_exchange_their_names_are_told_by_the_new_ones, set_up, tear_down),
      cmocka_unit_test_setup_teardown(more_seeds_than_are_averaged_are_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_number_that_may_be_a_name_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_class_whose_name_is_not_utf8_keeps_its_place, set_up, tear_down),
      cmocka_unit_test_setup_teardown(labels_of_another_rank_are_not_compared, set_up, tear_down),
      cmocka_unit_test_setup_teardown(predictions_of_other_images_are_not_compared, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_a_comparison_leaves_open_is_warned_of, set_up, tear_down),
      cmocka_unit_test_setup_teardown(of_many_pairs_the_first_are_named_and_the_rest_counted, set_up, tear_down),
      cmocka_unit_test_setup_teardown(errors_of_another_type_are_not_compared, set_up, tear_down),
      cmocka_unit_test_setup_teardown(damaged_errors_by_noise_level_stop_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_squared_error_of_one_seed_has_the_interval_of_its_images, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
