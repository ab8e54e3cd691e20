/* Runs a plan. Nothing is decided here and nothing allocated. */
#include "net/graph.h"

#include <math.h>
#include <string.h>

typedef struct execution {
  hg_network *network;
  const hg_plan *plan;
  const hg_batch *batch;
  uint64_t seed;
  uint32_t step;
  const hg_update *updates; /* one for each tensor; NULL = gradients are wanted, not updates */
  hg_step_result *result;
} execution;

static hg_op_call call_of(const execution *run, int node) {
  hg_op_call call = run->plan->calls[node];
  call.n = run->batch->n;
  call.seed = run->seed;
  call.step = run->step;
  if (call.input == NULL) call.input = run->batch->input;
  return call;
}

static hg_loss_call loss_call(const execution *run, hg_block block) {
  const hg_plan *plan = run->plan;
  return (hg_loss_call){
      .pool = run->network->pool,
      .n = run->batch->n,
      .shape = hg_network_block_output(run->network, block),
      .output = plan->logits[block] != NULL ? plan->logits[block] : run->batch->input,
      .target = run->batch->target,
      .labels = run->batch->labels,
      .gradient = plan->gradient[block],
      .per_sample = plan->per_sample[block],
  };
}

static bool decoder_ends_in_logits(const hg_network *network) {
  return hg_graph_logits(network, HG_DECODER) != network->last[HG_DECODER];
}

static void reconstruction_loss(const execution *run) {
  if (run->batch->target == NULL) return;
  const hg_losses *losses = &run->network->losses;
  hg_loss_call call = loss_call(run, HG_DECODER);
  call.weight = losses->reconstruction_weight;
  double loss;
  if (losses->reconstruction == HG_MSE)
    loss = hg_loss_mse(&call);
  else if (decoder_ends_in_logits(run->network))
    loss = hg_loss_bce_logits(&call);
  else
    loss = hg_loss_bce_probabilities(&call);
  run->result->reconstruction_loss = loss;
  run->result->loss += call.weight * loss;
}

static void classification_loss(const execution *run) {
  if (run->batch->labels == NULL) return;
  const hg_losses *losses = &run->network->losses;
  hg_loss_call call = loss_call(run, HG_CLASSIFIER);
  call.weight = losses->classification_weight;
  call.label_smoothing = losses->label_smoothing;
  double loss = hg_loss_cross_entropy(&call);
  run->result->classification_loss = loss;
  run->result->correct = hg_count_correct(call.n, hg_network_classes(run->network), call.output, call.labels);
  run->result->loss += call.weight * loss;
}

static void center_loss(const execution *run) {
  hg_network *network = run->network;
  if (run->batch->labels == NULL) return;
  hg_loss_call call = loss_call(run, HG_ENCODER);
  call.weight = network->losses.center_weight;
  bool training = run->plan == &network->step;
  double loss = hg_loss_center(&call, network->tensors[network->centers].value, hg_network_classes(network),
                               training ? network->losses.center_rate : 0, run->plan->center_scratch);
  run->result->center_loss = loss;
  run->result->loss += call.weight * loss;
}

static void run_loss(const execution *run, hg_block block) {
  if (block == HG_DECODER)
    reconstruction_loss(run);
  else if (block == HG_CLASSIFIER)
    classification_loss(run);
  else
    center_loss(run);
}

typedef struct addition {
  float *to;
  const float *from;
} addition;

static void add_values(const void *context, int64_t first, int64_t last) {
  const addition *sum = context;
  for (int64_t i = first; i < last; i++) sum->to[i] += sum->from[i];
}

/* The code's gradient is the sum over the heads that read it. */
static void add_second_gradient(const execution *run) {
  enum { PIECE = 16384 };
  addition sum = {run->plan->gradient[HG_ENCODER], run->plan->added};
  int64_t count = run->batch->n * hg_shape_count(hg_network_block_output(run->network, HG_ENCODER));
  hg_parallel_range(run->network->pool, count, PIECE, add_values, &sum);
}

/* The updates of a call's tensors: those of its node, or of all nodes of the block it stands for, in order. */
static void find_updates(const execution *run, int index, const hg_op_call *call, const hg_update *updates[HG_OP_PARAMETERS]) {
  const hg_graph_node *nodes = run->network->nodes;
  int at = 0;
  for (int part = nodes[index].first; run->updates != NULL && part <= index; part++)
    for (int slot = 0; slot < nodes[part].parameter_count; slot++, at++)
      if (call->gradients[at] != NULL) updates[at] = &run->updates[nodes[part].tensor[slot]];
}

static void run_backward(const execution *run, int index) {
  const hg_op *implementation = run->network->nodes[index].implementation;
  hg_op_call call = call_of(run, index);
  call.scratch = run->plan->backward_scratch[index];
  const hg_update *updates[HG_OP_PARAMETERS] = {NULL};
  find_updates(run, index, &call, updates);
  if (implementation->applies_updates) memcpy(call.updates, updates, sizeof updates);
  implementation->backward(&call);
  for (int slot = 0; !implementation->applies_updates && slot < HG_OP_PARAMETERS; slot++)
    if (updates[slot] != NULL) hg_update_apply(call.pool, updates[slot]);
}

