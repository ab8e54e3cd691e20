#include "data/splits.h"

#include "base/alloc.h"
#include "base/rng.h"

#include <string.h>

/* The images of one group, and how many of them are wanted. */
typedef struct group {
  int64_t count, want, remainder, first;
} group;

static int group_of(const hg_dataset *dataset, bool stratified, int64_t image) {
  return stratified && dataset->labels != NULL ? dataset->labels[image] : 0;
}

/* Largest remainders: floor(want * count / total) each, the rest to the largest fractions. */
static void share_out(group *groups, int count, int64_t want, int64_t total) {
  int64_t given = 0;
  for (int g = 0; g < count; g++) {
    __int128 product = (__int128)want * groups[g].count;
    groups[g].want = total == 0 ? 0 : (int64_t)(product / total);
    groups[g].remainder = total == 0 ? 0 : (int64_t)(product % total);
    given += groups[g].want;
  }
  for (; given < want; given++) {
    int best = -1;
    for (int g = 0; g < count; g++)
      if (groups[g].want < groups[g].count && (best < 0 || groups[g].remainder > groups[best].remainder)) best = g;
    groups[best].want++;
    groups[best].remainder = -1;
  }
}

/* Sorts the images' numbers by group into `order`, shuffles each group, and marks the first `want` of each. */
static void mark(const hg_dataset *dataset, bool stratified, uint64_t seed, hg_split_use use, group *groups, int count,
                 int64_t *order, uint8_t *marked) {
  int64_t first = 0;
  for (int g = 0; g < count; first += groups[g].count, g++) groups[g].first = first;
  for (int64_t i = 0; i < dataset->count; i++) order[groups[group_of(dataset, stratified, i)].first++] = i;
  first = 0;
  for (int g = 0; g < count; first += groups[g].count, g++) {
    hg_rng rng = hg_rng_at(seed, HG_RNG_SPLIT, use, (uint64_t)g);
    hg_rng_shuffle(&rng, order + first, groups[g].count);
    for (int64_t i = 0; i < groups[g].want; i++) marked[order[first + i]] = 1;
  }
}

/* The images with this mark, as numbers in index; their count. */
static int64_t list(const uint8_t *marked, int64_t count, uint8_t value, int64_t *index) {
  int64_t listed = 0;
  for (int64_t i = 0; i < count; i++)
    if (marked[i] == value) index[listed++] = i;
  return listed;
}

/* Marks the chosen images; marked (count) is zero on entry, order (count) is room. */
static hg_code choose(const hg_dataset *dataset, int64_t want, bool stratified, uint64_t seed, hg_split_use use, int64_t *order,
                      uint8_t *marked, hg_error *error) {
  int count = stratified && dataset->labels != NULL ? dataset->classes : 1;
  group *groups = hg_calloc((size_t)count, sizeof *groups);
  if (groups == NULL) return hg_fail_memory(error, "a split", (size_t)count * sizeof *groups);
  for (int64_t i = 0; i < dataset->count; i++) groups[group_of(dataset, stratified, i)].count++;
  share_out(groups, count, want, dataset->count);
  mark(dataset, stratified, seed, use, groups, count, order, marked);
  hg_free(groups);
  return HG_OK;
}

/* `rest` is dataset itself, or NULL where the others are not cut. */
static hg_code split(const hg_dataset *dataset, hg_dataset *rest, int64_t want, bool stratified, uint64_t seed, hg_split_use use,
                     hg_dataset **chosen, hg_error *error) {
  *chosen = NULL;
  if (want < 0 || want > dataset->count)
    return hg_fail(error, HG_DATA, dataset->source, "%lld images cannot be taken from %lld", (long long)want,
                   (long long)dataset->count);
  int64_t *order = hg_malloc((size_t)dataset->count * sizeof *order), all = dataset->count;
  uint8_t *marked = hg_calloc((size_t)all, 1);
  hg_code code = order == NULL || marked == NULL ? hg_fail_memory(error, "a split", (size_t)all * sizeof *order) : HG_OK;
  if (code == HG_OK) code = choose(dataset, want, stratified, seed, use, order, marked, error);
  if (code == HG_OK) code = hg_dataset_subset(dataset, order, list(marked, all, 1, order), chosen, error);
  if (code == HG_OK && rest != NULL) code = hg_dataset_keep(rest, order, list(marked, all, 0, order), error);
  if (code != HG_OK) {
    hg_dataset_free(*chosen);
    *chosen = NULL;
  }
  hg_free(order);
  hg_free(marked);
  return code;
}

hg_code hg_split_copy(const hg_dataset *dataset, int64_t want, bool stratified, uint64_t seed, hg_split_use use,
                      hg_dataset **chosen, hg_error *error) {
  return split(dataset, NULL, want, stratified, seed, use, chosen, error);
}

hg_code hg_split_cut(hg_dataset *dataset, int64_t want, bool stratified, uint64_t seed, hg_split_use use, hg_dataset **chosen,
                     hg_error *error) {
  return split(dataset, dataset, want, stratified, seed, use, chosen, error);
}
