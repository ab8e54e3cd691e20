#include "net/graph.h"

#include "base/alloc.h"
#include "base/integers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const block_names[HG_BLOCKS] = {"encoder", "decoder", "classifier"};

const char *hg_block_name(hg_block block) { return block_names[block]; }

hg_network *hg_network_new(hg_shape input) {
  hg_network *network = hg_calloc(1, sizeof *network);
  if (network == NULL) return NULL;
  network->input = input;
  network->losses = hg_losses_default();
  network->centers = -1;
  for (int block = 0; block < HG_BLOCKS; block++) network->last[block] = -1;
  return network;
}

void hg_network_free(hg_network *network) {
  if (network == NULL) return;
  hg_plan_release(network);
  for (int block = 0; block < HG_BLOCKS; block++) hg_free(network->layers[block]);
  hg_free(network->nodes);
  hg_free(network->tensors);
  hg_free_aligned(network->values);
  hg_free_aligned(network->gradients);
  hg_free(network);
}

/* ---------------------------------------------------------------- definition */

bool hg_network_has(const hg_network *network, hg_block block) { return network->layer_count[block] > 0; }
hg_shape hg_network_input_shape(const hg_network *network) { return network->input; }
const hg_losses *hg_network_losses(const hg_network *network) { return &network->losses; }
hg_engine hg_network_engine(const hg_network *network) { return network->engine; }
bool hg_network_initialized(const hg_network *network) { return network->initialized; }

/* The shape a block's first layer reads: the network's input for the encoder, the code for the others. */
static hg_shape block_input(const hg_network *network, hg_block block) {
  return block == HG_ENCODER ? network->input : hg_network_block_output(network, HG_ENCODER);
}

hg_shape hg_network_block_output(const hg_network *network, hg_block block) {
  int count = network->layer_count[block];
  return count > 0 ? network->layers[block][count - 1].output : block_input(network, block);
}

int hg_network_classes(const hg_network *network) {
  return hg_network_has(network, HG_CLASSIFIER) ? (int)hg_shape_count(hg_network_block_output(network, HG_CLASSIFIER)) : 0;
}

static bool name_is_taken(const hg_network *network, const char *name) {
  for (int block = 0; block < HG_BLOCKS; block++)
    for (int i = 0; i < network->layer_count[block]; i++)
      if (strcmp(network->layers[block][i].layer.name, name) == 0) return true;
  return false;
}

static void name_layer(const hg_network *network, hg_layer *layer) {
  if (layer->name[0] != '\0') return;
  int same_kind = 1;
  for (int block = 0; block < HG_BLOCKS; block++)
    for (int i = 0; i < network->layer_count[block]; i++) same_kind += network->layers[block][i].layer.kind == layer->kind;
  do snprintf(layer->name, sizeof layer->name, "%s_%d", hg_layer_kind_name(layer->kind), same_kind++);
  while (name_is_taken(network, layer->name));
}

static hg_code check_growth(const hg_network *network, hg_block block, const hg_layer *layer, const char *place,
                            hg_error *error) {
  if ((unsigned)layer->kind >= HG_LAYER_KINDS || (unsigned)layer->activation >= HG_ACTIVATIONS)
    return hg_fail(error, HG_USAGE, place, "no such kind of layer or activation");
  if (network->built)
    return hg_fail(error, HG_USAGE, place, "the network has its weights already; add every layer before initialising or loading");
  if (block == HG_ENCODER && (hg_network_has(network, HG_DECODER) || hg_network_has(network, HG_CLASSIFIER)))
    return hg_fail(error, HG_USAGE, place,
                   "the decoder or classifier stands on the encoder already; add the encoder's layers first");
  if (name_is_taken(network, layer->name))
    return hg_fail(error, HG_USAGE, place, "two layers are named `%s`; names are unique in a network", layer->name);
  return HG_OK;
}

