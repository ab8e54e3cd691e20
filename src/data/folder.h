/* Folders and archives of PNG and JPEG images by class. */
#ifndef HG_DATA_FOLDER_H
#define HG_DATA_FOLDER_H

#include "data/dataset.h"

typedef struct hg_folder_settings {
  int resize;     /* side in pixels every image is brought to; 0 = they must agree already */
  bool grayscale; /* one channel; without it one channel only where every image is grey */
  bool archive;   /* path is a tar (compressed or not) or a zip */
} hg_folder_settings;

/* Reads every image below `path`; its class is the folder it stands in. Where folders train and test stand above the
 * classes they make the two parts, else all is training and *test is NULL. Classes and images are in the order of their
 * names, so that a folder and an archive of it give the same data set. Either of train and test may be a NULL address.
 *
 * Hidden files are passed over; files that are no images too, and their number is left in the data set's `source` as a
 * remark for the caller: " (3 files that are not images skipped)" or "".
 *
 * HG_DATA with the path of the image (for archives archive:entry) where one is damaged, differs in size while resize is 0,
 * stands in no class folder, or where a class folder is empty; for archives too where an entry's path leads out of it.
 * Decoding is spread over the processors; what comes out is kept in the user's cache folder until the files change. */
hg_code hg_folder_read(const char *path, const hg_folder_settings *settings, hg_dataset **train, hg_dataset **test,
                       hg_error *error);

#endif
