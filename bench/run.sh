#!/bin/bash
# Runs a script of this folder with a Python that has the peers: usage: bench/run.sh SCRIPT [ARGUMENTS]
# PYTHON=... names one that has them; else they come from PyPI into bench/venv (some gigabytes). NO_PEER=1 needs none of them.
set -eu
cd "$(dirname "$0")/.."
script=$1
shift
python=${PYTHON:-}
if [ -z "$python" ] && [ -n "${NO_PEER:-}" ]; then python=python3; fi
if [ -z "$python" ]; then
  python=bench/venv/bin/python
  if ! "$python" -c 'import importlib.util as u; assert all(map(u.find_spec, """
      torch keras tensorflow jax onnx onnxscript onnxruntime numpy sklearn openTSNE PIL""".split()))' 2>/dev/null; then
    echo "installing the peers into bench/venv" >&2
    python3 -m venv bench/venv
    bench/venv/bin/pip install --quiet --disable-pip-version-check --requirement bench/requirements.txt
  fi
fi
options=()
if [ "$script" = run.py ]; then
  [ -z "${QUICK:-}" ] || options+=(--quick)
  [ -z "${NO_PEER:-}" ] || options+=(--no-peer)
  [ -z "${ONLY:-}" ] || options+=(--only "$ONLY")
  [ -z "${FRESH:-}" ] || options+=(--fresh)
fi
exec "$python" "bench/$script" ${options[@]+"${options[@]}"} "$@"
