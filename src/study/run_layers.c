#include "base/alloc.h"
#include "study/run.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct text_list {
  char *text;
  size_t size, used;
} text_list;

/* Appends ", ..." */
static void __attribute__((format(printf, 2, 3))) add(text_list *detail, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (detail->used > 0 && detail->used + 2 < detail->size) detail->used += (size_t)sprintf(detail->text + detail->used, ", ");
  int length = vsnprintf(detail->text + detail->used, detail->size - detail->used, format, arguments);
  va_end(arguments);
  detail->used += length < 0 ? 0 : (size_t)length;
  if (detail->used >= detail->size) detail->used = detail->size - 1;
}

static void add_window(text_list *detail, const hg_layer *layer) {
  add(detail, "%d x %d", layer->kernel_size[0], layer->kernel_size[1]);
  bool pooling = layer->kind == HG_MAX_POOL2D || layer->kind == HG_AVERAGE_POOL2D;
  const int *strides = layer->strides, *usual = layer->kernel_size;
  bool default_strides =
      pooling ? strides[0] == 0 || (strides[0] == usual[0] && strides[1] == usual[1]) : strides[0] == 1 && strides[1] == 1;
  if (!default_strides && strides[0] == strides[1])
    add(detail, "strides %d", strides[0]);
  else if (!default_strides)
    add(detail, "strides %d x %d", strides[0], strides[1]);
  if (layer->padding != HG_VALID) add(detail, "%s", hg_padding_name(layer->padding));
}

/* The settings that make this layer what it is, in the words of a study file. */
static void describe(const hg_layer *layer, char *text, size_t size) {
  text_list detail = {text, size, 0};
  text[0] = '\0';
  switch (layer->kind) {
    case HG_DENSE:
      add(&detail, layer->units == 1 ? "%d unit" : "%d units", layer->units);
      break;
    case HG_CONV2D:
    case HG_CONV2D_TRANSPOSE:
      add(&detail, layer->filters == 1 ? "%d filter" : "%d filters", layer->filters);
      add_window(&detail, layer);
      break;
    case HG_MAX_POOL2D:
    case HG_AVERAGE_POOL2D:
      add_window(&detail, layer);
      break;
    case HG_UPSAMPLE2D:
      add(&detail, "%d x %d", layer->size[0], layer->size[1]);
      break;
    case HG_DROPOUT:
      add(&detail, "rate %g", (double)layer->rate);
      break;
    default:
      break;
  }
  if (layer->activation != HG_LINEAR) add(&detail, "%s", hg_activation_name(layer->activation));
  hg_initializer first = layer->kernel_initializer;
  if (first == HG_INIT_DIRAC || first == HG_INIT_WHITENING) add(&detail, "%s", hg_initializer_name(first));
  if (layer->freeze) add(&detail, "frozen");
  if (layer->kind == HG_BATCH_NORM && !layer->scale) add(&detail, "no scale");
}

hg_code hg_study_layers(const hg_network *network, hg_layer_row **rows, int *count, hg_error *error) {
  *count = hg_network_layer_count(network);
  *rows = hg_calloc((size_t)*count + 1, sizeof **rows);
  if (*rows == NULL) return hg_fail_memory(error, "layers", (size_t)*count * sizeof **rows);
  for (int i = 0; i < *count; i++) {
    hg_layer_info info;
    hg_network_layer_info(network, i, &info);
    hg_layer_row *row = &(*rows)[i];
    snprintf(row->block, sizeof row->block, "%s", hg_block_name(info.block));
    snprintf(row->layer, sizeof row->layer, "%s", info.layer.name);
    snprintf(row->kind, sizeof row->kind, "%s", hg_layer_kind_name(info.layer.kind));
    describe(&info.layer, row->detail, sizeof row->detail);
    row->output = info.output;
    row->parameters = info.parameters;
    row->multiply_adds = info.multiply_adds;
    row->activation_bytes = info.activation_bytes;
  }
  return HG_OK;
}
