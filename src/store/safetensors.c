#include "store/safetensors.h"

#include "base/alloc.h"
#include "base/file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, MOST_HEADER_BYTES = 100000000, MOST_RANK = 4 }; /* the header's limit is the reference's */

static const struct {
  const char *name;
  size_t bytes;
} dtypes[HG_DTYPES] = {{"F32", 4}, {"F64", 8}, {"I32", 4}, {"I64", 8}, {"U8", 1}};

int64_t hg_named_tensor_count(const hg_named_tensor *tensor) {
  int64_t count = 1;
  for (int i = 0; i < tensor->rank; i++) count *= tensor->dim[i];
  return count;
}

static size_t tensor_bytes(const hg_named_tensor *tensor) {
  return (size_t)hg_named_tensor_count(tensor) * dtypes[tensor->dtype].bytes;
}

/* ---------------------------------------------------------------- writing */

static hg_code check_tensor(const char *path, const hg_named_tensor *tensor, hg_error *error) {
  if (tensor->name[0] == '\0' || strcmp(tensor->name, "__metadata__") == 0)
    return hg_fail(error, HG_USAGE, path, "a tensor may not be called \"%s\"", tensor->name);
  if ((unsigned)tensor->dtype >= HG_DTYPES || tensor->rank < 0 || tensor->rank > MOST_RANK)
    return hg_fail(error, HG_USAGE, path, "tensor \"%s\" has no known type or more than %d dimensions", tensor->name, MOST_RANK);
  for (int i = 0; i < tensor->rank; i++)
    if (tensor->dim[i] < 0) return hg_fail(error, HG_USAGE, path, "tensor \"%s\" has a negative dimension", tensor->name);
  return HG_OK;
}

static json_t *describe_tensor(const hg_named_tensor *tensor, size_t begin) {
  json_t *shape = json_array();
  for (int i = 0; i < tensor->rank; i++) json_array_append_new(shape, json_integer(tensor->dim[i]));
  return json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtypes[tensor->dtype].name, "shape", shape, "data_offsets", (json_int_t)begin,
                   (json_int_t)(begin + tensor_bytes(tensor)));
}

static json_t *describe_metadata(const char *const *metadata) {
  json_t *object = json_object();
  for (; metadata[0] != NULL; metadata += 2) json_object_set_new(object, metadata[0], json_string(metadata[1]));
  return object;
}

