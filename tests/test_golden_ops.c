/* Single operators, loss functions and optimizer steps against figures recorded from PyTorch. */
#include "golden.h"
#include "ops/op.h"

static const double TOLERANCE = 1e-5;

/* ---------------------------------------------------------------- operators */

typedef struct op_case {
  const char *name;
  hg_layer_kind kind;
  int out;        /* units or filters */
  int size[2];    /* kernel, window or factors */
  int strides[2]; /* {0, 0} = the default */
  hg_padding padding;
  hg_activation activation;
} op_case;

static const op_case op_cases[] = {
    {.name = "dense", .kind = HG_DENSE, .out = 7},
    {"conv2d_valid", HG_CONV2D, 5, {3, 3}, {1, 1}, HG_VALID, HG_LINEAR},
    {"conv2d_same", HG_CONV2D, 5, {3, 3}, {1, 1}, HG_SAME, HG_LINEAR},
    {"conv2d_same_stride", HG_CONV2D, 4, {3, 2}, {2, 2}, HG_SAME, HG_LINEAR},
    {"conv2d_valid_stride", HG_CONV2D, 4, {2, 3}, {1, 2}, HG_VALID, HG_LINEAR},
    {"conv2d_even", HG_CONV2D, 17, {2, 4}, {1, 1}, HG_SAME, HG_LINEAR},
    {"conv2d_pointwise", HG_CONV2D, 9, {1, 1}, {1, 1}, HG_VALID, HG_LINEAR},
    {"conv2d_wide", HG_CONV2D, 6, {7, 7}, {1, 1}, HG_SAME, HG_LINEAR},
    {"conv2d_replicate", HG_CONV2D, 5, {3, 3}, {1, 1}, HG_REPLICATE, HG_LINEAR},
    {"conv2d_replicate_stride", HG_CONV2D, 5, {5, 5}, {2, 2}, HG_REPLICATE, HG_LINEAR},
    {"conv2d_transpose_valid", HG_CONV2D_TRANSPOSE, 5, {3, 3}, {1, 1}, HG_VALID, HG_LINEAR},
    {"conv2d_transpose_valid_stride", HG_CONV2D_TRANSPOSE, 5, {3, 3}, {2, 2}, HG_VALID, HG_LINEAR},
    {"conv2d_transpose_same", HG_CONV2D_TRANSPOSE, 4, {3, 3}, {1, 1}, HG_SAME, HG_LINEAR},
    {"conv2d_transpose_same_stride", HG_CONV2D_TRANSPOSE, 4, {3, 3}, {2, 2}, HG_SAME, HG_LINEAR},
    {"conv2d_transpose_even", HG_CONV2D_TRANSPOSE, 4, {2, 2}, {2, 2}, HG_SAME, HG_LINEAR},
    {"max_pool2d_valid", HG_MAX_POOL2D, 0, {2, 2}, {2, 2}, HG_VALID, HG_LINEAR},
    {"max_pool2d_overlapping", HG_MAX_POOL2D, 0, {3, 2}, {2, 1}, HG_VALID, HG_LINEAR},
    {"max_pool2d_same", HG_MAX_POOL2D, 0, {2, 2}, {2, 2}, HG_SAME, HG_LINEAR},
    {"max_pool2d_same_overlapping", HG_MAX_POOL2D, 0, {3, 3}, {2, 2}, HG_SAME, HG_LINEAR},
    {"average_pool2d_valid", HG_AVERAGE_POOL2D, 0, {2, 2}, {2, 2}, HG_VALID, HG_LINEAR},
    {"average_pool2d_overlapping", HG_AVERAGE_POOL2D, 0, {3, 2}, {2, 1}, HG_VALID, HG_LINEAR},
    {"average_pool2d_same", HG_AVERAGE_POOL2D, 0, {2, 2}, {2, 2}, HG_SAME, HG_LINEAR},
    {"average_pool2d_same_overlapping", HG_AVERAGE_POOL2D, 0, {3, 3}, {2, 2}, HG_SAME, HG_LINEAR},
    {.name = "global_average_pool2d", .kind = HG_GLOBAL_AVERAGE_POOL2D},
    {.name = "upsample2d", .kind = HG_UPSAMPLE2D, .size = {2, 3}},
    {.name = "relu", .kind = HG_ACTIVATION, .activation = HG_RELU},
    {.name = "leaky_relu", .kind = HG_ACTIVATION, .activation = HG_LEAKY_RELU},
    {.name = "gelu", .kind = HG_ACTIVATION, .activation = HG_GELU},
    {.name = "sigmoid", .kind = HG_ACTIVATION, .activation = HG_SIGMOID},
    {.name = "tanh", .kind = HG_ACTIVATION, .activation = HG_TANH},
    {.name = "softmax", .kind = HG_ACTIVATION, .activation = HG_SOFTMAX},
    {.name = "batch_norm_training", .kind = HG_BATCH_NORM},
    {.name = "batch_norm_evaluation", .kind = HG_BATCH_NORM},
};

