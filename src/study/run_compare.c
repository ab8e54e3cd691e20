/* The comparisons a study asks for, over every seed that both models have done. */
#include "base/alloc.h"
#include "base/file.h"
#include "study/analysis.h"
#include "study/compare.h"

#include <stdio.h>
#include <string.h>

/* Pairs in words: "a and b, a and c", those that have room. */
typedef struct pairs {
  int count, told;
  char text[320];
} pairs;

enum { ROOM_OF_REST = 32 }; /* ", and N more pairs" */

static void add_pair(pairs *list, const char *a, const char *b) {
  char pair[2 * HG_NAME_SIZE + 8];
  size_t used = strlen(list->text), room = sizeof list->text - ROOM_OF_REST - used;
  int length = snprintf(pair, sizeof pair, "%s%s and %s", used > 0 ? ", " : "", a, b);
  if (list->told == list->count++ && (size_t)length < room) {
    memcpy(list->text + used, pair, (size_t)length + 1);
    list->told++;
  }
}

/* Once all are added. */
static const char *tell_pairs(pairs *list) {
  int rest = list->count - list->told;
  size_t used = strlen(list->text);
  if (rest > 0) snprintf(list->text + used, sizeof list->text - used, ", and %d more pair%s", rest, rest == 1 ? "" : "s");
  return list->text;
}

/* What is to be said of pairs beside their comparisons. */
typedef struct remarks {
  pairs one_seed; /* compared on a single one */
  pairs apart;    /* their test images are spoiled differently */
  pairs missing;  /* one of them has no run that is done */
} remarks;

static bool is_done(const hg_runner *runner, int model) {
  for (int i = 0; i < runner->stored_count; i++)
    if (hg_runner_is_done(runner, &runner->stored[i], model)) return true;
  return false;
}

static bool see_the_same(const hg_model *a, const hg_model *b) {
  const hg_corruption *one = &a->train.corrupt, *other = &b->train.corrupt;
  return one->gaussian == other->gaussian && one->salt_and_pepper == other->salt_and_pepper && one->masking == other->masking &&
         (one->gaussian == 0 || one->clip == other->clip);
}

static hg_code compare_pair(hg_runner *runner, const hg_study_pair *pair, hg_comparison *rows, int *count, remarks *said,
                            hg_error *error) {
  const char *name_a = runner->study->models[pair->a].name, *name_b = runner->study->models[pair->b].name;
  hg_testimony a = {0}, b = {0};
  int made = 0;
  if (!is_done(runner, pair->a) || !is_done(runner, pair->b)) {
    add_pair(&said->missing, name_a, name_b);
    return HG_OK;
  }
  hg_code code = hg_runner_go_on(runner, error);
  if (code == HG_OK) code = hg_testimony_read(runner->store, name_a, NULL, &a, error);
  if (code == HG_OK) code = hg_testimony_read(runner->store, name_b, NULL, &b, error);
  if (code == HG_OK) code = hg_compare_models(&a, &b, runner->pool, rows + *count, &made, error);
  if (code == HG_OK && made == 0)
    code = hg_runner_warn(
        runner, error, "not-comparable",
        "%s and %s cannot be compared: they do not say the same kind of thing about the same test images, or these are too few",
        name_a, name_b);
  if (made > 0 && rows[*count].seeds == 1 && (a.draws || b.draws)) add_pair(&said->one_seed, name_a, name_b);
  if (made > 0 && !see_the_same(&runner->study->models[pair->a], &runner->study->models[pair->b]))
    add_pair(&said->apart, name_a, name_b);
  *count += made;
  hg_testimony_release(&a);
  hg_testimony_release(&b);
  return code;
}

/* ---------------------------------------------------------------- denoisers against the median filter */

enum { MOST_LEVELS = 8 };

/* denoising.safetensors of a model, seed by seed, of those that can be read: one may be of a seed that no call plans, and none
 * would make it again. */
typedef struct denoisers {
  hg_safetensors files[HG_MOST_SEEDS];
  int count;
} denoisers;

static hg_code read_denoisers(hg_runner *runner, int model, denoisers *found, hg_error *error) {
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < runner->stored_count && found->count < HG_MOST_SEEDS; i++) {
    const hg_run_record *run = &runner->stored[i];
    char *path = NULL;
    if (!hg_runner_is_done(runner, run, model)) continue;
    code = hg_store_run_file(runner->store, run, "denoising.safetensors", &path, error);
    if (code != HG_OK) return code;
    code = hg_safetensors_read(path, &found->files[found->count], NULL);
    found->count += code == HG_OK;
    code = code == HG_NO_MEMORY ? hg_fail_memory(error, path, 1) : HG_OK;
    hg_free(path);
  }
  return code;
}