/* The header as text, and the bytes of all tensors together. */
static hg_code make_header(const char *path, const hg_named_tensor *tensors, int count, const char *const *metadata, char **text,
                           size_t *payload, hg_error *error) {
  json_t *header = json_object();
  hg_code code = HG_OK;
  *payload = 0;
  if (metadata != NULL && metadata[0] != NULL) json_object_set_new(header, "__metadata__", describe_metadata(metadata));
  for (int i = 0; code == HG_OK && i < count; i++) {
    code = check_tensor(path, &tensors[i], error);
    if (code == HG_OK && json_object_get(header, tensors[i].name) != NULL)
      code = hg_fail(error, HG_USAGE, path, "two tensors are called \"%s\"", tensors[i].name);
    if (code != HG_OK) break;
    if (json_object_set_new(header, tensors[i].name, describe_tensor(&tensors[i], *payload)) != 0)
      code = hg_fail(error, HG_USAGE, path, "the name of tensor %d is not UTF-8, or memory ran out", i);
    *payload += tensor_bytes(&tensors[i]);
  }
  *text = code == HG_OK ? json_dumps(header, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
  json_decref(header);
  if (code == HG_OK && *text == NULL) code = hg_fail_memory(error, path, 4096);
  return code;
}

static void put_length(char *bytes, uint64_t length) {
  for (int i = 0; i < LENGTH_BYTES; i++) bytes[i] = (char)(length >> 8 * i);
}

hg_code hg_safetensors_write(const char *path, const hg_named_tensor *tensors, int count, const char *const *metadata,
                             hg_error *error) {
  char *text, *bytes;
  size_t payload;
  hg_code code = make_header(path, tensors, count, metadata, &text, &payload, error);
  if (code != HG_OK) return code;
  size_t length = strlen(text), padded = (length + 7) / 8 * 8; /* spaces keep the first tensor aligned */
  size_t total = LENGTH_BYTES + padded + payload;
  bytes = hg_malloc(total);
  if (bytes == NULL) {
    code = hg_fail_memory(error, path, total);
    goto done;
  }
  put_length(bytes, padded);
  memset(bytes + LENGTH_BYTES, ' ', padded);
  memcpy(bytes + LENGTH_BYTES, text, length);
  char *end = bytes + LENGTH_BYTES + padded;
  for (int i = 0; i < count; i++) {
    size_t size = tensor_bytes(&tensors[i]);
    if (size > 0) memcpy(end, tensors[i].data, size);
    end += size;
  }
  code = hg_file_write(path, bytes, total, error);
done:
  hg_free(bytes);
  free(text);
  return code;
}

/* ---------------------------------------------------------------- reading */

/* A tensor's place in the payload, while the file is checked. */
typedef struct span {
  size_t begin, end;
  hg_named_tensor *tensor;
} span;

static hg_code parse_header(const char *path, const char *bytes, size_t count, json_t **header, size_t *payload_at,
                            hg_error *error) {
  if (count < LENGTH_BYTES)
    return hg_fail(error, HG_DATA, path, "not a safetensors file: %zu bytes cannot hold the header's length", count);
  uint64_t length = 0;
  for (int i = 0; i < LENGTH_BYTES; i++) length |= (uint64_t)(unsigned char)bytes[i] << 8 * i;
  if (length > MOST_HEADER_BYTES)
    return hg_fail(error, HG_DATA, path, "not a safetensors file: a header of %llu bytes is more than the %d allowed",
                   (unsigned long long)length, MOST_HEADER_BYTES);
  if (length > count - LENGTH_BYTES)
    return hg_fail(error, HG_DATA, path, "truncated: the header says %llu bytes, the file has %zu left",
                   (unsigned long long)length, count - LENGTH_BYTES);
  const char *text = bytes + LENGTH_BYTES;
  if (length == 0 || text[0] != '{')
    return hg_fail(error, HG_DATA, path, "not a safetensors file: the header does not begin with '{'");
  json_error_t cause;
  *header = json_loadb(text, (size_t)length, JSON_REJECT_DUPLICATES, &cause);
  if (*header == NULL) return hg_fail(error, HG_DATA, path, "the header is not sound JSON: %s", cause.text);
  *payload_at = LENGTH_BYTES + (size_t)length;
  return HG_OK;
}

static hg_code parse_dtype(const char *path, json_t *entry, hg_named_tensor *tensor, hg_error *error) {
  const char *name = json_string_value(json_object_get(entry, "dtype"));
  if (name == NULL) return hg_fail(error, HG_DATA, path, "tensor \"%s\" has no \"dtype\"", tensor->name);
  for (int i = 0; i < HG_DTYPES; i++) {
    if (strcmp(name, dtypes[i].name) != 0) continue;
    tensor->dtype = (hg_dtype)i;
    return HG_OK;
  }
  return hg_fail(error, HG_DATA, path, "tensor \"%s\" is of type %.20s; F32, F64, I32, I64 and U8 can be read", tensor->name,
                 name);
}

/* Fills rank and dimensions; *bytes is their product with the size of an element, refused where it overflows. */
static hg_code parse_shape(const char *path, json_t *entry, hg_named_tensor *tensor, size_t *bytes, hg_error *error) {
  json_t *shape = json_object_get(entry, "shape");
  if (!json_is_array(shape)) return hg_fail(error, HG_DATA, path, "tensor \"%s\" has no \"shape\"", tensor->name);
  if (json_array_size(shape) > MOST_RANK)
    return hg_fail(error, HG_DATA, path, "tensor \"%s\" has %zu dimensions; at most %d can be read", tensor->name,
                   json_array_size(shape), MOST_RANK);
  tensor->rank = (int)json_array_size(shape);
  int64_t product = (int64_t)dtypes[tensor->dtype].bytes;
  for (int i = 0; i < tensor->rank; i++) {
    json_t *value = json_array_get(shape, (size_t)i);
    int64_t dim = json_integer_value(value);
    if (!json_is_integer(value) || dim < 0)
      return hg_fail(error, HG_DATA, path, "tensor \"%s\": dimension %d is not a whole number from 0", tensor->name, i);
    if (__builtin_mul_overflow(product, dim, &product))
      return hg_fail(error, HG_DATA, path, "tensor \"%s\": the dimensions overflow", tensor->name);
    tensor->dim[i] = dim;
  }
  *bytes = (size_t)product;
  return HG_OK;
}

static hg_code parse_offsets(const char *path, json_t *entry, size_t bytes, size_t payload, span *place, hg_error *error) {
  const char *name = place->tensor->name;
  json_t *offsets = json_object_get(entry, "data_offsets");
  json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
  if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end) || json_integer_value(begin) < 0 ||
      json_integer_value(end) < json_integer_value(begin))
    return hg_fail(error, HG_DATA, path, "tensor \"%s\": \"data_offsets\" is not [begin, end]", name);
  place->begin = (size_t)json_integer_value(begin);
  place->end = (size_t)json_integer_value(end);
  if (place->end > payload)
    return hg_fail(error, HG_DATA, path, "tensor \"%s\" ends at byte %zu of %zu: truncated, or a wrong offset", name, place->end,
                   payload);
  if (place->end - place->begin != bytes)
    return hg_fail(error, HG_DATA, path, "tensor \"%s\": its shape needs %zu bytes, its offsets span %zu", name, bytes,
                   place->end - place->begin);
  return HG_OK;
}

