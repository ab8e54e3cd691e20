/* The figures of a store as files, where there is no browser to draw them. */
#include "base/file.h"
#include "demo_store.h"
#include "report/report.h"

static const char folder[] = BINARY_DIR "/demo-figures", out[] = BINARY_DIR "/demo-figures/out";

static int write_all(void **state) {
  (void)state;
  int count;
  bool drawn;
  hg_error error;
  hg_store *store = demo_store(folder);
  setenv("PATH", "", 1);
  demo_check(hg_report_write_figures(store, out, NULL, &count, &drawn, &error), &error);
  hg_store_close(store);
  assert_true(count > 20);
  assert_false(drawn);
  return 0;
}

static char *read_out(const char *name) {
  char path[512], *bytes;
  size_t count;
  hg_error error;
  snprintf(path, sizeof path, "%s/%s", out, name);
  demo_check(hg_file_read(path, 16 << 20, &bytes, &count, &error), &error);
  return bytes;
}

static bool is_there(const char *name) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", out, name);
  return hg_path_exists(path);
}

static int occurrences(const char *text, const char *part) {
  int count = 0;
  for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) count++;
  return count;
}

/* Of the PNG's header, in which numbers are big-endian. */
static int png_side(const char *png, int offset) {
  const unsigned char *at = (const unsigned char *)png + offset;
  return at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static void assert_picture(const char *name, int columns, int rows) {
  char *png = read_out(name);
  assert_memory_equal(png, "\x89PNG", 4);
  assert_int_equal(png_side(png, 16), columns * DEMO_SIDE);
  assert_int_equal(png_side(png, 20), rows * DEMO_SIDE);
  hg_free(png);
}

static void grids_are_pictures_without_a_browser(void **state) {
  (void)state;
  assert_picture("reconstructions-denoiser.png", 10, 3);
  assert_picture("denoised-denoiser-0.25.png", DEMO_CLEANED, 4);
  assert_picture("samples-garments.png", 12, DEMO_CLASSES);
  assert_false(is_there("accuracy.png"));
  assert_false(is_there("reconstructions-denoiser.svg"));
}

static void the_data_of_a_grid_hold_every_image_with_its_row(void **state) {
  (void)state;
  char *csv = read_out("denoised-denoiser-0.25.csv"), *spec = read_out("denoised-denoiser-0.25.vl.json");
  assert_int_equal(occurrences(csv, "\n"), 1 + 4 * DEMO_CLEANED);
  assert_int_equal(occurrences(csv, "data:image/png;base64,"), 4 * DEMO_CLEANED);
  assert_int_equal(occurrences(csv, "\nnoisy,"), DEMO_CLEANED);
  assert_int_equal(occurrences(csv, "\nmedian filter,"), DEMO_CLEANED);
  assert_non_null(strstr(spec, "\"url\": \"denoised-denoiser-0.25.csv\""));
  assert_non_null(strstr(spec, "\"smooth\": false"));
  hg_free(csv);
  hg_free(spec);
}

static void maps_for_files_have_all_points_of_the_store(void **state) {
  (void)state;
  static const char *const maps[] = {"tsne-cnn.csv", "pca-cnn.csv", "tsne-denoiser.csv"};
  for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
    char *csv = read_out(maps[i]);
    assert_int_equal(occurrences(csv, "\n"), 1 + DEMO_POINTS); /* of which a page draws DEMO_DRAWN at most */
    hg_free(csv);
  }
}

/* Of the first class, by three seeds of one model. */
static void scores_by_class_are_means_over_the_seeds(void **state) {
  (void)state;
  enum { SEEDS = 3 };
  hg_error error;
  hg_store *store;
  double recall[SEEDS], mean = 0, lowest = 0, highest = 0;
  char line[512];
  int rows_found = 0;
  demo_check(hg_store_open(folder, false, &store, &error), &error);
  for (int i = 0; i < SEEDS; i++) {
    hg_run_record record;
    hg_class_row *rows;
    int count;
    bool found;
    demo_check(hg_store_get_run(store, "cnn", (uint64_t)i + 1, &record, &found, &error), &error);
    demo_check(hg_store_get_classes(store, record.id, &rows, &count, &error), &error);
    recall[i] = rows[0].recall;
    hg_free(rows);
    hg_run_record_release(&record);
  }
  hg_store_close(store);
  snprintf(line, sizeof line, "%s/class-accuracy-garments.csv", out);
  FILE *csv = fopen(line, "r");
  assert_non_null(csv);
  while (fgets(line, sizeof line, csv) != NULL)
    rows_found += sscanf(line, "cnn,T-shirt/top,%lf,%lf,%lf", &mean, &lowest, &highest) == 3;
  fclose(csv);
  assert_int_equal(rows_found, 1);
  assert_true(fabs(mean - (recall[0] + recall[1] + recall[2]) / SEEDS) < 1e-6);
  assert_true(fabs(lowest - fmin(fmin(recall[0], recall[1]), recall[2])) < 1e-6);
  assert_true(fabs(highest - fmax(fmax(recall[0], recall[1]), recall[2])) < 1e-6);
  assert_true(lowest < mean && mean < highest);
}

