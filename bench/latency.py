"""One image at a time: median and 99th percentile of a forward pass of D and F, beside PyTorch and ONNX Runtime.

Writes build/bench-latency.json. The sides take turns; each figure is the median of five turns.
"""

import statistics
import sys

import sides

TURNS, PASSES = 5, 2000
EAGER, COMPILED = "channels_last, eager", "contiguous, compiled, frozen"


def contestants(name, threads):
    torch = sides.torch(name, 1, threads)
    ours, onnx = sides.hourglass(name, 1, threads, images=64), sides.onnx(name, 1, threads)
    return [("hourglass", ours, ""), ("torch, eager", torch, EAGER), ("torch, compiled", torch, COMPILED),
            ("onnxruntime", onnx, "session")]


def main(passes=PASSES):
    rows = sides.Rows(sides.BUILD / "bench-latency.json", "id", "threads", "side")
    for name in "DF":
        for threads in (1, 2):
            all_ = contestants(name, threads)
            took = {label: [] for label, _, _ in all_}
            for _ in range(TURNS):
                for label, side, variant in all_:
                    took[label].append(side.numbers("latency", passes, variant))
            for label, side, _ in all_:
                median, worst = (round(statistics.median(values), 1) for values in zip(*took[label]))
                row = {"id": name, "threads": threads, "side": label, "median_us": median, "p99_us": worst, "passes": int(passes)}
                rows.put(row | {"build": sides.build()})
                print(row, flush=True)
            for side in {side for _, side, _ in all_}:
                side.close()


main(*sys.argv[1:])
