/* CIFAR-10's binary layout: records of 1 label byte and 3,072 bytes, the planes red, green and blue of 32 x 32. */
#ifndef HG_DATA_CIFAR_H
#define HG_DATA_CIFAR_H

#include "data/dataset.h"

/* Whether the file's length is a whole number of records. */
bool hg_cifar_has_records(const char *path);

/* Reads one file of records. HG_DATA where its length is no multiple of 3,073 or a label is above 9. */
hg_code hg_cifar_read_file(const char *path, hg_dataset **dataset, hg_error *error);

/* Reads data_batch_1.bin to data_batch_5.bin, or test_batch.bin, from a folder; class names from batches.meta.txt where it
 * is there, else "0" to "9". HG_DATA names the first file that is missing. */
hg_code hg_cifar_read(const char *folder, bool test_part, hg_dataset **dataset, hg_error *error);

#endif