static void run_step(const execution *run, const hg_step *step) {
  switch (step->kind) {
    case HG_STEP_FORWARD: {
      hg_op_call call = call_of(run, step->node);
      run->network->nodes[step->node].implementation->forward(&call);
      return;
    }
    case HG_STEP_BACKWARD:
      run_backward(run, step->node);
      return;
    case HG_STEP_LOSS:
      run_loss(run, step->block);
      return;
    case HG_STEP_ADD:
      add_second_gradient(run);
      return;
  }
}

static void run_plan(execution *run) {
  *run->result = (hg_step_result){.reconstruction_loss = NAN, .classification_loss = NAN, .center_loss = NAN};
  const hg_network *network = run->network;
  for (int i = 0; i < run->plan->count; i++) {
    run_step(run, &run->plan->steps[i]);
    if (network->after_step != NULL) network->after_step(network->after_step_context, i);
  }
}

void hg_network_step(hg_network *network, const hg_batch *batch, uint64_t seed, uint32_t step, hg_step_result *result) {
  execution run = {network, &network->step, batch, seed, step, NULL, result};
  run_plan(&run);
}

void hg_network_update_step(hg_network *network, const hg_batch *batch, uint64_t seed, uint32_t step, const hg_update *updates,
                            hg_step_result *result) {
  execution run = {network, &network->step, batch, seed, step, updates, result};
  run_plan(&run);
}

void hg_network_forward(hg_network *network, const hg_batch *batch, hg_step_result *result) {
  execution run = {network, &network->forward, batch, 0, 0, NULL, result};
  run_plan(&run);
  network->evaluated = batch->n;
  network->last_input = batch->input;
}

static const float *output_of(const hg_network *network, hg_block block, const float *const *outputs) {
  if (network->evaluated == 0 || !hg_network_has(network, block)) return NULL;
  return outputs[block] != NULL ? outputs[block] : network->last_input;
}

const float *hg_network_code(const hg_network *network) {
  if (network->evaluated == 0) return NULL;
  const float *code = output_of(network, HG_ENCODER, network->forward.output);
  return code != NULL ? code : network->last_input;
}
const float *hg_network_reconstruction(const hg_network *network) {
  return output_of(network, HG_DECODER, network->forward.output);
}
const float *hg_network_logits(const hg_network *network) { return output_of(network, HG_CLASSIFIER, network->forward.logits); }

/* ---------------------------------------------------------------- prediction */

enum { PREDICT_BATCH = 256 };

typedef struct prediction {
  float *code, *reconstruction, *probabilities;
} prediction;

static void keep_outputs(hg_network *network, int64_t first, int n, const prediction *to) {
  int64_t code = hg_shape_count(hg_network_block_output(network, HG_ENCODER)), pixels = hg_shape_count(network->input);
  int classes = hg_network_classes(network);
  size_t rows = (size_t)n * sizeof(float);
  if (to->code != NULL) memcpy(to->code + first * code, hg_network_code(network), rows * (size_t)code);
  if (to->reconstruction != NULL)
    memcpy(to->reconstruction + first * pixels, hg_network_reconstruction(network), rows * (size_t)pixels);
  if (to->probabilities != NULL)
    hg_softmax_rows(network->pool, n, classes, hg_network_logits(network), to->probabilities + first * classes);
}

hg_code hg_network_predict(hg_network *network, const float *input, int64_t count, int threads, float *code,
                           float *reconstruction, float *probabilities, hg_error *error) {
  if (!network->initialized) return hg_fail(error, HG_USAGE, "network", "has no weights yet; initialise, load or train it first");
  if (reconstruction != NULL && !hg_network_has(network, HG_DECODER))
    return hg_fail(error, HG_USAGE, "network", "has no decoder, so there is no reconstruction");
  if (probabilities != NULL && !hg_network_has(network, HG_CLASSIFIER))
    return hg_fail(error, HG_USAGE, "network", "has no classifier, so there are no probabilities");
  hg_pool *pool = NULL;
  int size = count < 1 ? 1 : count < PREDICT_BATCH ? (int)count : PREDICT_BATCH;
  hg_code result = hg_pool_new(threads, &pool, error);
  if (result == HG_OK) result = hg_network_prepare(network, size, false, pool, error);
  prediction to = {code, reconstruction, probabilities};
  for (int64_t first = 0; result == HG_OK && first < count; first += PREDICT_BATCH) {
    int n = count - first < PREDICT_BATCH ? (int)(count - first) : PREDICT_BATCH;
    hg_batch batch = {.n = n, .input = input + first * hg_shape_count(network->input)};
    hg_step_result scores;
    hg_network_forward(network, &batch, &scores);
    keep_outputs(network, first, n, &to);
  }
  hg_plan_release(network); /* it holds the pool */
  hg_pool_free(pool);
  return result;
}