/* (levels, images) */
static bool is_table(const hg_named_tensor *errors) { return errors != NULL && errors->dtype == HG_F32 && errors->rank == 2; }

/* The images' errors at one level: by the model and by the filter, for each seed. False where a file has no such level. */
static bool find_errors(const denoisers *found, int level, const float **model, const float **median, int64_t *images) {
  for (int s = 0; s < found->count; s++) {
    const hg_named_tensor *a = hg_safetensors_find(&found->files[s], "model_mse"),
                          *b = hg_safetensors_find(&found->files[s], "median_mse");
    if (!is_table(a) || !is_table(b) || a->dim[0] <= level || b->dim[0] <= level) return false;
    if ((s > 0 && a->dim[1] != *images) || a->dim[1] != b->dim[1] || a->dim[1] < 2) return false;
    *images = a->dim[1];
    model[s] = (const float *)a->data + level * *images;
    median[s] = (const float *)b->data + level * *images;
  }
  return true;
}

static hg_code compare_with_median(hg_runner *runner, int model, hg_comparison *rows, int *count, hg_error *error) {
  denoisers found = {.count = 0};
  const float *of_model[HG_MOST_SEEDS], *of_median[HG_MOST_SEEDS];
  int64_t images = 0;
  hg_code code = hg_runner_go_on(runner, error);
  if (code == HG_OK) code = read_denoisers(runner, model, &found, error);
  const hg_named_tensor *levels = code == HG_OK && found.count > 0 ? hg_safetensors_find(&found.files[0], "levels") : NULL;
  char kind[32] = "", metric[64];
  if (levels != NULL && (levels->dtype != HG_F32 || levels->rank != 1)) levels = NULL; /* a file that others wrote */
  if (levels != NULL) hg_safetensors_metadata(&found.files[0], "corruption", kind, sizeof kind);
  for (int i = 0; code == HG_OK && levels != NULL && i < levels->dim[0] && i < MOST_LEVELS; i++) {
    if (!find_errors(&found, i, of_model, of_median, &images)) break;
    hg_comparison *row = &rows[(*count)++];
    *row = (hg_comparison){.b = "median filter"};
    snprintf(row->a, sizeof row->a, "%s", runner->study->models[model].name);
    snprintf(metric, sizeof metric, "mse (%s %g)", kind, (double)((const float *)levels->data)[i]);
    code = hg_compare_images(metric, of_model, of_median, found.count, images, runner->pool, row, error);
  }
  for (int s = 0; s < found.count; s++) hg_safetensors_release(&found.files[s]);
  return code;
}

/* ---------------------------------------------------------------- all of them */

static hg_code warn_of_pairs(hg_runner *runner, remarks *said, hg_error *error) {
  hg_code code = HG_OK;
  if (said->missing.count > 0)
    code = hg_runner_warn(runner, error, "not-compared", "Not compared, because no run of one of them is done: %s.",
                          tell_pairs(&said->missing));
  if (code == HG_OK && said->one_seed.count > 0)
    code = hg_runner_warn(
        runner, error, "one-seed",
        "Compared on one seed: %s. The intervals cover the choice of test images, not the chance in training; give "
        "the study more seeds.",
        tell_pairs(&said->one_seed));
  if (code == HG_OK && said->apart.count > 0)
    code = hg_runner_warn(runner, error, "other-inputs",
                          "Compared on test images that are spoiled differently (`corrupt`): %s. The difference is that of the "
                          "inputs as well as that of the models.",
                          tell_pairs(&said->apart));
  return code;
}

hg_code hg_runner_compare(hg_runner *runner, hg_error *error) {
  const hg_study *study = runner->study;
  size_t room = (size_t)study->compare_count * HG_MOST_COMPARED + (size_t)study->model_count * MOST_LEVELS + 1;
  hg_comparison *rows = hg_calloc(room, sizeof *rows);
  if (rows == NULL) return hg_fail_memory(error, "comparisons", room * sizeof *rows);
  int count = 0;
  remarks said = {.one_seed = {.count = 0}};
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < study->compare_count; i++)
    code = compare_pair(runner, &study->compare[i], rows, &count, &said, error);
  for (int i = 0; code == HG_OK && i < study->model_count; i++) code = compare_with_median(runner, i, rows, &count, error);
  if (code == HG_OK) code = warn_of_pairs(runner, &said, error);
  if (code == HG_OK) code = hg_comparisons_conclude(rows, count, error);
  if (code == HG_OK) code = hg_store_put_comparisons(runner->store, rows, count, error);
  hg_free(rows);
  return code;
}