/* Weights that are made from the data: its channels must be those of the layer's input. */
static hg_code check_whitening(const hg_network *network, hg_block block, const hg_graph_layer *added, const char *place,
                               hg_error *error) {
  const hg_layer *layer = &added->layer;
  if (layer->kernel_initializer != HG_INIT_WHITENING) return HG_OK;
  bool first = added->place == 0 && (block == HG_ENCODER || !hg_network_has(network, HG_ENCODER));
  if (layer->kind != HG_CONV2D || !first)
    return hg_fail(error, HG_USAGE, place, "kernel_initializer: whitening is for a conv2d that is a network's first layer");
  if (layer->use_bias && layer->bias_initializer != HG_INIT_DEFAULT)
    return hg_fail(error, HG_USAGE, place, "kernel_initializer: whitening finds the bias too; leave bias_initializer out");
  const int *kernel = layer->kernel_size;
  if (kernel[0] > added->input.height || kernel[1] > added->input.width)
    return hg_fail(error, HG_USAGE, place, "kernel_initializer: whitening takes patches of %dx%d from images of %dx%d", kernel[0],
                   kernel[1], added->input.height, added->input.width);
  if (kernel[0] * kernel[1] * added->input.channels > HG_MOST_WHITENED)
    return hg_fail(error, HG_USAGE, place, "kernel_initializer: whitening takes patches of at most %d values; these have %d",
                   HG_MOST_WHITENED, kernel[0] * kernel[1] * added->input.channels);
  int most = 2 * layer->kernel_size[0] * layer->kernel_size[1] * added->input.channels;
  if (layer->filters % 2 == 0 && layer->filters <= most) return HG_OK;
  return hg_fail(error, HG_USAGE, place,
                 "filters is %d; kernel_initializer: whitening takes an even number up to %d here, two for each value of a patch",
                 layer->filters, most);
}

hg_code hg_network_add(hg_network *network, hg_block block, const hg_layer *given, hg_error *error) {
  if ((unsigned)block >= HG_BLOCKS) return hg_fail(error, HG_USAGE, NULL, "no such block: %d", (int)block);
  hg_graph_layer added = {.layer = *given, .place = network->layer_count[block]};
  char place[HG_NAME_SIZE * 2];
  snprintf(place, sizeof place, "%s.%d %s", hg_block_name(block), added.place,
           (unsigned)given->kind < HG_LAYER_KINDS ? hg_layer_kind_name(given->kind) : "?");
  if ((unsigned)given->kind < HG_LAYER_KINDS) name_layer(network, &added.layer);
  hg_code code = check_growth(network, block, &added.layer, place, error);
  if (code != HG_OK) return code;
  added.input = hg_network_block_output(network, block);
  code = hg_op_native(given->kind)->shape(&added.layer, added.input, &added.output, error);
  if (code != HG_OK) {
    if (error != NULL && error->place[0] == '\0') snprintf(error->place, sizeof error->place, "%s", place);
    return code;
  }
  code = check_whitening(network, block, &added, place, error);
  if (code != HG_OK) return code;
  size_t wanted = (size_t)added.place + 1;
  if (!hg_grow(&network->layers[block], &network->layer_capacity[block], wanted, sizeof added))
    return hg_fail_memory(error, place, wanted * sizeof added);
  network->layers[block][network->layer_count[block]++] = added;
  return HG_OK;
}

hg_code hg_network_set_losses(hg_network *network, const hg_losses *losses, hg_error *error) {
  bool center_changed = (losses->center_weight > 0) != (network->losses.center_weight > 0);
  if (network->built && center_changed)
    return hg_fail(error, HG_USAGE, "loss", "switch the center loss on before the network gets its weights");
  bool entropy = losses->reconstruction == HG_BINARY_CROSS_ENTROPY;
  if (network->built && entropy != (network->losses.reconstruction == HG_BINARY_CROSS_ENTROPY))
    return hg_fail(error, HG_USAGE, "loss", "choose the reconstruction loss before the network gets its weights");
  const float factors[] = {losses->reconstruction_weight, losses->classification_weight, losses->center_weight};
  for (int i = 0; i < 3; i++)
    if (!(factors[i] >= 0) || !isfinite(factors[i]))
      return hg_fail(error, HG_USAGE, "loss", "a weight is %g; weights are finite and not negative", (double)factors[i]);
  if (!(losses->label_smoothing >= 0 && losses->label_smoothing < 1))
    return hg_fail(error, HG_USAGE, "loss", "label_smoothing is %g; it lies in [0, 1)", (double)losses->label_smoothing);
  if (!(losses->center_rate >= 0 && losses->center_rate <= 1))
    return hg_fail(error, HG_USAGE, "loss", "the center loss's rate is %g; it lies in [0, 1]", (double)losses->center_rate);
  network->losses = *losses;
  hg_plan_release(network);
  return HG_OK;
}

hg_code hg_network_set_engine(hg_network *network, hg_engine engine, hg_error *error) {
#ifndef HG_HAS_ONEDNN
  if (engine == HG_ONEDNN)
    return hg_fail(error, HG_USAGE, "engine",
                   "this build has no oneDNN; install libdnnl-dev and build again, or use engine: native");
#endif
  if (network->built && engine != network->engine)
    return hg_fail(error, HG_USAGE, "engine", "choose the engine before the network gets its weights");
  network->engine = engine;
  return HG_OK;
}