static hg_layer layer_of(const op_case *c) {
  hg_layer layer = hg_layer_default(c->kind);
  layer.units = layer.filters = c->out;
  memcpy(layer.kernel_size, c->size, sizeof layer.kernel_size);
  memcpy(layer.size, c->size, sizeof layer.size);
  if (c->strides[0] != 0) memcpy(layer.strides, c->strides, sizeof layer.strides);
  layer.padding = c->padding;
  layer.activation = c->activation;
  return layer;
}

/* Place in PyTorch's layout of element i of a parameter as the engine holds it. */
static int64_t torch_index(const hg_parameter *parameter, int64_t i) {
  const int *dim = parameter->dim;
  int64_t out = i % dim[3], in = i / dim[3] % dim[2], pixel = i / dim[3] / dim[2], pixels = (int64_t)dim[0] * dim[1];
  switch (parameter->layout) {
    case HG_LAYOUT_DENSE:
      return i % dim[1] * dim[0] + i / dim[1];
    case HG_LAYOUT_CONV:
      return (out * dim[2] + in) * pixels + pixel;
    case HG_LAYOUT_CONV_TRANSPOSE:
      return (in * dim[3] + out) * pixels + pixel;
    default:
      return i;
  }
}

/* The recorded tensor in the engine's layout. */
static float *recorded_parameter(const hg_safetensors *file, const char *prefix, const hg_parameter *parameter,
                                 const char *suffix) {
  char name[64];
  snprintf(name, sizeof name, "%s%s", parameter->name, suffix);
  const hg_named_tensor *tensor = golden_tensor(file, prefix, name);
  int64_t count = hg_parameter_count(parameter);
  assert_int_equal(hg_named_tensor_count(tensor), count);
  float *recorded = golden_values(tensor), *values = hg_alloc_aligned((size_t)count * sizeof *values);
  for (int64_t i = 0; i < count; i++) values[i] = recorded[torch_index(parameter, i)];
  hg_free_aligned(recorded);
  return values;
}

typedef struct op_run {
  const hg_op *op;
  hg_op_node node;
  hg_op_call call;
  hg_parameter parameters[HG_OP_PARAMETERS];
  int parameter_count;
} op_run;

static hg_shape shape_of(const hg_named_tensor *tensor) {
  if (tensor->rank == 2) return (hg_shape){1, 1, (int)tensor->dim[1]};
  return (hg_shape){(int)tensor->dim[1], (int)tensor->dim[2], (int)tensor->dim[3]};
}

static int64_t count_of(int n, hg_shape shape) { return (int64_t)n * shape.height * shape.width * shape.channels; }

static float *zeroed(int64_t count) {
  float *values = hg_alloc_aligned((size_t)(count + 16) * sizeof *values);
  assert_non_null(values);
  return values;
}

