/* Read before every file by the linter alone: what it cannot see across files. hg_fail and its kin return the code they are
 * given, which is never HG_OK, so a path on which they "succeed" does not exist. HG_LINTED_... names the file at hand. */
#include "base/status.h"
#include "study/yaml.h"

#ifndef HG_LINTED_status_c
#define hg_fail(error, code, ...) (hg_fail(error, code, __VA_ARGS__), code)
#define hg_fail_errno(error, code, ...) (hg_fail_errno(error, code, __VA_ARGS__), code)
#define hg_fail_memory(...) (hg_fail_memory(__VA_ARGS__), HG_NO_MEMORY)
#endif
#ifndef HG_LINTED_yaml_c
#define hg_node_fail(...) (hg_node_fail(__VA_ARGS__), HG_USAGE)
#endif
