#define _GNU_SOURCE
#include "ops/onednn.h"

#include "base/alloc.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

/* ---- which operator */

static bool pads_evenly(const hg_op_node *node) {
  /* A transposed convolution whose kernel is smaller than its stride would need negative padding. */
  const hg_layer *layer = &node->layer;
  return layer->padding == HG_VALID || (layer->kernel_size[0] >= layer->strides[0] && layer->kernel_size[1] >= layer->strides[1]);
}

const hg_op *hg_op_onednn(const hg_op_node *node) {
  switch (node->layer.kind) {
    case HG_DENSE:
      return &hg_onednn_dense;
    case HG_CONV2D:
      return node->layer.padding == HG_REPLICATE ? NULL : &hg_onednn_conv2d;
    case HG_CONV2D_TRANSPOSE:
      return pads_evenly(node) ? &hg_onednn_conv2d_transpose : NULL;
    case HG_MAX_POOL2D:
      return &hg_onednn_max_pool2d;
    case HG_AVERAGE_POOL2D:
      return &hg_onednn_average_pool2d;
    case HG_GLOBAL_AVERAGE_POOL2D:
      return &hg_onednn_global_average_pool2d;
    case HG_BATCH_NORM:
      return &hg_onednn_batch_norm;
    case HG_ACTIVATION:
      return node->layer.activation == HG_LINEAR ? NULL : &hg_onednn_activation;
    default:
      return NULL;
  }
}

/* ---- threads: Debian's oneDNN runs on OpenMP, whose threads are counted for each calling thread. */

static void (*set_threads)(int);

static void find_set_threads(void) { *(void **)(void *)&set_threads = dlsym(RTLD_DEFAULT, "omp_set_num_threads"); }

static void use_threads(int threads) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, find_set_threads);
  if (set_threads != NULL) set_threads(threads);
}

/* ---- memory descriptors */

dnnl_memory_desc_t hg_onednn_tensor(int rank, const dnnl_dims_t dims, dnnl_format_tag_t tag) {
  dnnl_memory_desc_t desc;
  if (dnnl_memory_desc_init_by_tag(&desc, rank, dims, dnnl_f32, tag) != dnnl_success) memset(&desc, 0, sizeof desc);
  return desc;
}

dnnl_memory_desc_t hg_onednn_images(int n, hg_shape shape) {
  return hg_onednn_tensor(4, (dnnl_dims_t){n, shape.channels, shape.height, shape.width}, dnnl_nhwc);
}

dnnl_memory_desc_t hg_onednn_rows(int n, hg_shape shape) {
  return hg_onednn_tensor(2, (dnnl_dims_t){n, hg_shape_count(shape)}, dnnl_nc);
}

dnnl_memory_desc_t hg_onednn_vector(int count) { return hg_onednn_tensor(1, (dnnl_dims_t){count}, dnnl_x); }

/* ---- steps */

bool hg_onednn_step_make(const hg_onednn *library, hg_onednn_step *step, const_dnnl_op_desc_t op,
                         const_dnnl_primitive_attr_t attr, const hg_onednn_step *hint) {
  if (dnnl_primitive_desc_create(&step->desc, op, attr, library->engine, hint == NULL ? NULL : hint->desc) != dnnl_success)
    return false;
  return dnnl_primitive_create(&step->primitive, step->desc) == dnnl_success;
}

static bool make_reorder(const hg_onednn *library, hg_onednn_operand *operand, const dnnl_memory_desc_t *from,
                         const dnnl_memory_desc_t *to) {
  dnnl_primitive_desc_t desc;
  if (dnnl_reorder_primitive_desc_create(&desc, from, library->engine, to, library->engine, NULL) != dnnl_success) return false;
  bool made = dnnl_primitive_create(&operand->reorder, desc) == dnnl_success;
  dnnl_primitive_desc_destroy(desc);
  return made;
}

