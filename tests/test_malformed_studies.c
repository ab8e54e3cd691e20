/* Every malformed study of tests/malformed is refused with its place and cause, and none crashes the reader. */
#include "base/rng.h"
#include "study/study.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FOLDER SOURCE_DIR "/tests/malformed/"

static const struct {
  const char *file;    /* without .yaml */
  const char *place;   /* line:column; "" = the file as a whole */
  const char *message; /* a piece of it */
  hg_code code;        /* HG_OK stands for HG_USAGE, which most are */
} cases[] = {
    {"pca-wider-than-code", "5:40", "6 components, but there are 5 features", HG_OK},
    {"crop-wider-than-image", "4:98", "the move is wider than the image (28x28)", HG_OK},
    {"whitening-not-first", "8:9", "kernel_initializer: whitening is for a conv2d that is a network's first layer", HG_OK},
    {"norm-of-a-last-value", "8:25", "in an epoch's last batch of 1, and one value has no variance; take another", HG_OK},
    {"norm-of-one-value", "8:25", "sees one value of each channel in a batch of 1", HG_OK},
    {"all-frozen", "4:3", "every layer of `m` that has weights is frozen: nothing is left to train", HG_OK},
    {"whitening-of-much", "5:15", "whitening takes patches of at most 256 values; these have 324", HG_OK},
    {"whitening-odd", "5:15", "takes an even number up to 18 here, two for each value of a patch", HG_OK},
    {"whitening-dense", "4:69", "`whitening` is not a value of `kernel_initializer`", HG_OK},
    {"empty", "", "the file is empty; a study begins with `study: NAME`", HG_OK},
    {"only-comments", "", "the file is empty; a study begins with `study: NAME`", HG_OK},
    {"tab-indent", "3:1", "this character cannot stand here; YAML is indented with spaces, never tabs, and text that", HG_OK},
    {"not-utf8", "2:12", "the text is not UTF-8 (invalid trailing UTF-8 octet); save the file as UTF-8", HG_OK},
    {"control-character", "2:9", "a control character stands here; remove it", HG_OK},
    {"zero-byte", "", "byte 9 is zero: this is not a text file", HG_OK},
    {"unclosed-bracket", "3:7", "not YAML: did not find expected ',' or '}' while parsing a flow mapping", HG_OK},
    {"bad-indent", "4:3", "not YAML: did not find expected key while parsing a block mapping; indent the line", HG_OK},
    {"unclosed-quote", "1:8", "not YAML: found unexpected end of stream while scanning a quoted scalar", HG_OK},
    {"duplicate-key", "10:5", "`loss` is given twice; the first is on line 9", HG_OK},
    {"two-documents", "10:1", "a second document begins here; a file holds one study", HG_OK},
    {"unknown-anchor", "2:11", "there is no anchor `&digits` before this alias", HG_OK},
    {"billion-laughs", "", "the study is too large: it has more than 100000 values once aliases are expanded", HG_OK},
    {"deep-nesting", "1:57", "the file is nested deeper than 50 levels", HG_OK},
    {"a-list", "1:1", "a study is a mapping that begins with `study: NAME`", HG_OK},
    {"mapping-as-key", "2:3", "a key must be a plain word", HG_OK},
    {"merge-of-a-scalar", "2:16", "`<<` takes a mapping, or a list of mappings", HG_OK},
    {"no-study-name", "1:1", "`study` needs `study`: the study's name, as in `study: quick`", HG_OK},
    {"bad-study-name", "1:8",
     "`a/b` cannot be a name: letters a to z, digits, `_`, `-` and `.` can, and it begins with a letter or", HG_OK},
    {"unknown-top-key", "3:1", "`modles` is not a key of `study`; did you mean `models`?", HG_OK},
    {"data-not-mapping", "2:7", "`data` must name at least one data set, such as `digits: mnist`", HG_OK},
    {"no-source", "2:11", "`data` needs `source`: a name of the catalog (mnist, fashion-mnist, cifar10, lines; `hourglass",
     HG_OK},
    {"unknown-data-key", "2:27", "`limits` is not a key of `data`; did you mean `limit`?", HG_OK},
    {"negative-validation", "2:39", "`validation` must be at least 0 and at most 1000000000; it is -1", HG_OK},
    {"classes-not-list", "2:36", "`classes` must be a list of at least two names or labels, such as [Trouser, Dress] or", HG_OK},
    {"class-twice", "2:43", "the class `1` is given twice", HG_OK},
    {"class-name-unknown", "2:54", "`Dres` is not a class of `fashion-mnist`; did you mean `Dress`?", HG_OK},
    {"class-name-and-label", "2:38", "the class `1` is given twice", HG_OK},
    {"class-name-of-no-data", "2:20", "no/such/folder: is neither a data set of the catalog", HG_DATA},
    {"validation-of-all", "2:39", "`validation: 60000` leaves nothing to train on: the set has at most 60000 training images",
     HG_OK},
    {"validation-of-chosen", "2:62", "`validation: 12000` leaves nothing to train on: the chosen classes have at most 10000",
     HG_OK},
    {"validation-beyond-limit", "2:52", "`validation: 1000` leaves nothing to train on: `limit` allows 1000 training images",
     HG_OK},
    {"class-out-of-range", "2:36", "class 30 does not exist: labels are 0 to 9", HG_OK},
    {"lines-of-mnist", "2:27", "`lines` belongs to `source: lines`; here the source is `mnist`", HG_OK},
    {"lines-split", "2:42", "`held-out` is not a value of `split`; did you mean `held_out`?", HG_OK},
    {"data-not-there", "2:20", "no/such/folder: is neither a data set of the catalog (mnist, fashion-mnist, cifar10, lines)",
     HG_DATA},
    {"no-models", "3:9", "`models` must hold at least one model under its name", HG_OK},
    {"seed-twice", "2:15", "the seed 1 is given twice", HG_OK},
    {"seed-not-number", "2:12", "`seeds` must be a whole number; here is `two`", HG_OK},
    {"no-seeds", "2:8", "`seeds` must hold from 1 to 256 seeds", HG_OK},
    {"threads-negative", "2:10", "`threads` must be at least 0 and at most 1024; it is -2", HG_OK},
    {"unknown-engine", "2:9", "`mkl` is not a value of `engine`; known: native, onednn, direct", HG_OK},
    {"model-name", "4:3", "`m[1]` cannot be a name: letters a to z, digits, `_`, `-` and `.` can, and it begins with a letter or",
     HG_OK},
    {"model-is-scalar", "5:5", "`model` must be a mapping with keys of id, note, data, encoder, decoder, classifier,", HG_OK},
    {"empty-model", "4:3", "`m` is no model yet: it needs a `decoder` or a `classifier`, or one of logistic_regression,", HG_OK},
    {"unknown-layer", "7:9", "`max_pool` is not a layer; did you mean `max_pool2d`?", HG_OK},
    {"keras-layer-name", "7:9", "`MaxPooling2D` is not a layer; did you mean `max_pool2d`?", HG_OK},
    {"unknown-layer-key", "6:18", "`filter` is not a key of `conv2d`; did you mean `filters`?", HG_OK},
    {"no-filters", "6:17", "`conv2d` needs `filters`: channels out", HG_OK},
    {"filters-word", "6:27", "`filters` must be a whole number; here is `many`", HG_OK},
    {"filters-fraction", "6:27", "`filters` must be a whole number; here is `8.5`", HG_OK},
    {"filters-zero", "6:27", "`filters` must be at least 1 and at most 1048576; it is 0", HG_OK},
    {"kernel-of-three-numbers", "6:43", "`kernel_size` takes one number, or two: [height, width]; here are 3", HG_OK},
    {"unknown-padding", "6:55", "`full` is not a value of `padding`; known: valid, same, replicate", HG_OK},
    {"unknown-activation", "6:73", "`rleu` is not a value of `activation`; did you mean `relu`?", HG_OK},
    {"pool-replicate", "7:45", "`replicate` is not a value of `padding`; known: valid, same", HG_OK},
    {"two-layers-in-one", "8:9", "`dropout` follows `max_pool2d`, but here must stand one word, a layer; its options are", HG_OK},
    {"dropout-of-one", "8:37", "`rate` must be at least 0 and below 1; it is 1", HG_OK},
    {"options-of-flatten", "8:28", "`flatten` must be a mapping with keys of name; here is `3`", HG_OK},
    {"encoder-is-word", "8:17", "here must stand a list of layers, each after `- `", HG_OK},
    {"empty-classifier", "8:17", "the list of layers is empty", HG_OK},
    {"layer-is-list", "8:27", "here must stand a layer, as a word (dense) or a mapping (dense: {...})", HG_OK},
    {"layer-without-units", "8:27", "`dense` needs `units`: values out", HG_OK},
    {"layer-name-twice", "8:61", "classifier.2 activation: two layers are named `last`; names are unique in a network", HG_OK},
    {"reshape-of-two-numbers", "8:28", "`shape` must be [height, width, channels] or one number", HG_OK},
    {"number-in-hexadecimal", "8:35", "`units` must be a whole number; here is `0x0a`", HG_OK},
    {"number-infinite", "8:37", "`rate` must be a number; here is `.inf`", HG_OK},
    {"number-too-large", "8:35", "`units` must be at least 1 and at most 1048576; it is 99999999999999999999", HG_OK},
    {"boolean", "6:71", "`use_bias` must be true or false; here is `maybe`", HG_OK},
    {"window-larger-than-image", "7:9", "encoder.1 max_pool2d: pool_size 40x40 does not fit the input 28x28x8 (height x width x",
     HG_OK},
    {"flat-before-convolution", "5:24", "the input is flat here, 1x1x784: put `flatten` and `dense` after convolutions and",
     HG_OK},
    {"flat-before-pooling", "5:44", "the input is flat here, 1x1x16: put `flatten` and `dense` after convolutions and", HG_OK},
    {"reshape-of-other-size", "8:18", "classifier.0 reshape: shape 5x5x5 has 125 values, the input 14x14x8 has 1568", HG_OK},
    {"wrong-classes", "8:27", "the classifier of `m` ends in 1x1x11, but `d` has 10 classes, so it must end in 1x1x10", HG_OK},
    {"classifier-is-a-map", "8:18", "the classifier of `m` ends in 12x12x10, but `d` has 10 classes, so it must end in 1x1x10",
     HG_OK},
    {"decoder-of-other-shape", "8:15", "the decoder of `m` ends in 14x14x1, but must give back the input's 28x28x1", HG_OK},
    {"no-loss", "8:5", "the classifier of `m` has no loss; add `loss: {classification: cross_entropy}`", HG_OK},
    {"relu-before-cross-entropy", "8:27",
     "the cross-entropy of `m` needs logits or a softmax, but its classifier ends in relu; leave the last layer's activation",
     HG_OK},
    {"sigmoid-before-cross-entropy", "5:40", "needs logits or a softmax, but its classifier ends in sigmoid; leave", HG_OK},
    {"entropy-of-no-shares", "6:29", "`m` needs values from 0 to 1, but its decoder ends in no activation", HG_OK},
    {"factor-of-no-block", "8:49", "there is no classifier in `m`", HG_OK},
    {"factor-of-a-frozen-block", "12:46", "the encoder of `n` is frozen", HG_OK},
    {"views-without-classifier", "8:40", "it averages a classifier's probabilities, but `m` has no classifier", HG_OK},
    {"loss-without-decoder", "9:59", "`m` has no decoder for this loss", HG_OK},
    {"unknown-loss", "9:28", "`sparse_categorical_crossentropy` is not a classification loss; did you mean `cross_entropy`?",
     HG_OK},
    {"loss-weight-negative", "9:53", "`weight` must be above 0 and at most 1000000; it is -1", HG_OK},
    {"label-smoothing", "9:62", "`label_smoothing` must be at least 0 and below 1; it is 1.5", HG_OK},
    {"center-without-weight", "9:51", "`center` needs `weight`: factor in the sum of losses (lambda)", HG_OK},
    {"unknown-train-key", "10:13", "`epoch` is not a key of `train`; did you mean `epochs`?", HG_OK},
    {"epochs-zero", "10:21", "`epochs` must be at least 1 and at most 1000000; it is 0", HG_OK},
    {"batch-word", "10:25", "`batch_size` must be a whole number; here is `large`", HG_OK},
    {"train-is-list", "10:12", "`train` must be a mapping with keys of batch_size, epochs, optimizer, schedule,", HG_OK},
    {"unknown-optimizer", "10:24", "`adagrad` is not an optimizer; known: sgd, adam, adamw", HG_OK},
    {"two-optimizers", "10:54", "`sgd` follows `adam`, but here must stand one word, an optimizer; its options are indented",
     HG_OK},
    {"learning-rate-zero", "10:47", "`learning_rate` must be above 0 and at most 1000000; it is 0", HG_OK},
    {"pytorch-lr", "10:32", "`lr` is not a key of `adam`; did you mean `learning_rate`?", HG_OK},
    {"nesterov-without-momentum", "10:24", "`nesterov` needs a `momentum` above 0", HG_OK},
    {"unknown-schedule", "10:23", "`linear_decay` is not a schedule; known: constant, step, cosine, one_cycle, triangular",
     HG_OK},
    {"unknown-monitor", "10:39", "`val_acc` is not a value of `monitor`; did you mean `val_accuracy`?", HG_OK},
    {"no-validation-to-watch", "10:29", "early stopping watches a validation figure, but `d` has `validation: 0`", HG_OK},
    {"batch-larger-than-limit", "10:25", "a batch of 256 is more than the 90 images that `limit` and `validation` of `d` leave",
     HG_OK},
    {"corrupt-share", "10:32", "`salt_and_pepper` must be at least 0 and at most 1; it is 25", HG_OK},
    {"unknown-augment", "10:15", "`zoom` is not a key of `augment`; known: rotate, shift, flip, crop, gaussian_noise, cutout",
     HG_OK},
    {"cutout-too-large", "10:23", "the square is larger than the image (28x28)", HG_OK},
    {"unknown-data", "10:11", "`digits` is not a data set of this study; known: d", HG_OK},
    {"which-data", "4:3", "`m` needs `data`: the study has more than one", HG_OK},
    {"unknown-model", "11:21", "`mm` is not a model of this study; did you mean `m`?", HG_OK},
    {"encoder-without-from", "11:14", "`encoder` needs `from`: the model whose encoder is taken over, layers and trained weights",
     HG_OK},
    {"from-classical", "5:21", "`n` has no encoder to take over", HG_OK},
    {"cycle", "4:23", "models take from each other in a circle: a -> b -> c -> a", HG_OK},
    {"from-itself", "4:23", "models take from each other in a circle: a -> a", HG_OK},
    {"encoder-of-other-data", "13:21", "the encoder of `m` takes images of 28x28x1 (d), but those of `e` are 32x32x3", HG_OK},
    {"validation-of-a-part-image", "2:39", "`validation` is a share below 1 or a whole number of images; it is 1.5", HG_OK},
    {"hog-of-large-cells", "4:23", "an image of 28 x 28 has no 2 x 2 cells of 20 pixels; make cell or block smaller", HG_OK},
    {"more-neighbours-than-images", "4:16", "50 neighbours, but at most 30 training images", HG_OK},
    {"more-components-than-images", "4:23", "30 components, but there are 784 features and 30 samples", HG_OK},
    {"no-space-after-colon", "2:5", "on the line above the space after a key's `:` or a list's `-` is missing", HG_OK},
    {"warmup-too-long", "7:34", "`warmup: 3` is longer than the training of 2 epochs", HG_OK},
    {"peak-of-one", "7:53", "`peak` must be above 0 and below 1; it is 1", HG_OK},
    {"frozen-and-unfrozen", "11:24", "`freeze: true` is for the whole training; leave it or `unfreeze_after` out", HG_OK},
    {"two-methods", "12:5", "a model is one method; `n` already has `naive_bayes`", HG_OK},
    {"classical-with-train", "12:5", "`train` belongs to networks; `n` is a classical model (naive_bayes)", HG_OK},
    {"svm-kernel", "11:19", "`gaussian` is not a value of `kernel`; known: linear, poly, rbf", HG_OK},
    {"svm-gamma", "11:18", "`gamma` must be scale, auto or a number above 0; here is `none`", HG_OK},
    {"features-word", "12:15", "`features` must be `pixels` or a mapping like `{pca: 50}`", HG_OK},
    {"hog-of-codes", "10:25", "`hog` is made of pixels; it does not go with `from`", HG_OK},
    {"limit-of-a-network", "10:5", "`limit` belongs to classical models; `m` is a network", HG_OK},
    {"compare-unknown", "12:17", "`o` is not a model of this study; known: m, n", HG_OK},
    {"compare-three", "12:13", "a comparison is a pair of models: [a, b]", HG_OK},
    {"compare-itself", "12:13", "`m` is compared with itself", HG_OK},
    {"compare-nothing-in-common", "10:13", "`n` tells classes and `m` rebuilds images", HG_OK},
    {"compare-twice", "9:21", "`n` and `m` are compared already", HG_OK},
    {"compare-not-pairs", "12:13", "a comparison is a pair of models: [a, b]", HG_OK},
    {"published-metric", "12:19", "`accuracy` of what? did you mean `test.accuracy`?", HG_OK},
    {"published-views", "12:19", "`m` has no `test.accuracy_tta`: its `evaluate` asks for no test_time_augmentation", HG_OK},
    {"copies-of-nothing", "10:22", "the copies would be the images themselves; say how they change, as in {rotate: 10,", HG_OK},
    {"id-of-spaces", "5:9", "`row 1` cannot be a name: letters a to z, digits, `_`, `-` and `.` can", HG_OK},
    {"published-note-is-list", "12:25", "`note` must be text; here is a list", HG_OK},
    {"published-typo", "12:19", "did you mean `test.macro_f1`?", HG_OK},
    {"published-word", "12:34", "`published` must be a number; here is `high`", HG_OK},
    {"sweep-without-grid", "10:13", "`sweep` needs a `grid`, {train.epochs: [3, 5]}, or a `list`, [{train.epochs: 3}]", HG_OK},
    {"sweep-of-both", "10:60", "a sweep has a `grid` or a `list`; make two of them", HG_OK},
    {"sweep-list-of-words", "10:31", "a point must hold settings and a value of each", HG_OK},
    {"sweep-list-uneven", "10:71", "this point lacks `train.batch_size`; all points of a list have the same settings", HG_OK},
    {"sweep-list-is-mapping", "10:30", "`list` must hold up to 1000 points", HG_OK},
    {"sweep-of-no-model", "10:21", "`n` is not a model of this study; known: m", HG_OK},
    {"sweep-of-one-value", "10:45", "`train.epochs` needs a list of values, such as [3, 5]", HG_OK},
    {"sweep-unknown-key", "10:31", "`epoch` is not a key of `train`; did you mean `epochs`?", HG_OK},
    {"sweep-out-of-range", "10:49", "`epochs` must be at least 1 and at most 1000000; it is 0", HG_OK},
    {"sweep-too-large", "10:30", "the grid has more than 1000 points", HG_OK},
    {"sweep-of-own-value", "10:30", "`m[learning_rate=0.001]` is `m` itself, which is a point of each of its sweeps; leave",
     HG_OK},
    {"sweep-same-twice", "10:30", "the model `m[epochs=3]` comes out of the sweep twice", HG_OK},
};
enum { CASES = (int)(sizeof cases / sizeof *cases) };

