#include "base/words.h"

#include <stdio.h>
#include <string.h>

#include "study/schema.h"

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
    {"adaptiveavgpool2d", "global_average_pool2d"},
    {"avgpool2d", "average_pool2d"},
    {"batchnorm2d", "batch_norm"},
    {"batchnormalization", "batch_norm"},
    {"convtranspose2d", "conv2d_transpose"},
    {"upsampling2d", "upsample2d"},
    {"linear", "dense"},
    {"identity", "linear"},
    {"mseloss", "mse"},
    {"bceloss", "binary_cross_entropy"},
    {"bcewithlogitsloss", "binary_cross_entropy"},
    {"crossentropyloss", "cross_entropy"},
    {"meansquarederror", "mse"},
    {"categoricalcrossentropy", "cross_entropy"},
    {"sparsecategoricalcrossentropy", "cross_entropy"},
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
    {"out_channels", "filters"},
    {"out_features", "units"},
    {"bias", "use_bias"},
    {"p", "rate"},
    {"scale_factor", "size"},
    {"horizontal_flip", "flip"},
    {"horizontalflip", "flip"},
    {"randomhorizontalflip", "flip"},
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

bool hg_same_word(const char *a, const char *b) { return strlen(a) == strlen(b) && hg_word_distance(a, b) == 0; }

static const char *from_synonym(const char *word, const char *const *names, int count) {
  for (size_t s = 0; s < sizeof synonyms / sizeof *synonyms; s++) {
    if (!hg_same_word(word, synonyms[s].theirs)) continue;
    for (int i = 0; i < count; i++) {
      if (strcmp(names[i], synonyms[s].ours) == 0) return names[i];
    }
  }
  return NULL;
}

const char *hg_nearest_word(const char *word, const char *const *names, int count) {
  const char *known = from_synonym(word, names, count);
  return known != NULL ? known : hg_word_nearest(word, names, count);
}

void hg_names_join(const char *const *names, int count, char *text, size_t size) {
  size_t used = 0;
  text[0] = 0;
  for (int i = 0; i < count && used < size; i++) {
    used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ", ", names[i]);
  }
}

const char *hg_word_help(const char *word, const char *const *names, int count, char *text, size_t size) {
  const char *nearest = hg_nearest_word(word, names, count);
  char known[400];
  hg_names_join(names, count, known, sizeof known);
  if (nearest != NULL) {
    snprintf(text, size, "did you mean `%s`?", nearest);
  } else {
    snprintf(text, size, "there %s %s", count == 1 ? "is" : "are", count == 0 ? "none" : known);
  }
  return text;
}