bool hg_onednn_step_add(const hg_onednn *library, hg_onednn_step *step, int argument, bool output,
                        const dnnl_memory_desc_t *ours) {
  hg_onednn_operand *operand = &step->operand[step->count++];
  *operand = (hg_onednn_operand){.argument = argument, .output = output};
  if (dnnl_memory_create(&operand->ours, ours, library->engine, DNNL_MEMORY_NONE) != dnnl_success) return false;
  operand->library = operand->ours;
  const dnnl_memory_desc_t *theirs = dnnl_primitive_desc_query_md(step->desc, dnnl_query_exec_arg_md, argument);
  if (theirs == NULL || dnnl_memory_desc_equal(theirs, ours)) return theirs != NULL;
  operand->buffer = hg_alloc_aligned(dnnl_memory_desc_get_size(theirs));
  if (operand->buffer == NULL) return false;
  operand->library = NULL;
  if (dnnl_memory_create(&operand->library, theirs, library->engine, operand->buffer) != dnnl_success) return false;
  return output ? make_reorder(library, operand, theirs, ours) : make_reorder(library, operand, ours, theirs);
}

static bool run_reorder(const hg_onednn *library, const hg_onednn_operand *operand) {
  dnnl_exec_arg_t from = {DNNL_ARG_FROM, operand->output ? operand->library : operand->ours};
  dnnl_exec_arg_t to = {DNNL_ARG_TO, operand->output ? operand->ours : operand->library};
  return dnnl_primitive_execute(operand->reorder, library->stream, 2, (dnnl_exec_arg_t[]){from, to}) == dnnl_success;
}

static void fill_with_nan(const hg_onednn_operand *operand, float *values) {
  const dnnl_memory_desc_t *ours;
  if (dnnl_memory_get_memory_desc(operand->ours, &ours) != dnnl_success) return;
  int64_t count = (int64_t)(dnnl_memory_desc_get_size(ours) / sizeof *values);
  for (int64_t i = 0; i < count; i++) values[i] = NAN;
}

void hg_onednn_step_run(const hg_onednn *library, const hg_onednn_step *step, dnnl_memory_t workspace,
                        const void *const *addresses) {
  dnnl_exec_arg_t arguments[HG_ONEDNN_OPERANDS + 1];
  int count = step->count;
  bool done = true;
  for (int i = 0; i < step->count; i++) {
    const hg_onednn_operand *operand = &step->operand[i];
    void *address = (void *)addresses[i]; /* NOLINT(clang-analyzer-core.CallAndMessage): one each */
    done = done && dnnl_memory_set_data_handle(operand->ours, address) == dnnl_success;
    if (operand->reorder != NULL && !operand->output) done = done && run_reorder(library, operand);
    arguments[i] = (dnnl_exec_arg_t){operand->argument, operand->library};
  }
  if (workspace != NULL) arguments[count++] = (dnnl_exec_arg_t){DNNL_ARG_WORKSPACE, workspace};
  done = done && dnnl_primitive_execute(step->primitive, library->stream, count, arguments) == dnnl_success;
  for (int i = 0; i < step->count; i++)
    if (step->operand[i].reorder != NULL && step->operand[i].output) done = done && run_reorder(library, &step->operand[i]);
  done = dnnl_stream_wait(library->stream) == dnnl_success && done;
  for (int i = 0; i < step->count && !done; i++)
    if (step->operand[i].output) fill_with_nan(&step->operand[i], (void *)addresses[i]);
}

static void release_step(hg_onednn_step *step) {
  for (int i = 0; i < step->count; i++) {
    hg_onednn_operand *operand = &step->operand[i];
    if (operand->reorder != NULL) dnnl_primitive_destroy(operand->reorder);
    if (operand->library != NULL && operand->library != operand->ours) dnnl_memory_destroy(operand->library);
    if (operand->ours != NULL) dnnl_memory_destroy(operand->ours);
    hg_free_aligned(operand->buffer);
  }
  if (step->primitive != NULL) dnnl_primitive_destroy(step->primitive);
  if (step->desc != NULL) dnnl_primitive_desc_destroy(step->desc);
}

