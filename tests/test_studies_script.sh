#!/bin/bash
# tools/studies: what is done is kept at once, an interruption is told, the same command goes on from there, and ends with the bits of
# a training that nothing interrupted.
set -eu
command -v python3 >/dev/null || { echo "no python3 here"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/hourglass-script-XXXXXX")
trap 'rm -rf "$work"' EXIT
export HOURGLASS JOBS=1 XDG_CACHE_HOME=$work/cache
mkdir -p "$work"/{tools,studies,docs}
cp "$SOURCE_DIR"/tools/{studies,results,figures.py,evidence.py,targets.py} "$work/tools/"
cd "$work"

write_study() { # write_study NAME MODEL
  echo "study: $1
data: {lines: {source: lines, lines: {per_class: 40}, classes: [0, 1, 2, 3], validation: 8}}
models:
  $2" >"studies/$1.yaml"
}
write_study short 'bayes: {naive_bayes: {}}'
write_study long 'net: {encoder: [flatten, {dense: 64}], classifier: [{dense: 4}], loss: {classification: cross_entropy},
    train: {batch_size: 4, epochs: 150}}'

is_in() { # is_in WORDS FILE
  grep -qF -- "$1" "$2" || { echo "FAILED: \`$1\` is not in $2:"; cat "$2"; exit 1; }
}
weights_of() { # weights_of REPORT
  python3 -c 'import json, sys; print(*(run["weights_sha256"] for run in json.load(open(sys.argv[1]))["runs"]))' "$1"
}

tools/studies short long >said 2>&1 &
running=$!
for _ in $(seq 600); do
  ! grep -q 'epoch 2/' runs/long.log 2>/dev/null || break
  sleep 0.05
done
is_in 'epoch 2/' runs/long.log
[ -e results/short.json ] || { echo "FAILED: what was done is not kept"; exit 1; }
kill -TERM $running
code=0
wait $running || code=$?
[ $code = 130 ] || { echo "FAILED: ended with $code, not 130:"; cat said; exit 1; }
is_in 'short: done, runs/short/report.html' said
is_in 'long: interrupted; the same command goes on from here' said
[ ! -e results/long.json ] || { echo "FAILED: a report of what is not done is kept"; exit 1; }

tools/studies short long >said 2>&1 || { echo "FAILED: it does not go on:"; cat said runs/long.log; exit 1; }
is_in 'long: done' said
is_in "goes on" runs/long.log
is_in '## long' docs/results.md
"$HOURGLASS" run studies/long.yaml --out whole >whole.log 2>&1
[ "$(weights_of results/long.json)" = "$(weights_of whole/report.json)" ] || { echo "FAILED: other weights"; exit 1; }
