#include <stddef.h>
#include <string.h>

#include "base/alloc.h"
#include "study/schema.h"

enum { MOST_FEATURES = 1 << 20, MOST_KERNEL = 1024 };

static const char *activation_name(int value) { return value < HG_ACTIVATIONS ? hg_activation_name((hg_activation)value) : NULL; }
static const char *padding_name(int value) { return value <= HG_REPLICATE ? hg_padding_name((hg_padding)value) : NULL; }
static const char *plain_padding_name(int value) { return value <= HG_SAME ? hg_padding_name((hg_padding)value) : NULL; }
static const char *plain_initializer_name(int value) {
  return value <= HG_INIT_PYTORCH ? hg_initializer_name((hg_initializer)value) : NULL;
}
static const char *conv2d_initializer_name(int value) {
  return value <= HG_INIT_WHITENING ? hg_initializer_name((hg_initializer)value) : NULL;
}

static hg_code read_shape(hg_reader *reader, const hg_node *node, void *target) {
  static const hg_field size = {.key = "shape", .type = HG_FIELD_INT, .low = 1, .high = MOST_FEATURES};
  hg_shape *shape = target;
  if (node->kind == HG_NODE_MAPPING || (node->kind == HG_NODE_LIST && node->count != 1 && node->count != 3)) {
    return hg_reject(reader, node, "`shape` must be [height, width, channels] or one number");
  }
  int64_t value[3] = {1, 1, 1};
  size_t count = node->kind == HG_NODE_LIST ? node->count : 1;
  for (size_t i = 0; i < count; i++) {
    hg_code code = hg_value_whole(reader, &size, node->kind == HG_NODE_LIST ? node->items[i] : node, &value[3 - count + i]);
    if (code != HG_OK) return code;
  }
  *shape = (hg_shape){(int)value[0], (int)value[1], (int)value[2]};
  return HG_OK;
}

/* Rows that several layers have. */
#define ROW_NAME \
  { .key = "name", .type = HG_FIELD_NAME, .offset = offsetof(hg_layer, name), .doc = "the layer's name, unique in its network" }
#define ROW_ACTIVATION                                                                                            \
  {                                                                                                               \
    .key = "activation", .type = HG_FIELD_CHOICE, .offset = offsetof(hg_layer, activation), .fallback = "linear", \
    .choices = activation_name, .doc = "applied to the output"                                                    \
  }
#define ROW_SLOPE                                                                                                       \
  {                                                                                                                     \
    .key = "negative_slope", .type = HG_FIELD_FLOAT, .offset = offsetof(hg_layer, negative_slope), .low = 0, .high = 1, \
    .fallback = "0.01", .doc = "leaky_relu: the slope below zero"                                                       \
  }
#define ROW_BIAS                                                                                          \
  {                                                                                                       \
    .key = "use_bias", .type = HG_FIELD_BOOL, .offset = offsetof(hg_layer, use_bias), .fallback = "true", \
    .doc = "whether a bias is added"                                                                      \
  }
#define INITIALIZERS \
  "first values of the weights; the default is glorot_uniform (Xavier); pytorch: U(-a, a), a = 1/sqrt(fan_in), biases too"
#define ROW_KERNEL_INITIALIZER(names, words)                                                                \
  {                                                                                                         \
    .key = "kernel_initializer", .type = HG_FIELD_CHOICE, .offset = offsetof(hg_layer, kernel_initializer), \
    .fallback = "default", .choices = names, .doc = words                                                   \
  }
#define ROW_BIAS_INITIALIZER                                                                                                     \
  {                                                                                                                              \
    .key = "bias_initializer", .type = HG_FIELD_CHOICE, .offset = offsetof(hg_layer, bias_initializer), .fallback = "default",   \
    .choices = plain_initializer_name, .doc = "first values of the bias; the default is zeros, or pytorch where the weights' is" \
  }
#define ROW_FREEZE                                                                                     \
  {                                                                                                    \
    .key = "freeze", .type = HG_FIELD_BOOL, .offset = offsetof(hg_layer, freeze), .fallback = "false", \
    .doc = "whether weights and bias stay at their first values"                                       \
  }
#define ROW_FILTERS                                                                                                 \
  {                                                                                                                 \
    .key = "filters", .type = HG_FIELD_INT, .offset = offsetof(hg_layer, filters), .low = 1, .high = MOST_FEATURES, \
    .flags = HG_REQUIRED, .doc = "channels out"                                                                     \
  }