static void every_malformed_study_is_refused_with_its_place_and_cause(void **state) {
  (void)state;
  for (int i = 0; i < CASES; i++) {
    char path[512], place[600];
    snprintf(path, sizeof path, FOLDER "%s.yaml", cases[i].file);
    snprintf(place, sizeof place, "%s%s%s", path, cases[i].place[0] == 0 ? "" : ":", cases[i].place);
    hg_study *study = NULL;
    hg_error error = {0};
    hg_code code = hg_study_read(path, NULL, 0, &study, &error);
    bool as_told = code == (cases[i].code == HG_OK ? HG_USAGE : cases[i].code) && error.code == code &&
                   strcmp(error.place, place) == 0 && strstr(error.message, cases[i].message) != NULL;
    if (!as_told) {
      print_error("%s: code %d, %s: %s\n  expected at %s: %s\n", cases[i].file, code, error.place, error.message, place,
                  cases[i].message);
    }
    assert_true(as_told);
    assert_null(study);
  }
}

/* The message's second line is the line of the file, its third a caret under the column. */
static void the_offending_line_is_shown_with_a_caret_under_the_column(void **state) {
  (void)state;
  hg_study *study = NULL;
  hg_error error;
  assert_int_equal(hg_study_read(FOLDER "unknown-layer-key.yaml", NULL, 0, &study, &error), HG_USAGE);
  assert_string_equal(error.message,
                      "`filter` is not a key of `conv2d`; did you mean `filters`?\n"
                      "        - conv2d: {filter: 8, kernel_size: 3, padding: same, activation: relu}\n"
                      "                   ^");
}

