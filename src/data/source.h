/* A `source` of a study or of hg_dataset_open, found and read: a catalog name or a path. */
#ifndef HG_DATA_SOURCE_H
#define HG_DATA_SOURCE_H

#include "data/catalog.h"
#include "data/data.h"

typedef struct hg_source {
  const hg_catalog_entry *entry; /* NULL for a path */
  hg_found found;
  char label[256]; /* what messages and reports call it */
} hg_source;

/* Catalog names win over paths of the same name (write ./mnist for the path). base_folder may be NULL: the current one. */
hg_code hg_source_find(const char *source, const char *base_folder, hg_source *found, hg_error *error);

/* Shape, classes and number of images of the training part, from headers where they tell; else the source is read. */
hg_code hg_source_peek(const hg_source *source, const hg_data_settings *settings, hg_data_outline *outline, hg_error *error);

/* Reads the parts whose pointers are not NULL. *test is NULL where the source has no test part.
 * settings: resize, grayscale, lines and seed are used. */
hg_code hg_source_read(const hg_source *source, const hg_data_settings *settings, hg_dataset **train, hg_dataset **test,
                       hg_error *error);

#endif
