"""Training by `engine: winograd` beside the direct sums and PyTorch: build/bench-winograd.json.

The three take turns as in run.py. GFLOP/s and percent of peak count the multiply-adds of the direct algorithm; "done" counts those
that Winograd's really does, transforms included, each gradient like the forward pass.
"""

import argparse

import run
import sides

CASES = [("C", 128), ("C", 2048), ("D", 256), ("F", 64), ("F", 256), ("G", 100)]  # the others have no 3x3 convolutions


def measure(name, batch, threads, options):
    contest = run.Contest(name, batch, threads)
    ours = contest.side("winograd", "train")
    _, _, training, _, done = map(int, ours.ask("info").split())
    variants = run.fastest_settings(contest, "train", options)
    names = ["winograd", "hourglass", *variants]
    rate, peak, *_ = run.contend(contest, ours, "train", names, variants, options)
    peer = f"{contest.side('torch', 'train').ask('version')}, {variants['torch']}"
    contest.close()
    flops = 2 * rate["winograd"]
    return {"network": name, "batch": batch, "threads": threads, "images/s": round(rate["winograd"]),
            "GFLOP/s": round(flops * training / 1e9, 1), "% of peak": round(100 * flops * training / peak, 1),
            "% done": round(100 * flops * done / peak, 1), "direct sums, images/s": round(rate["hourglass"]),
            "over the direct sums": round(rate["winograd"] / rate["hourglass"], 2), "PyTorch's best setting": peer,
            "PyTorch": round(rate["torch"]), "over PyTorch": round(rate["winograd"] / rate["torch"], 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="CDFG", help="letters of the networks")
    parser.add_argument("--threads", type=int, nargs="*", default=[2, 1])
    parser.add_argument("--most", type=int, default=10, help="rounds at most, where the processors' distance changes")
    options = parser.parse_args()
    options.seconds, options.trial, options.stretches, options.quick = 1.0, 0.3, 5, False
    rows = sides.Rows(sides.BUILD / "bench-winograd.json", "network", "batch", "threads")
    for name, batch in CASES:
        for threads in options.threads if name in options.only else []:
            row = measure(name, batch, threads, options)
            rows.put(row)
            print(", ".join(f"{what} {value}" for what, value in row.items()), flush=True)


if __name__ == "__main__":
    main()