int64_t hg_network_parameters(const hg_network *network) {
  int64_t sum = 0;
  hg_layer_info info;
  for (int i = 0; i < hg_network_layer_count(network); i++) {
    hg_network_layer_info(network, i, &info);
    sum += info.parameters;
  }
  return sum;
}

/* ---------------------------------------------------------------- lowering layers to nodes */

static int node_capacity(const hg_network *network) {
  int count = 0;
  for (int block = 0; block < HG_BLOCKS; block++) count += 2 * network->layer_count[block];
  return count;
}

static hg_graph_node *append_node(hg_network *network, hg_block block, int place, const hg_layer *layer, hg_shape input,
                                  hg_shape output) {
  hg_graph_node *node = &network->nodes[network->node_count];
  int before = network->last[block];
  if (before < 0 && block != HG_ENCODER) before = network->last[HG_ENCODER];
  *node = (hg_graph_node){
      .op = {.layer = *layer, .input = input, .output = output, .index = network->node_count},
      .implementation = hg_op_native(layer->kind),
      .block = block,
      .place = place,
      .input = before,
  };
  network->last[block] = network->node_count++;
  return node;
}

/* True where the block's loss is computed from what stands before this last activation. */
static bool loss_takes(const hg_network *network, hg_block block, hg_activation activation) {
  if (block == HG_DECODER) return activation == HG_SIGMOID && network->losses.reconstruction == HG_BINARY_CROSS_ENTROPY;
  return block == HG_CLASSIFIER && activation == HG_SOFTMAX;
}

/* True for the block's last layer that computes something: only flatten and reshape may follow. */
static bool is_last(const hg_network *network, hg_block block, int i) {
  for (int later = i + 1; later < network->layer_count[block]; later++)
    if (!hg_op_native(network->layers[block][later].layer.kind)->alias) return false;
  return true;
}

static bool can_fuse(const hg_op *op, hg_activation activation) {
  return activation == HG_LINEAR || (op->fuses != NULL && op->fuses(activation));
}

/* Folds an activation layer into the layer before it, as if it had been written there. */
static bool fuse_into_previous(hg_network *network, hg_block block, const hg_layer *layer) {
  if (network->last[block] < 0) return false;
  hg_graph_node *before = &network->nodes[network->last[block]];
  if (before->op.layer.kind == HG_ACTIVATION || before->op.layer.activation != HG_LINEAR) return false;
  if (before->implementation->fuses == NULL || !before->implementation->fuses(layer->activation)) return false;
  before->op.layer.activation = layer->activation;
  before->op.layer.negative_slope = layer->negative_slope;
  return true;
}

static void lower_layer(hg_network *network, hg_block block, int i) {
  const hg_graph_layer *graph_layer = &network->layers[block][i];
  hg_layer layer = graph_layer->layer;
  hg_activation activation = layer.activation;
  bool folded = is_last(network, block, i) && loss_takes(network, block, activation);
  if (layer.kind == HG_ACTIVATION) {
    if (!folded && fuse_into_previous(network, block, &layer)) return;
    append_node(network, block, i, &layer, graph_layer->input, graph_layer->output)->folded_into_loss = folded;
    return;
  }
  bool separate = folded || !can_fuse(hg_op_native(layer.kind), activation);
  if (separate) layer.activation = HG_LINEAR;
  append_node(network, block, i, &layer, graph_layer->input, graph_layer->output);
  if (!separate) return;
  hg_layer alone = layer;
  alone.kind = HG_ACTIVATION;
  alone.activation = activation;
  append_node(network, block, i, &alone, graph_layer->output, graph_layer->output)->folded_into_loss = folded;
}

int hg_graph_logits(const hg_network *network, hg_block block) {
  for (int i = network->last[block]; i >= 0 && network->nodes[i].block == block; i = network->nodes[i].input)
    if (network->nodes[i].folded_into_loss) return network->nodes[i].input;
  return network->last[block];
}

int hg_graph_storage(const hg_network *network, int i) {
  while (i >= 0 && network->nodes[i].implementation->alias) i = network->nodes[i].input;
  return i;
}

bool hg_graph_has_loss(const hg_network *network, hg_block block) {
  if (!hg_network_has(network, block)) return false;
  if (block == HG_DECODER) return network->losses.reconstruction != HG_NO_RECONSTRUCTION;
  return block == HG_CLASSIFIER && network->losses.classification != HG_NO_CLASSIFICATION;
}

