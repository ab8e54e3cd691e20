/* k nearest neighbours: every training sample is kept, and distances to it are found by matrix products.
 *
 * Products in float choose a few candidates more than k; their distances are then taken exactly, so rounding in the products
 * does not choose between neighbours. Of samples equally far the earlier ones are taken. */
#include "base/alloc.h"
#include "kernels/gemm.h"
#include "kernels/pointwise.h"
#include "learn/classical_model.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 224, SPARE = 8 }; /* training samples in one product; candidates beside the k */

static hg_code fit(hg_classical *model, const hg_samples *samples, hg_error *error) {
  hg_knn_model *knn = &model->knn;
  size_t count = (size_t)samples->count, width = (size_t)samples->width;
  if (model->settings.k > samples->count) {
    return hg_fail(error, HG_DATA, "k", "%d neighbours, but there are %lld samples; lower k", model->settings.k,
                   (long long)samples->count);
  }
  knn->count = samples->count;
  knn->features = hg_alloc_aligned(count * width * sizeof *knn->features);
  knn->squares = hg_calloc(count, sizeof *knn->squares);
  knn->labels = hg_calloc(count, sizeof *knn->labels);
  if (knn->features == NULL || knn->squares == NULL || knn->labels == NULL) {
    return hg_fail_memory(error, "knn", count * width * sizeof *knn->features);
  }
  memcpy(knn->features, samples->features, count * width * sizeof *knn->features);
  memcpy(knn->labels, samples->labels, count * sizeof *knn->labels);
  for (size_t i = 0; i < count; i++) {
    knn->squares[i] = (float)hg_pointwise()->sum_of_squares(samples->width, knn->features + i * width);
  }
  return HG_OK;
}

/* ---- Prediction of n <= HG_CLASSICAL_PIECE samples. */

static int kept(const hg_classical *model) {
  int64_t most = (int64_t)model->settings.k + SPARE;
  return (int)(most < model->knn.count ? most : model->knn.count);
}

/* The room of one call, carved from its scratch. */
typedef struct search {
  float *transposed; /* (width, n) */
  float *products;   /* (BLOCK, n) */
  float *away;       /* (n, kept): rising squared distances, less the sample's own square */
  int32_t *which;    /* (n, kept) */
} search;

static size_t scratch(const hg_classical *model, int n) {
  return (size_t)n * ((size_t)model->width + BLOCK + 2 * (size_t)kept(model));
}

static search carve(const hg_classical *model, int n, float *memory) {
  search s = {.transposed = memory, .products = memory + (int64_t)n * model->width};
  s.away = s.products + (int64_t)n * BLOCK;
  s.which = (int32_t *)(void *)(s.away + (int64_t)n * kept(model));
  return s;
}

static void multiply(const hg_classical *model, const search *s, int64_t first, int rows, int n) {
  hg_gemm product = {.rows = rows, .columns = n, .groups = 1, .segments = 1, .steps = model->width, .activation = HG_LINEAR};
  product.a = model->knn.features + first * model->width;
  product.a_row = model->width;
  product.a_step = 1;
  product.b = s->transposed;
  product.b_step = n;
  product.c = s->products;
  product.c_row = n;
  hg_gemm_kernels_get()->product(&product);
}

static void insert(float *away, int32_t *which, int most, float distance, int32_t sample) {
  int place = most - 1;
  for (; place > 0 && away[place - 1] > distance; place--) {
    away[place] = away[place - 1];
    which[place] = which[place - 1];
  }
  away[place] = distance;
  which[place] = sample;
}

static void find_candidates(const hg_classical *model, const float *features, int n, search *s) {
  const hg_knn_model *knn = &model->knn;
  int most = kept(model);
  hg_gemm_kernels_get()->transpose(n, model->width, features, model->width, s->transposed, n);
  for (int i = 0; i < n * most; i++) s->away[i] = INFINITY, s->which[i] = 0;
  for (int64_t first = 0; first < knn->count; first += BLOCK) {
    int rows = knn->count - first < BLOCK ? (int)(knn->count - first) : BLOCK;
    multiply(model, s, first, rows, n);
    for (int row = 0; row < rows; row++) {
      for (int i = 0; i < n; i++) {
        float distance = knn->squares[first + row] - 2 * s->products[row * n + i];
        float *away = s->away + i * most;
        if (distance < away[most - 1]) insert(away, s->which + i * most, most, distance, (int32_t)(first + row));
      }
    }
  }
}

static double squared_distance(const float *a, const float *b, int width) {
  double sum = 0;
  for (int k = 0; k < width; k++) sum += ((double)a[k] - (double)b[k]) * ((double)a[k] - (double)b[k]);
  return sum;
}

/* As scikit-learn: 1, or 1 / distance; neighbours at no distance outvote all others. */
static double weight_of(hg_knn_weights weights, double square, bool touches) {
  if (weights == HG_WEIGHTS_UNIFORM) return 1;
  if (touches) return square == 0;
  return 1 / sqrt(square);
}

/* The k nearest of the candidates vote. */
static void vote(const hg_classical *model, const float *features, const int32_t *which, float *probabilities) {
  const hg_knn_model *knn = &model->knn;
  int most = kept(model), k = model->settings.k;
  double sum[HG_CLASSICAL_MOST_CLASSES] = {0}, total = 0, squares[HG_KNN_MOST + SPARE];
  int32_t order[HG_KNN_MOST + SPARE];
  for (int c = 0; c < most; c++) {
    double square = squared_distance(features, knn->features + (int64_t)which[c] * model->width, model->width);
    int place = c;
    for (; place > 0 && (squares[place - 1] > square || (squares[place - 1] == square && order[place - 1] > which[c])); place--) {
      squares[place] = squares[place - 1];
      order[place] = order[place - 1];
    }
    squares[place] = square;
    order[place] = which[c];
  }
  for (int c = 0; c < k && c < most; c++) {
    double weight = weight_of(model->settings.weights, squares[c], squares[0] == 0);
    sum[knn->labels[order[c]]] += weight;
    total += weight;
  }
  for (int c = 0; c < model->present; c++) probabilities[c] = (float)(sum[c] / total);
}

static void predict(const hg_classical *model, const float *features, int n, float *memory, float *probabilities,
                    float *decisions) {
  (void)decisions;
  search s = carve(model, n, memory);
  find_candidates(model, features, n, &s);
  for (int i = 0; i < n; i++) {
    vote(model, features + (int64_t)i * model->width, s.which + (int64_t)i * kept(model), probabilities + i * model->present);
  }
}

static int64_t parameters(const hg_classical *model) { return model->knn.count * (model->width + 1); }

static int tensors(const hg_classical *model, hg_named_tensor *list) {
  list[0] = hg_tensor_2d("_fit_X", HG_F32, model->knn.count, model->width, model->knn.features);
  list[1] = hg_tensor_2d("_y", HG_I32, 0, model->knn.count, model->knn.labels);
  return 2;
}

static void release(hg_classical *model) {
  hg_free_aligned(model->knn.features);
  hg_free(model->knn.squares);
  hg_free(model->knn.labels);
}

const hg_classical_method hg_knn_method = {"knn", fit, scratch, predict, parameters, tensors, release, false};
