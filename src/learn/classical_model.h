/* What the classical methods share: a fitted model, and how each method fits, predicts and lists its numbers. */
#ifndef HG_LEARN_CLASSICAL_MODEL_H
#define HG_LEARN_CLASSICAL_MODEL_H

#include "learn/classical.h"
#include "store/safetensors.h"

/* Training data with the classes that occur numbered 0.. in the order of their labels. */
typedef struct hg_samples {
  const float *features; /* (count, width) */
  const int32_t *labels; /* (count), in [0, present) */
  int64_t count;
  int width, present;
  hg_pool *pool;
  bool (*progress)(void *context, double fraction); /* may be NULL */
  void *context;
} hg_samples;

typedef struct hg_logistic_model {
  int rows;          /* present classes, or 1 where there are two: the second's score against the first's */
  double *coef;      /* (rows, width) */
  double *intercept; /* (rows) */
  float *weights;    /* (width, rows): coef as the product reads it */
  float *bias;       /* (rows) */
  bool against_rest; /* probabilities by one sigmoid each, scaled to a sum of 1; else a softmax */
} hg_logistic_model; /* the linear_svm's too */

typedef struct hg_bayes_model {
  double *mean, *variance; /* (present, width) */
  double *prior;           /* (present) */
  double *constant;        /* (present): log prior - sum of log(2 pi variance) / 2 */
} hg_bayes_model;

typedef struct hg_svm_model {
  int count;      /* support vectors, those of the first class first */
  int *of_class;  /* (present): how many of each class */
  float *vectors; /* (count, width) */
  float *squares; /* (count): squared lengths */
  double *coef;   /* (present - 1, count), LIBSVM's sv_coef */
  double *rho;    /* (present * (present - 1) / 2) */
  double gamma;   /* resolved */
} hg_svm_model;

typedef struct hg_knn_model {
  int64_t count;
  float *features; /* (count, width) */
  float *squares;  /* (count): squared lengths */
  int32_t *labels; /* (count), in [0, present) */
} hg_knn_model;

struct hg_classical {
  hg_classical_settings settings;
  int width, classes;
  int present;     /* classes that were in the training data */
  int32_t *labels; /* (present): their labels, rising */
  union {
    hg_logistic_model logistic;
    hg_bayes_model bayes;
    hg_svm_model svm;
    hg_knn_model knn;
  };
};

enum { HG_MOST_CLASSICAL_TENSORS = 8, HG_CLASSICAL_MOST_CLASSES = 1000, HG_CLASSICAL_PIECE = 64 };

/* One method. */
typedef struct hg_classical_method {
  const char *name;
  hg_code (*fit)(hg_classical *model, const hg_samples *samples, hg_error *error);
  /* Floats of scratch that `predict` wants for n samples. */
  size_t (*scratch)(const hg_classical *model, int n);
  /* probabilities, decisions (n, present); decisions may be NULL; n is at most HG_CLASSICAL_PIECE. */
  void (*predict)(const hg_classical *model, const float *features, int n, float *scratch, float *probabilities,
                  float *decisions);
  int64_t (*parameters)(const hg_classical *model);
  /* Lists the fitted numbers; returns how many tensors. */
  int (*tensors)(const hg_classical *model, hg_named_tensor tensors[HG_MOST_CLASSICAL_TENSORS]);
  void (*release)(hg_classical *model);
  bool decides; /* gives decisions */
} hg_classical_method;

extern const hg_classical_method hg_logistic_method, hg_bayes_method, hg_svm_method, hg_knn_method, hg_linear_svm_method;

/* The other solver of logistic regression; fills coef and intercept. */
hg_code hg_liblinear_fit(hg_classical *model, const hg_samples *samples, hg_error *error);

/* HG_INTERRUPTED where the caller wants to stop. */
hg_code hg_samples_progress(const hg_samples *samples, double fraction, hg_error *error);
hg_named_tensor hg_tensor_2d(const char *name, hg_dtype dtype, int64_t rows, int64_t columns, const void *data); /* rows 0: 1-d */

#endif
