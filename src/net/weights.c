/* Weights to and from safetensors, in PyTorch's names and layouts. */
#include "base/alloc.h"
#include "base/file.h"
#include "net/graph.h"
#include "store/safetensors.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- layouts */

/* Place in C, H, W order of the element at i in H, W, C order; i itself where there is no map behind the vector. */
static int64_t torch_place(hg_shape map, int64_t i) {
  if (map.height == 0) return i;
  int64_t channel = i % map.channels, pixel = i / map.channels;
  return channel * map.height * map.width + pixel;
}

/* Where element i of the tensor, as the engine holds it, lies in PyTorch's layout. */
static int64_t torch_index(const hg_tensor *tensor, int64_t i) {
  const int *dim = tensor->parameter.dim;
  switch (tensor->parameter.layout) {
    case HG_LAYOUT_DENSE: { /* (in, out) -> (out, in) */
      int64_t in = torch_place(tensor->flattened_in, i / dim[1]), out = torch_place(tensor->flattened_out, i % dim[1]);
      return out * dim[0] + in;
    }
    case HG_LAYOUT_CONV:
    case HG_LAYOUT_CONV_TRANSPOSE: { /* (y, x, in, out) -> (out, in, y, x); transposed: (in, out, y, x) */
      int64_t out = i % dim[3], in = i / dim[3] % dim[2], pixel = i / dim[3] / dim[2];
      bool transposed = tensor->parameter.layout == HG_LAYOUT_CONV_TRANSPOSE;
      int64_t row = transposed ? in * dim[3] + out : out * dim[2] + in;
      return row * dim[0] * dim[1] + pixel;
    }
    case HG_LAYOUT_VECTOR:
      return torch_place(tensor->flattened_out, i);
  }
  return i;
}

/* Rank and dimensions of the tensor in PyTorch's layout. */
static int torch_shape(const hg_tensor *tensor, int64_t out[4]) {
  const int *dim = tensor->parameter.dim;
  switch (tensor->parameter.layout) {
    case HG_LAYOUT_DENSE:
      out[0] = dim[1], out[1] = dim[0];
      return 2;
    case HG_LAYOUT_CONV:
      out[0] = dim[3], out[1] = dim[2], out[2] = dim[0], out[3] = dim[1];
      return 4;
    case HG_LAYOUT_CONV_TRANSPOSE:
      out[0] = dim[2], out[1] = dim[3], out[2] = dim[0], out[3] = dim[1];
      return 4;
    case HG_LAYOUT_VECTOR:
      break;
  }
  out[0] = dim[0], out[1] = dim[1];
  return dim[1] == 1 ? 1 : 2;
}

/* ---------------------------------------------------------------- saving */

hg_code hg_network_save(const hg_network *network, const char *path, hg_error *error) {
  if (!network->initialized)
    return hg_fail(error, HG_USAGE, path, "the network has no weights yet; initialise, load or train it first");
  hg_named_tensor *rows = hg_calloc((size_t)network->tensor_count, sizeof *rows);
  float *values = hg_malloc(network->value_floats * sizeof(float));
  hg_code code = HG_OK;
  if (rows == NULL || values == NULL) code = hg_fail_memory(error, path, network->value_floats * sizeof(float));
  float *at = values;
  for (int i = 0; code == HG_OK && i < network->tensor_count; i++) {
    const hg_tensor *tensor = &network->tensors[i];
    memcpy(rows[i].name, tensor->name, sizeof rows[i].name);
    rows[i].dtype = HG_F32;
    rows[i].rank = torch_shape(tensor, rows[i].dim);
    rows[i].data = at;
    for (int64_t j = 0; j < tensor->count; j++) at[torch_index(tensor, j)] = tensor->value[j];
    at += tensor->count;
  }
  const char *metadata[] = {"format", "pt", "producer", "hourglass " HG_VERSION, NULL};
  if (code == HG_OK) code = hg_safetensors_write(path, rows, network->tensor_count, metadata, error);
  hg_free(rows);
  hg_free(values);
  return code;
}

/* ---------------------------------------------------------------- loading */

static void shape_text(int rank, const int64_t *dim, char *out, size_t size) {
  size_t at = 0;
  out[0] = '\0';
  for (int i = 0; i < rank && at < size; i++)
    at += (size_t)snprintf(out + at, size - at, i == 0 ? "%lld" : "x%lld", (long long)dim[i]);
}