#define ROW_KERNEL_SIZE                                                                                                    \
  {                                                                                                                        \
    .key = "kernel_size", .type = HG_FIELD_PAIR, .offset = offsetof(hg_layer, kernel_size), .low = 1, .high = MOST_KERNEL, \
    .flags = HG_REQUIRED, .doc = "height and width of the kernel"                                                          \
  }
#define ROW_STRIDES                                                                                                \
  {                                                                                                                \
    .key = "strides", .type = HG_FIELD_PAIR, .offset = offsetof(hg_layer, strides), .low = 1, .high = MOST_KERNEL, \
    .fallback = "1", .doc = "step down and across"                                                                 \
  }

static const hg_field dense_fields[] = {
    {.key = "units",
     .type = HG_FIELD_INT,
     .offset = offsetof(hg_layer, units),
     .low = 1,
     .high = MOST_FEATURES,
     .flags = HG_REQUIRED,
     .doc = "values out"},
    ROW_ACTIVATION,
    ROW_BIAS,
    ROW_KERNEL_INITIALIZER(plain_initializer_name, INITIALIZERS),
    ROW_BIAS_INITIALIZER,
    ROW_FREEZE,
    ROW_SLOPE,
    ROW_NAME,
};
static const hg_field conv2d_fields[] = {
    ROW_FILTERS,
    ROW_KERNEL_SIZE,
    ROW_STRIDES,
    {.key = "padding",
     .type = HG_FIELD_CHOICE,
     .offset = offsetof(hg_layer, padding),
     .fallback = "valid",
     .choices = padding_name,
     .doc = "valid: none; same: zeros, so that out = in / strides, rounded up; replicate: the same with the nearest edge pixel"},
    ROW_ACTIVATION,
    ROW_BIAS,
    ROW_KERNEL_INITIALIZER(
        conv2d_initializer_name,
        INITIALIZERS "; dirac: filter i passes channel i on, the rest as pytorch; whitening, of a network's first layer: the "
                     "principal components of the training images' patches, each and its negative, to outputs of mean 0 and "
                     "a variance near 1, but for directions that hardly occur"),
    ROW_BIAS_INITIALIZER,
    ROW_FREEZE,
    ROW_SLOPE,
    ROW_NAME,
};
static const hg_field conv2d_transpose_fields[] = {
    ROW_FILTERS,
    ROW_KERNEL_SIZE,
    ROW_STRIDES,
    {.key = "padding",
     .type = HG_FIELD_CHOICE,
     .offset = offsetof(hg_layer, padding),
     .fallback = "valid",
     .choices = plain_padding_name,
     .doc = "valid: the whole output; same: out = in * strides"},
    ROW_ACTIVATION,
    ROW_BIAS,
    ROW_KERNEL_INITIALIZER(plain_initializer_name, INITIALIZERS),
    ROW_BIAS_INITIALIZER,
    ROW_FREEZE,
    ROW_SLOPE,
    ROW_NAME,
};
static const hg_field pool_fields[] = {
    {.key = "pool_size",
     .type = HG_FIELD_PAIR,
     .offset = offsetof(hg_layer, kernel_size),
     .low = 1,
     .high = MOST_KERNEL,
     .flags = HG_REQUIRED,
     .doc = "height and width of the window"},
    {.key = "strides",
     .type = HG_FIELD_PAIR,
     .offset = offsetof(hg_layer, strides),
     .low = 1,
     .high = MOST_KERNEL,
     .fallback = "the pool's",
     .doc = "step down and across"},
    {.key = "padding",
     .type = HG_FIELD_CHOICE,
     .offset = offsetof(hg_layer, padding),
     .fallback = "valid",
     .choices = plain_padding_name,
     .doc = "valid: whole windows only; same: out = in / strides, rounded up, places outside ignored"},
    ROW_NAME,
};
static const hg_field upsample2d_fields[] = {
    {.key = "size",
     .type = HG_FIELD_PAIR,
     .offset = offsetof(hg_layer, size),
     .low = 1,
     .high = MOST_KERNEL,
     .flags = HG_REQUIRED,
     .doc = "factors down and across; nearest neighbour"},
    ROW_NAME,
};
static const hg_field batch_norm_fields[] = {
    {.key = "momentum",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_layer, momentum),
     .low = 0,
     .high = 1,
     .flags = HG_BELOW_HIGH,
     .fallback = "0.9",
     .doc = "running = momentum * running + (1 - momentum) * batch"},
    {.key = "epsilon",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_layer, epsilon),
     .low = 0,
     .high = 1,
     .flags = HG_ABOVE_LOW,
     .fallback = "1e-5",
     .doc = "added to the variance"},
    {.key = "scale",
     .type = HG_FIELD_BOOL,
     .offset = offsetof(hg_layer, scale),
     .fallback = "true",
     .doc = "whether a factor of each channel is learned (gamma); else it stays 1"},
    ROW_ACTIVATION,
    ROW_SLOPE,
    ROW_NAME,
};
static const hg_field dropout_fields[] = {
    {.key = "rate",
     .type = HG_FIELD_FLOAT,
     .offset = offsetof(hg_layer, rate),
     .low = 0,
     .high = 1,
     .flags = HG_REQUIRED | HG_BELOW_HIGH,
     .doc = "share of values set to 0 in training"},
    ROW_NAME,
};
static const hg_field reshape_fields[] = {
    {.key = "shape",
     .type = HG_FIELD_READ,
     .offset = offsetof(hg_layer, shape),
     .flags = HG_REQUIRED,
     .read = read_shape,
     .type_doc = "[height, width, channels] or one number",
     .doc = "the new shape, of as many values"},
    ROW_NAME,
};
static const hg_field activation_fields[] = {
    {.key = "activation",
     .type = HG_FIELD_CHOICE,
     .offset = offsetof(hg_layer, activation),
     .flags = HG_REQUIRED,
     .choices = activation_name,
     .doc = "the function"},
    ROW_SLOPE,
    ROW_NAME,
};
static const hg_field leaky_relu_fields[] = {ROW_SLOPE, ROW_NAME};
static const hg_field name_fields[] = {ROW_NAME};

