#!/bin/bash
# Installs into a folder of its own, then builds and runs examples/mlp.c against that copy alone: through pkg-config with the
# shared and with the static library, and as a CMake project.
set -eu
grep -q 'HOURGLASS_\(COVERAGE\|SANITIZE\):BOOL=ON' "$BINARY_DIR/CMakeCache.txt" && exit 77 # a library of another make
work=$BINARY_DIR/test_install.tmp
rm -rf "$work" && mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
failures=0

check() { # check NAME COMMAND...
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then echo "ok: $name"; else
    echo "FAILED: $name"
    cat "$work/log"
    failures=$((failures + 1))
  fi
}

learns() { # learns PROGRAM: it tells garments apart, and its weights are there
  (cd "$work" && rm -f weights.safetensors && "$1" fashion-mnist weights.safetensors) >"$work/output" || return 1
  cat "$work/output"
  [ -s "$work/weights.safetensors" ] && awk '/^test accuracy:/ { found = $3 > 0.80 } END { exit !found }' "$work/output"
}

cmake --install "$BINARY_DIR" --prefix "$prefix" >"$work/log" || { cat "$work/log"; exit 1; }
export PKG_CONFIG_PATH LD_LIBRARY_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name hourglass.pc)")
LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name libhourglass.so)")
mkdir "$work/consumer"
cp "$SOURCE_DIR/examples/mlp.c" "$work/consumer/"

only_public_symbols() {
  # What the header declares, and nothing else, is to be had from the shared library.
  nm -D --defined-only "$LD_LIBRARY_PATH/libhourglass.so" | awk '$2 == "T" { print $3 }' | sort >"$work/exported"
  grep -Eo '\bhg_[a-z0-9_]+\(' "$prefix/include/hourglass.h" | tr -d '(' | sort -u >"$work/declared"
  diff "$work/declared" "$work/exported"
}
with_pkg_config() {
  # shellcheck disable=SC2046 # the flags are words
  cc -std=c11 -Wall -Wextra -Werror "$work/consumer/mlp.c" -o "$work/mlp" $(pkg-config --cflags --libs hourglass)
}
with_static_library() {
  local libraries
  libraries=$(pkg-config --static --libs hourglass | sed 's/-lhourglass/-l:libhourglass.a/')
  # shellcheck disable=SC2046,SC2086 # the flags are words
  cc -std=c11 "$work/consumer/mlp.c" -o "$work/mlp-static" $(pkg-config --cflags hourglass) $libraries
}
runs_alone() { LD_LIBRARY_PATH='' "$work/mlp-static" no-such-data-set 2>&1 | grep 'no-such-data-set'; }
with_cmake() {
  cat >"$work/consumer/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C)
find_package(hourglass 0.1 REQUIRED)
add_executable(mlp mlp.c)
target_link_libraries(mlp PRIVATE hourglass::hourglass)
END
  cmake -S "$work/consumer" -B "$work/cmake" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" && cmake --build "$work/cmake"
}
as_cplusplus_too() {
  command -v c++ >/dev/null || return 0
  printf '#include <hourglass.h>\nint main() { return hg_version() == nullptr; }\n' >"$work/header.cc"
  # shellcheck disable=SC2046
  c++ -Wall -Wextra -Werror "$work/header.cc" -o "$work/header" $(pkg-config --cflags --libs hourglass) && "$work/header"
}

check "the shared library exports what the header declares and nothing else" only_public_symbols
check "a program builds with pkg-config" with_pkg_config
check "and learns with the shared library" learns "$work/mlp"
check "a program builds with pkg-config and the static library" with_static_library
check "and runs without the shared one" runs_alone
check "a program builds with find_package" with_cmake
check "and learns" learns "$work/cmake/mlp"
check "the header serves C++" as_cplusplus_too
check "the installed program says its version" "$prefix/bin/hourglass" --version

[ $failures = 0 ] || { echo "$failures checks failed"; exit 1; }