/* ---------------------------------------------------------------- the order of vectors' elements */

static bool keeps_elements(hg_layer_kind kind) { return kind == HG_ACTIVATION || kind == HG_DROPOUT || kind == HG_BATCH_NORM; }

static hg_shape input_order(const hg_network *network, const hg_graph_node *node) {
  return node->input < 0 ? (hg_shape){0, 0, 0} : network->nodes[node->input].order;
}

/* A vector that becomes a map gives the map's order to the nodes before it, back to the dense layer that made it. */
static void give_order_back(hg_network *network, int from, hg_shape order) {
  for (int i = from; i >= 0; i = network->nodes[i].input) {
    hg_graph_node *node = &network->nodes[i];
    if (hg_shape_is_map(node->op.output)) return;
    node->order = order;
    if (!keeps_elements(node->op.layer.kind)) return;
  }
}

static void find_orders(hg_network *network) {
  for (int i = 0; i < network->node_count; i++) {
    hg_graph_node *node = &network->nodes[i];
    bool from_map = hg_shape_is_map(node->op.input), to_map = hg_shape_is_map(node->op.output);
    if (keeps_elements(node->op.layer.kind) || node->implementation->alias) node->order = input_order(network, node);
    if (node->implementation->alias && from_map && !to_map) node->order = node->op.input;
    if (node->implementation->alias && !from_map && to_map) {
      if (input_order(network, node).height == 0) give_order_back(network, node->input, node->op.output);
      node->order = (hg_shape){0, 0, 0};
    }
  }
  int end = network->last[HG_DECODER];
  if (end >= 0 && !hg_shape_is_map(network->nodes[end].op.output) && hg_shape_is_map(network->input))
    give_order_back(network, end, network->input);
}

/* ---------------------------------------------------------------- tensors */

static void add_tensor(hg_network *network, hg_graph_node *node, int slot, const hg_parameter *parameter) {
  hg_tensor *tensor = &network->tensors[network->tensor_count];
  memset(tensor, 0, sizeof *tensor);
  snprintf(tensor->name, sizeof tensor->name, "%s.%d.%s", hg_block_name(node->block), node->place, parameter->name);
  tensor->parameter = *parameter;
  tensor->block = node->block;
  tensor->count = hg_parameter_count(parameter);
  tensor->frozen = network->frozen[node->block] || parameter->freeze;
  tensor->flattened_out = node->order;
  if (parameter->layout == HG_LAYOUT_DENSE)
    tensor->flattened_in = hg_shape_is_map(node->op.input) ? node->op.input : input_order(network, node);
  node->tensor[slot] = network->tensor_count++;
  network->value_floats += hg_whole_lines((size_t)tensor->count);
  if (parameter->trainable) network->gradient_floats += hg_whole_lines((size_t)tensor->count);
}

static int parameters_of(const hg_graph_node *node, hg_parameter parameters[HG_OP_PARAMETERS]) {
  const hg_op *op = node->implementation;
  return op->parameters == NULL ? 0 : op->parameters(&node->op.layer, node->op.input, node->op.output, parameters);
}

static void add_tensors(hg_network *network, bool trainable) {
  for (int i = 0; i < network->node_count; i++) {
    hg_graph_node *node = &network->nodes[i];
    hg_parameter parameters[HG_OP_PARAMETERS];
    node->parameter_count = parameters_of(node, parameters);
    for (int slot = 0; slot < node->parameter_count; slot++)
      if (parameters[slot].trainable == trainable) add_tensor(network, node, slot, &parameters[slot]);
  }
  if (trainable) network->trainable_count = network->tensor_count;
}

static void add_centers(hg_network *network) {
  if (!(network->losses.center_weight > 0) || hg_network_classes(network) == 0 || !hg_network_has(network, HG_ENCODER)) return;
  int width = (int)hg_shape_count(hg_network_block_output(network, HG_ENCODER));
  hg_parameter parameter = {.name = "centers",
                            .layout = HG_LAYOUT_VECTOR,
                            .initializer = HG_INIT_ZEROS,
                            .dim = {hg_network_classes(network), width, 1, 1}};
  hg_tensor *tensor = &network->tensors[network->tensor_count];
  *tensor = (hg_tensor){.name = "center_loss.centers", .parameter = parameter, .block = HG_ENCODER};
  tensor->count = hg_parameter_count(&parameter);
  network->centers = network->tensor_count++;
  network->value_floats += hg_whole_lines((size_t)tensor->count);
}

