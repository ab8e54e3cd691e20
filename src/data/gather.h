/* Image files, one after the other, to data sets of classes: what folders and archives have in common. */
#ifndef HG_DATA_GATHER_H
#define HG_DATA_GATHER_H

#include "data/folder.h"

typedef struct hg_gather hg_gather;

/* root: what messages name the files with, root/path in folders, root:path in archives. It must outlive the gathering. */
hg_code hg_gather_new(const char *root, const hg_folder_settings *settings, hg_gather **gather, hg_error *error);
void hg_gather_free(hg_gather *gather);

typedef enum hg_file_kind { HG_FILE_HIDDEN, HG_FILE_OTHER, HG_FILE_IMAGE } hg_file_kind;

/* By the name alone: an image's ends in .png, .jpg or .jpeg, a hidden one has a part that starts with a dot or __MACOSX. */
hg_file_kind hg_file_kind_of(const char *path);

/* One more image file; `path` (relative to root) is copied, `bytes` (hg_malloc'ed) are taken over, on failure too.
 * Files are decoded some hundred at a time, on all processors. */
hg_code hg_gather_add(hg_gather *gather, const char *path, uint8_t *bytes, size_t count, hg_error *error);
/* One more file that is no image. */
void hg_gather_skip(hg_gather *gather);

/* Decodes what is left and makes the parts; parts[1] is NULL where there is no test folder. */
hg_code hg_gather_finish(hg_gather *gather, hg_dataset *parts[2], hg_error *error);

#endif
