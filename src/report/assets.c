#include "report/assets.h"

/* The assembler takes the files in as they are; their paths come from the build. */
#define EMBED(symbol, path)                                                                                       \
  __asm__(".pushsection .rodata\n.balign 16\n.globl " symbol "\n.hidden " symbol "\n" symbol ":\n.incbin \"" path \
          "\"\n"                                                                                                  \
          ".byte 0\n.popsection\n")

EMBED("hg_asset_style", HG_ASSET_STYLE);
EMBED("hg_asset_script", HG_ASSET_SCRIPT);
EMBED("hg_asset_templates", HG_ASSET_TEMPLATES);
EMBED("hg_asset_charts", HG_ASSET_CHARTS);
