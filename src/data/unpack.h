/* CIFAR-10's archive, taken apart once when it has been fetched. */
#ifndef HG_DATA_UNPACK_H
#define HG_DATA_UNPACK_H

#include "base/status.h"

/* Writes the files that stand in `inner` of the archive into `folder` (six .bin files and texts), each whole or not at
 * all, then removes the archive. HG_DATA where one of the six is missing. */
hg_code hg_unpack(const char *archive, const char *inner, const char *folder, hg_error *error);

/* All six .bin files are there. */
bool hg_unpack_is_done(const char *folder);

#endif
