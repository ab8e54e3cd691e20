/* Status codes with a place and a cause. Every fallible function of the library ends in hg_fail or returns HG_OK. */
#ifndef HG_BASE_STATUS_H
#define HG_BASE_STATUS_H

#include "hourglass.h"

/* Fills *error (may be NULL) and returns code, so that `return hg_fail(...)` reads as one step.
 * place may be NULL; format is printf's, without a newline. */
hg_code hg_fail(hg_error *error, hg_code code, const char *place, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* hg_fail(error, HG_NO_MEMORY, ...) for an allocation of this many bytes for `what`. */
hg_code hg_fail_memory(hg_error *error, const char *what, size_t bytes);

/* After a failure at `place`: adds how to mend it to what is said. Nothing where the failure is of another place. */
void hg_error_add(hg_error *error, const char *place, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* hg_fail(error, code, path, "cannot `doing`: strerror(errno)"). */
hg_code hg_fail_errno(hg_error *error, hg_code code, const char *path, const char *doing);

#endif
