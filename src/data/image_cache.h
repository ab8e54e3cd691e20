/* Decoded images kept in the user's cache folder, and read where they lie there: a file is written whole under another name and
 * renamed, never changed. Whatever goes wrong while one is opened only means decoding again; pages that cannot be read later,
 * because a disk fails or somebody cut the file, end the process. */
#ifndef HG_DATA_IMAGE_CACHE_H
#define HG_DATA_IMAGE_CACHE_H

#include "base/file.h"
#include "data/dataset.h"

/* `name` stands for the place and the settings (one file in the cache each), `state` for what the files were like. Both
 * are SHA-256 as hexadecimal. */
typedef struct hg_image_cache {
  char name[HG_SHA256_SIZE], state[HG_SHA256_SIZE];
} hg_image_cache;

/* True and both parts (parts[1] may be NULL) where the cache holds them in this state. */
bool hg_image_cache_load(const hg_image_cache *cache, hg_dataset *parts[2]);
/* Keeps sets of a mebibyte and more. */
void hg_image_cache_store(const hg_image_cache *cache, hg_dataset *const parts[2]);

#endif
