#include "learn/evaluate.h"

#include <math.h>

enum { EVALUATION_BATCH = 256 };

hg_code hg_check_data_fits(const hg_network *network, const hg_dataset *dataset, const char *what, hg_error *error) {
  hg_shape in = hg_network_input_shape(network), is = hg_dataset_shape(dataset);
  if (hg_dataset_count(dataset) < 1) return hg_fail(error, HG_USAGE, what, "the data set is empty");
  if (in.height != is.height || in.width != is.width || in.channels != is.channels) {
    return hg_fail(error, HG_USAGE, what, "its images are %d x %d x %d, but the network takes %d x %d x %d", is.height, is.width,
                   is.channels, in.height, in.width, in.channels);
  }
  int classes = hg_network_classes(network);
  if (classes > 0 && dataset->labels != NULL && hg_dataset_classes(dataset) > classes) {
    return hg_fail(error, HG_USAGE, what, "it has %d classes, but the classifier ends in %d outputs", hg_dataset_classes(dataset),
                   classes);
  }
  return HG_OK;
}

static void add_scores(hg_scores *sums, const hg_step_result *result, int n) {
  sums->loss += n * result->loss;
  sums->reconstruction_loss += n * result->reconstruction_loss;
  sums->classification_loss += n * result->classification_loss;
  sums->center_loss += n * result->center_loss;
  sums->accuracy += (double)result->correct;
}

void hg_score_batches(hg_network *network, const hg_dataset *dataset, hg_batches *batches, hg_scores *scores) {
  *scores = (hg_scores){0};
  hg_batches_seek(batches, 0, 0);
  int64_t samples = 0;
  for (const hg_batch *next = hg_batches_next(batches); next != NULL; next = hg_batches_next(batches)) {
    hg_batch batch = *next;
    if (dataset->labels == NULL) batch.labels = NULL;
    hg_step_result result;
    hg_network_forward(network, &batch, &result);
    add_scores(scores, &result, batch.n);
    samples += batch.n;
  }
  double count = (double)samples;
  scores->loss /= count;
  scores->reconstruction_loss /= count;
  scores->classification_loss /= count;
  scores->center_loss /= count;
  bool none = isnan(scores->reconstruction_loss) && isnan(scores->classification_loss) && isnan(scores->center_loss);
  if (none) scores->loss = NAN;
  scores->accuracy = isnan(scores->classification_loss) ? NAN : scores->accuracy / count;
}

hg_code hg_evaluate(hg_network *network, const hg_dataset *dataset, const hg_corruption *corrupt, uint64_t seed, int threads,
                    hg_scores *scores, hg_error *error) {
  hg_code code = hg_check_data_fits(network, dataset, "data set", error);
  if (code != HG_OK) return code;
  if (!hg_network_initialized(network)) {
    return hg_fail(error, HG_USAGE, "network", "it has no weights yet: train, load or initialise it before evaluating");
  }
  int64_t count = hg_dataset_count(dataset);
  int size = count < EVALUATION_BATCH ? (int)count : EVALUATION_BATCH;
  hg_batches_settings settings = {.seed = seed, .batch_size = size};
  if (corrupt != NULL) settings.corrupt = *corrupt;
  hg_pool *pool = NULL;
  hg_batches *batches = NULL;
  code = hg_pool_new(threads, &pool, error);
  settings.pool = pool;
  if (code == HG_OK) code = hg_batches_new(dataset, &settings, &batches, error);
  if (code == HG_OK) code = hg_network_prepare(network, size, false, pool, error);
  if (code == HG_OK) {
    hg_score_batches(network, dataset, batches, scores);
    code = hg_network_prepare(network, 1, false, NULL, error); /* so that no plan is left on the pool */
  }
  hg_batches_free(batches);
  hg_pool_free(pool);
  return code;
}