#define FIELDS(rows) .fields = rows, .count = (int)(sizeof(rows) / sizeof *(rows))
#define NOT_NEEDED(word) \
  { word, "`" word "` is not needed: a layer takes what the one before it gives; leave it out", NULL }
static const hg_stray sizes_in[] = {NOT_NEEDED("in_channels"),
                                    NOT_NEEDED("in_features"),
                                    NOT_NEEDED("num_features"),
                                    NOT_NEEDED("input_shape"),
                                    {NULL, NULL, NULL}};
static const hg_table dense = {.name = "dense", .shorthand = "units", FIELDS(dense_fields), .strays = sizes_in};
static const hg_table conv2d = {.name = "conv2d", FIELDS(conv2d_fields), .strays = sizes_in};
static const hg_table conv2d_transpose = {.name = "conv2d_transpose", FIELDS(conv2d_transpose_fields), .strays = sizes_in};
static const hg_table max_pool2d = {.name = "max_pool2d", .shorthand = "pool_size", FIELDS(pool_fields)};
static const hg_table average_pool2d = {.name = "average_pool2d", .shorthand = "pool_size", FIELDS(pool_fields)};
static const hg_table global_average_pool2d = {.name = "global_average_pool2d", FIELDS(name_fields)};
static const hg_table upsample2d = {.name = "upsample2d", .shorthand = "size", FIELDS(upsample2d_fields)};
static const hg_table batch_norm = {.name = "batch_norm", FIELDS(batch_norm_fields), .strays = sizes_in};
static const hg_table dropout = {.name = "dropout", .shorthand = "rate", FIELDS(dropout_fields)};
static const hg_table flatten = {.name = "flatten", FIELDS(name_fields)};
static const hg_table reshape = {.name = "reshape", .shorthand = "shape", FIELDS(reshape_fields)};
static const hg_table activation = {.name = "activation", .shorthand = "activation", FIELDS(activation_fields)};
static const hg_table leaky_relu = {.name = "leaky_relu", .shorthand = "negative_slope", FIELDS(leaky_relu_fields)};
static const hg_table bare_activation = {.name = "an activation", FIELDS(name_fields)};

