#!/bin/bash
# Every whole study in docs/study-format.md runs to its end, on the first 300 images of Fashion-MNIST in place of each set of 28x28
# images and on drawn lines in place of CIFAR-10, for one epoch and one seed.
set -eu
real=/usr/share/datasets/fashion-mnist
[ -d "$real" ] || { echo "dataset-fashion-mnist is not installed"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/hourglass-manual-XXXXXX")
trap 'rm -rf "$work"' EXIT

shorten() { # shorten FILE HEADER_BYTES ITEM_BYTES: the same IDX file with its first 300 items
  {
    gunzip -c "$real/$1.gz" | head -c 4
    printf '\000\000\001\054'
    gunzip -c "$real/$1.gz" | tail -c +9 | head -c $(($2 - 8 + 300 * $3))
  } 2>/dev/null >"$work/data/mnist/$1"
}
mkdir -p "$work/data/mnist"
for part in train t10k; do
  shorten $part-images-idx3-ubyte 16 784
  shorten $part-labels-idx1-ubyte 8 1
done
cp -r "$work/data/mnist" "$work/data/fashion-mnist"
export HOURGLASS_DATA=$work/data

awk -v to="$work" '/^```yaml/ { inside = 1; block = ""; next }
  /^```/ { if (inside && block ~ /(^|\n)study:/) printf "%s", block >(to "/" ++count ".yaml"); inside = 0 }
  inside { block = block $0 "\n" }' "$SOURCE_DIR/docs/study-format.md"
lines='{source: lines, lines: {per_class: 4}, classes: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}'
found=0
for study in "$work"/[0-9]*.yaml; do
  sed -i -e 's/validation: [0-9]\{4,\}/validation: 100/' -e 's/epochs: [0-9][0-9]*/epochs: 1/' -e 's/^seeds:.*/seeds: 1/' \
    -e 's/per_class: 100/per_class: 10/' -e 's/limit: 1000\b/limit: 200/g' -e "s/: cifar10/: $lines/" "$study"
  "$HOURGLASS" run "$study" --out "$study.out" --threads 1 --quiet >"$work/out" 2>&1 || { echo "FAILED:"; cat "$study" "$work/out"; exit 1; }
  if grep -o '"status": "[a-z]*"' "$study.out/report.json" | grep -qv done; then
    echo "FAILED: not every run is done:"
    cat "$study" "$work/out"
    exit 1
  fi
  found=$((found + 1))
  echo "ok: $(sed -n 's/^study: //p' "$study")"
done
[ $found -ge 5 ] || { echo "FAILED: only $found studies were found in the manual"; exit 1; }