static void every_file_of_the_folder_stands_in_the_table(void **state) {
  (void)state;
  DIR *folder = opendir(FOLDER);
  assert_non_null(folder);
  int files = 0;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    size_t length = strlen(entry->d_name);
    if (length < 5 || strcmp(entry->d_name + length - 5, ".yaml") != 0) continue;
    bool found = false;
    for (int i = 0; i < CASES; i++) {
      found |= strlen(cases[i].file) == length - 5 && strncmp(cases[i].file, entry->d_name, length - 5) == 0;
    }
    if (!found) print_error("%s is not in the table\n", entry->d_name);
    assert_true(found);
    files++;
  }
  closedir(folder);
  assert_int_equal(files, CASES);
}

static void a_study_that_is_not_there_or_is_a_folder_is_a_usage_error(void **state) {
  (void)state;
  hg_study *study = NULL;
  hg_error error;
  assert_int_equal(hg_study_read("/no/such/study.yaml", NULL, 0, &study, &error), HG_USAGE);
  assert_non_null(strstr(error.place, "/no/such/study.yaml"));
  assert_int_equal(hg_study_read(SOURCE_DIR "/tests", NULL, 0, &study, &error), HG_USAGE);
  assert_non_null(strstr(error.message, "folder"));
}

static void a_file_beyond_the_limit_is_refused(void **state) {
  (void)state;
  char path[] = "/tmp/hourglass-study-XXXXXX";
  int descriptor = mkstemp(path);
  FILE *file = fdopen(descriptor, "w");
  fputs("study: long\nabout: ", file);
  for (int i = 0; i < (2 << 20); i++) fputc('x', file);
  fclose(file);
  hg_study *study = NULL;
  hg_error error;
  assert_int_equal(hg_study_read(path, NULL, 0, &study, &error), HG_USAGE);
  remove(path);
}

