#include "learn/svm_fit.h"

#include "base/alloc.h"
#include "learn/svm_solve.h"

#include <string.h>

int hg_svm_pairs(int classes) { return classes * (classes - 1) / 2; }

static double resolve_gamma(double gamma, const hg_samples *samples) {
  if (gamma > 0) return gamma;
  if (gamma < 0) return 1.0 / samples->width;
  int64_t count = samples->count * samples->width;
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < count; i++) sum += (double)samples->features[i];
  double mean = sum / (double)count;
  for (int64_t i = 0; i < count; i++) squares += ((double)samples->features[i] - mean) * ((double)samples->features[i] - mean);
  double variance = squares / (double)count;
  return variance > 0 ? 1 / (samples->width * variance) : 1;
}

/* A fit under way. Pairs are solved side by side, or, where they are fewer than the threads, one after another with the rows
 * of the kernel computed by all threads. */
typedef struct fit {
  hg_svm_samples samples;
  hg_watch watch;
  float *matrix; /* (count, count), or NULL where cache_mb does not hold it */
  int workers;
  hg_svm_solver *solvers; /* (workers) */
  hg_svm_rows *rows;      /* (workers) */
  double *coef;           /* (classes - 1, count), LIBSVM's sv_coef with a column for every sample */
  double *rho;            /* (pairs) */
} fit;

static void release(fit *f) {
  for (int w = 0; w < f->workers && f->solvers != NULL && f->rows != NULL; w++) {
    hg_svm_solver_release(&f->solvers[w]);
    hg_svm_rows_release(&f->rows[w]);
  }
  hg_svm_samples_release(&f->samples);
  hg_free_aligned(f->matrix);
  hg_free(f->solvers);
  hg_free(f->rows);
  hg_free(f->coef);
  hg_free(f->rho);
}

static int largest_pair(const hg_svm_samples *samples) {
  int most[2] = {0, 0};
  for (int k = 0; k < samples->classes; k++) {
    int count = samples->first[k + 1] - samples->first[k];
    if (count > most[0]) {
      most[1] = most[0];
      most[0] = count;
    } else if (count > most[1]) {
      most[1] = count;
    }
  }
  return most[0] + most[1];
}

static hg_code prepare_matrix(fit *f, const hg_samples *samples, double cache_bytes, hg_error *error) {
  double bytes = (double)samples->count * (double)samples->count * sizeof(float);
  f->watch = (hg_watch){.progress = samples->progress, .context = samples->context, .total = hg_svm_pairs(samples->present)};
  if (bytes > cache_bytes) return HG_OK;
  f->matrix = hg_alloc_aligned((size_t)bytes);
  if (f->matrix == NULL) return hg_fail_memory(error, "kernel values; lower cache_mb", (size_t)bytes);
  f->watch.total += (int64_t)f->samples.panels * (f->samples.panels + 1) / 2;
  hg_svm_matrix(&f->samples, samples->pool, &f->watch, f->matrix);
  return HG_OK;
}

static hg_code prepare_solvers(fit *f, const hg_samples *samples, const hg_classical_settings *settings, double cache_bytes,
                               hg_error *error) {
  int threads = hg_pool_threads(samples->pool), most = largest_pair(&f->samples);
  bool side_by_side = f->matrix != NULL || hg_svm_pairs(samples->present) >= threads;
  int workers = side_by_side ? threads : 1;
  int64_t room = (int64_t)(cache_bytes / workers / sizeof(float));
  hg_code code = HG_OK;
  f->solvers = hg_calloc((size_t)workers, sizeof *f->solvers);
  f->rows = hg_calloc((size_t)workers, sizeof *f->rows);
  f->coef = hg_calloc((size_t)(samples->present - 1) * (size_t)samples->count, sizeof *f->coef);
  f->rho = hg_calloc((size_t)hg_svm_pairs(samples->present), sizeof *f->rho);
  if (f->solvers == NULL || f->rows == NULL || f->coef == NULL || f->rho == NULL) {
    return hg_fail_memory(error, "svm", (size_t)(samples->present - 1) * (size_t)samples->count * sizeof *f->coef);
  }
  for (f->workers = 0; f->workers < workers && code == HG_OK; f->workers++) {
    hg_svm_rows *rows = &f->rows[f->workers];
    f->solvers[f->workers] = (hg_svm_solver){.rows = rows,
                                             .C = settings->C,
                                             .tol = settings->tol,
                                             .max_iter = settings->max_iter,
                                             .watch = &f->watch,
                                             .worker = f->workers};
    code = hg_svm_rows_init(rows, &f->samples, f->matrix, most, room, side_by_side ? NULL : samples->pool, error);
    if (code == HG_OK) code = hg_svm_solver_init(&f->solvers[f->workers], most, error);
  }
  return code;
}

