#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "study/schema.h"

hg_code hg_study_expand_sweeps(hg_reader *reader) {
  if (reader->sweep_nodes == NULL) return HG_OK;
  return hg_reject(reader, hg_node_key(reader->document->root, "sweeps"), "`sweeps` is not supported yet");
}