static void release_variant(hg_onednn_variant *variant) {
  for (int i = 0; i < HG_ONEDNN_STEPS; i++) release_step(&variant->step[i]);
  if (variant->workspace != NULL) dnnl_memory_destroy(variant->workspace);
  hg_free_aligned(variant->workspace_buffer);
}

/* ---- activations inside other layers */

/* oneDNN's name for an activation in the form that takes its gradient from the output, or from the input for gelu. */
static dnnl_alg_kind_t algorithm_of(hg_activation activation, bool backward) {
  switch (activation) {
    case HG_RELU:
    case HG_LEAKY_RELU:
      return backward ? dnnl_eltwise_relu_use_dst_for_bwd : dnnl_eltwise_relu;
    case HG_SIGMOID:
      return backward ? dnnl_eltwise_logistic_use_dst_for_bwd : dnnl_eltwise_logistic;
    case HG_TANH:
      return backward ? dnnl_eltwise_tanh_use_dst_for_bwd : dnnl_eltwise_tanh;
    case HG_GELU:
      return dnnl_eltwise_gelu_erf;
    default:
      return dnnl_alg_kind_undef;
  }
}

static float slope_of(const hg_layer *layer) { return layer->activation == HG_LEAKY_RELU ? layer->negative_slope : 0; }

bool hg_onednn_fuse(const hg_layer *layer, dnnl_primitive_attr_t *attr) {
  dnnl_post_ops_t after;
  *attr = NULL;
  if (layer->activation == HG_LINEAR) return true;
  if (dnnl_primitive_attr_create(attr) != dnnl_success) return false;
  if (dnnl_post_ops_create(&after) != dnnl_success) return false;
  bool made =
      dnnl_post_ops_append_eltwise(after, 1, algorithm_of(layer->activation, false), slope_of(layer), 0) == dnnl_success &&
      dnnl_primitive_attr_set_post_ops(*attr, after) == dnnl_success;
  dnnl_post_ops_destroy(after);
  return made;
}

bool hg_onednn_activate_step(const hg_onednn *library, const hg_layer *layer, const dnnl_memory_desc_t *data,
                             hg_onednn_step *step) {
  if (layer->activation == HG_LINEAR) return true;
  dnnl_eltwise_desc_t op;
  dnnl_alg_kind_t algorithm = algorithm_of(layer->activation, false);
  return dnnl_eltwise_forward_desc_init(&op, dnnl_forward_training, algorithm, data, slope_of(layer), 0) == dnnl_success &&
         hg_onednn_step_make(library, step, &op, NULL, NULL) && hg_onednn_step_add(library, step, DNNL_ARG_SRC, false, data) &&
         hg_onednn_step_add(library, step, DNNL_ARG_DST, true, data);
}

bool hg_onednn_activation_step(const hg_onednn *library, const hg_layer *layer, const dnnl_memory_desc_t *data,
                               hg_onednn_step *step) {
  if (layer->activation == HG_LINEAR) return true;
  hg_onednn_step forward = {0};
  dnnl_eltwise_desc_t op;
  dnnl_alg_kind_t algorithm = algorithm_of(layer->activation, true);
  int value = layer->activation == HG_GELU ? DNNL_ARG_SRC : DNNL_ARG_DST;
  float slope = slope_of(layer);
  bool made = dnnl_eltwise_forward_desc_init(&op, dnnl_forward_training, algorithm, data, slope, 0) == dnnl_success &&
              hg_onednn_step_make(library, &forward, &op, NULL, NULL) &&
              dnnl_eltwise_backward_desc_init(&op, algorithm, data, data, slope, 0) == dnnl_success &&
              hg_onednn_step_make(library, step, &op, NULL, &forward) && hg_onednn_step_add(library, step, value, false, data) &&
              hg_onednn_step_add(library, step, DNNL_ARG_DIFF_DST, false, data) &&
              hg_onednn_step_add(library, step, DNNL_ARG_DIFF_SRC, true, data);
  release_step(&forward);
  return made;
}

