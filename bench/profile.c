#include "profile.h"

#include "machine.h"
#include "net/graph.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- what a step must do */

static double floats(int64_t count) { return 4.0 * (double)count; }

/* The first of the nodes that run as one with this one. */
static const hg_graph_node *first_of(const hg_network *network, const hg_graph_node *node) {
  return &network->nodes[node->first];
}

static double parameter_floats(const hg_network *network, const hg_graph_node *last, bool trained) {
  int64_t count = 0;
  for (const hg_graph_node *node = first_of(network, last); node <= last; node++) {
    for (int i = 0; i < node->parameter_count; i++) {
      const hg_tensor *tensor = &network->tensors[node->tensor[i]];
      if (!trained || (tensor->gradient != NULL && !tensor->frozen)) count += tensor->count;
    }
  }
  return floats(count);
}

static double saved_floats(const hg_graph_node *node) {
  return node->implementation->memory == NULL ? 0 : floats((int64_t)node->implementation->memory(&node->op).saved);
}

static double multiply_adds(const hg_graph_node *node, int batch) {
  return node->implementation->multiply_adds == NULL ? 0 : (double)node->implementation->multiply_adds(&node->op) * batch;
}

static double multiply_adds_done(const hg_graph_node *node, int batch, bool training) {
  const hg_op *op = node->implementation;
  bool fewer = (!training || node->op.winograd) && op->multiply_adds_done != NULL;
  return fewer ? (double)op->multiply_adds_done(&node->op) * batch : multiply_adds(node, batch);
}

static void describe_forward(bench_lap *lap, const hg_network *network, const hg_graph_node *node, int batch, bool training) {
  lap->flops = 2 * multiply_adds(node, batch);
  lap->done = 2 * multiply_adds_done(node, batch, training);
  lap->bytes = floats(batch * (hg_shape_count(first_of(network, node)->op.input) + hg_shape_count(node->op.output)));
  lap->bytes += parameter_floats(network, node, false) + (training ? saved_floats(node) : 0);
}

/* Both gradients take as many multiply-adds as the forward pass. */
static void describe_backward(bench_lap *lap, const hg_network *network, const hg_graph_node *node, int batch) {
  const hg_op *op = node->implementation;
  const hg_graph_node *first = first_of(network, node);
  double input = floats(batch * hg_shape_count(first->op.input)), output = floats(batch * hg_shape_count(node->op.output));
  double trained = parameter_floats(network, node, true);
  int gradients = (trained > 0) + first->op.input_gradient;
  lap->flops = 2 * multiply_adds(node, batch) * gradients;
  lap->done = 2 * multiply_adds_done(node, batch, true) * gradients;
  lap->bytes = output + trained + 6 * trained; /* with Adam's: value and two moments, read and written */
  lap->bytes += saved_floats(node) + (op->backward_reads_input ? input : 0);
  lap->bytes += (op->backward_reads_output ? output : 0) + (first->op.input_gradient ? input : 0);
  if (first->op.input_gradient) lap->bytes += parameter_floats(network, node, false);
}

static void describe_loss(bench_lap *lap, const hg_network *network, hg_block block, int batch, bool training) {
  double output = floats(batch * hg_shape_count(hg_network_block_output(network, block)));
  lap->bytes = training ? output * (2 + (block == HG_DECODER)) : 0; /* in inference there is no target */
}

static void describe_node(bench_lap *lap, const hg_graph_node *node, const char *pass) {
  snprintf(lap->name, sizeof lap->name, "%s.%d %s %s", hg_block_name(node->block), node->place, node->implementation->name, pass);
}

static void describe(bench_lap *lap, const hg_network *network, const hg_step *step, int batch, bool training) {
  const hg_graph_node *node = &network->nodes[step->node];
  switch (step->kind) {
    case HG_STEP_FORWARD:
      describe_node(lap, node, "forward");
      describe_forward(lap, network, node, batch, training);
      return;
    case HG_STEP_BACKWARD:
      describe_node(lap, node, "backward");
      describe_backward(lap, network, node, batch);
      return;
    case HG_STEP_LOSS:
      snprintf(lap->name, sizeof lap->name, "%s loss", hg_block_name(step->block));
      describe_loss(lap, network, step->block, batch, training);
      return;
    case HG_STEP_ADD:
      snprintf(lap->name, sizeof lap->name, "sum of both heads' gradients");
      lap->bytes = 3 * floats(batch * hg_shape_count(hg_network_block_output(network, HG_ENCODER)));
      return;
  }
}

/* ---------------------------------------------------------------- the clock */

static void end_lap(bench_profile *profile, int lap) {
  double now = profile->clock();
  profile->laps[lap].seconds += now - profile->since;
  profile->since = now;
}

static void after_step(void *context, int step) { end_lap(context, 1 + step); }

void bench_profile_batch(bench_profile *profile) {
  end_lap(profile, 0);
  profile->batches++;
}

void bench_profile_optimizer(bench_profile *profile) { end_lap(profile, profile->count - 1); }

void bench_profile_start(bench_profile *profile, hg_network *network, int batch, int threads, bool training) {
  const hg_plan *plan = training ? &network->step : &network->forward;
  memset(profile, 0, sizeof *profile);
  profile->training = training;
  profile->clock = threads == 1 ? bench_thread_time : bench_now;
  profile->count = plan->count + 1 + training;
  bench_lap *batches = &profile->laps[0], *rest = &profile->laps[profile->count - 1];
  snprintf(batches->name, sizeof batches->name, "making the batch");
  batches->bytes = 5.0 * batch * (double)hg_shape_count(network->input); /* bytes to floats */
  for (int i = 0; i < plan->count; i++) describe(&profile->laps[1 + i], network, &plan->steps[i], batch, training);
  if (training) snprintf(rest->name, sizeof rest->name, "end of the step");
  network->after_step = after_step;
  network->after_step_context = profile;
  profile->since = profile->clock();
}

void bench_profile_stop(hg_network *network) { network->after_step = NULL; }

/* ---------------------------------------------------------------- the table */

static void print_lap(const bench_profile *profile, const bench_lap *lap, double total, double peak, double memory) {
  double seconds = lap->seconds / profile->batches;
  double rate = lap->flops / seconds, traffic = lap->bytes / seconds;
  printf("| %-38s | %8.1f | %5.1f | ", lap->name, 1e6 * seconds, 100 * lap->seconds / total);
  if (lap->flops > 0)
    printf("%7.1f | %9.1f | %6.1f | ", rate / 1e9, 100 * rate / peak, 100 * lap->done / seconds / peak);
  else
    printf("%7s | %9s | %6s | ", "", "", "");
  printf("%8.2f | %6.1f | %11.1f |\n", lap->bytes / 1e6, traffic / 1e9, 100 * traffic / memory);
}

void bench_profile_print(const bench_profile *profile, double peak, double memory) {
  bench_lap sum = {.name = "all"};
  for (int i = 0; i < profile->count; i++) {
    sum.seconds += profile->laps[i].seconds;
    sum.flops += profile->laps[i].flops;
    sum.done += profile->laps[i].done;
    sum.bytes += profile->laps[i].bytes;
  }
  printf("| %-38s | %8s | %5s | %7s | %9s | %6s | %8s | %6s | %11s |\n", "step", "us/batch", "%", "GFLOP/s", "% of peak",
         "done %", "MB least", "GB/s", "% of memory");
  printf("|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
  for (int i = 0; i < profile->count; i++)
    if (profile->laps[i].seconds > 0) print_lap(profile, &profile->laps[i], sum.seconds, peak, memory);
  print_lap(profile, &sum, sum.seconds, peak, memory);
}