static hg_code check_tensor(const hg_tensor *tensor, const hg_named_tensor *found, const char *path, hg_error *error) {
  if (found == NULL) return hg_fail(error, HG_USAGE, path, "it has no tensor `%s`, which this network needs", tensor->name);
  if (found->dtype != HG_F32) return hg_fail(error, HG_USAGE, path, "tensor `%s` is not F32", tensor->name);
  int64_t wanted[4];
  int rank = torch_shape(tensor, wanted);
  if (rank == found->rank && memcmp(wanted, found->dim, (size_t)rank * sizeof *wanted) == 0) return HG_OK;
  char has[96], needs[96];
  shape_text(found->rank, found->dim, has, sizeof has);
  shape_text(rank, wanted, needs, sizeof needs);
  return hg_fail(error, HG_USAGE, path, "tensor `%s` is %s; this network needs %s", tensor->name, has, needs);
}

/* The loss's, which serve training alone, though they stand with the encoder whose codes they are of. */
static bool are_centers(const hg_tensor *tensor) { return strcmp(tensor->name, "center_loss.centers") == 0; }

static bool is_wanted(const hg_tensor *tensor, const hg_safetensors *file) {
  return !are_centers(tensor) || hg_safetensors_find(file, tensor->name) != NULL;
}

hg_code hg_network_load(hg_network *network, const char *path, hg_error *error) {
  hg_code code = hg_graph_build(network, error);
  if (code != HG_OK) return code;
  hg_safetensors file;
  code = hg_safetensors_read(path, &file, error);
  if (code != HG_OK) return code;
  /* Everything is checked before anything is changed. */
  for (int i = 0; code == HG_OK && i < network->tensor_count; i++) {
    const hg_tensor *tensor = &network->tensors[i];
    if (is_wanted(tensor, &file)) code = check_tensor(tensor, hg_safetensors_find(&file, tensor->name), path, error);
  }
  for (int i = 0; code == HG_OK && i < network->tensor_count; i++) {
    hg_tensor *tensor = &network->tensors[i];
    if (!is_wanted(tensor, &file)) continue;
    const char *bytes = hg_safetensors_find(&file, tensor->name)->data; /* not aligned */
    for (int64_t j = 0; j < tensor->count; j++) memcpy(&tensor->value[j], bytes + torch_index(tensor, j) * 4, 4);
  }
  hg_safetensors_release(&file);
  for (int i = 0; code == HG_OK && i < network->tensor_count; i++) network->tensors[i].unwhitened = false;
  if (code == HG_OK) network->initialized = true;
  return code;
}

/* ---------------------------------------------------------------- from another network */

static bool is_of(const hg_tensor *tensor, hg_block block) { return tensor->block == block && !are_centers(tensor); }

static const hg_tensor *find_like(const hg_network *network, const hg_tensor *tensor) {
  for (int i = 0; i < network->tensor_count; i++) {
    const hg_tensor *other = &network->tensors[i];
    if (strcmp(other->name, tensor->name) != 0) continue;
    const hg_parameter *a = &other->parameter, *b = &tensor->parameter;
    return a->layout == b->layout && memcmp(a->dim, b->dim, sizeof a->dim) == 0 ? other : NULL;
  }
  return NULL;
}

hg_code hg_network_copy_block(hg_network *network, const hg_network *from, hg_block block, hg_error *error) {
  for (int i = 0; i < network->tensor_count; i++) {
    const hg_tensor *tensor = &network->tensors[i];
    if (is_of(tensor, block) && find_like(from, tensor) == NULL)
      return hg_fail(error, HG_USAGE, tensor->name, "the network to copy from has no tensor of this name and shape");
  }
  for (int i = 0; i < network->tensor_count; i++) {
    hg_tensor *tensor = &network->tensors[i];
    if (!is_of(tensor, block)) continue;
    const hg_tensor *source = find_like(from, tensor);
    memcpy(tensor->value, source->value, (size_t)tensor->count * sizeof(float));
    tensor->unwhitened = source->unwhitened;
  }
  return HG_OK;
}

/* ---------------------------------------------------------------- digest */

hg_code hg_network_digest(const hg_network *network, char *out, hg_error *error) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  unsigned char digest[EVP_MAX_MD_SIZE];
  bool good = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
  for (int i = 0; good && i < network->tensor_count; i++) {
    const hg_tensor *tensor = &network->tensors[i];
    good = EVP_DigestUpdate(context, tensor->name, strlen(tensor->name) + 1) == 1 &&
           EVP_DigestUpdate(context, tensor->value, (size_t)tensor->count * sizeof(float)) == 1;
  }
  good = good && EVP_DigestFinal_ex(context, digest, NULL) == 1;
  EVP_MD_CTX_free(context);
  if (!good) return hg_fail(error, HG_FAILED, "weights", "their SHA-256 cannot be computed");
  hg_sha256_text(digest, out);
  return HG_OK;
}
