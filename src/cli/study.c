#include "cli/study.h"

#include "base/alloc.h"

#include <string.h>

static hg_code split_override(const char *text, hg_override *override, hg_error *error) {
  const char *equals = strchr(text, '=');
  if (equals == NULL || equals == text)
    return hg_fail(error, HG_USAGE, "--set", "`%s` is not PATH=VALUE, for example models.cnn.train.epochs=5", text);
  char *path = hg_strdup(text);
  if (path == NULL) return hg_fail_memory(error, "--set", strlen(text));
  path[equals - text] = '\0';
  override->path = path;
  override->value = equals + 1;
  return HG_OK;
}

hg_code hg_arguments_study(const hg_arguments *arguments, hg_study **study, hg_error *error) {
  const hg_option_values *given = &arguments->options[HG_OPTION_SET];
  hg_override *overrides = hg_calloc((size_t)given->count + 1, sizeof *overrides);
  if (overrides == NULL) return hg_fail_memory(error, "--set", (size_t)given->count * sizeof *overrides);
  hg_code code = HG_OK;
  for (int i = 0; code == HG_OK && i < given->count; i++) code = split_override(given->values[i], &overrides[i], error);
  if (code == HG_OK) code = hg_study_read(arguments->operands[0], overrides, given->count, study, error);
  for (int i = 0; i < given->count; i++) hg_free((void *)(uintptr_t)overrides[i].path);
  hg_free(overrides);
  return code;
}
