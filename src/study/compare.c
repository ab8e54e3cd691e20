#include "study/compare.h"

#include "base/alloc.h"
#include "base/file.h"
#include "eval/bootstrap.h"
#include "eval/compare.h"
#include "eval/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char predictions_file[] = "predictions.safetensors", views_file[] = "views.safetensors";

/* ---------------------------------------------------------------- pairs of runs */

typedef struct pairing {
  const char *file; /* which of their files these are */
  int count;
  const hg_safetensors *a[HG_MOST_SEEDS], *b[HG_MOST_SEEDS];
} pairing;

/* The run of this seed; for what draws no numbers its first one stands for every seed. -1 if there is none. */
static int run_with(const hg_testimony *testimony, uint64_t seed) {
  if (!testimony->draws) return 0;
  for (int i = 0; i < testimony->seeds; i++)
    if (testimony->seed[i] == seed) return i;
  return -1;
}

static void add_pair(const hg_testimony *a, int of_a, const hg_testimony *b, int of_b, pairing *pairs) {
  bool views = pairs->file == views_file;
  pairs->a[pairs->count] = views ? &a->views[of_a] : &a->files[of_a];
  pairs->b[pairs->count++] = views ? &b->views[of_b] : &b->files[of_b];
}

static void pair_seeds(const hg_testimony *a, const hg_testimony *b, const char *file, pairing *pairs) {
  const hg_testimony *leading = a->draws ? a : b;
  int seeds = leading->draws ? leading->seeds : 1;
  pairs->file = file;
  pairs->count = 0;
  for (int i = 0; i < seeds && pairs->count < HG_MOST_SEEDS; i++) {
    int of_a = run_with(a, leading->seed[i]), of_b = run_with(b, leading->seed[i]);
    if (of_a >= 0 && of_b >= 0) add_pair(a, of_a, b, of_b, pairs);
  }
  if (pairs->count == 0) add_pair(a, 0, b, 0, pairs);
}

static bool same_shape(const hg_named_tensor *a, const hg_named_tensor *b) {
  return a != NULL && b != NULL && a->dtype == b->dtype && a->rank == b->rank &&
         memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) == 0;
}

static bool same_labels(const pairing *pairs) {
  const hg_named_tensor *first = hg_safetensors_find(pairs->a[0], "labels");
  for (int s = 0; s < pairs->count; s++) {
    const hg_named_tensor *sides[] = {hg_safetensors_find(pairs->a[s], "labels"), hg_safetensors_find(pairs->b[s], "labels")};
    for (int i = 0; i < 2; i++) {
      if (first == NULL && sides[i] == NULL) continue;
      if (!same_shape(first, sides[i]) || first->dtype != HG_I32) return false;
      if (memcmp(first->data, sides[i]->data, (size_t)hg_named_tensor_count(first) * sizeof(int32_t)) != 0) return false;
    }
  }
  return true;
}

/* False where both say of which images they are, and these are of one size and not the same. Of another size they may be the same
 * images, `resize`d; the labels then decide. */
static bool same_images(const hg_safetensors *a, const hg_safetensors *b) {
  char shape[2][48], digest[2][HG_SHA256_SIZE];
  const hg_safetensors *files[] = {a, b};
  for (int i = 0; i < 2; i++)
    if (!hg_safetensors_metadata(files[i], "test_shape", shape[i], sizeof shape[i]) ||
        !hg_safetensors_metadata(files[i], "test_sha256", digest[i], sizeof digest[i]))
      return true; /* an older version's */
  return strcmp(shape[0], shape[1]) != 0 || strcmp(digest[0], digest[1]) == 0;
}

/* Whether every file has this tensor, all of one shape. */
static bool all_have(const pairing *pairs, const char *name, int rank) {
  const hg_named_tensor *first = hg_safetensors_find(pairs->a[0], name);
  if (first == NULL || first->rank != rank || first->dtype != HG_F32 || first->dim[0] < 2) return false;
  for (int s = 0; s < pairs->count; s++)
    if (!same_shape(first, hg_safetensors_find(pairs->a[s], name)) || !same_shape(first, hg_safetensors_find(pairs->b[s], name)))
      return false;
  return true;
}

/* Shares lie at most 1 apart, which Student's interval over few seeds does not know. The row's metric is set. */
static void take_difference(const hg_difference *from, hg_comparison *row) {
  bool share = hg_metric_is_share(row->metric);
  row->difference = from->difference;
  row->low = share ? fmax(from->low, -1) : from->low;
  row->high = share ? fmin(from->high, 1) : from->high;
  row->p_value = from->p_value;
}

