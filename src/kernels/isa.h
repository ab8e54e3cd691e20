/* Which instruction-set version of the kernels runs. */
#ifndef HG_KERNELS_ISA_H
#define HG_KERNELS_ISA_H

#include "base/status.h"

typedef enum hg_isa { HG_ISA_GENERIC, HG_ISA_AVX2, HG_ISA_AVX512, HG_ISAS } hg_isa;

const char *hg_isa_name(hg_isa isa); /* generic, avx2, avx512 */

/* The best version this processor and its operating system run. */
hg_isa hg_isa_best(void);

/* The version in use: hg_isa_best, or what HOURGLASS_ISA or hg_isa_set asked for. Read once; later calls are cheap. */
hg_isa hg_isa_get(void);

/* Forces a version. HG_USAGE if this processor cannot run it. */
hg_code hg_isa_set(hg_isa isa, hg_error *error);

/* Checks and applies HOURGLASS_ISA; for the program's start. HG_USAGE names the choices. */
hg_code hg_isa_from_environment(hg_error *error);

#endif
