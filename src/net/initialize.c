/* Initial weights. */
#include "base/rng.h"
#include "net/graph.h"

#include <math.h>

static void fill_uniform(hg_tensor *tensor, hg_rng *rng, double bound) {
  float scale = (float)bound;
  for (int64_t i = 0; i < tensor->count; i++) tensor->value[i] = (2 * hg_rng_uniform(rng) - 1) * scale;
}

static void fill_normal(hg_tensor *tensor, hg_rng *rng, double variance) {
  float deviation = (float)sqrt(variance);
  for (int64_t i = 0; i < tensor->count; i++) tensor->value[i] = hg_rng_normal(rng) * deviation;
}

static void fill_constant(hg_tensor *tensor, float value) {
  for (int64_t i = 0; i < tensor->count; i++) tensor->value[i] = value;
}

/* Filter i takes the middle of channel i and nothing else (Zagoruyko and Komodakis 2017): (kh, kw, in, out). */
static void pass_channels(hg_tensor *tensor) {
  const int *dim = tensor->parameter.dim;
  int in = dim[2], out = dim[3], passed = in < out ? in : out;
  for (int64_t tap = 0; tap < (int64_t)dim[0] * dim[1] * in; tap++)
    for (int filter = 0; filter < passed; filter++) tensor->value[tap * out + filter] = 0;
  int64_t middle = (int64_t)((dim[0] - 1) / 2) * dim[1] + (dim[1] - 1) / 2; /* as padding: same puts it */
  for (int filter = 0; filter < passed; filter++) tensor->value[(middle * in + filter) * out + filter] = 1;
}

static void initialize_tensor(hg_tensor *tensor, hg_rng rng) {
  tensor->unwhitened = tensor->parameter.initializer == HG_INIT_WHITENING;
  double in = tensor->parameter.fan_in, out = tensor->parameter.fan_out;
  switch (tensor->parameter.initializer) {
    case HG_INIT_ONES:
      fill_constant(tensor, 1);
      return;
    case HG_INIT_GLOROT_UNIFORM:
      fill_uniform(tensor, &rng, sqrt(6 / (in + out)));
      return;
    case HG_INIT_GLOROT_NORMAL:
      fill_normal(tensor, &rng, 2 / (in + out));
      return;
    case HG_INIT_HE_UNIFORM:
      fill_uniform(tensor, &rng, sqrt(6 / in));
      return;
    case HG_INIT_HE_NORMAL:
    case HG_INIT_WHITENING:
      fill_normal(tensor, &rng, 2 / in);
      return;
    case HG_INIT_PYTORCH:
      fill_uniform(tensor, &rng, 1 / sqrt(in));
      return;
    case HG_INIT_DIRAC:
      fill_uniform(tensor, &rng, 1 / sqrt(in));
      pass_channels(tensor);
      return;
    case HG_INIT_DEFAULT:
    case HG_INIT_ZEROS:
      fill_constant(tensor, 0);
      return;
  }
}

hg_code hg_network_initialize(hg_network *network, uint64_t seed, hg_error *error) {
  hg_code code = hg_graph_build(network, error);
  if (code != HG_OK) return code;
  for (int i = 0; i < network->tensor_count; i++)
    initialize_tensor(&network->tensors[i], hg_rng_at(seed, HG_RNG_INITIALIZE, (uint32_t)i, 0));
  network->initialized = true;
  return HG_OK;
}