static hg_code allocate_tensors(hg_network *network, hg_error *error) {
  network->values = hg_alloc_aligned(network->value_floats * sizeof(float));
  network->gradients = hg_alloc_aligned(network->gradient_floats * sizeof(float));
  if (network->values == NULL || network->gradients == NULL)
    return hg_fail_memory(error, "weights", (network->value_floats + network->gradient_floats) * sizeof(float));
  size_t at = 0;
  for (int i = 0; i < network->tensor_count; i++) {
    hg_tensor *tensor = &network->tensors[i];
    tensor->value = network->values + at;
    if (tensor->parameter.trainable) tensor->gradient = network->gradients + at;
    at += hg_whole_lines((size_t)tensor->count);
  }
  return HG_OK;
}

static void unbuild(hg_network *network) {
  hg_free(network->nodes);
  hg_free(network->tensors);
  hg_free_aligned(network->values);
  hg_free_aligned(network->gradients);
  network->nodes = NULL;
  network->tensors = NULL;
  network->values = network->gradients = NULL;
  network->node_count = network->tensor_count = 0;
  network->value_floats = network->gradient_floats = 0;
  network->centers = -1;
  for (int block = 0; block < HG_BLOCKS; block++) network->last[block] = -1;
}

hg_code hg_graph_build(hg_network *network, hg_error *error) {
  if (network->built) return HG_OK;
  int capacity = node_capacity(network);
  if (capacity == 0) return hg_fail(error, HG_USAGE, "network", "has no layers");
  network->nodes = hg_calloc((size_t)capacity, sizeof *network->nodes);
  network->tensors = hg_calloc((size_t)capacity * HG_OP_PARAMETERS + 1, sizeof *network->tensors);
  if (network->nodes == NULL || network->tensors == NULL) {
    unbuild(network);
    return hg_fail_memory(error, "network", (size_t)capacity * sizeof *network->nodes);
  }
  for (int block = 0; block < HG_BLOCKS; block++)
    for (int i = 0; i < network->layer_count[block]; i++) lower_layer(network, (hg_block)block, i);
  find_orders(network);
  add_tensors(network, true);
  add_tensors(network, false);
  add_centers(network);
  hg_code code = allocate_tensors(network, error);
  if (code != HG_OK) {
    unbuild(network);
    return code;
  }
  network->built = true;
  return HG_OK;
}

int hg_network_tensor_count(const hg_network *network) { return network->tensor_count; }
hg_tensor *hg_network_tensor(hg_network *network, int index) { return &network->tensors[index]; }

void hg_network_freeze(hg_network *network, hg_block block, bool frozen) {
  network->frozen[block] = frozen;
  for (int i = 0; i < network->tensor_count; i++)
    if (network->tensors[i].block == block && network->tensors[i].parameter.trainable)
      network->tensors[i].frozen = frozen || network->tensors[i].parameter.freeze;
}

bool hg_network_is_frozen(const hg_network *network, hg_block block) { return network->frozen[block]; }

/* ---------------------------------------------------------------- what `show` prints */

int hg_network_layer_count(const hg_network *network) {
  return network->layer_count[HG_ENCODER] + network->layer_count[HG_DECODER] + network->layer_count[HG_CLASSIFIER];
}

void hg_network_layer_info(const hg_network *network, int index, hg_layer_info *info) {
  int block = HG_ENCODER;
  while (index >= network->layer_count[block]) index -= network->layer_count[block++];
  const hg_graph_layer *layer = &network->layers[block][index];
  hg_graph_node node = {.op = {.layer = layer->layer, .input = layer->input, .output = layer->output, .batch = 1, .threads = 1},
                        .implementation = hg_op_native(layer->layer.kind)};
  *info = (hg_layer_info){.block = (hg_block)block, .layer = layer->layer, .input = layer->input, .output = layer->output};
  hg_parameter parameters[HG_OP_PARAMETERS];
  int count = parameters_of(&node, parameters);
  for (int i = 0; i < count; i++) {
    if (parameters[i].trainable) info->parameters += hg_parameter_count(&parameters[i]);
    if (parameters[i].freeze) info->frozen += hg_parameter_count(&parameters[i]);
  }
  const hg_op *op = node.implementation;
  if (op->multiply_adds != NULL) info->multiply_adds = info->multiply_adds_done = op->multiply_adds(&node.op);
  if (op->multiply_adds_done != NULL && network->engine != HG_ONEDNN) info->multiply_adds_done = op->multiply_adds_done(&node.op);
  info->activation_bytes = hg_shape_count(layer->output) * (int64_t)sizeof(float);
}
