"""How long the program takes to start, and how much longer a run of one epoch takes than its training: build/bench-startup.json."""

import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import sides

PROGRAM = str(sides.BUILD / "release" / "hourglass")
STUDY = """study: startup
data: {garments: {source: fashion-mnist, validation: 6000}}
models:
  mlp:
    data: garments
    classifier: [flatten, {dense: {units: 64, activation: relu}}, {dense: 10}]
    loss: {classification: cross_entropy}
    train: {batch_size: 256, epochs: 1}
"""


def seconds_of(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def one_run(folder):
    study = pathlib.Path(folder) / "startup.yaml"
    study.write_text(STUDY)
    out = pathlib.Path(folder) / "out"
    whole = seconds_of([PROGRAM, "run", str(study), "--out", str(out)])
    run = json.loads((out / "report.json").read_text())["runs"][0]
    return whole, run["seconds"]


def main():
    rows = sides.Rows(sides.BUILD / "bench-startup.json", "what", program=PROGRAM)
    version = [seconds_of([PROGRAM, "--version"]) for _ in range(50)]
    rows.put({"what": "hourglass --version", "ms": round(1e3 * statistics.median(version), 2), "target_ms": 10})
    runs = []
    for _ in range(20):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(one_run(folder))
    whole, training = (statistics.median(values) for values in zip(*runs))
    beside = [1e3 * (a - b) for a, b in runs]
    rows.put({"what": "a run of one epoch, beside its training", "ms": round(statistics.median(beside), 1),
              "target_ms": 100, "least_ms": round(min(beside), 1), "most_ms": round(max(beside), 1),
              "whole_ms": round(1e3 * whole, 1), "training_ms": round(1e3 * training, 1)})
    print(*rows.rows, sep="\n")


main()
