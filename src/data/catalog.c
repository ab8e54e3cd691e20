#include "data/catalog.h"

#include "base/words.h"

#include <stddef.h>
#include <string.h>

static const char *const garments[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                       "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
static const char *const things[] = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};

static const hg_catalog_entry entries[] = {
    {.name = "mnist",
     .title = "MNIST",
     .description = "handwritten digits, 28 x 28, grey",
     .layout = HG_LAYOUT_IDX,
     .shape = {28, 28, 1},
     .classes = 10,
     .train = 60000,
     .test = 10000,
     .largest_class = 6742,
     .mirrors = {"https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/",
                 "http://yann.lecun.com/exdb/mnist/"},
     .files = {{.name = "train-images-idx3-ubyte.gz",
                .digest = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                .most_bytes = 48 << 20},
               {.name = "train-labels-idx1-ubyte.gz",
                .digest = "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                .most_bytes = 1 << 20},
               {.name = "t10k-images-idx3-ubyte.gz",
                .digest = "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                .most_bytes = 8 << 20},
               {.name = "t10k-labels-idx1-ubyte.gz",
                .digest = "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                .most_bytes = 1 << 20}}},
    {.name = "fashion-mnist",
     .title = "Fashion-MNIST",
     .description = "garments, 28 x 28, grey",
     .layout = HG_LAYOUT_IDX,
     .shape = {28, 28, 1},
     .classes = 10,
     .train = 60000,
     .test = 10000,
     .largest_class = 6000,
     .class_names = garments,
     .package = "dataset-fashion-mnist",
     .mirrors = {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                 "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
                 "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"},
     .files = {{.name = "train-images-idx3-ubyte.gz",
                .digest = "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                .most_bytes = 48 << 20},
               {.name = "train-labels-idx1-ubyte.gz",
                .digest = "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                .most_bytes = 1 << 20},
               {.name = "t10k-images-idx3-ubyte.gz",
                .digest = "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                .most_bytes = 8 << 20},
               {.name = "t10k-labels-idx1-ubyte.gz",
                .digest = "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                .most_bytes = 1 << 20}}},
    {.name = "cifar10",
     .title = "CIFAR-10",
     .description = "photographs of ten kinds of things, 32 x 32, colour",
     .layout = HG_LAYOUT_CIFAR,
     .shape = {32, 32, 3},
     .classes = 10,
     .train = 50000,
     .test = 10000,
     .largest_class = 5000,
     .class_names = things,
     .mirrors = {"https://www.cs.toronto.edu/~kriz/"},
     .files = {{.name = "cifar-10-binary.tar.gz",
                .checksum = HG_CHECK_MD5_OF_FILE,
                .digest = "c32a1d4ab5d03f1284b67883e8d87530",
                .most_bytes = 176 << 20,
                .unpack = "cifar-10-batches-bin"}}},
    {.name = "lines",
     .title = "line images",
     .description = "generated: one line by length, width, angle and colour, 28 x 28, colour",
     .layout = HG_LAYOUT_GENERATED,
     .shape = {28, 28, 3},
     .classes = 96},
};

const hg_catalog_entry *hg_catalog(int *count) {
  *count = (int)(sizeof entries / sizeof entries[0]);
  return entries;
}

const hg_catalog_entry *hg_catalog_find(const char *name) {
  for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
    if (strcmp(entries[i].name, name) == 0) return &entries[i];
  return NULL;
}

const char *hg_catalog_nearest(const char *word) {
  enum { COUNT = sizeof entries / sizeof entries[0] };
  const char *names[COUNT];
  for (int i = 0; i < COUNT; i++) names[i] = entries[i].name;
  return hg_word_nearest(word, names, COUNT);
}
