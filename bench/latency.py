"""One image at a time: median and 99th percentile of a forward pass of D and F, beside PyTorch and ONNX Runtime.

Writes build/bench-latency.json. The sides take turns; each figure is the median of at least five turns. Of PyTorch's settings the
fastest eager and the fastest compiled one are written.
"""

import statistics
import sys

import sides
from rounds import Rounds

FEWEST, MOST, PASSES = 5, 10, 2000


def contestants(name, threads):
    """By name: the side, and its setting."""
    torch = sides.torch(name, 1, threads)
    found = {"hourglass": (sides.hourglass(name, 1, threads, images=64), "")}
    for setting in torch.ask("variants", "infer").split(";"):
        found[f"torch, {setting}"] = (torch, setting)
    return found | {"onnxruntime": (sides.onnx(name, 1, threads), "session")}


def one_round(found, passes):
    """(median, 99th percentile) by name; the transfer between the sides, 0 on one thread."""
    ours = found["hourglass"][0]
    took, transfers = {}, [float(ours.ask("transfer"))]
    for name, (side, setting) in found.items():
        took[name] = side.numbers("latency", passes, setting)
        transfers.append(float(ours.ask("transfer")))
    return took, transfers


def kind(name):
    return name if not name.startswith("torch") else "torch, compiled" if "compiled" in name else "torch, eager"


def fastest(rounds, found):
    """One name of each kind."""
    kinds = dict.fromkeys(map(kind, found))
    return [min((name for name in found if kind(name) == each), key=lambda name: middle(rounds, name)[0]) for each in kinds]


def middle(rounds, name):
    return [round(statistics.median(values), 1) for values in zip(*rounds.values(name))]


def main(passes=PASSES):
    rows = sides.Rows(sides.BUILD / "bench-latency.json", "id", "threads", "kind")
    for name in "DF":
        for threads in (1, 2):
            found = contestants(name, threads)
            rounds = Rounds(lambda: one_round(found, passes), FEWEST, MOST)
            for label in fastest(rounds, found):
                median, worst = middle(rounds, label)
                row = {"id": name, "threads": threads, "kind": kind(label), "side": label, "median_us": median, "p99_us": worst, "passes": int(passes)}
                rows.put(row | rounds.described())
                print(row, flush=True)
            for side in {side for side, _ in found.values()}:
                side.close()


main(*sys.argv[1:])
