#!/bin/bash
# Opens a report page in a browser, wide and narrow: every chart is drawn, no script fails, nothing is wider than the window, and
# nothing is asked of the network.
set -eu
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || { echo "no browser here"; exit 77; }
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

# The page tells what it measured to the window around it, which is of the width asked for.
{
  cat <<'END'
<script>
const failures = [];
window.addEventListener('error', e => failures.push(e.message));
window.addEventListener('unhandledrejection', e => failures.push(String(e.reason)));
</script>
END
  cat "$work/out/report.html"
  cat <<'END'
<script>
window.addEventListener('load', () => setTimeout(() => parent.postMessage({
  charts: document.querySelectorAll('svg.marks, canvas.marks, .vega-embed svg, .vega-embed canvas').length,
  fits: document.documentElement.scrollWidth <= document.documentElement.clientWidth,
  loaded: performance.getEntriesByType('resource').filter(r => !/^(data|blob):/.test(r.name)).map(r => r.name), failures}, '*'), 3000));
</script>
END
} >"$work/measured.html"

failures=0
for width in 1280 390; do
  cat >"$work/window.html" <<END
<body><p id="told">nothing</p><iframe src="measured.html" style="border: 0; width: ${width}px; height: 2000px"></iframe>
<script>window.addEventListener('message', e => { document.getElementById('told').textContent = JSON.stringify(e.data); });</script>
END
  "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$work/browser" --window-size=1400,2100 \
    --virtual-time-budget=20000 --dump-dom "file://$work/window.html" >"$work/told" 2>"$work/browser.log" || true
  told=$(sed -n 's/.*<p id="told">\([^<]*\)<.*/\1/p' "$work/told")
  check() { # check NAME PATTERN
    if echo "$told" | grep -Eq "$2"; then echo "ok: at $width pixels $1"; else
      echo "FAILED: at $width pixels $1: $told"
      tail -n 3 "$work/browser.log"
      failures=$((failures + 1))
    fi
  }
  check "charts are drawn" '"charts":[1-9]'
  check "no script fails" '"failures":\[\]'
  check "nothing is asked of the network" '"loaded":\[\]'
  check "nothing is wider than the window" '"fits":true'
done
[ $failures = 0 ] || { echo "$failures checks failed"; exit 1; }
