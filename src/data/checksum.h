/* Whether a file holds what the catalog says. */
#ifndef HG_DATA_CHECKSUM_H
#define HG_DATA_CHECKSUM_H

#include "data/catalog.h"

/* The digest of a file as lower-case hexadecimal. HG_DATA where it cannot be read or decompressed to its end. */
hg_code hg_checksum_of(const char *path, hg_checksum kind, char out[65], hg_error *error);

/* HG_DATA tells both digests where they differ. */
hg_code hg_checksum_verify(const char *path, const hg_catalog_file *file, hg_error *error);

#endif
