#include <ctype.h>
#include <string.h>

#include "study/schema.h"

enum { LONGEST = 40 };

static int least(int a, int b) { return a < b ? a : b; }

/* Damerau-Levenshtein distance (adjacent swaps count once), without regard to case. */
static int distance(const char *a, const char *b) {
  int rows = (int)strlen(a), columns = (int)strlen(b), d[LONGEST + 1][LONGEST + 1];
  if (rows > LONGEST || columns > LONGEST) return LONGEST;
  for (int i = 0; i <= rows; i++) d[i][0] = i;
  for (int j = 0; j <= columns; j++) d[0][j] = j;
  for (int i = 1; i <= rows; i++) {
    for (int j = 1; j <= columns; j++) {
      int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
      d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + (x != y));
      if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) && y == tolower((unsigned char)a[i - 2])) {
        d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[rows][columns];
}

/* What Keras, PyTorch and scikit-learn call the same things. */
static const struct {
  const char *theirs, *ours;
} synonyms[] = {
    {"lr", "learning_rate"},
    {"batchnorm", "batch_norm"},
    {"batch_normalization", "batch_norm"},
    {"maxpool2d", "max_pool2d"},
    {"maxpooling2d", "max_pool2d"},
    {"max_pooling2d", "max_pool2d"},
    {"avg_pool2d", "average_pool2d"},
    {"averagepooling2d", "average_pool2d"},
    {"average_pooling2d", "average_pool2d"},
    {"globalaveragepooling2d", "global_average_pool2d"},
    {"global_average_pooling2d", "global_average_pool2d"},
    {"upsampling2d", "upsample2d"},
    {"linear", "dense"},
    {"mean_squared_error", "mse"},
    {"bce", "binary_cross_entropy"},
    {"binary_crossentropy", "binary_cross_entropy"},
    {"categorical_crossentropy", "cross_entropy"},
    {"sparse_categorical_crossentropy", "cross_entropy"},
    {"xavier_uniform", "glorot_uniform"},
    {"xavier_normal", "glorot_normal"},
    {"kaiming_uniform", "he_uniform"},
    {"kaiming_normal", "he_normal"},
    {"alpha", "negative_slope"},
    {"channels", "filters"},
    {"stride", "strides"},
    {"kernel", "kernel_size"},
    {"betas", "beta_1"},
    {"eps", "epsilon"},
    {"dataset", "data"},
    {"gaussiannb", "naive_bayes"},
    {"svc", "svm"},
    {"linearsvc", "linear_svm"},
    {"kneighborsclassifier", "knn"},
    {"n_neighbors", "k"},
    {"logisticregression", "logistic_regression"},
};

static bool same_word(const char *a, const char *b) { return strlen(a) == strlen(b) && distance(a, b) == 0; }

static const char *from_synonym(const char *word, const char *const *names, int count) {
  for (size_t s = 0; s < sizeof synonyms / sizeof *synonyms; s++) {
    if (!same_word(word, synonyms[s].theirs)) continue;
    for (int i = 0; i < count; i++) {
      if (strcmp(names[i], synonyms[s].ours) == 0) return names[i];
    }
  }
  return NULL;
}

const char *hg_nearest_word(const char *word, const char *const *names, int count) {
  const char *nearest = from_synonym(word, names, count);
  if (nearest != NULL) return nearest;
  int best = least(3, (int)strlen(word) / 2) + 1; /* farther than this is no help */
  for (int i = 0; i < count; i++) {
    int d = distance(word, names[i]);
    if (strlen(word) >= 3 && strncmp(word, names[i], strlen(word)) == 0) d = least(d, 2); /* val_acc: val_accuracy */
    if (d < best) {
      best = d;
      nearest = names[i];
    }
  }
  return nearest;
}