void hg_onednn_run_activation(const hg_onednn *library, const hg_onednn_variant *variant, const hg_op_call *call) {
  const hg_onednn_step *step = &variant->step[HG_ONEDNN_ACTIVATION];
  if (step->primitive == NULL) return;
  hg_onednn_step_run(library, step, NULL, (const void *[]){call->output, call->output_gradient, call->output_gradient});
}

/* ---- variants */

static hg_onednn_variant *add_variant(hg_onednn *library, const hg_op_node *node, int n, bool training) {
  if (!hg_grow(&library->variants, &library->capacity, library->count + 1, sizeof *library->variants)) return NULL;
  hg_onednn_variant *variant = &library->variants[library->count];
  *variant = (hg_onednn_variant){.n = n, .training = training};
  if (!library->make(library, node, variant)) {
    release_variant(variant);
    return NULL;
  }
  library->count++;
  return variant;
}

hg_onednn_variant *hg_onednn_variant_made(const hg_op_call *call) {
  hg_onednn *library = hg_onednn_of(call->node);
  use_threads(hg_pool_threads(call->pool));
  for (size_t i = 0; i < library->count; i++)
    if (library->variants[i].n == call->n && library->variants[i].training == call->training) return &library->variants[i];
  return NULL;
}

hg_onednn_variant *hg_onednn_variant_of(const hg_op_call *call) {
  hg_onednn_variant *made = hg_onednn_variant_made(call);
  return made != NULL ? made : add_variant(hg_onednn_of(call->node), call->node, call->n, call->training);
}

void hg_onednn_release(hg_op_node *node) {
  hg_onednn *library = hg_onednn_of(node);
  if (library == NULL) return;
  for (size_t i = 0; i < library->count; i++) release_variant(&library->variants[i]);
  hg_free(library->variants);
  if (library->stream != NULL) dnnl_stream_destroy(library->stream);
  if (library->engine != NULL) dnnl_engine_destroy(library->engine);
  hg_free(library);
  node->state = NULL;
}

hg_code hg_onednn_prepare(hg_op_node *node, hg_onednn_maker *make, hg_error *error) {
  const char *name = node->layer.name[0] != '\0' ? node->layer.name : hg_layer_kind_name(node->layer.kind);
  hg_onednn *library = hg_calloc(1, sizeof *library);
  if (library == NULL) return hg_fail_memory(error, name, sizeof *library);
  node->state = library;
  library->make = make;
  use_threads(node->threads);
  if (dnnl_engine_create(&library->engine, dnnl_cpu, 0) == dnnl_success &&
      dnnl_stream_create(&library->stream, library->engine, dnnl_stream_default_flags) == dnnl_success &&
      add_variant(library, node, node->batch, node->training) != NULL)
    return HG_OK;
  hg_onednn_release(node);
  return hg_fail(error, HG_FAILED, name, "oneDNN has no version of this layer for %d samples of %dx%dx%d; use engine: native",
                 node->batch, node->input.height, node->input.width, node->input.channels);
}

/* ---- what the native operator says serves here too */

hg_code hg_onednn_shape(const hg_layer *layer, hg_shape input, hg_shape *output, hg_error *error) {
  return hg_op_native(layer->kind)->shape(layer, input, output, error);
}

int hg_onednn_parameters(const hg_layer *layer, hg_shape input, hg_shape output, hg_parameter list[HG_OP_PARAMETERS]) {
  return hg_op_native(layer->kind)->parameters(layer, input, output, list);
}

hg_op_memory hg_onednn_memory(const hg_op_node *node) {
  const hg_op *native = hg_op_native(node->layer.kind);
  return native->memory == NULL ? (hg_op_memory){0, 0} : native->memory(node);
}

int64_t hg_onednn_multiply_adds(const hg_op_node *node) { return hg_op_native(node->layer.kind)->multiply_adds(node); }
