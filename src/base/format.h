/* Numbers in words for people. */
#ifndef HG_BASE_FORMAT_H
#define HG_BASE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/* "241,546"; cut where the buffer is full. Returns buffer. */
const char *hg_format_count(int64_t count, char *buffer, size_t size);

#endif
