#!/bin/bash
# `hourglass data fetch` from outside, against a server on this machine: whole files come and are named, lies leave nothing behind.
set -eu
command -v python3 >/dev/null || { echo "no python3 here"; exit 77; }
real=/usr/share/datasets/fashion-mnist
[ -d "$real" ] || { echo "dataset-fashion-mnist is not installed"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/hourglass-fetch-XXXXXX")
mkdir -p "$work/served/fashion-mnist"
cp "$real"/*-ubyte* "$work/served/fashion-mnist"
for file in "$work"/served/fashion-mnist/*-ubyte; do [ ! -e "$file" ] || gzip -f "$file"; done
python3 -u -m http.server --bind 127.0.0.1 --directory "$work/served" 0 >"$work/server.log" 2>&1 &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
for _ in $(seq 100); do
  port=$(sed -n 's/.*port \([0-9]*\).*/\1/p' "$work/server.log")
  [ -z "$port" ] || break
  sleep 0.1
done
export HOURGLASS_MIRROR=http://127.0.0.1:$port/ XDG_CACHE_HOME=$work/cache
# The catalog's own mirrors stay out of it: whatever is not this machine goes to a proxy that nobody runs.
export http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 no_proxy=127.0.0.1

expect() { # expect NAME STATUS PATTERN FILE COMMAND...
  name=$1 wanted=$2 pattern=$3 file=$4
  shift 4
  status=0
  "$@" >"$work/out" 2>"$work/err" || status=$?
  if [ $status = "$wanted" ] && grep -q "$pattern" "$work/$file"; then echo "ok: $name"; else
    echo "FAILED: $name: status $status"
    cat "$work/out" "$work/err"
    exit 1
  fi
}

expect "offline nothing is fetched" 3 "nothing is fetched offline" err "$HOURGLASS" data fetch fashion-mnist --offline
expect "an unknown name is refused" 2 "there is no data set" err "$HOURGLASS" data fetch fashion
expect "a data set is fetched" 0 "$work/cache/hourglass/fashion-mnist" out "$HOURGLASS" data fetch fashion-mnist
[ "$(find "$work/cache" -name '*.gz' | wc -l)" = 4 ] || { echo "FAILED: four files"; exit 1; }
expect "a quiet fetch says nothing but where it is" 0 "$work/cache" out "$HOURGLASS" data fetch fashion-mnist --quiet
[ ! -s "$work/err" ] || { cat "$work/err"; exit 1; }

rm -rf "$work/cache"
head -c 9000 /dev/zero | gzip >"$work/served/fashion-mnist/train-labels-idx1-ubyte.gz"
status=0
timeout 120 "$HOURGLASS" data fetch fashion-mnist --quiet >"$work/out" 2>"$work/err" || status=$?
[ $status = 4 ] && grep -q "train-labels" "$work/err" || { echo "FAILED: a lie was taken, status $status"; cat "$work/err"; exit 1; }
[ ! -e "$work/cache/hourglass/fashion-mnist/train-labels-idx1-ubyte.gz" ] || { echo "FAILED: a lie was kept"; exit 1; }
echo "ok: a lying server leaves nothing behind"
