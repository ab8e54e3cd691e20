/* From a graph to two schedules over one arena.
 *
 * Every buffer has a size and a span of time (in steps) in which it is alive; buffers whose spans do not meet may share
 * memory. Offsets are given greedily, largest buffer first, each to the lowest place that is free for its whole span (the
 * "greedy by size" of Pisarchyk and Lee 2020, Efficient memory management for deep neural net inference). */
#include "base/alloc.h"
#include "base/integers.h"
#include "net/graph.h"

#include <string.h>

typedef struct buffer {
  size_t floats;
  int first, last; /* steps; first > last = never used */
  size_t offset;
} buffer;

enum { NONE = -1 };

/* One schedule in the making. Buffer numbers are fixed by what they are for. */
typedef struct memory_planner {
  hg_network *network;
  hg_plan *plan;
  bool training;
  buffer *buffers;
  int buffer_count, now; /* now: the step being added */
  hg_block second_head;  /* the head whose gradient of the code goes to a buffer of its own; HG_ENCODER = none */
} memory_planner;

/* Buffers: for each node its output, gradient, saved, forward and backward scratch; then a few of the whole network's. */
enum { OUTPUT, GRADIENT, SAVED, FORWARD_SCRATCH, BACKWARD_SCRATCH, PER_NODE };
enum { SECOND_GRADIENT, CENTER_SCRATCH, PER_SAMPLE, PER_NETWORK = PER_SAMPLE + HG_BLOCKS };

static int node_buffer(int node, int use) { return node * PER_NODE + use; }
static int network_buffer(const memory_planner *planner, int use) { return planner->network->node_count * PER_NODE + use; }

static void touch(memory_planner *planner, int index) {
  if (index == NONE) return;
  buffer *used = &planner->buffers[index];
  if (used->first > planner->now) used->first = planner->now;
  if (used->last < planner->now) used->last = planner->now;
}

static int output_buffer(const memory_planner *planner, int node) {
  int storage = hg_graph_storage(planner->network, node);
  return storage < 0 ? NONE : node_buffer(storage, OUTPUT);
}

/* Where the gradient of a node's output lies, seen from a consumer in `viewer`. */
static int gradient_buffer(const memory_planner *planner, int node, hg_block viewer) {
  while (node >= 0) {
    const hg_graph_node *at = &planner->network->nodes[node];
    if (at->block == HG_ENCODER && viewer != HG_ENCODER && viewer == planner->second_head)
      return network_buffer(planner, SECOND_GRADIENT);
    if (!at->implementation->alias) return node_buffer(node, GRADIENT);
    viewer = at->block;
    node = at->input;
  }
  return NONE;
}

static void add_step(memory_planner *planner, hg_step step) {
  planner->plan->steps[planner->plan->count++] = step;
  planner->now++;
}

/* The node that node i, or the block it stands for, reads. */
static int source_of(const memory_planner *planner, int i) {
  return planner->network->nodes[planner->network->nodes[i].first].input;
}

static bool is_trained(const memory_planner *planner, int node) { return node >= 0 && planner->network->nodes[node].backward; }

/* ---------------------------------------------------------------- schedules */

static void schedule_forward(memory_planner *planner, int i) {
  hg_graph_node *node = &planner->network->nodes[i];
  if (node->inside || node->implementation->alias || (planner->training && node->folded_into_loss)) return;
  touch(planner, output_buffer(planner, i));
  touch(planner, output_buffer(planner, source_of(planner, i)));
  touch(planner, node_buffer(i, SAVED));
  touch(planner, node_buffer(i, FORWARD_SCRATCH));
  add_step(planner, (hg_step){.kind = HG_STEP_FORWARD, .node = i});
}

static void schedule_backward(memory_planner *planner, int i) {
  hg_graph_node *node = &planner->network->nodes[i];
  if (node->inside || node->implementation->alias || node->folded_into_loss || !node->backward) return;
  int source = source_of(planner, i);
  touch(planner, gradient_buffer(planner, i, node->block));
  if (is_trained(planner, source)) touch(planner, gradient_buffer(planner, source, node->block));
  if (node->implementation->backward_reads_input) touch(planner, output_buffer(planner, source));
  if (node->implementation->backward_reads_output) touch(planner, output_buffer(planner, i));
  touch(planner, node_buffer(i, SAVED));
  touch(planner, node_buffer(i, BACKWARD_SCRATCH));
  add_step(planner, (hg_step){.kind = HG_STEP_BACKWARD, .node = i});
}

