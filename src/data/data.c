#include "data/data.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/shape.h"
#include "data/lines.h"
#include "data/source.h"
#include "data/splits.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

hg_data_settings hg_data_settings_default(void) {
  hg_data_settings settings;
  memset(&settings, 0, sizeof settings);
  settings.validation = 0.1;
  settings.test = 0.2;
  settings.stratified = true;
  settings.seed = 1;
  settings.lines = (hg_lines_settings){.per_class = 1000, .split = HG_LINES_RANDOM, .test_share = 0.2};
  return settings;
}

static hg_code check_settings(const hg_data_settings *settings, hg_error *error) {
  const char *place = settings->name[0] != '\0' ? settings->name : settings->source;
  if (!(settings->validation >= 0))
    return hg_fail(error, HG_USAGE, place, "validation is %g; it must not be negative", settings->validation);
  if (!(settings->test > 0)) return hg_fail(error, HG_USAGE, place, "test is %g; it must be above 0", settings->test);
  if (settings->limit < 0 || settings->test_limit < 0) return hg_fail(error, HG_USAGE, place, "a limit must not be negative");
  if (settings->resize < 0 || settings->resize > 1024)
    return hg_fail(error, HG_USAGE, place, "resize is %d; it must be within 1 and 1024 pixels", settings->resize);
  if (settings->class_count < 0 || settings->class_count > HG_MOST_CLASSES)
    return hg_fail(error, HG_USAGE, place, "%d classes are chosen; at most %d are possible", settings->class_count,
                   HG_MOST_CLASSES);
  for (int i = 0; i < settings->class_count; i++)
    for (int k = 0; k < i; k++)
      if (settings->classes[i] == settings->classes[k])
        return hg_fail(error, HG_USAGE, place, "classes names class %d twice", settings->classes[i]);
  return HG_OK;
}

static hg_code check_classes(const hg_data_settings *settings, int classes, const char *source, hg_error *error) {
  for (int i = 0; i < settings->class_count; i++)
    if (settings->classes[i] < 0 || settings->classes[i] >= classes)
      return hg_fail(error, HG_USAGE, source, "class %d does not exist: labels are 0 to %d", settings->classes[i], classes - 1);
  return HG_OK;
}

/* Replaces *dataset by its images of the chosen classes, renumbered. */
static hg_code choose_classes(const hg_data_settings *settings, hg_dataset **dataset, hg_error *error) {
  hg_dataset *all = *dataset, *made = NULL;
  if (settings->class_count == 0) return HG_OK;
  if (all->labels == NULL) return hg_fail(error, HG_DATA, all->source, "has no labels, so no classes can be chosen");
  hg_code code = check_classes(settings, all->classes, all->source, error);
  if (code != HG_OK) return code;
  int32_t *renumber = hg_malloc((size_t)all->classes * sizeof *renumber);
  if (renumber == NULL) return hg_fail_memory(error, "classes", (size_t)all->classes * sizeof *renumber);
  for (int i = 0; i < all->classes; i++) renumber[i] = -1;
  for (int i = 0; i < settings->class_count; i++) renumber[settings->classes[i]] = i;
  int64_t count = 0, next = 0;
  for (int64_t i = 0; i < all->count; i++) count += renumber[all->labels[i]] >= 0;
  code = hg_dataset_new(all->shape, count, settings->class_count, &made, error);
  size_t bytes = (size_t)hg_shape_count(all->shape);
  for (int64_t i = 0; code == HG_OK && i < all->count; i++) {
    if (renumber[all->labels[i]] < 0) continue;
    memcpy(made->pixels + (size_t)next * bytes, hg_dataset_image(all, i), bytes);
    made->labels[next++] = renumber[all->labels[i]];
  }
  for (int i = 0; code == HG_OK && i < settings->class_count; i++)
    code = hg_dataset_name_class(made, i, all->class_names[settings->classes[i]], error);
  hg_free(renumber);
  if (code != HG_OK) {
    hg_dataset_free(made);
    return code;
  }
  memcpy(made->source, all->source, sizeof made->source);
  hg_dataset_free(all);
  *dataset = made;
  return HG_OK;
}

