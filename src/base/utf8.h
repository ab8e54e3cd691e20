/* Text that may not be UTF-8: names of files, and what was cut at a byte. */
#ifndef HG_BASE_UTF8_H
#define HG_BASE_UTF8_H

#include <stddef.h>

#define HG_UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* Bytes of the character at the start of text, 1 to 4; 0 where none begins there: RFC 3629, so no overlong form, no surrogate,
 * nothing above U+10FFFF. The final 0 counts as a character of one byte. */
int hg_utf8_length(const char *text);

/* text into `to`, cut between characters where size is too little, with U+FFFD for each byte that is part of none. Returns to. */
char *hg_utf8_copy(const char *text, char *to, size_t size);

/* The same, whole; hg_malloc'ed, NULL when out of memory. */
char *hg_utf8_mend(const char *text);

#endif
