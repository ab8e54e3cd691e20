"""Times the seven networks beside their peers and writes build/bench.json, one object a line: see bench/run.sh.

All sides run on the same processors, as many as threads, and take turns: a stretch of each, at least five times. What is
written are the medians. The peer is PyTorch in its fastest setting, found by a short trial of each; beside it stand PyTorch as
installed, our own engine over oneDNN, Keras, for inference ONNX Runtime, and where we train by Winograd's algorithm our direct
sums. A row that was measured with the same build is kept. How long a cache line takes from one processor to the other is
measured around each stretch, and where enough rounds kept to one distance they alone count.
"""

import argparse
import os
import pathlib
import time

import sides
from rounds import Rounds

CASES = [("A", 64), ("B", 100), ("C", 128), ("C", 2048), ("D", 256), ("E", 100), ("F", 64), ("F", 256), ("G", 100)]
SETTINGS = ("torch", "torch_too")  # the two fastest of PyTorch's settings take turns with the others; the faster is the peer
VARIANTS = {"as_installed": "as installed", "keras": "fit", "onnxruntime": "session"}


class Contest:
    """The sides of one network, batch and number of threads; each peer is started when first asked."""

    def __init__(self, name, batch, threads):
        self.case, self.threads, self.open = (name, batch, threads), threads, {}
        self.backend = {"train": "jax" if name in "AB" else "tensorflow", "infer": "jax"}

    def side(self, what, mode):
        what = "torch" if what in SETTINGS else what
        key = (what, self.backend[mode]) if what == "keras" else what
        if key not in self.open:
            makers = {
                "hourglass": lambda: sides.hourglass(*self.case),
                "direct": lambda: sides.hourglass(*self.case, engine="direct"),
                "onednn": lambda: sides.hourglass(*self.case, engine="onednn"),
                "torch": lambda: sides.torch(*self.case),
                "as_installed": lambda: sides.torch_as_installed(*self.case[:2]),
                "keras": lambda: sides.keras(self.backend[mode], *self.case),
                "onnxruntime": lambda: sides.onnx(*self.case),
            }
            self.open[key] = makers[what]()
        return self.open[key]

    def rate(self, what, mode, seconds, variant=""):
        return float(self.side(what, mode).ask(mode, seconds, variant))

    def close(self):
        for side in self.open.values():
            side.close()


def peers_of(mode, threads, options):
    """PyTorch always; the others where all processors are used."""
    if options.no_peer:
        return []
    if threads < len(os.sched_getaffinity(0)):
        return ["torch"]
    names = ["torch", "onednn", "as_installed"] if options.quick else ["torch", "onednn", "keras", "as_installed"]
    names += ["onnxruntime"] if mode == "infer" else []
    return [name for name in names if name not in options.without]


def trials(contest, mode, options):
    """Rates of PyTorch's settings: each is tried for a moment, twice in turn, of which the faster counts."""
    names = contest.side("torch", mode).ask("variants", mode).split(";")
    if options.quick:
        names = [name for name in names if "compiled" not in name]
    first, second = ({name: contest.rate("torch", mode, options.trial, name) for name in names} for _ in range(2))
    return {name: max(first[name], second[name]) for name in names}


def one_round(contest, mode, names, variants, options):
    """Rates of all sides, and the transfer before and after each."""
    ours = contest.side("hourglass", mode)
    rates, transfers = {}, [float(ours.ask("transfer"))]
    for name in names:
        rates[name] = contest.rate(name, mode, options.seconds, variants.get(name, ""))
        transfers.append(float(ours.ask("transfer")))
    return rates, transfers


def fastest_settings(contest, mode, options):
    """The two that take turns."""
    tried = trials(contest, mode, options)
    return dict(zip(SETTINGS, sorted(tried, key=tried.get, reverse=True)))


def faster_setting(rate, variants):
    """Leaves one of the two settings of PyTorch in both."""
    if rate.get("torch_too", 0) > rate.get("torch", 0):
        rate["torch"], variants["torch"] = rate["torch_too"], variants["torch_too"]
    rate.pop("torch_too", None)


def contend(contest, side, mode, names, variants, options):
    """Median rates by side, the faster of PyTorch's settings in place of both; the peak; the rounds."""
    peak = float(side.ask("peak", 0.3))
    rounds = Rounds(lambda: one_round(contest, mode, names, variants, options), options.stretches, options.most)
    peak = max(peak, float(side.ask("peak", 0.3)))
    rate = {name: rounds.median(name) for name in names}
    faster_setting(rate, variants)
    return rate, peak, rounds