/* ---------------------------------------------------------------- scores that are means over images */

/* values_a, values_b (seeds, images): the score of every image. */
typedef struct image_scores {
  int seeds;
  int64_t images;
  const float *a[HG_MOST_SEEDS], *b[HG_MOST_SEEDS];
} image_scores;

static double difference_of(const image_scores *scores, int64_t image) {
  double sum = 0;
  for (int s = 0; s < scores->seeds; s++) sum += (double)scores->a[s][image] - (double)scores->b[s][image];
  return sum / scores->seeds;
}

/* Variance of the mean over images of the mean difference over seeds. */
static double image_variance(const image_scores *scores) {
  double mean = 0, squares = 0, n = (double)scores->images;
  for (int64_t i = 0; i < scores->images; i++) mean += difference_of(scores, i) / n;
  for (int64_t i = 0; i < scores->images; i++) {
    double from_mean = difference_of(scores, i) - mean;
    squares += from_mean * from_mean;
  }
  return squares / (n - 1) / n;
}

static void take_values(const double *by_a, const double *by_b, int seeds, double *by_seed, hg_comparison *row) {
  row->seeds = seeds;
  row->value_a = row->value_b = 0;
  for (int s = 0; s < seeds; s++) {
    row->value_a += by_a[s] / seeds;
    row->value_b += by_b[s] / seeds;
    by_seed[s] = by_a[s] - by_b[s];
  }
}

static double resampled_mean(const void *context, const int32_t *times) {
  const image_scores *scores = context;
  double sum = 0;
  for (int64_t i = 0; i < scores->images; i++) sum += times[i] * ((double)scores->a[0][i] - (double)scores->b[0][i]);
  return sum / (double)scores->images;
}

static hg_code compare_means(const image_scores *scores, hg_pool *pool, hg_comparison *row, hg_error *error) {
  double by_a[HG_MOST_SEEDS], by_b[HG_MOST_SEEDS], by_seed[HG_MOST_SEEDS] = {0};
  for (int s = 0; s < scores->seeds; s++) {
    by_a[s] = hg_mean(scores->a[s], scores->images);
    by_b[s] = hg_mean(scores->b[s], scores->images);
  }
  take_values(by_a, by_b, scores->seeds, by_seed, row);
  if (scores->seeds > 1) {
    hg_difference found = {0};
    hg_difference_over_seeds(image_variance(scores), (double)(scores->images - 1), by_seed, scores->seeds, &found);
    take_difference(&found, row);
    snprintf(row->test, sizeof row->test, "seeds-and-images");
    return HG_OK;
  }
  hg_bootstrap_settings settings = {.samples = scores->images, .seed = 1, .compute = resampled_mean, .context = scores};
  hg_bootstrap found;
  hg_code code = hg_bootstrap_difference(&settings, pool, &found, error);
  if (code != HG_OK) return code;
  take_difference(&(hg_difference){by_seed[0], found.low, found.high, found.p_value}, row);
  snprintf(row->test, sizeof row->test, "paired-bootstrap");
  return HG_OK;
}

hg_code hg_compare_images(const char *metric, const float *const *a, const float *const *b, int seeds, int64_t images,
                          hg_pool *pool, hg_comparison *row, hg_error *error) {
  image_scores scores = {.seeds = seeds < HG_MOST_SEEDS ? seeds : HG_MOST_SEEDS, .images = images};
  for (int s = 0; s < scores.seeds; s++) {
    scores.a[s] = a[s];
    scores.b[s] = b[s];
  }
  snprintf(row->metric, sizeof row->metric, "%s", metric);
  return compare_means(&scores, pool, row, error);
}

static hg_code compare_reconstructions(const pairing *pairs, const char *metric, hg_pool *pool, hg_comparison *row, int *count,
                                       hg_error *error) {
  char name[64];
  snprintf(name, sizeof name, "reconstruction_%s", metric);
  if (!all_have(pairs, name, 1)) return HG_OK;
  image_scores scores = {.seeds = pairs->count, .images = hg_safetensors_find(pairs->a[0], name)->dim[0]};
  for (int s = 0; s < pairs->count; s++) {
    scores.a[s] = hg_safetensors_find(pairs->a[s], name)->data;
    scores.b[s] = hg_safetensors_find(pairs->b[s], name)->data;
  }
  snprintf(row->metric, sizeof row->metric, "%s", metric);
  (*count)++;
  return compare_means(&scores, pool, row, error);
}

