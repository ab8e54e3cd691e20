#!/bin/sh
# Keeps the rule of the arrows: an include points down, or sideways inside its own room; no two files include each other.
# usage: tests/check_layers.sh SRC INCLUDE
# Prints every offending line as file:line: reason and exits 1; 0 when there is none.
set -eu
[ $# = 2 ] && [ -d "$1" ] && [ -d "$2" ] || { echo "usage: $0 SRC INCLUDE" >&2; exit 2; }

# A file on its own line, so that one without includes is known too.
{
  find "$1" "$2" -type f \( -name '*.c' -o -name '*.h' \) | sort
  find "$1" "$2" -type f \( -name '*.c' -o -name '*.h' \) -exec grep -Hn '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' {} + | sort || true
} | awk -v src="$1/" -v public="$2/" '
function complain(where, reason) { print where ": " reason; bad = 1 }
function base_name(path) { return index(path, src) == 1 ? substr(path, length(src) + 1) : substr(path, length(public) + 1) }
function room_of(file) { return file ~ /\// ? substr(file, 1, index(file, "/") - 1) : "" }

# Depth first over the includes of one file; a file met again while it is still open closes a cycle.
function visit(file, trail,   count, names, i) {
  if (state[file] == "done") return
  if (state[file] == "open") { complain(src file, "includes itself by way of" trail); return }
  state[file] = "open"
  count = split(includes[file], names, " ")
  for (i = 1; i <= count; i++) visit(names[i], trail " " names[i])
  state[file] = "done"
}

BEGIN {
  # The floors, from the ground; kernels/ stands on base/.
  levels = split("base|kernels|ops data eval store|net report|learn|study|cli", floors, "|")
  for (level = 1; level <= levels; level++) {
    count = split(floors[level], rooms, " ")
    for (i = 1; i <= count; i++) floor[rooms[i]] = level
  }
}

!/:[0-9]+:/ {
  file = base_name($0)
  known[file] = 1
  if (index($0, src) == 1 && !(room_of(file) in floor)) complain($0, "stands in no known room")
  next
}

{
  match($0, /:[0-9]+:/)
  path = substr($0, 1, RSTART - 1)
  where = substr($0, 1, RSTART + RLENGTH - 2)
  split($0, quoted, "\"")
  target = quoted[2]
  file = base_name(path)
  if (target == "hourglass.h") { if (index(path, public) == 1) complain(where, "the public header includes itself"); next }
  from = room_of(file)
  to = room_of(target)
  if (index(path, public) == 1) complain(where, "the public header includes \"" target "\"; it stands alone")
  else if (to == "") complain(where, "\"" target "\" names no room; write \"room/file.h\"")
  else if (!(to in floor)) complain(where, "\"" target "\" is in no known room")
  else if (!(target in known)) complain(where, "\"" target "\" does not exist")
  else if (target !~ /\.h$/) complain(where, "\"" target "\" is not a header")
  else if (from in floor && floor[to] > floor[from]) complain(where, from "/ includes \"" target "\" from a floor above")
  else if (from in floor && floor[to] == floor[from] && from != to) complain(where, from "/ includes \"" target "\" from another room of its floor")
  includes[file] = includes[file] " " target
}

END {
  for (file in known) visit(file, "")
  exit bad
}'
