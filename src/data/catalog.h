/* The data sets known by name: what files they are made of, how the files are checked, where they come from. */
#ifndef HG_DATA_CATALOG_H
#define HG_DATA_CATALOG_H

#include "data/dataset.h"

enum { HG_MOST_FILES = 8, HG_MOST_MIRRORS = 4 };

typedef enum hg_source_layout {
  HG_LAYOUT_IDX,       /* four IDX files, each plain or .gz */
  HG_LAYOUT_CIFAR,     /* CIFAR-10's binary files */
  HG_LAYOUT_FOLDER,    /* images in a folder for each class; `path` is a folder */
  HG_LAYOUT_ARCHIVE,   /* the same inside a tar, compressed or not, or a zip; `path` is that file */
  HG_LAYOUT_GENERATED, /* made by the program */
} hg_source_layout;

typedef enum hg_checksum {
  HG_CHECK_SHA256_OF_CONTENT, /* of what gzip holds: the same for every compression of it */
  HG_CHECK_MD5_OF_FILE,       /* of the file as it is downloaded */
} hg_checksum;

/* A file that `fetch` brings. */
typedef struct hg_catalog_file {
  const char *name; /* below a mirror's address, and in the folder */
  hg_checksum checksum;
  const char *digest; /* lower-case hexadecimal */
  int64_t most_bytes; /* a longer answer is refused */
  const char *unpack; /* of an archive: the folder in it whose files are put into the data set's folder; else NULL */
} hg_catalog_file;

typedef struct hg_catalog_entry {
  const char *name;        /* in study files, and the folder's name in every place that is searched */
  const char *title;       /* for people */
  const char *description; /* one line */
  hg_source_layout layout;
  hg_shape shape;
  int classes;
  int64_t train, test;                  /* images; 0 where settings decide */
  int64_t largest_class;                /* training images of the class that has most */
  const char *const *class_names;       /* (classes), or NULL: "0", "1", ... or, for generated sets, from the generator */
  const char *package;                  /* Debian package that brings it, or NULL */
  const char *mirrors[HG_MOST_MIRRORS]; /* addresses of folders, each with a final '/'; tried in this order */
  hg_catalog_file files[HG_MOST_FILES];
} hg_catalog_entry;

/* All entries; *count is set. */
const hg_catalog_entry *hg_catalog(int *count);
/* NULL if there is none of this name. */
const hg_catalog_entry *hg_catalog_find(const char *name);
/* The name of the entry that a misspelt word means; NULL where none is near. */
const char *hg_catalog_nearest(const char *word);

enum { HG_PATH_SIZE = 4096 };

/* Where a source was found. A path that there is none of is "". Paths have fixed sizes: looking for files allocates nothing. */
typedef struct hg_found {
  hg_source_layout layout;
  char path[HG_PATH_SIZE];                               /* the folder or the file */
  char images[2][HG_PATH_SIZE], labels[2][HG_PATH_SIZE]; /* IDX: training and test part; images[1] "" = no test part */
  bool jpeg_copy;                                        /* cifar10 found as the JPEG images in cifar10-jpeg.tar.gz */
} hg_found;

/* Looks for the entry's files in HOURGLASS_DATA, the system's folders, shared/data in this folder and those above it, and
 * the user's cache. HG_DATA lists where it looked, what is missing there, and what would bring it. */
hg_code hg_catalog_locate(const hg_catalog_entry *entry, hg_found *found, hg_error *error);

/* The user's cache folder, $XDG_CACHE_HOME/hourglass or ~/.cache/hourglass; false where neither is set. */
bool hg_cache_folder(char path[HG_PATH_SIZE]);

/* True, and path = folder/name, where that exists. */
bool hg_find_file(const char *folder, const char *name, char path[HG_PATH_SIZE]);
/* Fills images and labels with the four files of MNIST's names (plain or .gz) that `folder` holds; returns the name of the
 * first one that is missing, NULL if none is. */
const char *hg_find_idx_files(const char *folder, hg_found *found);
/* The folder with data_batch_1.bin: `folder` or cifar-10-batches-bin in it. */
bool hg_find_cifar(const char *folder, char path[HG_PATH_SIZE]);

#endif
