#!/bin/bash
# Times the seven networks beside PyTorch, alternating in one run, and writes build/bench.json.
# QUICK=1: short stretches; NO_PEER=1: hourglass alone; ONLY=DF: these networks; PYTHON=...: one that has torch.
# PyTorch comes from PyPI into bench/venv (some gigabytes: its default build brings the GPU libraries).
set -eu
cd "$(dirname "$0")/.."
options=()
[ -z "${QUICK:-}" ] || options+=(--quick)
[ -z "${NO_PEER:-}" ] || options+=(--no-peer)
[ -z "${ONLY:-}" ] || options+=(--only "$ONLY")

python=${PYTHON:-}
if [ -z "$python" ] && [ -n "${NO_PEER:-}" ]; then python=python3; fi
if [ -z "$python" ]; then
  python=bench/venv/bin/python
  if ! "$python" -c 'import torch' 2>/dev/null; then
    echo "installing torch into bench/venv" >&2
    python3 -m venv bench/venv
    bench/venv/bin/pip install --quiet --disable-pip-version-check torch numpy
  fi
fi
exec "$python" bench/run.py build/release/hourglass_bench build/bench.json ${options[@]+"${options[@]}"}
