/* A study of many models, with all that a page can show of each, must still make a page that can be sent about. */
#include "base/file.h"
#include "demo_store.h"
#include "report/report.h"

enum { MODELS = 30, MOST_BYTES = 5000000 };

static const char folder[] = BINARY_DIR "/demo-long";

/* Two data sets; half of the models are points of a sweep, every fifth takes noise away. */
static void put_models(hg_store *store) {
  for (int i = DEMO_MODELS; i < MODELS; i++) {
    char name[32];
    snprintf(name, sizeof name, i % 2 == 0 ? "model-%d" : "model[rate=0.%d]", i);
    bool cleans = i % 5 == 4;
    const demo_model model = {name, "network", i % 3 == 0 ? "digits" : "garments", i,
                              30,   241546,    cleans ? 0 : 0.8 + 0.005 * i,       61.2};
    demo_run(store, &model, 1);
  }
}

static char *long_page(void) {
  char *text;
  size_t count;
  hg_error error;
  hg_store *store = demo_store(folder);
  put_models(store);
  demo_thumbnails(store, "digits");
  demo_check(hg_report_write_page(store, &error), &error);
  hg_store_close(store);
  demo_check(hg_file_read(BINARY_DIR "/demo-long/report.html", 8 << 20, &text, &count, &error), &error);
  return text;
}

static int occurrences(const char *text, const char *part) {
  int count = 0;
  for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) count++;
  return count;
}

static void a_page_of_thirty_models_stays_under_five_megabytes(void **state) {
  (void)state;
  char *page = long_page();
  if (strlen(page) >= MOST_BYTES) fail_msg("%zu bytes", strlen(page));
  assert_int_equal(occurrences(page, "<details class=\"model\""), MODELS);
  assert_int_equal(occurrences(page, ": t-SNE</b>"), MODELS - 2); /* two of the demo's models are no networks */
  hg_free(page);
}

/* 2,000 photographs of 32 x 32 in colour: a slope of light, and as much noise as told. */
static void put_photographs(hg_store *store, const char *data, int noise) {
  enum { COUNT = 2000, SIDE = 32, VALUES = SIDE * SIDE * 3 };
  static uint8_t images[COUNT * VALUES];
  static int64_t index[COUNT];
  char path[512], *data_folder;
  hg_error error;
  hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, 9);
  for (int i = 0; i < COUNT; i++) {
    index[i] = i;
    for (int v = 0; v < VALUES; v++)
      images[i * VALUES + v] = (uint8_t)(i % 64 + v / 96 * 3 + v % 96 / 3 + hg_rng_uniform(&rng) * (float)noise);
  }
  const hg_named_tensor tensors[] = {{"index", HG_I64, 1, {COUNT}, index}, {"images", HG_U8, 4, {COUNT, SIDE, SIDE, 3}, images}};
  demo_check(hg_store_data_folder(store, data, &data_folder, &error), &error);
  snprintf(path, sizeof path, "%s/thumbnails.safetensors", data_folder);
  demo_check(hg_safetensors_write(path, tensors, 2, NULL, &error), &error);
  hg_free(data_folder);
}

static char *page_with_photographs(int noise) {
  char *text;
  size_t count;
  hg_error error;
  hg_store *store = demo_store(folder);
  put_photographs(store, "garments", noise);
  demo_check(hg_report_write_page(store, &error), &error);
  hg_store_close(store);
  demo_check(hg_file_read(BINARY_DIR "/demo-long/report.html", MOST_BYTES, &text, &count, &error), &error);
  return text;
}

static void photographs_are_shown_as_fine_as_they_fit(void **state) {
  (void)state;
  char *smooth = page_with_photographs(20), *noisy = page_with_photographs(100);
  assert_int_equal(occurrences(smooth, "aspect-ratio:32/32"), 1);
  assert_int_equal(occurrences(noisy, "aspect-ratio:32/32"), 0); /* they would not fit */
  assert_int_equal(occurrences(noisy, "aspect-ratio:16/16"), 1);
  hg_free(smooth);
  hg_free(noisy);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_page_of_thirty_models_stays_under_five_megabytes),
                                     cmocka_unit_test(photographs_are_shown_as_fine_as_they_fit)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