static size_t read_quick(char *text, size_t size) {
  FILE *file = fopen(SOURCE_DIR "/studies/quick.yaml", "r");
  assert_non_null(file);
  size_t length = fread(text, 1, size, file);
  fclose(file);
  return length;
}

/* Whatever the text, it is read or refused with a message. */
static void assert_read_or_refused(const char *path, const char *text, size_t length) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fwrite(text, 1, length, file);
  fclose(file);
  hg_study *study = NULL;
  hg_error error = {0};
  hg_code code = hg_study_read(path, NULL, 0, &study, &error);
  assert_true(code == HG_OK || code == HG_USAGE || code == HG_DATA);
  if (code == HG_OK) {
    hg_study_free(study);
  } else {
    assert_true(error.message[0] != 0 && error.place[0] != 0);
  }
}

static void a_study_cut_off_anywhere_is_read_or_refused(void **state) {
  (void)state;
  static char text[1 << 16];
  size_t length = read_quick(text, sizeof text);
  char path[] = "/tmp/hourglass-study-XXXXXX";
  close(mkstemp(path));
  for (size_t cut = 0; cut < length; cut += 7) assert_read_or_refused(path, text, cut);
  remove(path);
}

static void a_study_with_bytes_changed_anywhere_is_read_or_refused(void **state) {
  (void)state;
  static char sound[1 << 16], text[1 << 16];
  static const char odd[] = "{}[]:,-#&*!|>'\"%@` \t\n\r\x01\x7f\xc3\xff~?<0.e";
  const char *asked = getenv("HOURGLASS_MUTATIONS");
  int mutations = asked == NULL ? 300 : atoi(asked);
  size_t length = read_quick(sound, sizeof sound);
  char path[] = "/tmp/hourglass-study-XXXXXX";
  close(mkstemp(path));
  for (int i = 0; i < mutations; i++) {
    hg_rng rng = hg_rng_at(1, HG_RNG_TEST, 0, (uint64_t)i);
    memcpy(text, sound, length);
    uint64_t changes = 1 + hg_rng_below(&rng, 4);
    for (uint64_t c = 0; c < changes; c++) text[hg_rng_below(&rng, length)] = odd[hg_rng_below(&rng, sizeof odd - 1)];
    assert_read_or_refused(path, text, length);
  }
  remove(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_malformed_study_is_refused_with_its_place_and_cause),
      cmocka_unit_test(the_offending_line_is_shown_with_a_caret_under_the_column),
      cmocka_unit_test(every_file_of_the_folder_stands_in_the_table),
      cmocka_unit_test(a_study_that_is_not_there_or_is_a_folder_is_a_usage_error),
      cmocka_unit_test(a_file_beyond_the_limit_is_refused),
      cmocka_unit_test(a_study_cut_off_anywhere_is_read_or_refused),
      cmocka_unit_test(a_study_with_bytes_changed_anywhere_is_read_or_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
