/* Downloads of catalog entries: from the first mirror that delivers what the checksum says, resumed where broken off. */
#ifndef HG_DATA_FETCH_H
#define HG_DATA_FETCH_H

#include "data/catalog.h"

typedef struct hg_fetch_settings {
  bool offline;        /* never connect: HG_DATA where a file is not there */
  const char *folder;  /* where the files go; NULL = the entry's name in the user's cache folder */
  int stall_seconds;   /* a mirror that sends nothing for so long is left; default 30 */
  int connect_seconds; /* default 15 */
  /* Called often; total is -1 where the mirror does not tell. False stops (HG_INTERRUPTED); the part is kept. */
  bool (*progress)(void *context, const char *file, int64_t received, int64_t total);
  void *context;
} hg_fetch_settings;

hg_fetch_settings hg_fetch_settings_default(void);

/* Brings the entry's files. One that is there and whole is not fetched again. A file is written as NAME.part and gets its
 * name when its checksum holds; a part stays for the next try, except one with wrong content. The address in the
 * environment variable HOURGLASS_MIRROR, followed by the entry's name, is tried before the catalog's mirrors.
 * HG_DATA says what each mirror did; HG_VERIFY the same, where the content that one sent is not what the checksum says; HG_USAGE
 * where there is nothing to fetch (generated sets). */
hg_code hg_fetch(const hg_catalog_entry *entry, const hg_fetch_settings *settings, hg_error *error);

#endif
