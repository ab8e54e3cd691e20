#!/bin/sh
# Plants trees that break the rule of the arrows and asks check_layers.sh to find each; a sound tree must pass.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

sound_tree() {
  rm -rf "${tree:?}/src" "$tree/include"
  mkdir -p "$tree/include" "$tree/src/base" "$tree/src/kernels" "$tree/src/ops" "$tree/src/data" "$tree/src/net" "$tree/src/cli"
  echo '#include <stdint.h>' >"$tree/include/hourglass.h"
  echo '#include "hourglass.h"' >"$tree/src/base/status.h"
  echo '#include "base/status.h"' >"$tree/src/kernels/gemm.h"
  echo '#include "kernels/gemm.h"' >"$tree/src/ops/op.h"
  printf '#include "ops/op.h"\n#include <stdio.h>\n' >"$tree/src/ops/dense.c"
  echo '#include "base/status.h"' >"$tree/src/data/batches.h"
  printf '#include "ops/op.h"\n#include "data/batches.h"\n' >"$tree/src/net/network.h"
  echo '#include "net/network.h"' >"$tree/src/cli/main.c"
}

# expect NAME PATTERN: the tree as it stands is refused with a line that matches; PATTERN empty: it passes.
expect() {
  if output=$("$here/check_layers.sh" "$tree/src" "$tree/include" 2>&1); then passed=yes; else passed=no; fi
  if [ -z "$2" ]; then
    [ $passed = yes ] && result=ok || result=FAILED
  else
    [ $passed = no ] && echo "$output" | grep -Eq -- "$2" && result=ok || result=FAILED
  fi
  echo "$result: $1"
  [ $result = ok ] || { echo "$output"; failures=$((failures + 1)); }
}

sound_tree
expect "a sound tree passes" ""

echo '#include "net/network.h"' >>"$tree/src/ops/op.h"
expect "an include that points up is refused with its line" 'ops/op\.h:2: .*from a floor above'

sound_tree
echo '#include "data/batches.h"' >>"$tree/src/ops/dense.c"
expect "an include of another room of the floor is refused" 'ops/dense\.c:3: .*another room'

sound_tree
echo '#include "kernels/gemm.h"' >>"$tree/src/base/status.h"
expect "base includes nothing but itself" 'base/status\.h:2: .*from a floor above'

sound_tree
echo '#include "ops/pool.h"' >>"$tree/src/ops/op.h"
echo '#include "ops/op.h"' >"$tree/src/ops/pool.h"
expect "two files that include each other are refused" 'includes itself by way of'

sound_tree
echo '#include "ops/a.h"' >"$tree/src/ops/b.h"
echo '#include "ops/b.h"' >"$tree/src/ops/c.h"
echo '#include "ops/c.h"' >"$tree/src/ops/a.h"
expect "a circle of three files is refused" 'includes itself by way of'

sound_tree
mkdir "$tree/src/attic" && echo 'int x;' >"$tree/src/attic/x.c"
expect "a file in an unknown room is refused" 'attic/x\.c: stands in no known room'

sound_tree
echo '  #  include "op.h"' >>"$tree/src/ops/dense.c"
expect "an include without a room is refused" 'ops/dense\.c:3: .*names no room'

sound_tree
echo '#include "base/absent.h"' >>"$tree/src/ops/dense.c"
expect "an include of a file that is not there is refused" 'does not exist'

sound_tree
echo '#include "base/status.h"' >>"$tree/include/hourglass.h"
expect "the public header stands alone" 'hourglass\.h:2: .*stands alone'

[ $failures = 0 ] || { echo "$failures checks failed"; exit 1; }