static hg_code limit_to(const hg_data_settings *settings, int64_t limit, hg_split_use use, hg_dataset **dataset,
                        hg_error *error) {
  if (limit == 0 || limit >= (*dataset)->count) return HG_OK;
  hg_dataset *kept = NULL;
  hg_code code = hg_split_copy(*dataset, limit, settings->stratified, settings->seed, use, &kept, error);
  if (code != HG_OK) return code;
  hg_dataset_free(*dataset);
  *dataset = kept;
  return HG_OK;
}

int64_t hg_data_images(double amount, int64_t count) {
  double images = amount < 1 ? amount * (double)count : amount;
  return images < 1 ? 1 : images > 1e15 ? (int64_t)1e15 : (int64_t)floor(images + 0.5);
}

/* At least one image of either part is left. */
static hg_code images_of(double amount, const char *what, const hg_dataset *from, int64_t *count, hg_error *error) {
  *count = hg_data_images(amount, from->count);
  if (*count < from->count) return HG_OK;
  return hg_fail(error, HG_USAGE, from->source, "%s: %g leaves nothing to train on, the training part has %lld images", what,
                 amount, (long long)from->count);
}

/* Cuts `amount` of the training part off into *part. */
static hg_code cut(const hg_data_settings *settings, double amount, const char *what, hg_split_use use, hg_dataset *train,
                   hg_dataset **part, hg_error *error) {
  int64_t count;
  hg_code code = images_of(amount, what, train, &count, error);
  return code != HG_OK ? code : hg_split_cut(train, count, settings->stratified, settings->seed, use, part, error);
}

static hg_code not_empty(const hg_dataset *dataset, const char *part, hg_error *error) {
  if (dataset->count > 0) return HG_OK;
  return hg_fail(error, HG_DATA, dataset->source, "the %s part has no images of the chosen classes", part);
}

static void digest_all(hg_data *data) {
  char digests[3][HG_SHA256_SIZE] = {"", "", ""};
  hg_dataset *const parts[3] = {data->train, data->validation, data->test};
  for (int i = 0; i < 3; i++) {
    if (parts[i] == NULL) continue;
    hg_dataset_seal(parts[i]);
    hg_dataset_digest(parts[i], digests[i]);
  }
  hg_sha256(digests, sizeof digests, data->digest);
}

/* The order matters to reproducibility: classes, the test part, limits, validation. */
static hg_code cut_parts(const hg_data_settings *settings, hg_data *data, hg_error *error) {
  hg_code code = choose_classes(settings, &data->train, error);
  if (code == HG_OK && data->test != NULL) code = choose_classes(settings, &data->test, error);
  if (code == HG_OK) code = not_empty(data->train, "training", error);
  if (code == HG_OK && data->test == NULL)
    code = cut(settings, settings->test, "test", HG_SPLIT_TEST, data->train, &data->test, error);
  if (code == HG_OK) code = not_empty(data->test, "test", error);
  if (code == HG_OK) code = limit_to(settings, settings->limit, HG_SPLIT_LIMIT, &data->train, error);
  if (code == HG_OK) code = limit_to(settings, settings->test_limit, HG_SPLIT_TEST_LIMIT, &data->test, error);
  if (code == HG_OK && settings->validation > 0)
    code = cut(settings, settings->validation, "validation", HG_SPLIT_VALIDATION, data->train, &data->validation, error);
  return code;
}