static void start(const op_case *c, const hg_safetensors *file, op_run *run) {
  const hg_named_tensor *input = golden_tensor(file, c->name, "input");
  hg_error error = {0};
  *run = (op_run){.op = hg_op_native(c->kind)};
  int n = (int)input->dim[0];
  hg_op_node *node = &run->node;
  *node = (hg_op_node){.layer = layer_of(c), .input = shape_of(input), .batch = n, .threads = 1, .training = true};
  node->input_gradient = true;
  if (run->op->shape(&node->layer, node->input, &node->output, &error) != HG_OK) fail_msg("%s: %s", c->name, error.message);
  hg_shape wanted = shape_of(golden_tensor(file, c->name, "output"));
  assert_memory_equal(&node->output, &wanted, sizeof wanted);
  if (run->op->prepare != NULL) assert_int_equal(run->op->prepare(node, &error), HG_OK);
  hg_op_memory memory = run->op->memory != NULL ? run->op->memory(node) : (hg_op_memory){0};
  run->call = (hg_op_call){.node = node,
                           .n = n,
                           .training = strstr(c->name, "evaluation") == NULL,
                           .input = golden_values(input),
                           .output = zeroed(count_of(n, node->output)),
                           .output_gradient = golden_floats(file, c->name, "output_gradient"),
                           .input_gradient = zeroed(count_of(n, node->input)),
                           .saved = zeroed((int64_t)memory.saved),
                           .scratch = zeroed((int64_t)memory.scratch)};
  if (run->op->parameters != NULL)
    run->parameter_count = run->op->parameters(&node->layer, node->input, node->output, run->parameters);
  for (int i = 0; i < run->parameter_count; i++) {
    run->call.values[i] = recorded_parameter(file, c->name, &run->parameters[i], "");
    if (run->parameters[i].trainable) run->call.gradients[i] = zeroed(hg_parameter_count(&run->parameters[i]));
  }
}

static void finish(op_run *run) {
  if (run->op->release != NULL) run->op->release(&run->node);
  hg_free_aligned((void *)run->call.input);
  hg_free_aligned(run->call.output);
  hg_free_aligned(run->call.output_gradient);
  hg_free_aligned(run->call.input_gradient);
  hg_free_aligned(run->call.saved);
  hg_free_aligned(run->call.scratch);
  for (int i = 0; i < run->parameter_count; i++) {
    hg_free_aligned(run->call.values[i]);
    if (run->call.gradients[i] != NULL) hg_free_aligned(run->call.gradients[i]);
  }
}

static void compare_map(const op_case *c, const hg_safetensors *file, const char *name, const float *got) {
  const hg_named_tensor *tensor = golden_tensor(file, c->name, name);
  float *wanted = golden_values(tensor);
  golden_compare(c->name, name, got, wanted, hg_named_tensor_count(tensor), TOLERANCE);
  hg_free_aligned(wanted);
}

static void compare_parameters(const op_case *c, const hg_safetensors *file, const op_run *run) {
  for (int i = 0; i < run->parameter_count; i++) {
    const hg_parameter *parameter = &run->parameters[i];
    const char *suffix = parameter->trainable ? "_gradient" : "_after";
    float *wanted = recorded_parameter(file, c->name, parameter, suffix);
    const float *got = parameter->trainable ? run->call.gradients[i] : run->call.values[i];
    golden_compare(c->name, parameter->name, got, wanted, hg_parameter_count(parameter), TOLERANCE);
    hg_free_aligned(wanted);
  }
}

static void operators_agree_with_pytorch_forward_and_backward(void **state) {
  (void)state;
  hg_safetensors file;
  golden_open("ops", &file);
  for (size_t i = 0; i < sizeof op_cases / sizeof op_cases[0]; i++) {
    const op_case *c = &op_cases[i];
    op_run run;
    start(c, &file, &run);
    run.op->forward(&run.call);
    compare_map(c, &file, "output", run.call.output);
    if (run.call.training) {
      run.op->backward(&run.call);
      compare_map(c, &file, "input_gradient", run.call.input_gradient);
      compare_parameters(c, &file, &run);
    }
    finish(&run);
  }
  hg_safetensors_release(&file);
}

/* ---------------------------------------------------------------- losses */

typedef struct loss_case {
  const char *name;
  double (*loss)(const hg_loss_call *call);
  float label_smoothing;
} loss_case;

static const loss_case loss_cases[] = {
    {"mse", hg_loss_mse, 0},
    {"bce_logits", hg_loss_bce_logits, 0},
    {"bce_logits_large", hg_loss_bce_logits, 0},
    {"bce_probabilities", hg_loss_bce_probabilities, 0},
    {"cross_entropy", hg_loss_cross_entropy, 0},
    {"cross_entropy_large", hg_loss_cross_entropy, 0},
    {"cross_entropy_smoothed", hg_loss_cross_entropy, 0.1f},
};

