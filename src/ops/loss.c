#include "kernels/pointwise.h"
#include "ops/native.h"

#include <string.h>

static double mean_over_samples(const hg_loss_call *call) {
  double sum = 0;
  for (int i = 0; i < call->n; i++) sum += (double)call->per_sample[i];
  return sum / call->n;
}

/* ---- Reconstruction losses: a mean over a sample's elements. */

typedef double element_loss(int64_t count, const float *output, const float *target, float scale, float *gradient);

typedef struct reconstruction {
  const hg_loss_call *call;
  element_loss *loss;
} reconstruction;

static void reconstruct_samples(const void *context, int64_t first, int64_t last) {
  const reconstruction *r = context;
  const hg_loss_call *call = r->call;
  int64_t count = hg_shape_count(call->shape);
  float scale = (float)((double)call->weight / ((double)call->n * (double)count));
  for (int64_t i = first; i < last; i++) {
    float *gradient = call->gradient == NULL ? NULL : call->gradient + i * count;
    double sum = r->loss(count, call->output + i * count, call->target + i * count, scale, gradient);
    call->per_sample[i] = (float)(sum / (double)count);
  }
}

static double reconstruction_loss(const hg_loss_call *call, element_loss *loss) {
  reconstruction r = {call, loss};
  hg_parallel_range(call->pool, call->n, hg_samples_per_task(hg_shape_count(call->shape)), reconstruct_samples, &r);
  return mean_over_samples(call);
}

double hg_loss_mse(const hg_loss_call *call) { return reconstruction_loss(call, hg_pointwise()->squared_error); }
double hg_loss_bce_logits(const hg_loss_call *call) { return reconstruction_loss(call, hg_pointwise()->bce_logits); }
double hg_loss_bce_probabilities(const hg_loss_call *call) {
  return reconstruction_loss(call, hg_pointwise()->bce_probabilities);
}

/* ---- Classification */

static void classify_samples(const void *context, int64_t first, int64_t last) {
  const hg_loss_call *call = context;
  int count = (int)hg_shape_count(call->shape);
  float scale = call->weight / (float)call->n;
  for (int64_t i = first; i < last; i++) {
    float *gradient = call->gradient == NULL ? NULL : call->gradient + i * count;
    call->per_sample[i] =
        hg_pointwise()->cross_entropy(count, call->output + i * count, call->labels[i], call->label_smoothing, scale, gradient);
  }
}

double hg_loss_cross_entropy(const hg_loss_call *call) {
  hg_parallel_range(call->pool, call->n, hg_samples_per_task(hg_shape_count(call->shape)), classify_samples, call);
  return mean_over_samples(call);
}

typedef struct softmax_rows {
  int classes;
  const float *logits;
  float *probabilities;
} softmax_rows;

static void softmax_some_rows(const void *context, int64_t first, int64_t last) {
  const softmax_rows *rows = context;
  for (int64_t i = first; i < last; i++)
    hg_pointwise()->softmax(rows->classes, rows->logits + i * rows->classes, rows->probabilities + i * rows->classes);
}

void hg_softmax_rows(hg_pool *pool, int n, int classes, const float *logits, float *probabilities) {
  softmax_rows rows = {classes, logits, probabilities};
  hg_parallel_range(pool, n, hg_samples_per_task(classes), softmax_some_rows, &rows);
}

static int first_largest(int count, const float *values) {
  int best = 0;
  for (int i = 1; i < count; i++)
    if (values[i] > values[best]) best = i;
  return best;
}

int64_t hg_count_correct(int n, int classes, const float *logits, const int32_t *labels) {
  int64_t correct = 0;
  for (int i = 0; i < n; i++) correct += first_largest(classes, logits + (int64_t)i * classes) == labels[i];
  return correct;
}

/* ---- Center loss */

typedef struct centering {
  const hg_loss_call *call;
  const float *centers;
} centering;

static void center_samples(const void *context, int64_t first, int64_t last) {
  const centering *c = context;
  const hg_loss_call *call = c->call;
  int64_t width = hg_shape_count(call->shape);
  float scale = call->weight / (float)call->n;
  for (int64_t i = first; i < last; i++) {
    const float *code = call->output + i * width, *center = c->centers + call->labels[i] * width;
    double sum = 0;
    for (int64_t d = 0; d < width; d++) {
      float away = code[d] - center[d];
      sum += (double)away * (double)away;
      if (call->gradient != NULL) call->gradient[i * width + d] += scale * away;
    }
    call->per_sample[i] = (float)(sum / 2);
  }
}

/* sums (classes, D) and counts (classes) in scratch; samples in order, on one thread: codes are small. */
static void move_centers(const hg_loss_call *call, float *centers, int classes, float rate, float *scratch) {
  int64_t width = hg_shape_count(call->shape);
  float *counts = scratch + classes * width;
  memset(scratch, 0, (size_t)(classes * (width + 1)) * sizeof *scratch);
  for (int i = 0; i < call->n; i++) {
    int64_t row = call->labels[i] * width;
    counts[call->labels[i]] += 1;
    for (int64_t d = 0; d < width; d++) scratch[row + d] += centers[row + d] - call->output[i * width + d];
  }
  for (int label = 0; label < classes; label++)
    for (int64_t d = 0; d < width; d++) centers[label * width + d] -= rate * scratch[label * width + d] / (1.0f + counts[label]);
}

double hg_loss_center(const hg_loss_call *call, float *centers, int classes, float rate, float *scratch) {
  centering c = {call, centers};
  hg_parallel_range(call->pool, call->n, hg_samples_per_task(hg_shape_count(call->shape)), center_samples, &c);
  if (rate > 0) move_centers(call, centers, classes, rate, scratch);
  return mean_over_samples(call);
}
