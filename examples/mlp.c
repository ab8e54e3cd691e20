/* Trains a multilayer perceptron 784-64-10 on Fashion-MNIST, tests it and saves its weights. Build and run it with
 *   cc mlp.c $(pkg-config --cflags --libs hourglass) -o mlp && ./mlp fashion-mnist mlp.safetensors */
#include <hourglass.h>
#include <stdio.h>

static bool print_epoch(void *context, const hg_progress *progress) {
  (void)context;
  if (progress->finished != NULL) printf("epoch %d: loss %.4f\n", progress->epoch, progress->finished->loss);
  return true; /* go on */
}

/* Two dense layers: the encoder makes a code of 64 values, the classifier one logit a class. */
static hg_code define(hg_network *network, int classes, hg_error *error) {
  hg_layer hidden = hg_layer_default(HG_DENSE), output = hg_layer_default(HG_DENSE);
  hidden.units = 64;
  hidden.activation = HG_RELU;
  output.units = classes;
  hg_losses losses = hg_losses_default();
  losses.classification = HG_CROSS_ENTROPY;
  hg_code code = hg_network_add(network, HG_ENCODER, &hidden, error);
  if (code == HG_OK) code = hg_network_add(network, HG_CLASSIFIER, &output, error);
  if (code == HG_OK) code = hg_network_set_losses(network, &losses, error);
  return code;
}

int main(int argc, char **argv) {
  const char *source = argc > 1 ? argv[1] : "fashion-mnist", *weights = argc > 2 ? argv[2] : "mlp.safetensors";
  hg_error error = {.message = "out of memory"};
  hg_dataset *train = NULL, *test = NULL;
  hg_network *network = NULL;
  hg_history history = {0};
  hg_scores scores;
  hg_train_settings settings = hg_train_settings_default(); /* Adam, seed 1, batches of 64 */
  settings.epochs = 2;
  settings.progress = print_epoch;

  bool done = hg_dataset_open(source, false, &train, &error) == HG_OK && hg_dataset_open(source, true, &test, &error) == HG_OK &&
              (network = hg_network_new(hg_dataset_shape(train))) != NULL &&
              define(network, hg_dataset_classes(train), &error) == HG_OK &&
              hg_train(network, train, NULL, &settings, &history, &error) == HG_OK &&
              hg_evaluate(network, test, NULL, 1, 0, &scores, &error) == HG_OK &&
              hg_network_save(network, weights, &error) == HG_OK;
  if (done)
    printf("test accuracy: %.4f\nweights: %s\n", scores.accuracy, weights);
  else
    fprintf(stderr, "mlp: %s: %s\n", error.place, error.message);

  hg_history_release(&history);
  hg_network_free(network);
  hg_dataset_free(test);
  hg_dataset_free(train);
  return done ? 0 : 1;
}