/* ---------------------------------------------------------------- classes */

/* Predictions of both for each seed, and samples grouped by what they are and were taken for. */
typedef struct class_votes {
  int seeds, classes;
  int64_t images;
  const int32_t *labels;
  int32_t *votes; /* (images, 2 seeds): a and b of each seed in turn */
  int32_t *group; /* (images) */
  int32_t *first; /* (groups): an image of the group */
  int64_t groups;
} class_votes;

static const int32_t *votes_of(const class_votes *v, int64_t image) { return v->votes + image * 2 * v->seeds; }

static void release_votes(class_votes *v) {
  hg_free(v->votes);
  hg_free(v->group);
  hg_free(v->first);
}

static bool same_case(const class_votes *v, int64_t a, int64_t b) {
  return v->labels[a] == v->labels[b] && memcmp(votes_of(v, a), votes_of(v, b), (size_t)(2 * v->seeds) * sizeof(int32_t)) == 0;
}

static uint64_t hash_case(const class_votes *v, int64_t image) {
  uint64_t hash = (uint64_t)v->labels[image] + 1;
  for (int i = 0; i < 2 * v->seeds; i++) {
    hash = (hash ^ (uint64_t)votes_of(v, image)[i]) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 29;
  }
  return hash;
}

/* Images of the same class with the same votes count the same in every score. */
static hg_code group_cases(class_votes *v, hg_error *error) {
  uint64_t size = 16;
  while (size < 2 * (uint64_t)v->images) size *= 2;
  int32_t *table = hg_malloc(size * sizeof *table); /* of groups; -1 = free */
  if (table == NULL) return hg_fail_memory(error, "comparison", size * sizeof *table);
  for (uint64_t i = 0; i < size; i++) table[i] = -1;
  for (int64_t i = 0; i < v->images; i++) {
    uint64_t place = hash_case(v, i) & (size - 1);
    while (table[place] >= 0 && !same_case(v, v->first[table[place]], i)) place = (place + 1) & (size - 1);
    if (table[place] < 0) {
      v->first[v->groups] = (int32_t)i;
      table[place] = (int32_t)v->groups++;
    }
    v->group[i] = table[place];
  }
  hg_free(table);
  return HG_OK;
}

static hg_code gather_votes(const pairing *pairs, class_votes *v, hg_error *error) {
  const hg_named_tensor *shares = hg_safetensors_find(pairs->a[0], "probabilities");
  *v = (class_votes){.seeds = pairs->count,
                     .classes = (int)shares->dim[1],
                     .images = shares->dim[0],
                     .labels = hg_safetensors_find(pairs->a[0], "labels")->data};
  v->votes = hg_malloc((size_t)v->images * 2 * (size_t)v->seeds * sizeof(int32_t));
  v->group = hg_malloc((size_t)v->images * sizeof(int32_t));
  v->first = hg_malloc((size_t)v->images * sizeof(int32_t));
  if (v->votes == NULL || v->group == NULL || v->first == NULL)
    return hg_fail_memory(error, "comparison", (size_t)v->images * 2 * (size_t)v->seeds * sizeof(int32_t));
  for (int s = 0; s < v->seeds; s++) {
    const float *a = hg_safetensors_find(pairs->a[s], "probabilities")->data;
    const float *b = hg_safetensors_find(pairs->b[s], "probabilities")->data;
    for (int64_t i = 0; i < v->images; i++) {
      v->votes[i * 2 * v->seeds + 2 * s] = hg_argmax(a + i * v->classes, v->classes);
      v->votes[i * 2 * v->seeds + 2 * s + 1] = hg_argmax(b + i * v->classes, v->classes);
    }
  }
  for (int64_t i = 0; i < v->images; i++)
    if (v->labels[i] < 0 || v->labels[i] >= v->classes)
      return hg_fail(error, HG_DATA, pairs->file, "label %d of image %lld is not in 0..%d", v->labels[i], (long long)i,
                     v->classes - 1);
  return group_cases(v, error);
}

/* Images per group, as they are. */
static void count_groups(const class_votes *v, int32_t *times) {
  memset(times, 0, (size_t)v->groups * sizeof *times);
  for (int64_t i = 0; i < v->images; i++) times[v->group[i]]++;
}

