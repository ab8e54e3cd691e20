#!/bin/bash
# Runs a small study of every kind of model and opens the page it makes in a browser; tests/browser/check_page.py looks at it.
set -eu
command -v python3 >/dev/null || { echo "no python3 here"; exit 77; }
work=$BINARY_DIR/test_page.tmp
rm -rf "$work" && mkdir -p "$work"
trap 'rm -rf "$work"' EXIT

cat >"$work/study.yaml" <<'END'
study: page
data:
  lines: {source: lines, lines: {per_class: 30}, classes: [0, 30, 60, 90], validation: 0.1}
models:
  cnn:
    data: lines
    encoder: [{conv2d: {filters: 4, kernel_size: 3, padding: same, activation: relu}}, {max_pool2d: 4}]
    classifier: [flatten, {dense: 4}]
    loss: {classification: cross_entropy}
    train: {epochs: 3, batch_size: 32}
  denoiser:
    data: lines
    corrupt: {salt_and_pepper: 0.1}
    encoder: [{conv2d: {filters: 4, kernel_size: 3, padding: same, activation: relu}}, {max_pool2d: 2}]
    decoder: [{upsample2d: 2}, {conv2d: {filters: 3, kernel_size: 3, padding: same, activation: sigmoid}}]
    loss: {reconstruction: mse}
    train: {epochs: 2, batch_size: 32}
  bayes: {data: lines, naive_bayes: {}}
report:
  compare: [[cnn, bayes]]
END
"$HOURGLASS" run "$work/study.yaml" --out "$work/out" --quiet >/dev/null 2>"$work/log" || { cat "$work/log"; exit 1; }

python3 "$SOURCE_DIR/tests/browser/check_page.py" "$work/out/report.html"

# The figures as files: drawn where there is a browser, told where there is none, refused where it fails.
"$HOURGLASS" report "$work/out" --figures "$work/figures" >/dev/null 2>"$work/log" || { cat "$work/log"; exit 1; }
python3 "$SOURCE_DIR/tests/browser/check_figures.py" "$work/figures"

# A figure that cannot be drawn stops no other: a name that every JavaScript object has is too much for the charts that hold it.
cat >"$work/odd.yaml" <<'END'
study: odd
data: {lines: {source: lines, lines: {per_class: 30}, classes: [0, 30, 60, 90], validation: 0.1}}
models:
  constructor: {naive_bayes: {}}
  neighbours: {knn: {k: 3}}
END
"$HOURGLASS" run "$work/odd.yaml" --out "$work/odd" --quiet >/dev/null 2>"$work/log" || { cat "$work/log"; exit 1; }
code=0
python3 "$SOURCE_DIR/tests/browser/check_page.py" "$work/odd/report.html" >"$work/log" || code=$?
if [ "$code" -ne 77 ]; then
  grep -q "console: accuracy: .*not defined" "$work/log"
  if grep "undrawn" "$work/log" | grep -q "confusion-neighbours"; then cat "$work/log"; exit 1; fi
  if "$HOURGLASS" report "$work/odd" --figures "$work/odd-figures" >/dev/null 2>"$work/log"; then
    echo "figures that could not be drawn were not noticed"
    exit 1
  fi
  grep -q "could not be drawn: accuracy" "$work/log"
  ls "$work"/odd-figures/confusion-neighbours.{svg,png,pdf} >/dev/null
fi

# Nothing is left behind, neither in the end nor when it is stopped on the way.
mkdir "$work/tmp"
TMPDIR=$work/tmp "$HOURGLASS" report "$work/out" --figures "$work/figures" >/dev/null 2>"$work/log" &
program=$!
until [ -n "$(find "$work/tmp" -name 'hourglass-browser-*')" ] || ! kill -0 $program 2>/dev/null; do sleep 0.05; done
kill -INT $program
code=0
wait $program || code=$?
[ "$code" -eq 130 ] || { echo "exit code $code after SIGINT"; cat "$work/log"; exit 1; }
[ -z "$(ls -A "$work/tmp")" ] || { ls -A "$work/tmp"; exit 1; }

mkdir "$work/bin"
PATH=$work/bin "$HOURGLASS" report "$work/out" --figures "$work/bare" >/dev/null 2>"$work/log"
grep -q "need Chromium" "$work/log"
ls "$work"/bare/accuracy.vl.json "$work"/bare/accuracy.csv >/dev/null
[ -z "$(find "$work/bare" -name '*.svg')" ]
ls "$work"/bare/{reconstructions-denoiser,denoised-denoiser-0.1}.png >/dev/null
[ ! -e "$work/bare/accuracy.png" ]

printf '#!/bin/sh\nexit 1\n' >"$work/bin/chromium" && chmod +x "$work/bin/chromium"
if PATH=$work/bin:/bin TMPDIR=$work "$HOURGLASS" report "$work/out" --figures "$work/bare" >/dev/null 2>"$work/log"; then
  echo "a browser that fails was not noticed"
  exit 1
fi
grep -q "ended early" "$work/log"
[ -z "$(find "$work" -maxdepth 1 -name 'hourglass-browser-*')" ]
