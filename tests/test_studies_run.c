/* Every study of the repository goes through, from data to page, on a few images and an epoch or two. The pages stay in the build
 * folder, where the tests browser_STUDY open them. */
#include "base/alloc.h"
#include "data/catalog.h"
#include "study/run.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { TRAIN = 100, VALIDATION = 30, TEST = 40, BATCH = 20, MANY = 12 };

static void make_small(hg_study *study) {
  int most = study->model_count > MANY ? 1 : 2; /* two are compared otherwise than one; a long study needs not show it again */
  study->seed_count = study->seed_count > most ? most : study->seed_count;
  for (int i = 0; i < study->data_count; i++) {
    hg_data_settings *data = &study->data[i];
    data->lines.per_class = 4;
    data->limit = TRAIN;
    data->test_limit = TEST;
    data->validation = VALIDATION;
  }
  for (int i = 0; i < study->model_count; i++) {
    hg_model *model = &study->models[i];
    model->train.epochs = model->train.epochs > 2 ? 2 : model->train.epochs;
    model->train.batch_size = BATCH;
    model->train.schedule.warmup = 0;
    if (model->train.unfreeze_after > 0) model->train.unfreeze_after = 1;
    if (model->features.kmeans.centroids > 0) model->features.kmeans.centroids = 8;
    if (model->features.pca > 20) model->features.pca = 20;
    if (model->kind == HG_MODEL_CLASSICAL && model->classical.max_iter > 20) model->classical.max_iter = 20;
  }
}

static void tell_failure(void *context, const hg_run_event *event) {
  (void)context;
  if (event->kind == HG_RUN_FAILED) print_error("%s seed %d: %s\n", event->model, (int)event->seed, event->message);
}

/* Bytes of a file; 0 where there is none. */
static long size_of(const char *folder, const char *file) {
  char path[1024];
  struct stat status;
  snprintf(path, sizeof path, "%s/%s", folder, file);
  return stat(path, &status) == 0 ? (long)status.st_size : 0;
}

static void run_small(const char *path, const char *out) {
  hg_study *study = NULL;
  hg_error error = {0};
  hg_code code = hg_study_read(path, NULL, 0, &study, &error);
  if (code == HG_OK) {
    make_small(study);
    hg_run_settings settings = {.out = out, .threads = 1, .event = tell_failure};
    code = hg_study_run(study, &settings, &error);
  }
  if (code != HG_OK) fail_msg("%s: %s: %s", path, error.place, error.message);
  assert_true(size_of(out, "report.json") > 0);
  assert_in_range(size_of(out, "report.html"), 1, 5000000);
  hg_study_free(study);
}

static void every_study_goes_through(void **state) {
  (void)state;
  DIR *folder = opendir(SOURCE_DIR "/studies");
  const char *only = getenv("HOURGLASS_STUDY");
  assert_non_null(folder);
  assert_int_equal(system("rm -rf '" BINARY_DIR "/small-studies' && mkdir '" BINARY_DIR "/small-studies'"), 0);
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    if (strstr(entry->d_name, ".yaml") == NULL || (only != NULL && strstr(entry->d_name, only) == NULL)) continue;
    char path[512], out[512];
    snprintf(path, sizeof path, SOURCE_DIR "/studies/%s", entry->d_name);
    snprintf(out, sizeof out, BINARY_DIR "/small-studies/%.*s", (int)(strlen(entry->d_name) - strlen(".yaml")), entry->d_name);
    run_small(path, out);
  }
  closedir(folder);
}

int main(void) {
  hg_found found;
  if (hg_catalog_locate(hg_catalog_find("cifar10"), &found, NULL) != HG_OK) {
    print_message("skipped: CIFAR-10 is not here\n");
    return 0;
  }
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_study_goes_through)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
