/* What models said of their test images, as their finished runs left it. */
#ifndef HG_STUDY_TESTIMONY_H
#define HG_STUDY_TESTIMONY_H

#include "store/safetensors.h"
#include "store/store.h"

/* What one model said of the test images, seed by seed. */
typedef struct hg_testimony {
  char name[HG_NAME_SIZE];
  bool draws; /* another seed gives another model */
  int seeds;
  uint64_t *seed;        /* (seeds) */
  hg_safetensors *files; /* (seeds): predictions.safetensors */
  hg_safetensors *views; /* (seeds): views.safetensors; empty where there is none that can be read */
} hg_testimony;

/* Reads those of every done run of the model, and of `only` where it is not NULL. HG_USAGE where the store has no such model or
 * none of its runs is done. Released after success and after failure. */
hg_code hg_testimony_read(hg_store *store, const char *model, const uint64_t *only, hg_testimony *testimony, hg_error *error);
void hg_testimony_release(hg_testimony *testimony);

#endif
