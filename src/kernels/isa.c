#include "kernels/isa.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[HG_ISAS] = {"generic", "avx2", "avx512"};
static atomic_int chosen = -1;

const char *hg_isa_name(hg_isa isa) { return names[isa]; }

hg_isa hg_isa_best(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512bw");
  if (fma && wide) return HG_ISA_AVX512;
  if (fma) return HG_ISA_AVX2;
#endif
  return HG_ISA_GENERIC;
}

hg_code hg_isa_set(hg_isa isa, hg_error *error) {
  if (isa > hg_isa_best())
    return hg_fail(error, HG_USAGE, "HOURGLASS_ISA", "this processor cannot run %s; its best is %s", names[isa],
                   names[hg_isa_best()]);
  atomic_store(&chosen, (int)isa);
  return HG_OK;
}

hg_code hg_isa_from_environment(hg_error *error) {
  const char *asked = getenv("HOURGLASS_ISA");
  if (asked == NULL || asked[0] == '\0') return HG_OK;
  for (int isa = 0; isa < HG_ISAS; isa++)
    if (strcmp(asked, names[isa]) == 0) return hg_isa_set((hg_isa)isa, error);
  return hg_fail(error, HG_USAGE, "HOURGLASS_ISA", "unknown instruction set `%s`; choose generic, avx2 or avx512", asked);
}

hg_isa hg_isa_get(void) {
  int isa = atomic_load_explicit(&chosen, memory_order_relaxed);
  if (isa >= 0) return (hg_isa)isa;
  if (hg_isa_from_environment(NULL) != HG_OK || atomic_load(&chosen) < 0) atomic_store(&chosen, (int)hg_isa_best());
  return (hg_isa)atomic_load(&chosen);
}