hg_code hg_data_open(const hg_data_settings *settings, const char *base_folder, hg_data *data, hg_error *error) {
  memset(data, 0, sizeof *data);
  hg_source source;
  hg_code code = check_settings(settings, error);
  if (code == HG_OK) code = hg_source_find(settings->source, base_folder, &source, error);
  if (code != HG_OK) return code;
  code = hg_source_read(&source, settings, &data->train, &data->test, error);
  if (code == HG_OK) code = cut_parts(settings, data, error);
  if (code == HG_OK)
    digest_all(data);
  else
    hg_data_release(data);
  return code;
}

void hg_data_release(hg_data *data) {
  hg_dataset_free(data->train);
  hg_dataset_free(data->validation);
  hg_dataset_free(data->test);
  memset(data, 0, sizeof *data);
}

static void outline_entry(const hg_catalog_entry *entry, const hg_data_settings *settings, hg_data_outline *outline) {
  *outline = (hg_data_outline){entry->shape, entry->classes, entry->train, 0};
  if (settings->resize > 0) outline->shape.height = outline->shape.width = settings->resize;
  if (settings->grayscale && entry->shape.channels == 3) outline->shape.channels = 1;
  int64_t chosen = (int64_t)settings->class_count * entry->largest_class;
  if (settings->class_count > 0 && chosen < outline->most) outline->most = chosen;
  if (entry->layout == HG_LAYOUT_GENERATED)
    outline->most = (int64_t)settings->lines.per_class * (settings->class_count > 0 ? settings->class_count : outline->classes);
  outline->uncut = outline->most;
}

hg_code hg_data_peek(const hg_data_settings *settings, const char *base_folder, hg_data_outline *outline, hg_error *error) {
  hg_source source;
  hg_code code = check_settings(settings, error);
  const hg_catalog_entry *entry = settings->source == NULL ? NULL : hg_catalog_find(settings->source);
  if (code == HG_OK && entry != NULL) {
    outline_entry(entry, settings, outline);
  } else if (code == HG_OK) {
    code = hg_source_find(settings->source, base_folder, &source, error);
    if (code == HG_OK) code = hg_source_peek(&source, settings, outline, error);
  }
  if (code == HG_OK) code = check_classes(settings, outline->classes, settings->source, error);
  if (code == HG_OK && settings->class_count > 0) outline->classes = settings->class_count;
  return code;
}

static hg_code name_entry(const hg_catalog_entry *entry, hg_dataset **named, hg_error *error) {
  hg_code code = hg_dataset_new(entry->shape, 0, entry->classes, named, error);
  if (code == HG_OK && entry->layout == HG_LAYOUT_GENERATED) code = hg_lines_name_classes(*named, error);
  for (int i = 0; code == HG_OK && entry->class_names != NULL && i < entry->classes; i++)
    code = hg_dataset_name_class(*named, i, entry->class_names[i], error);
  return code;
}

hg_code hg_data_name_classes(const hg_data_settings *settings, const char *base_folder, hg_dataset **named, hg_error *error) {
  *named = NULL;
  hg_source source;
  const hg_catalog_entry *entry = settings->source == NULL ? NULL : hg_catalog_find(settings->source);
  hg_code code = entry != NULL ? name_entry(entry, named, error) : hg_source_find(settings->source, base_folder, &source, error);
  if (code == HG_OK && entry == NULL) code = hg_source_read(&source, settings, named, NULL, error);
  if (code == HG_OK) return HG_OK;
  hg_dataset_free(*named);
  *named = NULL;
  return code;
}

hg_code hg_dataset_open(const char *source, bool test_part, hg_dataset **dataset, hg_error *error) {
  *dataset = NULL;
  hg_source found;
  hg_code code = hg_source_find(source, NULL, &found, error);
  if (code != HG_OK) return code;
  hg_data_settings settings = hg_data_settings_default();
  code = hg_source_read(&found, &settings, test_part ? NULL : dataset, test_part ? dataset : NULL, error);
  if (code == HG_OK && *dataset == NULL) code = hg_fail(error, HG_DATA, source, "has no test part");
  return code;
}
