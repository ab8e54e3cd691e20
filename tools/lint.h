/* Read before every file by the linter alone: what it cannot see across files. hg_fail and its kin return the code they are
 * given, which is never HG_OK, so a path on which they "succeed" does not exist. */
#include "base/status.h"

#define hg_fail(error, code, ...) (hg_fail(error, code, __VA_ARGS__), code)
#define hg_fail_errno(error, code, ...) (hg_fail_errno(error, code, __VA_ARGS__), code)
#define hg_fail_memory(...) (hg_fail_memory(__VA_ARGS__), HG_NO_MEMORY)