def measure(contest, mode, options):
    name, batch, threads = contest.case
    ours = contest.side("hourglass", mode)
    parameters, forward, training, done_forward, done_training = map(int, ours.ask("info").split())
    work, done_work = (training, done_training) if mode == "train" else (forward, done_forward)
    peers, variants = peers_of(mode, threads, options), dict(VARIANTS)
    if "torch" in peers:
        variants |= fastest_settings(contest, mode, options)
        their_parameters = int(contest.side("torch", mode).ask("parameters", variants["torch"]))
        assert their_parameters == parameters, f"{name}: {their_parameters} parameters in torch, {parameters} here"
    names = ["hourglass", *(name for name in SETTINGS if name in variants), *(name for name in peers if name != "torch")]
    if mode == "train" and done_work < work:
        names.append("direct")
    rate, peak, rounds = contend(contest, ours, mode, names, variants, options)
    flops = 2 * rate["hourglass"] * work
    row = {"id": name, "mode": mode, "batch": batch, "threads": threads, "hourglass": round(rate["hourglass"], 1)}
    if "torch" in peers:
        row["peer"] = f"{contest.side('torch', mode).ask('version')}, {variants['torch']}"
        row |= {"peer_rate": round(rate["torch"], 1), "ratio": round(rate["hourglass"] / rate["torch"], 2)}
    row |= {"gflops": round(flops / 1e9, 1), "percent_of_peak": round(100 * flops / peak, 1), "peak_gflops": round(peak / 1e9, 1)}
    if done_work < work:  # by Winograd's algorithm: what the processor really did
        done_flops = flops * done_work / work
        row |= {"gflops_done": round(done_flops / 1e9, 1), "percent_done": round(100 * done_flops / peak, 1)}
    if "direct" in names:
        row |= {"direct_rate": round(rate["direct"], 1), "ratio_direct": round(rate["hourglass"] / rate["direct"], 2)}
        row |= {"percent_direct": round(200 * rate["direct"] * work / peak, 1)}
    for side in peers:
        if side != "torch":
            row |= {f"{side}_rate": round(rate[side], 1), f"ratio_{side}": round(rate["hourglass"] / rate[side], 2)}
    if "keras" in peers:
        row["keras"] = contest.side("keras", mode).ask("version")
    return row | rounds.described() | {"parameters": parameters, "multiply_adds": work, "seconds": options.seconds, "beside": peers}


def is_whole(row, mode, threads, options):
    """Whether this build has measured it for as long and beside as many as is asked now."""
    if row is None or row.get("build") != sides.build():
        return False
    return row.get("seconds", 0) >= options.seconds and set(peers_of(mode, threads, options)) <= set(row.get("beside", []))


def warm(contest, mode, options):
    """Compiles what PyTorch will be asked for, so that the measured run only loads it."""
    started = time.perf_counter()
    rates = trials(contest, mode, options)
    shown = ", ".join(f"{name} {rate:.0f}" for name, rate in rates.items())
    print(*contest.case, mode, f"{time.perf_counter() - started:.0f} s:", shown, flush=True)


def print_row(row):
    ratios = [row.get(f"ratio{name}", "") for name in ("", "_as_installed", "_onednn", "_keras", "_onnxruntime", "_direct")]
    shown = " ".join(f"{ratio:>9}" for ratio in ratios)
    print(f"{row['id']}  {row['mode']:<5} {row['batch']:>5} {row['threads']:>7} {row['hourglass']:>10.0f} {shown} {row['gflops']:>7.1f} "
          f"{row['percent_of_peak']:>5.1f} %  {row.get('peer', '')}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, default=sides.BUILD / "bench.json")
    parser.add_argument("--quick", action="store_true", help="short stretches, nothing compiled, no Keras")
    parser.add_argument("--no-peer", action="store_true", help="hourglass alone")
    parser.add_argument("--warm", action="store_true", help="only compile and try PyTorch's settings")
    parser.add_argument("--fresh", action="store_true", help="measure again what this build has measured")
    parser.add_argument("--only", default="ABCDEFG", help="letters of the networks")
    parser.add_argument("--threads", type=int, nargs="*", default=[2, 1])
    parser.add_argument("--modes", nargs="*", default=["train", "infer"])
    parser.add_argument("--without", nargs="*", default=[], help="peers to leave out: onednn, keras, as_installed, onnxruntime")
    parser.add_argument("--most", type=int, default=10, help="rounds at most, where the processors' distance changes")
    options = parser.parse_args()
    options.seconds, options.trial, options.stretches = (0.2, 0.1, 3) if options.quick else (1.0, 0.3, 5)
    available = len(os.sched_getaffinity(0))
    rows = sides.Rows(options.output, "id", "mode", "batch", "threads")
    if not options.warm:
        print(f"{'':37}{'PyTorch':>9} {'installed':>9} {'oneDNN':>9} {'Keras':>9} {'ONNX':>9} {'direct':>9}")
    for name, batch in CASES:
        for threads in [count for count in options.threads if count <= available and name in options.only]:
            contest = Contest(name, batch, threads)
            for mode in options.modes:
                row = rows.find({"id": name, "mode": mode, "batch": batch, "threads": threads})
                if options.warm:
                    warm(contest, mode, options)
                    continue
                if options.fresh or not is_whole(row, mode, threads, options):
                    row = measure(contest, mode, options)
                    rows.put(row)
                print_row(row)
            contest.close()
    print(f"written: {options.output}")


if __name__ == "__main__":
    main()