/* Macro F1 of one side (column of the votes) where group g has times[g] images. counts: room for 3 classes. */
static double macro_f1(const class_votes *v, const int32_t *times, int column, int64_t *counts) {
  int64_t *hits = counts, *predicted = counts + v->classes, *support = counts + 2 * (int64_t)v->classes;
  memset(counts, 0, 3 * (size_t)v->classes * sizeof *counts);
  for (int64_t g = 0; g < v->groups; g++) {
    int32_t truth = v->labels[v->first[g]], vote = votes_of(v, v->first[g])[column];
    support[truth] += times[g];
    predicted[vote] += times[g];
    hits[truth] += vote == truth ? times[g] : 0;
  }
  double sum = 0;
  int there = 0; /* of the labels or the votes, as scikit-learn counts classes */
  for (int k = 0; k < v->classes; k++) {
    if (predicted[k] + support[k] == 0) continue;
    sum += 2 * (double)hits[k] / (double)(predicted[k] + support[k]);
    there++;
  }
  return there == 0 ? 0 : sum / there;
}

enum { MOST_CLASSES = 1024 };

static double resampled_f1(const void *context, const int32_t *times) {
  const class_votes *v = context;
  int64_t counts[3 * MOST_CLASSES];
  double difference = 0;
  for (int s = 0; s < v->seeds; s++)
    difference += (macro_f1(v, times, 2 * s, counts) - macro_f1(v, times, 2 * s + 1, counts)) / v->seeds;
  return difference;
}

/* accuracy_p stands where seeds and images leave nothing to test by. */
static hg_code compare_f1(const class_votes *v, const int32_t *times, double accuracy_p, hg_pool *pool, hg_comparison *row,
                          hg_error *error) {
  double by_a[HG_MOST_SEEDS], by_b[HG_MOST_SEEDS], by_seed[HG_MOST_SEEDS] = {0};
  int64_t counts[3 * MOST_CLASSES];
  for (int s = 0; s < v->seeds; s++) {
    by_a[s] = macro_f1(v, times, 2 * s, counts);
    by_b[s] = macro_f1(v, times, 2 * s + 1, counts);
  }
  snprintf(row->metric, sizeof row->metric, "macro_f1");
  take_values(by_a, by_b, v->seeds, by_seed, row);
  hg_bootstrap_settings settings = {
      .samples = v->images, .group = v->group, .groups = v->groups, .seed = 1, .compute = resampled_f1, .context = v};
  hg_bootstrap found;
  hg_code code = hg_bootstrap_difference(&settings, pool, &found, error);
  if (code != HG_OK) return code;
  hg_difference difference = {by_seed[0], found.low, found.high, found.p_value};
  if (v->seeds > 1)
    hg_difference_over_seeds(found.deviation * found.deviation, (double)(v->images - 1), by_seed, v->seeds, &difference);
  if (isnan(difference.p_value)) difference.p_value = accuracy_p;
  take_difference(&difference, row);
  snprintf(row->test, sizeof row->test, "%s", v->seeds > 1 ? "seeds-and-images" : "paired-bootstrap");
  return HG_OK;
}

/* Mean over groups, weighted by their images, of the squared mean difference of being right over seeds: of its variance. */
static double accuracy_variance(const class_votes *v, const int32_t *times, double mean) {
  double squares = 0, n = (double)v->images;
  for (int64_t g = 0; g < v->groups; g++) {
    int32_t truth = v->labels[v->first[g]];
    double net = 0;
    for (int s = 0; s < v->seeds; s++)
      net += (votes_of(v, v->first[g])[2 * s] == truth) - (votes_of(v, v->first[g])[2 * s + 1] == truth);
    squares += times[g] * (net / v->seeds - mean) * (net / v->seeds - mean);
  }
  return squares / (n - 1) / n;
}

/* One seed; or several of which each gives the same difference on every image, so that they count as one. */
static void compare_once(const hg_comparison *row, int64_t images, hg_difference *found) {
  double n = (double)images;
  int64_t right_a = llround(row->value_a * n), right_b = llround(row->value_b * n);
  int64_t only_a = row->seeds == 1 ? row->only_a : right_a > right_b ? right_a - right_b : 0;
  int64_t only_b = row->seeds == 1 ? row->only_b : right_b > right_a ? right_b - right_a : 0;
  hg_paired_difference(right_a - only_a, only_a, only_b, images, &found->difference, &found->low, &found->high);
  found->p_value = hg_mcnemar(only_a, only_b);
}