/* ---------------------------------------------------------------- of stores of their own */

static hg_store *new_store(void) {
  hg_error error;
  hg_store *store;
  assert_int_equal(system("/bin/rm -rf " BINARY_DIR "/own-figures"), 0);
  demo_check(hg_store_open(BINARY_DIR "/own-figures", true, &store, &error), &error);
  return store;
}

static int64_t put_run(hg_store *store, const char *name, uint64_t seed, const char *status, const char *settings) {
  char text[160];
  hg_error error;
  hg_run_record record = {.seed = seed, .kind = "network", .data = "d", .settings = text};
  snprintf(text, sizeof text, "%s", settings);
  snprintf(record.name, sizeof record.name, "%s", name);
  snprintf(record.status, sizeof record.status, "%s", status);
  demo_check(hg_store_put_run(store, &record, &error), &error);
  return record.id;
}

static void put_denoising(hg_store *store, int64_t run, const char *corruption, double mse) {
  hg_error error;
  hg_denoising_row rows[] = {{.level = 0.5, .method = "noisy", .mse = mse}, {.level = 0.5, .method = "model", .mse = mse / 2}};
  for (int i = 0; i < 2; i++) snprintf(rows[i].corruption, sizeof rows[i].corruption, "%s", corruption);
  demo_check(hg_store_put_denoising(store, run, rows, 2, &error), &error);
}

static void put_losses(hg_store *store, int64_t run, const double *losses, int count) {
  hg_epoch epochs[8];
  hg_error error;
  for (int e = 0; e < count; e++)
    epochs[e] = (hg_epoch){.epoch = e + 1,
                           .loss = losses[e],
                           .val_loss = NAN,
                           .accuracy = NAN,
                           .val_accuracy = NAN,
                           .reconstruction_loss = losses[e],
                           .val_reconstruction_loss = NAN,
                           .classification_loss = NAN,
                           .val_classification_loss = NAN,
                           .center_loss = NAN,
                           .val_center_loss = NAN};
  demo_check(hg_store_put_history(store, run, epochs, count, &error), &error);
}

/* Closes the store. */
static void write_figures_of(hg_store *store) {
  int count;
  bool drawn;
  hg_error error;
  demo_check(hg_report_write_figures(store, out, NULL, &count, &drawn, &error), &error);
  hg_store_close(store);
}