static void schedule_loss(memory_planner *planner, hg_block block) {
  int logits = hg_graph_logits(planner->network, block);
  touch(planner, output_buffer(planner, logits));
  if (planner->training && is_trained(planner, logits)) touch(planner, gradient_buffer(planner, logits, block));
  touch(planner, network_buffer(planner, PER_SAMPLE + (int)block));
  add_step(planner, (hg_step){.kind = HG_STEP_LOSS, .block = block});
}

static void schedule_center_loss(memory_planner *planner) {
  int code = planner->network->last[HG_ENCODER];
  touch(planner, output_buffer(planner, code));
  if (planner->training && is_trained(planner, code)) touch(planner, gradient_buffer(planner, code, HG_ENCODER));
  touch(planner, network_buffer(planner, CENTER_SCRATCH));
  touch(planner, network_buffer(planner, PER_SAMPLE + HG_ENCODER));
  add_step(planner, (hg_step){.kind = HG_STEP_LOSS, .block = HG_ENCODER});
}

static void schedule_backward_of(memory_planner *planner, hg_block block) {
  for (int i = planner->network->node_count - 1; i >= 0; i--)
    if (planner->network->nodes[i].block == block) schedule_backward(planner, i);
}

static bool head_gives_gradient(const memory_planner *planner, hg_block head) {
  return hg_graph_has_loss(planner->network, head) && is_trained(planner, planner->network->last[HG_ENCODER]);
}

static void schedule_step(memory_planner *planner) {
  hg_network *network = planner->network;
  bool both = head_gives_gradient(planner, HG_DECODER) && head_gives_gradient(planner, HG_CLASSIFIER);
  planner->second_head = both ? HG_CLASSIFIER : HG_ENCODER;
  for (int i = 0; i < network->node_count; i++)
    if (network->nodes[i].block == HG_ENCODER || hg_graph_has_loss(network, network->nodes[i].block))
      schedule_forward(planner, i);
  for (hg_block head = HG_DECODER; head <= HG_CLASSIFIER; head++) {
    if (!hg_graph_has_loss(network, head)) continue;
    schedule_loss(planner, head);
    schedule_backward_of(planner, head);
  }
  if (both) {
    touch(planner, network_buffer(planner, SECOND_GRADIENT));
    touch(planner, gradient_buffer(planner, network->last[HG_ENCODER], HG_ENCODER));
    add_step(planner, (hg_step){.kind = HG_STEP_ADD});
  }
  if (network->centers >= 0) schedule_center_loss(planner);
  schedule_backward_of(planner, HG_ENCODER);
}

static void schedule_inference(memory_planner *planner) {
  hg_network *network = planner->network;
  planner->second_head = HG_ENCODER;
  for (int i = 0; i < network->node_count; i++) schedule_forward(planner, i);
  for (hg_block head = HG_DECODER; head <= HG_CLASSIFIER; head++)
    if (hg_graph_has_loss(network, head)) schedule_loss(planner, head);
  if (network->centers >= 0) schedule_center_loss(planner);
  /* Outputs are read by the caller after the last step. */
  for (hg_block block = HG_ENCODER; block < HG_BLOCKS; block++) {
    if (network->last[block] < 0) continue;
    touch(planner, output_buffer(planner, network->last[block]));
    touch(planner, output_buffer(planner, hg_graph_logits(network, block)));
    if (hg_graph_has_loss(network, block)) touch(planner, network_buffer(planner, PER_SAMPLE + (int)block));
  }
}

/* ---------------------------------------------------------------- sizes and offsets */

static void size_buffers(memory_planner *planner) {
  hg_network *network = planner->network;
  size_t batch = (size_t)network->batch;
  for (int i = 0; i < planner->buffer_count; i++) planner->buffers[i] = (buffer){.first = 1 << 30, .last = -1};
  for (int i = 0; i < network->node_count; i++) {
    hg_graph_node *node = &network->nodes[i];
    buffer *of = &planner->buffers[node_buffer(i, 0)];
    hg_op_memory memory = {0, 0};
    if (node->implementation->memory != NULL) memory = node->implementation->memory(&node->op);
    of[OUTPUT].floats = of[GRADIENT].floats = hg_whole_lines(batch * (size_t)hg_shape_count(node->op.output));
    of[SAVED].floats = hg_whole_lines(memory.saved);
    of[FORWARD_SCRATCH].floats = of[BACKWARD_SCRATCH].floats = hg_whole_lines(memory.scratch);
  }
  buffer *shared = &planner->buffers[network_buffer(planner, 0)];
  size_t code = (size_t)hg_shape_count(hg_network_block_output(network, HG_ENCODER));
  shared[SECOND_GRADIENT].floats = hg_whole_lines(batch * code);
  shared[CENTER_SCRATCH].floats = network->centers < 0 ? 0 : hg_whole_lines((size_t)hg_network_classes(network) * (code + 1));
  for (int block = 0; block < HG_BLOCKS; block++) shared[PER_SAMPLE + block].floats = hg_whole_lines(batch);
}