/* Values beyond the kinds are activations that stand alone. */
const hg_variant hg_layer_variants[] = {
    {"dense", HG_DENSE, &dense, "y = x W + b over the flattened sample; `dense: 10` is `dense: {units: 10}`"},
    {"conv2d", HG_CONV2D, &conv2d, "two-dimensional convolution"},
    {"conv2d_transpose", HG_CONV2D_TRANSPOSE, &conv2d_transpose, "transposed convolution, which enlarges by its strides"},
    {"max_pool2d", HG_MAX_POOL2D, &max_pool2d, "largest value of each window; `max_pool2d: 2` is `{pool_size: 2}`"},
    {"average_pool2d", HG_AVERAGE_POOL2D, &average_pool2d, "mean of each window; `average_pool2d: 2` is `{pool_size: 2}`"},
    {"global_average_pool2d", HG_GLOBAL_AVERAGE_POOL2D, &global_average_pool2d, "mean of each channel"},
    {"upsample2d", HG_UPSAMPLE2D, &upsample2d, "every pixel repeated; `upsample2d: 2` is `{size: 2}`"},
    {"batch_norm", HG_BATCH_NORM, &batch_norm, "batch normalisation of each channel, then the activation"},
    {"dropout", HG_DROPOUT, &dropout, "drops values in training, scaling the rest; `dropout: 0.25` is `{rate: 0.25}`"},
    {"flatten", HG_FLATTEN, &flatten, "a map as one vector"},
    {"reshape", HG_RESHAPE, &reshape, "the same values under another shape; `reshape: [4, 4, 16]`"},
    {"activation", HG_ACTIVATION, &activation, "an activation as a layer of its own; `activation: gelu`, or just `gelu`"},
    {"linear", HG_LAYER_KINDS + HG_LINEAR, &bare_activation, "y = x"},
    {"relu", HG_LAYER_KINDS + HG_RELU, &bare_activation, "max(0, x)"},
    {"leaky_relu", HG_LAYER_KINDS + HG_LEAKY_RELU, &leaky_relu, "x above zero, negative_slope * x below; `leaky_relu: 0.1`"},
    {"gelu", HG_LAYER_KINDS + HG_GELU, &bare_activation, "x times the normal distribution function at x"},
    {"sigmoid", HG_LAYER_KINDS + HG_SIGMOID, &bare_activation, "1 / (1 + exp(-x))"},
    {"tanh", HG_LAYER_KINDS + HG_TANH, &bare_activation, "hyperbolic tangent"},
    {"softmax", HG_LAYER_KINDS + HG_SOFTMAX, &bare_activation, "exp(x) over the sum of exp(x) of the whole sample"},
};
const int hg_layer_variant_count = (int)(sizeof hg_layer_variants / sizeof *hg_layer_variants);

/* What other libraries call a linear layer, and numbers after a word that takes none. */
static hg_code check_bare(hg_reader *reader, const hg_variant *variant, const hg_node *body) {
  bool linear = variant->value == HG_LAYER_KINDS + HG_LINEAR;
  if (body == NULL || hg_node_is_empty(body)) return HG_OK;
  bool number = body->kind == HG_NODE_SCALAR && body->text[strspn(body->text, "0123456789.")] == 0;
  if (number && linear) return hg_reject(reader, body, "`linear` takes no number; did you mean `dense: %.40s`?", body->text);
  if (body->kind == HG_NODE_SCALAR)
    return hg_reject(reader, body, "`%s` takes no value; write it alone: `- %s`", variant->name, variant->name);
  bool sized = hg_node_get(body, "units") != NULL || hg_node_get(body, "out_features") != NULL;
  if (linear && sized)
    return hg_reject(reader, body, "`linear` is the activation y = x and has no size; did you mean `dense: {units: ...}`?");
  return HG_OK;
}

static hg_code read_layer(hg_reader *reader, const hg_node *node, hg_layer *layer) {
  const hg_variant *variant;
  const hg_node *body;
  hg_code code = hg_variant_read(reader, hg_layer_variants, hg_layer_variant_count, "a layer", node, &variant, &body);
  if (code != HG_OK) return code;
  if (variant->value < HG_LAYER_KINDS) {
    *layer = hg_layer_default((hg_layer_kind)variant->value);
  } else {
    *layer = hg_layer_default(HG_ACTIVATION);
    layer->activation = (hg_activation)(variant->value - HG_LAYER_KINDS);
  }
  code = variant->table == &bare_activation ? check_bare(reader, variant, body) : HG_OK;
  return code == HG_OK ? hg_variant_options(reader, variant, node, body, layer) : code;
}

hg_code hg_layers_read(hg_reader *reader, const hg_node *node, hg_model_block *block) {
  if (node->kind != HG_NODE_LIST) return hg_reject(reader, node, "here must stand a list of layers, each after `- `");
  if (node->count == 0) return hg_reject(reader, node, "the list of layers is empty");
  block->layers = hg_calloc(node->count, sizeof *block->layers);
  if (block->layers == NULL) return hg_fail_memory(reader->error, "layers", node->count * sizeof *block->layers);
  block->line = node->line == 0 ? 1 : node->line;
  for (size_t i = 0; i < node->count; i++) {
    hg_code code = read_layer(reader, node->items[i], &block->layers[i]);
    if (code != HG_OK) return code;
    block->count = (int)i + 1;
  }
  return HG_OK;
}