static hg_code parse_tensor(const char *path, const char *name, json_t *entry, size_t payload, span *place, hg_error *error) {
  hg_named_tensor *tensor = place->tensor;
  size_t bytes = 0;
  if (strlen(name) >= sizeof tensor->name)
    return hg_fail(error, HG_DATA, path, "the tensor name \"%.40s...\" is longer than %zu bytes", name, sizeof tensor->name - 1);
  memcpy(tensor->name, name, strlen(name) + 1);
  if (!json_is_object(entry)) return hg_fail(error, HG_DATA, path, "tensor \"%s\" is not described by an object", name);
  hg_code code = parse_dtype(path, entry, tensor, error);
  if (code == HG_OK) code = parse_shape(path, entry, tensor, &bytes, error);
  if (code == HG_OK) code = parse_offsets(path, entry, bytes, payload, place, error);
  return code;
}

static int by_place(const void *left, const void *right) {
  const span *a = left, *b = right;
  if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
  return a->end < b->end ? -1 : a->end > b->end;
}

static int by_name(const void *left, const void *right) {
  return strcmp(((const hg_named_tensor *)left)->name, ((const hg_named_tensor *)right)->name);
}

/* Tensors must fill the payload without overlap or hole, as the reference demands. */
static hg_code check_places(const char *path, span *places, int count, size_t payload, hg_error *error) {
  size_t end = 0;
  qsort(places, (size_t)count, sizeof *places, by_place);
  for (int i = 0; i < count; end = places[i].end, i++) {
    if (places[i].begin < end) return hg_fail(error, HG_DATA, path, "tensor \"%s\" overlaps another one", places[i].tensor->name);
    if (places[i].begin > end)
      return hg_fail(error, HG_DATA, path, "bytes %zu to %zu before tensor \"%s\" belong to no tensor", end, places[i].begin,
                     places[i].tensor->name);
  }
  if (end != payload) return hg_fail(error, HG_DATA, path, "%zu bytes after the last tensor belong to no tensor", payload - end);
  return HG_OK;
}

static hg_code keep_metadata(const char *path, json_t *metadata, hg_safetensors *file, hg_error *error) {
  const char *key;
  json_t *value;
  if (metadata == NULL) return HG_OK;
  if (!json_is_object(metadata)) return hg_fail(error, HG_DATA, path, "\"__metadata__\" is not an object");
  json_object_foreach(metadata, key, value) {
    if (!json_is_string(value)) return hg_fail(error, HG_DATA, path, "metadata \"%.60s\" is not a string", key);
  }
  char *text = json_dumps(metadata, JSON_COMPACT);
  file->metadata = text == NULL ? NULL : hg_strdup(text);
  free(text);
  return file->metadata == NULL ? hg_fail_memory(error, path, 4096) : HG_OK;
}