static bool overlap(const buffer *a, const buffer *b) { return a->first <= b->last && b->first <= a->last; }
static bool is_used(const buffer *b) { return b->first <= b->last && b->floats > 0; }

/* The lowest offset at which `wanted` meets none of the placed buffers that live in its span. */
static size_t lowest_offset(const memory_planner *planner, const int *placed, int count, const buffer *wanted) {
  size_t offset = 0;
  bool moved = true;
  while (moved) {
    moved = false;
    for (int i = 0; i < count; i++) {
      const buffer *other = &planner->buffers[placed[i]];
      bool meets = offset < other->offset + other->floats && other->offset < offset + wanted->floats;
      if (!meets || !overlap(other, wanted)) continue;
      offset = other->offset + other->floats;
      moved = true;
    }
  }
  return offset;
}

static int largest_unplaced(const memory_planner *planner, const bool *done) {
  int best = NONE;
  for (int i = 0; i < planner->buffer_count; i++) {
    if (done[i] || !is_used(&planner->buffers[i])) continue;
    if (best == NONE || planner->buffers[i].floats > planner->buffers[best].floats) best = i;
  }
  return best;
}

static bool place_buffers(memory_planner *planner) {
  int *placed = hg_calloc((size_t)planner->buffer_count, sizeof *placed);
  bool *done = hg_calloc((size_t)planner->buffer_count, sizeof *done);
  size_t unshared = 0;
  int count = 0, next;
  if (placed != NULL && done != NULL) {
    while ((next = largest_unplaced(planner, done)) != NONE) {
      buffer *chosen = &planner->buffers[next];
      chosen->offset = lowest_offset(planner, placed, count, chosen);
      placed[count++] = next;
      done[next] = true;
      unshared += chosen->floats;
      size_t end = chosen->offset + chosen->floats;
      if (end > planner->network->arena_floats) planner->network->arena_floats = end;
    }
    if (unshared > planner->network->unshared_floats) planner->network->unshared_floats = unshared;
  }
  bool good = placed != NULL && done != NULL;
  hg_free(placed);
  hg_free(done);
  return good;
}

/* ---------------------------------------------------------------- addresses */

static float *address(const memory_planner *planner, int index) {
  if (index == NONE || !is_used(&planner->buffers[index])) return NULL;
  return planner->network->arena + planner->buffers[index].offset;
}

/* A block has those of all its nodes, in order. */
static void resolve_parameters(const memory_planner *planner, int i, hg_op_call *call) {
  hg_network *network = planner->network;
  int at = 0;
  for (int part = network->nodes[i].first; part <= i; part++)
    for (int slot = 0; slot < network->nodes[part].parameter_count; slot++, at++) {
      hg_tensor *tensor = &network->tensors[network->nodes[part].tensor[slot]];
      call->values[at] = tensor->value;
      if (planner->training && !tensor->frozen) call->gradients[at] = tensor->gradient;
    }
}

static void resolve_call(memory_planner *planner, int i) {
  hg_network *network = planner->network;
  hg_graph_node *node = &network->nodes[i];
  hg_op_call *call = &planner->plan->calls[i];
  *call = (hg_op_call){
      .node = &node->op,
      .pool = network->pool,
      .training = planner->training,
      .input = address(planner, output_buffer(planner, source_of(planner, i))),
      .output = address(planner, output_buffer(planner, i)),
      .saved = address(planner, node_buffer(i, SAVED)),
      .scratch = address(planner, node_buffer(i, FORWARD_SCRATCH)),
  };
  resolve_parameters(planner, i, call);
  if (!planner->training || !node->backward) return;
  call->output_gradient = address(planner, gradient_buffer(planner, i, node->block));
  if (network->nodes[node->first].op.input_gradient)
    call->input_gradient = address(planner, gradient_buffer(planner, source_of(planner, i), node->block));
}

