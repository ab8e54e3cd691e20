/* One transfer by HTTP or HTTPS into an open file. */
#ifndef HG_DATA_DOWNLOAD_H
#define HG_DATA_DOWNLOAD_H

#include "base/status.h"

typedef enum hg_download_end {
  HG_DOWNLOAD_WHOLE,        /* the server says that this was all */
  HG_DOWNLOAD_BROKEN,       /* it broke off, or did not begin; `cause` says why, and what has come is in the file */
  HG_DOWNLOAD_USELESS_PART, /* the server cannot continue the file at its length */
  HG_DOWNLOAD_INTERRUPTED,  /* progress asked to stop */
} hg_download_end;

typedef struct hg_download {
  const char *url;
  int descriptor;     /* the file; the transfer goes on from its end, or starts over where the server knows no ranges */
  int64_t most_bytes; /* a longer file is cut off: HG_DOWNLOAD_USELESS_PART */
  int stall_seconds, connect_seconds;
  bool (*progress)(void *context, int64_t received, int64_t total); /* total -1 = unknown; false = stop */
  void *context;
  char cause[256]; /* out */
} hg_download;

hg_download_end hg_download_run(hg_download *download);

#endif