/* LIBSVM keeps the coefficients of a's vectors against b in row b - 1, those of b's against a in row a. */
static void solve_pair(void *context, int64_t pair, int worker) {
  fit *f = context;
  hg_svm_solver *solver = &f->solvers[worker];
  const int *first = f->samples.first;
  int a = 0, b;
  for (b = (int)pair; b >= f->samples.classes - 1 - a; a++) b -= f->samples.classes - 1 - a;
  b += a + 1;
  if (f->watch.stopped) return;
  f->rho[pair] = hg_svm_solve(solver, a, b);
  int of_a = first[a + 1] - first[a], of_b = first[b + 1] - first[b];
  memcpy(f->coef + (int64_t)(b - 1) * f->samples.count + first[a], solver->beta, (size_t)of_a * sizeof(double));
  memcpy(f->coef + (int64_t)a * f->samples.count + first[b], solver->beta + of_a, (size_t)of_b * sizeof(double));
}

/* ---- What is kept of it. */

static bool supports(const fit *f, int i) {
  for (int k = 0; k + 1 < f->samples.classes; k++) {
    if (f->coef[(int64_t)k * f->samples.count + i] != 0) return true;
  }
  return false;
}

static hg_code svm_model_init(hg_svm_model *svm, int count, int present, int width, hg_error *error) {
  size_t vectors = (size_t)count, classes = (size_t)present;
  svm->count = count;
  svm->of_class = hg_calloc(classes, sizeof *svm->of_class);
  svm->vectors = hg_alloc_aligned(vectors * (size_t)width * sizeof(float));
  svm->squares = hg_alloc_aligned(vectors * sizeof(float));
  svm->coef = hg_calloc((classes - 1) * vectors, sizeof(double));
  svm->rho = hg_calloc((size_t)hg_svm_pairs(present), sizeof(double));
  bool all = svm->of_class != NULL && svm->vectors != NULL && svm->squares != NULL && svm->coef != NULL && svm->rho != NULL;
  return all ? HG_OK : hg_fail_memory(error, "svm", vectors * (size_t)width * sizeof(float));
}

static void keep_vector(hg_svm_model *svm, const fit *f, int v, int i) {
  const hg_svm_samples *samples = &f->samples;
  memcpy(svm->vectors + (int64_t)v * samples->width, samples->features + (int64_t)samples->order[i] * samples->width,
         (size_t)samples->width * sizeof *svm->vectors);
  svm->squares[v] = (float)samples->squares[i];
  for (int k = 0; k + 1 < samples->classes; k++) {
    svm->coef[(int64_t)k * svm->count + v] = f->coef[(int64_t)k * samples->count + i];
  }
}

static hg_code keep_solution(hg_svm_model *svm, const fit *f, hg_error *error) {
  const hg_svm_samples *samples = &f->samples;
  int count = 0;
  for (int i = 0; i < samples->count; i++) count += supports(f, i);
  hg_code code = svm_model_init(svm, count, samples->classes, samples->width, error);
  if (code != HG_OK) return code;
  memcpy(svm->rho, f->rho, (size_t)hg_svm_pairs(samples->classes) * sizeof(double));
  for (int k = 0, v = 0; k < samples->classes; k++) {
    for (int i = samples->first[k]; i < samples->first[k + 1]; i++) {
      if (!supports(f, i)) continue;
      svm->of_class[k]++;
      keep_vector(svm, f, v++, i);
    }
  }
  return HG_OK;
}

hg_code hg_svm_fit(hg_classical *model, const hg_samples *samples, hg_error *error) {
  fit f = {0};
  const hg_classical_settings *settings = &model->settings;
  double cache_bytes = settings->cache_mb * (1 << 20);
  model->svm.gamma = resolve_gamma(settings->gamma, samples);
  hg_code code = hg_svm_samples_init(&f.samples, samples, settings, model->svm.gamma, error);
  if (code == HG_OK) code = prepare_matrix(&f, samples, cache_bytes, error);
  if (code == HG_OK) code = prepare_solvers(&f, samples, settings, cache_bytes, error);
  if (code == HG_OK) {
    hg_parallel_for(f.workers > 1 ? samples->pool : NULL, hg_svm_pairs(samples->present), solve_pair, &f);
    code = hg_watch_outcome(&f.watch, error);
  }
  if (code == HG_OK) code = keep_solution(&model->svm, &f, error);
  release(&f);
  return code;
}