static void resolve(memory_planner *planner) {
  hg_network *network = planner->network;
  hg_plan *plan = planner->plan;
  for (int i = 0; i < network->node_count; i++) resolve_call(planner, i);
  for (hg_block block = HG_ENCODER; block < HG_BLOCKS; block++) {
    if (network->last[block] < 0) continue;
    int logits = block == HG_ENCODER ? network->last[block] : hg_graph_logits(network, block);
    plan->output[block] = address(planner, output_buffer(planner, network->last[block]));
    plan->logits[block] = address(planner, output_buffer(planner, logits));
    plan->per_sample[block] = address(planner, network_buffer(planner, PER_SAMPLE + (int)block));
    if (planner->training && is_trained(planner, logits))
      plan->gradient[block] = address(planner, gradient_buffer(planner, logits, block));
  }
  plan->added = address(planner, network_buffer(planner, SECOND_GRADIENT));
  plan->center_scratch = address(planner, network_buffer(planner, CENTER_SCRATCH));
}

/* The backward scratch is another buffer than the forward's; execution takes it from here. */
static void resolve_backward_scratch(memory_planner *planner, float **scratch) {
  for (int i = 0; i < planner->network->node_count; i++) scratch[i] = address(planner, node_buffer(i, BACKWARD_SCRATCH));
}

/* ---------------------------------------------------------------- the whole */

static void plan_free(hg_plan *plan) {
  hg_free(plan->steps);
  hg_free(plan->calls);
  hg_free(plan->backward_scratch);
  memset(plan, 0, sizeof *plan);
}

void hg_plan_release(hg_network *network) {
  plan_free(&network->step);
  plan_free(&network->forward);
  for (int i = 0; i < network->node_count; i++) {
    hg_graph_node *node = &network->nodes[i];
    if (node->op.state != NULL && node->implementation->release != NULL) node->implementation->release(&node->op);
    node->op.state = NULL;
  }
  hg_free_aligned(network->arena);
  network->arena = NULL;
  network->arena_floats = network->unshared_floats = 0;
  network->batch = network->evaluated = 0;
}

/* Nodes from i on that each alone read the one before, by our own operators: the candidates for one block. */
static int chain_from(const hg_network *network, int i, const hg_op_node *chain[HG_CONV_BLOCK_NODES]) {
  int count = 0;
  for (int k = i; k < network->node_count && count < HG_CONV_BLOCK_NODES; k++) {
    const hg_graph_node *node = &network->nodes[k];
    bool goes_on = k == i || (node->input == k - 1 && node->block == network->nodes[i].block);
    if (!goes_on || node->implementation != hg_op_native(node->op.layer.kind)) break;
    chain[count++] = &node->op;
  }
  return count;
}

static void join_blocks(hg_network *network) {
  for (int i = 0; i < network->node_count; i++) {
    const hg_op_node *chain[HG_CONV_BLOCK_NODES];
    hg_conv_block block;
    int count = chain_from(network, i, chain), taken = count == 0 ? 0 : hg_conv_block_match(chain, count, &block);
    if (taken == 0) continue;
    hg_graph_node *last = &network->nodes[i + taken - 1];
    for (int k = i; k < i + taken - 1; k++) network->nodes[k].inside = true;
    last->first = i;
    last->conv_block = block;
    last->implementation = &hg_op_conv_block;
    last->op.state = &last->conv_block;
    i += taken - 1;
  }
}

static hg_code place_nodes(hg_network *network, hg_error *error) {
  for (int i = 0; i < network->node_count; i++) {
    hg_graph_node *node = &network->nodes[i];
    bool own = false;
    for (int slot = 0; slot < node->parameter_count; slot++) {
      const hg_tensor *tensor = &network->tensors[node->tensor[slot]];
      own = own || (tensor->parameter.trainable && !tensor->frozen);
    }
    bool before = node->input >= 0 && network->nodes[node->input].backward;
    node->backward = own || before;
    node->op.input_gradient = before;
    node->op.batch = network->batch;
    node->op.threads = hg_pool_threads(network->pool);
    node->op.training = network->training;
    node->op.winograd = network->engine == HG_NATIVE;
    const hg_op *library = network->engine == HG_ONEDNN ? hg_op_onednn(&node->op) : NULL;
    node->implementation = library != NULL ? library : hg_op_native(node->op.layer.kind);
    node->first = i;
    node->inside = false;
    hg_code code = node->implementation->prepare == NULL ? HG_OK : node->implementation->prepare(&node->op, error);
    if (code != HG_OK) return code;
  }
  if (!network->apart) join_blocks(network);
  return HG_OK;
}