/* Other writers may put an F32 after an odd number of U8: then the tensors move to aligned places in a block of their own. */
static hg_code align_tensors(const char *path, span *places, int count, hg_safetensors *file, hg_error *error) {
  size_t total = 0;
  bool aligned = true;
  for (int i = 0; i < count; i++) {
    aligned = aligned && (uintptr_t)places[i].tensor->data % dtypes[places[i].tensor->dtype].bytes == 0;
    total += (places[i].end - places[i].begin + 7) / 8 * 8;
  }
  if (aligned) return HG_OK;
  char *block = hg_malloc(total), *next = block;
  if (block == NULL) return hg_fail_memory(error, path, total);
  for (int i = 0; i < count; i++) {
    size_t size = places[i].end - places[i].begin;
    if (size > 0) memcpy(next, places[i].tensor->data, size);
    places[i].tensor->data = next;
    next += (size + 7) / 8 * 8;
  }
  hg_free(file->bytes);
  file->bytes = block;
  return HG_OK;
}

static hg_code parse_tensors(const char *path, json_t *header, size_t payload_at, size_t payload, hg_safetensors *file,
                             hg_error *error) {
  size_t most = json_object_size(header);
  span *places = hg_calloc(most, sizeof *places);
  file->tensors = hg_calloc(most, sizeof *file->tensors);
  hg_code code = places == NULL || file->tensors == NULL
                     ? hg_fail_memory(error, path, most * sizeof *file->tensors)
                     : keep_metadata(path, json_object_get(header, "__metadata__"), file, error);
  if (code != HG_OK) goto done;
  const char *name;
  json_t *entry;
  json_object_foreach(header, name, entry) {
    if (strcmp(name, "__metadata__") == 0) continue;
    span *place = &places[file->count];
    place->tensor = &file->tensors[file->count];
    code = parse_tensor(path, name, entry, payload, place, error);
    if (code != HG_OK) goto done;
    place->tensor->data = file->bytes + payload_at + place->begin;
    file->count++;
  }
  code = check_places(path, places, file->count, payload, error);
  if (code == HG_OK) code = align_tensors(path, places, file->count, file, error);
  if (code == HG_OK) qsort(file->tensors, (size_t)file->count, sizeof *file->tensors, by_name);
done:
  hg_free(places);
  return code;
}

hg_code hg_safetensors_read(const char *path, hg_safetensors *file, hg_error *error) {
  size_t count, payload_at = 0;
  json_t *header = NULL;
  *file = (hg_safetensors){0};
  hg_code code = hg_file_read(path, (size_t)1 << 40, &file->bytes, &count, error);
  if (code == HG_OK) code = parse_header(path, file->bytes, count, &header, &payload_at, error);
  if (code == HG_OK) code = parse_tensors(path, header, payload_at, count - payload_at, file, error);
  json_decref(header);
  if (code != HG_OK) hg_safetensors_release(file);
  return code;
}

void hg_safetensors_release(hg_safetensors *file) {
  hg_free(file->tensors);
  hg_free(file->metadata);
  hg_free(file->bytes);
  *file = (hg_safetensors){0};
}

bool hg_safetensors_is_sound(const char *path) {
  hg_safetensors file = {0};
  bool sound = hg_path_exists(path) && hg_safetensors_read(path, &file, NULL) == HG_OK;
  hg_safetensors_release(&file);
  return sound;
}

const hg_named_tensor *hg_safetensors_find(const hg_safetensors *file, const char *name) {
  for (int i = 0; i < file->count; i++)
    if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i];
  return NULL;
}

bool hg_safetensors_metadata(const hg_safetensors *file, const char *key, char *buffer, size_t size) {
  json_t *metadata = file->metadata == NULL ? NULL : json_loads(file->metadata, 0, NULL);
  const char *value = json_string_value(json_object_get(metadata, key));
  if (value != NULL) snprintf(buffer, size, "%s", value);
  json_decref(metadata);
  return value != NULL;
}