static void check_loss(const loss_case *c, const hg_safetensors *file) {
  const hg_named_tensor *output = golden_tensor(file, c->name, "output"), *target = golden_tensor(file, c->name, "target");
  int64_t count = hg_named_tensor_count(output);
  void *targets = golden_values(target);
  float *values = golden_values(output), *gradient = zeroed(count), *per_sample = zeroed(output->dim[0]);
  hg_loss_call call = {.n = (int)output->dim[0],
                       .shape = {1, 1, (int)output->dim[1]},
                       .output = values,
                       .target = target->dtype == HG_F32 ? targets : NULL,
                       .labels = target->dtype == HG_I32 ? targets : NULL,
                       .weight = 1,
                       .label_smoothing = c->label_smoothing,
                       .gradient = gradient,
                       .per_sample = per_sample};
  double mean = c->loss(&call);
  double *wanted_mean = golden_values(golden_tensor(file, c->name, "mean"));
  if (fabs(mean - *wanted_mean) > TOLERANCE * fabs(*wanted_mean))
    fail_msg("%s is %.9g; PyTorch has %.9g", c->name, mean, *wanted_mean);
  float *wanted = golden_floats(file, c->name, "gradient");
  golden_compare(c->name, "gradient", gradient, wanted, count, TOLERANCE);
  hg_free_aligned(wanted);
  hg_free_aligned(wanted_mean);
  hg_free_aligned(per_sample);
  hg_free_aligned(gradient);
  hg_free_aligned(values);
  hg_free_aligned(targets);
}

static void losses_and_their_gradients_agree_with_pytorch(void **state) {
  (void)state;
  hg_safetensors file;
  golden_open("losses", &file);
  for (size_t i = 0; i < sizeof loss_cases / sizeof loss_cases[0]; i++) check_loss(&loss_cases[i], &file);
  hg_safetensors_release(&file);
}

/* ---------------------------------------------------------------- updates */

typedef struct update_case {
  const char *name;
  hg_update settings;
} update_case;

static const update_case update_cases[] = {
    {"sgd", {.learning_rate = 0.1f}},
    {"sgd_decay", {.learning_rate = 0.1f, .weight_decay = 0.01f}},
    {"momentum", {.learning_rate = 0.1f, .momentum = 0.9f}},
    {"nesterov", {.learning_rate = 0.1f, .momentum = 0.9f, .nesterov = true, .weight_decay = 0.01f}},
    {"adam", {.adaptive = true, .learning_rate = 0.01f}},
    {"adam_decay", {.adaptive = true, .learning_rate = 0.01f, .weight_decay = 0.1f}},
    {"adamw", {.adaptive = true, .learning_rate = 0.01f, .weight_decay = 0.1f, .decoupled = true}},
};

static void check_updates(const update_case *c, const hg_safetensors *file) {
  const hg_named_tensor *gradients = hg_safetensors_find(file, "gradients");
  int steps = (int)gradients->dim[0];
  int64_t count = gradients->dim[1];
  float *value = golden_values(hg_safetensors_find(file, "start")), *gradient = golden_values(gradients);
  float *wanted = golden_floats(file, c->name, "values");
  hg_update update = c->settings;
  update.count = count;
  update.value = value;
  update.moment_1 = zeroed(count);
  update.moment_2 = zeroed(count);
  update.scale = 1;
  update.beta_1 = 0.9f;
  update.beta_2 = 0.999f;
  update.epsilon = 1e-8f;
  for (int step = 0; step < steps; step++) {
    update.gradient = gradient + step * count;
    update.first_step = step == 0;
    update.correction_1 = (float)(1 - pow(0.9, step + 1));
    update.correction_2 = (float)(1 - pow(0.999, step + 1));
    hg_update_apply(NULL, &update);
    golden_compare(c->name, "values", value, wanted + step * count, count, 1e-6);
  }
  hg_free_aligned(update.moment_1);
  hg_free_aligned(update.moment_2);
  hg_free_aligned(value);
  hg_free_aligned(gradient);
  hg_free_aligned(wanted);
}

static void optimizer_steps_agree_with_pytorch(void **state) {
  (void)state;
  hg_safetensors file;
  golden_open("updates", &file);
  for (size_t i = 0; i < sizeof update_cases / sizeof update_cases[0]; i++) check_updates(&update_cases[i], &file);
  hg_safetensors_release(&file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(operators_agree_with_pytorch_forward_and_backward),
      cmocka_unit_test(losses_and_their_gradients_agree_with_pytorch),
      cmocka_unit_test(optimizer_steps_agree_with_pytorch),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