static hg_code plan_start(memory_planner *planner, hg_network *network, hg_plan *plan, bool training, hg_error *error) {
  int nodes = network->node_count;
  *planner =
      (memory_planner){.network = network, .plan = plan, .training = training, .buffer_count = nodes * PER_NODE + PER_NETWORK};
  planner->buffers = hg_calloc((size_t)planner->buffer_count, sizeof *planner->buffers);
  plan->steps = hg_calloc((size_t)nodes * 2 + 8, sizeof *plan->steps);
  plan->calls = hg_calloc((size_t)nodes, sizeof *plan->calls);
  plan->backward_scratch = hg_calloc((size_t)nodes, sizeof *plan->backward_scratch);
  if (planner->buffers == NULL || plan->steps == NULL || plan->calls == NULL || plan->backward_scratch == NULL)
    return hg_fail_memory(error, "plan", (size_t)planner->buffer_count * sizeof(buffer));
  size_buffers(planner);
  if (training)
    schedule_step(planner);
  else
    schedule_inference(planner);
  return place_buffers(planner) ? HG_OK : hg_fail_memory(error, "plan", (size_t)planner->buffer_count * sizeof(int));
}

static hg_code check_losses(const hg_network *network, hg_error *error) {
  const hg_losses *losses = &network->losses;
  if (!hg_graph_has_loss(network, HG_DECODER) && !hg_graph_has_loss(network, HG_CLASSIFIER))
    return hg_fail(error, HG_USAGE, "loss",
                   "nothing to train: give the decoder a reconstruction loss or the classifier a classification loss");
  if (losses->center_weight > 0 && (!hg_network_has(network, HG_ENCODER) || !hg_network_has(network, HG_CLASSIFIER)))
    return hg_fail(error, HG_USAGE, "loss", "the center loss needs an encoder and a classifier");
  if (!hg_graph_has_loss(network, HG_DECODER)) return HG_OK;
  hg_shape output = hg_network_block_output(network, HG_DECODER), input = network->input;
  if (hg_shape_equal(output, input)) return HG_OK;
  if (!hg_shape_is_map(output) && hg_shape_count(output) == hg_shape_count(input)) return HG_OK;
  return hg_fail(error, HG_USAGE, "decoder", "it ends in %dx%dx%d, but the input to be reconstructed is %dx%dx%d", output.height,
                 output.width, output.channels, input.height, input.width, input.channels);
}

static hg_code compile(hg_network *network, memory_planner planners[2], hg_error *error) {
  hg_code code = place_nodes(network, error);
  if (code == HG_OK) code = plan_start(&planners[0], network, &network->forward, false, error);
  if (code == HG_OK && network->training) code = plan_start(&planners[1], network, &network->step, true, error);
  if (code != HG_OK) return code;
  network->arena = hg_alloc_aligned(network->arena_floats * sizeof(float));
  if (network->arena == NULL) return hg_fail_memory(error, "arena", network->arena_floats * sizeof(float));
  resolve(&planners[0]);
  if (!network->training) return HG_OK;
  resolve(&planners[1]);
  resolve_backward_scratch(&planners[1], network->step.backward_scratch);
  return HG_OK;
}

hg_code hg_network_prepare(hg_network *network, int batch, bool training, hg_pool *pool, hg_error *error) {
  hg_code code = hg_graph_build(network, error);
  if (code != HG_OK) return code;
  if (batch < 1) return hg_fail(error, HG_USAGE, "batch_size", "%d; it is at least 1", batch);
  code = training ? check_losses(network, error) : HG_OK;
  if (code != HG_OK) return code;
  hg_plan_release(network);
  network->pool = pool;
  network->batch = batch;
  network->training = training;
  memory_planner planners[2] = {{0}, {0}};
  code = compile(network, planners, error);
  hg_free(planners[0].buffers);
  hg_free(planners[1].buffers);
  if (code != HG_OK) hg_plan_release(network);
  return code;
}

void hg_network_memory_info(const hg_network *network, hg_memory_info *info) {
  *info = (hg_memory_info){
      .weights = network->value_floats * sizeof(float),
      .gradients = network->gradient_floats * sizeof(float),
      .arena = network->arena_floats * sizeof(float),
      .arena_without_sharing = network->unshared_floats * sizeof(float),
  };
}