static void assert_holds(const char *text, const char *part) {
  if (strstr(text, part) == NULL) fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void noise_that_is_clipped_and_noise_that_is_not_are_not_averaged(void **state) {
  (void)state;
  hg_store *store = new_store();
  put_denoising(store, put_run(store, "a", 1, "done", "{\"corrupt\": {\"gaussian\": 0.5, \"clip\": true}}"), "gaussian", 0.1);
  put_denoising(store, put_run(store, "b", 1, "done", "{\"corrupt\": {\"gaussian\": 0.5, \"clip\": false}}"), "gaussian", 0.3);
  put_denoising(store, put_run(store, "c", 1, "done", "{\"corrupt\": {\"clip\": true}}"), "masking", 0.2);
  put_denoising(store, put_run(store, "d", 1, "done", "{\"corrupt\": {\"clip\": false}}"), "masking", 0.4); /* cuts nothing */
  write_figures_of(store);
  char *clipped = read_out("denoising-d-gaussian.csv"), *unclipped = read_out("denoising-d-gaussian-unclipped.csv"),
       *masked = read_out("denoising-d-masking.csv");
  assert_holds(clipped, "noisy input,Mean squared error,noisy input,0.5,0.1,0");
  assert_holds(unclipped, "noisy input,Mean squared error,noisy input,0.5,0.3,0");
  assert_holds(masked, "noisy input,Mean squared error,noisy input,0.5,0.3,0");
  hg_free(clipped);
  hg_free(unclipped);
  hg_free(masked);
}

static void a_mean_curve_is_of_the_seeds_that_are_done(void **state) {
  (void)state;
  static const struct {
    const char *model, *status;
    double losses[3];
    int epochs;
  } runs[] = {{"ae", "done", {4, 2, 1}, 3},      {"ae", "done", {2, 2, 2}, 3}, {"ae", "diverged", {9, 90}, 2},
              {"one", "done", {3, 2, 1}, 3},     {"one", "diverged", {8}, 1},  {"none", "running", {4, 3, 2}, 3},
              {"none", "interrupted", {2, 1}, 2}};
  hg_store *store = new_store();
  for (int i = 0; i < (int)(sizeof runs / sizeof runs[0]); i++)
    put_losses(store, put_run(store, runs[i].model, (uint64_t)i + 1, runs[i].status, "{}"), runs[i].losses, runs[i].epochs);
  write_figures_of(store);
  char *csv = read_out("learning-reconstruction-loss.csv");
  assert_holds(csv, "ae,mean,training,1,3,1,");
  assert_holds(csv, "ae,mean,training,3,1.5,1,");
  assert_holds(csv, "ae,3,training,2,90,0,0");
  assert_int_equal(occurrences(csv, "\none,mean"), 0);
  assert_holds(csv, "\none,4,training,3,1,1,"); /* the only one that is done stands for the model */
  assert_holds(csv, "\none,5,training,1,8,0,");
  assert_holds(csv, "none,mean,training,2,2,1,");
  assert_int_equal(occurrences(csv, "none,mean"), 2);
  hg_free(csv);
}

static void an_exact_reconstruction_has_100_decibels(void **state) {
  (void)state;
  static const uint8_t images[2 * 4] = {0, 64, 128, 255, 1, 2, 3, 4}, rebuilt[2 * 4] = {0, 64, 128, 255, 52, 53, 54, 55};
  static const int32_t labels[2];
  static const int64_t index[2] = {0, 1};
  const hg_named_tensor tensors[] = {{"original", HG_U8, 4, {2, 2, 2, 1}, images},
                                     {"index", HG_I64, 1, {2}, index},
                                     {"labels", HG_I32, 1, {2}, labels},
                                     {"input", HG_U8, 4, {2, 2, 2, 1}, images},
                                     {"reconstruction", HG_U8, 4, {2, 2, 2, 1}, rebuilt}};
  hg_error error;
  hg_run_record record;
  bool found;
  hg_store *store = new_store();
  put_run(store, "exact", 1, "done", "{}");
  demo_check(hg_store_get_run(store, "exact", 1, &record, &found, &error), &error);
  demo_write(store, &record, "samples.safetensors", tensors, 5);
  hg_run_record_release(&record);
  write_figures_of(store);
  char *csv = read_out("reconstructions-exact.csv");
  assert_holds(csv, "reconstructed,0,3,100,\"data:");
  assert_holds(csv, "reconstructed,1,4,13.9794,\"data:"); /* 51 / 255 off: -20 log10(0.2) */
  hg_free(csv);
}

static void failed_allocations_are_told(void **state) {
  (void)state;
  hg_error error;
  hg_store *store;
  demo_check(hg_store_open(folder, false, &store, &error), &error);
  hg_code code = HG_NO_MEMORY;
  for (int n = 0; code != HG_OK; n += 1 + n / 20) { /* every one of the first, then wider apart: there are tens of thousands */
    int count;
    bool drawn;
    hg_alloc_fail_after(n);
    code = hg_report_write_figures(store, out, NULL, &count, &drawn, &error);
    hg_alloc_fail_after(-1);
    assert_true(code == HG_NO_MEMORY || code == HG_OK);
  }
  hg_store_close(store);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(grids_are_pictures_without_a_browser),
                                     cmocka_unit_test(the_data_of_a_grid_hold_every_image_with_its_row),
                                     cmocka_unit_test(maps_for_files_have_all_points_of_the_store),
                                     cmocka_unit_test(scores_by_class_are_means_over_the_seeds),
                                     cmocka_unit_test(noise_that_is_clipped_and_noise_that_is_not_are_not_averaged),
                                     cmocka_unit_test(a_mean_curve_is_of_the_seeds_that_are_done),
                                     cmocka_unit_test(an_exact_reconstruction_has_100_decibels),
                                     cmocka_unit_test(failed_allocations_are_told)};
  return cmocka_run_group_tests(tests, write_all, NULL);
}
