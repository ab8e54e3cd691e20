/* The safetensors format: 8 bytes of header length, a JSON header, raw little-endian tensors. Readable by the Python package. */
#ifndef HG_STORE_SAFETENSORS_H
#define HG_STORE_SAFETENSORS_H

#include "base/status.h"

typedef enum hg_dtype { HG_F32, HG_F64, HG_I32, HG_I64, HG_U8, HG_DTYPES } hg_dtype;

typedef struct hg_named_tensor {
  char name[128];
  hg_dtype dtype;
  int rank; /* 0..4 */
  int64_t dim[4];
  const void *data; /* row-major; into the file's memory when read */
} hg_named_tensor;

typedef struct hg_safetensors {
  hg_named_tensor *tensors; /* sorted by name */
  int count;
  char *metadata; /* the "__metadata__" object as JSON text, or NULL */
  char *bytes;    /* the file, owned */
} hg_safetensors;

/* Writes atomically. metadata: pairs of key, value, then NULL; may be NULL itself. Tensors keep their order in the file. */
hg_code hg_safetensors_write(const char *path, const hg_named_tensor *tensors, int count, const char *const *metadata,
                             hg_error *error);
/* Checks every offset, shape and overlap before it gives a tensor out. HG_DATA on anything that is not a whole, sound file. */
hg_code hg_safetensors_read(const char *path, hg_safetensors *file, hg_error *error);
void hg_safetensors_release(hg_safetensors *file);
/* False of one that is not there, or was damaged since it was written: what can be made anew is. */
bool hg_safetensors_is_sound(const char *path);

const hg_named_tensor *hg_safetensors_find(const hg_safetensors *file, const char *name); /* NULL if absent */
/* Value of a metadata key, into buffer; false if absent. */
bool hg_safetensors_metadata(const hg_safetensors *file, const char *key, char *buffer, size_t size);
int64_t hg_named_tensor_count(const hg_named_tensor *tensor);

#endif