static void compare_accuracy(const char *name, const class_votes *v, const int32_t *times, hg_comparison *row) {
  double by_a[HG_MOST_SEEDS] = {0}, by_b[HG_MOST_SEEDS] = {0}, by_seed[HG_MOST_SEEDS] = {0};
  row->only_a = row->only_b = 0;
  for (int64_t g = 0; g < v->groups; g++)
    for (int s = 0; s < v->seeds; s++) {
      int32_t truth = v->labels[v->first[g]];
      bool a = votes_of(v, v->first[g])[2 * s] == truth, b = votes_of(v, v->first[g])[2 * s + 1] == truth;
      by_a[s] += a ? times[g] : 0;
      by_b[s] += b ? times[g] : 0;
      row->only_a += a && !b ? times[g] : 0;
      row->only_b += b && !a ? times[g] : 0;
    }
  for (int s = 0; s < v->seeds; s++) {
    by_a[s] /= (double)v->images;
    by_b[s] /= (double)v->images;
  }
  snprintf(row->metric, sizeof row->metric, "%s", name);
  take_values(by_a, by_b, v->seeds, by_seed, row);
  hg_difference found = {0};
  if (v->seeds > 1) {
    double mean = row->value_a - row->value_b;
    hg_difference_over_seeds(accuracy_variance(v, times, mean), (double)(v->images - 1), by_seed, v->seeds, &found);
  }
  bool once = v->seeds == 1 || found.low == found.high;
  if (once) compare_once(row, v->images, &found);
  take_difference(&found, row);
  snprintf(row->test, sizeof row->test, "%s", once ? "mcnemar" : "seeds-and-images");
}

/* Of what is averaged over views the accuracy alone. */
static hg_code compare_classes(const pairing *pairs, hg_pool *pool, hg_comparison *rows, int *count, hg_error *error) {
  const hg_named_tensor *labels = hg_safetensors_find(pairs->a[0], "labels"); /* HG_I32: same_labels */
  if (!all_have(pairs, "probabilities", 2) || labels == NULL || labels->rank != 1) return HG_OK;
  const hg_named_tensor *shares = hg_safetensors_find(pairs->a[0], "probabilities");
  if (shares->dim[1] < 1 || shares->dim[1] > MOST_CLASSES || labels->dim[0] != shares->dim[0]) return HG_OK;
  class_votes v;
  hg_code code = gather_votes(pairs, &v, error);
  int32_t *times = code == HG_OK ? hg_malloc((size_t)v.groups * sizeof *times) : NULL;
  if (code == HG_OK && times == NULL) code = hg_fail_memory(error, "comparison", (size_t)v.groups * sizeof *times);
  if (code == HG_OK) {
    count_groups(&v, times);
    hg_comparison *accuracy = &rows[(*count)++];
    bool views = pairs->file == views_file;
    compare_accuracy(views ? "accuracy_tta" : "accuracy", &v, times, accuracy);
    if (!views) code = compare_f1(&v, times, accuracy->p_value, pool, &rows[(*count)++], error);
  }
  hg_free(times);
  release_votes(&v);
  return code;
}

hg_code hg_compare_models(const hg_testimony *a, const hg_testimony *b, hg_pool *pool, hg_comparison *rows, int *count,
                          hg_error *error) {
  static const char *const images[] = {"mse", "psnr", "ssim"};
  pairing pairs, averaged;
  *count = 0;
  if (a->seeds == 0 || b->seeds == 0) return HG_OK;
  pair_seeds(a, b, predictions_file, &pairs);
  pair_seeds(a, b, views_file, &averaged);
  if (!same_labels(&pairs) || !same_images(pairs.a[0], pairs.b[0])) return HG_OK;
  for (int i = 0; i < HG_MOST_COMPARED; i++) {
    rows[i] = (hg_comparison){.p_holm = (double)NAN};
    snprintf(rows[i].a, sizeof rows[i].a, "%s", a->name);
    snprintf(rows[i].b, sizeof rows[i].b, "%s", b->name);
  }
  hg_code code = compare_classes(&pairs, pool, rows, count, error);
  if (code == HG_OK && same_labels(&averaged)) code = compare_classes(&averaged, pool, rows, count, error);
  for (int i = 0; code == HG_OK && i < 3; i++)
    code = compare_reconstructions(&pairs, images[i], pool, &rows[*count], count, error);
  return code;
}
