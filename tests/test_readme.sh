#!/bin/bash
# The README's study is sound, and docs/results.md says what the committed reports say.
set -eu
study=$(mktemp "${TMPDIR:-/tmp}/hourglass-readme-XXXXXX.yaml")
trap 'rm -f "$study"' EXIT
awk '/^```yaml/ { inside = 1; next } /^```/ { inside = 0 } inside' "$SOURCE_DIR/README.md" >"$study"
"$HOURGLASS" check "$study"
if command -v python3 >/dev/null; then python3 "$SOURCE_DIR/tools/results" --check && python3 "$SOURCE_DIR/tools/performance" --check; fi
